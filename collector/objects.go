package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Normalizer turns the records of one raw object, one a line, into the object's
// companions: the events they map to and the records that did not map. It must
// answer the same bytes for the same records.
type Normalizer func(ctx context.Context, raw []byte) (udm, rejects []byte, err error)

// Objects is the Sink that writes NDJSON objects into a Bucket.
type Objects struct {
	Bucket Bucket
	Layout Layout
	// Identify reads back the identity of a line; it is Source.Record.
	Identify func(line []byte) Record
	// Normalize makes companions, if set.
	Normalize Normalizer
	// Gzip compresses new objects, which are then named .gz.
	Gzip bool
	// AcceptUnverified lets an old record pass as new when the object that could
	// tell has been deleted. Without it such a record stops the run.
	AcceptUnverified bool

	history history
}

var _ Sink = (*Objects)(nil)

// Deliver writes the untouched pages, the raw object, its companions and the
// manifest, in this order. The raw object decides: it is created only where the
// sequence is free.
func (o *Objects) Deliver(ctx context.Context, b Batch) (Receipt, error) {
	pages, err := o.storePages(ctx, b)
	if err != nil {
		return Receipt{}, err
	}
	raw := joinLines(b.Records)
	stored, err := pack(raw, o.Gzip)
	if err != nil {
		return Receipt{}, err
	}
	name := o.Layout.Raw + sequenceName(b.Sequence) + o.extension()
	if err := o.Bucket.Create(ctx, name, stored); err != nil {
		if errors.Is(err, ErrExist) {
			return Receipt{}, fmt.Errorf("%w: %s was written by someone else", ErrConflict, name)
		}
		return Receipt{}, err
	}
	m := o.describe(b, newFile(name, stored, len(b.Records)))
	m.Pages = pages
	rejected, err := o.storeCompanions(ctx, m, raw, false)
	if err != nil {
		return Receipt{}, err
	}
	_, chain, err := storeManifest(ctx, o.Bucket, o.Layout, m)
	return Receipt{
		Sequence: b.Sequence, Chain: chain, Cursor: b.Cursor, Rejected: rejected,
		Records: withoutData(b.Records),
	}, err
}

// describe answers the manifest of b's records.
func (o *Objects) describe(b Batch, raw File) *Manifest {
	m := &Manifest{
		Version: manifestVersion, Sequence: b.Sequence, Previous: b.Previous, Raw: raw,
		Newest: b.Newest, Untimed: b.Untimed, Cursor: b.Cursor, Floor: b.Floor,
		First: b.Records[0].ID, Last: b.Records[len(b.Records)-1].ID,
	}
	for _, r := range b.Records {
		if r.Time.IsZero() {
			m.Untimed = true
			continue
		}
		if m.From.IsZero() || r.Time.Before(m.From) {
			m.From = r.Time
		}
		m.To = later(m.To, r.Time)
	}
	m.Newest = later(m.Newest, m.To)
	return m
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// storeCompanions writes what Normalize makes of raw, and notes it in m. A
// companion that a crashed run has left with other bytes, because the rules have
// changed since, is adopted where adopt says so.
func (o *Objects) storeCompanions(ctx context.Context, m *Manifest, raw []byte, adopt bool) (rejected int, err error) {
	if o.Normalize == nil {
		return 0, nil
	}
	udm, rejects, err := o.Normalize(ctx, raw)
	if err != nil {
		return 0, fmt.Errorf("normalise %s: %w", m.Raw.Name, err)
	}
	gz := strings.HasSuffix(m.Raw.Name, ".gz")
	if m.UDM, err = o.storeCompanion(ctx, o.Layout.UDM, m.Sequence, udm, gz, adopt); err != nil {
		return 0, err
	}
	if len(rejects) == 0 {
		return 0, nil
	}
	m.Rejects, err = o.storeCompanion(ctx, o.Layout.Rejects, m.Sequence, rejects, gz, adopt)
	return countLines(rejects), err
}

func (o *Objects) storeCompanion(ctx context.Context, prefix string, n int64, lines []byte, gz, adopt bool) (*File, error) {
	stored, err := pack(lines, gz)
	if err != nil {
		return nil, err
	}
	name := prefix + sequenceName(n) + extension(gz)
	err = o.Bucket.Create(ctx, name, stored)
	if errors.Is(err, ErrExist) && adopt {
		if stored, _, err = o.Bucket.Read(ctx, name); err == nil {
			lines, err = unpack(stored, gz)
		}
	}
	if errors.Is(err, ErrExist) {
		return nil, fmt.Errorf("%w: %s stands there without its raw object; move it away and run again", ErrForeign, name)
	}
	if err != nil {
		return nil, err
	}
	f := newFile(name, stored, countLines(lines))
	return &f, nil
}

// storePages keeps untouched pages. Their names carry their hash: a crashed run
// may have left other pages under the sequence, which do no harm.
func (o *Objects) storePages(ctx context.Context, b Batch) ([]File, error) {
	var files []File
	for _, p := range b.Pages {
		name := fmt.Sprintf("%s%s-%s.json", o.Layout.Pages, sequenceName(b.Sequence), hash(p)[:16])
		if err := o.Bucket.Create(ctx, name, p); err != nil {
			return nil, err
		}
		files = append(files, newFile(name, p, 0))
	}
	return files, nil
}

// Empty reports whether there is neither a raw object of ours nor a manifest.
func (o *Objects) Empty(ctx context.Context) (bool, error) {
	for _, err := range o.Bucket.List(ctx, o.Layout.Manifest, "") {
		return false, err
	}
	for name, err := range o.Bucket.List(ctx, o.Layout.Raw, "") {
		if err != nil {
			return false, err
		}
		if _, ours := parseSequence(name, o.Layout.Raw); ours {
			return false, nil
		}
	}
	return true, nil
}

func (o *Objects) extension() string { return extension(o.Gzip) }

func extension(gz bool) string {
	if gz {
		return ".ndjson.gz"
	}
	return ".ndjson"
}

func joinLines(records []Record) []byte {
	size := 0
	for _, r := range records {
		size += len(r.Data) + 1
	}
	b := make([]byte, 0, size)
	for _, r := range records {
		b = append(append(b, r.Data...), '\n')
	}
	return b
}

func withoutData(records []Record) []Record {
	out := make([]Record, len(records))
	for i, r := range records {
		out[i] = Record{ID: r.ID, Time: r.Time}
	}
	return out
}

func countLines(b []byte) int {
	n := bytes.Count(b, []byte{'\n'})
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}
