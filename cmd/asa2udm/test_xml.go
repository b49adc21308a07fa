package main

import (
	"encoding/xml"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/golden"
)

// What CI systems read: results as JUnit XML, coverage as Cobertura XML. Neither
// has a time in it, so that the same results give the same file.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

// junitXML writes a report with one suite for each rule file.
func junitXML(report *golden.Report) []byte {
	all := junitSuites{Name: "asa2udm test", Tests: len(report.Cases), Failures: report.Failed, Errors: report.Errors}
	for i := range report.Cases {
		c := &report.Cases[i]
		n := slices.IndexFunc(all.Suites, func(s junitSuite) bool { return s.Name == c.Rules })
		if n < 0 {
			n = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: c.Rules})
		}
		all.Suites[n].add(c)
	}
	return xmlText(all, "")
}

func (s *junitSuite) add(c *golden.Result) {
	one := junitCase{Name: c.Name, Class: path.Dir(c.Name), File: c.Input}
	if one.Class == "." {
		one.Class = c.Rules
	}
	s.Tests++
	switch c.Status {
	case golden.Failed:
		s.Failures++
		one.Failure = failureXML(c)
	case golden.Broken:
		s.Errors++
		one.Error = failureXML(c)
	}
	s.Cases = append(s.Cases, one)
}

func failureXML(c *golden.Result) *junitFailure {
	t := &testText{}
	t.failed(c, len(c.Failures))
	first := c.Failures[0]
	message := first.Message
	switch {
	case first.Path == "":
	case first.Kind == golden.NotValid:
		message = first.Path + ": " + message
	default:
		want, got := shownPair(first.Want, first.Got)
		message = fmt.Sprintf("%s: want %s, got %s", first.Path, want, got)
	}
	if more := len(c.Failures) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	return &junitFailure{message, "\n" + t.b.String()}
}

const coberturaDoctype = "<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n"

type coberturaCoverage struct {
	XMLName         xml.Name           `xml:"coverage"`
	LineRate        string             `xml:"line-rate,attr"`
	BranchRate      string             `xml:"branch-rate,attr"`
	LinesCovered    int                `xml:"lines-covered,attr"`
	LinesValid      int                `xml:"lines-valid,attr"`
	BranchesCovered int                `xml:"branches-covered,attr"`
	BranchesValid   int                `xml:"branches-valid,attr"`
	Complexity      int                `xml:"complexity,attr"`
	Version         string             `xml:"version,attr"`
	Timestamp       int                `xml:"timestamp,attr"`
	Sources         []string           `xml:"sources>source"`
	Packages        []coberturaPackage `xml:"packages>package"`
}

type coberturaPackage struct {
	Name       string           `xml:"name,attr"`
	LineRate   string           `xml:"line-rate,attr"`
	BranchRate string           `xml:"branch-rate,attr"`
	Complexity int              `xml:"complexity,attr"`
	Classes    []coberturaClass `xml:"classes>class"`
}

// coberturaClass is a rule file.
type coberturaClass struct {
	Name       string          `xml:"name,attr"`
	File       string          `xml:"filename,attr"`
	LineRate   string          `xml:"line-rate,attr"`
	BranchRate string          `xml:"branch-rate,attr"`
	Complexity int             `xml:"complexity,attr"`
	Methods    struct{}        `xml:"methods"`
	Lines      []coberturaLine `xml:"lines>line"`

	lines, branches tallied
}

// coberturaLine is a line with a rule or an arm. The arms of a rule are its
// branches.
type coberturaLine struct {
	Number   int    `xml:"number,attr"`
	Hits     int64  `xml:"hits,attr"`
	Branch   bool   `xml:"branch,attr"`
	Coverage string `xml:"condition-coverage,attr,omitempty"`
}

// tallied is how many of a number of things are reached.
type tallied struct{ reached, all int }

func (t *tallied) add(hits int64) {
	t.all++
	if hits > 0 {
		t.reached++
	}
}

func (t *tallied) plus(o tallied) {
	t.all += o.all
	t.reached += o.reached
}

func (t tallied) rate() string {
	if t.all == 0 {
		return "1"
	}
	return strconv.FormatFloat(float64(t.reached)/float64(t.all), 'f', 4, 64)
}

// coberturaXML writes the coverage with one class for each rule file.
func coberturaXML(c *golden.Coverage) []byte {
	var classes []coberturaClass
	for parts := c.Parts; len(parts) > 0; {
		end := slices.IndexFunc(parts, func(p golden.Part) bool { return p.File != parts[0].File })
		if end < 0 {
			end = len(parts)
		}
		classes = append(classes, coberturaFile(parts[:end]))
		parts = parts[end:]
	}
	var lines, branches tallied
	for _, class := range classes {
		lines.plus(class.lines)
		branches.plus(class.branches)
	}
	return xmlText(coberturaCoverage{
		LineRate: lines.rate(), BranchRate: branches.rate(),
		LinesCovered: lines.reached, LinesValid: lines.all,
		BranchesCovered: branches.reached, BranchesValid: branches.all,
		Version: "asa2udm", Sources: []string{"."},
		Packages: []coberturaPackage{{Name: "rules", LineRate: lines.rate(), BranchRate: branches.rate(), Classes: classes}},
	}, coberturaDoctype)
}

// coberturaFile makes a class of the parts of one rule file.
func coberturaFile(parts []golden.Part) coberturaClass {
	class := coberturaClass{
		Name: strings.TrimSuffix(path.Base(parts[0].File), ".yaml"), File: parts[0].File,
	}
	arms := make(map[int]*tallied)
	for _, p := range parts {
		if p.What == "match arm" {
			if arms[p.RuleLine] == nil {
				arms[p.RuleLine] = &tallied{}
			}
			arms[p.RuleLine].add(p.Hits)
			class.branches.add(p.Hits)
		}
		if n := len(class.Lines); n > 0 && class.Lines[n-1].Number == p.Line {
			continue
		}
		class.Lines = append(class.Lines, coberturaLine{Number: p.Line, Hits: p.Hits})
		class.lines.add(p.Hits)
	}
	for i := range class.Lines {
		if a := arms[class.Lines[i].Number]; a != nil {
			class.Lines[i].Branch = true
			class.Lines[i].Coverage = fmt.Sprintf("%d%% (%d/%d)", 100*a.reached/a.all, a.reached, a.all)
		}
	}
	class.LineRate, class.BranchRate = class.lines.rate(), class.branches.rate()
	return class
}

func xmlText(v any, doctype string) []byte {
	text, _ := xml.MarshalIndent(v, "", "  ") // of plain structs, so without error
	return slices.Concat([]byte(xml.Header+doctype), text, []byte("\n"))
}
