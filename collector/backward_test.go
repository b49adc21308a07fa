package collector_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

func entryAt(id string, at time.Time) simulator.Entry {
	return simulator.Entry{ID: id, Event: fmt.Appendf(nil, `{"id":%q,"timestamp":%q,"details":{"type":"t"}}`, id, at.Format(time.RFC3339Nano))}
}

// TestLateEventsDespiteAClockAhead collects events of the future before one comes
// late.
func TestLateEventsDespiteAClockAhead(t *testing.T) {
	for name, tc := range map[string]struct {
		log   time.Time // of the events with a right clock
		ahead time.Duration
		wrong int
	}{
		"11 minutes":                 {begin, 11 * time.Minute, 1},
		"300 days":                   {begin, 300 * 24 * time.Hour, 1},
		"four of them":               {begin, 300 * 24 * time.Hour, 4},
		"more, seen by the server's": {time.Now().UTC().Add(-time.Minute), 300 * 24 * time.Hour, 20},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			for i := range 30 {
				r.log.Append(entryAt(fmt.Sprintf("event-%d", i), tc.log.Add(time.Duration(i)*time.Second)))
			}
			for i := range tc.wrong {
				r.log.Append(entryAt(fmt.Sprintf("ahead-%d", i), tc.log.Add(tc.ahead)))
			}
			s := settings{options: collector.Options{Overlap: 10 * time.Minute}}
			r.mustRun(s)
			r.log.Insert(25, entryAt("late", tc.log.Add(25*time.Second)))
			stats := r.mustRun(s)
			if got := stats.Late.Load(); got != 1 {
				t.Errorf("%d late events, want 1", got)
			}
			r.verify()
		})
	}
}

// TestLateEventsBehindOldTimestamps has events of yesterday at the end of the log.
func TestLateEventsBehindOldTimestamps(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	late := r.next(1)
	r.grow(25)
	for i := range 4 {
		r.log.Append(entryAt(fmt.Sprintf("old-%d", i), begin.Add(-24*time.Hour)))
	}
	s := settings{options: collector.Options{Overlap: 10 * time.Minute}}
	r.mustRun(s)
	r.log.Insert(5, late...)
	stats := r.mustRun(s)
	if got := stats.Late.Load(); got != 1 {
		t.Errorf("%d late events, want 1", got)
	}
	r.verify()
}

// TestEmptyPageDespiteAClockAhead loses the cursor silently after an event of the
// future was collected.
func TestEmptyPageDespiteAClockAhead(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.Purged = "empty" })
	r.grow(10)
	r.log.Append(entryAt("ahead", begin.Add(300*24*time.Hour)))
	r.grow(10)
	s := settings{options: collector.Options{Overlap: 10 * time.Minute}}
	r.mustRun(s)
	r.log.Purge(r.log.Len())
	r.grow(5)
	if _, err := r.run(s); !errors.Is(err, collector.ErrCursor) {
		t.Errorf("error is %v, want %v", err, collector.ErrCursor)
	}
}

// TestOverlapOfManyPages inserts an event that thirty pages of newer ones follow.
func TestOverlapOfManyPages(t *testing.T) {
	r := newRig(t, nil)
	r.gen = simulator.Generate(7, 1<<20, begin, 100*time.Millisecond)
	r.grow(10)
	late := r.next(1)
	r.grow(2990)
	s := settings{size: 100, options: collector.Options{Overlap: 10 * time.Minute}}
	r.mustRun(s)
	r.log.Insert(10, late...)
	stats := r.mustRun(s)
	if got := stats.Late.Load(); got != 1 {
		t.Errorf("%d late events, want 1", got)
	}
	r.verify()
}

// TestOverlapThatIsNotCovered asks for more pages than a look back reads.
func TestOverlapThatIsNotCovered(t *testing.T) {
	r := newRig(t, nil)
	r.grow(1100)
	r.mustRun(settings{size: 1000})
	for _, tc := range []struct {
		overlap time.Duration
		says    bool
	}{{time.Minute, false}, {time.Hour, true}} {
		var log bytes.Buffer
		r.mustRun(settings{size: 1, options: collector.Options{
			Overlap: tc.overlap, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}})
		if got := strings.Contains(log.String(), "before the overlap was covered"); got != tc.says {
			t.Errorf("overlap %s: said so: %t, want %t\n%s", tc.overlap, got, tc.says, log.String())
		}
	}
}
