package collector

import (
	"context"
	"fmt"
	"strings"
)

// Stored is what lies under one sequence, unpacked, as it was written.
type Stored struct {
	// Raw are the records, one a line.
	Raw []byte
	// UDM and Rejects are the companions, nil where there are none. A reject has
	// the number of its record's line in its member line.
	UDM, Rejects []byte
	// SHA256 is that of the raw object as it is stored.
	SHA256 string
}

// Stored reads a batch back that Deliver or Recover has made durable. It holds
// each object against the manifest: one that was altered is ErrForeign, one that
// has been taken away ErrNotExist.
func (o *Objects) Stored(ctx context.Context, n int64) (*Stored, error) {
	m, _, err := readManifest(ctx, o.Bucket, o.Layout, n)
	if err != nil {
		return nil, err
	}
	s := &Stored{SHA256: m.Raw.SHA256}
	if s.Raw, err = o.readFile(ctx, m.Raw); err != nil {
		return nil, err
	}
	if s.UDM, err = o.readCompanion(ctx, o.Layout.UDM, n, m.UDM); err != nil {
		return nil, err
	}
	s.Rejects, err = o.readCompanion(ctx, o.Layout.Rejects, n, m.Rejects)
	return s, err
}

func (o *Objects) readFile(ctx context.Context, f File) ([]byte, error) {
	raw, stored, err := o.read(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	if hash(stored) != f.SHA256 {
		return nil, fmt.Errorf("%w: %s is not what was written", ErrForeign, f.Name)
	}
	return raw, nil
}

// readCompanion reads a companion by its manifest. A run without Normalize may
// have written that before one with it was started: the companion is then found
// by its name.
func (o *Objects) readCompanion(ctx context.Context, prefix string, n int64, f *File) ([]byte, error) {
	if f != nil {
		return o.readFile(ctx, *f)
	}
	name, err := o.find(ctx, prefix, n)
	if err != nil || name == "" {
		return nil, err
	}
	stored, _, err := o.Bucket.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return unpack(stored, strings.HasSuffix(name, ".gz"))
}
