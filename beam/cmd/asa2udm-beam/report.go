package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/beam/pipeline"
	"github.com/asa2udm/asa2udm/mapping"
)

// report says what a run has done. Without counts it has been handed over.
func (c *command) report(counts *pipeline.Counts, took time.Duration) error {
	switch {
	case c.onDataflow() && c.flag("dry_run") == "true":
		c.logf("nothing was submitted")
		return nil
	case counts == nil:
		c.logf("handed over; the runner has the counts, under the name asa2udm")
		return nil
	case counts.Found == 0:
		c.logf("done, but the runner has kept no counts: whether records were rejected is in the files")
		return nil
	case c.json:
		line, err := json.Marshal(struct {
			*pipeline.Counts
			Seconds float64 `json:"seconds"`
		}{counts, took.Seconds()})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s\n", line)
	default:
		fmt.Fprint(c.stderr, countsText(counts, took))
	}
	// A job that was canceled ends as quietly as one that is done.
	if counts.Objects < counts.Found {
		return hinted(fmt.Errorf("the job has ended with %s of %s objects mapped", grouped(counts.Objects), grouped(counts.Found)),
			"run it again: what is there already is written once more, with the same bytes")
	}
	return nil
}

// countsText writes the counts for people.
func countsText(c *pipeline.Counts, took time.Duration) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	s := c.Stats
	rejected := grouped(s.Rejected)
	if s.Rejected > 0 {
		rejected += " (" + codesText(s.ByCode) + ")"
	}
	seconds := max(took.Seconds(), 0.001)
	row("objects", "%s, %s", grouped(c.Objects), size(float64(c.Stored)))
	row("lines", "%s, %s blank", grouped(s.Lines), grouped(s.Blank))
	row("records", "%s", grouped(s.Records))
	row("events", "%s", grouped(s.Events))
	row("rejected", "%s", rejected)
	row("types", "%s", typesText(c.Types))
	row("bytes", "%s in, %s out", size(float64(s.BytesIn)), size(float64(s.BytesOut)))
	row("time", "%.2f s, %s records/s, %s/s", took.Seconds(), grouped(int64(float64(s.Records)/seconds)), size(float64(s.BytesIn)/seconds))
	return b.String()
}

// typesText writes the event types, the most frequent first.
func typesText(types map[string]int64) string {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(types[b], types[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = grouped(types[name]) + " " + name
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// codesText writes how many records were rejected for what: "2 json, 1 size".
func codesText(c mapping.Codes) string {
	var parts []string
	for _, code := range []struct {
		n    int64
		name string
	}{
		{c.JSON, mapping.CodeJSON}, {c.Object, mapping.CodeObject}, {c.Timestamp, mapping.CodeTimestamp},
		{c.Size, mapping.CodeSize}, {c.Depth, mapping.CodeDepth},
	} {
		if code.n > 0 {
			parts = append(parts, grouped(code.n)+" "+code.name)
		}
	}
	return strings.Join(parts, ", ")
}

// grouped writes a number as 12,345.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes, in powers of 1000.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + unit
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f TB", n)
}
