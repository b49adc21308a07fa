package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// output is a file that a command writes whole lines to. It is opened at the
// first write. A name that ends in .gz is written as gzip.
//
// A whole output takes its name only in commit: until then its data stand in a
// file beside it, so that a run that fails leaves what was there before. Devices
// and pipes cannot work like that and are written as they are.
type output struct {
	name  string
	whole bool

	path string // the file that name leads to
	temp string // where the data are until commit; "" for path itself
	file *os.File
	gz   *gzip.Writer
	w    io.Writer
}

// newOutput checks that name can be written and opens nothing yet.
func newOutput(name string, whole bool) (*output, error) {
	o := &output{name: name, whole: whole, path: name}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		o.path = real
	}
	switch info, err := os.Stat(o.path); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("cannot write %q: it is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		o.whole = false
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(o.path)
		if info, err := os.Stat(dir); err != nil {
			return nil, hinted(fmt.Errorf("cannot write %q: %w", name, bare(err)), "make the directory first: mkdir -p %s", dir)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("cannot write %q: %q is no directory", name, dir)
		}
	}
	return o, nil
}

// Write writes whole lines.
func (o *output) Write(p []byte) (int, error) {
	if err := o.open(); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	return n, o.named(err)
}

func (o *output) open() error {
	if o.file != nil {
		return nil
	}
	if err := o.create(); err != nil {
		return fmt.Errorf("cannot write %q: %w", o.name, bare(err))
	}
	o.w = wholeLines{o.file}
	if strings.HasSuffix(o.name, ".gz") {
		o.gz = gzip.NewWriter(o.file)
		o.w = o.gz
	}
	return nil
}

func (o *output) create() (err error) {
	if !o.whole {
		o.file, err = os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		return err
	}
	dir, base := filepath.Split(o.path)
	for range 100 {
		o.temp = filepath.Join(dir, "."+base+"."+strconv.FormatUint(rand.Uint64(), 36))
		o.file, err = os.OpenFile(o.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if info, statErr := os.Stat(o.path); err == nil && statErr == nil {
		return o.file.Chmod(info.Mode().Perm())
	}
	return err
}

// named makes an error speak of the file the user knows.
func (o *output) named(err error) error {
	if err == nil || stdoutClosed(err) {
		return err
	}
	return fmt.Errorf("%s: %w", o.name, bare(err))
}

// commit ends the output. The file is there afterwards, empty if nothing was
// written.
func (o *output) commit() error {
	if err := o.open(); err != nil {
		return err
	}
	if err := o.close(); err != nil {
		return errors.Join(err, o.remove())
	}
	if o.temp != "" {
		return o.named(os.Rename(o.temp, o.path))
	}
	return nil
}

func (o *output) close() error {
	var err error
	if o.gz != nil {
		err = o.gz.Close()
	}
	return o.named(errors.Join(err, o.file.Close()))
}

// discard ends the output of a run that failed. A whole output leaves nothing
// behind.
func (o *output) discard() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.close(), o.remove())
}

func (o *output) remove() error {
	if o.temp == "" {
		return nil
	}
	return o.named(os.Remove(o.temp))
}

// keep ends the output of a run that was stopped. What a whole output has so far
// goes to the file it answers, which is "" where there is nothing to say.
func (o *output) keep() (string, error) {
	if o.file == nil {
		return "", nil
	}
	err := o.close()
	if o.temp == "" || err != nil {
		return "", errors.Join(err, o.remove())
	}
	kept := o.path + ".partial"
	return kept, o.named(os.Rename(o.temp, kept))
}

// sameFile reports whether the output would go to the file that info describes.
func (o *output) sameFile(info fs.FileInfo) bool {
	mine, err := os.Stat(o.path)
	return err == nil && info != nil && mine.Mode().IsRegular() && os.SameFile(mine, info)
}

// wholeLines takes back the beginning of a line that a full disk has cut off.
type wholeLines struct{ f *os.File }

func (w wholeLines) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err == nil {
		return n, nil
	}
	cut := n - (bytes.LastIndexByte(p[:n], '\n') + 1)
	if info, statErr := w.f.Stat(); cut > 0 && statErr == nil && info.Mode().IsRegular() {
		if end, seekErr := w.f.Seek(0, io.SeekCurrent); seekErr == nil {
			err = errors.Join(err, w.f.Truncate(end-int64(cut)))
		}
	}
	return n, err
}
