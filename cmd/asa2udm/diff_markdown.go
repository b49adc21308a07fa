package main

import (
	"fmt"
	"io"
	"strings"
)

// maxMarkdown keeps a report below the 65,536 characters that GitHub takes as one
// comment, with room for a greeting around it.
const maxMarkdown = 60_000

// maxMarkdownValue bounds how much of a value stands in a table.
const maxMarkdownValue = 80

// writeMarkdown writes the difference for a comment on a pull request.
func (d *difference) writeMarkdown(w io.Writer) error {
	m := &markdown{}
	m.linef("### What the rules do differently")
	m.linef("")
	m.linef("%s → %s over %s in %s: **%s**.", code(d.before), code(d.after),
		count(d.new.Records, "record"), count(len(d.files), "file"), d.summary())
	d.markdownRejects(m)
	d.markdownTypes(m)
	d.markdownFields(m)
	_, err := io.WriteString(w, m.b.String())
	return err
}

func (d *difference) markdownRejects(m *markdown) {
	changes := append(d.gained(), d.lost()...)
	if len(changes) == 0 {
		return
	}
	m.heading("Gained and lost")
	m.row("records", "was", "is", "first")
	m.row("---:", "---", "---", "---")
	for _, c := range changes {
		m.row(grouped(c.count), c.old, c.new, code(c.example))
	}
}

// maxColumns bounds the event types a matrix may have beside each other.
const maxColumns = 10

func (d *difference) markdownTypes(m *markdown) {
	types := d.matrix()
	if types == nil {
		return
	}
	m.heading("Event types")
	if len(types.columns) > maxColumns || len(types.rows) > 4*maxColumns {
		d.markdownMigrations(m)
		return
	}
	head, rule := []string{`was \\ is`}, []string{"---"}
	for _, c := range types.columns {
		head, rule = append(head, c), append(rule, "---:")
	}
	m.row(head...)
	m.row(rule...)
	for _, r := range types.rows {
		cells := []string{r}
		for _, c := range types.columns {
			n := cell(types.counts[[2]string{r, c}])
			if r != c && n != "." {
				n = "**" + n + "**"
			}
			cells = append(cells, n)
		}
		m.row(cells...)
	}
}

// markdownMigrations lists what would make too wide a matrix.
func (d *difference) markdownMigrations(m *markdown) {
	changes := d.migrations()
	m.row("events", "was", "is", "first")
	m.row("---:", "---", "---", "---")
	for _, c := range changes[:min(len(changes), 4*maxColumns)] {
		m.row(grouped(c.count), c.old, c.new, code(c.example))
	}
	if left := len(changes) - 4*maxColumns; left > 0 {
		m.linef("\n%s left out.", count(left, "change"))
	}
}

func (d *difference) markdownFields(m *markdown) {
	if len(d.fields) == 0 {
		return
	}
	m.heading("Fields")
	m.row("UDM field", "events", "count", "was", "is", "first")
	m.row("---", "---:", "---:", "---", "---", "---")
	for i, f := range d.fields {
		if !m.fits(markdownField(f)) {
			m.linef("")
			m.linef("Cut to the length of a comment: %s left out. `--format text` shows all.", count(len(d.fields)-i, "field"))
			return
		}
	}
}

// markdownField answers the rows of one field. Its name and number stand in the
// first.
func markdownField(f *fieldDiff) string {
	var m markdown
	name, events := code(shortened(f.path, maxMarkdownValue)), grouped(f.events)
	for _, c := range f.top {
		was, is := shortenedPair(printable(c.old), printable(c.new), maxMarkdownValue)
		m.row(name, events, grouped(c.count), markdownValue(was), markdownValue(is), code(c.example))
		name, events = "", ""
	}
	if f.others > 0 {
		m.row(name, events, grouped(f.others), "*others*", "", "")
	}
	return m.b.String()
}

func markdownValue(value string) string {
	if value == "" {
		return "*none*"
	}
	return code(value)
}

// code writes text that is no Markdown, whatever stands in it. A bar would end a
// table's cell even there, unless it is escaped.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	text = strings.ReplaceAll(text, "|", `\|`)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// markdown gathers a document.
type markdown struct{ b strings.Builder }

func (m *markdown) linef(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *markdown) heading(text string) { m.linef("\n#### %s\n", text) }

func (m *markdown) row(cells ...string) { m.linef("| %s |", strings.Join(cells, " | ")) }

// fits adds text unless the document would become too long.
func (m *markdown) fits(text string) bool {
	if m.b.Len()+len(text) > maxMarkdown {
		return false
	}
	m.b.WriteString(text)
	return true
}
