package objects

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errStop ends a walk that nobody wants to go on with.
var errStop = errors.New("stop")

func listFiles(p Pattern) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		root := p.root
		if root == "" {
			root = "."
		}
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			path = filepath.ToSlash(path)
			switch {
			case err != nil && path == root && errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case path == root:
				return nil
			case hidden(p, entry.Name(), path), entry.IsDir() && !p.deep && strings.Count(path, "/") >= p.slash:
				return skip(entry)
			case entry.IsDir() || !p.Match(path):
				return nil
			}
			// A link to a file is as good as the file.
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if info.Mode().IsRegular() && !yield(Object{Path: path, Name: p.name(path), Size: info.Size()}, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Object{}, fmt.Errorf("cannot list %q: %w", p.text, err))
		}
	}
}

// hidden reports whether a file or directory is hidden and was not asked for by name.
// Files that are being written are.
func hidden(p Pattern, base, path string) bool {
	return strings.HasPrefix(base, ".") && !strings.HasPrefix(p.prefix, path)
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func openFile(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, bare(err))
	}
	return f, nil
}

// bare takes off what the os package puts before an error: the message has the name
// already.
func bare(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// fileWriter writes a file beside the one it is to become. Two attempts at the same
// object have files of their own, and the last one to be committed stays.
type fileWriter struct {
	path string
	file *os.File
	done bool
}

func (w *fileWriter) Write(data []byte) (int, error) {
	if err := w.open(); err != nil {
		return 0, err
	}
	n, err := w.file.Write(data)
	return n, w.named(err)
}

func (w *fileWriter) open() (err error) {
	if w.file != nil {
		return nil
	}
	dir, base := filepath.Split(w.path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return w.named(err)
	}
	for range 100 {
		temp := filepath.Join(dir, "."+base+"."+strconv.FormatUint(rand.Uint64(), 36))
		w.file, err = os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		w.file = nil
	}
	return w.named(err)
}

func (w *fileWriter) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %q: %w", w.path, bare(err))
}

// Commit implements Writer.
func (w *fileWriter) Commit() error {
	if err := w.open(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return w.named(err)
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return w.named(err)
	}
	w.done = true
	return nil
}

// Discard implements Writer.
func (w *fileWriter) Discard() {
	if w.file == nil || w.done {
		return
	}
	w.done = true
	// The file may be closed already, and what cannot be removed is hidden.
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}
