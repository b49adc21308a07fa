package asaref

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sizeLimit = 16 << 20

// The expected events of the shipped goldens are the reference's, too.
func TestGoldens(t *testing.T) {
	for pack, rules := range map[string]Rules{"asa": {}, "asa-corrected": {Corrected: true}} {
		inputs, err := filepath.Glob(filepath.Join("../../testdata/golden", pack, "*.ndjson"))
		if err != nil || len(inputs) == 0 {
			t.Fatalf("goldens of %s: %d files, %v", pack, len(inputs), err)
		}
		for _, input := range inputs {
			t.Run(pack+"/"+filepath.Base(input), func(t *testing.T) {
				want := readExpected(t, strings.TrimSuffix(input, ".ndjson")+".udm.json")
				if diff := cmp.Diff(want, answers(t, rules, input)); diff != "" {
					t.Errorf("events and rejects (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// answers gives what a golden holds for the lines of a file: each an event, or
// {"reject":...} with line, index and error.
func answers(t *testing.T, rules Rules, input string) []any {
	t.Helper()
	file, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	results, err := rules.Lines(file, sizeLimit)
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	for _, r := range results {
		text := r.Event
		if r.Code != "" {
			text = []byte(`{"reject":` + string(r.Reject()) + `}`)
		}
		all = append(all, golden(t, text))
	}
	return all
}

func readExpected(t *testing.T, name string) []any {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	var all []any
	for {
		var value json.RawMessage
		if err := dec.Decode(&value); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden(t, value))
	}
}

// golden decodes one element of an expected file. Of a reject it keeps what does
// not stand in the input beside it.
func golden(t *testing.T, text []byte) any {
	t.Helper()
	value, err := decodeAny(text)
	if err != nil {
		t.Fatal(err)
	}
	reject := object(object(value)["reject"])
	for _, key := range []string{"raw", "raw_base64", "detail"} {
		delete(reject, key)
	}
	return value
}
