package okta_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
	"github.com/asa2udm/asa2udm/collector/rest"
)

// distant is the org at the end of a network that takes its time, without one, so
// that minutes pass in no time.
type distant struct {
	org *simulator.Org
	mu  sync.Mutex
	rng *rand.Rand
}

func (d *distant) RoundTrip(req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	there, back := time.Duration(d.rng.IntN(2000))*time.Millisecond, time.Duration(d.rng.IntN(2000))*time.Millisecond
	d.mu.Unlock()
	time.Sleep(there)
	w := httptest.NewRecorder()
	d.org.ServeHTTP(w, req)
	time.Sleep(back)
	return w.Result(), nil
}

// TestNo429UnderConstantLimits reads seven services for minutes on end, as fast as the
// limits let, of an org that refuses every call beyond its limit in any minute.
func TestNo429UnderConstantLimits(t *testing.T) {
	minutes := 10
	if testing.Short() {
		minutes = 3
	}
	for name, limit := range map[string]func(service string) int{
		"those of the smallest plan": func(name string) int { s, _ := okta.Lookup(name); return s.PerMinute },
		"smaller than told at first": func(string) int { return 7 },
		"larger than told at first":  func(string) int { return 600 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, lists := &simulator.Log{}, &simulator.Lists{}
				for i := range 500 {
					log.Append(simulator.NewEvent(i, time.Now().Add(time.Duration(i-500)*time.Second)))
				}
				lists.Fill(250, time.Now())
				org := simulator.New(simulator.Config{Log: log, Lists: lists, Token: "t", Limit: limit})
				o, err := okta.NewOrg(okta.Config{
					URL: "http://127.0.0.1", Token: "t", KeepFree: 0.2,
					HTTP: &http.Client{Transport: &distant{org: org, rng: rand.New(rand.NewPCG(5, 6))}},
				})
				if err != nil {
					t.Fatal(err)
				}
				var group sync.WaitGroup
				for _, s := range okta.Services() {
					group.Go(func() { readFor(t, o, s, time.Duration(minutes)*time.Minute) })
				}
				group.Wait()
				calls := org.Calls()
				if calls["429"] > 0 || calls["all"] < 30*minutes {
					t.Errorf("%d of %d calls were answered 429, want none of many", calls["429"], calls["all"])
				}
			})
		})
	}
}

// readFor reads a service again and again, with nothing in between.
func readFor(t *testing.T, o *okta.Org, s okta.Service, span time.Duration) {
	src, err := o.Source(s.Name, okta.Settings{PageSize: 50})
	if err != nil {
		t.Error(err)
		return
	}
	src.Client().Retry = rest.Retry{Limit: time.Hour}
	var cur collector.Cursor
	for begin := time.Now(); time.Since(begin) < span; {
		p, err := src.Page(t.Context(), cur)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			return
		}
		cur = p.Cursor
	}
}
