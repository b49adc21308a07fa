package okta

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// OAuth is a service app of the org that proves itself with a signed assertion
// (private_key_jwt).
type OAuth struct {
	ClientID string
	// Key is the private key: RSA with 2048 bits or more, or ECDSA on P-256, as PEM
	// (PKCS #8, PKCS #1, SEC 1) or as a JSON Web Key.
	Key []byte
	// KeyID names the key in Okta; empty where the JSON Web Key has its own, or the
	// app has one key alone.
	KeyID string

	signer crypto.Signer
}

// with answers the client with a key, whose text stands in no error.
func (o OAuth) with(key string) (*OAuth, error) {
	if o.ClientID == "" {
		return nil, errors.New("no OAuth client id")
	}
	signer, id, err := parseKey([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("OAuth private key: %w", err)
	}
	if o.signer = signer; o.KeyID == "" {
		o.KeyID = id
	}
	return &o, nil
}

// assertion answers a signed statement of who asks, for one use.
func (o *OAuth) assertion(audience string, now time.Time) (string, error) {
	algorithm := "RS256"
	if _, ok := o.signer.(*ecdsa.PrivateKey); ok {
		algorithm = "ES256"
	}
	header := map[string]string{"alg": algorithm, "typ": "JWT"}
	if o.KeyID != "" {
		header["kid"] = o.KeyID
	}
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": o.ClientID, "sub": o.ClientID, "aud": audience,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(claims)
	signature, err := o.sign([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

func (o *OAuth) sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	switch key := o.signer.(type) {
	case *ecdsa.PrivateKey:
		// A JSON Web Signature holds the two numbers side by side, not as ASN.1.
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			return nil, err
		}
		both := make([]byte, 64)
		r.FillBytes(both[:32])
		s.FillBytes(both[32:])
		return both, nil
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	}
	return nil, fmt.Errorf("a key of type %T cannot sign", o.signer)
}

// fetchToken gets an access token for the service, with the key as it is kept by
// now where the one at hand is refused.
func (c *caller) fetchToken(ctx context.Context) (rest.Token, error) {
	key := c.org.key.Current()
	token, err := c.askForToken(ctx, key)
	if refused(err) {
		var changed bool
		if changed, err = c.renew(ctx, key, err); changed {
			token, err = c.askForToken(ctx, c.org.key.Current())
		}
	}
	if err != nil {
		return token, fmt.Errorf("get an access token: %w", err)
	}
	return token, nil
}

// refused reports that Okta does not take a token or a key.
func refused(err error) bool {
	var status *rest.StatusError
	return errors.As(err, &status) && (status.Status == http.StatusUnauthorized || status.Code == "invalid_client")
}

// renew reads the org's credential again after err, and reports whether there is
// another one; if not, it answers err.
func (c *caller) renew(ctx context.Context, old string, err error) (changed bool, _ error) {
	changed, renewErr := c.org.key.Renew(ctx, old)
	if renewErr != nil {
		return false, fmt.Errorf("%w; the secret could not be read again: %w", err, renewErr)
	}
	if changed {
		c.log.Warn("the org's secret was refused and has been replaced")
	}
	return changed, err
}

func (c *caller) askForToken(ctx context.Context, key string) (rest.Token, error) {
	client, err := c.org.config.OAuth.with(key)
	if err != nil {
		return rest.Token{}, err
	}
	at := c.org.base.JoinPath("oauth2", "v1", "token").String()
	var answer struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
	}
	resp, err := c.client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
		assertion, err := client.assertion(at, c.Now())
		if err != nil {
			return nil, err
		}
		form := url.Values{
			"grant_type": {"client_credentials"}, "scope": {c.service.Scope},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion},
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}, func(body []byte) error {
		answer.Token = ""
		if json.Unmarshal(body, &answer) != nil || answer.Token == "" {
			// The body may hold a token, so it is not shown.
			return errors.New("no access token in it")
		}
		return nil
	})
	if err != nil {
		return rest.Token{}, err
	}
	c.noteClock(resp.Header)
	return rest.Token{Bearer: answer.Token, Life: time.Duration(answer.Expires * float64(time.Second))}, nil
}

// secrets answers what no error may show.
func (c *caller) secrets() []string { return append(c.tokens.Known(), c.org.key.Known()...) }
