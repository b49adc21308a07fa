// Package okta reads an Okta org: its System Log, and its apps, OAuth clients,
// groups, identity providers, users and network zones.
//
// An Org holds what its services share, which are the credentials, the network
// and the limit of all calls together. Org.Source answers the source of one
// service. Logs follows the System Log by the server's own links; List reads a
// list from end to end, as often as it is asked to.
package okta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// Config says which org is read, and as whom. Either Token or OAuth is given.
type Config struct {
	// URL of the org, such as https://example.okta.com.
	URL string
	// Token is an API token.
	Token string
	// OAuth is a service app that proves itself with a private key.
	OAuth *OAuth
	// Renew reads the token, or the key of the OAuth client, again when Okta
	// refuses it; nil says that it never changes.
	Renew func(context.Context) (string, error)
	// PerMinute is the limit of calls of all services together, which no header
	// tells; 0 stands for PerMinute of the package.
	PerMinute int
	// KeepFree is the share of each limit that is left to other programs, from 0
	// to less than 1.
	KeepFree float64
	// HTTP does the calls; nil stands for http.DefaultClient.
	HTTP *http.Client
	// UserAgent names the program; Okta writes it to its log.
	UserAgent string
	Retry     rest.Retry
}

// Org makes sources. It may be used by several goroutines.
type Org struct {
	config Config
	base   *url.URL
	all    *rest.Limit
	// key is the token, or the text of the OAuth client's key.
	key *rest.Key
}

// CheckURL refuses what cannot be the address of an org.
func CheckURL(address string) error {
	_, err := parseURL(address)
	return err
}

func parseURL(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("want an address of Okta, such as https://example.okta.com")
	case base.User != nil || base.RawQuery != "" || strings.Trim(base.Path, "/") != "":
		return nil, fmt.Errorf("%q: want scheme and host alone", base.Redacted())
	case base.Scheme == "http" && !loopback(base.Hostname()):
		return nil, fmt.Errorf("%q: a secret is not sent over http, but to this machine", address)
	}
	return base, nil
}

// NewOrg checks the settings; it calls nobody.
func NewOrg(c Config) (*Org, error) {
	base, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Token == "" && c.OAuth == nil:
		return nil, errors.New("neither an API token nor an OAuth client")
	case c.Token != "" && c.OAuth != nil:
		return nil, errors.New("both an API token and an OAuth client")
	case c.Token != strings.TrimSpace(c.Token) || strings.ContainsAny(c.Token, " \r\n"):
		return nil, errors.New("the API token has white space in it")
	case !(c.KeepFree >= 0 && c.KeepFree < 1):
		return nil, fmt.Errorf("share of the limits to keep free: %v, want 0 or more and less than 1", c.KeepFree)
	}
	if c.PerMinute == 0 {
		c.PerMinute = PerMinute
	}
	if c.OAuth != nil {
		if _, err := c.OAuth.with(string(c.OAuth.Key)); err != nil {
			return nil, err
		}
	}
	secret := c.Token
	if c.OAuth != nil {
		secret = string(c.OAuth.Key)
	}
	return &Org{
		key: rest.NewKey(secret, c.Renew), config: c, base: &url.URL{Scheme: base.Scheme, Host: base.Host},
		all: &rest.Limit{PerMinute: c.PerMinute, Fixed: true},
	}, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Settings are those of one service.
type Settings struct {
	// PerMinute is the limit of calls to start with; 0 stands for the service's.
	PerMinute int
	// PageSize is how much is asked for at a time; 0 stands for the service's.
	PageSize int
	// Changes lets a list answer only what has changed since its last reading, and
	// what has gone.
	Changes bool
	// FullEvery is how often a list that can be asked for its changes is read as a
	// whole nevertheless, which is how deletions are found; 0 stands for an hour.
	FullEvery time.Duration
	// Memory is where a list with Changes keeps what its records say.
	Memory Memory
	// Log takes warnings; nil drops them.
	Log *slog.Logger
}

// Source is the source of one service. It serves one goroutine at a time, but for
// Client.
type Source interface {
	collector.Source
	// Now is the time by the server's clock, as well as it is known.
	Now() time.Time
	// Authenticate gets an access token where one is needed.
	Authenticate(context.Context) error
	// Check proves that the service may be read, and drops what it reads.
	Check(context.Context) error
	// Client is what does the calls, with their counts.
	Client() *rest.Client
}

// Source answers a new source of the service with a name.
func (o *Org) Source(name string, s Settings) (Source, error) {
	service, ok := Lookup(name)
	if !ok {
		return nil, fmt.Errorf("service %q of Okta: there is none", name)
	}
	if s.PerMinute == 0 {
		s.PerMinute = service.PerMinute
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.FullEvery <= 0 {
		s.FullEvery = time.Hour
	}
	if s.PageSize > 0 {
		service.Query.Set("limit", fmt.Sprint(s.PageSize))
	}
	c := newCaller(o, service, s)
	if service.Name == Log {
		return &Logs{caller: c}, nil
	}
	if s.Changes && s.Memory.Bucket == nil {
		return nil, fmt.Errorf("service %q of Okta: no place to remember what was seen", name)
	}
	return &List{caller: c, changes: s.Changes, fullEvery: s.FullEvery, memory: s.Memory}, nil
}

// caller does the calls of one service.
type caller struct {
	org     *Org
	service Service
	client  *rest.Client
	tokens  rest.Tokens // with OAuth alone
	log     *slog.Logger
	// skew is the server's clock minus ours, in nanoseconds.
	skew atomic.Int64
	// cut is the size of pages that is asked for while larger ones take too long,
	// 0 for none, and good counts the pages since.
	cut, good int
}

func newCaller(o *Org, service Service, s Settings) *caller {
	c := &caller{org: o, service: service, log: s.Log}
	c.client = &rest.Client{
		HTTP: o.config.HTTP, UserAgent: o.config.UserAgent, Retry: o.config.Retry,
		Secrets: c.secrets, Yield: tooSlow,
		Pace: rest.Pacers{&rest.Limit{PerMinute: s.PerMinute, KeepFree: o.config.KeepFree}, o.all},
	}
	c.tokens.Fetch = c.fetchToken
	return c
}

// Name is that of the log or list: org and service.
func (c *caller) Name() string {
	return "okta/" + strings.ToLower(c.org.base.Host) + "/" + c.service.Name
}

// Now implements Source.
func (c *caller) Now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }

// Client implements Source.
func (c *caller) Client() *rest.Client { return c.client }

// Authenticate implements Source.
func (c *caller) Authenticate(ctx context.Context) error {
	if c.org.config.OAuth == nil {
		return nil
	}
	_, err := c.tokens.Get(ctx)
	return err
}

// Check implements Source. A server that is too slow for an answer has let the
// caller in all the same.
func (c *caller) Check(ctx context.Context) error {
	_, err := c.get(ctx, c.home().String()+"?limit=1")
	if tooSlow(err) {
		return nil
	}
	return err
}

// address answers that of the whole list with more to ask for.
func (c *caller) address(more url.Values) string {
	q := url.Values{}
	for _, set := range []url.Values{c.service.Query, more} {
		for k, v := range set {
			q[k] = v
		}
	}
	u := c.home()
	u.RawQuery = q.Encode()
	return u.String()
}
