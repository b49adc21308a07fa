package okta_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
	"github.com/asa2udm/asa2udm/collector/rest"
)

const canary = "00canary-T0ken_Zm9v"

// rig is a simulated org and a place to collect into.
type rig struct {
	t     *testing.T
	log   *simulator.Log
	lists *simulator.Lists
	org   *simulator.Org
	url   string
	root  string
	said  bytes.Buffer
	mu    sync.Mutex
	asked []string // request URIs
	begin time.Time
	// config and settings change what every run uses, if set.
	config   func(*okta.Config)
	settings okta.Settings
	options  collector.Options
	// place opens where the rig collects into, a directory unless set.
	place func() collector.Bucket
	runs  int
	made  int
}

func newRig(t *testing.T, change func(*simulator.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &simulator.Log{}, lists: &simulator.Lists{}, root: t.TempDir(), begin: time.Now().Add(-6 * time.Hour).Truncate(time.Second)}
	c := simulator.Config{Log: r.log, Lists: r.lists, Token: canary, Hang: 3 * time.Second}
	if change != nil {
		change(&c)
	}
	r.org = simulator.New(c)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.asked = append(r.asked, req.RequestURI)
		r.mu.Unlock()
		r.org.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	r.options.Since = r.begin
	return r
}

// grow stores n more events, a second apart.
func (r *rig) grow(n int) {
	for range n {
		r.log.Append(simulator.NewEvent(r.made, r.begin.Add(time.Duration(r.made)*time.Second)))
		r.made++
	}
}

func (r *rig) source(service string, b collector.Bucket) okta.Source {
	r.t.Helper()
	client, err := rest.NewHTTP("", time.Second)
	if err != nil {
		r.t.Fatal(err)
	}
	c := okta.Config{
		URL: r.url, Token: canary, HTTP: client, UserAgent: "asa2udm/test",
		Retry: rest.Retry{Base: time.Millisecond, Attempts: 12}, PerMinute: 1 << 20,
	}
	if r.config != nil {
		r.config(&c)
	}
	org, err := okta.NewOrg(c)
	if err != nil {
		r.t.Fatal(err)
	}
	s := r.settings
	s.Log = slog.New(slog.NewTextHandler(&r.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if s.PerMinute == 0 {
		s.PerMinute = 1 << 20
	}
	s.Memory = okta.Memory{Bucket: b, Name: "seen"}
	src, err := org.Source(service, s)
	if err != nil {
		r.t.Fatal(err)
	}
	return src
}

func (r *rig) bucket() collector.Bucket {
	r.t.Helper()
	if r.place != nil {
		return r.place()
	}
	b, err := dir.Open(r.root)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// collector answers what a new process would run.
func (r *rig) collector(service string) *collector.Collector {
	return r.collectorIn(service, r.bucket())
}

func (r *rig) collectorIn(service string, b collector.Bucket) *collector.Collector {
	src := r.source(service, b)
	r.runs++
	o := r.options
	o.Writer, o.Log = fmt.Sprint("run ", r.runs), slog.New(slog.NewTextHandler(&r.said, nil))
	if service != okta.Log {
		o.Since = time.Time{}
	}
	return &collector.Collector{
		Source: src, Sink: &collector.Objects{Bucket: b, Layout: collector.RootLayout(), Identify: src.Record},
		State: collector.StateFile{Bucket: b, Name: "state.json"}, Stats: &collector.Stats{}, Options: o,
	}
}

// run collects once, as a new process would.
func (r *rig) run(service string) (*collector.Stats, error) {
	r.t.Helper()
	c := r.collector(service)
	return c.Stats, c.Run(r.t.Context())
}

func (r *rig) mustRun(service string) *collector.Stats {
	r.t.Helper()
	stats, err := r.run(service)
	if err != nil {
		r.t.Fatal(err)
	}
	return stats
}

// lines answers all that was collected.
func (r *rig) lines() (lines []string) {
	r.t.Helper()
	b := r.bucket()
	for name, err := range b.List(r.t.Context(), "raw/", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		data, _, err := b.Read(r.t.Context(), name)
		if err != nil {
			r.t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// snapshot answers the last one that was stored.
func (r *rig) snapshot() (name string, text []byte) {
	r.t.Helper()
	names := r.snapshots()
	if len(names) == 0 {
		r.t.Fatal("there is no snapshot")
	}
	name = names[len(names)-1]
	text, _, err := r.bucket().Read(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return name, text
}

func (r *rig) snapshots() (names []string) {
	r.t.Helper()
	for name, err := range r.bucket().List(r.t.Context(), "seen-", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// replace puts something else in place of an object.
func (r *rig) replace(name string, data []byte) {
	r.t.Helper()
	if err := r.bucket().Remove(r.t.Context(), name); err != nil {
		r.t.Fatal(err)
	}
	if err := r.bucket().Create(r.t.Context(), name, data); err != nil {
		r.t.Fatal(err)
	}
}

// wantLog demands each event of the log once, as it is, and in order.
func (r *rig) wantLog() {
	r.t.Helper()
	var want []string
	for _, e := range r.log.Events() {
		want = append(want, string(e.Data))
	}
	if diff := cmp.Diff(r.lines(), want); diff != "" {
		r.t.Fatalf("collected (-got +want):\n%.2000s", diff)
	}
}

// wantLogSorted demands the same in any order.
func (r *rig) wantLogSorted() {
	r.t.Helper()
	var want []string
	for _, e := range r.log.Events() {
		want = append(want, string(e.Data))
	}
	got := r.lines()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(got, want); diff != "" {
		r.t.Fatalf("collected (-got +want):\n%.2000s", diff)
	}
}

// failing is a sink that cannot write.
type failing struct{ collector.Sink }

func (failing) Deliver(context.Context, collector.Batch) (collector.Receipt, error) {
	return collector.Receipt{}, errNoRoom
}
