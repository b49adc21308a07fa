package mapping

import (
	"slices"

	"github.com/asa2udm/asa2udm/udm"
)

// eventTypeRule stands for event_type where a rule is asked for.
func (c *compiler) eventTypeRule(rs *Ruleset) *Rule {
	return &Rule{Pos: rs.EventTypes, Name: Text{Value: "event_type", Pos: rs.EventTypes}}
}

const timestampPath = "metadata.event_timestamp"

// timestampRule asks for a rule that gives every event its time.
func (c *compiler) timestampRule(rs *Ruleset) {
	m := c.out.messages["metadata"]
	if (m == nil || m.leaves["event_timestamp"] == nil) && !c.incomplete && !targets(rs.Mappings, timestampPath) {
		pos := Pos{rs.Name, 1, 1}
		if len(rs.Mappings) > 0 {
			pos = rs.Mappings[0].Pos
		}
		c.errorf(pos, "no rule writes metadata.event_timestamp").Hint = "{from: timestamp, to: metadata.event_timestamp}"
	}
}

// targets reports whether a rule names a target, whatever may be wrong with it.
func targets(rules []*Rule, path string) bool {
	return slices.ContainsFunc(rules, func(r *Rule) bool {
		return slices.ContainsFunc(r.To, func(t Text) bool { return t.Value == path })
	})
}

// eventTypes compiles the arms that give the event its type.
func (c *compiler) eventTypes(rs *Ruleset, top scope) {
	if len(rs.EventType) == 0 {
		return
	}
	p, _ := udm.Lookup("metadata.event_type")
	leaf := p.Leaf()
	var whens []Text
	for i, a := range rs.EventType {
		last := i == len(rs.EventType)-1
		switch {
		case !a.When.given() && !last:
			c.errorf(a.Pos, "the arm without when is not the last one").Hint = "the arms after it are never reached"
		case a.When.given() && last:
			c.errorf(a.Pos, "the last arm of event_type has a when").Hint = "end with {is: GENERIC_EVENT}, so that every event has a type"
		}
		if a.Is.given() {
			c.plan.types = append(c.plan.types, *c.constant(a.Is, leaf, toEnum, ""))
		}
		whens = append(whens, a.When)
	}
	c.plan.eventType = c.cel.eventType(whens, top)
	out := c.out.message(p[:1]).leaf(leaf)
	out.shape = shapeSingle
	r := c.eventTypeRule(rs)
	out.writes = append(out.writes, contribution{rule: r, step: &step{rule: r, from: source{eventType: true}}})
}
