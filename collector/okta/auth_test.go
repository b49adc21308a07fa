package okta_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
)

// canned answers every call with one body.
type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c)))}, nil
}

func block(t *testing.T, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func b64(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// TestOAuth collects with keys in all forms, and renews its token.
func TestOAuth(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err8 := x509.MarshalPKCS8PrivateKey(rsaKey)
	sec1, err1 := x509.MarshalECPrivateKey(ecKey)
	raw, err := ecKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		key    []byte
		public crypto.PublicKey
	}{
		"RSA, PKCS 8": {block(t, "PRIVATE KEY", pkcs8, err8), rsaKey.Public()},
		"RSA, PKCS 1": {block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), rsaKey.Public()},
		"EC, SEC 1":   {block(t, "EC PRIVATE KEY", sec1, err1), ecKey.Public()},
		"RSA, JWK": {fmt.Appendf(nil, `{"kty":"RSA","kid":"k1","n":%q,"e":"AQAB","d":%q,"p":%q,"q":%q}`,
			b64(rsaKey.N), b64(rsaKey.D), b64(rsaKey.Primes[0]), b64(rsaKey.Primes[1])), rsaKey.Public()},
		"EC, JWK": {fmt.Appendf(nil, `{"kty":"EC","crv":"P-256","kid":"k2","d":%q}`, base64.RawURLEncoding.EncodeToString(raw)), ecKey.Public()},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.Token, c.ClientID, c.Key = "", "0oa1", tc.public })
			r.config = func(c *okta.Config) { c.Token, c.OAuth = "", &okta.OAuth{ClientID: "0oa1", Key: tc.key} }
			r.settings.PageSize = 10
			r.grow(25)
			c := r.collector(okta.Log)
			for range 2 {
				if err := c.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.grow(5)
				r.org.Revoke()
			}
			if err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.wantLog()
			if got := r.org.Calls()["token"]; got != 3 {
				t.Errorf("%d tokens were asked for, want 3", got)
			}
		})
	}
}

// TestKeyFaults: a key that cannot serve is refused at once, and not shown.
func TestKeyFaults(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(p384)
	for name, tc := range map[string]struct {
		key  []byte
		want string
	}{
		"nothing":         {nil, "neither PEM nor a JSON Web Key"},
		"short RSA":       {block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small), nil), "1024 bits"},
		"other curve":     {block(t, "EC PRIVATE KEY", sec1, err), "P-384"},
		"certificate":     {block(t, "CERTIFICATE", []byte("x"), nil), `"CERTIFICATE"`},
		"damaged":         {block(t, "PRIVATE KEY", []byte("secret"), nil), "damaged"},
		"public JWK":      {[]byte(`{"kty":"EC","crv":"P-256"}`), "no private part"},
		"RSA JWK, no p q": {[]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"c2VjcmV0"}`), "lacks one of"},
		"damaged JWK":     {[]byte(`{"kty":"EC","d":"not base64 secret!"}`), "damaged"},
		"symmetric JWK":   {[]byte(`{"kty":"oct","d":"c2VjcmV0"}`), `type "oct"`},
	} {
		_, err := okta.NewOrg(okta.Config{URL: "https://example.okta.com", OAuth: &okta.OAuth{ClientID: "0oa1", Key: tc.key}})
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v, want %q and no secret", name, err, tc.want)
		}
	}
}

// TestConfigFaults: settings that cannot be right.
func TestConfigFaults(t *testing.T) {
	for want, c := range map[string]okta.Config{
		"want an address":       {URL: "example.okta.com", Token: "t"},
		"scheme and host alone": {URL: "https://example.okta.com/api/v1", Token: "t"},
		"not sent over http":    {URL: "http://example.okta.com", Token: "t"},
		"neither an API token":  {URL: "https://example.okta.com"},
		"both an API token":     {URL: "https://example.okta.com", Token: "t", OAuth: &okta.OAuth{}},
		"white space":           {URL: "https://example.okta.com", Token: "t\n"},
		"share of the limits":   {URL: "https://example.okta.com", Token: "t", KeepFree: 1},
		"no OAuth client id":    {URL: "https://example.okta.com", OAuth: &okta.OAuth{}},
	} {
		if _, err := okta.NewOrg(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestOAuthScope: a service without its scope fails alone.
func TestOAuthScope(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	text := block(t, "EC PRIVATE KEY", sec1, err)
	r := newRig(t, func(c *simulator.Config) { c.ClientID, c.Key = "0oa1", key.Public() })
	r.config = func(c *okta.Config) { c.Token, c.OAuth = "", &okta.OAuth{ClientID: "0oa1", Key: text} }
	r.lists.Fill(3, time.Now())
	for _, s := range okta.Services() {
		if err := r.source(s.Name, r.bucket()).Check(t.Context()); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	wrong, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err = x509.MarshalECPrivateKey(wrong)
	text = block(t, "EC PRIVATE KEY", sec1, err)
	if err := r.source("apps", r.bucket()).Authenticate(t.Context()); err == nil || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("error with another key is %v, want invalid_client", err)
	}
}

// TestCredentialIsReplaced begins with a token or key that Okta refuses, and goes
// on with the one that it has been replaced by.
func TestCredentialIsReplaced(t *testing.T) {
	var keys [2]*ecdsa.PrivateKey
	var texts [2]string
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sec1, err := x509.MarshalECPrivateKey(key)
		keys[i], texts[i] = key, string(block(t, "EC PRIVATE KEY", sec1, err))
	}
	for name, tc := range map[string]struct {
		org    func(*simulator.Config)
		config func(*okta.Config)
		second string
	}{
		"API token": {nil, func(c *okta.Config) { c.Token = "former" }, canary},
		"private key": {
			func(c *simulator.Config) { c.Token, c.ClientID, c.Key = "", "0oa1", keys[1].Public() },
			func(c *okta.Config) { c.Token, c.OAuth = "", &okta.OAuth{ClientID: "0oa1", Key: []byte(texts[0])} },
			texts[1],
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.org)
			renewals := 0
			r.config = func(c *okta.Config) {
				tc.config(c)
				c.Renew = func(context.Context) (string, error) { renewals++; return tc.second, nil }
			}
			r.grow(25)
			if err := r.collector(okta.Log).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.wantLog()
			if renewals != 1 {
				t.Errorf("the credential was read again %d times, want once", renewals)
			}
		})
	}
}
