package rules_test

import (
	"os"
	"testing"

	"github.com/asa2udm/asa2udm/golden"
	"github.com/asa2udm/asa2udm/mapping"
)

const goldens = "../../testdata/golden"

// Every shipped pack gives what its goldens hold, and no rule or arm of it is
// without a case. It is what "asa2udm test --min-coverage 100" does.
func TestGoldens(t *testing.T) {
	suites, err := golden.Find(goldens, "")
	if err != nil {
		t.Fatal(err)
	}
	report, err := golden.Run(t.Context(), suites, golden.Options{Compile: compilePack, Coverage: true})
	if err != nil {
		t.Fatal(err)
	}
	tested := make(map[string]bool)
	for _, c := range report.Cases {
		tested[c.Rules] = true
		for _, f := range c.Failures {
			t.Errorf("%s:%d: %s: got %s, want %s %s %v", c.Input, f.Line, f.Path, f.Got, f.Want, f.Message, f.Rules)
		}
	}
	for _, pack := range mapping.Packs() {
		if !tested[pack] {
			t.Errorf("no goldens for %s", pack)
		}
	}
	for _, p := range report.Coverage.Missed() {
		t.Errorf("%s:%d: no case reaches the %s %s", p.File, p.Line, p.What, p.Name)
	}
}

func compilePack(name string) (*mapping.Parser, error) {
	source, err := mapping.ReadPack(name)
	if err != nil {
		return nil, err
	}
	return mapping.Compile(name, source, mapping.Options{})
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
