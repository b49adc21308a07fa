package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// collectLog is the log of a command that runs unattended: text for people on a
// terminal, elsewhere JSON lines with the severity that Cloud Logging reads.
type collectLog struct {
	*slog.Logger
	json bool
}

func newCollectLog(u *ui, level, format string) (*collectLog, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", level)
	}
	switch format {
	case "auto":
		format = "json"
		if isTerminal(u.stderr) {
			format = "text"
		}
	case "text", "json":
	default:
		return nil, fmt.Errorf("--log-format %q: want text, json or auto", format)
	}
	out := statusWriter{u}
	if format == "text" {
		return &collectLog{Logger: slog.New(&lineHandler{out: out, level: l})}, nil
	}
	handler := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: l, ReplaceAttr: cloudNames})
	return &collectLog{Logger: slog.New(handler), json: true}, nil
}

// cloudNames gives the fields of a line the names that Cloud Logging knows.
func cloudNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		severity := a.Value.String()
		if severity == "WARN" {
			severity = "WARNING"
		}
		return slog.String("severity", severity)
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// statusWriter writes to stderr in place of the status line.
type statusWriter struct{ ui *ui }

func (w statusWriter) Write(b []byte) (int, error) {
	w.ui.printf("%s", b)
	return len(b), nil
}

// lineHandler writes "asa2udm: message key=value" lines.
type lineHandler struct {
	out   io.Writer
	level slog.Level
	attrs []slog.Attr
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *lineHandler) WithGroup(string) slog.Handler { return h }

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.out, h.level, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString("asa2udm: ")
	if r.Level != slog.LevelInfo {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		value := a.Value.Resolve().String()
		if strings.ContainsAny(value, " \"\n") {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(&b, " %s=%s", a.Key, value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	b.WriteByte('\n')
	_, err := io.WriteString(h.out, b.String())
	return err
}

// report logs a run as one line.
func (l *collectLog) report(ctx context.Context, r collectReport) {
	attrs := []slog.Attr{
		slog.Int64("events", r.Events), slog.Int64("duplicates", r.Duplicates), slog.Int64("late", r.Late),
		slog.Int64("pages", r.Pages), slog.Int64("requests", r.Requests), slog.Int64("objects", r.Objects),
		slog.Float64("throttled_seconds", r.Throttled), slog.Float64("seconds", r.Took),
	}
	for _, extra := range []struct {
		name  string
		value int64
	}{{"recovered", r.Recovered}, {"rejected", r.Rejected}, {"unresolved_references", r.Unresolved}, {"retries", r.Retries}} {
		if extra.value > 0 {
			attrs = append(attrs, slog.Int64(extra.name, extra.value))
		}
	}
	if r.More {
		attrs = append(attrs, slog.Bool("more", true))
	}
	attrs = append(attrs, pushAttrs(r.SecOps)...)
	if !r.Newest.IsZero() {
		attrs = append(attrs, slog.String("newest", r.Newest.Format(time.RFC3339)), slog.Float64("lag_seconds", r.Lag))
	}
	message := "collected"
	if r.DryRun {
		message = "would be collected"
	}
	l.LogAttrs(ctx, slog.LevelInfo, message, attrs...)
}

// fail logs the error that ends the command, which then needs not be printed.
func (l *collectLog) fail(ctx context.Context, what string, err error) error {
	var stop *stopError
	if errors.Is(err, errReported) || errors.Is(err, errFindings) || errors.As(err, &stop) || ctx.Err() != nil {
		return err
	}
	attrs := []any{"error", err.Error()}
	var h *hintError
	if errors.As(err, &h) {
		attrs = append(attrs, "hint", h.hint)
	}
	level := slog.LevelError
	if isConflict(err) && l.Enabled(ctx, slog.LevelWarn) {
		// The other run goes on with the work, so that nobody has to be woken.
		level = slog.LevelWarn
	}
	l.Log(ctx, level, what, attrs...)
	return errReported
}
