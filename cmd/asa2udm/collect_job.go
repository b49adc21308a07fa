package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asa2udm/asa2udm/collector/config"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// partialEvery is how often a cycle that lasts says how far it is.
const partialEvery = 30 * time.Second

// serviceJob collects one service of one tenant.
type serviceJob struct {
	ui      *ui
	log     *collectLog
	json    bool
	tenant  config.Tenant
	service config.Service
	gzip    bool
	repair  string
	org     *okta.Org // nil for ASA
	http    *http.Client
	secrets *secret.Resolver
	health  health

	mu    sync.Mutex
	work  *collectWork // nil until it is open
	setUp bool         // the setup is proven
}

func (j *serviceJob) name() string { return j.tenant.Name + "/" + j.service.Name }

func (j *serviceJob) opened() *collectWork {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.work
}

func (j *serviceJob) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.work != nil {
		if err := j.work.close(); err != nil {
			j.log.Warn("closing what a cycle used", "error", err.Error())
		}
		j.work = nil
	}
}

// serve runs cycle after cycle until ctx ends. A failure is said, and the next
// cycle comes later and later; one that no cycle can cure ends this service alone.
func (j *serviceJob) serve(ctx context.Context) error {
	failures := 0
	for {
		start := time.Now()
		err := j.cycle(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failures = 0
		case final(err):
			j.log.LogAttrs(ctx, slog.LevelError, "this service has stopped, the others go on", numberAttrs(err)...)
			return err
		default:
			failures++
		}
		if !pause(ctx, nextRun(j.service.Every, failures)-time.Since(start)) {
			return nil
		}
	}
}

// cycle opens what is not open, proves the setup the first time, pulls what is
// new, and says what has come of it.
func (j *serviceJob) cycle(ctx context.Context) error {
	_, err := j.pull(ctx)
	return err
}

// pull does a cycle, and answers its report.
func (j *serviceJob) pull(ctx context.Context) (r collectReport, err error) {
	start := time.Now()
	if err = j.prepare(ctx); err != nil {
		j.health.note(err)
		if ctx.Err() == nil {
			j.log.LogAttrs(ctx, slog.LevelError, "the service cannot be set up and is tried again", numberAttrs(err)...)
		}
		return r, err
	}
	w, before := j.work, snapshot(j.work)
	end := j.sayPartial(before, start)
	err = j.run(ctx)
	end()
	j.health.note(err)
	r = newCollectReport(w.source.Name(), j.destination(), before, snapshot(w), start, err)
	if ctx.Err() != nil && err != nil {
		j.log.Info("stopped within a cycle, the next start goes on", "error", err.Error())
		return r, err
	}
	j.say(ctx, r, err)
	return r, err
}

// prepare opens the parts and proves the setup.
func (j *serviceJob) prepare(ctx context.Context) error {
	if j.opened() == nil {
		// What is open must outlast ctx: a cycle that is stopped still writes what it
		// has at hand.
		w, err := j.open(context.WithoutCancel(ctx))
		if err != nil {
			return numbered(err, true)
		}
		j.mu.Lock()
		j.work = w
		j.mu.Unlock()
	}
	if j.setUp {
		return nil
	}
	if err := j.work.source.Authenticate(ctx); err != nil {
		return numbered(err, true)
	}
	if err := j.work.source.Check(ctx); err != nil {
		return numbered(err, true)
	}
	j.setUp = true
	j.log.Info("collecting", "every", j.service.Every.String(), "from", j.work.source.Name(), "into", j.destination())
	return nil
}

// run is one pull. A panic in it must not end the other services.
func (j *serviceJob) run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a fault in the program: %v\n%s", p, debug.Stack())
			j.close()
		}
		err = numbered(err, false)
	}()
	err = j.work.collector.Run(ctx)
	if errors.Is(err, devo.ErrRefused) || errors.Is(err, devo.ErrExpired) {
		// The certificate may be replaced by the next cycle, which reads it then.
		defer j.close()
	}
	// These are for the first run; the next one finds all in order.
	j.work.collector.Options.Rebuild, j.work.collector.Options.FromStart = false, false
	return err
}

// sayPartial logs the statistics of a cycle while it lasts, until end is called.
func (j *serviceJob) sayPartial(before counts, start time.Time) (end func()) {
	w := j.work
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(partialEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				r := newCollectReport(w.source.Name(), j.destination(), before, snapshot(w), start, nil)
				j.log.LogAttrs(context.Background(), slog.LevelInfo, "still collecting", append(cycleAttrs(r), slog.Bool("final", false))...)
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// say logs the statistics of a cycle that has ended.
func (j *serviceJob) say(ctx context.Context, r collectReport, err error) {
	attrs := append(cycleAttrs(r), slog.Bool("final", true))
	switch {
	case isConflict(err):
		// What to do about it depends on who runs the cycles, and stands in its log.
		j.log.LogAttrs(ctx, slog.LevelWarn, "another run was at work on this state", append(attrs, numberAttrs(err)...)...)
	case err != nil:
		j.log.LogAttrs(ctx, slog.LevelError, "this cycle has failed and is tried again", append(attrs, numberAttrs(err)...)...)
	default:
		j.log.LogAttrs(ctx, slog.LevelInfo, "up to date", attrs...)
	}
	if j.json {
		j.write(r)
	}
}

// cycleReport is the report of a cycle for a machine.
type cycleReport struct {
	Tenant  string `json:"tenant"`
	Service string `json:"service"`
	collectReport
}

func (j *serviceJob) write(r collectReport) {
	line, err := json.Marshal(cycleReport{j.tenant.Name, j.service.Name, r})
	if err == nil {
		_, err = j.ui.stdout.Write(append(line, '\n'))
	}
	if err != nil {
		j.log.Warn("the report could not be written", "error", err)
	}
}

// cycleAttrs are the statistics of a cycle.
func cycleAttrs(r collectReport) []slog.Attr {
	attrs := []slog.Attr{
		slog.Int64("requests", r.Requests), slog.Int64("received", r.Events+r.Duplicates), slog.Int64("duplicates", r.Duplicates),
		slog.Int64("sent", r.Events), slog.Float64("events_per_second", rate(r.Events, r.Took)), slog.Float64("seconds", r.Took),
	}
	if r.Throttled > 0 {
		attrs = append(attrs, slog.Float64("throttled_seconds", r.Throttled))
	}
	if r.Recovered > 0 {
		attrs = append(attrs, slog.Int64("recovered", r.Recovered))
	}
	if r.Repeated > 0 {
		attrs = append(attrs, slog.Int64("repeated", r.Repeated))
	}
	attrs = append(attrs, pushAttrs(r.SecOps)...)
	if !r.Newest.IsZero() {
		attrs = append(attrs, slog.String("newest", r.Newest.Format(time.RFC3339)), slog.Float64("lag_seconds", r.Lag))
	}
	return attrs
}

func rate(n int64, seconds float64) float64 {
	return float64(int64(10*float64(n)/max(seconds, 0.001))) / 10
}

// logMemory says now and then how much memory the process uses.
func logMemory(ctx context.Context, log *collectLog, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			log.Info("memory", "resident_mib", residentMiB(), "heap_mib", m.HeapAlloc>>20, "goroutines", runtime.NumGoroutine())
		}
	}
}

// residentMiB answers the resident set of the process, 0 where the system does
// not tell.
func residentMiB() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize() >> 20
}
