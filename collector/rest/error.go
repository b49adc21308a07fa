package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	// Reason is the cause that Google's APIs name for machines, such as
	// SERVICE_DISABLED, "" where the body has none.
	Reason string
	// Delay is how long the body asks to wait, 0 where it does not.
	Delay time.Duration
	// Method and Path tell the call, without its query.
	Method, Path string
}

func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// messageBytes is how much of a body an error shows, and googleMessageBytes how
// much of a message of Google's with the fields that it names.
const (
	messageBytes       = 300
	googleMessageBytes = 1000
)

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
	if e.fromGoogle(body) {
		return e
	}
	e.Code = firstText(fields, "type", "nottype", "error", "errorCode", "code")
	e.Message = firstText(fields, "message", "errorSummary", "error_description", "error_cause")
	return e
}

// googleError is a body of Google's error model, google.rpc.Status.
type googleError struct {
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
		Details []struct {
			Reason     string `json:"reason"`     // of google.rpc.ErrorInfo
			RetryDelay string `json:"retryDelay"` // of google.rpc.RetryInfo
			Violations []struct {
				Field       string `json:"field"`
				Description string `json:"description"`
			} `json:"fieldViolations"` // of google.rpc.BadRequest
		} `json:"details"`
	} `json:"error"`
}

// fromGoogle reads a body of Google's error model, and reports whether it is one.
func (e *StatusError) fromGoogle(body []byte) bool {
	var g googleError
	if json.Unmarshal(body, &g) != nil || g.Error.Status == "" && g.Error.Message == "" {
		return false
	}
	message := g.Error.Message
	for _, d := range g.Error.Details {
		if e.Reason == "" {
			e.Reason = clip([]byte(d.Reason))
		}
		if delay, err := time.ParseDuration(d.RetryDelay); err == nil && delay > 0 {
			e.Delay = delay
		}
		for _, v := range d.Violations {
			message += fmt.Sprintf("; %s: %s", v.Field, v.Description)
		}
	}
	if e.Code = clip([]byte(g.Error.Status)); e.Code == "" && g.Error.Code != 0 {
		e.Code = strconv.Itoa(g.Error.Code)
	}
	e.Message = clipTo([]byte(message), googleMessageBytes)
	return true
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
func clip(b []byte) string { return clipTo(b, messageBytes) }

func clipTo(b []byte, most int) string {
	b = bytes.TrimSpace(b)
	cut := len(b) > most
	if cut {
		b = b[:most]
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
