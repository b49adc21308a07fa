package udm

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// teller writes random events and tells a Validator of what it writes.
type teller struct {
	*rand.Rand
	event []byte
	v     *Validator
	sites map[string]*Site
}

// texts are values for strings of any kind: right for some fields, wrong for others.
var texts = []string{
	"x", "a b", `a\nb`, `\u00e9t\u00e9`, "日本", "192.0.2.1", "::1", "10.0.0.256", "00:1b:44:11:3a:b7", "gw-1.example.com", "gw_1", "a@example.com",
	"https://example.com/a", "d41d8cd98f00b204e9800998ecf8427e", "2026-03-01T08:15:30.123Z", "2026-02-30T00:00:00Z", "3.5s", "AQI=", "443", "-1", "1e400",
	"USER_LOGIN", "LINUX", "asset:1", "asset:", "google:x:y",
}

var tokens = []string{"1", "0", "-7", "443.5", "99999999999", "1e400", "1.5", "true", "false"}

// message writes an object with some of the fields of m and reports whether it has
// any; path is the way to m.
func (t *teller) message(m *Message, path Path, levels int) bool {
	fields := 1 + t.IntN(4)
	some := false
	t.event = append(t.event, '{')
	for i := range m.Fields {
		f := &m.Fields[i]
		if t.IntN(len(m.Fields)) >= fields && f.Name != "metadata" && f.Name != "event_type" && (f.Name != "port" || t.IntN(8) > 0) {
			continue
		}
		mark := len(t.event)
		if some {
			t.event = append(t.event, ',')
		}
		t.event = append(strconv.AppendQuote(t.event, f.Name), ':')
		if t.field(f, append(slices.Clip(path), Step{Field: f}), levels) {
			some = true
		} else {
			t.event = t.event[:mark]
		}
	}
	t.event = append(t.event, '}')
	return some
}

func (t *teller) field(f *Field, path Path, levels int) bool {
	if !f.Repeated {
		return t.value(f, path, levels)
	}
	items := 0
	t.event = append(t.event, '[')
	for range 1 + t.IntN(3) {
		mark := len(t.event)
		if items > 0 {
			t.event = append(t.event, ',')
		}
		if t.value(f, path, levels) {
			items++
		} else {
			t.event = t.event[:mark]
		}
	}
	t.event = append(t.event, ']')
	return items > 0
}

func (t *teller) value(f *Field, path Path, levels int) bool {
	switch f.Kind {
	case MessageKind:
		return levels > 0 && t.message(f.Message(), path, levels-1)
	case Map:
		t.event = append(t.event, `{"k":`...)
		wrote := levels > 0 && t.message(f.Message(), path, levels-1)
		t.event = append(t.event, '}')
		return wrote
	case Struct:
		t.event = append(t.event, `{"k":`...)
		t.tell(path, t.token())
		t.event = append(t.event, '}')
		return true
	}
	t.tell(path, t.of(f))
	return true
}

// of makes up a value that is right for the field more often than not.
func (t *teller) of(f *Field) string {
	if f.Kind == EnumKind && t.IntN(8) > 0 {
		values := f.Enum().Values
		return strconv.Quote(values[t.IntN(len(values))].Name)
	}
	for range 20 {
		token := t.token()
		v := Validator{scanner: scanner{b: []byte(token)}}
		v.scalar(0, f, 0, 1)
		if len(v.violations) == 0 {
			return token
		}
	}
	return t.token()
}

func (t *teller) token() string {
	if t.IntN(4) == 0 {
		return tokens[t.IntN(len(tokens))]
	}
	return `"` + texts[t.IntN(len(texts))] + `"`
}

func (t *teller) tell(path Path, token string) {
	site := t.sites[path.String()]
	if site == nil {
		site = path.Site()
		t.sites[path.String()] = site
	}
	t.event = append(t.event, token...)
	t.v.Add(site, []byte(token))
}

// TestToldIsRead holds what is found in events that were told against what is
// found by reading them.
func TestToldIsRead(t *testing.T) {
	var told, read Validator
	w := teller{v: &told, sites: map[string]*Site{}}
	const events = 4_000
	byValues := 0
	for seed := range uint64(events) {
		w.Rand = rand.New(rand.NewPCG(seed, 1))
		w.event = w.event[:0]
		told.Begin()
		w.message(Event(), nil, 5)
		if !told.told.untold {
			byValues++
		}
		want := slices.Clone(read.Validate(w.event))
		if diff := cmp.Diff(want, slices.Clone(told.Finish(w.event))); diff != "" {
			t.Fatalf("seed %d: %s\n(-read +told):\n%s", seed, w.event, diff)
		}
	}
	if byValues < events/4 || byValues == events {
		t.Errorf("%d of %d events were judged by their values", byValues, events)
	}
}

// TestToldOddly tells of values that their writer should not have written there, and
// of places where it takes more than a value to judge.
func TestToldOddly(t *testing.T) {
	const levels = 1100
	for _, test := range []struct{ name, path, before, value, after string }{
		{"boolean for a string", "metadata.vendor_name", `{"metadata":{"vendor_name":`, `true`, `}}`},
		{"number for a string", "metadata.log_type", `{"metadata":{"log_type":`, `1234`, `}}`},
		{"object for a string", "metadata.log_type", `{"metadata":{"log_type":`, `{"a":1}`, `}}`},
		{"number in a list of strings", "principal.user.group_identifiers", `{"principal":{"user":{"group_identifiers":[`, `1234`, `]}}}`},
		{"null for a string", "target.namespace", `{"metadata":{"event_type":"GENERIC_EVENT"},"target":{"namespace":`, `null`, `}}`},
		{"null for an enum", "metadata.event_type", `{"metadata":{"event_type":`, `null`, `}}`},
		{"null in a free object", "additional", `{"additional":{"k":`, `null`, `}}`},
		{"a message", "principal", `{"principal":`, `{"hostname":"gw 1"}`, `}`},
		{"a message in a list", "about", `{"about":[`, `{"hostname":"gw-1"}`, `]}`},
		{
			"too deep", "principal.process" + strings.Repeat(".parent_process", levels) + ".command_line",
			`{"principal":{"process":` + strings.Repeat(`{"parent_process":`, levels) + `{"command_line":`, `"x"`, strings.Repeat("}", levels+3),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, err := Lookup(test.path)
			if err != nil {
				t.Fatal(err)
			}
			event := []byte(test.before + test.value + test.after)
			var v Validator
			v.Begin()
			v.Add(path.Site(), []byte(test.value))
			if diff := cmp.Diff(Validate(event), v.Finish(event)); diff != "" {
				t.Errorf("(-read +told):\n%s", diff)
			}
		})
	}
}
