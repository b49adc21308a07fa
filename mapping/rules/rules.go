// Package rules holds the rule packs that ship with the product.
package rules

import "embed"

// FS holds the shipped rule packs, one YAML file each, named by what they map: asa.yaml,
// asa-corrected.yaml, github-audit.yaml, okta.yaml. A rule file of your own may name one of them in
// `extends`. It is read-only and safe for concurrent use.
//
//go:embed *.yaml
var FS embed.FS

// Schema is the JSON Schema of rule files (draft 2020-12), for editors.
//
//go:embed rules.schema.json
var Schema string
