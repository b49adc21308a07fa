package golden_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/asa2udm/asa2udm/golden"
)

// An update of goldens that are as they should be writes nothing: so a CI run
// that updates and finds a difference has found a change.
func TestUpdateKeepsShippedGoldens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "golden")
	if err := os.CopyFS(dir, os.DirFS(shipped)); err != nil {
		t.Fatal(err)
	}
	report := run(t, find(t, dir, ""), golden.Options{Compile: shippedRules, Update: true})
	for _, c := range report.Cases {
		if c.Status != golden.Passed || c.Change != golden.Kept {
			t.Errorf("%s: %s, %s %v %v", c.Name, c.Status, c.Change, c.Changed, c.Failures)
		}
	}
}
