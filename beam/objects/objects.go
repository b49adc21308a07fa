// Package objects lists, reads and writes the objects of a Beam pipeline: files of a
// directory, or objects of a bucket of Google Cloud Storage.
//
// Beam has file systems of its own. They ask twice for each object that was listed
// already, make a client for each object that is opened, go on without credentials
// where there are none, do not retry uploads, and read the path of an object as a
// URL, so that names with % or ? lead elsewhere. None of that does at a million
// objects.
package objects

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/storage"
)

// Object is one object to read.
type Object struct {
	Path string // in full, such as gs://bucket/raw/a/x.ndjson
	Name string // relative to what its pattern has before the first wildcard
	Size int64  // bytes, when it was listed
}

// Store reaches objects. The zero value is ready; it becomes a client of Cloud
// Storage at the first gs:// path, by Application Default Credentials or for the
// emulator that STORAGE_EMULATOR_HOST names. It may be used by several goroutines.
type Store struct {
	mu     sync.Mutex
	client *storage.Client
	stall  time.Duration // 0 means defaultStall
}

// Close ends the client. Nothing may be under way.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	return s.client.Close()
}

// List answers the objects that a pattern means, sorted by path. An error ends it.
// Hidden files, folders and what stands for a folder in a bucket are left out.
func (s *Store) List(ctx context.Context, p Pattern) iter.Seq2[Object, error] {
	if p.Local() {
		return listFiles(p)
	}
	return s.listBucket(ctx, p)
}

// Open reads an object as it is stored, compressed or not. The error names it.
func (s *Store) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	if Local(path) {
		return openFile(path)
	}
	return s.openObject(ctx, path)
}

// Create writes an object in place of what is there. It opens nothing before the
// first byte or Commit. bufferSize is what may be held in memory on the way to a
// bucket.
func (s *Store) Create(ctx context.Context, path string, bufferSize int) Writer {
	if Local(path) {
		return &fileWriter{path: path}
	}
	return &objectWriter{store: s, ctx: ctx, path: path, bufferSize: bufferSize}
}

// Writer writes one object. Nobody sees any of it before Commit.
type Writer interface {
	io.Writer
	// Commit gives the object its name, empty if nothing was written.
	Commit() error
	// Discard ends a Writer that will not be committed. After Commit it does nothing.
	Discard()
}

// Place is where objects are written to: a directory, or gs://bucket/prefix. It ends
// in a slash.
type Place string

// ParsePlace reads a place.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return "", fmt.Errorf("want a directory or gs://bucket/prefix, got nothing")
	}
	if Local(text) {
		text = filepath.ToSlash(filepath.Clean(text))
	} else if bucket, _, _ := strings.Cut(text[len(scheme):], "/"); bucket == "" {
		return "", fmt.Errorf("%q: want gs://bucket/prefix", text)
	}
	return Place(strings.TrimRight(text, "/") + "/"), nil
}

// Join answers the path of an object in the place. Different names give different
// paths; a name that the place cannot have is an error.
func (p Place) Join(name string) (string, error) {
	switch {
	case Local(string(p)) && (!filepath.IsLocal(name) || path.Clean(name) != name):
		return "", fmt.Errorf("%q cannot be the name of a file in %s: write to gs:// or rename the object", name, p)
	case !Local(string(p)) && !utf8.ValidString(name):
		return "", fmt.Errorf("%q cannot be the name of an object: it is not UTF-8; rename the file", name)
	}
	return string(p) + name, nil
}
