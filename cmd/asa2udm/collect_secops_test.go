//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
)

// secopsRig is a simulated instance of Google SecOps that the command pushes to,
// as the account of a key file.
type secopsRig struct {
	*secopstest.Server
	instance secops.Instance
	calls    hook // around each call, if set
}

// args are the flags for --out secops://, with a spool.
func (s *secopsRig) args(spool string) []string {
	return []string{"--out", s.instance.String(), "--spool", spool, "--secops-endpoint", s.URL, "--page-size", "20"}
}

// newSecOpsRig makes a rig that pushes, with its spool on a kind of storage.
func newSecOpsRig(t *testing.T, storage string, c secopstest.Config) *rig {
	t.Helper()
	return newSecOpsRigOn(t, storage, c, nil)
}

func newSecOpsRigOn(t *testing.T, storage string, c secopstest.Config, change func(*simulator.Config)) *rig {
	t.Helper()
	r := newRig(t, storage, change)
	s := &secopsRig{instance: secops.Instance{Project: "example-project", Location: "us", ID: "0c1d3e5f-1234-4abc-9def-0123456789ab"}}
	c.Instance, c.Tokens = s.instance, true
	c.Around = func(req *http.Request, serve func()) {
		if f := s.calls.f.Load(); f != nil && req.URL.Path != "/token" {
			(*f)(serve)
			return
		}
		serve()
	}
	s.Server = secopstest.New(t, c)
	r.secops = s
	r.env = append(r.env, "GOOGLE_APPLICATION_CREDENTIALS="+s.Credentials(t))
	return r
}

// wantPushed demands that what was accepted are the lines below a prefix of the
// spool, each of them, with one id each, and answers how many came again.
func (r *rig) wantPushed(prefix string) (repeated int) {
	r.t.Helper()
	want := make(map[string]bool)
	for _, line := range lines(r.t, r.open(), prefix) {
		want[line] = true
	}
	ids := make(map[string]string)
	for _, e := range r.secops.Accepted() {
		line := strings.Replace(e.Data, `"id":"`+e.ID+`",`, "", 1)
		if !want[line] {
			r.t.Fatalf("pushed, but not at the spool: %s", e.Data)
		}
		if id, ok := ids[line]; ok {
			repeated++
			if id != e.ID {
				r.t.Fatalf("pushed under the ids %s and %s: %s", id, e.ID, e.Data)
			}
		}
		ids[line] = e.ID
	}
	if len(ids) != len(want) {
		r.t.Fatalf("%d of %d events were pushed", len(ids), len(want))
	}
	return repeated
}

// TestSecOps collects raw lines and UDM into Google SecOps.
func TestSecOps(t *testing.T) {
	for _, storage := range []string{"dir", "gcs"} {
		for prefix, args := range map[string][]string{"raw/": {"--gzip=false"}, "udm/": {"--normalize"}} {
			t.Run(storage+"/"+prefix, func(t *testing.T) {
				r := newSecOpsRig(t, storage, secopstest.Config{})
				r.grow(45)
				out, err := r.collect("--check").CombinedOutput()
				if err != nil || !strings.Contains(string(out), "ok    secops    "+r.secops.instance.String()+" can be read; whether imports are allowed is not proven") {
					t.Fatalf("check: %v\n%s", err, out)
				}
				if out, err := r.collect(append(args, "--dry-run")...).CombinedOutput(); err != nil || len(r.secops.Bodies()) > 0 {
					t.Fatalf("dry run: %v, %d imports\n%s", err, len(r.secops.Bodies()), out)
				}
				for range 2 {
					cmd := r.collect(append(args, "--json")...)
					var report bytes.Buffer
					cmd.Stdout = &report
					if err := cmd.Run(); err != nil {
						t.Fatal(err)
					}
					var said struct {
						Events int64
						SecOps struct{ Accepted, Requests, Bytes int64 }
					}
					if err := json.Unmarshal(report.Bytes(), &said); err != nil || said.SecOps.Accepted != said.Events || said.SecOps.Bytes == 0 {
						t.Errorf("report: %v, %s", err, report.String())
					}
					r.grow(3)
				}
				r.mustCollect(args...)
				r.wantLog()
				if n := r.wantPushed(prefix); n != 0 {
					t.Errorf("%d events came twice", n)
				}
			})
		}
	}
}

// TestSecOpsErrors ends runs that no retry can cure, with the server's words and a
// cure, and goes on from there.
func TestSecOpsErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		fate secopstest.Fate
		says []string
	}{
		"API disabled":     {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "SERVICE_DISABLED"}, []string{"SERVICE_DISABLED", "gcloud services enable chronicle.googleapis.com"}},
		"wrong project":    {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "CONSUMER_INVALID"}, []string{"check PROJECT"}},
		"no role":          {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "IAM_PERMISSION_DENIED"}, []string{"roles/chronicle.editor", "chronicle.logs.import"}},
		"perimeter":        {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "SECURITY_POLICY_VIOLATED"}, []string{"VPC Service Controls"}},
		"scope":            {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}, []string{"cloud-platform"}},
		"no such log type": {secopstest.Fate{Status: 404, Code: "NOT_FOUND"}, []string{"404", "check project, location and instance"}},
		"fault of all":     {secopstest.Fate{Status: 400, Code: "INVALID_ARGUMENT"}, []string{"too many events are refused", "told to fail", "--max-dead-letters"}},
		"precondition":     {secopstest.Fate{Status: 400, Code: "FAILED_PRECONDITION"}, []string{"FAILED_PRECONDITION", "pushes the same batch"}},
		"not implemented":  {secopstest.Fate{Status: 501, Code: "UNIMPLEMENTED"}, []string{"501 Not Implemented, UNIMPLEMENTED", "name another one, such as --secops-endpoint"}},
		"redirect":         {secopstest.Fate{Status: 302, Header: http.Header{"Location": {"https://example.com/login"}}}, []string{"look for a proxy"}},
	} {
		t.Run(name, func(t *testing.T) {
			var failing atomic.Bool
			failing.Store(true)
			r := newSecOpsRig(t, "dir", secopstest.Config{Next: func(int) secopstest.Fate {
				if failing.Load() {
					return tc.fate
				}
				return secopstest.Fate{}
			}})
			r.grow(30)
			out, err := r.collect("--log-format", "text").CombinedOutput()
			if err == nil {
				t.Fatal("the run has succeeded")
			}
			for _, want := range tc.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("the run does not say %q:\n%s", want, out)
				}
			}
			failing.Store(false)
			r.mustCollect()
			r.wantLog()
			if n := r.wantPushed("raw/"); n != 0 {
				t.Errorf("%d events came twice", n)
			}
		})
	}
}

// TestSecOpsRandomKills kills the command at random while it collects and pushes.
// Nothing is lost; what comes twice has the same id and the same bytes.
func TestSecOpsRandomKills(t *testing.T) {
	buildForTorture(t)
	for _, storage := range []string{"dir", "gcs"} {
		for prefix, mode := range map[string]string{"raw/": "--gzip=false", "udm/": "--normalize"} {
			t.Run(storage+"/"+prefix, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(2, uint64(len(storage))))
				var fates atomic.Int64
				r := newSecOpsRig(t, storage, secopstest.Config{Next: func(int) secopstest.Fate {
					switch fates.Add(1) % 9 {
					case 3:
						return secopstest.Fate{Status: 503, Code: "UNAVAILABLE"}
					case 5:
						return secopstest.Fate{Lose: true}
					case 7:
						return secopstest.Fate{Wait: 20 * time.Millisecond}
					}
					return secopstest.Fate{}
				}})
				want := rounds(200, 3)
				kills, runs := 0, 0
				for ; kills < want; runs++ {
					r.grow(rng.IntN(60))
					cmd := r.collect("--object-records", "15", "--overlap", "1h", mode)
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					timer := time.AfterFunc(time.Duration(rng.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
					if err := cmd.Wait(); killed(err) {
						kills++
					} else if err != nil {
						t.Fatalf("run %d: %v", runs, err)
					}
					timer.Stop()
				}
				r.mustCollect(mode)
				r.wantLog()
				repeated := r.wantPushed(prefix)
				t.Logf("%d SIGKILLs in %d runs, %d events: 0 lost, %d came again with their id", kills, runs, r.log.Len(), repeated)
			})
		}
	}
}

// TestSecOpsEveryCall kills the command at each of its calls to the Chronicle API
// and to the storage, before the call is served and after it was answered.
func TestSecOpsEveryCall(t *testing.T) {
	buildForTorture(t)
	places := 0
	for _, tc := range []struct{ storage, calls string }{{"dir", "secops"}, {"gcs", "secops"}, {"gcs", "storage"}} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s/after=%v", tc.storage, tc.calls, after), func(t *testing.T) {
				step := 1
				if tc.calls == "storage" {
					step = rounds(1, 12)
				}
				if testing.Short() {
					step *= 5
				}
				for at := 1; killPushAtCall(t, tc.storage, tc.calls, at, after); at += step {
					places++
				}
			})
		}
	}
	t.Logf("killed at %d calls: 0 lost", places)
}

func killPushAtCall(t *testing.T, storage, calls string, at int, after bool) bool {
	t.Helper()
	r := newSecOpsRig(t, storage, secopstest.Config{})
	r.grow(35)
	cmd := r.collect("--object-records", "15", "--normalize", "--overlap", "0s")
	stopped := r.killAtCall(cmd, calls, at, after)
	r.grow(5)
	r.mustCollect("--normalize", "--overlap", "0s")
	r.wantLog()
	r.wantUDM()
	if repeated := r.wantPushed("udm/"); repeated > 15 || calls == "secops" && !after && repeated > 0 {
		t.Errorf("call %d: %d events came twice", at, repeated)
	}
	return stopped
}

// killAtCall runs a command and kills it at a call of the storage or of SecOps, before
// or after that is served. It reports whether the command came so far.
func (r *rig) killAtCall(cmd *exec.Cmd, calls string, at int, after bool) bool {
	r.t.Helper()
	around := &r.onStorage
	if calls == "secops" {
		around = &r.secops.calls
	}
	var n atomic.Int64
	started := make(chan struct{}) // cmd.Process is set then
	around.set(func(serve func()) {
		<-started
		if n.Add(1) != int64(at) {
			serve()
			return
		}
		if after {
			serve()
		}
		cmd.Process.Kill()
	})
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	close(started)
	err := cmd.Wait()
	if err != nil && !killed(err) {
		r.t.Fatalf("call %d: %v", at, err)
	}
	around.clear()
	return err != nil
}

// TestSecOpsEveryStep kills the command at each write, sync, link and rename at the
// spool. It needs a binary with these places in it.
func TestSecOpsEveryStep(t *testing.T) {
	if !torture {
		t.Skip("set ASA2UDM_TORTURE=1; the sink's own tests cut every call to the directory")
	}
	build(t)
	for at := 1; ; at++ {
		r := newSecOpsRig(t, "dir", secopstest.Config{})
		r.grow(35)
		cmd := r.collect("--object-records", "15", "--normalize", "--overlap", "0s")
		cmd.Env = append(cmd.Env, "ASA2UDM_FAILPOINT="+strconv.Itoa(at))
		err := cmd.Run()
		if err != nil && !killed(err) {
			t.Fatalf("step %d: %v", at, err)
		}
		r.grow(5)
		r.mustCollect("--normalize", "--overlap", "0s")
		r.wantLog()
		if repeated := r.wantPushed("udm/"); repeated > 15 {
			t.Errorf("step %d: %d events came twice", at, repeated)
		}
		if err == nil {
			t.Logf("killed at %d steps: 0 lost", at-1)
			if at < 80 {
				t.Errorf("the run had %d steps only", at-1)
			}
			return
		}
	}
}

// TestSecOpsCanary looks for tokens in all that the command leaves behind.
func TestSecOpsCanary(t *testing.T) {
	echo := `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"you sent %s"}}`
	for name, status := range map[string]int{"all is well": 200, "refused": 400, "denied": 403, "failing": 503} {
		t.Run(name, func(t *testing.T) {
			r := newSecOpsRig(t, "dir", secopstest.Config{})
			r.grow(25)
			// A front that repeats the token it was sent.
			front := newFront(t, r.secops.Server, func(w http.ResponseWriter, req *http.Request) bool {
				if status == http.StatusOK || !strings.HasSuffix(req.URL.Path, ":import") {
					return false
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Retry-After", "3600") // longer than a run waits
				w.WriteHeader(status)
				fmt.Fprintf(w, echo, req.Header.Get("Authorization"))
				return true
			})
			r.secops.URL = front
			cmd := r.collect("--log-level", "debug", "--json", "--max-dead-letters", "1000")
			cmd.Env = append(cmd.Env, "GOOGLE_SDK_GO_LOGGING_LEVEL=debug")
			out, err := cmd.CombinedOutput()
			if (err == nil) != (status <= 400) {
				t.Errorf("the run ends with %v\n%s", err, out)
			}
			wantNoToken(t, "the output", string(out))
			err = filepath.WalkDir(r.out, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				wantNoToken(t, path, string(text))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if r.secops.Tokens() == 0 {
				t.Error("no token was issued")
			}
		})
	}
}

// newFront answers what it likes of the calls to a server and hands on the rest.
func newFront(t *testing.T, to *secopstest.Server, answer func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !answer(w, req) {
			to.Config.Handler.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL
}

func wantNoToken(t *testing.T, where, text string) {
	t.Helper()
	for _, sign := range []string{secopstest.TokenSign, "PRIVATE KEY", "eyJhbGciOi"} {
		if i := strings.Index(text, sign); i >= 0 {
			t.Errorf("%s holds %q: %.200s", where, sign, text[max(0, i-80):])
		}
	}
	wantNoSecret(t, where, text)
}

// TestSecOpsMetrics reads the counters of a push.
func TestSecOpsMetrics(t *testing.T) {
	r := newSecOpsRig(t, "dir", secopstest.Config{Bad: func(e secopstest.Event) string {
		if strings.Contains(e.Data, `"team.create"`) || len(e.Data)%11 == 0 {
			return "no"
		}
		return ""
	}})
	r.grow(45)
	s := r.serve()
	s.await("/metrics", "asa2udm_last_success_timestamp_seconds{source=\"asa/example-team\"} 1")
	_, body := s.get("/metrics")
	accepted := strconv.Itoa(len(r.secops.Accepted()))
	for _, want := range []string{
		`asa2udm_secops_accepted_total{source="asa/example-team"} ` + accepted,
		`asa2udm_secops_dead_letters_total{source="asa/example-team"} ` + strconv.Itoa(45-len(r.secops.Accepted())),
		"asa2udm_secops_requests_total{", "asa2udm_secops_bytes_total{", "asa2udm_secops_repeated_total{source=\"asa/example-team\"} 0",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s:\n%s", want, body)
		}
	}
	if len(r.secops.Accepted()) == 45 {
		t.Error("nothing was refused")
	}
}

// TestDeniedHint names a role only where a role is the cure.
func TestDeniedHint(t *testing.T) {
	for reason, says := range map[string]string{
		"":                      "roles/chronicle.editor",
		"IAM_PERMISSION_DENIED": "roles/chronicle.editor",
		"SERVICE_DISABLED":      "set-quota-project",
		"USER_PROJECT_DENIED":   "serviceUsageConsumer",
		"BILLING_DISABLED":      "the words tell why",
	} {
		if got := deniedHint(reason); !strings.Contains(got, says) {
			t.Errorf("the hint for %q is %q", reason, got)
		}
	}
}
