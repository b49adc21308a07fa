package asagen

import (
	"encoding/json"
	"strconv"
)

// The records are built as trees of *object, []any, string, bool, literal and
// nil, because a Go map would lose the order of keys and the repeated ones.

type object struct{ members []member }

type member struct {
	key   string
	value any
	// spelled is the key as it stands in the text, if not key in plain quotes.
	spelled string
}

// literal is JSON text that is written as it is.
type literal string

// of builds an object from keys and values in turn.
func of(pairs ...any) *object {
	o := &object{members: make([]member, 0, len(pairs)/2+1)}
	for i := 0; i < len(pairs); i += 2 {
		o.members = append(o.members, member{key: pairs[i].(string), value: pairs[i+1]})
	}
	return o
}

func (o *object) get(key string) any {
	for _, m := range o.members {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// set replaces the value of key, or adds it at the end.
func (o *object) set(key string, value any) {
	for i, m := range o.members {
		if m.key == key {
			o.members[i].value = value
			return
		}
	}
	o.members = append(o.members, member{key: key, value: value})
}

// setPath sets the value at a path of keys and puts objects where there are none.
func (o *object) setPath(path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		next, ok := o.get(path[0]).(*object)
		if !ok {
			next = new(object)
			o.set(path[0], next)
		}
		o = next
	}
	o.set(path[0], value)
}

func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case *object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			if m.spelled != "" {
				dst = append(dst, m.spelled...)
			} else {
				dst = appendString(dst, m.key)
			}
			dst = appendJSON(append(dst, ':'), m.value)
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, element)
		}
		return append(dst, ']')
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case literal:
		return append(dst, v...)
	}
	return append(dst, "null"...)
}

func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}
