package collector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// TestStartDecides changes the start of a log that was collected before.
func TestStartDecides(t *testing.T) {
	r := newRig(t, nil)
	r.grow(30)
	var log bytes.Buffer
	run := func(since time.Time) {
		t.Helper()
		log.Reset()
		r.mustRun(settings{options: collector.Options{
			Since: since, SinceDecides: true, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}})
	}
	for _, tc := range []struct {
		name  string
		since time.Time
		want  int // events collected in all
		says  bool
	}{
		{"first run", begin.Add(20 * time.Second), 10, false},
		{"the same start", begin.Add(20 * time.Second), 10, false},
		{"an earlier start", begin.Add(5 * time.Second), 25, true},
		{"a later start", begin.Add(25 * time.Second), 25, true},
		{"no start", time.Time{}, 30, true},
		{"no start again", time.Time{}, 30, false},
	} {
		run(tc.since)
		if got := len(r.collected()); got != tc.want {
			t.Errorf("%s: %d events collected, want %d", tc.name, got, tc.want)
		}
		if got := strings.Contains(log.String(), "the start was changed"); got != tc.says {
			t.Errorf("%s: said so: %t, want %t\n%s", tc.name, got, tc.says, log.String())
		}
	}
	r.verify()
}

// TestStateOfVersion1 takes up a state as the program wrote it before states had
// a start.
func TestStateOfVersion1(t *testing.T) {
	r := newRig(t, nil)
	r.grow(25)
	since := begin.Add(5 * time.Second)
	s := settings{options: collector.Options{Since: since, SinceDecides: true}}
	r.mustRun(s)
	path := filepath.Join(r.root, "state.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, good, `"version":2`, `"version":1`); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, old, fmt.Sprintf(`,"start":%q`, since.Format(time.RFC3339)), ""); err != nil {
		t.Fatal(err)
	}
	r.grow(5)
	stats := r.mustRun(s)
	if got := stats.Events.Load(); got != 5 {
		t.Errorf("collected %d events, want the 5 new ones", got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Record struct {
			Version int
			Start   time.Time
		} `json:"asa2udm"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	if state.Record.Version != 2 || !state.Record.Start.Equal(since) {
		t.Errorf("the state is now %+v, want version 2 and start %s", state.Record, since)
	}
	r.verify()
}
