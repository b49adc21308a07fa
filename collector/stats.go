package collector

import (
	"sync/atomic"
	"time"
)

// Stats counts what a Collector does, over all its runs. It may be read while a
// run goes on.
type Stats struct {
	Events     atomic.Int64 // records made durable
	Late       atomic.Int64 // of these, records found behind the cursor
	Duplicates atomic.Int64 // records answered again and dropped
	Pages      atomic.Int64 // pages read
	Unresolved atomic.Int64 // references that could not be followed
	Objects    atomic.Int64 // batches made durable
	Recovered  atomic.Int64 // of these, batches that an earlier run had begun
	Rejected   atomic.Int64 // records that the companion left out
	// More says of the run at hand, or of the last one, that Options.MaxRecords has
	// ended it before the log's end.
	More   atomic.Bool
	newest atomic.Int64 // unix nanoseconds
}

// Newest is the time of the newest record made durable, zero for none.
func (s *Stats) Newest() time.Time {
	n := s.newest.Load()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (s *Stats) seeNewest(t time.Time) {
	if !t.IsZero() && t.UnixNano() > s.newest.Load() {
		s.newest.Store(t.UnixNano())
	}
}
