package main

import (
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

const (
	decidesEventType = "event_type"
	conditionPrefix  = "condition "
)

// nameOf answers what a decision is about. Those of rules are told apart by the
// rule.
func (e *explained) nameOf(d *mapping.ExplainedDecision) string {
	if d.What != "when" {
		return d.What
	}
	var names []string
	for _, r := range e.rules.Rules() {
		if r.When.Pos == d.Pos {
			names = append(names, r.ID())
		}
	}
	return strings.TrimSpace("when of " + strings.Join(names, ", "))
}

// armPos answers where an arm stands, also where it has no expression.
func (e *explained) armPos(d *mapping.ExplainedDecision, i int) mapping.Pos {
	if d.What == decidesEventType && i < len(e.rules.EventType) {
		return e.rules.EventType[i].Pos
	}
	return d.Arms[i].Pos
}

// nameTypeArm makes the arm that gave the event its type stand for the rule that
// wrote it.
func (e *explained) nameTypeArm() {
	for i := range e.Values {
		v := &e.Values[i]
		if !isEventType(v) {
			continue
		}
		for n := range e.Decisions {
			if d := &e.Decisions[n]; d.What == decidesEventType && d.Taken >= 0 {
				v.Rule = &mapping.Rule{Pos: e.armPos(d, d.Taken), Name: v.Rule.Name}
				v.Via = v.Rule
			}
		}
	}
}

// isEventType reports whether a value was given by event_type and by no rule.
func isEventType(v *mapping.Explained) bool { return v.Path == eventTypePath && len(v.Rule.To) == 0 }

// decisionTree writes conditions with all that they read, each named condition
// at the first place that reads it.
type decisionTree struct {
	*explained
	report *textReport
}

// eventType answers why the event has its type.
func (e *explained) eventType(t *textReport) {
	e.told = make(map[string]bool)
	tree := decisionTree{e, t}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		if d.What != decidesEventType || d.Taken < 0 {
			continue
		}
		t.linef("")
		t.linef("%s  %s", t.bold("EVENT TYPE"), d.Arms[d.Taken].Gives)
		for n := range d.Arms {
			a := &d.Arms[n]
			t.linef("  %s %s  %s", t.truth(a.Result), place(e.armPos(d, n)), a.Gives)
			if a.Expression != "" {
				t.linef("    %s", oneLine(a.Expression))
			}
			if a.Result != "not asked" {
				tree.operands(a, "      ")
			}
		}
	}
}

// operands writes what an arm has read.
func (t decisionTree) operands(a *mapping.ExplainedArm, indent string) {
	for _, o := range a.Operands {
		d := t.condition(o.Name)
		switch {
		case d != nil && t.told[o.Name]:
			t.report.linef("%s%s %s", indent, t.report.truth(o.Value), o.Name)
		case d != nil:
			t.told[o.Name] = true
			t.report.linef("%s%s %s  %s", indent, t.report.truth(o.Value), o.Name, t.report.dim(place(d.Pos)))
			t.condensed(d, indent+"  ")
		case o.Value == "true" || o.Value == "false":
			t.report.linef("%s%s %s", indent, t.report.truth(o.Value), o.Name)
		default:
			t.report.linef("%s%s = %s", indent, o.Name, printable(o.Value))
		}
	}
}

// condensed writes what a named condition, or the when of a rule, has read. Its
// expression is left out where it says no more than what was read.
func (t decisionTree) condensed(d *mapping.ExplainedDecision, indent string) {
	for i := range d.Arms {
		a := &d.Arms[i]
		if len(a.Operands) == 1 && a.Operands[0].Name == a.Expression {
			t.operands(a, indent)
			continue
		}
		t.report.linef("%s%s%s", indent, oneLine(a.Expression), failure(a.Result))
		t.operands(a, indent+"  ")
	}
}

func (t decisionTree) condition(name string) *mapping.ExplainedDecision {
	for i := range t.Decisions {
		if d := &t.Decisions[i]; d.What == conditionPrefix+name {
			return d
		}
	}
	return nil
}

// otherDecisions writes the conditions that the event type does not depend on.
func (e *explained) otherDecisions(t *textReport) {
	tree := decisionTree{e, t}
	title := "\n" + t.bold("OTHER CONDITIONS")
	for i := range e.Decisions {
		d := &e.Decisions[i]
		name, isCondition := strings.CutPrefix(d.What, conditionPrefix)
		if d.What == decidesEventType || isCondition && tree.told[name] {
			continue
		}
		tree.told[name] = true
		if title != "" {
			t.linef("%s", title)
			title = ""
		}
		t.linef("  %s %s  %s", t.truth(d.Arms[0].Result), place(d.Pos), printable(e.nameOf(d)))
		tree.condensed(d, "    ")
	}
}

// failure answers why an expression counts as false though it is not, with a
// comma before it.
func failure(result string) string {
	if detail, ok := strings.CutPrefix(result, "false ("); ok {
		return ", which failed: " + printable(strings.TrimSuffix(detail, ")"))
	}
	return ""
}

func oneLine(expression string) string { return strings.Join(strings.Fields(expression), " ") }
