package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/asa2udm/asa2udm/collector/okta"
)

// Lists holds the objects of all services but the log. It may be used by several
// goroutines.
type Lists struct {
	mu  sync.RWMutex
	all map[string]map[string]Object
}

// Object is one entry of a list.
type Object struct {
	// Updated is when it was last changed, which filters compare with.
	Updated time.Time
	// Hidden objects are listed only where there is a filter, as users are that
	// have been deprovisioned.
	Hidden bool
	Data   []byte
}

// Put adds or replaces an object.
func (l *Lists) Put(service, id string, o Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[string]map[string]Object)
	}
	if l.all[service] == nil {
		l.all[service] = make(map[string]Object)
	}
	l.all[service][id] = o
}

// Delete takes an object away.
func (l *Lists) Delete(service, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all[service], id)
}

// Objects answers the objects that a request sees, in the order of their names.
func (l *Lists) Objects(service string, filtered bool, since time.Time) []Object {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Object
	for _, id := range slices.Sorted(maps.Keys(l.all[service])) {
		o := l.all[service][id]
		if o.Hidden && !filtered || filtered && !o.Updated.After(since) {
			continue
		}
		out = append(out, o)
	}
	return out
}

// NewObject makes up the object with a number, which is named by id, in a
// revision of its content.
func NewObject(s okta.Service, number, revision int, updated time.Time) (id string, o Object) {
	id = fmt.Sprintf("0%.2s%017d", s.Name, number)
	object := map[string]any{
		s.ID: id, "created": "2026-01-01T00:00:00.000Z", "lastUpdated": updated.UTC().Format("2006-01-02T15:04:05.000Z"),
		"status": "ACTIVE", "type": s.Name, "name": fmt.Sprintf("%s-%d", s.Name, number), "label": fmt.Sprintf("Revision %d", revision),
		"profile": map[string]any{"login": fmt.Sprintf("person.%d@example.com", number), "email": fmt.Sprintf("person.%d@example.com", number)},
	}
	o.Updated = updated
	if s.Name == "users" && number%10 == 9 {
		object["status"], o.Hidden = "DEPROVISIONED", true
	}
	data, err := json.Marshal(object)
	if err != nil {
		data = []byte("{}")
	}
	o.Data = data
	return id, o
}

// Fill puts n objects of each service.
func (l *Lists) Fill(n int, updated time.Time) {
	for _, s := range okta.Services() {
		if s.Name == okta.Log {
			continue
		}
		for i := range n {
			id, o := NewObject(s, i, 0, updated)
			l.Put(s.Name, id, o)
		}
	}
}
