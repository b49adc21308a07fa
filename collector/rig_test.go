package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/internal/page"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a simulated team and a place to collect into.
type rig struct {
	t      *testing.T
	api    *simulator.API
	log    *simulator.List
	gen    *simulator.Generated
	made   int // events taken from gen
	server *httptest.Server
	root   string
	// handler stands before the API, if set.
	handler http.Handler
}

func newRig(t *testing.T, change func(*simulator.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &simulator.List{}, gen: simulator.Generate(7, 1<<20, begin, time.Second), root: t.TempDir()}
	c := simulator.Config{Log: r.log, Team: "example-team", KeyID: "id", KeySecret: "hush"}
	if change != nil {
		change(&c)
	}
	r.api = simulator.New(c)
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.handler != nil {
			r.handler.ServeHTTP(w, req)
			return
		}
		r.api.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	return r
}

// next takes n new events from the generator.
func (r *rig) next(n int) []simulator.Entry {
	entries := make([]simulator.Entry, n)
	for i := range entries {
		entries[i] = r.gen.At(r.made)
		r.made++
	}
	return entries
}

// grow appends n new events to the log.
func (r *rig) grow(n int) { r.log.Append(r.next(n)...) }

// place answers the sink and the state over a bucket.
func (r *rig) place(b collector.Bucket, src collector.Source) (*collector.Objects, collector.StateFile) {
	return &collector.Objects{Bucket: b, Layout: collector.RootLayout(), Identify: src.Record},
		collector.StateFile{Bucket: b, Name: "state.json"}
}

func (r *rig) source(size int) *asa.Source {
	r.t.Helper()
	src, err := asa.New(asa.Config{
		BaseURL: r.server.URL, Team: "example-team", KeyID: "id", KeySecret: "hush", PageSize: size,
		Client: &rest.Client{HTTP: r.server.Client(), Retry: rest.Retry{Base: time.Microsecond, Limit: 20 * time.Second}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return src
}

func (r *rig) open() collector.Bucket {
	r.t.Helper()
	b, err := dir.Open(r.root)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// settings change one run.
type settings struct {
	bucket  collector.Bucket
	size    int
	options collector.Options
	sink    func(*collector.Objects)
	state   func(*collector.StateFile)
}

// run collects once, as a new process would.
func (r *rig) run(s settings) (*collector.Stats, error) {
	r.t.Helper()
	return r.runContext(r.t.Context(), s)
}

var runs atomic.Int64

func (r *rig) runContext(ctx context.Context, s settings) (*collector.Stats, error) {
	if s.bucket == nil {
		s.bucket = r.open()
	}
	if s.size == 0 {
		s.size = 10
	}
	src := r.source(s.size)
	sink, state := r.place(s.bucket, src)
	if s.sink != nil {
		s.sink(sink)
	}
	if s.state != nil {
		s.state(&state)
	}
	if s.options.Writer == "" {
		s.options.Writer = fmt.Sprintf("run-%d", runs.Add(1))
	}
	stats := &collector.Stats{}
	c := collector.Collector{Source: src, Sink: sink, State: state, Options: s.options, Stats: stats}
	return stats, c.Run(ctx)
}

// mustRun fails the test where the run fails.
func (r *rig) mustRun(s settings) *collector.Stats {
	r.t.Helper()
	stats, err := r.run(s)
	if err != nil {
		r.t.Fatal(err)
	}
	return stats
}

// joined is the line that an event must become.
func joined(t *testing.T, e simulator.Entry) string {
	t.Helper()
	var related bytes.Buffer
	for ref, object := range e.Related {
		if related.Len() > 0 {
			related.WriteByte(',')
		}
		fmt.Fprintf(&related, "%q:%s", ref, object)
	}
	lines, unresolved, err := page.Join(fmt.Appendf(nil, `{"list":[%s],"related_objects":{%s}}`, e.Event, related.Bytes()))
	if err != nil || unresolved != 0 || len(lines) != 1 {
		t.Fatalf("join of %s: %q, %d, %v", e.Event, lines, unresolved, err)
	}
	return string(lines[0])
}

// collected answers all lines below raw/, in the order of the objects.
func (r *rig) collected() []string {
	r.t.Helper()
	return linesBelow(r.t, r.open(), "raw/")
}

func linesBelow(t *testing.T, b collector.Bucket, prefix string) (lines []string) {
	t.Helper()
	for name, err := range b.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := b.Read(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// wantLog demands that all of the log is collected, once, in order, joined.
func (r *rig) wantLog() {
	r.t.Helper()
	entries := make([]simulator.Entry, r.log.Len())
	for i := range entries {
		entries[i] = r.log.At(i)
	}
	r.want(entries)
	r.verify()
}

func (r *rig) want(entries []simulator.Entry) {
	r.t.Helper()
	var want []string
	for _, e := range entries {
		want = append(want, joined(r.t, e))
	}
	if diff := cmp.Diff(r.collected(), want); diff != "" {
		r.t.Fatalf("collected (-got +want):\n%s", diff)
	}
}

// verify demands that Verify finds nothing.
func (r *rig) verify() collector.Verification {
	r.t.Helper()
	v, findings := r.findings()
	if len(findings) > 0 {
		r.t.Fatalf("Verify found %v", findings)
	}
	return v
}

func (r *rig) findings() (collector.Verification, []collector.Finding) {
	r.t.Helper()
	b := r.open()
	sink, state := r.place(b, r.source(1))
	text, _, err := b.Read(r.t.Context(), state.Name)
	if err != nil {
		text = nil
	}
	var findings []collector.Finding
	v, err := collector.Verify(r.t.Context(), sink, text, func(f collector.Finding) { findings = append(findings, f) })
	if err != nil {
		r.t.Fatal(err)
	}
	return v, findings
}
