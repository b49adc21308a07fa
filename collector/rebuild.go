package collector

import (
	"context"
	"errors"
	"fmt"
)

var _ Rebuilder = (*Objects)(nil)

// Rebuild answers the State behind the last manifest. A batch that has its raw
// object but no manifest yet is left for Recover.
func (o *Objects) Rebuild(ctx context.Context, source string) (*State, error) {
	last := int64(0)
	for name, err := range o.Bucket.List(ctx, o.Layout.Manifest, "") {
		if err != nil {
			return nil, err
		}
		if n, ok := parseSequence(name, o.Layout.Manifest); ok {
			last = n
		}
	}
	return o.RebuildTo(ctx, source, last)
}

// RebuildTo answers the State behind batch last, 0 for that before the first.
func (o *Objects) RebuildTo(ctx context.Context, source string, last int64) (*State, error) {
	s := &State{Version: stateVersion, Source: source, Sequence: 1}
	if last == 0 {
		return s, nil
	}
	from, err := o.firstRecent(ctx, last)
	if err != nil {
		return nil, err
	}
	for n := from; n <= last; n++ {
		if err := o.replay(ctx, s, n); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// firstRecent walks back until the batches from there on hold as many records as
// a State remembers.
func (o *Objects) firstRecent(ctx context.Context, last int64) (int64, error) {
	known := 0
	for n := last; n > 0; n-- {
		m, _, err := readManifest(ctx, o.Bucket, o.Layout, n)
		if err != nil {
			return 0, err
		}
		if known += m.Raw.Records; known >= recentIDs {
			return n, nil
		}
	}
	return 1, nil
}

// replay moves s past batch n.
func (o *Objects) replay(ctx context.Context, s *State, n int64) error {
	m, chain, err := readManifest(ctx, o.Bucket, o.Layout, n)
	if err != nil {
		return err
	}
	if len(s.Recent) == 0 && n > 1 {
		before, _, err := readManifest(ctx, o.Bucket, o.Layout, n-1)
		if err != nil {
			return err
		}
		s.Horizon, s.Untimed = later(s.Horizon, before.Newest), s.Untimed || before.Untimed
	}
	raw, stored, err := o.read(ctx, m.Raw.Name)
	if err != nil && !errors.Is(err, ErrNotExist) {
		return err
	}
	if err == nil && hash(stored) != m.Raw.SHA256 {
		return fmt.Errorf("%w: %s is not what was written", ErrForeign, m.Raw.Name)
	}
	s.Floor, s.Start = m.Floor, m.Floor
	receipt := Receipt{Sequence: n, Chain: chain, Cursor: m.Cursor}
	for _, line := range lines(raw) {
		rec := o.Identify(line)
		receipt.Records = append(receipt.Records, Record{ID: rec.ID, Time: rec.Time})
	}
	s.advance(receipt)
	return nil
}
