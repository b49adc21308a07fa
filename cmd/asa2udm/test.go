package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/golden"
	"github.com/asa2udm/asa2udm/mapping"
)

const defaultGoldens = "testdata/golden"

// testFlags are the settings of the command test.
type testFlags struct {
	rules       string
	run         string
	update      bool
	validate    bool
	coverage    bool
	minCoverage float64
	cobertura   string
	junit       string
	json        bool
	workers     int
}

func newTestCommand(u *ui) *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:                   "test [flags] [DIR]",
		DisableFlagsInUseLine: true,
		Short:                 "Test rules against the events expected of records",
		Long: `Maps each NAME.ndjson in DIR and below it, testdata/golden by default, and holds
the events against NAME.udm.json (all of them, in full) and NAME.expect.yaml
(what must hold of some). The rules are those of --rules, of a rules.yaml beside
or above the cases, or of the shipped pack that the directory is named after.`,
		Example: `  $ asa2udm test --rules my.yaml --coverage --junit report.xml cases`,
		Annotations: map[string]string{
			helpNote: `Exit codes: 0 all passed, 1 some failed, 2 could not run.`},
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := defaultGoldens
			if len(args) > 0 {
				dir = args[0]
			}
			return runTest(cmd.Context(), u, f, dir)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.rules, "rules", "", "rule `FILE`, or a shipped pack, for all cases")
	set.StringVar(&f.run, "run", "", "run only cases whose name matches `REGEXP`")
	set.BoolVar(&f.update, "update", false, "write what the rules give to NAME.udm.json")
	set.BoolVar(&f.validate, "validate", false, "also check each event against the UDM schema")
	set.BoolVar(&f.coverage, "coverage", false, "name the rules and arms that no case reaches")
	set.Float64Var(&f.minCoverage, "min-coverage", 0, "fail if under `N` percent of them are reached")
	set.StringVar(&f.cobertura, "cobertura", "", "write the coverage as Cobertura XML to `FILE`")
	set.StringVar(&f.junit, "junit", "", "write the results as JUnit XML to `FILE`")
	set.BoolVar(&f.json, "json", false, "answer as JSON")
	set.IntVar(&f.workers, "workers", 0, "run `N` cases at a time; 0 is one for each processor")
	return cmd
}

func runTest(ctx context.Context, u *ui, f *testFlags, dir string) error {
	opts, err := f.options(u)
	if err != nil {
		return err
	}
	suites, err := findCases(dir, f.rules)
	if err != nil {
		return err
	}
	report, err := golden.Run(ctx, suites, opts)
	if err != nil {
		return err
	}
	if len(report.Cases) == 0 {
		return hinted(fmt.Errorf("no case matches --run %q", f.run), "the first case is %q", suites[0].Cases[0].Name)
	}
	if err := f.write(u, report); err != nil {
		return err
	}
	switch {
	case report.Errors > 0:
		return errReported
	case report.Failed > 0 || f.belowMinimum(report):
		return errFindings
	}
	return nil
}

// options makes of the flags what they ask of the runner.
func (f *testFlags) options(u *ui) (golden.Options, error) {
	opts := golden.Options{
		Update: f.update, Validate: f.validate, Workers: f.workers,
		Coverage: f.coverage || f.minCoverage > 0 || f.cobertura != "",
		Compile:  func(rules string) (*mapping.Parser, error) { return u.compileForTest(rules) },
	}
	if f.workers < 0 {
		return opts, fmt.Errorf("--workers wants a number from 0, got %d", f.workers)
	}
	if f.minCoverage < 0 || f.minCoverage > 100 {
		return opts, fmt.Errorf("--min-coverage wants a percentage from 0 to 100, got %g", f.minCoverage)
	}
	if f.run != "" {
		re, err := regexp.Compile(f.run)
		if err != nil {
			return opts, fmt.Errorf("--run wants a regular expression: %w", err)
		}
		opts.Run = re
	}
	return opts, nil
}

// compileForTest finds and compiles rules. What is wrong with them is shown on
// stderr; the error is then errReported.
func (u *ui) compileForTest(name string) (*mapping.Parser, error) {
	file, err := findRules(name)
	if err != nil {
		return nil, err
	}
	parser, err := file.compile(mapping.Options{})
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		return parser, err
	}
	for _, fault := range faults {
		u.printf("%s\n", fault.Frame())
	}
	u.logf("%s in %s; no case was run", count(len(faults), "fault"), file.name)
	return nil, errReported
}

// findCases lists the cases below dir, with hints where there are none.
func findCases(dir, rules string) ([]golden.Suite, error) {
	suites, err := golden.Find(dir, rules)
	var noRules *golden.NoRulesError
	var path *fs.PathError
	switch {
	case errors.Is(err, golden.ErrNoCases):
		return nil, hinted(fmt.Errorf("no cases in %q", dir),
			"put records into %s/NAME.ndjson, then asa2udm test --update %s writes what the rules make of them", dir, dir)
	case errors.As(err, &noRules):
		return nil, hinted(err, "name them with --rules FILE, or put a %s beside the cases or above them", golden.RulesName)
	case errors.Is(err, golden.ErrNotDir):
		return nil, hinted(fmt.Errorf("%q is no directory", dir), "name the directory of the cases; --run picks some of them")
	case errors.As(err, &path):
		return nil, hinted(fmt.Errorf("cannot read %q: %w", path.Path, path.Err), "asa2udm test DIR")
	}
	return suites, err
}

// write shows the report in every form that is asked for.
func (f *testFlags) write(u *ui, report *golden.Report) error {
	if f.junit != "" {
		if err := writeWhole(f.junit, junitXML(report)); err != nil {
			return err
		}
	}
	if f.cobertura != "" {
		if err := writeWhole(f.cobertura, coberturaXML(report.Coverage)); err != nil {
			return err
		}
	}
	if f.json {
		enc := json.NewEncoder(u.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return writeTestText(u.stdout, f, report)
}

func (f *testFlags) belowMinimum(report *golden.Report) bool {
	return report.Coverage != nil && report.Coverage.Percent < f.minCoverage
}

// writeWhole writes a file that is there in full or not at all.
func writeWhole(name string, text []byte) error {
	o, err := newOutput(name, true)
	if err != nil {
		return err
	}
	if _, err := o.Write(text); err != nil {
		return errors.Join(err, o.discard())
	}
	return o.commit()
}
