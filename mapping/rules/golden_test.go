package rules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/rules"
)

const goldens = "../../testdata/golden"

// Every shipped pack has goldens, and the mapper answers what they hold.
func TestGoldens(t *testing.T) {
	packs, err := rules.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, pack := range packs {
		source, err := rules.FS.ReadFile(pack.Name())
		if err != nil {
			t.Fatal(err)
		}
		parser, err := mapping.Compile(pack.Name(), source, mapping.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(pack.Name(), ".yaml")
		inputs, err := filepath.Glob(filepath.Join(goldens, name, "*.ndjson"))
		if err != nil || len(inputs) == 0 {
			t.Fatalf("goldens of %s: %d files, %v", name, len(inputs), err)
		}
		for _, input := range inputs {
			t.Run(name+"/"+filepath.Base(input), func(t *testing.T) { checkGolden(t, parser, input) })
		}
	}
}

func checkGolden(t *testing.T, parser *mapping.Parser, input string) {
	var wantEvents, wantRejects []any
	for _, value := range decode(t, readFile(t, strings.TrimSuffix(input, ".ndjson")+".udm.json")) {
		if reject, ok := value["reject"]; ok {
			wantRejects = append(wantRejects, reject)
		} else {
			wantEvents = append(wantEvents, value)
		}
	}
	var out, rejected bytes.Buffer
	_, err := mapping.Stream(context.Background(), parser, bytes.NewReader(readFile(t, input)), &out,
		mapping.StreamOptions{Rejects: &rejected})
	if err != nil {
		t.Fatal(err)
	}
	var events, rejects []any
	for _, event := range decode(t, out.Bytes()) {
		events = append(events, event)
	}
	for _, reject := range decode(t, rejected.Bytes()) {
		// The bytes stand in the input beside it, and the words may change.
		for _, key := range []string{"detail", "raw", "raw_base64"} {
			delete(reject, key)
		}
		rejects = append(rejects, any(reject))
	}
	if diff := cmp.Diff(wantEvents, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantRejects, rejects); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads JSON objects one after the other.
func decode(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var all []map[string]any
	for dec.More() {
		var value map[string]any
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}
