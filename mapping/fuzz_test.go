package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/internal/asaref"
	"github.com/asa2udm/asa2udm/udm"
)

// addRecords seeds a fuzz target with generated records, plain and hostile.
func addRecords(f *testing.F) {
	for seed := range uint64(8) {
		g := asagen.New(seed, asagen.Options{Hostile: seed >= 2, Shuffle: seed%2 == 1})
		for range 20 {
			f.Add(g.Next(nil))
		}
	}
}

// FuzzMapAgainstReference holds the mapper against the plain-Go reference, and
// its fast paths against the plain ones.
func FuzzMapAgainstReference(f *testing.F) {
	addRecords(f)
	p := compilePack(f, "asa.yaml")
	fast, plain := p.NewMapper(), p.NewMapper()
	plain.plain = true
	f.Fuzz(func(t *testing.T, record []byte) {
		want, code := asaref.Map(record)
		got, err := fast.Map(nil, record)
		if rejectCode(err) != code {
			t.Fatalf("got reject %q, want %q: %v", rejectCode(err), code, err)
		}
		slow, err := plain.Map(nil, record)
		if rejectCode(err) != code || !bytes.Equal(slow, got) {
			t.Fatalf("fast %s\nplain %s %v", got, slow, err)
		}
		if code == "" && !asaref.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func rejectCode(err error) string {
	var r *Reject
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// FuzzJSON holds the mapper's idea of JSON against that of encoding/json.
func FuzzJSON(f *testing.F) {
	addRecords(f)
	m := compilePack(f, "asa.yaml").NewMapper()
	f.Fuzz(func(t *testing.T, record []byte) {
		_, err := m.Map(nil, record)
		code, valid := rejectCode(err), json.Valid(record)
		if valid && code == CodeJSON || !valid && code != CodeJSON && code != CodeDepth {
			t.Fatalf("got %q, valid JSON is %t: %v", code, valid, err)
		}
		if object := bytes.HasPrefix(bytes.TrimLeft(record, " \t\r\n"), []byte("{")); valid && object == (code == CodeObject) && code != CodeDepth {
			t.Fatalf("got %q for an object: %t", code, object)
		}
	})
}

// FuzzEvent checks that every event is of the schema's types, in the other
// spelling too, and that its violations are the same whether told or read.
func FuzzEvent(f *testing.F) {
	addRecords(f)
	p := compilePack(f, "github-audit.yaml")
	src, err := ReadPack("asa.yaml")
	if err != nil {
		f.Fatal(err)
	}
	camel, err := Compile("asa.yaml", src, Options{JSONNames: true})
	if err != nil {
		f.Fatal(err)
	}
	mappers := []*Mapper{p.NewMapper(), camel.NewMapper(), compilePack(f, "asa.yaml").NewMapper()}
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, m := range mappers {
			event, err := m.Map(nil, record)
			if err != nil {
				continue
			}
			for _, v := range udm.Validate(event) {
				if v.Severity == udm.Error && v.Code != "required" {
					t.Fatalf("%s\n%s", v, event)
				}
			}
			checkViolations(t, m, record)
		}
	})
}

// FuzzCompile checks that the rule-file parser never panics, never answers both a
// value and an error, and names a place for every fault.
func FuzzCompile(f *testing.F) {
	for _, src := range []string{
		"log_type: X\nmappings:\n  - {from: t, to: metadata.event_timestamp}\nevent_type: GENERIC_EVENT\n",
		"log_type: X\nmappings:\n  - {from: t, to: metadata.event_timestamp, time: unix_ms}\n  - {each: a.b, skip: 1, from: c, to: about, use: b}\nblocks:\n  b:\n  - {from: d, extract: {regex: 'x(y)'}, to: hostname, when: item.d == \"q\"}\nevent_type:\n- {when: has(udm.about) && log.x[0] in log.y, is: STATUS_UPDATE}\n- {is: GENERIC_EVENT}\n",
		"extends: asa.yaml\nremove: [principal.platform]\nconditions: {a: b, b: a}\n",
		"log_type: &x X\nmappings: [{value: *x, to: additional.fields, label: 'k {index}'}]\nevent_type: >-\n  USER\n  LOGIN\n",
	} {
		f.Add([]byte(src))
	}
	bad, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range bad {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := Compile("fuzz.yaml", src, Options{})
		if (p == nil) == (err == nil) {
			t.Fatalf("got parser %v and error %v", p, err)
		}
		if err == nil {
			if _, err := p.Map(nil, []byte(`{"timestamp":"2024-01-02T03:04:05Z"}`)); err != nil && rejectCode(err) == "" {
				t.Fatal(err)
			}
			return
		}
		var list ErrorList
		if !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("got %T %v, want an ErrorList", err, err)
		}
		for _, e := range list {
			if e.Pos.Line < 1 || e.Pos.Col < 1 || e.Msg == "" {
				t.Fatalf("no place or message: %+v", e)
			}
			e.Frame()
		}
	})
}

// FuzzRequote holds the short way from a token of the record to one of the event
// against the long one.
func FuzzRequote(f *testing.F) {
	for _, seed := range []string{"", "plain", `\"\\\/\b\f\n\r\t`, `\u0000\u001f\u00e9\u65e5`, `\ud83d\ude00 \ud83d \ude00`, "\xff\xc3\xa9\xe6", `é\n"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if end, _ := str(append(text, '"'), 0); end != len(text) {
			t.Skip("no token")
		}
		want := appendQuoted(nil, appendDecoded(nil, text))
		if got := appendRequoted(nil, text); !bytes.Equal(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	})
}
