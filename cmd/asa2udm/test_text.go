package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/golden"
)

// testText writes a report for people.
type testText struct {
	style
	b strings.Builder
}

func writeTestText(w io.Writer, f *testFlags, report *golden.Report) error {
	t := &testText{style: styleOf(w)}
	for i := range report.Cases {
		if c := &report.Cases[i]; c.Status != golden.Passed {
			t.failed(c, maxFailures(report))
		}
	}
	if f.update {
		t.changes(report)
	}
	t.totals(report)
	if report.Coverage != nil {
		t.coverage(report.Coverage, f.coverage || f.belowMinimum(report))
		if f.belowMinimum(report) {
			t.linef("%s  coverage is %.1f%%, --min-coverage wants %g%%", t.bad("FAIL"), report.Coverage.Percent, f.minCoverage)
		}
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *testText) linef(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

func (t *testText) bad(text string) string { return t.bold(t.red(text)) }

// How many failures of a case are shown where several cases fail, and where one
// does.
const (
	fewFailures  = 12
	manyFailures = 200
)

func maxFailures(report *golden.Report) int {
	if report.Failed+report.Errors > 1 {
		return fewFailures
	}
	return manyFailures
}

// failed shows what is wrong with one case.
func (t *testText) failed(c *golden.Result, most int) {
	word := "FAIL "
	if c.Status == golden.Broken {
		word = "ERROR"
	}
	t.linef("%s %s", t.bad(word), t.bold(c.Name))
	where := ""
	for i := range c.Failures {
		if i == most {
			more := fmt.Sprintf("  ... and %s more; ", grouped(len(c.Failures)-i))
			if most == fewFailures {
				t.linef("%s--run '^%s$' shows more of this case", more, regexp.QuoteMeta(c.Name))
			} else {
				t.linef("%s--json has all of them", more)
			}
			break
		}
		f := &c.Failures[i]
		if head := failureHead(c, f); head != where {
			where = head
			if head != "" {
				t.linef("  %s", head)
			}
		}
		t.failure(f)
	}
	t.linef("")
}

// failureHead says which record a failure is about, and where the expectation
// stands.
func failureHead(c *golden.Result, f *golden.Failure) string {
	var parts []string
	if f.Line > 0 {
		record := fmt.Sprintf("%s:%d", c.Input, f.Line)
		if f.Index != nil {
			record += fmt.Sprintf(" list[%d]", *f.Index)
		}
		parts = append(parts, record)
	}
	if f.Expected != "" {
		parts = append(parts, "expected at "+f.Expected)
	}
	return strings.Join(parts, ", ")
}

func (t *testText) failure(f *golden.Failure) {
	title := f.Path
	switch {
	case f.Kind == golden.BadCase:
		t.linef("    %s", printable(f.Message))
		return
	case f.Kind == golden.EventExtra || f.Kind == golden.EventMissing:
		title = string(f.Kind) + " " + recordWord(f)
	case f.Kind == golden.OtherOutcome:
		title = "outcome"
	case f.Kind == golden.OrderDiffers:
		title += ", order"
	case title == "":
		title = "event"
	}
	t.linef("    %s", t.bold(printable(title)))
	if f.Kind != golden.NotValid && (f.Want != nil || f.Got != nil) {
		want, got := shownPair(f.Want, f.Got)
		if f.Kind == golden.OtherOutcome {
			want, got = strings.Trim(want, `"`), strings.Trim(got, `"`)
		}
		t.linef("      want  %s", t.green(want))
		t.linef("      got   %s", t.red(got))
	}
	if f.Message != "" {
		t.linef("      why   %s", printable(f.Message))
	}
	for i, p := range f.Rules {
		word := "rule"
		if i > 0 {
			word = "    "
		}
		t.linef("      %s  %s  %s", word, p, t.dim(placeText(p)))
	}
}

// recordWord says what a missing or an extra record is.
func recordWord(f *golden.Failure) string {
	if f.Want == nil && f.Got == nil {
		return "record"
	}
	for _, text := range []json.RawMessage{f.Want, f.Got} {
		if strings.HasPrefix(string(text), `{"reject":`) {
			return "reject"
		}
	}
	return "event"
}

func placeText(p golden.Place) string {
	if p.Note == "" {
		return p.Name
	}
	return p.Name + " (" + p.Note + ")"
}

// maxTestValue is how many characters of a value are shown.
const maxTestValue = 240

// shownPair writes two values, events or rejects that differ, so that each fits on
// a line.
func shownPair(want, got json.RawMessage) (string, string) {
	w, g := shownJSON(want), shownJSON(got)
	if w == g && gjson.GetBytes(want, "reject.error").Exists() {
		// What differs is the place of the record.
		return "reject " + gjson.GetBytes(want, "reject").Raw, "reject " + gjson.GetBytes(got, "reject").Raw
	}
	return shortenedPair(w, g, maxTestValue)
}

// shownJSON writes a value, an event or a reject on a line.
func shownJSON(v json.RawMessage) string {
	text := string(v)
	switch r := gjson.Get(text, "reject.error"); {
	case text == "":
		return "nothing"
	case r.Exists():
		return "reject " + r.Str
	}
	return printable(text)
}

// changes says what an update did.
func (t *testText) changes(report *golden.Report) {
	counts := make(map[golden.Change]int)
	for _, c := range report.Cases {
		counts[c.Change]++
		if c.Change == golden.Kept {
			continue
		}
		line := fmt.Sprintf("%-9s %s", c.Change, c.Name)
		if c.Change == golden.Created {
			line += ": " + count(c.Records, "record")
		}
		if len(c.Changed) > 0 {
			line += ": " + strings.Join(c.Changed, ", ")
		}
		t.linef("%s", line)
	}
	t.linef("%d created, %d updated, %d formatted, %d unchanged",
		counts[golden.Created], counts[golden.Updated], counts[golden.Formatted], counts[golden.Kept])
}

// totals gives the counts for each rule file.
func (t *testText) totals(report *golden.Report) {
	var names []string
	sums := make(map[string]*golden.Report)
	width := 0
	for _, c := range report.Cases {
		sum := sums[c.Rules]
		if sum == nil {
			sum = &golden.Report{}
			sums[c.Rules] = sum
			names = append(names, c.Rules)
			width = max(width, len(c.Rules))
		}
		sum.Records += c.Records
		sum.Passed++
		if c.Status != golden.Passed {
			sum.Failed++
		}
	}
	for _, name := range names {
		sum := sums[name]
		if sum.Failed > 0 {
			t.linef("%s  %-*s  %d of %s failed", t.bad("FAIL"), width, name, sum.Failed, count(sum.Passed, "case"))
		} else {
			t.linef("%s    %-*s  %s, %s", t.green("ok"), width, name, count(sum.Passed, "case"), count(sum.Records, "record"))
		}
	}
}

// coverage says how much the cases reach, and if asked to what they do not.
func (t *testText) coverage(c *golden.Coverage, missed bool) {
	for _, p := range c.Missed() {
		if missed {
			t.linef("%s:%d: no case reaches the %s %s", p.File, p.Line, p.What, p.Name)
		}
	}
	t.linef("coverage %.1f%%, %d of %d rules and arms", c.Percent, c.Reached, c.Total)
}
