package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how often and how long to try again. The zero value stands for the
// defaults in the comments.
type Retry struct {
	// Attempts bounds the tries of one call that fail by a fault of the server
	// or the network, 8. Four times as many may be answered with a time to come
	// back.
	Attempts int
	// Base is the span from which the first wait is drawn, 250 ms; it doubles
	// with each try.
	Base time.Duration
	// Max bounds one wait that the server did not ask for, 30 s.
	Max time.Duration
	// Limit bounds all waits of one call together, 15 min.
	Limit time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 8
	}
	if r.Base <= 0 {
		r.Base = 250 * time.Millisecond
	}
	if r.Max <= 0 {
		r.Max = 30 * time.Second
	}
	if r.Limit <= 0 {
		r.Limit = 15 * time.Minute
	}
	return r
}

// Wait answers how long to wait before the next try. It depends on its
// arguments alone: attempt counts from 0, h is the header of the answer or nil,
// now is the time, and draw, from [0,1), is the jitter. named reports that the
// server said when to come back; the wait is then that long, and up to Base
// longer so that callers do not come back together. The wait is never negative.
func (r Retry) Wait(attempt int, h http.Header, now time.Time, draw float64) (wait time.Duration, named bool) {
	r = r.withDefaults()
	if d, ok := comeBack(h, now); ok {
		return d + time.Duration(draw*float64(r.Base)), true
	}
	ceiling := r.Max
	if attempt < 20 && r.Base<<attempt < r.Max {
		ceiling = r.Base << attempt
	}
	return time.Duration(draw * float64(ceiling)), false
}

// refillMax bounds the wait for a full refill of the limit. The time of a partial
// one may be sooner and is not always told.
const refillMax = 65 * time.Second

// comeBack reads when the server wants to be asked again; a time that has passed
// is none. Of several times the latest one counts. Times of the day are compared
// with the server's own clock where the answer has a Date.
func comeBack(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	if h == nil {
		return 0, false
	}
	clock := now
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		clock = date
	}
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if seconds, err := strconv.ParseInt(v, 10, 32); err == nil {
			wait = time.Duration(seconds) * time.Second
		} else if date, err := http.ParseTime(v); err == nil {
			wait = date.Sub(clock)
		}
	}
	if t, err := unixHeader(h, "X-RateLimit-Retry-At"); err == nil {
		wait = max(wait, t.Sub(clock))
	}
	if wait <= 0 {
		wait = min(refill(h, clock), refillMax)
	}
	return min(wait, longestWait), wait > 0
}

// longestWait stands for any longer one, such as that of a time in milliseconds
// where seconds are due. It is over every limit.
const longestWait = 365 * 24 * time.Hour

// Crowded reports that an answer 429 was given for too many calls at a time. Such
// an answer says that 0 of 0 calls are left; its time of a reset is a guess.
func Crowded(h http.Header) bool {
	return h.Get("X-Rate-Limit-Limit") == "0" && h.Get("X-Rate-Limit-Remaining") == "0"
}

// refill answers the time until the full refill, and only where the answer says
// that nothing is left of a limit: a limit of calls at a time shows itself as 0.
func refill(h http.Header, clock time.Time) (wait time.Duration) {
	for _, prefix := range []string{"X-RateLimit-", "X-Rate-Limit-"} {
		if h.Get(prefix+"Remaining") != "0" || h.Get(prefix+"Limit") == "0" {
			continue
		}
		if t, err := unixHeader(h, prefix+"Reset"); err == nil {
			wait = max(wait, t.Sub(clock))
		}
	}
	return wait
}

func unixHeader(h http.Header, name string) (time.Time, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64)
	return time.Unix(n, 0), err
}
