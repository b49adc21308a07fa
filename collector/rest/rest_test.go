package rest_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector/rest"
)

func TestParseLinks(t *testing.T) {
	for name, tc := range map[string]struct {
		lines  []string
		want   []rest.Link
		unread []string
	}{
		"two lines":            {[]string{`<https://x/?a=1>; rel="prev"`, `<https://x/?a=2>; rel="next"`}, []rest.Link{{"https://x/?a=1", []string{"prev"}}, {"https://x/?a=2", []string{"next"}}}, nil},
		"one line":             {[]string{`<a>; rel="self", <b>; rel="next"`}, []rest.Link{{"a", []string{"self"}}, {"b", []string{"next"}}}, nil},
		"comma in the target":  {[]string{`<https://x/?a=1,2&b=3;c>; rel=next`}, []rest.Link{{"https://x/?a=1,2&b=3;c", []string{"next"}}}, nil},
		"comma in a parameter": {[]string{`<a>; title="x, <y>; rel=\"z\""; rel="next", <b>; rel=prev`}, []rest.Link{{"a", []string{"next"}}, {"b", []string{"prev"}}}, nil},
		"several relations":    {[]string{`<a>; REL="Next  LAST"`}, []rest.Link{{"a", []string{"next", "last"}}}, nil},
		"first rel counts":     {[]string{`<a>; rel=next; rel=prev`}, []rest.Link{{"a", []string{"next"}}}, nil},
		"spaces":               {[]string{`  <a>  ;  rel = "next"  ,  <b> ; rel = prev `}, []rest.Link{{"a", []string{"next"}}, {"b", []string{"prev"}}}, nil},
		"flag parameter":       {[]string{`<a>; crossorigin; rel=next`}, []rest.Link{{"a", []string{"next"}}}, nil},
		"no rel":               {[]string{`<a>`}, []rest.Link{{"a", nil}}, nil},
		"open target":          {[]string{`<a; rel=next`}, nil, []string{`<a; rel=next`}},
		"open quote":           {[]string{`<a>; rel="next`}, []rest.Link{{"a", []string{"next"}}}, []string{`<a>; rel="next`}},
		"open, then more":      {[]string{`<a>; rel=self, <b>; title="x\", <c>; rel=next`}, []rest.Link{{"a", []string{"self"}}, {"b", nil}}, []string{`<b>; title="x\", <c>; rel=next`}},
		"nothing":              {[]string{"", " , "}, nil, nil},
		"no brackets":          {[]string{`<a>; rel=self, https://x/; rel=next`}, []rest.Link{{"a", []string{"self"}}}, []string{`https://x/; rel=next`}},
		"bracket in a target":  {[]string{`<a; rel=next, <b>; rel=self`, `<c>`}, []rest.Link{{"c", nil}}, []string{`<a; rel=next, <b>; rel=self`}},
	} {
		t.Run(name, func(t *testing.T) {
			links, unread := rest.ParseLinks(tc.lines)
			if diff := cmp.Diff(links, tc.want); diff != "" {
				t.Errorf("links (-got +want):\n%s", diff)
			}
			if diff := cmp.Diff(unread, tc.unread); diff != "" {
				t.Errorf("unread (-got +want):\n%s", diff)
			}
		})
	}
}

func TestNextLinkIsResolved(t *testing.T) {
	asked, err := url.Parse("https://x.example.com/v1/teams/t/auditsV2?count=5")
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"?offset=a%2Bb":           "https://x.example.com/v1/teams/t/auditsV2?offset=a%2Bb",
		"/other":                  "https://x.example.com/other",
		"https://evil.example/":   "https://evil.example/",
		"//evil.example/path?a=b": "https://evil.example/path?a=b",
	} {
		got, err := new(rest.Client).NextLink(http.Header{"Link": {"<" + target + `>; rel="next"`}}, asked)
		if err != nil || got == nil || got.String() != want {
			t.Errorf("NextLink(%q) = %v, %v, want %s", target, got, err, want)
		}
	}
	if got, err := new(rest.Client).NextLink(http.Header{"Link": {`<a>; rel="prev"`, "rubbish"}}, asked); got != nil || err != nil {
		t.Errorf("NextLink without next = %v, %v", got, err)
	}
}

// TestNextLinkThatCannotBeRead is no end: the error says what came, but no secret.
func TestNextLinkThatCannotBeRead(t *testing.T) {
	asked, err := url.Parse("https://x.example.com/v1/teams/t/auditsV2?count=5")
	if err != nil {
		t.Fatal(err)
	}
	c := &rest.Client{Secrets: func() []string { return []string{"canary"} }}
	for name, tc := range map[string]struct {
		lines []string
		want  string
	}{
		"bad escape":      {[]string{`<https://x.example.com/%zz>; rel="next"`}, `"<https://x.example.com/%zz>"`},
		"bad host":        {[]string{`<https://[::1/>; rel="prev next"`}, `"<https://[::1/>"`},
		"nothing":         {[]string{`<>; rel="next"`}, `"<>"`},
		"no end":          {[]string{`<a>; rel=self`, `<https://x.example.com/?a=1; rel="next"`}, `"<https://x.example.com/?a=1; rel=\"next\""`},
		"no brackets":     {[]string{`https://x.example.com/?a=1; REL=NEXT`}, `"https://x.example.com/?a=1; REL=NEXT"`},
		"within another":  {[]string{`<a; rel=next, <b>; rel=self`}, `"<a; rel=next, <b>; rel=self"`},
		"cut in a target": {[]string{`<a>; rel=self, <https://x.example.com/?a`}, `"<https://x.example.com/?a"`},
		"cut in a rel":    {[]string{`<a>; rel=self, <b>; rel="ne`}, `"<b>; rel=\"ne"`},
		"not UTF-8":       {[]string{"<https://x.example.com/?a=\xff>; rel=next"}, `"<https://x.example.com/?a=?>"`},
		"password":        {[]string{`<https://user:p@ss@x.example.com/%zz>; rel=next`}, `"<https://[secret]@x.example.com/%zz>"`},
		"long":            {[]string{strings.Repeat("next", 1000)}, `next..."`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.NextLink(http.Header{"Link": tc.lines}, asked)
			if got != nil || !errors.Is(err, rest.ErrLink) || !strings.Contains(err.Error(), "GET /v1/teams/t/auditsV2: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("NextLink = %v, %v, want an error with %s", got, err, tc.want)
			}
		})
	}
	if _, err := c.NextLink(http.Header{"Link": {"<canary; rel=next"}}, asked); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want one without the secret", err)
	}
	for _, good := range [][]string{{`<%zz>; rel=next`, `<?a=2>; rel=next`}, {`<?a=2>; rel="next`}, {`<?a=2>; rel=next, <b`}} {
		if got, err := c.NextLink(http.Header{"Link": good}, asked); err != nil || got.RawQuery != "a=2" {
			t.Errorf("NextLink of %q = %v, %v, want the link that can be read", good, got, err)
		}
	}
}

func FuzzParseLinks(f *testing.F) {
	for _, s := range []string{`<a>; rel="next", <b>;rel=prev`, `<a>;x="\`, `<>;;,=`, "<a>; rel*=UTF-8''next"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		links, unread := rest.ParseLinks([]string{s})
		if len(links)+len(unread) == 0 && strings.Trim(s, ", \t") != "" {
			t.Errorf("nothing came of %q", s)
		}
		for _, l := range links {
			if !strings.Contains(s, "<"+l.Target+">") {
				t.Errorf("target %q does not stand in %q", l.Target, s)
			}
			for _, rel := range l.Rel {
				if rel == "" || strings.ToLower(rel) != rel {
					t.Errorf("relation %q of %q", rel, s)
				}
			}
		}
	})
}

func TestWait(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	unix := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	retry := rest.Retry{Base: time.Second, Max: 10 * time.Second}
	for name, tc := range map[string]struct {
		attempt int
		header  http.Header
		draw    float64
		want    time.Duration
		named   bool
	}{
		"first, no jitter":            {0, nil, 0, 0, false},
		"milliseconds for seconds":    {0, http.Header{"X-Ratelimit-Retry-At": {strconv.FormatInt(now.UnixMilli(), 10)}}, 1, 365*24*time.Hour + time.Second, true},
		"first, half":                 {0, nil, .5, 500 * time.Millisecond, false},
		"doubles":                     {2, nil, .5, 2 * time.Second, false},
		"is bounded":                  {9, nil, .5, 5 * time.Second, false},
		"is bounded for ever":         {1 << 30, nil, .5, 5 * time.Second, false},
		"seconds":                     {0, http.Header{"Retry-After": {"7"}}, .5, 7500 * time.Millisecond, true},
		"date":                        {0, http.Header{"Retry-After": {at(9 * time.Second)}}, 0, 9 * time.Second, true},
		"date by the server's clock":  {0, http.Header{"Retry-After": {at(time.Hour)}, "Date": {at(time.Hour - 3*time.Second)}}, 0, 3 * time.Second, true},
		"date in the past":            {0, http.Header{"Retry-After": {at(-time.Hour)}}, .5, 500 * time.Millisecond, false},
		"zero seconds":                {0, http.Header{"Retry-After": {"0"}}, .5, 500 * time.Millisecond, false},
		"negative seconds":            {0, http.Header{"Retry-After": {"-5"}}, 0, 0, false},
		"rubbish":                     {0, http.Header{"Retry-After": {"soon"}}, 0, 0, false},
		"retry at":                    {0, http.Header{"X-Ratelimit-Retry-At": {unix(4 * time.Second)}}, 0, 4 * time.Second, true},
		"later of two":                {0, http.Header{"X-Ratelimit-Retry-At": {unix(4 * time.Second)}, "Retry-After": {"6"}}, 0, 6 * time.Second, true},
		"full refill":                 {0, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Limit": {"9"}, "X-Ratelimit-Reset": {unix(5 * time.Second)}}, 0, 5 * time.Second, true},
		"full refill, Okta's name":    {0, http.Header{"X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Limit": {"9"}, "X-Rate-Limit-Reset": {unix(5 * time.Second)}}, 0, 5 * time.Second, true},
		"full refill far away":        {0, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {unix(time.Hour)}}, 0, 65 * time.Second, true},
		"something is left":           {0, http.Header{"X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Reset": {unix(5 * time.Second)}}, 0, 0, false},
		"limit of calls at a time":    {0, http.Header{"X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Limit": {"0"}, "X-Rate-Limit-Reset": {unix(5 * time.Second)}}, 0, 0, false},
		"retry at beats full refill":  {0, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {unix(50 * time.Second)}, "X-Ratelimit-Retry-At": {unix(time.Second)}}, 0, time.Second, true},
		"headers without a time help": {1, http.Header{"Content-Type": {"text/html"}}, .5, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, named := retry.Wait(tc.attempt, tc.header, now, tc.draw)
			if got != tc.want || named != tc.named {
				t.Errorf("Wait = %s, %v, want %s, %v", got, named, tc.want, tc.named)
			}
		})
	}
}

// roundTrip answers calls without a network, so that time can be simulated.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDoWaitsAsLongAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := rest.Client{HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			if calls++; calls <= 3 {
				w.Header().Set("Retry-After", "40")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return w.Result(), nil
		})}}
		begin := time.Now()
		if _, err := c.Do(t.Context(), get("http://x.example.com/"), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 2*time.Minute || took > 2*time.Minute+time.Second {
			t.Errorf("took %s, want 3 waits of 40 s", took)
		}
		if got := time.Duration(c.Stats.Throttled.Load()); got < 2*time.Minute || c.Stats.Throttles.Load() != 3 || c.Stats.Requests.Load() != 4 {
			t.Errorf("throttled %s by %d of %d calls", got, c.Stats.Throttles.Load(), c.Stats.Requests.Load())
		}
	})
}

func TestDoWaitsAsLongAsTheBodyTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := rest.Client{HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			if calls++; calls == 1 {
				w.WriteHeader(http.StatusTooManyRequests)
				w.WriteString(`{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"33s"}]}}`)
			}
			return w.Result(), nil
		})}}
		begin := time.Now()
		if _, err := c.Do(t.Context(), get("http://x.example.com/"), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 33*time.Second || took > 34*time.Second {
			t.Errorf("took %s, want 33 s", took)
		}
	})
}

func TestDoCanBeInterruptedWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := rest.Client{HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return w.Result(), nil
		})}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := c.Do(ctx, get("http://x.example.com/"), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("Do = %v after %s, want the deadline after 1 s", err, time.Since(begin))
		}
		if !strings.Contains(err.Error(), "503 Service Unavailable") {
			t.Errorf("Do = %v, want what it waited for", err)
		}
	})
}

func TestDoBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		calls  int
		is     error
	}{
		"bad request is final":    {400, "", 1, nil},
		"not implemented":         {501, "", 1, nil},
		"redirect is not success": {302, "", 1, nil},
		"server fault":            {500, "", 3, rest.ErrGaveUp},
		"client closed":           {499, "", 3, rest.ErrGaveUp},
		"too large":               {200, strings.Repeat("x", 2000), 1, rest.ErrTooLarge},
		"damaged":                 {200, "rubbish", 3, rest.ErrGaveUp},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(tc.status)
				w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			c := rest.Client{MaxBody: 1000, Retry: rest.Retry{Attempts: 3, Base: time.Millisecond}}
			_, err := c.Do(t.Context(), get(srv.URL), func([]byte) error { return errors.New("damaged") })
			if err == nil || calls != tc.calls {
				t.Errorf("Do = %v after %d calls, want an error after %d", err, calls, tc.calls)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error is %v, want %v", err, tc.is)
			}
		})
	}
}

func TestStatusErrorText(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"ASA":        {`{"code":401,"type":"authorization_error","message":"Missing capability: role"}`, "GET /a%20b: 403 Forbidden, authorization_error: Missing capability: role (request r-1)"},
		"Okta":       {`{"errorCode":"E0000006","errorSummary":"No permission"}`, "GET /a%20b: 403 Forbidden, E0000006: No permission (request r-1)"},
		"text":       {"line one\nline two\x00", "GET /a%20b: 403 Forbidden: line one line two  (request r-1)"},
		"nothing":    {"", "GET /a%20b: 403 Forbidden (request r-1)"},
		"long":       {strings.Repeat("ü", 400), "GET /a%20b: 403 Forbidden: " + strings.Repeat("ü", 150) + "... (request r-1)"},
		"secret":     {"you sent hush hush", "GET /a%20b: 403 Forbidden: you sent [secret] (request r-1)"},
		"JSON array": {`["x"]`, `GET /a%20b: 403 Forbidden: ["x"] (request r-1)`},
		"other JSON": {`{"detail":"x"}`, "GET /a%20b: 403 Forbidden (request r-1)"},
		"Google": {`{"error":{"code":403,"message":"API has not been used","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}]}}`,
			"GET /a%20b: 403 Forbidden, PERMISSION_DENIED (SERVICE_DISABLED): API has not been used (request r-1)"},
		"Google with fields": {`{"error":{"code":403,"message":"bad","status":"X","details":[{"fieldViolations":[{"field":"a.b","description":"hush hush is wrong"}]}]}}`,
			"GET /a%20b: 403 Forbidden, X: bad; a.b: [secret] is wrong (request r-1)"},
		"odd message": {`{"message":{"a":1},"code":"c"}`, "GET /a%20b: 403 Forbidden, c (request r-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Request-Id", "r-1")
				w.WriteHeader(http.StatusForbidden)
				w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			c := rest.Client{Secrets: func() []string { return []string{"hush hush"} }}
			_, err := c.Do(t.Context(), get(srv.URL+"/a%20b?token=x"), nil)
			if err == nil || err.Error() != tc.want {
				t.Errorf("error is\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
}

func get(address string) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	}
}

func TestCAFile(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file string
		ok   bool
	}{"with the CA": {file, true}, "without": {"", false}} {
		t.Run(name, func(t *testing.T) {
			client, err := rest.NewHTTP(tc.file, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			c := rest.Client{HTTP: client}
			_, err = c.Do(t.Context(), get(srv.URL), nil)
			if (err == nil) != tc.ok {
				t.Errorf("Do = %v, want success: %v", err, tc.ok)
			}
			if n := c.Stats.Requests.Load(); n != 1 {
				t.Errorf("%d calls, want 1: a certificate does not get better", n)
			}
		})
	}
	if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rest.NewHTTP(file, 0); err == nil {
		t.Error("a file without a certificate was accepted")
	}
	if _, err := rest.NewHTTP(file+".absent", 0); err == nil {
		t.Error("a file that does not exist was accepted")
	}
}

func TestUserAgentAndNoRedirect(t *testing.T) {
	var agents []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer srv.Close()
	client, err := rest.NewHTTP("", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c := rest.Client{HTTP: client, UserAgent: "asa2udm/test"}
	if _, err := c.Do(t.Context(), get(srv.URL), nil); err == nil {
		t.Error("a redirect was taken for an answer")
	}
	if diff := cmp.Diff(agents, []string{"asa2udm/test"}); diff != "" {
		t.Errorf("user agents (-got +want):\n%s", diff)
	}
}
