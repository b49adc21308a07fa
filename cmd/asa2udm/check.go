package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/lint"
)

// checkFlags are the flags of check.
type checkFlags struct {
	format string
	json   bool
	fix    bool
	strict bool
	list   bool
}

func newCheckCommand(u *ui) *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:                   "check [flags] [RULES...]",
		DisableFlagsInUseLine: true,
		Short:                 "Find all faults of rule files",
		Long: `Compiles rule files and shows every fault at its place, with a hint where there
is one; in a file without faults, what is odd about it. RULES are files or
shipped packs; without any it is asa.yaml.`,
		Example: `  $ asa2udm check --strict my.yaml 'packs/*.yaml'`,
		Annotations: map[string]string{helpNote: `A comment silences a finding: # lint:ignore ID reason
Exit codes: 0 no error (--strict: no warning), 1 findings, 2 could not run.`},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := f.settle(); err != nil {
				return err
			}
			if f.list {
				return u.listKinds(f)
			}
			if len(args) == 0 {
				args = []string{defaultRules}
			}
			return runCheck(u, f, args)
		},
	}
	cmd.Flags().StringVar(&f.format, "format", "text", "answer as `FORMAT`: text, json or sarif")
	cmd.Flags().BoolVar(&f.json, "json", false, "the same as --format json")
	cmd.Flags().BoolVar(&f.fix, "fix", false, "repair what is certain, in the files")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "warnings are findings, too")
	cmd.Flags().BoolVar(&f.list, "list", false, "name the kinds of finding, and check nothing")
	return cmd
}

// settle refuses flags that make no sense.
func (f *checkFlags) settle() error {
	if f.json {
		f.format = "json"
	}
	return oneOf("--format", f.format, "text", "json", "sarif")
}

func runCheck(u *ui, f *checkFlags, args []string) error {
	files, err := findAllRules(args)
	if err != nil {
		return err
	}
	var report checkReport
	for _, file := range files {
		one, err := u.checkFile(f, file)
		if err != nil {
			return err
		}
		report.add(one)
		if f.format == "text" {
			if err := one.print(u.stdout); err != nil {
				return err
			}
		}
	}
	if err := report.write(u.stdout, f.format); err != nil {
		return err
	}
	if report.Errors > 0 || f.strict && report.Warnings > 0 {
		return errFindings
	}
	return nil
}

// findAllRules finds every file before the first is checked.
func findAllRules(args []string) ([]ruleFile, error) {
	var files []ruleFile
	for _, arg := range args {
		names, err := expand(arg)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := findRules(name)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, nil
}

// checkFile answers what is to be said about one file: its faults, or what is odd
// about it where there are none.
func (u *ui) checkFile(f *checkFlags, file ruleFile) (checkedFile, error) {
	checked := checkedFile{name: file.name}
	parser, err := file.compile(mapping.Options{})
	var faults mapping.ErrorList
	if errors.As(err, &faults) {
		checked.findings = lint.FromErrors(faults)
		return checked, nil
	}
	if err != nil {
		return checked, err
	}
	opts := lint.Options{ReadFile: file.read}
	if f.fix {
		if checked.repaired, err = u.fixFile(&file, opts); err != nil {
			return checked, err
		}
	}
	checked.compiled, checked.rules = true, countRules(parser.Ruleset())
	checked.findings, err = lint.Check(file.name, file.src, opts)
	return checked, err
}

// fixFile repairs a file where it stands, and answers how much.
func (u *ui) fixFile(file *ruleFile, opts lint.Options) (int, error) {
	fixed, repaired, err := lint.Fix(file.name, file.src, opts)
	if err != nil || bytes.Equal(fixed, file.src) {
		return 0, err
	}
	if file.read == nil {
		return 0, hinted(fmt.Errorf("cannot repair the shipped pack %q", file.name), "name a file of your own, or check without --fix")
	}
	file.src = fixed
	return len(repaired), overwrite(file.name, fixed)
}

// overwrite gives a file its new text: all of it, or none.
func overwrite(name string, text []byte) error {
	o, err := newOutput(name, true)
	if err != nil {
		return err
	}
	if _, err := o.Write(text); err != nil {
		return errors.Join(err, o.discard())
	}
	return o.commit()
}

func countRules(rs *mapping.Ruleset) int {
	n := len(rs.Mappings) + len(rs.Constants)
	for _, b := range rs.Blocks {
		n += len(b.Rules)
	}
	return n
}
