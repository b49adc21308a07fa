package mapping

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// valueTime is the member that gives every record of these tests its time, and
// valueEvent what each event begins with.
const (
	valueTime  = `"t":"2026-01-02T03:04:05Z"`
	valueEvent = `{"metadata":{"event_timestamp":"2026-01-02T03:04:05Z","event_type":"GENERIC_EVENT"}`
)

// ruleFile answers a rule file with the rules given, one a line, and what is to
// stand behind them.
func ruleFile(rules, rest string) string {
	src := "log_type: X\nmappings:\n  - {from: t, to: metadata.event_timestamp}\n"
	for line := range strings.Lines(rules) {
		src += "  - " + strings.TrimSpace(line) + "\n"
	}
	if !strings.Contains(rest, "event_type:") {
		rest += "\nevent_type: GENERIC_EVENT\n"
	}
	return src + rest
}

// valueCase is one record, the rules for it, and what the event holds beside its
// time and type. A want that begins with a brace is the whole event.
type valueCase struct {
	name, rules, rest, record, want string
}

// TestValues goes through the sentences of the rule language.
func TestValues(t *testing.T) {
	for group, cases := range map[string][]valueCase{
		"text":       textCases,
		"types":      typeCases,
		"targets":    targetCases,
		"transforms": transformCases,
		"sources":    sourceCases,
		"loops":      loopCases,
		"blocks":     blockCases,
		"json":       jsonCases,
	} {
		for _, tc := range cases {
			t.Run(group+"/"+tc.name, func(t *testing.T) { tc.run(t, Options{}) })
		}
	}
}

func (tc valueCase) run(t *testing.T, opts Options) {
	t.Helper()
	p, err := Compile("rules.yaml", []byte(ruleFile(tc.rules, tc.rest)), opts)
	if err != nil {
		t.Fatal(err)
	}
	want := tc.want
	if !strings.HasPrefix(want, "{") {
		want = strings.TrimSuffix(valueEvent+","+want, ",") + "}"
	}
	record := strings.TrimSuffix("{"+valueTime+","+tc.record, ",") + "}"
	if strings.HasPrefix(tc.record, "{") {
		record = tc.record
	}
	m, plain := p.NewMapper(), p.NewMapper()
	plain.plain = true
	// The second time, the mapper has learned from the first.
	for _, m := range []*Mapper{plain, m, m} {
		got, err := m.Map([]byte("kept "), []byte(record))
		if err != nil || string(got) != "kept "+want {
			t.Errorf("plain %t\ngot  %s %v\nwant kept %s", m.plain, got, err, want)
		}
		checkViolations(t, m, []byte(record))
	}
}

var textCases = []valueCase{
	{"string", "{from: a, to: principal.hostname}", "", `"a":" Not Trimmed "`, `"principal":{"hostname":" Not Trimmed "}`},
	{"true", "{from: a, to: principal.hostname}", "", `"a":true`, `"principal":{"hostname":"true"}`},
	{"false", "{from: a, to: principal.hostname}", "", `"a":false`, `"principal":{"hostname":"false"}`},
	{"number keeps its digits", "{from: a, to: principal.hostname}", "", `"a":-1.50`, `"principal":{"hostname":"-1.50"}`},
	{"big number", "{from: a, to: principal.hostname}", "", `"a":123456789012345678901234567890E+10`, `"principal":{"hostname":"123456789012345678901234567890E+10"}`},
	{"absent", "{from: a, to: principal.hostname}", "", ``, ``},
	{"null", "{from: a, to: principal.hostname}", "", `"a":null`, ``},
	{"empty", "{from: a, to: principal.hostname}", "", `"a":""`, ``},
	{"object", "{from: a, to: principal.hostname}", "", `"a":{"b":1}`, ``},
	{"array", "{from: a, to: principal.hostname}", "", `"a":["x"]`, ``},
	{"escapes", "{from: a, to: principal.hostname}", "", `"a":"\u0041\/\"\\\n\u00e9\ud83d\ude00"`, `"principal":{"hostname":"A/\"\\\né😀"}`},
	{"control characters", "{from: a, to: principal.hostname}", "", `"a":"\u0000\b\f\u001f\u007f"`, `"principal":{"hostname":"\u0000\u0008\u000c\u001f` + "\x7f" + `"}`},
	{"lone surrogates", "{from: a, to: principal.hostname}", "", `"a":"\ud800x\udc00\ud800\ud83d\ude00"`, `"principal":{"hostname":"` + "\ufffdx\ufffd\ufffd😀" + `"}`},
	{"each bad byte", "{from: a, to: principal.hostname}", "", "\"a\":\"\xff\xfe \xe2\x82 \xc3\xa9\"", `"principal":{"hostname":"` + "\ufffd\ufffd \ufffd\ufffd é" + `"}`},
	{"non-ASCII stays", "{from: a, to: principal.hostname}", "", "\"a\":\"\u2028é\"", `"principal":{"hostname":"` + "\u2028é" + `"}`},
}

var typeCases = []valueCase{
	{"int32", "{from: a, to: principal.port}", "", `"a":22`, `"principal":{"port":22}`},
	{"int32 from text", "{from: a, to: principal.port}", "", `"a":"22"`, `"principal":{"port":22}`},
	{"int32 negative", "{from: a, to: principal.port}", "", `"a":"-1"`, `"principal":{"port":-1}`},
	{"int32 of text", "{from: a, to: principal.port}", "", `"a":"ssh"`, ``},
	{"int32 with a fraction", "{from: a, to: principal.port}", "", `"a":22.0`, ``},
	{"int32 out of range", "{from: a, to: principal.port}", "", `"a":2147483648`, ``},
	{"int32 with white space", "{from: a, to: principal.port}", "", `"a":" 22"`, ``},
	{"int32 with a plus", "{from: a, to: principal.port}", "", `"a":"+22"`, ``},
	{"int32 with a leading zero", "{from: a, to: principal.port}", "", `"a":"022"`, ``},
	{"int32 of true", "{from: a, to: principal.port}", "", `"a":true`, ``},
	{"int64 is written as text", "{from: a, to: network.total_bytes}", "", `"a":-9223372036854775808`, `"network":{"total_bytes":"-9223372036854775808"}`},
	{"int64 with an exponent", "{from: a, to: network.total_bytes}", "", `"a":1e3`, ``},
	{"uint64", "{from: a, to: network.sent_bytes}", "", `"a":18446744073709551615`, `"network":{"sent_bytes":"18446744073709551615"}`},
	{"uint64 out of range", "{from: a, to: network.sent_bytes}", "", `"a":18446744073709551616`, ``},
	{"uint64 negative", "{from: a, to: network.sent_bytes}", "", `"a":-1`, ``},
	{"float keeps its digits", "{from: a, to: security_result.risk_score}", "", `"a":1.50`, `"security_result":[{"risk_score":1.50}]`},
	{"float out of range", "{from: a, to: security_result.risk_score}", "", `"a":1e39`, ``},
	{"float of NaN", "{from: a, to: security_result.risk_score}", "", `"a":"NaN"`, ``},
	{"bool true", "{from: a, to: network.dns.response}", "", `"a":"true"`, `"network":{"dns":{"response":true}}`},
	{"bool False", "{from: a, to: network.dns.response}", "", `"a":"False"`, ``},
	{"bool 1", "{from: a, to: network.dns.response}", "", `"a":1`, ``},
	{"bytes", "{from: a, to: network.dhcp.client_identifier}", "", `"a":"é?\u0000"`, `"network":{"dhcp":{"client_identifier":"w6k/AA=="}}`},
	{"enum", "{from: a, to: principal.platform}", "", `"a":"LINUX"`, `"principal":{"platform":"LINUX"}`},
	{"enum by another case", "{from: a, to: principal.platform}", "", `"a":"linux"`, ``},
	{"enum by number", "{from: a, to: principal.platform}", "", `"a":1`, ``},
	{"enum list", "{from: a, to: security_result.action}", "", `"a":["ALLOW","no","BLOCK"]`, `"security_result":[{"action":["ALLOW","BLOCK"]}]`},
	{"duration", "{from: a, to: network.session_duration}", "", `"a":"3.500s"`, `"network":{"session_duration":"3.500s"}`},
	{"duration without unit", "{from: a, to: network.session_duration}", "", `"a":3`, ``},
	{"duration in minutes", "{from: a, to: network.session_duration}", "", `"a":"1m0s"`, ``},
	{"duration with a leading zero", "{from: a, to: network.session_duration}", "", `"a":"01s"`, ``},
	{"duration zero", "{from: a, to: network.session_duration}", "", `"a":"-0.1s"`, `"network":{"session_duration":"-0.1s"}`},
	{"duration out of range", "{from: a, to: network.session_duration}", "", `"a":"315576000001s"`, ``},
	{"duration with too many digits", "{from: a, to: network.session_duration}", "", `"a":"0.1234567890s"`, ``},
	{"timestamp with offset", "{from: a, to: metadata.collected_timestamp}", "", `"a":"2026-01-01T00:30:00.120+01:00"`,
		`{"metadata":{"event_timestamp":"2026-01-02T03:04:05Z","collected_timestamp":"2025-12-31T23:30:00.120Z","event_type":"GENERIC_EVENT"}}`},
	{"bad timestamp", "{from: a, to: metadata.collected_timestamp}", "", `"a":"2026-01-01 00:30:00Z"`, ``},
	{"unix_ms", "{from: a, to: metadata.collected_timestamp, time: unix_ms}", "", `"a":1700000000007`,
		`{"metadata":{"event_timestamp":"2026-01-02T03:04:05Z","collected_timestamp":"2023-11-14T22:13:20.007Z","event_type":"GENERIC_EVENT"}}`},
}

var targetCases = []valueCase{
	{"list of one", "{from: a, to: principal.user.email_addresses}", "", `"a":"x"`, `"principal":{"user":{"email_addresses":["x"]}}`},
	{"list of an array", "{from: a, to: principal.user.email_addresses}", "", `"a":["x",null,"",1,{"b":2},["y"],true]`, `"principal":{"user":{"email_addresses":["x","1","true"]}}`},
	{"list of several rules", "{from: a, to: principal.user.email_addresses}\n{from: b, to: principal.user.email_addresses}", "", `"b":"y","a":["x","y"]`, `"principal":{"user":{"email_addresses":["x","y","y"]}}`},
	{"IPs once", "{from: a, to: principal.ip}\n{value: 10.0.0.3, to: principal.ip}\n{value: 10.0.0.4, to: principal.ip}\n{from: b, to: principal.ip}", "",
		`"a":["10.0.0.1","10.0.0.2","10.0.0.1"],"b":["10.0.0.4","10.0.0.5"]`, `"principal":{"ip":["10.0.0.1","10.0.0.2","10.0.0.3","10.0.0.4","10.0.0.5"]}`},
	{"IPs of a match once", "{each: a, to: principal.ip, match: [{equals: x, value: 10.0.0.1}, {equals: y, value: 10.0.0.2}, {value: 10.0.0.3}]}", "",
		`"a":["x","y","x","z","w"]`, `"principal":{"ip":["10.0.0.1","10.0.0.2","10.0.0.3"]}`},
	{"escaped IP once", "{from: a, to: principal.ip}", "", `"a":["10.0.0.1","10.0.0.\u0031"]`, `"principal":{"ip":["10.0.0.1"]}`},
	{"label", "{from: a, to: principal.labels, label: k}", "", `"a":1.50`, `"principal":{"labels":[{"key":"k","value":"1.50"}]}`},
	{"labels in rule order", "{from: b, to: principal.labels, label: b}\n{from: a, to: principal.labels, label: a}", "", `"a":1,"b":2`, `"principal":{"labels":[{"key":"b","value":"2"},{"key":"a","value":"1"}]}`},
	{"label of an array", "{from: a, to: principal.labels, label: k}", "", `"a":["x","",["y"],true]`, `"principal":{"labels":[{"key":"k","value":"x"},{"key":"k","value":"true"}]}`},
	{"label that needs escapes", `{from: a, to: principal.labels, label: "k\"\t"}`, "", `"a":1`, `"principal":{"labels":[{"key":"k\"\t","value":"1"}]}`},
	{"label of a constant", "{value: x, to: principal.labels, label: k}", "", ``, `"principal":{"labels":[{"key":"k","value":"x"}]}`},
	{"labels are no IPs", "{from: a, to: principal.labels, label: k}", "", `"a":["x","x"]`, `"principal":{"labels":[{"key":"k","value":"x"},{"key":"k","value":"x"}]}`},
	{"roles", "{from: a, to: principal.user.attribute.roles}", "", `"a":["x","y"]`, `"principal":{"user":{"attribute":{"roles":[{"name":"x"},{"name":"y"}]}}}`},
	{"additional", "{from: a, to: additional.fields, label: k}\n{from: b, to: additional.fields, label: l}", "", `"b":true,"a":1`, `"additional":{"k":"1","l":"true"}`},
	{"additional of an array", "{from: a, to: additional.fields, label: k}", "", `"a":["x"]`, ``},
	{"additional, first of two keys", "{each: a, to: additional.fields, label: 'k {index}'}\n{each: b, to: additional.fields, label: 'k {index}'}", "",
		`"a":["x","","z"],"b":["1","2","3"]`, `"additional":{"k 0":"x","k 2":"z","k 1":"2"}`},
	{"a member of two free objects, behind a copy", "{each: a, to: additional.fields, label: k}\n{from: b, to: extracted.fields, label: l}\n{each: a, to: extracted.fields, label: k}", "",
		`"a":["x"],"b":"y"`, `"additional":{"k":"x"},"extracted":{"l":"y","k":"x"}`},
	{"several targets", "{from: a, to: [principal.hostname, principal.asset.hostname, target.user.email_addresses]}", "", `"a":"x"`,
		`"principal":{"hostname":"x","asset":{"hostname":"x"}},"target":{"user":{"email_addresses":["x"]}}`},
	{"schema order", "{from: a, to: target.hostname}\n{from: a, to: principal.hostname}\n{from: a, to: about.hostname}", "", `"a":"x"`,
		`"principal":{"hostname":"x"},"target":{"hostname":"x"},"about":[{"hostname":"x"}]`},
	{"one shared element", "{from: a, to: security_result.detection_fields, label: a}\n{from: b, to: security_result.detection_fields, label: b}\n{from: c, to: security_result.summary}", "",
		`"a":1,"b":2,"c":3`, `"security_result":[{"detection_fields":[{"key":"a","value":"1"},{"key":"b","value":"2"}],"summary":"3"}]`},
	{"constant of each type", "{value: 22, to: principal.port}\n{value: 5, to: network.sent_bytes}\n{value: true, to: network.dns.response}\n{value: LINUX, to: principal.platform}\n{value: x, to: principal.user.attribute.roles}", "",
		``, `"principal":{"user":{"attribute":{"roles":[{"name":"x"}]}},"port":22,"platform":"LINUX"},"network":{"sent_bytes":"5","dns":{"response":true}}`},
}

var transformCases = []valueCase{
	{"extract ip", "{from: a, to: principal.ip, extract: ip}", "", `"a":"[2001:db8::1]:22"`, `"principal":{"ip":["2001:db8::1"]}`},
	{"extract nothing", "{from: a, to: principal.ip, extract: ip}", "", `"a":"host"`, ``},
	{"extract version", "{from: a, to: principal.platform_version, extract: version}", "", `"a":"v1.2 10.15.7.1"`, `"principal":{"platform_version":"10.15.7"}`},
	{"extract a group", "{from: a, to: principal.hostname, extract: {regex: 'host=(\\w+)'}}", "", `"a":"x host=web1 y"`, `"principal":{"hostname":"web1"}`},
	{"extract the whole match", "{from: a, to: principal.hostname, extract: {regex: 'w\\w+'}}", "", `"a":"x web1 y"`, `"principal":{"hostname":"web1"}`},
	{"extract an empty group", "{from: a, to: principal.hostname, extract: {regex: 'x(y?)'}}", "", `"a":"x"`, ``},
	{"extract a group that took no part", "{from: a, to: principal.hostname, extract: {regex: 'x|(y)'}}", "", `"a":"x"`, ``},
	{"match, first wins", "{from: a, to: principal.hostname, match: [{regex: '(?i)WIN', value: w}, {regex: in, value: i}, {equals: é, value: e}, {value: d}]}", "", `"a":"in windows"`, `"principal":{"hostname":"w"}`},
	{"match by text", "{from: a, to: principal.hostname, match: [{equals: x, value: y}, {equals: 'true', value: z}]}", "", `"a":true`, `"principal":{"hostname":"z"}`},
	{"match by non-ASCII", "{from: a, to: principal.hostname, match: [{regex: '(?i)é', value: e}, {regex: '(?i)k', value: k}]}", "", `"a":"É"`, `"principal":{"hostname":"e"}`},
	{"match of the Kelvin sign", "{from: a, to: principal.hostname, match: [{regex: '(?i)k', value: k}]}", "", "\"a\":\"\u212a\"", `"principal":{"hostname":"k"}`},
	{"match default", "{from: a, to: principal.hostname, match: [{equals: x, value: y}, {value: d}]}", "", `"a":"z"`, `"principal":{"hostname":"d"}`},
	{"no match, no value", "{from: a, to: principal.hostname, match: [{equals: x, value: y}]}", "", `"a":"z"`, ``},
	{"nothing to match", "{from: a, to: principal.hostname, match: [{value: d}]}", "", `"a":""`, ``},
	{"match to enum", "{from: a, to: principal.platform, match: [{regex: '^Lin', value: LINUX}]}", "", `"a":"Linux"`, `"principal":{"platform":"LINUX"}`},
	{"format", "{from: a, to: principal.hostname, format: 'a {value} \"z\"'}", "", `"a":"é\n"`, `"principal":{"hostname":"a é\n \"z\""}`},
	{"format of nothing", "{from: a, to: principal.hostname, format: 'a {value}'}", "", `"a":""`, ``},
	{"extract, match, format", "{from: a, to: principal.hostname, extract: {regex: '^(..)'}, match: [{equals: ab, value: cd}], format: '<{value}>'}", "", `"a":"abx"`, `"principal":{"hostname":"<cd>"}`},
	{"format to number", "{from: a, to: principal.port, format: '2{value}'}", "", `"a":2`, `"principal":{"port":22}`},
	{"long value", "{from: a, to: principal.hostname, match: [{regex: 'y$', value: y}]}", "", `"a":"` + strings.Repeat("x", 200) + `y"`, `"principal":{"hostname":"y"}`},
	{"transforms in a list", "{from: a, to: principal.user.email_addresses, extract: {regex: '\\w+@\\w+'}}", "", `"a":["<a@b>","c","d@e"]`, `"principal":{"user":{"email_addresses":["a@b","d@e"]}}`},
	{"one rule to fields of two types", "{from: a, to: [principal.hostname, principal.port, target.ip], extract: {regex: '\\d+'}}", "", `"a":"x22"`, `"principal":{"hostname":"22","port":22},"target":{"ip":["22"]}`},
}

var sourceCases = []valueCase{
	{"first that has something", "{from: [a, b, c], to: principal.hostname}", "", `"a":"","b":"x","c":"y"`, `"principal":{"hostname":"x"}`},
	{"first after the transforms", "{from: [a, b], to: principal.ip, extract: ip}", "", `"a":"none","b":"10.0.0.1"`, `"principal":{"ip":["10.0.0.1"]}`},
	{"first of the right type", "{from: [a, b], to: principal.port}", "", `"a":"none","b":1`, `"principal":{"port":1}`},
	{"an array is no single value", "{from: [a, b], to: principal.hostname}", "", `"a":["x"],"b":"y"`, `"principal":{"hostname":"y"}`},
	{"an array without values", "{from: [a, b], to: principal.user.email_addresses}", "", `"a":["",null],"b":"y"`, `"principal":{"user":{"email_addresses":["y"]}}`},
	{"position", "{from: a.1.b, to: principal.hostname}", "", `"a":[{"b":1},{"b":2}]`, `"principal":{"hostname":"2"}`},
	{"position as a key", "{from: a.1.b, to: principal.hostname}", "", `"a":{"1":{"b":2}}`, `"principal":{"hostname":"2"}`},
	{"position beyond", "{from: a.5, to: principal.hostname}", "", `"a":[1,2]`, ``},
	{"leading zero is a key", "{from: a.01, to: principal.hostname}", "", `"a":["x","y"],"b":{"01":1}`, ``},
	{"dot in a key", `{from: 'a\.b.c', to: principal.hostname}`, "", `"a":{"b":{"c":1}},"a.b":{"c":2}`, `"principal":{"hostname":"2"}`},
	{"backslash in a key", `{from: 'a\\b', to: principal.hostname}`, "", `"a\\b":1`, `"principal":{"hostname":"1"}`},
	{"escaped key", "{from: é.b, to: principal.hostname}", "", `"\u00e9":{"\u0062":1}`, `"principal":{"hostname":"1"}`},
	{"key with a space", "{from: a b, to: principal.hostname}", "", `"a b":1`, `"principal":{"hostname":"1"}`},
	{"empty key", "{from: a, to: principal.hostname}", "", `"":1,"a":2`, `"principal":{"hostname":"2"}`},
	{"below a scalar", "{from: a.b, to: principal.hostname}", "", `"a":"x"`, ``},
	{"when", "{from: a, to: principal.hostname, when: log.b == '1'}\n{from: b, to: principal.hostname, when: 'true'}", "", `"a":"x","b":2`, `"principal":{"hostname":"2"}`},
	{"first in file order", "{from: b, to: principal.hostname, when: has(log.b)}\n{from: a, to: principal.hostname, when: has(log.a)}", "", `"a":"x","b":2`, `"principal":{"hostname":"2"}`},
}

var loopCases = []valueCase{
	{"elements", "{each: a, to: principal.user.email_addresses}", "", `"a":["x","",null,["y"],{"z":1},2]`, `"principal":{"user":{"email_addresses":["x","2"]}}`},
	{"positions count", "{each: a, to: principal.labels, label: 'k {index}'}", "", `"a":["x","",{},"y"]`, `"principal":{"labels":[{"key":"k 0","value":"x"},{"key":"k 3","value":"y"}]}`},
	{"skip", "{each: a, skip: 2, to: principal.labels, label: '{index}'}", "", `"a":["x","y","z"]`, `"principal":{"labels":[{"key":"2","value":"z"}]}`},
	{"skip all", "{each: a, skip: 9, to: principal.labels, label: '{index}'}", "", `"a":["x","y","z"]`, ``},
	{"relative from", "{each: a, from: [b, c], to: principal.labels, label: '{index}'}", "", `"a":[{"c":1},{"b":2,"c":3},4]`, `"principal":{"labels":[{"key":"0","value":"1"},{"key":"1","value":"2"}]}`},
	{"array in an element", "{each: a, from: b, to: principal.user.email_addresses}", "", `"a":[{"b":["x","y"]},{"b":"z"}]`, `"principal":{"user":{"email_addresses":["x","y","z"]}}`},
	{"into a single field", "{each: a, to: principal.hostname}", "", `"a":["",null,"x","y"]`, `"principal":{"hostname":"x"}`},
	{"into a single field, by type", "{each: a, to: principal.port}", "", `"a":["x",5,6]`, `"principal":{"port":5}`},
	{"no array", "{each: a, to: principal.hostname}", "", `"a":"x"`, ``},
	{"an object", "{each: a, to: principal.hostname}", "", `"a":{"0":"x"}`, ``},
	{"when of an element", "{each: a, from: b, to: principal.user.email_addresses, when: item.c == '1'}", "", `"a":[{"b":"x"},{"b":"y","c":1},{"b":"z","c":"1"}]`, `"principal":{"user":{"email_addresses":["y","z"]}}`},
	{"positions and a loop", "{each: a, from: b, to: principal.user.email_addresses}\n{from: a.0.b, to: principal.hostname}", "", `"a":[{"b":"x"},{"b":"y"}]`, `"principal":{"hostname":"x","user":{"email_addresses":["x","y"]}}`},
	{"a constant for each", "{each: a, value: x, to: principal.labels, label: '{index}'}", "", `"a":[1,2]`, `"principal":{"labels":[{"key":"0","value":"x"},{"key":"1","value":"x"}]}`},
	{"list of a list", "{each: a.b, from: c.0, to: principal.user.email_addresses}", "", `"a":{"b":[{"c":["x","y"]},{"c":"z"}]}`, `"principal":{"user":{"email_addresses":["x"]}}`},
}

var blockCases = []valueCase{
	{"into a message", "{from: a.b, use: host, to: principal}", hostBlock, `"a":{"b":{"name":"x","ip":"10.0.0.1"}}`, `"principal":{"hostname":"x","ip":["10.0.0.1"]}`},
	{"into a list", "{from: a, use: host, to: intermediary}\n{each: b, use: host, to: intermediary}", hostBlock, `"b":[{"name":"y"},{},3,{"name":""},{"ip":"10.0.0.1"}],"a":{"name":"x"}`,
		`"intermediary":[{"hostname":"x"},{"hostname":"y"},{"ip":["10.0.0.1"]}]`},
	{"shared element first", "{each: b, use: host, to: intermediary}\n{from: c, to: intermediary.application}", hostBlock, `"b":[{"name":"y"}],"c":"x"`, `"intermediary":[{"application":"x"},{"hostname":"y"}]`},
	{"without to", "{from: a, use: blk}", "blocks: {blk: [{from: name, to: principal.hostname}, {from: id, to: additional.fields, label: id}]}", `"a":{"name":"x","id":1}`, `"additional":{"id":"1"},"principal":{"hostname":"x"}`},
	{"without from", "{use: host, to: principal}", hostBlock, `"name":"x"`, `"principal":{"hostname":"x"}`},
	{"item of a block without from", "{use: blk, to: principal}", "blocks: {blk: [{from: name, to: hostname, when: item.name == 'x'}]}", `"name":"x"`, `"principal":{"hostname":"x"}`},
	{"each and from", "{each: a, from: h, use: host, to: intermediary}", hostBlock, `"a":[{"h":{"name":"x"}},{"name":"y"}]`, `"intermediary":[{"hostname":"x"}]`},
	{"nested", "{each: a, use: outer, to: about}", "blocks:\n  outer:\n    - {from: id, to: hostname}\n    - {from: user, use: inner, to: user}\n    - {each: tags, from: v, to: labels, label: 'tag {index}'}\n  inner:\n    - {from: mail, to: email_addresses}",
		`"a":[{"id":1,"user":{"mail":"x"},"tags":[{"v":"p"},{"v":"q"}]},{"id":2,"tags":[{},{"v":"r"}]}]`,
		`"about":[{"hostname":"1","user":{"email_addresses":["x"]},"labels":[{"key":"tag 0","value":"p"},{"key":"tag 1","value":"q"}]},{"hostname":"2","labels":[{"key":"tag 1","value":"r"}]}]`},
	{"list in a list", "{each: a, use: outer, to: about}", "blocks: {outer: [{from: s, to: hostname}, {each: h, use: inner, to: security_result}], inner: [{from: n, to: summary}]}",
		`"a":[{"s":1,"h":[{"n":"x"},{"n":"y"}]},{"h":[{"n":"z"}]}]`, `"about":[{"hostname":"1","security_result":[{"summary":"x"},{"summary":"y"}]},{"security_result":[{"summary":"z"}]}]`},
	{"elements into a single message", "{each: a, use: blk, to: security_result.about}", "blocks: {blk: [{from: n, to: hostname}]}", `"a":[{"m":1},{"n":"x"},{"n":"y"}]`, `"security_result":[{"about":{"hostname":"x"}}]`},
	{"elements into one message", "{each: a, use: blk, to: principal}", "blocks: {blk: [{from: n, to: labels, label: 'n {index}'}, {from: n, to: hostname}]}", `"a":[{"n":"x"},{"n":"y"}]`,
		`"principal":{"hostname":"x","labels":[{"key":"n 0","value":"x"},{"key":"n 1","value":"y"}]}`},
	{"when of the use", "{each: a, use: host, to: intermediary, when: item.up == 'true'}", hostBlock, `"a":[{"name":"x"},{"name":"y","up":true}]`, `"intermediary":[{"hostname":"y"}]`},
	{"when in a block", "{each: a, use: blk, to: intermediary}", "blocks: {blk: [{from: name, to: hostname, when: item.up == 'true' && log.b == '1'}]}", `"b":1,"a":[{"name":"x"},{"name":"y","up":true}]`, `"intermediary":[{"hostname":"y"}]`},
	{"a block twice", "{from: a, use: host, to: principal}\n{from: b, use: host, to: target}", hostBlock, `"a":{"name":"x"},"b":{"name":"y"}`, `"principal":{"hostname":"x"},"target":{"hostname":"y"}`},
	{"keys from the record", "{each: a, use: tag, to: principal.labels}\n{from: b, to: principal.labels, label: b}", "blocks: {tag: [{from: k, to: key}, {from: v, to: value}]}", `"a":[{"k":"x","v":1},{"k":"y","v":2}],"b":3`,
		`"principal":{"labels":[{"key":"b","value":"3"},{"key":"x","value":"1"},{"key":"y","value":"2"}]}`},
}

const hostBlock = "blocks: {host: [{from: name, to: hostname}, {from: ip, to: ip}]}"

var jsonCases = []valueCase{
	{"last of repeated keys", "{from: a, to: principal.hostname}", "", `"a":1,"a":2`, `"principal":{"hostname":"2"}`},
	{"last counts when null", "{from: a, to: principal.hostname}", "", `"a":1,"a":null`, ``},
	{"last counts whole", "{from: a.b, to: principal.hostname}\n{from: a.c, to: target.hostname}", "", `"a":{"b":1},"a":{"c":2}`, `"target":{"hostname":"2"}`},
	{"last is a scalar", "{from: a.b, to: principal.hostname}", "", `"a":{"b":1},"a":2`, ``},
	{"last is an empty array", "{each: a, to: principal.user.email_addresses}", "", `"a":["x"],"a":[]`, ``},
	{"last by its escaped key", "{from: a, to: principal.hostname}", "", `"a":1,"\u0061":2`, `"principal":{"hostname":"2"}`},
	{"array, then object", "{from: a.0, to: principal.hostname}", "", `"a":["x"],"a":{"1":"y"}`, ``},
	{"repeated in an element", "{each: a, from: b.c, to: principal.user.email_addresses}", "", `"a":[{"b":{"c":1},"b":{}},{"b":{"c":2}}]`, `"principal":{"user":{"email_addresses":["2"]}}`},
	{"white space", "{from: a.b, to: principal.hostname}", "", " \"a\"\t:\n{ \"b\" :\r[ ] , \"b\" : \"x\" } ", `"principal":{"hostname":"x"}`},
	{"has() of a repeated object with a list", "{from: c, to: principal.hostname, when: has(log.a)}\n{each: a.l, to: principal.user.email_addresses}", "", `"c":"x","a":{},"a":{"l":["1","2","3","4","5","6","7","8"]}`,
		`"principal":{"hostname":"x","user":{"email_addresses":["1","2","3","4","5","6","7","8"]}}`},
}

func TestJSONNames(t *testing.T) {
	valueCase{"", "{from: a, to: [principal.user.email_addresses, security_result.detection_fields], label: k}", "", "", ""}.runFails(t)
	for _, tc := range []valueCase{
		{"fields", "{from: a, to: [principal.user.email_addresses, principal.asset.asset_id]}\n{from: a, to: security_result.detection_fields, label: some_key}\n{from: a, to: additional.fields, label: some_key}", "", `"a":"x"`,
			`{"metadata":{"eventTimestamp":"2026-01-02T03:04:05Z","eventType":"GENERIC_EVENT"},"additional":{"some_key":"x"},"principal":{"user":{"emailAddresses":["x"]},"asset":{"assetId":"x"}},"securityResult":[{"detectionFields":[{"key":"some_key","value":"x"}]}]}`},
		{"has() and reads", "{from: a, to: [principal.user.email_addresses, intermediary.asset.asset_id]}\n{each: l, use: b, to: about}", "blocks: {b: [{from: a, to: asset.asset_id}]}\nevent_type:\n- {when: '\"x\" in udm.principal.user.email_addresses && has(udm.intermediary.asset.asset_id) && has(udm.about.asset.asset_id)', is: STATUS_UPDATE}\n- {is: GENERIC_EVENT}", `"a":"x","l":[{"a":1}]`,
			`{"metadata":{"eventTimestamp":"2026-01-02T03:04:05Z","eventType":"STATUS_UPDATE"},"principal":{"user":{"emailAddresses":["x"]}},"intermediary":[{"asset":{"assetId":"x"}}],"about":[{"asset":{"assetId":"1"}}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, Options{JSONNames: true}) })
	}
}

// runFails checks that a rule file does not compile.
func (tc valueCase) runFails(t *testing.T) {
	t.Helper()
	if _, err := Compile("rules.yaml", []byte(ruleFile(tc.rules, tc.rest)), Options{}); err == nil {
		t.Error("got no fault")
	}
}

func TestTimestamps(t *testing.T) {
	for _, tc := range []struct{ format, in, want string }{
		{"rfc3339", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"rfc3339", "2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"},
		{"rfc3339", "2026-01-02T03:04:05.0Z", "2026-01-02T03:04:05.0Z"},
		{"rfc3339", "2026-01-02T03:04:05.123456789+00:00", "2026-01-02T03:04:05.123456789Z"},
		{"rfc3339", "2026-01-02T03:04:05.1234567890Z", ""},
		{"rfc3339", "2026-01-02T03:04:05.Z", ""},
		{"rfc3339", "2026-01-02T03:04:05,5Z", ""},
		{"rfc3339", "2026-01-02T03:04:05", ""},
		{"rfc3339", "2026-01-02T03:04:05 Z", ""},
		{"rfc3339", "2026-01-02T03:04Z", ""},
		{"rfc3339", "2026-01-02T03:04:05+0100", ""},
		{"rfc3339", "2026-01-02T03:04:05+01", ""},
		{"rfc3339", "2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"},
		{"rfc3339", "2026-01-02T03:04:05+23:59", "2026-01-01T03:05:05Z"},
		{"rfc3339", "2026-01-02T03:04:05+24:00", ""},
		{"rfc3339", "2026-01-02T03:04:05+01:60", ""},
		{"rfc3339", "2026-01-02T23:59:60Z", ""},
		{"rfc3339", "2026-01-02T24:00:00Z", ""},
		{"rfc3339", "2026-02-29T00:00:00Z", ""},
		{"rfc3339", "2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z"},
		{"rfc3339", "1900-02-29T00:00:00Z", ""},
		{"rfc3339", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		{"rfc3339", "2026-13-01T00:00:00Z", ""},
		{"rfc3339", "2026-00-01T00:00:00Z", ""},
		{"rfc3339", "2026-04-31T00:00:00Z", ""},
		{"rfc3339", "0000-12-31T23:59:59Z", ""},
		{"rfc3339", "0000-12-31T23:59:59-00:01", "0001-01-01T00:00:59Z"},
		{"rfc3339", "0001-01-01T00:00:00+00:01", ""},
		{"rfc3339", "9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.9Z"},
		{"rfc3339", "9999-12-31T23:59:59-00:01", ""},
		{"rfc3339", "+026-01-02T03:04:05Z", ""},
		{"rfc3339", "1767323045", ""},
		{"rfc3339", "", ""},
		{"unix", "0", "1970-01-01T00:00:00Z"},
		{"unix", "1767323045", "2026-01-02T03:04:05Z"},
		{"unix", "1767323045.50", "2026-01-02T03:04:05.50Z"},
		{"unix", "-1", "1969-12-31T23:59:59Z"},
		{"unix", "-0.25", "1969-12-31T23:59:59.75Z"},
		{"unix", "-62135596800", "0001-01-01T00:00:00Z"},
		{"unix", "-62135596800.5", ""},
		{"unix", "253402300799.999999999", "9999-12-31T23:59:59.999999999Z"},
		{"unix", "253402300800", ""},
		{"unix", "9223372036854775807", ""},
		{"unix", "1844674407370955162.5", ""},
		{"unix", "9223372036854775808", ""},
		{"unix", "1.0000000000", ""},
		{"unix", "1.", ""},
		{"unix", ".5", ""},
		{"unix", "+1", ""},
		{"unix", "1e9", ""},
		{"unix", " 1", ""},
		{"unix", "2026-01-02T03:04:05Z", ""},
		{"unix_ms", "1767323045007", "2026-01-02T03:04:05.007Z"},
		{"unix_ms", "1767323045000", "2026-01-02T03:04:05Z"},
		{"unix_ms", "1767323045007.25", "2026-01-02T03:04:05.00725Z"},
		{"unix_ms", "-1", "1969-12-31T23:59:59.999Z"},
		{"unix_us", "1767323045000007", "2026-01-02T03:04:05.000007Z"},
		{"unix_us", "1.2345", ""},
		{"unix_ns", "1767323045000000007", "2026-01-02T03:04:05.000000007Z"},
		{"unix_ns", "1.5", ""},
	} {
		t.Run(tc.format+" "+tc.in, func(t *testing.T) {
			p := compileText(t, fmt.Sprintf("log_type: X\nmappings:\n  - {from: t, to: metadata.event_timestamp, time: %s}\nevent_type: GENERIC_EVENT\n", tc.format))
			got, err := p.Map(nil, fmt.Appendf(nil, `{"t":%q}`, tc.in))
			want := `{"metadata":{"event_timestamp":"` + tc.want + `","event_type":"GENERIC_EVENT"}}`
			if tc.want == "" {
				if rejectCode(err) != CodeTimestamp || len(got) != 0 {
					t.Errorf("got %s, %v; want a reject", got, err)
				}
				return
			}
			if err != nil || string(got) != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		})
	}
}

// TestFindIP holds findIP against net/netip: every substring is tried.
func TestFindIP(t *testing.T) {
	for _, in := range []string{
		"10.0.0.1", "10.0.0.1:22", "x10.0.0.1y", "256.1.1.1", "1.1.1.256", "01.1.1.1", "1.1.1.01", "1.2.3", "1.2.3.4.5", "1..2.3.4",
		"::", ":::", "x::", "std::string", "2001:db8::1", "[2001:db8::1]:22", "fe80::1%eth0", "::ffff:10.0.0.1", "1:2:3:4:5:6:10.0.0.1",
		"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7", "::1:2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:7:88888",
		"12345::1", "1:2:3:4:5:6:7", "::1.2.3.256", "::1:2:3:4:5:6:1.2.3.4", "::1:2:3:4:5:1.2.3.4", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
		"12:34:56 10.0.0.1", "a:b.", "", ":", "1:", ":1", "0.0.0.0", "000.0.0.0", "é::é",
	} {
		checkFindIP(t, in)
	}
	// All short texts over an alphabet that addresses are made of.
	const alphabet = "1f:.g"
	var text func(prefix string, left int)
	text = func(prefix string, left int) {
		checkFindIP(t, prefix)
		if left > 0 {
			for _, c := range alphabet {
				text(prefix+string(c), left-1)
			}
		}
	}
	text("", 6)
	text("1:2:3:4", 4)
	text("1:2:3:4:5:6:7:", 3)
	text("::2:3:4:5:6:", 4)
	text("1.1.1.", 4)
}

func checkFindIP(t *testing.T, in string) {
	t.Helper()
	if got, want := string(findIP([]byte(in))), slowIP(in); got != want {
		t.Errorf("%q: got %q, want %q", in, got, want)
	}
}

func slowIP(text string) string {
	for i := range len(text) {
		for end := len(text); end > i; end-- {
			if a, err := netip.ParseAddr(text[i:end]); err == nil && a.Zone() == "" {
				return text[i:end]
			}
		}
	}
	return ""
}

func FuzzFindIP(f *testing.F) {
	for _, in := range []string{"10.0.0.1", "[2001:db8::1]:22", "1:2:3:4:5:6:7::", "::ffff:10.0.0.1"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) < 100 {
			checkFindIP(t, in)
		}
	})
}

func TestFindVersion(t *testing.T) {
	re := regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)
	for _, in := range []string{"", "1", "1.2", "1.2.3", "v1.2.3-rc", "1.2.3.4", "1.2 3.4.5", "1..2.3.4", "10.15.7.", ".1.2.3", "1.2.x 1.2.30", "1.2.3é"} {
		if got, want := string(findVersion([]byte(in))), re.FindString(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestStrictJSON checks what is rejected, and that the words say where.
func TestStrictJSON(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	p := compileText(t, ruleFile("{from: a.b, to: principal.hostname}\n{each: a.l, from: x, to: principal.user.email_addresses}", ""))
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", "json: byte 0: unexpected end of the record"},
		{"no object", " [1]", "object: the record is not a JSON object"},
		{"text", `"a"`, "object: the record is not a JSON object"},
		{"number", "1", "object: the record is not a JSON object"},
		{"word", "nul", "json: byte 0: "},
		{"cut", `{"a":`, "json: byte 5: unexpected end of the record"},
		{"cut in a text", `{"a":"x`, "json: byte 7: unexpected end of the record"},
		{"cut in an escape", `{"a":"\u00`, "json: byte 10: unexpected end of the record"},
		{"trailing comma", `{"a":1,}`, "json: byte 7: invalid character '}' looking for beginning of object key string"},
		{"two values", `{}{}`, "json: byte 2: invalid character '{' after top-level value"},
		{"NUL for a key", "{\x001}", `json: byte 1: invalid character '\x00' looking for beginning of object key string`},
		{"NUL for the next key", "{" + valueTime + ",\x001}", `json: byte 28: invalid character '\x00' looking for beginning of object key string`},
		{"NUL behind", "{}\x00", `json: byte 2: invalid character '\x00' after top-level value`},
		{"NUL in a text", "{\"a\":\"\x00\"}", `json: byte 6: invalid character '\x00' in string literal`},
		{"tab in a text", "{\"a\":\"\t\"}", `json: byte 6: invalid character '\t' in string literal`},
		{"single quotes", `{'a':1}`, `json: byte 1: invalid character '\'' looking for beginning of object key string`},
		{"leading zero", `{"a":01}`, `json: byte 6: invalid character '1' after object key:value pair`},
		{"plus", `{"a":+1}`, `json: byte 5: invalid character '+' looking for beginning of value`},
		{"NaN", `{"a":NaN}`, `json: byte 5: invalid character 'N' looking for beginning of value`},
		{"no colon", `{"a" 1}`, `json: byte 5: invalid character '1' after object key`},
		{"bad escape", `{"a":"\x"}`, `json: byte 7: invalid character 'x' in string escape code`},
		{"wrong bracket", `{"a":[1}`, `json: byte 7: invalid character '}' after array element`},
		{"form feed", "{\f}", `json: byte 1: invalid character '\f' looking for beginning of object key string`},
		{"deep", `{"z":` + deep(1000) + "}", "depth: byte 5000: more than 1000 nested containers"},
		{"deep and not JSON", strings.Repeat(`{"a":`, 2000), "depth: byte 5000: more than 1000 nested containers"},
		{"brackets", strings.Repeat("[", 100_000), "depth: byte 1000: more than 1000 nested containers"},
		{"as deep as may be", deep(1000), "timestamp: t: no timestamp"},
		{"no timestamp", `{"t":null}`, "timestamp: t: no timestamp"},
		{"bad timestamp", `{"t":"yesterday"}`, `timestamp: t: "yesterday" is no RFC 3339 time with a zone`},
		{"object for a timestamp", `{"t":{"a":1}}`, "timestamp: t: no timestamp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, plain := range []bool{false, true} {
				m := p.NewMapper()
				m.plain = plain
				if got, err := m.Map([]byte("kept"), []byte(tc.in)); err == nil || !strings.HasPrefix(err.Error(), tc.want) || string(got) != "kept" {
					t.Errorf("plain %t: got %s, %v; want %s", plain, got, err, tc.want)
				}
				// A reject leaves nothing behind.
				if got, err := m.Map(nil, []byte("{"+valueTime+`,"a":{"b":1}}`)); err != nil || !bytes.Contains(got, []byte(`"hostname":"1"`)) {
					t.Errorf("plain %t: the next record got %s, %v", plain, got, err)
				}
			}
		})
	}
}
