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

// secrets answers what no error may show.
func (s *Source) secrets() []string { return append(s.tokens.Known(), s.secret.Known()...) }

// fetchToken gets a service token, with the secret as it is kept by now where the
// one at hand is refused.
func (s *Source) fetchToken(ctx context.Context) (rest.Token, error) {
	secret := s.secret.Current()
	token, err := s.askForToken(ctx, secret)
	if refused(err) {
		changed, renewErr := s.secret.Renew(ctx, secret)
		switch {
		case renewErr != nil:
			err = fmt.Errorf("%w; the secret could not be read again: %w", err, renewErr)
		case changed:
			s.log.Warn("the key's secret was refused and has been replaced")
			token, err = s.askForToken(ctx, s.secret.Current())
		}
	}
	if err != nil {
		return token, fmt.Errorf("get a service token: %w", err)
	}
	return token, nil
}

// refused reports that ASA does not take a key.
func refused(err error) bool {
	var status *rest.StatusError
	return errors.As(err, &status) && (status.Status == http.StatusUnauthorized || status.Status == http.StatusForbidden)
}

func (s *Source) askForToken(ctx context.Context, secret string) (rest.Token, error) {
	body, err := json.Marshal(map[string]string{"key_id": s.keyID, "key_secret": secret})
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
