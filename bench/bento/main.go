// Command bento maps ASA records with Bento's Bloblang, for bench to compare
// with. It is a module of its own, so that Bento is no dependency of asa2udm.
//
//	bento executor IN OUT   # the mapping alone, line by line
//	bento stream IN OUT     # a stream of file, mapping and file
package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/warpstreamlabs/bento/public/bloblang"
	_ "github.com/warpstreamlabs/bento/public/components/io"
	_ "github.com/warpstreamlabs/bento/public/components/pure"
	"github.com/warpstreamlabs/bento/public/service"
)

//go:embed asa.blobl
var mapping string

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bento:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "executor" {
		return executor(args[1], args[2])
	}
	if len(args) == 3 && args[0] == "stream" {
		return stream(args[1], args[2])
	}
	return fmt.Errorf("want executor or stream, an input and an output, got %q", args)
}

// executor maps line by line with nothing around the mapping.
func executor(in, out string) (err error) {
	exe, err := bloblang.Parse(mapping)
	if err != nil {
		return fmt.Errorf("mapping: %w", err)
	}
	r, err := os.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 256<<10)
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return err
		}
		if err := mapLine(w, exe, bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
}

func mapLine(w *bufio.Writer, exe *bloblang.Executor, line []byte) error {
	event, err := service.NewMessage(line).BloblangQuery(exe)
	if err != nil {
		return err
	}
	b, err := event.AsBytes()
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.WriteByte('\n')
}

// stream runs a Bento stream with one thread for the mapping.
func stream(in, out string) error {
	b := service.NewStreamBuilder()
	err := b.SetYAML(fmt.Sprintf(`
http: {enabled: false}
logger: {level: ERROR}
input:
  file:
    paths: [%q]
    scanner: {lines: {}}
pipeline:
  threads: 1
  processors:
    - mapping: |
        %s
output:
  file: {path: %q, codec: lines}
`, in, strings.ReplaceAll(mapping, "\n", "\n        "), out))
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	s, err := b.Build()
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return s.Run(context.Background())
}
