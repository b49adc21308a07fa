package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// style colours text for a terminal, or leaves it as it is.
type style struct{ on bool }

func styleOf(w io.Writer) style { return style{colour(w)} }

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string  { return s.paint("1", text) }
func (s style) dim(text string) string   { return s.paint("2", text) }
func (s style) red(text string) string   { return s.paint("31", text) }
func (s style) green(text string) string { return s.paint("32", text) }

// truth writes the outcome of a condition, all of one width.
func (s style) truth(result string) string {
	switch {
	case result == "true":
		return s.green("yes")
	case strings.HasPrefix(result, "false"):
		return s.red("no ")
	}
	return s.dim("-  ")
}

// textReport gathers what a command has to say to people.
type textReport struct {
	style
	b strings.Builder
}

func (t *textReport) linef(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

// table adds a table below an empty line, unless the table has no row.
func (t *textReport) table(title string, table *table) {
	if len(table.rows) == 0 {
		return
	}
	t.linef("")
	if title != "" {
		t.linef("%s", t.bold(title))
	}
	table.write(&t.b, t.style)
}

func (t *textReport) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, t.b.String())
	return err
}

// table is rows of cells below a heading. Columns are as wide as their cells, up
// to a limit: what is longer pushes the rest of its row to the line below.
type table struct {
	rows  [][]string
	head  []string
	right []bool // columns of numbers
}

// newTable gives a table with a heading. A column whose name begins with a # is
// for numbers.
func newTable(head ...string) *table {
	t := &table{}
	for _, h := range head {
		name, number := strings.CutPrefix(h, "#")
		t.head, t.right = append(t.head, name), append(t.right, number)
	}
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

const maxColumn = 56

func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			if n := utf8.RuneCountInString(cell); n <= maxColumn {
				widths[i] = max(widths[i], n)
			}
		}
	}
	return widths
}

func (t *table) write(b *strings.Builder, s style) {
	widths := t.widths()
	t.line(b, widths, t.head, s.bold)
	for _, row := range t.rows {
		t.line(b, widths, row, func(cell string) string { return cell })
	}
}

// line writes one row. Cells are set apart by two blanks.
func (t *table) line(b *strings.Builder, widths []int, cells []string, paint func(string) string) {
	column, come := 0, 0 // where the cell's column begins, and how far the line has come
	for i, cell := range cells {
		width := utf8.RuneCountInString(cell)
		start := column
		if t.right[i] {
			start += max(0, widths[i]-width)
		}
		column += widths[i] + 2
		if cell == "" {
			continue
		}
		if start < come {
			b.WriteByte('\n')
			come = 0
		}
		b.WriteString(strings.Repeat(" ", start-come) + paint(cell))
		come = start + width
	}
	b.WriteByte('\n')
}

// printable makes a text of a log fit for a terminal: what is no printable
// character is written as an escape, so that it can neither move the cursor nor
// turn the direction of writing.
func printable(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return escapeAll(text)
		}
	}
	return text
}

func escapeAll(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strconv.IsPrint(r) || r == utf8.RuneError:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func quoted(text string) string { return `"` + text + `"` }

// share writes a part of a whole as a percentage.
func share(part, whole int64) string {
	if whole == 0 {
		return "0%"
	}
	percent := 100 * float64(part) / float64(whole)
	if part > 0 && percent < 0.1 {
		return "<0.1%"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + "%"
}
