package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// input is one file to read, or the standard input.
type input struct {
	name string // as given, or "stdin"
	std  bool
	info fs.FileInfo // nil where it is not known
}

// inputs finds the files that the arguments name, in their order: "-" is the
// standard input, and a pattern that the shell has left alone is expanded. No
// argument means the standard input.
func (u *ui) inputs(args []string) ([]input, error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	var all []input
	for _, arg := range args {
		if arg == "-" {
			all = append(all, u.standardInput())
			continue
		}
		names, err := expand(arg)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			in, err := fileInput(name)
			if err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	return all, nil
}

func (u *ui) standardInput() input {
	in := input{name: "stdin", std: true}
	if f, ok := u.stdin.(*os.File); ok {
		in.info, _ = f.Stat()
	}
	return in
}

// expand answers the files a pattern stands for, or the name itself where it is
// none.
func expand(arg string) ([]string, error) {
	if _, err := os.Lstat(arg); err == nil || !strings.ContainsAny(arg, "*?[") {
		return []string{arg}, nil
	}
	names, err := filepath.Glob(arg)
	if err != nil {
		return nil, fmt.Errorf("bad pattern %q: %w", arg, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no file matches %q", arg)
	}
	return names, nil
}

func fileInput(name string) (input, error) {
	info, err := os.Stat(name)
	if err != nil {
		return input{}, fmt.Errorf("cannot read %q: %w", name, bare(err))
	}
	if info.IsDir() {
		return input{}, hinted(fmt.Errorf("cannot read %q: it is a directory", name),
			"name the files in it: %s", filepath.Join(name, "*.ndjson"))
	}
	return input{name: name, info: info}, nil
}

// bare takes off what the os package puts before an error: the message has the
// name already.
func bare(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// open gives the text of the input, decompressed where it is gzip. read counts
// the bytes as they stand in the file. Where a read may wait for ever, as on a
// pipe, the end of ctx ends it.
func (in input) open(ctx context.Context, u *ui, read *atomic.Int64) (io.ReadCloser, error) {
	src, shut := u.stdin, func() error { return nil }
	if !in.std {
		f, err := os.Open(in.name)
		if err != nil {
			return nil, fmt.Errorf("cannot read %q: %w", in.name, bare(err))
		}
		src, shut = f, f.Close
	}
	if in.info == nil || !in.info.Mode().IsRegular() {
		src = &waitingReader{ctx: ctx, r: src, done: make(chan readResult, 1)}
	}
	buffered := bufio.NewReaderSize(&countingReader{src, read}, 64<<10)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return opened{buffered, in.name, shut}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read %q: %w", in.name, err), shut())
	}
	return opened{unzipped, in.name, shut}, nil
}

// opened is an open input. Its errors name the file.
type opened struct {
	r    io.Reader
	name string
	shut func() error
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", o.name, bare(err))
	}
	return n, err
}

func (o opened) Close() error { return o.shut() }

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// waitingReader gives up waiting when its context ends. A read that is under way
// then is left behind with the buffer it reads into.
type waitingReader struct {
	ctx  context.Context
	r    io.Reader
	buf  [64 << 10]byte
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func (w *waitingReader) Read(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	buf := w.buf[:min(len(p), len(w.buf))]
	go func() {
		n, err := w.r.Read(buf)
		w.done <- readResult{n, err}
	}()
	select {
	case got := <-w.done:
		return copy(p, buf[:got.n]), got.err
	case <-w.ctx.Done():
		return 0, context.Cause(w.ctx)
	}
}
