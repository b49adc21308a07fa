package trigger

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// minToken is the least length of a shared token, in bytes.
const minToken = 20

// Times of the renewal of a shared token.
const (
	// renewAfter bounds how long a token that was replaced is let in.
	renewAfter = 5 * time.Minute
	// renewPause spares the place where the token is kept: wrong ones may come as
	// often as strangers like.
	renewPause = 10 * time.Second
	// renewTime bounds how long a caller waits for a reading.
	renewTime = 10 * time.Second
)

// TokenConfig is what a Token is made of.
type TokenConfig struct {
	// Token is what callers must know.
	Token string
	// Renew reads it again from where it is kept; nil says that it never changes.
	// It is called by one goroutine at a time.
	Renew func(context.Context) (string, error)
	// Log is told of changes and of failures to read; nil drops them.
	Log *slog.Logger
}

// Token lets in whoever knows a shared token. The token is read again when a
// caller has another one, 10 seconds after the last time at the earliest, and when
// it is 5 minutes old. While it cannot be read the last one stays.
type Token struct {
	renew func(context.Context) (string, error)
	log   *slog.Logger

	renewing chan struct{} // holds one while renew is called
	failing  bool          // the last reading has failed, and that was said

	mu    sync.Mutex
	sum   [sha256.Size]byte
	tried time.Time // when it was read, or was tried to be read
}

// NewToken refuses tokens that could be guessed by their length.
func NewToken(c TokenConfig) (*Token, error) {
	sum, err := sumToken(c.Token)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Token{renew: c.Renew, log: c.Log, renewing: make(chan struct{}, 1), sum: sum, tried: time.Now()}, nil
}

func sumToken(token string) (sum [sha256.Size]byte, err error) {
	if len(token) < minToken {
		return sum, fmt.Errorf("the token is too short: want %d characters or more, such as openssl rand -hex 32 makes", minToken)
	}
	return sha256.Sum256([]byte(token)), nil
}

// Check implements Auth. To compare takes the same time for every wrong token.
func (t *Token) Check(r *http.Request) (string, error) {
	token, err := bearer(r, "Authorization")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(token))
	good, age := t.compare(sum)
	if t.renew != nil && (age >= renewAfter || !good && age >= renewPause) {
		t.readAgain(r.Context())
		good, _ = t.compare(sum)
	}
	if !good {
		return "", refuse(http.StatusUnauthorized, true, "the token is wrong")
	}
	return "the holder of the token", nil
}

// compare holds a caller's token against the one at hand, and answers how long ago
// that was read.
func (t *Token) compare(sum [sha256.Size]byte) (good bool, age time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1, time.Since(t.tried)
}

// readAgain reads the token. Callers that come at once share one reading, which
// does not end when one of them goes away.
func (t *Token) readAgain(ctx context.Context) {
	came := time.Now()
	t.renewing <- struct{}{}
	defer func() { <-t.renewing }()
	t.mu.Lock()
	old, shared := t.sum, !t.tried.Before(came)
	t.mu.Unlock()
	if shared {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTime)
	defer cancel()
	value, err := t.renew(ctx)
	sum := old
	if err == nil {
		sum, err = sumToken(value)
	}
	t.say(err, sum != old)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tried = time.Now()
	if err == nil {
		t.sum = sum
	}
}

// say logs what has come of a reading: a failure once, and its end.
func (t *Token) say(err error, changed bool) {
	switch {
	case err != nil && !t.failing:
		t.log.Warn("the token of the callers could not be read again; the last one stays", "error", err.Error())
	case err == nil && t.failing:
		t.log.Info("the token of the callers can be read again")
	}
	if t.failing = err != nil; err == nil && changed {
		t.log.Info("the token of the callers has been replaced")
	}
}
