package udm_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/udm"
)

// base is an event without violations; the tests add one member to it.
const base = `{"metadata":{"event_timestamp":"2026-03-01T08:15:30.123Z","event_type":"STATUS_UPDATE"},` +
	`"principal":{"hostname":"gw-1.example.com"}`

func check(event string) []string {
	var got []string
	for _, v := range udm.Validate([]byte(event)) {
		got = append(got, v.String())
	}
	return got
}

func TestValidateMembers(t *testing.T) {
	tests := []struct {
		name, member string
		want         []string
	}{
		{"nothing", `"about":null`, nil},
		{"struct", `"additional":{"id":"x","n":1,"deep":{"a":[null,true]}}`, nil},
		{"struct list", `"additional":["x"]`, []string{`error: additional: wrong-type: want an object, got a list`}},

		{"unknown field", `"src":{"hostnam":"a"}`, []string{`warning: src.hostnam: unknown-field: Noun has no field "hostnam" (did you mean hostname?)`}},
		{"unknown member", `"zzz":{"a":[1]}`, []string{`warning: zzz: unknown-field: UDM has no field "zzz"`}},
		{"unknown in a list", `"about":[{},{"os":1}]`, []string{`warning: about[1].os: unknown-field: Noun has no field "os"`}},

		{"string as number", `"src":{"hostname":1}`, []string{`error: src.hostname: wrong-type: want string, got a number`}},
		{"string as object", `"src":{"hostname":{}}`, []string{`error: src.hostname: wrong-type: want string, got an object`}},
		{"message as string", `"src":"a"`, []string{`error: src: wrong-type: want an object, got a string`}},
		{"message as list", `"src":[{}]`, []string{`error: src: wrong-type: want an object, got a list`}},
		{"scalar for list", `"src":{"ip":"192.0.2.1"}`, []string{`error: src.ip: scalar-for-list: want a list of string, got a string`}},
		{"object for list", `"about":{"hostname":"a"}`, []string{`error: about: scalar-for-list: want a list of objects, got an object`}},
		{"null in list", `"src":{"ip":["192.0.2.1",null]}`, []string{`error: src.ip[1]: wrong-type: want string, got null`}},

		{"bool", `"security_result":[{"alert_state":"ALERTING"},{"detection_fields":[{"key":"k","value":"v","rbac_enabled":true}]}]`, nil},
		{"bool as string", `"about":[{"labels":[]},{"resource":{"attribute":{"labels":[{"rbac_enabled":"true"}]}}}]`, []string{
			`warning: about[0].labels: deprecated: the field is deprecated`,
			`error: about[1].resource.attribute.labels[0].rbac_enabled: wrong-type: want bool, got a string`}},

		{"int32", `"src":{"port":443}`, nil},
		{"int32 as string", `"src":{"port":"443"}`, nil},
		{"int32 with exponent", `"src":{"port":4.43e2}`, nil},
		{"int32 not whole", `"src":{"port":443.5}`, []string{`error: src.port: wrong-type: want int32, got "443.5"`}},
		{"int32 too large", `"src":{"port":2147483648}`, []string{`error: src.port: wrong-type: "2147483648" does not fit int32`}},
		{"int32 words", `"src":{"port":"https"}`, []string{`error: src.port: wrong-type: want int32, got "https"`}},
		{"uint64", `"network":{"sent_bytes":"18446744073709551615","received_bytes":18446744073709551615}`, nil},
		{"uint64 too large", `"network":{"sent_bytes":"18446744073709551616"}`, []string{`error: network.sent_bytes: wrong-type: "18446744073709551616" does not fit uint64`}},
		{"uint64 negative", `"network":{"sent_bytes":-1}`, []string{`error: network.sent_bytes: wrong-type: "-1" does not fit uint64`}},

		{"float", `"security_result":[{"risk_score":1.5},{"risk_score":"-Infinity"},{"risk_score":"NaN"},{"risk_score":"2.5"}]`, nil},
		{"float too large", `"security_result":[{"risk_score":1e39}]`, []string{`error: security_result[0].risk_score: wrong-type: "1e39" does not fit float`}},
		{"float words", `"security_result":[{"risk_score":"high"}]`, []string{`error: security_result[0].risk_score: wrong-type: want float, got "high"`}},
		{"double", `"src":{"location":{"region_coordinates":{"latitude":52.1,"longitude":-1e300}}}`, nil},
		{"double too large", `"src":{"location":{"region_coordinates":{"latitude":1e309}}}`, []string{`error: src.location.region_coordinates.latitude: wrong-type: "1e309" does not fit double`}},

		{"bytes", `"network":{"dhcp":{"client_identifier":"AQI="}}`, nil},
		{"bytes without padding", `"network":{"dhcp":{"client_identifier":"AQI_-w"}}`, nil},
		{"bytes of other letters", `"network":{"dhcp":{"client_identifier":"a b"}}`, []string{`error: network.dhcp.client_identifier: wrong-type: "a b" is no base64`}},
		{"duration", `"network":{"session_duration":"3.5s"}`, nil},
		{"duration as number", `"network":{"session_duration":3.5}`, []string{`error: network.session_duration: wrong-type: want duration, got a number`}},
		{"duration without unit", `"network":{"session_duration":"3.5"}`, []string{`error: network.session_duration: wrong-type: "3.5" is no duration such as "3.5s"`}},

		{"enum by name", `"src":{"platform":"LINUX"}`, nil},
		{"enum by number", `"src":{"platform":3}`, nil},
		{"enum unknown", `"src":{"platform":"LINUKS"}`, []string{`error: src.platform: enum-value: Noun.Platform has no value "LINUKS" (did you mean LINUX?)`}},
		{"enum unknown number", `"src":{"platform":99}`, []string{`warning: src.platform: enum-value: Noun.Platform has no value with the number 99`}},
		{"enum fraction", `"src":{"platform":1.5}`, []string{`error: src.platform: wrong-type: want a value of Noun.Platform, got 1.5`}},
		{"enum as bool", `"src":{"platform":true}`, []string{`error: src.platform: wrong-type: want a value of Noun.Platform, got a boolean`}},
		{"enum list", `"security_result":[{"action":["ALLOW","ALOW"]}]`, []string{`error: security_result[0].action[1]: enum-value: SecurityResult.Action has no value "ALOW" (did you mean ALLOW?)`}},
		{"enum deprecated", `"metadata":{"event_timestamp":"2026-03-01T08:15:30Z","event_type":"GENERIC_EVENT","event_timestamp_attributes":["COLLECTED_TIME"]}`, []string{
			`warning: metadata: duplicate-key: the key stands twice in one object; the last one counts`,
			`warning: metadata.event_timestamp_attributes[0]: deprecated: the value COLLECTED_TIME is deprecated`}},

		{"map", `"security_result":[{"variables":{"a":{"string_val":"x"},"b":{"int64_val":"7"}}}]`, nil},
		{"map value", `"security_result":[{"variables":{"a":{"bool_val":"x"}}}]`, []string{`error: security_result[0].variables.a.bool_val: wrong-type: want bool, got a string`}},
		{"map of text", `"security_result":[{"variables":{"a":"x"}}]`, []string{`error: security_result[0].variables.a: wrong-type: want an object, got a string`}},
		{"map as list", `"security_result":[{"variables":[]}]`, []string{`error: security_result[0].variables: wrong-type: want an object, got a list`}},
		{"oneof", `"security_result":[{"variables":{"a":{"string_val":"x","bool_val":true}}}]`, []string{`error: security_result[0].variables.a.bool_val: oneof: only one of typed_value may be set, and string_val is`}},

		{"deprecated field", `"target":{"resource":{"id":"p-1"}}`, []string{`warning: target.resource.id: deprecated: the field is deprecated`}},
		{"both spellings", `"securityResult":[{"ruleName":"a","rule_id":"b"}]`, []string{`warning: security_result: mixed-spelling: the event mixes the two spellings of names, such as event_type and eventType`}},
		{"duplicate key", `"src":{"ip":"192.0.2.1","ip":["192.0.2.1"]}`, []string{`warning: src.ip: duplicate-key: the key stands twice in one object; the last one counts`}},
		{"duplicate key of other object", `"about":[{"port":"x"},{"ip":1,"ip":[]}]`, []string{
			`error: about[0].port: wrong-type: want int32, got "x"`,
			`warning: about[1].ip: duplicate-key: the key stands twice in one object; the last one counts`}},
		{"escaped key", `"src":{"\u0068ostname":1}`, []string{`error: src.hostname: wrong-type: want string, got a number`}},
		{"half a surrogate pair", `"src":{"application":"\ud800"}`, []string{`error: src.application: encoding: a string holds bytes that are not UTF-8 or half a surrogate pair`}},
		{"not UTF-8", `"additional":{"a":"` + "\xff" + `"}`, []string{`error: additional: encoding: a string holds bytes that are not UTF-8 or half a surrogate pair`}},
		{"replacement character", `"src":{"application":"\ufffd\ud83d\ude00é"}`, nil},

		{"max bytes", `"metadata":{"event_timestamp":"2026-03-01T08:15:30Z","event_type":"GENERIC_EVENT","product_version":"` + strings.Repeat("é", 17) + `"}`, []string{
			`warning: metadata: duplicate-key: the key stands twice in one object; the last one counts`,
			`warning: metadata.product_version: limit: 34 bytes are more than 32`}},
		{"max chars", `"src":{"platform_version":"` + strings.Repeat("é", 65) + `"}`, []string{`warning: src.platform_version: limit: 65 characters are more than 64`}},
		{"chars within", `"src":{"platform_version":"` + strings.Repeat("é", 64) + `"}`, nil},
		{"range", `"src":{"port":0}`, []string{`warning: src.port: limit: 0 is outside 1 to 65535`}},
		{"range of a float", `"extensions":{"vulns":{"vulnerabilities":[{"cvss_base_score":10.5}]}}`, []string{`warning: extensions.vulns.vulnerabilities[0].cvss_base_score: limit: 10.5 is outside 0 to 10`}},
		{"asset id", `"src":{"asset_id":"a-1"}`, []string{`warning: src.asset_id: limit: "a-1" is not of the form vendor:id with at most 32 and 128 bytes`}},
		{"asset id of asset", `"src":{"asset":{"asset_id":"a-1"},"asset_id":"okta:a-1"}`, []string{`warning: src.asset.asset_id: limit: "a-1" is not of the form vendor:id`}},
		{"two addresses and a port", `"src":{"ip":["192.0.2.1","192.0.2.2"],"port":22}`, []string{`warning: src.ip: limit: more than one item, though port is set`}},
		{"two addresses", `"src":{"ip":["192.0.2.1","192.0.2.2"]}`, nil},

		{"ip", `"src":{"ip":["192.0.2.256","2001:db8::1"]}`, []string{`warning: src.ip[0]: format: "192.0.2.256" does not look like an IP address`}},
		{"mac", `"src":{"mac":["00:1b:2C:3d:4e:5f","001b2c3d4e5f"]}`, []string{`warning: src.mac[1]: format: "001b2c3d4e5f" does not look like a MAC address`}},
		{"hostname", `"src":{"hostname":"a_b"}`, []string{`warning: src.hostname: format: "a_b" does not look like a hostname`}},
		{"email", `"src":{"user":{"email_addresses":["a@example.com","a.example.com"]}}`, []string{`warning: src.user.email_addresses[1]: format: "a.example.com" does not look like an e-mail address`}},
		{"url", `"src":{"url":"example.com/a"}`, []string{`warning: src.url: format: "example.com/a" does not look like a URL with a scheme`}},
		{"hash", `"src":{"file":{"md5":"d41d8cd98f00b204e9800998ecf8427"}}`, []string{`warning: src.file.md5: format: "d41d8cd98f00b204e9800998ecf8427" does not look like the hexadecimal digits of md5`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := base + "," + tt.member + "}"
			if diff := cmp.Diff(tt.want, check(event)); diff != "" {
				t.Errorf("%s\nwrong violations (-want +got):\n%s", event, diff)
			}
		})
	}
}

func TestValidateRequirements(t *testing.T) {
	tests := []struct {
		name, event string
		want        []string
	}{
		{"no type", `{"metadata":{"event_timestamp":"2026-03-01T08:15:30Z"},"about":[{"ip":["192.0.2.1"]}]}`, []string{
			"error: metadata.event_type: required: an event needs metadata.event_type (guide)"}},
		{"no metadata", `{"principal":{"ip":["192.0.2.1"]}}`, []string{
			"error: metadata.event_timestamp: required: an event needs metadata.event_timestamp (guide)",
			"error: metadata.event_type: required: an event needs metadata.event_type (guide)"}},
		{"no noun", with("GENERIC_EVENT", ``), []string{
			"warning: event: required: an event needs one of principal, src, target, intermediary, observer, about (guide_format)"}},
		{"empty noun", with("GENERIC_EVENT", `,"principal":{"user":{"userid":""},"ip":[]},"about":[{}]`), []string{
			"warning: event: required: an event needs one of principal, src, target, intermediary, observer, about (guide_format)"}},
		{"required, enforced", with("USER_RESOURCE_ACCESS", `,"principal":{"user":{"userid":"a"}}`), []string{
			"error: target.resource: required: USER_RESOURCE_ACCESS needs target.resource (guide, matrix)"}},
		{"one of, enforced", with("STATUS_UPDATE", `,"principal":{"user":{"userid":"a"}}`), []string{
			"error: principal: required: STATUS_UPDATE needs one of principal.hostname, principal.ip, principal.mac, principal.asset_id (guide, matrix)"}},
		{"required by the guide", with("USER_UNCATEGORIZED", `,"principal":{"ip":["192.0.2.1"]}`), []string{
			"warning: target.user: required: USER_UNCATEGORIZED needs target.user (guide)"}},
		{"empty auth counts", with("USER_LOGIN", `,"principal":{"hostname":"a"},"target":{"user":{"userid":"a"}},"extensions":{"auth":{}}`), nil},
		{"no auth", with("USER_LOGIN", `,"principal":{"hostname":"a"},"target":{"user":{"userid":"a"}},"extensions":{}`), []string{
			"error: extensions.auth: required: USER_LOGIN needs extensions.auth (guide, matrix)"}},
		{"condition not set", with("USER_LOGIN", `,"target":{"user":{"userid":"a"}},"extensions":{"auth":{}}`), []string{
			"warning: target: required: USER_LOGIN needs one of target.hostname, target.ip, target.mac, target.asset_id when principal is not set (guide)"}},
		{"condition set", with("GENERIC_EVENT", `,"principal":{"port":22}`), []string{
			"warning: principal.ip: required: an event needs principal.ip when principal.port is set (guide)"}},
		{"forbidden", with("GENERIC_EVENT", `,"principal":{"email":"a@example.com"}`), []string{
			"warning: principal.email: forbidden: an event should not have principal.email (proto_comment)"}},
		{"not usable", with("ANALYST_ADD_COMMENT", `,"principal":{"hostname":"a"}`), []string{
			"error: metadata.event_type: not-usable: a parser cannot give an event the type ANALYST_ADD_COMMENT (matrix)"}},
		{"type by number", with(`15013`, `,"principal":{"user":{"userid":"a"}}`), []string{
			"error: target.resource: required: USER_RESOURCE_ACCESS needs target.resource (guide, matrix)"}},
		{"wanted value", with("SETTING_CREATION", `,"principal":{"hostname":"a"},"target":{"resource":{"resource_type":"SETTING"}}`), nil},
		{"wanted value by number", with("SETTING_CREATION", `,"principal":{"hostname":"a"},"target":{"resource":{"resource_type":2}}`), []string{
			"warning: target.resource: required: SETTING_CREATION needs one of target.resource.type=SETTING, target.resource.resource_type=SETTING (guide)"}},
		{"last duplicate has nothing", with("STATUS_UPDATE", `,"principal":{"hostname":"a"},"principal":{"user":{"userid":"a"}}`), []string{
			"warning: principal: duplicate-key: the key stands twice in one object; the last one counts",
			"error: principal: required: STATUS_UPDATE needs one of principal.hostname, principal.ip, principal.mac, principal.asset_id (guide, matrix)"}},
		{"last metadata has no type", with("USER_LOGIN", `,"principal":{"hostname":"a"},"metadata":{"event_timestamp":"2026-03-01T08:15:30Z"}`), []string{
			"warning: metadata: duplicate-key: the key stands twice in one object; the last one counts",
			"error: metadata.event_type: required: an event needs metadata.event_type (guide)"}},
		{"items of a list add up", with("GENERIC_EVENT", `,"about":[{"hostname":"a"},{}]`), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, check(tt.event)); diff != "" {
				t.Errorf("%s\nwrong violations (-want +got):\n%s", tt.event, diff)
			}
		})
	}
}

// with returns an event of a type, which is a name or a number.
func with(eventType, members string) string {
	if eventType[0] > '9' {
		eventType = `"` + eventType + `"`
	}
	return `{"metadata":{"event_timestamp":"2026-03-01T08:15:30Z","event_type":` + eventType + `}` + members + `}`
}

func TestValidateText(t *testing.T) {
	tests := []struct {
		name, event, want string
	}{
		{"empty", ``, "error: event: json: the text ends where a value should stand, at byte 0"},
		{"truncated", `{"metadata":{"event_type":"USER`, "error: event: json: the text ends inside a string, at byte 31"},
		{"two events", `{} {}`, "error: event: json: more text after the event, at byte 3"},
		{"byte order mark", "\ufeff{}", "error: event: json: no value, at byte 0"},
		{"NUL", "{\"principal\":\x00}", "error: event: json: no value, at byte 13"},
		{"trailing comma", `{"principal":{},}`, "error: event: json: no key in an object, at byte 16"},
		{"leading zero", `{"additional":{"a":01}}`, "error: event: json: invalid number, at byte 21"},
		{"bad escape", `{"additional":{"a":"\x"}}`, "error: event: json: invalid escape in a string, at byte 20"},
		{"control character", "{\"additional\":{\"a\":\"\n\"}}", "error: event: json: control character in a string, at byte 20"},
		{"list", `[{}]`, "error: event: object: want an object, got a list"},
		{"null", ` null `, "error: event: object: want an object, got null"},
		{"100,000 brackets", `{"additional":` + strings.Repeat(`{"a":`, 100_000), "error: event: depth: more than 1000 brackets are open, at byte 5009"},
		{"100,000 lists", `{"additional":{"a":` + strings.Repeat(`[`, 100_000), "error: event: depth: more than 1000 brackets are open, at byte 1017"},
		{"100,000 processes", strings.Repeat(`{"principal":`, 2) + strings.Repeat(`{"process":`, 100_000), "error: event: depth: more than 1000 brackets are open, at byte 11004"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, check(tt.event)); diff != "" {
				t.Errorf("wrong violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateDepthLimit(t *testing.T) {
	nested := func(depth int) string {
		return with("GENERIC_EVENT", `,"principal":{"hostname":"a"},"additional":`+strings.Repeat(`{"a":`, depth-1)+`1`+strings.Repeat(`}`, depth-1))
	}
	if got := check(nested(1000)); got != nil {
		t.Errorf("1000 brackets: got %q", got)
	}
	if got := check(nested(1001)); len(got) != 1 || !strings.Contains(got[0], "depth") {
		t.Errorf("1001 brackets: got %q", got)
	}
}

func TestValidateBoundsViolations(t *testing.T) {
	members := strings.Repeat(`{"hostname":1,"nope":1},`, 1000)
	got := udm.Validate([]byte(with("GENERIC_EVENT", `,"about":[`+strings.TrimSuffix(members, ",")+`]`)))
	if len(got) != 200 {
		t.Errorf("got %d violations, want 200", len(got))
	}
}

func TestValidatorReuse(t *testing.T) {
	var v udm.Validator
	clean, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Clone(v.Validate([]byte(`{"src":{"port":"x","ip":1}}`)))
	for _, event := range []string{`{`, string(clean), `[]`} {
		v.Validate([]byte(event))
	}
	if diff := cmp.Diff(first, v.Validate([]byte(`{"src":{"port":"x","ip":1}}`))); diff != "" {
		t.Errorf("a used validator answers otherwise (-fresh +used):\n%s", diff)
	}
}

func TestValidateCleanEventAllocatesNothing(t *testing.T) {
	event, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	var v udm.Validator
	if got := v.Validate(event); len(got) > 0 {
		t.Fatalf("testdata/event.json is not clean: %v", got)
	}
	if got := testing.AllocsPerRun(100, func() { v.Validate(event) }); got > 0 {
		t.Errorf("got %v allocations for a clean event, want none", got)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte(base + "}"))
	event, err := os.ReadFile("testdata/event.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(event)
	f.Fuzz(func(t *testing.T, event []byte) {
		isJSON := true
		for _, v := range udm.Validate(event) {
			switch v.Code {
			case "depth":
				return
			case "json":
				isJSON = false
			}
		}
		if want := json.Valid(event); isJSON != want {
			t.Errorf("%q: JSON is %v, encoding/json says %v", event, isJSON, want)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	event, err := os.ReadFile("testdata/event.json")
	if err != nil {
		b.Fatal(err)
	}
	warned := append([]byte(nil), event[:len(event)-2]...)
	warned = append(warned, `,"src":{"resource":{"id":"a"},"hostname":"a_b"}}`...)
	for _, bm := range []struct {
		name  string
		event []byte
	}{{"clean", event}, {"two warnings", warned}} {
		b.Run(bm.name, func(b *testing.B) {
			b.SetBytes(int64(len(bm.event)))
			b.ReportAllocs()
			var v udm.Validator
			for b.Loop() {
				v.Validate(bm.event)
			}
		})
	}
}
