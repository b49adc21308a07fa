package draft

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/rulefmt"
	"github.com/asa2udm/asa2udm/udm"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// samples are records in all the shapes a proposed file must compile for.
func samples(t testing.TB) map[string]string {
	okta, err := os.ReadFile("testdata/okta.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"okta":        string(okta),
		"asa":         string(asagen.New(1, asagen.Options{}).File(nil, 200)),
		"asa shuffle": string(asagen.New(2, asagen.Options{Shuffle: true}).File(nil, 200)),
		"asa hostile": string(asagen.New(3, asagen.Options{Hostile: true}).File(nil, 200)),
		"asa page":    string(asagen.New(4, asagen.Options{}).Page(nil, 20, true)),
		"one record":  `{"timestamp":"2024-03-01T06:00:00Z"}`,
		"unix ms":     `{"ts":1709272800123,"user":"ann"}`,
		"weird keys": `{"time":"2024-03-01T06:00:00Z","a.b":{"c d":"x","e\\f":1,"":{"g":2},"0":"n"},"":"empty","user name":"u",` +
			`"{x}, [y]: #z":"q","'quoted'":"q","\u202e\n\t":"q","ip\u0000":"192.0.2.1","ключ ip":"192.0.2.2","- x":1,"null":2,"yes":"y"}`,
		"lists": `{"time":"2024-03-01T06:00:00Z","ips":["192.0.2.1","192.0.2.2"],"hosts":[{"name":"a","ip":"192.0.2.1","disks":[{"id":1}]}],` +
			`"list host":[{"host":"b"}],"listHost":[{"host":"c"}],"mixed":[1,{"host":"d"},[2],null]}`,
		"no clue at all": `{"time":"2024-03-01T06:00:00Z","x":{"y":{"z":true}}}`,
	}
}

func survey(t testing.TB, sample string) *Survey {
	s := &Survey{}
	if _, err := s.Read(strings.NewReader(sample)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRuleFileCompiles(t *testing.T) {
	for name, sample := range samples(t) {
		t.Run(name, func(t *testing.T) {
			src := propose(t, sample)
			if _, err := mapping.Compile("draft.yaml", src, mapping.Options{}); err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
			formatted, err := rulefmt.Format("draft.yaml", src)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(src), string(formatted)); diff != "" {
				t.Errorf("not canonical (-got +want):\n%s", diff)
			}
			if again := propose(t, sample); !bytes.Equal(src, again) {
				t.Errorf("the same records give another file:\n%s", cmp.Diff(string(again), string(src)))
			}
		})
	}
}

// TestAllGuessesCompileTogether takes the file at its word: with every comment
// mark before a rule taken away it is still a good rule file.
func TestAllGuessesCompileTogether(t *testing.T) {
	for name, sample := range samples(t) {
		t.Run(name, func(t *testing.T) {
			src := takeAll(string(propose(t, sample)))
			p, err := mapping.Compile("draft.yaml", []byte(src), mapping.Options{})
			if err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
			if len(p.Warnings()) > 0 {
				t.Errorf("warnings: %v", p.Warnings())
			}
		})
	}
}

func propose(t testing.TB, sample string) []byte {
	src, err := survey(t, sample).RuleFile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// takeAll takes the comment marks off all proposed rules, blocks and types.
func takeAll(src string) string {
	var b strings.Builder
	section := false
	for line := range strings.Lines(src) {
		inner, commented := strings.CutPrefix(line, "  # ")
		switch {
		case line == "# blocks:\n" || line == "# event_type:\n":
			section = true
			b.WriteString(line[2:])
		case section && strings.HasPrefix(line, "# "):
			b.WriteString(line[2:])
		case line == "event_type: GENERIC_EVENT\n" && strings.Contains(src, "# event_type:\n"):
			section = false
		case commented && (strings.HasPrefix(inner, "- ") || strings.HasPrefix(inner, "  ")):
			b.WriteString("  " + inner)
		default:
			section = false
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestRuleFileGolden(t *testing.T) {
	got := propose(t, samples(t)["okta"])
	if *update {
		if err := os.WriteFile("testdata/okta.want.yaml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/okta.want.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(want)); diff != "" {
		t.Errorf("rule file (-got +want):\n%s", diff)
	}
}

func TestProposedFileMapsItsSample(t *testing.T) {
	for name, sample := range samples(t) {
		if name == "asa hostile" || name == "asa page" {
			continue // lines without a time, and no lines
		}
		t.Run(name, func(t *testing.T) {
			p, err := mapping.Compile("draft.yaml", propose(t, sample), mapping.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(sample) {
				if _, err := p.Map(nil, []byte(line)); err != nil {
					t.Errorf("%v: %s", err, line)
				}
			}
		})
	}
}

func TestTimeIsFound(t *testing.T) {
	tests := []struct{ name, sample, want string }{
		{"by name", `{"created":"2024-03-01T06:00:00Z","timestamp":"2024-03-01T06:00:00+01:00"}`, "{from: timestamp, to: metadata.event_timestamp}"},
		{"under any name", `{"foo":{"bar":"2024-03-01t06:00:00.5z"}}`, "{from: foo.bar, to: metadata.event_timestamp}"},
		{"expiry comes last", `{"expires":"2024-03-01T06:00:00Z","x":"2024-03-01T06:00:00Z"}`, "{from: x, to: metadata.event_timestamp}"},
		{"seconds", `{"time":1709272800}`, "{from: time, time: unix, to: metadata.event_timestamp}"},
		{"seconds with fraction as text", `{"time":"1709272800.25"}`, "{from: time, time: unix, to: metadata.event_timestamp}"},
		{"milliseconds", `{"@timestamp":1709272800123}`, "{from: '@timestamp', time: unix_ms, to: metadata.event_timestamp}"},
		{"microseconds", `{"event_time":1709272800123456}`, "{from: event_time, time: unix_us, to: metadata.event_timestamp}"},
		{"nanoseconds", `{"ts":1709272800123456789}`, "{from: ts, time: unix_ns, to: metadata.event_timestamp}"},
		{"most records decide", `{"time":"2024-03-01T06:00:00Z"}` + strings.Repeat("\n"+`{"created":"2024-03-01T06:00:00Z"}`, 9),
			"{from: [created, time], to: metadata.event_timestamp}"},
		{"dots and spaces", `{"a.b":{"event time":"2024-03-01T06:00:00Z"}}`, `{from: a\.b.event time, to: metadata.event_timestamp}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := string(propose(t, test.sample))
			if !strings.Contains(src, "\n  - "+test.want+"\n") {
				t.Errorf("no %s in\n%s", test.want, src)
			}
		})
	}
}

func TestNoTime(t *testing.T) {
	tests := []struct {
		name, sample string
		want         NoTimeError
	}{
		{"nothing", `{"a":1}`, NoTimeError{Records: 1}},
		{"a number that is called something else", `{"id":1709272800}`, NoTimeError{Records: 1}},
		{"no zone", `{"created":"2024-03-01 06:00:00"}`, NoTimeError{Records: 1, Almost: []string{`created: "2024-03-01 06:00:00"`}}},
		{"no such day", `{"time":"2024-02-31T06:00:00Z"}`, NoTimeError{Records: 1, Almost: []string{`time: "2024-02-31T06:00:00Z"`}}},
		{"American", `{"when":"03/01/2024 6:00"}`, NoTimeError{Records: 1, Almost: []string{`when: "03/01/2024 6:00"`}}},
		{"syslog", `{"when":"Mar  1 06:00:00"}`, NoTimeError{Records: 1, Almost: []string{`when: "Mar  1 06:00:00"`}}},
		{"only in a list", `{"a":[{"time":"2024-03-01T06:00:00Z"}]}`, NoTimeError{Records: 1}},
		{"only below an empty key", `{"":{"time":"2024-03-01T06:00:00Z"}}`, NoTimeError{Records: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src, err := survey(t, test.sample).RuleFile(Options{})
			var got *NoTimeError
			if !errors.As(err, &got) {
				t.Fatalf("got %v and\n%s", err, src)
			}
			if diff := cmp.Diff(*got, test.want); diff != "" {
				t.Errorf("error (-got +want):\n%s", diff)
			}
		})
	}
}

func TestCluesLeadToFields(t *testing.T) {
	check := func(t *testing.T, lookup func(string) (udm.Path, error), path string, c clue) {
		steps, err := lookup(path)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		if f := steps.Deprecated(); f != nil {
			t.Errorf("%s is deprecated", path)
		}
		enum := steps.Leaf().Enum()
		if (enum != nil) != (arms[c.extra] != nil) {
			t.Errorf("%s: enum %v, but arms %v", path, enum != nil, arms[c.extra])
		}
		for _, a := range arms[c.extra] {
			if enum == nil || enum.Value(a.value) == nil {
				t.Errorf("%s has no value %s", path, a.value)
			}
		}
	}
	for _, c := range append(append(byShape[:], clues...), elementClues...) {
		t.Run(c.field, func(t *testing.T) {
			for _, side := range []string{"target", "client"} {
				for _, path := range c.targets(&place{words: []string{side}}, false) {
					check(t, udm.Lookup, path, c)
				}
			}
			for _, path := range c.targets(&place{}, true) {
				check(t, noun().Lookup, path, c)
			}
		})
	}
}

func TestLogType(t *testing.T) {
	for _, logType := range []string{"ACME_VPN", "it's: odd", "5", "null"} {
		src, err := survey(t, `{"time":"2024-03-01T06:00:00Z"}`).RuleFile(Options{LogType: logType})
		if err != nil {
			t.Fatal(err)
		}
		rs, err := mapping.Parse("draft.yaml", src)
		if err != nil {
			t.Fatal(err)
		}
		if rs.LogType.Value != logType {
			t.Errorf("log type %q, want %q", rs.LogType.Value, logType)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := &Survey{}
	for i := range 200 {
		var b strings.Builder
		fmt.Fprintf(&b, `{"time":"2024-03-01T06:00:00Z","open":{`)
		for j := range 50 {
			fmt.Fprintf(&b, `"key %d":{"a":1,"b":2},`, 50*i+j)
		}
		fmt.Fprintf(&b, `"%s":1},"top %d":{"x":1,"y":2,"z":3},"deep":%s1%s}`, strings.Repeat("k", 300), i, strings.Repeat(`{"d":`, 100), strings.Repeat("}", 100))
		if err := s.Add([]byte(b.String())); err != nil {
			t.Fatal(err)
		}
	}
	if s.places > maxPlaces {
		t.Errorf("%d places, over %d", s.places, maxPlaces)
	}
	src, err := s.RuleFile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# The records have more paths than are listed here.", "  # open: more keys than are listed here."} {
		if !strings.Contains(string(src), want+"\n") {
			t.Errorf("no %q in\n%.2000s", want, src)
		}
	}
}

// FuzzRuleFile holds that whatever the records are, what is proposed compiles.
func FuzzRuleFile(f *testing.F) {
	for _, sample := range samples(f) {
		f.Add([]byte(sample[:min(len(sample), 2000)]))
	}
	f.Fuzz(func(t *testing.T, sample []byte) {
		s := &Survey{}
		if _, err := s.Read(bytes.NewReader(sample)); err != nil {
			t.Fatal(err)
		}
		src, err := s.RuleFile(Options{})
		if noTime := (*NoTimeError)(nil); errors.As(err, &noTime) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, src := range []string{string(src), takeAll(string(src))} {
			if _, err := mapping.Compile("draft.yaml", []byte(src), mapping.Options{}); err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
		}
	})
}
