package objects

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// emulator answers a bucket "b" behind a front that may answer in its place.
func emulator(t *testing.T, front func(w http.ResponseWriter, r *http.Request) bool) *fakestorage.Server {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "b"})
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !front(w, r) {
			server.HTTPHandler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	t.Cleanup(server.Stop)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(listener.URL, "http://"))
	return server
}

func quiet(http.ResponseWriter, *http.Request) bool { return false }

// write writes text in pieces and commits it, or not.
func write(t *testing.T, s *Store, path string, text []byte, commit bool) error {
	t.Helper()
	w := s.Create(t.Context(), path, 1<<20)
	defer w.Discard()
	for piece := range bytes.Lines(text) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	if !commit {
		return nil
	}
	return w.Commit()
}

// An object is there when it is committed and not before, whether it is one request or
// many, empty or in place of another.
func TestCommit(t *testing.T) {
	emulator(t, quiet)
	large := bytes.Repeat(append(bytes.Repeat([]byte("x"), 99_999), '\n'), 50)
	for _, dir := range []string{filepath.ToSlash(t.TempDir()) + "/sub/", "gs://b/sub/"} {
		s := new(Store)
		for _, tt := range []struct {
			name   string
			text   []byte
			commit bool
			want   []byte
		}{
			{"never begun", nil, false, nil},
			{"small, discarded", []byte("a\n"), false, nil},
			{"large, discarded", large, false, nil},
			{"empty", nil, true, []byte{}},
			{"large", large, true, large},
			{"large, discarded over another", []byte("a\n"), false, large},
			{"small over another", []byte("a\n"), true, []byte("a\n")},
			{"empty over another", nil, true, []byte{}},
		} {
			if err := write(t, s, dir+"x", tt.text, tt.commit); err != nil {
				t.Fatalf("%s%s: %v", dir, tt.name, err)
			}
			got := read(t, s, dir)
			if (got == nil) != (tt.want == nil) || !bytes.Equal(got, tt.want) {
				t.Errorf("%s%s: got %d bytes, %v; want %d", dir, tt.name, len(got), got != nil, len(tt.want))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// read answers the one object below dir, nil where there is none.
func read(t *testing.T, s *Store, dir string) []byte {
	t.Helper()
	if Local(dir) {
		// Nothing is left behind in hiding, either.
		if entries, _ := os.ReadDir(dir); len(entries) > 1 {
			t.Errorf("%d files in %s", len(entries), dir)
		}
	}
	p, err := ParsePattern(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for o, err := range s.List(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), o.Path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if text == nil {
			text = []byte{}
		}
		r.Close()
	}
	return text
}

// What a bucket refuses for a while is tried again, writes too.
func TestRetry(t *testing.T) {
	var refused atomic.Int32
	emulator(t, func(w http.ResponseWriter, r *http.Request) bool {
		if refused.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	s := new(Store)
	if err := write(t, s, "gs://b/sub/x", []byte("a\n"), true); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "gs://b/sub/"); string(got) != "a\n" {
		t.Errorf("got %q", got)
	}
}

// What it refuses for good comes to an end, with the name of the object.
func TestFailure(t *testing.T) {
	for _, tt := range []struct {
		name        string
		status      int
		write, read string
	}{
		{"outage", http.StatusServiceUnavailable,
			`: no success within 1s`, `cannot read "gs://b/x": `},
		{"no permission", http.StatusForbidden,
			`.create and .delete where it writes)`, `cannot read "gs://b/x": `},
		{"silence", 0,
			`: no success within 1s`, `cannot read "gs://b/x": `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			done := make(chan struct{})
			emulator(t, func(w http.ResponseWriter, r *http.Request) bool {
				if tt.status == 0 {
					<-done
				} else {
					w.WriteHeader(tt.status)
				}
				return true
			})
			defer close(done)
			s := &Store{stall: time.Second}
			if err := write(t, s, "gs://b/x", []byte("a\n"), true); err == nil ||
				!strings.HasPrefix(err.Error(), `cannot write "gs://b/x": `) || !strings.Contains(err.Error(), tt.write) {
				t.Errorf("write: got %v, want %s", err, tt.write)
			}
			if _, err := s.Open(t.Context(), "gs://b/x"); err == nil || !strings.Contains(err.Error(), tt.read) {
				t.Errorf("read: got %v, want %s", err, tt.read)
			}
		})
	}
}
