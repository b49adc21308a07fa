package okta

import (
	"fmt"
	"net/url"
	"time"
)

// Service is one endpoint that is collected. All that differs between the lists
// of an org stands in the table below: a row there is a service everywhere.
type Service struct {
	// Name is what configurations call it.
	Name string
	// Path of its endpoint.
	Path string
	// Scope is what an OAuth 2.0 token needs.
	Scope string
	// Tag is that of its events in Devo.
	Tag string
	// PerMinute is the limit of calls until an answer tells another: that of
	// Okta's smallest plan.
	PerMinute int
	// ID is the field that names an object.
	ID string
	// Query lists everything, with the largest page that the endpoint takes.
	Query url.Values
	// Changed answers the filter for what has changed since a time; nil where the
	// endpoint has none.
	Changed func(since string) string
}

// Log is the name of the service that is a log; all others are lists.
const Log = "logs"

// PerMinute is the limit of calls of all services of an org together.
const PerMinute = 980

// Services answers all services, sorted by name, in a slice of the caller's own.
func Services() []Service {
	return []Service{
		{Name: "apps", Path: "/api/v1/apps", Scope: "okta.apps.read", Tag: "auth.okta.apps", PerMinute: 20,
			ID: "id", Query: url.Values{"limit": {"200"}, "includeNonDeleted": {"true"}}},
		{Name: "clients", Path: "/oauth2/v1/clients", Scope: "okta.clients.read", Tag: "auth.okta.clients", PerMinute: 25,
			ID: "client_id", Query: url.Values{"limit": {"200"}}},
		{Name: "groups", Path: "/api/v1/groups", Scope: "okta.groups.read", Tag: "auth.okta.groups", PerMinute: 100,
			ID: "id", Query: url.Values{"limit": {"200"}}, Changed: groupsChanged},
		{Name: "idps", Path: "/api/v1/idps", Scope: "okta.idps.read", Tag: "auth.okta.idps", PerMinute: 100,
			ID: "id", Query: url.Values{"limit": {"200"}}},
		{Name: Log, Path: "/api/v1/logs", Scope: "okta.logs.read", Tag: "auth.okta.system", PerMinute: 20,
			ID: "uuid", Query: url.Values{"limit": {"1000"}}},
		// Users that are deprovisioned are listed only where there is a filter.
		{Name: "users", Path: "/api/v1/users", Scope: "okta.users.read", Tag: "auth.okta.users", PerMinute: 100,
			ID: "id", Query: url.Values{"limit": {"200"}, "filter": {lastUpdated(stamp(time.Unix(0, 0)))}}, Changed: lastUpdated},
		{Name: "zones", Path: "/api/v1/zones", Scope: "okta.networkZones.read", Tag: "auth.okta.zones", PerMinute: 100,
			ID: "id", Query: url.Values{}},
	}
}

// Lookup finds a service by its name.
func Lookup(name string) (Service, bool) {
	for _, s := range Services() {
		if s.Name == name {
			return s, true
		}
	}
	return Service{}, false
}

func lastUpdated(since string) string { return fmt.Sprintf("lastUpdated gt %q", since) }

func groupsChanged(since string) string {
	return fmt.Sprintf("lastUpdated gt %q or lastMembershipUpdated gt %[1]q", since)
}

// stamp writes a time as Okta does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
