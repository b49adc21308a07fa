package lint

import (
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// pathNode is one segment of the source paths: where it is written and what is
// below it.
type pathNode struct {
	name     string
	uses     []use
	children []*pathNode
}

// use is one place in the file that names a segment.
type use struct {
	text mapping.Text
	at   int
}

// add notes a path. The first skip segments come from around the text.
func (n *pathNode) add(segments []string, t mapping.Text, skip int) {
	at := 0
	for i, s := range segments {
		n = n.child(s)
		if i < skip {
			continue
		}
		u := use{t, max(strings.Index(t.Value[at:], s), 0) + at}
		at = u.at
		if !slices.ContainsFunc(n.uses, func(o use) bool { return o.text.Pos == t.Pos }) {
			n.uses = append(n.uses, u)
		}
	}
}

func (n *pathNode) child(name string) *pathNode {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &pathNode{name: name}
	n.children = append(n.children, c)
	return c
}

// sources looks at source paths.
func (l *linter) sources() {
	for _, r := range l.allRules() {
		l.duplicateSources(r)
	}
	l.typos(l.paths)
}

// duplicateSources reports a path that stands twice in from.
func (l *linter) duplicateSources(r *mapping.Rule) {
	for i, from := range r.From {
		again := slices.ContainsFunc(r.From[:i], func(o mapping.Text) bool { return o.Value == from.Value })
		if !again {
			continue
		}
		f := l.reportWhole(idDuplicateSource, from, "%q stands in the list already", from.Value)
		f.Hint = "remove it"
		f.Fix = l.cutEntry(r.From[i-1], from)
	}
}

// usedOften is how often a name must be used more than the one that looks like a
// misspelling of it.
const usedOften = 3

// typos reports segments that are nearly the same as one beside them that is used
// more often.
func (l *linter) typos(n *pathNode) {
	for _, c := range n.children {
		l.typos(c)
		for _, o := range n.children {
			if o == c || len(c.uses) == 0 || len(o.uses) <= len(c.uses) || !misspelled(c, o) {
				continue
			}
			for _, u := range c.uses {
				f := l.reportText(idPathTypo, u.text, u.at, min(u.at+len(c.name), len(u.text.Value)),
					"%q is nearly %q, which is used %d times", c.name, o.name, len(o.uses))
				f.Hint = "did you mean " + o.name + "?"
			}
		}
	}
}

// misspelled reports whether c is probably o misspelled: case aside the same, or
// one letter away and used once where o is used often. A plural is a word of its
// own.
func misspelled(c, o *pathNode) bool {
	if strings.EqualFold(c.name, o.name) {
		return true
	}
	return len(c.uses) == 1 && len(o.uses) >= usedOften && min(len(c.name), len(o.name)) >= 4 &&
		c.name+"s" != o.name && o.name+"s" != c.name && !numbered(c.name) && oneEdit(c.name, o.name)
}

// numbered reports whether a name tells itself from others by a number.
func numbered(name string) bool { return strings.ContainsAny(name, "0123456789") }

// oneEdit reports whether one letter more, less or other, or two neighbours that
// change places, turn a into b.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a)+1 == len(b) {
		return a[i:] == b[i+1:]
	}
	if len(a) != len(b) || i == len(a) {
		return false
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
