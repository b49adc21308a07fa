package mapping

import (
	"bytes"
	"slices"
	"strings"
)

// Most changes of rules concern a few fields. Where two plans over one layout
// agree in all else, and in every decision, their events can differ in those
// fields alone, and only they have to be written to know.

// findDiffering notes which fields the plans may write differently. whole is set
// where more than fields may differ: a decision, or what one depends on.
func (p *plan2) findDiffering() {
	for _, f := range p.fields {
		before, after := p.old.event.find(f.old), p.new.event.find(f.new)
		if before == nil || after == nil || !sameField(before, after) {
			p.differing = append(p.differing, differingField{f, after})
		}
	}
	p.whole = !slices.EqualFunc(p.old.types, p.new.types, sameConstant) ||
		!slices.EqualFunc(p.old.decisions, p.new.decisions, sameDecision) ||
		p.decides(p.old) || p.decides(p.new)
}

// decides reports whether a differing field has a say in a decision of a plan, or
// in whether there is an event at all.
func (p *plan2) decides(pl *plan) bool {
	return slices.ContainsFunc(p.differing, func(f differingField) bool {
		if overlap(f.path, timestampPath) {
			return true
		}
		for _, d := range pl.decisions {
			for _, v := range d.reads {
				if v.path != "" && overlap(f.path, v.path) {
					return true
				}
			}
		}
		return false
	})
}

// overlap reports whether one path of the event is the other or lies below it.
func overlap(a, b string) bool {
	return strings.HasPrefix(a+".", b+".") || strings.HasPrefix(b+".", a+".")
}

// find answers the field with an id, or nil.
func (p *program) find(id int) *field {
	for i := range p.fields {
		if p.fields[i].id == id {
			return &p.fields[i]
		}
	}
	return nil
}

// sameField reports whether two fields of plans over one layout get the same
// values, if all decisions are the same.
func sameField(a, b *field) bool {
	return a.shape == b.shape && a.typ == b.typ && sameProgram(a.inner, b.inner) && slices.EqualFunc(a.steps, b.steps, sameStep)
}

func sameProgram(a, b *program) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.fields, b.fields, func(x, y field) bool {
		return x.path == y.path && slices.Equal(x.into, y.into) && slices.Equal(x.open, y.open) && sameField(&x, &y)
	})
}

func sameStep(a, b *step) bool {
	return slices.Equal(a.loops, b.loops) &&
		slices.EqualFunc(a.guards, b.guards, func(x, y guard) bool { return x.level == y.level && sameDecision(x.when, y.when) }) &&
		a.label.index == b.label.index && bytes.Equal(a.label.before, b.label.before) && bytes.Equal(a.label.after, b.label.after) &&
		sameSource(&a.from, &b.from) && sameProgram(a.run, b.run)
}

func sameSource(a, b *source) bool {
	if a.constant == nil || b.constant == nil {
		if a.constant != b.constant {
			return false
		}
	} else if !sameConstant(*a.constant, *b.constant) {
		return false
	}
	return slices.Equal(a.slots, b.slots) &&
		a.extract.kind == b.extract.kind && a.extract.group == b.extract.group && a.extract.regex.String() == b.extract.regex.String() &&
		slices.EqualFunc(a.arms, b.arms, sameArm) &&
		bytes.Equal(a.prefix, b.prefix) && bytes.Equal(a.suffix, b.suffix) &&
		a.convert == b.convert && a.time == b.time && a.eventType == b.eventType && a.plain == b.plain && a.list == b.list
}

func sameArm(a, b arm) bool {
	return a.any == b.any && a.equals == b.equals && a.regex.String() == b.regex.String() && sameConstant(a.value, b.value)
}

func sameConstant(a, b constant) bool { return a.text == b.text && bytes.Equal(a.json, b.json) }

// sameDecision compares the expressions of two decisions as they are written, and
// what they read: the item of a block is what the rule that uses it says. The
// conditions that they name are decisions of their own.
func sameDecision(a, b *decision) bool {
	return a.what == b.what && slices.EqualFunc(a.arms, b.arms, func(x, y decisionArm) bool { return x.text.Value == y.text.Value }) &&
		slices.EqualFunc(a.reads, b.reads, sameVariable)
}

// sameVariable reports whether two variables stand for the same place of the
// record, or of the event.
func sameVariable(a, b *variable) bool {
	return a.kind == b.kind && a.item == b.item && a.slot == b.slot && a.path == b.path
}

// String answers the expression; no pattern has none.
func (p *pattern) String() string {
	if p == nil {
		return ""
	}
	return p.re.String()
}

// unchanged reports whether the record at hand is known to have the same event by
// both plans, of which the old one has written its own.
func (c *comparer) unchanged() bool {
	if c.plans.whole || c.old.reject != nil {
		return false
	}
	m := c.new.m
	m.begin(c.new.event[:0])
	for _, f := range c.plans.differing {
		var now []byte
		if f.after != nil {
			now = m.fieldJSON(f.after)
		}
		if !bytes.Equal(c.old.value(f.old), now) {
			return false
		}
	}
	return true
}
