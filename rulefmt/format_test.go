package rulefmt

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping"
)

var update = flag.Bool("update", false, "rewrite the expected files")

func TestFormat(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := Format(c.name, []byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile("testdata/"+c.name+".want.yaml", got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(got), c.want); diff != "" {
				t.Errorf("formatted (-got +want):\n%s", diff)
			}
		})
	}
}

func TestCanonicalFormIsStable(t *testing.T) {
	for _, src := range seeds(t) {
		once, err := Format("x.yaml", src)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Format("x.yaml", once)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(twice), string(once)); diff != "" {
			t.Errorf("formatted twice (-got +want):\n%s", diff)
		}
	}
}

func TestShippedPacksAreCanonical(t *testing.T) {
	for _, name := range mapping.Packs() {
		t.Run(name, func(t *testing.T) {
			src, err := mapping.ReadPack(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Format(name, src)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(got), string(src)); diff != "" {
				t.Errorf("formatted (-got +want):\n%s", diff)
			}
		})
	}
}

func TestLineEndsAndByteOrderMark(t *testing.T) {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	windows := append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))...)
	got, err := Format("asa.yaml", windows)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(src)); diff != "" {
		t.Errorf("formatted (-got +want):\n%s", diff)
	}
}

func TestBrokenFile(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"not YAML", "log_type: [X\n", "x.yaml:2:1: not YAML"},
		{"unknown key", "log_type: X\nmapings: []\nevent_type: GENERIC_EVENT\n", `x.yaml:2:1: unknown key "mapings"`},
		{"wrong type", "log_type: X\nmappings: 5\nevent_type: GENERIC_EVENT\n", "x.yaml:2:11: mappings wants a list"},
		{"empty", "# nothing\n", "the rule file is empty"},
		{"two documents", "log_type: X\nevent_type: GENERIC_EVENT\n---\nlog_type: Y\n", "more than one YAML document"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := Format("x.yaml", []byte(test.src))
			var list mapping.ErrorList
			if !errors.As(err, &list) || !strings.Contains(err.Error(), test.want) || out != nil {
				t.Errorf("got %q, %v; want an ErrorList that says %q", out, err, test.want)
			}
		})
	}
}

// TestKeysAreThoseOfTheLanguage holds the key orders here against what
// mapping.Parse takes: its hint for an unknown key lists all that it knows.
func TestKeysAreThoseOfTheLanguage(t *testing.T) {
	tests := []struct {
		name, src string
		keys      []member
	}{
		{"file", "QQQQQQQQ: 1", fileKeys},
		{"rule", "mappings: [{QQQQQQQQ: 1}]", ruleKeys},
		{"arm", "mappings: [{match: [{QQQQQQQQ: 1, value: x}]}]", armKeys},
		{"extract", "mappings: [{extract: {QQQQQQQQ: 1}}]", extractKeys},
		{"event_type", "event_type: [{QQQQQQQQ: 1, is: x}]", typeKeys},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := mapping.Parse("x.yaml", []byte(test.src))
			if diff := cmp.Diff(sorted(test.keys), keysInHint(err)); diff != "" {
				t.Errorf("keys (-got +want):\n%s", diff)
			}
		})
	}
}

func sorted(members []member) []string {
	var keys []string
	for _, m := range members {
		keys = append(keys, m.key)
	}
	slices.Sort(keys)
	return keys
}

func keysInHint(err error) []string {
	var list mapping.ErrorList
	if !errors.As(err, &list) {
		return nil
	}
	for _, e := range list {
		if known, ok := strings.CutPrefix(e.Hint, "keys here: "); ok {
			keys := strings.Split(known, ", ")
			slices.Sort(keys)
			return keys
		}
	}
	return nil
}
