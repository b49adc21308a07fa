package secops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
)

// resend sends the dead letters again as a new process would, and answers the
// indexes and words of those that stay.
func (r *rig) resend(ctx context.Context, change func(*secops.Resend)) (done secops.Resent, left []secops.Left, err error) {
	r.t.Helper()
	var b collector.Bucket
	if b, err = dir.Open(r.root); err != nil {
		r.t.Fatal(err)
	}
	if r.bucket != nil {
		b = r.bucket(b)
	}
	r.runs++
	now := begin.Add(48*time.Hour + time.Duration(r.runs)*time.Minute)
	resend := &secops.Resend{
		Bucket: b, Identify: r.source.Record, Now: func() time.Time { return now }, Left: func(l secops.Left) { left = append(left, l) },
		Connect: func(i secops.Instance) (*secops.Client, error) {
			if i != instance {
				r.t.Errorf("connect to %s", i)
			}
			return secops.New(r.config)
		},
	}
	if change != nil {
		change(resend)
	}
	done, err = resend.Run(ctx)
	return done, left, err
}

// refusing makes a rig whose API refuses the numbers that are set, and collects
// 120 of them.
func refusing(t *testing.T, udm bool) (r *rig, refuse func(numbers ...int)) {
	t.Helper()
	var numbers atomic.Pointer[[]int]
	refuse = func(n ...int) { numbers.Store(&n) }
	refuse(1, 33, 34, 110)
	r = newRig(t, udm, secopstest.Config{Bad: func(e secopstest.Event) string { return bad(&r, *numbers.Load()...)(e) }})
	r.source.n, r.batch = 120, 40
	r.mustRun()
	r.want(1, 33, 34, 110)
	return r, refuse
}

// ids are those of the dead letters.
func (r *rig) ids() (all []string) {
	for _, l := range r.letters() {
		all = append(all, l["id"].(string))
	}
	return all
}

// TestResend sends dead letters again under their ids. What is accepted is not sent
// once more, and what is refused stays, with the words of now.
func TestResend(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		r, refuse := refusing(t, udm)
		before, letters := len(r.api.Bodies()), r.ids()
		done, left, err := r.resend(t.Context(), func(s *secops.Resend) { s.DryRun = true })
		if want := (secops.Resent{Letters: 4, Left: 4}); err != nil || done != want || len(r.api.Bodies()) != before {
			t.Fatalf("dry run: %+v, %v, %d requests", done, err, len(r.api.Bodies())-before)
		}
		if len(left) != 4 || left[0].Reason != r.letters()[0]["reason"] || left[0].ID != letters[0] || left[0].Status != 400 {
			t.Errorf("dry run: %+v", left)
		}

		refuse(34)
		done, left, err = r.resend(t.Context(), nil)
		if want := (secops.Resent{Letters: 4, Accepted: 3, Left: 1, Requests: done.Requests}); err != nil || done != want {
			t.Fatalf("%+v, %v", done, err)
		}
		if len(left) != 1 || left[0].ID != letters[2] || left[0].Letters != "dead/000000000001.ndjson" || !strings.HasSuffix(left[0].Reason, "number 34") {
			t.Errorf("left are %+v", left)
		}
		r.want(34)
		accepted := r.api.Accepted()
		if got, want := []string{accepted[len(accepted)-3].ID, accepted[len(accepted)-2].ID, accepted[len(accepted)-1].ID}, []string{letters[0], letters[1], letters[3]}; !slices.Equal(got, want) {
			t.Errorf("sent under the ids %q, want %q", got, want)
		}

		before = len(r.api.Bodies())
		done, _, err = r.resend(t.Context(), nil)
		if want := (secops.Resent{Letters: 1, Left: 1, Requests: 1}); err != nil || done != want || len(r.api.Bodies()) != before+1 {
			t.Fatalf("again: %+v, %v", done, err)
		}
		refuse()
		if done, left, err = r.resend(t.Context(), nil); err != nil || done.Accepted != 1 || len(left) > 0 {
			t.Fatalf("cured: %+v, %v", done, err)
		}
		r.want()
		if done, _, err = r.resend(t.Context(), nil); err != nil || done != (secops.Resent{}) {
			t.Fatalf("with nothing left: %+v, %v", done, err)
		}
		if n := len(r.letters()); n != 4 {
			t.Errorf("%d dead letters are kept", n)
		}
		// Collecting goes on as if nothing had been.
		r.source.n = 130
		r.mustRun()
		r.want()
		r.wantSpool()
	})
}

// TestResendKeepsNewWords shows the last words that the server has said.
func TestResendKeepsNewWords(t *testing.T) {
	words := atomic.Pointer[string]{}
	words.Store(text("first"))
	r := newRig(t, true, secopstest.Config{Bad: func(e secopstest.Event) string {
		if strings.Contains(e.Data, `"id":"5"`) {
			return *words.Load()
		}
		return ""
	}})
	r.source.n = 20
	r.mustRun()
	for _, w := range []string{"first", "second", "third", "third"} {
		words.Store(&w)
		if _, left, err := r.resend(t.Context(), nil); err != nil || len(left) != 1 || !strings.HasSuffix(left[0].Reason, w) {
			t.Errorf("%s: %+v, %v", w, left, err)
		}
		if _, left, err := r.resend(t.Context(), func(s *secops.Resend) { s.DryRun = true }); err != nil || len(left) != 1 || !strings.HasSuffix(left[0].Reason, w) {
			t.Errorf("dry run after %s: %+v, %v", w, left, err)
		}
	}
	if marks := r.marks(); len(marks) != 2 {
		t.Errorf("marks are %q, want one for each change of words", marks)
	}
}

func (r *rig) marks() []string {
	names, err := filepath.Glob(filepath.Join(r.root, "resent", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

// TestResendMapped sends what corrected rules make of the records, under the ids
// of the first time; what they reject stays.
func TestResendMapped(t *testing.T) {
	r, refuse := refusing(t, true)
	refuse()
	letters := r.ids()
	var sent []secopstest.Event
	corrected := func(_ context.Context, raw []byte) (udm, rejects []byte, err error) {
		for i, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
			_, n := number(line)
			if n == 33 {
				rejects = fmt.Appendf(rejects, "{\"line\":%d,\"error\":\"timestamp\",\"detail\":\"no timestamp\"}\n", i+1)
				continue
			}
			udm = append(append(udm, event(1000+n, "corrected")...), '\n')
		}
		return udm, rejects, nil
	}
	before := len(r.api.Accepted())
	done, left, err := r.resend(t.Context(), func(s *secops.Resend) { s.Normalize = corrected })
	if err == nil {
		sent = r.api.Accepted()[before:]
	}
	if err != nil || done.Accepted != 3 || done.Rejected != 1 || len(left) != 1 || left[0].ID != letters[1] || left[0].Status != 0 ||
		left[0].Reason != "not sent: the rules reject the record: timestamp, no timestamp" {
		t.Fatalf("%+v, %+v, %v", done, left, err)
	}
	var got []string
	for _, e := range sent {
		if !strings.Contains(e.Data, "corrected") {
			t.Errorf("sent %s", e.Data)
		}
		got = append(got, e.ID)
	}
	if want := []string{letters[0], letters[2], letters[3]}; !slices.Equal(got, want) {
		t.Errorf("sent under the ids %q, want %q", got, want)
	}
}

// TestResendRaw refuses rules for raw lines, and sends them with the times that
// they would have been sent with.
func TestResendRaw(t *testing.T) {
	r, refuse := refusing(t, false)
	refuse()
	before := len(r.api.Bodies())
	if _, _, err := r.resend(t.Context(), func(s *secops.Resend) { s.Normalize = normalize }); err == nil || !strings.Contains(err.Error(), "rules have no effect") || len(r.api.Bodies()) != before {
		t.Errorf("with rules: %v", err)
	}
	r.config.Forwarder = "f1"
	if _, _, err := r.resend(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	accepted := r.api.Accepted()
	for _, e := range accepted[len(accepted)-4:] {
		n := r.number(e)
		if e.LogType != "NUMBERS" || !e.Entry.Equal(begin.Add(time.Duration(n)*time.Second)) || !e.Collected.Equal(accepted[0].Collected) {
			t.Errorf("number %d: %s, %s, collected %s, want that of %s", n, e.LogType, e.Entry, e.Collected, accepted[0].Collected)
		}
	}
	if bodies := r.api.Bodies(); !strings.Contains(bodies[len(bodies)-1], "/forwarders/f1") {
		t.Error("the forwarder is not named")
	}
}

// TestResendCutAtEveryCall lets the process die at each call to the spool, before
// it is done and after: nothing is lost, and what comes again has its id.
func TestResendCutAtEveryCall(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		for _, after := range []bool{false, true} {
			at := 1
			for resendCut(t, udm, at, after) {
				at++
			}
			if at < 10 {
				t.Errorf("died at %d calls only", at-1)
			}
		}
	})
}

func resendCut(t *testing.T, udm bool, at int, after bool) (died bool) {
	t.Helper()
	r, refuse := refusing(t, udm)
	refuse(33)
	calls := 0
	r.bucket = func(b collector.Bucket) collector.Bucket {
		return &breaking{Bucket: b, at: at, after: after, calls: &calls}
	}
	_, _, err := r.resend(t.Context(), nil)
	if err != nil && !errors.Is(err, errDead) {
		t.Fatalf("call %d: %v", at, err)
	}
	r.bucket = nil
	if _, left, err := r.resend(t.Context(), nil); err != nil || len(left) != 1 {
		t.Fatalf("the run after call %d: %+v, %v", at, left, err)
	}
	times := make(map[string]int)
	for _, e := range r.api.Accepted() {
		times[e.ID]++
	}
	var got []int
	for _, id := range r.ids() {
		got = append(got, min(times[id], 2))
	}
	again := slices.Contains(got, 2)
	for i := range got {
		got[i] = min(got[i], 1)
	}
	if diff := cmp.Diff([]int{1, 0, 1, 1}, got); diff != "" {
		t.Fatalf("call %d: dead letters that were accepted (-want +got):\n%s", at, diff)
	}
	if again && err == nil {
		t.Errorf("an event came twice, though nothing died")
	}
	// The wanted ids are one each, with the same bytes.
	r.stats.Repeated.Add(4)
	r.want(33)
	return err != nil
}

// TestResendFails ends at an error that is not about the content, with nothing
// marked that was not accepted.
func TestResendFails(t *testing.T) {
	for name, tc := range map[string]struct {
		fate secopstest.Fate
		is   error
	}{
		"denied":      {secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED"}, secops.ErrDenied},
		"unavailable": {secopstest.Fate{Status: 503, Code: "UNAVAILABLE"}, secops.ErrUnavailable},
		"a proxy":     {secopstest.Fate{Body: text("<html>")}, secops.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			var failing atomic.Bool
			var r *rig
			r = newRig(t, true, secopstest.Config{
				Next: func(int) secopstest.Fate {
					if failing.Load() {
						return tc.fate
					}
					return secopstest.Fate{}
				},
				Bad: func(e secopstest.Event) string {
					if len(r.letters()) > 0 {
						return ""
					}
					return bad(&r, 3, 9)(e)
				},
			})
			r.source.n = 20
			r.mustRun()
			failing.Store(true)
			if done, _, err := r.resend(t.Context(), nil); !errors.Is(err, tc.is) || done.Accepted != 0 {
				t.Errorf("%+v, %v", done, err)
			}
			if marks := r.marks(); len(marks) > 0 {
				t.Errorf("marks are %q", marks)
			}
			failing.Store(false)
			if done, _, err := r.resend(t.Context(), nil); err != nil || done.Accepted != 2 {
				t.Errorf("after the cure: %+v, %v", done, err)
			}
			r.stats.Repeated.Add(100) // a proxy's answer does not say that nothing was taken
			r.want()
		})
	}
}

// TestResendWithoutToken counts no request where none could be sent.
func TestResendWithoutToken(t *testing.T) {
	r, _ := refusing(t, true)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	if done, _, err := r.resend(t.Context(), nil); !errors.Is(err, secops.ErrCredentials) || done.Requests != 0 || done.Accepted != 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestResendLeavesUnnamedLetters does not send what a run has left that was cut off:
// its events were pushed by the next one.
func TestResendLeavesUnnamedLetters(t *testing.T) {
	r, refuse := refusing(t, true)
	refuse()
	for _, name := range []string{"dead/000000000002.ndjson", "dead/000000000001-0123456789abcdef.ndjson", "dead/000000000009.ndjson", "dead/other.ndjson"} {
		if err := os.WriteFile(filepath.Join(r.root, name), []byte("not even JSON\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if done, _, err := r.resend(t.Context(), nil); err != nil || done.Letters != 4 || done.Accepted != 4 {
		t.Errorf("%+v, %v", done, err)
	}
	r.want()
}

// TestResendRefusesDamage says which object was altered.
func TestResendRefusesDamage(t *testing.T) {
	for name, tc := range map[string]struct{ file, text string }{
		"letters":          {"dead/000000000001.ndjson", "{\n"},
		"cut at a line":    {"dead/000000000001.ndjson", `{"sequence":1,"index":0,"id":"x","event":{}}` + "\n"},
		"emptied":          {"dead/000000000001.ndjson", ""},
		"another's letter": {"dead/000000000001.ndjson", `{"sequence":2,"index":0,"id":"x","event":{}}` + "\n"},
		"a mark":           {"resent/000000000001-20260101T000000.000Z-00000000.json", "{\n"},
		"the note":         {"pushed/000000000001.json", "{\n"},
		"a method":         {"pushed/000000000001.json", `{"version":1,"sequence":1,"method":"projects/p/x:import","raw_sha256":"0","dead_letters":"dead/000000000001.ndjson"}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r, refuse := refusing(t, true)
			refuse()
			path := filepath.Join(r.root, filepath.FromSlash(tc.file))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			done, _, err := r.resend(t.Context(), nil)
			if !errors.Is(err, collector.ErrForeign) || !strings.Contains(err.Error(), tc.file) || done.Accepted > 0 {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
}
