package collector_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

// TestSilentRestartBehindAGap purges from the log what was collected and more, and
// the server answers the oldest event that is left.
func TestSilentRestartBehindAGap(t *testing.T) {
	for name, tc := range map[string]struct {
		purged int
		want   error
		left   int64 // new events that can be had
	}{
		"the cursor is there":     {999, nil, 500},
		"the cursor is gone":      {1000, collector.ErrCursor, 500},
		"and one new event":       {1001, collector.ErrCursor, 499},
		"and 200 new events":      {1200, collector.ErrCursor, 300},
		"and all but the newest":  {1499, collector.ErrCursor, 1},
		"only some are gone":      {500, nil, 500},
		"nothing has been purged": {0, nil, 500},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.Purged = "restart" })
			r.grow(1000)
			s := settings{size: 100, options: collector.Options{Overlap: 10 * time.Minute}}
			r.mustRun(s)
			r.grow(500)
			r.log.Purge(tc.purged)
			// The error must stand until something is done about it.
			for range 2 {
				stats, err := r.run(s)
				if !errors.Is(err, tc.want) {
					t.Fatalf("error is %v, want %v", err, tc.want)
				}
				if got := stats.Events.Load(); tc.want != nil && got != 0 {
					t.Fatalf("%d events collected behind a gap", got)
				}
			}
			s.options.FromStart = true
			r.mustRun(s)
			if got := int64(len(r.collected())) - 1000; got != tc.left {
				t.Errorf("%d new events in all, want %d", got, tc.left)
			}
			r.verify()
		})
	}
}

// TestStartOfTheLogIsNoGap reads on from places that stand at its start.
func TestStartOfTheLogIsNoGap(t *testing.T) {
	for name, inclusive := range map[string]bool{"behind the offset": false, "from the offset": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.Inclusive = inclusive })
			for range 3 {
				r.grow(1)
				r.mustRun(settings{size: 2})
			}
			r.wantLog()
		})
	}
}
