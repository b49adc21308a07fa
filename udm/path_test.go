package udm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/udm"
)

func TestLookup(t *testing.T) {
	tests := []struct{ path, want string }{
		{"principal", "principal"},
		{"principal.user.email_addresses", "principal.user.email_addresses"},
		{"principal.user.emailAddresses", "principal.user.email_addresses"},
		{"securityResult.detection_fields.key", "security_result.detection_fields.key"},
		{"additional", "additional"},
		{"additional.team_name", "additional.team_name"},
		{"additional.a.b", "additional.a.b"},
		{"principal.process.parent_process.parent_process.pid", "principal.process.parent_process.parent_process.pid"},
		{"security_result.variables.any.stringVal", "security_result.variables.any.string_val"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := udm.Lookup(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLookupError(t *testing.T) {
	tests := []struct {
		path, segment string
		offset        int
		message       string
		suggestions   []string
	}{
		{"principle.user", "principle", 0, `unknown field "principle.user": UDM has no field "principle"`, []string{"principal.user"}},
		{"principal.usr", "usr", 10, `unknown field "principal.usr": Noun has no field "usr"`, []string{"principal.user"}},
		{"principle.usr.emailaddress", "principle", 0, `unknown field "principle.usr.emailaddress": UDM has no field "principle"`, []string{"principal.user.email_addresses"}},
		{"principal.user.atribute.lables", "atribute", 15, `unknown field "principal.user.atribute.lables": User has no field "atribute"`, []string{"principal.user.attribute.labels"}},
		{"principal.email_addresses", "email_addresses", 10, `unknown field "principal.email_addresses": Noun has no field "email_addresses"`, []string{"principal.user.email_addresses"}},
		{"target.user.group", "group", 12, `unknown field "target.user.group": User has no field "group"`, []string{"target.group"}},
		{"user.userid", "user", 0, `unknown field "user.userid": UDM has no field "user"`, []string{"principal.user.userid"}},
		{"metadata.EventType", "EventType", 9, `unknown field "metadata.EventType": Metadata has no field "EventType"`, []string{"metadata.event_type"}},
		{"target.user.display_name", "display_name", 12, `unknown field "target.user.display_name": User has no field "display_name"`, []string{"target.security_result.display_name", "target.user.user_display_name"}},
		{"principal.hostname.x", "x", 19, `unknown field "principal.hostname.x": hostname is a string and has no fields`, nil},
		{"metadata.", "", 9, `empty segment in path "metadata."`, nil},
		{"", "", 0, `empty segment in path ""`, nil},
		{"xyzzy", "xyzzy", 0, `unknown field "xyzzy": UDM has no field "xyzzy"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			_, err := udm.Lookup(tt.path)
			var bad *udm.PathError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a *PathError", err)
			}
			got := []any{bad.Segment, bad.Offset, bad.Error(), bad.Suggestions[:min(len(bad.Suggestions), len(tt.suggestions))]}
			want := []any{tt.segment, tt.offset, tt.message, tt.suggestions}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("wrong error (-want +got):\n%s", diff)
			}
		})
	}
}

// Every suggestion must be a path that Lookup accepts, whatever was asked for.
func TestSuggestionsResolve(t *testing.T) {
	eachMessage(func(m *udm.Message) {
		for i := range m.Fields {
			name := m.Fields[i].Name
			for _, wrong := range []string{strings.ToUpper(name), "target." + name + ".y"} {
				_, err := udm.Lookup(wrong)
				var bad *udm.PathError
				if !errors.As(err, &bad) {
					continue
				}
				for _, s := range bad.Suggestions {
					if _, err := udm.Lookup(s); err != nil {
						t.Errorf("suggestion for %q: %v", wrong, err)
					}
				}
			}
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"from", "to", "label", "extract", "event_type", "when", "each", "log-type"}
	tests := []struct {
		name string
		want []string
	}{
		{"form", []string{"from"}},
		{"lable", []string{"label"}},
		{"eventType", []string{"event_type"}},
		{"log_type", []string{"log-type"}},
		{"extrat", []string{"extract"}},
		{"wehn", []string{"when"}},
		{"ot", nil},
		{"completely", nil},
		{"", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, udm.Nearest(tt.name, known)); diff != "" {
				t.Errorf("wrong names (-want +got):\n%s", diff)
			}
		})
	}
}
