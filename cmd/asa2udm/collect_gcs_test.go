//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

// documented sets the environment of the function that Google documents.
func (r *rig) documented(more ...string) []string {
	return append(r.env, append([]string{"GCS_BUCKET=logs", "GCS_PREFIX=okta-asa", "PAGE_SIZE=20"}, more...)...)
}

func (r *rig) bucketRoot() collector.Bucket {
	r.t.Helper()
	r.out = "gs://logs"
	return r.open()
}

func TestDocumentedEnvironment(t *testing.T) {
	r := newRig(t, "gcs", nil)
	b := r.bucketRoot()
	r.grow(55)
	// What the function has left: it kept the offset that fetched its last page,
	// and has written that page.
	state := fmt.Sprintf(`{"last_offset": %q, "last_run": "2026-05-01T00:10:00+00:00"}`, r.log.At(19).ID)
	must(t, b.Create(t.Context(), "okta-asa/state.json", []byte(state)))
	var page []byte
	for i := 20; i < 40; i++ {
		page = append(append(page, r.log.At(i).Event...), '\n')
	}
	must(t, b.Create(t.Context(), "okta-asa/okta_asa_audit_20260501_001000.ndjson", page))

	// As it stands the state lies where the feed reads.
	cmd := exec.Command(r.program(), "collect", "--log-format", "text")
	cmd.Env = r.documented("STATE_KEY=okta-asa/state.json")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "hint: set STATE_KEY=asa2udm/okta-asa/state.json") {
		t.Fatalf("collect: %v\n%s", err, out)
	}
	// With the fix it goes on where the function stopped.
	for range 2 {
		cmd = exec.Command(r.program(), "collect", "--log-format", "text", "--normalize")
		cmd.Env = r.documented("STATE_KEY=asa2udm/okta-asa/state.json", "MAX_RECORDS=10", "LOOKBACK_HOURS=24")
		if out, err = cmd.CombinedOutput(); err != nil {
			t.Fatalf("collect: %v\n%s", err, out)
		}
	}
	var got []string
	got = append(got, lines(t, b, "okta-asa/000000")...)
	if len(got) != 15 {
		t.Fatalf("%d events collected, want the 15 that the function had not written\n%s", len(got), out)
	}
	for i, line := range got {
		if want := joined(t, r.log.At(40+i)); line != want {
			t.Errorf("event %d is\n%s\nwant\n%s", i, line, want)
		}
	}
	// The feed's prefix holds raw records alone.
	for name, err := range b.List(t.Context(), "okta-asa/", "") {
		must(t, err)
		if !strings.HasSuffix(name, ".ndjson") && name != "okta-asa/state.json" {
			t.Errorf("%s lies where the feed reads", name)
		}
	}
	if got := lines(t, b, "asa2udm/okta-asa/udm/"); len(got) != 15 {
		t.Errorf("%d UDM events, want 15", len(got))
	}
	verify := exec.Command(r.program(), "verify", "gs://logs/okta-asa", "--foreign-ok")
	verify.Env = r.env
	if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "15 events in 2 objects") {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

func TestCollectIntoABucket(t *testing.T) {
	r := newRig(t, "gcs", nil)
	r.grow(45)
	r.mustCollect("--normalize", "--gzip=false")
	r.grow(3)
	r.mustCollect("--normalize")
	r.wantLog()
	r.wantUDM()
	cmd := r.collect("--check")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ok    storage   gs://logs/okta can be written") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

func TestBucketThatIsNotThere(t *testing.T) {
	r := newRig(t, "gcs", nil)
	r.out = "gs://nobody/okta"
	out, err := r.collect("--check").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cure: create the bucket, or check its name") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
