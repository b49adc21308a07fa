// Package secops pushes what is collected into Google SecOps by the Chronicle API:
// raw lines by logs:import, UDM events by events:import.
//
// A Sink stands around collector.Objects. A batch is first made durable at the
// spool, as an object under its sequence and with its manifest; then it is pushed,
// in requests that are cut at the same places each time; then a note says so; and
// only then does the State move. So whatever is killed when, no event is left out,
// and one that arrives a second time bears the id of the first.
//
// An event that the server refuses is found by halving its request and kept beside
// the batch with the server's words. Where everything is refused the run stops
// instead.
package secops

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// Errors of Check, Deliver and Recover, for errors.Is. Each has one cause.
var (
	ErrCredentials = errors.New("the credentials are not accepted by Google")
	ErrDenied      = errors.New("the import is denied by Google SecOps")
	ErrNotFound    = errors.New("the instance or the log type is not known to Google SecOps")
	ErrRefused     = errors.New("too many events are refused by Google SecOps")
	ErrRequest     = errors.New("the request is refused by Google SecOps")
	ErrAnswer      = errors.New("the answer is not one of Google SecOps")
	ErrUnavailable = errors.New("the Chronicle API cannot be reached, or fails again and again")
	ErrSpool       = errors.New("the spool no longer holds what has to be pushed")
)

// Instance names a Google SecOps instance.
type Instance struct {
	// Project is the id or number of the Google Cloud project.
	Project string
	// Location is the region or multi-region, such as us or europe-west2.
	Location string
	// ID is the customer id, a UUID.
	ID string
}

var (
	projectForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]*$`)
	locationForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	idForm       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	logTypeForm  = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_]*$`)
	pathForm     = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// Scheme begins the address of an instance.
const Scheme = "secops://"

// ParseInstance reads secops://PROJECT/LOCATION/INSTANCE, or the resource name
// projects/PROJECT/locations/LOCATION/instances/INSTANCE.
func ParseInstance(s string) (Instance, error) {
	bad := func(what string) (Instance, error) {
		return Instance{}, fmt.Errorf("instance %q: %s", s, what)
	}
	var parts []string
	if rest, ok := strings.CutPrefix(s, Scheme); ok {
		parts = strings.Split(strings.TrimSuffix(rest, "/"), "/")
	} else if p := strings.Split(s, "/"); len(p) == 6 && p[0] == "projects" && p[2] == "locations" && p[4] == "instances" {
		parts = []string{p[1], p[3], p[5]}
	}
	if len(parts) != 3 {
		return bad("want secops://PROJECT/LOCATION/INSTANCE or projects/PROJECT/locations/LOCATION/instances/INSTANCE")
	}
	i := Instance{Project: parts[0], Location: parts[1], ID: parts[2]}
	switch {
	case !projectForm.MatchString(i.Project):
		return bad("the project is an id such as example-project, or a number")
	case !locationForm.MatchString(i.Location):
		return bad("the location is a region such as europe-west2, or us or eu")
	case !idForm.MatchString(i.ID):
		return bad("the instance is the customer id, a UUID (SIEM Settings, Profile)")
	}
	return i, nil
}

// Name is the resource name.
func (i Instance) Name() string {
	return "projects/" + i.Project + "/locations/" + i.Location + "/instances/" + i.ID
}

// String is the address for people.
func (i Instance) String() string {
	return Scheme + i.Project + "/" + i.Location + "/" + i.ID
}

// CheckLogType refuses what cannot be the name of a log type.
func CheckLogType(s string) error {
	if !logTypeForm.MatchString(s) {
		return fmt.Errorf("log type %q: want Google SecOps' name for the log in capitals, such as OKTA_SCALEFT", s)
	}
	return nil
}

// defaultVersion is the most stable one of the API, which has both imports by now.
// The methods are the same in v1beta and v1alpha; an endpoint with a path chooses.
const defaultVersion = "/v1"

// CheckEndpoint refuses what cannot be the address of the API.
func CheckEndpoint(endpoint string) error {
	_, err := baseURL(endpoint, Instance{})
	return err
}

// baseURL answers where the API is, with its version.
func baseURL(endpoint string, i Instance) (*url.URL, error) {
	if endpoint == "" {
		endpoint = "https://" + i.Location + "-chronicle.googleapis.com"
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("want the endpoint of the Chronicle API, such as https://us-chronicle.googleapis.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("endpoint %q: want scheme, host and at most a version", u.Redacted())
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("endpoint %q: a token is not sent over http, but to this machine", endpoint)
	}
	if u.Path = strings.TrimSuffix(u.Path, "/"); u.Path == "" {
		u.Path = defaultVersion
	}
	return u, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Config says where events are pushed, and as whom.
type Config struct {
	Instance Instance
	// Endpoint is the address of the API, with or without a version; empty stands
	// for that of the instance's location.
	Endpoint string
	// Forwarder is the id of a forwarder to import logs as; it may be empty.
	Forwarder string
	// CAFile names certificates to trust beside the system's; it may be empty.
	CAFile string
	// UserAgent names the program and its version.
	UserAgent string
	// Retry bounds how often and how long one request is tried.
	Retry rest.Retry
}

// requestTimeout is what Google names for a request.
const requestTimeout = 90 * time.Second

// newHTTP answers a client that waits as long as an import may take.
func newHTTP(caFile string) (*http.Client, error) {
	client, err := rest.NewHTTP(caFile, requestTimeout)
	if err != nil {
		return nil, err
	}
	if t, ok := client.Transport.(*http.Transport); ok {
		t.ResponseHeaderTimeout = requestTimeout
	}
	return client, nil
}
