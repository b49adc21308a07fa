package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
)

type explainFlags struct {
	rules string
	line  int64
	index int
	path  string
	json  bool
	plan  bool
}

func newExplainCommand(u *ui) *cobra.Command {
	f := &explainFlags{}
	cmd := &cobra.Command{
		Use:                   "explain [flags] [FILE[:LINE]]",
		DisableFlagsInUseLine: true,
		Short:                 "Say where each UDM field of a record comes from",
		Long: `Maps one record and says where each UDM field comes from: the rule, the place in
the record, what was done to the value and what lost against it; why the event
has its type; and what no rule reads. FILE may be gzipped; - or none is stdin.`,
		Example: `  $ asa2udm explain --path 'principal\.ip|event_type' audit.ndjson:3`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 explained, 1 the record is rejected (explained too), 2 could not
run.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) && !f.plan {
				u.logf("reading records from the terminal; end with Ctrl-D")
			}
			return runExplain(cmd.Context(), u, f, args)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.rules, "rules", defaultRules, "rule `FILE`, or a shipped pack")
	set.Int64Var(&f.line, "line", 0, "the record on line `N`, from 1; without it the first record")
	set.IntVar(&f.index, "index", -1, "where the line is a page: its event `N`, from 0")
	set.StringVar(&f.path, "path", "", "only UDM fields and source paths that match `REGEX`")
	set.BoolVar(&f.json, "json", false, "answer as JSON")
	set.BoolVar(&f.plan, "plan", false, "print what runs for each record instead, as it was compiled")
	return cmd
}

// writePlan prints the compiled plan of the rules.
func writePlan(u *ui, rules string) error {
	parser, err := u.loadRules(rules, mapping.Options{})
	if err != nil {
		return err
	}
	return parser.WritePlan(u.stdout)
}

func runExplain(ctx context.Context, u *ui, f *explainFlags, args []string) error {
	if f.plan {
		return writePlan(u, f.rules)
	}
	filter, err := f.check(args)
	if err != nil {
		return err
	}
	parser, err := u.loadRules(f.rules, mapping.Options{})
	if err != nil {
		return err
	}
	found, err := u.oneRecord(ctx, f, args)
	if err != nil {
		return err
	}
	if found.of > 1 && f.index < 0 {
		u.logf("%s:%d is a page of %s; --index picks one, this is 0", found.file, found.line, count(found.of, "event"))
	}
	e := &explained{foundRecord: found, Explanation: parser.Explain(found.json), rules: parser.Ruleset(), filter: filter}
	e.nameTypeArm()
	write := e.writeText
	if f.json {
		write = e.writeJSON
	}
	if err := write(u.stdout); err != nil {
		return err
	}
	if e.Reject != nil {
		return errFindings
	}
	return nil
}

// explained is one record and all there is to say about it.
type explained struct {
	foundRecord
	*mapping.Explanation
	rules  *mapping.Ruleset
	filter *regexp.Regexp  // what to show; nil for all
	told   map[string]bool // conditions that have been written
}

// shows reports whether one of the paths is asked for.
func (e *explained) shows(paths ...string) bool {
	if e.filter == nil {
		return true
	}
	for _, p := range paths {
		if p != "" && e.filter.MatchString(p) {
			return true
		}
	}
	return false
}

func (f *explainFlags) check(args []string) (filter *regexp.Regexp, err error) {
	switch {
	case len(args) > 1:
		return nil, fmt.Errorf("explain takes one file, got %d", len(args))
	case f.line < 0:
		return nil, fmt.Errorf("--line counts from 1, got %d", f.line)
	case f.index < -1:
		return nil, fmt.Errorf("--index counts from 0, got %d", f.index)
	case f.path != "":
		if filter, err = regexp.Compile(f.path); err != nil {
			return nil, fmt.Errorf("--path wants a regular expression: %w", err)
		}
	}
	return filter, nil
}

// oneRecord finds the record that the command line names.
func (u *ui) oneRecord(ctx context.Context, f *explainFlags, args []string) (foundRecord, error) {
	line := f.line
	if len(args) == 1 && line == 0 {
		args[0], line = cutLine(args[0])
	}
	all, err := u.inputs(args)
	if err != nil {
		return foundRecord{}, err
	}
	if len(all) > 1 {
		return foundRecord{}, fmt.Errorf("explain takes one file, %q are %d", args[0], len(all))
	}
	var read atomic.Int64
	r, err := all[0].open(ctx, u, &read)
	if err != nil {
		return foundRecord{}, err
	}
	found, err := findRecord(ctx, r, line, f.index)
	found.file = all[0].name
	if err != nil {
		err = fmt.Errorf("%s: %w", all[0].name, err)
	}
	return found, errors.Join(err, r.Close())
}

// cutLine takes a line number off the end of a name, as other commands and
// compilers write it, unless a file has that very name.
func cutLine(name string) (file string, line int64) {
	at := strings.LastIndexByte(name, ':')
	if at <= 0 {
		return name, 0
	}
	if _, err := os.Stat(name); err == nil {
		return name, 0
	}
	line, err := strconv.ParseInt(name[at+1:], 10, 64)
	if err != nil || line < 1 {
		return name, 0
	}
	return name[:at], line
}
