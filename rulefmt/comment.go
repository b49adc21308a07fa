package rulefmt

import (
	"regexp"
	"slices"
	"strings"
)

// comment is a comment as it stands in the file.
type comment struct {
	text  string // from the # on
	at    int    // offset of the #
	col   int    // characters before it on its line, counted in bytes
	own   bool   // it has the line to itself
	blank bool   // there is a blank line before it
}

// findComments reads the comments of the file in order.
func (t *tree) findComments() {
	for at := 0; at < len(t.text); at++ {
		if z, ok := t.inertAt(at); ok {
			at = z.end - 1
			continue
		}
		if t.text[at] != '#' || !t.startsComment(at) {
			continue
		}
		end := t.lineEnd(at)
		begin := t.lines[t.lineOf(at)]
		t.comments = append(t.comments, comment{
			text: strings.TrimRight(t.text[at:end], " \t"),
			at:   at,
			col:  at - begin,
			own:  onlyIndicators(t.text[begin:at]),
		})
		at = end
	}
}

// onlyIndicators reports whether the text before a comment says nothing by
// itself: space, the dash of an element, a document marker, a directive.
func onlyIndicators(text string) bool {
	if strings.HasPrefix(text, "%") {
		return true
	}
	for _, marker := range []string{"---", "..."} {
		text = strings.TrimPrefix(text, marker)
	}
	return strings.Trim(text, " \t-?:") == ""
}

// attach gives each comment to the item it speaks of, and notes where blank
// lines stand.
func (t *tree) attach() {
	t.findBlankLines()
	for _, c := range t.comments {
		i, _ := slices.BinarySearchFunc(t.items, c.at, func(it *item, at int) int {
			if it.start < at {
				return -1
			}
			return 1
		})
		var before, after *item
		if i > 0 {
			before = t.items[i-1]
		}
		if i < len(t.items) {
			after = t.items[i]
		}
		t.attachOne(c, before, after)
	}
}

// attachOne gives a comment to the item before it, which is the innermost one
// there, to the outermost item after it, or to the foot of a collection.
func (t *tree) attachOne(c comment, before, after *item) {
	r := remark{c.text, c.blank}
	switch {
	case before == nil && after == nil:
		t.root.foot = append(t.root.foot, r)
		return
	case before == nil:
		after.head = append(after.head, r)
		return
	case !c.own:
		it := sameLineOwner(before, c.at)
		it.line = append(it.line, c.text)
		return
	case c.at < before.value.start && !before.value.blockCollection():
		before.head = append(before.head, r)
		return
	}
	foot := t.footOwner(c, before, after)
	switch {
	case foot == nil && after != nil:
		after.head = append(after.head, r)
	case foot == nil:
		t.root.foot = append(t.root.foot, r)
	default:
		foot.foot = append(foot.foot, r)
	}
}

// sameLineOwner answers the outermost item that a comment behind it on the same
// line may speak of: behind the brace of {a: b} that is the whole mapping.
func sameLineOwner(it *item, at int) *item {
	for it.parent.flow() && it.parent.end <= at && it.parent.owner != nil {
		it = it.parent.owner
	}
	return it
}

// footOwner answers the collection that a comment ends, or nil if the comment
// belongs to the item after it.
func (t *tree) footOwner(c comment, before, after *item) *node {
	for n := before.value; n != nil; n = n.up() {
		if n.flow() && n.collection() && n.start < c.at && c.at < n.end {
			if after != nil && after.start < n.end {
				return nil
			}
			return n
		}
	}
	if after != nil && (after.within(before) || c.col <= after.parent.column) {
		return nil
	}
	// By the indentation: a comment further in than the item after it speaks of
	// what comes before.
	var chosen *node
	for n := before.parent; n != nil && (after == nil || n != after.parent); n = n.up() {
		switch {
		case n.flow():
		case chosen == nil || chosen.column > c.col || chosen.column == n.column:
			chosen = n
		}
	}
	return chosen
}

// within reports whether it is below other.
func (it *item) within(other *item) bool {
	for n := it.parent; n != nil; n = n.up() {
		if n.owner == other {
			return true
		}
	}
	return false
}

// up answers the collection that holds n.
func (n *node) up() *node {
	if n.owner == nil {
		return nil
	}
	return n.owner.parent
}

var blankLine = regexp.MustCompile(`\n[ \t]*\n`)

// findBlankLines notes which items and comments have a blank line before them.
func (t *tree) findBlankLines() {
	end, next := 0, 0
	step := func(at, stop int) bool {
		blank := at > end && blankLine.MatchString(t.text[end:at])
		end = max(end, stop)
		return blank
	}
	for _, it := range t.items {
		for ; next < len(t.comments) && t.comments[next].at < it.start; next++ {
			c := &t.comments[next]
			c.blank = step(c.at, c.at+len(c.text))
		}
		it.blank = step(it.start, it.firstEnd())
	}
	for ; next < len(t.comments); next++ {
		c := &t.comments[next]
		c.blank = step(c.at, c.at+len(c.text))
	}
}

// firstEnd answers the offset behind what an item says before the items below
// it.
func (it *item) firstEnd() int {
	switch {
	case !it.value.collection():
		return it.value.end
	case it.key != nil:
		return it.key.end
	}
	return it.start
}
