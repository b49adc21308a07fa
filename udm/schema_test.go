package udm_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/udm"
)

// eachMessage calls visit for every message that the event can hold, once.
func eachMessage(visit func(*udm.Message)) {
	seen := map[*udm.Message]bool{}
	var walk func(*udm.Message)
	walk = func(m *udm.Message) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		visit(m)
		for i := range m.Fields {
			walk(m.Fields[i].Message())
		}
	}
	walk(udm.Event())
}

func TestSchemaSize(t *testing.T) {
	messages, fields := 0, 0
	enums := map[*udm.Enum]bool{}
	eachMessage(func(m *udm.Message) {
		messages++
		fields += len(m.Fields)
		for i := range m.Fields {
			if e := m.Fields[i].Enum(); e != nil {
				enums[e] = true
			}
		}
	})
	if got, want := [3]int{messages, fields, len(enums)}, [3]int{125, 978, 62}; got != want {
		t.Errorf("messages, fields, enums: got %v, want %v", got, want)
	}
}

func TestFieldBothSpellings(t *testing.T) {
	eachMessage(func(m *udm.Message) {
		for i := range m.Fields {
			f := &m.Fields[i]
			if f.Index != i {
				t.Errorf("%s.%s: index %d, want %d", m.Name, f.Name, f.Index, i)
			}
			for _, name := range []string{f.Name, f.JSONName} {
				if got := m.Field(name); got != f {
					t.Errorf("%s.Field(%q): got %v, want %q", m.Name, name, got, f.Name)
				}
			}
			for _, name := range []string{"", f.Name + "x", strings.ToUpper(f.Name) + "_"} {
				if got := m.Field(name); got != nil {
					t.Errorf("%s.Field(%q): got %q, want none", m.Name, name, got.Name)
				}
			}
		}
	})
}

func TestFieldFacts(t *testing.T) {
	tests := []struct {
		path     string
		kind     udm.Kind
		repeated bool
		format   udm.Format
		jsonName string
		typeName string
	}{
		{"principal.user.email_addresses", udm.String, true, udm.EmailAddress, "emailAddresses", ""},
		{"principal.ip", udm.String, true, udm.IP, "ip", ""},
		{"principal.hostname", udm.String, false, udm.Hostname, "hostname", ""},
		{"principal.port", udm.Int32, false, udm.NoFormat, "port", ""},
		{"metadata.event_timestamp", udm.Timestamp, false, udm.NoFormat, "eventTimestamp", ""},
		{"metadata.event_type", udm.EnumKind, false, udm.NoFormat, "eventType", "Metadata.EventType"},
		{"metadata.id", udm.Bytes, false, udm.NoFormat, "id", ""},
		{"additional", udm.Struct, false, udm.NoFormat, "additional", ""},
		{"intermediary", udm.MessageKind, true, udm.NoFormat, "intermediary", "Noun"},
		{"extensions.auth.type", udm.EnumKind, false, udm.NoFormat, "type", "Authentication.AuthType"},
		{"extensions.auth.mechanism", udm.EnumKind, true, udm.NoFormat, "mechanism", "Authentication.Mechanism"},
		{"network.sent_bytes", udm.Uint64, false, udm.NoFormat, "sentBytes", ""},
		{"network.session_duration", udm.Duration, false, udm.NoFormat, "sessionDuration", ""},
		{"security_result.variables", udm.Map, false, udm.NoFormat, "variables", "FindingVariable"},
		{"target.user.attribute.roles.type", udm.EnumKind, false, udm.NoFormat, "type", "Role.Type"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := udm.Lookup(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			f := p.Leaf()
			typeName := ""
			if m := f.Message(); m != nil {
				typeName = m.Name
			}
			if e := f.Enum(); e != nil {
				typeName = e.Name
			}
			got := []any{f.Kind, f.Repeated, f.Format, f.JSONName, typeName}
			want := []any{tt.kind, tt.repeated, tt.format, tt.jsonName, tt.typeName}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("got %v, want %v", got, want)
					break
				}
			}
		})
	}
}

func TestEnumValues(t *testing.T) {
	eachMessage(func(m *udm.Message) {
		for i := range m.Fields {
			e := m.Fields[i].Enum()
			if e == nil {
				continue
			}
			for j := range e.Values {
				v := &e.Values[j]
				if got := e.Value(v.Name); got != v {
					t.Errorf("%s.Value(%q): got %v", e.Name, v.Name, got)
				}
				if got := e.Number(v.Number); got == nil || got.Number != v.Number {
					t.Errorf("%s.Number(%d): got %v", e.Name, v.Number, got)
				}
			}
			if got := e.Value("NO_SUCH_VALUE"); got != nil {
				t.Errorf("%s.Value of an unknown name: got %v", e.Name, got)
			}
		}
	})
}

// The package is the bottom of the house: it may use nothing but the standard
// library and its own parts.
func TestImportsStandardLibraryOnly(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, inner...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			own := strings.HasPrefix(path, "github.com/asa2udm/asa2udm/udm/internal/")
			if strings.Contains(path, ".") && !own {
				t.Errorf("%s imports %q", name, path)
			}
		}
	}
}
