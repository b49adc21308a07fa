package secops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// otherAnswer is what came in place of a token endpoint's answer: from a proxy, a
// gateway or a login page on the way. It says nothing about the credentials.
type otherAnswer struct {
	status int
	what   string
}

func (e *otherAnswer) Error() string {
	return fmt.Sprintf("the token endpoint answers %d %s with %s: a proxy or a login page may stand in between", e.status, http.StatusText(e.status), e.what)
}

// passing reports answers that another try may not meet.
func (e *otherAnswer) passing() bool {
	return e.status == http.StatusRequestTimeout || e.status == http.StatusTooManyRequests || e.status >= 500
}

// watched answers a client that refuses answers which are none of a token
// endpoint. The library would take them for a refusal of the credentials.
func watched(c *http.Client) *http.Client {
	out := *c
	out.Transport = tokenAnswers{c.Transport}
	return &out
}

// tokenAnswers looks at the answers to POST, by which all tokens are asked for but
// those of the metadata server, with nobody in between.
type tokenAnswers struct{ next http.RoundTripper }

// tokenBytes bounds what is read of an answer, as the library does.
const tokenBytes = 1 << 20

// RoundTrip implements http.RoundTripper.
func (t tokenAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil || req.Method != http.MethodPost {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenBytes))
	_ = resp.Body.Close() // all that is wanted of it was read
	if err != nil {
		return nil, err
	}
	if !ofTokenEndpoint(resp.StatusCode, body) {
		return nil, &otherAnswer{resp.StatusCode, describe(resp.Header, body)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// ofTokenEndpoint accepts a JSON object, with an error in it unless it is a success,
// as OAuth and Google's APIs have it.
func ofTokenEndpoint(status int, body []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return false
	}
	_, failed := members["error"]
	return failed || status/100 == 2
}

// describeBytes is how much of an answer is shown that should not have come.
const describeBytes = 80

// longWord is what could be a token or a part of one.
var longWord = regexp.MustCompile(`[A-Za-z0-9_.~+/=-]{12,}`)

// describe says what an answer is: its content type and how it begins. Words that
// may be secrets are left out: a page may repeat what was sent.
func describe(h http.Header, body []byte) string {
	kind := "no content type"
	if name, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil {
		kind = name
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return kind + " and no content"
	}
	text := longWord.ReplaceAllString(string(body[:min(len(body), 10*describeBytes)]), "...")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(strings.Join(strings.Fields(text), " ")); len(runes) > describeBytes {
		text = string(runes[:describeBytes]) + "..."
	} else {
		text = string(runes)
	}
	return fmt.Sprintf("%s that begins %q", kind, text)
}
