package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// conditions lists the conditions that an event itself decides; rules under any
// other condition are kept for reading and skipped by validation.
var conditions = map[string]struct{ when, unless string }{
	"always":                {},
	"if_principal.port_set": {when: "principal.port"},
	"if_target.port_set":    {when: "target.port"},
	"if_principal_set":      {when: "principal"},
	"if_principal_not_set":  {unless: "principal"},
	"if_network_set":        {when: "network"},
}

// renderRules writes the rules, ordered by event type as in the enum with those
// for every event first, and the trie of the paths that they ask about.
func renderRules(w *bytes.Buffer, s *schema) error {
	ref, types, err := eventTypes(s)
	if err != nil {
		return err
	}
	trie := &watchTrie{schema: s}
	w.WriteString("var requirements = [...]Requirement{\n")
	starts := []int{0}
	count := 0
	for _, eventType := range append([]string{"*"}, types...) {
		for _, r := range s.rules {
			if r.eventType != eventType {
				continue
			}
			if err := renderRule(w, trie, r); err != nil {
				return fmt.Errorf("%s %s: %w", r.eventType, r.kind, err)
			}
			count++
		}
		starts = append(starts, count)
	}
	if count != len(s.rules) {
		return fmt.Errorf("%d rules name an event type, of %d", count, len(s.rules))
	}
	fmt.Fprintf(w, "}\n\n// eventTypeRef is the index of the enum of metadata.event_type.\nconst eventTypeRef = %d\n\n", ref)
	w.WriteString("// requirementStarts has the first rule of every event, of each type in the order of the enum, and the end.\n")
	fmt.Fprintf(w, "var requirementStarts = [...]uint16{%s}\n\n", strings.Trim(strings.ReplaceAll(fmt.Sprint(starts), " ", ", "), "[]"))
	return trie.render(w)
}

func eventTypes(s *schema) (ref int, names []string, err error) {
	ref = slices.IndexFunc(s.enums, func(e *enum) bool { return e.name == "Metadata.EventType" })
	if ref < 0 {
		return 0, nil, errors.New("no enum Metadata.EventType")
	}
	for _, v := range s.enums[ref].values {
		names = append(names, v.name)
	}
	return ref, names, nil
}

var ruleKinds = map[string]string{"required": "Required", "one_of": "OneOf", "forbidden": "Forbidden", "not_usable": "NotUsable"}

func renderRule(w *bytes.Buffer, trie *watchTrie, r *rule) error {
	kind, ok := ruleKinds[r.kind]
	if !ok {
		return fmt.Errorf("unknown requirement %q", r.kind)
	}
	var paths []string
	for _, p := range r.paths {
		// That there is not more than one item is the limit of the field.
		paths = append(paths, strings.TrimSuffix(p, ".count=1"))
	}
	fmt.Fprintf(w, "{EventType: %q, Kind: %s, Paths: %s, Condition: %q, Source: %q, Severity: %s",
		r.eventType, kind, quoteAll(paths), r.condition, strings.Join(r.sources, ", "), severity(r))
	if cond, ok := conditions[r.condition]; ok {
		fmt.Fprintf(w, ", where: %q, text: %q", commonParent(paths), sentence(r, paths, cond.when, cond.unless))
		if err := trie.renderMasks(w, paths, cond.when, cond.unless); err != nil {
			return err
		}
	}
	w.WriteString("},\n")
	return nil
}

// severity is Error for what was enforced and for what the error texts name. An
// event without time or type is no event, although only the guide says so.
func severity(r *rule) string {
	enforced := func(source string) bool { return source == "matrix" || strings.HasPrefix(source, "docs_") }
	if slices.ContainsFunc(r.sources, enforced) || r.eventType == "*" && r.kind == "required" && r.condition == "always" {
		return "Error"
	}
	return "Warning"
}

// sentence says what a violation of r is.
func sentence(r *rule, paths []string, when, unless string) string {
	subject := r.eventType
	if subject == "*" {
		subject = "an event"
	}
	list := strings.Join(paths, ", ")
	var text string
	switch {
	case r.kind == "not_usable":
		text = "a parser cannot give an event the type " + subject
	case r.kind == "forbidden":
		text = subject + " should not have " + list
	case len(paths) > 1:
		text = subject + " needs one of " + list
	default:
		text = subject + " needs " + list
	}
	switch {
	case when != "":
		text += " when " + when + " is set"
	case unless != "":
		text += " when " + unless + " is not set"
	}
	return text + " (" + strings.Join(r.sources, ", ") + ")"
}

// commonParent returns the deepest field that all paths are at or below, or "".
func commonParent(paths []string) string {
	if len(paths) == 0 {
		return "metadata.event_type"
	}
	first, _, _ := strings.Cut(paths[0], "=")
	common := strings.Split(first, ".")
	for _, p := range paths[1:] {
		p, _, _ = strings.Cut(p, "=")
		segments := strings.Split(p, ".")
		n := 0
		for n < min(len(common), len(segments)) && common[n] == segments[n] {
			n++
		}
		common = common[:n]
	}
	return strings.Join(common, ".")
}

func quoteAll(paths []string) string {
	if len(paths) == 0 {
		return "nil"
	}
	var quoted []string
	for _, p := range paths {
		quoted = append(quoted, fmt.Sprintf("%q", p))
	}
	return "[]string{" + strings.Join(quoted, ", ") + "}"
}
