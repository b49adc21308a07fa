package trigger_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asa2udm/asa2udm/collector/trigger"
)

// vault is where a token is kept.
type vault struct {
	value string
	err   error
	calls int
	takes time.Duration
}

func (v *vault) read(ctx context.Context) (string, error) {
	v.calls++
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-time.After(v.takes):
		return v.value, v.err
	}
}

const oldToken, newToken = "the-old-token-0123456789", "the-new-token-0123456789"

func newRenewed(t *testing.T, v *vault) (*trigger.Token, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	auth, err := trigger.NewToken(trigger.TokenConfig{Token: oldToken, Renew: v.read, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return auth, &log
}

func letsIn(auth *trigger.Token, token string) bool {
	_, err := auth.Check(call("Authorization", "Bearer "+token))
	return err == nil
}

// TestTokenIsReplaced takes a new token as soon as a caller has it, and the old one
// no more.
func TestTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: oldToken}
		auth, log := newRenewed(t, v)
		time.Sleep(time.Minute)
		if !letsIn(auth, oldToken) || v.calls != 0 {
			t.Errorf("the token at hand: %d readings", v.calls)
		}
		v.value = newToken
		if !letsIn(auth, newToken) || letsIn(auth, oldToken) {
			t.Error("the new token is not the one that is taken")
		}
		if !strings.Contains(log.String(), "has been replaced") || strings.Contains(log.String(), newToken) {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}

// TestOldTokenEnds reads the token now and then, though nobody has come with
// another one.
func TestOldTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: newToken}
		auth, _ := newRenewed(t, v)
		time.Sleep(5*time.Minute - time.Second)
		if !letsIn(auth, oldToken) {
			t.Error("the old token is refused before its time")
		}
		time.Sleep(time.Second)
		if letsIn(auth, oldToken) || !letsIn(auth, newToken) {
			t.Error("the old token is taken after 5 minutes")
		}
	})
}

// TestWrongTokensReadSeldom lets strangers try as often as they like.
func TestWrongTokensReadSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: oldToken, takes: time.Second}
		auth, log := newRenewed(t, v)
		for range 60 {
			time.Sleep(time.Second)
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					if letsIn(auth, newToken) {
						t.Error("a wrong token is let in")
					}
				})
			}
			group.Wait()
		}
		if v.calls < 4 || v.calls > 7 {
			t.Errorf("%d readings in a minute", v.calls)
		}
		if log.Len() > 0 {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}

// TestTokenCannotBeRead keeps the last token, and says so once.
func TestTokenCannotBeRead(t *testing.T) {
	for name, broken := range map[string]vault{
		"refused":   {err: errors.New("access is refused")},
		"empty":     {value: ""},
		"too short": {value: "short"},
		"hangs":     {value: newToken, takes: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &broken
				auth, log := newRenewed(t, v)
				for range 4 {
					time.Sleep(6 * time.Minute)
					if !letsIn(auth, oldToken) || letsIn(auth, newToken) {
						t.Error("the last token does not stay")
					}
				}
				if v.calls < 4 || strings.Count(log.String(), "could not be read again") != 1 {
					t.Errorf("%d readings, and the log says\n%s", v.calls, log.String())
				}
				*v = vault{value: newToken}
				time.Sleep(time.Minute)
				if !letsIn(auth, newToken) || !strings.Contains(log.String(), "can be read again") {
					t.Errorf("after the cure the log says\n%s", log.String())
				}
			})
		})
	}
}

// TestCallerGoesAway reads on for the others.
func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: newToken, takes: 2 * time.Second}
		auth, log := newRenewed(t, v)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := auth.Check(call("Authorization", "Bearer "+newToken).WithContext(ctx)); err != nil {
			t.Errorf("got %v; the log says\n%s", err, log.String())
		}
	})
}
