// Package dir keeps a collector's objects in a directory.
//
// An object is written to a temporary file, synced, and then linked under its
// name, so that a reader sees the whole of it or nothing; the directory is synced
// last. Temporary files lie in .tmp below the root, where no reader looks.
package dir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Bucket is a directory. Several processes may use one at a time.
type Bucket struct{ root string }

var _ collector.Bucket = (*Bucket)(nil)

const tmpName = ".tmp"

// Open makes the directory if it does not exist. It clears away temporary files
// that a crashed process left more than a day ago.
func Open(root string) (*Bucket, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	b := &Bucket{root: root}
	if err := b.mkdir(root); err != nil {
		return nil, err
	}
	if err := b.mkdir(filepath.Join(root, tmpName)); err != nil {
		return nil, err
	}
	return b, b.sweep(time.Now().Add(-24 * time.Hour))
}

// OpenExisting opens a directory to read it, and makes nothing.
func OpenExisting(root string) (*Bucket, error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	return OpenToRead(root)
}

// OpenToRead opens a directory to read it, and makes nothing. One that is not there
// is empty.
func OpenToRead(root string) (*Bucket, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(root); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s is not a directory", root)
	}
	return &Bucket{root: root}, nil
}

func (b *Bucket) String() string { return b.root }

// Close does nothing.
func (b *Bucket) Close() error { return nil }

// Create implements collector.Bucket. link(2) fails where the name is taken,
// whoever was first.
func (b *Bucket) Create(_ context.Context, name string, data []byte) error {
	path := b.path(name)
	if err := b.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	tmp, err := b.writeTemp(data)
	if err != nil {
		return err
	}
	step("link")
	err = os.Link(tmp, path)
	step("linked")
	if errRemove := os.Remove(tmp); err == nil {
		err = errRemove
	}
	if errors.Is(err, fs.ErrExist) {
		return b.same(name, data)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// same makes Create repeatable: the name may have been taken by ourselves.
func (b *Bucket) same(name string, data []byte) error {
	stored, err := os.ReadFile(b.path(name))
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, data) {
		return fmt.Errorf("%s: %w", name, collector.ErrExist)
	}
	return syncDir(filepath.Dir(b.path(name)))
}

// Swap implements collector.Bucket. The versions are compared under a lock that
// the kernel gives back when its holder dies.
func (b *Bucket) Swap(ctx context.Context, name string, data []byte, token collector.Token) (collector.Token, error) {
	path := b.path(name)
	if err := b.mkdir(filepath.Dir(path)); err != nil {
		return "", err
	}
	unlock, err := b.lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	now, err := b.Stat(ctx, name)
	if err != nil {
		return "", err
	}
	if now != token {
		return "", fmt.Errorf("%s: %w", name, collector.ErrChanged)
	}
	tmp, err := b.writeTemp(data)
	if err != nil {
		return "", err
	}
	step("rename")
	if err := os.Rename(tmp, path); err != nil {
		return "", errors.Join(err, os.Remove(tmp))
	}
	step("renamed")
	return version(data), syncDir(filepath.Dir(path))
}

// Read implements collector.Bucket.
func (b *Bucket) Read(_ context.Context, name string) ([]byte, collector.Token, error) {
	data, err := os.ReadFile(b.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%s: %w", name, collector.ErrNotExist)
	}
	if err != nil {
		return nil, "", err
	}
	return data, version(data), nil
}

// Stat implements collector.Bucket. The version is the hash of the content.
func (b *Bucket) Stat(ctx context.Context, name string) (collector.Token, error) {
	_, token, err := b.Read(ctx, name)
	if errors.Is(err, collector.ErrNotExist) {
		return "", nil
	}
	return token, err
}

func version(data []byte) collector.Token {
	sum := sha256.Sum256(data)
	return collector.Token(hex.EncodeToString(sum[:]))
}

// List implements collector.Bucket. Hidden files are not objects.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folder := ""
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			folder = prefix[:i+1]
		}
		b.list(ctx, folder, func(name string, err error) bool {
			if err == nil && (!strings.HasPrefix(name, prefix) || name <= after) {
				return true
			}
			return yield(name, err)
		})
	}
}

// list yields the objects below folder, which is "" or ends in a slash, and
// reports whether it may go on.
func (b *Bucket) list(ctx context.Context, folder string, yield func(string, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield("", err)
		return false
	}
	entries, err := os.ReadDir(b.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		yield("", err)
		return false
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			// With its slash a folder sorts as the objects in it do.
			names = append(names, folder+e.Name()+"/")
		default:
			names = append(names, folder+e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			if !b.list(ctx, name, yield) {
				return false
			}
		} else if !yield(name, nil) {
			return false
		}
	}
	return true
}

// Check implements collector.Bucket.
func (b *Bucket) Check(_ context.Context, prefix string) error {
	path := b.path(prefix)
	if err := b.mkdir(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(path, ".check-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), os.Remove(f.Name()))
}

func (b *Bucket) path(name string) string {
	return filepath.Join(b.root, filepath.FromSlash(name))
}

// Remove implements collector.Bucket.
func (b *Bucket) Remove(_ context.Context, name string) error {
	path := b.path(name)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
