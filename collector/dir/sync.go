package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// writeTemp answers the path of a synced file that holds data.
func (b *Bucket) writeTemp(data []byte) (path string, err error) {
	step("create")
	f, err := os.CreateTemp(filepath.Join(b.root, tmpName), "object-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	step("created")
	if err := write(f, data); err != nil {
		return "", errors.Join(err, f.Close())
	}
	return f.Name(), f.Close()
}

func write(f *os.File, data []byte) error {
	// Two halves, so that a kill between them leaves half an object behind.
	half := len(data) / 2
	for _, part := range [][]byte{data[:half], data[half:]} {
		if _, err := f.Write(part); err != nil {
			return err
		}
		step("written")
	}
	// Whoever may enter the directory may read what it holds.
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	err := f.Sync()
	step("synced")
	return err
}

// mkdir makes a directory and its parents, and syncs each parent in which it
// has made one.
func (b *Bucket) mkdir(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory", path)
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := b.mkdir(parent); err != nil {
			return err
		}
	}
	step("mkdir")
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	step("mkdired")
	return syncDir(parent)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	step("syncdir")
	err = errors.Join(d.Sync(), d.Close())
	step("syncdired")
	return err
}

// sweep removes temporary files older than limit. Younger ones may belong to a
// process that is at work.
func (b *Bucket) sweep(limit time.Time) error {
	entries, err := os.ReadDir(filepath.Join(b.root, tmpName))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.ModTime().After(limit) || e.Name() == lockName {
			continue
		}
		if err := os.Remove(filepath.Join(b.root, tmpName, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

const (
	lockName = "lock"
	lockWait = 30 * time.Second
)

// lock takes the one lock of the directory, which is held for no longer than a
// swap lasts.
func (b *Bucket) lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(b.root, tmpName, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		held, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if held {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, context.Cause(ctx)), f.Close())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
