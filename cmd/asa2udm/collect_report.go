package main

import (
	"encoding/json"
	"io"
	"time"
)

// counts are all counters of a collector at one time.
type counts struct {
	Events, Late, Duplicates, Rejected, Unresolved int64
	Pages, Objects, Recovered                      int64
	Requests, Retries                              int64
	throttles                                      int64
	repeated, barriers, failures, spooled          int64 // of Devo
	push                                           pushCounts
	pushes                                         bool
	throttled, backoff, waiting                    time.Duration
	newest                                         time.Time
	more                                           bool
	now                                            time.Time // by the API's clock
}

func snapshot(w *collectWork) counts {
	s, c := w.collector.Stats, &w.client.Stats
	n := counts{
		Events: s.Events.Load(), Late: s.Late.Load(), Duplicates: s.Duplicates.Load(), Rejected: s.Rejected.Load(),
		Unresolved: s.Unresolved.Load(), Pages: s.Pages.Load(), Objects: s.Objects.Load(), Recovered: s.Recovered.Load(),
		Requests: c.Requests.Load(), Retries: c.Retries.Load(), throttles: c.Throttles.Load(),
		throttled: time.Duration(c.Throttled.Load()), backoff: time.Duration(c.Backoff.Load()), waiting: time.Duration(c.Waiting.Load()),
		newest: s.Newest(), more: s.More.Load(), now: w.source.Now(),
	}
	if w.devo != nil {
		d := w.devo.Stats
		n.repeated, n.barriers, n.failures, n.spooled = d.Repeated.Load(), d.Barriers.Load(), d.Failures.Load(), d.Spooled.Load()
	}
	n.push, n.pushes = snapshotPush(w.secops), w.secops != nil
	return n
}

// collectReport is what one run has done.
type collectReport struct {
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Events      int64     `json:"events"`
	Late        int64     `json:"late"`
	Duplicates  int64     `json:"duplicates"`
	Rejected    int64     `json:"rejected"`
	Unresolved  int64     `json:"unresolved_references"`
	Objects     int64     `json:"objects"`
	Recovered   int64     `json:"recovered_objects"`
	More        bool      `json:"more,omitempty"`     // the run has ended at its limit, before the log's end
	Repeated    int64     `json:"repeated,omitempty"` // to Devo
	Pages       int64     `json:"pages"`
	Requests    int64     `json:"requests"`
	Retries     int64     `json:"retries"`
	Throttled   float64   `json:"throttled_seconds"`
	Backoff     float64   `json:"backoff_seconds"`
	Waiting     float64   `json:"api_seconds"`
	Took        float64   `json:"seconds"`
	Newest      time.Time `json:"newest_event,omitzero"`
	Lag         float64   `json:"lag_seconds,omitempty"`
	DryRun      bool      `json:"dry_run,omitempty"`
	Error       string    `json:"error,omitempty"`

	// SecOps is what was pushed to Google SecOps, nil for other destinations.
	SecOps *pushReport `json:"secops,omitempty"`
}

func newCollectReport(source, destination string, before, after counts, start time.Time, err error) collectReport {
	r := collectReport{
		Source: source, Destination: destination,
		Events: after.Events - before.Events, Late: after.Late - before.Late, Duplicates: after.Duplicates - before.Duplicates,
		Rejected: after.Rejected - before.Rejected, Unresolved: after.Unresolved - before.Unresolved,
		Objects: after.Objects - before.Objects, Recovered: after.Recovered - before.Recovered,
		Repeated: after.repeated - before.repeated,
		Pages:    after.Pages - before.Pages, Requests: after.Requests - before.Requests, Retries: after.Retries - before.Retries,
		Throttled: seconds(after.throttled - before.throttled), Backoff: seconds(after.backoff - before.backoff),
		Waiting: seconds(after.waiting - before.waiting), Took: seconds(time.Since(start)),
		Newest: after.newest, More: after.more,
	}
	if after.pushes {
		r.SecOps = newPushReport(before.push, after.push)
	}
	if !after.newest.IsZero() {
		r.Lag = seconds(max(0, after.now.Sub(after.newest)))
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r collectReport) write(w io.Writer) error { return json.NewEncoder(w).Encode(r) }
