package golden_test

import (
	"testing"

	"github.com/asa2udm/asa2udm/golden"
	"github.com/asa2udm/asa2udm/mapping"
)

const shipped = "../testdata/golden"

// shippedRules compiles a shipped pack.
func shippedRules(name string) (*mapping.Parser, error) {
	src, err := mapping.ReadPack(name)
	if err != nil {
		return nil, err
	}
	return mapping.Compile(name, src, mapping.Options{})
}

func find(t *testing.T, dir, rules string) []golden.Suite {
	t.Helper()
	suites, err := golden.Find(dir, rules)
	if err != nil {
		t.Fatal(err)
	}
	return suites
}

func run(t *testing.T, suites []golden.Suite, opts golden.Options) *golden.Report {
	t.Helper()
	report, err := golden.Run(t.Context(), suites, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
