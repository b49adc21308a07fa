package rest

import (
	"context"
	"slices"
	"sync"
)

// Key is a credential that may be replaced where it is kept while it is used. It
// may be used by several goroutines.
type Key struct {
	renew func(context.Context) (string, error)

	renewing sync.Mutex // held while renew is called
	mu       sync.Mutex
	known    []string // the value at hand and those before it, the newest first
}

// NewKey answers a key. renew reads it again from where it is kept; nil says that
// it never changes.
func NewKey(value string, renew func(context.Context) (string, error)) *Key {
	return &Key{renew: renew, known: []string{value}}
}

// Current answers the value at hand.
func (k *Key) Current() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known[0]
}

// Known answers the value at hand and those before it, which no error may show.
// The slice is the caller's.
func (k *Key) Known() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.known)
}

// Renew reads the key again after a service has refused a value, and reports
// whether there is another one now. Callers that come at once share one reading.
func (k *Key) Renew(ctx context.Context, refused string) (bool, error) {
	if k.renew == nil {
		return false, nil
	}
	k.renewing.Lock()
	defer k.renewing.Unlock()
	if k.Current() != refused {
		return true, nil
	}
	value, err := k.renew(ctx)
	if err != nil || value == refused {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = append([]string{value}, k.known[:min(len(k.known), maxKnown-1)]...)
	return true, nil
}
