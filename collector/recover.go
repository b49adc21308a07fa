package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Recover finishes what an earlier run has begun under the sequence. The raw
// object is the truth, whatever the source would answer now: it is read, not
// written again, and the rest of the batch follows from its bytes.
func (o *Objects) Recover(ctx context.Context, b Batch) (*Receipt, error) {
	name, err := o.find(ctx, o.Layout.Raw, b.Sequence)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return o.recoverWithoutRaw(ctx, b)
	}
	raw, stored, err := o.readBegun(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, line := range lines(raw) {
		b.Records = append(b.Records, o.Identify(line))
	}
	b.Cursor = b.Cursor.Behind(b.Records)
	m := o.describe(b, newFile(name, stored, len(b.Records)))
	rejected, err := o.storeCompanions(ctx, m, raw, true)
	if err != nil {
		return nil, err
	}
	m, chain, err := storeManifest(ctx, o.Bucket, o.Layout, m)
	if err != nil {
		return nil, err
	}
	return &Receipt{
		Sequence: b.Sequence, Chain: chain, Cursor: m.Cursor, Rejected: rejected,
		Records: withoutData(b.Records),
	}, nil
}

// readBegun reads an object that no manifest vouches for yet. Objects are created
// whole, so one that no batch can have been written as was never ours.
func (o *Objects) readBegun(ctx context.Context, name string) (raw, stored []byte, err error) {
	raw, stored, err = o.read(ctx, name)
	if err != nil && stored == nil {
		return nil, nil, err
	}
	if err == nil {
		if fault := notBatch(raw); fault != "" {
			err = fmt.Errorf("%s %s", name, fault)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w; move it away and run again", ErrForeign, err)
	}
	return raw, stored, nil
}

// notBatch answers why raw cannot be the lines of a batch, "" where it can.
func notBatch(raw []byte) string {
	if len(raw) == 0 {
		return "is empty"
	}
	if !bytes.HasSuffix(raw, []byte{'\n'}) {
		return "ends within a line"
	}
	for i, line := range lines(raw) {
		// An API may list what is no object, and that is kept as it is.
		if !json.Valid(line) {
			return fmt.Sprintf("holds a line that is no JSON, line %d", i+1)
		}
	}
	return ""
}

// recoverWithoutRaw tells a free sequence from one whose raw object has been
// taken away, as a feed does that deletes what it has read.
func (o *Objects) recoverWithoutRaw(ctx context.Context, b Batch) (*Receipt, error) {
	m, chain, err := readManifest(ctx, o.Bucket, o.Layout, b.Sequence)
	if err == nil {
		if m.Previous != b.Previous {
			return nil, fmt.Errorf("%w: %s does not follow the batch before", ErrForeign, o.Layout.manifest(b.Sequence))
		}
		return &Receipt{Sequence: b.Sequence, Chain: chain, Cursor: m.Cursor}, nil
	}
	if !errors.Is(err, ErrNotExist) {
		return nil, err
	}
	for _, prefix := range []string{o.Layout.UDM, o.Layout.Rejects} {
		name, err := o.find(ctx, prefix, b.Sequence)
		if err != nil {
			return nil, err
		}
		if name != "" {
			return nil, fmt.Errorf("%w: %s stands there without its raw object; restore that or move this away", ErrForeign, name)
		}
	}
	return nil, nil
}

// find answers the name of the object of a sequence below prefix, "" for none.
// It is looked for by its number alone: the run before may have compressed it.
func (o *Objects) find(ctx context.Context, prefix string, n int64) (string, error) {
	for name, err := range o.Bucket.List(ctx, prefix+sequenceName(n)+".", "") {
		return name, err
	}
	return "", nil
}

// read answers the lines of an object and its bytes as they are stored, the
// latter also where the lines cannot be unpacked.
func (o *Objects) read(ctx context.Context, name string) (raw, stored []byte, err error) {
	stored, _, err = o.Bucket.Read(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	raw, err = unpack(stored, strings.HasSuffix(name, ".gz"))
	if err != nil {
		return nil, stored, fmt.Errorf("%s: %w", name, err)
	}
	return raw, stored, nil
}

// lines cuts at newlines; the last line needs none.
func lines(b []byte) [][]byte {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	if len(b) == 0 {
		return nil
	}
	return bytes.Split(b, []byte{'\n'})
}
