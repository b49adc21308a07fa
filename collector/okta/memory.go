package okta

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/collector"
)

// Memory is where a list keeps what its records say. Each batch has a snapshot
// behind it, in an object that is named by the batch's sequence and chain, so that
// the State of the collector names the one that counts. What is in it follows from
// the batches alone: whoever stores it stores the same, and it is never replaced.
type Memory struct {
	Bucket collector.Bucket
	// Name is the start of the objects' names.
	Name string
}

// ErrMemory says that what a list is compared with is damaged or incomplete.
var ErrMemory = errors.New("what the list is compared with cannot be used")

// wholeEvery is how many batches a snapshot is kept by their records alone. It
// bounds the objects to read at the start of a run, and what a long list costs
// that comes in many batches.
const wholeEvery = 16

func (m Memory) name(sequence int64, chain string) string {
	return fmt.Sprintf("%s-%012d-%.16s.txt", m.Name, sequence, chain)
}

// load answers the snapshot behind a batch, nil where there is none.
func (m Memory) load(ctx context.Context, sequence int64, chain, idField string) (*snapshot, error) {
	type part struct{ name, lines string }
	var parts []part // newest first
	s := newSnapshot(0, "")
	for at, c := sequence, chain; at > 0; at-- {
		name := m.name(at, c)
		head, lines, err := m.read(ctx, name, at, c)
		switch {
		case errors.Is(err, collector.ErrNotExist) && at == sequence:
			return nil, nil
		case errors.Is(err, collector.ErrNotExist):
			return nil, m.unusable(m.name(sequence, chain), fmt.Errorf("it builds on %s, which is missing", name))
		case err != nil:
			return nil, err
		}
		parts = append(parts, part{name, lines})
		if head.Whole {
			s.begun, s.whole = head.Begun, at
			break
		}
		c = head.Previous
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if err := s.applyLines(parts[i].lines, idField); err != nil {
			return nil, m.unusable(parts[i].name, err)
		}
	}
	s.sequence, s.chain = sequence, chain
	return s, nil
}

func (m Memory) read(ctx context.Context, name string, sequence int64, chain string) (h snapshotHead, lines string, err error) {
	text, _, err := m.Bucket.Read(ctx, name)
	if err != nil {
		return h, "", err
	}
	h, lines, err = decodeHead(text)
	if err == nil && (h.Sequence != sequence || h.Chain != chain) {
		err = errDamaged
	}
	if err != nil {
		return h, "", m.unusable(name, err)
	}
	return h, lines, nil
}

func (m Memory) unusable(name string, err error) error {
	return fmt.Errorf("%w: %s/%s: %w; move it away to begin anew", ErrMemory, m.Bucket, name, err)
}

// store makes the snapshot behind a batch durable, by the batch's entries or as a
// whole.
func (m Memory) store(ctx context.Context, s *snapshot, previous string, entries []entry) error {
	head := snapshotHead{Sequence: s.sequence, Chain: s.chain, Previous: previous, Begun: s.begun}
	if s.whole == s.sequence {
		head.Previous, head.Whole, entries = "", true, s.entries()
	}
	text, err := encodeSnapshot(head, entries)
	if err != nil {
		return err
	}
	err = m.Bucket.Create(ctx, m.name(s.sequence, s.chain), text)
	if errors.Is(err, collector.ErrExist) {
		// Another process has stored it, perhaps in the other form.
		return nil
	}
	return err
}

// forget removes the snapshots before a sequence.
func (m Memory) forget(ctx context.Context, before int64) error {
	for name, err := range m.Bucket.List(ctx, m.Name+"-", "") {
		if err != nil {
			return err
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(name, m.Name+"-"), "-")
		if n, err := strconv.ParseInt(number, 10, 64); err != nil || n >= before {
			continue
		}
		if err := m.Bucket.Remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
