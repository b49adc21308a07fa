// Package asa reads the audit log of Okta Advanced Server Access, formerly
// ScaleFT, and of Okta Privileged Access hosts that answer the same API.
package asa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// DefaultBaseURL is the production host of ASA.
const DefaultBaseURL = "https://app.scaleft.com"

// MaxPageSize is the largest page that the API is known to answer.
const MaxPageSize = 1000

// Config says whose log is read.
type Config struct {
	// BaseURL is the address without a path, DefaultBaseURL if empty.
	BaseURL string
	Team    string
	// KeyID and KeySecret are those of a service user's API key.
	KeyID, KeySecret string
	// Renew reads the secret again, once, when ASA refuses it; nil says that it
	// never changes.
	Renew func(context.Context) (string, error)
	// PageSize is the number of events asked for at a time, from 1 to
	// MaxPageSize, which 0 stands for.
	PageSize int
	// Client does the calls. Its Secrets are set by New.
	Client *rest.Client
	// Log takes warnings; nil drops them.
	Log *slog.Logger
}

// Source reads one team's log. Now aside, it serves one goroutine at a time.
type Source struct {
	base   *url.URL
	team   string
	size   int
	client *rest.Client
	keyID  string
	secret *rest.Key
	tokens rest.Tokens
	log    *slog.Logger
	// next holds the link that followed a page, under the place behind it, so
	// that a run goes by the server's links and the next run by the last id.
	next map[direction]link
	// warned says that a next link to another host has been reported.
	warned bool
	// skew is the server's clock minus ours. It is read while a page is fetched.
	skew atomic.Int64
}

type direction bool

const (
	oldestFirst direction = false
	newestFirst direction = true
)

type link struct {
	after collector.Cursor
	url   *url.URL
}

var _ collector.Backward = (*Source)(nil)

// New checks the settings; it calls nobody.
func New(c Config) (*Source, error) {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("base URL %q: want an address such as %s", c.BaseURL, DefaultBaseURL)
	}
	if base.User != nil || base.RawQuery != "" || strings.Trim(base.Path, "/") != "" {
		return nil, fmt.Errorf("base URL %q: want scheme and host alone", base.Redacted())
	}
	if base.Scheme == "http" && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("base URL %q: a secret is not sent over http, but to this machine", c.BaseURL)
	}
	switch {
	case c.Team == "":
		return nil, errors.New("no team name")
	case c.Team == "." || c.Team == "..":
		return nil, fmt.Errorf("team name %q: want the name of a team", c.Team)
	case c.KeyID == "":
		return nil, errors.New("no API key id")
	case c.KeySecret == "":
		return nil, errors.New("no API key secret")
	case c.PageSize < 0 || c.PageSize > MaxPageSize:
		return nil, fmt.Errorf("page size %d: want 1 to %d", c.PageSize, MaxPageSize)
	}
	if c.PageSize == 0 {
		c.PageSize = MaxPageSize
	}
	if c.Client == nil {
		c.Client = &rest.Client{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		base: &url.URL{Scheme: base.Scheme, Host: base.Host}, team: c.Team, size: c.PageSize,
		client: c.Client, log: c.Log, next: make(map[direction]link),
	}
	s.keyID, s.secret = c.KeyID, rest.NewKey(c.KeySecret, c.Renew)
	s.tokens.Fetch = s.fetchToken
	s.client.Secrets = s.secrets
	return s, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Name implements collector.Source. Team names are compared without case.
func (s *Source) Name() string { return "asa/" + strings.ToLower(s.team) }

// Now implements collector.Backward. It may be called at any time.
func (s *Source) Now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

// Page implements collector.Source.
func (s *Source) Page(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	return s.page(ctx, oldestFirst, cur, s.size)
}

// PageBack implements collector.Backward.
func (s *Source) PageBack(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	return s.page(ctx, newestFirst, cur, s.size)
}

// Check proves the credentials, and the role by reading one event, which it
// drops.
func (s *Source) Check(ctx context.Context) error {
	_, err := s.page(ctx, oldestFirst, collector.Cursor{}, 1)
	return err
}

// emptyPages bounds how many pages without an event are followed in a row.
const emptyPages = 50

func (s *Source) page(ctx context.Context, dir direction, cur collector.Cursor, size int) (*collector.Page, error) {
	at := s.address(dir, cur, size)
	if l := s.next[dir]; l.url != nil && l.after == cur {
		at = l.url
	}
	for range emptyPages {
		p, next, err := s.fetch(ctx, at)
		switch {
		case errors.Is(err, rest.ErrTooLarge) && size > 1:
			size = max(1, size/2)
			s.log.Warn("a page is too large, asking for fewer events", "count", size)
			at = s.address(dir, cur, size)
			continue
		case err != nil:
			return nil, s.explain(ctx, cur, err)
		}
		trusted := s.trusted(next)
		if len(p.Records) == 0 && next != nil && *next != *at {
			if trusted == nil {
				return nil, fmt.Errorf("a page without an event leads on to another host, %q, where no token is sent", next.Host)
			}
			at = trusted
			continue
		}
		p.Cursor = cur.Behind(p.Records)
		p.More = next != nil && len(p.Records) > 0
		s.next[dir] = link{after: p.Cursor, url: trusted}
		return p, nil
	}
	return nil, fmt.Errorf("%d pages in a row held no event and led on; stopped at %s", emptyPages, at.Redacted())
}

// trusted answers the next link if it leads to the configured host. The token
// is sent nowhere else: the page behind the last event is asked for instead,
// which is the same page.
func (s *Source) trusted(next *url.URL) *url.URL {
	if next == nil || next.Scheme == s.base.Scheme && next.Host == s.base.Host && next.User == nil {
		return next
	}
	if !s.warned {
		s.warned = true
		s.log.Warn("next links lead to another host and are not followed; going on by the last event's id", "host", next.Host)
	}
	return nil
}

func (s *Source) address(dir direction, cur collector.Cursor, size int) *url.URL {
	u := s.base.JoinPath("v1", "teams", url.PathEscape(s.team), "auditsV2")
	q := url.Values{"count": {strconv.Itoa(size)}}
	if cur.ID != "" {
		q.Set("offset", cur.ID)
	}
	if dir == newestFirst {
		q.Set("descending", "true")
	}
	u.RawQuery = q.Encode()
	return u
}
