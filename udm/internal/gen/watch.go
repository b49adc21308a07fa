package main

import (
	"bytes"
	"fmt"
	"strings"
)

// watchTrie holds the paths that rules ask about. Each path, and each path with
// a wanted value, has one bit of the set that validation fills in.
type watchTrie struct {
	schema *schema
	nodes  []*watchNode // node 0 asks about nothing, node 1 is the event
	bits   int
}

type watchNode struct {
	message  string // what the children are fields of, if anything
	children map[string]int
	free     bool // see field.free
	bit      uint64
	values   []watchValue
}

type watchValue struct {
	text string
	bit  uint64
}

// renderMasks writes the bits of a rule that validation can decide.
func (t *watchTrie) renderMasks(w *bytes.Buffer, paths []string, when, unless string) error {
	var any uint64
	for _, p := range paths {
		bit, err := t.bit(p)
		if err != nil {
			return err
		}
		any |= bit
	}
	fmt.Fprintf(w, ", decidable: true, paths: %#x", any)
	for _, cond := range []struct{ member, path string }{{"when", when}, {"unless", unless}} {
		if cond.path == "" {
			continue
		}
		bit, err := t.bit(cond.path)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, ", %s: %#x", cond.member, bit)
	}
	return nil
}

// bit returns the bit of "a.b" or "a.b=VALUE", which it adds if it is new.
func (t *watchTrie) bit(path string) (uint64, error) {
	path, value, hasValue := strings.Cut(path, "=")
	node, err := t.node(path)
	if err != nil {
		return 0, err
	}
	if !hasValue {
		if node.bit == 0 {
			node.bit, err = t.newBit()
		}
		return node.bit, err
	}
	if node.free {
		return 0, fmt.Errorf("validation does not look at the value of %q", path)
	}
	for _, v := range node.values {
		if v.text == value {
			return v.bit, nil
		}
	}
	bit, err := t.newBit()
	node.values = append(node.values, watchValue{value, bit})
	return bit, err
}

func (t *watchTrie) newBit() (uint64, error) {
	if t.bits == 64 {
		return 0, fmt.Errorf("rules ask about more than 64 paths")
	}
	t.bits++
	return 1 << (t.bits - 1), nil
}

func (t *watchTrie) node(path string) (*watchNode, error) {
	if len(t.nodes) == 0 {
		t.nodes = []*watchNode{{}, {message: t.schema.messages[0].name}}
	}
	node := t.nodes[1]
	for _, segment := range strings.Split(path, ".") {
		f := t.schema.field(node.message, segment)
		if f == nil {
			return nil, fmt.Errorf("unknown path %q", path)
		}
		at, ok := node.children[segment]
		if !ok {
			at = len(t.nodes)
			t.nodes = append(t.nodes, &watchNode{message: strings.TrimPrefix(f.typ, "message:"), free: f.free()})
			if node.children == nil {
				node.children = map[string]int{}
			}
			node.children[segment] = at
		}
		node = t.nodes[at]
	}
	return node, nil
}

// below returns the bits of node at and of all nodes under it.
func (t *watchTrie) below(at int) uint64 {
	n := t.nodes[at]
	all := n.bit
	for _, v := range n.values {
		all |= v.bit
	}
	for _, child := range n.children {
		all |= t.below(child)
	}
	return all
}

func (t *watchTrie) render(w *bytes.Buffer) error {
	w.WriteString("var watches = [...]watch{\n")
	for i, n := range t.nodes {
		fmt.Fprintf(w, "{bit: %#x, below: %#x", n.bit, t.below(i))
		if len(n.children) > 0 {
			m := t.schema.message(n.message)
			row := make([]byte, len(m.fields))
			for j, f := range m.fields {
				row[j] = byte(n.children[f.name])
			}
			fmt.Fprintf(w, ", children: %s", quote(row))
		}
		if len(n.values) > 0 {
			w.WriteString(", values: []watchValue{")
			for _, v := range n.values {
				fmt.Fprintf(w, "{%q, %#x},", v.text, v.bit)
			}
			w.WriteString("}")
		}
		w.WriteString("},\n")
	}
	w.WriteString("}\n")
	return nil
}
