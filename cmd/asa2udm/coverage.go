package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

type coverageFlags struct {
	rules    string
	json     bool
	validate bool
	top      int
	workers  int
}

func newCoverageCommand(u *ui) *cobra.Command {
	f := &coverageFlags{}
	cmd := &cobra.Command{
		Use:                   "coverage [flags] [FILE...]",
		DisableFlagsInUseLine: true,
		Short:                 "Say what the rules do with a corpus of records",
		Long: `Maps records, keeps no event, and reports how often each rule and match arm gave
a value, which never did, which fields of the records no rule reads, and how
many events have each UDM field. What looks like a secret is masked.`,
		Example:     `  $ asa2udm coverage --rules my.yaml --validate 'logs/*.ndjson.gz'`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 all mapped, 1 some rejected or not valid, 2 could not run.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) {
				u.logf("reading records from the terminal; end with Ctrl-D")
			}
			return runCoverage(cmd.Context(), u, f, args)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.rules, "rules", defaultRules, "rule `FILE`, or a shipped pack")
	set.BoolVar(&f.validate, "validate", false, "check each event against the UDM schema")
	set.IntVar(&f.top, "top", 30, "show `N` fields that no rule reads; 0 is all")
	set.IntVar(&f.workers, "workers", 0, "map on `N` threads; 0 is one for each processor")
	set.BoolVar(&f.json, "json", false, "answer as JSON")
	return cmd
}

func runCoverage(ctx context.Context, u *ui, f *coverageFlags, args []string) error {
	if f.top < 0 || f.workers < 0 {
		return errors.New("--top and --workers want a number from 0")
	}
	parser, err := u.loadRules(f.rules, mapping.Options{})
	if err != nil {
		return err
	}
	all, err := u.inputs(args)
	if err != nil {
		return err
	}
	c := &corpus{flags: f, rules: parser.Ruleset(), first: make(map[string]string)}
	if err := c.coverAll(ctx, u, parser, all); err != nil {
		return err
	}
	write := c.writeText
	if f.json {
		write = c.writeJSON
	}
	if err := write(u.stdout); err != nil {
		return err
	}
	if c.Stats.Rejected > 0 || c.found.errors > 0 {
		return errFindings
	}
	return nil
}

// corpus is what the rules do with all inputs.
type corpus struct {
	*mapping.Coverage
	flags *coverageFlags
	rules *mapping.Ruleset
	files []string
	first map[string]string // by unread path, the file of its example
	found violationCounts
}

func (c *corpus) coverAll(ctx context.Context, u *ui, parser *mapping.Parser, all []input) error {
	reports := newReports(u, all)
	defer reports.end()
	for _, in := range all {
		if err := c.cover(ctx, reports, parser, in); err != nil {
			return err
		}
	}
	return nil
}

// cover adds what the rules do with one input.
func (c *corpus) cover(ctx context.Context, reports *reports, parser *mapping.Parser, in input) error {
	r, err := in.open(ctx, reports.ui, &reports.read)
	if err != nil {
		return err
	}
	opts := mapping.StreamOptions{Workers: c.flags.workers, Progress: reports.progress()}
	if c.flags.validate {
		opts.Validate = func(line int64, list []udm.Violation) { c.found.add(in.name, line, list) }
	}
	got, err := mapping.Cover(ctx, parser, r, opts)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	reports.add(got.Stats)
	c.files = append(c.files, in.name)
	for _, u := range got.Unread {
		if _, known := c.first[u.Path]; !known {
			c.first[u.Path] = in.name
		}
	}
	if c.Coverage == nil {
		c.Coverage = got
		return nil
	}
	c.Merge(got)
	return nil
}

// reports shows how far a command has come that writes only when it is done.
type reports struct {
	ui    *ui
	shown *progress
	sum   mapping.Stats
	read  atomic.Int64
}

func newReports(u *ui, all []input) *reports {
	r := &reports{ui: u}
	// Nothing else is written meanwhile, so the report and the progress may share
	// a terminal.
	r.shown = newProgress(newUI(u.stdin, nil, u.stderr), all, &r.read)
	return r
}

// progress answers what to call while an input is read, or nil.
func (r *reports) progress() func(mapping.Stats) {
	if r.shown == nil {
		return nil
	}
	return func(s mapping.Stats) {
		sum := r.sum
		sum.Add(&s)
		r.shown.update(sum)
	}
}

func (r *reports) add(s mapping.Stats) { r.sum.Add(&s) }

func (r *reports) end() {
	if r.shown != nil {
		r.shown.end()
	}
}

// neverFired is a rule, or an arm of its match, that gave no value.
type neverFired struct {
	rule *mapping.Rule
	arm  int // -1 for the rule
}

func (n neverFired) pos() mapping.Pos {
	if n.arm < 0 {
		return n.rule.Pos
	}
	return n.rule.Match[n.arm].Pos
}

func (n neverFired) String() string {
	if n.arm < 0 {
		return n.rule.ID()
	}
	return fmt.Sprintf("%s, match arm %d: %s", n.rule.ID(), n.arm+1, armText(n.rule.Match[n.arm]))
}

// armText writes a match arm as a rule file has it, without its keys.
func armText(a mapping.MatchArm) string {
	switch {
	case a.Regex.Pos.Line > 0:
		return a.Regex.Value + " -> " + a.Value.Value
	case a.Equals.Pos.Line > 0:
		return quoted(a.Equals.Value) + " -> " + a.Value.Value
	}
	return "anything else -> " + a.Value.Value
}

// neverFired finds rules that gave no value, and the arms of those that did. The
// arms of a rule that never fired are left out: they say nothing more.
func (c *corpus) neverFired() []neverFired {
	var out []neverFired
	for _, r := range c.Rules {
		if r.Hits == 0 && !slices.ContainsFunc(r.Arms, func(n int64) bool { return n > 0 }) {
			out = append(out, neverFired{r.Rule, -1})
			continue
		}
		for i, n := range r.Arms {
			if n == 0 {
				out = append(out, neverFired{r.Rule, i})
			}
		}
	}
	return out
}

// arms answers how many match arms there are and how many of them were picked.
func (c *corpus) arms() (picked, all int) {
	for _, r := range c.Rules {
		for _, n := range r.Arms {
			all++
			if n > 0 {
				picked++
			}
		}
	}
	return picked, all
}

func (c *corpus) fired() (n int) {
	for _, r := range c.Rules {
		if r.Hits > 0 {
			n++
		}
	}
	return n
}
