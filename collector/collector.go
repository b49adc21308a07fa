package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options of a Collector. The zero value is right for most.
type Options struct {
	// Since is where a collector without a State begins; the zero time is the
	// start of the log. It needs a Seeker or a Backward source.
	Since time.Time
	// SinceDecides makes a State that began at another time begin anew at Since.
	// What was collected before is recognised and dropped, as far as the Sink can
	// tell.
	SinceDecides bool
	// MaxRecords ends a run when exactly as many records are durable; 0 is no
	// limit.
	MaxRecords int
	// BatchRecords and BatchBytes bound one batch; 0 stands for 10,000 records
	// and 4 MiB. A single record may be larger.
	BatchRecords, BatchBytes int
	// KeepPages hands the untouched pages to the Sink.
	KeepPages bool
	// Overlap is how far before the newest record each run looks again for
	// records that came late; 0 turns this off. It needs a Backward source.
	Overlap time.Duration
	// FromStart forgets the cursor once and reads the log from its start. What
	// was written before is recognised and dropped.
	FromStart bool
	// Rebuild makes a new State from what the Sink holds.
	Rebuild bool
	// Grace bounds how long a batch may still take to become durable once the
	// context of the run has ended; 0 stands for 8 seconds.
	Grace time.Duration
	// Writer names the run in the State; it should be unique.
	Writer string
	// Log takes warnings; nil drops them.
	Log *slog.Logger
}

// Collector copies one log. It must not run twice at a time; two collectors may
// share one State, and then one of them ends with ErrConflict.
type Collector struct {
	Source  Source
	Sink    Sink
	State   StateFile
	Options Options
	Stats   *Stats
}

// StateFile is where the State is kept.
type StateFile struct {
	Bucket Bucket
	Name   string
	// Old are places where a state of the documented function may stand. The
	// first one there is taken over when there is no State yet, and left as it is.
	Old []OldState
}

// OldState is such a place. Must says that it was named for this purpose, so
// that anything else there is an error.
type OldState struct {
	Bucket Bucket
	Name   string
	Must   bool
}

// Run copies what is new and returns nil when it has come to the end of the log
// or to MaxRecords. Whatever it returns, all that it has counted is durable. When
// ctx ends, the records at hand are still made durable, within Options.Grace.
func (c *Collector) Run(ctx context.Context) error {
	r := newRun(c)
	c.Stats.More.Store(false)
	if err := r.open(ctx); err != nil {
		return err
	}
	upToDate, err := r.read(ctx)
	if flushErr := r.flush(ctx); flushErr != nil {
		return errors.Join(flushErr, err)
	}
	if err != nil || !upToDate {
		return err
	}
	return r.lookBack(ctx)
}

// run is one Run.
type run struct {
	*Collector
	opts  Options
	log   *slog.Logger
	state *State
	token Token
	// cur is where to read on; it is ahead of the State's cursor by the batch.
	cur   Cursor
	known map[string]bool // ids of state.Recent and of the batch
	batch []Record
	bytes int
	pages [][]byte
	taken int // records made durable by this run
	// broken says that a write has failed: nothing may be written after it.
	broken bool
	// followed says that the log is known to go on from where the run began.
	followed bool
	// barren holds the places seen since the last new record.
	barren map[Cursor]bool
}

func newRun(c *Collector) *run {
	opts := c.Options
	if opts.BatchRecords <= 0 {
		opts.BatchRecords = 10_000
	}
	if opts.BatchBytes <= 0 {
		opts.BatchBytes = 4 << 20
	}
	if opts.Grace <= 0 {
		opts.Grace = 8 * time.Second
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &run{Collector: c, opts: opts, log: log, barren: make(map[Cursor]bool)}
}

// read takes page after page, and reports whether it has reached the log's end.
func (r *run) read(ctx context.Context) (upToDate bool, err error) {
	for {
		page, err := r.Source.Page(ctx, r.cur)
		if err != nil {
			return false, err
		}
		r.countPage(page)
		if err := r.checkFollows(ctx, page); err != nil {
			return false, err
		}
		full, err := r.take(ctx, page)
		if err != nil || full {
			return false, err
		}
		if err := r.checkProgress(page); err != nil {
			return false, err
		}
		r.cur = page.Cursor
		if !page.More {
			return true, nil
		}
	}
}

func (r *run) countPage(p *Page) {
	r.Stats.Pages.Add(1)
	r.Stats.Unresolved.Add(int64(p.Unresolved))
	r.log.Debug("page read", "records", len(p.Records), "unresolved_references", p.Unresolved, "more", p.More)
}

// take puts a page's new records into the batch, and makes the batch durable
// whenever it is full, in the middle of a page too. It reports whether the run
// has all the records it may take.
func (r *run) take(ctx context.Context, p *Page) (full bool, err error) {
	if r.opts.KeepPages && p.Raw != nil && len(p.Records) > 0 {
		r.pages = append(r.pages, p.Raw)
	}
	for i, rec := range p.Records {
		seen, err := r.seen(ctx, rec)
		if err != nil {
			return false, err
		}
		if seen {
			r.Stats.Duplicates.Add(1)
			continue
		}
		r.add(rec)
		full = r.opts.MaxRecords > 0 && r.taken+len(r.batch) >= r.opts.MaxRecords
		if !full && len(r.batch) < r.opts.BatchRecords && r.bytes < r.opts.BatchBytes {
			continue
		}
		// The rest of the page is still to come, so a source that goes on by
		// links must be asked for the same page again.
		r.cur = r.cur.Behind([]Record{rec})
		err = r.commit(ctx, r.cur)
		r.Stats.More.Store(full && err == nil && (p.More || i+1 < len(p.Records)))
		if err != nil || full {
			return full, err
		}
	}
	return false, nil
}

func (r *run) add(rec Record) {
	clear(r.barren)
	r.known[rec.ID] = true
	r.batch = append(r.batch, rec)
	r.bytes += len(rec.Data) + 1
}

// seen reports whether rec is durable or in the batch already.
func (r *run) seen(ctx context.Context, rec Record) (bool, error) {
	if r.known[rec.ID] {
		return true, nil
	}
	if rec.Time.IsZero() && !r.state.Untimed || rec.Time.After(r.state.Horizon) {
		return false, nil
	}
	return r.Sink.Seen(ctx, rec, r.state.forgotten())
}

// checkProgress stops a run whose pages lead back to where it has been without
// a new record in between.
func (r *run) checkProgress(p *Page) error {
	if !p.More {
		return nil
	}
	if r.barren[p.Cursor] {
		return fmt.Errorf("the pages of %s lead in a circle without a new record", r.Source.Name())
	}
	r.barren[p.Cursor] = true
	return nil
}

// flush makes the rest of the batch durable, and the cursor where only that has
// moved.
func (r *run) flush(ctx context.Context) error {
	switch {
	case r.broken:
		return nil
	case len(r.batch) > 0:
		return r.commit(ctx, r.cur)
	case r.state.Cursor == r.cur:
		return nil
	}
	ctx, cancel := outlive(ctx, r.opts.Grace)
	defer cancel()
	r.state.Cursor = r.cur
	return r.save(ctx)
}

// commit makes the batch durable and then moves the State past it.
func (r *run) commit(ctx context.Context, cur Cursor) error {
	ctx, cancel := outlive(ctx, r.opts.Grace)
	defer cancel()
	if err := r.write(ctx, cur); err != nil {
		r.broken = true
		return err
	}
	r.batch, r.pages, r.bytes = r.batch[:0], nil, 0
	r.learn()
	return nil
}

func (r *run) write(ctx context.Context, cur Cursor) error {
	if err := r.checkAlone(ctx); err != nil {
		return err
	}
	b := r.next(cur)
	b.Records, b.Pages = r.batch, r.pages
	receipt, err := r.Sink.Deliver(ctx, b)
	if err != nil {
		return fmt.Errorf("write batch %d: %w", b.Sequence, err)
	}
	if err := r.advance(ctx, receipt); err != nil {
		return err
	}
	r.count(receipt)
	return nil
}

// advance moves the State past a batch that is durable.
func (r *run) advance(ctx context.Context, receipt Receipt) error {
	if src, ok := r.Source.(Comparer); ok {
		if err := src.Remember(ctx, r.state.Chain, receipt); err != nil {
			return err
		}
	}
	r.state.advance(receipt)
	return r.save(ctx)
}

// next answers the batch that the State expects, without its records.
func (r *run) next(cur Cursor) Batch {
	return Batch{
		Sequence: r.state.Sequence, Previous: r.state.Chain, Cursor: cur,
		Newest: r.state.newest(), Untimed: r.state.untimed(), Floor: r.state.Floor,
	}
}

func (r *run) count(receipt Receipt) {
	r.taken += len(receipt.Records)
	r.Stats.Events.Add(int64(len(receipt.Records)))
	r.Stats.Rejected.Add(int64(receipt.Rejected))
	r.Stats.Objects.Add(1)
	r.Stats.seeNewest(r.state.newest())
}

// learn makes known hold what the State remembers.
func (r *run) learn() {
	r.known = make(map[string]bool)
	for _, b := range r.state.Recent {
		for _, id := range b.IDs {
			r.known[id] = true
		}
	}
}

// outlive answers a context that ends grace after ctx has.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}
