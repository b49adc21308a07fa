package secops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Stats counts what a Sink does. It may be read at any time.
type Stats struct {
	Accepted atomic.Int64 // events that Google SecOps has accepted
	Dead     atomic.Int64 // events set aside as dead letters
	// Repeated counts events that were sent again because an earlier request with
	// them went unanswered: at most so many duplicates, with the ids of the first.
	Repeated atomic.Int64
	Refusals atomic.Int64 // requests that were refused for an event in them
	Bytes    atomic.Int64 // of the requests that were accepted
}

// Sink pushes the batches of one log. It is used by one collector at a time.
type Sink struct {
	// Objects keeps the batches at the spool. Without Normalize the raw lines are
	// pushed as logs, with it their UDM events.
	*collector.Objects
	Client *Client
	// Source is the name of the log, which is part of the events' ids.
	Source string
	// LogType is that of raw lines.
	LogType string
	// MaxDead bounds how many events of a batch may be refused, and how many in a
	// row; 0 stands for 100 and 10, a negative number for none.
	MaxDead int
	Stats   *Stats
	// Now is the clock, nil for the machine's.
	Now func() time.Time
	// Log takes warnings; nil drops them.
	Log *slog.Logger
}

var (
	_ collector.Sink      = (*Sink)(nil)
	_ collector.Rebuilder = (*Sink)(nil)
)

// method is the resource and the method of all requests.
func (s *Sink) method() string {
	if s.Normalize != nil {
		return s.Client.config.Instance.Name() + "/events:import"
	}
	return s.Client.config.Instance.Name() + "/logTypes/" + s.LogType + "/logs:import"
}

func (s *Sink) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Sink) warn(msg string, args ...any) {
	if s.Log != nil {
		s.Log.Warn(msg, args...)
	}
}

func (s *Sink) deadLimits() (inBatch, inRow int) {
	switch {
	case s.MaxDead == 0:
		return maxDead, maxRow
	case s.MaxDead < 0:
		return 0, 0
	}
	return s.MaxDead, s.MaxDead
}

// Deliver makes the batch durable at the spool and pushes it.
func (s *Sink) Deliver(ctx context.Context, b collector.Batch) (collector.Receipt, error) {
	receipt, err := s.Objects.Deliver(ctx, b)
	if err != nil {
		return collector.Receipt{}, err
	}
	return receipt, s.push(ctx, b.Sequence)
}

// Recover finishes what an earlier run has begun: it pushes what lies at the spool
// and is not noted as pushed.
func (s *Sink) Recover(ctx context.Context, b collector.Batch) (*collector.Receipt, error) {
	receipt, err := s.Objects.Recover(ctx, b)
	if receipt == nil || err != nil {
		return nil, err
	}
	done, err := readNote(ctx, s.Bucket, b.Sequence)
	if err != nil {
		return nil, err
	}
	if done == nil {
		err = s.push(ctx, b.Sequence)
	}
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

// Rebuild answers the State behind the last batch that was pushed: those after it
// are left for Recover.
func (s *Sink) Rebuild(ctx context.Context, source string) (*collector.State, error) {
	last, err := s.lastNote(ctx)
	if err != nil {
		return nil, err
	}
	return s.RebuildTo(ctx, source, last)
}

// push sends what lies at the spool under a sequence, and notes what came of it.
func (s *Sink) push(ctx context.Context, n int64) error {
	p, err := s.prepare(ctx, n)
	if err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("push to %s: %w", s.Client, err)
	}
	return p.finish(ctx)
}

// prepare reads a batch back and plans its requests.
func (s *Sink) prepare(ctx context.Context, n int64) (*pushing, error) {
	stored, err := s.Stored(ctx, n)
	if errors.Is(err, collector.ErrNotExist) {
		return nil, fmt.Errorf("%w: batch %d: %w", ErrSpool, n, err)
	}
	if err != nil {
		return nil, err
	}
	p := &pushing{Sink: s, sequence: n, raw: stored.SHA256}
	first, err := s.begin(ctx, p)
	if err != nil {
		return nil, err
	}
	if s.Normalize != nil {
		p.plan, err = s.planEvents(n, stored)
	} else {
		p.plan, err = s.planLogs(stored, first.Collected)
	}
	return p, err
}

// begin notes that a batch is about to be pushed, or reads how far an earlier run
// has come with it.
func (s *Sink) begin(ctx context.Context, p *pushing) (begin, error) {
	b, first, err := s.readBegin(ctx, p.sequence)
	if err != nil {
		return b, err
	}
	if p.again = !first; p.again {
		if p.before, err = s.readParts(ctx, p.sequence); err != nil {
			return b, err
		}
		s.warn("pushing again what an earlier run has begun to push", "sequence", p.sequence, "requests_done", len(p.before))
		if b.Method != s.method() {
			s.warn("this batch was begun otherwise: what was accepted then stands there, too", "began_as", b.Method, "now", s.method())
		}
	}
	before, err := readNote(ctx, s.Bucket, p.sequence-1)
	if before != nil {
		p.row = before.Row
	}
	return b, err
}

// finish keeps the dead letters and then notes that the batch is done.
func (p *pushing) finish(ctx context.Context) error {
	done := note{
		Version: noteVersion, Sequence: p.sequence, Method: p.target, Raw: p.raw, Row: p.row,
		Events: len(p.items) + len(p.large), Dead: len(p.letters), Requests: p.accepted,
	}
	for _, r := range p.accepted {
		done.Accepted += r.Events
	}
	if len(p.items) > 0 {
		done.First, done.Last = p.items[0].id, p.items[len(p.items)-1].id
	}
	if len(p.letters) > 0 {
		slices.SortFunc(p.letters, func(a, b letter) int { return a.Index - b.Index })
		var err error
		if done.DeadLetters, err = p.writeLetters(ctx, p.sequence, p.letters); err != nil {
			return err
		}
		p.warn("events were set aside", "sequence", p.sequence, "events", len(p.letters), "dead_letters", done.DeadLetters, "first_reason", p.letters[0].Reason)
	}
	if err := p.writeNote(ctx, done); err != nil {
		return err
	}
	p.Stats.Dead.Add(int64(len(p.letters)))
	return nil
}
