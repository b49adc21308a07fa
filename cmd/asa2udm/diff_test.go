package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
)

// edited changes asa.yaml in every way that diff tells apart: a field that is
// dropped, one that comes from elsewhere, a label that is renamed, lists that
// change, an event type, and records that lose their time.
const edited = `extends: asa.yaml
remove: [principal.user.userid, network.tls.cipher]
mappings:
  - {replaces: metadata.event_timestamp, from: timestamp, to: metadata.event_timestamp, when: log.details.client.hostname != ""}
  - {replaces: principal.hostname, from: details.client.id, to: principal.hostname}
  - {replaces: 'target.resource.attribute.labels:project_team', from: details.project.team, to: target.resource.attribute.labels, label: team}
  - {replaces: 'additional.fields:team_name', from: details.team_name, to: additional.fields, label: team}
  - {replaces: principal.user.email_addresses, value: someone@example.com, to: principal.user.email_addresses}
  - {replaces: intermediary server, name: intermediary server, from: details.server, to: intermediary, use: server, when: 'log.details.server.os_type == "linux"'}
event_type:
  - {when: has_principal, is: STATUS_UPDATE}
  - {is: GENERIC_EVENT}
`

// TestDiffAgreesWithTwoMappings holds diff against events that are mapped apart
// from each other, taken to pieces and compared.
func TestDiffAgreesWithTwoMappings(t *testing.T) {
	dir := t.TempDir()
	many := 20_000
	if testing.Short() {
		many = 2000
	}
	rules := filepath.Join(dir, "edited.yaml")
	records := filepath.Join(dir, "records.ndjson")
	writeFile(t, rules, []byte(edited))
	for _, c := range []struct {
		after   string
		records int
	}{{"asa-corrected.yaml", many}, {rules, 2_000}} {
		t.Run(filepath.Base(c.after), func(t *testing.T) {
			corpus := asagen.New(21, asagen.Options{Shuffle: true}).File(nil, c.records)
			writeFile(t, records, corpus)
			want := compareApart(t, compileRules(t, "asa.yaml"), compileRules(t, c.after), bytes.Lines(corpus), records)
			if want.Changed == 0 || c.after == rules && (want.Lost == 0 || len(want.Events) < 6) {
				t.Fatalf("too little differs: %d events in %d fields, %d lost", want.Changed, len(want.Events), want.Lost)
			}
			got := runDiffJSON(t, "asa.yaml", c.after, records)
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("got (-), want (+):\n%s", d)
			}
		})
	}
}

// apart is what two mappings show to be different.
type apart struct {
	Changed, Gained, Lost int64
	Events                map[string]int64    // by path
	Changes               map[[3]string]int64 // by path, old and new value
	Types                 map[[2]string]int64
	First                 map[[3]string]string
}

func newApart() *apart {
	return &apart{
		Events: make(map[string]int64), Changes: make(map[[3]string]int64),
		Types: make(map[[2]string]int64), First: make(map[[3]string]string),
	}
}

func compareApart(t *testing.T, before, after *mapping.Parser, lines func(func([]byte) bool), file string) *apart {
	t.Helper()
	a := newApart()
	n := 0
	oldMapper, newMapper := before.NewMapper(), after.NewMapper()
	for line := range lines {
		n++
		old, oldErr := oldMapper.Map(nil, line)
		new, newErr := newMapper.Map(nil, line)
		switch {
		case oldErr != nil && newErr != nil:
			continue
		case oldErr != nil:
			a.Gained++
		case newErr != nil:
			a.Lost++
		default:
			a.event(t, old, new, file+":"+strconv.Itoa(n))
		}
		a.Types[[2]string{typeOf(old, oldErr), typeOf(new, newErr)}]++
	}
	return a
}

func typeOf(event []byte, err error) string {
	if err != nil {
		return "rejected (timestamp)"
	}
	return gjson.GetBytes(event, eventTypePath).Str
}

func (a *apart) event(t *testing.T, old, new []byte, place string) {
	t.Helper()
	if bytes.Equal(old, new) {
		return
	}
	a.Changed++
	was, is := pieces(t, old), pieces(t, new)
	paths := make(map[string]bool)
	for key := range union(was, is) {
		if was[key] == is[key] {
			continue
		}
		path, _, _ := strings.Cut(key, "#")
		change := [3]string{path, was[key], is[key]}
		if !paths[path] {
			paths[path] = true
			a.Events[path]++
		}
		a.Changes[change]++
		if a.First[change] == "" {
			a.First[change] = place
		}
	}
}

func union(a, b map[string]string) map[string]bool {
	all := make(map[string]bool)
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// pieces takes an event to pieces: the JSON of each leaf by its path, behind a #
// the positions of the list elements it is in.
func pieces(t *testing.T, event []byte) map[string]string {
	t.Helper()
	all := make(map[string]string)
	take(t, all, "", "#", event)
	return all
}

func take(t *testing.T, all map[string]string, path, positions string, raw json.RawMessage) {
	t.Helper()
	var list []json.RawMessage
	var members map[string]json.RawMessage
	switch {
	case raw[0] == '[' && bytes.HasPrefix(raw, []byte(`[{"key":`)):
		takeLabels(t, all, path, positions, raw)
	case raw[0] == '[' && bytes.HasPrefix(raw, []byte(`[{`)):
		decode(t, raw, &list)
		for i, element := range list {
			take(t, all, path, positions+strconv.Itoa(i)+",", element)
		}
	case raw[0] == '{':
		decode(t, raw, &members)
		for name, value := range members {
			switch path {
			case "":
				take(t, all, name, positions, value)
			case "additional":
				take(t, all, path+"["+strconv.Quote(name)+"]", positions, value)
			default:
				take(t, all, path+"."+name, positions, value)
			}
		}
	default:
		all[path+positions] = string(raw)
	}
}

func takeLabels(t *testing.T, all map[string]string, path, positions string, raw json.RawMessage) {
	t.Helper()
	var labels []struct {
		Key   string
		Value json.RawMessage
	}
	decode(t, raw, &labels)
	byKey := make(map[string][]string)
	for _, l := range labels {
		byKey[l.Key] = append(byKey[l.Key], string(l.Value))
	}
	for key, values := range byKey {
		value := values[0]
		if len(values) > 1 {
			value = "[" + strings.Join(values, ",") + "]"
		}
		all[path+"["+strconv.Quote(key)+"]"+positions] = value
	}
}

func decode(t *testing.T, raw json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

// runDiffJSON runs the command and puts its answer into the form of apart.
func runDiffJSON(t *testing.T, args ...string) *apart {
	t.Helper()
	var report diffJSON
	decode(t, mustRun(t, append([]string{"diff", "--format", "json", "--top", "0"}, args...)...), &report)
	a := newApart()
	a.Changed, a.Gained, a.Lost = report.Changed, report.Gained, report.Lost
	for _, f := range report.Fields {
		a.Events[f.Path] = f.Events
		if f.Others > 0 {
			t.Fatalf("%s: %d changes are not listed", f.Path, f.Others)
		}
		for _, c := range f.Changes {
			change := [3]string{f.Path, orEmpty(t, c.Old), orEmpty(t, c.New)}
			a.Changes[change], a.First[change] = c.Count, c.Example
		}
	}
	for _, e := range report.EventTypes {
		a.Types[[2]string{e.Old, e.New}] = e.Count
	}
	return a
}

// orEmpty answers a value as it stands in an event: the report is indented.
func orEmpty(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	if string(raw) == "null" {
		return ""
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mustRun runs a command line that has nothing to find and answers its output.
func mustRun(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	if code := run(context.Background(), args, newUI(strings.NewReader(""), &out, &said)); code != exitOK {
		t.Fatalf("asa2udm %s: got exit code %d\n%s", strings.Join(args, " "), code, said.String())
	}
	return out.Bytes()
}

func compileRules(t *testing.T, name string) *mapping.Parser {
	t.Helper()
	file, err := findRules(name)
	if err != nil {
		t.Fatal(err)
	}
	parser, err := file.compile(mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
