// Package docs_test runs what the documents show.
package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/rules"
)

// block is one fenced block of a document.
type block struct {
	line int
	info string // behind the opening fence
	text string
}

func blocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var open *block
	for i, line := range strings.SplitAfter(string(text), "\n") {
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, info: info}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", file, open.line)
	}
	return all
}

// example is a rule file, or the part of one that matters, with what it does.
type example struct {
	line    int
	rules   string
	records string
	events  string
	rejects string
	faults  string
}

// examples finds the examples of rules.md: YAML, then records and events, or the
// faults of the file.
func examples(t *testing.T) []example {
	t.Helper()
	all := blocks(t, "rules.md")
	var found []example
	for i := 0; i < len(all); i++ {
		if !strings.HasPrefix(all[i].info, "yaml") {
			continue
		}
		e := example{line: all[i].line, rules: all[i].text}
		if all[i].info == "yaml" {
			e.rules = inFrame(e.rules)
		}
		next := func(info string) string {
			if i+1 < len(all) && all[i+1].info == info {
				i++
				return all[i].text
			}
			return ""
		}
		e.faults = next("text")
		if e.line == firstExample(all) {
			e.records = all[0].text
		} else {
			e.records = next("json")
		}
		e.events, e.rejects = next("json"), next("json rejects")
		if e.records != "" || e.faults != "" {
			found = append(found, e)
		}
	}
	return found
}

// firstExample answers the line of the first rule file: its record stands above
// it, for it begins with a log and not with rules.
func firstExample(all []block) int {
	for _, b := range all {
		if strings.HasPrefix(b.info, "yaml") {
			return b.line
		}
	}
	return 0
}

const (
	timeRule  = "  - {from: time, to: metadata.event_timestamp}\n"
	someTime  = `"time":"2024-05-01T06:00:00Z"`
	frameType = "event_type: GENERIC_EVENT\n"
)

// inFrame adds to the part of a rule file that an example shows what the
// document says all have in common.
func inFrame(part string) string {
	if strings.HasPrefix(part, "- ") {
		part = "mappings:\n  " + strings.TrimSuffix(strings.ReplaceAll(part, "\n", "\n  "), "  ")
	}
	if !strings.Contains(part, "mappings:\n") {
		part += "mappings:\n"
	}
	if !strings.Contains(part, "metadata.event_timestamp}") {
		part = strings.Replace(part, "mappings:\n", "mappings:\n"+timeRule, 1)
	}
	if !strings.Contains(part, "event_type:\n") {
		part += frameType
	}
	return "log_type: EXAMPLE\n" + part
}

// withTime adds the time that the examples leave out.
func withTime(records string) string {
	var b strings.Builder
	for line := range strings.Lines(records) {
		rest, object := strings.CutPrefix(line, "{")
		switch {
		case !object || strings.Contains(line, `"time`) || strings.Contains(line, `"at":1`):
			b.WriteString(line)
		case strings.TrimSpace(rest) == "}":
			b.WriteString("{" + someTime + "}\n")
		default:
			b.WriteString("{" + someTime + "," + rest)
		}
	}
	return b.String()
}

func TestExamples(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(fmt.Sprintf("rules.md:%d", e.line), func(t *testing.T) {
			parser, err := mapping.Compile("rules.yaml", []byte(e.rules), mapping.Options{})
			if e.faults != "" {
				checkFaults(t, err, e.faults)
				return
			}
			if err != nil {
				t.Fatalf("%v\nin\n%s", err, e.rules)
			}
			var events, rejects bytes.Buffer
			_, err = mapping.Stream(context.Background(), parser, strings.NewReader(withTime(e.records)), &events,
				mapping.StreamOptions{Rejects: &rejects})
			if err != nil {
				t.Fatal(err)
			}
			checkEvents(t, events.String(), e.events)
			if diff := cmp.Diff(withoutDetail(e.rejects), withoutDetail(rejects.String())); diff != "" {
				t.Errorf("rejects (-document +got):\n%s", diff)
			}
		})
	}
}

// withoutDetail drops the words for people, which are no promise.
func withoutDetail(rejects string) string {
	return regexp.MustCompile(`"detail":"([^"\\]|\\.)+",`).ReplaceAllString(rejects, "")
}

func checkFaults(t *testing.T, err error, want string) {
	t.Helper()
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		t.Fatalf("no faults but %v", err)
	}
	var got strings.Builder
	for _, f := range faults {
		fmt.Fprintln(&got, f.Frame())
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("faults (-document +got):\n%s", diff)
	}
}

// checkEvents compares events. Of the metadata, what an example leaves out is not
// looked at.
func checkEvents(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(gotLines) != len(wantLines) {
		t.Fatalf("got %d events, want %d:\n%s", len(gotLines)-1, len(wantLines)-1, got)
	}
	for i := range gotLines[:len(gotLines)-1] {
		g, w := decode(t, gotLines[i]), decode(t, wantLines[i])
		leaveOut(g, w)
		if diff := cmp.Diff(w, g); diff != "" {
			t.Errorf("event %d (-document +got):\n%s\n%s", i+1, diff, gotLines[i])
		}
	}
}

func decode(t *testing.T, line string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	var event map[string]any
	if err := dec.Decode(&event); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return event
}

func leaveOut(got, want map[string]any) {
	gotMeta, _ := got["metadata"].(map[string]any)
	wantMeta, _ := want["metadata"].(map[string]any)
	for _, key := range []string{"event_timestamp", "event_type"} {
		if _, shown := wantMeta[key]; !shown {
			delete(gotMeta, key)
		}
	}
	if len(gotMeta) == 0 && wantMeta == nil {
		delete(got, "metadata")
	}
}

// Every key of a rule file has a section with an example.
func TestEveryKeyHasAnExample(t *testing.T) {
	text, err := os.ReadFile("rules.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, s := range strings.Split(string(text), "\n### ")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		sections[title] = body
	}
	var schema struct {
		Properties map[string]any
		Defs       struct {
			Rule struct{ Properties map[string]any }
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(rules.Schema), &schema); err != nil {
		t.Fatal(err)
	}
	for _, keys := range []map[string]any{schema.Properties, schema.Defs.Rule.Properties} {
		for key := range keys {
			body, ok := sections["`"+key+"`"]
			if !ok {
				t.Errorf("no section on %s", key)
				continue
			}
			// log_type writes nothing, and mappings is what most examples show alone.
			if key != "log_type" && key != "mappings" && !regexp.MustCompile("(?s)```yaml.*\\b"+key+":.*```json").MatchString(body) {
				t.Errorf("no example for %s", key)
			}
		}
	}
}

// Every rule file of the document is right by the JSON Schema.
func TestExamplesMatchSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(rules.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("rules.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples(t) {
		var doc any
		if err := yaml.Unmarshal([]byte(e.rules), &doc); err != nil {
			t.Fatalf("rules.md:%d: %v", e.line, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("rules.md:%d: %v", e.line, err)
		}
	}
}

// Links inside the documents lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	for _, file := range []string{"rules.md", "map.md", "../README.md", "../CONTRIBUTING.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		anchors := make(map[string]bool)
		for _, m := range heading.FindAllSubmatch(text, -1) {
			anchors["#"+anchor(string(m[1]))] = true
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			checkLink(t, file, string(m[1]), anchors)
		}
	}
}

func checkLink(t *testing.T, file, target string, anchors map[string]bool) {
	t.Helper()
	switch {
	case strings.HasPrefix(target, "https://"):
	case strings.HasPrefix(target, "#"):
		if !anchors[target] {
			t.Errorf("%s: no heading for %s", file, target)
		}
	default:
		path, _, _ := strings.Cut(target, "#")
		if strings.HasPrefix(file, "../") {
			path = "../" + path
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// anchor makes a heading into the name that links use, as GitHub does.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
