package trigger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// messagePublished is the type of a CloudEvent that carries a message of Pub/Sub.
const messagePublished = "google.cloud.pubsub.topic.v1.messagePublished"

// Parse answers who has sent a request. The error says what is wrong with one that
// claims to be something and is not; a body that claims nothing is a plain
// trigger, whatever it holds.
func Parse(h http.Header, body []byte) (Trigger, error) {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // a type that cannot be read is none of those below
	switch {
	case media == "application/cloudevents+json":
		return parseStructured(body)
	case strings.HasPrefix(media, "application/cloudevents"):
		return Trigger{}, fmt.Errorf("content type %q: want application/cloudevents+json, one event", clean(media))
	case binaryEvent(h):
		return parseBinary(h, body)
	case h.Get("X-CloudScheduler-JobName") != "" || h.Get("X-CloudScheduler") != "":
		return Trigger{Kind: Scheduler, Job: clean(h.Get("X-CloudScheduler-JobName"))}, nil
	case h.Get("X-Goog-Pubsub-Message-Id") != "":
		return Trigger{
			Kind: PubSub, MessageID: clean(h.Get("X-Goog-Pubsub-Message-Id")),
			Subscription: clean(h.Get("X-Goog-Pubsub-Subscription-Name")),
		}, nil
	case media == "application/json" && len(body) > 0:
		return parseJSON(body)
	}
	return Trigger{Kind: Plain}, nil
}

// parseJSON reads a push of Pub/Sub, or any other JSON.
func parseJSON(body []byte) (Trigger, error) {
	if !json.Valid(body) {
		return Trigger{}, errors.New("the content type is application/json, the body is not")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["message"] == nil || fields["subscription"] == nil {
		return Trigger{Kind: Plain}, nil
	}
	return parsePush(body)
}

// parsePush reads the body of a push: a message and the subscription that it came
// by.
func parsePush(body []byte) (Trigger, error) {
	var push struct {
		Message *struct {
			Data  string `json:"data"`
			ID    string `json:"messageId"`
			OldID string `json:"message_id"`
		} `json:"message"`
		Subscription string `json:"subscription"`
	}
	if err := json.Unmarshal(body, &push); err != nil {
		return Trigger{}, fmt.Errorf("a push of Pub/Sub: %s", fault(err))
	}
	if push.Message == nil || push.Subscription == "" {
		return Trigger{}, errors.New("a push of Pub/Sub: want message and subscription")
	}
	id := push.Message.ID
	if id == "" {
		id = push.Message.OldID
	}
	if id == "" {
		return Trigger{}, errors.New("a push of Pub/Sub: want message.messageId")
	}
	if _, err := base64.StdEncoding.DecodeString(push.Message.Data); err != nil {
		return Trigger{}, errors.New("a push of Pub/Sub: message.data is not base64")
	}
	return Trigger{Kind: PubSub, MessageID: clean(id), Subscription: clean(push.Subscription)}, nil
}

// binaryEvent reports whether the headers are those of a CloudEvent.
func binaryEvent(h http.Header) bool {
	return h.Get("Ce-Id") != "" || h.Get("Ce-Specversion") != "" || h.Get("Ce-Type") != "" || h.Get("Ce-Source") != ""
}

// parseBinary reads a CloudEvent whose attributes stand in headers.
func parseBinary(h http.Header, data []byte) (Trigger, error) {
	e := event{Version: h.Get("Ce-Specversion"), ID: h.Get("Ce-Id"), Source: h.Get("Ce-Source"), Type: h.Get("Ce-Type")}
	return e.trigger("ce-", data)
}

// parseStructured reads a CloudEvent that stands in the body as a whole.
func parseStructured(body []byte) (Trigger, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return Trigger{}, fmt.Errorf("the content type is application/cloudevents+json: %s", fault(err))
	}
	data := []byte(e.Data)
	if e.Base64 != "" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(e.Base64); err != nil || e.Data != nil {
			return Trigger{}, errors.New("a CloudEvent: want data, or data_base64 with base64 in it")
		}
	}
	return e.trigger("", data)
}

// event is a CloudEvent as JSON has it.
type event struct {
	Version string          `json:"specversion"`
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
	Base64  string          `json:"data_base64"`
}

// trigger checks what every event must have; prefix stands before the names of
// its attributes.
func (e event) trigger(prefix string, data []byte) (Trigger, error) {
	if e.Version != "1.0" {
		return Trigger{}, fmt.Errorf("a CloudEvent: %sspecversion %q: want 1.0", prefix, clean(e.Version))
	}
	for _, a := range []struct{ name, value string }{{"id", e.ID}, {"source", e.Source}, {"type", e.Type}} {
		if a.value == "" {
			return Trigger{}, fmt.Errorf("a CloudEvent: %s%s is missing", prefix, a.name)
		}
	}
	t := Trigger{Kind: CloudEvent}
	if e.Type == messagePublished {
		var err error
		if t, err = parsePush(data); err != nil {
			return Trigger{}, err
		}
	}
	t.Event, t.Type, t.Source = clean(e.ID), clean(e.Type), clean(e.Source)
	return t, nil
}

// fault says what is wrong with JSON, without the words of the decoder that speak
// of Go.
func fault(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Sprintf("%s is a %s, which does not fit there", clean(kind.Field), kind.Value)
	}
	if errors.As(err, &kind) {
		return "the body is no JSON object"
	}
	return "the body is no JSON"
}

// cleanRunes bounds what is taken over from a request.
const cleanRunes = 200

// clean makes a text from outside fit for a log: short, of one line, printable.
func clean(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > cleanRunes {
		runes = append(runes[:cleanRunes], '…')
	}
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '?'
		}
	}
	return string(runes)
}
