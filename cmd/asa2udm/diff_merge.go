package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// difference is what a change of rules does to all inputs.
type difference struct {
	before, after string // the rules, as named on the command line
	files         []string
	old, new      mapping.Stats
	changed       int64 // events that differ
	byPath        map[string]*fieldDiff
	byTypes       map[[2]string]*changeDiff

	// What follows is there once finish has put all in order.
	fields []*fieldDiff
	types  []*changeDiff
}

// fieldDiff is what happens to one UDM field.
type fieldDiff struct {
	path   string
	events int64
	pairs  map[[2]string]*changeDiff
	top    []*changeDiff
	others int64 // changes that are not in top
}

// changeDiff is one change and how often it occurs. A value that is not there is
// "".
type changeDiff struct {
	old, new string
	count    int64
	example  string // file:line of the first
}

// maxPairs bounds the pairs of values of a field that are kept apart.
const maxPairs = 1000

func newDifference(before, after string) *difference {
	return &difference{before: before, after: after, byPath: make(map[string]*fieldDiff), byTypes: make(map[[2]string]*changeDiff)}
}

// add adds the comparison of one input.
func (d *difference) add(file string, c *mapping.Comparison) {
	d.files = append(d.files, file)
	d.old.Add(&c.Old)
	d.new.Add(&c.New)
	d.changed += c.Changed
	for i := range c.Fields {
		d.addField(file, &c.Fields[i])
	}
	for _, t := range c.Types {
		key := [2]string{t.Old, t.New}
		if d.byTypes[key] == nil {
			d.byTypes[key] = &changeDiff{t.Old, t.New, 0, exampleAt(file, t.Line)}
		}
		d.byTypes[key].count += t.Count
	}
}

func exampleAt(file string, line int64) string { return fmt.Sprintf("%s:%d", file, line) }

func (d *difference) addField(file string, f *mapping.FieldChange) {
	known := d.byPath[f.Path]
	if known == nil {
		known = &fieldDiff{path: f.Path, pairs: make(map[[2]string]*changeDiff)}
		d.byPath[f.Path] = known
	}
	known.events += f.Events
	known.others += f.Others
	for _, v := range f.Values {
		key := [2]string{v.Old, v.New}
		switch pair := known.pairs[key]; {
		case pair != nil:
			pair.count += v.Count
		case len(known.pairs) >= maxPairs:
			known.others += v.Count
		default:
			known.pairs[key] = &changeDiff{v.Old, v.New, v.Count, exampleAt(file, v.Line)}
		}
	}
}

// finish puts all in order, the most frequent first. top bounds the changes of a
// field; 0 is all.
func (d *difference) finish(top int) {
	for _, f := range d.byPath {
		f.top = ordered(f.pairs)
		if top > 0 && len(f.top) > top {
			for _, c := range f.top[top:] {
				f.others += c.count
			}
			f.top = f.top[:top]
		}
		d.fields = append(d.fields, f)
	}
	slices.SortFunc(d.fields, func(a, b *fieldDiff) int {
		return cmp.Or(cmp.Compare(b.events, a.events), cmp.Compare(a.path, b.path))
	})
	d.types = ordered(d.byTypes)
}

func ordered(changes map[[2]string]*changeDiff) []*changeDiff {
	out := make([]*changeDiff, 0, len(changes))
	for _, c := range changes {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *changeDiff) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.old, b.old), cmp.Compare(a.new, b.new))
	})
	return out
}

// rejectedPrefix begins what mapping gives a rejected record for its event type.
const rejectedPrefix = "rejected ("

func isRejected(eventType string) bool { return strings.HasPrefix(eventType, rejectedPrefix) }

// gained answers the changes from a rejected record to an event.
func (d *difference) gained() []*changeDiff {
	return d.typeChanges(func(c *changeDiff) bool { return isRejected(c.old) && !isRejected(c.new) })
}

// lost answers the changes from an event to a rejected record.
func (d *difference) lost() []*changeDiff {
	return d.typeChanges(func(c *changeDiff) bool { return !isRejected(c.old) && isRejected(c.new) })
}

// migrations answers the changes from one event type to another.
func (d *difference) migrations() []*changeDiff {
	return d.typeChanges(func(c *changeDiff) bool { return c.old != c.new && !isRejected(c.old) && !isRejected(c.new) })
}

func (d *difference) typeChanges(keep func(*changeDiff) bool) (out []*changeDiff) {
	for _, c := range d.types {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}

func total(changes []*changeDiff) (n int64) {
	for _, c := range changes {
		n += c.count
	}
	return n
}

// differs reports whether the change of rules changes anything.
func (d *difference) differs() bool {
	return d.changed > 0 || len(d.gained()) > 0 || len(d.lost()) > 0
}

// matrix is how many records went from each event type to each, rows being what
// they were and columns what they are.
type matrix struct {
	rows, columns []string
	counts        map[[2]string]int64
}

// matrix answers nothing where no event changes its type.
func (d *difference) matrix() *matrix {
	if len(d.migrations())+len(d.gained())+len(d.lost()) == 0 {
		return nil
	}
	m := &matrix{counts: make(map[[2]string]int64)}
	for _, c := range d.types {
		m.counts[[2]string{c.old, c.new}] = c.count
		m.rows, m.columns = append(m.rows, c.old), append(m.columns, c.new)
	}
	slices.Sort(m.rows)
	slices.Sort(m.columns)
	m.rows, m.columns = slices.Compact(m.rows), slices.Compact(m.columns)
	return m
}
