package pipeline

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/mapping"
)

func readPack(t *testing.T) []byte {
	t.Helper()
	text, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// eventTypes counts the types of events by reading them as JSON.
func eventTypes(t *testing.T, events string) map[string]int64 {
	t.Helper()
	counts := make(map[string]int64)
	for line := range strings.Lines(events) {
		var e struct {
			Metadata struct {
				EventType string `json:"event_type"`
				CamelCase string `json:"eventType"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		counts[e.Metadata.EventType+e.Metadata.CamelCase]++
	}
	return counts
}

// A worker has the rules and no files: what has travelled as JSON compiles to the same
// when all of them are gone.
func TestRulesTravel(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"my.yaml":   "extends: base.yaml\nconstants:\n  metadata.product_version: '2'\n",
		"base.yaml": "extends: asa.yaml\nconstants:\n  metadata.product_name: MINE\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, product string
		files         int
	}{
		{"my.yaml", "MINE", 1},
		{"asa", "OKTA_SCALEFT", 0},
		{"asa-corrected.yaml", "OKTA_SCALEFT", 0},
	} {
		rules, err := ReadRules(tt.name, mapping.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		var got Rules
		if err := json.Unmarshal(sent, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, rules) || len(got.Files) != tt.files {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, rules)
		}
		t.Chdir(t.TempDir())
		parser, err := got.Compile(mapping.Options{})
		if err != nil {
			t.Fatal(err)
		}
		event, err := parser.Map(nil, []byte(record))
		if err != nil || !strings.Contains(string(event), `"product_name":"`+tt.product+`"`) {
			t.Errorf("%s: %s %v", tt.name, event, err)
		}
	}
}
