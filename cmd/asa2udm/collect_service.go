package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/asa2udm/asa2udm/collector"
)

// serve runs again and again until ctx ends, which is how a service is stopped
// and no error. A run that fails is tried again, later and later; one that can
// not be cured by that ends the service.
func (j *collectJob) serve(ctx context.Context) error {
	if j.settings.listen != "" {
		stop, err := listen(ctx, j.settings.listen, j.log, j.metered, j.ready)
		if err != nil {
			return err
		}
		defer stop()
	}
	j.log.Info("collecting", "every", j.settings.every.String(), "from", j.work.source.Name(), "into", j.settings.destination())
	failures := 0
	for {
		start := time.Now()
		err := j.once(ctx)
		if ctx.Err() != nil {
			j.log.Info("stopped")
			return nil
		}
		failures++
		if err == nil {
			failures = 0
		} else if final(err) {
			return err
		} else {
			j.log.Error("this run has failed and is tried again", failureAttrs(err)...)
		}
		if !pause(ctx, nextRun(j.settings.every, failures)-time.Since(start)) {
			j.log.Info("stopped")
			return nil
		}
	}
}

// final reports errors that the next run would meet again.
func final(err error) bool {
	for _, e := range []error{collector.ErrConflict, collector.ErrState, collector.ErrSource, collector.ErrCursor, collector.ErrForeign} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func failureAttrs(err error) []any {
	attrs := []any{"error", err.Error()}
	var h *hintError
	if errors.As(err, &h) {
		attrs = append(attrs, "hint", h.hint)
	}
	return attrs
}

// nextRun answers the time from the start of a run to that of the next: every,
// doubled with each failure behind the first, up to ten times of it.
func nextRun(every time.Duration, failures int) time.Duration {
	return min(every<<max(0, min(failures-1, 4)), 10*every)
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// health is what the last run tells about the service.
type health struct {
	mu      sync.Mutex
	runs    int64
	failed  int64
	last    error
	success time.Time
}

func (h *health) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs++
	h.last = err
	if err != nil {
		h.failed++
	} else {
		h.success = time.Now()
	}
}

func (h *health) get() (runs, failed int64, success time.Time, last error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runs, h.failed, h.success, h.last
}

// metered answers the one job there is.
func (j *collectJob) metered() []metered {
	return []metered{{prometheus.Labels{"source": j.work.source.Name()}, j.work, &j.health}}
}

// listen serves metrics and health until stop is called.
func listen(ctx context.Context, address string, log *collectLog, jobs collectMetrics, ready http.HandlerFunc) (stop func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	metrics, err := jobs.handler()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", ready)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	go server.Serve(l)
	log.Info("serving /metrics, /healthz and /readyz", "address", l.Addr().String())
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}, nil
}

// ready says whether the last run came to its end.
func (j *collectJob) ready(w http.ResponseWriter, _ *http.Request) {
	runs, _, _, last := j.health.get()
	switch {
	case runs == 0:
		http.Error(w, "the first run is under way", http.StatusServiceUnavailable)
	case last != nil:
		http.Error(w, "the last run failed: "+last.Error(), http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ready\n")
	}
}

// metered is a job with the labels of its metrics.
type metered struct {
	labels prometheus.Labels
	work   *collectWork
	health *health
}

// collectMetrics reads the counters of the jobs that it answers when it is asked.
type collectMetrics func() []metered

// handler answers what serves them to Prometheus.
func (m collectMetrics) handler() (http.Handler, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(m); err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

// metric is one number of ours.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(c counts) float64
}

var collectMetricList = []metric{
	{"events_total", "Events made durable.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Events) }},
	{"late_events_total", "Events found behind the cursor.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Late) }},
	{"duplicates_total", "Events answered again and dropped.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Duplicates) }},
	{"rejected_total", "Events that did not map to UDM.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Rejected) }},
	{"unresolved_references_total", "References without an object.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Unresolved) }},
	{"objects_total", "Objects written.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Objects) }},
	{"recovered_objects_total", "Objects that an earlier run had begun.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Recovered) }},
	{"pages_total", "Pages read.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Pages) }},
	{"requests_total", "Calls to the API, retries included.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Requests) }},
	{"retries_total", "Calls that were tried again.", prometheus.CounterValue, func(c counts) float64 { return float64(c.Retries) }},
	{"throttled_total", "Calls answered 429.", prometheus.CounterValue, func(c counts) float64 { return float64(c.throttles) }},
	{"throttled_seconds_total", "Time waited because the API asked for it.", prometheus.CounterValue, func(c counts) float64 { return c.throttled.Seconds() }},
	{"backoff_seconds_total", "Time waited after faults.", prometheus.CounterValue, func(c counts) float64 { return c.backoff.Seconds() }},
	{"api_seconds_total", "Time spent in calls to the API.", prometheus.CounterValue, func(c counts) float64 { return c.waiting.Seconds() }},
	{"newest_event_timestamp_seconds", "Time of the newest event collected.", prometheus.GaugeValue, func(c counts) float64 { return unixSeconds(c.newest) }},
	{"lag_seconds", "Age of the newest event collected.", prometheus.GaugeValue, func(c counts) float64 {
		if c.newest.IsZero() {
			return 0
		}
		return max(0, c.now.Sub(c.newest).Seconds())
	}},
}

// devoMetricList is for jobs that send to Devo.
var devoMetricList = []metric{
	{"devo_repeated_total", "Events sent again because their arrival was not proven.", prometheus.CounterValue, func(c counts) float64 { return float64(c.repeated) }},
	{"devo_barriers_total", "Connections drained, which proves what was sent.", prometheus.CounterValue, func(c counts) float64 { return float64(c.barriers) }},
	{"devo_failures_total", "Connections that were not drained.", prometheus.CounterValue, func(c counts) float64 { return float64(c.failures) }},
	{"devo_spooled", "Events that wait on disk.", prometheus.GaugeValue, func(c counts) float64 { return float64(c.spooled) }},
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

// Describe implements prometheus.Collector: the metrics are not told in advance.
func (m collectMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m collectMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, job := range m() {
		job.collect(ch)
	}
}

func (m metered) collect(ch chan<- prometheus.Metric) {
	send := func(name, help string, kind prometheus.ValueType, value float64, more prometheus.Labels) {
		all := prometheus.Labels{}
		for _, set := range []prometheus.Labels{m.labels, more} {
			for k, v := range set {
				all[k] = v
			}
		}
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("asa2udm_"+name, help, nil, all), kind, value)
	}
	list := collectMetricList
	if m.work.devo != nil {
		list = slices.Concat(list, devoMetricList)
	}
	if m.work.secops != nil {
		list = slices.Concat(list, secopsMetricList)
	}
	c := snapshot(m.work)
	for _, x := range list {
		send(x.name, x.help, x.kind, x.value(c), nil)
	}
	runs, failed, success, _ := m.health.get()
	const help = "Runs that have ended."
	send("runs_total", help, prometheus.CounterValue, float64(runs-failed), prometheus.Labels{"result": "success"})
	send("runs_total", help, prometheus.CounterValue, float64(failed), prometheus.Labels{"result": "failure"})
	send("last_success_timestamp_seconds", "End of the last run that succeeded.", prometheus.GaugeValue, unixSeconds(success), nil)
}
