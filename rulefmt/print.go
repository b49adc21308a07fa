package rulefmt

import (
	"strings"
	"unicode/utf8"
)

// printer writes a tree in canonical form.
type printer struct {
	*tree
	b strings.Builder
}

func (t *tree) print() []byte {
	p := &printer{tree: t}
	p.items(t.root, 0, false)
	return []byte(p.b.String())
}

// items writes the items of a collection one under the other. With inline, the
// first one goes on behind a dash.
func (p *printer) items(n *node, indent int, inline bool) {
	for i, it := range n.items {
		if i > 0 || !inline {
			p.before(it, indent, i == 0)
			p.indent(indent)
		}
		if it.key != nil {
			p.member(it, indent)
		} else {
			p.element(it, indent)
		}
	}
	for _, r := range n.foot {
		p.remark(r, indent)
	}
}

// before writes the comments and blank lines before an item. The first of its
// collection has no blank line before it.
func (p *printer) before(it *item, indent int, first bool) {
	if it.key == nil && !it.value.isText() && !p.fits(it, indent) {
		it.raiseLine()
	}
	for i, r := range it.head {
		r.blank = r.blank && !(first && i == 0)
		p.remark(r, indent)
	}
	if it.blank && !(first && len(it.head) == 0) {
		p.b.WriteByte('\n')
	}
}

func (p *printer) remark(r remark, indent int) {
	if r.blank {
		p.b.WriteByte('\n')
	}
	p.indent(indent)
	p.b.WriteString(r.text)
	p.b.WriteByte('\n')
}

func (p *printer) indent(n int) { p.b.WriteString(strings.Repeat(" ", n)) }

// end writes the comment behind an item, and ends the line.
func (p *printer) end(it *item) {
	if len(it.line) > 0 {
		p.b.WriteString(" " + it.line[0])
	}
	p.b.WriteByte('\n')
}

// member writes a member of a mapping, indented already.
func (p *printer) member(it *item, indent int) {
	p.b.WriteString(p.key(it) + ":")
	switch text, ok := p.oneLine(it.value, false); {
	case ok && p.fits(it, indent):
		p.b.WriteString(" " + text)
		p.end(it)
	case it.value.isText():
		p.b.WriteString(" ")
		p.blockText(it, indent)
	default:
		p.b.WriteString(anchorOf(it.value, " ", ""))
		p.end(it)
		p.items(it.value, indent+2, false)
	}
}

// element writes an element of a list, indented already.
func (p *printer) element(it *item, indent int) {
	p.b.WriteString("- ")
	switch text, ok := p.oneLine(it.value, false); {
	case ok && p.fits(it, indent):
		p.b.WriteString(text)
		p.end(it)
	case it.value.isText():
		p.blockText(it, indent)
	case it.value.yaml.Anchor != "":
		p.b.WriteString(anchorOf(it.value, "", "\n"))
		p.items(it.value, indent+2, false)
	default:
		p.items(it.value, indent+2, true)
	}
}

// fits reports whether an item may be written on one line.
func (p *printer) fits(it *item, indent int) bool {
	text, ok := p.oneLine(it.value, false)
	if !ok {
		return false
	}
	if !it.value.collection() || it.value.role.closed() || len(it.value.items) == 0 {
		return true
	}
	lead := indent + len("- ")
	if it.key != nil {
		lead = indent + utf8.RuneCountInString(p.key(it)) + len(": ")
	}
	return lead+utf8.RuneCountInString(text) <= Width
}

// oneLine answers what a node is on one line. It says false for what needs more
// than one, because of what it is, or because of a comment inside.
func (p *printer) oneLine(n *node, inFlow bool) (string, bool) {
	if !n.collection() {
		text, ok := p.text(n, inFlow)
		return anchorOf(n, "", " ") + text, ok
	}
	if len(n.foot) > 0 || n.role.open() && len(n.items) > 0 {
		return "", false
	}
	parts := make([]string, len(n.items))
	for i, it := range n.items {
		if len(it.head) > 0 || len(it.line) > 0 {
			return "", false
		}
		text, ok := p.oneLine(it.value, true)
		if !ok {
			return "", false
		}
		if it.key != nil {
			text = p.key(it) + ": " + text
		}
		parts[i] = text
	}
	opening, closing := "[", "]"
	if n.mapping() {
		opening, closing = "{", "}"
	}
	return anchorOf(n, "", " ") + opening + strings.Join(parts, ", ") + closing, true
}

func anchorOf(n *node, before, after string) string {
	if n.yaml.Anchor == "" {
		return ""
	}
	return before + "&" + n.yaml.Anchor + after
}
