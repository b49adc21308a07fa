//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
)

// refusingRig makes a rig that has collected 45 events, of which the API has
// refused some, until cured is called.
func refusingRig(t *testing.T, storage string, args ...string) (r *rig, dead int, cured func()) {
	t.Helper()
	var well atomic.Bool
	r = newSecOpsRig(t, storage, secopstest.Config{Bad: func(e secopstest.Event) string {
		if sum := []byte(e.ID); !well.Load() && sum[0]%8 == 0 {
			return "not yet"
		}
		return ""
	}})
	r.grow(45)
	r.mustCollect(append([]string{"--object-records", "15", "--overlap", "0s"}, args...)...)
	dead = len(lines(t, r.open(), "dead/"))
	if dead < 2 || dead > 40 {
		t.Fatalf("%d dead letters", dead)
	}
	return r, dead, func() { well.Store(true) }
}

// resend makes the command, to be started.
func (r *rig) resend(args ...string) *exec.Cmd {
	cmd := exec.Command(r.program(), append([]string{"resend", "--secops-endpoint", r.secops.URL, r.out}, args...)...)
	cmd.Env = slices.Clone(r.env)
	return cmd
}

// TestResend sends dead letters again by the command, which needs nothing but the
// spool and credentials.
func TestResend(t *testing.T) {
	for _, storage := range []string{"dir", "gcs"} {
		for prefix, mode := range map[string]string{"raw/": "--gzip=false", "udm/": "--normalize"} {
			t.Run(storage+"/"+prefix, func(t *testing.T) {
				r, dead, cured := refusingRig(t, storage, mode)
				for _, args := range [][]string{{"--dry-run"}, nil} {
					before := len(r.secops.Bodies())
					out, err := r.resend(args...).Output()
					checkExit(t, err, map[bool]int{true: exitOK, false: exitFindings}[args != nil])
					if n := strings.Count(string(out), "INVALID_ARGUMENT: events[0]: not yet\n"); n != dead || (args != nil) != (len(r.secops.Bodies()) == before) {
						t.Errorf("%q: %d of %d lines, %d requests\n%s", args, n, dead, len(r.secops.Bodies())-before, out)
					}
				}
				cured()
				out, err := r.resend("--json").Output()
				var said resendResult
				if err != nil || json.Unmarshal(out, &said) != nil || said.Accepted != dead || said.Left != 0 || said.Letters != dead || said.Refused == nil {
					t.Errorf("%v, %s", err, out)
				}
				if n := r.wantPushed(prefix); n != 0 {
					t.Errorf("%d events came twice", n)
				}
				var stderr bytes.Buffer
				cmd := r.resend()
				cmd.Stderr = &stderr
				if err := cmd.Run(); err != nil || !strings.Contains(stderr.String(), "there are no dead letters in "+r.out) {
					t.Errorf("%v, %s", err, stderr.String())
				}
				cmd = exec.Command("asa2udm", "verify", r.out)
				cmd.Env = r.env
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("verify: %v\n%s", err, out)
				}
			})
		}
	}
}

// TestResendCannot says what keeps the command from sending.
func TestResendCannot(t *testing.T) {
	r, _, cured := refusingRig(t, "dir", "--gzip=false")
	cured()
	before := len(r.secops.Accepted())
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no spool":        {[]string{filepath.Join(t.TempDir(), "none")}, "no such file or directory"},
		"rules of no use": {[]string{r.out, "--rules", "asa"}, "rules have no effect on them"},
		"nobody there":    {[]string{r.out, "--secops-endpoint", "http://127.0.0.1:1", "--ca-file", "/dev/null"}, "holds no certificate"},
		"wrong endpoint":  {[]string{r.out, "--secops-endpoint", "http://example.com"}, "a token is not sent over http"},
		"no argument":     {nil, "requires at least 1 arg"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("asa2udm", append([]string{"resend"}, tc.args...)...)
			cmd.Env = r.env
			out, err := cmd.CombinedOutput()
			checkExit(t, err, exitCannot)
			if !strings.Contains(string(out), tc.says) {
				t.Errorf("got %s, want %q", out, tc.says)
			}
		})
	}
	if len(r.secops.Accepted()) != before {
		t.Error("something was sent")
	}
}

// TestResendElsewhere does not call a place clean that was never a spool.
func TestResendElsewhere(t *testing.T) {
	for args, says := range map[string]string{
		"":       "nothing was pushed from ",
		"--json": `"nothing_pushed":true`,
	} {
		cmd := exec.Command("asa2udm", "resend", t.TempDir(), "--json="+strconv.FormatBool(args != ""))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), says) || strings.Contains(string(out), "no dead letters") {
			t.Errorf("%q: %v, %s, want %q", args, err, out, says)
		}
	}
}

// TestResendFails tells what was accepted before the error, as JSON, too, and how to
// go on.
func TestResendFails(t *testing.T) {
	r, dead, cured := refusingRig(t, "dir", "--normalize")
	cured()
	all, err := filepath.Glob(filepath.Join(r.out, "dead", "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("%q, %v", all, err)
	}
	letters := all[len(all)-1]
	whole, err := os.ReadFile(letters)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(letters, 0); err != nil {
		t.Fatal(err)
	}
	last := bytes.Count(whole, []byte("\n"))
	var stderr bytes.Buffer
	cmd := r.resend("--json")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	checkExit(t, err, exitCannot)
	var said resendResult
	if err := json.Unmarshal(out, &said); err != nil || said.Accepted != dead-last || !strings.Contains(said.Error, "dead/"+filepath.Base(letters)+" is damaged") {
		t.Errorf("%v, %s", err, out)
	}
	if want := fmt.Sprintf("accepted %s in %s, by ", count(dead-last, "dead letter"), r.out); dead > last && !strings.Contains(stderr.String(), want) {
		t.Errorf("got %s, want %q", stderr.String(), want)
	}
	// Nobody can be asked: nothing is sent, and there is a result all the same.
	cmd = r.resend("--json", "--ca-file", os.DevNull)
	out, err = cmd.Output()
	checkExit(t, err, exitCannot)
	if json.Unmarshal(out, &said) != nil || said.Requests != 0 || said.Error == "" {
		t.Errorf("%s", out)
	}
	cmd = exec.Command("asa2udm", "resend", "--json", filepath.Join(t.TempDir(), "none"))
	out, err = cmd.Output()
	checkExit(t, err, exitCannot)
	if json.Unmarshal(out, &said) != nil || !strings.Contains(said.Error, "no such file") {
		t.Errorf("%s", out)
	}
}

// TestResendHint promises no next run, which there is with collect alone.
func TestResendHint(t *testing.T) {
	for status, says := range map[int]string{http.StatusConflict: "what was accepted is marked", http.StatusNotImplemented: "name another one"} {
		hint := resendHint(fmt.Errorf("%w: %w", secops.ErrRequest, &rest.StatusError{Status: status}))
		if !strings.Contains(hint, says) || strings.Contains(hint, "next run") {
			t.Errorf("%d: %s", status, hint)
		}
	}
}

// TestResendEveryCall kills the command at each of its calls to the Chronicle API
// and to the storage, before the call is served and after it was answered.
func TestResendEveryCall(t *testing.T) {
	buildForTorture(t)
	places := 0
	for _, tc := range []struct{ storage, calls string }{{"dir", "secops"}, {"gcs", "secops"}, {"gcs", "storage"}} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s/after=%v", tc.storage, tc.calls, after), func(t *testing.T) {
				step := 1
				if tc.calls == "storage" {
					step = rounds(1, 5)
				}
				for at := 1; killResendAtCall(t, tc.storage, tc.calls, at, after); at += step {
					places++
				}
			})
		}
	}
	if t.Logf("killed at %d calls: 0 lost", places); places < 10 {
		t.Errorf("killed at %d calls only", places)
	}
}

func killResendAtCall(t *testing.T, storage, calls string, at int, after bool) bool {
	t.Helper()
	r, dead, cured := refusingRig(t, storage, "--normalize")
	cured()
	cmd := r.resend()
	stopped := r.killAtCall(cmd, calls, at, after)
	if out, err := r.resend().CombinedOutput(); err != nil {
		t.Fatalf("the run after call %d: %v\n%s", at, err, out)
	}
	if repeated := r.wantPushed("udm/"); repeated > dead || calls == "secops" && !after && repeated > 0 {
		t.Errorf("call %d: %d events came twice", at, repeated)
	}
	return stopped
}

// TestResendEveryStep kills the command at each write, sync, link and rename at the
// spool. It needs a binary with these places in it.
func TestResendEveryStep(t *testing.T) {
	if !torture {
		t.Skip("set ASA2UDM_TORTURE=1; package secops cuts every call to the directory")
	}
	build(t)
	for at := 1; ; at++ {
		r, _, cured := refusingRig(t, "dir", "--normalize")
		cured()
		cmd := r.resend()
		cmd.Env = append(cmd.Env, "ASA2UDM_FAILPOINT="+strconv.Itoa(at))
		err := cmd.Run()
		if err != nil && !killed(err) {
			t.Fatalf("step %d: %v", at, err)
		}
		if out, err := r.resend().CombinedOutput(); err != nil {
			t.Fatalf("the run after step %d: %v\n%s", at, err, out)
		}
		r.wantPushed("udm/")
		if err == nil {
			t.Logf("killed at %d steps: 0 lost", at-1)
			return
		}
	}
}

// TestResendByOtherRules maps the records again: the events are sent as the rules
// have them now, under the ids of the first time.
func TestResendByOtherRules(t *testing.T) {
	r, dead, cured := refusingRig(t, "dir", "--normalize")
	cured()
	rules := filepath.Join(t.TempDir(), "my.yaml")
	if err := os.WriteFile(rules, []byte("extends: asa.yaml\nconstants:\n  metadata.product_version: corrected\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(r.secops.Accepted())
	if out, err := r.resend("--rules", rules).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := make(map[string]bool)
	for _, line := range lines(t, r.open(), "dead/") {
		var l struct{ ID string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		want[l.ID] = true
	}
	sent := r.secops.Accepted()[before:]
	if len(sent) != dead {
		t.Errorf("%d of %d were sent", len(sent), dead)
	}
	for _, e := range sent {
		if !want[e.ID] || !strings.Contains(e.Data, `"product_version":"corrected"`) {
			t.Errorf("sent %s", e.Data)
		}
	}
}

// TestRulesThatAllIsRefusedBy are corrected by what the hint says: the batch at the
// spool stays as it was mapped, so that another run with other rules alone is refused
// again.
func TestRulesThatAllIsRefusedBy(t *testing.T) {
	r := newSecOpsRig(t, "dir", secopstest.Config{Bad: func(e secopstest.Event) string {
		if strings.Contains(e.Data, `"product_version":"wrong"`) {
			return "udm validation failed"
		}
		return ""
	}})
	r.grow(30)
	rules := func(version string) string {
		name := filepath.Join(t.TempDir(), "my.yaml")
		if err := os.WriteFile(name, []byte("extends: asa.yaml\nconstants:\n  metadata.product_version: "+version+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	right := rules("right")
	for _, file := range []string{rules("wrong"), right} {
		out, err := r.collect("--normalize", "--rules", file, "--log-format", "text").CombinedOutput()
		checkExit(t, err, exitCannot)
		for _, want := range []string{"11 in a row", "--max-dead-letters N", "resend --rules"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("the run does not say %q:\n%s", want, out)
			}
		}
	}
	r.mustCollect("--normalize", "--rules", right, "--max-dead-letters", "10000")
	if out, err := r.resend("--rules", right).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ids := make(map[string]bool)
	for _, e := range r.secops.Accepted() {
		ids[e.ID] = true
	}
	if n := len(lines(t, r.open(), "raw/")); len(ids) != n || len(r.secops.Accepted()) != n {
		t.Errorf("%d events were accepted under %d ids, %d were collected", len(r.secops.Accepted()), len(ids), n)
	}
}

// TestResendDryRunRejects tells what would not be sent, because the rules reject it.
func TestResendDryRunRejects(t *testing.T) {
	r, dead, cured := refusingRig(t, "dir", "--normalize")
	cured()
	rules := filepath.Join(t.TempDir(), "my.yaml")
	if err := os.WriteFile(rules, []byte("log_type: X\nmappings:\n  - {from: no_such_time, to: metadata.event_timestamp}\nevent_type: GENERIC_EVENT\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := r.resend("--dry-run", "--rules", rules).CombinedOutput()
	want := fmt.Sprintf("would be sent again; the rules reject %s", count(int64(dead), "record"))
	if err != nil || !strings.Contains(string(out), "0 dead letters in ") || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s\nwant %q", err, out, want)
	}
}
