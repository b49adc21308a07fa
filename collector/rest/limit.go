package rest

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limit is a Pacer for one limit of calls a minute. It never sends more than the
// limit in any minute: a call counts from when it is sent until a minute after
// its answer, so that it does not matter how long calls are on their way nor
// when the server's minute begins.
//
// The limit is PerMinute until an answer tells another by X-Rate-Limit-Limit, of
// which the share KeepFree is left to other programs. When an answer says that
// no more than that share is left, calls wait for the reset. It may be used by
// several goroutines.
type Limit struct {
	// PerMinute is the limit to start with; 0 is no limit.
	PerMinute int
	// KeepFree is a share from 0 to less than 1.
	KeepFree float64
	// Fixed keeps to PerMinute whatever answers tell, for a limit that has no
	// headers of its own.
	Fixed bool

	mu       sync.Mutex
	told     int         // by the server, 0 for nothing yet
	answered bool        // a call has come back
	away     int         // calls without an answer yet
	back     []time.Time // when the answers of the last minute came, oldest first
	until    time.Time   // nothing is sent before
	news     chan struct{}
}

var _ Pacer = (*Limit)(nil)

// window is the span that limits are for.
const window = time.Minute

// Wait implements Pacer.
func (l *Limit) Wait(ctx context.Context) (done func(int, http.Header), err error) {
	for {
		wait, news := l.take(time.Now())
		if wait == 0 {
			return l.done, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		case <-news:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// take takes a place, or answers how long to wait for one unless there is news.
func (l *Limit) take(now time.Time) (wait time.Duration, news <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.news == nil {
		l.news = make(chan struct{})
	}
	for len(l.back) > 0 && now.Sub(l.back[0]) > window {
		l.back = l.back[1:]
	}
	limit := l.limit()
	over := l.away + len(l.back) - limit
	switch {
	case now.Before(l.until):
		return l.until.Sub(now), l.news
	case limit > 0 && over >= len(l.back) && l.away > 0:
		return window, l.news // only an answer can help
	case limit > 0 && over >= 0:
		return l.back[over].Add(window + time.Millisecond).Sub(now), l.news
	case !l.answered && l.away > 0 && !l.Fixed:
		return window, l.news // the first answer tells the limit
	}
	l.away++
	return 0, nil
}

// limit answers the calls a minute that are ours.
func (l *Limit) limit() int {
	if l.told == 0 || l.Fixed {
		return l.PerMinute
	}
	return l.told - l.free(l.told)
}

// free answers the calls out of a limit that are left to others.
func (l *Limit) free(limit int) int {
	return min(int(math.Ceil(float64(limit)*l.KeepFree)), limit-1)
}

func (l *Limit) done(status int, h http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away--
	now := time.Now()
	l.back = append(l.back, now)
	l.answered = l.answered || h != nil
	if !l.Fixed && h != nil && !Crowded(h) {
		l.learn(status, h, now)
	}
	close(l.news)
	l.news = make(chan struct{})
}

// learn reads what an answer tells about the limit.
func (l *Limit) learn(status int, h http.Header, now time.Time) {
	limit, err := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	if err != nil || limit <= 0 {
		return
	}
	l.told = limit
	left, err := strconv.Atoi(h.Get("X-Rate-Limit-Remaining"))
	if err != nil {
		return
	}
	if status == http.StatusTooManyRequests || left-l.away <= l.free(limit) {
		if until := now.Add(resetIn(h, now)); until.After(l.until) {
			l.until = until
		}
	}
}

// resetIn answers the time until the reset that an answer names, by the server's
// own clock and at most refillMax. Resets are told in whole seconds, so one is
// added.
func resetIn(h http.Header, now time.Time) time.Duration {
	reset, err := unixHeader(h, "X-Rate-Limit-Reset")
	if err != nil {
		return 0
	}
	clock := now
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		clock = date
	}
	return max(0, min(reset.Sub(clock)+time.Second, refillMax))
}

// Pacers is a Pacer that holds to several.
type Pacers []Pacer

// Wait implements Pacer.
func (p Pacers) Wait(ctx context.Context) (done func(int, http.Header), err error) {
	var all []func(int, http.Header)
	done = func(status int, h http.Header) {
		for _, f := range all {
			f(status, h)
		}
	}
	for _, one := range p {
		f, err := one.Wait(ctx)
		if err != nil {
			done(0, nil)
			return nil, err
		}
		all = append(all, f)
	}
	return done, nil
}
