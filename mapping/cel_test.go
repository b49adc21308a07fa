package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// celRecord and celRules give the expressions of TestCEL something to read.
const celRecord = `{` + valueTime + `,"text":"abc","empty":"","zero":0,"big":12345678901234567890,"yes":true,"no":false,"nothing":null,` +
	`"o":{"k":"v","a.b":1,"x y":2},"eo":{},"list":["a","",null,7,{"k":"v","n":null}],"el":[],"lol":[["x"],[]],"esc":"\u0041\ud800","dup":1,"dup":"2","sp":[ ],"so":{ }}`

const celRules = `
{from: text, to: principal.hostname}
{from: zero, to: principal.port}
{from: list, to: principal.user.email_addresses}
{from: big, to: network.sent_bytes}
{from: yes, to: network.dns.response}
{value: 1.50, to: security_result.risk_score}
{value: LINUX, to: principal.platform}
{from: text, to: additional.fields, label: some key}
{from: text, to: additional.fields, label: k}
{from: text, to: principal.labels, label: l}
{from: text, to: target.user.attribute.roles}
{from: o, use: host, to: intermediary}
{from: text, to: security_result.detection_fields, label: d}
{from: empty, to: src.hostname}
`

// TestCEL asks one question of one record, with and without the fast paths.
func TestCEL(t *testing.T) {
	for _, tc := range []struct {
		expr string
		want bool
	}{
		{`log.text == "abc"`, true},
		{`log.zero == "0"`, true},
		{`log.big == "12345678901234567890"`, true},
		{`log.yes == "true" && log.no == "false"`, true},
		{`log.nothing == "" && log.empty == "" && log.absent == "" && log.o == "" && log.list == ""`, true},
		{`log.esc == "A\ufffd"`, true},
		{`log.dup == "2"`, true},
		{`log.o.k == "v" && log["o"]["k"] == "v" && log.o["k"] == "v"`, true},
		{`log.o["a.b"] == "1" && log.o["x y"] == "2"`, true},
		{`log.list[0] == "a" && log.list[3] == "7" && log.list[4].k == "v" && log.list[9] == ""`, true},
		{`log.text.matches("^A")`, false},
		{`log.text.matches("(?i)^A")`, true},
		{`log.text.startsWith("a") && log.text.endsWith("c") && log.text.contains("b")`, true},
		{`log.text.upperAscii() == "ABC" && log.text.size() == 3`, true},
		{`log.text.split("b")[1] == "c"`, true},
		{`int(log.zero) + 1 == 1`, true},
		{`int(log.text) == 1`, false},
		{`int(log.text) == 1 || true`, true},
		{`!(int(log.text) == 1)`, false},
		{`log.text in ["x", "abc"]`, true},

		{`has(log.text) && has(log.zero) && has(log.no)`, true},
		{`has(log.empty) || has(log.nothing) || has(log.absent) || has(log.text.below)`, false},
		{`has(log.o) && has(log.list) && has(log.o.k) && has(log.lol)`, true},
		{`has(log.eo) || has(log.el) || has(log.sp) || has(log.so)`, false},

		{`"a" in log.list && "7" in log.list`, true},
		{`"" in log.list`, true},
		{`"a" in log.text || "a" in log.absent`, false},
		{`size(log.list) == 5 && log.list.size() == 5`, true},
		{`size(log.text) == 3 && size(log.absent) == 0 && size(log.el) == 0`, true},
		{`log.list.exists(e, e == "7")`, true},
		{`log.list.exists(e, e.k == "v")`, true},
		{`log.list.exists(e, e == log.text)`, false},
		{`log.list.exists(log, log == "a")`, true},
		{`log.list.filter(e, e == "a").size() == 1`, true},
		{`log.absent.exists(e, true)`, false},
		{`log.absent.all(e, false)`, true},
		{`log.lol.exists(l, "x" in l)`, true},

		{`udm.principal.hostname == "abc"`, true},
		{`udm.src.hostname == ""`, true},
		{`udm.target.hostname == ""`, true},
		{`udm.principal.port == 0 && udm.principal.port < 1`, true},
		{`udm.network.sent_bytes > 5`, true},
		{`udm.network.dns.response`, true},
		{`udm.network.dns.recursion_available`, false},
		{`udm.principal.platform == "LINUX"`, true},
		{`"a" in udm.principal.user.email_addresses && udm.principal.user.email_addresses == ["a", "7"]`, true},
		{`udm.principal.user.email_addresses[1] == "7"`, true},
		{`udm.principal.user.email_addresses[2] == "7"`, false},
		{`size(udm.target.ip) == 0`, true},
		{`udm.metadata.event_timestamp == "2026-01-02T03:04:05Z"`, true},

		{`has(udm.principal.hostname) && has(udm.principal) && has(udm.principal.user) && has(udm.network.dns)`, true},
		{`has(udm.src) || has(udm.src.hostname) || has(udm.target.hostname)`, false},
		{`has(udm.target) && has(udm.target.user.attribute.roles) && has(udm.target.user.attribute.roles.name)`, true},
		{`has(udm.target.user.attribute.roles.description)`, false},
		{`has(udm.additional) && has(udm.additional.fields) && has(udm.additional.k) && has(udm.additional.fields.k)`, true},
		{`has(udm.additional.j)`, false},
		{`has(udm.principal.labels) && has(udm.principal.labels.key)`, true},
		{`has(udm.intermediary) && has(udm.intermediary.hostname)`, true},
		{`has(udm.intermediary.ip)`, false},
		{`has(udm.security_result) && has(udm.security_result.detection_fields) && has(udm.security_result.detection_fields.value)`, true},
		{`has(udm.security_result.summary)`, false},
		{`has(udm.observer) || has(udm.about)`, false},

		{`is_abc && !is_not`, true},
		{`both`, false},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			src := ruleFile(strings.TrimSpace(celRules), fmt.Sprintf(`blocks: {host: [{from: k, to: hostname}]}
conditions:
  both: is_abc && is_not
  is_not: log.text != "abc"
  is_abc: log.text == "abc"
  asked: >-
    %s
event_type:
  - {when: asked, is: STATUS_UPDATE}
  - {is: GENERIC_EVENT}
`, tc.expr))
			p := compileText(t, src)
			for _, plain := range []bool{true, false, false} {
				m := p.NewMapper()
				m.plain = plain
				event, err := m.Map(nil, []byte(celRecord))
				if got := strings.Contains(string(event), `"STATUS_UPDATE"`); err != nil || got != tc.want {
					t.Errorf("plain %t: got %t, %v; want %t: %s", plain, got, err, tc.want, event)
				}
			}
		})
	}
}

// TestDecisionOrder checks that rules run once what they ask for is known,
// wherever they stand.
func TestDecisionOrder(t *testing.T) {
	for _, tc := range []valueCase{
		{"a field written later", "{from: a, to: principal.hostname, when: udm.target.hostname == 'b'}\n{from: b, to: target.hostname, when: has(udm.src.ip)}\n{from: c, to: src.ip}", "",
			`"a":"a","b":"b","c":"10.0.0.1"`, `"principal":{"hostname":"a"},"src":{"ip":["10.0.0.1"]},"target":{"hostname":"b"}`},
		{"the event type", "{value: SSO, to: extensions.auth.type, when: event_type == 'USER_LOGIN'}\n{from: a, to: principal.hostname}", "event_type:\n  - {when: has(udm.principal), is: USER_LOGIN}\n  - {is: GENERIC_EVENT}\n",
			`"a":"x"`, `{"metadata":{"event_timestamp":"2026-01-02T03:04:05Z","event_type":"USER_LOGIN"},"principal":{"hostname":"x"},"extensions":{"auth":{"type":"SSO"}}}`},
		{"the event type by its path", "{value: SSO, to: extensions.auth.type, when: udm.metadata.event_type == 'USER_LOGIN'}", "event_type: USER_LOGIN\n",
			``, `{"metadata":{"event_timestamp":"2026-01-02T03:04:05Z","event_type":"USER_LOGIN"},"extensions":{"auth":{"type":"SSO"}}}`},
		{"an element asks the event", "{each: l, from: n, to: about.labels, label: n, when: item.n in udm.principal.user.group_identifiers && item.n != log.x}\n{from: g, to: principal.user.group_identifiers}", "",
			`"l":[{"n":"a"},{"n":"b"},{"n":"c"}],"g":["a","c"],"x":"c"`, `"principal":{"user":{"group_identifiers":["a","c"]}},"about":[{"labels":[{"key":"n","value":"a"}]}]`},
		{"an item in a list of the item", "{each: l, from: n, to: principal.user.email_addresses, when: '\"x\" in item.tags || item.tags.exists(t, t == item.n)'}", "",
			`"l":[{"n":"a","tags":["x"]},{"n":"b","tags":["y"]},{"n":"c","tags":["c"]},{"n":"d"}]`, `"principal":{"user":{"email_addresses":["a","c"]}}`},
		{"a scalar is the item itself", "{each: l, to: principal.user.email_addresses, when: item != 'b' && !item.startsWith('-')}", "",
			`"l":["a","b",null,3,"-c",{"x":1}]`, `"principal":{"user":{"email_addresses":["a","3"]}}`},
		{"has() of an item", "{each: l, from: n, to: principal.user.email_addresses, when: has(item.o) && !has(item.p)}", "",
			`"l":[{"n":"a","o":{"x":1}},{"n":"b","o":{}},{"n":"c","o":1,"p":0}]`, `"principal":{"user":{"email_addresses":["a"]}}`},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, Options{}) })
	}
}

// TestDecisionsAreForgotten maps records that differ in what a condition reads,
// whose answers a mapper remembers.
func TestDecisionsAreForgotten(t *testing.T) {
	p := compileText(t, ruleFile("{from: a, to: principal.hostname}\n{each: l, from: n, to: principal.user.email_addresses, when: item.k == log.k}", `
event_type:
  - {when: log.k == "1" && has(udm.principal.hostname), is: STATUS_UPDATE}
  - {when: log.k == "true" || has(log.z), is: USER_LOGIN}
  - {is: GENERIC_EVENT}
`))
	m, plain := p.NewMapper(), p.NewMapper()
	plain.plain = true
	values := []string{`1`, `"1"`, `"\u0031"`, `true`, `"true"`, `null`, `""`, `{}`, `[]`, `"` + strings.Repeat("1", 300) + `"`}
	for range 2 {
		for _, k := range values {
			for _, a := range values {
				for _, z := range values {
					record := fmt.Appendf(nil, `{%s,"k":%s,"a":%s,"z":%s,"l":[{"k":%s,"n":"x"},{"k":%s,"n":"y"}]}`, valueTime, k, a, z, a, z)
					got, err := m.Map(nil, record)
					want, wantErr := plain.Map(nil, record)
					if err != nil || wantErr != nil || string(got) != string(want) {
						t.Fatalf("%s\ngot  %s %v\nwant %s %v", record, got, err, want, wantErr)
					}
				}
			}
		}
	}
}
