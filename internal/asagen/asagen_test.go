package asagen

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asaref"
	"github.com/asa2udm/asa2udm/internal/page"
)

func TestSameSeedSameBytes(t *testing.T) {
	for _, opts := range []Options{{}, {Shuffle: true}, {Hostile: true}, {Shuffle: true, Hostile: true}} {
		a, b := New(7, opts).File(nil, 300), New(7, opts).File(nil, 300)
		if !bytes.Equal(a, b) {
			t.Errorf("%+v: two generators with one seed differ", opts)
		}
		if c := New(8, opts).File(nil, 300); bytes.Equal(a, c) {
			t.Errorf("%+v: two seeds give the same bytes", opts)
		}
	}
}

func TestPlainRecords(t *testing.T) {
	const n = 2000
	for _, opts := range []Options{{}, {Shuffle: true}} {
		g, size := New(1, opts), 0
		for range n {
			record := g.Next(nil)
			size += len(record)
			if _, code := asaref.Map(record); code != "" || bytes.Contains(record, []byte("\n")) {
				t.Fatalf("%+v: record is no good (%q): %s", opts, code, record)
			}
		}
		if average := size / n; average < 1000 || average > 1700 {
			t.Errorf("%+v: records average %d bytes, want about 1300", opts, average)
		}
	}
}

// The records reach every field that the table fills.
func TestPlainRecordsReachEveryField(t *testing.T) {
	g := New(1, Options{})
	var all []byte
	for range 2000 {
		event, _ := asaref.Map(g.Next(nil))
		all = append(all, event...)
	}
	for _, want := range strings.Fields(`GENERIC_EVENT STATUS_UPDATE USER_UNCATEGORIZED USER_LOGIN SSO WINDOWS LINUX MAC ANDROID
		"actor_status" "actor_user_type" "details_client_encrypted" "client_state" "project_create_server_users"
		"next_unix_gid" "project_team" "alt_name" "details_server_id" "details_server_os"
		"server_source_details_instance_id" "server_state" "details_server_state" "session_type" "ssh_key_fingerprint"
		"ssh_public_key" "email_addresses" "employee_id" "session_id" "cipher" "platform_version" "intermediary"`) {
		if !bytes.Contains(all, []byte(want)) {
			t.Errorf("no event has %s", want)
		}
	}
}

func TestHostileLines(t *testing.T) {
	const n = 20000
	g := New(1, Options{Hostile: true})
	codes := make(map[string]int)
	for range n {
		line := g.Next(nil)
		if bytes.Contains(line, []byte("\n")) {
			t.Fatalf("line with a newline: %q", line)
		}
		_, code := asaref.Map(line)
		codes[code]++
	}
	for _, code := range []string{asaref.CodeJSON, asaref.CodeObject, asaref.CodeDepth, asaref.CodeTimestamp} {
		if codes[code] < n/1000 {
			t.Errorf("%d of %d lines are rejected as %q, want more", codes[code], n, code)
		}
	}
	if codes[""] < n/2 {
		t.Errorf("%d of %d lines are mapped, want more than half: %v", codes[""], n, codes)
	}
}

func TestPages(t *testing.T) {
	g := New(1, Options{})
	for _, indented := range []bool{false, true} {
		text := g.Page(nil, 20, indented)
		if got := bytes.Contains(text, []byte("\n")); got != indented {
			t.Errorf("page over several lines: got %t, want %t", got, indented)
		}
		records, _, err := page.Join(text)
		if err != nil || len(records) != 20 {
			t.Fatalf("Join answered %d records and %v, want 20", len(records), err)
		}
		if !slices.ContainsFunc(records, func(r []byte) bool { return bytes.Contains(r, []byte(`"email":`)) }) {
			t.Error("no record of the page was joined with a user")
		}
	}
}

func TestShuffledRecordsAreTheSameJSON(t *testing.T) {
	orders := make(map[string]bool)
	g := New(1, Options{Shuffle: true})
	for range 100 {
		record := g.Next(nil)
		if !json.Valid(record) {
			t.Fatalf("not JSON: %s", record)
		}
		orders[string(regexp.MustCompile(`^\{"\w+`).Find(record))] = true
	}
	if len(orders) < 3 {
		t.Errorf("records begin with %d different keys, want at least 3: %v", len(orders), orders)
	}
}
