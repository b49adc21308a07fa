package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

func TestRunsContinueEachOther(t *testing.T) {
	r := newRig(t, nil)
	for _, n := range []int{0, 3, 7, 0, 1, 25, 10, 20, 0} {
		r.grow(n)
		stats := r.mustRun(settings{})
		if got := stats.Events.Load(); got != int64(n) {
			t.Errorf("%d events collected, want %d", got, n)
		}
		if got := stats.Duplicates.Load(); got != 0 {
			t.Errorf("%d events answered twice", got)
		}
	}
	r.wantLog()
}

func TestBatches(t *testing.T) {
	for name, options := range map[string]collector.Options{
		"all in one":         {},
		"one record each":    {BatchRecords: 1},
		"across pages":       {BatchRecords: 25},
		"within a page":      {BatchRecords: 7},
		"by bytes":           {BatchBytes: 5000},
		"smaller than one":   {BatchBytes: 1},
		"with overlap":       {BatchRecords: 7, Overlap: time.Minute},
		"with kept pages":    {BatchRecords: 7, KeepPages: true},
		"a page at a time":   {BatchRecords: 10},
		"pages, one batch":   {KeepPages: true},
		"bytes and overlap":  {BatchBytes: 5000, Overlap: time.Hour},
		"overlap of nothing": {Overlap: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(63)
			r.mustRun(settings{options: options})
			r.grow(20)
			r.mustRun(settings{options: options})
			r.wantLog()
		})
	}
}

func TestMaxRecordsIsExact(t *testing.T) {
	r := newRig(t, nil)
	r.grow(64)
	for _, want := range []struct {
		events int64
		more   bool
	}{{25, true}, {25, true}, {14, false}, {0, false}} {
		stats := r.mustRun(settings{options: collector.Options{MaxRecords: 25, BatchRecords: 10}})
		if got := stats.Events.Load(); got != want.events || stats.More.Load() != want.more {
			t.Errorf("%d events collected, more %t; want %+v", got, stats.More.Load(), want)
		}
	}
	// One that ends with a page has not read the next one.
	r.grow(20)
	if stats := r.mustRun(settings{options: collector.Options{MaxRecords: 10}}); stats.Events.Load() != 10 || !stats.More.Load() {
		t.Errorf("%d events collected, more %t", stats.Events.Load(), stats.More.Load())
	}
	r.mustRun(settings{})
	// A run that ends just at the log's end has left nothing.
	r.grow(25)
	if stats := r.mustRun(settings{options: collector.Options{MaxRecords: 25}}); stats.Events.Load() != 25 || stats.More.Load() {
		t.Errorf("%d events collected, more %t", stats.Events.Load(), stats.More.Load())
	}
	r.wantLog()
}

func TestGzip(t *testing.T) {
	r := newRig(t, nil)
	r.grow(12)
	compress := func(o *collector.Objects) { o.Gzip = true }
	r.mustRun(settings{sink: compress})
	r.grow(5)
	r.mustRun(settings{})
	v := r.verify()
	if v.Records != 17 || v.Batches != 2 {
		t.Errorf("verified %d records in %d batches, want 17 in 2", v.Records, v.Batches)
	}
	if _, err := os.Stat(filepath.Join(r.root, "raw", "000000000001.ndjson.gz")); err != nil {
		t.Error(err)
	}
}

// upper is a Normalizer that is easy to check: even lines in upper case, odd
// ones rejected.
func upper(_ context.Context, raw []byte) (udm, rejects []byte, err error) {
	for i, line := range bytes.SplitAfter(raw, []byte("\n")) {
		switch {
		case len(line) == 0:
		case i%2 == 0:
			udm = append(udm, bytes.ToUpper(line)...)
		default:
			rejects = append(rejects, line...)
		}
	}
	return udm, rejects, nil
}

func TestNormalize(t *testing.T) {
	r := newRig(t, nil)
	r.grow(25)
	s := settings{sink: func(o *collector.Objects) { o.Normalize = upper }, options: collector.Options{BatchRecords: 10}}
	stats := r.mustRun(s)
	if got := stats.Rejected.Load(); got != 12 {
		t.Errorf("%d rejected, want 12", got)
	}
	r.wantLog()
	var udm, rejects []string
	for i, line := range r.collected() {
		if i%10%2 == 0 {
			udm = append(udm, strings.ToUpper(line))
		} else {
			rejects = append(rejects, line)
		}
	}
	if diff := cmp.Diff(linesBelow(t, r.open(), "udm/"), udm); diff != "" {
		t.Errorf("udm (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(linesBelow(t, r.open(), "rejects/"), rejects); diff != "" {
		t.Errorf("rejects (-got +want):\n%s", diff)
	}
}

func TestFailedNormalizeIsMadeUpFor(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	broken := errors.New("broken")
	_, err := r.run(settings{sink: func(o *collector.Objects) {
		o.Normalize = func(context.Context, []byte) ([]byte, []byte, error) { return nil, nil, broken }
	}})
	if !errors.Is(err, broken) {
		t.Fatalf("error is %v, want %v", err, broken)
	}
	r.grow(5)
	r.mustRun(settings{sink: func(o *collector.Objects) { o.Normalize = upper }})
	r.wantLog()
	if got := len(linesBelow(t, r.open(), "udm/")); got != 6 {
		t.Errorf("%d UDM events, want 3 of each batch", got)
	}
}

func TestSince(t *testing.T) {
	for name, tc := range map[string]struct {
		since time.Time
		from  int // index of the first event wanted
	}{
		"in the middle":      {begin.Add(30 * time.Second), 30},
		"between two events": {begin.Add(30*time.Second + 1), 31},
		"before all":         {begin.Add(-time.Hour), 0},
		"the first event":    {begin, 0},
		"after all":          {begin.Add(time.Hour), 64},
		"on a page's edge":   {begin.Add(54 * time.Second), 54},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(64)
			since := settings{options: collector.Options{Since: tc.since, Overlap: time.Minute}}
			r.mustRun(since)
			r.grow(8)
			r.mustRun(since)
			var want []simulator.Entry
			for i := tc.from; i < r.log.Len(); i++ {
				want = append(want, r.log.At(i))
			}
			r.want(want)
		})
	}
}

func TestSinceIsNotMisledByALateEvent(t *testing.T) {
	r := newRig(t, nil)
	late := r.next(1)
	r.made = 1000
	r.grow(30)
	r.log.Insert(20, late...)
	r.mustRun(settings{options: collector.Options{Since: begin.Add(1005 * time.Second)}})
	var want []simulator.Entry
	for i := 5; i < r.log.Len(); i++ {
		want = append(want, r.log.At(i))
	}
	r.want(want)
}

// TestLateEvents inserts events before the cursor, where no page after it shows
// them.
func TestLateEvents(t *testing.T) {
	r := newRig(t, nil)
	r.grow(10)
	late := r.next(2)
	r.grow(20)
	s := settings{options: collector.Options{Overlap: time.Hour}}
	r.mustRun(s)
	r.log.Insert(10, late...)
	stats := r.mustRun(s)
	if stats.Late.Load() != 2 {
		t.Errorf("%d late events, want 2", stats.Late.Load())
	}
	r.grow(3)
	r.mustRun(s)
	var want []simulator.Entry
	for i := range r.log.Len() {
		if i < 10 || i >= 12 && i < 32 {
			want = append(want, r.log.At(i))
		}
	}
	want = append(want, late...)
	want = append(want, r.log.At(32), r.log.At(33), r.log.At(34))
	r.want(want)
	r.verify()
}

func TestOldTimestampsAtTheEndOfTheLog(t *testing.T) {
	r := newRig(t, nil)
	old := r.next(5)
	r.grow(3000)
	s := settings{size: 1000, options: collector.Options{BatchRecords: 100}}
	r.mustRun(s)
	// They are older than anything that the state still remembers.
	r.log.Append(old...)
	r.mustRun(s)
	r.wantLog()
}

func TestDuplicatesAreDropped(t *testing.T) {
	r := newRig(t, nil)
	r.grow(20)
	r.mustRun(settings{})
	clean := r.log.Len()
	// The same events again: next to themselves, on another page, much later.
	r.log.Append(r.log.At(19), r.log.At(3))
	fresh := r.next(1)[0]
	r.log.Append(fresh, fresh, r.log.At(19))
	stats := r.mustRun(settings{})
	if got := stats.Duplicates.Load(); got != 4 {
		t.Errorf("%d duplicates, want 4", got)
	}
	want := []simulator.Entry{}
	for i := range clean {
		want = append(want, r.log.At(i))
	}
	r.want(append(want, fresh))
}

func TestInclusiveOffset(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.Inclusive = true })
	for range 4 {
		r.grow(13)
		r.mustRun(settings{options: collector.Options{Overlap: time.Hour}})
	}
	r.wantLog()
}

func TestPurgedCursor(t *testing.T) {
	for _, answer := range []string{"400", "404", "empty", "restart"} {
		t.Run(answer, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.Purged = answer })
			r.grow(30)
			s := settings{options: collector.Options{Overlap: time.Minute, BatchRecords: 5}}
			r.mustRun(s)
			want := []simulator.Entry{}
			for i := range r.log.Len() {
				want = append(want, r.log.At(i))
			}
			// All that was collected is gone, and more has come.
			r.made += 3600
			more := r.next(12)
			r.log.Append(more...)
			r.log.Purge(30)
			if _, err := r.run(s); !errors.Is(err, collector.ErrCursor) {
				t.Fatalf("error is %v, want %v", err, collector.ErrCursor)
			}
			s.options.FromStart = true
			r.mustRun(s)
			r.want(append(want, more...))
		})
	}
}

// TestSilentRestart answers all of the log again for a cursor that is lost.
func TestSilentRestart(t *testing.T) {
	r := newRig(t, nil)
	r.grow(3400)
	s := settings{size: 500, options: collector.Options{BatchRecords: 500}}
	r.mustRun(s)
	last := r.log.At(r.log.Len() - 1)
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q := req.URL.Query()
		if q.Get("offset") == last.ID {
			q.Del("offset")
			req.URL.RawQuery = q.Encode()
		}
		r.api.ServeHTTP(w, req)
	})
	r.grow(3)
	stats := r.mustRun(s)
	if got := stats.Duplicates.Load(); got != 3400 {
		t.Errorf("%d duplicates, want 3400", got)
	}
	r.wantLog()
}

func TestPagesInACircle(t *testing.T) {
	r := newRig(t, nil)
	r.grow(25)
	r.mustRun(settings{})
	// The server forgets every offset, and the last page leads to the first.
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q := req.URL.Query()
		q.Del("offset")
		req.URL.RawQuery = q.Encode()
		r.api.ServeHTTP(w, req)
	})
	if _, err := r.run(settings{}); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("error is %v, want one about a circle", err)
	}
	r.wantLog()
}

// TestStorm lets three calls in ten fail, in every way, for as many pages as
// there are, and counts how many calls that takes.
func TestStorm(t *testing.T) {
	events := 600
	if os.Getenv("ASA2UDM_TORTURE") != "" {
		events = 60_000
	}
	r := newRig(t, func(c *simulator.Config) {
		c.Faults = simulator.Faults{
			Throttle: .05, Unauthorized: .04, Forbidden: .02, Server: .06, Timeout: .01, Reset: .04, Cut: .04, Garbage: .03, Slow: .01,
		}
		c.Hang = 50 * time.Millisecond
		c.RetryAfter = time.Millisecond
		c.TokenLife = 300 * time.Millisecond
	})
	r.grow(events)
	s := settings{size: 20, options: collector.Options{BatchRecords: 60, Overlap: time.Minute}}
	failed, runs := 0, 0
	for done := 0; done < events; runs++ {
		stats, err := r.run(s)
		if err != nil {
			failed++
		}
		done += int(stats.Events.Load())
		if runs > events {
			t.Fatalf("%d of %d events after %d runs", done, events, runs)
		}
	}
	calls := r.api.Calls()["all"]
	if pages := events / 20; failed == 0 || calls < pages || calls > 10*pages {
		t.Errorf("%d calls for %d pages, %d of %d runs failed", calls, pages, failed, runs)
	}
	r.api.Calm()
	r.grow(10)
	r.mustRun(s)
	r.wantLog()
	t.Logf("%d pages, %d calls, %d of %d runs ended by a fault: 0 lost, 0 duplicate", events/20, calls, failed, runs)
}

func TestStopWritesWhatIsAtHand(t *testing.T) {
	r := newRig(t, nil)
	r.grow(200)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if calls++; calls == 6 {
			cancel()
		}
		r.api.ServeHTTP(w, req)
	})
	stats, err := r.runContext(ctx, settings{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	if got := stats.Events.Load(); got < 30 || got > 50 {
		t.Errorf("%d events collected before the stop, want those of the pages read", got)
	}
	r.handler = nil
	r.mustRun(settings{})
	r.wantLog()
}

func TestStateMustBeThere(t *testing.T) {
	r := newRig(t, nil)
	r.grow(25)
	s := settings{options: collector.Options{BatchRecords: 10}}
	r.mustRun(s)
	path := filepath.Join(r.root, "state.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"missing":              func() error { return os.Remove(path) },
		"empty":                func() error { return os.WriteFile(path, nil, 0o600) },
		"other JSON":           func() error { return os.WriteFile(path, []byte(`{}`), 0o600) },
		"documented function":  func() error { return os.WriteFile(path, []byte(`{"last_offset":"abc"}`), 0o600) },
		"other source":         func() error { return rewrite(path, good, `asa/example-team`, `asa/another-team`) },
		"later version":        func() error { return rewrite(path, good, `"version":2`, `"version":3`) },
		"with a newline":       func() error { return os.WriteFile(path, append(slices.Clone(good), '\n'), 0o600) },
		"with a second record": func() error { return os.WriteFile(path, append(slices.Clone(good), good...), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			r.grow(1)
			before := len(r.collected())
			stats, err := r.run(s)
			if !errors.Is(err, collector.ErrState) && !errors.Is(err, collector.ErrSource) {
				t.Errorf("error is %v, want ErrState or ErrSource", err)
			}
			if stats.Pages.Load() != 0 || len(r.collected()) != before {
				t.Errorf("the run went on: %d pages read", stats.Pages.Load())
			}
			rebuild := s
			rebuild.options.Rebuild = true
			r.mustRun(rebuild)
			r.wantLog()
			if good, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// rewrite changes the record and mends the checksum.
func rewrite(path string, good []byte, from, to string) error {
	var envelope struct {
		Record json.RawMessage `json:"asa2udm"`
	}
	if err := json.Unmarshal(good, &envelope); err != nil {
		return err
	}
	record := strings.Replace(string(envelope.Record), from, to, 1)
	return os.WriteFile(path, fmt.Appendf(nil, "{\"asa2udm\":%s,\"sha256\":\"%s\"}\n", record, sum([]byte(record))), 0o600)
}

// TestStateFlips cuts the state at every length and flips a bit of every byte.
func TestStateFlips(t *testing.T) {
	r := newRig(t, nil)
	r.grow(12)
	r.mustRun(settings{})
	path := filepath.Join(r.root, "state.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(text []byte, what string, i int) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		stats, err := r.run(settings{})
		if !errors.Is(err, collector.ErrState) || stats.Pages.Load() != 0 {
			t.Fatalf("%s at %d: error is %v after %d pages, want ErrState and no page", what, i, err, stats.Pages.Load())
		}
	}
	step := 7
	if os.Getenv("ASA2UDM_TORTURE") != "" {
		step = 1
	}
	for i := 0; i < len(good); i += step {
		try(good[:i], "cut", i)
		flipped := slices.Clone(good)
		flipped[i] ^= 1 << (i % 8)
		try(flipped, "flip", i)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	r.mustRun(settings{})
	r.wantLog()
}

func TestTakeOver(t *testing.T) {
	for name, tc := range map[string]struct {
		state string
		old   string // what the function has written below the raw prefix
		from  int    // index of the first event wanted
	}{
		"nothing known":        {state: `{"last_offset":"%s","last_run":"2026-03-01T12:00:00Z"}`, from: 10},
		"last page known":      {state: `{"last_offset":"%s"}`, old: "page", from: 20},
		"no offset yet":        {state: `{"last_offset":null}`, from: 0},
		"another key":          {state: `{"offset":"%s"}`, from: 10},
		"indented and unicode": {state: "{\n  \"note\": \"ü\",\n  \"last_offset\": \"%s\"\n}\n", from: 10},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(35)
			if strings.Contains(tc.state, "%s") {
				tc.state = fmt.Sprintf(tc.state, r.log.At(9).ID)
			}
			b := r.open()
			if _, err := b.Swap(t.Context(), "state.json", []byte(tc.state), ""); err != nil {
				t.Fatal(err)
			}
			if tc.old != "" {
				var lines []byte
				for i := 10; i < 20; i++ {
					lines = append(append(lines, r.log.At(i).Event...), '\n')
				}
				if err := b.Create(t.Context(), "raw/okta_asa_20260301_120000.ndjson", lines); err != nil {
					t.Fatal(err)
				}
			}
			r.mustRun(settings{})
			r.grow(3)
			r.mustRun(settings{})
			var got []string
			for _, line := range r.collected() {
				if strings.Contains(line, `"references"`) {
					got = append(got, line)
				}
			}
			var want []string
			for i := tc.from; i < r.log.Len(); i++ {
				want = append(want, joined(t, r.log.At(i)))
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("collected (-got +want):\n%s", diff)
			}
		})
	}
}

func TestTakeOverFromAnotherPlace(t *testing.T) {
	r := newRig(t, nil)
	r.grow(35)
	b := r.open()
	state := fmt.Appendf(nil, `{"last_offset":%q}`, r.log.At(9).ID)
	if err := b.Create(t.Context(), "old/state.json", state); err != nil {
		t.Fatal(err)
	}
	s := settings{state: func(f *collector.StateFile) {
		f.Old = []collector.OldState{{Bucket: b, Name: "absent.json"}, {Bucket: b, Name: "old/state.json"}}
	}}
	r.mustRun(s)
	r.mustRun(s)
	if got := len(r.collected()); got != 25 {
		t.Errorf("%d events collected, want the 25 after the old offset", got)
	}
	if kept, _, err := b.Read(t.Context(), "old/state.json"); err != nil || !bytes.Equal(kept, state) {
		t.Errorf("the old state is %q, %v", kept, err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.grow(15)
	r.mustRun(settings{})
	before, err := os.ReadFile(filepath.Join(r.root, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.grow(20)
	stats := r.mustRun(settings{bucket: collector.DryRun(r.open()), options: collector.Options{BatchRecords: 5, Overlap: time.Hour}})
	if got := stats.Events.Load(); got != 20 {
		t.Errorf("%d events, want 20", got)
	}
	after, err := os.ReadFile(filepath.Join(r.root, "state.json"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the state has changed (%v)", err)
	}
	if got := len(r.collected()); got != 15 {
		t.Errorf("%d events are stored, want 15", got)
	}
}

// TestLargeAndOddEvents puts 10 MB events beside ones with all that JSON allows.
func TestLargeAndOddEvents(t *testing.T) {
	r := newRig(t, nil)
	odd := func(id, text string) simulator.Entry {
		return simulator.Entry{ID: id, Event: fmt.Appendf(nil, `{"id":%q,"timestamp":"2026-03-01T12:00:00Z","details":{"type":"t","text":"%s"}}`, id, text)}
	}
	large := strings.Repeat("0123456789abcde\u00e9", 600_000)
	r.log.Append(
		odd("a+/=", large), odd("b&c d", "emoji \U0001F600, line \u2028 separator, \\ud83d alone, \\u0000, \\n"),
		odd("\u00fc?#%", large), odd("c,d;e", "</script>"), odd("e", "\x7f\u0085"),
	)
	r.mustRun(settings{size: 5})
	r.mustRun(settings{size: 2})
	r.wantLog()
}

// TestServerWithoutNewestFirst has no look back, and needs none.
func TestServerWithoutNewestFirst(t *testing.T) {
	for name, refuse := range map[string]bool{"ignores it": false, "refuses it": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				q := req.URL.Query()
				if refuse && q.Has("descending") {
					http.Error(w, "what is descending?", http.StatusBadRequest)
					return
				}
				q.Del("descending")
				req.URL.RawQuery = q.Encode()
				r.api.ServeHTTP(w, req)
			})
			for range 3 {
				r.grow(25)
				r.mustRun(settings{options: collector.Options{Overlap: time.Hour}})
			}
			r.wantLog()
		})
	}
}

func TestRecordTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-01-02T03:04:05+01:00": time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC),
		"9999-12-31T23:59:59-12:00": {},
		"0001-01-01T00:00:00+12:00": {},
		"yesterday":                 {},
		"":                          {},
	} {
		if got := collector.RecordTime(text); !got.Equal(want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
