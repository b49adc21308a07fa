package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/asa2udm/asa2udm/beam/objects"
)

// ErrNoMatch says that there is nothing to map.
var ErrNoMatch = errors.New("no object matches")

// findFn lists the objects to map. Beam's own fileio.MatchFiles asks the bucket twice
// more about each of them, one after the other.
type findFn struct {
	Options Options
}

var objectsFound = beam.NewCounter(namespace, "objects_found")

// ProcessElement lists all objects, once.
func (fn *findFn) ProcessElement(ctx context.Context, _ []byte, emit func(objects.Object)) error {
	var store objects.Store
	defer store.Close()
	p, err := objects.ParsePattern(fn.Options.Input)
	if err != nil {
		return err
	}
	gate := fn.Options.gate(p)
	found := false
	for o, err := range store.List(ctx, p) {
		if err != nil {
			return err
		}
		if err := gate.admit(o); err != nil {
			return err
		}
		found = true
		objectsFound.Inc(ctx, 1)
		emit(o)
	}
	if !found {
		return fmt.Errorf("%w %q", ErrNoMatch, fn.Options.Input)
	}
	return nil
}

// Probe looks for the first object, so that a run that must fail does so before
// anybody pays for it. It answers ErrNoMatch where there is none.
func (o *Options) Probe(ctx context.Context) error {
	var store objects.Store
	defer store.Close()
	p, err := objects.ParsePattern(o.Input)
	if err != nil {
		return err
	}
	for found, err := range store.List(ctx, p) {
		if err != nil {
			return err
		}
		return o.gate(p).admit(found)
	}
	return fmt.Errorf("%w %q", ErrNoMatch, o.Input)
}
