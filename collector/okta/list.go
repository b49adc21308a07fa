package okta

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
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
// answers an object only where it is new or other than what its records say, and
// a record for each object that has gone; the note then says what happened. A
// reading that was cut off then counts as far as its records are durable, and the
// next one is a new one.
type List struct {
	*caller
	changes   bool
	fullEvery time.Duration
	memory    Memory
	known     *snapshot        // what the durable records say, with changes alone
	under     *reading         // what is under way
	last      collector.Cursor // what the page before was answered with
}

var (
	_ Source             = (*List)(nil)
	_ collector.Comparer = (*List)(nil)
)

// Changes, as notes call them.
const (
	found   = "found" // in the first reading, which has nothing to compare with
	added   = "added"
	changed = "changed"
	deleted = "deleted"
)

// reading is one way through the list.
type reading struct {
	at    time.Time         // when it began, which names it
	next  string            // the address of the next page
	full  bool              // not only what has changed
	ended ended             // the readings before
	seen  map[string]uint64 // what it has found so far, with changes alone
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
		if err := l.begin(cur); err != nil {
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
		out.Cursor.Link = l.link(r.ended, p.next)
	} else {
		l.end(out)
	}
	l.last = out.Cursor
	return out, nil
}

// begin starts a reading. Without changes, one that cur stands in is started again.
func (l *List) begin(cur collector.Cursor) error {
	at, within := readingOf(cur.ID)
	if !within || l.changes {
		at = l.Now().UTC().Truncate(time.Millisecond)
		if !at.After(cur.Time) {
			at = cur.Time.UTC().Truncate(time.Millisecond).Add(time.Millisecond)
		}
	}
	r := &reading{at: at, full: true}
	more := url.Values{}
	if l.changes {
		if l.known == nil {
			return errors.New("a list with changes was not told where it stands")
		}
		r.seen = make(map[string]uint64)
		if r.ended = parseEnded(cur.Link); r.ended.begun != l.known.begun {
			r.ended = ended{begun: l.known.begun}
		}
		if !r.ended.first() && l.service.Changed != nil && at.Sub(r.ended.full) < l.fullEvery {
			r.full = false
			more.Set("filter", l.service.Changed(stamp(r.ended.read.Add(-updatedMargin))))
		}
	}
	r.next = l.address(more)
	l.under = r
	return nil
}

// see notes an object and answers its record, if one is wanted.
func (l *List) see(line []byte) (rec collector.Record, wanted bool) {
	r := l.under
	r.count++
	n := note{Service: l.service.Name, Read: r.at, Number: r.count}
	if l.changes {
		content := asObject(line)
		e := entry{objectID(content, l.service.ID), contentSum(content)}
		if e.sum == goneSum(l.service.ID, e.id) {
			// What says nothing but its name cannot be told from the record of an
			// object that has gone.
			return rec, false
		}
		if n.Change, wanted = l.compare(e); !wanted {
			return rec, false
		}
	}
	return l.Record(withNote(line, n)), true
}

// compare notes what is seen, and answers what has happened to it.
func (l *List) compare(e entry) (change string, wanted bool) {
	r := l.under
	before, known := r.seen[e.id]
	if !known {
		before, known = l.known.sums[e.id]
	}
	r.seen[e.id] = e.sum
	switch {
	case !known && r.ended.first():
		return found, true
	case !known:
		return added, true
	case before != e.sum:
		return changed, true
	}
	return "", false
}

// end adds the records of what has gone. The cursor behind the page says that the
// reading has ended.
func (l *List) end(out *collector.Page) {
	r := l.under
	l.under = nil
	out.Cursor = collector.Cursor{Time: r.at}
	if !l.changes {
		return
	}
	now := ended{read: r.at, full: r.ended.full, begun: r.ended.begun}
	if r.full {
		now.full = r.at
		gone := l.known.gone(r.seen)
		if len(gone) > 0 && len(r.seen) == 0 {
			l.log.Warn("the list is empty, so all of it counts as deleted; a role that sees less looks the same", "objects", len(gone))
		}
		for _, id := range gone {
			r.count++
			n := note{Service: l.service.Name, Read: r.at, Number: r.count, Change: deleted}
			out.Records = append(out.Records, l.Record(withNote(goneLine(l.service.ID, id), n)))
		}
	}
	out.Cursor.Link = l.link(now, "")
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

// entryOf answers what a record says, which its name tells.
func entryOf(id string) (e entry, ok bool) {
	first, last := strings.Index(id, "/"), strings.LastIndex(id, "/")
	if first < 0 || first == last {
		return e, false
	}
	sum, err := strconv.ParseUint(id[last+1:], 16, 64)
	return entry{id[first+1 : last], sum}, err == nil
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
	body := bytes.TrimSuffix(asObject(line), []byte("}"))
	out := bytes.Clone(body)
	if !bytes.Equal(bytes.TrimSpace(body), []byte("{")) {
		out = append(out, ',')
	}
	return fmt.Appendf(out, `%s%s}}`, noteKey, text)
}

// asObject answers an entry that is no object as one.
func asObject(line []byte) []byte {
	if bytes.HasSuffix(line, []byte("}")) {
		return line
	}
	return fmt.Appendf(nil, `{"value":%s}`, line)
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
