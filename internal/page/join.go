package page

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/tidwall/gjson"
)

// joiner joins the events of one page.
type joiner struct {
	related    map[string]string
	unresolved int
	refs       []reference     // of the event at hand
	own        map[string]bool // its keys
	scratch    []byte
}

// reference is one value that was replaced.
type reference struct {
	path string // a JSON string without its quotes
	raw  string // the JSON string that stood there
}

func (j *joiner) event(event gjson.Result) []byte {
	if !event.IsObject() {
		return []byte(event.Raw)
	}
	j.refs = j.refs[:0]
	clear(j.own)
	b := append(j.scratch[:0], '{')
	event.ForEach(func(key, value gjson.Result) bool {
		j.own[key.Str] = true
		b = appendKey(b, key.Raw)
		if key.Str == "details" && value.IsObject() {
			b = j.appendDetails(b, value)
		} else {
			b = append(b, value.Raw...)
		}
		return true
	})
	if len(j.refs) > 0 {
		b = appendReferences(b, j.own, j.refs)
	}
	j.scratch = append(b, '}')
	return bytes.Clone(j.scratch)
}

func (j *joiner) appendDetails(b []byte, details gjson.Result) []byte {
	b = append(b, '{')
	details.ForEach(func(key, value gjson.Result) bool {
		b = appendKey(b, key.Raw)
		path := "details." + unquote(key.Raw)
		if value.IsArray() {
			b = j.appendList(b, path, value)
		} else {
			b = j.appendValue(b, path, value)
		}
		return true
	})
	return append(b, '}')
}

func (j *joiner) appendList(b []byte, path string, list gjson.Result) []byte {
	b = append(b, '[')
	i := 0
	list.ForEach(func(_, value gjson.Result) bool {
		if i > 0 {
			b = append(b, ',')
		}
		b = j.appendValue(b, path+"."+strconv.Itoa(i), value)
		i++
		return true
	})
	return append(b, ']')
}

func (j *joiner) appendValue(b []byte, path string, value gjson.Result) []byte {
	if value.Type != gjson.String || value.Str == "" {
		return append(b, value.Raw...)
	}
	object, known := j.related[value.Str]
	switch {
	case object != "":
		j.refs = append(j.refs, reference{path: path, raw: value.Raw})
		return append(b, object...)
	case known || looksLikeReference(value.Str):
		j.unresolved++
	}
	return append(b, value.Raw...)
}

// looksLikeReference reports whether s has the form of the API's references:
// base64 of 32 bytes, with padding.
func looksLikeReference(s string) bool {
	if len(s) != 44 || s[43] != '=' {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	return err == nil && len(raw) == 32
}

func appendReferences(b []byte, own map[string]bool, refs []reference) []byte {
	name := "references"
	for own[name] {
		name = "_" + name
	}
	b = appendKey(b, `"`+name+`"`)
	b = append(b, '{')
	for _, r := range refs {
		b = appendKey(b, `"`+r.path+`"`)
		b = append(b, r.raw...)
	}
	return append(b, '}')
}

// appendKey appends a key and its colon, behind a comma unless b has just
// opened an object.
func appendKey(b []byte, raw string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, raw...)
	return append(b, ':')
}

// unquote takes the quotes off a JSON string and leaves its escapes.
func unquote(raw string) string { return raw[1 : len(raw)-1] }
