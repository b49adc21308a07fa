// Package mapping turns JSON log records into events of the unified data model
// (UDM) of Google SecOps, by a declarative rule file.
//
// Compile checks a rule file and makes a Parser of it; Parser.Map maps one record
// and Stream a whole input. That is all most programs need:
//
//	src, err := mapping.ReadPack("asa.yaml")
//	p, err := mapping.Compile("asa.yaml", src, mapping.Options{})
//	event, err := p.Map(nil, record)
//
// A Parser never changes and is safe for concurrent use; a Mapper is the scratch
// memory of one goroutine that maps many records. Explain, Cover and Compare run
// the same plan and say what it does: where each value of one event comes from,
// what the rules do with a corpus, and what a change of the rules changes.
//
// docs/rules.md describes the language of rule files. Faults of a rule file come
// as an ErrorList, each with its place; a record that has no event comes back as a
// *Reject.
package mapping
