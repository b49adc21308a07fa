package check

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

// checkNames refuses labels that no reference could name.
func (m *module) checkNames(b *hclsyntax.Block) {
	if len(b.Labels) == 0 || b.Type == "provider" {
		return
	}
	at := len(b.Labels) - 1 // the label before is a type
	if !hclsyntax.ValidIdentifier(b.Labels[at]) {
		m.report(b.LabelRanges[at], "%s name %q: want letters, digits, _ and -, and a letter or _ first", b.Type, b.Labels[at])
	}
}

// checkVersions holds the constraints of a terraform block against their grammar.
func (m *module) checkVersions(b *hclsyntax.Block) {
	if a, ok := b.Body.Attributes["required_version"]; ok {
		m.constraint(a.Expr)
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "required_providers" {
			continue
		}
		for _, a := range inner.Body.Attributes {
			pairs, _ := hcl.ExprMap(a.Expr) // what is no map is a constraint alone
			for _, pair := range pairs {
				if hcl.ExprAsKeyword(pair.Key) == "version" {
					m.constraint(pair.Value)
				}
			}
		}
	}
}

var constraints = regexp.MustCompile(`^ *` + oneConstraint + ` *(, *` + oneConstraint + ` *)*$`)

const oneConstraint = `(=|!=|>|>=|<|<=|~>)? *v?[0-9]+(\.[0-9]+)*(-[0-9A-Za-z.-]+)?`

func (m *module) constraint(e hcl.Expression) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		m.report(e.Range(), "the version constraint is not a text")
	} else if !constraints.MatchString(v.AsString()) {
		m.report(e.Range(), `version constraint %q: want such as ">= 1.3, < 2.0"`, v.AsString())
	}
}

// checkMeta checks the arguments that each resource and call of a module has.
func (m *module) checkMeta(b *hclsyntax.Block) {
	if a, ok := b.Body.Attributes["count"]; ok {
		m.literal(a, cty.Number)
	}
	if a, ok := b.Body.Attributes["for_each"]; ok {
		if _, list := a.Expr.(*hclsyntax.TupleConsExpr); list {
			m.report(a.Expr.Range(), "for_each over a list: want a map or a set, such as toset([...])")
		}
	}
	if a, ok := b.Body.Attributes["depends_on"]; ok {
		m.checkDepends(a)
	}
}

func (m *module) checkDepends(a *hclsyntax.Attribute) {
	entries, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		m.report(a.Expr.Range(), "depends_on is not a list")
	}
	for _, e := range entries {
		if _, quoted := e.(*hclsyntax.TemplateExpr); quoted {
			m.report(e.Range(), "depends_on has a text: write the resource without quotes")
		}
	}
}

// checkIgnored holds the names in ignore_changes against the schema.
func (m *module) checkIgnored(b *hclsyntax.Block, of *schema.Block) {
	a, ok := b.Body.Attributes["ignore_changes"]
	if !ok || hcl.ExprAsKeyword(a.Expr) == "all" {
		return
	}
	entries, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		m.report(a.Expr.Range(), "ignore_changes is neither a list nor the word all")
	}
	for _, e := range entries {
		t, diags := hcl.RelTraversalForExpr(e)
		if diags.HasErrors() || len(t) == 0 {
			m.report(e.Range(), "ignore_changes wants names of arguments, without quotes")
			continue
		}
		name, ok := t[0].(hcl.TraverseAttr)
		if ok && of.Attributes[name.Name] == "" && of.Blocks[name.Name] == nil {
			m.report(e.Range(), "no argument %q to ignore%s", name.Name, suggest(name.Name, of.Attributes, of.Blocks))
		}
	}
}

// member checks the names behind a variable against its type, as far as that is
// one of objects.
func (m *module) member(names []string, at hcl.Range) {
	a, ok := m.variables[names[1]].Body.Attributes["type"]
	if !ok {
		return
	}
	kind, diags := typeexpr.TypeConstraint(a.Expr)
	if diags.HasErrors() {
		return
	}
	for _, name := range names[2:] {
		if !kind.IsObjectType() {
			return
		}
		if !kind.HasAttribute(name) {
			m.report(at, "variable %q has no attribute %q%s", names[1], name, suggest(name, kind.AttributeTypes()))
			return
		}
		kind = kind.AttributeType(name)
	}
}
