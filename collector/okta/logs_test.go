package okta_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// TestLogIsFollowed collects a log that grows, run after run, whatever the links
// look like.
func TestLogIsFollowed(t *testing.T) {
	for name, change := range map[string]func(*simulator.Config){
		"two header lines":        nil,
		"one header line":         func(c *simulator.Config) { c.OneLink = true },
		"no link when up to date": func(c *simulator.Config) { c.NoLink = true },
		"smaller pages than ours": func(c *simulator.Config) { c.MaxPage = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			r.settings.PageSize = 50
			for _, n := range []int{0, 120, 0, 1, 50, 0, 130} {
				r.grow(n)
				r.mustRun(okta.Log)
			}
			// A page that is not full ends a run, so that there may be a rest.
			for range 40 {
				r.mustRun(okta.Log)
			}
			r.wantLog()
		})
	}
}

// TestLinksAreAskedAsTheyAre: a query keeps its order, its escapes and its size.
func TestLinksAreAskedAsTheyAre(t *testing.T) {
	r := newRig(t, nil)
	r.settings.PageSize = 10
	r.begin = time.Now().Add(time.Hour) // fresh, so that the short page ends the run
	r.grow(35)
	r.mustRun(okta.Log)
	r.mustRun(okta.Log)
	if len(r.asked) != 5 {
		t.Fatalf("asked %q, want 5 requests", r.asked)
	}
	for i, uri := range r.asked[1:] {
		if !strings.HasPrefix(uri, "/api/v1/logs?limit=10&after=") || strings.Count(uri, "limit") != 1 || strings.Contains(uri, "%3D") {
			t.Errorf("request %d is %s, want the server's link as it is", i+2, uri)
		}
	}
}

// TestShortPageEndsARun: the request behind a page that is not full is spared,
// where its events are new. Old ones in a short page are no sign of the end.
func TestShortPageEndsARun(t *testing.T) {
	old := newRig(t, nil)
	old.settings.PageSize = 10
	old.grow(25)
	old.mustRun(okta.Log)
	if len(old.asked) != 4 {
		t.Errorf("25 old events took %d requests, want 4", len(old.asked))
	}
	r := newRig(t, nil)
	r.settings.PageSize = 10
	r.begin = time.Now().Add(time.Hour)
	for _, tc := range []struct{ events, requests int }{{25, 3}, {0, 1}, {3, 1}, {10, 2}, {20, 3}} {
		r.grow(tc.events)
		r.asked = nil
		r.mustRun(okta.Log)
		if len(r.asked) != tc.requests {
			t.Errorf("%d events took %d requests, want %d", tc.events, len(r.asked), tc.requests)
		}
	}
	r.wantLog()
}

// TestStaleLink reads again from a little before the last event, and drops what
// it knows.
func TestStaleLink(t *testing.T) {
	r := newRig(t, nil)
	r.settings.PageSize = 50
	r.options.BatchRecords = 70
	r.grow(5000)
	r.mustRun(okta.Log)
	for range 3 {
		r.org.Expire()
		r.grow(130)
		stats := r.mustRun(okta.Log)
		if got := stats.Duplicates.Load(); got < 700 || got > 3000 {
			t.Errorf("%d known events were dropped, want those of some minutes", got)
		}
		if !strings.Contains(r.said.String(), "the stored link is refused") {
			t.Error("nothing was said of the refused link")
		}
	}
	r.wantLog()
}

// TestStart asks for the time that is told, and for what is kept without one.
func TestStart(t *testing.T) {
	r := newRig(t, nil)
	r.grow(100)
	r.options.Since = r.begin.Add(40 * time.Second)
	if got := r.mustRun(okta.Log).Events.Load(); got != 60 {
		t.Errorf("collected %d events, want the 60 since the start", got)
	}
	r = newRig(t, nil)
	r.grow(100)
	r.options.Since = time.Time{}
	if got := r.mustRun(okta.Log).Events.Load(); got != 100 {
		t.Errorf("collected %d events without a start, want all", got)
	}
	r = newRig(t, nil)
	r.grow(10)
	r.options.Since = time.Now().AddDate(-1, 0, 0)
	if got := r.mustRun(okta.Log).Events.Load(); got != 10 {
		t.Errorf("collected %d events since a year ago, want all", got)
	}
}

// TestSlowQueries asks for smaller pages while larger ones take too long, and
// stores links of the full size nevertheless.
func TestSlowQueries(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.SlowAbove = 100 })
	r.grow(2500)
	r.mustRun(okta.Log)
	r.wantLog()
	if strings.Count(r.said.String(), "the server is too slow") < 4 {
		t.Errorf("said only:\n%s", r.said.String())
	}
	text, _, err := r.bucket().Read(t.Context(), "state.json")
	if err != nil || !strings.Contains(string(text), `limit=1000`) {
		t.Errorf("the state has another size: %s, %v", text, err)
	}
	r = newRig(t, func(c *simulator.Config) { c.Faults = map[string]float64{"slow": 1} })
	r.grow(10)
	if _, err := r.run(okta.Log); !errors.Is(err, rest.ErrGaveUp) {
		t.Errorf("error is %v, want ErrGaveUp", err)
	}
}

// TestAnswersThatTakeTooLong: an answer that does not come in time is asked for
// in smaller pieces, too.
func TestAnswersThatTakeTooLong(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.Faults = map[string]float64{"timeout": 0.2}; c.Seed = 4 })
	r.config = func(c *okta.Config) {
		client, err := rest.NewHTTP("", 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		c.HTTP = client
	}
	r.settings.PageSize = 100
	r.grow(700)
	r.mustRun(okta.Log)
	r.mustRun(okta.Log)
	if r.org.Calls()["timeout"] == 0 {
		t.Fatal("no call has timed out")
	}
	r.wantLog()
}

// TestLinkToAnotherList does not take what another endpoint of the org answers
// for the log.
func TestLinkToAnotherList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "<http://"+r.Host+`/api/v1/users?limit=1000>; rel="next"`)
		io.WriteString(w, `[{"uuid":"1","published":"2026-01-02T03:04:05.000Z"}]`)
	}))
	defer server.Close()
	r := newRig(t, nil)
	r.url = server.URL
	if _, err := r.run(okta.Log); !errors.Is(err, okta.ErrLink) {
		t.Errorf("error is %v, want ErrLink", err)
	}
}

// TestUnreadableLink is an error for the log and for a list, of which nothing is
// called deleted that stands behind it. What was there before goes on.
func TestUnreadableLink(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.MaxPage = 5 })
	r.settings.Changes, r.settings.FullEvery = true, time.Nanosecond
	s := service(t, "apps")
	for i := range 12 {
		r.put(s, i+1, 0, r.begin)
	}
	r.mustRun("apps")
	bad := func(c *okta.Config) { c.HTTP.Transport = badLink{c.HTTP.Transport} }
	r.config = bad
	if _, err := r.run("apps"); !errors.Is(err, rest.ErrLink) || !strings.Contains(err.Error(), `"<http`) {
		t.Errorf("error is %v, want one that says what came", err)
	}
	r.config = nil
	r.mustRun("apps")
	if got := len(r.lines()); got != 12 {
		t.Errorf("%d records, want the 12 of the first reading", got)
	}
	r.root = t.TempDir()
	r.grow(12)
	r.config = bad
	if _, err := r.run(okta.Log); !errors.Is(err, rest.ErrLink) {
		t.Errorf("error is %v, want ErrLink", err)
	}
	r.config = nil
	r.mustRun(okta.Log)
	r.wantLog()
}

// badLink cuts off the end of each link's address.
type badLink struct{ next http.RoundTripper }

func (b badLink) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil {
		for i, line := range resp.Header["Link"] {
			resp.Header["Link"][i] = strings.ReplaceAll(line, ">", "")
		}
	}
	return resp, err
}

// TestSlowProbe counts a server that is too slow for the first answer as one that
// lets the caller in.
func TestSlowProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"errorCode":"E0000009"}`)
	}))
	defer server.Close()
	r := newRig(t, nil)
	r.url = server.URL
	if err := r.source(okta.Log, r.bucket()).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestForeignLink sends the token to no other host, and keeps what it has.
func TestForeignLink(t *testing.T) {
	r := newRig(t, func(c *simulator.Config) { c.NextHost = "evil.example" })
	r.grow(10)
	_, err := r.run(okta.Log)
	if !errors.Is(err, okta.ErrLink) {
		t.Errorf("error is %v, want ErrLink", err)
	}
}

// TestStorm collects under faults of all kinds; runs that fail go on later.
func TestStorm(t *testing.T) {
	faults := map[string]float64{"429": 0.02, "busy": 0.05, "403": 0.05, "5xx": 0.05, "slow": 0.03, "reset": 0.05, "cut": 0.05, "garbage": 0.05}
	r := newRig(t, func(c *simulator.Config) { c.Faults = faults; c.Seed = 9 })
	r.settings.PageSize = 20
	r.options.BatchRecords = 33
	failed := 0
	for i := range 12 {
		r.grow(60)
		if i%4 == 3 {
			r.org.Expire()
		}
		if _, err := r.run(okta.Log); err != nil {
			failed++
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the token stands in the error %v", err)
			}
		}
	}
	r.org.Calm()
	r.mustRun(okta.Log)
	r.mustRun(okta.Log)
	if failed == 0 {
		t.Error("no run has failed, the storm was none")
	}
	r.wantLogSorted()
	if strings.Contains(r.said.String(), canary) {
		t.Error("the token stands in the log")
	}
}

// TestRefusals: what no repeat can cure ends the run at once, and says the code.
func TestRefusals(t *testing.T) {
	for kind, want := range map[string]string{"401": "401 Unauthorized, E0000011", "403": "403 Forbidden, E0000006"} {
		r := newRig(t, func(c *simulator.Config) { c.Faults = map[string]float64{kind: 1} })
		_, err := r.run(okta.Log)
		if err == nil || !strings.Contains(err.Error(), want) || len(r.asked) != 1 {
			t.Errorf("%s: %v after %d requests, want %q after 1", kind, err, len(r.asked), want)
		}
	}
}

// TestKilledAnywhere ends runs at every request; no event is lost or repeated.
func TestKilledAnywhere(t *testing.T) {
	r := newRig(t, nil)
	r.settings.PageSize = 10
	r.options.BatchRecords = 7
	for n := range 30 {
		r.grow(11)
		ctx, cancel := context.WithCancel(t.Context())
		c := r.collector(okta.Log)
		c.Source = &cutOff{Source: c.Source, after: n % 4, cancel: cancel}
		c.Options.Grace = time.Nanosecond
		err := c.Run(ctx)
		cancel()
		if n%4 < 2 && err == nil {
			t.Fatalf("run %d was not cut off", n)
		}
	}
	r.mustRun(okta.Log)
	r.wantLog()
}

// cutOff ends a run at its page after so many.
type cutOff struct {
	collector.Source
	after  int
	cancel func()
}

func (c *cutOff) Page(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	if c.after == 0 {
		c.cancel()
		return nil, errors.New("cut off")
	}
	c.after--
	return c.Source.Page(ctx, cur)
}

func (c *cutOff) Seek(t time.Time) collector.Cursor {
	if src, ok := c.Source.(collector.Seeker); ok {
		return src.Seek(t)
	}
	return collector.Cursor{}
}

func (c *cutOff) Remember(ctx context.Context, previous string, r collector.Receipt) error {
	if src, ok := c.Source.(collector.Comparer); ok {
		return src.Remember(ctx, previous, r)
	}
	return nil
}

func (c *cutOff) Recall(ctx context.Context, sequence int64, chain string) error {
	if src, ok := c.Source.(collector.Comparer); ok {
		return src.Recall(ctx, sequence, chain)
	}
	return nil
}

// TestOddPages reads answers as Okta may also send them.
func TestOddPages(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"white space":      {"[\n {\"uuid\": \"1\",\r\n \"a\": \"\\n x\"} ,{\"uuid\":\"2\"}]\n", []string{`{"uuid":"1","a":"\n x"}`, `{"uuid":"2"}`}},
		"no uuid":          {`[{"a":1},{"a":2},{"a":1}]`, []string{`{"a":1}`, `{"a":2}`}},
		"big numbers":      {`[{"uuid":"1","n":12345678901234567890.50}]`, []string{`{"uuid":"1","n":12345678901234567890.50}`}},
		"a repeated event": {`[{"uuid":"1"},{"uuid":"1"}]`, []string{`{"uuid":"1"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.config = func(c *okta.Config) {
				c.HTTP = &http.Client{Transport: canned(tc.body)}
			}
			r.mustRun(okta.Log)
			r.mustRun(okta.Log)
			if got := fmt.Sprintf("%q", r.lines()); got != fmt.Sprintf("%q", tc.want) {
				t.Errorf("collected %s, want %q", got, tc.want)
			}
		})
	}
}
