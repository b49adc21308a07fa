package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	secretmanager "google.golang.org/api/secretmanager/v1"
)

// Errors of a secret in Secret Manager, for errors.Is. Their texts say what to do.
var (
	ErrDenied      = errors.New("access is refused: grant roles/secretmanager.secretAccessor on the secret to the account that runs this, and enable the API secretmanager.googleapis.com")
	ErrNotFound    = errors.New("there is no such secret or version: check project and name, and add a version")
	ErrDisabled    = errors.New("this version is disabled or destroyed: enable it, or name another version")
	ErrCredentials = errors.New("there are no valid credentials: gcloud auth application-default login, or run with a service account")
	ErrDamaged     = errors.New("the answer of Secret Manager is damaged")
	ErrUnreachable = errors.New("no answer of Secret Manager that can be used: check the network and try again")
)

// Client asks Google Secret Manager, with Application Default Credentials. Its
// zero value is usable; fields must not change once it is used.
type Client struct {
	// Endpoint is the address of the API, "" for Google's own. An address with
	// plain http must be of this machine; it is sent no credentials.
	Endpoint string
	// Timeout bounds a call with its retries; 0 stands for 30 seconds.
	Timeout time.Duration
	// Attempts bounds how often a call is sent; 0 stands for 5.
	Attempts int
	// Backoff is the first wait between two attempts, which doubles; 0 stands for
	// 250 milliseconds.
	Backoff time.Duration
	// Options are further settings of the client, such as another transport.
	Options []option.ClientOption

	mu      sync.Mutex
	service *secretmanager.Service
}

// open makes the service when it is first asked for: who has no such secret
// needs no credentials.
func (c *Client) open(ctx context.Context) (*secretmanager.Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service != nil {
		return c.service, nil
	}
	options := c.Options
	if c.Endpoint != "" {
		more, err := endpointOptions(c.Endpoint)
		if err != nil {
			return nil, err
		}
		options = append(more, options...)
	}
	// What is made lasts longer than the call that makes it.
	service, err := secretmanager.NewService(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrCredentials, err)
	}
	c.service = service
	return service, nil
}

func endpointOptions(endpoint string) ([]option.ClientOption, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("the endpoint of Secret Manager: want an address such as https://secretmanager.googleapis.com")
	}
	options := []option.ClientOption{option.WithEndpoint(strings.TrimSuffix(u.String(), "/") + "/")}
	if u.Scheme == "https" {
		return options, nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the endpoint %q of Secret Manager: secrets do not go over http, but on this machine", endpoint)
	}
	return append(options, option.WithoutAuthentication()), nil
}

// access reads a version.
func (c *Client) access(ctx context.Context, ref Reference) ([]byte, error) {
	value, err := c.accessWithin(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", ref, err)
	}
	return value, nil
}

func (c *Client) accessWithin(ctx context.Context, ref Reference) ([]byte, error) {
	service, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	timeout, attempts, wait := c.Timeout, c.Attempts, c.Backoff
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	if attempts <= 0 {
		attempts = 5
	}
	if wait <= 0 {
		wait = 250 * time.Millisecond
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		answer, err := service.Projects.Secrets.Versions.Access(ref.Name).Context(bounded).Do()
		var value []byte
		if err == nil {
			if value, err = payload(answer); err == nil {
				return value, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case try == attempts || !curable(err) || !sleep(bounded, wait):
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, explain(err)
		}
		wait *= 2
	}
}

// sleep waits for d and up to a half more, and reports false when ctx ends
// before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// payload answers the bytes of a version, held against their checksum. A server
// that sends none, as emulators do, is believed.
func payload(answer *secretmanager.AccessSecretVersionResponse) ([]byte, error) {
	if answer.Payload == nil {
		return nil, fmt.Errorf("%w: it holds no payload", ErrDamaged)
	}
	value, err := base64.StdEncoding.DecodeString(answer.Payload.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: its payload is not base64", ErrDamaged)
	}
	sum := int64(crc32.Checksum(value, crc32.MakeTable(crc32.Castagnoli)))
	if want := answer.Payload.DataCrc32c; want != 0 && want != sum {
		return nil, fmt.Errorf("%w: its checksum does not match", ErrDamaged)
	}
	return value, nil
}

// curable reports faults that another attempt may not meet.
func curable(err error) bool {
	var status *googleapi.Error
	if errors.As(err, &status) {
		return status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout || status.Code >= 500
	}
	return !noCredentials(err)
}

// noCredentials reports that the account has no token, which the library says in
// words alone.
func noCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "could not find default credentials") || strings.Contains(text, "cannot fetch token") || strings.Contains(text, "invalid_grant")
}

// explain answers an error of ours for one of the library, whose own text may
// hold all that the server sent.
func explain(err error) error {
	var status *googleapi.Error
	switch {
	case errors.Is(err, ErrDamaged):
		return err
	case errors.As(err, &status):
		return explainStatus(status)
	case noCredentials(err):
		return ErrCredentials
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (%w)", ErrUnreachable, err)
	}
	// What remains are bodies that are no JSON, and the decoder's words may show a
	// part of them.
	return fmt.Errorf("%w: it is no JSON of that API, or was cut off", ErrDamaged)
}

func explainStatus(e *googleapi.Error) error {
	said := ""
	if e.Message != "" {
		said = ": " + clip(e.Message)
	}
	cause := fmt.Errorf("status %d%s", e.Code, said)
	switch {
	case e.Code == http.StatusForbidden:
		return fmt.Errorf("%w (%w)", ErrDenied, cause)
	case e.Code == http.StatusNotFound:
		return fmt.Errorf("%w (%w)", ErrNotFound, cause)
	case e.Code == http.StatusUnauthorized:
		return fmt.Errorf("%w (%w)", ErrCredentials, cause)
	case e.Code == http.StatusBadRequest && disabled(e):
		return fmt.Errorf("%w (%w)", ErrDisabled, cause)
	case curable(e):
		return fmt.Errorf("%w (%w)", ErrUnreachable, cause)
	}
	return cause
}

// disabled tells a version that cannot be read from a request that is wrong: both
// are 400, and only the words differ.
func disabled(e *googleapi.Error) bool {
	text := strings.ToUpper(e.Message + e.Body)
	return strings.Contains(text, "FAILED_PRECONDITION") || strings.Contains(text, "DISABLED") || strings.Contains(text, "DESTROYED")
}

// clip answers the start of a server's sentence as one printable line.
func clip(s string) string {
	runes := []rune(s)
	runes = runes[:min(len(runes), 300)]
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, string(runes))
}
