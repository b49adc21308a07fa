package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// Options changes what Run does. Compile has no default; for the rest the zero
// value is right for most.
type Options struct {
	// Compile gives the rules of a Suite their sense. It is called once for each
	// name, by one goroutine.
	Compile func(rules string) (*mapping.Parser, error)
	// Run leaves out the cases whose name it does not match. nil leaves out none.
	Run *regexp.Regexp
	// Update writes what the rules give to each NAME.udm.json, and makes one for
	// an input without any expectation. NAME.expect.yaml is never written.
	Update bool
	// Validate also fails events that break the UDM schema.
	Validate bool
	// Coverage also counts which rules and arms the cases reach.
	Coverage bool
	// Workers is how many cases run at a time. 0 means one for each processor.
	// The report is the same for any number.
	Workers int
}

// Run runs the cases of all suites. What is wrong with single cases is in the
// Report; the error is Compile's or the context's.
func Run(ctx context.Context, suites []Suite, opts Options) (*Report, error) {
	runs, err := plan(suites, &opts)
	if err != nil {
		return nil, err
	}
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	next := make(chan *caseRun)
	var running sync.WaitGroup
	for range opts.Workers {
		running.Go(func() {
			for c := range next {
				c.run(ctx)
			}
		})
	}
	for _, c := range runs {
		if ctx.Err() != nil {
			break
		}
		next <- c
	}
	close(next)
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return report(runs, &opts), nil
}

// plan makes a run of each case that is to be run.
func plan(suites []Suite, opts *Options) ([]*caseRun, error) {
	parsers := make(map[string]*mapping.Parser)
	var runs []*caseRun
	for _, suite := range suites {
		for _, c := range suite.Cases {
			if opts.Run != nil && !opts.Run.MatchString(c.Name) {
				continue
			}
			if parsers[suite.Rules] == nil {
				parser, err := opts.Compile(suite.Rules)
				if err != nil {
					return nil, err
				}
				parsers[suite.Rules] = parser
			}
			runs = append(runs, &caseRun{
				of: c, opts: opts, parser: parsers[suite.Rules],
				result: Result{Name: c.Name, Status: Passed, Rules: suite.Rules, Input: c.Input},
			})
		}
	}
	return runs, nil
}

// report puts the results together.
func report(runs []*caseRun, opts *Options) *Report {
	r := &Report{Cases: []Result{}}
	for _, c := range runs {
		switch c.result.Status {
		case Passed:
			r.Passed++
		case Failed:
			r.Failed++
		case Broken:
			r.Errors++
		}
		r.Records += c.result.Records
		r.Cases = append(r.Cases, c.result)
	}
	if opts.Coverage {
		r.Coverage = newCoverage(runs)
	}
	return r
}

// caseRun is one case while it is run, by one goroutine.
type caseRun struct {
	of      Case
	opts    *Options
	parser  *mapping.Parser
	records []record
	result  Result
	cover   *mapping.Coverage // nil unless asked for
}

func (c *caseRun) run(ctx context.Context) {
	err := c.try(ctx)
	if err == nil {
		return
	}
	c.result.Status = Broken
	for line := range strings.Lines(err.Error()) {
		c.result.Failures = append(c.result.Failures, Failure{Kind: BadCase, Message: strings.TrimSuffix(line, "\n")})
	}
}

func (c *caseRun) try(ctx context.Context) error {
	if c.of.Input == "" {
		c.fail(Failure{Kind: BadCase, Message: fmt.Sprintf("no input %s%s beside the expectation", c.of.Name, inputSuffix)})
		return nil
	}
	if err := c.mapInput(ctx); err != nil {
		return err
	}
	if c.opts.Update && (c.of.Full != "" || c.of.Partial == "") {
		if err := c.update(); err != nil {
			return err
		}
	} else if err := c.holdFull(); err != nil {
		return err
	}
	if c.of.Partial != "" {
		entries, err := readPartial(c.of.Partial)
		if err != nil {
			return err
		}
		c.holdPartial(entries)
	}
	if c.opts.Validate {
		c.validate()
	}
	return nil
}

func (c *caseRun) mapInput(ctx context.Context) error {
	input, err := os.ReadFile(c.of.Input)
	if err != nil {
		return err
	}
	if c.records, err = mapRecords(ctx, c.parser, input); err != nil {
		return fmt.Errorf("%s: %w", c.of.Input, err)
	}
	c.result.Records = len(c.records)
	if c.opts.Coverage {
		c.cover, err = coverInput(ctx, c.parser, input)
	}
	return err
}

// fail notes a failure.
func (c *caseRun) fail(f Failure) {
	c.result.Status = Failed
	c.result.Failures = append(c.result.Failures, f)
}

// holdFull holds the records against NAME.udm.json.
func (c *caseRun) holdFull() error {
	if c.of.Full == "" {
		if c.of.Partial == "" {
			c.fail(Failure{Kind: BadCase, Message: "nothing is expected of this input: write " + c.of.Name + partialSuffix +
				", or let --update write " + c.of.Name + fullSuffix})
		}
		return nil
	}
	want, err := readFull(c.of.Full)
	if err != nil {
		return err
	}
	for _, p := range align(want, c.outcomes()) {
		c.failPair(p)
	}
	return nil
}

func (c *caseRun) outcomes() []outcome {
	all := make([]outcome, len(c.records))
	for i := range c.records {
		all[i] = given(&c.records[i])
	}
	return all
}

// failPair notes how an outcome differs from the expected one.
func (c *caseRun) failPair(p pair) {
	switch {
	case p.got == nil:
		c.fail(Failure{
			Kind: EventMissing, Expected: at(c.of.Full, p.want.line), Want: rawText(p.want.json),
			Message: "expected, and the rules give nothing like it",
		})
	case p.want == nil:
		c.failOutcome(Failure{Kind: EventExtra, Message: "not expected"}, p.got.rec)
	case p.want.reject != nil || p.got.reject != nil:
		want := p.want.json
		if p.want.reject == nil {
			want = `"an event"`
		}
		c.failOutcome(Failure{Kind: OtherOutcome, Expected: at(c.of.Full, p.want.line), Want: rawText(want)}, p.got.rec)
	default:
		c.failFields(p)
	}
}

func (c *caseRun) failFields(p pair) {
	rec := p.got.rec
	b := &blame{parser: c.parser, rec: rec}
	for _, d := range diffEvents(p.want.leaves, p.got.leaves) {
		f := Failure{
			Kind: d.kind, Line: rec.line, Index: rec.index, Expected: at(c.of.Full, p.want.line),
			Path: d.path, Want: rawText(d.want), Got: rawText(d.got),
		}
		if d.kind == OrderDiffers {
			f.Message = "labels stand in the order of their rules"
		}
		c.failField(f, b, d.at)
	}
}

// maxBlamed bounds the failures of a case for which rules are sought. Where one
// mistake changes every record of a large input, the first ones say it.
const maxBlamed = 500

// failField notes a field that is not as expected, with the rules behind it. at
// is where its value stands in the event, "" if it is not there.
func (c *caseRun) failField(f Failure, b *blame, at string) {
	if len(c.result.Failures) >= maxBlamed {
		c.fail(f)
		return
	}
	places, known := b.places(f.Path, at, string(f.Want))
	f.Rules = places
	if !known {
		f.Message = "no rule of " + c.result.Rules + " writes it"
		if path := b.unread(string(f.Want)); path != "" {
			f.Message += "; the record has it in " + path + ", which no rule reads"
		}
	}
	c.fail(f)
}

// failOutcome notes a record that should have another outcome. f says what is
// expected.
func (c *caseRun) failOutcome(f Failure, rec *record) {
	f.Line, f.Index = rec.line, rec.index
	if rec.reject == nil {
		f.Got = rawText(`"an event"`)
		if f.Kind == EventExtra {
			f.Got = rec.event
		}
	} else {
		f.Got = rawText(given(rec).json)
		if f.Message == "" {
			f.Message = rec.reject.Detail
		}
		if rec.reject.Error == mapping.CodeTimestamp {
			b := &blame{parser: c.parser, rec: rec}
			f.Rules, _ = b.places("metadata.event_timestamp", "", "")
		}
	}
	c.fail(f)
}

func (c *caseRun) validate() {
	var validator udm.Validator
	for i := range c.records {
		rec := &c.records[i]
		if rec.reject != nil {
			continue
		}
		b := &blame{parser: c.parser, rec: rec}
		for _, v := range validator.Validate(rec.event) {
			if v.Severity != udm.Error {
				continue
			}
			c.fail(Failure{
				Kind: NotValid, Line: rec.line, Index: rec.index, Path: v.Path, Message: v.Code + ": " + v.Message,
				Rules: b.violated(v),
			})
		}
	}
}

// violated answers the rules behind a violation: what an event must have is
// asked of it by its type.
func (b *blame) violated(v udm.Violation) []Place {
	path, at := v.Path, v.Path
	if v.Code == "required" || v.Code == "forbidden" {
		path, at = eventTypePath, eventTypePath
	}
	places, _ := b.places(path, at, "")
	return places
}

// rawText is nil for the JSON of nothing.
func rawText(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}
