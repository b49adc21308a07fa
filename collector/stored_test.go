package collector_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

// TestStored reads batches back, and refuses those that are not what was written.
func TestStored(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		r := newRig(t, nil)
		r.grow(25)
		r.mustRun(settings{
			options: collector.Options{BatchRecords: 10},
			sink:    func(o *collector.Objects) { o.Gzip, o.Normalize = gzip, upper },
		})
		sink, _ := r.place(r.open(), r.source(1))
		s, err := sink.Stored(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(s.Raw), "\n"); n != 10 || len(s.SHA256) != 64 {
			t.Errorf("gzip %t: batch 2 has %d lines, hash %q", gzip, n, s.SHA256)
		}
		udm, rejects, err := upper(t.Context(), s.Raw)
		if err != nil || string(s.UDM) != string(udm) || string(s.Rejects) != string(rejects) || len(rejects) == 0 {
			t.Errorf("gzip %t: companions are\n%s%s, %v", gzip, s.UDM, s.Rejects, err)
		}
		name := filepath.Join(r.root, "raw/000000000002.ndjson")
		if gzip {
			name += ".gz"
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(name)
		if _, err := sink.Stored(t.Context(), 2); !errors.Is(err, collector.ErrNotExist) {
			t.Errorf("without the object: %v", err)
		}
		if gzip {
			continue
		}
		if err := os.WriteFile(name, append(text, "{}\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Stored(t.Context(), 2); !errors.Is(err, collector.ErrForeign) {
			t.Errorf("with another object: %v", err)
		}
	}
}
