package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// Trace is the place of a request in Cloud Trace. The zero value is none.
type Trace struct {
	// ID has 32, Span 16 hexadecimal digits; Span may be empty.
	ID, Span string
	Sampled  bool
}

var (
	traceparent  = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})`)
	traceContext = regexp.MustCompile(`^([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]+))?$`)
)

// ParseTrace reads the trace of a request: traceparent, as W3C has it, or
// X-Cloud-Trace-Context. Headers that are neither are none.
func ParseTrace(h http.Header) Trace {
	const none, noSpan = "00000000000000000000000000000000", "0000000000000000"
	if m := traceparent.FindStringSubmatch(h.Get("Traceparent")); m != nil && m[1] != none && m[2] != noSpan {
		flags, err := strconv.ParseUint(m[3], 16, 8)
		return Trace{ID: m[1], Span: m[2], Sampled: err == nil && flags&1 == 1}
	}
	m := traceContext.FindStringSubmatch(h.Get("X-Cloud-Trace-Context"))
	if m == nil || m[1] == none {
		return Trace{}
	}
	t := Trace{ID: strings.ToLower(m[1]), Sampled: m[3] != "" && m[3] != "0"}
	if span, err := strconv.ParseUint(m[2], 10, 64); err == nil && span != 0 {
		t.Span = fmt.Sprintf("%016x", span)
	}
	return t
}

// Attrs are the fields by which Cloud Logging puts a line to its trace. Without a
// project the trace is named by its id alone.
func (t Trace) Attrs(project string) []slog.Attr {
	if t.ID == "" {
		return nil
	}
	name := t.ID
	if project != "" {
		name = "projects/" + project + "/traces/" + t.ID
	}
	attrs := []slog.Attr{slog.String("logging.googleapis.com/trace", name)}
	if t.Span != "" {
		attrs = append(attrs, slog.String("logging.googleapis.com/spanId", t.Span))
	}
	return append(attrs, slog.Bool("logging.googleapis.com/trace_sampled", t.Sampled))
}

// Traced adds the trace of the run at hand to every line of a log. Its zero value
// is usable; it may be used by several goroutines.
type Traced struct{ attrs atomic.Pointer[[]slog.Attr] }

// Begin names the trace of the lines from now on; an empty one names none.
func (t *Traced) Begin(attrs []slog.Attr) { t.attrs.Store(&attrs) }

// Handler answers a handler that hands lines on to h, with the trace.
func (t *Traced) Handler(h slog.Handler) slog.Handler { return &tracedHandler{h, t} }

type tracedHandler struct {
	slog.Handler
	traced *Traced
}

// Handle implements slog.Handler.
func (h *tracedHandler) Handle(ctx context.Context, r slog.Record) error {
	if attrs := h.traced.attrs.Load(); attrs != nil && len(*attrs) > 0 {
		r = r.Clone()
		r.AddAttrs(*attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *tracedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tracedHandler{h.Handler.WithAttrs(attrs), h.traced}
}

// WithGroup implements slog.Handler.
func (h *tracedHandler) WithGroup(name string) slog.Handler {
	return &tracedHandler{h.Handler.WithGroup(name), h.traced}
}
