// Package rest calls JSON APIs: it retries what a retry can cure, waits as long
// as the server asks, bounds what it reads, and keeps secrets out of its errors.
package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Errors of Do, for errors.Is.
var (
	// ErrTooLarge: the body is longer than Client.MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrGaveUp: the last of several tries has failed, too. The error wraps what
	// it failed by.
	ErrGaveUp = errors.New("gave up")
	// ErrDamaged: the body is not what it must be. It is wrapped by ErrGaveUp.
	ErrDamaged = errors.New("the answer is damaged")
)

// Client calls one API. Its zero value is usable; fields must not change once it
// is used. It may be used by several goroutines.
type Client struct {
	// HTTP does the calls; nil stands for http.DefaultClient, which waits for ever.
	HTTP *http.Client
	// UserAgent names the program and its version.
	UserAgent string
	// MaxBody bounds one answer in bytes; 0 stands for 64 MiB.
	MaxBody int64
	Retry   Retry
	// Secrets answers strings that must not appear in an error. It may be nil.
	Secrets func() []string
	// Pace holds back calls, retries too, to stay within limits. It may be nil.
	Pace Pacer
	// Yield tells errors that the caller cures by another call from those that
	// the same call may cure; the former end Do at once. It may be nil.
	Yield func(error) bool
	Stats Stats
}

// Pacer spaces calls out.
type Pacer interface {
	// Wait returns when a call may be sent, or the error of ctx. The caller
	// reports the answer to done, once: its status and header, or 0 and nil
	// where there was none.
	Wait(ctx context.Context) (done func(status int, h http.Header), err error)
}

// Stats counts calls. It may be read at any time.
type Stats struct {
	Requests  atomic.Int64 // sent, retries included
	Retries   atomic.Int64
	Throttles atomic.Int64 // answers 429
	Crowded   atomic.Int64 // of these, for too many calls at a time
	// Throttled, Backoff and Waiting are nanoseconds: slept because the server
	// asked for it, slept after a fault, and spent in calls.
	Throttled, Backoff, Waiting atomic.Int64
}

// Response is an answer with status 2xx.
type Response struct {
	Header http.Header
	Body   []byte
}

// NewHTTP answers a client with bounded waits and the proxy of the environment
// (HTTPS_PROXY, NO_PROXY). It does not follow redirects, which could carry a
// token elsewhere. caFile names certificates to trust beside the system's; it
// may be empty. timeout bounds one call with its body; 0 stands for 2 minutes.
func NewHTTP(caFile string, timeout time.Duration) (*http.Client, error) {
	if timeout <= 0 {
		timeout = 2 * time.Minute
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = min(timeout, 45*time.Second)
	t.TLSHandshakeTimeout = 15 * time.Second
	t.MaxIdleConnsPerHost = 4
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the CA file %q holds no certificate", caFile)
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{
		Transport: t, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// Do sends what build makes, afresh for each try, until it is answered with
// 2xx. valid looks at the body, if it is set: an answer that it refuses was
// damaged on its way and is asked for again. The error is that of the context, a
// *StatusError that no retry can cure, ErrTooLarge, or ErrGaveUp.
func (c *Client) Do(ctx context.Context, build func(context.Context) (*http.Request, error), valid func(body []byte) error) (*Response, error) {
	retry := c.Retry.withDefaults()
	var waited time.Duration
	faults := 0
	for tries := 1; ; tries++ {
		req, err := build(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := c.once(req)
		if err == nil && valid != nil {
			if err = valid(resp.Body); err != nil {
				err = fmt.Errorf("%s %s: %w: %w", req.Method, req.URL.EscapedPath(), ErrDamaged, err)
			}
		}
		if err == nil {
			return resp, nil
		}
		err = c.redact(err)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !curable(err) || c.Yield != nil && c.Yield(err) {
			return nil, err
		}
		wait, named := retry.Wait(faults, headerOf(resp), time.Now(), rand.Float64())
		if delay := delayOf(err); !named && delay > 0 {
			wait, named = min(delay, longestWait)+time.Duration(rand.Float64()*float64(retry.Base)), true
		}
		if !named {
			faults++
		}
		if faults >= retry.Attempts || tries >= 4*retry.Attempts || waited+wait > retry.Limit {
			return nil, fmt.Errorf("%w after %d tries, the next one in %s: %w", ErrGaveUp, tries, wait.Round(time.Second), err)
		}
		waited += wait
		if ended := c.sleep(ctx, wait, named); ended != nil {
			// What it waited for is told, but is not what it failed by.
			return nil, fmt.Errorf("%w, waiting to try again after: %s", ended, err.Error())
		}
	}
}

// headerOf answers the header of a failed call's answer, if it had one.
func headerOf(r *Response) http.Header {
	if r == nil {
		return nil
	}
	return r.Header
}

// delayOf answers how long the body of an answer asks to wait, 0 for none.
func delayOf(err error) time.Duration {
	var status *StatusError
	if !errors.As(err, &status) {
		return 0
	}
	return status.Delay
}

// curable reports whether trying again makes sense.
func curable(err error) bool {
	if errors.Is(err, ErrTooLarge) {
		return false
	}
	var status *StatusError
	if !errors.As(err, &status) {
		return !permanent(err)
	}
	switch status.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, 499:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status.Status >= 500
}

// permanent reports errors of the network that stay: a certificate is not
// trusted, or the address is none.
func permanent(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// once sends one request and reads its answer. With an error the Response holds
// the header alone, nil where there was none.
func (c *Client) once(req *http.Request) (*Response, error) {
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	done, err := c.pace(req.Context())
	if err != nil {
		return nil, err
	}
	c.Stats.Requests.Add(1)
	start := time.Now()
	defer func() { c.Stats.Waiting.Add(int64(time.Since(start))) }()
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		done(0, nil)
		return nil, withoutQuery(err)
	}
	done(resp.StatusCode, resp.Header)
	defer resp.Body.Close()
	head := &Response{Header: resp.Header}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		if resp.StatusCode == http.StatusTooManyRequests {
			c.Stats.Throttles.Add(1)
			if Crowded(resp.Header) {
				c.Stats.Crowded.Add(1)
			}
		}
		// An error's body is short, and a fault in it says less than its status.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return head, newStatusError(req, resp, body)
	}
	body, err := c.readBody(resp)
	if err != nil {
		return head, fmt.Errorf("%s %s: read the answer: %w", req.Method, req.URL.EscapedPath(), err)
	}
	return &Response{Header: resp.Header, Body: body}, nil
}

// pace waits for the Pacer, and counts the time as asked for by the server.
func (c *Client) pace(ctx context.Context) (done func(int, http.Header), err error) {
	if c.Pace == nil {
		return func(int, http.Header) {}, nil
	}
	start := time.Now()
	defer func() { c.Stats.Throttled.Add(int64(time.Since(start))) }()
	return c.Pace.Wait(ctx)
}

func (c *Client) readBody(resp *http.Response) ([]byte, error) {
	limit := c.MaxBody
	if limit <= 0 {
		limit = 64 << 20
	}
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, resp.ContentLength, limit)
	}
	var b bytes.Buffer
	if resp.ContentLength > 0 {
		b.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
	}
	return b.Bytes(), nil
}

// sleep waits, and says for what.
func (c *Client) sleep(ctx context.Context, d time.Duration, asked bool) error {
	c.Stats.Retries.Add(1)
	start := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	defer func() {
		if asked {
			c.Stats.Throttled.Add(int64(time.Since(start)))
		} else {
			c.Stats.Backoff.Add(int64(time.Since(start)))
		}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// redact takes secrets out of an error's text. Servers have been seen to answer
// with what they were sent.
func (c *Client) redact(err error) error {
	if c.Secrets == nil {
		return err
	}
	var status *StatusError
	if errors.As(err, &status) {
		for _, text := range []*string{&status.Message, &status.Code, &status.RequestID, &status.Reason} {
			*text = c.Redact(*text)
		}
		return err
	}
	if clean := c.Redact(err.Error()); clean != err.Error() {
		return errors.New(clean)
	}
	return err
}

// Redact takes the secrets out of a text that a server has sent.
func (c *Client) Redact(text string) string {
	if c.Secrets == nil {
		return text
	}
	for _, s := range c.Secrets() {
		text = replaceSecret(text, s)
	}
	return text
}

// replaceSecret replaces s, the form that JSON gives it, and the start of it
// where the text was cut off within.
func replaceSecret(text, s string) string {
	if s == "" {
		return text
	}
	quoted, err := json.Marshal(s)
	if err == nil {
		text = strings.ReplaceAll(text, string(quoted[1:len(quoted)-1]), "[secret]")
	}
	text = strings.ReplaceAll(text, s, "[secret]")
	text = strings.ReplaceAll(text, url.QueryEscape(s), "[secret]")
	for n := len(s) - 1; n >= 6; n-- {
		if head, ok := strings.CutSuffix(text, s[:n]+"..."); ok {
			return head + "[secret]..."
		}
	}
	return text
}

// withoutQuery takes the query out of the address in an error of net/http.
func withoutQuery(err error) error {
	var e *url.Error
	if !errors.As(err, &e) {
		return err
	}
	if u, parseErr := url.Parse(e.URL); parseErr == nil {
		u.RawQuery, u.User = "", nil
		e.URL = u.String()
	}
	return err
}
