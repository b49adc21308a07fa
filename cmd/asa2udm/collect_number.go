package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"syscall"

	"google.golang.org/api/googleapi"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/config"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// numberedError is a failure of a service with the number that docs/okta.md lists
// it under.
type numberedError struct {
	number int
	err    error
}

func (e *numberedError) Error() string { return fmt.Sprintf("[%d] %v", e.number, e.err) }
func (e *numberedError) Unwrap() error { return e.err }

// Numbers of failures. Those below 100 are of the file, see package config.
const (
	numberCredentials = 100 // setup: the API does not accept the credentials
	numberAccess      = 101 // setup: the API refuses the service, or is not there
	numberStorage     = 200
	numberRefused     = 300 // pull: the API refuses the request
	numberFailed      = 301 // pull: the API failed again and again, or was not there
	numberAnswer      = 302 // pull: the answer is none that can be used
)

// numberCauses are the numbers of failures that an error names; the first that
// fits counts.
var numberCauses = []struct {
	number int
	is     error
}{
	{210, devo.ErrFile}, {211, devo.ErrPair}, {212, devo.ErrExpired}, {213, devo.ErrResolve}, {215, devo.ErrNoTLS},
	{216, devo.ErrServerCert}, {217, devo.ErrRefused}, {218, devo.ErrNotDrained}, {214, devo.ErrConnect},
	{220, secops.ErrCredentials}, {221, secops.ErrDenied}, {222, secops.ErrNotFound}, {223, secops.ErrRefused},
	{224, secops.ErrRequest}, {225, secops.ErrAnswer}, {226, secops.ErrUnavailable}, {227, secops.ErrSpool},
	{400, collector.ErrState}, {401, collector.ErrSource}, {402, collector.ErrConflict}, {403, collector.ErrCursor}, {404, collector.ErrForeign}, {405, okta.ErrMemory},
	{numberAnswer, okta.ErrLink}, {numberAnswer, rest.ErrLink}, {numberAnswer, rest.ErrDamaged}, {numberAnswer, rest.ErrTooLarge},
	{numberStorage, syscall.ENOSPC}, {numberStorage, fs.ErrPermission}, {numberStorage, fs.ErrNotExist},
}

// numbered gives a failure its number; setup says that it is one of the setup.
func numbered(err error, setup bool) error {
	var done *numberedError
	if err == nil || errors.As(err, &done) {
		return err
	}
	return &numberedError{numberOf(err, setup), err}
}

func numberOf(err error, setup bool) int {
	var again *secret.RenewalError
	if errors.As(err, &again) {
		return config.NumberSecret
	}
	for _, c := range numberCauses {
		if errors.Is(err, c.is) {
			return c.number
		}
	}
	var path *fs.PathError
	var storage *googleapi.Error
	if errors.As(err, &path) || errors.As(err, &storage) {
		return numberStorage
	}
	var status *rest.StatusError
	answered := errors.As(err, &status)
	switch {
	case setup && answered && status.Status == http.StatusUnauthorized:
		return numberCredentials
	case setup && answered && status.Code == "invalid_client":
		return numberCredentials
	case setup && answered && status.Status >= http.StatusInternalServerError:
		return numberFailed
	case setup:
		return numberAccess
	case answered && !errors.Is(err, rest.ErrGaveUp):
		return numberRefused
	}
	return numberFailed
}

// numberCures say what to do; docs/okta.md has the same table.
var numberCures = map[int]string{
	config.NumberStartForm:   "write the start as 2026-01-31T00:00:00Z or 2026-01-31",
	config.NumberStartFuture: "give a start that has passed",
	config.NumberFile:        "correct the file; asa2udm schema collect prints its JSON Schema",
	config.NumberSecret:      "set the variable, write the file, or grant access to the secret, that the reference names",
	numberCredentials:        "create a new API token, or check the client id and the key of the service app",
	numberAccess:             "check okta_url; grant the token's administrator, or the app's scopes, read access to the service",
	numberStorage:            "see that the destination exists, may be written, and has room; nothing is lost, the next cycle goes on",
	210:                      "check the paths of chain, cert and key; all three are PEM files",
	211:                      "give the key that the certificate was issued for",
	212:                      "download a new certificate for the domain from Devo",
	213:                      "check the host in address, and the name service of this machine",
	214:                      "check host and port in address, and the firewall",
	215:                      "give the TLS port of the endpoint, 443 for Devo's own",
	216:                      "give the chain file of this endpoint's region, and address it by its own name",
	217:                      "use the certificate of a domain that the endpoint knows, and one that was not revoked",
	218:                      "nothing is lost, the batch is sent again; if it stays so, a proxy may stand in between",
	220:                      "gcloud auth application-default login, or run with a service account",
	221:                      "grant the account roles/chronicle.editor in the instance's project, and enable the Chronicle API there",
	222:                      "check project, location and instance, the log type, and the endpoint of the location",
	223:                      "the words tell why: correct the log type or the rules; max_dead_letters sets more events aside",
	224:                      "the words tell why; nothing was moved, the next cycle pushes the same batch",
	225:                      "look for a proxy or a login page between here and the endpoint, and check the endpoint",
	226:                      "nothing is lost, the next cycle pushes what lies at the spool",
	227:                      "restore the objects at the spool from a copy: they were not pushed",
	numberRefused:            "401: create a new API token; 403: restore the role or scope; 400 and 404: please report it",
	numberFailed:             "nothing is lost, the next cycle goes on; look at the org's status page if it stays so",
	numberAnswer:             "look for a proxy or login page between here and the org",
	400:                      "restore the state from a copy; for directories and buckets run once with --repair rebuild-state",
	401:                      "give each tenant a name of its own, or move the old directory away",
	402:                      "run one collector for each state; what the other one has written is complete",
	403:                      "run once with --repair from-start: what was collected before is recognised and dropped",
	404:                      "run asa2udm verify to see what is there",
	405:                      "restore the object that is named, or move it away: the list is then read anew, and all of it counts as found",
}

// numberAttrs are what a log says of a numbered failure.
func numberAttrs(err error) []slog.Attr {
	attrs := []slog.Attr{slog.String("error", err.Error())}
	var n *numberedError
	if errors.As(err, &n) {
		attrs = append(attrs, slog.Int("number", n.number), slog.String("hint", numberCure(n.number, err)))
	}
	return attrs
}

// numberCure says what to do about an error with a number: what the error itself
// makes known, or what all of the number have in common.
func numberCure(number int, err error) string {
	if hint := secretHint(err); hint != "" && number == config.NumberSecret {
		return hint
	}
	return numberCures[number]
}
