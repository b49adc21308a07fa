package rulefmt

import (
	"cmp"
	"slices"
)

// normalize puts keys in order and comments where the canonical form has room
// for them.
func (t *tree) normalize() { t.normalizeNode(t.root) }

func (t *tree) normalizeNode(n *node) {
	for _, it := range n.items {
		t.normalizeNode(it.value)
		it.settleLine()
		it.settleFoot()
	}
	if len(n.items) == 0 {
		return
	}
	header := n.items[0].head
	if n != t.root {
		header = nil
	} else {
		n.items[0].head = nil
	}
	moved := t.sort(n)
	first := n.items[0]
	first.head = append(header, first.head...)
	switch {
	case n == t.root && moved:
		n.separate()
	case n.owner != nil && n.owner.key == nil:
		// A dash and the first key share a line, so what is said before the key
		// is said before the dash.
		n.owner.head = append(n.owner.head, first.head...)
		first.head, first.blank = nil, false
	}
}

// sort puts the keys of a mapping in canonical order and reports whether that
// moved any. With anchors in the file the order is left alone: an anchor must
// come before its aliases.
func (t *tree) sort(n *node) bool {
	if n.role.keys() == nil || t.anchors {
		return false
	}
	byRank := func(a, b *item) int { return cmp.Compare(n.role.rank(a.name()), n.role.rank(b.name())) }
	if slices.IsSortedFunc(n.items, byRank) {
		return false
	}
	slices.SortStableFunc(n.items, byRank)
	return true
}

// separate puts a blank line around each section of the file, for files whose
// sections have been moved.
func (n *node) separate() {
	for i, it := range n.items[1:] {
		if !it.value.role.open() && !n.items[i].value.role.open() {
			continue
		}
		if len(it.head) > 0 {
			it.head[0].blank = true
		} else {
			it.blank = true
		}
	}
}

// settleLine keeps one comment behind an item and puts all others before it.
func (it *item) settleLine() {
	for len(it.line) > 1 {
		it.head = append(it.head, remark{text: it.line[0]})
		it.line = it.line[1:]
	}
}

// settleFoot takes the comments out of a collection without items, which is
// written [] or {}.
func (it *item) settleFoot() {
	if it.value.collection() && len(it.value.items) == 0 {
		it.head = append(it.head, it.value.foot...)
		it.value.foot = nil
	}
}

// raiseLine puts the comment behind an item before it.
func (it *item) raiseLine() {
	for _, text := range it.line {
		it.head = append(it.head, remark{text, it.blank})
		it.blank = false
	}
	it.line = nil
}
