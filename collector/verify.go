package collector

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
)

// Finding is one thing that Verify found wrong.
type Finding struct {
	// Object is the name of the object that is wrong.
	Object string `json:"object"`
	Fault  string `json:"fault"`
	// Foreign says that the object was never ours.
	Foreign bool `json:"foreign,omitempty"`
}

// Verification is what Verify looked at.
type Verification struct {
	Batches int64 `json:"batches"`
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Chain vouches for all of it; it is the SHA-256 of the last manifest.
	Chain string `json:"chain"`
	// Unfinished is the sequence of a batch that a run was cut off from, which
	// the next run will finish; 0 for none.
	Unfinished int64 `json:"unfinished,omitempty"`
	// Foreign counts objects below the raw prefix that were not written by us.
	Foreign int64 `json:"foreign,omitempty"`
}

// Verify reads everything that was collected and reports each gap, duplicate,
// and altered or foreign object. state is the text of the State, nil for none;
// with it a loss at the end is seen, too. It calls no source.
func Verify(ctx context.Context, o *Objects, state []byte, report func(Finding)) (Verification, error) {
	v := verifier{Objects: o, report: report, ids: make(map[[16]byte]int64), ours: make(map[string]bool)}
	if err := v.chain(ctx); err != nil {
		return v.Verification, err
	}
	if err := v.objects(ctx); err != nil {
		return v.Verification, err
	}
	v.compare(state)
	return v.Verification, nil
}

type verifier struct {
	*Objects
	Verification
	report func(Finding)
	ids    map[[16]byte]int64 // hash of an id to its batch
	ours   map[string]bool    // objects that a manifest names
}

func (v *verifier) fault(object, format string, args ...any) {
	v.report(Finding{Object: object, Fault: fmt.Sprintf(format, args...)})
}

// chain follows the manifests from the first to the last.
func (v *verifier) chain(ctx context.Context) error {
	last, err := v.lastManifest(ctx)
	if err != nil {
		return err
	}
	for n := int64(1); n <= last; n++ {
		name := v.Layout.manifest(n)
		m, chain, err := readManifest(ctx, v.Bucket, v.Layout, n)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			v.fault(name, "%v", missing(err))
			v.Chain = ""
			continue
		}
		if m.Previous != v.Chain && (v.Chain != "" || n == 1) {
			v.fault(name, "it does not follow the manifest before: one of the two was altered")
		}
		v.Chain = chain
		v.Batches++
		if err := v.batch(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func missing(err error) error {
	if errors.Is(err, ErrNotExist) {
		return errors.New("it is missing")
	}
	return err
}

func (v *verifier) lastManifest(ctx context.Context) (last int64, err error) {
	for name, err := range v.Bucket.List(ctx, v.Layout.Manifest, "") {
		if err != nil {
			return 0, err
		}
		n, ok := parseSequence(name, v.Layout.Manifest)
		if !ok || name != v.Layout.manifest(n) {
			v.fault(name, "it is foreign: no batch has written it")
			continue
		}
		last = n
	}
	return last, nil
}

func (v *verifier) batch(ctx context.Context, m *Manifest) error {
	lines, err := v.file(ctx, m.Raw)
	if err != nil {
		return err
	}
	if lines != nil {
		v.records(m, lines)
	}
	for _, f := range append(optional(m.UDM, m.Rejects), m.Pages...) {
		if _, err := v.file(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func optional(files ...*File) (out []File) {
	for _, f := range files {
		if f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// file answers the lines of an object that is as it was written, nil for one
// that is not. The error is one of reading.
func (v *verifier) file(ctx context.Context, f File) ([][]byte, error) {
	v.ours[f.Name] = true
	raw, stored, err := v.read(ctx, f.Name)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case stored == nil && err != nil:
		v.fault(f.Name, "%v", missing(err))
		return nil, nil
	case hash(stored) != f.SHA256:
		v.fault(f.Name, "it was altered: its SHA-256 is not that of its manifest")
		return nil, nil
	case err != nil:
		v.fault(f.Name, "%v", err)
		return nil, nil
	}
	v.Bytes += int64(len(stored))
	return lines(raw), nil
}

func (v *verifier) records(m *Manifest, lines [][]byte) {
	if len(lines) != m.Raw.Records {
		v.fault(m.Raw.Name, "it holds %d records, its manifest says %d", len(lines), m.Raw.Records)
	}
	for i, line := range lines {
		v.Records++
		id := v.Identify(line).ID
		if i == 0 && id != m.First || i == len(lines)-1 && id != m.Last {
			v.fault(m.Raw.Name, "its first or last record is not that of its manifest")
		}
		sum := sha256.Sum256([]byte(id))
		key := [16]byte(sum[:16])
		if other, twice := v.ids[key]; twice {
			v.fault(m.Raw.Name, "record %q of line %d stands in batch %d already", id, i+1, other)
			continue
		}
		v.ids[key] = m.Sequence
	}
}

// objects looks for what no manifest names.
func (v *verifier) objects(ctx context.Context) error {
	for _, prefix := range []string{v.Layout.Raw, v.Layout.UDM, v.Layout.Rejects} {
		if err := v.foreign(ctx, prefix, v.Bucket.List(ctx, prefix, "")); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) foreign(ctx context.Context, prefix string, names iter.Seq2[string, error]) error {
	for name, err := range names {
		if err != nil {
			return err
		}
		n, numbered := parseSequence(name, prefix)
		switch {
		case v.ours[name]:
		case numbered && n == v.Batches+1:
			// The run that wrote it was cut off before its manifest.
			v.Unfinished = n
			if err := v.begun(ctx, prefix, name); err != nil {
				return err
			}
		case numbered || prefix != v.Layout.Raw:
			v.fault(name, "it is foreign: no manifest names it")
		default:
			v.Foreign++
			v.report(Finding{Object: name, Fault: "it is foreign: its name is none of ours", Foreign: true})
		}
	}
	return nil
}

// begun looks at an object that the next run is to finish.
func (v *verifier) begun(ctx context.Context, prefix, name string) error {
	if prefix != v.Layout.Raw {
		return nil
	}
	_, _, err := v.readBegun(ctx, name)
	if err != nil && ctx.Err() == nil {
		v.fault(name, "%v", err)
	}
	return ctx.Err()
}

// compare holds the end of the chain against what the collector noted last.
func (v *verifier) compare(text []byte) {
	if text == nil {
		return
	}
	s, err := decodeState(text)
	switch {
	case err != nil:
		v.fault("state", "%v", err)
	case s.Sequence == v.Batches+1 && s.Chain == v.Chain:
	case s.Sequence == v.Batches && v.Batches > 0:
		// Cut off between the manifest and the state.
		v.Unfinished = v.Batches
	case s.Sequence > v.Batches+1:
		v.fault("state", "it has counted %d batches, and %d are there: the last ones are missing", s.Sequence-1, v.Batches)
	default:
		v.fault("state", "it stands at batch %d with chain %q, the manifests at %d with %q", s.Sequence-1, s.Chain, v.Batches, v.Chain)
	}
}
