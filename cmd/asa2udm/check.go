package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
)

func newCheckCommand(u *ui) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "check [flags] [RULES...]",
		DisableFlagsInUseLine: true,
		Short:                 "Find all faults of rule files",
		Long: `Compiles rule files and shows every fault at its place, with a hint where there
is one. RULES are files or shipped packs; without any it is asa.yaml.`,
		Example:     `  $ asa2udm check my.yaml 'packs/*.yaml'`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 no fault (warnings are none), 1 faults, 2 could not run.`},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{defaultRules}
			}
			return runCheck(u, args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return cmd
}

// finding is one fault or warning as JSON.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // "error" or "warning"
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	Source   string `json:"source,omitempty"`
}

// checkReport is what check answers as JSON.
type checkReport struct {
	Files    []string  `json:"files"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Findings []finding `json:"findings"`
}

func runCheck(u *ui, args []string, asJSON bool) error {
	files, err := findAllRules(args)
	if err != nil {
		return err
	}
	report := checkReport{Files: []string{}, Findings: []finding{}}
	for _, file := range files {
		parser, faults, err := checkFile(file)
		if err != nil {
			return err
		}
		report.add(file.name, faults)
		if asJSON {
			continue
		}
		if err := printFaults(u, file.name, parser, faults); err != nil {
			return err
		}
	}
	if asJSON {
		enc := json.NewEncoder(u.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	}
	if report.Errors > 0 {
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

// checkFile answers the errors and the warnings of one file. The parser is nil
// where there are errors.
func checkFile(file ruleFile) (*mapping.Parser, mapping.ErrorList, error) {
	parser, err := file.compile(mapping.Options{})
	if err == nil {
		return parser, parser.Warnings(), nil
	}
	var faults mapping.ErrorList
	if errors.As(err, &faults) {
		return nil, faults, nil
	}
	return nil, nil, err
}

func printFaults(u *ui, name string, parser *mapping.Parser, faults mapping.ErrorList) error {
	for _, f := range faults {
		if _, err := fmt.Fprintln(u.stdout, f.Frame()); err != nil {
			return err
		}
	}
	var err error
	switch errs, warnings := countFaults(faults); {
	case parser != nil:
		_, err = fmt.Fprintf(u.stdout, "%s: ok, %s%s\n", name, count(countRules(parser.Ruleset()), "rule"), warningCount(warnings))
	default:
		_, err = fmt.Fprintf(u.stdout, "%s: %s%s\n", name, count(errs, "error"), warningCount(warnings))
	}
	return err
}

func warningCount(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + count(n, "warning")
}

func countFaults(faults mapping.ErrorList) (errs, warnings int) {
	for _, f := range faults {
		if f.Warning {
			warnings++
		} else {
			errs++
		}
	}
	return errs, warnings
}

func countRules(rs *mapping.Ruleset) int {
	n := len(rs.Mappings) + len(rs.Constants)
	for _, b := range rs.Blocks {
		n += len(b.Rules)
	}
	return n
}

func (r *checkReport) add(name string, faults mapping.ErrorList) {
	r.Files = append(r.Files, name)
	errs, warnings := countFaults(faults)
	r.Errors += errs
	r.Warnings += warnings
	for _, f := range faults {
		severity := "error"
		if f.Warning {
			severity = "warning"
		}
		r.Findings = append(r.Findings, finding{f.Pos.File, f.Pos.Line, f.Pos.Col, severity, f.Msg, f.Hint, f.Source})
	}
}
