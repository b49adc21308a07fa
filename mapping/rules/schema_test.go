package rules_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/rules"
	"github.com/asa2udm/asa2udm/udm"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
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
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, rules string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(rules), &doc); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestSchemaTakesPacks(t *testing.T) {
	schema := compiledSchema(t)
	for _, name := range mapping.Packs() {
		src, err := mapping.ReadPack(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, string(src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the schema refuses, the parser refuses, too.
func TestSchemaRefuses(t *testing.T) {
	const frame = "log_type: X\nevent_type: GENERIC_EVENT\nmappings:\n  - {from: time, to: metadata.event_timestamp}\n"
	schema := compiledSchema(t)
	if err := validate(t, schema, frame); err != nil {
		t.Fatalf("the frame of the cases: %v", err)
	}
	for name, rules := range map[string]string{
		"unknown key":               frame + "rules: []\n",
		"unknown key in a rule":     frame + "  - {from: a, to: principal.hostname, lable: b}\n",
		"unknown key in an arm":     frame + "  - {from: a, to: principal.hostname, match: [{regexp: a, value: b}]}\n",
		"unknown key in extract":    frame + "  - {from: a, to: principal.hostname, extract: {group: 1}}\n",
		"arm without value":         frame + "  - {from: a, to: principal.hostname, match: [{regex: a}]}\n",
		"arm with regex and text":   frame + "  - {from: a, to: principal.hostname, match: [{regex: a, equals: a, value: b}]}\n",
		"no target":                 frame + "  - {from: a}\n",
		"empty from":                frame + "  - {from: '', to: principal.hostname}\n",
		"empty list":                frame + "  - {from: [], to: principal.hostname}\n",
		"list for a text":           frame + "  - {each: [a], to: principal.ip}\n",
		"skip without each":         frame + "  - {from: a, skip: 1, to: principal.ip}\n",
		"negative skip":             frame + "  - {each: a, skip: -1, to: principal.ip}\n",
		"unknown extract":           frame + "  - {from: a, extract: mac, to: principal.mac}\n",
		"unknown time":              frame + "  - {from: a, time: iso, to: metadata.ingested_timestamp}\n",
		"format without value":      frame + "  - {from: a, format: x, to: principal.hostname}\n",
		"rules that are no list":    "log_type: X\nevent_type: GENERIC_EVENT\nmappings: {}\n",
		"no event type":             "log_type: X\nmappings:\n  - {from: time, to: metadata.event_timestamp}\n",
		"no log type":               "event_type: GENERIC_EVENT\nmappings:\n  - {from: time, to: metadata.event_timestamp}\n",
		"unknown event type":        "log_type: X\nevent_type: USER_LOGN\nmappings:\n  - {from: time, to: metadata.event_timestamp}\n",
		"event type arm without":    "log_type: X\nevent_type: [{when: 'true'}]\nmappings:\n  - {from: time, to: metadata.event_timestamp}\n",
		"remove without extends":    frame + "remove: [principal.hostname]\n",
		"condition with odd name":   frame + "conditions: {a-b: has(log.a)}\n",
		"constant that is a list":   frame + "constants: {metadata.vendor_name: [A]}\n",
		"block that is no list":     frame + "  - {from: a, use: b}\nblocks: {b: {from: a, to: principal.hostname}}\n",
		"null where a text belongs": frame + "  - {from: a, to: principal.hostname, when: }\n",
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, schema, rules); err == nil {
				t.Error("the schema takes it")
			}
			if _, err := mapping.Compile("test.yaml", []byte(rules), mapping.Options{}); err == nil {
				t.Error("the parser takes it")
			}
		})
	}
}

// The schema has the keys that the parser has, no more and no fewer. The parser
// lists its keys in the hint for one it does not know.
func TestSchemaKeys(t *testing.T) {
	const unknown = "qqqqqqqqqqqqqqqq"
	for _, tt := range []struct{ place, def, rules string }{
		{"a rule file", "", unknown + ": 1\n"},
		{"a rule", "rule", "mappings: [{" + unknown + ": 1}]\n"},
		{"a match arm", "match_arm", "mappings: [{match: [{" + unknown + ": 1}]}]\n"},
		{"an event_type arm", "event_type_arm", "event_type: [{" + unknown + ": 1}]\n"},
	} {
		t.Run(tt.place, func(t *testing.T) {
			got := schemaKeys(t, tt.def)
			want := parserKeys(t, tt.rules)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keys of %s (-parser +schema):\n%s", tt.place, diff)
			}
		})
	}
}

type object struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Enum       []string                   `json:"enum"`
	Defs       map[string]object          `json:"$defs"`
}

func readSchema(t *testing.T) object {
	t.Helper()
	var root object
	if err := json.Unmarshal([]byte(rules.Schema), &root); err != nil {
		t.Fatal(err)
	}
	return root
}

func schemaKeys(t *testing.T, def string) []string {
	t.Helper()
	o := readSchema(t)
	if def != "" {
		o = o.Defs[def]
	}
	return slices.Sorted(maps.Keys(o.Properties))
}

func parserKeys(t *testing.T, rules string) []string {
	t.Helper()
	_, err := mapping.Parse("test.yaml", []byte(rules))
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		t.Fatalf("no faults but %v", err)
	}
	for _, f := range faults {
		if keys, ok := strings.CutPrefix(f.Hint, "keys here: "); ok {
			return slices.Sorted(slices.Values(strings.Split(keys, ", ")))
		}
	}
	t.Fatalf("no fault lists the keys: %v", err)
	return nil
}

// Every key says what it is for.
func TestSchemaDescriptions(t *testing.T) {
	root := readSchema(t)
	root.Defs[""] = root
	for def, o := range root.Defs {
		for key, raw := range o.Properties {
			var p struct {
				Ref         string `json:"$ref"`
				Description string
			}
			if err := json.Unmarshal(raw, &p); err != nil {
				t.Fatal(err)
			}
			if p.Description == "" && p.Ref != "#/$defs/event_type_name" {
				t.Errorf("%s: %s has no description", def, key)
			}
		}
	}
}

// Editors offer the event types of the UDM schema, deprecated ones left out.
func TestSchemaEventTypes(t *testing.T) {
	path, err := udm.Lookup("metadata.event_type")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, v := range path.Leaf().Enum().Values {
		if !v.Deprecated {
			want = append(want, v.Name)
		}
	}
	if diff := cmp.Diff(want, readSchema(t).Defs["event_type_name"].Enum); diff != "" {
		t.Errorf("event types (-udm +schema):\n%s", diff)
	}
}
