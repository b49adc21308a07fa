package rulefmt

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// tree is a rule file with its comments.
type tree struct {
	*source
	root     *node
	items    []*item // of all nodes, in the order of the file
	comments []comment
	anchors  bool // some node has an anchor
}

// node is a scalar, a mapping, a list or an alias.
type node struct {
	yaml       *yaml.Node
	role       role
	owner      *item   // the item that holds the node; nil for the root
	items      []*item // of a mapping or a list
	foot       []remark
	start, end int // byte offsets of its text, properties left out
	column     int // of a collection in block style: where its items begin, from 0
}

// item is a member of a mapping or an element of a list.
type item struct {
	key    *node // nil in a list
	value  *node
	parent *node
	start  int // byte offset of the key, or of the value in a list
	blank  bool
	head   []remark // on the lines before
	line   []string // behind it, on the same line
}

// remark is a comment on a line of its own.
type remark struct {
	text  string
	blank bool // there is a blank line before it
}

func (n *node) flow() bool            { return n.yaml.Style&yaml.FlowStyle != 0 }
func (n *node) collection() bool      { return n.yaml.Kind&(yaml.MappingNode|yaml.SequenceNode) != 0 }
func (n *node) blockCollection() bool { return n.collection() && !n.flow() }
func (n *node) mapping() bool         { return n.yaml.Kind == yaml.MappingNode }
func (n *node) blockText() bool {
	return n.yaml.Kind == yaml.ScalarNode && n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

func (it *item) name() string {
	if it.key == nil {
		return ""
	}
	return it.key.yaml.Value
}

// build turns YAML nodes into a tree, top down in the order of the file.
func (t *tree) build(y *yaml.Node, r role, owner *item) (*node, error) {
	n := &node{yaml: y, role: r, owner: owner}
	t.anchors = t.anchors || y.Anchor != ""
	offset, err := t.offset(y.Line, y.Column)
	if err != nil {
		return nil, err
	}
	n.start = t.skipProperties(offset)
	switch {
	case !n.collection():
		if n.end, err = t.scalarEnd(n); err != nil {
			return nil, err
		}
	default:
		if err := t.buildItems(n); err != nil {
			return nil, err
		}
		n.end = t.collectionEnd(n)
	}
	return n, nil
}

func (t *tree) buildItems(n *node) error {
	step := 1
	if n.mapping() {
		step = 2
	}
	n.column = t.columnOf(n)
	for i := 0; i+step <= len(n.yaml.Content); i += step {
		it := &item{parent: n}
		t.items = append(t.items, it)
		n.items = append(n.items, it)
		if err := t.buildItem(it, n.yaml.Content[i:i+step]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) buildItem(it *item, content []*yaml.Node) (err error) {
	if len(content) == 2 {
		if it.key, err = t.build(content[0], texts, it); err != nil {
			return err
		}
	}
	first := content[0]
	if it.start, err = t.offset(first.Line, first.Column); err != nil {
		return err
	}
	it.value, err = t.build(content[len(content)-1], it.parent.role.child(it.name()), it)
	return err
}

// columnOf answers where the items of a collection begin: the dash of a list,
// the first key of a mapping, which an anchor or tag may stand above.
func (t *tree) columnOf(n *node) int {
	first := n.yaml
	if n.mapping() && len(first.Content) > 0 {
		first = first.Content[0]
	}
	return first.Column - 1
}

// collectionEnd answers the offset behind a collection.
func (t *tree) collectionEnd(n *node) int {
	if n.flow() {
		return t.closing(n.start)
	}
	end := n.start
	for _, it := range n.items {
		end = max(end, it.value.end)
	}
	return end
}

// scalarEnd answers the offset behind a scalar or an alias, and keeps comments
// from being looked for inside it.
func (t *tree) scalarEnd(n *node) (int, error) {
	y := n.yaml
	switch {
	case y.Kind == yaml.AliasNode:
		return n.start + len("*") + len(y.Value), nil
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return t.quotedEnd(n.start)
	case n.blockText():
		return t.blockTextEnd(n), nil
	}
	end, ok := t.plainEnd(n.start, y.Value)
	if !ok {
		return 0, fmt.Errorf("line %d: the text does not stand where it should", y.Line)
	}
	return end, nil
}
