package collector_test

import (
	"errors"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

// TestForeignObjectIsNotAdopted lays what no run can have written under the next
// sequence.
func TestForeignObjectIsNotAdopted(t *testing.T) {
	for name, tc := range map[string]struct{ object, content string }{
		"torn":            {"raw/000000000002.ndjson", `{"id":"fore`},
		"torn at its end": {"raw/000000000002.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"}"},
		"no JSON":         {"raw/000000000002.ndjson", "{\"id\":\"a\"}\nhello\n"},
		"an empty line":   {"raw/000000000002.ndjson", "{\"id\":\"a\"}\n\n"},
		"empty":           {"raw/000000000002.ndjson", ""},
		"no gzip":         {"raw/000000000002.ndjson.gz", "{\"id\":\"a\"}\n"},
		"torn gzip":       {"raw/000000000002.ndjson.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xaa"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(5)
			r.mustRun(settings{})
			b := r.open()
			if err := b.Create(t.Context(), tc.object, []byte(tc.content)); err != nil {
				t.Fatal(err)
			}
			if _, err := r.run(settings{}); !errors.Is(err, collector.ErrForeign) {
				t.Errorf("error is %v, want %v", err, collector.ErrForeign)
			}
			if _, _, err := b.Read(t.Context(), "manifest/000000000002.json"); !errors.Is(err, collector.ErrNotExist) {
				t.Errorf("reading its manifest: %v, want %v", err, collector.ErrNotExist)
			}
			_, findings := r.findings()
			if len(findings) != 1 || findings[0].Object != tc.object {
				t.Errorf("Verify found %v, want the object", findings)
			}
		})
	}
}
