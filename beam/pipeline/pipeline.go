// Package pipeline maps objects of raw records to objects of UDM events on Apache
// Beam.
//
// One element is one object. It is streamed through the mapper, as the command
// "asa2udm map" does it, and written under a name that follows from its own:
// events to NAME.udm.ndjson, rejected records to NAME.rejects.ndjson. There is
// nothing to shuffle, so memory does not grow with the input, and a runner that
// repeats an element writes the same bytes once more.
package pipeline

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/asa2udm/asa2udm/beam/objects"
)

func init() {
	// Beam finds functions and types on a worker by what is registered here.
	register.DoFn3x1[context.Context, []byte, func(objects.Object), error](&findFn{})
	register.DoFn3x1[context.Context, objects.Object, func(objects.Object), error](&mapFn{})
	register.DoFn1x0[objects.Object](&endFn{})
	register.Emitter1[objects.Object]()
}

// The ends of the names of what is written for an object.
const (
	EventsSuffix  = ".udm.ndjson"
	RejectsSuffix = ".rejects.ndjson"
)

// Options say what to map. All of it travels to the workers.
type Options struct {
	Input     string // a pattern, see objects.ParsePattern
	Output    objects.Place
	Rejects   objects.Place // often the same
	Rules     Rules
	JSONNames bool // write lowerCamelCase names
	MaxRecord int  // bytes of a line; 0 means mapping.DefaultMaxRecord
	Workers   int  // threads for each object; 0 means one for each processor
	AtOnce    int  // objects under way in each bundle, at least 1
}

// New answers a pipeline that maps all objects of the input. Before it is run,
// beam.Init must have been called.
func New(o Options) *beam.Pipeline {
	p, s := beam.NewPipelineWithRoot()
	finding := o
	finding.Rules = Rules{}
	found := beam.ParDo(s.Scope("find objects"), &findFn{finding}, beam.Impulse(s))
	// Without this, runners would fuse the two steps, and the worker that lists the
	// objects would map all of them.
	spread := beam.Reshuffle(s, found)
	// Nothing is sent on. But while a step that sends nothing to another is at work,
	// Prism asks for its end without a pause, and takes a processor for that alone.
	none := beam.ParDo(s.Scope("map objects"), &mapFn{Options: o}, spread)
	beam.ParDo0(s.Scope("end"), &endFn{}, beam.Reshuffle(s, none))
	return p
}

// endFn is a step for another to come before.
type endFn struct{}

// ProcessElement is never called.
func (*endFn) ProcessElement(objects.Object) {}

// places answers where the events and the rejects of an object go.
func (o *Options) places(name string) (events, rejects string, err error) {
	if events, err = o.Output.Join(name + EventsSuffix); err != nil {
		return "", "", err
	}
	rejects, err = o.Rejects.Join(name + RejectsSuffix)
	return events, rejects, err
}

// gate refuses objects whose output would be an input of the next run, or overwrite
// one of this.
type gate struct {
	options         *Options
	input           objects.Pattern
	events, rejects func(name string) bool // whether the input means it
}

func (o *Options) gate(input objects.Pattern) gate {
	return gate{o, input, input.Overlap(o.Output), input.Overlap(o.Rejects)}
}

func (g gate) admit(found objects.Object) error {
	events, rejects, err := g.options.places(found.Name)
	if err != nil {
		return err
	}
	var path string
	switch {
	case g.events(found.Name + EventsSuffix):
		path = events
	case g.rejects(found.Name + RejectsSuffix):
		path = rejects
	default:
		return nil
	}
	return fmt.Errorf("%s would write %s, which the input %q means, too: write to another place, or narrow the input",
		found.Path, path, g.input)
}
