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
	"time"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// key is that of a service user.
type key struct{ id, secret string }

// secrets answers what no error may show.
func (s *Source) secrets() []string { return append(s.tokens.Known(), s.key.secret) }

// fetchToken gets a service token.
func (s *Source) fetchToken(ctx context.Context) (rest.Token, error) {
	token, err := s.askForToken(ctx)
	if err != nil {
		return token, fmt.Errorf("get a service token: %w", err)
	}
	return token, nil
}

func (s *Source) askForToken(ctx context.Context) (rest.Token, error) {
	body, err := json.Marshal(map[string]string{"key_id": s.key.id, "key_secret": s.key.secret})
	if err != nil {
		return rest.Token{}, err
	}
	at := s.base.JoinPath("v1", "teams", url.PathEscape(s.team), "service_token").String()
	var answer struct {
		Bearer  string `json:"bearer_token"`
		Expires string `json:"expires_at"`
		Team    string `json:"team_name"`
	}
	resp, err := s.client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
		if err == nil {
			req.Header.Set("Content-Type", "application/json")
		}
		return req, err
	}, func(body []byte) error {
		answer.Bearer = ""
		if json.Unmarshal(body, &answer) != nil || answer.Bearer == "" {
			// The body may hold a token, so it is not shown.
			return errors.New("no bearer token in it")
		}
		return nil
	})
	if err != nil {
		return rest.Token{}, err
	}
	if answer.Team != "" && !strings.EqualFold(answer.Team, s.team) {
		return rest.Token{}, fmt.Errorf("the key belongs to team %q, this run collects %q", answer.Team, s.team)
	}
	s.noteClock(resp.Header)
	token := rest.Token{Bearer: answer.Bearer}
	if expires, err := time.Parse(time.RFC3339Nano, answer.Expires); err == nil {
		token.Life = expires.Sub(s.Now())
	}
	return token, nil
}
