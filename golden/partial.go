package golden

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// partial is one entry of a NAME.expect.yaml: what is to hold of one record.
type partial struct {
	line     int   // in the file
	of       int64 // the record's line in the input; 0 for the record after the last entry's
	index    *int
	reject   string
	contains []fieldWanted
	absent   []fieldWanted
}

// fieldWanted is a field that is to be there, or to be absent.
type fieldWanted struct {
	line int
	path string
	segs []segment
	want *yaml.Node // nil for absent; else a scalar or a list of scalars
}

var rejectCodes = []string{
	mapping.CodeJSON, mapping.CodeObject, mapping.CodeTimestamp, mapping.CodeSize, mapping.CodeDepth,
}

// partialReader reads a NAME.expect.yaml and notes all that is wrong with it.
type partialReader struct {
	name   string
	faults []error
}

func (r *partialReader) errorf(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %w", at(r.name, n.Line), fmt.Errorf(format, args...)))
}

// readPartial reads the entries of a file. The error holds every fault of it.
func readPartial(name string) ([]partial, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Load(text, &doc, yaml.WithV4Defaults()); err != nil {
		return nil, fmt.Errorf("%s: not YAML: %w", name, err)
	}
	r := &partialReader{name: name}
	var all []partial
	root := doc.Content[0]
	if root.Kind != yaml.SequenceNode || len(root.Content) == 0 {
		r.errorf(root, "want a list of entries, each with contains, absent or reject")
	} else {
		for _, n := range root.Content {
			all = append(all, r.entry(n))
		}
	}
	return all, errors.Join(r.faults...)
}

var partialKeys = []string{"line", "index", "contains", "absent", "reject"}

func (r *partialReader) entry(n *yaml.Node) partial {
	p := partial{line: n.Line}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "want an entry with contains, absent or reject")
		return p
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "line":
			p.of = int64(r.number(value, "line", 1))
		case "index":
			index := r.number(value, "index", 0)
			p.index = &index
		case "contains":
			r.contains(&p, value, "")
		case "absent":
			r.absent(&p, value)
		case "reject":
			p.reject = r.code(value)
		default:
			r.errorf(key, "unknown key %q%s", key.Value, didYouMean(key.Value, partialKeys))
		}
	}
	switch {
	case p.reject != "" && len(p.contains)+len(p.absent) > 0:
		r.errorf(n, "a rejected record has no event, so reject stands alone")
	case p.reject == "" && len(p.contains)+len(p.absent) == 0 && len(r.faults) == 0:
		r.errorf(n, "the entry asks for nothing: give it contains, absent or reject")
	case p.index != nil && p.of == 0:
		r.errorf(n, "index wants the line of the page beside it")
	}
	return p
}

func (r *partialReader) number(n *yaml.Node, what string, least int) int {
	v, err := strconv.Atoi(n.Value)
	if err != nil || v < least || n.Kind != yaml.ScalarNode {
		r.errorf(n, "%s wants a number from %d, got %q", what, least, n.Value)
	}
	return v
}

func (r *partialReader) code(n *yaml.Node) string {
	if !slices.Contains(rejectCodes, n.Value) {
		r.errorf(n, "reject wants %s, got %q%s", strings.Join(rejectCodes, ", "), n.Value, didYouMean(n.Value, rejectCodes))
	}
	return n.Value
}

// contains reads a mapping of paths to values. A value that is a mapping itself
// goes on with the path.
func (r *partialReader) contains(p *partial, n *yaml.Node, around string) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.errorf(n, "contains wants UDM paths with their values, such as principal.user.userid: alice")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := joinPath(around, key.Value)
		if value.Kind == yaml.MappingNode {
			r.contains(p, value, path)
			continue
		}
		if f, ok := r.field(key, path); ok && r.comparable(value, path) {
			f.want = value
			p.contains = append(p.contains, f)
		}
	}
}

// comparable refuses what no field could be equal to.
func (r *partialReader) comparable(n *yaml.Node, path string) bool {
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	for _, one := range all {
		switch {
		case one.Kind != yaml.ScalarNode:
			r.errorf(one, "%s wants a value or a list of values", path)
			return false
		case one.Tag == "!!null" || one.Value == "":
			r.errorf(one, "%s has no value here; a field that must not be there goes under absent", path)
			return false
		}
	}
	if len(all) == 0 {
		r.errorf(n, "%s has no value here; a field that must not be there goes under absent", path)
	}
	return len(all) > 0
}

func (r *partialReader) absent(p *partial, n *yaml.Node) {
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	for _, one := range all {
		if one.Kind != yaml.ScalarNode {
			r.errorf(one, "absent wants UDM paths, such as [target.user]")
			continue
		}
		if f, ok := r.field(one, one.Value); ok {
			p.absent = append(p.absent, f)
		}
	}
}

// field reads a path and refuses one that UDM does not have.
func (r *partialReader) field(n *yaml.Node, path string) (fieldWanted, bool) {
	segs, err := parsePath(path)
	if err != nil {
		r.errorf(n, "%w", err)
		return fieldWanted{}, false
	}
	plain, _ := splitPath(path)
	known, err := udm.Lookup(plain)
	var bad *udm.PathError
	if errors.As(err, &bad) && len(bad.Suggestions) > 0 {
		err = fmt.Errorf("%w (did you mean %s?)", err, strings.Join(bad.Suggestions, " or "))
	}
	if err == nil && known.String() != plain {
		err = fmt.Errorf("%q is spelled %q here", plain, known)
	}
	if err != nil {
		r.errorf(n, "%w", err)
		return fieldWanted{}, false
	}
	return fieldWanted{line: n.Line, path: path, segs: segs}, true
}

func didYouMean(word string, known []string) string {
	if near := udm.Nearest(word, known); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %q?)", near[0])
	}
	return ""
}
