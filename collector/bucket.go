package collector

import (
	"context"
	"errors"
	"iter"
)

// Errors of a Bucket, for errors.Is.
var (
	ErrExist    = errors.New("the object exists")
	ErrNotExist = errors.New("the object does not exist")
	ErrChanged  = errors.New("the object has changed")
)

// Token names one version of an object. The empty Token is that of an object
// which does not exist.
type Token string

// Bucket stores objects under slash-separated names. An object is whole or
// absent for every reader, and what a method has stored survives a crash from
// its return on. Methods may be called from several goroutines. Each bounds its
// own waiting even where ctx has no deadline.
type Bucket interface {
	// Create stores an object under a name that is free. Where the name is taken
	// by the same bytes it returns nil, since a request may be repeated after
	// its answer was lost; by other bytes, ErrExist.
	Create(ctx context.Context, name string, data []byte) error
	// Swap stores an object if the one under the name is still the version of
	// token, and answers the new version; otherwise ErrChanged.
	Swap(ctx context.Context, name string, data []byte, token Token) (Token, error)
	// Read answers an object and its version, or ErrNotExist.
	Read(ctx context.Context, name string) ([]byte, Token, error)
	// Stat answers the version of an object, the empty Token for none.
	Stat(ctx context.Context, name string) (Token, error)
	// List yields the names that begin with prefix and stand behind after, in
	// byte order.
	List(ctx context.Context, prefix, after string) iter.Seq2[string, error]
	// Remove takes an object away; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Check proves that objects can be written below prefix, and leaves none.
	Check(ctx context.Context, prefix string) error
	// String is the address for people, such as "gs://bucket/prefix".
	String() string
	Close() error
}
