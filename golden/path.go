package golden

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// segment is one step of a path into an event: a member's name, a position in a
// list, or the key of a label.
type segment struct {
	name  string
	index int // -1 for a name or a key
	key   bool
}

// parsePath reads a path such as intermediary[0].resource.name or
// target.asset.attribute.labels["server_state"].
func parsePath(path string) ([]segment, error) {
	var out []segment
	for rest := path; rest != ""; {
		switch {
		case rest[0] == '[':
			seg, size, ok := bracket(rest)
			if !ok {
				return nil, fmt.Errorf("bad path %q: want [0] or [\"key\"] at %q", path, rest)
			}
			out = append(out, seg)
			rest = rest[size:]
		default:
			if len(out) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("bad path %q: want . or [ at %q", path, rest)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest+".", ".[")
			if end == 0 {
				return nil, fmt.Errorf("bad path %q: a name is missing", path)
			}
			out = append(out, segment{name: rest[:end], index: -1})
			rest = rest[end:]
		}
	}
	if len(out) == 0 || out[0].index >= 0 || out[0].key {
		return nil, fmt.Errorf("bad path %q: want the name of a UDM field first", path)
	}
	return out, nil
}

// bracket reads [0] or ["key"] and answers how many bytes it takes.
func bracket(text string) (seg segment, size int, ok bool) {
	if strings.HasPrefix(text, `["`) {
		dec := json.NewDecoder(strings.NewReader(text[1:]))
		if dec.Decode(&seg.name) != nil {
			return seg, 0, false
		}
		seg.index, seg.key = -1, true
		size = 1 + int(dec.InputOffset())
	} else {
		size = max(1, strings.IndexByte(text, ']'))
		index, err := strconv.Atoi(text[1:size])
		if err != nil || index < 0 {
			return seg, 0, false
		}
		seg.index = index
	}
	if !strings.HasPrefix(text[size:], "]") {
		return seg, 0, false
	}
	return seg, size + 1, true
}

// found is a value that a path leads to, and where it stands.
type found struct {
	value gjson.Result
	at    string
}

// lookup answers all values a path leads to. Where a name follows a list, any of
// its elements will do.
func lookup(event gjson.Result, segs []segment) []found {
	all := []found{{value: event}}
	for _, seg := range segs {
		var next []found
		for _, f := range all {
			next = seg.appendFound(next, f)
		}
		all = next
	}
	return all
}

func (s segment) appendFound(out []found, f found) []found {
	if !f.value.IsArray() {
		if s.index < 0 {
			f.value.ForEach(func(key, value gjson.Result) bool {
				if key.Str == s.name {
					out = append(out, found{value, joinKey(f.at, s.name)})
				}
				return true
			})
		}
		return out
	}
	for i, element := range f.value.Array() {
		one := found{element, f.at + "[" + strconv.Itoa(i) + "]"}
		switch {
		case s.key && element.Get("key").Str == s.name:
			out = append(out, found{element.Get("value"), one.at})
		case s.index == i:
			out = append(out, one)
		case s.index < 0 && !s.key:
			out = s.appendFound(out, one)
		}
	}
	return out
}
