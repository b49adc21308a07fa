package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/mapping"
)

// TestMarkdownFitsAComment holds a report of very many changes to the length that
// a comment may have, and to say what it leaves out.
func TestMarkdownFitsAComment(t *testing.T) {
	const fields = 900
	c := &mapping.Comparison{Changed: fields}
	for i := range fields {
		value := fmt.Sprintf(`"%04d%s"`, i, strings.Repeat("x", 200))
		c.Fields = append(c.Fields, mapping.FieldChange{
			Path: fmt.Sprintf("additional[%q]", fmt.Sprint("k", i)), Events: int64(fields - i),
			Values: []mapping.ValueChange{{Old: value, New: "", Count: int64(fields - i), Line: 1}},
		})
	}
	for i := range 60 {
		c.Types = append(c.Types, mapping.TypeChange{Old: fmt.Sprint("A", i), New: fmt.Sprint("B", i), Count: 1, Line: 1})
	}
	d := newDifference("old.yaml", "new.yaml")
	d.add("logs.ndjson", c)
	d.finish(5)
	var out bytes.Buffer
	if err := d.writeMarkdown(&out); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 1<<16 {
		t.Errorf("got %d bytes, want at most %d", out.Len(), 1<<16)
	}
	rows := strings.Count(out.String(), "| `additional[")
	for _, want := range []string{fmt.Sprintf("%d fields left out", fields-rows), "20 changes left out."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in the report, which has %d fields", want, rows)
		}
	}
}

func TestCodeSpans(t *testing.T) {
	for text, want := range map[string]string{
		`plain`: "`plain`",
		`a|b`:   "`a\\|b`",
		"a`b":   "``a`b``",
		"`a``":  "``` `a`` ```",
	} {
		if got := code(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
