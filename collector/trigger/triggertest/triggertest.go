// Package triggertest is an issuer of ID tokens that answers over HTTP, and makes
// tokens, good ones and others.
package triggertest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// Audience and Caller are those of the tokens that an Issuer makes.
const (
	Audience = "https://asa2udm.example.com"
	Caller   = "trigger@example.iam.gserviceaccount.com"
)

// Issuer signs tokens. Its methods may be called at any time.
type Issuer struct {
	// URL is what --issuer is set to.
	URL string
	// Calls counts what the issuer was asked for.
	Calls atomic.Int64
	// Down lets it answer 503.
	Down atomic.Bool

	t   *testing.T
	key *rsa.PrivateKey
}

// New starts an issuer, which ends with the test.
func New(t *testing.T) *Issuer {
	t.Helper()
	i := &Issuer{t: t, key: NewKey(t)}
	answers := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: i.key.Public(), KeyID: "k1", Algorithm: "RS256"}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.Calls.Add(1)
		if i.Down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		answers.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.URL = server.URL
	answers.SetIssuer(server.URL)
	return i
}

// NewKey makes a key.
func NewKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Claims answers those of a good token, with some changed; a claim that is nil is
// left out.
func (i *Issuer) Claims(change map[string]any) string {
	i.t.Helper()
	claims := map[string]any{
		"iss": i.URL, "aud": Audience, "sub": "1", "email": Caller, "email_verified": true,
		"iat": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

// Token answers a token with such claims, signed by the issuer's key.
func (i *Issuer) Token(change map[string]any) string {
	i.t.Helper()
	return oidctest.SignIDToken(i.key, "k1", "RS256", i.Claims(change))
}

// Forged answers tokens with good claims that the issuer has not signed, by what
// is wrong with them.
func (i *Issuer) Forged() map[string]string {
	i.t.Helper()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	claims := i.Claims(nil)
	shared, err := json.Marshal(i.key.Public())
	if err != nil {
		i.t.Fatal(err)
	}
	good := i.Token(nil)
	return map[string]string{
		"another key":          oidctest.SignIDToken(NewKey(i.t), "k1", "RS256", claims),
		"another key's id":     oidctest.SignIDToken(NewKey(i.t), "k2", "RS256", claims),
		"alg none":             encode(`{"alg":"none","kid":"k1"}`) + "." + encode(claims) + ".",
		"alg none, signed":     encode(`{"alg":"none","kid":"k1"}`) + "." + encode(claims) + "." + encode("x"),
		"unsigned":             encode(`{"alg":"RS256","kid":"k1"}`) + "." + encode(claims) + ".",
		"two parts":            encode(`{"alg":"RS256","kid":"k1"}`) + "." + encode(claims),
		"the platform's":       encode(`{"alg":"RS256","kid":"k1"}`) + "." + encode(claims) + ".SIGNATURE_REMOVED_BY_GOOGLE",
		"HMAC with a public":   oidctest.SignIDToken(shared, "k1", "HS256", claims),
		"no token":             "hello",
		"a damaged signature":  good[:len(good)-4] + "AAAA",
		"a signature of other": i.Token(map[string]any{"email": "other@example.com"}) + "x",
	}
}
