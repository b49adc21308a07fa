package golden

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v4"
)

// holdPartial holds the records of a case against the entries of its
// NAME.expect.yaml.
func (c *caseRun) holdPartial(entries []partial) {
	next := 0
	for _, p := range entries {
		i, err := p.find(c.records, next)
		if err != nil {
			c.fail(Failure{Kind: EventMissing, Line: p.of, Index: p.index, Expected: at(c.of.Partial, p.line), Message: err.Error()})
			continue
		}
		next = i + 1
		c.hold(&p, &c.records[i])
	}
}

// find answers the record that an entry is about: the one it names, or the one
// at next.
func (p *partial) find(records []record, next int) (int, error) {
	if p.of == 0 {
		if next >= len(records) {
			return 0, errors.New("the input has no more records")
		}
		return next, nil
	}
	found, count := -1, 0
	for i := range records {
		if records[i].line != p.of {
			continue
		}
		if p.index == nil || sameIndex(records[i].index, p.index) {
			if found < 0 {
				found = i
			}
			count++
		}
	}
	switch {
	case found < 0 && p.index != nil:
		return 0, fmt.Errorf("the input has no record %d in a page at line %d", *p.index, p.of)
	case found < 0:
		return 0, fmt.Errorf("the input has no record at line %d", p.of)
	case count > 1 && p.index == nil:
		return 0, fmt.Errorf("line %d is a page of %d records: say which with index", p.of, count)
	}
	return found, nil
}

// hold holds one record against one entry.
func (c *caseRun) hold(p *partial, rec *record) {
	if (p.reject == "") != (rec.reject == nil) || rec.reject != nil && rec.reject.Error != p.reject {
		f := Failure{Kind: OtherOutcome, Expected: at(c.of.Partial, p.line), Want: rawText(`"an event"`)}
		if p.reject != "" {
			f.Want = rawText(`{"reject":{"error":` + quote(p.reject) + `}}`)
		}
		c.failOutcome(f, rec)
		return
	}
	if rec.reject != nil {
		return
	}
	event := gjson.ParseBytes(rec.event)
	b := &blame{parser: c.parser, rec: rec}
	for _, f := range p.contains {
		got := lookup(event, f.segs)
		if !contains(got, f.want) {
			c.failPartial(rec, b, f, wantedJSON(f.want), got)
		}
	}
	for _, f := range p.absent {
		if got := lookup(event, f.segs); len(got) > 0 {
			c.failPartial(rec, b, f, "", got)
		}
	}
}

func (c *caseRun) failPartial(rec *record, b *blame, f fieldWanted, want string, got []found) {
	where := ""
	if len(got) > 0 {
		where = got[0].at
	}
	c.failField(Failure{
		Kind: FieldDiffers, Line: rec.line, Index: rec.index, Expected: at(c.of.Partial, f.line),
		Path: f.path, Want: rawText(want), Got: rawText(foundJSON(got)),
	}, b, where)
}

// contains reports whether what was found is what is wanted: a list is wanted
// whole and in its order, a single value anywhere.
func contains(got []found, want *yaml.Node) bool {
	var texts []string
	for _, f := range got {
		texts = appendTexts(texts, f.value)
	}
	if want.Kind != yaml.SequenceNode {
		return slices.Contains(texts, want.Value)
	}
	var wanted []string
	for _, n := range want.Content {
		wanted = append(wanted, n.Value)
	}
	return slices.Equal(texts, wanted)
}

func appendTexts(out []string, v gjson.Result) []string {
	switch {
	case v.IsArray():
		for _, element := range v.Array() {
			out = appendTexts(out, element)
		}
		return out
	case v.Type == gjson.String:
		return append(out, v.Str)
	}
	return append(out, v.Raw)
}

func wantedJSON(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		var parts []string
		for _, one := range n.Content {
			parts = append(parts, wantedJSON(one))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	if n.Tag != "!!str" && gjson.Valid(n.Value) {
		return n.Value
	}
	return quote(n.Value)
}

func foundJSON(got []found) string {
	var parts []string
	for _, f := range got {
		parts = append(parts, canonical(f.value))
	}
	if len(parts) > 1 {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return strings.Join(parts, "")
}
