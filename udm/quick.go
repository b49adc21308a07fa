package udm

import (
	"math"
	"unicode/utf8"
)

// Events of one log look alike: between one value and the next stand the same
// brackets and keys again and again. A Validator learns these stretches of text,
// gaps, and what each means. An event of known gaps is then checked by comparing
// bytes and looking at its values alone. Whatever is out of the ordinary (an
// unknown field, a repeated key, null, a text that is no JSON) is left to the
// plain way, which reads the event anew; both answer the same.

// shapes is what a Validator has learned.
type shapes struct {
	start  *leaf
	first  gap              // comes before the first one
	leaves map[string]*leaf // by the way to them
	gaps   int
	missed int // events in a row that were left to the plain way
	rest   int // events that are not tried, because of that

	// formed has, for each format, the text that was found to have it last.
	formed [SHA256 + 1][]byte
}

// leaf is a place where a value stands, such as
// principal.user.email_addresses[]; the field of the end of an event is nil.
type leaf struct {
	field  *Field
	watch  uint8
	depth  int    // brackets around it
	path   string // "" where the path has the index of a list
	open   []place
	behind []*gap

	anyText    int  // up to so many bytes of ASCII are right, whatever they are
	formatOnly bool // a text is right if it has the format of the field
}

// place is an object around a leaf.
type place struct {
	message *Message
	watch   uint8
	field   *Field // of which the value is being read
	inList  bool   // it is an item of a list
}

// gap is what stands between two values.
type gap struct {
	text      string
	to        *leaf
	closed    int      // objects that end
	fields    uint64   // that the innermost object left gets, by index
	refused   uint64   // of which it may have none before
	opened    []uint64 // the first field of each object that begins
	spellings spelling
	bits      uint64 // of the watched paths that are present with it
	next      *gap   // the one after the value behind it, the last time

	// remarkable says that there is anything in what follows.
	remarkable bool
	eventType  int // index in its enum, or -1
	warnings   []Violation
}

// Bounds of what is learned, so that events of ever new shapes fill no memory.
const (
	maxLeaves  = 1000
	maxGaps    = 4000
	maxGapText = 512
	maxOpen    = 24
	maxRest    = 64

	maxBehind = 64 // gaps behind one leaf; in half of them the keys of labels

	maxRemembered = 64 // bytes of a text
)

// manyItems stands, among the fields of an object, for a list with more than one
// item that may have but one beside a port.
const manyItems = 1 << 63

// quick checks an event of known shape and answers the bits of the watched paths
// in it; ok is false where the plain way must look at it.
func (v *Validator) quick() (present uint64, ok bool) {
	k := &v.shapes
	switch {
	case v.plain:
		return 0, false
	case k.start == nil:
		// A Validator of one event has nothing to gain.
		k.start = &leaf{}
		k.leaves = map[string]*leaf{}
		return 0, false
	case k.rest > 0:
		k.rest--
		return 0, false
	}
	if present, ok = v.followGaps(); ok {
		k.missed = 0
		return present, true
	}
	k.missed++
	k.rest = min(k.missed-1, maxRest)
	return 0, false
}

func (v *Validator) followGaps() (present uint64, ok bool) {
	var seen [maxOpen + 1]uint64 // fields of the open objects
	open, at, i := 0, v.shapes.start, 0
	b := v.b
	for g := &v.shapes.first; ; {
		if next := g.next; next != nil && next.begins(b[i:]) {
			g = next
		} else if g = v.otherGap(g, at, i); g == nil {
			return 0, false
		}
		i += len(g.text)
		if open -= g.closed; seen[open]&g.refused != 0 {
			return 0, false
		}
		seen[open] |= g.fields
		for _, first := range g.opened {
			open++
			seen[open] = first
		}
		present |= g.bits
		v.spellings |= g.spellings
		if g.remarkable {
			v.note(g)
		}
		at = g.to
		if i < len(b) && b[i] == '"' && at.anyText > 0 {
			if end, flags := v.text(i + 1); flags == 0 && end > i+1 && end-i-1 <= at.anyText {
				i = end + 1
				continue
			}
		}
		if at.field == nil {
			return present, v.spellings != protoNames|jsonNames && v.space(i) == len(b)
		}
		next, bits := v.leafValue(i, at)
		if next < 0 {
			return 0, false
		}
		i = next
		present |= bits
	}
}

// note takes over what a gap says beside brackets and keys.
func (v *Validator) note(g *gap) {
	if g.eventType >= 0 {
		v.eventType = g.eventType
	}
	for _, w := range g.warnings {
		v.append(w)
	}
}

// leafValue reads the value of a leaf and answers the offset after it, or -1 if
// it is not an ordinary one.
func (v *Validator) leafValue(i int, at *leaf) (next int, bits uint64) {
	found := len(v.violations)
	v.leaf = at
	set := true
	switch c := v.peek(i); {
	case c == '"' && at.field.Kind != Struct:
		next, bits = v.leafText(i, at)
	case c == 'n':
		next = -1
	default:
		next, bits, set = v.single(i, at.field, at.watch, at.depth)
	}
	v.leaf = nil
	if !set || len(v.violations) > found && at.path == "" {
		return -1, 0
	}
	return next, bits
}

// leafText is leafValue for a string.
func (v *Validator) leafText(i int, at *leaf) (next int, bits uint64) {
	end, flags := v.text(i + 1)
	if end <= i+1 {
		return -1, 0
	}
	text := v.b[i+1 : end]
	switch {
	case flags == 0 && len(text) <= at.anyText, flags == nonASCII && at.anyText == math.MaxInt && utf8.Valid(text):
		return end + 1, 0
	case flags == 0 && at.formatOnly && string(text) == string(v.shapes.formed[at.field.Format]):
		return end + 1, 0
	case flags != 0:
		text = v.unescaped(text)
	}
	found := len(v.violations)
	bits, _ = v.content(i, text, at.field, &watches[at.watch])
	sound := len(v.violations) == found && v.counts[Warning] < maxViolations // past that none is added
	if at.formatOnly && flags == 0 && sound && len(text) <= maxRemembered {
		formed := &v.shapes.formed[at.field.Format]
		*formed = append((*formed)[:0], text...)
	}
	return end + 1, bits
}

// otherGap answers the gap that begins at i behind a leaf, after the gap before,
// or nil if it is not an ordinary one.
func (v *Validator) otherGap(before *gap, at *leaf, i int) *gap {
	for _, g := range at.behind {
		if g.begins(v.b[i:]) {
			before.next = g
			return g
		}
	}
	before.next = v.learn(at, i)
	return before.next
}

func (g *gap) begins(text []byte) bool {
	return len(text) >= len(g.text) && string(text[:len(g.text)]) == g.text
}
