package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// write writes the difference in one of the formats.
func (d *difference) write(w io.Writer, format string) error {
	switch format {
	case "json":
		return d.writeJSON(w)
	case "markdown":
		return d.writeMarkdown(w)
	}
	return d.writeText(w)
}

func (d *difference) writeText(w io.Writer) error {
	t := &textReport{style: styleOf(w)}
	t.linef("%s -> %s, %s in %s", d.before, d.after, count(d.new.Records, "record"), count(len(d.files), "file"))
	t.linef("%s", d.summary())
	d.rejectTable(t, "GAINED", d.gained())
	d.rejectTable(t, "LOST", d.lost())
	d.typeTable(t)
	d.migrationTable(t)
	for _, f := range d.fields {
		d.fieldTable(t, f)
	}
	return t.writeTo(w)
}

// summary says in one line what has come of the change.
func (d *difference) summary() string {
	if !d.differs() {
		return "no event differs"
	}
	line := fmt.Sprintf("%s of %s differ (%s) in %s", grouped(d.changed), count(d.both(), "event"), share(d.changed, d.both()), count(len(d.fields), "field"))
	if d.changed > 0 && len(d.fields) == 0 {
		line = fmt.Sprintf("%s of %s differ (%s) in nothing but the order of their values", grouped(d.changed), count(d.both(), "event"), share(d.changed, d.both()))
	}
	return line + fmt.Sprintf("; %s gained, %s lost", grouped(total(d.gained())), grouped(total(d.lost())))
}

// both answers how many records are events by both rule files.
func (d *difference) both() int64 { return d.new.Events - total(d.gained()) }

// rejectTable writes which records are no longer rejected, or are now.
func (d *difference) rejectTable(t *textReport, title string, changes []*changeDiff) {
	table := newTable("#"+title, "WAS", "IS", "FIRST")
	for _, c := range changes {
		table.row(grouped(c.count), c.old, c.new, c.example)
	}
	t.table("", table)
}

func (d *difference) typeTable(t *textReport) {
	m := d.matrix()
	if m == nil {
		return
	}
	head := []string{`was \ is`}
	for _, c := range m.columns {
		head = append(head, "#"+c)
	}
	table := newTable(head...)
	for _, r := range m.rows {
		cells := []string{r}
		for _, c := range m.columns {
			cells = append(cells, cell(m.counts[[2]string{r, c}]))
		}
		table.row(cells...)
	}
	t.table("EVENT TYPES", table)
}

// cell writes a number, or nothing for none.
func cell(n int64) string {
	if n == 0 {
		return "."
	}
	return grouped(n)
}

func (d *difference) migrationTable(t *textReport) {
	table := newTable("#EVENTS", "WAS", "IS", "FIRST")
	for _, c := range d.migrations() {
		table.row(grouped(c.count), c.old, c.new, c.example)
	}
	t.table("", table)
}

func (d *difference) fieldTable(t *textReport, f *fieldDiff) {
	table := newTable("#COUNT", "WAS", "IS", "FIRST")
	for _, c := range f.top {
		was, is := shortenedPair(shownChange(c.old), shownChange(c.new), maxShownValue)
		table.row(grouped(c.count), was, is, c.example)
	}
	t.table(fmt.Sprintf("%s: %s", printable(f.path), count(f.events, "event")), table)
	if f.others > 0 {
		t.linef("... and %s more", grouped(f.others))
	}
}

// maxShownValue bounds how much of a value is shown.
const maxShownValue = 120

// shownChange answers one side of a change for people.
func shownChange(value string) string {
	if value == "" {
		return "(none)"
	}
	return printable(value)
}

func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// shortenedPair shortens two texts so that one can see that they differ, if they do:
// where they begin alike, the beginning of both is left out.
func shortenedPair(a, b string, most int) (string, string) {
	x, y := shortened(a, most), shortened(b, most)
	if x != y || a == b {
		return x, y
	}
	long, other := []rune(a), []rune(b)
	from := 0
	for from < min(len(long), len(other)) && long[from] == other[from] {
		from++
	}
	from = max(0, from-most/4)
	return shortened("…"+string(long[from:]), most), shortened("…"+string(other[from:]), most)
}
