package mapping

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/udm"
)

// TestNoAllocations checks that mapping allocates nothing once a Mapper has seen
// records of the kind, whether the events are checked or not.
func TestNoAllocations(t *testing.T) {
	for _, pack := range []string{"asa.yaml", "asa-corrected.yaml"} {
		for _, opts := range []asagen.Options{{}, {Shuffle: true}} {
			t.Run(fmt.Sprintf("%s %+v", pack, opts), func(t *testing.T) {
				g := asagen.New(1, opts)
				var records [][]byte
				for range 500 {
					records = append(records, g.Next(nil))
				}
				m := compilePack(t, pack).NewMapper()
				var dst []byte
				run := func() {
					for _, r := range records {
						var err error
						if dst, err = m.Map(dst[:0], r); err != nil {
							t.Fatal(err)
						}
						if m.validator != nil {
							m.validator.Finish(dst)
						}
					}
				}
				for _, v := range []*udm.Validator{nil, {}} {
					m.validator = v
					run()
					if got := testing.AllocsPerRun(5, run); got != 0 {
						t.Errorf("got %g allocations in %d records, want none; validated: %t", got, len(records), v != nil)
					}
				}
			})
		}
	}
}

// TestNoAllocationsByType does the same for each kind of value and transform.
func TestNoAllocationsByType(t *testing.T) {
	for name, rules := range map[string]string{
		"numbers":    "{from: n, to: principal.port}\n{from: n, to: network.sent_bytes}\n{from: f, to: security_result.risk_score}",
		"enum":       "{from: e, to: principal.platform}",
		"bool":       "{from: b, to: network.dns.response}",
		"bytes":      "{from: e, to: network.dhcp.client_identifier}",
		"timestamps": "{from: z, to: metadata.collected_timestamp}\n{from: n, to: metadata.ingested_timestamp, time: unix}",
		"extract":    "{from: ip, to: principal.ip, extract: ip}\n{from: x, to: principal.platform_version, extract: version}",
		"match":      "{from: x, to: principal.platform, match: [{regex: '(?i)win|dows', value: WINDOWS}, {regex: '^n=\\d', value: LINUX}]}",
		"format":     "{from: x, to: principal.hostname, format: 'a {value}'}",
		"escapes":    "{from: esc, to: [principal.hostname, target.hostname]}",
		"loops":      "{each: l, from: k, to: principal.labels, label: 'k {index}', when: item.k != '1'}\n{each: l, use: host, to: intermediary}",
		"members":    "{each: l, from: k, to: additional.fields, label: 'k {index}'}",
		"list":       "{from: t, to: principal.user.email_addresses}\n{from: ips, to: principal.ip}",
	} {
		t.Run(name, func(t *testing.T) {
			rest := ""
			if strings.Contains(rules, "use: host") {
				rest = "blocks: {host: [{from: k, to: hostname}]}"
			}
			m := compileText(t, ruleFile(rules, rest)).NewMapper()
			record := []byte(`{` + valueTime + `,"n":22,"f":1.5,"e":"LINUX","b":true,"z":"2026-01-01T00:00:00.5+01:00","ip":"x [2001:db8::1]:22","x":"n=web1","esc":"a\nb é",` +
				`"l":[{"k":1},{"k":"2"},{"k":"3"}],"ips":["10.0.0.1","10.0.0.2","10.0.0.1"]}`)
			var dst []byte
			run := func() {
				var err error
				if dst, err = m.Map(dst[:0], record); err != nil {
					t.Fatal(err)
				}
			}
			run()
			if got := testing.AllocsPerRun(20, run); got != 0 {
				t.Errorf("got %g allocations, want none: %s", got, dst)
			}
		})
	}
}

// TestMemoryIsBounded feeds a Mapper keys and values that never repeat.
func TestMemoryIsBounded(t *testing.T) {
	p := compileText(t, ruleFile("{from: a.b, to: principal.hostname, match: [{regex: x, value: y}, {regex: z, value: w}]}\n{each: l, from: k, to: principal.user.email_addresses, when: item.k != log.a.b}", `
event_type:
  - {when: log.a.b.startsWith("5"), is: STATUS_UPDATE}
  - {is: GENERIC_EVENT}
`))
	m := p.NewMapper()
	rnd := rand.New(rand.NewPCG(1, 1))
	word := func() string { return fmt.Sprintf("%x", rnd.Uint64()>>rnd.IntN(60)) }
	var dst []byte
	for range 20_000 {
		var b bytes.Buffer
		fmt.Fprintf(&b, `{%s,"%s":1,"%s":{"%s":2},"a":{"%s":3,"b":"%s"},"l":[`, valueTime, word(), word(), word(), word(), word())
		for i := range rnd.IntN(20) {
			fmt.Fprintf(&b, `%.*s{"%s":4,"k":"%s"}`, min(i, 1), ",", word(), word())
		}
		b.WriteString("]}")
		var err error
		if dst, err = m.Map(dst[:0], b.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	for i, known := range m.memos {
		if len(known) > maxMemo {
			t.Errorf("decision %d: got %d answers, want %d at most", i, len(known), maxMemo)
		}
		for question := range known {
			if len(question) > maxMemoKey {
				t.Errorf("decision %d: a question has %d bytes, want %d at most", i, len(question), maxMemoKey)
			}
		}
	}
	for i, known := range m.picks {
		if len(known) > maxPicks {
			t.Errorf("match %d: got %d values, want %d at most", i, len(known), maxPicks)
		}
	}
	for i := range m.keys {
		if got := m.keys[i].learned; got > maxLearned {
			t.Errorf("node %d: got %d keys beside those of the rules, want %d at most", i, got, maxLearned)
		}
	}
	if cap(m.texts) > 1<<16 || cap(m.questions) > 1<<12 || cap(m.spans) > 4*maxSlots || cap(m.seen) > 1<<10 {
		t.Errorf("got room for %d bytes of text, %d of questions, %d slots, %d texts seen", cap(m.texts), cap(m.questions), cap(m.spans), cap(m.seen))
	}
}

// TestSlotsAreBounded maps arrays with far more elements than slots are kept for
// and checks that none is lost.
func TestSlotsAreBounded(t *testing.T) {
	p := compileText(t, ruleFile("{each: a, from: n, to: principal.user.email_addresses}\n{each: a, use: outer, to: about}\n{each: a, from: n, to: principal.labels, label: '{index}', when: item.n.endsWith('99')}",
		"blocks: {outer: [{from: n, to: hostname}, {each: l, use: inner, to: security_result}], inner: [{from: m, to: summary}]}"))
	var in, emails, labels, about strings.Builder
	for i := range 10_000 {
		sep := ","
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(&in, `%s{"n":%d,"l":[{"m":%d},{},{"m":"x"}]}`, sep, i, i)
		fmt.Fprintf(&emails, `%s"%d"`, sep, i)
		fmt.Fprintf(&about, `%s{"hostname":"%d","security_result":[{"summary":"%d"},{"summary":"x"}]}`, sep, i, i)
		if i%100 == 99 {
			fmt.Fprintf(&labels, `,{"key":"%d","value":"%d"}`, i, i)
		}
	}
	want := fmt.Sprintf(`%s,"principal":{"user":{"email_addresses":[%s]},"labels":[%s]},"about":[%s]}`, valueEvent, &emails, labels.String()[1:], &about)
	for _, plain := range []bool{false, true} {
		m := p.NewMapper()
		m.plain = plain
		got, err := m.Map(nil, fmt.Appendf(nil, `{%s,"a":[%s]}`, valueTime, &in))
		if err != nil || string(got) != want {
			t.Errorf("plain %t: got %d bytes, %v; want %d\n%.300s", plain, len(got), err, len(want), got)
		}
		if cap(m.spans) > 4*maxSlots {
			t.Errorf("plain %t: got room for %d slots, want %d at most", plain, cap(m.spans), 4*maxSlots)
		}
	}
}

// TestFastIsPlain holds the fast paths of every shipped pack against the plain
// ones, on the records of all goldens and on generated ones.
func TestFastIsPlain(t *testing.T) {
	inputs, err := filepath.Glob("../testdata/golden/*/*.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for _, file := range inputs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, lines(text)...)
	}
	if len(records) == 0 {
		t.Fatal("no goldens found")
	}
	for seed := range uint64(6) {
		g := asagen.New(seed, asagen.Options{Hostile: seed%2 == 1, Shuffle: seed > 2})
		records = append(records, lines(g.File(nil, 300))...)
	}
	for _, pack := range Packs() {
		for _, opts := range []Options{{}, {JSONNames: true}} {
			t.Run(fmt.Sprintf("%s %+v", pack, opts.JSONNames), func(t *testing.T) {
				src, err := ReadPack(pack)
				if err != nil {
					t.Fatal(err)
				}
				p, err := Compile(pack, src, opts)
				if err != nil {
					t.Fatal(err)
				}
				fast, plain := p.NewMapper(), p.NewMapper()
				plain.plain = true
				for _, r := range records {
					got, gotErr := fast.Map(nil, r)
					want, wantErr := plain.Map(nil, r)
					if !bytes.Equal(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
						t.Fatalf("record %s\nfast  %s %v\nplain %s %v", r, got, gotErr, want, wantErr)
					}
				}
			})
		}
	}
}

// TestJointsAreBounded maps records in which any two of many values may follow
// each other, so that not all texts between them are kept.
func TestJointsAreBounded(t *testing.T) {
	const keys = 600
	var rules strings.Builder
	for i := range keys {
		fmt.Fprintf(&rules, "{from: k%d, to: principal.labels, label: k%d}\n", i, i)
	}
	p := compileText(t, ruleFile(strings.TrimSpace(rules.String()), ""))
	fast, plain := p.NewMapper(), p.NewMapper()
	plain.plain = true
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		record := `{"t":"2026-01-02T03:04:05Z"`
		for range 4 {
			record += fmt.Sprintf(`,"k%d":"v"`, random.IntN(keys))
		}
		record += "}"
		want, wantErr := plain.Map(nil, []byte(record))
		got, err := fast.Map(nil, []byte(record))
		if err != nil || wantErr != nil || string(got) != string(want) {
			t.Fatalf("got %s %v, want %s %v", got, err, want, wantErr)
		}
	}
	taken := 0
	for _, j := range fast.joints {
		if j.last != nil {
			taken++
		}
	}
	if taken < len(fast.joints)*9/10 {
		t.Errorf("%d of %d places are taken: the records do not crowd texts out", taken, len(fast.joints))
	}
}
