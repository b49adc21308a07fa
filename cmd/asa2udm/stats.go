package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/mapping"
)

// rejectCounts writes how many records were rejected for what: "2 json, 1 size".
func rejectCounts(c mapping.Codes) string {
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

// statsText writes the counts for people.
func statsText(s mapping.Stats, took time.Duration) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	rejected := grouped(s.Rejected)
	if s.Rejected > 0 {
		rejected += " (" + rejectCounts(s.ByCode) + ")"
	}
	seconds := max(took.Seconds(), 0.001)
	row("lines", "%s, %s blank", grouped(s.Lines), grouped(s.Blank))
	row("records", "%s", grouped(s.Records))
	row("events", "%s", grouped(s.Events))
	row("rejected", "%s", rejected)
	row("bytes", "%s in, %s out", size(float64(s.BytesIn)), size(float64(s.BytesOut)))
	row("time", "%.2f s, %s records/s, %s/s", took.Seconds(), grouped(int64(float64(s.Records)/seconds)), size(float64(s.BytesIn)/seconds))
	return b.String()
}

// statsJSON writes the counts for machines, on one line.
func statsJSON(s mapping.Stats, took time.Duration) string {
	line, _ := json.Marshal(struct {
		mapping.Stats
		Seconds float64 `json:"seconds"`
	}{s, took.Seconds()})
	return string(line) + "\n"
}
