//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

// documentedFunction works as the Python function does that Google documents for
// ASA, by its description: it keeps the offset that fetched its last page, writes
// the list alone, in one object when all is read, and takes every error for the
// end of the log. A bucket stands for the one it writes to.
type documentedFunction struct {
	base    string
	size    int
	max     int
	objects map[string]string
	offset  string // state.json
	clock   int    // seconds; objects are named by it
	die     bool   // after the object, before the state
}

func (f *documentedFunction) run() {
	token := f.token()
	offset, last := f.offset, ""
	var all []json.RawMessage
	for len(all) < f.max {
		list, next, ok := f.page(token, offset)
		if !ok {
			break
		}
		all = append(all, list...)
		last = offset
		if next == "" {
			break
		}
		offset = next
	}
	if len(all) == 0 {
		return
	}
	var text strings.Builder
	for _, e := range all {
		text.Write(e)
		text.WriteByte('\n')
	}
	f.objects[fmt.Sprintf("okta_asa_%d.ndjson", f.clock)] = text.String()
	if last != "" && !f.die {
		f.offset = last
	}
}

func (f *documentedFunction) token() string {
	resp, err := http.Post(f.base+"/v1/teams/example-team/service_token", "application/json",
		strings.NewReader(fmt.Sprintf(`{"key_id":"id","key_secret":%q}`, canary)))
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"bearer_token"`
	}
	json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Token
}

func (f *documentedFunction) page(token, offset string) (list []json.RawMessage, next string, ok bool) {
	q := url.Values{"count": {fmt.Sprint(f.size)}}
	if offset != "" {
		q.Set("offset", offset)
	}
	req, err := http.NewRequest(http.MethodGet, f.base+"/v1/teams/example-team/auditsV2?"+q.Encode(), nil)
	if err != nil {
		return nil, "", false
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var page struct {
		List []json.RawMessage `json:"list"`
	}
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &page) != nil {
		return nil, "", false
	}
	for _, part := range strings.Split(strings.Join(resp.Header.Values("Link"), ", "), ",") {
		if address, rel, _ := strings.Cut(part, ";"); strings.Contains(rel, `rel="next"`) {
			if u, err := url.Parse(strings.Trim(strings.TrimSpace(address), "<>")); err == nil {
				next = u.Query().Get("offset")
			}
		}
	}
	return page.List, next, true
}

// tally compares lines with the log.
type tally struct{ lost, duplicate, joined, written int }

func tallyOf(log *simulator.List, lines []string) (c tally) {
	seen := make(map[string]int)
	for _, line := range lines {
		var e struct {
			ID      string          `json:"id"`
			Details json.RawMessage `json:"details"`
		}
		json.Unmarshal([]byte(line), &e)
		seen[e.ID]++
		c.written++
		if strings.Contains(string(e.Details), `:{"`) {
			c.joined++
		}
	}
	for i := range log.Len() {
		n := seen[log.At(i).ID]
		if n == 0 {
			c.lost++
		}
		c.duplicate += max(0, n-1)
	}
	return c
}

// TestBesideTheDocumentedFunction runs both on the same simulated teams.
func TestBesideTheDocumentedFunction(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "team\tevents\tfunction: lost\tduplicate\tjoined\tasa2udm: lost\tduplicate\tjoined")
	for _, tc := range []struct {
		name   string
		change func(*simulator.Config)
		play   func(r *rig, step func())
	}{
		{"2,500 events, then six runs without news", nil, func(r *rig, step func()) {
			r.grow(2500)
			for range 7 {
				step()
			}
		}},
		{"all events fit one page, six runs", nil, func(r *rig, step func()) {
			for range 6 {
				r.grow(12)
				step()
			}
		}},
		{"grows by 700 in each of six runs", nil, func(r *rig, step func()) {
			for range 6 {
				r.grow(700)
				step()
			}
		}},
		{"2,500 events, fired twice in one second", nil, func(r *rig, step func()) {
			r.grow(2500)
			step()
			r.sameSecond = true
			step()
		}},
		{fmt.Sprintf("one call in five fails, %d runs", rounds(40, 8)), func(c *simulator.Config) {
			c.Faults = simulator.Faults{Forbidden: .05, Server: .1, Cut: .05}
		}, func(r *rig, step func()) {
			r.grow(2000)
			for range rounds(40, 8) {
				r.grow(10)
				step()
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, "dir", tc.change)
			a, b := r.beside(tc.play)
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d %%\t%d\t%d\t%d %%\n", tc.name, r.log.Len(),
				a.lost, a.duplicate, 100*a.joined/max(a.written, 1), b.lost, b.duplicate, 100*b.joined/max(b.written, 1))
			if b.lost != 0 || b.duplicate != 0 || b.joined != b.written {
				t.Errorf("asa2udm: %+v", b)
			}
			if a.lost+a.duplicate == 0 && a.joined == a.written {
				t.Error("the documented function does as well")
			}
		})
	}
	w.Flush()
	t.Logf("\n%s", table.String())
}

// beside plays the steps of a team's life to the documented function and to the
// command, and compares what each has written with the log.
func (r *rig) beside(play func(r *rig, step func())) (function, command tally) {
	r.t.Helper()
	f := &documentedFunction{base: r.api.URL, size: 500, max: 5000, objects: make(map[string]string)}
	play(r, func() {
		if !r.sameSecond {
			f.clock += 600
		}
		f.run()
		r.collect("--page-size", "500", "--max-records", "5000").Run() // what a fault has ended the next run makes up for
	})
	for range 20 {
		if r.collect("--page-size", "500").Run() == nil {
			break
		}
	}
	var theirs []string
	for _, text := range f.objects {
		theirs = append(theirs, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	return tallyOf(r.log, theirs), tallyOf(r.log, lines(r.t, r.open(), "raw/"))
}
