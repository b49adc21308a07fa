package asa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tokens fetches the service token and keeps it until shortly before it ends.
type tokens struct {
	source     *Source
	id, secret string

	mu      sync.Mutex
	refresh time.Time // by our clock
	// bearer is read without the lock to take tokens out of errors.
	bearer atomic.Pointer[string]
}

// get answers a token. Callers that come at once share one call.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.bearer.Load(); b != nil && time.Now().Before(t.refresh) {
		return *b, nil
	}
	token, err := t.fetch(ctx)
	if err != nil {
		return "", fmt.Errorf("get a service token: %w", err)
	}
	t.bearer.Store(&token.Bearer)
	t.refresh = time.Now().Add(token.keep)
	return token.Bearer, nil
}

// drop forgets a token that was refused, unless it has been replaced.
func (t *tokens) drop(bearer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.bearer.Load(); b != nil && *b == bearer {
		t.refresh = time.Time{}
	}
}

func (t *tokens) secrets() []string {
	s := []string{t.secret}
	if b := t.bearer.Load(); b != nil {
		s = append(s, *b)
	}
	return s
}

// token is what the API answers.
type token struct {
	Bearer  string    `json:"bearer_token"`
	Expires time.Time `json:"expires_at"`
	Team    string    `json:"team_name"`
	// keep is how long it is used.
	keep time.Duration
}

func (t *tokens) fetch(ctx context.Context) (token, error) {
	s := t.source
	body, err := json.Marshal(map[string]string{"key_id": t.id, "key_secret": t.secret})
	if err != nil {
		return token{}, err
	}
	at := s.base.JoinPath("v1", "teams", url.PathEscape(s.team), "service_token").String()
	var answer token
	resp, err := s.client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
		if err == nil {
			req.Header.Set("Content-Type", "application/json")
		}
		return req, err
	}, func(body []byte) error {
		answer = token{}
		if json.Unmarshal(body, &answer) != nil || answer.Bearer == "" {
			// The body may hold a token, so it is not shown.
			return errors.New("no bearer token in it")
		}
		return nil
	})
	if err != nil {
		return token{}, err
	}
	if answer.Team != "" && !strings.EqualFold(answer.Team, s.team) {
		return token{}, fmt.Errorf("the key belongs to team %q, this run collects %q", answer.Team, s.team)
	}
	s.noteClock(resp.Header)
	answer.keep = keep(answer.Expires.Sub(s.Now()))
	return answer, nil
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
