package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// Google is the issuer of the tokens that Pub/Sub, Eventarc and Cloud Scheduler
// send.
const Google = "https://accounts.google.com"

// OIDCConfig says whose tokens are taken.
type OIDCConfig struct {
	// Issuer signs the tokens, Google if empty. Its keys are fetched over https,
	// or over http from this machine.
	Issuer string
	// Audience is whom the tokens are made for.
	Audience string
	// Callers are the addresses of the accounts that may call, one at least.
	Callers []string
	// HTTP fetches the keys; nil stands for a client with a limit of 10 seconds.
	HTTP *http.Client
}

// OIDC lets in callers with an ID token.
type OIDC struct {
	config OIDCConfig
	fetch  *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer was first asked
	failed   time.Time             // when the issuer could not be asked
	fault    error
}

// algorithms are those with a public key: with a shared one, whoever can check a
// token could make one.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// NewOIDC checks the settings; it calls nobody. The issuer is asked at the first
// call, so that a service starts while it cannot be reached.
func NewOIDC(c OIDCConfig) (*OIDC, error) {
	if c.Issuer == "" {
		c.Issuer = Google
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("issuer %q: want an address such as %s", c.Issuer, Google)
	}
	if u.Scheme == "http" && !loopback(u) {
		return nil, fmt.Errorf("issuer %q: keys are not fetched over http, but from this machine", c.Issuer)
	}
	if c.Audience == "" {
		return nil, errors.New("no audience of the tokens")
	}
	if len(c.Callers) == 0 {
		return nil, errors.New("no callers: anybody with an account could call")
	}
	if c.Callers, err = readCallers(c.Callers); err != nil {
		return nil, err
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	limited := *client
	limited.Transport = &keyTransport{client.Transport, u.Scheme == "http", rate.NewLimiter(rate.Every(6*time.Second), 10)}
	return &OIDC{config: c, fetch: &limited}, nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// keyTransport fetches what an issuer publishes. Each token with an unknown key
// makes the library look for new keys, and anybody can make one up: so calls are
// bounded to ten a minute. Keys that are known go on working.
type keyTransport struct {
	next  http.RoundTripper
	plain bool // http is fine, on this machine
	limit *rate.Limiter
}

// RoundTrip implements http.RoundTripper.
func (t *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (!t.plain || !loopback(r.URL)) {
		return nil, fmt.Errorf("the issuer leads to %q: keys are not fetched over http", r.URL.Redacted())
	}
	if !t.limit.Allow() {
		return nil, errors.New("the issuer was asked too often in this minute")
	}
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r)
}

// Check implements Auth.
func (o *OIDC) Check(r *http.Request) (string, error) {
	raw, err := bearer(r, "Authorization")
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(raw, ".SIGNATURE_REMOVED_BY_GOOGLE") {
		return "", refuse(http.StatusUnauthorized, true, "Cloud Run has checked the token and removed its signature: use the platform's authentication here")
	}
	verifier, err := o.open(r.Context())
	if err != nil {
		return "", refuse(http.StatusServiceUnavailable, false, "the issuer cannot be asked: %v", err)
	}
	var unreachable error
	token, err := verifier.Verify(context.WithValue(r.Context(), faultKey{}, &unreachable), raw)
	if unreachable != nil {
		return "", refuse(http.StatusServiceUnavailable, false, "the keys of the issuer cannot be fetched: %v", unreachable)
	}
	if err != nil {
		return "", refuse(http.StatusUnauthorized, true, "%s", clean(err.Error()))
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return "", refuse(http.StatusForbidden, true, "the claims email and email_verified cannot be read")
	}
	return c.caller(o.config.Callers)
}

// retryAfter is how long an issuer that failed is left in peace.
const retryAfter = time.Second

// open answers the verifier, and asks the issuer the first time.
func (o *OIDC) open(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier != nil {
		return o.verifier, nil
	}
	if time.Since(o.failed) < retryAfter {
		return nil, o.fault
	}
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), o.fetch)
	provider, err := oidc.NewProvider(ctx, o.config.Issuer)
	if err != nil {
		o.failed, o.fault = time.Now(), err
		return nil, err
	}
	var published struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&published); err != nil || published.Keys == "" {
		o.failed, o.fault = time.Now(), errors.New("it publishes no jwks_uri")
		return nil, o.fault
	}
	keys := &keys{oidc.NewRemoteKeySet(ctx, published.Keys)}
	o.verifier = oidc.NewVerifier(o.config.Issuer, keys, &oidc.Config{ClientID: o.config.Audience, SupportedSigningAlgs: algorithms})
	return o.verifier, nil
}

// keys tells a token that is wrong from keys that cannot be fetched. The verifier
// answers both in words alone.
type keys struct{ remote oidc.KeySet }

// faultKey is where a caller wants to have a fault of fetching.
type faultKey struct{}

// VerifySignature implements oidc.KeySet. Of the errors of the key set, only one
// of fetching wraps another.
func (k *keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	if cause := errors.Unwrap(err); cause != nil {
		if to, ok := ctx.Value(faultKey{}).(*error); ok {
			*to = cause
		}
	}
	return payload, err
}
