package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// Options are what a file is read against.
type Options struct {
	// Dir is what relative paths start from: the file's own directory.
	Dir string
	// Now is what a start must be before.
	Now time.Time
	// Secrets reads the secrets that the file names, and the variables.
	Secrets *secret.Resolver
}

// Parse reads a file; name stands in errors. The error is Errors. ctx bounds the
// calls to Secret Manager, which are made for references to it alone.
func Parse(ctx context.Context, name string, text []byte, o Options) (*File, error) {
	p := newParser(ctx, name, o)
	var doc yaml.Node
	if err := yaml.Load(text, &doc, yaml.WithV4Defaults()); err != nil {
		p.syntax(err)
		return nil, p.faults
	}
	var f File
	if len(doc.Content) == 1 {
		f = p.file(doc.Content[0])
	}
	if len(p.faults) == 0 && len(f.Tenants) == 0 {
		p.fault(&yaml.Node{Line: 1, Column: 1}, "no tenants: want a list of at least one under tenants")
	}
	if len(p.faults) > 0 {
		p.faults.sort()
		return nil, p.faults
	}
	return &f, nil
}

// parser collects the faults of one file.
type parser struct {
	Options
	name   string
	faults Errors
	// watch is told the keys of each kind of object, if set; a test holds the
	// schema against them.
	watch func(kind string, keys []string)
	every time.Duration // of the file
	// read follows a reference.
	read func(secret.Reference) (secret.Secret, error)
}

func newParser(ctx context.Context, name string, o Options) *parser {
	return &parser{name: name, Options: o, read: func(r secret.Reference) (secret.Secret, error) { return o.Secrets.Text(ctx, r) }}
}

func (p *parser) syntax(err error) {
	var all *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &all):
		for _, e := range all.Errors {
			p.fault(&yaml.Node{Line: e.Mark.Line, Column: e.Mark.Column}, "%s", e.Message)
		}
	case errors.As(err, &one):
		p.fault(&yaml.Node{Line: one.Mark.Line, Column: one.Mark.Column}, "%s", one.Message)
	default:
		p.fault(&yaml.Node{Line: 1, Column: 1}, "%v", err)
	}
}

func (p *parser) fault(n *yaml.Node, format string, args ...any) {
	p.numbered(NumberFile, n, format, args...)
}

func (p *parser) numbered(number int, n *yaml.Node, format string, args ...any) {
	p.faults = append(p.faults, &Error{Name: p.name, Line: max(n.Line, 1), Col: max(n.Column, 1), Number: number, Msg: fmt.Sprintf(format, args...)})
}

// fields are the keys that an object may have, and what reads their values.
type fields map[string]func(*yaml.Node)

// object reads an object of a kind; it answers the nodes of its keys.
func (p *parser) object(n *yaml.Node, kind string, known fields) map[string]*yaml.Node {
	keys := slices.Sorted(maps.Keys(known))
	if p.watch != nil {
		p.watch(kind, keys)
	}
	at := make(map[string]*yaml.Node)
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return at
	}
	if n.Kind != yaml.MappingNode {
		p.fault(n, "want keys and values here: %s", strings.Join(keys, ", "))
		return at
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		switch {
		case !ok:
			p.fault(key, "unknown key %q: want one of %s", key.Value, strings.Join(keys, ", "))
		case at[key.Value] != nil:
			p.fault(key, "the key %q stands here twice", key.Value)
		default:
			read(n.Content[i+1])
		}
		at[key.Value] = key
	}
	return at
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// scalar answers the text of a value that is one.
func (p *parser) scalar(n *yaml.Node) (string, bool) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fault(n, "want a single value here")
		return "", false
	}
	return n.Value, true
}

func (p *parser) text(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if s, ok := p.scalar(n); ok {
			*to = s
		}
	}
}

// address reads an address, which may stand in a variable.
func (p *parser) address(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, _ := p.scalar(n)
		if !strings.HasPrefix(s, "env:") {
			*to = s
			return
		}
		var value secret.Secret
		p.secret(&value)(n)
		*to = value.Value
	}
}

// path reads the name of a file or directory, or of a bucket.
func (p *parser) path(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		if s == "" {
			p.fault(n, "want a path here")
		}
		*to = p.resolvePath(s)
	}
}

func (p *parser) resolvePath(s string) string {
	if strings.Contains(s, "://") || filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(p.Dir, s)
}

func (p *parser) flag(to *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		if s != "true" && s != "false" {
			p.fault(n, "%q: want true or false", s)
		}
		*to = s == "true"
	}
}

func (p *parser) number(to *int, least, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		v, err := strconv.Atoi(s)
		if err != nil || v < least || v > most {
			p.fault(n, "%q: want a number from %d to %d", s, least, most)
			return
		}
		*to = v
	}
}

func (p *parser) share(to *float64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= 0 && v < 1) {
			p.fault(n, "%q: want a share from 0 to less than 1, such as 0.2", s)
			return
		}
		*to = v
	}
}

func (p *parser) span(to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		v, err := time.ParseDuration(s)
		if err != nil || v < time.Second {
			p.fault(n, "%q: want a span of a second or more, such as 60s, 5m or 1h", s)
			return
		}
		*to = v
	}
}

// start reads a time that has passed.
func (p *parser) start(to *time.Time) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := p.scalar(n)
		if !ok {
			return
		}
		for _, form := range []string{time.RFC3339, time.DateOnly} {
			t, err := time.Parse(form, s)
			if err != nil {
				continue
			}
			if t.After(p.Now) {
				p.numbered(NumberStartFuture, n, "start %q lies in the future: want a time that has passed", s)
			}
			*to = t.UTC()
			return
		}
		p.numbered(NumberStartForm, n, "start %q: want a time such as 2026-01-31T00:00:00Z, or a date such as 2026-01-31", s)
	}
}

// secret follows a reference. What stands there instead of one may be a secret,
// so that it is not shown.
func (p *parser) secret(to *secret.Secret) func(*yaml.Node) {
	return func(n *yaml.Node) {
		text, ok := p.scalar(n)
		if !ok {
			return
		}
		ref, err := secret.Parse(text)
		if err != nil {
			p.numbered(NumberSecret, n, "a secret does not stand here: %v", err)
			return
		}
		if *to, err = p.read(ref.In(p.Dir)); err != nil {
			p.numbered(NumberSecret, n, "%v", err)
		}
	}
}

// pathOrSecret reads the name of a file, or a reference, which whoever uses it
// follows.
func (p *parser) pathOrSecret(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		text, ok := p.scalar(n)
		switch {
		case !ok:
			return
		case !secret.Is(text):
			p.path(to)(n)
			return
		}
		ref, err := secret.Parse(text)
		if err != nil {
			p.numbered(NumberSecret, n, "a wrong reference: %v", err)
			return
		}
		if *to = ref.String(); ref.Kind == secret.File {
			*to = ref.In(p.Dir).Name
		}
	}
}

func (p *parser) file(n *yaml.Node) (f File) {
	p.every = time.Minute
	var tenants *yaml.Node
	p.object(n, "file", fields{
		"out": p.out(&f.Out), "gzip": p.flag(&f.Gzip), "every": p.span(&p.every),
		"tenants": func(n *yaml.Node) { tenants = resolve(n) },
	})
	if tenants == nil {
		return f
	}
	if tenants.Kind != yaml.SequenceNode {
		p.fault(tenants, "want a list of tenants")
		return f
	}
	names := make(map[string]bool)
	for _, n := range tenants.Content {
		t := p.tenant(n, f)
		if names[t.Name] && t.Name != "" {
			p.fault(n, "two tenants have the name %q", t.Name)
		}
		names[t.Name] = true
		f.Tenants = append(f.Tenants, t)
	}
	return f
}

var tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (p *parser) tenant(n *yaml.Node, f File) Tenant {
	t := Tenant{Out: f.Out}
	o := Okta{KeepFree: 0.2}
	var services *yaml.Node
	at := p.object(n, "tenant", fields{
		"name": p.text(&t.Name), "okta_url": p.address(&o.URL), "api_token": p.secret(&o.Token),
		"oauth":     func(n *yaml.Node) { o.OAuth = p.oauth(n) },
		"keep_free": p.share(&o.KeepFree), "per_minute": p.number(&o.PerMinute, 1, 1_000_000),
		"asa": func(n *yaml.Node) { t.ASA = p.asa(n) }, "ca_file": p.path(&t.CAFile), "out": p.out(&t.Out),
		"services": func(n *yaml.Node) { services = n },
	})
	p.need(n, at, "name", "services")
	if at["name"] != nil && !tenantName.MatchString(t.Name) {
		p.fault(at["name"], "tenant name %q: want letters, digits, dots and dashes, since directories are named by it", t.Name)
	}
	if t.Out == (Out{}) {
		p.fault(n, "no destination: want out here, or in the file for all tenants")
	}
	if at["okta_url"] != nil {
		t.Okta = &o
		p.checkOkta(at, o)
	} else {
		for _, key := range []string{"api_token", "oauth", "keep_free", "per_minute"} {
			if at[key] != nil {
				p.fault(at[key], "%s is for an Okta org: want okta_url beside it", key)
			}
		}
	}
	if services != nil {
		t.Services = p.services(services, t)
	}
	return t
}

func (p *parser) need(n *yaml.Node, at map[string]*yaml.Node, keys ...string) {
	for _, key := range keys {
		if at[key] == nil {
			p.fault(resolve(n), "%s is missing", key)
		}
	}
}

func (p *parser) checkOkta(at map[string]*yaml.Node, o Okta) {
	if err := okta.CheckURL(o.URL); err != nil {
		p.fault(at["okta_url"], "okta_url: %v", err)
	}
	switch {
	case at["api_token"] == nil && at["oauth"] == nil:
		p.fault(at["okta_url"], "api_token is missing, or oauth in its place")
	case at["api_token"] != nil && at["oauth"] != nil:
		p.fault(at["oauth"], "api_token and oauth exclude each other")
	}
}

func (p *parser) oauth(n *yaml.Node) *OAuth {
	var o OAuth
	at := p.object(n, "oauth", fields{"client_id": p.text(&o.ClientID), "key": p.secret(&o.Key), "key_id": p.text(&o.KeyID)})
	p.need(n, at, "client_id", "key")
	return &o
}

func (p *parser) asa(n *yaml.Node) *ASA {
	var a ASA
	at := p.object(n, "asa", fields{"team": p.text(&a.Team), "key_id": p.text(&a.KeyID), "key_secret": p.secret(&a.KeySecret), "url": p.address(&a.URL)})
	p.need(n, at, "team", "key_id", "key_secret")
	return &a
}

// out reads a destination: text for a directory or bucket, an object for others.
func (p *parser) out(to *Out) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if resolve(n).Kind == yaml.ScalarNode {
			*to = Out{}
			p.path(&to.Place)(n)
			if strings.HasPrefix(to.Place, secops.Scheme) {
				p.fault(n, "Google SecOps needs a place for what is pushed: want secops: with instance and spool here")
			}
			return
		}
		at := p.object(n, "out", fields{
			"devo":   func(n *yaml.Node) { *to = Out{Devo: p.devo(n)} },
			"secops": func(n *yaml.Node) { *to = Out{SecOps: p.secops(n)} },
		})
		if at["devo"] != nil && at["secops"] != nil {
			p.fault(at["secops"], "devo and secops exclude each other")
		}
	}
}

func (p *parser) secops(n *yaml.Node) *SecOps {
	var s SecOps
	at := p.object(n, "secops", fields{
		"instance":  p.checked(func(text string) (err error) { s.Instance, err = secops.ParseInstance(text); return err }),
		"spool":     p.path(&s.Spool),
		"endpoint":  p.checked(func(text string) error { s.Endpoint = text; return secops.CheckEndpoint(text) }),
		"forwarder": p.text(&s.Forwarder), "max_dead_letters": func(n *yaml.Node) {
			s.MaxDeadLetters = new(int)
			p.number(s.MaxDeadLetters, 0, 1_000_000)(n)
		},
	})
	p.need(n, at, "instance", "spool")
	if strings.HasPrefix(s.Spool, secops.Scheme) {
		p.fault(at["spool"], "spool: want a directory or gs://bucket/prefix")
	}
	return &s
}

// checked reads a text that another package can refuse, or a variable that holds
// one.
func (p *parser) checked(take func(string) error) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var text string
		faults := len(p.faults)
		if p.address(&text)(n); len(p.faults) > faults {
			return
		}
		if err := take(text); err != nil {
			p.fault(n, "%v", err)
		}
	}
}

func (p *parser) devo(n *yaml.Node) *Devo {
	var d Devo
	at := p.object(n, "devo", fields{
		"address": p.text(&d.Address), "chain": p.pathOrSecret(&d.Chain), "cert": p.pathOrSecret(&d.Cert), "key": p.pathOrSecret(&d.Key),
		"host": p.text(&d.Host), "gzip": p.flag(&d.Gzip), "spool": p.path(&d.Spool),
	})
	p.need(n, at, "address", "chain", "cert", "key", "spool")
	return &d
}

// services reads a map of names to settings, which may be empty.
func (p *parser) services(n *yaml.Node, t Tenant) (all []Service) {
	known := make(fields)
	read := func(name string) func(*yaml.Node) {
		return func(n *yaml.Node) { all = append(all, p.service(n, name, t)) }
	}
	for _, s := range okta.Services() {
		known[s.Name] = read(s.Name)
	}
	known[ASAService] = read(ASAService)
	at := p.object(n, "services", known)
	if len(at) == 0 {
		p.fault(n, "no services: want at least one of %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	for name, key := range at {
		switch {
		case known[name] == nil:
		case name == ASAService && t.ASA == nil:
			p.fault(key, "the service asa needs asa beside services: team, key_id and key_secret")
		case name != ASAService && t.Okta == nil:
			p.fault(key, "the service %s needs okta_url beside services", name)
		}
	}
	return all
}

func (p *parser) service(n *yaml.Node, name string, t Tenant) Service {
	s := Service{Name: name, Every: p.every}
	o, isOkta := okta.Lookup(name)
	s.Tag = o.Tag
	if t.Out.SecOps != nil {
		s.LogType = logTypes[name]
	}
	emit := "all"
	at := p.object(n, "service", fields{
		"every": p.span(&s.Every), "start": p.start(&s.Start), "tag": p.text(&s.Tag), "log_type": p.text(&s.LogType), "emit": p.text(&emit),
		"full_every": p.span(&s.FullEvery), "per_minute": p.number(&s.PerMinute, 1, 1_000_000),
		"page_size": p.number(&s.PageSize, 1, 10_000), "rules": p.text(&s.Rules),
	})
	s.Changes = emit == "changes"
	if emit != "all" && emit != "changes" {
		p.fault(at["emit"], "emit %q: want all or changes", emit)
	}
	isList := isOkta && name != okta.Log
	for _, c := range []struct {
		key     string
		useless bool
		why     string
	}{
		{"start", isList, "is for logs: a list is read as it is now"},
		{"emit", !isList, "is for lists: each event of a log is new"},
		{"full_every", emit == "all" || o.Changed == nil, "is for emit: changes, of a list that can be asked for them (users, groups)"},
		{"per_minute", !isOkta, "is for services of Okta"},
		{"tag", t.Out.Devo == nil, "is for Devo, and this goes elsewhere"},
		{"rules", t.Out.Devo != nil, "is for directories, buckets and Google SecOps, and this goes to Devo"},
		{"log_type", t.Out.SecOps == nil, "is for Google SecOps, and this goes elsewhere"},
		{"log_type", t.Out.SecOps != nil && s.Rules != "", "is for raw lines, and rules make UDM events"},
	} {
		if at[c.key] != nil && c.useless {
			p.fault(at[c.key], "%s %s", c.key, c.why)
		}
	}
	p.checkTag(n, at, s, t)
	p.checkLogType(n, at, s, t)
	return s
}

// logTypes are Google SecOps' names for the logs that have one.
var logTypes = map[string]string{ASAService: "OKTA_SCALEFT", okta.Log: "OKTA", "users": "OKTA_USER_CONTEXT"}

func (p *parser) checkLogType(n *yaml.Node, at map[string]*yaml.Node, s Service, t Tenant) {
	if t.Out.SecOps == nil || s.Rules != "" {
		return
	}
	switch err := secops.CheckLogType(s.LogType); {
	case s.LogType == "" && at["log_type"] == nil:
		p.fault(resolve(n), "log_type is missing: Google SecOps has no name of its own for %s", s.Name)
	case err != nil:
		p.fault(at["log_type"], "%v", err)
	}
}

func (p *parser) checkTag(n *yaml.Node, at map[string]*yaml.Node, s Service, t Tenant) {
	if t.Out.Devo == nil {
		return
	}
	if err := devo.CheckTag(s.Tag); err != nil {
		where := at["tag"]
		if where == nil {
			where = resolve(n)
		}
		p.fault(where, "%v", err)
	}
}
