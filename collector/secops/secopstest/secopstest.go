// Package secopstest is a Chronicle API for tests: it validates what it is sent as
// the API documents it, keeps what it has accepted, and fails as it is told.
package secopstest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/secops"
)

// MaxBytes is the size from which on a request is refused.
const MaxBytes = 4_000_000

// TokenSign begins every token.
const TokenSign = "ya29.canary-"

// Fate is what becomes of one import. The zero Fate is that of a good one.
type Fate struct {
	// Status refuses the import with a body of Google's error model, before it is
	// looked at. Code and Reason stand therein.
	Status       int
	Code, Reason string
	Header       http.Header
	// Body takes the place of the answer's body. What was sent is taken unless
	// Status is set.
	Body *string
	// Lose takes what was sent and breaks off without an answer, Reset breaks off
	// before.
	Lose, Reset bool
	// Cut takes what was sent and breaks off in the middle of the answer.
	Cut bool
	// Wait is how long the import takes.
	Wait time.Duration
}

// Event is one that was accepted.
type Event struct {
	// ID is metadata.id, or the label of a raw line.
	ID string
	// Data is the raw line, or the UDM event.
	Data string
	// LogType is that of a raw line.
	LogType string
	// Entry and Collected are the times of a raw line.
	Entry, Collected time.Time
}

// Config says what the API is like.
type Config struct {
	Instance secops.Instance
	// Tokens demands tokens of the API's own token endpoint.
	Tokens bool
	// Bad answers what is wrong with an event, "" for nothing.
	Bad func(e Event) string
	// Next answers the fate of the nth import, from 0.
	Next func(n int) Fate
	// Events bounds the events of a request; 0 is no bound.
	Events int
	// LogTypes are those that there are; nil stands for all.
	LogTypes []string
	// NoGet denies reading the instance.
	NoGet bool
	// Around is told each request, and calls serve to have it answered.
	Around func(r *http.Request, serve func())
}

// Server is a Chronicle API.
type Server struct {
	*httptest.Server
	config Config

	mu       sync.Mutex
	accepted []Event
	bodies   []string
	imports  int
	tokens   map[string]bool
	issued   int
}

// New starts an API that stops with the test.
func New(t *testing.T, c Config) *Server {
	t.Helper()
	s := &Server{config: c, tokens: make(map[string]bool)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.Around == nil {
			s.serve(w, r)
			return
		}
		// What is around may end the client, which must have its answer by then.
		c.Around(r, func() {
			if !s.serve(w, r) {
				_ = http.NewResponseController(w).Flush()
			}
		})
	}))
	t.Cleanup(s.Close)
	return s
}

// Accepted answers all that was accepted, in order, repeats too.
func (s *Server) Accepted() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

// Bodies answers all that was sent to imports.
func (s *Server) Bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// Tokens answers how many tokens were issued.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}

// Expire ends all tokens.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Credentials writes a service account's key file, whose tokens come from here,
// and answers its path.
func (s *Server) Credentials(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": s.config.Instance.Project, "private_key_id": "k1",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "pusher@example.iam.gserviceaccount.com", "token_uri": s.URL + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var resource = regexp.MustCompile(`^/v1(?:alpha|beta)?/(projects/[^/]+/locations/[^/]+/instances/[^/:]+)(?:/logTypes/([^/]+))?(?:/(events|logs):import)?$`)

// serve reports whether it has broken the connection off.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) (gone bool) {
	if r.URL.Path == "/token" {
		s.issue(w)
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	if !s.allowed(r) {
		refuse(w, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", "Request had invalid authentication credentials.")
		return false
	}
	m := resource.FindStringSubmatch(r.URL.Path)
	switch {
	case m == nil || (m[3] == "logs") != (m[2] != ""):
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>")
	case m[1] != s.config.Instance.Name():
		refuse(w, 404, "NOT_FOUND", "", "instance not found: "+m[1])
	case m[3] == "" && r.Method == http.MethodGet && s.config.NoGet:
		refuse(w, 403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "Permission 'chronicle.instances.get' denied")
	case m[3] == "" && r.Method == http.MethodGet:
		fmt.Fprintf(w, `{"name":%q}`, m[1])
	case r.Method != http.MethodPost:
		refuse(w, 405, "UNIMPLEMENTED", "", "method not allowed")
	default:
		return s.take(w, r, m[2], body)
	}
	return false
}

func (s *Server) issue(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("%s%d-%s", TokenSign, s.issued, rand.Text())
	s.tokens[token] = true
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, token)
}

func (s *Server) allowed(r *http.Request) bool {
	if !s.config.Tokens {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

// refuse answers an error of Google's model.
func refuse(w http.ResponseWriter, status int, code, reason, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	details := ""
	if reason != "" {
		details = fmt.Sprintf(`,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"domain":"googleapis.com"}]`, reason)
	}
	fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"status":%q%s}}`, status, message, code, details)
}

// take is an import; it reports whether it has broken the connection off.
func (s *Server) take(w http.ResponseWriter, r *http.Request, logType string, body []byte) (gone bool) {
	s.mu.Lock()
	n := s.imports
	s.imports++
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	var fate Fate
	if s.config.Next != nil {
		fate = s.config.Next(n)
	}
	time.Sleep(fate.Wait)
	for name, values := range fate.Header {
		w.Header()[name] = values
	}
	switch {
	case fate.Reset:
		return cut(w, "")
	case fate.Status != 0 && fate.Body != nil:
		w.WriteHeader(fate.Status)
		io.WriteString(w, *fate.Body)
		return false
	case fate.Status != 0:
		refuse(w, fate.Status, fate.Code, fate.Reason, "told to fail")
		return false
	}
	if status, code, message := s.accept(r, logType, body); status != 0 {
		refuse(w, status, code, "", message)
		return false
	}
	switch {
	case fate.Lose:
		return cut(w, "")
	case fate.Cut:
		return cut(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{")
	case fate.Body != nil:
		io.WriteString(w, *fate.Body)
	default:
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		io.WriteString(w, "{}\n")
	}
	return false
}

// cut breaks a connection off after some bytes.
func cut(w http.ResponseWriter, bytes string) (gone bool) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	buf.WriteString(bytes)
	buf.Flush()
	conn.Close()
	return true
}

// accept takes all events of a request or none.
func (s *Server) accept(r *http.Request, logType string, body []byte) (status int, code, message string) {
	if len(body) >= MaxBytes {
		return 413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 4000000 bytes."
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return 400, "INVALID_ARGUMENT", "want application/json"
	}
	if s.config.LogTypes != nil && logType != "" && !slices.Contains(s.config.LogTypes, logType) {
		return 404, "NOT_FOUND", "log type not found: " + logType
	}
	events, err := parse(logType, body, s.config.Instance.Name())
	if err != nil {
		return 400, "INVALID_ARGUMENT", err.Error()
	}
	if s.config.Events > 0 && len(events) > s.config.Events {
		return 400, "INVALID_ARGUMENT", "too many events"
	}
	for i, e := range events {
		if s.config.Bad == nil {
			break
		}
		if fault := s.config.Bad(e); fault != "" {
			return 400, "INVALID_ARGUMENT", fmt.Sprintf("events[%d]: %s", i, fault)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = append(s.accepted, events...)
	return 0, "", ""
}

// request is the body of either import.
type request struct {
	Source struct {
		Logs []struct {
			Data       []byte    `json:"data"`
			Entry      time.Time `json:"logEntryTime"`
			Collection time.Time `json:"collectionTime"`
			Labels     map[string]struct {
				Value string `json:"value"`
			} `json:"labels"`
		} `json:"logs"`
		Events []struct {
			UDM json.RawMessage `json:"udm"`
		} `json:"events"`
		Forwarder string `json:"forwarder"`
	} `json:"inlineSource"`
}

// parse reads a request as strictly as the API does.
func parse(logType string, body []byte, instance string) (events []Event, err error) {
	var req request
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return nil, fmt.Errorf("invalid JSON payload received: %w", err)
	}
	if f := req.Source.Forwarder; f != "" && !strings.HasPrefix(f, instance+"/forwarders/") {
		return nil, fmt.Errorf("forwarder %q", f)
	}
	for _, l := range req.Source.Logs {
		if len(l.Data) == 0 || l.Entry.IsZero() || !l.Collection.After(l.Entry) {
			return nil, fmt.Errorf("log without data or times, or collected at %s and before it was made at %s", l.Collection, l.Entry)
		}
		events = append(events, Event{ID: l.Labels["asa2udm_id"].Value, Data: string(l.Data), LogType: logType, Entry: l.Entry, Collected: l.Collection})
	}
	for _, e := range req.Source.Events {
		id, err := udmID(e.UDM)
		if err != nil {
			return nil, err
		}
		events = append(events, Event{ID: id, Data: string(e.UDM)})
	}
	if len(events) == 0 || (logType != "") != (len(req.Source.Logs) > 0) {
		return nil, errors.New("request contains an invalid argument")
	}
	return events, nil
}

func udmID(event []byte) (string, error) {
	var udm struct {
		Metadata struct {
			ID        string    `json:"id"`
			Timestamp time.Time `json:"event_timestamp"`
			Type      string    `json:"event_type"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(event, &udm); err != nil {
		return "", err
	}
	if udm.Metadata.Timestamp.IsZero() || udm.Metadata.Type == "" {
		return "", fmt.Errorf("generic::invalid_argument: udm validation failed: metadata is not set")
	}
	if _, err := base64.StdEncoding.DecodeString(udm.Metadata.ID); err != nil {
		return "", fmt.Errorf("metadata.id: %w", err)
	}
	return udm.Metadata.ID, nil
}
