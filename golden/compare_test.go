package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/mapping"
)

func TestDiffEvents(t *testing.T) {
	tests := []struct {
		name      string
		want, got string
		diffs     []string // kind path: want -> got
	}{
		{"equal", `{"a":1}`, `{"a":1}`, nil},
		{"order of fields", `{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		{"spelling of a text", `{"a":"\u00e9/"}`, `{"a":"é\/"}`, nil},
		{"other value", `{"a":{"b":"x"}}`, `{"a":{"b":"y"}}`, []string{`field a.b: "x" -> "y"`}},
		{"text for a number", `{"a":1}`, `{"a":"1"}`, []string{`field a: 1 -> "1"`}},
		{"number as written", `{"a":1.0}`, `{"a":1}`, []string{`field a: 1.0 -> 1`}},
		{"missing", `{"a":{"b":"x"}}`, `{}`, []string{`field a.b: "x" -> `}},
		{"extra", `{}`, `{"a":{"b":"x"}}`, []string{`field a.b:  -> "x"`}},
		{"empty is not missing", `{"a":{}}`, `{}`, []string{`field a: {} -> `}},
		{"list as a whole", `{"ip":["1","2"]}`, `{"ip":["2","1"]}`, []string{`field ip: ["1","2"] -> ["2","1"]`}},
		{"list of messages", `{"m":[{"a":1},{"a":2}]}`, `{"m":[{"a":1},{"a":3}]}`, []string{`field m[1].a: 2 -> 3`}},
		{"additional", `{"additional":{"k":"x"}}`, `{"additional":{"k":"y"}}`, []string{`field additional["k"]: "x" -> "y"`}},
		{
			"label by key",
			`{"labels":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}`,
			`{"labels":[{"key":"b","value":"3"}]}`,
			[]string{`field labels["a"]: "1" -> `, `field labels["b"]: "2" -> "3"`},
		},
		{
			"labels with the same key",
			`{"labels":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`,
			`{"labels":[{"key":"a","value":"1"}]}`,
			[]string{`field labels["a"][1]: "2" -> `},
		},
		{
			"order of labels",
			`{"labels":[{"key":"a","value":"1"},{"key":"][","value":"2"}]}`,
			`{"labels":[{"key":"][","value":"2"},{"key":"a","value":"1"}]}`,
			[]string{`order labels: ["a","]["] -> ["][","a"]`},
		},
		{
			"a new label is no other order",
			`{"labels":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}`,
			`{"labels":[{"key":"a","value":"1"},{"key":"c","value":"3"},{"key":"b","value":"2"}]}`,
			[]string{`field labels["c"]:  -> "3"`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, d := range diffEvents(leaves(gjson.Parse(test.want)), leaves(gjson.Parse(test.got))) {
				got = append(got, string(d.kind)+" "+d.path+": "+d.want+" -> "+d.got)
			}
			if diff := cmp.Diff(test.diffs, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// One event too many or too few is told as that, not as a difference in all that
// follow.
func TestAlign(t *testing.T) {
	const r1, r2 = `{"reject":{"line":1,"error":"json"}}`, `{"reject":{"line":2,"error":"json"}}`
	a, b, c, d := `{"id":"a","x":"1","y":"2"}`, `{"id":"b","x":"1","y":"2"}`, `{"id":"c","x":"1","y":"2"}`, `{"id":"d","x":"1","y":"2"}`
	tests := []struct {
		name      string
		want, got []string
		pairs     []string
	}{
		{"equal", []string{a, b}, []string{a, b}, nil},
		{"first is missing", []string{a, b, c}, []string{b, c}, []string{a + " -> nothing"}},
		{"one too many", []string{a, b, c}, []string{a, d, b, c}, []string{"nothing -> " + d}},
		{"one differs", []string{a, b, c}, []string{a, d, c}, []string{b + " -> " + d}},
		{"missing and different", []string{a, b, c, r1}, []string{b, d, r1}, []string{a + " -> nothing", c + " -> " + d}},
		{"rejected now", []string{a, b}, []string{a, r2}, []string{b + " -> " + r2}},
		{"all gone", []string{a, b}, nil, []string{a + " -> nothing", b + " -> nothing"}},
		{"reject of another line", []string{r1, a}, []string{a, r2}, []string{r1 + " -> nothing", "nothing -> " + r2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range align(outcomesOf(t, test.want), outcomesOf(t, test.got)) {
				got = append(got, shownOutcome(p.want)+" -> "+shownOutcome(p.got))
			}
			if diff := cmp.Diff(test.pairs, got); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
		})
	}
}

func outcomesOf(t *testing.T, texts []string) []outcome {
	t.Helper()
	var all []outcome
	for _, text := range texts {
		o, err := expectedOutcome([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func shownOutcome(o *outcome) string {
	if o == nil {
		return "nothing"
	}
	return o.json
}

func TestAlignByPosition(t *testing.T) {
	many := make([]string, 600)
	for i := range many {
		many[i] = `{"x":1}`
	}
	other := append([]string{`{"y":1}`}, many...)
	other[len(other)-1] = `{"y":2}`
	if got := len(align(outcomesOf(t, many), outcomesOf(t, other))); got != 2 {
		t.Errorf("%d pairs differ, want 2", got)
	}
}

// However records and pages stand in an input, the records told apart are those
// of one stream, with the lines of their rejects.
func TestMapRecords(t *testing.T) {
	parser := compile(t, `log_type: EXAMPLE
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {from: id, to: metadata.product_log_id}
event_type: GENERIC_EVENT
`)
	event := func(id string) string { return `{"time":"2024-03-01T06:00:00Z","id":"` + id + `"}` }
	tests := []struct {
		name, input string
		records     []string // line[index] id or code
	}{
		{"nothing", "", nil},
		{"byte order mark", "\xef\xbb\xbf" + event("a"), []string{"1 a"}},
		{"blank lines", "\n \n" + event("a") + "\n\n" + event("b"), []string{"3 a", "5 b"}},
		{"rejects between", event("a") + "\n{}\nnonsense\n[]\n" + event("b") + "\n", []string{"1 a", "2 timestamp", "3 json", "4 object", "5 b"}},
		{"page", `{"list":[` + event("a") + `,1,` + event("b") + `,{}]}` + "\n" + event("c"), []string{"1[0] a", "1[1] object", "1[2] b", "1[3] timestamp", "2 c"}},
		{"page of one", `{"list":[` + event("a") + `]}`, []string{"1[0] a"}},
		{"page over lines", "{\n\"list\": [\n" + event("a") + ",\n{}]\n}\n" + event("b"), []string{"1[0] a", "1[1] timestamp", "6 b"}},
		{"pages in a row", `{"list":[` + event("a") + `,{}]}{"list":[{},` + event("b") + `]}`, []string{"1[0] a", "1[1] timestamp", "1[0] timestamp", "1[1] b"}},
		{"no page after all", "{\"list\":[\n" + event("a") + "\n\n{}\n" + event("b"), []string{"1 json", "2 a", "4 timestamp", "5 b"}},
		{"no page, then a page", "{\"list\":[\n{\"list\":[" + event("a") + ",{}]}\n" + event("b"), []string{"1 json", "2[0] a", "2[1] timestamp", "3 b"}},
		{"two that are no pages", "{\"list\":[\n{\"list\":[\n" + event("a"), []string{"1 json", "2 json", "3 a"}},
		{"a list in a record", `{"list":[1],"time":"2024-03-01T06:00:00Z","id":"a","related_objects":{}}`, []string{"1 a"}},
		{"a mark in the middle", "{\"list\":[\n\xef\xbb\xbf" + event("a"), []string{"1 json", "2 json"}},
		{"line ends of two bytes", event("a") + "\r\n{}\r\n", []string{"1 a", "2 timestamp"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			records, err := mapRecords(t.Context(), parser, []byte(test.input))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range records {
				got = append(got, shownRecord(t, parser, &r))
			}
			if diff := cmp.Diff(test.records, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// shownRecord names a record, and checks that its bytes give what it gave.
func shownRecord(t *testing.T, parser *mapping.Parser, r *record) string {
	t.Helper()
	name, _ := json.Marshal(r.line)
	if r.index != nil {
		index, _ := json.Marshal([]int{*r.index})
		name = append(name, index...)
	}
	event, err := parser.Map(nil, r.raw)
	if string(event) != string(r.event) || (err != nil) != (r.reject != nil) {
		t.Errorf("%s gives %s, %v, want %s", r.raw, event, err, r.event)
	}
	if r.reject != nil {
		return string(name) + " " + r.reject.Error
	}
	return string(name) + " " + gjson.GetBytes(r.event, "metadata.product_log_id").Str
}

func compile(t *testing.T, src string) *mapping.Parser {
	t.Helper()
	parser, err := mapping.Compile("rules.yaml", []byte(src), mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

func TestReadFullFaults(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no JSON", "{\n  \"a\": 1\n}\n{\n  \"a\": x\n}\n", `:5: not JSON: `},
		{"cut off", "{}\n{\n", ":2: not JSON: unexpected EOF"},
		{"no object", "{}\n\n[1]\n", `:3: want an event or {"reject": ...}, got [1]`},
		{"reject without a code", "\n{\"reject\": {\"line\": 1}}\n", `:2: a reject wants `},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x.udm.json")
			if err := os.WriteFile(name, []byte(test.text), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := readFull(name)
			if err == nil || !strings.HasPrefix(err.Error(), name+test.want) {
				t.Errorf("got %v, want %s%s", err, name, test.want)
			}
		})
	}
}
