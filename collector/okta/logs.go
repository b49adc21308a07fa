package okta

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// Logs reads the System Log by polling requests: the first one asks for a time,
// and each next one is the link that came with the answer before. Such requests
// answer events in the order in which Okta has stored them, so that an event
// which comes late is still behind the link; asking for spans of time is not.
type Logs struct {
	*caller
	before int // the length of the page before
}

var (
	_ Source           = (*Logs)(nil)
	_ collector.Seeker = (*Logs)(nil)
)

const (
	// kept is how long Okta keeps events. Twice as long ago may not be asked for.
	kept = 90 * 24 * time.Hour
	// staleMargin is how far before the last event the log is read again when a
	// link is refused. The link stands for a place in the order of storing, the
	// event's time is a little before that.
	staleMargin = 15 * time.Minute
)

// Seek implements collector.Seeker.
func (l *Logs) Seek(t time.Time) collector.Cursor { return collector.Cursor{Time: t} }

// Page implements collector.Source.
func (l *Logs) Page(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	at := cur.Link
	if at == "" {
		at = l.since(cur)
	}
	p, err := l.fetch(ctx, at)
	if err != nil && cur.Link != "" && stale(err) {
		l.log.Warn("the stored link is refused, reading again from shortly before the last event", "last_event", cur.Time, "error", err)
		at = l.since(cur)
		if p, err = l.fetch(ctx, at); err != nil {
			return nil, fmt.Errorf("the stored link was refused, and so is its time: %w", err)
		}
	}
	if err != nil {
		return nil, err
	}
	return l.page(p, at, cur), nil
}

// page makes a collector's page of an answer to a request for at.
func (l *Logs) page(p *page, at string, cur collector.Cursor) *collector.Page {
	out := &collector.Page{Raw: p.raw, Records: make([]collector.Record, len(p.lines))}
	for i, line := range p.lines {
		out.Records[i] = event(line)
	}
	out.Cursor = cur.Behind(out.Records)
	switch {
	case p.next != "":
		out.Cursor.Link = p.next
	case cur.Link != "" || len(p.lines) > 0:
		// Older servers end an answer without a link; the same request goes on then.
		out.Cursor.Link = at
	}
	// A short page is mostly the last one. Where its events are old, it is the
	// server that keeps pages short.
	last := len(out.Records) > 0 && !l.full(p) && l.Now().Sub(out.Records[len(out.Records)-1].Time) < fresh
	out.More = len(out.Records) > 0 && !last && p.next != "" && p.next != at
	return out
}

// fresh is the age up to which an event says that the log has been read to its end.
const fresh = time.Minute

// full reports whether there may be more behind a page. A page that is not full
// is the last one for now: the request behind it would be answered with nothing.
// A server with a smaller page of its own names that in its link, or is known by
// its answering as many again.
func (l *Logs) full(p *page) bool {
	n := len(p.lines)
	size := p.size
	if own := limitOf(p.next); own > 0 {
		size = min(size, own)
	}
	full := n > 0 && (n >= size || n == l.before)
	l.before = n
	return full
}

// since answers the first request for what follows cur, by its time.
func (l *Logs) since(cur collector.Cursor) string {
	oldest := l.Now().Add(-kept)
	t := cur.Time
	if cur.ID != "" {
		t = t.Add(-staleMargin)
	}
	if t.Before(oldest) {
		t = oldest
	}
	return l.address(url.Values{"since": {stamp(t)}})
}

// stale reports refusals of a link.
func stale(err error) bool {
	var status *rest.StatusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// Record implements collector.Source.
func (l *Logs) Record(line []byte) collector.Record {
	if !json.Valid(line) {
		return nameless(line)
	}
	return event(line)
}

// Record reads what identifies a line that was collected from any service; ok is
// false for a line that is none of Okta's.
func Record(line []byte) (rec collector.Record, ok bool) {
	if !json.Valid(line) {
		return rec, false
	}
	if rec, ok := object(line); ok {
		return rec, true
	}
	rec = event(line)
	return rec, !rec.Nameless && !rec.Time.IsZero()
}

func event(line []byte) collector.Record {
	id, at := identity(line, "uuid", "published")
	if id == "" {
		rec := nameless(line)
		rec.Time = at
		return rec
	}
	return collector.Record{ID: id, Time: at, Data: line}
}

// nameless stands for an entry without a name, which is known by its bytes.
func nameless(line []byte) collector.Record {
	sum := sha256.Sum256(line)
	return collector.Record{ID: "sha256:" + hex.EncodeToString(sum[:]), Nameless: true, Data: line}
}
