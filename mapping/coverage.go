package mapping

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
)

// Coverage says what a rule file does with a corpus of records, of any size.
type Coverage struct {
	Stats      Stats
	Rules      []RuleCount // of mappings, then of the blocks, in the order of the file
	EventTypes []EventTypeCount
	Fields     []FieldCount  // in the order of the schema
	Unread     []UnreadCount // the most frequent first
	// UnreadOthers counts members beyond the names that are kept apart.
	UnreadOthers int64
}

// RuleCount is how often a rule gave a value.
type RuleCount struct {
	Rule *Rule
	Hits int64
	Arms []int64 // by match arm, how often it was picked
}

// EventTypeCount is how often an arm of event_type was picked.
type EventTypeCount struct {
	Name  string
	Arm   EventTypeArm
	Count int64
}

// FieldCount is how many events have a field that the rules can write.
type FieldCount struct {
	Path   string
	Events int64
}

// Cover maps the records of r as Stream does, writes nothing, and counts what
// the rules do. Events are checked as Stream checks them, with the same options.
// The inputs of one corpus are covered one after the other and merged with Merge.
// Memory does not grow with the length of the input.
func Cover(ctx context.Context, p *Parser, r io.Reader, opts StreamOptions) (*Coverage, error) {
	var all []*tally
	stats, err := stream(ctx, r, io.Discard, opts, func() recordTaker {
		e, t := newEventMapper(p.NewMapper(), &opts), newTally(p.plan)
		e.m.watch = &watch{tally: t}
		all = append(all, t)
		return &coverTaker{eventMapper: *e, t: t}
	})
	sum := newTally(p.plan)
	for _, t := range all {
		sum.add(t)
	}
	return p.coverage(stats, sum), err
}

// coverTaker maps records for what they count.
type coverTaker struct {
	eventMapper
	t     *tally
	event []byte
}

func (c *coverTaker) takeRecord(b *batch, record []byte, line int64) *Reject {
	c.t.line = line
	c.t.record++
	event, err := c.m.Map(c.event[:0], record)
	c.event = event
	c.t.recordDone(err != nil)
	if err != nil {
		var r *Reject
		errors.As(err, &r)
		return r
	}
	b.stats.Events++
	c.t.types[c.m.lastType()]++
	c.check(b, event, line)
	return nil
}

func (t *tally) add(o *tally) {
	addAll(t.steps, o.steps)
	addAll(t.arms, o.arms)
	addAll(t.fields, o.fields)
	addAll(t.types, o.types)
	t.others += o.others
	for n, members := range o.unread {
		if t.unread[n] == nil {
			t.unread[n] = make(map[string]*UnreadCount)
		}
		for key, c := range members {
			if known := t.unread[n][key]; known != nil {
				known.merge(c)
			} else {
				t.unread[n][key] = c
			}
		}
	}
}

func addAll(sum, more []int64) {
	for i, n := range more {
		sum[i] += n
	}
}

// merge adds another count of the same member and keeps the earlier example.
func (c *UnreadCount) merge(o *UnreadCount) {
	c.Count += o.Count
	if o.Line < c.Line {
		c.Line, c.Example = o.Line, o.Example
	}
}

// coverage puts the counts into the order of the rule file and the schema.
func (p *Parser) coverage(stats Stats, t *tally) *Coverage {
	c := &Coverage{Stats: stats, UnreadOthers: t.others}
	byRule := make(map[*Rule]*RuleCount)
	rs := p.ruleset
	c.Rules = make([]RuleCount, 0, len(rs.Mappings))
	for _, r := range rs.Rules() {
		c.Rules = append(c.Rules, RuleCount{Rule: r, Arms: make([]int64, len(r.Match))})
	}
	for i := range c.Rules {
		byRule[c.Rules[i].Rule] = &c.Rules[i]
	}
	ownStep := make(map[*Rule]bool)
	for _, st := range p.plan.steps {
		if st.run != nil {
			ownStep[st.rule] = true
		}
	}
	for _, st := range p.plan.steps {
		count := byRule[st.rule]
		if count == nil || !st.first {
			continue
		}
		count.Hits += t.steps[st.id]
		for _, a := range st.from.arms {
			count.Arms[a.index] += t.arms[a.id]
		}
		// A block written into a single message has no step of its own: it is in
		// use as often as the busiest of its rules.
		for _, u := range st.uses {
			if use := byRule[u]; use != nil && !ownStep[u] {
				use.Hits = max(use.Hits, t.steps[st.id])
			}
		}
	}
	for i, a := range rs.EventType {
		c.EventTypes = append(c.EventTypes, EventTypeCount{a.Is.Value, a, t.types[i]})
	}
	c.Fields = p.plan.event.fieldCounts(t, nil)
	for _, members := range t.unread {
		for _, u := range members {
			if u.Count > 0 {
				c.Unread = append(c.Unread, *u)
			}
		}
	}
	slices.SortFunc(c.Unread, func(a, b UnreadCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
	return c
}

// fieldCounts gathers the counts of all fields a program writes.
func (p *program) fieldCounts(t *tally, out []FieldCount) []FieldCount {
	for i := range p.fields {
		f := &p.fields[i]
		if f.shape != shapeMessages {
			if count := (FieldCount{f.path, t.fields[f.group]}); !slices.Contains(out, count) {
				out = append(out, count)
			}
			continue
		}
		if f.inner != nil {
			out = f.inner.fieldCounts(t, out)
		}
		for _, st := range f.steps {
			out = st.run.fieldCounts(t, out)
		}
	}
	return out
}

// Merge adds the coverage of another input by the same parser.
func (c *Coverage) Merge(o *Coverage) {
	c.Stats.Add(&o.Stats)
	for i := range c.Rules {
		c.Rules[i].Hits += o.Rules[i].Hits
		addAll(c.Rules[i].Arms, o.Rules[i].Arms)
	}
	for i := range c.EventTypes {
		c.EventTypes[i].Count += o.EventTypes[i].Count
	}
	for i := range c.Fields {
		c.Fields[i].Events += o.Fields[i].Events
	}
	c.UnreadOthers += o.UnreadOthers
	known := make(map[string]int)
	for i, u := range c.Unread {
		known[u.Path] = i
	}
	for _, u := range o.Unread {
		if i, ok := known[u.Path]; ok {
			c.Unread[i].Count += u.Count
		} else {
			c.Unread = append(c.Unread, u)
		}
	}
	slices.SortStableFunc(c.Unread, func(a, b UnreadCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
}

// Rules answers all rules of the set: those of mappings, then those of the
// blocks, in the order of the file.
func (rs *Ruleset) Rules() []*Rule {
	out := slices.Clone(rs.Mappings)
	for _, b := range rs.Blocks {
		out = append(out, b.Rules...)
	}
	return out
}
