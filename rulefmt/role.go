package rulefmt

import "slices"

// role is what a place in a rule file is for. It decides the order of keys and
// whether a place may be written on one line.
type role uint8

const (
	texts    role = iota // a text, or a list of them
	file                 // the whole document
	pairs                // a mapping of names to texts
	ruleList             //
	rule                 //
	blocks               // rule lists by name
	armList              // the arms of a match
	arm                  // one of them
	extract              // {regex: ...}
	typeList             // the arms of event_type
	typeArm              // one of them
)

// member is a key and what its value is.
type member struct {
	key  string
	role role
}

var (
	fileKeys = []member{
		{"extends", texts}, {"remove", texts}, {"log_type", texts}, {"constants", pairs}, {"mappings", ruleList},
		{"blocks", blocks}, {"conditions", pairs}, {"event_type", typeList},
	}
	ruleKeys = []member{
		{"name", texts}, {"replaces", texts}, {"row", texts}, {"from", texts}, {"each", texts}, {"skip", texts},
		{"value", texts}, {"extract", extract}, {"match", armList}, {"format", texts}, {"time", texts},
		{"to", texts}, {"label", texts}, {"use", texts}, {"when", texts},
	}
	armKeys     = []member{{"regex", texts}, {"equals", texts}, {"value", texts}}
	extractKeys = []member{{"regex", texts}}
	typeKeys    = []member{{"row", texts}, {"when", texts}, {"is", texts}}
)

// keys answers the keys of a mapping in canonical order; nil where the author
// chooses keys and order.
func (r role) keys() []member {
	switch r {
	case file:
		return fileKeys
	case rule:
		return ruleKeys
	case arm:
		return armKeys
	case extract:
		return extractKeys
	case typeArm:
		return typeKeys
	}
	return nil
}

// rank answers where a key stands in the canonical order; one that is not known
// stands behind all others.
func (r role) rank(key string) int {
	known := r.keys()
	if i := slices.IndexFunc(known, func(m member) bool { return m.key == key }); i >= 0 {
		return i
	}
	return len(known)
}

// child answers the role of what stands below: under key in a mapping, and with
// key "" in a list.
func (r role) child(key string) role {
	switch r {
	case ruleList:
		return rule
	case armList:
		return arm
	case typeList:
		return typeArm
	case blocks:
		return ruleList
	}
	for _, m := range r.keys() {
		if m.key == key {
			return m.role
		}
	}
	return texts
}

// open reports whether a place is written over several lines, however short.
func (r role) open() bool {
	switch r {
	case file, pairs, ruleList, blocks, armList, typeList:
		return true
	}
	return false
}

// closed reports whether a place is written on one line, however long.
func (r role) closed() bool { return r == arm || r == extract }
