package main

import (
	"github.com/tidwall/gjson"
)

// eventWriter appends an event as JSON. Messages and lists in which nothing
// stands are left out.
type eventWriter struct {
	record     []byte
	dst        []byte
	targetUser bool
}

// get answers what stands at a path of the record.
func (w *eventWriter) get(path string) gjson.Result { return gjson.GetBytes(w.record, path) }

// message appends a message whose fields body appends.
func (w *eventWriter) message(name string, body func()) {
	mark := len(w.dst)
	w.name(name)
	w.around('{', '}', mark, body)
}

// list appends a list whose elements body appends.
func (w *eventWriter) list(name string, body func()) {
	mark := len(w.dst)
	w.name(name)
	w.around('[', ']', mark, body)
}

// element appends a message to a list.
func (w *eventWriter) element(body func()) {
	mark := len(w.dst)
	w.comma()
	w.around('{', '}', mark, body)
}

// around appends body between brackets, or goes back to mark if it is empty.
func (w *eventWriter) around(opening, closing byte, mark int, body func()) {
	w.dst = append(w.dst, opening)
	inside := len(w.dst)
	body()
	if len(w.dst) == inside {
		w.dst = w.dst[:mark]
		return
	}
	w.dst = append(w.dst, closing)
}

func (w *eventWriter) comma() {
	if last := w.dst[len(w.dst)-1]; last != '{' && last != '[' {
		w.dst = append(w.dst, ',')
	}
}

func (w *eventWriter) name(name string) {
	w.comma()
	w.dst = append(append(append(w.dst, '"'), name...), `":`...)
}

// string appends a field unless its value is empty.
func (w *eventWriter) string(name, value string) bool {
	if value == "" {
		return false
	}
	w.name(name)
	w.dst = gjson.AppendJSONString(w.dst, value)
	return true
}

// strings appends a repeated field unless it is empty.
func (w *eventWriter) strings(name string, values []string) bool {
	w.list(name, func() {
		for _, v := range values {
			w.comma()
			w.dst = gjson.AppendJSONString(w.dst, v)
		}
	})
	return len(values) > 0
}

// text appends a field for a scalar of the record. It reports whether there is
// anything to copy.
func (w *eventWriter) text(name string, v gjson.Result) bool {
	return w.string(name, textOf(v))
}

// first appends a field for the first scalar that is not empty.
func (w *eventWriter) first(name string, values ...gjson.Result) bool {
	for _, v := range values {
		if w.text(name, v) {
			return true
		}
	}
	return false
}

// texts appends a repeated field for a scalar or a list of them.
func (w *eventWriter) texts(name string, v gjson.Result) bool {
	var values []string
	for _, element := range v.Array() {
		if s := textOf(element); s != "" {
			values = append(values, s)
		}
	}
	return w.strings(name, values)
}

// label appends a label to a list for a scalar of the record.
func (w *eventWriter) label(key string, v gjson.Result) {
	if value := textOf(v); value != "" {
		w.element(func() {
			w.string("key", key)
			w.string("value", value)
		})
	}
}

// textOf answers the text of a scalar: a number's as it is written.
func textOf(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number, gjson.True, gjson.False:
		return v.Raw
	}
	return ""
}
