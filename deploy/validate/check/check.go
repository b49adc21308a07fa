// Package check looks for faults in a Terraform module with neither Terraform nor
// a network: syntax, names and types against the provider's schema, references,
// and what this repository asks of a module beyond that, such as a description of
// each variable. Start with Dir.
package check

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

// Finding is one fault.
type Finding struct {
	File      string // as it was found: the folder and the name
	Line, Col int    // from 1
	Msg       string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Msg) }

// Dir checks the module in a folder, without the modules that it calls. All faults
// come at once, in the order of their places. The error is one of reading.
func Dir(dir string, provider *schema.Provider) ([]Finding, error) {
	m, err := load(dir, provider)
	if err != nil {
		return nil, err
	}
	if len(m.findings) == 0 {
		m.checkAll()
	}
	slices.SortFunc(m.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col, strings.Compare(a.Msg, b.Msg))
	})
	return slices.Compact(m.findings), nil
}

// module is what a folder declares.
type module struct {
	dir       string
	provider  *schema.Provider
	blocks    []*hclsyntax.Block
	variables map[string]*hclsyntax.Block
	outputs   map[string]*hclsyntax.Block
	calls     map[string]*module // by the name of the module block
	locals    map[string]*hclsyntax.Attribute
	resources map[string]*hclsyntax.Block // "type.name" and "data.type.name"
	used      map[string]bool             // "var.name" and "local.name"
	findings  []Finding
}

func (m *module) report(at hcl.Range, format string, args ...any) {
	m.findings = append(m.findings, Finding{at.Filename, at.Start.Line, at.Start.Column, fmt.Sprintf(format, args...)})
}

// load parses a folder's files and notes what they declare.
func load(dir string, provider *schema.Provider) (*module, error) {
	m := &module{
		dir: dir, provider: provider,
		variables: map[string]*hclsyntax.Block{}, outputs: map[string]*hclsyntax.Block{}, calls: map[string]*module{},
		locals: map[string]*hclsyntax.Attribute{}, resources: map[string]*hclsyntax.Block{}, used: map[string]bool{},
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no .tf file", dir)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m.parse(name, text)
	}
	for _, b := range m.blocks {
		m.declare(b)
	}
	return m, nil
}

func (m *module) parse(name string, text []byte) {
	f, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	for _, d := range diags {
		m.report(*d.Subject, "%s: %s", strings.ToLower(d.Summary), strings.TrimSuffix(d.Detail, "."))
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	for _, a := range body.Attributes {
		m.report(a.NameRange, "unexpected argument %q outside of a block", a.Name)
	}
	m.blocks = append(m.blocks, body.Blocks...)
}

// labels is how many labels each kind of block has.
var labels = map[string]int{
	"terraform": 0, "locals": 0, "variable": 1, "output": 1, "module": 1, "provider": 1, "resource": 2, "data": 2,
}

// declare notes a block of the top level.
func (m *module) declare(b *hclsyntax.Block) {
	n, ok := labels[b.Type]
	switch {
	case !ok:
		m.report(b.TypeRange, "unknown kind of block %q%s", b.Type, suggest(b.Type, labels))
		return
	case len(b.Labels) != n:
		m.report(b.TypeRange, "%s has %d labels, want %d", b.Type, len(b.Labels), n)
		return
	}
	switch b.Type {
	case "variable":
		declareOnce(m, m.variables, b.Labels[0], b)
	case "output":
		declareOnce(m, m.outputs, b.Labels[0], b)
	case "resource":
		declareOnce(m, m.resources, b.Labels[0]+"."+b.Labels[1], b)
	case "data":
		declareOnce(m, m.resources, "data."+b.Labels[0]+"."+b.Labels[1], b)
	case "module":
		m.declareCall(b)
	case "locals":
		for name, a := range b.Body.Attributes {
			if _, ok := m.locals[name]; ok {
				m.report(a.NameRange, "local %q is declared twice", name)
			}
			m.locals[name] = a
		}
	}
}

func declareOnce(m *module, in map[string]*hclsyntax.Block, name string, b *hclsyntax.Block) {
	if _, ok := in[name]; ok {
		m.report(b.DefRange(), "%s %q is declared twice", b.Type, name)
	}
	in[name] = b
}

// declareCall loads the module behind a block, which has to be a folder here.
func (m *module) declareCall(b *hclsyntax.Block) {
	source, ok := b.Body.Attributes["source"]
	if !ok {
		m.report(b.DefRange(), "missing required argument %q", "source")
		return
	}
	v, diags := source.Expr.Value(nil)
	if diags.HasErrors() || !strings.HasPrefix(v.AsString(), ".") {
		m.report(source.SrcRange, "the source of a module is a folder, such as ../..")
		return
	}
	called, err := load(filepath.Join(m.dir, v.AsString()), m.provider)
	if err != nil {
		m.report(source.SrcRange, "%v", err)
		return
	}
	m.calls[b.Labels[0]] = called
}
