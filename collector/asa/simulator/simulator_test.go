package simulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

func TestParseFaults(t *testing.T) {
	for in, ok := range map[string]bool{
		"": true, "429=0.1": true, "5xx=0.5, cut=0.5": true, "slow=1": true,
		"5xx": false, "5xx=x": false, "500=0.1": false, "cut=-0.1": false, "cut=0.6,slow=0.6": false, "cut=NaN": false,
	} {
		if _, err := simulator.ParseFaults(in); (err == nil) != ok {
			t.Errorf("ParseFaults(%q) = %v, want success: %v", in, err, ok)
		}
	}
}

func TestGeneratedLogIsAFunctionOfItsSeed(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b, other := simulator.Generate(1, 500, begin, time.Second), simulator.Generate(1, 900, begin, time.Second), simulator.Generate(2, 500, begin, time.Second)
	seen := make(map[string]bool)
	for i := range 500 {
		e := a.At(i)
		if seen[e.ID] {
			t.Fatalf("event %d repeats the id %s", i, e.ID)
		}
		seen[e.ID] = true
		if !bytes.Equal(e.Event, b.At(i).Event) {
			t.Fatalf("event %d depends on the length of the log", i)
		}
		if e.ID == other.At(i).ID {
			t.Fatalf("event %d does not depend on the seed", i)
		}
		if !json.Valid(e.Event) || len(e.Related) == 0 {
			t.Fatalf("event %d is %s with %d objects", i, e.Event, len(e.Related))
		}
		if at, ok := a.Index(e.ID); at != i || !ok {
			t.Fatalf("Index of event %d = %d, %v", i, at, ok)
		}
	}
	for _, id := range []string{"", "x", other.At(1).ID, b.At(700).ID} {
		if at, ok := a.Index(id); ok {
			t.Errorf("Index(%q) = %d", id, at)
		}
	}
}

func TestRead(t *testing.T) {
	log, err := simulator.Read(strings.NewReader(`{"list":[{"id":"a"},{"id":"b"}],"related_objects":{"r":{}}}

{"id":"c","details":{}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range log.Len() {
		ids = append(ids, log.At(i).ID)
	}
	if got := strings.Join(ids, " "); got != "a b c" {
		t.Errorf("read %q, want a b c", got)
	}
	for _, bad := range []string{"x", `{"timestamp":"now"}`, `{"list":[{}]}`} {
		if _, err := simulator.Read(strings.NewReader(bad)); err == nil {
			t.Errorf("Read(%s) succeeded", bad)
		}
	}
}

func TestLimit(t *testing.T) {
	api := simulator.New(simulator.Config{Log: &simulator.List{}, Team: "t", Limit: 2})
	for i, want := range []int{http.StatusUnauthorized, http.StatusUnauthorized, http.StatusTooManyRequests} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/teams/t/auditsV2", nil))
		if w.Code != want {
			t.Errorf("call %d is answered %d, want %d", i, w.Code, want)
		}
		if got := w.Header().Get("X-RateLimit-Remaining"); got != strconv.Itoa(max(0, 1-i)) {
			t.Errorf("call %d leaves %s", i, got)
		}
		if at := w.Header().Get("X-RateLimit-Retry-At"); (at != "") != (want == http.StatusTooManyRequests) {
			t.Errorf("call %d is told to come back at %q", i, at)
		}
	}
	if got := api.Calls(); got["429"] != 1 || got["all"] != 3 {
		t.Errorf("calls are %v", got)
	}
}
