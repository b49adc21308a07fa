package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// mapFlags are the settings of the command map.
type mapFlags struct {
	rules      string
	output     string
	rejects    string
	maxRejects int64
	names      string
	workers    int
	maxRecord  byteSize
	stats      string
	validate   bool
}

func (f *mapFlags) register(set *pflag.FlagSet) {
	f.maxRecord = mapping.DefaultMaxRecord
	set.SortFlags = false
	set.StringVar(&f.rules, "rules", defaultRules, "rule `FILE`, or a shipped pack")
	set.StringVarP(&f.output, "output", "o", "-", "write events to `FILE` (gzip if named .gz); - is stdout")
	set.StringVar(&f.rejects, "rejects", "", "write rejected records, with the reason, to `FILE`")
	set.Int64Var(&f.maxRejects, "max-rejects", -1, "give up after more than `N` rejects; -1 is never")
	set.StringVar(&f.names, "names", "proto", "`FORM` of field names: proto or json (eventType)")
	set.IntVar(&f.workers, "workers", 0, "map on `N` threads; 0 is one for each processor")
	set.Var(&f.maxRecord, "max-record", "the longest line that is taken")
	set.StringVar(&f.stats, "stats", "", "report counts on stderr, in `FORM` text or json")
	set.Lookup("stats").NoOptDefVal = "text"
	set.BoolVar(&f.validate, "validate", false, "check each event against the UDM schema")
}

func newMapCommand(u *ui) *cobra.Command {
	f := &mapFlags{}
	cmd := &cobra.Command{
		Use:                   "map [flags] [FILE...]",
		DisableFlagsInUseLine: true,
		Short:                 "Map records to UDM events",
		Long: `Maps records to UDM events. FILEs are NDJSON or pages of the ASA API, also
gzipped; - or none is stdin. The events have the order of the records.`,
		Example: `  $ asa2udm map --rejects bad.ndjson -o udm.ndjson.gz 'logs/*.ndjson.gz'`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 all mapped, 1 some rejected or not valid, 2 could not run or gave
up, 130 or 143 stopped by SIGINT or SIGTERM.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) {
				u.logf("reading records from the terminal; end with Ctrl-D")
			}
			return runMap(cmd.Context(), u, f, args)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runMap maps all inputs.
func runMap(ctx context.Context, u *ui, f *mapFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	parser, err := u.loadRules(f.rules, mapping.Options{JSONNames: f.names == "json"})
	if err != nil {
		return err
	}
	all, err := u.inputs(args)
	if err != nil {
		return err
	}
	m := &mapRun{ui: u, flags: f, parser: parser, inputs: all, found: validation{quiet: f.stats == "json"}}
	if err := m.openOutputs(); err != nil {
		return err
	}
	return m.run(ctx)
}

// check refuses values of flags that make no sense.
func (f *mapFlags) check() error {
	if err := oneOf("--names", f.names, "proto", "json"); err != nil {
		return err
	}
	if err := oneOf("--stats", f.stats, "", "text", "json"); err != nil {
		return err
	}
	if f.workers < 0 {
		return fmt.Errorf("--workers wants a number from 0, got %d", f.workers)
	}
	if f.rejects == "-" {
		return hinted(errors.New("--rejects cannot go to stdout, where the events are"), "--rejects /dev/stderr")
	}
	if f.output == "" {
		return errors.New("--output wants a file name")
	}
	return nil
}

// oneOf refuses a flag's value that is none of the words.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	err := fmt.Errorf("%s wants %s, got %q", flag, alternatives(words), value)
	if near := udm.Nearest(value, words); len(near) > 0 {
		return hinted(err, "did you mean %s=%s?", flag, near[0])
	}
	return err
}

// mapRun is one run of the command.
type mapRun struct {
	ui      *ui
	flags   *mapFlags
	parser  *mapping.Parser
	inputs  []input
	output  *output // nil for stdout
	rejects *output // nil where they are not kept
	sample  rejectSample
	found   validation
	stats   mapping.Stats
	read    atomic.Int64
}

// openOutputs refuses outputs that would destroy an input or each other.
func (m *mapRun) openOutputs() (err error) {
	if m.flags.output != "-" {
		if m.output, err = newOutput(m.flags.output, true); err != nil {
			return err
		}
	}
	if m.flags.rejects != "" {
		if m.rejects, err = newOutput(m.flags.rejects, false); err != nil {
			return err
		}
	}
	if m.output != nil && m.rejects != nil && samePath(m.output.path, m.rejects.path) {
		return fmt.Errorf("--output and --rejects are the same file %q", m.flags.output)
	}
	for _, in := range m.inputs {
		for _, o := range []*output{m.output, m.rejects} {
			if o != nil && o.sameFile(in.info) {
				return fmt.Errorf("%q is an input and would be overwritten", o.name)
			}
		}
		if m.output == nil && sameRegular(m.ui.stdout, in.info) {
			return fmt.Errorf("%s is the input and the output", in.name)
		}
	}
	return nil
}

func samePath(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// sameRegular reports whether a stream of this program is the file that info
// describes.
func sameRegular(stream any, info fs.FileInfo) bool {
	f, ok := stream.(*os.File)
	if !ok || info == nil || !info.Mode().IsRegular() {
		return false
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(mine, info)
}

func (m *mapRun) run(ctx context.Context) error {
	start := time.Now()
	p := newProgress(m.ui, m.inputs, &m.read)
	var err error
	for _, in := range m.inputs {
		if err = m.stream(ctx, in, p); err != nil {
			break
		}
	}
	if p != nil {
		p.end()
	}
	err = m.finish(err)
	m.report(time.Since(start), err)
	if err == nil && (m.stats.Rejected > 0 || m.found.errors > 0) {
		return errFindings
	}
	return err
}

// stream maps one input.
func (m *mapRun) stream(ctx context.Context, in input, p *progress) error {
	r, err := in.open(ctx, m.ui, &m.read)
	if err != nil {
		return err
	}
	before := m.stats
	opts := m.options(in)
	if p != nil {
		opts.Progress = func(s mapping.Stats) {
			sum := before
			sum.Add(&s)
			p.update(sum)
		}
	}
	stats, err := mapping.Stream(ctx, m.parser, r, m.events(), opts)
	m.stats.Add(&stats)
	if errors.Is(err, mapping.ErrTooManyRejects) {
		err = hinted(fmt.Errorf("gave up: more than %s rejected", count(m.flags.maxRejects, "record")), "raise --max-rejects, or leave it out")
	}
	return errors.Join(err, r.Close())
}

func (m *mapRun) options(in input) mapping.StreamOptions {
	opts := mapping.StreamOptions{
		Workers:   m.flags.workers,
		MaxRecord: int(m.flags.maxRecord),
		Rejects:   &m.sample,
	}
	if m.rejects != nil {
		opts.Rejects = m.rejects
	}
	if len(m.inputs) > 1 {
		opts.RejectFile = in.name
	}
	if m.flags.maxRejects >= 0 {
		left := m.flags.maxRejects - m.stats.Rejected
		opts.StopAfter = &left
	}
	if m.flags.validate {
		opts.Validate = func(line int64, list []udm.Violation) { m.found.add(m.ui, in.name, line, list) }
	}
	m.sample.name = in.name
	return opts
}

func (m *mapRun) events() io.Writer {
	if m.output != nil {
		return m.output
	}
	if f, ok := m.ui.stdout.(*os.File); ok {
		return wholeLines{f}
	}
	return m.ui.stdout
}

// finish gives the outputs their names, or takes them away after a failure.
func (m *mapRun) finish(err error) error {
	if m.output != nil {
		err = m.finishOutput(err)
	}
	if m.rejects == nil {
		return err
	}
	// What was rejected before a failure stays rejected, and a file of an earlier
	// run must not pass for this one's.
	return errors.Join(err, m.rejects.commit())
}

func (m *mapRun) finishOutput(err error) error {
	var stop *stopError
	switch {
	case err == nil:
		return m.output.commit()
	case errors.As(err, &stop):
		kept, keepErr := m.output.keep()
		if kept != "" && keepErr == nil {
			m.ui.logf("%s so far: %s", count(m.stats.Events, "event"), kept)
		}
		return errors.Join(err, keepErr)
	}
	return errors.Join(err, m.output.discard())
}

// report says on stderr what there is to know about the run.
func (m *mapRun) report(took time.Duration, err error) {
	if stdoutClosed(err) {
		return
	}
	if m.flags.stats == "json" {
		m.ui.printf("%s", statsJSON(m.stats, took))
		return
	}
	m.found.report(m.ui)
	m.reportRejects()
	if m.stats.Unjoined > 0 {
		m.ui.logf("%s in pages without an object: the names and addresses behind them are missing", count(m.stats.Unjoined, "reference"))
	}
	if m.flags.stats == "text" {
		m.ui.printf("%s", statsText(m.stats, took))
	}
}

func (m *mapRun) reportRejects() {
	if m.stats.Rejected == 0 {
		return
	}
	for _, line := range m.sample.first {
		m.ui.logf("%s", line)
	}
	m.ui.logf("%s of %s rejected (%s)", grouped(m.stats.Rejected), count(m.stats.Records, "record"), rejectCounts(m.stats.ByCode))
	if m.rejects != nil {
		return
	}
	if n := m.stats.Rejected; n > 1 && n == m.stats.Records && n == m.stats.ByCode.JSON {
		m.ui.hintf("a record stands on one line; where it goes over several, pipe it through jq -c .")
	}
	m.ui.hintf("--rejects FILE keeps rejected records, each with the reason")
}
