// Package draft proposes a rule file from sample records.
//
// A Survey takes the records and keeps what it saw of each source path: types,
// counts, a few examples. Its RuleFile is a rule file that compiles as it stands,
// with a rule for the time of the event, and with all else as comments: what each
// path holds, and a rule for it where its name or its values give a clue.
package draft

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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

var errNoObject = errors.New("not an object")

// Add takes one record, a JSON object. It keeps nothing of it but short examples.
func (s *Survey) Add(record []byte) error {
	if !json.Valid(record) {
		return errors.New("not JSON")
	}
	if trimmed := bytes.TrimLeft(record, " \t\r\n"); trimmed[0] != '{' {
		return errNoObject
	}
	dec := json.NewDecoder(bytes.NewReader(record))
	dec.UseNumber()
	s.records++
	return s.value(dec, &s.record, 0)
}

// value takes the next value of dec for a place, which is nil where nothing is to
// be remembered.
func (s *Survey) value(dec *json.Decoder, p *place, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return fmt.Errorf("read a value: %w", err)
	}
	switch v := token.(type) {
	case json.Delim:
		if depth++; depth > maxDepth {
			p.leave()
			p = nil
		}
		if v == '[' {
			return s.list(dec, p, depth)
		}
		return s.object(dec, p, depth)
	case string:
		p.text(v)
	case json.Number:
		p.number(v.String())
	case bool:
		p.count(truth)
		p.example(fmt.Sprint(v), truth)
	default:
		p.count(blank)
	}
	return nil
}

func (s *Survey) list(dec *json.Decoder, p *place, depth int) error {
	p.count(list)
	n := 0
	for dec.More() {
		var element *place
		if p != nil {
			if p.element == nil {
				p.element = &place{parent: p, secret: p.secret, words: p.words}
			}
			element = p.element
			n++
		}
		if err := s.value(dec, element, depth); err != nil {
			return err
		}
	}
	if p != nil {
		p.longest = max(p.longest, n)
	}
	_, err := dec.Token()
	return err
}

func (s *Survey) object(dec *json.Decoder, p *place, depth int) error {
	p.count(object)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read a key: %w", err)
		}
		if err := s.value(dec, s.member(p, key.(string)), depth); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// member answers the place of a key, new or known; nil where there is no room.
func (s *Survey) member(p *place, key string) *place {
	if p == nil {
		return nil
	}
	if m := p.byKey[key]; m != nil {
		return m
	}
	if s.places >= maxPlaces || len(p.members) >= maxMembers || len(key) > maxKey {
		p.leave()
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

// pathOf answers the path of a member as a rule file has it; "" where there is
// none, because a key is empty.
func pathOf(p *place, key string) string {
	segment := strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(key)
	switch {
	case key == "" || p.path == "" && p.key != "" || p.path == "" && p.parent != nil && p.parent.element != p:
		return ""
	case p.path == "":
		return segment
	}
	return p.path + "." + segment
}

func (p *place) leave() {
	if p != nil {
		p.left++
	}
}

func (p *place) count(k kind) {
	if p != nil {
		p.counts[k]++
	}
}

func (p *place) text(v string) {
	switch {
	case p == nil:
		return
	case v == "":
		p.count(blank)
		return
	}
	p.count(text)
	p.example(v, text)
	for i := range shapes {
		if shape(i).matches(v) {
			p.shapes[i]++
		}
	}
	p.time(v, false)
}

func (p *place) number(v string) {
	if p == nil {
		return
	}
	p.count(number)
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
