package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/mapping"
)

const eventTypePath = "metadata.event_type"

// writeText writes the explanation for people.
func (e *explained) writeText(w io.Writer) error {
	t := &textReport{style: styleOf(w)}
	e.headline(t)
	if e.showsDecisions() {
		e.eventType(t)
	}
	e.fields(t)
	e.unread(t)
	if e.showsDecisions() {
		e.otherDecisions(t)
	}
	return t.writeTo(w)
}

func (e *explained) place() string {
	if e.index >= 0 {
		return fmt.Sprintf("%s:%d, event %d of the page", e.file, e.line, e.index)
	}
	return fmt.Sprintf("%s:%d", e.file, e.line)
}

func (e *explained) headline(t *textReport) {
	if e.Reject != nil {
		t.linef("%s: %s: %s: %s", e.place(), t.red("rejected"), e.Reject.Code, printable(e.Reject.Detail))
		return
	}
	t.linef("%s: %s by %s", e.place(), count(len(e.Values), "value"), e.rules.Name)
}

// showsDecisions reports whether conditions are asked for. They are no paths, so
// a filter shows them with the event type, which they are there for.
func (e *explained) showsDecisions() bool { return e.shows(eventTypePath) }

func (e *explained) fields(t *textReport) {
	table := newTable("FIELD", "VALUE", "RULE", "FROM")
	for i := range e.Values {
		v := &e.Values[i]
		if !e.shows(v.Path, shownPath(v), v.Source) {
			continue
		}
		table.row(shownPath(v), printable(shownValue(v)), rulePlace(v), origin(v))
		for _, l := range v.Lost {
			table.row("", "", "", "lost: "+lostText(v, l))
		}
	}
	title := ""
	if e.Reject != nil {
		title = "What the event would have held:"
	}
	t.table(title, table)
}

// shownPath answers a label by its key instead of its position.
func shownPath(v *mapping.Explained) string {
	key, _, ok := label(v)
	if !ok {
		return printable(v.Path)
	}
	return printable(v.Path[:strings.LastIndexByte(v.Path, '[')] + "[" + key.Raw + "]")
}

func shownValue(v *mapping.Explained) string {
	if _, value, ok := label(v); ok {
		return value.Raw
	}
	return v.Value
}

// label answers the parts of a value that is a label.
func label(v *mapping.Explained) (key, value gjson.Result, ok bool) {
	if !strings.HasPrefix(v.Value, `{"key":`) || !strings.HasSuffix(v.Path, "]") {
		return key, value, false
	}
	parts := gjson.GetMany(v.Value, "key", "value")
	return parts[0], parts[1], parts[1].Exists()
}

// rulePlace answers where the rule of a value stands and, for one in a block,
// where the block is used.
func rulePlace(v *mapping.Explained) string {
	if !usesBlock(v) {
		return place(v.Rule.Pos)
	}
	if v.Via.Pos.File == v.Rule.Pos.File {
		return fmt.Sprintf("%s via %d", place(v.Rule.Pos), v.Via.Pos.Line)
	}
	return place(v.Rule.Pos) + " via " + place(v.Via.Pos)
}

// place answers file and line, which is enough to find a rule.
func place(p mapping.Pos) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// origin tells the way of a value: where it stood in the record, as what, and
// what was done to it. Steps that change nothing are named alone.
func origin(v *mapping.Explained) string {
	if v.Source == "" {
		if isEventType(v) {
			return "decided as above"
		}
		return "constant"
	}
	steps := []string{v.Source}
	if shown := shownValue(v); len(v.Transforms) > 0 || v.Raw != shown && quoted(v.Raw) != shown {
		steps[0] += " " + v.Raw
	}
	for i, tr := range v.Transforms {
		step := tr.Name
		if i < len(v.Transforms)-1 && tr.Before != tr.After {
			step += " " + quoted(tr.After)
		}
		steps = append(steps, step)
	}
	return printable(strings.Join(steps, " > "))
}

// transforms answers what was done to a value. A constant comes as it is.
func transforms(v *mapping.Explained) []mapping.Transform {
	if v.Source == "" {
		return nil
	}
	return v.Transforms
}

func lostText(v *mapping.Explained, l mapping.Lost) string {
	text := l.Source + " " + l.Raw
	switch {
	case l.Source == "":
		text = "constant " + l.Value
	case l.Value != l.Raw:
		text += " > " + l.Value
	}
	if l.Rule != v.Rule {
		text = place(l.Rule.Pos) + " " + text
	}
	return printable(text) + ", " + l.Why
}

func (e *explained) unread(t *textReport) {
	if e.Reject != nil && e.Reject.Code != mapping.CodeTimestamp {
		return
	}
	table := newTable("NOT MAPPED", "VALUE")
	for _, u := range e.Unread {
		if e.shows(u.Path) {
			table.row(printable(u.Path), printable(u.Raw))
		}
	}
	t.table("", table)
}
