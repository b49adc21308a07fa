package okta

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Remember implements collector.Comparer: it stores what the records say now. It
// needs no more than their names, so that a batch which another process has
// written serves as well.
func (l *List) Remember(ctx context.Context, previous string, r collector.Receipt) error {
	if !l.changes || l.known.stands(r.Sequence, r.Chain) {
		return nil
	}
	if err := l.remember(ctx, previous, r); err != nil {
		return fmt.Errorf("remember what is known of %s: %w", l.service.Name, err)
	}
	return nil
}

func (l *List) remember(ctx context.Context, previous string, r collector.Receipt) (err error) {
	if !l.known.stands(r.Sequence-1, previous) {
		if l.known, err = l.memory.load(ctx, r.Sequence-1, previous, l.service.ID); err != nil {
			return err
		}
	}
	if l.known == nil || len(r.Records) == 0 {
		// There is nothing to add to, or nothing that could be added. Recall finds
		// what was stored for the batch, if it was.
		l.known = nil
		return nil
	}
	s := l.known
	l.known = nil // until it is durable
	entries := entriesOf(r.Records)
	for _, e := range entries {
		s.apply(e, l.service.ID)
	}
	s.sequence, s.chain = r.Sequence, r.Chain
	before := s.whole
	if s.sequence-before >= wholeEvery {
		s.whole = s.sequence
	}
	if err := l.memory.store(ctx, s, previous, entries); err != nil {
		return err
	}
	l.known = s
	if s.whole != before {
		// The State does not stand behind the batch yet, so the snapshots from the
		// last whole one on are needed still.
		if err := l.memory.forget(ctx, before); err != nil {
			l.log.Warn("could not remove old snapshots; they do no harm", "service", l.service.Name, "error", err)
		}
	}
	return nil
}

// Recall implements collector.Comparer. Where there is no snapshot behind the
// batch that the State stands at, the memory begins anew there.
func (l *List) Recall(ctx context.Context, sequence int64, chain string) error {
	l.under = nil
	if !l.changes || l.known.stands(sequence, chain) {
		return nil
	}
	if err := l.recall(ctx, sequence, chain); err != nil {
		return fmt.Errorf("recall what is known of %s: %w", l.service.Name, err)
	}
	return nil
}

func (l *List) recall(ctx context.Context, sequence int64, chain string) (err error) {
	if l.known, err = l.memory.load(ctx, sequence, chain, l.service.ID); l.known != nil || err != nil {
		return err
	}
	l.log.Warn("there is no reading to compare with: all objects count as found now", "service", l.service.Name)
	anew := newSnapshot(sequence, chain)
	if err := l.memory.store(ctx, anew, "", nil); err != nil {
		return err
	}
	l.known = anew
	return nil
}

// ended says which readings of a list with changes have ended. It stands in the
// link of the cursor, so that it moves with the State.
type ended struct {
	read  time.Time // the last one, zero for none
	full  time.Time // the last one of the whole list
	begun int64     // the batch behind which the memory began that they filled
}

// first reports that none has.
func (e ended) first() bool { return e.read.IsZero() }

// link answers a cursor's link. The address of the next page keeps the cursors of
// a reading apart; a reading that was cut off is not taken up there.
func (l *List) link(e ended, next string) string {
	if !l.changes {
		return next
	}
	q := url.Values{"begun": {strconv.FormatInt(e.begun, 10)}}
	if !e.first() {
		q.Set("read", stamp(e.read))
		q.Set("full", stamp(e.full))
	}
	if next != "" {
		q.Set("next", next)
	}
	return q.Encode()
}

// parseEnded reads what link has written. Any other link tells of no reading.
func parseEnded(link string) ended {
	q, err := url.ParseQuery(link)
	if err != nil {
		return ended{}
	}
	read, errRead := time.Parse(time.RFC3339Nano, q.Get("read"))
	full, errFull := time.Parse(time.RFC3339Nano, q.Get("full"))
	begun, errBegun := strconv.ParseInt(q.Get("begun"), 10, 64)
	if errRead != nil || errFull != nil || errBegun != nil {
		return ended{}
	}
	return ended{read, full, begun}
}
