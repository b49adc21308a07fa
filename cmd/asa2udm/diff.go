package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
)

type diffFlags struct {
	format       string
	top          int
	failOnChange bool
	workers      int
}

func newDiffCommand(u *ui) *cobra.Command {
	f := &diffFlags{}
	cmd := &cobra.Command{
		Use:                   "diff [flags] OLD NEW [FILE...]",
		DisableFlagsInUseLine: true,
		Short:                 "Say what a change of rules does to real records",
		Long: `Maps records by two rule files and says where the events differ: for each UDM
field how many events, from what to what, each with an example. OLD and NEW are
files, shipped packs, or git:REV:PATH for a file as it was in a revision.`,
		Example: `  $ asa2udm diff git:main:rules/my.yaml rules/my.yaml 'logs/*.ndjson.gz'`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 compared, 1 with --fail-on-change if events differ, 2 could not
run.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && isTerminal(u.stdin) {
				u.logf("reading records from the terminal; end with Ctrl-D")
			}
			return runDiff(cmd.Context(), u, f, args)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.format, "format", "text", "write `FORM` text, json or markdown")
	set.IntVar(&f.top, "top", 5, "show the `N` most frequent changes per field; 0 is all")
	set.BoolVar(&f.failOnChange, "fail-on-change", false, "end with 1 if any event differs")
	set.IntVar(&f.workers, "workers", 0, "map on `N` threads; 0 is one for each processor")
	return cmd
}

func (f *diffFlags) check(args []string) error {
	if err := oneOf("--format", f.format, "text", "json", "markdown"); err != nil {
		return err
	}
	if f.top < 0 || f.workers < 0 {
		return errors.New("--top and --workers want a number from 0")
	}
	if len(args) < 2 {
		return hinted(fmt.Errorf("diff wants two rule files, got %d", len(args)), "asa2udm diff OLD NEW FILE...")
	}
	return nil
}

func runDiff(ctx context.Context, u *ui, f *diffFlags, args []string) error {
	if err := f.check(args); err != nil {
		return err
	}
	before, err := u.loadSide(ctx, args[0])
	if err != nil {
		return err
	}
	after, err := u.loadSide(ctx, args[1])
	if err != nil {
		return err
	}
	all, err := u.inputs(args[2:])
	if err != nil {
		return err
	}
	d := newDifference(args[0], args[1])
	if err := d.compareAll(ctx, u, f, before, after, all); err != nil {
		return err
	}
	d.finish(f.top)
	if err := d.write(u.stdout, f.format); err != nil {
		return err
	}
	if f.failOnChange && d.differs() {
		return errFindings
	}
	return nil
}

func (d *difference) compareAll(ctx context.Context, u *ui, f *diffFlags, before, after *mapping.Parser, all []input) error {
	reports := newReports(u, all)
	defer reports.end()
	for _, in := range all {
		r, err := in.open(ctx, u, &reports.read)
		if err != nil {
			return err
		}
		got, err := mapping.Compare(ctx, before, after, r, mapping.StreamOptions{Workers: f.workers, Progress: reports.progress()})
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		reports.add(got.New)
		d.add(in.name, got)
	}
	return nil
}
