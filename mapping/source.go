package mapping

import (
	"strconv"
	"strings"
)

// A layout says which places of a JSON value the rules look at: a tree of nodes
// with one slot each. The record has one layout and so has the element of every
// array that rules loop over.
type layout struct {
	node *node
	size int32
}

// node is one place the rules look at.
type node struct {
	slot  int32
	id    int32  // among all nodes of the plan
	read  bool   // some rule or condition takes the value here, not only what is below
	path  string // from the record, as written in a rule file, with [] for an element
	keys  keyset // members, where the value is an object
	items []*node
	list  *layout // of each element, where rules loop over the value
	below []int32 // slots of all nodes below, lists left out: their rows go with the slot
}

func newLayout(path string) *layout {
	return &layout{node: &node{path: path}, size: 1}
}

// add gives n a new child for a path segment. A number is a position in an array
// and a key of an object alike, for the rule file does not say which it means.
func (l *layout) add(n *node, segment string) *node {
	if c := n.keys.get(segment); c != nil {
		return c
	}
	c := &node{slot: l.size, path: joinPath(n.path, segment)}
	l.size++
	n.keys.put(segment, c)
	if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < maxIndex && strconv.Itoa(i) == segment {
		for len(n.items) <= i {
			n.items = append(n.items, nil)
		}
		n.items[i] = c
	}
	return c
}

// maxIndex bounds the positions a path may name.
const maxIndex = 1 << 16

// find gives the node for a path below n, new where there is none yet.
func (l *layout) find(n *node, segments []string) *node {
	for _, s := range segments {
		n = l.add(n, s)
	}
	return n
}

// elements gives the layout of the elements of n.
func (n *node) elements() *layout {
	if n.list == nil {
		n.list = newLayout(n.path + "[]")
	}
	return n.list
}

// freeze numbers the nodes and notes what lies below each, once all are there.
func (n *node) freeze(id *int32) []int32 {
	n.id, n.below = *id, nil
	*id++
	for _, c := range n.keys.children {
		n.below = append(append(n.below, c.node.slot), c.node.freeze(id)...)
	}
	if n.list != nil {
		n.list.node.freeze(id)
	}
	return n.below
}

// segmentEscaper makes a key one segment of a path.
var segmentEscaper = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

func joinPath(path, segment string) string {
	segment = segmentEscaper.Replace(segment)
	if path == "" {
		return segment
	}
	return path + "." + segment
}

// splitPath cuts a source path at its dots; a backslash makes the character
// after it an ordinary one. ok is false where a segment is empty or the path
// ends in a backslash; at is the offset of the fault.
func splitPath(path string) (segments []string, at int, ok bool) {
	var b strings.Builder
	start := 0
	for i := 0; i <= len(path); i++ {
		switch {
		case i == len(path) || path[i] == '.':
			if b.Len() == 0 {
				return nil, start, false
			}
			segments = append(segments, b.String())
			b.Reset()
			start = i + 1
		case path[i] == '\\':
			if i++; i == len(path) {
				return nil, i - 1, false
			}
			b.WriteByte(path[i])
		default:
			b.WriteByte(path[i])
		}
	}
	return segments, 0, true
}

// keyset holds the members of an object that the rules look at.
type keyset struct{ children []child }

type child struct {
	key  string
	node *node
}

func (k *keyset) get(key string) *node {
	for _, c := range k.children {
		if c.key == key {
			return c.node
		}
	}
	return nil
}

func (k *keyset) put(key string, n *node) {
	k.children = append(k.children, child{key, n})
}
