// Package schema knows the resources of the Google provider that deploy/terraform
// uses: their attributes and blocks, as facts in google.json. The command extract
// writes that file.
package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed google.json
var google []byte

// Provider is the schema of a provider's resources and data sources by type name.
type Provider struct {
	Provider  string            `json:"provider"`
	Source    string            `json:"source"`
	Resources map[string]*Block `json:"resources"`
	Data      map[string]*Block `json:"data"`
}

// Block is the body of a resource or of a nested block. Neither map holds the
// names that Terraform itself knows, such as count.
type Block struct {
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Blocks     map[string]*Nested   `json:"blocks,omitempty"`
}

// Nested is a block within another.
type Nested struct {
	Required bool `json:"required,omitempty"`
	Many     bool `json:"many,omitempty"`   // it may stand there more than once
	Set      bool `json:"set,omitempty"`    // the order of many has no meaning
	Single   bool `json:"single,omitempty"` // it is an object in expressions, and no list of one
	Block
}

// Attribute is "required", "optional" or "computed", a space, and the type:
// string, number, bool, list(string), set(string), map(string), list(number), or
// dynamic for results with a structure that nobody sets.
type Attribute string

// Use answers the attribute's first word.
func (a Attribute) Use() string {
	use, _, _ := strings.Cut(string(a), " ")
	return use
}

// Type answers the attribute's type.
func (a Attribute) Type() string {
	_, kind, _ := strings.Cut(string(a), " ")
	return kind
}

// Google reads the embedded schema.
func Google() (*Provider, error) {
	p := &Provider{}
	if err := json.Unmarshal(google, p); err != nil {
		return nil, fmt.Errorf("read the provider's schema: %w", err)
	}
	return p, nil
}
