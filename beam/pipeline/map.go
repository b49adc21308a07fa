package pipeline

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/asa2udm/asa2udm/beam/objects"
	"github.com/asa2udm/asa2udm/mapping"
)

// What a writer to a bucket may hold. Rejects are few.
const (
	eventsBuffer  = 8 << 20
	rejectsBuffer = 1 << 20
)

// mapFn maps objects, several of a bundle at a time: with small ones in a bucket, most
// of the time is spent waiting for it. The bundle ends when all of them are written.
type mapFn struct {
	Options Options

	parser *mapping.Parser
	store  *objects.Store

	under *errgroup.Group // the objects of the bundle
	ctx   context.Context // ends with the first failure among them
	stop  context.CancelFunc
	mu    sync.Mutex
	done  totals // not yet in Beam's counters
}

// Setup compiles the rules.
func (fn *mapFn) Setup() (err error) {
	fn.store = &objects.Store{}
	fn.parser, err = fn.Options.Rules.Compile(mapping.Options{JSONNames: fn.Options.JSONNames})
	return err
}

// Teardown ends what a failed bundle has left under way.
func (fn *mapFn) Teardown() error {
	if fn.under != nil {
		fn.stop()
		_ = fn.under.Wait()
	}
	return fn.store.Close()
}

// StartBundle makes room for objects.
func (fn *mapFn) StartBundle(ctx context.Context, _ func(objects.Object)) {
	ctx, fn.stop = context.WithCancel(ctx)
	fn.under, fn.ctx = errgroup.WithContext(ctx)
	fn.under.SetLimit(max(fn.Options.AtOnce, 1))
}

// ProcessElement begins an object, and waits where too many are under way.
func (fn *mapFn) ProcessElement(ctx context.Context, o objects.Object, _ func(objects.Object)) error {
	fn.under.Go(func() error { return fn.mapObject(fn.ctx, o) })
	if fn.ctx.Err() != nil {
		return fn.end()
	}
	fn.report(ctx)
	return nil
}

// FinishBundle waits for all objects.
func (fn *mapFn) FinishBundle(ctx context.Context, _ func(objects.Object)) error {
	err := fn.end()
	fn.report(ctx)
	return err
}

func (fn *mapFn) end() error {
	defer fn.stop()
	return fn.under.Wait()
}

// report hands the counts to Beam, which takes them from the goroutine that it has
// called only.
func (fn *mapFn) report(ctx context.Context) {
	fn.mu.Lock()
	done := fn.done
	fn.done = totals{}
	fn.mu.Unlock()
	done.report(ctx)
}

// mapObject maps one object. Its events get their name last: where they are, all of
// it is.
func (fn *mapFn) mapObject(ctx context.Context, o objects.Object) error {
	eventsPath, rejectsPath, err := fn.Options.places(o.Name)
	if err != nil {
		return err
	}
	in, err := open(ctx, fn.store, o.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	// Closing it would complete an object that is not, so what is not committed must
	// be discarded.
	out := fn.store.Create(ctx, eventsPath, eventsBuffer)
	defer out.Discard()
	rejects := fn.store.Create(ctx, rejectsPath, rejectsBuffer)
	defer rejects.Discard()

	types := newTypeCounter(out, fn.Options.JSONNames)
	stats, err := mapping.Stream(ctx, fn.parser, in, types, mapping.StreamOptions{
		Workers:   fn.Options.Workers,
		MaxRecord: fn.Options.MaxRecord,
		Rejects:   rejects,
	})
	if err != nil {
		return fmt.Errorf("map %s: %w", o.Path, err)
	}
	// A file without rejects is written all the same: it takes the place of one that
	// earlier rules have left behind.
	if err := rejects.Commit(); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.done.add(o, &stats, types.counts())
	return nil
}

// open gives the text of an object, which is unpacked where its first bytes are those
// of gzip.
func open(ctx context.Context, store *objects.Store, path string) (io.ReadCloser, error) {
	raw, err := store.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(raw, 64<<10)
	text := io.Reader(buffered)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		if text, err = gzip.NewReader(buffered); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot unpack %q: %w", path, err), raw.Close())
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{text, raw}, nil
}
