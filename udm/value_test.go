package udm

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTimestampFault(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2026-03-01T08:15:30Z", ""},
		{"2026-03-01T08:15:30.1Z", ""},
		{"2026-03-01T08:15:30.123456789+02:00", ""},
		{"2024-02-29T23:59:59-23:59", ""},
		{"0001-01-01T00:00:00Z", ""},
		{"9999-12-31T23:59:59.999999999Z", ""},
		{"0001-01-01T00:00:00+00:01", "the year in UTC is not within 1 to 9999"},
		{"9999-12-31T23:59:00-00:01", "the year in UTC is not within 1 to 9999"},
		{"0000-01-01T00:00:00Z", "the year in UTC is not within 1 to 9999"},
		{"2026-02-29T08:15:30Z", "no such day"},
		{"1900-02-29T08:15:30Z", "no such day"},
		{"2026-04-31T08:15:30Z", "no such day"},
		{"2026-13-01T08:15:30Z", "no such day"},
		{"2026-03-01T24:00:00Z", "no such time of day"},
		{"2026-03-01T23:59:60Z", "no such time of day"},
		{"2026-03-01T08:15:30", "want YYYY-MM-DDThh:mm:ss with a zone"},
		{"2026-03-01 08:15:30Z", "want YYYY-MM-DDThh:mm:ss with a zone"},
		{"2026-03-01t08:15:30z", "want YYYY-MM-DDThh:mm:ss with a zone"},
		{"1772352930", "want YYYY-MM-DDThh:mm:ss with a zone"},
		{"", "want YYYY-MM-DDThh:mm:ss with a zone"},
		{"2026-03-01T08:15:30.Z", "want 1 to 9 digits after the point"},
		{"2026-03-01T08:15:30.1234567890Z", "want 1 to 9 digits after the point"},
		{"2026-03-01T08:15:30.123", "want Z or an offset such as +02:00 at the end"},
		{"2026-03-01T08:15:30+0200", "want Z or an offset such as +02:00 at the end"},
		{"2026-03-01T08:15:30ZZ", "want Z or an offset such as +02:00 at the end"},
		{"2026-03-01T08:15:30+24:00", "no such offset"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := timestampFault([]byte(tt.text)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// timeShape is the grammar of RFC 3339 as protocol buffers take it; whether
// there is such a day is left to package time.
var timeShape = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2026-03-01T08:15:30Z", "2026-03-01T08:15:30.123456789+02:00", "0001-01-01T00:00:00+00:01", "2026-02-29T08:15:30.1234567890Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		year := parsed.UTC().Year()
		want := timeShape.MatchString(text) && err == nil && year >= 1 && year <= 9999
		if got := timestampFault([]byte(text)) == ""; got != want {
			t.Errorf("%q: got %v, want %v (package time: %v)", text, got, want, err)
		}
	})
}

func TestIsDuration(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{"3s", true}, {"-3.5s", true}, {"0.000000001s", true}, {"315576000000s", true},
		{"315576000001s", false}, {"0.0000000001s", false}, {"3", false}, {"s", false}, {".5s", false}, {"3.s", false}, {"3ms", false}, {"+3s", false}, {"", false},
	}
	for _, tt := range tests {
		if got := isDuration([]byte(tt.text)); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestFormatMatches(t *testing.T) {
	tests := []struct {
		format    Format
		good, bad []string
	}{
		{MAC, []string{"00:1b:2c:3d:4e:5f", "00-1B-2C-3D-4E-5F"}, []string{"00:1b:2c:3d:4e", "00:1b-2c:3d:4e:5f", "00:1b:2c:3d:4e:5g", "001b.2c3d.4e5f"}},
		{Hostname, []string{"a", "gw-1.example.com", "gw.", "3com", "192.0.2.1"}, []string{"-a", "a-", "a..b", ".", "a b", "a_b", strings.Repeat("a", 64), strings.Repeat("a.", 130)}},
		{DomainName, []string{"_dmarc.example.com", "CORP"}, []string{"exam ple.com", "*"}},
		{EmailAddress, []string{"a@example.com", "a+b@localhost", `"a b"@example.com`, "a@[192.0.2.1]"}, []string{"a", "@b", "a@", "a b@example.com", "A <a@example.com>", "a@b@c", "a@exa mple"}},
		{URL, []string{"https://example.com/a?b#c", "mailto:a@example.com", "s3://bucket/é"}, []string{"example.com", "://x", "http:", "1a:b", "http://a b", "http://<a>"}},
		{MD5, []string{strings.Repeat("aF", 16)}, []string{strings.Repeat("a", 31), strings.Repeat("g", 32)}},
		{SHA1, []string{strings.Repeat("0", 40)}, []string{""}},
		{SHA256, []string{strings.Repeat("0", 64)}, []string{strings.Repeat("0", 40)}},
		{NoFormat, []string{"anything"}, nil},
	}
	for _, tt := range tests {
		for _, text := range tt.good {
			if !tt.format.Matches([]byte(text)) {
				t.Errorf("%s: %q is refused", tt.format, text)
			}
		}
		for _, text := range tt.bad {
			if tt.format.Matches([]byte(text)) {
				t.Errorf("%s: %q is taken", tt.format, text)
			}
		}
	}
}

func FuzzIP(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "::", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:1.2.3.4", "1::2::3", "01.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := netip.ParseAddr(text)
		if want := err == nil && addr.Zone() == ""; IP.Matches([]byte(text)) != want {
			t.Errorf("%q: got %v, net/netip says %v", text, !want, want)
		}
	})
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "AQI=", "AQI", "A", "AQ==", "a-_b", "a+-b", "AQI=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := false
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			_, err := e.DecodeString(text)
			want = want || err == nil
		}
		want = want && !strings.ContainsAny(text, "\r\n")
		if got := isBase64([]byte(text)); got != want {
			t.Errorf("%q: got %v, encoding/base64 says %v", text, got, want)
		}
	})
}

func FuzzInteger(f *testing.F) {
	for _, s := range []string{"0", "-0", "1e3", "1.50e1", "1.5", "18446744073709551615", "18446744073709551616", "1000e-3", "0.01e2", "-9223372036854775808", "0e99999", "1e-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := scanner{b: []byte(text)}
		if s.number(0) != len(text) || len(text) == 0 {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if _, _, exponent := splitNumber([]byte(text)); exponent > 1000 || exponent < -1000 || !ok {
			return
		}
		n, whole := parseInteger([]byte(text))
		if whole != exact.IsInt() {
			t.Fatalf("%q: whole is %v, want %v", text, whole, exact.IsInt())
		}
		if !whole {
			return
		}
		for kind, isIn := range map[Kind]bool{
			Int64: exact.Num().IsInt64(), Uint64: exact.Num().IsUint64(),
			Int32: exact.Num().IsInt64() && exact.Num().Int64() == int64(int32(exact.Num().Int64())),
		} {
			if n.fits(kind) != isIn {
				t.Errorf("%q fits %s: got %v, want %v", text, kind, !isIn, isIn)
			}
		}
	})
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`a`, `\n\t\"\\\/\b\f\r`, `\u00e9\ud83d\ude00`, `\ud800`, `\ud800\ud83d\ude00`, `\udc00x`, "\xff\xc3", `\ufffd`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		quoted := []byte(`"` + token + `"`)
		s := scanner{b: quoted}
		end, _ := s.text(1)
		var want string
		if err := json.Unmarshal(quoted, &want); (err == nil) != (end == len(quoted)-1) {
			t.Fatalf("%q: string ends at %d, encoding/json says %v", quoted, end, err)
		} else if err != nil {
			return
		}
		got, sound := unescape(nil, []byte(token))
		if string(got) != want {
			t.Errorf("%q: got %q, want %q", token, got, want)
		}
		if !sound && !strings.Contains(want, "\ufffd") {
			t.Errorf("%q is called unsound", token)
		}
	})
}
