package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/asa2udm/asa2udm/mapping/lint"
)

// checkedFile is what check found in one file.
type checkedFile struct {
	name     string
	compiled bool
	rules    int // if compiled
	repaired int
	findings []lint.Finding
}

// checkReport is what check answers as JSON.
type checkReport struct {
	Files    []string       `json:"files"`
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Infos    int            `json:"infos"`
	Repaired int            `json:"repaired"`
	Findings []lint.Finding `json:"findings"`
}

func (r *checkReport) add(c checkedFile) {
	n := lint.Count(c.findings)
	r.Files = append(r.Files, c.name)
	r.Errors += n.Errors
	r.Warnings += n.Warnings
	r.Infos += n.Infos
	r.Repaired += c.repaired
	r.Findings = append(r.Findings, c.findings...)
}

// write writes the report for machines. For people each file has been shown
// already.
func (r *checkReport) write(w io.Writer, format string) error {
	switch format {
	case "json":
		if r.Findings == nil {
			r.Findings = []lint.Finding{}
		}
		return writeCheckJSON(w, r)
	case "sarif":
		return lint.WriteSARIF(w, version(), r.Findings)
	}
	return nil
}

func writeCheckJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// print shows the findings of one file to people, and their sum.
func (c checkedFile) print(w io.Writer) error {
	if err := lint.WriteText(w, c.findings); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", c.name, c.summary())
	return err
}

// summary answers how a file fares: "ok, 3 rules, 1 warning (1 for --fix)".
func (c checkedFile) summary() string {
	n := lint.Count(c.findings)
	var parts []string
	if c.compiled && n.Errors == 0 {
		parts = append(parts, "ok")
	}
	if c.compiled {
		parts = append(parts, count(c.rules, "rule"))
	}
	if c.repaired > 0 {
		parts = append(parts, count(c.repaired, "repair"))
	}
	for _, s := range []struct {
		n    int
		what string
	}{{n.Errors, "error"}, {n.Warnings, "warning"}, {n.Infos, "info"}} {
		if s.n > 0 {
			parts = append(parts, count(s.n, s.what))
		}
	}
	text := strings.Join(parts, ", ")
	if fixable := c.fixable(); fixable > 0 {
		text += fmt.Sprintf(" (--fix repairs %d)", fixable)
	}
	return text
}

func (c checkedFile) fixable() int {
	n := 0
	for _, f := range c.findings {
		if len(f.Fix) > 0 {
			n++
		}
	}
	return n
}

// listedKind is a kind of finding as JSON.
type listedKind struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Fixable  bool   `json:"fixable"`
	Summary  string `json:"summary"`
}

// listKinds names the kinds of finding.
func (u *ui) listKinds(f *checkFlags) error {
	var kinds []listedKind
	for _, k := range lint.Kinds() {
		kinds = append(kinds, listedKind{k.ID, k.Severity.String(), k.Fixable, k.Summary})
	}
	if f.format == "json" {
		return writeCheckJSON(u.stdout, kinds)
	}
	w := tabwriter.NewWriter(u.stdout, 0, 0, 2, ' ', 0)
	for _, k := range kinds {
		fix := ""
		if k.Fixable {
			fix = " (--fix)"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s%s\n", k.ID, k.Severity, k.Summary, fix); err != nil {
			return err
		}
	}
	return w.Flush()
}
