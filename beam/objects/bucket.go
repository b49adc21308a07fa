package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

// defaultStall is how long a single read or write may wait for the bucket, with all
// tries. The client would try an upload again for ever.
const defaultStall = 5 * time.Minute

// handle answers an object, which is retried whatever it is: the same object is
// written with the same bytes however often.
func (s *Store) handle(ctx context.Context, path string) (*storage.ObjectHandle, error) {
	bucket, name, _ := strings.Cut(strings.TrimPrefix(path, scheme), "/")
	b, err := s.bucket(ctx, bucket)
	if err != nil {
		return nil, err
	}
	return b.Object(name), nil
}

func (s *Store) bucket(ctx context.Context, name string) (*storage.BucketHandle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		// The client outlives what it is first used for. Reads by JSON go to the same
		// host as all else, emulator or not.
		client, err := storage.NewClient(context.WithoutCancel(ctx), storage.WithJSONReads())
		if err != nil {
			return nil, fmt.Errorf("cannot use gs://%s: %w", name, err)
		}
		s.client = client
	}
	return s.client.Bucket(name).Retryer(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(8)), nil
}

func (s *Store) listBucket(ctx context.Context, p Pattern) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(p.prefix, scheme), "/")
		q := &storage.Query{Prefix: prefix, Projection: storage.ProjectionNoACL}
		if !p.deep && strings.Count(p.prefix, "/") == p.slash {
			// Folders below cannot match, however much there is in them.
			q.Delimiter = "/"
		}
		err := q.SetAttrSelection([]string{"Name", "Size"})
		if err != nil {
			yield(Object{}, err)
			return
		}
		b, err := s.bucket(ctx, bucket)
		if err != nil {
			yield(Object{}, err)
			return
		}
		for it := b.Objects(ctx, q); ; {
			attrs, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield(Object{}, explain("list", scheme+bucket+"/"+prefix, err))
				return
			}
			path := scheme + bucket + "/" + attrs.Name
			if attrs.Name == "" || strings.HasSuffix(path, "/") || !p.Match(path) {
				continue
			}
			if !yield(Object{Path: path, Name: p.name(path), Size: attrs.Size}, nil) {
				return
			}
		}
	}
}

func (s *Store) openObject(ctx context.Context, path string) (io.ReadCloser, error) {
	object, err := s.handle(ctx, path)
	if err != nil {
		return nil, err
	}
	w := newWatch(ctx, s.stall)
	opened := w.start()
	r, err := object.NewReader(w.ctx)
	opened()
	if err != nil {
		return nil, explain("read", path, w.cause(err))
	}
	return &objectReader{r: r, path: path, watch: w}, nil
}

// objectReader gives a read that stalls an end, and every error a name.
type objectReader struct {
	r     io.ReadCloser
	path  string
	watch *watch
}

func (r *objectReader) Read(data []byte) (int, error) {
	defer r.watch.start()()
	n, err := r.r.Read(data)
	if err != nil && err != io.EOF {
		err = explain("read", r.path, r.watch.cause(err))
	}
	return n, err
}

func (r *objectReader) Close() error {
	defer r.watch.cancel(nil)
	return r.r.Close()
}

// objectWriter writes an object, which is there once Commit has succeeded.
type objectWriter struct {
	store      *Store
	ctx        context.Context
	path       string
	bufferSize int

	w     *storage.Writer
	watch *watch
}

func (w *objectWriter) Write(data []byte) (int, error) {
	if err := w.open(); err != nil {
		return 0, err
	}
	defer w.watch.start()()
	n, err := w.w.Write(data)
	if err != nil {
		err = explain("write", w.path, w.watch.cause(err))
	}
	return n, err
}

func (w *objectWriter) open() error {
	if w.w != nil {
		return nil
	}
	object, err := w.store.handle(w.ctx, w.path)
	if err != nil {
		return err
	}
	w.watch = newWatch(w.ctx, w.store.stall)
	w.w = object.NewWriter(w.watch.ctx)
	w.w.ChunkSize = w.bufferSize
	w.w.ContentType = "application/x-ndjson"
	return nil
}

// Commit implements Writer.
func (w *objectWriter) Commit() error {
	if err := w.open(); err != nil {
		return err
	}
	defer w.watch.cancel(nil)
	defer w.watch.start()()
	if err := w.w.Close(); err != nil {
		return explain("write", w.path, w.watch.cause(err))
	}
	w.w = nil
	return nil
}

// Discard implements Writer.
func (w *objectWriter) Discard() {
	if w.w == nil {
		return
	}
	// Without its context the upload comes to nothing, which Close then says.
	w.watch.cancel(nil)
	_ = w.w.Close()
	w.w = nil
}

// watch ends the context of calls that stall.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
}

func newWatch(ctx context.Context, stall time.Duration) *watch {
	ctx, cancel := context.WithCancelCause(ctx)
	return &watch{ctx, cancel, cmp.Or(stall, defaultStall)}
}

// start begins one call; what it answers ends it.
func (w *watch) start() (end func() bool) {
	t := time.AfterFunc(w.stall, func() { w.cancel(fmt.Errorf("no success within %s", w.stall)) })
	return t.Stop
}

// cause answers why a call has failed: the client says only that it was canceled.
func (w *watch) cause(err error) error {
	if w.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(w.ctx)
	}
	return err
}

// explain says which object an error is about, and what to look at.
func explain(what, path string, err error) error {
	hint := ""
	var answer *googleapi.Error
	switch {
	case what == "read" && errors.Is(err, storage.ErrObjectNotExist):
		hint = " (it was there when the objects were listed)"
	case errors.As(err, &answer) && answer.Code == http.StatusForbidden:
		hint = " (the account needs storage.objects.list and .get where it reads, and .create and .delete where it writes)"
	}
	return fmt.Errorf("cannot %s %q: %w%s", what, path, err, hint)
}
