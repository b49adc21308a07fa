package asaref

import (
	"strings"
	"testing"
)

// record wraps details in a record with an id and a good timestamp.
func record(details string) string {
	return `{"id":"e1","timestamp":"2023-02-15T22:00:00Z","details":` + details + `}`
}

// generic answers the event of a record that names no user and no address, with the
// members that its details add.
func generic(members string) string {
	return typed("GENERIC_EVENT", members)
}

func typed(eventType, members string) string {
	e := `{"metadata":{"event_timestamp":"2023-02-15T22:00:00Z","event_type":"` + eventType +
		`","vendor_name":"OKTA_SCALEFT","product_name":"OKTA_SCALEFT"},"additional":{"id":"e1"}`
	if members != "" {
		e += "," + members
	}
	return e + "}"
}

func TestMap(t *testing.T) {
	tests := []struct {
		name    string
		details string
		want    string
	}{
		{"nothing", `{}`, generic("")},
		{"details null", `null`, generic("")},
		{"details list", `[1]`, generic("")},
		{"empty values", `{"team_id":"","ssh_algorithm":null,"session_type":{},"via":[]}`, generic("")},
		{"false and zero are values", `{"project":{"forward_traffic":false,"next_unix_gid":0}}`,
			generic(`"target":{"resource":{"attribute":{"labels":[{"key":"project_forward_traffic","value":"false"},{"key":"next_unix_gid","value":"0"}]}}}`)},
		{"number keeps its literal", `{"ssh_algorithm":1.50}`, generic(`"network":{"tls":{"cipher":"1.50"}}`)},
		{"big integer", `{"ssh_algorithm":12345678901234567890123}`, generic(`"network":{"tls":{"cipher":"12345678901234567890123"}}`)},
		{"exponent", `{"ssh_algorithm":-1E+400}`, generic(`"network":{"tls":{"cipher":"-1E+400"}}`)},
		{"strings are not trimmed", `{"ssh_algorithm":" A "}`, generic(`"network":{"tls":{"cipher":" A "}}`)},
		{"repeated key, last counts whole", `{"project":{"id":"1","name":"n"},"project":{"id":"2"}}`,
			generic(`"target":{"resource":{"id":"2"}}`)},
		{"repeated key, last is null", `{"project":{"id":"1"},"project":null}`, generic("")},
		{"escaped key", `{"ssh_\u0061lgorithm":"x"}`, generic(`"network":{"tls":{"cipher":"x"}}`)},
		{"bad bytes", "{\"ssh_algorithm\":\"a\xff\xfeb\xe2\x82\"}", generic(`"network":{"tls":{"cipher":"a\ufffd\ufffdb\ufffd\ufffd"}}`)},
		{"lone surrogates", `{"ssh_algorithm":"\ud800x\udc00\ud83d\ude00"}`, generic(`"network":{"tls":{"cipher":"\ufffdx\ufffd😀"}}`)},
		{"trace before via", `{"trace_id":"t","via":"v"}`, generic(`"network":{"session_id":"t"}`)},
		{"via", `{"trace_id":"","via":"v"}`, generic(`"network":{"session_id":"v"}`)},
		{"project before team", `{"project":{"id":"p"},"team_id":"t"}`,
			generic(`"principal":{"resource":{"id":"t"}},"target":{"resource":{"id":"p"}}`)},
		{"team without project", `{"team_id":"t"}`,
			generic(`"principal":{"resource":{"id":"t"}},"target":{"resource":{"id":"t"}}`)},
		{"hostnames", `{"server":{"alt_names":["a","b","","d"]},"server_hostnames":["x","","z"]}`,
			generic(`"target":{"hostname":"a","asset":{"hostname":"a"},"resource":{"attribute":{"labels":[` +
				`{"key":"alt_name","value":"b"},{"key":"alt_name","value":"d"},{"key":"server_hostname 2","value":"z"}]}}}`)},
		{"first alt name empty", `{"server":{"alt_names":[""]},"server_hostnames":["x"]}`, generic(`"target":{"hostname":"x"}`)},
		{"hostnames not a list", `{"server_hostnames":"x"}`, generic("")},
		{"two addresses", `{"client_ip":"10.0.0.1","from_address":"[2001:db8::1%eth0]:22"}`,
			typed("STATUS_UPDATE", `"principal":{"asset":{"ip":["10.0.0.1","2001:db8::1"]},"ip":["10.0.0.1","2001:db8::1"]}`)},
		{"one address twice", `{"client_ip":"10.0.0.1","from_address":"10.0.0.1:22"}`,
			typed("STATUS_UPDATE", `"principal":{"asset":{"ip":["10.0.0.1"]},"ip":["10.0.0.1"]}`)},
		{"role", `{"actor":{"details":{"user_type":"human"}}}`,
			generic(`"principal":{"user":{"attribute":{"roles":[{"name":"human"}]}}}`)},
		{"list for repeated", `{"actor":{"team_name":["a","",null,2,["x"],{}]}}`,
			generic(`"principal":{"user":{"department":["a","2"]}}`)},
		{"servers", `{"servers":[{"hostname":"b"},{},"ref",null,{"services":["","ssh"]}],"server":{"hostname":"a"}}`,
			generic(`"intermediary":[{"hostname":"a"},{"hostname":"b"},{"resource":{"attribute":{"labels":[{"key":"server_services 1","value":"ssh"}]}}}]`)},
		{"server state is not an intermediary's", `{"servers":[{"state":"ACTIVE","alt_names":["a"]}]}`, generic("")},
		{"one security result", `{"session_type":"s","ssh_public_key":"k"}`,
			generic(`"security_result":[{"detection_fields":[{"key":"session_type","value":"s"},{"key":"ssh_public_key","value":"k"}]}],` +
				`"extensions":{"auth":{"auth_details":"s"}}`)},
		{"server id", `{"server_id":"s"}`, generic(`"target":{"resource":{"attribute":{"labels":[{"key":"details_server_id","value":"s"}]}}}`)},
		{"server id joined", `{"server_id":{"id":"s"}}`, generic(`"target":{"resource":{"attribute":{"labels":[{"key":"details_server_id","value":"s"}]}}}`)},
		{"user and target user", `{"actor":{"id":"1"},"username":"u"}`,
			typed("USER_LOGIN", `"principal":{"user":{"employee_id":"1"}},"target":{"user":{"user_display_name":"u"}},"extensions":{"auth":{"type":"SSO"}}`)},
		{"user alone", `{"unix_user_name":"u"}`, typed("USER_UNCATEGORIZED", `"principal":{"user":{"userid":"u"}}`)},
		{"user and target, no login", `{"unix_user_name":"u","target_server":"t"}`,
			typed("USER_UNCATEGORIZED", `"principal":{"user":{"userid":"u"}},"target":{"application":"t"}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, code := Map([]byte(record(tt.details)))
			if code != "" || !Equal(got, []byte(tt.want)) {
				t.Errorf("Map answered code %q, event\n%s\nwant\n%s", code, got, tt.want)
			}
		})
	}
}

func TestMapLoginByType(t *testing.T) {
	for kind, want := range map[string]string{
		`"server.ssh_LogIn"`: "USER_LOGIN",
		`"server.ssh"`:       "USER_UNCATEGORIZED",
		`["login"]`:          "USER_UNCATEGORIZED",
	} {
		got, _ := Map([]byte(record(`{"unix_user_name":"u","target_server":"t","type":` + kind + `}`)))
		if !strings.Contains(string(got), `"event_type":"`+want+`"`) {
			t.Errorf("type %s: got %s, want event type %s", kind, got, want)
		}
	}
}

func TestPlatform(t *testing.T) {
	tests := []struct{ os, printed, corrected string }{
		{"Windows 11", "WINDOWS", "WINDOWS"},
		{"win10", "WINDOWS", "WINDOWS"},
		{"Windows_NT", "WINDOWS", "WINDOWS"},
		{"macOS 13.2.1", "MAC", "MAC"},
		{"Mac OS X 10.15", "MAC", "MAC"},
		{"macOS Catalina", "LINUX", "MAC"},
		{"Darwin 22.3.0", "WINDOWS", "MAC"},
		{"iOS 17", "MAC", "MAC"},
		{"Linux 6.1", "LINUX", "LINUX"},
		{"Ubuntu 22.04", "", "LINUX"},
		{"Red Hat Enterprise 9", "", "LINUX"},
		{"openSUSE Leap", "", "LINUX"},
		{"amzn2", "", "LINUX"},
		{"Arch", "", "LINUX"},
		{"arm64 arch", "", ""},
		{"Android 14", "ANDROID", "ANDROID"},
		{"Plan 9", "", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		if got := match(tt.os, clientSubstrings); got != tt.printed {
			t.Errorf("%q as printed: got %q, want %q", tt.os, got, tt.printed)
		}
		if got := match(tt.os, clientWords); got != tt.corrected {
			t.Errorf("%q corrected: got %q, want %q", tt.os, got, tt.corrected)
		}
	}
}

func TestFindIP(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.7:53122":        "203.0.113.7",
		"[2001:db8::1]:443":        "2001:db8::1",
		"fe80::1%eth0":             "fe80::1",
		"2001:db8::1:443":          "2001:db8::1:443",
		"::ffff:10.0.0.1":          "::ffff:10.0.0.1",
		"from 10.0.0.1, 10.0.0.2":  "10.0.0.1",
		"10.0.0.256":               "10.0.0.25",
		"010.0.0.1":                "10.0.0.1",
		"999.1.1.1":                "99.1.1.1",
		"std::string":              "d::",
		"10:22:31":                 "",
		"10.0.0":                   "",
		"1:2:3:4:5:6:7:8:9":        "1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:1.2.3.4.5":    "1:2:3:4:5:6:1.2.3.4",
		"é10.0.0.1":                "10.0.0.1",
		"2001:DB8:0:0:8:800::417A": "2001:DB8:0:0:8:800::417A",
		"":                         "",
	} {
		if got := findIP(in); got != want {
			t.Errorf("findIP(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestTimestamp(t *testing.T) {
	const bad = ""
	for in, want := range map[string]string{
		"2023-02-15T22:00:00Z":            "2023-02-15T22:00:00Z",
		"2023-02-15t22:00:00z":            "2023-02-15T22:00:00Z",
		"2023-02-15T22:00:00.000000001Z":  "2023-02-15T22:00:00.000000001Z",
		"2023-02-15T22:00:00.50Z":         "2023-02-15T22:00:00.50Z",
		"2023-02-15T22:00:00.9+05:30":     "2023-02-15T16:30:00.9Z",
		"2023-12-31T23:59:59-00:01":       "2024-01-01T00:00:59Z",
		"2024-02-29T00:00:00-23:59":       "2024-02-29T23:59:00Z",
		"0000-12-31T23:00:00-01:00":       "0001-01-01T00:00:00Z",
		"0000-12-31T23:00:00Z":            bad,
		"9999-12-31T23:59:59-00:01":       bad,
		"2023-02-15T22:00:00":             bad,
		"2023-02-15 22:00:00Z":            bad,
		"2023-02-15T22:00:00.Z":           bad,
		"2023-02-15T22:00:00.0123456789Z": bad,
		"2023-02-15T22:00:00,5Z":          bad,
		"2023-02-15T22:00:60Z":            bad,
		"2023-02-15T24:00:00Z":            bad,
		"2023-02-29T00:00:00Z":            bad,
		"2023-02-15T22:00:00+24:00":       bad,
		"2023-02-15T22:00:00+00:60":       bad,
		"2023-02-15T22:00:00+0000":        bad,
		" 2023-02-15T22:00:00Z":           bad,
		"2023-02-15T22:00:00Z\n":          bad,
		"1676498400":                      bad,
		"":                                bad,
	} {
		if got, ok := timestamp(in); got != want || ok != (want != bad) {
			t.Errorf("timestamp(%q): got %q, %t, want %q", in, got, ok, want)
		}
	}
}

func TestMapRejects(t *testing.T) {
	nested := func(n int) string {
		return `{"timestamp":"2023-02-15T22:00:00Z","x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	tests := []struct{ name, record, want string }{
		{"cut", `{"timestamp":"2023-02-15T22:00:00Z"`, CodeJSON},
		{"behind it", record("{}") + "x", CodeJSON},
		{"two", record("{}") + record("{}"), CodeJSON},
		{"NUL", "{\"a\":\"\x00\"}", CodeJSON},
		{"leading zero", `{"a":01}`, CodeJSON},
		{"list", `[1]`, CodeObject},
		{"number", ` 1 `, CodeObject},
		{"null", `null`, CodeObject},
		{"1000 deep", nested(1000), ""},
		{"1001 deep", nested(1001), CodeDepth},
		{"1001 deep and cut", strings.Repeat("[", 1001), CodeDepth},
		{"100000 deep", strings.Repeat("[", 100000), CodeDepth},
		{"bad, then deep", `{"a":x` + strings.Repeat("[", 1001), CodeJSON},
		{"brackets in a string", `{"timestamp":"2023-02-15T22:00:00Z","x":"\"` + strings.Repeat("[", 2000) + `"}`, ""},
		{"no timestamp", `{}`, CodeTimestamp},
		{"timestamp null", `{"timestamp":null}`, CodeTimestamp},
		{"timestamp number", `{"timestamp":1676498400}`, CodeTimestamp},
		{"later timestamp counts", `{"timestamp":"2023-02-15T22:00:00Z","timestamp":""}`, CodeTimestamp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if event, got := Map([]byte(tt.record)); got != tt.want || (event == nil) != (got != "") {
				t.Errorf("got code %q and event %s, want code %q", got, event, tt.want)
			}
		})
	}
}
