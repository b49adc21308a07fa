package collector

import (
	"context"
	"errors"
	"sync"
)

// DryRun answers a Bucket that reads from b and writes nothing: objects are
// dropped, and what is swapped is remembered for the time being.
func DryRun(b Bucket) Bucket {
	return &dryRun{Bucket: b, swapped: make(map[string][]byte)}
}

type dryRun struct {
	Bucket
	mu      sync.Mutex
	swapped map[string][]byte
}

func (d *dryRun) Create(context.Context, string, []byte) error { return nil }

func (d *dryRun) Remove(context.Context, string) error { return nil }

func (d *dryRun) Check(context.Context, string) error { return nil }

func (d *dryRun) Swap(ctx context.Context, name string, data []byte, token Token) (Token, error) {
	now, err := d.Stat(ctx, name)
	if err != nil {
		return "", err
	}
	if now != token {
		return "", ErrChanged
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.swapped[name] = data
	return Token(hash(data)), nil
}

func (d *dryRun) Read(ctx context.Context, name string) ([]byte, Token, error) {
	d.mu.Lock()
	data, ok := d.swapped[name]
	d.mu.Unlock()
	if ok {
		return data, Token(hash(data)), nil
	}
	return d.Bucket.Read(ctx, name)
}

func (d *dryRun) Stat(ctx context.Context, name string) (Token, error) {
	_, token, err := d.Read(ctx, name)
	if errors.Is(err, ErrNotExist) {
		return "", nil
	}
	return token, err
}
