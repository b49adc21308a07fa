package trigger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Auth proves who calls. Check answers the caller's name for the log, or a
// *Refusal. It may be called by several goroutines.
type Auth interface {
	Check(r *http.Request) (caller string, err error)
}

// Refusal is why a call may not act. Reason is for the log: the caller is told
// the status alone.
type Refusal struct {
	// Status is 401 for one who has not proven anything, 403 for one who may not,
	// and 503 where nothing can be proven at present.
	Status int
	Reason string
	// Token says that there was a token, which was no good.
	Token bool
}

func (e *Refusal) Error() string { return e.Reason }

func refuse(status int, token bool, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Token: token, Reason: fmt.Sprintf(format, args...)}
}

// bearer answers the bearer token of a header.
func bearer(r *http.Request, header string) (string, error) {
	values := r.Header.Values(header)
	switch len(values) {
	case 0:
		return "", refuse(http.StatusUnauthorized, false, "there is no bearer token")
	case 1:
	default:
		return "", refuse(http.StatusUnauthorized, false, "there are %d headers %s", len(values), header)
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", refuse(http.StatusUnauthorized, false, "the header %s holds no bearer token", header)
	}
	return token, nil
}

// Platform lets in whom Cloud Run lets in: its front end has checked the caller's
// token, and forwards it without its signature. That holds only where the service
// is not open to all, which this cannot see.
type Platform struct{ callers []string }

// NewPlatform answers a Platform that takes callers with these addresses alone,
// or all where none is given. environment answers variables: without K_SERVICE,
// which Cloud Run sets, there is no front end to trust.
func NewPlatform(callers []string, environment func(string) string) (*Platform, error) {
	if environment("K_SERVICE") == "" {
		return nil, errors.New("this is not Cloud Run: K_SERVICE is not set, so nobody has checked the callers")
	}
	callers, err := readCallers(callers)
	return &Platform{callers}, err
}

// Check implements Auth. Where a call has both headers, Cloud Run has checked
// X-Serverless-Authorization, and the other one is the caller's own word.
func (p *Platform) Check(r *http.Request) (string, error) {
	header := "Authorization"
	if len(r.Header.Values("X-Serverless-Authorization")) > 0 {
		header = "X-Serverless-Authorization"
	}
	token, err := bearer(r, header)
	if err != nil {
		return "", err
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", refuse(http.StatusUnauthorized, true, "the token is no JSON Web Token")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c claims
	if err != nil || json.Unmarshal(text, &c) != nil {
		return "", refuse(http.StatusUnauthorized, true, "the claims of the token cannot be read")
	}
	if len(p.callers) == 0 {
		return clean(c.Email), nil
	}
	return c.caller(p.callers)
}

// claims are what a token says of a caller.
type claims struct {
	Email    string
	Verified bool
}

// UnmarshalJSON takes claims by their exact names. The decoder would take Email
// for email, and who chooses the names of other claims could choose that one.
func (c *claims) UnmarshalJSON(text []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, to := range map[string]any{"email": &c.Email, "email_verified": &c.Verified} {
		if value, ok := all[name]; ok {
			if err := json.Unmarshal(value, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// lower folds the letters of ASCII alone: other letters have lower forms among
// them, such as the Kelvin sign, and would make two accounts one.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// caller answers the address, if it is one of those that may call.
func (c claims) caller(callers []string) (string, error) {
	email := lower(c.Email)
	switch {
	case email == "":
		return "", refuse(http.StatusForbidden, true, "the token has no email: for Google's, ask for format full")
	case !c.Verified:
		return "", refuse(http.StatusForbidden, true, "the email of the token is not verified")
	case !slices.Contains(callers, email):
		return "", refuse(http.StatusForbidden, true, "%s is none of the callers", clean(email))
	}
	return email, nil
}

// readCallers checks addresses, and answers them in lower case.
func readCallers(callers []string) ([]string, error) {
	var all []string
	for _, c := range callers {
		name, host, ok := strings.Cut(c, "@")
		if !ok || name == "" || host == "" || strings.ContainsAny(c, " ,") {
			return nil, fmt.Errorf("caller %q: want the address of an account, such as trigger@example.iam.gserviceaccount.com", c)
		}
		all = append(all, lower(c))
	}
	return all, nil
}
