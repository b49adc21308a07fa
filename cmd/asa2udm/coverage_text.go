package main

import (
	"fmt"
	"io"
)

// writeText writes the report for people: what calls for action first.
func (c *corpus) writeText(w io.Writer) error {
	t := &textReport{style: styleOf(w)}
	c.headline(t)
	c.eventTypes(t)
	c.neverTable(t)
	c.unreadTable(t)
	c.violations(t)
	c.ruleTable(t)
	c.fieldTable(t)
	return t.writeTo(w)
}

func (c *corpus) headline(t *textReport) {
	s := &c.Stats
	rejected := "none rejected"
	if s.Rejected > 0 {
		rejected = t.red(fmt.Sprintf("%s rejected (%s)", grouped(s.Rejected), rejectCounts(s.ByCode)))
	}
	t.linef("%s in %s: %s, %s", count(s.Records, "record"), count(len(c.files), "file"), count(s.Events, "event"), rejected)
	line := fmt.Sprintf("%s: %d of %s gave a value", c.rules.Name, c.fired(), count(len(c.Rules), "rule"))
	if picked, all := c.arms(); all > 0 {
		line += fmt.Sprintf(", %d of %s matched", picked, count(all, "match arm"))
	}
	t.linef("%s", line)
	if c.flags.validate {
		t.linef("%s, %s against the UDM schema", count(c.found.errors, "error"), count(c.found.warnings, "warning"))
	}
}

func (c *corpus) eventTypes(t *textReport) {
	table := newTable("#EVENTS", "#SHARE", "RULE", "EVENT TYPE")
	for _, e := range c.EventTypes {
		table.row(grouped(e.Count), share(e.Count, c.Stats.Events), place(e.Arm.Pos), e.Name)
	}
	t.table("", table)
}

func (c *corpus) neverTable(t *textReport) {
	table := newTable("RULE", "NEVER GAVE A VALUE")
	for _, n := range c.neverFired() {
		table.row(place(n.pos()), printable(n.String()))
	}
	t.table("", table)
}

func (c *corpus) unreadTable(t *textReport) {
	table := newTable("#COUNT", "NOT READ BY ANY RULE", "FIRST", "EXAMPLE")
	for _, u := range c.Unread[:c.shownUnread()] {
		table.row(grouped(u.Count), printable(u.Path), fmt.Sprintf("%s:%d", c.first[u.Path], u.Line), printable(masked(u.Path, u.Example)))
	}
	t.table("", table)
	if left := len(c.Unread) - c.shownUnread(); left > 0 {
		t.linef("... and %s more; --top 0 shows all", grouped(left))
	}
	if c.UnreadOthers > 0 {
		t.linef("%s beyond the names that are kept apart", count(c.UnreadOthers, "member"))
	}
}

func (c *corpus) shownUnread() int {
	if c.flags.top == 0 {
		return len(c.Unread)
	}
	return min(len(c.Unread), c.flags.top)
}

func (c *corpus) violations(t *textReport) {
	table := newTable("#COUNT", "SEVERITY", "CODE", "VIOLATION AT", "FIRST")
	for _, v := range c.found.byCount() {
		table.row(grouped(v.count), v.severity, v.code, printable(v.path), fmt.Sprintf("%s:%d: %s", v.file, v.line, printable(v.message)))
	}
	t.table("", table)
	if c.found.others > 0 {
		t.linef("%s of further kinds", count(c.found.others, "violation"))
	}
}

func (c *corpus) ruleTable(t *textReport) {
	table := newTable("#VALUES", "RULE", "WRITES")
	for _, r := range c.Rules {
		table.row(grouped(r.Hits), place(r.Rule.Pos), printable(r.Rule.ID()))
		for i, n := range r.Arms {
			arm := r.Rule.Match[i]
			table.row(grouped(n), place(arm.Pos), "  "+printable(armText(arm)))
		}
	}
	t.table("", table)
}

func (c *corpus) fieldTable(t *textReport) {
	table := newTable("#EVENTS", "#SHARE", "UDM FIELD")
	for _, f := range c.Fields {
		table.row(grouped(f.Events), share(f.Events, c.Stats.Events), f.Path)
	}
	t.table("", table)
}
