package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// StatusError is an answer that is no success.
type StatusError struct {
	Status int
	// Code is the service's own word for the error, such as
	// "authorization_error", "" where the body has none.
	Code string
	// Message is the service's sentence, or the start of a body that is not
	// JSON. Secrets are taken out of it.
	Message string
	// RequestID is what the service's support asks for.
	RequestID string
	// Method and Path tell the call, without its query.
	Method, Path string
}

func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// messageBytes is how much of a body an error shows.
const messageBytes = 300

func newStatusError(req *http.Request, resp *http.Response, body []byte) *StatusError {
	e := &StatusError{
		Status: resp.StatusCode, Method: req.Method, Path: req.URL.EscapedPath(),
		RequestID: clip([]byte(resp.Header.Get("Request-Id"))),
	}
	if e.RequestID == "" {
		e.RequestID = clip([]byte(resp.Header.Get("X-Okta-Request-Id")))
	}
	// The word stands under one of several keys, and code may be a number.
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		e.Message = clip(body)
		return e
	}
	e.Code = firstText(fields, "type", "nottype", "error", "errorCode", "code")
	e.Message = firstText(fields, "message", "errorSummary", "error_description", "error_cause")
	return e
}

func firstText(fields map[string]any, keys ...string) string {
	for _, k := range keys {
		if s, ok := fields[k].(string); ok && s != "" {
			return clip([]byte(s))
		}
	}
	return ""
}

// clip answers the start of a body as one printable line.
func clip(b []byte) string {
	b = bytes.TrimSpace(b)
	cut := len(b) > messageBytes
	if cut {
		b = b[:messageBytes]
		for len(b) > 0 && !utf8.Valid(b[max(0, len(b)-utf8.UTFMax):]) && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
	if cut {
		s += "..."
	}
	return s
}
