package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// historyObjects is how many objects' ids are kept at a time. A log that is read
// again from its start walks the objects in order, so a few are enough.
const historyObjects = 8

// history looks up old records in what was written.
type history struct {
	manifests map[int64]*Manifest
	ids       map[int64]map[string]bool
	order     []int64 // of ids, oldest first
}

// Seen walks the manifests backwards as far as a record of r's time can stand,
// and reads the objects whose span holds that time.
func (o *Objects) Seen(ctx context.Context, r Record, before int64) (bool, error) {
	h := &o.history
	for n := before - 1; n > 0; n-- {
		m, err := h.manifest(ctx, o, n)
		if errors.Is(err, ErrNotExist) && o.AcceptUnverified {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("look for an old record: %w", err)
		}
		if beyond(m, r) {
			return false, nil
		}
		if m.First == r.ID || m.Last == r.ID {
			return true, nil
		}
		if !spans(m, r) {
			continue
		}
		ids, err := h.load(ctx, o, m)
		if errors.Is(err, ErrNotExist) && o.AcceptUnverified {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("cannot tell whether record %q is new: %w", r.ID, err)
		}
		if ids[r.ID] {
			return true, nil
		}
	}
	return false, nil
}

// beyond reports that neither m's batch nor any before it can hold r.
func beyond(m *Manifest, r Record) bool {
	if r.Time.IsZero() {
		return !m.Untimed
	}
	return r.Time.After(m.Newest)
}

func spans(m *Manifest, r Record) bool {
	if r.Time.IsZero() {
		return m.Untimed
	}
	return !r.Time.Before(m.From) && !r.Time.After(m.To)
}

func (h *history) manifest(ctx context.Context, o *Objects, n int64) (*Manifest, error) {
	if m := h.manifests[n]; m != nil {
		return m, nil
	}
	m, _, err := readManifest(ctx, o.Bucket, o.Layout, n)
	if err != nil {
		return nil, err
	}
	if h.manifests == nil {
		h.manifests = make(map[int64]*Manifest)
	}
	h.manifests[n] = m
	return m, nil
}

func (h *history) load(ctx context.Context, o *Objects, m *Manifest) (map[string]bool, error) {
	if ids := h.ids[m.Sequence]; ids != nil {
		h.order = append(slices.DeleteFunc(h.order, func(n int64) bool { return n == m.Sequence }), m.Sequence)
		return ids, nil
	}
	raw, _, err := o.read(ctx, m.Raw.Name)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, m.Raw.Records)
	for _, line := range lines(raw) {
		ids[o.Identify(line).ID] = true
	}
	if len(h.order) >= historyObjects {
		delete(h.ids, h.order[0])
		h.order = h.order[1:]
	}
	if h.ids == nil {
		h.ids = make(map[int64]map[string]bool)
	}
	h.ids[m.Sequence], h.order = ids, append(h.order, m.Sequence)
	return ids, nil
}
