package rest_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// limited is a server with a limit for any 60 seconds, at the end of a network
// that takes its time. It stands where a network would, so that a test of hours
// takes none.
type limited struct {
	mu       sync.Mutex
	limit    int
	hide     bool // tell nothing of it
	others   int  // calls of other programs a minute
	arrivals []time.Time
	refused  int
	rng      *rand.Rand
}

func (s *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	there, back := time.Duration(s.rng.IntN(3000))*time.Millisecond, time.Duration(s.rng.IntN(3000))*time.Millisecond
	s.mu.Unlock()
	time.Sleep(there)
	resp := s.answer()
	time.Sleep(back)
	return resp, nil
}

func (s *limited) answer() *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	used := s.others
	for _, t := range s.arrivals {
		if now.Sub(t) < time.Minute {
			used++
		}
	}
	h := http.Header{"Date": {now.UTC().Format(http.TimeFormat)}}
	status := http.StatusOK
	if used >= s.limit {
		status = http.StatusTooManyRequests
		s.refused++
	} else {
		s.arrivals = append(s.arrivals, now)
		used++
	}
	if !s.hide {
		h.Set("X-Rate-Limit-Limit", strconv.Itoa(s.limit))
		h.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, s.limit-used)))
		h.Set("X-Rate-Limit-Reset", strconv.FormatInt(now.Add(time.Minute).Unix(), 10))
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("[]"))}
}

// busiest answers the most arrivals within any 60 seconds.
func (s *limited) busiest() (most int) {
	from := 0
	for i, t := range s.arrivals {
		for t.Sub(s.arrivals[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// TestLimitHoldsInAnyMinute sends as fast as the pacer lets, from several
// goroutines, and looks at the minutes as the server sees them.
func TestLimitHoldsInAnyMinute(t *testing.T) {
	for _, tc := range []struct {
		start, limit, workers int
		keepFree              float64
		hide                  bool
		atMost, atLeast       int // calls in the busiest minute
	}{
		{start: 20, limit: 20, workers: 1, atMost: 20, atLeast: 10},
		{start: 20, limit: 20, workers: 7, atMost: 20, atLeast: 18},
		{start: 20, limit: 20, workers: 7, keepFree: 0.2, atMost: 16, atLeast: 14},
		{start: 20, limit: 600, workers: 7, keepFree: 0.5, atMost: 300, atLeast: 100},
		{start: 100, limit: 3, workers: 7, atMost: 3, atLeast: 3},
		{start: 25, limit: 25, workers: 7, hide: true, atMost: 25, atLeast: 25},
		{start: 5, limit: 1, workers: 3, keepFree: 0.9, atMost: 1, atLeast: 1},
	} {
		t.Run(fmt.Sprintf("%+v", tc), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &limited{limit: tc.limit, hide: tc.hide, rng: rand.New(rand.NewPCG(1, uint64(tc.limit)))}
				hammer(t, s, &rest.Limit{PerMinute: tc.start, KeepFree: tc.keepFree}, tc.workers, 30*time.Minute)
				if s.refused > 0 {
					t.Errorf("%d calls were answered 429, want none", s.refused)
				}
				if got := s.busiest(); got > tc.atMost || got < tc.atLeast {
					t.Errorf("the busiest minute had %d calls, want %d to %d", got, tc.atLeast, tc.atMost)
				}
			})
		})
	}
}

// TestLimitOfAll holds seven services to one limit of all together.
func TestLimitOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &limited{limit: 98, hide: true, rng: rand.New(rand.NewPCG(1, 2))}
		all := &rest.Limit{PerMinute: 98, Fixed: true}
		var group sync.WaitGroup
		for range 7 {
			group.Go(func() {
				hammer(t, s, rest.Pacers{&rest.Limit{PerMinute: 20}, all}, 2, 20*time.Minute)
			})
		}
		group.Wait()
		if got := s.busiest(); s.refused > 0 || got < 90 {
			t.Errorf("%d calls were refused and the busiest minute had %d, want 0 and nearly 98", s.refused, got)
		}
	})
}

// TestLimitLeavesRoom waits where other programs have used the limit up to the
// share that is kept free.
func TestLimitLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &limited{limit: 100, others: 75, rng: rand.New(rand.NewPCG(1, 3))}
		hammer(t, s, &rest.Limit{PerMinute: 20, KeepFree: 0.2}, 1, 30*time.Minute)
		if got := s.busiest(); s.refused > 0 || got > 6 || got < 3 {
			t.Errorf("%d calls were refused and the busiest minute had %d, want 0 and about 5", s.refused, got)
		}
	})
}

// TestLimitFollowsChanges lets the limit fall and rise while calls are made.
func TestLimitFollowsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &limited{limit: 60, rng: rand.New(rand.NewPCG(1, 4))}
		l := &rest.Limit{PerMinute: 20, KeepFree: 0.2}
		for _, limit := range []int{60, 10, 30} {
			s.mu.Lock()
			s.limit, s.arrivals, s.refused = limit, nil, 0
			s.mu.Unlock()
			hammer(t, s, l, 2, 20*time.Minute)
			if got := s.busiest(); got > limit || s.refused > 1 {
				t.Errorf("limit %d: %d calls in the busiest minute, %d refused", limit, got, s.refused)
			}
		}
	})
}

// hammer calls as often as the pacer lets for a time.
func hammer(t *testing.T, s *limited, pace rest.Pacer, workers int, span time.Duration) {
	t.Helper()
	client := &rest.Client{HTTP: &http.Client{Transport: s}, Pace: pace}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
					return http.NewRequestWithContext(ctx, http.MethodGet, "https://example.okta.com/", nil)
				}, nil)
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestCrowded: an answer for too many calls at a time is no limit of 0, and its
// reset is not waited for.
func TestCrowded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := &rest.Client{Pace: &rest.Limit{PerMinute: 100}, HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			calls++
			h, status := http.Header{}, http.StatusOK
			if calls <= 3 {
				status = http.StatusTooManyRequests
				h.Set("X-Rate-Limit-Limit", "0")
				h.Set("X-Rate-Limit-Remaining", "0")
				h.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(50*time.Second).Unix(), 10))
			}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("[]"))}, nil
		})}}
		begin := time.Now()
		_, err := client.Do(t.Context(), func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, "https://example.okta.com/", nil)
		}, nil)
		if err != nil || calls != 4 || client.Stats.Crowded.Load() != 3 {
			t.Errorf("%d calls, %d crowded, %v; want 4, 3 and no error", calls, client.Stats.Crowded.Load(), err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("waited %s, want a short backoff", took)
		}
	})
}
