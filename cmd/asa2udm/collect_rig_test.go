//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/internal/page"
)

// torture is set for the long campaigns: see docs/operations.md.
var torture = os.Getenv("ASA2UDM_TORTURE") != ""

// rounds answers how often something is done, in the long campaigns and else.
func rounds(long, short int) int {
	if torture {
		return long
	}
	return short
}

const canary = "Y2FuYXJ5+c2VjcmV0/Kw=="

// rig is the command as a process, between a simulated team and a destination.
type rig struct {
	t    *testing.T
	log  *simulator.List
	gen  *simulator.Generated
	made int
	api  *httptest.Server
	// onAPI and onStorage stand around each call, if set.
	onAPI, onStorage hook
	out              string
	// sameSecond stops the clock of the documented function.
	sameSecond bool
	env        []string
	secops     *secopsRig // where events are pushed on, if set
}

// newRig makes a rig for a directory, or for the emulator of Cloud Storage.
func newRig(t *testing.T, storage string, change func(*simulator.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &simulator.List{}, gen: simulator.Generate(11, 1<<30, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Second)}
	c := simulator.Config{Log: r.log, Team: "example-team", KeyID: "id", KeySecret: canary}
	if change != nil {
		change(&c)
	}
	r.api = httptest.NewServer(around(&r.onAPI, simulator.New(c)))
	t.Cleanup(r.api.Close)
	r.env = append(os.Environ(), "ASA_BASE_URL="+r.api.URL, "ASA_TEAM_NAME=example-team", "ASA_KEY_ID=id", "ASA_KEY_SECRET="+canary, "GORACE=atexit_sleep_ms=0")
	r.out = filepath.Join(t.TempDir(), "data")
	if storage == "gcs" {
		r.emulate()
	}
	return r
}

// hook decides when a call is served. It may be changed while calls come in.
type hook struct {
	f atomic.Pointer[func(serve func())]
}

func (h *hook) set(f func(serve func())) { h.f.Store(&f) }

func (h *hook) clear() { h.f.Store(nil) }

// around lets a hook decide when a call is served.
func around(hook *hook, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		serve := func() {
			h.ServeHTTP(w, req)
			http.NewResponseController(w).Flush()
		}
		if f := hook.f.Load(); f != nil {
			(*f)(serve)
			return
		}
		h.ServeHTTP(w, req)
	})
}

func (r *rig) emulate() {
	r.t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Writer: io.Discard})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "logs"})
	front := httptest.NewServer(around(&r.onStorage, server.HTTPHandler()))
	r.t.Cleanup(front.Close)
	r.out = "gs://logs/okta"
	r.t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(front.URL, "http://"))
	r.env = append(r.env, "STORAGE_EMULATOR_HOST="+strings.TrimPrefix(front.URL, "http://"))
}

// open answers the destination as the test sees it.
func (r *rig) open() collector.Bucket {
	r.t.Helper()
	p, err := parseLocation(r.out)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := openBucket(context.Background(), p)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { b.Close() })
	return b
}

func (r *rig) next(n int) []simulator.Entry {
	entries := make([]simulator.Entry, n)
	for i := range entries {
		entries[i] = r.gen.At(r.made)
		r.made++
	}
	return entries
}

func (r *rig) grow(n int) { r.log.Append(r.next(n)...) }

// program is the binary under test: the test's own, which runs main, or in the
// long campaigns a binary built for it.
func (r *rig) program() string {
	if path := builtProgram.Load(); path != nil {
		return *path
	}
	return "asa2udm"
}

var builtProgram atomic.Pointer[string]

// build builds the real binary, with the places in it where it may be killed.
func build(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "asa2udm")
	out, err := exec.Command("go", "build", "-tags", "failpoint,disable_grpc_modules", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	builtProgram.Store(&path)
	t.Cleanup(func() { builtProgram.Store(nil) })
}

// collect makes the command, to be started.
func (r *rig) collect(args ...string) *exec.Cmd {
	to := []string{"collect", "--out", r.out, "--page-size", "20"}
	if r.secops != nil {
		to = append(to[:1], r.secops.args(r.out)...)
	}
	cmd := exec.Command(r.program(), append(to, args...)...)
	cmd.Env = slices.Clone(r.env)
	return cmd
}

// mustCollect demands that a run succeeds and answers what it has logged.
func (r *rig) mustCollect(args ...string) string {
	r.t.Helper()
	var stderr bytes.Buffer
	cmd := r.collect(args...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("collect: %v\n%s", err, stderr.String())
	}
	return stderr.String()
}

// lines answers the lines of all objects below a prefix.
func lines(t *testing.T, b collector.Bucket, prefix string) (all []string) {
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
			all = append(all, strings.TrimSuffix(line, "\n"))
		}
	}
	return all
}

// wantLog demands each event of the log once, in order and joined, and that
// verify finds nothing.
func (r *rig) wantLog() {
	r.t.Helper()
	got := lines(r.t, r.open(), "raw/")
	var want []string
	for i := range r.log.Len() {
		want = append(want, joined(r.t, r.log.At(i)))
	}
	if diff := cmp.Diff(got, want); diff != "" {
		r.t.Fatalf("collected %d events, want %d (-got +want):\n%.3000s", len(got), len(want), diff)
	}
	cmd := exec.Command(r.program(), "verify", r.out)
	cmd.Env = r.env
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("verify: %v\n%s", err, out)
	}
}

// wantUDM demands that the UDM is what map makes of the raw objects.
func (r *rig) wantUDM() {
	r.t.Helper()
	b := r.open()
	for name, err := range b.List(r.t.Context(), "raw/", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		raw, _, err := b.Read(r.t.Context(), name)
		if err != nil {
			r.t.Fatal(err)
		}
		udm, _, err := b.Read(r.t.Context(), strings.Replace(name, "raw/", "udm/", 1))
		if err != nil {
			r.t.Fatal(err)
		}
		cmd := exec.Command(r.program(), "map")
		cmd.Stdin, cmd.Env = bytes.NewReader(raw), r.env
		mapped, err := cmd.Output()
		if err != nil {
			r.t.Fatal(err)
		}
		if !bytes.Equal(udm, mapped) {
			r.t.Fatalf("the UDM beside %s is not what map makes of it", name)
		}
	}
}

// joined is the line that an event must become.
func joined(t *testing.T, e simulator.Entry) string {
	t.Helper()
	var b bytes.Buffer
	for ref, object := range e.Related {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", ref, object)
	}
	all, unresolved, err := page.Join(fmt.Appendf(nil, `{"list":[%s],"related_objects":{%s}}`, e.Event, b.Bytes()))
	if err != nil || unresolved != 0 || len(all) != 1 {
		t.Fatalf("join of %s: %q, %d, %v", e.Event, all, unresolved, err)
	}
	return string(all[0])
}
