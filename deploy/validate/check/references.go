package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// references checks all names in a body. iterators are those of the dynamic
// blocks around it, top is the block of the top level that it belongs to.
func (m *module) references(body *hclsyntax.Body, iterators []string, top *hclsyntax.Block) {
	for name, a := range body.Attributes {
		switch {
		case top.Type == "variable" && name == "type", top.Type == "terraform", top.Type == "module" && name == "providers":
			// These are words, not expressions.
		case name == "ignore_changes":
		default:
			m.expression(a.Expr, iterators, top)
		}
	}
	for _, b := range body.Blocks {
		inner := iterators
		if b.Type == "dynamic" && len(b.Labels) == 1 {
			inner = append(slices.Clone(iterators), iterator(b))
		}
		m.references(b.Body, inner, top)
	}
}

func iterator(dynamic *hclsyntax.Block) string {
	if a, ok := dynamic.Body.Attributes["iterator"]; ok {
		if name := hcl.ExprAsKeyword(a.Expr); name != "" {
			return name
		}
	}
	return dynamic.Labels[0]
}

func (m *module) expression(e hclsyntax.Expression, iterators []string, top *hclsyntax.Block) {
	for _, t := range e.Variables() {
		m.traversal(t, iterators, top)
	}
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			if !functions[n.Name] {
				m.report(n.NameRange, "unknown function %q%s", n.Name, suggest(n.Name, functions))
			}
			m.checkArguments(n)
		case *hclsyntax.SplatExpr:
			m.splat(n)
		}
		return nil
	})
}

// traversal checks a reference such as var.name or google_x.y[0].id.
func (m *module) traversal(t hcl.Traversal, iterators []string, top *hclsyntax.Block) {
	root, at := t.RootName(), t.SourceRange()
	names := steps(t)
	switch root {
	case "var":
		m.variable(names, at, top)
	case "local":
		if len(names) < 2 || m.locals[names[1]] == nil {
			m.report(at, "undeclared local value %q%s", strings.Join(names, "."), suggest(last(names), m.locals))
			return
		}
		m.used["local."+names[1]] = true
	case "module":
		m.moduleOutput(names, at)
	case "each", "count":
		m.meta(root, at, top)
	case "self", "path", "terraform":
	case "data":
		if len(names) > 0 {
			m.resource(names[1:], "data.", t, 3, at)
		}
	default:
		if !slices.Contains(iterators, root) {
			m.resource(names, "", t, 2, at)
		}
	}
}

// steps answers the names of a traversal up to the first index.
func steps(t hcl.Traversal) []string {
	names := []string{t.RootName()}
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		names = append(names, a.Name)
	}
	return names
}

func last(names []string) string { return names[len(names)-1] }

func (m *module) variable(names []string, at hcl.Range, top *hclsyntax.Block) {
	if len(names) < 2 || m.variables[names[1]] == nil {
		m.report(at, "undeclared variable %q%s", strings.Join(names, "."), suggest(last(names), m.variables))
		return
	}
	m.member(names, at)
	if top.Type != "variable" {
		m.used["var."+names[1]] = true
		return
	}
	if names[1] != top.Labels[0] {
		m.report(at, "the validation of variable %q asks for another variable, which Terraform before 1.9 refuses", top.Labels[0])
	}
}

func (m *module) moduleOutput(names []string, at hcl.Range) {
	if len(names) < 2 || m.calls[names[1]] == nil {
		m.report(at, "undeclared module %q%s", strings.Join(names, "."), suggest(last(names), m.calls))
		return
	}
	called := m.calls[names[1]]
	if len(names) > 2 && called.outputs[names[2]] == nil {
		m.report(at, "module %q has no output %q%s", names[1], names[2], suggest(names[2], called.outputs))
	}
}

// meta checks that each and count are there.
func (m *module) meta(root string, at hcl.Range, top *hclsyntax.Block) {
	want := map[string]string{"each": "for_each", "count": "count"}[root]
	if _, ok := top.Body.Attributes[want]; !ok {
		m.report(at, "%s is for blocks with %s", root, want)
	}
}

// resource checks a reference to a resource: that it is declared, that it has an
// index if there may be several, and the argument or result behind. after is how
// many steps of the traversal name the resource.
func (m *module) resource(names []string, prefix string, t hcl.Traversal, after int, at hcl.Range) {
	if len(names) < 2 {
		m.report(at, "unknown name %q", prefix+names[0])
		return
	}
	name := prefix + names[0] + "." + names[1]
	b := m.resources[name]
	if b == nil {
		m.report(at, "undeclared resource %q%s", name, suggest(name, m.resources))
		return
	}
	rest := t[after:]
	if len(rest) == 0 {
		return
	}
	if _, index := rest[0].(hcl.TraverseIndex); index != several(b) {
		m.report(at, "resource %q %s", name, map[bool]string{true: "is one of several, and needs an index", false: "is one, and has no index"}[several(b)])
		return
	} else if index {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if a, ok := rest[0].(hcl.TraverseAttr); ok {
			m.result(b, a.Name, at)
		}
	}
}

func several(resource *hclsyntax.Block) bool {
	_, count := resource.Body.Attributes["count"]
	_, each := resource.Body.Attributes["for_each"]
	return count || each
}

// result checks that a resource has something by a name.
func (m *module) result(b *hclsyntax.Block, name string, at hcl.Range) {
	types := m.provider.Resources
	if b.Type == "data" {
		types = m.provider.Data
	}
	of := types[b.Labels[0]]
	if of == nil || of.Attributes[name] != "" || of.Blocks[name] != nil {
		return
	}
	m.report(at, "%s has no attribute %q%s", b.Labels[0], name, suggest(name, of.Attributes, of.Blocks))
}

// splat checks the result behind resource[*].
func (m *module) splat(n *hclsyntax.SplatExpr) {
	source, ok := n.Source.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return
	}
	each, ok := n.Each.(*hclsyntax.RelativeTraversalExpr)
	b := m.resources[strings.Join(steps(source.Traversal), ".")]
	if !ok || b == nil || len(each.Traversal) == 0 {
		return
	}
	if a, ok := each.Traversal[0].(hcl.TraverseAttr); ok {
		m.result(b, a.Name, n.Range())
	}
}

// checkUse reports what is declared in vain.
func (m *module) checkUse() {
	for _, name := range slices.Sorted(maps.Keys(m.variables)) {
		if !m.used["var."+name] {
			m.report(m.variables[name].DefRange(), "variable %q is never used", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.locals)) {
		if !m.used["local."+name] {
			m.report(m.locals[name].NameRange, "local value %q is never used", name)
		}
	}
}
