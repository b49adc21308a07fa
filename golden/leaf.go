package golden

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// leaf is a value of an event as people name it: a field, a label by its key, or
// a whole list of texts.
type leaf struct {
	path string // principal.user.attribute.labels["actor_status"]
	at   string // principal.user.attribute.labels[0]
	list string // the list of labels it is in, or ""
	key  string // of the label, as JSON
	json string
}

// leaves takes an event apart, in its order.
func leaves(event gjson.Result) []leaf { return appendLeaves(nil, event, "", "") }

func appendLeaves(out []leaf, v gjson.Result, path, at string) []leaf {
	switch {
	case v.IsObject():
		empty := true
		v.ForEach(func(key, member gjson.Result) bool {
			empty = false
			out = appendLeaves(out, member, joinKey(path, key.Str), joinKey(at, key.Str))
			return true
		})
		if empty && path != "" {
			out = append(out, leaf{path: path, at: at, json: "{}"})
		}
		return out
	case v.IsArray() && holdsLabels(v):
		return appendLabels(out, v, path, at)
	case v.IsArray() && holdsObjects(v):
		for i, element := range v.Array() {
			index := "[" + strconv.Itoa(i) + "]"
			out = appendLeaves(out, element, path+index, at+index)
		}
		return out
	}
	return append(out, leaf{path: path, at: at, json: canonical(v)})
}

// appendLabels names labels by their key, and by a number those that share one.
func appendLabels(out []leaf, v gjson.Result, path, at string) []leaf {
	seen := make(map[string]int)
	for i, label := range v.Array() {
		key := quote(label.Get("key").Str)
		name := path + "[" + key + "]"
		if n := seen[key]; n > 0 {
			name += "[" + strconv.Itoa(n) + "]"
		}
		seen[key]++
		out = append(out, leaf{
			path: name, at: at + "[" + strconv.Itoa(i) + "]",
			list: path, key: key, json: canonical(label.Get("value")),
		})
	}
	return out
}

// holdsLabels reports whether all elements of a list are pairs of key and value.
func holdsLabels(v gjson.Result) bool {
	all := v.Array()
	for _, element := range all {
		members := 0
		element.ForEach(func(_, _ gjson.Result) bool { members++; return true })
		if members != 2 || !element.IsObject() || element.Get("key").Type != gjson.String || !element.Get("value").Exists() {
			return false
		}
	}
	return len(all) > 0
}

func holdsObjects(v gjson.Result) bool {
	for _, element := range v.Array() {
		if !element.IsObject() {
			return false
		}
	}
	return len(v.Array()) > 0
}

// joinKey puts a member's name behind a path: with a dot, or quoted in brackets
// where it is no plain name or stands in additional, where any text may be one.
func joinKey(path, key string) string {
	switch {
	case path == "" && isName(key):
		return key
	case path != "additional" && isName(key):
		return path + "." + key
	}
	return path + "[" + quote(key) + "]"
}

func isName(key string) bool {
	for i := range len(key) {
		c := key[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return key != ""
}

// canonical writes a value so that equal values have equal texts.
func canonical(v gjson.Result) string {
	switch {
	case v.Type == gjson.String:
		return quote(v.Str)
	case v.IsArray():
		var parts []string
		for _, element := range v.Array() {
			parts = append(parts, canonical(element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case v.IsObject():
		var parts []string
		v.ForEach(func(key, member gjson.Result) bool {
			parts = append(parts, quote(key.Str)+":"+canonical(member))
			return true
		})
		return "{" + strings.Join(parts, ",") + "}"
	}
	return v.Raw
}

// quote writes a text as JSON, with as few escapes as JSON allows.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text has no error
	return strings.TrimSuffix(b.String(), "\n")
}
