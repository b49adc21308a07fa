package secret_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"

	"github.com/asa2udm/asa2udm/collector/secret"
	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
)

const canary = "canary-0f9d1c"

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text, want string // "" for no reference
		kind       secret.Kind
	}{
		{"env:NAME", "NAME", secret.Env},
		{"file:a/b c", "a/b c", secret.File},
		{"sm://example/okta", "projects/example/secrets/okta/versions/latest", secret.Manager},
		{"sm://example/okta/7", "projects/example/secrets/okta/versions/7", secret.Manager},
		{"sm://example.com:old-project/Okta_Key/prod", "projects/example.com:old-project/secrets/Okta_Key/versions/prod", secret.Manager},
		{"sm://123456789012/okta/latest", "projects/123456789012/secrets/okta/versions/latest", secret.Manager},
		{text: ""}, {text: "env:"}, {text: "file:"}, {text: canary}, {text: "vault:x"},
		{text: "sm://"}, {text: "sm://example"}, {text: "sm://example/"}, {text: "sm://example/okta/"}, {text: "sm://example/okta/1/2"},
		{text: "sm://projects/example/secrets/okta"}, {text: "sm://example/../okta"}, {text: "sm://exa mple/okta"}, {text: "sm://example/okta?x=1"},
		{text: "sm://example/okta\n"},
	} {
		got, err := secret.Parse(tc.text)
		if tc.want == "" {
			if !errors.Is(err, secret.ErrReference) || strings.Contains(err.Error(), canary) {
				t.Errorf("Parse(%q) = %v, %v", tc.text, got, err)
			}
			continue
		}
		if diff := cmp.Diff(got, secret.Reference{Kind: tc.kind, Name: tc.want}); diff != "" || err != nil {
			t.Errorf("Parse(%q): %v\n%s", tc.text, err, diff)
		}
		again, err := secret.Parse(got.String())
		if again != got || err != nil {
			t.Errorf("Parse(%q) = %v, %v; want %v again", got, again, err, got)
		}
	}
}

// busy is a network whose every answer is that of a service which is busy.
type busy struct{}

func (busy) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Header: http.Header{}}, nil
}

// TestStoppedBetweenTries answers why the context has ended, and not what Secret
// Manager said before.
func TestStoppedBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(stop) })
		r := secret.Resolver{Manager: secret.Client{
			Timeout: 3 * time.Hour, Backoff: time.Hour, Options: []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: busy{}})},
		}}
		ref := secret.Reference{Kind: secret.Manager, Name: "projects/example/secrets/asa/versions/latest"}
		if _, err := r.Text(ctx, ref); !errors.Is(err, stop) {
			t.Errorf("got %v, want the cause of the end", err)
		}
		if _, err := r.Renewal(secret.Secret{From: ref})(ctx); !errors.Is(err, stop) || errors.As(err, new(*secret.RenewalError)) {
			t.Errorf("renewal: got %v, want the cause of the end", err)
		}
	})
}

// TestRenewalSaysWhat names the reference, and why it cannot be read.
func TestRenewalSaysWhat(t *testing.T) {
	r := secret.Resolver{ReadFile: func(string) ([]byte, error) { return nil, os.ErrPermission }}
	ref := secret.Reference{Kind: secret.File, Name: "key.txt"}
	_, err := r.Renewal(secret.Secret{From: ref, Value: canary})(t.Context())
	var again *secret.RenewalError
	if !errors.As(err, &again) || again.From != ref || !errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
	if r.Renewal(secret.Secret{Value: canary}) != nil {
		t.Error("a secret without a place can be renewed")
	}
}

func TestParseFile(t *testing.T) {
	for text, want := range map[string]secret.Reference{
		"key.txt":      {Kind: secret.File, Name: "key.txt"},
		"file:key.txt": {Kind: secret.File, Name: "key.txt"},
		"env:KEY":      {Kind: secret.Env, Name: "KEY"},
		"sm://p/s/1":   {Kind: secret.Manager, Name: "projects/p/secrets/s/versions/1"},
		"":             {}, "sm://p": {},
	} {
		if got, err := secret.ParseFile(text); got != want || (err == nil) != (want != secret.Reference{}) {
			t.Errorf("ParseFile(%q) = %v, %v", text, got, err)
		}
	}
}

// resolver answers one that asks the server and waits for nothing.
func resolver(url string) *secret.Resolver {
	return &secret.Resolver{
		Environment: func(name string) string { return map[string]string{"SET": " " + canary + "\n", "BLANK": " "}[name] },
		Manager:     secret.Client{Endpoint: url, Backoff: time.Microsecond},
	}
}

func TestText(t *testing.T) {
	server := secrettest.New(t)
	server.Add("example", "okta", "old")
	server.Add("example", "okta", canary+"\n")
	server.Add("example", "blank", " \n")
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(canary+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ ref, want, err string }{
		{"env:SET", canary, ""},
		{"env:OTHER", "", "the environment variable OTHER is not set"},
		{"env:BLANK", "", "the secret env:BLANK is empty"},
		{"file:" + path, canary, ""},
		{"file:" + empty, "", "the file " + empty + " is empty"},
		{"sm://example/okta", canary, ""},
		{"sm://example/okta/1", "old", ""},
		{"sm://example/blank", "", "the secret sm://example/blank/latest is empty"},
	} {
		got, err := resolver(server.URL).Text(t.Context(), mustParse(t, tc.ref))
		if got.Value != tc.want || fmt.Sprint(err) != tc.err && (err != nil || tc.err != "") {
			t.Errorf("%s = %q, %v; want %q, %s", tc.ref, got.Value, err, tc.want, tc.err)
		}
	}
}

func mustParse(t *testing.T, text string) secret.Reference {
	t.Helper()
	ref, err := secret.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestManagerFaults lets Secret Manager fail in the ways that it documents, and
// in those of proxies.
func TestManagerFaults(t *testing.T) {
	again := func(a secrettest.Answer) []secrettest.Answer { return []secrettest.Answer{a, a, a, a, a} }
	for name, tc := range map[string]struct {
		faults []secrettest.Answer
		ref    string
		is     error // nil: the value is read
		says   string
		calls  int
	}{
		"none":               {calls: 1},
		"unavailable twice":  {faults: again(secrettest.Answer{Status: 503})[:2], calls: 3},
		"throttled":          {faults: again(secrettest.Answer{Status: 429})[:1], calls: 2},
		"damaged once":       {faults: again(secrettest.Answer{Damage: true})[:1], calls: 2},
		"cut off once":       {faults: again(secrettest.Answer{Cut: true})[:1], calls: 2},
		"always unavailable": {faults: again(secrettest.Answer{Status: 503, Body: canary}), is: secret.ErrUnreachable, says: "status 503", calls: 5},
		"always damaged":     {faults: again(secrettest.Answer{Damage: true}), is: secret.ErrDamaged, says: "checksum", calls: 5},
		"always cut off":     {faults: again(secrettest.Answer{Cut: true}), is: secret.ErrDamaged, says: "", calls: 5},
		"a login page":       {faults: again(secrettest.Answer{Body: "<html>" + canary}), is: secret.ErrDamaged, says: "no JSON", calls: 5},
		"no payload":         {faults: again(secrettest.Answer{Body: "{}"}), is: secret.ErrDamaged, says: "no payload", calls: 5},
		"no base64":          {faults: again(secrettest.Answer{Body: `{"payload":{"data":"` + canary + `!"}}`}), is: secret.ErrDamaged, says: "base64", calls: 5},
		"no role":            {faults: again(secrettest.Denied), is: secret.ErrDenied, says: "roles/secretmanager.secretAccessor", calls: 1},
		"no such secret":     {ref: "sm://example/other", is: secret.ErrNotFound, says: "sm://example/other/latest", calls: 1},
		"no such version":    {ref: "sm://example/okta/9", is: secret.ErrNotFound, says: "add a version", calls: 1},
		"disabled":           {ref: "sm://example/disabled/1", is: secret.ErrDisabled, says: "enable it", calls: 1},
		"no credentials":     {faults: again(secrettest.Answer{Status: 401}), is: secret.ErrCredentials, says: "gcloud", calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := secrettest.New(t)
			server.Add("example", "okta", canary)
			server.Add("example", "disabled", "")
			server.Fault(tc.faults...)
			if tc.ref == "" {
				tc.ref = "sm://example/okta"
			}
			got, err := resolver(server.URL).Text(t.Context(), mustParse(t, tc.ref))
			if tc.is == nil && (err != nil || got.Value != canary) {
				t.Errorf("got %v", err)
			}
			if tc.is != nil {
				wantError(t, err, tc.is, tc.says, tc.ref)
			}
			if calls := server.Calls(); len(calls) != tc.calls {
				t.Errorf("%d calls, want %d", len(calls), tc.calls)
			}
		})
	}
}

func wantError(t *testing.T, err, is error, says, ref string) {
	t.Helper()
	if !errors.Is(err, is) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), ref) {
		t.Errorf("got %v; want %v with %q and %q", err, is, says, ref)
		return
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error shows the secret: %v", err)
	}
}

// TestManagerHangs bounds a call that is never answered, and lets the caller end
// it before.
func TestManagerHangs(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	r := resolver(server.URL)
	r.Manager.Timeout = 50 * time.Millisecond
	_, err := r.Text(t.Context(), mustParse(t, "sm://example/okta"))
	wantError(t, err, secret.ErrUnreachable, "", "sm://example/okta")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	if _, err := r.Text(ctx, mustParse(t, "sm://example/okta")); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	for endpoint, says := range map[string]string{
		"http://192.0.2.1":         "secrets do not go over http",
		"http://secrets.example":   "secrets do not go over http",
		"secretmanager":            "want an address",
		"ftp://127.0.0.1":          "want an address",
		"https://u:p@example.com/": "want an address",
	} {
		_, err := resolver(endpoint).Text(t.Context(), mustParse(t, "sm://example/okta"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", endpoint, err, says)
		}
	}
}

func TestRenewal(t *testing.T) {
	server := secrettest.New(t)
	server.Add("example", "okta", "one")
	r := resolver(server.URL)
	first, err := r.Text(t.Context(), mustParse(t, "sm://example/okta"))
	if err != nil {
		t.Fatal(err)
	}
	server.Add("example", "okta", "two")
	if got, err := r.Renewal(first)(t.Context()); got != "two" || err != nil {
		t.Errorf("the renewal answers %q, %v", got, err)
	}
	if r.Renewal(secret.Secret{Value: "given"}) != nil {
		t.Error("a value that was given as it is has a renewal")
	}
}

// TestSecretIsNotShown prints a secret in all the ways of a careless line.
func TestSecretIsNotShown(t *testing.T) {
	s := secret.Secret{From: secret.Reference{Kind: secret.Env, Name: "X"}, Value: canary}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "s", s, "p", &s, "in", struct{ S secret.Secret }{s})
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", s, "in", struct{ S secret.Secret }{s})
	text, err := json.Marshal(map[string]any{"s": s, "l": []secret.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%v %+v %#v %s %q %s", s, s, s, s, &s, text)
	if strings.Contains(b.String(), canary) {
		t.Errorf("shown: %s", b.String())
	}
}
