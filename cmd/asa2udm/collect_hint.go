package main

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	"google.golang.org/api/googleapi"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// collectHint names the cure for an error of collect, "" where there is none to
// name. docs/operations.md has the same table.
func collectHint(err error, s *collectSettings) string {
	if hint := secretHint(err); hint != "" {
		return hint
	}
	if hint := secopsHint(err); hint != "" {
		return hint
	}
	for _, c := range []struct {
		is   error
		hint string
	}{
		{collector.ErrConflict, "run one collector for each state; what the other one has written is complete"},
		{collector.ErrSource, "give each team a place of its own with --out or --state"},
		{collector.ErrState, "restore the state from a copy, or run once with --repair rebuild-state, which reads the manifests"},
		{collector.ErrCursor, "run once with --repair from-start: what was collected before is recognised and dropped"},
		{collector.ErrForeign, "run asa2udm verify to see what is there"},
		{collector.ErrNotExist, "restore the object, or run once with --repair accept-unverified to take the event as new"},
		{rest.ErrTooLarge, "one event is larger than 64 MiB: please report it"},
		{rest.ErrLink, "look for a proxy between here and the API; nothing is lost, the next run asks again"},
		{syscall.ENOSPC, "make room; nothing is lost, the next run goes on"},
		{fs.ErrPermission, "let the user that runs asa2udm write there"},
	} {
		if errors.Is(err, c.is) {
			return c.hint
		}
	}
	var status *rest.StatusError
	if errors.As(err, &status) {
		return statusHint(err, status)
	}
	if hint := storageHint(err); hint != "" {
		return hint
	}
	return networkHint(err, s)
}

// statusHint is for what the API refuses.
func statusHint(err error, e *rest.StatusError) string {
	token := strings.HasSuffix(e.Path, "/service_token")
	switch {
	case e.Status == http.StatusUnauthorized && token:
		return "the key's id or secret is wrong, or the key has expired: create a new API key for the service user"
	case e.Status == http.StatusUnauthorized && e.Code == "authorization_error":
		return "give a group of the service user the role reporting_user in ASA (Groups, Roles)"
	case e.Status == http.StatusUnauthorized:
		return "a new token was refused, too: the service user may be disabled, or lack the role reporting_user"
	case e.Status == http.StatusForbidden:
		return "ASA refuses the service user or the team: look for a disabled team, a quota or an address rule"
	case e.Status == http.StatusNotFound:
		return "check the team's name and the base URL; Okta Privileged Access teams live at https://NAME.pam.okta.com"
	case e.Status == http.StatusTooManyRequests:
		return "the API's limit is used up, perhaps by other programs of this service user; the next run goes on"
	case errors.Is(err, rest.ErrGaveUp):
		return "the API failed again and again; the next run goes on from here"
	}
	return ""
}

// storageHint is for what Cloud Storage refuses.
func storageHint(err error) string {
	var e *googleapi.Error
	switch {
	case errors.As(err, &e) && e.Code == http.StatusForbidden:
		return "grant roles/storage.objectUser on the bucket to the account that runs asa2udm"
	case errors.As(err, &e) && e.Code == http.StatusUnauthorized:
		return "the credentials have expired: gcloud auth application-default login, or run with a service account"
	case errors.As(err, &e) && e.Code == http.StatusNotFound, strings.Contains(err.Error(), "bucket doesn't exist"):
		return "create the bucket, or check its name"
	case strings.Contains(err.Error(), "could not find default credentials"):
		return "gcloud auth application-default login, or run with a service account"
	}
	return ""
}

func networkHint(err error, s *collectSettings) string {
	var unknown x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return "a proxy may put its own certificate in between: give its CA with --ca-file"
	case errors.As(err, &dns):
		return "the name is not known here: check the base URL and the network"
	case errors.Is(err, syscall.ECONNREFUSED) && s.asa.BaseURL != "":
		return "nothing answers there: check the base URL, or HTTPS_PROXY"
	}
	return ""
}
