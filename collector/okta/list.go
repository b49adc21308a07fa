package okta

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// List reads all objects of a kind, from end to end, once for each time that it
// is asked from between two readings. Each object becomes one record, with a note
// at its end that tells the reading:
//
//	{"id":"00u1",...,"asa2udm":{"service":"users","read":"2026-03-01T12:00:00.000Z","number":17}}
//
// A record is named by its reading, its object and its content, so that a reading
// which was cut off is finished without a repeated record. With changes, a list
// answers an object only where it is new or other than in the reading before, and
// a record for each object that has gone; the note then says what happened.
type List struct {
	*caller
	changes   bool
	fullEvery time.Duration
	memory    Memory
	under     *reading         // what is under way
	last      collector.Cursor // what the page before was answered with
}

var _ Source = (*List)(nil)

// Changes, as notes call them.
const (
	found   = "found" // in the first reading, which has nothing to compare with
	added   = "added"
	changed = "changed"
	deleted = "deleted"
)

// reading is one way through the list.
type reading struct {
	at    time.Time // when it began, which names it
	next  string    // the address of the next page
	full  bool      // not only what has changed
	seen  *snapshot // what this reading has found so far
	prior *snapshot // what the reading before has found; nil for none
	keep  slot      // where seen is to be kept
	count int
}

// note stands at the end of a record.
type note struct {
	Service string    `json:"service"`
	Read    time.Time `json:"read"`
	Number  int       `json:"number"`
	Change  string    `json:"change,omitempty"`
}

// updatedMargin is how far before the last reading a list is asked for changes:
// an object may be stored some time after the time it says.
const updatedMargin = 5 * time.Minute

// Page implements collector.Source. A cursor with an ID stands within a reading,
// any other between two.
func (l *List) Page(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	if l.under == nil || cur != l.last {
		if err := l.begin(ctx, cur); err != nil {
			return nil, err
		}
	}
	r := l.under
	asked := r.next
	p, err := l.fetch(ctx, asked)
	if err != nil {
		l.under = nil
		return nil, err
	}
	out := &collector.Page{Raw: p.raw}
	for _, line := range p.lines {
		if rec, wanted := l.see(line); wanted {
			out.Records = append(out.Records, rec)
		}
	}
	if p.next == asked {
		l.under = nil
		return nil, fmt.Errorf("the list of %s leads back to the page it is on", l.service.Name)
	}
	if p.next != "" {
		r.next = p.next
		out.More = true
		out.Cursor = cur.Behind(out.Records)
		out.Cursor.Link = p.next
	} else if err := l.end(ctx, out); err != nil {
		return nil, err
	}
	l.last = out.Cursor
	return out, nil
}

// begin starts a reading, or starts again the one that cur stands in.
func (l *List) begin(ctx context.Context, cur collector.Cursor) error {
	at, within := readingOf(cur.ID)
	if !within {
		at = l.Now().UTC().Truncate(time.Millisecond)
		if !at.After(cur.Time) {
			at = cur.Time.Add(time.Millisecond)
		}
	}
	r := &reading{at: at, full: true, seen: newSnapshot(at)}
	l.under = r
	more := url.Values{}
	if l.changes {
		var err error
		if !within {
			err = l.memory.forget(ctx, cur.Time)
		}
		if err == nil {
			r.prior, r.keep, err = l.memory.before(ctx, at)
		}
		if err != nil {
			return fmt.Errorf("read what was seen of %s: %w", l.service.Name, err)
		}
		if r.prior == nil && !cur.Time.IsZero() && !within {
			l.log.Warn("there is no reading to compare with: all objects count as found now", "service", l.service.Name)
		}
		if r.prior != nil && l.service.Changed != nil && at.Sub(r.prior.full) < l.fullEvery {
			r.full = false
			more.Set("filter", l.service.Changed(stamp(r.prior.at.Add(-updatedMargin))))
		}
	}
	if r.full {
		r.seen.full = at
	} else {
		r.seen = r.prior.copy(at)
	}
	r.next = l.address(more)
	return nil
}

// see notes an object and answers its record, if one is wanted.
func (l *List) see(line []byte) (rec collector.Record, wanted bool) {
	r := l.under
	id := objectID(line, l.service.ID)
	sum := contentSum(line)
	r.count++
	n := note{Service: l.service.Name, Read: r.at, Number: r.count}
	if l.changes {
		before, known := uint64(0), false
		if r.prior != nil {
			before, known = r.prior.sums[id]
		}
		r.seen.sums[id] = sum
		switch {
		case r.prior == nil:
			n.Change = found
		case !known:
			n.Change = added
		case before != sum:
			n.Change = changed
		default:
			return rec, false
		}
	}
	return l.Record(withNote(line, n)), true
}

// end adds the records of what has gone, and remembers what was seen. The cursor
// behind the page makes that memory count; until it is durable, the one before
// does.
func (l *List) end(ctx context.Context, out *collector.Page) error {
	r := l.under
	if l.changes {
		if r.full && r.prior != nil {
			gone := r.prior.gone(r.seen)
			if len(gone) > 0 && len(r.seen.sums) == 0 {
				l.log.Warn("the list is empty, so all of it counts as deleted; a role that sees less looks the same", "objects", len(gone))
			}
			for _, id := range gone {
				r.count++
				line := fmt.Appendf(nil, `{%q:%s}`, l.service.ID, quoted(id))
				out.Records = append(out.Records, l.Record(withNote(line, note{Service: l.service.Name, Read: r.at, Number: r.count, Change: deleted})))
			}
		}
		if err := l.memory.keep(ctx, r.keep, r.seen); err != nil {
			return fmt.Errorf("remember what was seen of %s: %w", l.service.Name, err)
		}
	}
	out.Cursor = collector.Cursor{Time: r.at}
	l.under = nil
	return nil
}

// numbersPerTime is how many records of a reading share a time. Times rise within
// a reading, so that the collector finds a record that it may have written
// without looking through all of the reading.
const numbersPerTime = 1000

// Record implements collector.Source.
func (l *List) Record(line []byte) collector.Record {
	if rec, ok := object(line); ok {
		return rec
	}
	return nameless(line)
}

// object reads what identifies a record of a list.
func object(line []byte) (rec collector.Record, ok bool) {
	content, n, ok := cutNote(line)
	service, known := Lookup(n.Service)
	if !ok || !known {
		return rec, false
	}
	id := objectID(content, service.ID)
	return collector.Record{
		ID:   fmt.Sprintf("%s/%s/%016x", stamp(n.Read), id, contentSum(content)),
		Time: n.Read.Add(time.Duration(n.Number/numbersPerTime) * time.Microsecond),
		Data: line,
	}, true
}

// readingOf answers the reading that a record's name tells.
func readingOf(id string) (at time.Time, ok bool) {
	text, _, ok := strings.Cut(id, "/")
	if !ok {
		return at, false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// objectID answers the name of an object; one without is known by its bytes.
func objectID(line []byte, field string) string {
	if id, _ := identity(line, field, ""); id != "" {
		return id
	}
	sum := sha256.Sum256(line)
	return "sha256:" + hex.EncodeToString(sum[:8])
}

const noteKey = `"asa2udm":`

// withNote puts the note at the end of an object. An entry that is no object is
// put into one.
func withNote(line []byte, n note) []byte {
	text := fmt.Appendf(nil, `{"service":%q,"read":%q,"number":%d`, n.Service, stamp(n.Read), n.Number)
	if n.Change != "" {
		text = fmt.Appendf(text, `,"change":%q`, n.Change)
	}
	body, isObject := bytes.CutSuffix(line, []byte("}"))
	if !isObject {
		body = fmt.Appendf(nil, `{"value":%s`, line)
	}
	out := bytes.Clone(body)
	if !bytes.Equal(bytes.TrimSpace(body), []byte("{")) {
		out = append(out, ',')
	}
	return fmt.Appendf(out, `%s%s}}`, noteKey, text)
}

// cutNote takes off what withNote has put on.
func cutNote(line []byte) (object []byte, n note, ok bool) {
	i := bytes.LastIndex(line, []byte(noteKey))
	if i < 1 || !json.Valid(line) {
		return nil, n, false
	}
	if json.Unmarshal(line[i+len(noteKey):len(line)-1], &n) != nil || n.Read.IsZero() {
		return nil, n, false
	}
	object = append(bytes.TrimSuffix(bytes.Clone(line[:i]), []byte(",")), '}')
	return object, n, true
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
