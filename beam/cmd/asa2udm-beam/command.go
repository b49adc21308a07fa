package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/asa2udm/asa2udm/beam/objects"
	"github.com/asa2udm/asa2udm/beam/pipeline"
	"github.com/asa2udm/asa2udm/mapping"
)

// Exit codes, as those of asa2udm.
const (
	exitOK       = 0
	exitRejected = 1 // some records were rejected
	exitCannot   = 2 // the run did not do its work
)

// command is one run.
type command struct {
	stdout, stderr io.Writer

	input, output, rejects string
	rules, names           string
	maxRecord              int
	workers, atOnce        int
	json                   bool

	set *flag.FlagSet // with the flags of Beam
}

func newCommand(stdout, stderr io.Writer) *command {
	return &command{stdout: stdout, stderr: stderr}
}

func (c *command) register(set *flag.FlagSet) {
	set.StringVar(&c.input, "input", "", "")
	set.StringVar(&c.output, "output", "", "")
	set.StringVar(&c.rejects, "rejects", "", "")
	set.StringVar(&c.rules, "rules", "asa.yaml", "")
	set.StringVar(&c.names, "names", "proto", "")
	set.IntVar(&c.maxRecord, "max-record", mapping.DefaultMaxRecord, "")
	set.IntVar(&c.workers, "workers", 0, "")
	set.IntVar(&c.atOnce, "at-once", 4, "")
	set.BoolVar(&c.json, "json", false, "")
}

// parse reads the flags, among those of Beam that the set has. Without ok there is
// nothing more to do.
func (c *command) parse(set *flag.FlagSet, args []string) (code int, ok bool) {
	c.set = set
	c.register(set)
	set.Init(set.Name(), flag.ContinueOnError)
	set.SetOutput(io.Discard)
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(c.stdout, help)
		return exitOK, false
	case err != nil:
		return c.end(hinted(err, "asa2udm-beam --help lists the flags")), false
	}
	return exitOK, true
}

// main runs the command and answers its exit code.
func (c *command) main(ctx context.Context) int {
	counts, took, err := c.run(ctx)
	if err == nil {
		err = c.report(counts, took)
	}
	if err == nil && counts != nil && counts.Rejected > 0 {
		return exitRejected
	}
	return c.end(err)
}

// end says why the command could not do its work, if so.
func (c *command) end(err error) int {
	if err == nil {
		return exitOK
	}
	var faults mapping.ErrorList
	if errors.As(err, &faults) {
		for _, f := range faults {
			fmt.Fprintln(c.stderr, f.Frame())
		}
		err = errors.New("faults in the rules; nothing was mapped")
	}
	c.logf("%v", err)
	var h *hintError
	if errors.As(err, &h) {
		c.logf("hint: %s", h.hint)
	}
	return exitCannot
}

func (c *command) logf(format string, args ...any) {
	fmt.Fprintf(c.stderr, "asa2udm-beam: "+format+"\n", args...)
}

// hintError adds the next thing to try to an error.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func hinted(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// run maps everything. It answers no counts where the runner was left to itself.
func (c *command) run(ctx context.Context) (*pipeline.Counts, time.Duration, error) {
	o, err := c.options()
	if err != nil {
		return nil, 0, err
	}
	if err := o.Probe(ctx); err != nil {
		if errors.Is(err, pipeline.ErrNoMatch) {
			err = hinted(err, `** crosses folders, * does not: --input 'gs://bucket/raw/**.ndjson*'`)
		}
		return nil, 0, err
	}
	if err := c.reach(ctx); err != nil {
		return nil, 0, err
	}
	if c.inProcess() {
		// What the runner says of its work on the way is for those who work on it.
		slog.SetDefault(slog.New(slog.DiscardHandler))
	}
	defer tidyTemp()()
	start := time.Now()
	result, err := beamx.RunWithMetrics(ctx, pipeline.New(o))
	took := time.Since(start)
	switch {
	case err != nil:
		return nil, took, explain(err)
	case c.leaves():
		return nil, took, nil
	}
	counts := pipeline.ReadCounts(result.Metrics())
	return &counts, took, nil
}

// options reads the flags.
func (c *command) options() (o pipeline.Options, err error) {
	switch {
	case c.set.NArg() > 0:
		return o, hinted(fmt.Errorf("unexpected argument %q", c.set.Arg(0)), "quote the pattern, so that the shell leaves it alone: --input 'raw/*.ndjson'")
	case c.input == "":
		return o, hinted(errors.New("--input wants the objects to map"), "asa2udm-beam --help shows how")
	case c.output == "":
		return o, hinted(errors.New("--output wants a place for the events"), "asa2udm-beam --help shows how")
	case c.names != "proto" && c.names != "json":
		return o, fmt.Errorf("--names wants proto or json, got %q", c.names)
	case c.maxRecord < 1 || c.maxRecord > mapping.LongestRecord:
		return o, fmt.Errorf("--max-record wants a number from 1 to %d, got %d", mapping.LongestRecord, c.maxRecord)
	case c.workers < 0:
		return o, fmt.Errorf("--workers wants a number from 0, got %d", c.workers)
	case c.async() && (c.inProcess() || strings.EqualFold(c.flag("environment_type"), "loopback")):
		return o, errors.New("--async would end the workers, which are this process")
	case c.atOnce < 1:
		return o, fmt.Errorf("--at-once wants a number from 1, got %d", c.atOnce)
	}
	o = pipeline.Options{
		Input:     objects.Quote(c.input),
		JSONNames: c.names == "json",
		MaxRecord: c.maxRecord,
		Workers:   c.workers,
		AtOnce:    c.atOnce,
	}
	if err := c.places(&o); err != nil {
		return o, err
	}
	o.Rules, err = pipeline.ReadRules(c.rules, mapping.Options{JSONNames: o.JSONNames})
	if pipeline.NoRules(err) {
		err = hinted(fmt.Errorf("no rule file %q", c.rules), "shipped packs: %s", pipeline.PackNames())
	}
	return o, err
}

// places reads where things are, and refuses places that the runner cannot reach.
func (c *command) places(o *pipeline.Options) (err error) {
	if _, err := objects.ParsePattern(o.Input); err != nil {
		return fmt.Errorf("--input %w", err)
	}
	if o.Output, err = objects.ParsePlace(c.output); err != nil {
		return fmt.Errorf("--output %w", err)
	}
	o.Rejects = o.Output
	if c.rejects != "" {
		if o.Rejects, err = objects.ParsePlace(c.rejects); err != nil {
			return fmt.Errorf("--rejects %w", err)
		}
	}
	if !c.onDataflow() {
		return nil
	}
	for _, path := range []string{o.Input, string(o.Output), string(o.Rejects)} {
		if objects.Local(path) {
			return hinted(fmt.Errorf("workers of Dataflow cannot reach %q", path), "copy it to a bucket: gcloud storage cp -r")
		}
	}
	return nil
}
