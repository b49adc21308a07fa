// Package collector copies a log from an API to a place of ours, so that every
// event lands exactly once whatever is killed when.
//
// A Source reads the log page by page. A Sink makes batches of records durable,
// each under a sequence number. A Collector stands between them and keeps one
// State, a checksummed record that moves only after the data: it says which
// sequence comes next, where the source goes on, and which records came last.
//
// The order of the writes is the whole trick. A batch goes to the Sink first and
// the State second. A run that dies in between leaves a batch under the sequence
// that the State still calls the next one; the following run finds it there,
// takes it as the truth, and moves the State past it without asking the source
// again. Two collectors on one State try to write the same sequence and to swap
// the same version of the State: one of them wins, the other one stops.
package collector

import (
	"context"
	"slices"
	"time"
)

// Record is one entry of the log.
type Record struct {
	// ID is the entry's own key in its log; records with one ID are one entry.
	ID string
	// Time is the entry's own time, zero where it has none that can be read.
	Time time.Time
	// Nameless says that the entry has no key in its log: ID was made of its
	// bytes, and the source cannot go on from it.
	Nameless bool
	// Data is the entry as one line of JSON without its newline.
	Data []byte
}

// RecordTime reads the time of an entry (RFC 3339). It is zero where the text is
// none, or a time beyond the years that JSON can hold: such an entry has no time
// that could be kept.
func RecordTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// Cursor is a place in a log. The zero Cursor is its start.
type Cursor struct {
	// Link is what a source goes on by beside the last record, such as an address
	// that the server gave for what comes next. It is opaque.
	Link string `json:"link,omitempty"`
	// ID and Time are those of the last record before this place.
	ID   string    `json:"id,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

// Behind answers the place behind records that follow c, for sources that go on
// by the id of a record. The Link stays.
func (c Cursor) Behind(records []Record) Cursor {
	for _, r := range slices.Backward(records) {
		if !r.Nameless {
			return Cursor{Link: c.Link, ID: r.ID, Time: r.Time}
		}
	}
	return c
}

// Page is what a Source answers at once.
type Page struct {
	// Records in the order of the log, or against it for Backward.
	Records []Record
	// Cursor is the place behind the page.
	Cursor Cursor
	// More says that asking again at once may bring more.
	More bool
	// Raw is the body as the server sent it.
	Raw []byte
	// Unresolved counts references that could not be followed.
	Unresolved int
}

// Source reads a log. Its methods are called from one goroutine at a time.
type Source interface {
	// Name tells logs apart, such as "asa/example-team". A State belongs to one
	// name and is refused by a source of another.
	Name() string
	// Page answers what follows cur. It has retried what a retry can cure, so an
	// error ends the run; ErrCursor says that the server does not know cur.
	Page(ctx context.Context, cur Cursor) (*Page, error)
	// Record reads back what identifies a line that was written earlier.
	Record(line []byte) Record
}

// Seeker is a Source that can begin at a point in time.
type Seeker interface {
	Source
	// Seek answers the place before the first record since t; the zero time is
	// the start of the log, as far back as it is kept.
	Seek(t time.Time) Cursor
}

// Backward is a Source that can also be read from its end, which serves to find
// a point in time and entries that came late.
type Backward interface {
	Source
	// PageBack answers what stands before cur, newest first; the zero Cursor is
	// the end of the log.
	PageBack(ctx context.Context, cur Cursor) (*Page, error)
	// Now is the time by the server's clock, as well as it is known.
	Now() time.Time
}

// Comparer is a Source that answers what is other than what was written, and so
// must know what that is. It may keep it as it likes, as long as it is bound to
// the batch that it stands behind: the State names that batch by its sequence and
// its Chain, and of two collectors at work one alone moves the State.
type Comparer interface {
	Source
	// Remember is told each batch that is durable, before the State moves past it,
	// and previous, the Chain of the batch before. What it has made of it must be
	// durable when it returns. It is told again after a crash, and by another
	// collector perhaps, with the same records.
	Remember(ctx context.Context, previous string, r Receipt) error
	// Recall begins a run, behind the batch of a sequence and a Chain, 0 and "" for
	// none. It is called after all that an earlier run has left was remembered, and
	// before the first Page.
	Recall(ctx context.Context, sequence int64, chain string) error
}
