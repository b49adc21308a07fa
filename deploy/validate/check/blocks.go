package check

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

func (m *module) checkAll() {
	for _, b := range m.blocks {
		m.checkBlock(b)
		m.checkNames(b)
		m.references(b.Body, nil, b)
	}
	m.checkUse()
}

func (m *module) checkBlock(b *hclsyntax.Block) {
	switch b.Type {
	case "variable":
		m.checkVariable(b)
	case "output":
		m.known(b, []string{"description", "value", "sensitive", "depends_on"}, "precondition")
		m.documented(b)
		m.required(b, "value")
	case "module":
		m.checkCall(b)
	case "provider":
		m.known(b, []string{"project", "region", "alias"})
	case "terraform":
		m.known(b, []string{"required_version"}, "required_providers", "backend")
		m.required(b, "required_version")
		m.checkVersions(b)
	case "resource":
		m.checkResource(b, m.provider.Resources)
	case "data":
		m.checkResource(b, m.provider.Data)
	}
}

// known refuses arguments and blocks other than those named.
func (m *module) known(b *hclsyntax.Block, arguments []string, blocks ...string) {
	for name, a := range b.Body.Attributes {
		if !slices.Contains(arguments, name) {
			m.report(a.NameRange, "unsupported argument %q%s", name, suggestOf(name, arguments))
		}
	}
	for _, inner := range b.Body.Blocks {
		if !slices.Contains(blocks, inner.Type) {
			m.report(inner.TypeRange, "unsupported block %q%s", inner.Type, suggestOf(inner.Type, blocks))
		}
	}
}

func (m *module) required(b *hclsyntax.Block, name string) {
	if _, ok := b.Body.Attributes[name]; !ok {
		m.report(b.DefRange(), "missing required argument %q", name)
	}
}

func (m *module) documented(b *hclsyntax.Block) {
	a, ok := b.Body.Attributes["description"]
	if !ok {
		m.report(b.DefRange(), "%s %q has no description", b.Type, b.Labels[0])
		return
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || v.AsString() == "" {
		m.report(a.SrcRange, "%s %q: the description is not a text", b.Type, b.Labels[0])
	}
}

func (m *module) checkVariable(b *hclsyntax.Block) {
	m.known(b, []string{"description", "type", "default", "nullable", "sensitive"}, "validation")
	m.documented(b)
	a, ok := b.Body.Attributes["type"]
	if !ok {
		m.report(b.DefRange(), "variable %q has no type", b.Labels[0])
		return
	}
	kind, diags := typeexpr.TypeConstraint(a.Expr)
	for _, d := range diags {
		m.report(*d.Subject, "variable %q: %s", b.Labels[0], d.Detail)
	}
	if value, ok := b.Body.Attributes["default"]; ok && !diags.HasErrors() {
		m.literal(value, kind)
	}
	for _, inner := range b.Body.Blocks {
		m.known(inner, []string{"condition", "error_message"})
		m.required(inner, "condition")
		m.required(inner, "error_message")
	}
}

// checkCall holds the arguments of a module block against the variables behind it.
func (m *module) checkCall(b *hclsyntax.Block) {
	called, ok := m.calls[b.Labels[0]]
	if !ok {
		return
	}
	m.checkMeta(b)
	for name, a := range b.Body.Attributes {
		variable, ok := called.variables[name]
		switch {
		case slices.Contains([]string{"source", "version", "providers", "count", "for_each", "depends_on"}, name):
		case !ok:
			m.report(a.NameRange, "unsupported argument %q%s", name, suggest(name, called.variables))
		default:
			if kind, diags := typeexpr.TypeConstraint(variable.Body.Attributes["type"].Expr); !diags.HasErrors() {
				m.literal(a, kind)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(called.variables)) {
		if _, optional := called.variables[name].Body.Attributes["default"]; !optional {
			m.required(b, name)
		}
	}
}

// meta are the arguments that each resource has.
var meta = []string{"count", "for_each", "depends_on", "provider"}

func (m *module) checkResource(b *hclsyntax.Block, types map[string]*schema.Block) {
	of, ok := types[b.Labels[0]]
	if !ok {
		m.report(b.LabelRanges[0], "unknown %s type %q%s", b.Type, b.Labels[0], suggest(b.Labels[0], types))
		return
	}
	_, count := b.Body.Attributes["count"]
	if a, each := b.Body.Attributes["for_each"]; each && count {
		m.report(a.NameRange, "count and for_each exclude each other")
	}
	m.checkMeta(b)
	m.checkBody(b.Body, of, b.DefRange(), true)
}

// checkBody holds a body against its schema.
func (m *module) checkBody(body *hclsyntax.Body, of *schema.Block, at hcl.Range, top bool) {
	for name, a := range body.Attributes {
		if !top || !slices.Contains(meta, name) {
			m.checkAttribute(a, of)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of.Attributes)) {
		if _, ok := body.Attributes[name]; !ok && of.Attributes[name].Use() == "required" {
			m.report(at, "missing required argument %q", name)
		}
	}
	seen, latest := map[string]int{}, map[string]hcl.Range{}
	for _, b := range body.Blocks {
		if top && b.Type == "lifecycle" {
			m.checkLifecycle(b)
			m.checkIgnored(b, of)
			continue
		}
		name := m.checkNested(b, of)
		seen[name]++
		latest[name] = b.DefRange()
	}
	for _, name := range slices.Sorted(maps.Keys(of.Blocks)) {
		switch n := of.Blocks[name]; {
		case n.Required && seen[name] == 0:
			m.report(at, "missing required block %q", name)
		case !n.Many && seen[name] > 1:
			m.report(latest[name], "%d blocks %q, want one", seen[name], name)
		}
	}
}

func (m *module) checkAttribute(a *hclsyntax.Attribute, of *schema.Block) {
	attribute, ok := of.Attributes[a.Name]
	switch {
	case !ok && of.Blocks[a.Name] != nil:
		m.report(a.NameRange, "%q is a block, not an argument: leave out the =", a.Name)
	case !ok:
		m.report(a.NameRange, "unsupported argument %q%s", a.Name, suggest(a.Name, of.Attributes, of.Blocks))
	case attribute.Use() == "computed":
		m.report(a.NameRange, "%q is a result and cannot be set", a.Name)
	default:
		m.literal(a, ctyType(attribute.Type()))
	}
}

// checkNested checks a block and answers its name, which for a dynamic block is
// that of what it makes.
func (m *module) checkNested(b *hclsyntax.Block, of *schema.Block) string {
	name, body := b.Type, b.Body
	at := b.TypeRange
	if b.Type == "dynamic" && len(b.Labels) == 1 {
		name, at = b.Labels[0], b.LabelRanges[0]
		m.known(b, []string{"for_each", "iterator", "labels"}, "content")
		m.required(b, "for_each")
		if len(b.Body.Blocks) != 1 {
			m.report(b.DefRange(), "want one block \"content\"")
			return name
		}
		body = b.Body.Blocks[0].Body
	}
	nested, ok := of.Blocks[name]
	if !ok {
		m.report(at, "unsupported block %q%s", name, suggest(name, of.Blocks, of.Attributes))
		return name
	}
	m.checkBody(body, &nested.Block, b.DefRange(), false)
	return name
}

func (m *module) checkLifecycle(b *hclsyntax.Block) {
	m.known(b, []string{"prevent_destroy", "create_before_destroy", "ignore_changes", "replace_triggered_by"}, "precondition", "postcondition")
	for _, inner := range b.Body.Blocks {
		m.known(inner, []string{"condition", "error_message"})
		m.required(inner, "condition")
		m.required(inner, "error_message")
	}
}

// literal checks a value that refers to nothing.
func (m *module) literal(a *hclsyntax.Attribute, want cty.Type) {
	if want == cty.DynamicPseudoType || len(a.Expr.Variables()) > 0 || calls(a.Expr) {
		return
	}
	v, diags := a.Expr.Value(nil)
	for _, d := range diags {
		m.report(*d.Subject, "%s", d.Detail)
	}
	if diags.HasErrors() || v.IsNull() {
		return
	}
	if _, err := convert.Convert(v, want); err != nil {
		m.report(a.Expr.Range(), "argument %q: %v", a.Name, err)
	}
}

// calls reports whether an expression calls a function.
func calls(e hclsyntax.Expression) (found bool) {
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		_, call := n.(*hclsyntax.FunctionCallExpr)
		found = found || call
		return nil
	})
	return found
}

func ctyType(kind string) cty.Type {
	types := map[string]cty.Type{
		"string": cty.String, "number": cty.Number, "bool": cty.Bool,
		"list(string)": cty.List(cty.String), "set(string)": cty.Set(cty.String), "map(string)": cty.Map(cty.String),
		"list(number)": cty.List(cty.Number),
	}
	if t, ok := types[kind]; ok {
		return t
	}
	return cty.DynamicPseudoType
}
