package devo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Stats counts what a Sink does. It may be read at any time.
type Stats struct {
	Sent     atomic.Int64 // events that are proven to have arrived
	Repeated atomic.Int64 // events sent again because their arrival was not proven: at most so many duplicates
	Barriers atomic.Int64 // connections drained
	Failures atomic.Int64 // connections that were not
	Spooled  atomic.Int64 // events that wait on disk
}

// Sink sends the batches of one log. It is used by one collector at a time.
type Sink struct {
	Client *Client
	Tag    string
	// Spool is where batches are kept.
	Spool collector.Bucket
	// Identify reads back the identity of a line; it is Source.Record.
	Identify func(line []byte) collector.Record
	Stats    *Stats
	// Log takes warnings; nil drops them.
	Log *slog.Logger

	memory memory
}

var _ collector.Sink = (*Sink)(nil)

// head is the first line of a batch on disk, and the record of one that is sent.
type head struct {
	Version  int              `json:"version"`
	Sequence int64            `json:"sequence"`
	Chain    string           `json:"chain"`
	Previous string           `json:"previous,omitempty"`
	Tag      string           `json:"tag"`
	Cursor   collector.Cursor `json:"cursor"`
	Records  int              `json:"records"`
	IDs      []identity       `json:"ids,omitempty"`
}

type identity struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time,omitzero"`
}

const headVersion = 1

func spoolName(n int64) string { return fmt.Sprintf("spool/%012d.ndjson", n) }
func sentName(n int64) string  { return fmt.Sprintf("sent/%012d.json", n) }

// Deliver puts the batch on disk, sends it, and notes that it was sent.
func (s *Sink) Deliver(ctx context.Context, b collector.Batch) (collector.Receipt, error) {
	h := head{
		Version: headVersion, Sequence: b.Sequence, Previous: b.Previous, Tag: s.Tag,
		Cursor: b.Cursor, Records: len(b.Records), Chain: chain(b),
	}
	text, err := json.Marshal(h)
	if err != nil {
		return collector.Receipt{}, err
	}
	text = append(text, '\n')
	for _, r := range b.Records {
		text = append(append(text, r.Data...), '\n')
	}
	if err := s.Spool.Create(ctx, spoolName(b.Sequence), text); err != nil {
		if errors.Is(err, collector.ErrExist) {
			err = fmt.Errorf("%w: %s was written by someone else", collector.ErrConflict, spoolName(b.Sequence))
		}
		return collector.Receipt{}, err
	}
	s.Stats.Spooled.Store(int64(len(b.Records)))
	return s.finish(ctx, h, b.Records, false)
}

// chain identifies a batch and all before it.
func chain(b collector.Batch) string {
	sum := sha256.New()
	sum.Write([]byte(b.Previous))
	for _, r := range b.Records {
		sum.Write(r.Data)
		sum.Write([]byte{'\n'})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Recover sends what an earlier run has left on disk. It was tried before, so
// that all of it may arrive a second time.
func (s *Sink) Recover(ctx context.Context, b collector.Batch) (*collector.Receipt, error) {
	text, _, err := s.Spool.Read(ctx, sentName(b.Sequence))
	if err == nil {
		return s.recoverSent(ctx, text, b)
	}
	if !errors.Is(err, collector.ErrNotExist) {
		return nil, err
	}
	if text, _, err = s.Spool.Read(ctx, spoolName(b.Sequence)); errors.Is(err, collector.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h, records, err := s.parse(text)
	if err != nil || h.Previous != b.Previous {
		return nil, fmt.Errorf("%w: %s is damaged or does not follow the batch before", collector.ErrForeign, spoolName(b.Sequence))
	}
	s.Stats.Spooled.Store(int64(len(records)))
	s.warn("sending first what an earlier run could not send, or not prove to have sent", "events", len(records))
	receipt, err := s.finish(ctx, h, records, true)
	if err != nil {
		return nil, err
	}
	return &receipt, nil
}

// recoverSent is for a batch that was sent and proven, but not noted in the state.
func (s *Sink) recoverSent(ctx context.Context, text []byte, b collector.Batch) (*collector.Receipt, error) {
	var h head
	if err := json.Unmarshal(text, &h); err != nil || h.Previous != b.Previous || h.Version != headVersion {
		return nil, fmt.Errorf("%w: %s is damaged or does not follow the batch before", collector.ErrForeign, sentName(b.Sequence))
	}
	if err := s.Spool.Remove(ctx, spoolName(b.Sequence)); err != nil {
		return nil, err
	}
	r := receipt(h)
	return &r, nil
}

// parse reads a batch from disk.
func (s *Sink) parse(text []byte) (h head, records []collector.Record, err error) {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(first, &h); err != nil {
		return h, nil, err
	}
	for line := range bytes.Lines(rest) {
		records = append(records, s.Identify(bytes.TrimSuffix(line, []byte("\n"))))
	}
	if len(records) != h.Records || h.Version != headVersion {
		return h, nil, errors.New("it has another number of records than it says")
	}
	return h, records, nil
}

// finish sends a batch until it is proven, notes that, and clears the disk.
func (s *Sink) finish(ctx context.Context, h head, records []collector.Record, repeated bool) (collector.Receipt, error) {
	if err := s.send(ctx, h.Tag, records, repeated); err != nil {
		return collector.Receipt{}, fmt.Errorf("send to %s: %w", s.Client, err)
	}
	for _, r := range records {
		h.IDs = append(h.IDs, identity{r.ID, r.Time})
	}
	text, err := json.Marshal(h)
	if err != nil {
		return collector.Receipt{}, err
	}
	if err := s.Spool.Create(ctx, sentName(h.Sequence), text); err != nil {
		return collector.Receipt{}, err
	}
	if err := s.Spool.Remove(ctx, spoolName(h.Sequence)); err != nil {
		return collector.Receipt{}, err
	}
	s.Stats.Spooled.Store(0)
	s.Stats.Sent.Add(int64(len(records)))
	return receipt(h), s.memory.add(ctx, s.Spool, h)
}

func receipt(h head) collector.Receipt {
	r := collector.Receipt{Sequence: h.Sequence, Chain: h.Chain, Cursor: h.Cursor}
	for _, id := range h.IDs {
		r.Records = append(r.Records, collector.Record{ID: id.ID, Time: id.Time})
	}
	return r
}

// send tries until a connection was drained. A fault of the files or of the
// certificates is not tried again.
func (s *Sink) send(ctx context.Context, tag string, records []collector.Record, repeated bool) error {
	c := s.Client.config
	for attempt := 1; ; attempt++ {
		if repeated {
			s.Stats.Repeated.Add(int64(len(records)))
		}
		out := &counter{}
		err := s.Client.transmit(ctx, func(w io.Writer) error {
			out.Writer = w
			return writeFrames(out, c, tag, records)
		})
		if err == nil {
			s.Stats.Barriers.Add(1)
			return nil
		}
		s.Stats.Failures.Add(1)
		// A connection that took no byte has repeated nothing.
		if repeated && out.n == 0 {
			s.Stats.Repeated.Add(-int64(len(records)))
		}
		repeated = repeated || out.n > 0
		if ctx.Err() != nil {
			return err
		}
		if attempt >= c.Attempts || errors.Is(err, ErrServerCert) || errors.Is(err, ErrRefused) {
			return err
		}
		wait := c.Backoff << min(attempt-1, 5)
		wait = wait/2 + rand.N(wait/2+1)
		s.warn("a batch did not arrive for certain and is sent again", "events", len(records), "attempt", attempt, "wait", wait.String(), "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// counter counts the bytes that a connection takes.
type counter struct {
	io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += n
	return n, err
}

func (s *Sink) warn(msg string, args ...any) {
	if s.Log != nil {
		s.Log.Warn(msg, args...)
	}
}

// Empty implements collector.Sink.
func (s *Sink) Empty(ctx context.Context) (bool, error) {
	for _, prefix := range []string{"sent/", "spool/"} {
		for _, err := range s.Spool.List(ctx, prefix, "") {
			return false, err
		}
	}
	return true, nil
}

// Seen implements collector.Sink as far as it remembers: for an hour of events
// before the newest one, within bounds. An older event passes as new.
func (s *Sink) Seen(ctx context.Context, r collector.Record, _ int64) (bool, error) {
	if err := s.memory.load(ctx, s.Spool); err != nil {
		return false, fmt.Errorf("look for an old event: %w", err)
	}
	return s.memory.has(r.ID), nil
}
