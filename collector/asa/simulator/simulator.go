// Package simulator is an ASA API to develop and to test against: service
// tokens, audit pages with Link headers and related objects, rate limits, and
// faults at chosen rates.
package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says what the API answers. The zero value of each field is harmless.
type Config struct {
	Log Log
	// Team, KeyID and KeySecret are what the API accepts.
	Team, KeyID, KeySecret string
	// TokenLife is how long a token works; 0 stands for an hour.
	TokenLife time.Duration
	// Limit is the number of calls a minute that are answered; 0 is no limit.
	Limit int
	// NoRole refuses the log as to a service user without a role.
	NoRole bool
	// Purged is the answer for an offset that is not in the log: "400", "404",
	// "empty" or "restart" (from the oldest event), which is the default.
	Purged string
	// Inclusive answers the event of the offset, too.
	Inclusive bool
	// NextHost takes the host's place in the next links, if set.
	NextHost string
	// OneLink sends prev and next in one header line.
	OneLink bool
	// Skew is added to the clock of the Date header and the tokens.
	Skew time.Duration
	// Faults are the shares of calls that fail in each way.
	Faults Faults
	// Seed makes the faults repeatable.
	Seed uint64
	// Hang is how long a call hangs that is to time out; 0 stands for 2 minutes.
	Hang time.Duration
	// RetryAfter is what a throttled caller is told; 0 stands for a second.
	RetryAfter time.Duration
}

// API is an http.Handler.
type API struct {
	c Config

	mu     sync.Mutex
	rng    *rand.Rand
	tokens map[string]time.Time
	calls  map[string]int // by what was answered
	window time.Time
	used   int
	quiet  bool
}

// New makes an API.
func New(c Config) *API {
	if c.TokenLife == 0 {
		c.TokenLife = time.Hour
	}
	if c.Hang == 0 {
		c.Hang = 2 * time.Minute
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = time.Second
	}
	return &API{
		c: c, rng: rand.New(rand.NewPCG(c.Seed, 1)),
		tokens: make(map[string]time.Time), calls: make(map[string]int),
	}
}

// Calls answers how often each kind of answer was given; "all" is the sum.
func (a *API) Calls() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.calls)
}

// Calm ends all faults.
func (a *API) Calm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quiet = true
}

// Revoke makes all tokens invalid.
func (a *API) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.tokens)
}

func (a *API) now() time.Time { return time.Now().Add(a.c.Skew).UTC() }

func (a *API) count(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[what]++
	a.calls["all"]++
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", a.now().Format(http.TimeFormat))
	w.Header().Set("Request-Id", fmt.Sprintf("%016x", a.draw()))
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/teams/")
	team, call, _ := strings.Cut(rest, "/")
	if !ok || !strings.EqualFold(team, a.c.Team) {
		a.fail(w, http.StatusNotFound, "resource_does_not_exist", "There is no such team.")
		return
	}
	if !a.limit(w) || a.fault(w, r, call) {
		return
	}
	switch {
	case call == "service_token" && r.Method == http.MethodPost:
		a.serveToken(w, r)
	case call == "auditsV2" && r.Method == http.MethodGet:
		a.serveAudits(w, r)
	default:
		a.fail(w, http.StatusNotFound, "resource_does_not_exist", "There is no such resource.")
	}
}

func (a *API) draw() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rng.Uint64()
}

func (a *API) fail(w http.ResponseWriter, status int, code, message string) {
	a.count(strconv.Itoa(status))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"code": status, "type": code, "message": message})
}

// limit counts the call and reports whether it is still within the limit.
func (a *API) limit(w http.ResponseWriter) bool {
	if a.c.Limit <= 0 {
		return true
	}
	a.mu.Lock()
	now := time.Now()
	if now.Sub(a.window) >= time.Minute {
		a.window, a.used = now, 0
	}
	a.used++
	left := max(0, a.c.Limit-a.used)
	over := a.used > a.c.Limit
	reset := a.window.Add(time.Minute + a.c.Skew)
	a.mu.Unlock()
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(a.c.Limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if over {
		w.Header().Set("X-RateLimit-Retry-At", strconv.FormatInt(reset.Unix()+1, 10))
		a.fail(w, http.StatusTooManyRequests, "too_many_requests", "Slow down.")
	}
	return !over
}

func (a *API) serveToken(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		a.fail(w, http.StatusUnsupportedMediaType, "unsupported_content_type", "Send application/json.")
		return
	}
	var key struct {
		ID     string `json:"key_id"`
		Secret string `json:"key_secret"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&key); err != nil {
		a.fail(w, http.StatusBadRequest, "invalid_request", "The body is not JSON.")
		return
	}
	if key.ID != a.c.KeyID || key.Secret != a.c.KeySecret {
		a.fail(w, http.StatusUnauthorized, "authentication_error", "The key is not known.")
		return
	}
	token := "simulated." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%016x%016x", a.draw(), a.draw()))
	expires := a.now().Add(a.c.TokenLife)
	a.mu.Lock()
	a.tokens[token] = expires
	a.mu.Unlock()
	a.count("token")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"bearer_token": token, "expires_at": expires.Format(time.RFC3339Nano), "team_name": a.c.Team,
	})
}

func (a *API) serveAudits(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	expires, ok := a.tokens[token]
	a.mu.Unlock()
	switch {
	case !ok || a.now().After(expires):
		a.fail(w, http.StatusUnauthorized, "authentication_error", "Authentication token expired")
		return
	case a.c.NoRole:
		a.fail(w, http.StatusUnauthorized, "authorization_error", "Missing capability: role")
		return
	}
	q, ok := a.parseQuery(w, r)
	if !ok {
		return
	}
	body, link := a.page(r, q)
	if len(link) > 0 && a.c.OneLink {
		link = []string{strings.Join(link, ", ")}
	}
	w.Header()["Link"] = link
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	a.count("page")
	w.Write(body)
}

// query is a call for a page: the events from lo to hi, in the given direction.
type query struct {
	count      int
	descending bool
	lo, hi     int
	end        int // of the log when the call came
}

func (a *API) parseQuery(w http.ResponseWriter, r *http.Request) (q query, ok bool) {
	q = query{count: 100, end: a.c.Log.Len()}
	v := r.URL.Query()
	if s := v.Get("count"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			a.fail(w, http.StatusBadRequest, "invalid_request", "count is not a number")
			return q, false
		}
		q.count = min(n, 1000)
	}
	q.descending, _ = strconv.ParseBool(v.Get("descending"))
	from, backTo := 0, q.end
	if id := v.Get("offset"); id != "" {
		i, known := a.c.Log.Index(id)
		switch {
		case known && a.c.Inclusive:
			from, backTo = i, i+1
		case known:
			from, backTo = i+1, i
		case a.c.Purged == "400":
			a.fail(w, http.StatusBadRequest, "invalid_request", "offset is not known")
			return q, false
		case a.c.Purged == "404":
			a.fail(w, http.StatusNotFound, "resource_does_not_exist", "offset is not known")
			return q, false
		case a.c.Purged == "empty":
			from, backTo = q.end, 0
		}
	}
	q.lo, q.hi = from, min(from+q.count, q.end)
	if q.descending {
		q.lo, q.hi = max(0, backTo-q.count), backTo
	}
	return q, true
}

// page answers the body and the Link header's values.
func (a *API) page(r *http.Request, q query) (body []byte, links []string) {
	var list []json.RawMessage
	related := make(map[string]json.RawMessage)
	var ids []string
	for i := q.lo; i < q.hi; i++ {
		e := a.c.Log.At(i)
		list, ids = append(list, e.Event), append(ids, e.ID)
		maps.Copy(related, e.Related)
	}
	more := q.hi < q.end
	if q.descending {
		slices.Reverse(list)
		slices.Reverse(ids)
		more = q.lo > 0
	}
	if len(ids) > 0 {
		links = append(links, a.link(r, q, ids[0], "prev"))
		if more {
			links = append(links, a.link(r, q, ids[len(ids)-1], "next"))
		}
	}
	return encodePage(list, related), links
}

// encodePage writes the events as they are; encoding/json would escape them.
func encodePage(list []json.RawMessage, related map[string]json.RawMessage) []byte {
	b := []byte(`{"list":[`)
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	b = append(b, `],"related_objects":{`...)
	for i, ref := range slices.Sorted(maps.Keys(related)) {
		if i > 0 {
			b = append(b, ',')
		}
		key, _ := json.Marshal(ref)
		b = append(append(append(b, key...), ':'), related[ref]...)
	}
	return append(b, "}}\n"...)
}

func (a *API) link(r *http.Request, q query, id, rel string) string {
	host := r.Host
	if rel == "next" && a.c.NextHost != "" {
		host = a.c.NextHost
	}
	v := url.Values{"count": {strconv.Itoa(q.count)}, "offset": {id}}
	if q.descending {
		v.Set("descending", "true")
	}
	if rel == "prev" {
		v.Set("prev", "true")
	}
	u := url.URL{Scheme: "http", Host: host, Path: r.URL.Path, RawQuery: v.Encode()}
	return fmt.Sprintf("<%s>; rel=%q", u.String(), rel)
}
