package trigger

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	push = `{"message":{"attributes":{"key":"value"},"data":"SGVsbG8gQ2xvdWQgUHViL1N1YiE=","messageId":"2070443601311540",` +
		`"message_id":"2070443601311540","publishTime":"2026-02-26T19:13:55.749Z"},"subscription":"projects/example/subscriptions/collect"}`
	structured = `{"specversion":"1.0","type":"google.cloud.pubsub.topic.v1.messagePublished",` +
		`"source":"//pubsub.googleapis.com/projects/example/topics/collect","id":"3103425958877813","datacontenttype":"application/json","data":` + push + `}`
)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func binary(pairs ...string) http.Header {
	h := headers("Ce-Id", "e1", "Ce-Source", "//storage.googleapis.com/projects/_/buckets/b", "Ce-Specversion", "1.0", "Ce-Type", "google.cloud.storage.object.v1.finalized")
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestParse(t *testing.T) {
	const subscription = "projects/example/subscriptions/collect"
	const topic = "//pubsub.googleapis.com/projects/example/topics/collect"
	for _, tc := range []struct {
		name   string
		header http.Header
		body   string
		want   Trigger
		err    string
	}{
		{name: "nothing", want: Trigger{Kind: Plain}},
		{name: "text", header: headers("Content-Type", "text/plain"), body: "{", want: Trigger{Kind: Plain}},
		{name: "a form, as curl sends it", header: headers("Content-Type", "application/x-www-form-urlencoded"), body: push, want: Trigger{Kind: Plain}},
		{name: "any JSON", header: headers("Content-Type", "application/json"), body: `{"message":"collect"}`, want: Trigger{Kind: Plain}},
		{name: "a list", header: headers("Content-Type", "application/json"), body: `[1]`, want: Trigger{Kind: Plain}},
		{name: "JSON without a body", header: headers("Content-Type", "application/json"), want: Trigger{Kind: Plain}},
		{
			name: "push", header: headers("Content-Type", "application/json; charset=utf-8"), body: push,
			want: Trigger{Kind: PubSub, MessageID: "2070443601311540", Subscription: subscription},
		},
		{
			name: "push without data", header: headers("Content-Type", "application/json"), body: `{"message":{"message_id":"7"},"subscription":"s"}`,
			want: Trigger{Kind: PubSub, MessageID: "7", Subscription: "s"},
		},
		{
			name:   "push, unwrapped",
			header: headers("X-Goog-Pubsub-Message-Id", "11", "X-Goog-Pubsub-Subscription-Name", subscription, "Content-Type", "application/json"), body: `{"not json`,
			want: Trigger{Kind: PubSub, MessageID: "11", Subscription: subscription},
		},
		{
			name: "scheduler", header: headers("X-CloudScheduler", "true", "X-CloudScheduler-JobName", "nightly", "Content-Type", "application/json"), body: "no json",
			want: Trigger{Kind: Scheduler, Job: "nightly"},
		},
		{
			name: "CloudEvent in headers", header: binary("Content-Type", "application/json"), body: `{"bucket":"b"}`,
			want: Trigger{Kind: CloudEvent, Event: "e1", Type: "google.cloud.storage.object.v1.finalized", Source: "//storage.googleapis.com/projects/_/buckets/b"},
		},
		{
			name: "CloudEvent in headers, of Pub/Sub", header: binary("Ce-Type", messagePublished, "Ce-Source", topic, "Content-Type", "application/json"), body: push,
			want: Trigger{Kind: PubSub, MessageID: "2070443601311540", Subscription: subscription, Event: "e1", Type: messagePublished, Source: topic},
		},
		{
			name: "CloudEvent in the body", header: headers("Content-Type", "application/cloudevents+json; charset=UTF-8"), body: structured,
			want: Trigger{Kind: PubSub, MessageID: "2070443601311540", Subscription: subscription, Event: "3103425958877813", Type: messagePublished, Source: topic},
		},
		{
			name: "CloudEvent in the body, of another type", header: headers("Content-Type", "application/cloudevents+json"),
			body: `{"specversion":"1.0","id":"1","source":"s","type":"com.example.tick","data_base64":"AAEC"}`,
			want: Trigger{Kind: CloudEvent, Event: "1", Type: "com.example.tick", Source: "s"},
		},
		{
			name: "long and not printable", header: headers("X-CloudScheduler-JobName", "\x1b[31m\xff"+strings.Repeat("x", 300)),
			want: Trigger{Kind: Scheduler, Job: "?[31m?" + strings.Repeat("x", 194) + "…"},
		},

		{name: "no JSON", header: headers("Content-Type", "application/json"), body: `{"message":`, err: "the content type is application/json, the body is not"},
		{name: "push without an id", header: headers("Content-Type", "application/json"), body: `{"message":{},"subscription":"s"}`, err: "a push of Pub/Sub: want message.messageId"},
		{name: "push without a message", header: headers("Content-Type", "application/json"), body: `{"message":null,"subscription":"s"}`, err: "a push of Pub/Sub: want message and subscription"},
		{name: "push with a number", header: headers("Content-Type", "application/json"), body: `{"message":{"messageId":7},"subscription":"s"}`, err: "a push of Pub/Sub: message.messageId is a number, which does not fit there"},
		{name: "push with data that is none", header: headers("Content-Type", "application/json"), body: `{"message":{"messageId":"7","data":"%"},"subscription":"s"}`, err: "a push of Pub/Sub: message.data is not base64"},
		{name: "event that is no JSON", header: headers("Content-Type", "application/cloudevents+json"), body: "garbage", err: "the content type is application/cloudevents+json: the body is no JSON"},
		{name: "event that is empty", header: headers("Content-Type", "application/cloudevents+json"), err: "the content type is application/cloudevents+json: the body is no JSON"},
		{name: "event that is a list", header: headers("Content-Type", "application/cloudevents+json"), body: "[]", err: "the content type is application/cloudevents+json: the body is no JSON object"},
		{name: "event of another version", header: headers("Content-Type", "application/cloudevents+json"), body: `{"specversion":"0.3","id":"1"}`, err: `a CloudEvent: specversion "0.3": want 1.0`},
		{name: "event without an id", header: headers("Content-Type", "application/cloudevents+json"), body: `{"specversion":"1.0","source":"s","type":"t"}`, err: "a CloudEvent: id is missing"},
		{name: "event with a wrong type", header: headers("Content-Type", "application/cloudevents+json"), body: `{"specversion":"1.0","id":1}`, err: "the content type is application/cloudevents+json: id is a number, which does not fit there"},
		{name: "event with data twice", header: headers("Content-Type", "application/cloudevents+json"), body: `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{},"data_base64":"AA=="}`, err: "a CloudEvent: want data, or data_base64 with base64 in it"},
		{name: "event of Pub/Sub without a message", header: headers("Content-Type", "application/cloudevents+json"), body: strings.Replace(structured, `"message":`, `"massage":`, 1), err: "a push of Pub/Sub: want message and subscription"},
		{name: "batch of events", header: headers("Content-Type", "application/cloudevents-batch+json"), body: "[]", err: `content type "application/cloudevents-batch+json": want application/cloudevents+json, one event`},
		{name: "headers without a source", header: binary("Ce-Source", ""), err: "a CloudEvent: ce-source is missing"},
		{name: "headers without a version", header: headers("Ce-Id", "1"), err: `a CloudEvent: ce-specversion "": want 1.0`},
		{name: "headers of Pub/Sub, garbage", header: binary("Ce-Type", messagePublished), body: "garbage", err: "a push of Pub/Sub: the body is no JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Parse(tc.header, []byte(tc.body))
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				return
			}
			if diff := cmp.Diff(got, tc.want); diff != "" || err != nil {
				t.Errorf("%v (-got +want):\n%s", err, diff)
			}
		})
	}
}

func TestParseTrace(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, tc := range []struct {
		name   string
		header http.Header
		want   Trace
	}{
		{"none", nil, Trace{}},
		{"W3C", headers("Traceparent", "00-"+id+"-00f067aa0ba902b7-01"), Trace{id, "00f067aa0ba902b7", true}},
		{"W3C, not sampled", headers("Traceparent", "00-"+id+"-00f067aa0ba902b7-00"), Trace{id, "00f067aa0ba902b7", false}},
		{"W3C first", headers("Traceparent", "00-"+id+"-00f067aa0ba902b7-01", "X-Cloud-Trace-Context", strings.Repeat("a", 32)), Trace{id, "00f067aa0ba902b7", true}},
		{"Google", headers("X-Cloud-Trace-Context", strings.ToUpper(id)+"/255;o=1"), Trace{id, "00000000000000ff", true}},
		{"Google, short", headers("X-Cloud-Trace-Context", id), Trace{ID: id}},
		{"Google, span too large", headers("X-Cloud-Trace-Context", id+"/99999999999999999999;o=0"), Trace{ID: id}},
		{"zeros", headers("Traceparent", "00-"+strings.Repeat("0", 32)+"-00f067aa0ba902b7-01"), Trace{}},
		{"damaged, the other one stands", headers("Traceparent", "garbage", "X-Cloud-Trace-Context", id+"/1"), Trace{ID: id, Span: "0000000000000001"}},
		{"an attack", headers("X-Cloud-Trace-Context", id+"/1\n{}"), Trace{}},
	} {
		if diff := cmp.Diff(ParseTrace(tc.header), tc.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", tc.name, diff)
		}
	}
}
