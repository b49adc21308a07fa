package mapping

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asagen"
)

// TestCompareCountsWhatDiffers holds Compare of the two shipped ASA packs against
// events mapped apart from each other: they differ in principal.platform alone.
func TestCompareCountsWhatDiffers(t *testing.T) {
	before, after := compilePack(t, "asa.yaml"), compilePack(t, "asa-corrected.yaml")
	g := asagen.New(7, asagen.Options{Shuffle: true})
	file := g.File(nil, 3000)
	want := make(map[[2]string]int64)
	events := int64(0)
	for _, record := range lines(file) {
		a, _ := before.Map(nil, record)
		b, _ := after.Map(nil, record)
		x, y := gjson.GetBytes(a, "principal.platform").Raw, gjson.GetBytes(b, "principal.platform").Raw
		if x != y {
			want[[2]string{x, y}]++
			events++
		}
	}
	got, err := Compare(context.Background(), before, after, bytes.NewReader(file), StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if events == 0 || got.Changed != events || len(got.Fields) != 1 || got.Fields[0].Path != "principal.platform" || got.Fields[0].Events != events {
		t.Fatalf("got %d changed, fields %+v; want %d in principal.platform", got.Changed, got.Fields, events)
	}
	for _, v := range got.Fields[0].Values {
		if want[[2]string{v.Old, v.New}] != v.Count {
			t.Errorf("%s -> %s: got %d, want %d", v.Old, v.New, v.Count, want[[2]string{v.Old, v.New}])
		}
	}
	if len(got.Fields[0].Values) != len(want) {
		t.Errorf("got %d pairs, want %d", len(got.Fields[0].Values), len(want))
	}
}

// TestExplainNamesTheRule checks that what Explain says was written is what
// stands in the event at that path.
func TestExplainNamesTheRule(t *testing.T) {
	p := compilePack(t, "asa.yaml")
	g := asagen.New(3, asagen.Options{})
	for range 100 {
		record := g.Next(nil)
		x := p.Explain(record)
		event, err := p.Map(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x.Event, event) {
			t.Fatalf("got event %s\nwant %s", x.Event, event)
		}
		for _, v := range x.Values {
			if got := gjson.GetBytes(event, gjsonPath(v.Path)).Raw; got != v.Value {
				t.Errorf("%s: got %s in the event, want %s", v.Path, got, v.Value)
			}
			if v.Source != "" && gjson.GetBytes(record, gjsonPath(v.Source)).Raw != v.Raw {
				t.Errorf("%s: got source %s = %s, want %s", v.Path, v.Source, gjson.GetBytes(record, gjsonPath(v.Source)).Raw, v.Raw)
			}
		}
	}
}

// gjsonPath turns a[0]["k"] into a.0.k.
func gjsonPath(path string) string {
	b := bytes.ReplaceAll([]byte(path), []byte(`["`), []byte("."))
	b = bytes.ReplaceAll(b, []byte(`"]`), nil)
	b = bytes.ReplaceAll(b, []byte("["), []byte("."))
	return string(bytes.ReplaceAll(b, []byte("]"), nil))
}

// TestCoverCounts checks the counts of a corpus against the events themselves.
func TestCoverCounts(t *testing.T) {
	p := compilePack(t, "asa.yaml")
	file := asagen.New(5, asagen.Options{}).File(nil, 500)
	c, err := Cover(context.Background(), p, bytes.NewReader(file), StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	types, hosts := make(map[string]int64), int64(0)
	for _, record := range lines(file) {
		event, err := p.Map(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		types[gjson.GetBytes(event, "metadata.event_type").String()]++
		if gjson.GetBytes(event, "intermediary.#.hostname").Get("0").Exists() {
			hosts++
		}
	}
	for _, e := range c.EventTypes {
		if e.Count != types[e.Name] {
			t.Errorf("%s: got %d, want %d", e.Name, e.Count, types[e.Name])
		}
	}
	for _, f := range c.Fields {
		if f.Path == "intermediary.hostname" && f.Events != hosts {
			t.Errorf("%s: got %d events, want %d", f.Path, f.Events, hosts)
		}
		if f.Path == "metadata.event_timestamp" && f.Events != 500 {
			t.Errorf("%s: got %d events, want 500", f.Path, f.Events)
		}
	}
	if len(c.Unread) == 0 {
		t.Error("got no unread members, want some: records hold more than the table maps")
	}
}

// TestCompareWritesWhatDiffers holds the way that writes the fields alone in which
// two packs may differ against the one that writes both events whole.
func TestCompareWritesWhatDiffers(t *testing.T) {
	src, err := ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	g := asagen.New(11, asagen.Options{Shuffle: true, Hostile: true})
	file := g.File(nil, 400)
	for _, tc := range []struct {
		name, old, new string
		whole          bool
	}{
		{name: "nothing"},
		{name: "a pattern", old: "(?i)Lin|lin", new: "(?i)Linus"},
		{name: "a label", old: "label: actor_status", new: "label: actor_state"},
		{name: "a constant", old: "product_name: OKTA_SCALEFT", new: "product_name: ASA"},
		{name: "a rule of a block", old: "server_services {index}", new: "server service {index}"},
		{name: "a source that a condition sees", old: "from: details.client_ip,", new: "from: details.ip,", whole: true},
		{name: "the time", old: "from: timestamp,", new: "from: [details.timestamp, id],", whole: true},
		{name: "a condition", old: `event_type == "USER_LOGIN"`, new: `event_type != "USER_LOGIN"`, whole: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(string(src), tc.old, tc.new, 1)
			if text == string(src) && tc.old != "" {
				t.Fatalf("asa.yaml has no %q", tc.old)
			}
			before, after := compilePack(t, "asa.yaml"), compileText(t, text)
			plans, err := sharePlans(before, after)
			if err != nil || plans.whole != tc.whole {
				t.Errorf("whole: got %t, want %t; %v", plans.whole, tc.whole, err)
			}
			got, err := Compare(t.Context(), before, after, bytes.NewReader(file), StreamOptions{})
			if err != nil {
				t.Fatal(err)
			}
			after.plain = true
			want, err := Compare(t.Context(), before, after, bytes.NewReader(file), StreamOptions{})
			if d := cmp.Diff(got, want); d != "" || err != nil {
				t.Errorf("got (-), want (+), %v:\n%s", err, d)
			}
			changed := want.Changed
			for _, c := range want.Types {
				if c.Old != c.New {
					changed += c.Count
				}
			}
			if (changed == 0) != (tc.old == "") {
				t.Errorf("%d records differ", changed)
			}
		})
	}
}

// TestCompareSharedElement holds that against records which differ in what the one
// element of a list gets that several rules share.
func TestCompareSharedElement(t *testing.T) {
	const rules = `log_type: EXAMPLE
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {from: a, to: security_result.summary}
%sevent_type: GENERIC_EVENT
`
	const a = `{"time":"2024-05-01T06:00:00Z","a":"x"}`
	const both = `{"time":"2024-05-01T06:00:00Z","a":"x","b":"y"}`
	without := compileText(t, fmt.Sprintf(rules, ""))
	with := compileText(t, fmt.Sprintf(rules, "  - {from: b, to: security_result.description}\n"))
	for _, tc := range []struct {
		name    string
		records []string
		want    int64
	}{
		{"the first record is the same", []string{a, both, a, both}, 2},
		{"the first record differs", []string{both, a, both}, 2},
		{"all records are the same", []string{a, a}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Join(tc.records, "\n")
			got, err := Compare(t.Context(), without, with, strings.NewReader(text), StreamOptions{Workers: 1})
			if err != nil || got.Changed != tc.want {
				t.Errorf("got %d changed records, want %d; %v", got.Changed, tc.want, err)
			}
		})
	}
}

// TestCompareItemOfBlock lets a block run on another object, where nothing but its
// conditions tells one from the other.
func TestCompareItemOfBlock(t *testing.T) {
	const rules = `
log_type: EXAMPLE
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {from: client, to: principal, use: machine}
blocks:
  machine:
    - {value: LINUX, to: platform, when: item.os == "linux"}
event_type: GENERIC_EVENT
`
	const records = `{"time":"2024-05-01T06:00:00Z","client":{"os":"linux"},"server":{"os":"vms"}}
{"time":"2024-05-01T06:00:00Z","client":{"os":"linux"},"server":{"os":"linux"}}
`
	before, after := compileText(t, rules), compileText(t, strings.Replace(rules, "from: client", "from: server", 1))
	got, err := Compare(t.Context(), before, after, strings.NewReader(records), StreamOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := []FieldChange{{Path: "principal.platform", Events: 1, Values: []ValueChange{{Old: `"LINUX"`, Count: 1, Line: 1}}}}
	if diff := cmp.Diff(want, got.Fields); diff != "" || got.Changed != 1 {
		t.Errorf("%d events changed, want 1; fields (-want +got):\n%s", got.Changed, diff)
	}
}

// TestCompareLabels checks what is told of a list of labels.
func TestCompareLabels(t *testing.T) {
	const rules = `
log_type: EXAMPLE
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {each: labels, to: principal.labels, use: label}
blocks:
  label:
    - {from: k, to: key}
    - {from: v, to: value}
    - {from: MEMBER, to: rbac_enabled}
event_type: GENERIC_EVENT
`
	before, after := compileText(t, strings.Replace(rules, "MEMBER", "none", 1)), compileText(t, strings.Replace(rules, "MEMBER", "r", 1))
	fewer := compileText(t, strings.Replace(rules, "each: labels,", "each: labels, skip: 3,", 1))
	const path = "principal.labels"
	for _, tc := range []struct {
		name   string
		after  *Parser
		labels string
		want   []FieldChange
	}{
		{"a key that stands three times", fewer, `{"k":"a","v":"x"},{"k":"a","v":"y"},{"k":"a","v":"z"}`, []FieldChange{
			{Path: path + `["a"]`, Events: 1, Values: []ValueChange{{Old: `["x","y","z"]`, Count: 1, Line: 1}}},
		}},
		{"more than key and value", after, `{"k":"a","v":"x","r":true}`, []FieldChange{
			{Path: path + ".rbac_enabled", Events: 1, Values: []ValueChange{{New: "true", Count: 1, Line: 1}}},
		}},
		{"more than key and value in the second", after, `{"k":"a","v":"x"},{"k":"b","v":"y","r":true}`, []FieldChange{
			{Path: path + ".rbac_enabled", Events: 1, Values: []ValueChange{{New: "true", Count: 1, Line: 1}}},
		}},
		{"a label without a value", fewer, `{"k":"a"}`, []FieldChange{
			{Path: path + ".key", Events: 1, Values: []ValueChange{{Old: `"a"`, Count: 1, Line: 1}}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			record := `{"time":"2024-05-01T06:00:00Z","labels":[` + tc.labels + `]}`
			got, err := Compare(t.Context(), before, tc.after, strings.NewReader(record), StreamOptions{Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompareEditedPacks holds that against random edits of the shipped packs, and
// events written whole by the two packs, each on its own.
func TestCompareEditedPacks(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	edits := 60
	if testing.Short() {
		edits = 15
	}
	for pack, records := range map[string][]byte{
		"asa.yaml":          asagen.New(12, asagen.Options{Shuffle: true}).File(nil, 60),
		"okta.yaml":         goldenRecords(t, "okta"),
		"github-audit.yaml": goldenRecords(t, "github-audit"),
	} {
		src, err := ReadPack(pack)
		if err != nil {
			t.Fatal(err)
		}
		before := compilePack(t, pack)
		whole, differ := 0, 0
		for range edits {
			text := editRules(random, string(src))
			after, err := Compile("edited.yaml", []byte(text), Options{})
			if err != nil {
				continue // what went is needed
			}
			plans, err := sharePlans(before, after)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Compare(t.Context(), before, after, bytes.NewReader(records), StreamOptions{Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			changed, same := countChanged(t, before, after, records)
			if n := got.Changed; n != changed {
				t.Errorf("%s: got %d changed records of %d, want %d, after\n%s", pack, n, changed+same, changed,
					cmp.Diff(strings.Split(string(src), "\n"), strings.Split(text, "\n")))
			}
			if plans.whole {
				whole++
			} else if changed > 0 {
				differ++
			}
		}
		if whole == 0 || differ < edits/10 {
			t.Errorf("%s: %d of %d edits were compared whole, %d changed events in some fields", pack, whole, edits, differ)
		}
	}
}

// countChanged maps each record by both parsers, and counts the events that differ
// where both made one.
func countChanged(t *testing.T, before, after *Parser, records []byte) (changed, same int64) {
	t.Helper()
	m, n := before.NewMapper(), after.NewMapper()
	for record := range bytes.Lines(records) {
		old, err := m.Map(nil, record)
		if err != nil {
			continue
		}
		now, err := n.Map(nil, record)
		switch {
		case err != nil:
		case bytes.Equal(old, now):
			same++
		default:
			changed++
		}
	}
	return changed, same
}

// editRules takes a rule away, or lets it read what another reads, once or twice.
func editRules(random *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	var rules []int
	for i, line := range lines {
		if strings.HasPrefix(line, "  - {") {
			rules = append(rules, i)
		}
	}
	from := regexp.MustCompile(`from: (\[.*?\]|[^,}]+)`)
	for range 1 + random.IntN(2) {
		i, other := rules[random.IntN(len(rules))], lines[rules[random.IntN(len(rules))]]
		if source := from.FindString(other); source != "" && random.IntN(2) == 0 {
			lines[i] = from.ReplaceAllLiteralString(lines[i], source)
		} else {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// goldenRecords answers the records of a pack's golden cases, several times over.
func goldenRecords(t *testing.T, pack string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("../testdata/golden", pack, "*.ndjson"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d golden cases, %v", len(names), err)
	}
	var all []byte
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return bytes.Repeat(all, 2)
}
