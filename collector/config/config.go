// Package config reads the file that says what is collected from where to where,
// for several tenants and services in one process. Parse answers a File or all
// that is wrong with the text, each fault at its line and column.
//
// Secrets do not stand in the file: it names the environment variable, the file or
// the secret of Secret Manager that holds them.
package config

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// Schema is the JSON Schema of the file, for editors.
//
//go:embed collect.schema.json
var Schema []byte

// File is a configuration.
type File struct {
	// Out is where tenants without a place of their own are collected into.
	Out Out
	// Gzip compresses objects in directories and buckets.
	Gzip    bool
	Tenants []Tenant
}

// Tenant is one customer's org, ASA team, or both.
type Tenant struct {
	Name string
	Okta *Okta
	ASA  *ASA
	Out  Out
	// CAFile names certificates to trust beside the system's.
	CAFile   string
	Services []Service
}

// Okta is an org and how it is asked.
type Okta struct {
	URL string
	// Token is an API token, or OAuth a service app.
	Token secret.Secret
	OAuth *OAuth
	// KeepFree is the share of limits that is left to other programs.
	KeepFree float64
	// PerMinute is the limit of calls of all services together, 0 for the default.
	PerMinute int
}

// OAuth is a service app with a private key.
type OAuth struct {
	ClientID, KeyID string
	Key             secret.Secret
}

// ASA is a team of Advanced Server Access.
type ASA struct {
	URL, Team, KeyID string
	KeySecret        secret.Secret
}

// Out is a destination: a directory or a prefix in a bucket, Devo, or Google SecOps.
type Out struct {
	Place  string
	Devo   *Devo
	SecOps *SecOps
}

// SecOps is an instance of Google SecOps and the place that holds what is pushed.
type SecOps struct {
	Instance secops.Instance
	// Spool is a directory or a prefix in a bucket.
	Spool string
	// Endpoint is the address of the API, "" for that of the location.
	Endpoint string
	// Forwarder is the one to push raw lines as, "" for none.
	Forwarder string
	// MaxDeadLetters bounds how many events of a batch may be set aside, nil for
	// the default.
	MaxDeadLetters *int
}

// Devo is an endpoint and the directory that holds what waits for it. Chain, Cert
// and Key are paths or, but for files, references of package secret.
type Devo struct {
	Address, Chain, Cert, Key string
	Host                      string
	Gzip                      bool
	Spool                     string
}

// Service is one log or list of a tenant.
type Service struct {
	// Name is that of an Okta service, or ASAService.
	Name string
	// Every is the time from one pull to the next.
	Every time.Duration
	// Start is where a log begins; zero is as far back as it is kept.
	Start time.Time
	// Tag is that of the events in Devo.
	Tag string
	// LogType is that of raw lines in Google SecOps.
	LogType string
	// Changes lets a list answer only what has changed.
	Changes bool
	// FullEvery is how often a list that can be asked for changes is read whole.
	FullEvery time.Duration
	// PerMinute is the limit of calls to start with, 0 for the service's own.
	PerMinute int
	// PageSize is how much is asked for at a time, 0 for the service's own.
	PageSize int
	// Rules is the rule file or pack that UDM is made with, "" for none.
	Rules string
}

// ASAService is the name of the ASA audit log among services.
const ASAService = "asa"

// Numbers of faults; docs/okta.md lists them with all others.
const (
	NumberStartForm   = 1 // a start that is no time
	NumberStartFuture = 2 // a start that lies in the future
	NumberFile        = 3 // any other fault of the file
	NumberSecret      = 4 // a secret that is not where the file says
)

// Error is one fault of a file.
type Error struct {
	Name      string // of the file
	Line, Col int    // from 1
	Number    int
	Msg       string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: [%d] %s", e.Name, e.Line, e.Col, e.Number, e.Msg)
}

// Errors are all faults of a file, in the order of their places.
type Errors []*Error

func (l Errors) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

func (l Errors) sort() {
	slices.SortStableFunc(l, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
}
