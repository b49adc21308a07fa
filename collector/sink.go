package collector

import (
	"context"
	"errors"
	"time"
)

// Errors that a run can end with, for errors.Is.
var (
	// ErrCursor: the server does not know the place where the State stands.
	ErrCursor = errors.New("the source does not know the cursor")
	// ErrConflict: another collector works on the same State.
	ErrConflict = errors.New("another collector is at work on this state")
	// ErrState: the State cannot be trusted, so nothing was read or written.
	ErrState = errors.New("the state cannot be used")
	// ErrSource: the State belongs to another log.
	ErrSource = errors.New("the state is that of another log")
	// ErrForeign: something that is not ours stands where a batch belongs.
	ErrForeign = errors.New("an object is in the way")
)

// Batch is a run of records that becomes durable as a whole.
type Batch struct {
	Sequence int64
	// Previous is the Chain of the batch before, "" for the first one.
	Previous string
	// Newest is the newest time of all records before, and Untimed says that one
	// of them has none.
	Newest  time.Time
	Untimed bool
	// Floor is the State's.
	Floor time.Time
	// Records are new, in the order of the log, and at least one.
	Records []Record
	// Cursor is the place behind the last record.
	Cursor Cursor
	// Pages are the untouched pages that the records came from, if wanted.
	Pages [][]byte
}

// Receipt tells what is durable under a sequence.
type Receipt struct {
	Sequence int64
	// Chain identifies this batch and all before it.
	Chain string
	// Records without their Data. It may be empty for a recovered batch whose
	// records can no longer be read; Cursor stands nevertheless.
	Records []Record
	Cursor  Cursor
	// Rejected counts records that the companion of the batch left out.
	Rejected int
}

// Sink makes batches durable.
type Sink interface {
	// Deliver returns when the batch is durable, or an error. ErrConflict says
	// that another collector has used the sequence.
	Deliver(ctx context.Context, b Batch) (Receipt, error)
	// Recover answers what an earlier run left under b.Sequence, finished as if
	// Deliver had returned, or nil. b has no records yet, and its Cursor is the
	// one before the batch.
	Recover(ctx context.Context, b Batch) (*Receipt, error)
	// Empty reports whether nothing was ever delivered.
	Empty(ctx context.Context) (bool, error)
	// Seen reports whether r is part of a batch before the given sequence. It is
	// asked only for records too old for the State to remember.
	Seen(ctx context.Context, r Record, before int64) (bool, error)
}
