package golden

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// update writes what the rules give to NAME.udm.json, unless it says so already.
func (c *caseRun) update() error {
	got := c.outcomes()
	text := indented(got)
	file := c.of.Full
	if file == "" {
		file = strings.TrimSuffix(c.of.Input, inputSuffix) + fullSuffix
	}
	old, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.result.Change = Created
	case err != nil:
		return err
	case bytes.Equal(old, text):
		return nil
	default:
		c.result.Change, c.result.Changed = c.changed(got)
	}
	return replaceFile(file, text)
}

// changed says what an update changes. An expectation that cannot be read is
// replaced like any other.
func (c *caseRun) changed(got []outcome) (Change, []string) {
	want, err := readFull(c.of.Full)
	if err != nil {
		return Updated, []string{"all of it: it could not be read"}
	}
	pairs := align(want, got)
	if len(pairs) == 0 {
		return Formatted, nil
	}
	var paths []string
	add := func(path string) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	for _, p := range pairs {
		switch {
		case p.got == nil:
			add(p.want.kind() + " removed")
		case p.want == nil:
			add(p.got.kind() + " added")
		case p.want.reject != nil || p.got.reject != nil:
			add(p.want.kind() + " -> " + p.got.kind())
		default:
			for _, d := range diffEvents(p.want.leaves, p.got.leaves) {
				add(d.path)
			}
		}
	}
	return Updated, paths
}

// kind names an outcome in a list of changes.
func (o *outcome) kind() string {
	if o.reject == nil {
		return "event"
	}
	return "reject " + o.reject.Error
}

// replaceFile puts a file in the place of another in one step, so that an update
// that is cut off leaves each file whole.
func replaceFile(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
