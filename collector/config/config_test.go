package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

var options = Options{
	Dir: "/etc/collect", Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
	Secrets: &secret.Resolver{
		Environment: func(name string) string { return map[string]string{"TOKEN": "token", "SECRET": "secret"}[name] },
		ReadFile: func(path string) ([]byte, error) {
			if path == "/etc/collect/key.pem" {
				return []byte("key\n"), nil
			}
			return nil, fs.ErrNotExist
		},
	},
}

// from is a value and the reference that it was read by.
func from(ref, value string) secret.Secret {
	r, err := secret.Parse(ref)
	if err != nil {
		panic(err)
	}
	return secret.Secret{From: r, Value: value}
}

// all is a file with every key.
const all = `
out: ./data
gzip: true
every: 5m
tenants:
  - name: example
    okta_url: https://example.okta.com
    api_token: env:TOKEN
    keep_free: 0.5
    per_minute: 600
    ca_file: ca.pem
    services:
      logs: {start: 2026-01-31, every: 30s, page_size: 500, rules: okta}
      users: {emit: changes, full_every: 24h, every: 1h, per_minute: 50}
      apps:
  - name: second
    okta_url: https://second.okta.com
    oauth: {client_id: 0oa1, key: "file:key.pem", key_id: k1}
    asa: {team: example-team, key_id: k, key_secret: env:SECRET, url: "https://app.example.com"}
    out:
      devo:
        address: collector.example.com:443
        chain: chain.crt
        cert: /secure/domain.crt
        key: /secure/domain.key
        host: h1
        gzip: true
        spool: spool
    services:
      logs: {tag: my.app.okta.logs, start: "2026-03-01T10:00:00+02:00"}
      asa: {tag: my.app.asa.audit}
      zones: {}
  - name: third
    okta_url: https://third.okta.com
    api_token: env:TOKEN
    out:
      secops:
        instance: projects/example-project/locations/eu/instances/0c1d3e5f-1234-4abc-9def-0123456789ab
        spool: gs://example-logs/spool
        endpoint: https://chronicle.eu.rep.googleapis.com/v1
        forwarder: f1
        max_dead_letters: 0
    services:
      logs: {rules: okta}
      users: {}
      zones: {log_type: OKTA_ZONES}
`

func TestParse(t *testing.T) {
	got, err := Parse(context.Background(), "collect.yaml", []byte(all), options)
	if err != nil {
		t.Fatal(err)
	}
	toDevo := Out{Devo: &Devo{
		Address: "collector.example.com:443", Chain: "/etc/collect/chain.crt", Cert: "/secure/domain.crt",
		Key: "/secure/domain.key", Host: "h1", Gzip: true, Spool: "/etc/collect/spool",
	}}
	toSecOps := Out{SecOps: &SecOps{
		Instance: secops.Instance{Project: "example-project", Location: "eu", ID: "0c1d3e5f-1234-4abc-9def-0123456789ab"},
		Spool:    "gs://example-logs/spool", Endpoint: "https://chronicle.eu.rep.googleapis.com/v1", Forwarder: "f1", MaxDeadLetters: new(int),
	}}
	want := &File{
		Out: Out{Place: "/etc/collect/data"}, Gzip: true,
		Tenants: []Tenant{{
			Name: "example", Out: Out{Place: "/etc/collect/data"}, CAFile: "/etc/collect/ca.pem",
			Okta: &Okta{URL: "https://example.okta.com", Token: from("env:TOKEN", "token"), KeepFree: 0.5, PerMinute: 600},
			Services: []Service{
				{Name: "logs", Every: 30 * time.Second, Start: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), Tag: "auth.okta.system", PageSize: 500, Rules: "okta"},
				{Name: "users", Every: time.Hour, Tag: "auth.okta.users", Changes: true, FullEvery: 24 * time.Hour, PerMinute: 50},
				{Name: "apps", Every: 5 * time.Minute, Tag: "auth.okta.apps"},
			},
		}, {
			Name: "second", Out: toDevo,
			Okta: &Okta{URL: "https://second.okta.com", OAuth: &OAuth{ClientID: "0oa1", Key: from("file:/etc/collect/key.pem", "key"), KeyID: "k1"}, KeepFree: 0.2},
			ASA:  &ASA{Team: "example-team", KeyID: "k", KeySecret: from("env:SECRET", "secret"), URL: "https://app.example.com"},
			Services: []Service{
				{Name: "logs", Every: 5 * time.Minute, Start: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Tag: "my.app.okta.logs"},
				{Name: "asa", Every: 5 * time.Minute, Tag: "my.app.asa.audit"},
				{Name: "zones", Every: 5 * time.Minute, Tag: "auth.okta.zones"},
			},
		}, {
			Name: "third", Out: toSecOps,
			Okta: &Okta{URL: "https://third.okta.com", Token: from("env:TOKEN", "token"), KeepFree: 0.2},
			Services: []Service{
				{Name: "logs", Every: 5 * time.Minute, Tag: "auth.okta.system", LogType: "OKTA", Rules: "okta"},
				{Name: "users", Every: 5 * time.Minute, Tag: "auth.okta.users", LogType: "OKTA_USER_CONTEXT"},
				{Name: "zones", Every: 5 * time.Minute, Tag: "auth.okta.zones", LogType: "OKTA_ZONES"},
			},
		}},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("file (-got +want):\n%s", diff)
	}
}

// faults are changes to the file with every key, and what is said of them.
var faults = []struct{ name, from, to, want string }{
	{"future start", "start: 2026-01-31", "start: 2026-06-02", `13:21: [2] start "2026-06-02" lies in the future: want a time that has passed`},
	{"start without a form", "start: 2026-01-31", "start: yesterday", `13:21: [1] start "yesterday": want a time such as 2026-01-31T00:00:00Z, or a date such as 2026-01-31`},
	{"start without a zone", "start: 2026-01-31", "start: 2026-01-31T10:00:00", `13:21: [1] start "2026-01-31T10:00:00": want a time such as 2026-01-31T00:00:00Z, or a date such as 2026-01-31`},
	{"unknown key", "gzip: true\nevery", "gzipped: true\nevery", `3:1: [3] unknown key "gzipped": want one of every, gzip, out, tenants`},
	{"unknown service", "      apps:\n", "      rocks:\n", `15:7: [3] unknown key "rocks": want one of ` + strings.Join(serviceNames(), ", ")},
	{"key twice", "every: 5m", "every: 5m\nevery: 6m", `5:1: [3] the key "every" stands here twice`},
	{"secret in the file", "env:TOKEN", "00abcdef", `8:16: [4] a secret does not stand here: want env:NAME, file:PATH or sm://PROJECT/SECRET/VERSION`},
	{"variable not set", "env:TOKEN", "env:OTHER", `8:16: [4] the environment variable OTHER is not set`},
	{"file not there", "file:key.pem", "file:other.pem", `18:35: [4] the secret cannot be read: file does not exist`},
	{"wrong reference", "env:TOKEN", "sm://example/", `8:16: [4] a secret does not stand here: want env:NAME, file:PATH or sm://PROJECT/SECRET/VERSION`},
	{"wrong reference for Devo", "/secure/domain.key", "sm://example", `25:14: [4] a wrong reference: want env:NAME, file:PATH or sm://PROJECT/SECRET/VERSION`},
	{"no span", "every: 5m", "every: often", `4:8: [3] "often": want a span of a second or more, such as 60s, 5m or 1h`},
	{"short span", "every: 30s", "every: 3ms", `13:40: [3] "3ms": want a span of a second or more, such as 60s, 5m or 1h`},
	{"no share", "keep_free: 0.5", "keep_free: 1", `9:16: [3] "1": want a share from 0 to less than 1, such as 0.2`},
	{"no number", "per_minute: 600", "per_minute: many", `10:17: [3] "many": want a number from 1 to 1000000`},
	{"no address", "okta_url: https://example", "okta_url: example", `7:5: [3] okta_url: want an address of Okta, such as https://example.okta.com`},
	{"address without TLS", "okta_url: https://example", "okta_url: http://example", `7:5: [3] okta_url: "http://example.okta.com": a secret is not sent over http, but to this machine`},
	{"address with a password", "okta_url: https://example", "okta_url: https://u:canary@example", `7:5: [3] okta_url: "https://u:xxxxx@example.okta.com": want scheme and host alone`},
	{"no credentials", "    api_token: env:TOKEN\n", "", `7:5: [3] api_token is missing, or oauth in its place`},
	{"two credentials", "api_token: env:TOKEN", "api_token: env:TOKEN\n    oauth: {client_id: a, key: env:SECRET}", `9:5: [3] api_token and oauth exclude each other`},
	{"two tenants", "name: second", "name: example", `16:5: [3] two tenants have the name "example"`},
	{"tenant name", "name: second", "name: ../second", `16:5: [3] tenant name "../second": want letters, digits, dots and dashes, since directories are named by it`},
	{"no name", "name: second", "ca_file: x", `16:5: [3] name is missing`},
	{"no asa", "    asa: {team: example-team, key_id: k, key_secret: env:SECRET, url: \"https://app.example.com\"}\n", "", `30:7: [3] the service asa needs asa beside services: team, key_id and key_secret`},
	{"no org", "    okta_url: https://second.okta.com\n    oauth: {client_id: 0oa1, key: \"file:key.pem\", key_id: k1}\n", "", "28:7: [3] the service logs needs okta_url beside services\ncollect.yaml:30:7: [3] the service zones needs okta_url beside services"},
	{"start of a list", "emit: changes", "emit: changes, start: 2026-01-01", `14:30: [3] start is for logs: a list is read as it is now`},
	{"changes of a log", "page_size: 500", "emit: changes", `13:45: [3] emit is for lists: each event of a log is new`},
	{"no emit", "emit: changes", "emit: some", `14:15: [3] emit "some": want all or changes`},
	{"full without changes", "emit: changes, ", "", `14:15: [3] full_every is for emit: changes, of a list that can be asked for them (users, groups)`},
	{"tag for a directory", "rules: okta", "tag: a.b.c", `13:61: [3] tag is for Devo, and this goes elsewhere`},
	{"rules for Devo", "{tag: my.app.asa.audit}", "{tag: a.b.c, rules: asa}", `31:25: [3] rules is for directories, buckets and Google SecOps, and this goes to Devo`},
	{"no tag for asa", "{tag: my.app.asa.audit}", "{}", `31:12: [3] tag "" for Devo: want three words or more with dots between, such as auth.okta.system`},
	{"bad tag", "my.app.asa.audit", "audit", `31:13: [3] tag "audit" for Devo: want three words or more with dots between, such as auth.okta.system`},
	{"devo without spool", "        spool: spool\n", "", `22:9: [3] spool is missing`},
	{"secops as text", "      secops:\n        instance: projects", "      secops: secops://x/y/z\n      devo:\n        address: projects", ""},
	{"secops without spool", "        spool: gs://example-logs/spool\n", "", `38:9: [3] spool is missing`},
	{"no instance", "projects/example-project/locations/eu", "eu", `38:19: [3] instance "eu/instances/0c1d3e5f-1234-4abc-9def-0123456789ab": want secops://PROJECT/LOCATION/INSTANCE or projects/PROJECT/locations/LOCATION/instances/INSTANCE`},
	{"endpoint without TLS", "https://chronicle", "http://chronicle", `40:19: [3] endpoint "http://chronicle.eu.rep.googleapis.com/v1": a token is not sent over http, but to this machine`},
	{"secops as a place", "out: ./data", "out: secops://p/eu/x", `2:6: [3] Google SecOps needs a place for what is pushed: want secops: with instance and spool here`},
	{"spool in secops", "spool: gs://", "spool: secops://", `39:9: [3] spool: want a directory or gs://bucket/prefix`},
	{"dead letters", "max_dead_letters: 0", "max_dead_letters: -1", `42:27: [3] "-1": want a number from 0 to 1000000`},
	{"no log type", "{log_type: OKTA_ZONES}", "{}", `46:14: [3] log_type is missing: Google SecOps has no name of its own for zones`},
	{"log type", "OKTA_ZONES", "okta/zones", `46:15: [3] log type "okta/zones": want Google SecOps' name for the log in capitals, such as OKTA_SCALEFT`},
	{"log type of events", "users: {}\n      zones: {log_type", "users: {rules: okta, log_type: X}\n      zones: {log_type", `45:28: [3] log_type is for raw lines, and rules make UDM events`},
	{"log type for a directory", "apps:\n", "apps: {log_type: X}\n", `15:14: [3] log_type is for Google SecOps, and this goes elsewhere`},
	{"devo and secops", "      secops:\n", "      devo: {address: a, chain: a, cert: a, key: a, spool: a}\n      secops:\n", `38:7: [3] devo and secops exclude each other`},
	{"tenants no list", "tenants:\n", "tenants: none\nx:\n", "5:10: [3] want a list of tenants\ncollect.yaml:6:1: [3] unknown key \"x\": want one of every, gzip, out, tenants"},
	{"bad YAML", "gzip: true", "gzip: [", ""},
}

// serviceNames are all services, sorted.
func serviceNames() []string {
	names := []string{ASAService}
	for _, s := range okta.Services() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

func TestFaults(t *testing.T) {
	for _, tc := range faults {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(all, tc.from, tc.to, 1)
			if text == all {
				t.Fatal("the case changes nothing")
			}
			f, err := Parse(context.Background(), "collect.yaml", []byte(text), options)
			var list Errors
			if f != nil || !errors.As(err, &list) {
				t.Fatalf("Parse = %v, %v; want Errors", f, err)
			}
			if tc.want != "" && err.Error() != "collect.yaml:"+tc.want {
				t.Errorf("got\n%v\nwant\ncollect.yaml:%s", err, tc.want)
			}
		})
	}
}

// TestDocumentedFile reads the first file of the documentation, with the
// destination of its Devo part in turn.
func TestDocumentedFile(t *testing.T) {
	text, err := os.ReadFile("../../docs/okta.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	file, rest, _ := strings.Cut(rest, "```")
	o := options
	o.Secrets = &secret.Resolver{Environment: func(string) string { return "token" }}
	f, err := Parse(context.Background(), "okta.md", []byte(file), o)
	if err != nil || len(f.Tenants) != 1 || len(f.Tenants[0].Services) != 4 {
		t.Fatalf("first file: %+v, %v", f, err)
	}
	_, devo, ok := strings.Cut(rest, "```yaml\nout:\n  devo:\n")
	devo, _, _ = strings.Cut(devo, "```")
	_, tenants, _ := strings.Cut(file, "\ntenants:\n")
	f, err = Parse(context.Background(), "okta.md", []byte("out:\n  devo:\n"+devo+"tenants:\n"+strings.ReplaceAll(tenants, ", rules: okta", "")), o)
	if err != nil || !ok || f.Out.Devo == nil {
		t.Fatalf("Devo file: %+v, %v", f, err)
	}
}

// TestDocumentedSecOps reads the file of the documentation of Google SecOps.
func TestDocumentedSecOps(t *testing.T) {
	text, err := os.ReadFile("../../docs/secops.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	file, _, _ := strings.Cut(rest, "```")
	o := options
	o.Secrets = &secret.Resolver{Environment: func(string) string { return "token" }}
	f, err := Parse(context.Background(), "secops.md", []byte(file), o)
	if err != nil || f.Out.SecOps == nil || len(f.Tenants) != 1 || len(f.Tenants[0].Services) != 2 {
		t.Fatalf("file: %+v, %v", f, err)
	}
}

func TestEmpty(t *testing.T) {
	for _, text := range []string{"{}", "tenants: []", "out: x"} {
		if _, err := Parse(context.Background(), "c.yaml", []byte(text), options); err == nil || !strings.Contains(err.Error(), "no tenants") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSchemaIsInStep holds the schema against the keys that the parser knows, and
// against files that are right and wrong.
func TestSchemaIsInStep(t *testing.T) {
	known := make(map[string][]string)
	p := newParser(context.Background(), "all.yaml", options)
	p.watch = func(kind string, keys []string) { known[kind] = keys }
	var doc yaml.Node
	if err := yaml.Load([]byte(all), &doc, yaml.WithV4Defaults()); err != nil {
		t.Fatal(err)
	}
	p.file(doc.Content[0])
	var schema struct {
		Defs map[string]struct {
			Properties    map[string]any
			PropertyNames struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	for kind, want := range known {
		got := slices.Sorted(maps.Keys(schema.Defs[kind].Properties))
		if kind == "services" {
			got = schema.Defs[kind].PropertyNames.Enum
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: keys of the schema (-) and of the parser (+):\n%s", kind, diff)
		}
	}
	compiled := compile(t)
	if err := compiled.Validate(decode(t, all)); err != nil {
		t.Errorf("the schema refuses a good file: %v", err)
	}
	refused := 0
	for _, tc := range faults {
		var v any
		if yaml.Load([]byte(strings.Replace(all, tc.from, tc.to, 1)), &v) != nil {
			continue
		}
		if compiled.Validate(plain(v)) != nil {
			refused++
		}
	}
	// Where one key depends on another, or on the time, the schema is silent.
	if refused < 12 {
		t.Errorf("the schema refuses %d of %d bad files", refused, len(faults))
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("collect.schema.json", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("collect.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return plain(v)
}

// plain makes JSON values of YAML ones: an editor sees dates as text.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any)
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case map[any]any:
		out := make(map[string]any)
		for k, e := range v {
			out[fmt.Sprint(k)] = plain(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return v
}
