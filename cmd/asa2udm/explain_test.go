package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
)

// TestExplainNamesTheRuleThatWrote takes each rule that explain names out of the
// rule file: the field must then be another one or gone.
func TestExplainNamesTheRuleThatWrote(t *testing.T) {
	const records = 100
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	corpus := asagen.New(33, asagen.Options{Shuffle: true}).File(nil, records)
	lines := strings.Split(strings.TrimSpace(string(corpus)), "\n")
	file := filepath.Join(t.TempDir(), "records.ndjson")
	writeFile(t, file, corpus)
	without := rulesWithout{lines: strings.Split(string(src), "\n"), parsers: make(map[int]*mapping.Parser)}
	values := 0
	for i, line := range lines {
		var x explainedJSON
		if err := json.Unmarshal(mustRun(t, "explain", "--json", fmt.Sprintf("%s:%d", file, i+1)), &x); err != nil {
			t.Fatal(err)
		}
		for _, v := range x.Values {
			values++
			if got := without.value(t, v, line); got == string(v.Value) {
				t.Errorf("record %d, %s: got %s without asa.yaml:%d, which is said to have written it", i+1, v.Path, got, v.Rule.Line)
			}
		}
	}
	if values < 10*records {
		t.Errorf("got %d values explained, want at least %d", values, 10*records)
	}
}

// rulesWithout compiles a rule file without the rule on a line.
type rulesWithout struct {
	lines   []string
	parsers map[int]*mapping.Parser // nil for one that does not compile
}

// value answers what stands at a value's path without the rule that is said to
// have written it.
func (r *rulesWithout) value(t *testing.T, v valueJSON, record string) string {
	t.Helper()
	parser, known := r.parsers[v.Rule.Line]
	if !known {
		var err error
		parser, err = mapping.Compile("asa.yaml", r.without(v.Rule.Line), mapping.Options{})
		if err != nil && v.Path != "metadata.event_timestamp" && v.Path != eventTypePath {
			t.Fatalf("without line %d: %v", v.Rule.Line, err)
		}
		r.parsers[v.Rule.Line] = parser
	}
	if parser == nil {
		// No file is one without a rule for the time or a last event type, so they
		// are all that could have written these.
		return ""
	}
	event, err := parser.Map(nil, []byte(record))
	if err != nil {
		t.Fatal(err)
	}
	return gjson.GetBytes(event, gjsonPath(v.Path)).Raw
}

// without blanks the rule on a line and what is indented below it.
func (r *rulesWithout) without(line int) []byte {
	out := append([]string(nil), r.lines...)
	indent := indentOf(out[line-1])
	out[line-1] = ""
	for i := line; i < len(out) && out[i] != "" && indentOf(out[i]) > indent; i++ {
		out[i] = ""
	}
	return []byte(strings.Join(out, "\n"))
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// gjsonPath turns a[0]["k"] into a.0.k.
func gjsonPath(path string) string {
	return strings.NewReplacer(`["`, ".", `"]`, "", "[", ".", "]", "").Replace(path)
}
