package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

func convertAll(blocks map[string]*schema.Block) map[string]*tfprotov5.Schema {
	all := map[string]*tfprotov5.Schema{}
	for name, b := range blocks {
		all[name] = &tfprotov5.Schema{Block: convert(b)}
	}
	return all
}

func convert(b *schema.Block) *tfprotov5.SchemaBlock {
	to := &tfprotov5.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		to.Attributes = append(to.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: convertType(a.Type()),
			Required: a.Use() == "required", Optional: a.Use() == "optional",
			// The id of a resource can be read although nobody sets it.
			Computed: a.Use() == "computed" || name == "id" && a.Use() == "optional",
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		to.BlockTypes = append(to.BlockTypes, convertNested(name, b.Blocks[name]))
	}
	return to
}

func convertNested(name string, n *schema.Nested) *tfprotov5.SchemaNestedBlock {
	to := &tfprotov5.SchemaNestedBlock{TypeName: name, Block: convert(&n.Block), Nesting: tfprotov5.SchemaNestedBlockNestingModeList}
	switch {
	case n.Single:
		to.Nesting = tfprotov5.SchemaNestedBlockNestingModeSingle
		return to
	case n.Set:
		to.Nesting = tfprotov5.SchemaNestedBlockNestingModeSet
	}
	if n.Required {
		to.MinItems = 1
	}
	if !n.Many {
		to.MaxItems = 1
	}
	return to
}

func convertType(kind string) tftypes.Type {
	scalar := map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool}
	if t, ok := scalar[kind]; ok {
		return t
	}
	shape, element, _ := strings.Cut(strings.TrimSuffix(kind, ")"), "(")
	switch of := scalar[element]; {
	case of != nil && shape == "list":
		return tftypes.List{ElementType: of}
	case of != nil && shape == "set":
		return tftypes.Set{ElementType: of}
	case of != nil && shape == "map":
		return tftypes.Map{ElementType: of}
	}
	// A result with a structure: any path into it leads to a text.
	return tftypes.List{ElementType: tftypes.Map{ElementType: tftypes.String}}
}
