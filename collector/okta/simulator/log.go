package simulator

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Event is one of the System Log.
type Event struct {
	UUID string
	// Stored is when the org has stored it, which is the order of the log.
	Stored time.Time
	Data   []byte
}

// Log is the System Log in the order of storing. It may be used by several
// goroutines.
type Log struct {
	mu     sync.RWMutex
	events []Event
}

// Append stores events.
func (l *Log) Append(events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
}

// Events answers all events.
func (l *Log) Events() []Event {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.events[:len(l.events):len(l.events)]
}

// since answers the place of the first event stored at t or later.
func (l *Log) since(t time.Time) int {
	for i, e := range l.Events() {
		if !e.Stored.Before(t) {
			return i
		}
	}
	return len(l.Events())
}

// page answers up to n events from a place on.
func (l *Log) page(from, n int) []Event {
	all := l.Events()
	from = min(from, len(all))
	return all[from:min(from+n, len(all))]
}

// NewEvent makes up the event with a number. It is published some time before it
// is stored, and every 20th by minutes, as events are that come late.
func NewEvent(number int, stored time.Time) Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "event %d", number))
	late := time.Duration(sum[0]) * 8 * time.Millisecond
	if number%20 == 19 {
		late += time.Duration(sum[1]) * time.Second
	}
	id := fmt.Sprintf("%x-%x-4%03x-8%03x-%012x", sum[:4], sum[4:6], number%4096, sum[6], number)
	kinds := [...][2]string{
		{"user.session.start", "User login to Okta"}, {"user.authentication.sso", "User single sign on to app"},
		{"user.account.lock", "Max sign in attempts exceeded"}, {"group.user_membership.add", "Add user to group membership"},
		{"application.user_membership.add", "Add user to application membership"}, {"policy.evaluate_sign_on", "Evaluation of sign-on policy"},
	}
	kind := kinds[number%len(kinds)]
	result := "SUCCESS"
	if number%7 == 0 {
		result = "FAILURE"
	}
	event := map[string]any{
		"uuid": id, "published": stored.Add(-late).UTC().Format("2006-01-02T15:04:05.000Z"),
		"eventType": kind[0], "displayMessage": kind[1], "version": "0", "severity": "INFO", "legacyEventType": nil,
		"actor":   map[string]any{"id": fmt.Sprintf("00u%017d", number%40), "type": "User", "alternateId": fmt.Sprintf("person.%d@example.com", number%40), "displayName": fmt.Sprintf("Person No. %d", number%40), "detailEntry": nil},
		"client":  map[string]any{"ipAddress": fmt.Sprintf("203.0.113.%d", 1+number%254), "zone": "null", "device": "Computer", "id": nil, "userAgent": map[string]any{"rawUserAgent": "Mozilla/5.0", "os": "Linux", "browser": "FIREFOX"}},
		"outcome": map[string]any{"result": result, "reason": nil}, "target": nil,
		"transaction":  map[string]any{"type": "WEB", "id": fmt.Sprintf("%x", sum[8:16]), "detail": map[string]any{}},
		"debugContext": map[string]any{"debugData": map[string]any{"requestUri": "/api/v1/authn", "threatSuspected": "false"}},
		"request":      map[string]any{"ipChain": []any{map[string]any{"ip": fmt.Sprintf("203.0.113.%d", 1+number%254), "version": "V4", "source": nil}}},
	}
	data, err := json.Marshal(event)
	if err != nil {
		data = []byte("{}")
	}
	return Event{UUID: id, Stored: stored, Data: data}
}
