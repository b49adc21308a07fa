package secops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
)

func TestParseInstance(t *testing.T) {
	const id = "0c1d3e5f-1234-4abc-9def-0123456789ab"
	for _, s := range []string{"secops://example-project/eu/" + id, "projects/example-project/locations/eu/instances/" + id} {
		got, err := secops.ParseInstance(s)
		if err != nil || got != instance {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"secops://p/eu":                 "want secops://PROJECT/LOCATION/INSTANCE",
		"secops://P/eu/" + id:           "the project is an id",
		"secops://p/e_u/" + id:          "the location is a region",
		"secops://p/eu/mine":            "the instance is the customer id",
		"secops://p/eu/" + id + "/more": "want secops://",
		"projects/p/locations/eu":       "want secops://",
	} {
		if _, err := secops.ParseInstance(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", s, err, want)
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	for s, ok := range map[string]bool{
		"":                                    true,
		"https://us-chronicle.googleapis.com": true,
		"https://chronicle.us.rep.googleapis.com/v1": true,
		"http://127.0.0.1:8080":                      true,
		"http://localhost:8080/v1beta":               true,
		"http://example.com":                         false,
		"https://u:canary@example.com":               false,
		"https://example.com/?key=x":                 false,
		"example.com":                                false,
	} {
		if err := secops.CheckEndpoint(s); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func modes(t *testing.T, test func(t *testing.T, udm bool)) {
	for _, udm := range []bool{false, true} {
		t.Run(map[bool]string{false: "raw", true: "udm"}[udm], func(t *testing.T) { test(t, udm) })
	}
}

// TestPush pushes everything once and in order, and keeps it at the spool.
func TestPush(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		r := newRig(t, udm, secopstest.Config{})
		for _, n := range []int{0, 1, 250, 250, 1234} {
			r.source.n = n
			r.mustRun()
		}
		r.want()
		last := 0
		for _, e := range r.api.Accepted() {
			if n := r.number(e); n <= last {
				t.Fatalf("event %d came behind %d", n, last)
			} else {
				last = n
			}
			if !udm && (e.LogType != "NUMBERS" || !e.Entry.Equal(begin.Add(time.Duration(last)*time.Second)) || e.Collected.Before(begin.Add(24*time.Hour))) {
				t.Fatalf("event %+v", e)
			}
		}
		if n := int64(len(r.api.Accepted())); r.stats.Accepted.Load() != n || r.stats.Repeated.Load() != 0 || r.stats.Dead.Load() != 0 || r.stats.Bytes.Load() == 0 {
			t.Errorf("counted %d accepted of %d, %d repeated, %d dead", r.stats.Accepted.Load(), n, r.stats.Repeated.Load(), r.stats.Dead.Load())
		}
		var note struct {
			Accepted, Events int
			Requests         []struct{ Answer string }
		}
		if err := json.Unmarshal([]byte(r.read("pushed/000000000002.json")), &note); err != nil {
			t.Fatal(err)
		}
		if note.Accepted == 0 || note.Accepted != note.Events || len(note.Requests) != 1 || note.Requests[0].Answer != "{}" {
			t.Errorf("note is %+v", note)
		}
	})
}

// TestSameIDs collects twice into two spools, in batches of another size: the ids
// are those of the events.
func TestSameIDs(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		r := newRig(t, udm, secopstest.Config{})
		r.source.n = 200
		r.mustRun()
		r.root, r.batch = t.TempDir(), 30
		r.stats.Repeated.Store(200) // these are meant
		r.mustRun()
		if n := len(r.api.Accepted()); n < 300 {
			t.Fatalf("%d events", n)
		}
		r.want()
	})
}

// TestSize cuts requests below the limit, counts what base64 adds, and sets aside
// what no request can hold.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("composes and checks 40 MB of requests")
	}
	modes(t, func(t *testing.T, udm bool) {
		r := newRig(t, udm, secopstest.Config{})
		r.source.n = 2300
		r.batch = 10_000
		sizes := map[int]int{500: 3_800_000, 501: 2_800_000, 1000: 3_999_900, 2000: 2_923_000, 2001: 3_950_000}
		r.source.fill = func(i int) int {
			if n, ok := sizes[i]; ok {
				return n
			}
			return i % 100 * 90
		}
		r.mustRun()
		most := 0
		for _, b := range r.api.Bodies() {
			most = max(most, len(b))
		}
		if most >= 4_000_000 || most < 3_800_000 {
			t.Errorf("the largest request has %d bytes", most)
		}
		large := []int{500, 1000, 2001}
		if udm {
			large = []int{1000, 2001}
		}
		r.want(large...)
		letters := r.letters()
		if len(letters) != len(large) || r.stats.Dead.Load() != int64(len(large)) {
			t.Fatalf("%d dead letters, counted %d", len(letters), r.stats.Dead.Load())
		}
		if reason := letters[0]["reason"].(string); !strings.HasPrefix(reason, "not sent: a request with this event alone has ") {
			t.Errorf("reason %q", reason)
		}
	})
}

// TestForwarder names a forwarder with raw lines.
func TestForwarder(t *testing.T) {
	r := newRig(t, false, secopstest.Config{})
	r.source.n, r.config.Forwarder = 3, "f-1"
	r.mustRun()
	if body := r.api.Bodies()[0]; !strings.HasSuffix(body, `],"forwarder":"`+instance.Name()+`/forwarders/f-1"}}`) {
		t.Errorf("request ends in %s", body[len(body)-100:])
	}
	r.config.Forwarder = "a/b"
	if _, err := secops.New(r.config); err == nil {
		t.Error("a name with a slash was taken")
	}
}

func text(s string) *string { return &s }

// TestFates lets one import fail in each way, and then all of them.
func TestFates(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was sent elsewhere, with %d headers", r.URL, len(r.Header))
	}))
	defer elsewhere.Close()
	for name, tc := range map[string]struct {
		fate secopstest.Fate
		// once is whether a repeat cures it, is what comes of it if it stays, and
		// applied says that the events arrive each time.
		cured   bool
		is      error
		applied bool
	}{
		"quota":               {fate: secopstest.Fate{Status: 429, Code: "RESOURCE_EXHAUSTED", Reason: "RATE_LIMIT_EXCEEDED"}, cured: true, is: secops.ErrUnavailable},
		"internal":            {fate: secopstest.Fate{Status: 500, Code: "INTERNAL"}, cured: true, is: secops.ErrUnavailable},
		"bad gateway":         {fate: secopstest.Fate{Status: 502, Body: text("<html>")}, cured: true, is: secops.ErrUnavailable},
		"unavailable":         {fate: secopstest.Fate{Status: 503, Code: "UNAVAILABLE"}, cured: true, is: secops.ErrUnavailable},
		"deadline":            {fate: secopstest.Fate{Status: 504, Code: "DEADLINE_EXCEEDED"}, cured: true, is: secops.ErrUnavailable},
		"reset":               {fate: secopstest.Fate{Reset: true}, cured: true, is: secops.ErrUnavailable},
		"lost answer":         {fate: secopstest.Fate{Lose: true}, cured: true, is: secops.ErrUnavailable, applied: true},
		"answer cut off":      {fate: secopstest.Fate{Cut: true}, cured: true, is: secops.ErrUnavailable, applied: true},
		"truncated JSON":      {fate: secopstest.Fate{Body: text("{\"x\":")}, cured: true, is: secops.ErrAnswer, applied: true},
		"login page":          {fate: secopstest.Fate{Body: text("<html>sign in</html>")}, cured: true, is: secops.ErrAnswer, applied: true},
		"error with 200":      {fate: secopstest.Fate{Body: text(`{"error":{"code":400}}`)}, cured: true, is: secops.ErrAnswer, applied: true},
		"a list with 200":     {fate: secopstest.Fate{Body: text(`[]`)}, cured: true, is: secops.ErrAnswer, applied: true},
		"null with 200":       {fate: secopstest.Fate{Body: text(`null`)}, cured: true, is: secops.ErrAnswer, applied: true},
		"another count":       {fate: secopstest.Fate{Body: text(`{"successCount":1}`)}, cured: true, is: secops.ErrAnswer, applied: true},
		"redirect":            {fate: secopstest.Fate{Status: 307, Header: http.Header{"Location": {elsewhere.URL}}, Body: text("")}, is: secops.ErrAnswer},
		"HTML with 400":       {fate: secopstest.Fate{Status: 400, Body: text("<html>Bad Request</html>")}, is: secops.ErrAnswer},
		"denied":              {fate: secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "IAM_PERMISSION_DENIED"}, is: secops.ErrDenied},
		"disabled":            {fate: secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED", Reason: "SERVICE_DISABLED"}, is: secops.ErrDenied},
		"denied by a proxy":   {fate: secopstest.Fate{Status: 403, Body: text("<html>no</html>")}, is: secops.ErrAnswer},
		"a gateway's error":   {fate: secopstest.Fate{Status: 400, Body: text(`{"error":"blocked by policy"}`)}, is: secops.ErrAnswer},
		"a gateway's message": {fate: secopstest.Fate{Status: 400, Body: text(`{"code":"bad_request","message":"no"}`)}, is: secops.ErrAnswer},
		"a gateway's code":    {fate: secopstest.Fate{Status: 400, Body: text(`{"error":{"code":400,"message":"no"}}`)}, is: secops.ErrRequest},
		"not found":           {fate: secopstest.Fate{Status: 404, Code: "NOT_FOUND"}, is: secops.ErrNotFound},
		"wrong path":          {fate: secopstest.Fate{Status: 404, Body: text("<html>")}, is: secops.ErrNotFound},
		"precondition":        {fate: secopstest.Fate{Status: 400, Code: "FAILED_PRECONDITION"}, is: secops.ErrRequest},
		"conflict":            {fate: secopstest.Fate{Status: 409, Code: "ABORTED"}, is: secops.ErrRequest},
		"not implemented":     {fate: secopstest.Fate{Status: 501, Code: "UNIMPLEMENTED"}, is: secops.ErrRequest},
		"a proxy's 501":       {fate: secopstest.Fate{Status: 501, Body: text("<html>")}, is: secops.ErrAnswer},
		"unauthenticated":     {fate: secopstest.Fate{Status: 401, Code: "UNAUTHENTICATED"}, is: secops.ErrCredentials},
		"everything refused":  {fate: secopstest.Fate{Status: 400, Code: "INVALID_ARGUMENT"}, is: secops.ErrRefused},
		"everything too long": {fate: secopstest.Fate{Status: 413, Body: text("<html>")}, is: secops.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			var failing atomic.Bool
			var calls atomic.Int64
			r := newRig(t, false, secopstest.Config{Next: func(n int) secopstest.Fate {
				calls.Add(1)
				if failing.Load() || n == 1 && tc.cured {
					return tc.fate
				}
				return secopstest.Fate{}
			}})
			r.source.n = 250
			r.mustRun()
			r.want()
			failing.Store(true)
			before, sequence := len(r.api.Accepted()), r.sequence()
			calls.Store(0)
			r.source.n = 300
			_, err := r.run(t.Context())
			if !errors.Is(err, tc.is) {
				t.Fatalf("the run ends with %v, want %v", err, tc.is)
			}
			if n := calls.Load(); n > 40 {
				t.Errorf("%d imports before it gave up", n)
			}
			if r.sequence() != sequence || r.read("pushed/000000000004.json") != "" || len(r.letters()) > 0 {
				t.Error("something has moved although nothing was accepted")
			}
			if after := len(r.api.Accepted()); (after > before) != tc.applied {
				t.Errorf("%d events arrived", after-before)
			}
			failing.Store(false)
			r.mustRun()
			r.want()
			if tc.applied && r.stats.Repeated.Load() == 0 {
				t.Error("no repeat was counted")
			}
		})
	}
}

// TestRepeatIsIdentical demands the same bytes of each repeat, of a try and of a
// run.
func TestRepeatIsIdentical(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		var fail atomic.Bool
		fail.Store(true)
		r := newRig(t, udm, secopstest.Config{Next: func(int) secopstest.Fate { return secopstest.Fate{Lose: fail.Load()} }})
		r.source.n = 50
		for range 3 {
			if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		fail.Store(false)
		r.mustRun()
		bodies := r.api.Bodies()
		if len(bodies) != 13 {
			t.Errorf("%d requests, want 3 times 4 and 1", len(bodies))
		}
		for i, b := range bodies {
			if b != bodies[0] {
				t.Fatalf("request %d differs from the first:\n%.300s\n%.300s", i+1, b, bodies[0])
			}
		}
		r.want()
	})
}

// bad refuses some numbers.
func bad(r **rig, numbers ...int) func(secopstest.Event) string {
	return func(e secopstest.Event) string {
		for _, n := range numbers {
			if (*r).number(e) == n {
				return fmt.Sprintf("generic::invalid_argument: udm validation failed: number %d", n)
			}
		}
		return ""
	}
}

// TestDeadLetters finds what is refused, keeps it with the server's words, and
// pushes all else, once.
func TestDeadLetters(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		var r *rig
		refused := []int{1, 13, 64, 65, 66, 100, 101, 300}
		r = newRig(t, udm, secopstest.Config{Bad: bad(&r, refused...)})
		r.source.n = 300
		r.mustRun()
		r.want(refused...)
		if n := r.stats.Repeated.Load(); n != 0 {
			t.Errorf("%d events were repeated", n)
		}
		letters := r.letters()
		if len(letters) != len(refused) || r.stats.Dead.Load() != int64(len(refused)) {
			t.Fatalf("%d dead letters, counted %d", len(letters), r.stats.Dead.Load())
		}
		l := letters[1]
		if l["reason"] != fmt.Sprintf("INVALID_ARGUMENT: events[0]: generic::invalid_argument: udm validation failed: number %d", 13) ||
			l["status"] != 400.0 || l["sequence"] != 1.0 || len(l["id"].(string)) < 32 || l["event"] == nil {
			t.Errorf("letter is %v", l)
		}
		if record, ok := l["record"].(map[string]any); ok != udm || ok && record["id"] != "13" {
			t.Errorf("record is %v", l["record"])
		}
		if l["index"] != map[bool]float64{false: 12, true: 11}[udm] {
			t.Errorf("index is %v", l["index"])
		}
		if !strings.Contains(r.log.String(), "events were set aside") {
			t.Errorf("the log says\n%s", r.log.String())
		}
	})
}

// TestTooManyRefused stops where a fault is of all events, at a bounded cost, and
// goes on when it is cured or allowed.
func TestTooManyRefused(t *testing.T) {
	var wrong atomic.Bool
	wrong.Store(true)
	r := newRig(t, false, secopstest.Config{Bad: func(secopstest.Event) string {
		if wrong.Load() {
			return "unknown log type"
		}
		return ""
	}})
	r.source.n, r.batch = 5000, 5000
	for range 3 {
		_, err := r.run(t.Context())
		if !errors.Is(err, secops.ErrRefused) || !strings.Contains(err.Error(), "unknown log type") {
			t.Fatalf("the run ends with %v", err)
		}
	}
	if n := len(r.api.Bodies()); n > 3*40 {
		t.Errorf("%d requests in 3 runs", n)
	}
	if len(r.letters()) > 0 || r.read("pushed/000000000001.json") != "" {
		t.Error("events were set aside")
	}
	wrong.Store(false)
	r.mustRun()
	r.want()
	wrong.Store(true)
	r.source.n, r.dead = 5030, 30
	r.mustRun()
	if n := len(r.letters()); n != 30 {
		t.Errorf("%d dead letters, 30 are allowed and there", n)
	}
}

// TestTooManyOfABatch stops where every second event is refused, which is never
// many in a row.
func TestTooManyOfABatch(t *testing.T) {
	var r *rig
	odd := func(e secopstest.Event) string {
		if r.number(e)%2 == 1 {
			return "odd"
		}
		return ""
	}
	r = newRig(t, false, secopstest.Config{Bad: odd})
	r.source.n, r.batch = 300, 1000
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrRefused) || !strings.Contains(err.Error(), "101 of batch 1") {
		t.Fatalf("the run ends with %v", err)
	}
	r.dead = 150
	r.mustRun()
	var refused []int
	for i := 1; i < 300; i += 2 {
		refused = append(refused, i)
	}
	r.want(refused...)
	if n := len(r.letters()); n != 150 || len(r.api.Accepted()) != 150 {
		t.Errorf("%d dead letters, %d accepted", n, len(r.api.Accepted()))
	}
}

// TestRefusedRow counts across batches, so that small ones cannot set everything
// aside one by one.
func TestRefusedRow(t *testing.T) {
	var wrong atomic.Bool
	wrong.Store(true)
	r := newRig(t, false, secopstest.Config{Bad: func(secopstest.Event) string {
		if wrong.Load() {
			return "schema"
		}
		return ""
	}})
	for r.source.n = 1; r.source.n <= 10; r.source.n++ {
		r.mustRun()
	}
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrRefused) || !strings.Contains(err.Error(), "11 in a row") {
		t.Fatalf("the run ends with %v", err)
	}
	if n := len(r.letters()); n != 10 {
		t.Errorf("%d dead letters", n)
	}
	wrong.Store(false)
	r.mustRun()
	r.want(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
}

// TestNoneRefused allows no dead letter at all.
func TestNoneRefused(t *testing.T) {
	var r *rig
	r = newRig(t, false, secopstest.Config{Bad: bad(&r, 5)})
	r.source.n, r.dead = 10, -1
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrRefused) {
		t.Fatalf("the run ends with %v", err)
	}
	r.dead = 0
	r.mustRun()
	r.want(5)
}

// TestSettingsChangeWithinABatch goes on with a batch under settings that frame it
// otherwise: what was accepted is not sent again.
func TestSettingsChangeWithinABatch(t *testing.T) {
	r := newRig(t, false, secopstest.Config{Next: func(n int) secopstest.Fate {
		if n == 2 {
			return secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED"}
		}
		return secopstest.Fate{}
	}})
	r.source.n, r.batch = 2500, 10_000
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrDenied) {
		t.Fatal(err)
	}
	r.config.Forwarder = "f-1"
	r.mustRun()
	r.want()
	times := make(map[string]int)
	for _, e := range r.api.Accepted() {
		if times[e.ID]++; times[e.ID] > 1 {
			t.Fatalf("event %d was sent twice", r.number(e))
		}
	}
}

// TestAcceptedPartsStay ends a run within a batch: what was accepted is not sent
// again by the next one.
func TestAcceptedPartsStay(t *testing.T) {
	if testing.Short() {
		t.Skip("pushes 4,500 events some dozen times")
	}
	modes(t, func(t *testing.T, udm bool) {
		var r *rig
		var deny atomic.Int64
		deny.Store(2)
		r = newRig(t, udm, secopstest.Config{Bad: bad(&r, 1500), Next: func(n int) secopstest.Fate {
			if int64(n) >= deny.Load() {
				return secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED"}
			}
			return secopstest.Fate{}
		}})
		r.source.n, r.batch = 4500, 10_000
		for ; deny.Load() < 300; deny.Add(6) {
			if _, err := r.run(t.Context()); err == nil {
				break
			} else if !errors.Is(err, secops.ErrDenied) {
				t.Fatal(err)
			}
		}
		r.want(1500)
		if seen, accepted := r.stats.Accepted.Load(), int64(len(r.api.Accepted())); seen != accepted {
			t.Errorf("%d accepted, counted %d", accepted, seen)
		}
		times := make(map[string]int)
		for _, e := range r.api.Accepted() {
			if times[e.ID]++; times[e.ID] > 1 {
				t.Fatalf("event %d was sent twice", r.number(e))
			}
		}
		if r.runs < 3 {
			t.Errorf("%d runs only", r.runs)
		}
	})
}

// TestCutAtEveryCall lets the process die at each call to the spool, before it is
// done and after, and once more in the run after that.
func TestCutAtEveryCall(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("after=%t", after), func(t *testing.T) {
				t.Parallel() // they mostly wait for the disk
				at, step := 1, 1
				if testing.Short() {
					step = 7
				}
				for cutTwice(t, udm, at, after) {
					at += step
				}
				if at < 40 {
					t.Errorf("died at %d calls only", at)
				}
			})
		}
	})
}

// cutTwice reports whether the first run has died, which it does not when it makes
// fewer calls.
func cutTwice(t *testing.T, udm bool, at int, after bool) (died bool) {
	t.Helper()
	var r *rig
	r = newRig(t, udm, secopstest.Config{Bad: bad(&r, 5, 33)})
	r.source.n, r.batch = 50, 20
	for i, at := range []int{at, 1 + at%9} {
		calls := 0
		r.bucket = func(b collector.Bucket) collector.Bucket {
			return &breaking{Bucket: b, at: at, after: after, calls: &calls}
		}
		_, err := r.run(t.Context())
		if err != nil && !errors.Is(err, errDead) {
			t.Fatalf("call %d: %v", at, err)
		}
		died = died || i == 0 && err != nil
	}
	r.bucket = nil
	r.source.n = 55
	r.mustRun()
	r.want(5, 33)
	r.wantSpool()
	return died
}

// wantSpool demands that Verify finds nothing, and that each batch is noted.
func (r *rig) wantSpool() {
	r.t.Helper()
	b, err := dir.Open(r.root)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := collector.Verify(r.t.Context(), &collector.Objects{Bucket: b, Layout: collector.RootLayout(), Identify: r.source.Record},
		[]byte(r.read("state.json")), func(f collector.Finding) { r.t.Errorf("Verify: %+v", f) })
	if err != nil || v.Records != int64(r.source.n) {
		r.t.Errorf("Verify: %+v, %v", v, err)
	}
	for n := int64(1); n < r.sequence(); n++ {
		if r.read(fmt.Sprintf("pushed/%012d.json", n)) == "" {
			r.t.Errorf("batch %d is not noted", n)
		}
	}
}

// TestRebuild loses the state between the manifest and the push: the batch is
// pushed by the run that rebuilds it.
func TestRebuild(t *testing.T) {
	modes(t, func(t *testing.T, udm bool) {
		var deny atomic.Bool
		r := newRig(t, udm, secopstest.Config{Next: func(int) secopstest.Fate {
			if deny.Load() {
				return secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED"}
			}
			return secopstest.Fate{}
		}})
		r.source.n = 150
		r.mustRun()
		deny.Store(true)
		r.source.n = 180
		if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrDenied) {
			t.Fatal(err)
		}
		deny.Store(false)
		if err := os.Remove(filepath.Join(r.root, "state.json")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.run(t.Context()); !errors.Is(err, collector.ErrState) {
			t.Fatal(err)
		}
		r.rebuild = true
		r.mustRun()
		r.want()
		r.wantSpool()
		if n := len(r.api.Accepted()); n > 180 {
			t.Errorf("%d events arrived", n)
		}
	})
}

// TestNotedIsNotPushedAgain dies between the note and the state.
func TestNotedIsNotPushedAgain(t *testing.T) {
	r := newRig(t, false, secopstest.Config{})
	r.source.n = 40
	r.mustRun()
	before := r.read("state.json")
	r.source.n = 300
	r.mustRun()
	imports := len(r.api.Bodies())
	if err := os.WriteFile(filepath.Join(r.root, "state.json"), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	r.mustRun()
	if n := len(r.api.Bodies()); n != imports {
		t.Errorf("%d imports by the run after", n-imports)
	}
	r.want()
	r.wantSpool()
}

// TestClockBehind collects records that are younger than the machine's clock: the
// API wants each collected after it was made.
func TestClockBehind(t *testing.T) {
	r := newRig(t, false, secopstest.Config{})
	r.source.n, r.clock = 40, begin.Add(20*time.Second)
	r.mustRun()
	r.want()
}

// TestOtherLetters finds dead letters of a run that was cut off, to which the
// server has spoken otherwise: both are kept.
func TestOtherLetters(t *testing.T) {
	var r *rig
	r = newRig(t, false, secopstest.Config{Bad: bad(&r, 5)})
	r.source.n = 40
	if err := os.Mkdir(filepath.Join(r.root, "dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.root, "dead/000000000001.ndjson"), []byte("{\"sequence\":1,\"index\":3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.mustRun()
	r.want(5)
	letters := r.letters()
	if len(letters) != 2 || letters[0]["index"] == letters[1]["index"] {
		t.Errorf("letters are %v", letters)
	}
	if note := r.read("pushed/000000000001.json"); !strings.Contains(note, `"dead_letters":"dead/000000000001-`) {
		t.Errorf("note is %s", note)
	}
}

// TestSpoolGone takes the object of a batch away before it was pushed.
func TestSpoolGone(t *testing.T) {
	r := newRig(t, false, secopstest.Config{Next: func(int) secopstest.Fate {
		return secopstest.Fate{Status: 404, Code: "NOT_FOUND"}
	}})
	r.source.n = 10
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrNotFound) {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.root, "raw/000000000001.ndjson")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrSpool) {
		t.Fatalf("the run ends with %v", err)
	}
}

// TestDamagedNotes refuses notes that were altered, or stand where none was written.
func TestDamagedNotes(t *testing.T) {
	const first = `{"version":1,"sequence":2,"method":"x","collected":"2026-01-01T00:00:00Z"}`
	for name, files := range map[string]map[string]string{
		"done":              {"pushed/000000000002.json": "{"},
		"of another object": {"pushed/000000000002.json": `{"version":1,"sequence":2,"raw_sha256":"x"}`},
		"begun":             {"sending/000000000002.json": "{"},
		"begun at no time":  {"sending/000000000002.json": `{"version":1,"sequence":2}`},
		"request":           {"sending/000000000002.json": first, "sending/000000000002-000000-000010.json": "{"},
		"renamed request":   {"sending/000000000002.json": first, "sending/000000000002-000000-000010.json": `{"from":0,"to":9}`},
		"the batch before":  {"pushed/000000000001.json": "{"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, false, secopstest.Config{})
			r.source.n = 100
			r.mustRun()
			for file, text := range files {
				path := filepath.Join(r.root, file)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r.source.n = 150
			if _, err := r.run(t.Context()); !errors.Is(err, collector.ErrForeign) {
				t.Errorf("the run ends with %v", err)
			}
		})
	}
}

// TestTwoCollectors lets a second collector come while the first one pushes. One of
// them stops; what both have pushed has the same ids.
func TestTwoCollectors(t *testing.T) {
	var r *rig
	var once atomic.Bool
	second := make(chan error, 1)
	r = newRig(t, false, secopstest.Config{Around: func(req *http.Request, serve func()) {
		if strings.HasSuffix(req.URL.Path, ":import") && once.CompareAndSwap(false, true) {
			other := newRig(t, false, secopstest.Config{})
			other.root, other.config.Endpoint, other.source = r.root, r.api.URL, r.source
			_, err := other.run(context.Background())
			r.stats.Repeated.Add(other.stats.Repeated.Load())
			second <- err
		}
		serve()
	}})
	r.source.n = 80
	_, first := r.run(t.Context())
	if err := <-second; (first == nil) == (err == nil) {
		t.Fatalf("both end alike: %v, %v", first, err)
	} else if other := errors.Join(first, err); !errors.Is(other, collector.ErrConflict) {
		t.Errorf("the loser says %v", other)
	}
	r.mustRun()
	r.stats.Repeated.Add(80)
	r.want()
	r.wantSpool()
}

// TestChangedMode pushes a batch that was begun as logs as events, and says so.
func TestChangedMode(t *testing.T) {
	var deny atomic.Bool
	deny.Store(true)
	r := newRig(t, false, secopstest.Config{Next: func(n int) secopstest.Fate {
		if deny.Load() && n > 0 {
			return secopstest.Fate{Status: 403, Code: "PERMISSION_DENIED"}
		}
		return secopstest.Fate{}
	}})
	r.source.n, r.batch = 1500, 2000
	if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrDenied) {
		t.Fatal(err)
	}
	deny.Store(false)
	r.udm = true
	r.mustRun()
	if !strings.Contains(r.log.String(), "began_as=") {
		t.Errorf("the log says\n%s", r.log.String())
	}
	// Two of the logs, one of them denied, and two of the events: what is noted of
	// the logs does not cut the events in pieces.
	if n := len(r.api.Bodies()); n != 4 {
		t.Errorf("%d imports", n)
	}
	events := 0
	for _, e := range r.api.Accepted() {
		if e.LogType == "" {
			events++
		}
	}
	if events != 1500-1500/7 {
		t.Errorf("%d events, want all that map", events)
	}
}

// TestTokens fetches tokens by Application Default Credentials, and a new one where
// one was refused.
func TestTokens(t *testing.T) {
	var r *rig
	r = newRig(t, true, secopstest.Config{Tokens: true, Next: func(n int) secopstest.Fate {
		if n%2 == 1 {
			r.api.Expire()
		}
		return secopstest.Fate{}
	}})
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", r.api.Credentials(t))
	r.source.n = 450
	r.mustRun()
	r.want()
	if n := r.api.Tokens(); n < 2 || n > 4 {
		t.Errorf("%d tokens", n)
	}
	if n := r.stats.Repeated.Load(); n != 0 {
		t.Errorf("%d events were counted as repeated", n)
	}
	if strings.Contains(r.log.String(), secopstest.TokenSign) {
		t.Error("a token stands in the log")
	}
}

// TestTokenRefused ends a run whose fresh token is refused, too, or that gets none.
func TestTokenRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		status int
		is     error
		says   string
	}{
		"refused at the API": {`{"access_token":"` + secopstest.TokenSign + `x","expires_in":3600,"token_type":"Bearer"}`, 200, secops.ErrCredentials, "UNAUTHENTICATED"},
		"no grant":           {`{"error":"invalid_grant","error_description":"` + secopstest.TokenSign + `"}`, 400, secops.ErrCredentials, "the token endpoint answers 400 Bad Request, invalid_grant"},
		"token host fails":   {`oops ` + secopstest.TokenSign, 503, secops.ErrUnavailable, "the token endpoint answers 503"},
		"login page":         {`<html><title>Sign in</title>` + secopstest.TokenSign, 200, secops.ErrAnswer, `answers 200 OK with text/html that begins "<html><title>Sign in</title>...": a proxy`},
		"blocked by a proxy": {`<!DOCTYPE html><p>No.`, 403, secops.ErrAnswer, "answers 403 Forbidden with text/html"},
		"captive portal":     {``, 302, secops.ErrAnswer, "answers 302 Found with no content type and no content"},
		"a proxy's gateway":  {`<html>`, 502, secops.ErrUnavailable, "answers 502 Bad Gateway with text/html"},
		"a portal's JSON":    {`{"status":"sign in"}`, 200, secops.ErrAnswer, "answers 200 OK with JSON that holds no token: a proxy"},
		"a gateway's JSON":   {`{"message":"forbidden"}`, 403, secops.ErrAnswer, "with application/json that begins"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path != "/token" || strings.HasPrefix(tc.answer, "{") {
					w.Header().Set("Content-Type", "application/json")
				}
				if req.URL.Path == "/token" {
					calls.Add(1)
					w.WriteHeader(tc.status)
					fmt.Fprint(w, tc.answer)
					return
				}
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprintf(w, `{"error":{"code":401,"status":"UNAUTHENTICATED","message":"you sent %s"}}`, req.Header.Get("Authorization"))
			}))
			defer front.Close()
			r := newRig(t, false, secopstest.Config{})
			key := r.api.Credentials(t)
			replaceInFile(t, key, r.api.URL, front.URL)
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", key)
			r.config.Endpoint = front.URL
			r.source.n = 5
			_, err := r.run(t.Context())
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("the run ends with %v", err)
			}
			if strings.Contains(err.Error(), secopstest.TokenSign) {
				t.Errorf("the error shows a token: %v", err)
			}
			if n := calls.Load(); n < 1 || n > 4 {
				t.Errorf("%d calls for a token", n)
			}
		})
	}
	t.Run("no credentials", func(t *testing.T) {
		r := newRig(t, false, secopstest.Config{})
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
		r.source.n = 5
		if _, err := r.run(t.Context()); !errors.Is(err, secops.ErrCredentials) {
			t.Fatalf("the run ends with %v", err)
		}
	})
}

func replaceInFile(t *testing.T, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEcho pushes to an API that answers with what it was sent: no token is kept,
// and not all of a long answer.
func TestEcho(t *testing.T) {
	r := newRig(t, false, secopstest.Config{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token":"%sx","expires_in":3600,"token_type":"Bearer"}`, secopstest.TokenSign)
			return
		}
		fmt.Fprintf(w, `{"sent":%q,"more":%q}`, req.Header.Get("Authorization"), strings.Repeat("x", 10_000))
	}))
	defer front.Close()
	key := r.api.Credentials(t)
	replaceInFile(t, key, r.api.URL, front.URL)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", key)
	r.config.Endpoint = front.URL
	r.source.n, r.batch = 1500, 2000
	r.mustRun()
	for _, name := range []string{"pushed/000000000001.json", "sending/000000000001-000000-001000.json"} {
		note := r.read(name)
		if !strings.Contains(note, `Bearer [secret]`) || strings.Contains(note, secopstest.TokenSign) || len(note) > 4000 {
			t.Errorf("%s, %d bytes, holds %.1000s", name, len(note), note)
		}
	}
}

// TestQuotaProject names the project that the credentials want to count on, which
// Google demands of a person's own ones.
func TestQuotaProject(t *testing.T) {
	for name, tc := range map[string]struct{ member, env, want string }{
		"none":           {},
		"of the file":    {member: `"quota_project_id":"example-quota",`, want: "example-quota"},
		"of the machine": {member: `"quota_project_id":"example-quota",`, env: "example-other", want: "example-other"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			r := newRig(t, false, secopstest.Config{Tokens: true, Around: func(req *http.Request, serve func()) {
				if strings.HasSuffix(req.URL.Path, ":import") {
					got = append(got, req.Header.Get("X-Goog-User-Project"))
				}
				serve()
			}})
			key := r.api.Credentials(t)
			replaceInFile(t, key, `{"client_email"`, `{`+tc.member+`"client_email"`)
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", key)
			t.Setenv("GOOGLE_CLOUD_QUOTA_PROJECT", tc.env)
			r.source.n = 5
			r.mustRun()
			if !slices.Equal(got, []string{tc.want}) {
				t.Errorf("imports count on %q, want %q", got, tc.want)
			}
		})
	}
}

// TestCheckProxy does not take a proxy's word for one of Google's.
func TestCheckProxy(t *testing.T) {
	r := newRig(t, false, secopstest.Config{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"x","expires_in":3600,"token_type":"Bearer"}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<html>blocked</html>")
	}))
	defer front.Close()
	key := r.api.Credentials(t)
	replaceInFile(t, key, r.api.URL, front.URL)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", key)
	r.config.Endpoint = front.URL
	client, err := secops.New(r.config)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := client.Check(t.Context()); !errors.Is(err, secops.ErrAnswer) {
		t.Errorf("Check = %q, %v", said, err)
	}
}

// TestCheckWantsTheInstance accepts no 200 but that of the method which is called,
// and says what came.
func TestCheckWantsTheInstance(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, answer string
		says         string // "" where it is accepted
	}{
		"the instance":      {"application/json", fmt.Sprintf(`{"name":%q}`, instance.Name()), ""},
		"by its number":     {"application/json", fmt.Sprintf(`{"name":"projects/123456/locations/eu/instances/%s"}`, strings.ToUpper(instance.ID)), ""},
		"login page":        {"text/html; charset=utf-8", "<!DOCTYPE html>\n<title>Sign in</title> ya29.canary-0123", `got text/html that begins "<!DOCTYPE html> <title>Sign in</title> ..."`},
		"no instance":       {"application/json", `{"status":"ok"}`, `got application/json that begins "{\"status\":\"ok\"}"`},
		"another instance":  {"application/json", `{"name":"projects/p/locations/eu/instances/1c1d3e5f-1234-4abc-9def-0123456789ab"}`, "want the instance as JSON"},
		"another location":  {"application/json", `{"name":"projects/p/locations/us/instances/` + instance.ID + `"}`, "want the instance as JSON"},
		"a name of numbers": {"application/json", `{"name":7}`, "want the instance as JSON"},
		"a list":            {"application/json", `[]`, `begins "[]"`},
		"nothing":           {"", "", "no content"},
	} {
		t.Run(name, func(t *testing.T) {
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				fmt.Fprint(w, tc.answer)
			}))
			defer front.Close()
			client, err := secops.New(secops.Config{Instance: instance, Endpoint: front.URL})
			if err != nil {
				t.Fatal(err)
			}
			said, err := client.Check(t.Context())
			switch {
			case tc.says == "":
				if err != nil {
					t.Errorf("Check = %q, %v", said, err)
				}
			case !errors.Is(err, secops.ErrAnswer) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary"):
				t.Errorf("Check = %q, %v, want %s", said, err, tc.says)
			}
		})
	}
}

// TestDefaultVersion asks for the stable version unless the endpoint has another.
func TestDefaultVersion(t *testing.T) {
	for path, want := range map[string]string{"": "/v1/", "/": "/v1/", "/v1beta": "/v1beta/", "/v1alpha/": "/v1alpha/"} {
		var got atomic.Pointer[string]
		r := newRig(t, true, secopstest.Config{Around: func(req *http.Request, serve func()) {
			got.Store(&req.URL.Path)
			serve()
		}})
		r.config.Endpoint += path
		r.source.n = 5
		r.mustRun()
		if p := *got.Load(); p != want+instance.Name()+"/events:import" {
			t.Errorf("endpoint with %q: the import goes to %s", path, p)
		}
	}
}

// TestCheck proves what can be proven, and imports nothing.
func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		config secopstest.Config
		change func(*secops.Config)
		says   string
		is     error
	}{
		"all is well":    {config: secopstest.Config{Tokens: true}, says: "can be read; whether imports are allowed is not proven"},
		"may not read":   {config: secopstest.Config{Tokens: true, NoGet: true}, says: "it may not read the instance (chronicle.instances.get)"},
		"wrong instance": {change: func(c *secops.Config) { c.Instance.Location = "us" }, is: secops.ErrNotFound},
		"nobody there":   {change: func(c *secops.Config) { c.Endpoint = "http://127.0.0.1:1" }, is: secops.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, false, tc.config)
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", r.api.Credentials(t))
			if tc.change != nil {
				tc.change(&r.config)
				t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
			}
			client, err := secops.New(r.config)
			if err != nil {
				t.Fatal(err)
			}
			said, err := client.Check(t.Context())
			if !errors.Is(err, tc.is) || !strings.Contains(said, tc.says) {
				t.Errorf("Check = %q, %v", said, err)
			}
			if n := len(r.api.Bodies()); n != 0 {
				t.Errorf("%d imports", n)
			}
		})
	}
}

// TestRetryAfter waits as long as the API asks, within the budget.
func TestRetryAfter(t *testing.T) {
	r := newRig(t, false, secopstest.Config{Next: func(n int) secopstest.Fate {
		return secopstest.Fate{Status: 429, Code: "RESOURCE_EXHAUSTED", Header: http.Header{"Retry-After": {"3600"}}}
	}})
	r.source.n = 3
	r.config.Retry = rest.Retry{Base: time.Microsecond, Limit: time.Minute}
	_, err := r.run(t.Context())
	if !errors.Is(err, secops.ErrUnavailable) || !strings.Contains(err.Error(), "the next one in 1h0m0s") {
		t.Errorf("the run ends with %v", err)
	}
	if n := len(r.api.Bodies()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
