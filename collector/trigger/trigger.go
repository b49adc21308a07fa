// Package trigger runs a function when HTTP asks for it: Pub/Sub by push,
// CloudEvents, Cloud Scheduler, or anybody who may.
//
// Triggers come at least once, often several at a time, and all mean the same:
// look for what is new. So a Runner does one run at a time, and lets all triggers
// that come in the meantime share the next one. A trigger that comes while a run
// is under way may stand for something that this run has passed already; it is
// covered only by a run that begins after it came.
//
// A Server answers 2xx when the run that covers a trigger has come to its end, and
// 5xx otherwise, so that whoever sent it sends it again.
package trigger

import (
	"log/slog"
)

// Kinds of triggers.
const (
	PubSub     = "pubsub"     // a push of Pub/Sub
	CloudEvent = "cloudevent" // a CloudEvent of any other type
	Scheduler  = "scheduler"  // a job of Cloud Scheduler
	Plain      = "http"       // a plain POST
)

// Trigger tells who has asked for a run. A run needs none of it; it is for the
// log. Texts come from outside, and are short and printable.
type Trigger struct {
	Kind string
	// MessageID and Subscription are those of a message of Pub/Sub.
	MessageID, Subscription string
	// Event is the id of a CloudEvent, Type and Source are the event's own.
	Event, Type, Source string
	// Job is the name of a job of Cloud Scheduler.
	Job string
	// Trace is that of the request.
	Trace Trace
}

// Attrs are what a log says of the trigger, without its trace.
func (t Trigger) Attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("kind", t.Kind)}
	for _, a := range []struct{ name, value string }{
		{"message_id", t.MessageID}, {"subscription", t.Subscription},
		{"event_id", t.Event}, {"event_type", t.Type}, {"event_source", t.Source}, {"job", t.Job},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	return attrs
}
