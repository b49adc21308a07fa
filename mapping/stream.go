package mapping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/asa2udm/asa2udm/udm"
)

// DefaultMaxRecord is how many bytes a line may have unless StreamOptions says
// otherwise.
const DefaultMaxRecord = 16 << 20

// ErrTooManyRejects ends a stream that rejected more records than it may.
var ErrTooManyRejects = errors.New("too many rejected records")

// StreamOptions changes how Stream works. The zero value is right for most. What
// it holds, and the writer of the events, is called by goroutines of the stream,
// one call at a time, and none once Stream has returned.
type StreamOptions struct {
	// Workers is how many records are mapped at a time. 0 means one for each
	// processor. The output is the same for any number.
	Workers int
	// MaxRecord is how many bytes a line may have; a longer one is rejected
	// without being held in memory. 0 means DefaultMaxRecord; more than LongestRecord
	// means that.
	MaxRecord int
	// Rejects gets one JSON line for each rejected record. Without it they are
	// only counted.
	Rejects io.Writer
	// RejectFile, if set, is named in each line written to Rejects.
	RejectFile string
	// StopAfter ends the stream with ErrTooManyRejects at the first reject after
	// so many. nil means never.
	StopAfter *int64
	// Validate, if set, has every event checked and gets the violations of each
	// that has some. It is called in the order of the input, once at a time.
	// The slice is good until it returns; the strings in it may be kept.
	Validate func(line int64, violations []udm.Violation)
	// Progress, if set, is called after each batch of lines, once at a time.
	Progress func(Stats)
}

// Stats counts what a stream has done.
type Stats struct {
	Lines     int64 `json:"lines"`   // of the input, blank ones included
	Blank     int64 `json:"blank"`   // lines with nothing on them
	Records   int64 `json:"records"` // events and rejects
	Events    int64 `json:"events"`
	Rejected  int64 `json:"rejected"`
	BytesIn   int64 `json:"bytes_in"`
	BytesOut  int64 `json:"bytes_out"`
	Unjoined  int64 `json:"unjoined"` // references of pages that lead to no object
	ByCode    Codes `json:"rejected_by_code"`
	Violating int64 `json:"violating"` // events with a violation, with Validate
}

// Codes counts rejected records by why.
type Codes struct {
	JSON      int64 `json:"json"`
	Object    int64 `json:"object"`
	Timestamp int64 `json:"timestamp"`
	Size      int64 `json:"size"`
	Depth     int64 `json:"depth"`
}

func (c *Codes) count(code string) {
	switch code {
	case CodeJSON:
		c.JSON++
	case CodeObject:
		c.Object++
	case CodeTimestamp:
		c.Timestamp++
	case CodeSize:
		c.Size++
	case CodeDepth:
		c.Depth++
	}
}

// Add adds the counts of another stream.
func (s *Stats) Add(o *Stats) {
	s.Lines += o.Lines
	s.Blank += o.Blank
	s.Records += o.Records
	s.Events += o.Events
	s.Rejected += o.Rejected
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.Unjoined += o.Unjoined
	s.Violating += o.Violating
	s.ByCode.add(&o.ByCode)
}

func (c *Codes) add(o *Codes) {
	c.JSON += o.JSON
	c.Object += o.Object
	c.Timestamp += o.Timestamp
	c.Size += o.Size
	c.Depth += o.Depth
}

// Stream maps the records that r holds, one a line, and writes their events to
// w, one a line, in the order of the input. A record may also be a page as the
// ASA API answers it, on one line or over several; its events are joined with
// the objects they refer to. A record that cannot be mapped is rejected and the
// rest goes on. Only whole lines are written. Memory does not grow with the
// length of the input.
//
// The error is that of r or w, ErrTooManyRejects, or the context's. What was read
// before it has been written, unless w failed. One Read of r may still be under way
// when Stream returns an error that is not that of r.
func Stream(ctx context.Context, p *Parser, r io.Reader, w io.Writer, opts StreamOptions) (Stats, error) {
	var all []*eventMapper
	defer func() {
		for _, e := range all {
			p.release(e.m)
		}
	}()
	return stream(ctx, r, w, opts, func() recordTaker {
		e := newEventMapper(p.mapper(), &opts)
		all = append(all, e)
		return e
	})
}

// stream goes through the records of r with one taker for each worker. taker is
// called by the workers, one at a time; neither that nor any taker once stream has
// returned.
func stream(ctx context.Context, r io.Reader, w io.Writer, opts StreamOptions, taker func() recordTaker) (Stats, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.MaxRecord <= 0 {
		opts.MaxRecord = DefaultMaxRecord
	}
	opts.MaxRecord = min(opts.MaxRecord, LongestRecord)
	opts.RejectFile = strings.ToValidUTF8(opts.RejectFile, "\uFFFD")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &streaming{opts: opts, w: w, ctx: ctx, cancel: cancel, turn: make(chan *cutter, 1), handedIn: make(map[int64]*batch)}
	s.changed.L = &s.mu
	defer context.AfterFunc(ctx, s.stop)()
	s.turn <- newCutter(untilDone{ctx, r}, opts.MaxRecord, s.grow)
	for range opts.Workers {
		go s.work(taker)
	}
	defer s.keepBatches()
	return s.wait()
}

// untilDone begins no Read once a context has ended. A line without an end would
// otherwise be read for ever.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

// streaming is one run of stream. Its workers take turns at the input: the one
// whose turn it is reads a batch of whole lines and hands the turn on; then it
// maps the batch and hands it in. Batches are written in the order of the input,
// by the worker that hands in the one that is next.
type streaming struct {
	opts   StreamOptions
	w      io.Writer
	ctx    context.Context
	cancel context.CancelCauseFunc
	turn   chan *cutter // holds the input while nobody reads; closed at its end

	mu       sync.Mutex
	changed  sync.Cond
	read     int64            // batches read
	written  int64            // batches written
	handedIn map[int64]*batch // by number, those that wait to be written
	writing  bool
	busy     int   // workers that have a batch
	underWay int   // bytes of input in batches read and not yet written
	ended    bool  // the input or the context has ended: no more batches
	inputErr error // why the input ended, unless that was its end
	writeErr error
	free     []*batch
	large    *batch // a batch with large buffers, to be used again
	stats    Stats
}

// batch is a run of whole lines and what became of them.
type batch struct {
	number int64
	data   []byte
	units  []unit
	line   int64 // number of the first line

	size    int64 // of a single line over the limit, of which data is the beginning; else 0
	lineEnd int64 // and whether a newline ends it: 1 or 0

	events     []byte
	rejects    []byte
	violations violations
	stats      Stats
}

// batches are those of streams that have ended. Who maps many files one after the
// other needs no more memory than for one.
var batches = sync.Pool{New: func() any { return new(batch) }}

// unit is one record, or one page, as it stands in the data: a line, or the
// lines of a page.
type unit struct{ end, lines int32 }

// work is one worker.
func (s *streaming) work(taker func() recordTaker) {
	w := s.newWorker(taker)
	if w == nil {
		return
	}
	for b := s.next(); b != nil; b = s.next() {
		w.run(b)
		s.handIn(b)
	}
}

// newWorker makes a worker, unless there is nothing left to do. It is called on the
// goroutine that will work, which has memory of its own from the runtime: small
// things that two processors write all the time would otherwise lie side by side,
// and take a line of their caches away from each other.
func (s *streaming) newWorker(taker func() recordTaker) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	return &worker{opts: &s.opts, take: taker()}
}

// next waits for the turn and answers the next batch, or nil when there is none.
// A Read that blocks for ever keeps this goroutine, and nothing else, once the
// context has ended.
func (s *streaming) next() *batch {
	select {
	case c := <-s.turn:
		if c == nil {
			return nil
		}
		b := s.newBatch()
		err := c.next(b)
		if !s.begin(b, err) {
			close(s.turn)
			return nil
		}
		s.turn <- c
		return b
	case <-s.ctx.Done():
		return nil
	}
}

// begin makes a batch that was read one of those under way, as soon as there is
// room; from then on it is written, whatever ends the run. begin reports false when
// the input, or the run, has ended.
func (s *streaming) begin(b *batch, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	if err != nil {
		s.ended = true
		switch {
		case err == io.EOF:
		case s.ctx.Err() != nil:
			// The reader may have been ended by that, and says it in its own way.
			s.inputErr = context.Cause(s.ctx)
		default:
			s.inputErr = err
		}
		s.changed.Broadcast()
		return false
	}
	s.busy++
	for !s.hasRoom(len(b.data)) {
		s.changed.Wait()
	}
	b.number = s.read
	s.read++
	s.underWay += len(b.data)
	return true
}

// maxUnderWay is how many bytes of input may be under way, so that large records
// take their turn. One batch may always be under way, whatever its size.
const maxUnderWay = 4 << 20

// hasRoom reports whether one more batch may be under way. Nobody runs far ahead
// of a worker that is slow, or of the writer.
func (s *streaming) hasRoom(size int) bool {
	return s.underWay == 0 || s.underWay+size <= maxUnderWay && s.read-s.written < int64(s.opts.Workers+2)
}

// stop ends the run: what has been read is still written.
func (s *streaming) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.inputErr = true, context.Cause(s.ctx)
	}
	s.changed.Broadcast()
}

// wait waits until all that was read is written.
func (s *streaming) wait() (Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended || s.busy > 0 {
		s.changed.Wait()
	}
	if s.writeErr != nil {
		return s.stats, s.writeErr
	}
	return s.stats, s.inputErr
}

// handIn gives a mapped batch to be written, and writes as long as the next one
// is there and nobody else does.
func (s *streaming) handIn(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handedIn[b.number] = b
	for b := s.handedIn[s.written]; b != nil && !s.writing; b = s.handedIn[s.written] {
		delete(s.handedIn, s.written)
		s.writeNext(b)
	}
	s.busy--
	s.changed.Broadcast()
}

// writeNext writes a batch while others may go on. The first fault ends the run.
func (s *streaming) writeNext(b *batch) {
	if s.writeErr == nil {
		s.writing = true
		err := s.writeUnlocked(b)
		s.writing = false
		if s.writeErr = err; err != nil {
			s.ended = true
			s.cancel(err)
		}
	}
	s.written++
	s.underWay -= len(b.data)
	s.release(b)
	s.changed.Broadcast()
}

// writeUnlocked writes a batch while the lock is free. It takes the lock back even
// from a panic of what it calls, so that this is what the program ends with.
func (s *streaming) writeUnlocked(b *batch) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.write(b)
}

func (s *streaming) newBatch() *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b *batch
	if n := len(s.free); n > 0 {
		b, s.free = s.free[n-1], s.free[:n-1]
	} else {
		b = batches.Get().(*batch)
	}
	b.units, b.events, b.rejects = b.units[:0], b.events[:0], b.rejects[:0]
	b.violations.reset()
	b.stats, b.size, b.lineEnd = Stats{}, 0, 0
	return b
}

// maxKept is the size up to which any batch's buffers are used again. Of larger
// ones, which single large records need, one is kept.
const maxKept = 1 << 20

// release keeps a written batch to be used again.
func (s *streaming) release(b *batch) {
	if max(cap(b.data), cap(b.events), cap(b.rejects)) <= maxKept {
		s.free = append(s.free, b)
	} else {
		s.large = b
	}
}

// keepBatches leaves the batches to the streams that come after this one.
func (s *streaming) keepBatches() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.free {
		batches.Put(b)
	}
	s.free = nil
}

// grow gives a batch a larger buffer for its data. Large records take their turn:
// they get theirs once nothing else is under way, and from the one before.
func (s *streaming) grow(b *batch) {
	size := max(blockSize, 2*len(b.data))
	if size > maxKept {
		size = len(b.data) + len(b.data)/4 // of what is large, little may be left over
		if l := s.takeLarge(); l != nil && cap(l.data) >= size {
			b.data, b.events = append(l.data[:0], b.data...), l.events[:0]
			return
		}
	}
	b.data = append(make([]byte, 0, size), b.data...)
}

// takeLarge waits until nothing is under way, and answers the large batch that is
// kept, if there is one.
func (s *streaming) takeLarge() *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended && s.underWay > 0 {
		s.changed.Wait()
	}
	l := s.large
	s.large = nil
	return l
}

func (s *streaming) write(b *batch) error {
	if len(b.events) > 0 {
		if _, err := s.w.Write(b.events); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
	}
	if len(b.rejects) > 0 && s.opts.Rejects != nil {
		if _, err := s.opts.Rejects.Write(b.rejects); err != nil {
			return fmt.Errorf("write rejects: %w", err)
		}
	}
	b.violations.each(s.opts.Validate)
	s.stats.Add(&b.stats)
	if s.opts.Progress != nil {
		s.opts.Progress(s.stats)
	}
	if limit := s.opts.StopAfter; limit != nil && s.stats.Rejected > *limit {
		return fmt.Errorf("%w: %d, allowed are %d", ErrTooManyRejects, s.stats.Rejected, *limit)
	}
	return nil
}
