package secops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"sync/atomic"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"

	"github.com/asa2udm/asa2udm/collector/rest"
)

const scope = "https://www.googleapis.com/auth/cloud-platform"

// tokenTries bounds how often a token is asked for where Google fails to answer.
const tokenTries = 3

// fetcher asks for tokens of the Application Default Credentials.
type fetcher struct {
	http  *http.Client
	retry rest.Retry
	quota *atomic.Pointer[string]
}

// fetch answers a new token. The credentials are looked up each time, since those
// of the library keep a token, and one that was refused must not come again.
func (f fetcher) fetch(ctx context.Context) (rest.Token, error) {
	for try := 0; ; try++ {
		token, err := f.once(ctx)
		if err == nil {
			return token, nil
		}
		if ctx.Err() != nil {
			return rest.Token{}, context.Cause(ctx)
		}
		if !passing(err) || try+1 >= tokenTries {
			return rest.Token{}, tokenError(err)
		}
		wait, _ := f.retry.Wait(try, nil, time.Now(), rand.Float64())
		select {
		case <-ctx.Done():
			return rest.Token{}, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// tokenError gives a failed call for a token its cause.
func tokenError(err error) error {
	var other *otherAnswer
	switch {
	case passing(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, withoutBody(err))
	case errors.As(err, &other):
		return fmt.Errorf("%w: %w", ErrAnswer, other)
	}
	return fmt.Errorf("%w: %w", ErrCredentials, withoutBody(err))
}

// passing reports faults of the network or of the token endpoint, which may pass.
func passing(err error) bool {
	var refused *auth.Error
	var other *otherAnswer
	var network *url.Error
	switch {
	case errors.As(err, &other):
		return other.passing()
	case errors.As(err, &refused):
		return refused.Temporary()
	}
	return errors.As(err, &network)
}

func (f fetcher) once(ctx context.Context) (rest.Token, error) {
	creds, err := credentials.DetectDefault(&credentials.DetectOptions{
		Scopes: []string{scope}, Client: watched(f.http),
		// The library would log requests and tokens where a variable asks for it.
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return rest.Token{}, err
	}
	token, err := creds.Token(ctx)
	if err != nil {
		return rest.Token{}, err
	}
	if token.Value == "" {
		// The library takes any JSON object for a success.
		return rest.Token{}, &otherAnswer{http.StatusOK, "JSON that holds no token"}
	}
	project, err := creds.QuotaProjectID(ctx)
	if err != nil {
		return rest.Token{}, err
	}
	f.quota.Store(&project)
	return rest.Token{Bearer: token.Value, Life: time.Until(token.Expiry)}, nil
}

// oauthCode is what the error of a token endpoint looks like. All else of its
// answer may repeat what it was sent.
var oauthCode = regexp.MustCompile(`"error"\s*:\s*"([a-z_]{1,40})"`)

// withoutBody keeps the body of an answer out of an error.
func withoutBody(err error) error {
	var other *otherAnswer
	if errors.As(err, &other) {
		return other
	}
	var refused *auth.Error
	if !errors.As(err, &refused) || refused.Response == nil {
		return err
	}
	what := refused.Response.Status
	if m := oauthCode.FindSubmatch(refused.Body); m != nil {
		what += ", " + string(m[1])
	}
	return fmt.Errorf("the token endpoint answers %s", what)
}

// anonymous reports whether an endpoint is called without a token: over plain http
// to this machine, unless credentials are named for the purpose.
func anonymous(scheme string) bool {
	return scheme == "http" && os.Getenv("GOOGLE_APPLICATION_CREDENTIALS") == "" && os.Getenv("GCE_METADATA_HOST") == ""
}
