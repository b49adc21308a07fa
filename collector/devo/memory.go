package devo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// What is remembered of the batches that were sent: those with an event of the
// last hour before the newest one, but no more than so many events, and the last
// batch in any case.
const (
	rememberSpan   = time.Hour
	rememberEvents = 200_000
)

// memory holds the ids of the batches that lie in sent/.
type memory struct {
	loaded  bool
	batches []remembered // oldest first
	count   map[string]int
	events  int
	newest  time.Time
}

type remembered struct {
	sequence int64
	newest   time.Time
	ids      []identity
}

// load reads what earlier runs have left.
func (m *memory) load(ctx context.Context, spool collector.Bucket) error {
	if m.loaded {
		return nil
	}
	for name, err := range spool.List(ctx, "sent/", "") {
		if err != nil {
			return err
		}
		text, _, err := spool.Read(ctx, name)
		if err != nil {
			return err
		}
		var h head
		if err := json.Unmarshal(text, &h); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		m.learn(h)
	}
	m.loaded = true
	return nil
}

// add remembers a batch, and forgets those that are old.
func (m *memory) add(ctx context.Context, spool collector.Bucket, h head) error {
	if !m.loaded {
		// It lies in sent/ already.
		if err := m.load(ctx, spool); err != nil {
			return err
		}
	} else {
		m.learn(h)
	}
	for len(m.batches) > 1 && (m.events > rememberEvents || m.batches[0].newest.Before(m.newest.Add(-rememberSpan))) {
		old := m.batches[0]
		if err := spool.Remove(ctx, sentName(old.sequence)); err != nil {
			return err
		}
		for _, id := range old.ids {
			if m.count[id.ID]--; m.count[id.ID] == 0 {
				delete(m.count, id.ID)
			}
		}
		m.events -= len(old.ids)
		m.batches = m.batches[1:]
	}
	return nil
}

func (m *memory) learn(h head) {
	if m.count == nil {
		m.count = make(map[string]int)
	}
	b := remembered{sequence: h.Sequence, ids: h.IDs}
	for _, id := range h.IDs {
		m.count[id.ID]++
		if id.Time.After(b.newest) {
			b.newest = id.Time
		}
	}
	if b.newest.After(m.newest) {
		m.newest = b.newest
	}
	m.events += len(h.IDs)
	m.batches = append(m.batches, b)
}

func (m *memory) has(id string) bool { return m.count[id] > 0 }
