// Package page reads the pages of Okta's ASA audit API: a list of events
// beside the objects that those events refer to.
//
// An event names its actor, client, project and servers by opaque keys of the
// page's related_objects, and the map holds good for that page alone. Join puts
// the objects in place of the keys, so that an event can be read on its own.
package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// ErrNotPage is what Join answers for JSON that is not a page.
var ErrNotPage = errors.New("not an audit page: want an object with a list")

// Is reports whether b is one JSON object that is a page and not an event: its
// list is an array, and it has related_objects (an object or null) or nothing
// beside the list. With related_objects the list may be null: it is empty then. It answers quickly for a JSON text that has no such key.
func Is(b []byte) bool {
	// A key may be spelled with \u escapes, so only a text without any can be
	// turned away unread.
	if !bytes.Contains(b, []byte(`"list"`)) && !bytes.Contains(b, []byte(`\u`)) {
		return false
	}
	if !json.Valid(b) {
		return false
	}
	p := parse(gjson.ParseBytes(b))
	list := p.list.IsArray() || p.hasList && p.list.Type == gjson.Null && p.hasRelated
	return list && (p.hasRelated && (p.related.IsObject() || p.related.Type == gjson.Null) || p.keys == 1)
}

// Join answers the events of one page, each as one line of JSON without its
// newline, in the order of the list.
//
// Every value of an event's details, and every element of a list there, that is
// a key of the page's related_objects is replaced by that entry's object. The
// key is kept in a field behind the event's own, under the path of the value:
//
//	"references":{"details.actor":"PkkM...","details.servers.0":"1Zdc..."}
//
// The field is left out where nothing was replaced, and is named _references
// where the event has references of its own. All else keeps its bytes: the text
// of numbers, escapes, the order of keys and repeated keys. Only white space
// between tokens is dropped. An element of the list that is no object is
// answered as it is.
//
// A reference that cannot be followed keeps its place and is counted as
// unresolved: an entry without an object, or a value that has the form of a
// reference (base64 of 32 bytes) but no entry. The type of an entry is not looked
// at: what stands in for the reference is the object.
//
// A list that is null is an empty one.
//
// The error is ErrNotPage, or the fault of a text that is not JSON; there are no
// records then. The records are the caller's and share nothing with the page.
func Join(page []byte) (records [][]byte, unresolved int, err error) {
	var compact bytes.Buffer
	compact.Grow(len(page))
	if err := json.Compact(&compact, page); err != nil {
		return nil, 0, fmt.Errorf("audit page: %w", err)
	}
	p := parse(gjson.ParseBytes(compact.Bytes()))
	if !p.hasList || !p.list.IsArray() && p.list.Type != gjson.Null {
		return nil, 0, ErrNotPage
	}
	if !p.list.IsArray() {
		return nil, 0, nil
	}
	j := joiner{related: index(p.related), own: make(map[string]bool)}
	p.list.ForEach(func(_, event gjson.Result) bool {
		records = append(records, j.event(event))
		return true
	})
	return records, j.unresolved, nil
}

// parsed holds the parts of a page. Of a repeated key the last one counts.
type parsed struct {
	list, related       gjson.Result
	hasList, hasRelated bool
	keys                int
}

func parse(page gjson.Result) parsed {
	var p parsed
	if !page.IsObject() {
		return p
	}
	page.ForEach(func(key, value gjson.Result) bool {
		p.keys++
		switch key.Str {
		case "list":
			p.list, p.hasList = value, true
		case "related_objects":
			p.related, p.hasRelated = value, true
		}
		return true
	})
	return p
}

// index answers the object text of every entry of related_objects, and "" for
// an entry that cannot stand in for its reference.
func index(related gjson.Result) map[string]string {
	if !related.IsObject() {
		return nil
	}
	objects := make(map[string]string)
	related.ForEach(func(key, entry gjson.Result) bool {
		objects[key.Str] = object(entry)
		return true
	})
	return objects
}

func object(entry gjson.Result) string {
	if !entry.IsObject() {
		return ""
	}
	var object gjson.Result
	entry.ForEach(func(key, value gjson.Result) bool {
		if key.Str == "object" {
			object = value
		}
		return true
	})
	if !object.IsObject() {
		return ""
	}
	return object.Raw
}
