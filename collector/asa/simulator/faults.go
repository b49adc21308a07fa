package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults are shares between 0 and 1, together at most 1, of the calls that fail.
type Faults struct {
	// Throttle answers 429, in turn with X-RateLimit-Retry-At, with Retry-After
	// as seconds, as a date, and without a word.
	Throttle float64
	// Unauthorized and Forbidden answer 401 and 403 for the log.
	Unauthorized, Forbidden float64
	// Server answers 500, 503, 504 and 499 in turn.
	Server float64
	// Timeout does not answer; Reset closes the connection.
	Timeout, Reset float64
	// Cut closes the connection in the middle of the body; Garbage answers 200
	// with half a page, or with a page of a proxy.
	Cut, Garbage float64
	// Slow answers the body in pieces.
	Slow float64
}

// faultNames are the words of ParseFaults.
var faultNames = []string{"429", "401", "403", "5xx", "timeout", "reset", "cut", "garbage", "slow"}

func (f *Faults) shares() []*float64 {
	return []*float64{&f.Throttle, &f.Unauthorized, &f.Forbidden, &f.Server, &f.Timeout, &f.Reset, &f.Cut, &f.Garbage, &f.Slow}
}

// Shares answers the shares by their words.
func (f Faults) Shares() map[string]float64 {
	shares := make(map[string]float64)
	for i, share := range f.shares() {
		shares[faultNames[i]] = *share
	}
	return shares
}

// ParseFaults reads shares such as "429=0.1,cut=0.05".
func ParseFaults(s string) (Faults, error) {
	var f Faults
	if s == "" {
		return f, nil
	}
	sum := 0.0
	for _, part := range strings.Split(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		i := slices.Index(faultNames, name)
		share, err := strconv.ParseFloat(value, 64)
		if !ok || i < 0 || err != nil || !(share >= 0 && share <= 1) {
			return f, fmt.Errorf("fault %q: want one of %s with a share such as 0.1", part, strings.Join(faultNames, ", "))
		}
		*f.shares()[i] = share
	}
	for _, share := range f.shares() {
		sum += *share
	}
	if sum > 1 {
		return f, errors.New("the shares of the faults are more than 1 together")
	}
	return f, nil
}

// fault lets the call fail if it is its turn, and reports whether it did.
func (a *API) fault(w http.ResponseWriter, r *http.Request, call string) bool {
	a.mu.Lock()
	draw, turn, quiet := a.rng.Float64(), a.rng.IntN(1<<20), a.quiet
	a.mu.Unlock()
	if quiet {
		return false
	}
	f := a.c.Faults
	for i, share := range f.shares() {
		if draw -= *share; draw >= 0 {
			continue
		}
		return a.inject(w, r, faultNames[i], turn, call)
	}
	return false
}

func (a *API) inject(w http.ResponseWriter, r *http.Request, fault string, turn int, call string) bool {
	switch fault {
	case "429":
		a.throttle(w, turn)
	case "401", "403":
		// For a token they would say that the key is wrong, which is no fault.
		if call == "service_token" {
			return false
		}
		if fault == "401" {
			a.fail(w, http.StatusUnauthorized, "authentication_error", "Authentication token expired")
		} else {
			a.fail(w, http.StatusForbidden, "forbidden_error", "Not now.")
		}
	case "5xx":
		status := []int{500, 503, 504, 499}[turn%4]
		a.fail(w, status, []string{"unknown_error", "service_offline", "gateway_timeout", "client_closed_connection"}[turn%4], "Try again.")
	case "timeout":
		a.count(fault)
		select {
		case <-r.Context().Done():
		case <-time.After(a.c.Hang):
		}
		panic(http.ErrAbortHandler)
	case "reset":
		a.count(fault)
		panic(http.ErrAbortHandler)
	default:
		return a.damage(w, r, fault, turn, call)
	}
	return true
}

func (a *API) throttle(w http.ResponseWriter, turn int) {
	at := a.now().Add(a.c.RetryAfter)
	switch turn % 4 {
	case 0:
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Retry-At", strconv.FormatInt(at.Unix(), 10))
	case 1:
		w.Header().Set("Retry-After", strconv.Itoa(int(a.c.RetryAfter/time.Second)))
	case 2:
		w.Header().Set("Retry-After", at.Format(http.TimeFormat))
	}
	a.fail(w, http.StatusTooManyRequests, "too_many_requests", "Slow down.")
}

// damage spoils a good answer.
func (a *API) damage(w http.ResponseWriter, r *http.Request, fault string, turn int, call string) bool {
	good := &answer{header: make(http.Header), status: http.StatusOK}
	if call == "service_token" {
		a.serveToken(good, r)
	} else {
		a.serveAudits(good, r)
	}
	a.count(fault)
	body := good.body.Bytes()
	for k, v := range good.header {
		w.Header()[k] = v
	}
	half := body[:len(body)/2]
	switch {
	case fault == "cut":
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.status)
		w.Write(half)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case fault == "garbage" && turn%2 == 0:
		w.Header().Set("Content-Length", strconv.Itoa(len(half)))
		w.Write(half)
	case fault == "garbage":
		w.Header().Del("Content-Length")
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html><body>The proxy says hello.</body></html>")
	case fault == "slow":
		w.WriteHeader(good.status)
		for len(body) > 0 {
			n := min(len(body), 1+good.body.Len()/8)
			w.Write(body[:n])
			http.NewResponseController(w).Flush()
			body = body[n:]
			time.Sleep(5 * time.Millisecond)
		}
	}
	return true
}

// answer holds back what is to be spoiled.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }
