package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// ErrLink says that a link leads elsewhere: to another host, where no token is
// sent, or to something else of the org.
var ErrLink = errors.New("a next link leads elsewhere")

// page is one answer.
type page struct {
	raw   []byte
	lines [][]byte
	// next is the server's link as it was sent, "" for none.
	next string
	// size is how many entries were asked for, 0 where that is not known.
	size int
}

// slowTries bounds how often a page is asked for that the server is too slow for.
const slowTries = 12

// smallPage is the size below which a page is not what makes a server slow.
const smallPage = 10

// fetch answers the page at an address. While the server is too slow for it, a
// smaller one is asked for; the next link is then given its size back, so that
// what is stored never stays small.
func (c *caller) fetch(ctx context.Context, at string) (*page, error) {
	for tries := 1; ; tries++ {
		ask := at
		if full := limitOf(at); c.cut > 0 && (full == 0 || full > c.cut) {
			ask = withLimit(at, c.cut)
		}
		p, err := c.get(ctx, ask)
		if err == nil {
			if ask != at && p.next != "" {
				p.next = withLimit(p.next, limitOf(at))
			}
			c.recover(limitOf(at))
			return p, nil
		}
		if !tooSlow(err) || ctx.Err() != nil {
			return nil, err
		}
		size := limitOf(ask)
		if size == 0 {
			size = 200 // what lists without a size of their own are known to answer
		}
		if tries == slowTries {
			return nil, fmt.Errorf("%w after %d tries, the last one for %d entries: %w", rest.ErrGaveUp, tries, size, err)
		}
		c.cut, c.good = max(min(size, smallPage), size/2), 0
		c.log.Warn("the server is too slow for a page, asking for a smaller one", "limit", c.cut, "error", err)
	}
}

// recover lets pages grow again, step by step, when ten in a row were fast enough.
func (c *caller) recover(full int) {
	if c.cut == 0 {
		return
	}
	if c.good++; c.good < 10 {
		return
	}
	c.cut, c.good = 2*c.cut, 0
	if c.cut >= full {
		c.cut = 0
	}
}

// tooSlow reports errors that a smaller page may cure: the server ends a query
// after 30 seconds, and says so, or its answer did not come in time.
func tooSlow(err error) bool {
	var status *rest.StatusError
	if errors.As(err, &status) {
		return status.Status == http.StatusInternalServerError && status.Code == "E0000009"
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// get asks for exactly the address.
func (c *caller) get(ctx context.Context, at string) (*page, error) {
	asked, err := url.Parse(at)
	if err != nil || !c.trusted(asked) {
		return nil, fmt.Errorf("%w: %s, not %s", ErrLink, place(asked), place(c.home()))
	}
	p := &page{size: limitOf(at)}
	resp, err := c.authorized(ctx, func(ctx context.Context, authorization string) (*rest.Response, error) {
		return c.client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
			if err == nil {
				req.Header.Set("Authorization", authorization)
			}
			return req, err
		}, func(body []byte) (err error) {
			p.lines, err = split(body)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	c.noteClock(resp.Header)
	p.raw = resp.Body
	next, err := c.client.NextLink(resp.Header, asked)
	if err != nil {
		return nil, err
	}
	if next != nil {
		if !c.trusted(next) {
			return nil, fmt.Errorf("%w: %s, not %s", ErrLink, place(next), place(c.home()))
		}
		p.next = next.String()
	}
	return p, nil
}

// authorized sends a call with the token of the org.
func (c *caller) authorized(ctx context.Context, send func(context.Context, string) (*rest.Response, error)) (*rest.Response, error) {
	if c.org.config.OAuth == nil {
		return c.sendToken(ctx, send)
	}
	return c.tokens.Send(ctx, func(ctx context.Context, bearer string) (*rest.Response, error) {
		return send(ctx, "Bearer "+bearer)
	})
}

// sendToken sends a call with the API token, and once more with the token as it is
// kept by now where that is refused.
func (c *caller) sendToken(ctx context.Context, send func(context.Context, string) (*rest.Response, error)) (*rest.Response, error) {
	token := c.org.key.Current()
	resp, err := send(ctx, "SSWS "+token)
	if refused(err) {
		var changed bool
		if changed, err = c.renew(ctx, token, err); changed {
			return send(ctx, "SSWS "+c.org.key.Current())
		}
	}
	return resp, err
}

// home is where the service of the configured org is.
func (c *caller) home() *url.URL { return c.org.base.JoinPath(c.service.Path) }

// trusted reports whether an address is one of the service's own.
func (c *caller) trusted(u *url.URL) bool {
	home := c.home()
	return u != nil && u.Scheme == home.Scheme && strings.EqualFold(u.Host, home.Host) && u.User == nil &&
		strings.Trim(u.Path, "/") == strings.Trim(home.Path, "/")
}

// place answers an address without its query, for people.
func place(u *url.URL) string {
	if u == nil {
		return "an address that cannot be read"
	}
	short := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, User: u.User}
	return short.Redacted()
}

// noteClock learns the server's clock from an answer.
func (c *caller) noteClock(h http.Header) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		c.skew.Store(int64(time.Until(date)))
	}
}

// split cuts an array into its entries, each as one line.
func split(body []byte) ([][]byte, error) {
	if !json.Valid(body) {
		return nil, errors.New("it is not JSON")
	}
	all := gjson.ParseBytes(body)
	if !all.IsArray() {
		return nil, errors.New("it is no list")
	}
	var lines [][]byte
	var err error
	all.ForEach(func(_, entry gjson.Result) bool {
		line := []byte(entry.Raw)
		if bytes.ContainsAny(line, "\r\n") {
			var b bytes.Buffer
			err = json.Compact(&b, line)
			line = b.Bytes()
		}
		lines = append(lines, line)
		return err == nil
	})
	return lines, err
}

var limitParameter = regexp.MustCompile(`([?&]limit=)(\d+)`)

// limitOf answers the page size that an address asks for, 0 for none.
func limitOf(at string) int {
	m := limitParameter.FindStringSubmatch(at)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return 0
	}
	return n
}

// withLimit changes the page size in an address and not a byte beside it. A size
// of 0 takes it as it is.
func withLimit(at string, n int) string {
	switch {
	case n == 0:
		return at
	case limitParameter.MatchString(at):
		return limitParameter.ReplaceAllString(at, "${1}"+strconv.Itoa(n))
	case strings.Contains(at, "?"):
		return at + "&limit=" + strconv.Itoa(n)
	}
	return at + "?limit=" + strconv.Itoa(n)
}

// identity reads the name and the time of an entry that is valid JSON. Of
// repeated keys the last one counts. A name that is not UTF-8 is none: the State
// could not keep it.
func identity(line []byte, id, at string) (name string, t time.Time) {
	gjson.ParseBytes(line).ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case id:
			if name = value.Str; !utf8.ValidString(name) {
				name = ""
			}
		case at:
			t = collector.RecordTime(value.Str)
		}
		return true
	})
	return name, t
}
