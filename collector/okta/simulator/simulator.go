// Package simulator is an Okta org to develop and to test against: the System Log
// with its links, the lists, both kinds of credentials, limits for any minute,
// and faults.
package simulator

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asa2udm/asa2udm/collector/okta"
)

// Config says what the org answers. The zero value of each field is harmless.
type Config struct {
	Log   *Log
	Lists *Lists
	// Token is the API token that is accepted, "" for none.
	Token string
	// ClientID and Key are those of a service app; Key is its public key.
	ClientID string
	Key      crypto.PublicKey
	// TokenLife is how long an access token works; 0 stands for an hour.
	TokenLife time.Duration
	// Limit answers the calls of a service that are answered in any 60 seconds;
	// nil, or 0, is no limit.
	Limit func(service string) int
	// OneLink sends self and next in one header line.
	OneLink bool
	// NoLink leaves the next link out behind an empty page of the log.
	NoLink bool
	// NextHost takes the host's place in the next links, if set.
	NextHost string
	// MaxPage bounds pages below what is asked for, 0 does not.
	MaxPage int
	// SlowAbove answers pages of more than so many entries with the error for
	// queries that take too long; 0 does not.
	SlowAbove int
	// Faults are the shares of calls that fail, by their kind; see FaultKinds.
	Faults map[string]float64
	// Hang is how long a call hangs that is to time out; 0 stands for 31 seconds.
	Hang time.Duration
	// Seed makes the faults repeatable.
	Seed uint64
}

// FaultKinds are the faults that a call may meet.
var FaultKinds = []string{"429", "busy", "401", "403", "5xx", "slow", "timeout", "reset", "cut", "garbage"}

// Org is an http.Handler.
type Org struct {
	c Config

	mu     sync.Mutex
	rng    *rand.Rand
	epoch  int // of the links; older ones are stale
	calls  map[string]int
	recent map[string][]time.Time // arrivals of the last minute by service
	tokens map[string]access
	used   map[string]bool // ids of assertions
	quiet  bool
	denied string // service that is answered 403
}

// New makes an org.
func New(c Config) *Org {
	if c.TokenLife == 0 {
		c.TokenLife = time.Hour
	}
	if c.Hang == 0 {
		c.Hang = 31 * time.Second
	}
	if c.Log == nil {
		c.Log = &Log{}
	}
	if c.Lists == nil {
		c.Lists = &Lists{}
	}
	return &Org{
		c: c, rng: rand.New(rand.NewPCG(c.Seed, 2)), calls: make(map[string]int), recent: make(map[string][]time.Time),
		tokens: make(map[string]access), used: make(map[string]bool),
	}
}

// Calls answers how often each kind of answer was given; "all" is the sum.
func (o *Org) Calls() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.calls)
}

// Calm ends all faults.
func (o *Org) Calm() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.quiet = true
}

// Expire makes all links stale that have been given out.
func (o *Org) Expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
}

// Deny answers a service with 403 from now on; "" ends it.
func (o *Org) Deny(service string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.denied = service
}

func (o *Org) count(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls[what]++
	o.calls["all"]++
}

// ServeHTTP implements http.Handler.
func (o *Org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Okta-Request-Id", fmt.Sprintf("%016x", o.draw()))
	if r.URL.Path == "/oauth2/v1/token" {
		o.serveToken(w, r)
		return
	}
	for _, s := range okta.Services() {
		if s.Path != r.URL.Path {
			continue
		}
		o.serveService(w, r, s)
		return
	}
	o.fail(w, http.StatusNotFound, "E0000007", "Not found: Resource not found")
}

func (o *Org) draw() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rng.Uint64()
}

func (o *Org) fail(w http.ResponseWriter, status int, code, summary string) {
	o.count(strconv.Itoa(status))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae" + code, "errorCauses": []any{}})
}

func (o *Org) serveService(w http.ResponseWriter, r *http.Request, s okta.Service) {
	if !o.limit(w, s.Name) || o.fault(w, r, s) {
		return
	}
	o.mu.Lock()
	denied := o.denied == s.Name
	o.mu.Unlock()
	switch {
	case denied:
		o.fail(w, http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
	case o.authorize(w, r, s):
		o.answer(w, r, s)
	}
}

// limit counts the call and reports whether it is still within the limit.
func (o *Org) limit(w http.ResponseWriter, service string) bool {
	if o.c.Limit == nil || o.c.Limit(service) <= 0 {
		return true
	}
	limit := o.c.Limit(service)
	o.mu.Lock()
	now := time.Now()
	recent := o.recent[service]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	over := len(recent) >= limit
	if !over {
		recent = append(recent, now)
	}
	o.recent[service] = recent
	o.mu.Unlock()
	w.Header().Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, limit-len(recent))))
	w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(recent[0].Add(time.Minute).Unix()+1, 10))
	if over {
		o.fail(w, http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
	}
	return !over
}

// answer serves a page.
func (o *Org) answer(w http.ResponseWriter, r *http.Request, s okta.Service) {
	body, links, err := o.page(r, s)
	if err != nil {
		status, code := http.StatusBadRequest, "E0000031"
		if errors.Is(err, errSlow) {
			status, code = http.StatusInternalServerError, "E0000009"
		}
		o.fail(w, status, code, err.Error())
		return
	}
	if o.c.OneLink {
		links = []string{strings.Join(links, ", ")}
	}
	w.Header()["Link"] = links
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	o.count(s.Name)
	w.Write(body)
}

var errSlow = errors.New("the query took too long")

// request is what a page is asked for.
type request struct {
	limit, from int
	q           url.Values
}

func (o *Org) parse(r *http.Request, s okta.Service) (q request, err error) {
	q = request{limit: 100, q: r.URL.Query()}
	most := 200
	if s.Name == okta.Log {
		most = 1000
	}
	if text := q.q.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 0 || q.limit > most {
			return q, fmt.Errorf("limit %q: want a number up to %d", text, most)
		}
	}
	if o.c.SlowAbove > 0 && q.limit > o.c.SlowAbove {
		return q, errSlow
	}
	if o.c.MaxPage > 0 {
		q.limit = min(q.limit, o.c.MaxPage)
	}
	after, since := q.q.Get("after"), q.q.Get("since")
	switch {
	case after != "" && since != "":
		return q, errors.New("since and after exclude each other")
	case after != "":
		q.from, err = o.place(after)
	case since != "" && s.Name == okta.Log:
		var t time.Time
		if t, err = time.Parse(time.RFC3339Nano, since); err == nil && time.Since(t) > 180*24*time.Hour {
			err = errors.New("since is too long ago")
		}
		q.from = o.c.Log.since(t)
	}
	return q, err
}

// mark and place turn a place into an opaque text and back.
func (o *Org) mark(place int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d,%d", o.epoch, place))
}

func (o *Org) place(mark string) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var epoch, place int
	text, err := base64.StdEncoding.DecodeString(mark)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d,%d", &epoch, &place)
	}
	if err != nil || epoch != o.epoch {
		return 0, errors.New("the after cursor is invalid")
	}
	return place, nil
}

var updatedSince = regexp.MustCompile(`lastUpdated gt "([^"]*)"`)

func (o *Org) page(r *http.Request, s okta.Service) (body []byte, links []string, err error) {
	q, err := o.parse(r, s)
	if err != nil {
		return nil, nil, err
	}
	var lines [][]byte
	var more bool
	if s.Name == okta.Log {
		for _, e := range o.c.Log.page(q.from, q.limit) {
			lines = append(lines, e.Data)
		}
		more = len(lines) > 0 || !o.c.NoLink
	} else {
		var since time.Time
		filter := updatedSince.FindStringSubmatch(q.q.Get("filter"))
		if filter != nil {
			if since, err = time.Parse(time.RFC3339Nano, filter[1]); err != nil {
				return nil, nil, err
			}
		}
		all := o.c.Lists.Objects(s.Name, filter != nil, since)
		for _, object := range all[min(q.from, len(all)):min(q.from+q.limit, len(all))] {
			lines = append(lines, object.Data)
		}
		more = q.from+q.limit < len(all)
	}
	links = []string{fmt.Sprintf("<http://%s%s>; rel=\"self\"", r.Host, r.URL.RequestURI())}
	if more {
		links = append(links, o.next(r, q, q.from+len(lines)))
	}
	return array(lines), links, nil
}

// next answers the next link. Its query is not in the order nor with the escapes
// that encoding it again would give.
func (o *Org) next(r *http.Request, q request, place int) string {
	host := r.Host
	if o.c.NextHost != "" {
		host = o.c.NextHost
	}
	query := "limit=" + strconv.Itoa(q.limit) + "&after=" + strings.ReplaceAll(o.mark(place), "=", "%3d")
	if filter := q.q.Get("filter"); filter != "" {
		query += "&filter=" + strings.ReplaceAll(url.QueryEscape(filter), "+", "%20")
	}
	return fmt.Sprintf("<http://%s%s?%s>; rel=\"next\"", host, r.URL.Path, query)
}

func array(lines [][]byte) []byte {
	b := []byte{'['}
	for i, line := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, line...)
	}
	return append(b, ']')
}
