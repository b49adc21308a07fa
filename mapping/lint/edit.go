package lint

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// Edit puts New in the place of the bytes Start..End of a rule file.
type Edit struct {
	Start, End int
	New        string
}

// apply makes edits that do not overlap.
func apply(src []byte, edits []Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(src[at:e.Start])
		out.WriteString(e.New)
		at = e.End
	}
	out.Write(src[at:])
	return out.Bytes()
}

// maxPasses bounds Fix: one repair may uncover the next.
const maxPasses = 100

// Fix repairs what is certain, and answers the new text with what it repaired. A
// repair is kept only if the file compiles with it and fewer findings of its kind
// are left, so
// that a text is never made worse; what Fix leaves, Check still reports. src is
// not changed.
func Fix(name string, src []byte, opts Options) (fixed []byte, repaired []Finding, err error) {
	found, err := Check(name, src, opts)
	if err != nil {
		return nil, nil, err
	}
	for range maxPasses {
		next, f, left, ok := fixOne(name, src, found, opts)
		if !ok {
			break
		}
		src, found, repaired = next, left, append(repaired, f)
	}
	return src, repaired, nil
}

// fixOne makes the first repair that holds, and answers what is then left.
func fixOne(name string, src []byte, found []Finding, opts Options) (fixed []byte, f Finding, left []Finding, ok bool) {
	for _, f := range found {
		if len(f.Fix) == 0 || f.Pos.File != name {
			continue
		}
		next := apply(src, f.Fix)
		left, err := Check(name, next, opts)
		if err == nil && ofKind(left, f.ID) < ofKind(found, f.ID) {
			return next, f, left, true
		}
	}
	return nil, Finding{}, nil, false
}

func ofKind(found []Finding, id string) int {
	n := 0
	for _, f := range found {
		if f.ID == id {
			n++
		}
	}
	return n
}

// offset answers where a place is in the file, or -1.
func (l *linter) offset(p mapping.Pos) int {
	if p.File != l.name || p.Line < 1 || p.Line > len(l.lines) || p.Col-1 > len(l.lines[p.Line-1]) {
		return -1
	}
	at := 0
	for _, line := range l.lines[:p.Line-1] {
		at += len(line) + 1
	}
	return at + p.Col - 1
}

// cut answers the edit that takes the bytes from..to of a text away, if they
// stand in the file as they are.
func (l *linter) cut(t mapping.Text, from, to int) []Edit {
	start, end := l.offset(t.At(from)), l.offset(t.At(to))
	if start < 0 || end < start || string(l.src[start:end]) != t.Value[from:to] {
		return nil
	}
	return []Edit{{Start: start, End: end}}
}

// cutEntry takes an entry of a list on one line away, with the comma before it,
// or the whole line of one that has a line to itself.
func (l *linter) cutEntry(before, entry mapping.Text) []Edit {
	prev, start, end := l.offset(before.At(len(before.Value))), l.offset(entry.Pos), l.offset(entry.At(len(entry.Value)))
	if prev < 0 || start < prev || end < start || string(l.src[start:end]) != entry.Value {
		return nil
	}
	if strings.TrimSpace(string(l.src[prev:start])) == "," {
		return []Edit{{Start: prev, End: end}}
	}
	if strings.TrimSpace(l.lines[entry.Pos.Line-1]) == "- "+entry.Value {
		return l.cutLine(entry.Pos.Line, entry.Pos.Line)
	}
	return nil
}

// cutLines takes a key with its value away, if nothing else is on their lines.
func (l *linter) cutLines(key mapping.Pos, value mapping.Text) []Edit {
	if key.File != l.name || strings.TrimSpace(l.lines[key.Line-1][:key.Col-1]) != "" {
		return nil
	}
	return l.cutLine(key.Line, value.At(len(value.Value)).Line)
}

func (l *linter) cutLine(first, last int) []Edit {
	start := l.offset(mapping.Pos{File: l.name, Line: first, Col: 1})
	end := len(l.src)
	if last < len(l.lines) {
		end = l.offset(mapping.Pos{File: l.name, Line: last + 1, Col: 1})
	}
	return []Edit{{Start: start, End: end}}
}

// cutComment takes a comment away, with its line if it has one to itself.
func (l *linter) cutComment(ig ignore) []Edit {
	if ig.own {
		return l.cutLine(ig.line, ig.line)
	}
	line := l.lines[ig.line-1]
	start := l.offset(ig.pos(l.name))
	kept := len(strings.TrimRight(line[:ig.col-1], " \t"))
	return []Edit{{Start: start - (ig.col - 1 - kept), End: start + len(strings.TrimSuffix(line[ig.col-1:], "\r"))}}
}

var regexKey = regexp.MustCompile(`regex:[ \t]*$`)

// equalsFix turns a regex into an equals.
func (l *linter) equalsFix(t mapping.Text, text string) []Edit {
	start := l.offset(t.Pos)
	if start < 0 {
		return nil
	}
	key := regexKey.FindIndex(l.src[:start])
	line := l.lines[t.Pos.Line-1]
	rest := line[t.Pos.Col-1:]
	for _, quoted := range []string{t.Value, quoteYAML(t.Value)} {
		if key != nil && strings.HasPrefix(rest, quoted) {
			return []Edit{{Start: key[0], End: start + len(quoted), New: "equals: " + quoteYAML(text)}}
		}
	}
	return nil
}

// quoteYAML writes a text so that YAML reads it as one.
func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quoteCEL writes a text as CEL has it.
func quoteCEL(s string) string { return strconv.Quote(s) }
