package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Token is what a service answers to a key.
type Token struct {
	Bearer string
	// Life is how long the token works, by the service's word; 0 or less stands
	// for a span that makes no sense.
	Life time.Duration
}

// Tokens fetches a token and keeps it until shortly before it ends. It may be
// used by several goroutines; callers that come at once share one call of Fetch.
type Tokens struct {
	Fetch func(context.Context) (Token, error)

	mu      sync.Mutex
	refresh time.Time // by our clock
	// known is read without the lock to take tokens out of errors: the token at
	// hand and those before it, the newest first.
	known atomic.Pointer[[]string]
}

// maxKnown bounds the tokens that are remembered: one that was replaced may still
// work, and a server may show it in an answer.
const maxKnown = 16

// Get answers a token.
func (t *Tokens) Get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if bearer := t.Current(); bearer != "" && time.Now().Before(t.refresh) {
		return bearer, nil
	}
	token, err := t.Fetch(ctx)
	if err != nil {
		return "", err
	}
	known := append([]string{token.Bearer}, t.Known()...)
	known = known[:min(len(known), maxKnown)]
	t.known.Store(&known)
	t.refresh = time.Now().Add(keep(token.Life))
	return token.Bearer, nil
}

// Current answers the token at hand, "" for none, and asks nobody.
func (t *Tokens) Current() string {
	if known := t.known.Load(); known != nil {
		return (*known)[0]
	}
	return ""
}

// Known answers the token at hand and those before it. It asks nobody, and the
// slice is the caller's.
func (t *Tokens) Known() []string {
	if known := t.known.Load(); known != nil {
		return slices.Clone(*known)
	}
	return nil
}

// Send calls send with a token, and once more with a new one if that was refused
// with 401.
func (t *Tokens) Send(ctx context.Context, send func(ctx context.Context, bearer string) (*Response, error)) (*Response, error) {
	for refreshed := false; ; refreshed = true {
		bearer, err := t.Get(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := send(ctx, bearer)
		var status *StatusError
		if errors.As(err, &status) && status.Status == http.StatusUnauthorized && !refreshed {
			t.drop(bearer)
			continue
		}
		return resp, err
	}
}

// drop forgets a token that was refused, unless it has been replaced.
func (t *Tokens) drop(bearer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Current() == bearer {
		t.refresh = time.Time{}
	}
}

// keep answers how long a token with a lifetime is used: it is renewed 90
// seconds before its end, or after three quarters of a life that is short. A
// lifetime that makes no sense, with clocks that differ, is replaced by a short
// one; a token that ends sooner is noticed by its 401.
func keep(lifetime time.Duration) time.Duration {
	if lifetime <= 0 {
		return 5 * time.Minute
	}
	return max(lifetime-90*time.Second, lifetime*3/4)
}
