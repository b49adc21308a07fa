package secops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// Client calls one instance. It is used by one Sink at a time.
type Client struct {
	config Config
	base   *url.URL
	rest   *rest.Client
	tokens *rest.Tokens // nil where none is needed
	// quota names the project whose quota the credentials use, nil or "" for that
	// of the account.
	quota atomic.Pointer[string]
}

// New checks the settings; it calls nobody.
func New(c Config) (*Client, error) {
	base, err := baseURL(c.Endpoint, c.Instance)
	if err != nil {
		return nil, err
	}
	if c.Forwarder != "" && !pathForm.MatchString(c.Forwarder) {
		return nil, fmt.Errorf("forwarder %q: want its id alone", c.Forwarder)
	}
	client, err := newHTTP(c.CAFile)
	if err != nil {
		return nil, err
	}
	out := &Client{config: c, base: base, rest: &rest.Client{
		HTTP: client, UserAgent: c.UserAgent, MaxBody: 1 << 20, Retry: c.Retry,
	}}
	if !anonymous(base.Scheme) {
		out.tokens = &rest.Tokens{Fetch: fetcher{client, c.Retry, &out.quota}.fetch}
		out.rest.Secrets = out.tokens.Known
	}
	return out, nil
}

// String is the address of the instance.
func (c *Client) String() string { return c.config.Instance.String() }

// Calls counts what was sent.
func (c *Client) Calls() *rest.Stats { return &c.rest.Stats }

// Check proves as much as can be proven without importing anything, and says what
// that is.
func (c *Client) Check(ctx context.Context) (string, error) {
	hurried := &rest.Client{
		HTTP: c.rest.HTTP, UserAgent: c.rest.UserAgent, MaxBody: c.rest.MaxBody, Secrets: c.rest.Secrets,
		Retry: rest.Retry{Attempts: 2, Base: c.config.Retry.Base},
	}
	resp, err := c.call(ctx, hurried, request{method: http.MethodGet, path: c.config.Instance.Name()})
	var status *rest.StatusError
	if errors.Is(err, ErrDenied) && errors.As(err, &status) && (status.Reason == "IAM_PERMISSION_DENIED" || status.Reason == "") && c.tokens != nil {
		return "the credentials are a Google account's, but it may not read the instance (chronicle.instances.get): " +
			"whether it may import is not proven", nil
	}
	if err == nil {
		err = c.checkInstance(resp)
	}
	if err != nil {
		return "", err
	}
	if c.tokens == nil {
		return c.String() + " answers, without credentials; whether imports are allowed is not proven", nil
	}
	return c.String() + " can be read; whether imports are allowed is not proven", nil
}

// checkInstance accepts what is documented for instances.get, the instance with its
// name, and says what else came. The project may be named by its number there.
func (c *Client) checkInstance(resp *rest.Response) error {
	var answer struct{ Name string }
	err := json.Unmarshal(resp.Body, &answer)
	if err == nil {
		name, parseErr := ParseInstance(answer.Name)
		want := c.config.Instance
		if parseErr == nil && name.Location == want.Location && strings.EqualFold(name.ID, want.ID) {
			return nil
		}
	}
	return fmt.Errorf("%w: GET %s: want the instance as JSON, got %s", ErrAnswer, c.config.Instance.Name(),
		describe(resp.Header, []byte(c.rest.Redact(string(resp.Body)))))
}

// push imports events until they are accepted, or refused for good. taken is how
// many of its tries the server may have taken.
func (c *Client) push(ctx context.Context, target string, body []byte, events int) (answer string, taken int, err error) {
	throttles := c.rest.Stats.Throttles.Load()
	resp, err := c.call(ctx, c.rest, request{
		method: http.MethodPost, path: target,
		body:  func() []byte { taken++; return body },
		valid: func(answer []byte) error { return checkAnswer(answer, events) },
		// What was refused was not taken; of tries that failed nobody knows.
		refused: func() { taken-- },
	})
	taken -= int(c.rest.Stats.Throttles.Load() - throttles)
	if err != nil {
		return "", max(taken, 0), err
	}
	return c.keptAnswer(resp.Body), taken, nil
}

// answerBytes is how much of the answer to an import is kept in notes.
const answerBytes = 1000

// keptAnswer is what notes hold of an answer, which may repeat what was sent.
func (c *Client) keptAnswer(body []byte) string {
	text := c.rest.Redact(string(bytes.TrimSpace(body)))
	if len(text) > answerBytes {
		text = strings.ToValidUTF8(text[:answerBytes], "") + "..."
	}
	return text
}

// request is one call. All but method and path may be left out.
type request struct {
	method string
	// path is that of the resource, and its method.
	path string
	// body answers the content for each try.
	body func() []byte
	// valid looks at the answer of a success.
	valid func([]byte) error
	// refused is told that a try was answered with a refusal, but for one of the
	// limit.
	refused func()
}

// build makes the request of one try.
func (r request) build(ctx context.Context, base, bearer, quota string) (*http.Request, error) {
	var content []byte
	if r.body != nil {
		content = r.body()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, base+"/"+r.path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if quota != "" {
		req.Header.Set("X-Goog-User-Project", quota)
	}
	return req, nil
}

// call sends a request with a token, and once more with a new one where that was
// refused.
func (c *Client) call(ctx context.Context, client *rest.Client, r request) (resp *rest.Response, err error) {
	send := func(ctx context.Context, bearer string) (*rest.Response, error) {
		resp, err := client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
			return r.build(ctx, c.base.String(), bearer, c.quotaProject())
		}, r.valid)
		var status *rest.StatusError
		if r.refused != nil && errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusTooManyRequests {
			r.refused()
		}
		return resp, err
	}
	if c.tokens == nil {
		resp, err = send(ctx, "")
	} else {
		resp, err = c.tokens.Send(ctx, send)
	}
	if err != nil && ctx.Err() == nil {
		err = explain(err)
	}
	return resp, err
}

// quotaProject is what the credentials at hand say. Google demands it of a person's
// own credentials, which would else count on the project of gcloud itself.
func (c *Client) quotaProject() string {
	if p := c.quota.Load(); p != nil {
		return *p
	}
	return ""
}

// checkAnswer accepts what is documented for an import, an empty message, and one
// that has members that we do not know, as clients of Google's APIs do; a count
// has to be that of the events. All else may come from a proxy, and is taken for
// an answer that was lost.
func checkAnswer(body []byte, events int) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return errors.New("want a JSON object")
	}
	if _, failed := members["error"]; failed {
		return errors.New("the answer says that it succeeded, and holds an error")
	}
	if value, told := members["successCount"]; told {
		if count, err := strconv.Atoi(string(bytes.Trim(value, `"`))); err != nil || count != events {
			return fmt.Errorf("%.20s events were accepted of %d", value, events)
		}
	}
	return nil
}

// explain gives a failed call its cause.
func explain(err error) error {
	var status *rest.StatusError
	answered := errors.As(err, &status)
	switch {
	case errors.Is(err, ErrCredentials), errors.Is(err, ErrUnavailable), errors.Is(err, ErrAnswer):
		return err
	case errors.Is(err, rest.ErrDamaged), errors.Is(err, rest.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	case errors.Is(err, rest.ErrGaveUp), !answered:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case status.Status >= 500 && status.Status != http.StatusNotImplemented:
		// A method that this version of the API lacks will not come by itself.
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case status.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w: %w", ErrCredentials, err)
	case status.Status == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", ErrRequest, err)
	case status.Status == http.StatusForbidden && fromGoogle(status):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case status.Status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case status.Status < 400, !fromGoogle(status):
		// A redirect is not followed, and Google's errors have a status of their own.
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return fmt.Errorf("%w: %w", ErrRequest, err)
}

// googleCode is the form of the canonical codes, and of the number that stands for one.
var googleCode = regexp.MustCompile(`^([A-Z][A-Z_]+|[0-9]{3})$`)

// fromGoogle reports whether an error is in Google's words. A proxy or gateway on
// the way has its own, in JSON, too.
func fromGoogle(status *rest.StatusError) bool { return googleCode.MatchString(status.Code) }

// refusal answers what the server says of the content of a request, nil for an
// error that is not about that: another event could be accepted.
func refusal(err error) *rest.StatusError {
	var status *rest.StatusError
	if !errors.Is(err, ErrRequest) || !errors.As(err, &status) {
		return nil
	}
	switch {
	case status.Status == http.StatusRequestEntityTooLarge:
		return status
	case status.Status != http.StatusBadRequest:
		return nil
	case status.Reason == "API_KEY_INVALID" || status.Code != "INVALID_ARGUMENT" && status.Code != "OUT_OF_RANGE":
		return nil
	}
	return status
}
