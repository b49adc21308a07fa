package mapping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asa2udm/asa2udm/udm"
)

// DefaultMaxRecord is how many bytes a line may have unless StreamOptions says
// otherwise.
const DefaultMaxRecord = 16 << 20

// ErrTooManyRejects ends a stream that rejected more records than it may.
var ErrTooManyRejects = errors.New("too many rejected records")

// StreamOptions changes how Stream works. The zero value is right for most.
type StreamOptions struct {
	// Workers is how many records are mapped at a time. 0 means one for each
	// processor. The output is the same for any number.
	Workers int
	// MaxRecord is how many bytes a line may have; a longer one is rejected
	// without being held in memory. 0 means DefaultMaxRecord.
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
	// that has some. It is called in the order of the input, by one goroutine.
	// The slice is the callee's to keep.
	Validate func(line int64, violations []udm.Violation)
	// Progress, if set, is called after each batch of lines, by one goroutine.
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
// before it has been written, unless w failed.
func Stream(ctx context.Context, p *Parser, r io.Reader, w io.Writer, opts StreamOptions) (Stats, error) {
	return stream(ctx, r, w, opts, func() recordTaker {
		return &eventMapper{m: p.NewMapper(), validate: opts.Validate != nil}
	})
}

// stream goes through the records of r with one taker for each worker.
func stream(ctx context.Context, r io.Reader, w io.Writer, opts StreamOptions, taker func() recordTaker) (Stats, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.MaxRecord <= 0 {
		opts.MaxRecord = DefaultMaxRecord
	}
	opts.MaxRecord = min(opts.MaxRecord, maxRecord)
	opts.RejectFile = strings.ToValidUTF8(opts.RejectFile, "\uFFFD")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &streaming{
		opts: opts, w: w,
		read:  make(chan *batch),
		work:  make(chan *batch, opts.Workers),
		order: make(chan *batch, opts.Workers+1),
		room:  newRoom(),
	}
	defer context.AfterFunc(ctx, s.room.close)()
	go s.readBatches(ctx, r)
	var running sync.WaitGroup
	for range opts.Workers {
		take := taker()
		running.Go(func() { s.takeBatches(take) })
	}
	var inputErr error
	running.Go(func() { inputErr = s.handOut(ctx) })
	err := s.writeBatches(cancel)
	running.Wait()
	if err == nil {
		err = inputErr
	}
	return s.stats, err
}

// streaming is one run of stream: a reader that cuts the input into batches of whole
// lines, workers that map them, and a writer that takes them in order. A batch
// goes to the workers and to the writer at once; the writer waits for it.
type streaming struct {
	opts  StreamOptions
	w     io.Writer
	read  chan *batch
	work  chan *batch
	order chan *batch
	room  *room
	free  sync.Pool             // of *batch
	large atomic.Pointer[batch] // a batch with large buffers, to be used again
	stats Stats
}

// batch is a run of whole lines and what became of them.
type batch struct {
	data  []byte
	units []unit
	line  int64 // number of the first line
	err   error // the input's, when the batch is empty

	size    int64 // of a single line over the limit, of which data is the beginning; else 0
	lineEnd int64 // and whether a newline ends it: 1 or 0

	events     []byte
	rejects    []byte
	violations []violations
	stats      Stats
	done       chan struct{}
}

// unit is one record, or one page, as it stands in the data: a line, or the
// lines of a page.
type unit struct{ end, lines int32 }

type violations struct {
	line int64
	list []udm.Violation
}

// readBatches cuts the input into batches. A Read that blocks for ever keeps this
// goroutine, and nothing else, once the context has ended.
func (s *streaming) readBatches(ctx context.Context, r io.Reader) {
	defer close(s.read)
	c := newCutter(r, s.opts.MaxRecord, s.grow)
	for {
		b := s.newBatch()
		b.err = c.next(b)
		if !s.room.take(len(b.data)) {
			return
		}
		select {
		case s.read <- b:
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
	}
}

// handOut gives each batch to the writer and to a worker, until the input or the
// context ends.
func (s *streaming) handOut(ctx context.Context) error {
	defer close(s.work)
	defer close(s.order)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case b, ok := <-s.read:
			switch {
			case !ok:
				return context.Cause(ctx)
			case b.err == io.EOF:
				return nil
			case b.err != nil:
				return b.err
			}
			s.order <- b
			s.work <- b
		}
	}
}

func (s *streaming) newBatch() *batch {
	b := s.large.Swap(nil)
	if b == nil {
		b, _ = s.free.Get().(*batch)
	}
	if b == nil {
		b = &batch{}
	}
	b.units, b.events, b.rejects, b.violations = b.units[:0], b.events[:0], b.rejects[:0], nil
	b.stats, b.err, b.size, b.lineEnd, b.done = Stats{}, nil, 0, 0, make(chan struct{})
	return b
}

// maxKept is the size up to which any batch's buffers are used again. Of larger
// ones, which single large records need, one is kept.
const maxKept = 1 << 20

// release gives a written batch back.
func (s *streaming) release(b *batch) {
	s.room.give(len(b.data))
	if max(cap(b.data), cap(b.events), cap(b.rejects)) <= maxKept {
		s.free.Put(b)
	} else {
		s.large.Store(b)
	}
}

// grow gives a batch a larger buffer for its data. Large records take their turn:
// they get theirs once nothing else is under way, and from the one before.
func (s *streaming) grow(b *batch) {
	size := max(blockSize, len(b.data)+len(b.data)/2)
	if size > maxKept {
		s.room.wait()
		if l := s.large.Swap(nil); l != nil && cap(l.data) >= size {
			b.data, b.events = append(l.data[:0], b.data...), l.events[:0]
			return
		}
	}
	b.data = append(make([]byte, 0, size), b.data...)
}

// writeBatches writes the batches in order, and ends the run at the first fault.
func (s *streaming) writeBatches(cancel context.CancelCauseFunc) error {
	var failed error
	for b := range s.order {
		<-b.done
		if failed == nil {
			if failed = s.write(b); failed != nil {
				cancel(failed)
			}
		}
		s.release(b)
	}
	return failed
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
	for _, v := range b.violations {
		s.opts.Validate(v.line, v.list)
	}
	s.stats.Add(&b.stats)
	if s.opts.Progress != nil {
		s.opts.Progress(s.stats)
	}
	if limit := s.opts.StopAfter; limit != nil && s.stats.Rejected > *limit {
		return fmt.Errorf("%w: %d, allowed are %d", ErrTooManyRejects, s.stats.Rejected, *limit)
	}
	return nil
}

// takeBatches is one worker.
func (s *streaming) takeBatches(take recordTaker) {
	w := worker{opts: &s.opts, take: take}
	for b := range s.work {
		w.run(b)
		close(b.done)
	}
}

// room bounds the bytes under way, so that large records take their turn. One
// batch may always be under way, whatever its size.
type room struct {
	mu     sync.Mutex
	freed  sync.Cond
	used   int
	closed bool
}

// maxUnderWay is how many bytes of input may be under way.
const maxUnderWay = 4 << 20

func newRoom() *room {
	r := &room{}
	r.freed.L = &r.mu
	return r
}

// take waits until n bytes have room. It reports false once the run has ended.
func (r *room) take(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed && r.used > 0 && r.used+n > maxUnderWay {
		r.freed.Wait()
	}
	r.used += n
	return !r.closed
}

// wait waits until nothing is under way, or the run has ended.
func (r *room) wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed && r.used > 0 {
		r.freed.Wait()
	}
}

func (r *room) give(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= n
	r.freed.Signal()
}

func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.freed.Broadcast()
}
