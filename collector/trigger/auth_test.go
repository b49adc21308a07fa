package trigger_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/trigger"
	"github.com/asa2udm/asa2udm/collector/trigger/triggertest"
)

// call answers a POST with headers, name after value.
func call(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// wantRefusal demands a status, and a reason that does not hold the token.
func wantRefusal(t *testing.T, err error, status int, reason, token string) {
	t.Helper()
	var refusal *trigger.Refusal
	if !errors.As(err, &refusal) || refusal.Status != status || !strings.Contains(refusal.Reason, reason) {
		t.Errorf("got %v, want %d with %q", err, status, reason)
		return
	}
	if len(token) > 20 && strings.Contains(refusal.Reason, token[len(token)-20:]) {
		t.Errorf("the reason shows the token: %s", refusal.Reason)
	}
}

func newOIDC(t *testing.T, issuer string) *trigger.OIDC {
	t.Helper()
	auth, err := trigger.NewOIDC(trigger.OIDCConfig{
		Issuer: issuer, Audience: triggertest.Audience, Callers: []string{"other@example.com", strings.ToUpper(triggertest.Caller)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func TestOIDC(t *testing.T) {
	issuer := triggertest.New(t)
	auth := newOIDC(t, issuer.URL)
	hour := time.Now().Add(-time.Hour).Unix()
	for name, tc := range map[string]struct {
		change map[string]any
		status int // 0: let in
		reason string
	}{
		"good":                   {},
		"several audiences":      {change: map[string]any{"aud": []string{"x", triggertest.Audience}}},
		"another case":           {change: map[string]any{"email": "Trigger@Example.iam.gserviceaccount.com"}},
		"expired":                {map[string]any{"exp": hour}, 401, "expired"},
		"without an end":         {map[string]any{"exp": nil}, 401, "expired"},
		"not yet":                {map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}, 401, "nbf"},
		"another audience":       {map[string]any{"aud": "https://other.example.com"}, 401, "audience"},
		"a longer audience":      {map[string]any{"aud": triggertest.Audience + "/"}, 401, "audience"},
		"no audience":            {map[string]any{"aud": nil}, 401, "audience"},
		"another issuer":         {map[string]any{"iss": "https://accounts.google.com"}, 401, "different provider"},
		"no issuer":              {map[string]any{"iss": nil}, 401, "different provider"},
		"another caller":         {map[string]any{"email": "eve@example.com"}, 403, "none of the callers"},
		"a caller's look-alike":  {map[string]any{"email": strings.ToUpper("tr\u0130gger") + strings.TrimPrefix(triggertest.Caller, "trigger")}, 403, "none of the callers"},
		"a claim named Email":    {map[string]any{"email": nil, "Email": triggertest.Caller}, 403, "no email"},
		"a claim of verified":    {map[string]any{"email_verified": nil, "Email_Verified": true}, 403, "not verified"},
		"no email":               {map[string]any{"email": nil}, 403, "no email"},
		"email not verified":     {map[string]any{"email_verified": false}, 403, "not verified"},
		"email_verified missing": {map[string]any{"email_verified": nil}, 403, "not verified"},
		"email_verified as text": {map[string]any{"email_verified": "true"}, 403, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			token := issuer.Token(tc.change)
			caller, err := auth.Check(call("Authorization", "Bearer "+token))
			switch {
			case tc.status != 0:
				wantRefusal(t, err, tc.status, tc.reason, token)
			case err != nil || caller != triggertest.Caller:
				t.Errorf("got %q, %v", caller, err)
			}
		})
	}
	for name, token := range issuer.Forged() {
		t.Run(name, func(t *testing.T) {
			_, err := auth.Check(call("Authorization", "Bearer "+token))
			wantRefusal(t, err, 401, "", token)
		})
	}
}

func TestBearer(t *testing.T) {
	issuer := triggertest.New(t)
	auth := newOIDC(t, issuer.URL)
	good := issuer.Token(nil)
	for name, headers := range map[string][]string{
		"none":          nil,
		"basic":         {"Authorization", "Basic " + good},
		"empty":         {"Authorization", "Bearer "},
		"without a key": {"Authorization", good},
		"two headers":   {"Authorization", "Bearer " + good, "Authorization", "Bearer " + good},
		"two in one":    {"Authorization", "Bearer " + good + ", Bearer x"},
		"elsewhere":     {"X-Serverless-Authorization", "Bearer " + good},
	} {
		_, err := auth.Check(call(headers...))
		t.Run(name, func(t *testing.T) { wantRefusal(t, err, 401, "", good) })
	}
	if _, err := auth.Check(call("Authorization", "bearer  "+good)); err != nil {
		t.Errorf("the scheme in small letters: %v", err)
	}
}

// TestIssuerIsDown says that callers cannot be checked, not that they are wrong,
// and goes on when the issuer is back.
func TestIssuerIsDown(t *testing.T) {
	issuer := triggertest.New(t)
	auth := newOIDC(t, issuer.URL)
	good := call("Authorization", "Bearer "+issuer.Token(nil))
	issuer.Down.Store(true)
	start := time.Now()
	_, err := auth.Check(good)
	wantRefusal(t, err, 503, "cannot be asked", "")
	_, err = auth.Check(good)
	wantRefusal(t, err, 503, "cannot be asked", "")
	if n := issuer.Calls.Load(); n != 1 && time.Since(start) < time.Second {
		t.Errorf("the issuer was asked %d times within a second", n)
	}
	issuer.Down.Store(false)
	for err != nil && !t.Failed() { // an issuer that failed is left in peace for a second
		if _, err = auth.Check(good); err != nil {
			wantRefusal(t, err, 503, "cannot be asked", "")
			time.Sleep(50 * time.Millisecond)
		}
	}
	issuer.Down.Store(true)
	if _, err := auth.Check(good); err != nil {
		t.Errorf("with the keys that are known: %v", err)
	}
	_, err = auth.Check(call("Authorization", "Bearer "+issuer.Forged()["another key's id"]))
	wantRefusal(t, err, 503, "keys of the issuer cannot be fetched", "")
}

// TestForgedTokensDoNotFloodTheIssuer bounds how often keys are looked for, while
// good tokens go on working.
func TestForgedTokensDoNotFloodTheIssuer(t *testing.T) {
	issuer := triggertest.New(t)
	auth := newOIDC(t, issuer.URL)
	good := call("Authorization", "Bearer "+issuer.Token(nil))
	if _, err := auth.Check(good); err != nil {
		t.Fatal(err)
	}
	forged := call("Authorization", "Bearer "+issuer.Forged()["another key's id"])
	for range 50 {
		if _, err := auth.Check(forged); err == nil {
			t.Fatal("a forged token was let in")
		}
	}
	if n := issuer.Calls.Load(); n > 12 {
		t.Errorf("the issuer was asked %d times", n)
	}
	if _, err := auth.Check(good); err != nil {
		t.Errorf("in the flood: %v", err)
	}
}

func TestNewOIDCRefuses(t *testing.T) {
	good := trigger.OIDCConfig{Audience: "a", Callers: []string{triggertest.Caller}}
	for name, change := range map[string]func(*trigger.OIDCConfig){
		"no audience":          func(c *trigger.OIDCConfig) { c.Audience = "" },
		"no callers":           func(c *trigger.OIDCConfig) { c.Callers = nil },
		"want the address of":  func(c *trigger.OIDCConfig) { c.Callers = []string{"everybody"} },
		"not fetched over":     func(c *trigger.OIDCConfig) { c.Issuer = "http://issuer.example.com" },
		"want an address such": func(c *trigger.OIDCConfig) { c.Issuer = "issuer.example.com" },
	} {
		c := good
		change(&c)
		if _, err := trigger.NewOIDC(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	if _, err := trigger.NewOIDC(good); err != nil {
		t.Error(err)
	}
}

// TestIssuerLeadsElsewhere does not fetch keys over plain http from another
// machine, wherever the issuer says they are.
func TestIssuerLeadsElsewhere(t *testing.T) {
	var url string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"issuer":"` + url + `","jwks_uri":"http://192.0.2.1/keys"}`))
	}))
	defer server.Close()
	url = server.URL
	auth := newOIDC(t, url)
	_, err := auth.Check(call("Authorization", "Bearer "+triggertest.New(t).Token(map[string]any{"iss": url})))
	wantRefusal(t, err, 503, "not fetched over http", "")
}

func TestToken(t *testing.T) {
	const token = "0123456789abcdef0123456789"
	auth, err := trigger.NewToken(trigger.TokenConfig{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Check(call("Authorization", "Bearer "+token)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{token[1:], token + "0", strings.ToUpper(token), "x"} {
		_, err := auth.Check(call("Authorization", "Bearer "+wrong))
		wantRefusal(t, err, 401, "the token is wrong", wrong)
	}
	_, err = auth.Check(call())
	wantRefusal(t, err, 401, "no bearer token", "")
	for _, short := range []string{"", "secret", token[:19]} {
		if _, err := trigger.NewToken(trigger.TokenConfig{Token: short}); err == nil || short != "" && strings.Contains(err.Error(), short) {
			t.Errorf("NewToken(%q) = %v", short, err)
		}
	}
}

func TestPlatform(t *testing.T) {
	onCloudRun := func(name string) string { return map[string]string{"K_SERVICE": "asa2udm"}[name] }
	if _, err := trigger.NewPlatform(nil, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "K_SERVICE") {
		t.Errorf("elsewhere: %v", err)
	}
	issuer := triggertest.New(t)
	removed := func(change map[string]any) string {
		token := issuer.Token(change)
		return token[:strings.LastIndexByte(token, '.')] + ".SIGNATURE_REMOVED_BY_GOOGLE"
	}
	good, other := removed(nil), removed(map[string]any{"email": "eve@example.com"})
	for name, tc := range map[string]struct {
		callers []string
		headers []string
		status  int
	}{
		"a caller":             {[]string{triggertest.Caller}, []string{"Authorization", "Bearer " + good}, 0},
		"any caller":           {nil, []string{"Authorization", "Bearer " + other}, 0},
		"another caller":       {[]string{triggertest.Caller}, []string{"Authorization", "Bearer " + other}, 403},
		"not verified":         {[]string{triggertest.Caller}, []string{"Authorization", "Bearer " + removed(map[string]any{"email_verified": false})}, 403},
		"no token":             {nil, nil, 401},
		"no JSON Web Token":    {nil, []string{"Authorization", "Bearer abc"}, 401},
		"no claims":            {nil, []string{"Authorization", "Bearer a.b.c"}, 401},
		"the header it checks": {[]string{triggertest.Caller}, []string{"X-Serverless-Authorization", "Bearer " + good}, 0},
		"the caller's own word": {
			[]string{triggertest.Caller}, []string{"X-Serverless-Authorization", "Bearer " + other, "Authorization", "Bearer " + good}, 403,
		},
	} {
		t.Run(name, func(t *testing.T) {
			auth, err := trigger.NewPlatform(tc.callers, onCloudRun)
			if err != nil {
				t.Fatal(err)
			}
			_, err = auth.Check(call(tc.headers...))
			if tc.status == 0 && err != nil {
				t.Error(err)
			}
			if tc.status != 0 {
				wantRefusal(t, err, tc.status, "", "")
			}
		})
	}
}
