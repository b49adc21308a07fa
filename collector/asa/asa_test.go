package asa_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/asa2udm/asa2udm/collector/rest"
)

const (
	team   = "example-team"
	keyID  = "6f1c9a52-5a3c-4a55-8a3b-3f2b1c0d9e8f"
	secret = "c2VjcmV0+canary/=="
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC)

// serve starts an API with n events and answers a source for it.
func serve(t *testing.T, n int, change func(*simulator.Config), settings func(*asa.Config)) (*simulator.API, *asa.Source) {
	t.Helper()
	c := simulator.Config{Log: simulator.Generate(1, n, start, time.Second), Team: team, KeyID: keyID, KeySecret: secret}
	if change != nil {
		change(&c)
	}
	api := simulator.New(c)
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	client, err := rest.NewHTTP("", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	config := asa.Config{
		BaseURL: srv.URL, Team: team, KeyID: keyID, KeySecret: secret, PageSize: 10,
		Client: &rest.Client{HTTP: client, Retry: rest.Retry{Base: time.Millisecond, Attempts: 4}},
	}
	if settings != nil {
		settings(&config)
	}
	src, err := asa.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return api, src
}

// ids reads to the end of the log.
func ids(ctx context.Context, read func(context.Context, collector.Cursor) (*collector.Page, error), cur collector.Cursor) (got []string, err error) {
	for {
		p, err := read(ctx, cur)
		if err != nil {
			return got, err
		}
		for _, r := range p.Records {
			got = append(got, r.ID)
		}
		cur = p.Cursor
		if !p.More {
			return got, nil
		}
	}
}

func logIDs(n int) []string {
	log := simulator.Generate(1, n, start, time.Second)
	var want []string
	for i := range n {
		want = append(want, log.At(i).ID)
	}
	return want
}

func TestPagesInOrder(t *testing.T) {
	for name, change := range map[string]func(*simulator.Config){
		"two link lines":            nil,
		"one link line":             func(c *simulator.Config) { c.OneLink = true },
		"links to another host":     func(c *simulator.Config) { c.NextHost = "evil.example.com" },
		"tokens end all the time":   func(c *simulator.Config) { c.TokenLife = time.Nanosecond * 200_000_000 },
		"clock is two days ahead":   func(c *simulator.Config) { c.Skew = 48 * time.Hour },
		"clock is two days behind":  func(c *simulator.Config) { c.Skew = -48 * time.Hour },
		"bodies come in pieces":     func(c *simulator.Config) { c.Faults = simulator.Faults{Slow: 1} },
		"every third call is wrong": func(c *simulator.Config) { c.Faults = simulator.Faults{Server: .1, Cut: .1, Garbage: .1} },
	} {
		t.Run(name, func(t *testing.T) {
			_, src := serve(t, 57, change, func(c *asa.Config) { c.Client.Retry.Attempts = 12 })
			got, err := ids(t.Context(), src.Page, collector.Cursor{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, logIDs(57)); diff != "" {
				t.Errorf("ids (-got +want):\n%s", diff)
			}
		})
	}
}

func TestPageBackIsTheLogReversed(t *testing.T) {
	_, src := serve(t, 35, nil, nil)
	got, err := ids(t.Context(), src.PageBack, collector.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	want := logIDs(35)
	for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
		want[i], want[j] = want[j], want[i]
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("ids (-got +want):\n%s", diff)
	}
}

func TestPageAfterAnID(t *testing.T) {
	_, src := serve(t, 25, nil, nil)
	all := logIDs(25)
	got, err := ids(t.Context(), src.Page, collector.Cursor{ID: all[11]})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, all[12:]); diff != "" {
		t.Errorf("ids (-got +want):\n%s", diff)
	}
}

func TestRecordsAreJoinedAndTimed(t *testing.T) {
	_, src := serve(t, 12, nil, nil)
	p, err := src.Page(t.Context(), collector.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Unresolved != 0 {
		t.Errorf("unresolved = %d", p.Unresolved)
	}
	for i, r := range p.Records {
		if want := start.Add(time.Duration(i) * time.Second); !r.Time.Equal(want) {
			t.Errorf("time of record %d = %s, want %s", i, r.Time, want)
		}
		if !strings.Contains(string(r.Data), `"references":{`) {
			t.Errorf("record %d was not joined: %s", i, r.Data)
		}
		if again := src.Record(r.Data); again.ID != r.ID || !again.Time.Equal(r.Time) {
			t.Errorf("Record reads %q %s, the page said %q %s", again.ID, again.Time, r.ID, r.Time)
		}
	}
}

func TestLargePagesAreAskedForInParts(t *testing.T) {
	_, src := serve(t, 40, nil, func(c *asa.Config) { c.Client.MaxBody = 6000 })
	got, err := ids(t.Context(), src.Page, collector.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, logIDs(40)); diff != "" {
		t.Errorf("ids (-got +want):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		api    func(*simulator.Config)
		source func(*asa.Config)
		cursor string
		status int
		is     error
		says   string
		calls  int // bound of all calls
	}{
		"wrong secret":   {source: func(c *asa.Config) { c.KeySecret = "bm90aGluZw==" }, status: 401, says: "get a service token", calls: 1},
		"missing role":   {api: func(c *simulator.Config) { c.NoRole = true }, status: 401, says: "authorization_error: Missing capability: role", calls: 4},
		"unknown team":   {source: func(c *asa.Config) { c.Team = "other" }, status: 404, calls: 1},
		"forbidden":      {api: func(c *simulator.Config) { c.Faults.Forbidden = 1 }, status: 403, calls: 2},
		"always 401":     {api: func(c *simulator.Config) { c.Faults.Unauthorized = 1 }, status: 401, calls: 4},
		"always 5xx":     {api: func(c *simulator.Config) { c.Faults.Server = 1 }, is: rest.ErrGaveUp, calls: 4},
		"always reset":   {api: func(c *simulator.Config) { c.Faults.Reset = 1 }, is: rest.ErrGaveUp, calls: 4},
		"cursor is 400":  {api: func(c *simulator.Config) { c.Purged = "400" }, cursor: "unknown", is: collector.ErrCursor, says: "90 days", calls: 4},
		"cursor is 404":  {api: func(c *simulator.Config) { c.Purged = "404" }, cursor: "unknown", is: collector.ErrCursor, calls: 4},
		"throttled long": {api: func(c *simulator.Config) { c.Faults.Throttle, c.RetryAfter = 1, time.Hour }, is: rest.ErrGaveUp, status: 429, calls: 4},
	} {
		t.Run(name, func(t *testing.T) {
			api, src := serve(t, 5, tc.api, tc.source)
			_, err := src.Page(t.Context(), collector.Cursor{ID: tc.cursor})
			var status *rest.StatusError
			if tc.status != 0 && (!errors.As(err, &status) || status.Status != tc.status) {
				t.Errorf("error is %v, want status %d", err, tc.status)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error is %v, want %v", err, tc.is)
			}
			if !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("error %q does not say %q", err, tc.says)
			}
			if n := api.Calls()["all"]; n > tc.calls {
				t.Errorf("%d calls, want at most %d", n, tc.calls)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := asa.Config{Team: team, KeyID: keyID, KeySecret: secret}
	for name, change := range map[string]func(*asa.Config){
		"no team":           func(c *asa.Config) { c.Team = "" },
		"no id":             func(c *asa.Config) { c.KeyID = "" },
		"no secret":         func(c *asa.Config) { c.KeySecret = "" },
		"page too large":    func(c *asa.Config) { c.PageSize = 1001 },
		"page negative":     func(c *asa.Config) { c.PageSize = -1 },
		"address of a file": func(c *asa.Config) { c.BaseURL = "file:///etc" },
		"address with path": func(c *asa.Config) { c.BaseURL = "https://example.com/v1" },
		"plain http":        func(c *asa.Config) { c.BaseURL = "http://example.com" },
		"team is a path":    func(c *asa.Config) { c.Team = ".." },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if _, err := asa.New(c); err == nil {
				t.Error("New succeeded")
			}
		})
	}
	if _, err := asa.New(good); err != nil {
		t.Errorf("New of good settings: %v", err)
	}
}

func TestTeamNameIsEscaped(t *testing.T) {
	_, src := serve(t, 3, func(c *simulator.Config) { c.Team = "a b+ü%" }, func(c *asa.Config) { c.Team = "A b+ü%" })
	p, err := src.Page(t.Context(), collector.Cursor{})
	if err != nil || len(p.Records) != 3 {
		t.Errorf("Page = %v, %v, want 3 records", p, err)
	}
}

func TestTokenOfAnotherTeam(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"bearer_token":"abc","expires_at":"2026-01-01T00:00:00Z","team_name":"other-team"}`)
	}))
	defer srv.Close()
	src, err := asa.New(asa.Config{BaseURL: srv.URL, Team: team, KeyID: keyID, KeySecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Page(t.Context(), collector.Cursor{}); err == nil || !strings.Contains(err.Error(), `"other-team"`) {
		t.Errorf("error is %v, want one that names the other team", err)
	}
}

// TestSecretsStayOut lets a server answer with all that it was sent.
func TestSecretsStayOut(t *testing.T) {
	var token atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost && token.Add(1) == 1 {
			io.WriteString(w, `{"bearer_token":"bearer-canary","expires_at":"2126-01-01T00:00:00Z"}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "you sent %s and %s", body, r.Header.Get("Authorization"))
	}))
	defer srv.Close()
	src, err := asa.New(asa.Config{BaseURL: srv.URL, Team: team, KeyID: keyID, KeySecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := src.Page(t.Context(), collector.Cursor{})
		if err == nil {
			t.Fatal("no error")
		}
		for _, canary := range []string{secret, "bearer-canary"} {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error says %q: %v", canary, err)
			}
		}
	}
}

// TestEmptyPageLeadsNowhereElse checks that a page without an event does not lead
// the token to another host.
func TestEmptyPageLeadsNowhereElse(t *testing.T) {
	asked := make(chan string, 16)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		io.WriteString(w, `{"list":[{"id":"x"}],"related_objects":{}}`)
	}))
	defer evil.Close()
	src := scripted(t, `{"bearer_token":"first","expires_at":"never"}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "<"+evil.URL+`/x>; rel="next"`)
		io.WriteString(w, `{"list":[],"related_objects":{}}`)
	})
	_, err := src.Page(t.Context(), collector.Cursor{})
	if err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("got %v, want an error that names the other host", err)
	}
	if len(asked) > 0 {
		t.Errorf("the other host was asked, with %q", <-asked)
	}
}

// TestUnreadableLink: what comes behind a link that cannot be read is not missed.
func TestUnreadableLink(t *testing.T) {
	src := scripted(t, `{"bearer_token":"first","expires_at":"never"}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `<https://example.com/%zz>; rel="next"`)
		io.WriteString(w, `{"list":[{"id":"x"}],"related_objects":{}}`)
	})
	for _, ask := range []func(context.Context, collector.Cursor) (*collector.Page, error){src.Page, src.PageBack} {
		if _, err := ask(t.Context(), collector.Cursor{}); !errors.Is(err, rest.ErrLink) || !strings.Contains(err.Error(), "/%zz") {
			t.Errorf("error is %v, want one that says what came", err)
		}
	}
}

// TestIDThatIsNotText is none, since a state could not keep it.
func TestIDThatIsNotText(t *testing.T) {
	one, two := asa.Record([]byte("{\"id\":\"\xff\"}")), asa.Record([]byte("{\"id\":\"\xfe\"}"))
	if !one.Nameless || !strings.HasPrefix(one.ID, "sha256:") || one.ID == two.ID {
		t.Errorf("records %q and %q, want two that are known by their bytes", one.ID, two.ID)
	}
}

// TestFormerTokensStayOut checks that a token that was replaced is not shown when
// a later answer quotes it.
func TestFormerTokensStayOut(t *testing.T) {
	tokens := []string{`{"bearer_token":"canary-one"}`, `{"bearer_token":"canary-two"}`}
	var calls atomic.Int32
	src := scripted(t, "", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "service_token") {
			io.WriteString(w, tokens[min(int(calls.Add(1))-1, 1)])
			return
		}
		if r.Header.Get("Authorization") == "Bearer canary-one" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"message":"not canary-one, not canary-two"}`)
	})
	_, err := src.Page(t.Context(), collector.Cursor{})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want an error without a token", err)
	}
}

// scripted answers the source of an API that is the two functions: one answers a
// token, unless it is empty, and pages all else.
func scripted(t *testing.T, token string, pages http.HandlerFunc) *asa.Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && strings.HasSuffix(r.URL.Path, "service_token") {
			io.WriteString(w, token)
			return
		}
		pages(w, r)
	}))
	t.Cleanup(server.Close)
	src, err := asa.New(asa.Config{
		BaseURL: server.URL, Team: "t", KeyID: "k", KeySecret: "s",
		Client: &rest.Client{Retry: rest.Retry{Base: time.Millisecond, Attempts: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// TestSecretIsReplaced begins with a secret that is refused, and goes on with the
// one that it has been replaced by.
func TestSecretIsReplaced(t *testing.T) {
	broken := errors.New("cannot be read")
	for name, tc := range map[string]struct {
		renew  func() (string, error)
		broken bool
		fine   bool
	}{
		"replaced":       {renew: func() (string, error) { return secret, nil }, fine: true},
		"as it was":      {renew: func() (string, error) { return "former-secret", nil }},
		"wrong again":    {renew: func() (string, error) { return "third-secret", nil }},
		"cannot be read": {renew: func() (string, error) { return "", broken }, broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			_, src := serve(t, 25, nil, func(c *asa.Config) {
				c.KeySecret = "former-secret"
				c.Renew = func(context.Context) (string, error) { asked++; return tc.renew() }
			})
			_, err := ids(t.Context(), src.Page, collector.Cursor{})
			var status *rest.StatusError
			if tc.fine != (err == nil) || !tc.fine && !errors.As(err, &status) || tc.broken != errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			if asked != 1 {
				t.Errorf("the secret was read %d times, want once", asked)
			}
		})
	}
}
