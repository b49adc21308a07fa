package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

// The bindings are generated, so that each thing always looks the same.
var (
	// A function for each block lists what may be set therein.
	functions = regexp.MustCompile(`(?ms)^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}`)
	classes   = regexp.MustCompile(`(?ms)^class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}`)
	rootList  = regexp.MustCompile(`(?ms)^    synthesizeHclAttributes\(\) \{\n(.*?)^    \}`)
	typeName  = regexp.MustCompile(`(?m)^\w+\.tfResourceType = "(\w+)";`)
	field     = regexp.MustCompile(`(?s)\n\s+(\w+): \{\s+value: ([^\n]*),\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)",`)
	setter    = regexp.MustCompile(`\((?:struct\.|this\._)(\w+?)(?:\.internalValue)?\)$`)
	mapper    = regexp.MustCompile(`(?:^|\()(\w+)ToHclTerraform[(,]`)
	// What the server alone sets has a getter and no function.
	getter  = regexp.MustCompile(`this\.get(\w+)Attribute\('(\w+)'\)`)
	results = regexp.MustCompile(`= new ([\w.]+)\(this, "(\w+)"`)
)

type file struct {
	functions map[string]string // body by the name of the block's type, which begins in lower case
	classes   map[string]string // body by the name of the class
}

// readResource answers a resource's type name and schema.
func readResource(text string) (string, *schema.Block, error) {
	name, root := typeName.FindStringSubmatch(text), rootList.FindStringSubmatch(text)
	if name == nil || root == nil {
		return "", nil, errors.New("not a resource")
	}
	f := file{map[string]string{}, map[string]string{}}
	for _, m := range functions.FindAllStringSubmatch(text, -1) {
		f.functions[m[1]] = m[2]
	}
	rootClass := ""
	for _, m := range classes.FindAllStringSubmatch(text, -1) {
		f.classes[m[1]] = m[3]
		if m[2] == "TerraformResource" || m[2] == "TerraformDataSource" {
			rootClass = m[3]
		}
	}
	if rootClass == "" {
		return "", nil, errors.New("no class of the resource")
	}
	block, err := f.block(root[1], rootClass)
	return name[1], block, err
}

// block reads what may be set out of list, and the rest out of its class.
func (f file) block(list, class string) (*schema.Block, error) {
	b := &schema.Block{Attributes: map[string]schema.Attribute{}, Blocks: map[string]*schema.Nested{}}
	for _, m := range field.FindAllStringSubmatch(list, -1) {
		name, value, isBlock, shape, kind := m[1], m[2], m[3] == "true", m[4], m[5]
		set := setter.FindStringSubmatch(value)
		if set == nil {
			return nil, fmt.Errorf("%s: no setter in %q", name, value)
		}
		// Only what need not be set can be taken back.
		required := !strings.Contains(class, " reset"+upper(set[1])+"()")
		if !isBlock {
			kind, err := attributeType(shape, kind)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			b.Attributes[name] = attribute(required, kind)
			continue
		}
		nested, err := f.nested(value, shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		nested.Required = required
		b.Blocks[name] = nested
	}
	addComputed(b, class)
	return b, nil
}

func (f file) nested(value, shape string) (*schema.Nested, error) {
	of := mapper.FindStringSubmatch(value)
	if of == nil {
		return nil, fmt.Errorf("no type in %q", value)
	}
	list, ok := f.functions[of[1]]
	if !ok {
		return nil, fmt.Errorf("no function of %s", of[1])
	}
	class, ok := f.classes[upper(of[1])+"OutputReference"]
	if !ok {
		return nil, fmt.Errorf("no class of %s", of[1])
	}
	inner, err := f.block(list, class)
	if err != nil {
		return nil, err
	}
	return &schema.Nested{
		Many: strings.Contains(value, "listMapperHcl"), Set: shape == "set", Single: shape == "struct", Block: *inner,
	}, nil
}

func addComputed(b *schema.Block, class string) {
	for _, m := range getter.FindAllStringSubmatch(class, -1) {
		kind := map[string]string{"String": "string", "Number": "number", "Boolean": "bool", "List": "list(string)",
			"NumberList": "list(number)", "StringMap": "map(string)"}[m[1]]
		computed(b, m[2], kind)
	}
	for _, m := range results.FindAllStringSubmatch(class, -1) {
		computed(b, m[2], map[string]string{"cdktf.StringMap": "map(string)"}[m[1]])
	}
}

// computed adds a result, unless it can be set, too.
func computed(b *schema.Block, name, kind string) {
	if _, ok := b.Attributes[name]; ok || b.Blocks[name] != nil {
		return
	}
	if kind == "" {
		kind = "dynamic"
	}
	b.Attributes[name] = schema.Attribute("computed " + kind)
}

func attribute(required bool, kind string) schema.Attribute {
	if required {
		return schema.Attribute("required " + kind)
	}
	return schema.Attribute("optional " + kind)
}

func attributeType(shape, kind string) (string, error) {
	scalar := map[string]string{"string": "string", "number": "number", "boolean": "bool"}
	element := map[string]string{"stringList": "string", "numberList": "number", "stringMap": "string"}
	switch {
	case shape == "simple" && scalar[kind] != "":
		return scalar[kind], nil
	case (shape == "list" || shape == "set" || shape == "map") && element[kind] != "":
		return shape + "(" + element[kind] + ")", nil
	}
	return "", fmt.Errorf("unknown type %s of %s", shape, kind)
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
