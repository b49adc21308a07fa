// Package rulefmt writes rule files in their canonical form: keys in one order,
// short rules on one line, quotes only where they are needed.
//
// Format is all there is. It keeps every comment, and the rules it writes mean
// what they meant before.
package rulefmt

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/mapping"
)

// Width is how many characters a rule may take on one line, its indentation
// counted and a comment behind it not. A longer one is written key by key.
const Width = 150

// Format answers the canonical form of a rule file. name stands in messages.
// What is no rule file comes back as the mapping.ErrorList that mapping.Parse
// answers. src is not changed. The form is stable: formatted once more, it stays
// as it is.
//
// Line ends become newlines, and a byte order mark, document markers and tags
// fall off.
func Format(name string, src []byte) ([]byte, error) {
	before, err := mapping.Parse(name, src)
	if err != nil {
		return nil, err
	}
	t, err := read(src)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot format: %w", name, err)
	}
	t.normalize()
	out := t.print()
	after, err := mapping.Parse(name, out)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot format: the result is broken: %w", name, err)
	}
	if place := difference(before, after); place != "" {
		// Better no canonical form than another meaning.
		return nil, fmt.Errorf("%s: cannot format: %s would change", name, place)
	}
	return out, nil
}

// read builds the tree of a rule file, comments in place.
func read(src []byte) (*tree, error) {
	text := string(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")))
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc, yaml.WithV4Defaults()); err != nil {
		return nil, err
	}
	t := &tree{source: newSource(text)}
	root, err := t.build(doc.Content[0], file, nil)
	if err != nil {
		return nil, err
	}
	t.root = root
	t.findComments()
	t.attach()
	return t, nil
}
