package pipeline

import (
	"context"
	"maps"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"

	"github.com/asa2udm/asa2udm/beam/objects"
	"github.com/asa2udm/asa2udm/mapping"
)

// namespace is that of all counters.
const namespace = "asa2udm"

// The beginnings of names of counters of which there are several.
const (
	typePrefix   = "event_type:"
	rejectPrefix = "rejected:"
)

// totals are the counts of objects that have been written.
type totals struct {
	objects int64
	stored  int64
	stats   mapping.Stats
	types   map[string]int64
}

func (t *totals) add(o objects.Object, s *mapping.Stats, types map[string]int64) {
	t.objects++
	t.stored += o.Size
	t.stats.Add(s)
	if t.types == nil {
		t.types = make(map[string]int64)
	}
	for name, n := range types {
		t.types[name] += n
	}
}

// named answers all counts by the names that the counters have.
func (t *totals) named() map[string]int64 {
	s := &t.stats
	all := map[string]int64{
		"objects":                            t.objects,
		"bytes_stored":                       t.stored,
		"lines":                              s.Lines,
		"blank":                              s.Blank,
		"records":                            s.Records,
		"events":                             s.Events,
		"rejected":                           s.Rejected,
		"bytes_in":                           s.BytesIn,
		"bytes_out":                          s.BytesOut,
		"unjoined":                           s.Unjoined,
		rejectPrefix + mapping.CodeJSON:      s.ByCode.JSON,
		rejectPrefix + mapping.CodeObject:    s.ByCode.Object,
		rejectPrefix + mapping.CodeTimestamp: s.ByCode.Timestamp,
		rejectPrefix + mapping.CodeSize:      s.ByCode.Size,
		rejectPrefix + mapping.CodeDepth:     s.ByCode.Depth,
	}
	for name, n := range t.types {
		all[typePrefix+name] = n
	}
	return all
}

func (t *totals) report(ctx context.Context) {
	if t.objects == 0 {
		return
	}
	for name, n := range t.named() {
		if n > 0 {
			beam.NewCounter(namespace, name).Inc(ctx, n)
		}
	}
}

// Counts are what a run has done.
type Counts struct {
	Found   int64 `json:"objects_found"`
	Objects int64 `json:"objects"`      // written
	Stored  int64 `json:"bytes_stored"` // of the objects read, as they are stored
	mapping.Stats
	Types map[string]int64 `json:"event_types"`
}

// ReadCounts answers the counts of a run, from what its runner has kept of them. Of an
// object that was mapped twice, a runner that knows only attempts has both.
func ReadCounts(r metrics.Results) Counts {
	all := make(map[string]int64)
	for _, c := range r.AllMetrics().Counters() {
		if c.Namespace() == namespace {
			all[c.Name()] += c.Result()
		}
	}
	c := Counts{Found: all["objects_found"], Objects: all["objects"], Stored: all["bytes_stored"], Types: make(map[string]int64)}
	c.Stats = mapping.Stats{
		Lines: all["lines"], Blank: all["blank"], Records: all["records"], Events: all["events"],
		Rejected: all["rejected"], BytesIn: all["bytes_in"], BytesOut: all["bytes_out"], Unjoined: all["unjoined"],
		ByCode: mapping.Codes{
			JSON:      all[rejectPrefix+mapping.CodeJSON],
			Object:    all[rejectPrefix+mapping.CodeObject],
			Timestamp: all[rejectPrefix+mapping.CodeTimestamp],
			Size:      all[rejectPrefix+mapping.CodeSize],
			Depth:     all[rejectPrefix+mapping.CodeDepth],
		},
	}
	for name, n := range maps.All(all) {
		if t, ok := strings.CutPrefix(name, typePrefix); ok {
			c.Types[t] = n
		}
	}
	return c
}
