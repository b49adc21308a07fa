package draft

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const page = `{"list":[{"id":"1","details":{"actor":"k"}},{"id":"2"}],"related_objects":{"k":{"type":"user","object":{"name":"ann"}}}}`
	tests := []struct {
		name, in string
		want     Reading
	}{
		{"nothing", "", Reading{}},
		{"lines", "{\"a\":1}\n\n{\"a\":2}", Reading{Records: 2}},
		{"CRLF and a byte order mark", "\xef\xbb\xbf{\"a\":1}\r\n{\"a\":2}\r\n", Reading{Records: 2}},
		{"indented", "{\n  \"a\": {\n    \"b\": \"}\"\n  }\n}\n{\n}\n", Reading{Records: 2}},
		{"array", `[{"a":1},{"a":2},3]`, Reading{Records: 2, Bad: 1, FirstBad: 1, Arrays: true}},
		{"indented array", "[\n{\"a\":1},\n{\"a\":2}\n]\n{\"a\":3}", Reading{Records: 3, Arrays: true}},
		{"page", page, Reading{Records: 2}},
		{"indented page", strings.ReplaceAll(page, ",", ",\n"), Reading{Records: 2}},
		{"no JSON", "x\n{\"a\":1}\n{\"a\":\n\"b\"\n", Reading{Records: 1, Bad: 3, FirstBad: 1}},
		{"no object", "1\n\"x\"\nnull\n{}", Reading{Records: 1, Bad: 3, FirstBad: 1}},
		{"cut off", "{\"a\":1}\n{\n\"a\":2,\n", Reading{Records: 1, Bad: 1, FirstBad: 2}},
		{"too long a line", "{\"a\":1}\n\"" + strings.Repeat("x", maxRecord) + "\"\n{\"a\":2}", Reading{Records: 2, Bad: 1, FirstBad: 2}},
		{"too long an object", "{\n" + strings.Repeat("\"a\":1,\n", maxRecord/7+1), Reading{Bad: 1, FirstBad: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := (&Survey{}).Read(strings.NewReader(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if test.name == "too long an object" {
				got.Bad = min(got.Bad, 1) // what follows is no JSON either
			}
			if diff := cmp.Diff(got, test.want); diff != "" {
				t.Errorf("reading (-got +want):\n%s", diff)
			}
		})
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	got, err := (&Survey{}).Read(io.MultiReader(strings.NewReader("{\"a\":1}\n{"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || got.Records != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	tests := []struct {
		sample string
		masked bool
	}{
		{`{"password":"hunter2"}`, true},
		{`{"user_pin":1234}`, true},
		{`{"sessionToken":"20111"}`, true},
		{`{"headers":{"Authorization":"x"}}`, true},
		{`{"credentials":{"value":"x"}}`, true},
		{`{"credentials":[{"value":"x"}]}`, true},
		{`{"api_key":["x"]}`, true},
		{`{"a":"Bearer x"}`, true},
		{`{"a":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}`, true},
		{`{"a":"-----BEGIN PRIVATE KEY-----"}`, true},
		{`{"a":"AKIAABCDEFGHIJKLMNOP"}`, true},
		{`{"a":"https://ann:pw@example.com/"}`, true},
		{`{"a":"/login?x=1&token=abc"}`, true},
		{`{"a":"curl -d password=abc"}`, true},
		{`{"a":"q8Zr3LmT0vXy7BnK2dWp5HsJ9cFg4AeU"}`, true},
		{`{"password_changed":true}`, false},
		{`{"token_type":"session"}`, false},
		{`{"credentials":{"type":"otp"}}`, false},
		{`{"public_key":"AAAAC3NzaC1lZDI1NTE5AAAAIGq8Zr3LmT0vXy7BnK2dWp5HsJ9c"}`, false},
		{`{"fingerprint":"SHA256:q8Zr3LmT0vXy7BnK2dWp5HsJ9cFg4AeUq8Zr3LmT0vX"}`, false},
		{`{"hash":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`, false},
		{`{"a":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`, false},
		{`{"email":"ann@example.com"}`, false},
		{`{"ip":"2001:db8::1"}`, false},
		{`{"passenger":"ann"}`, false},
	}
	for _, test := range tests {
		t.Run(test.sample, func(t *testing.T) {
			src := string(propose(t, test.sample[:len(test.sample)-1]+`,"time":"2024-03-01T06:00:00Z"}`))
			if got := strings.Contains(src, masked); got != test.masked {
				t.Errorf("masked %v, want %v:\n%s", got, test.masked, src)
			}
		})
	}
}

func TestWordsOf(t *testing.T) {
	tests := []struct {
		key  string
		want []string
	}{
		{"userAgent", []string{"user", "agent"}},
		{"src_ip", []string{"src", "ip"}},
		{"IPAddress", []string{"ip", "address"}},
		{"clientIP", []string{"client", "ip"}},
		{"User Agent", []string{"user", "agent"}},
		{"@timestamp", []string{"timestamp"}},
		{"sha256", []string{"sha256"}},
		{"--", nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(wordsOf(test.key), test.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", test.key, diff)
		}
	}
}

func TestAddRefusesWhatIsNoRecord(t *testing.T) {
	for _, record := range []string{"", " ", "[]", "1", "{", `{"a":1}{`, "{\"a\":\"\n\"}"} {
		s := &Survey{}
		if err := s.Add([]byte(record)); err == nil || s.records != 0 {
			t.Errorf("%q: got %v and %d records", record, err, s.records)
		}
	}
}
