package mapping

import (
	"fmt"
	"path"
	"slices"
)

// maxExtends bounds a chain of files that extend each other.
const maxExtends = 16

// load reads a rule file and, below it, the files it extends.
func (c *compiler) load(name string, src []byte) *Ruleset {
	return c.loadChain(name, src, nil)
}

// loadChain reads a rule file that those above extend, one the other.
func (c *compiler) loadChain(name string, src []byte, above []string) *Ruleset {
	rs := parse(&c.faults, name, src)
	c.incomplete = c.incomplete || rs.unread
	if !rs.Extends.given() {
		return rs
	}
	above = append(above, name)
	if len(above) > maxExtends {
		c.errorf(rs.Extends.Pos, "more than %d files extend each other", maxExtends)
		c.incomplete = true
		return rs
	}
	file, base, err := c.readBase(name, rs.Extends.Value)
	if err != nil {
		c.errorf(rs.Extends.Pos, "cannot read the file to extend: %v", err).Hint =
			hintOf(rs.Extends.Value, Packs(), "a path relative to this file, or one of: ")
		c.incomplete = true
		return rs
	}
	if slices.Contains(above, file) {
		c.errorf(rs.Extends.Pos, "%s extends itself", file)
		c.incomplete = true
		return rs
	}
	return c.extend(c.loadChain(file, base, above), rs)
}

// readBase finds the file an extends names: beside the file that says so, or
// among the shipped packs.
func (c *compiler) readBase(from, name string) (file string, src []byte, err error) {
	if c.opts.ReadFile != nil {
		file = name
		if !path.IsAbs(name) {
			file = path.Join(path.Dir(from), name)
		}
		if src, err = c.opts.ReadFile(file); err == nil {
			return file, src, nil
		}
	}
	packed, packErr := ReadPack(name)
	if packErr != nil && err != nil {
		return file, nil, err
	}
	return name, packed, packErr
}

// extend answers the rules of base with those of ext on top.
func (c *compiler) extend(base, ext *Ruleset) *Ruleset {
	rs := *base
	rs.Name, rs.Extends = ext.Name, Text{}
	if ext.LogType.given() {
		rs.LogType = ext.LogType
	}
	rs.Constants = mergePairs(base.Constants, ext.Constants)
	rs.Conditions = mergePairs(base.Conditions, ext.Conditions)
	rs.Blocks = slices.Clone(base.Blocks)
	for _, b := range ext.Blocks {
		if i := slices.IndexFunc(rs.Blocks, func(o *Block) bool { return o.Name.Value == b.Name.Value }); i >= 0 {
			rs.Blocks[i] = b
		} else {
			rs.Blocks = append(rs.Blocks, b)
		}
	}
	if len(ext.EventType) > 0 {
		rs.EventType, rs.EventTypes = ext.EventType, ext.EventTypes
	}
	rs.Mappings = c.extendRules(base.Mappings, ext)
	return &rs
}

func mergePairs(base, ext []Pair) []Pair {
	out := slices.Clone(base)
	for _, p := range ext {
		if i := slices.IndexFunc(out, func(o Pair) bool { return o.Key.Value == p.Key.Value }); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// extendRules answers the base's rules without those that ext removes, with
// those that ext replaces in their old place, and with ext's others at the end.
func (c *compiler) extendRules(base []*Rule, ext *Ruleset) []*Rule {
	gone := make(map[*Rule]bool)
	instead := make(map[*Rule]*Rule)
	for _, name := range ext.Remove {
		if r := c.baseRule(base, name); r != nil {
			gone[r] = true
		}
	}
	var added []*Rule
	for _, r := range ext.Mappings {
		if len(r.Replaces) == 0 {
			added = append(added, r)
		}
		for i, name := range r.Replaces {
			old := c.baseRule(base, name)
			switch {
			case old == nil:
			case instead[old] != nil || gone[old]:
				c.errorf(name.Pos, "the rule %q is replaced or removed twice", name.Value)
			case i == 0:
				instead[old] = r
			default:
				gone[old] = true
			}
		}
	}
	var out []*Rule
	for _, r := range base {
		if n := instead[r]; n != nil {
			out = append(out, n)
		} else if !gone[r] {
			out = append(out, r)
		}
	}
	return append(out, added...)
}

// baseRule finds the one rule that name stands for.
func (c *compiler) baseRule(base []*Rule, name Text) *Rule {
	var found []*Rule
	var ids []string
	for _, r := range base {
		ids = append(ids, r.ID())
		if r.ID() == name.Value {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		c.errorf(name.Pos, "the extended file has no rule %q", name.Value).Hint = hintOf(name.Value, ids, "")
		return nil
	case 1:
		return found[0]
	}
	c.errorf(name.Pos, "the extended file has %d rules %q", len(found), name.Value).Hint =
		fmt.Sprintf("give them names of their own; the second is at %s", found[1].Pos)
	return nil
}
