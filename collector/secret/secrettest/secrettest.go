// Package secrettest answers like Secret Manager, over HTTP.
package secrettest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Server holds the versions of secrets. Its methods may be called at any time.
type Server struct {
	// URL is what SECRET_MANAGER_ENDPOINT is set to.
	URL string

	mu       sync.Mutex
	versions map[string][]string // of projects/P/secrets/S, "" for a disabled one
	answers  []Answer
	calls    []string
}

// Answer is given once in place of the right one.
type Answer struct {
	// Status is 200 unless set.
	Status int
	// Body is sent as it is, unless it is "".
	Body string
	// Damage changes the payload after its checksum was made.
	Damage bool
	// Cut ends the connection within the body.
	Cut bool
}

// New starts a server, which ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{versions: make(map[string][]string)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Add adds a version to a secret, the first one makes it.
func (s *Server) Add(project, name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := "projects/" + project + "/secrets/" + name
	s.versions[key] = append(s.versions[key], value)
}

// Fault lets the next calls be answered so, one after the other.
func (s *Server) Fault(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Calls answers the paths that were asked for.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.URL.Path)
	var a Answer
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	path, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/"), ":access")
	key, version, _ := strings.Cut(path, "/versions/")
	versions := s.versions[key]
	switch {
	case a.Status != 0 || a.Body != "":
		w.WriteHeader(max(a.Status, http.StatusOK))
		fmt.Fprint(w, a.Body)
	case !ok || r.Method != http.MethodGet:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "no such method")
	case len(versions) == 0:
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret [%s] not found or has no versions.", key))
	default:
		number := len(versions)
		if version != "latest" {
			number, _ = strconv.Atoi(version) // what is no number is no version
		}
		s.answer(w, a, versions, key, number)
	}
}

func (s *Server) answer(w http.ResponseWriter, a Answer, versions []string, key string, number int) {
	if number < 1 || number > len(versions) {
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret Version [%s/versions/%d] not found.", key, number))
		return
	}
	value := []byte(versions[number-1])
	if len(value) == 0 {
		refuse(w, http.StatusBadRequest, "FAILED_PRECONDITION", fmt.Sprintf("Secret Version [%s/versions/%d] is in DISABLED state.", key, number))
		return
	}
	sum := crc32.Checksum(value, crc32.MakeTable(crc32.Castagnoli))
	if a.Damage {
		value[0] ^= 1
	}
	body, _ := json.Marshal(map[string]any{
		"name":    fmt.Sprintf("%s/versions/%d", key, number),
		"payload": map[string]string{"data": base64.StdEncoding.EncodeToString(value), "dataCrc32c": fmt.Sprint(sum)},
	})
	w.Header().Set("Content-Type", "application/json")
	if a.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.Write(body)
}

// refuse answers an error as Google's APIs do.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "status": code, "message": message}})
}

// Denied is the answer to an account without the role.
var Denied = Answer{
	Status: http.StatusForbidden,
	Body:   `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission 'secretmanager.versions.access' denied on resource (or it may not exist)."}}`,
}
