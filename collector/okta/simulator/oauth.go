package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector/okta"
)

// access is an access token's meaning.
type access struct {
	scope   string
	expires time.Time
}

// Revoke makes all access tokens invalid.
func (o *Org) Revoke() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.tokens)
}

// authorize reports whether the call may see the service.
func (o *Org) authorize(w http.ResponseWriter, r *http.Request, s okta.Service) bool {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if kind == "SSWS" && token != "" && token == o.c.Token {
		return true
	}
	o.mu.Lock()
	a, ok := o.tokens[token]
	o.mu.Unlock()
	switch {
	case kind != "Bearer" || !ok || time.Now().After(a.expires):
		o.fail(w, http.StatusUnauthorized, "E0000011", "Invalid token provided")
		return false
	case a.scope != s.Scope:
		o.fail(w, http.StatusForbidden, "E0000006", "The access token provided does not contain the required scopes.")
		return false
	}
	return true
}

func (o *Org) serveToken(w http.ResponseWriter, r *http.Request) {
	refuse := func(code, what string) {
		o.count("token refused")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": what})
	}
	if o.c.ClientID == "" || r.Method != http.MethodPost || r.ParseForm() != nil ||
		r.PostForm.Get("grant_type") != "client_credentials" ||
		r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		refuse("invalid_request", "want client credentials with an assertion")
		return
	}
	if err := o.verify(r.PostForm.Get("client_assertion"), "http://"+r.Host+r.URL.Path); err != nil {
		refuse("invalid_client", err.Error())
		return
	}
	token := fmt.Sprintf("simulated.%016x%016x", o.draw(), o.draw())
	o.mu.Lock()
	o.tokens[token] = access{scope: r.PostForm.Get("scope"), expires: time.Now().Add(o.c.TokenLife)}
	o.mu.Unlock()
	o.count("token")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"token_type": "Bearer", "access_token": token, "expires_in": int(o.c.TokenLife.Seconds()), "scope": r.PostForm.Get("scope")})
}

// verify checks an assertion and uses it up.
func (o *Org) verify(assertion, audience string) error {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return fmt.Errorf("the assertion has %d parts, want 3", len(parts))
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return fmt.Errorf("part %d of the assertion: %w", i+1, err)
		}
	}
	var claims struct {
		Iss, Sub, Aud, Jti string
		Exp, Iat           int64
	}
	if err := json.Unmarshal(raw[1], &claims); err != nil {
		return err
	}
	now := time.Now().Unix()
	o.mu.Lock()
	again := o.used[claims.Jti]
	o.used[claims.Jti] = true
	o.mu.Unlock()
	switch {
	case again || claims.Jti == "":
		return fmt.Errorf("the assertion was used before")
	case claims.Iss != o.c.ClientID || claims.Sub != o.c.ClientID || claims.Aud != audience:
		return fmt.Errorf("the assertion is by %q for %q, want %q for %q", claims.Iss, claims.Aud, o.c.ClientID, audience)
	case claims.Exp < now || claims.Exp > now+3600 || claims.Iat > now+60:
		return fmt.Errorf("the assertion is of another time")
	}
	return o.checkSignature([]byte(parts[0]+"."+parts[1]), raw[2])
}

func (o *Org) checkSignature(text, signature []byte) error {
	sum := sha256.Sum256(text)
	switch key := o.c.Key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	case *ecdsa.PublicKey:
		if len(signature) == 64 && ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			return nil
		}
	}
	return fmt.Errorf("the signature is wrong")
}
