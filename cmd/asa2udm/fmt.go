package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/rulefmt"
)

// fmtFlags are the flags of fmt.
type fmtFlags struct {
	check bool
	diff  bool
}

func newFmtCommand(u *ui) *cobra.Command {
	f := &fmtFlags{}
	cmd := &cobra.Command{
		Use:                   "fmt [flags] [FILE...]",
		DisableFlagsInUseLine: true,
		Short:                 "Write rule files in their canonical form",
		Long: `Rewrites rule files in their canonical form: keys in one order, short rules on
one line, quotes only where needed. Comments and meaning stay. Files that change
are named on stdout; without FILE, or for -, it formats stdin to stdout.`,
		Example: `  $ asa2udm fmt --check --diff packs/*.yaml`,
		Annotations: map[string]string{helpNote: `A file with faults is left alone.
Exit codes: 0 fine, 1 --check found a file to format, 2 could not run.`},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) {
				return hinted(errors.New("no rule file named"), "asa2udm fmt my.yaml")
			}
			return runFmt(u, f, args)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "name the files that would change, and write nothing")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "with --check, show what would change")
	return cmd
}

func runFmt(u *ui, f *fmtFlags, args []string) error {
	if f.diff && !f.check {
		return hinted(errors.New("--diff writes nothing and needs --check"), "asa2udm fmt --check --diff FILE...")
	}
	if len(args) == 0 {
		args = []string{"-"}
	}
	changed, broken := false, false
	for _, arg := range args {
		names, err := expand(arg)
		if err != nil {
			return err
		}
		for _, name := range names {
			different, err := u.formatFile(f, name)
			if err != nil && !errors.Is(err, errReported) {
				return err
			}
			changed = changed || different
			broken = broken || err != nil
		}
	}
	switch {
	case broken:
		return errReported
	case changed && f.check:
		return errFindings
	}
	return nil
}

// formatFile formats one file, or stdin, and reports whether that changes it.
// The faults of a file that is none of the language are shown; the error is then
// errReported.
func (u *ui) formatFile(f *fmtFlags, name string) (changed bool, err error) {
	src, err := u.readRuleFile(name)
	if err != nil {
		return false, err
	}
	shown := name
	if name == "-" {
		shown = "stdin"
	}
	out, err := rulefmt.Format(shown, src)
	if err != nil {
		return false, u.reportFaults(shown, err)
	}
	changed = !bytes.Equal(src, out)
	switch {
	case f.check:
		return changed, u.showUnformatted(f, shown, src, out)
	case name == "-":
		_, err = u.stdout.Write(out)
	case changed:
		err = u.replaceFile(name, out)
	}
	return changed, err
}

func (u *ui) readRuleFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(u.stdin)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %q: %w", name, bare(err))
	case info.IsDir():
		return nil, hinted(fmt.Errorf("cannot read %q: it is a directory", name), "name the files in it: %s", filepath.Join(name, "*.yaml"))
	case !info.Mode().IsRegular():
		return nil, hinted(fmt.Errorf("cannot rewrite %q: it is no regular file", name), "asa2udm fmt - < %s", name)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", name, bare(err))
	}
	return src, nil
}

// reportFaults shows the faults of a file on stderr.
func (u *ui) reportFaults(name string, err error) error {
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		return err
	}
	for _, fault := range faults {
		u.printf("%s\n", fault.Frame())
	}
	u.logf("%s in %s; not formatted", count(len(faults), "fault"), name)
	return errReported
}

// showUnformatted names a file that would change.
func (u *ui) showUnformatted(f *fmtFlags, name string, src, out []byte) error {
	if bytes.Equal(src, out) {
		return nil
	}
	if _, err := fmt.Fprintln(u.stdout, name); err != nil || !f.diff {
		return err
	}
	_, err := u.stdout.Write(diff.Diff(name, src, name+" (formatted)", out))
	return err
}

// replaceFile gives a file its new text: all of it, or none.
func (u *ui) replaceFile(name string, text []byte) error {
	o, err := newOutput(name, true)
	if err != nil {
		return err
	}
	if _, err := o.Write(text); err != nil {
		return errors.Join(err, o.discard())
	}
	if err := o.commit(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(u.stdout, name)
	return err
}
