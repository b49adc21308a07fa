// Package draft proposes a rule file from sample records.
//
// A Survey takes the records and keeps what it saw of each source path: types,
// counts, a few examples. Its RuleFile is a rule file that compiles as it stands,
// with a rule for the time of the event, and with all else as comments: what each
// path holds, and a rule for it where its name or its values give a clue.
package draft

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// What a survey remembers at most, so that no input can fill the memory.
const (
	maxPlaces   = 2000 // paths in all
	maxMembers  = 200  // keys of one object
	maxKey      = 256  // bytes of a key
	maxDepth    = 32   // containers within each other
	maxExamples = 3    // values of a path
)

// Survey gathers what sample records hold. Its memory is bounded, whatever and
// however many the records are. It is not safe for concurrent use.
type Survey struct {
	record  place
	places  int
	records int
	joined  bool // pages were among the input
}

// kind is the type of a JSON value.
type kind uint8

const (
	text kind = iota
	number
	truth
	list
	object
	blank // null or ""
	kinds
)

// place is what a survey knows of one path.
type place struct {
	key      string
	path     string // as in a rule file, from the record or from the element of a list
	words    []string
	parent   *place
	members  []*place // in the order they were first seen
	byKey    map[string]*place
	element  *place // what the elements of a list have in common
	counts   [kinds]int
	longest  int // elements of the longest list here
	left     int // members that were not remembered
	secret   bool
	looked   int // values that might have become examples
	examples []string
	shapes   [shapes]int
	times    [timeFormats]int
	almost   string // a text that is nearly a time
}

var (
	errNoJSON   = errors.New("not JSON")
	errNoObject = errors.New("not an object")
)

// Add takes one record, a JSON object. It keeps nothing of it but short examples.
func (s *Survey) Add(record []byte) error {
	if !json.Valid(record) {
		return errNoJSON
	}
	return s.add(record)
}

// add takes a JSON text that is known to be one.
func (s *Survey) add(record []byte) error {
	r := gjson.ParseBytes(record)
	if !r.IsObject() {
		return errNoObject
	}
	s.records++
	s.value(r, &s.record, 0)
	return nil
}

// value takes a value of a place, at a depth of containers around it.
func (s *Survey) value(r gjson.Result, p *place, depth int) {
	switch r.Type {
	case gjson.String:
		p.text(r.Str)
	case gjson.Number:
		p.number(r.Raw)
	case gjson.True, gjson.False:
		p.counts[truth]++
		p.example(r.Raw, truth)
	case gjson.JSON:
		s.container(r, p, depth+1)
	default:
		p.counts[blank]++
	}
}

func (s *Survey) container(r gjson.Result, p *place, depth int) {
	if r.IsArray() {
		p.counts[list]++
	} else {
		p.counts[object]++
	}
	switch {
	case depth > maxDepth:
		p.left++
	case r.IsArray():
		s.list(r, p, depth)
	default:
		r.ForEach(func(key, value gjson.Result) bool {
			if m := s.member(p, keyOf(key)); m != nil {
				s.value(value, m, depth)
			}
			return true
		})
	}
}

func (s *Survey) list(r gjson.Result, p *place, depth int) {
	n := 0
	r.ForEach(func(_, value gjson.Result) bool {
		if p.element == nil {
			p.element = &place{parent: p, secret: p.secret, words: p.words}
		}
		s.value(value, p.element, depth)
		n++
		return true
	})
	p.longest = max(p.longest, n)
}

// keyOf answers the text of a key.
func keyOf(key gjson.Result) string {
	var text string
	if strings.IndexByte(key.Raw, '\\') < 0 && utf8.ValidString(key.Str) || json.Unmarshal([]byte(key.Raw), &text) != nil {
		return key.Str
	}
	return text
}

// member answers the place of a key, new or known; nil where there is no room.
func (s *Survey) member(p *place, key string) *place {
	if m := p.byKey[key]; m != nil {
		return m
	}
	if s.places >= maxPlaces || len(p.members) >= maxMembers || len(key) > maxKey {
		p.left++
		return nil
	}
	s.places++
	m := &place{key: strings.Clone(key), parent: p}
	m.path = pathOf(p, key)
	m.words = append(p.words[:len(p.words):len(p.words)], wordsOf(key)...)
	m.secret = secretName(wordsOf(key), p.secret)
	if p.byKey == nil {
		p.byKey = make(map[string]*place)
	}
	p.byKey[m.key] = m
	p.members = append(p.members, m)
	return m
}

// segmentEscaper makes a key one segment of a path.
var segmentEscaper = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// pathOf answers the path of a member as a rule file has it; "" where there is
// none, because a key is empty.
func pathOf(p *place, key string) string {
	segment := segmentEscaper.Replace(key)
	switch {
	case key == "" || p.path == "" && p.key != "" || p.path == "" && p.parent != nil && p.parent.element != p:
		return ""
	case p.path == "":
		return segment
	}
	return p.path + "." + segment
}

func (p *place) text(v string) {
	if v == "" {
		p.counts[blank]++
		return
	}
	p.counts[text]++
	p.example(v, text)
	for i := range shapes {
		if i.matches(v) {
			p.shapes[i]++
		}
	}
	p.time(v, false)
}

func (p *place) number(v string) {
	p.counts[number]++
	p.example(v, number)
	p.time(v, true)
}

// seen answers how often the place occurred.
func (p *place) seen() int {
	n := 0
	for _, c := range p.counts {
		n += c
	}
	return n
}

// scalars answers how often the place had something to copy.
func (p *place) scalars() int { return p.counts[text] + p.counts[number] + p.counts[truth] }
