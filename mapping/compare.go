package mapping

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tidwall/gjson"
)

// Comparison says what a change of rules does to a corpus of records, of any
// size.
type Comparison struct {
	Old, New Stats // of each side
	Changed  int64 // records whose events differ
	Fields   []FieldChange
	// Types counts records by their event type on each side, those of one type on
	// both sides included. A rejected record has the type "rejected (CODE)".
	Types []TypeChange
}

// FieldChange is what happens to one UDM path.
type FieldChange struct {
	Path   string // a list counts by its path, a label by its key: labels["k"]
	Events int64  // records in which it differs
	Values []ValueChange
	Others int64 // changes beyond the pairs of values that are kept apart
}

// ValueChange is one pair of values and how often it occurs. The JSON of a value
// that is not there is empty.
type ValueChange struct {
	Old, New string
	Count    int64
	Line     int64 // of the first record with this pair
}

// TypeChange counts the records that went from one event type to another.
type TypeChange struct {
	Old, New string
	Count    int64
	Line     int64 // of the first such record
}

// maxPairs bounds the pairs of values per path that are kept apart. Beyond it,
// which pairs are kept is not fixed.
const maxPairs = 1000

// Compare maps the records of r with two parsers over one walk of each record
// and says where their events differ. It checks no events: opts.Validate is not
// called. Memory does not grow with the length of the input.
func Compare(ctx context.Context, before, after *Parser, r io.Reader, opts StreamOptions) (*Comparison, error) {
	plans, err := sharePlans(before, after)
	if err != nil {
		return nil, err
	}
	var all []*comparer
	stats, err := stream(ctx, r, io.Discard, opts, func() recordTaker {
		c := newComparer(plans)
		all = append(all, c)
		return c
	})
	sum := newComparer(plans)
	for _, c := range all {
		sum.merge(c)
	}
	return sum.comparison(stats), err
}

// plan2 holds the plans of both sides, made over one layout of the record.
type plan2 struct {
	old, new *plan
	fields   []fieldPair // of the event, by path

	differing []differingField // those that the plans may write differently
	whole     bool             // all may differ, so that both events have to be written
}

// fieldPair is one field of the event on both sides; the id is -1 where a side
// does not write it.
type fieldPair struct {
	path     string
	old, new int
}

// differingField is a pair with the field of the new plan, nil where there is none.
type differingField struct {
	fieldPair
	after *field
}

// sharePlans compiles the rules of both parsers once more, so that one walk of a
// record serves both.
func sharePlans(before, after *Parser) (*plan2, error) {
	root := newLayout("")
	p := &plan2{}
	for _, side := range []struct {
		parser *Parser
		plan   **plan
	}{{before, &p.old}, {after, &p.new}} {
		c := &compiler{}
		*side.plan = c.compile(side.parser.ruleset, root)
		if errs, _ := c.split(); len(errs) > 0 {
			return nil, errs
		}
	}
	p.old.findDue() // the new rules may have added places to the layout
	for i := range p.old.event.fields {
		f := &p.old.event.fields[i]
		p.fields = append(p.fields, fieldPair{f.path, f.id, -1})
	}
	for i := range p.new.event.fields {
		f := &p.new.event.fields[i]
		at := slices.IndexFunc(p.fields, func(o fieldPair) bool { return o.path == f.path })
		if at < 0 {
			p.fields = append(p.fields, fieldPair{f.path, -1, f.id})
		} else {
			p.fields[at].new = f.id
		}
	}
	p.findDiffering()
	p.whole = p.whole || before.plain || after.plain
	return p, nil
}

// comparer compares the records of one worker.
type comparer struct {
	plans    *plan2
	old, new side
	line     int64
	record   int64
	changed  int64
	rejects  [2]Stats
	fields   map[string]*pathChange
	types    map[[2]string]*TypeChange
}

// side is a mapper of one of the two plans and the event it made.
type side struct {
	m      *Mapper
	event  []byte
	reject *Reject
	values []valueSpan
}

// pathChange counts what happens to one path.
type pathChange struct {
	events int64
	last   int64 // record that was counted last
	pairs  map[[2]string]*ValueChange
	others int64
}

func newComparer(p *plan2) *comparer {
	return &comparer{
		plans: p, old: newSide(p.old), new: newSide(p.new),
		fields: make(map[string]*pathChange), types: make(map[[2]string]*TypeChange),
	}
}

func newSide(pl *plan) side {
	s := side{m: (&Parser{plan: pl}).NewMapper(), values: make([]valueSpan, pl.fields)}
	s.m.watch = &watch{ranges: s.values}
	return s
}

func (c *comparer) takeRecord(b *batch, record []byte, line int64) *Reject {
	c.line = line
	scanned := c.old.m.scanRecord(record)
	if scanned != nil {
		return scanned
	}
	c.new.m.shareScan(c.old.m)
	c.old.finish()
	if c.unchanged() {
		b.stats.Events++
		c.record++
		c.rejects[0].Records++
		c.rejects[1].Records++
		c.countType(c.old.typeName(), c.old.typeName())
		return nil
	}
	c.new.finish()
	if c.old.reject != nil && c.new.reject != nil {
		return c.old.reject
	}
	b.stats.Events++
	c.record++
	for i, s := range []*side{&c.old, &c.new} {
		c.rejects[i].Records++
		if s.reject != nil {
			c.rejects[i].Rejected++
			c.rejects[i].ByCode.count(s.reject.Code)
		}
	}
	c.countType(c.old.typeName(), c.new.typeName())
	if c.old.reject == nil && c.new.reject == nil && !bytes.Equal(c.old.event, c.new.event) {
		c.changed++
		c.compareFields()
	}
	return nil
}

// finish maps the scanned record.
func (s *side) finish() {
	clear(s.values)
	event, err := s.m.finish(s.event[:0])
	s.event, s.reject = event, nil
	if err != nil {
		errors.As(err, &s.reject)
	}
}

func (s *side) typeName() string {
	if s.reject != nil {
		return "rejected (" + s.reject.Code + ")"
	}
	return s.m.plan.types[s.m.lastType()].text
}

func (c *comparer) countType(from, to string) {
	key := [2]string{from, to}
	t := c.types[key]
	if t == nil {
		t = &TypeChange{Old: from, New: to, Line: c.line}
		c.types[key] = t
	}
	t.Count++
}

// compareFields compares two events field by field, by where the fields stand.
func (c *comparer) compareFields() {
	for _, f := range c.plans.fields {
		before, after := c.old.value(f.old), c.new.value(f.new)
		if !bytes.Equal(before, after) {
			c.compareValues(f.path, gjson.ParseBytes(before), gjson.ParseBytes(after))
		}
	}
}

func (s *side) value(id int) []byte {
	if id < 0 {
		return nil
	}
	return s.event[s.values[id].beg:s.values[id].end]
}

// compareValues counts the differences of two values at or below a path.
func (c *comparer) compareValues(path string, before, after gjson.Result) {
	switch {
	case before.Raw == after.Raw:
	case (isLabels(before) || !before.Exists()) && (isLabels(after) || !after.Exists()):
		c.compareGroups(path, labelGroups(before), labelGroups(after))
	case isMessages(before) || isMessages(after):
		c.compareElements(path, before.Array(), after.Array())
	case before.IsObject() || after.IsObject():
		c.compareGroups(path, memberGroups(path, before), memberGroups(path, after))
	default:
		c.count(path, before.Raw, after.Raw)
	}
}

// group is what stands under one key.
type group struct {
	suffix string
	value  gjson.Result
}

// compareGroups compares what stands under each key on both sides.
func (c *comparer) compareGroups(path string, before, after []group) {
	for _, b := range before {
		c.compareValues(path+b.suffix, b.value, groupValue(after, b.suffix))
	}
	for _, a := range after {
		if !groupValue(before, a.suffix).Exists() {
			c.compareValues(path+a.suffix, gjson.Result{}, a.value)
		}
	}
}

func groupValue(groups []group, suffix string) gjson.Result {
	for _, g := range groups {
		if g.suffix == suffix {
			return g.value
		}
	}
	return gjson.Result{}
}

// compareElements compares two lists of messages by position.
func (c *comparer) compareElements(path string, before, after []gjson.Result) {
	for i := range max(len(before), len(after)) {
		var b, a gjson.Result
		if i < len(before) {
			b = before[i]
		}
		if i < len(after) {
			a = after[i]
		}
		c.compareValues(path, b, a)
	}
}

func isMessages(r gjson.Result) bool { return r.IsArray() && r.Get("0").IsObject() }

// isLabels reports whether r is a list of labels, all of which are a key and a
// value and nothing besides.
func isLabels(r gjson.Result) bool {
	labels := isMessages(r)
	r.ForEach(func(_, l gjson.Result) bool {
		members := 0
		l.ForEach(func(_, _ gjson.Result) bool { members++; return true })
		labels = labels && members == 2 && l.Get("key").Exists() && l.Get("value").Exists()
		return labels
	})
	return labels
}

// labelGroups answers the values of each label key, as a list where a key stands
// more than once.
func labelGroups(r gjson.Result) []group {
	var out []group
	many := make(map[string]bool)
	r.ForEach(func(_, l gjson.Result) bool {
		suffix := "[" + l.Get("key").Raw + "]"
		value := l.Get("value")
		at := slices.IndexFunc(out, func(g group) bool { return g.suffix == suffix })
		if at < 0 {
			out = append(out, group{suffix, value})
			return true
		}
		values := out[at].value.Raw
		if many[suffix] {
			values = values[1 : len(values)-1]
		}
		many[suffix] = true
		out[at].value = gjson.Parse("[" + values + "," + value.Raw + "]")
		return true
	})
	return out
}

// memberGroups answers the members of an object: fields of a message, or keys of
// a free object.
func memberGroups(path string, r gjson.Result) []group {
	var out []group
	r.ForEach(func(k, v gjson.Result) bool {
		suffix := "." + k.String()
		if path == "additional" {
			suffix = "[" + k.Raw + "]"
		}
		out = append(out, group{suffix, v})
		return true
	})
	return out
}

// count counts one pair of values of a path.
func (c *comparer) count(path, before, after string) {
	p := c.fields[path]
	if p == nil {
		p = &pathChange{pairs: make(map[[2]string]*ValueChange)}
		c.fields[path] = p
	}
	if p.last != c.record {
		p.last = c.record
		p.events++
	}
	p.add(&ValueChange{Old: before, New: after, Count: 1, Line: c.line})
}

func (p *pathChange) add(v *ValueChange) {
	key := [2]string{v.Old, v.New}
	switch known := p.pairs[key]; {
	case known != nil:
		known.Count += v.Count
		known.Line = min(known.Line, v.Line)
	case len(p.pairs) >= maxPairs:
		p.others += v.Count
	default:
		p.pairs[key] = v
	}
}

func (c *comparer) merge(o *comparer) {
	c.changed += o.changed
	for i := range c.rejects {
		c.rejects[i].Add(&o.rejects[i])
	}
	for path, p := range o.fields {
		known := c.fields[path]
		if known == nil {
			c.fields[path] = p
			continue
		}
		known.events += p.events
		known.others += p.others
		for _, v := range p.pairs {
			known.add(v)
		}
	}
	for key, t := range o.types {
		if known := c.types[key]; known != nil {
			known.Count += t.Count
			known.Line = min(known.Line, t.Line)
		} else {
			c.types[key] = t
		}
	}
}

// comparison puts the counts in order: paths by how many events change, pairs by
// how often they occur.
func (c *comparer) comparison(stats Stats) *Comparison {
	x := &Comparison{Old: stats, New: stats, Changed: c.changed}
	for i, s := range []*Stats{&x.Old, &x.New} {
		s.Events -= c.rejects[i].Rejected
		s.Rejected += c.rejects[i].Rejected
		s.ByCode.add(&c.rejects[i].ByCode)
	}
	for path, p := range c.fields {
		f := FieldChange{Path: path, Events: p.events, Others: p.others}
		for _, v := range p.pairs {
			f.Values = append(f.Values, *v)
		}
		x.Fields = append(x.Fields, f)
	}
	for _, t := range c.types {
		x.Types = append(x.Types, *t)
	}
	x.sort()
	return x
}

func (x *Comparison) sort() {
	slices.SortFunc(x.Fields, func(a, b FieldChange) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Path, b.Path))
	})
	for _, f := range x.Fields {
		slices.SortFunc(f.Values, func(a, b ValueChange) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
		})
	}
	slices.SortFunc(x.Types, func(a, b TypeChange) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
	})
}
