package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/udm"
)

// checkViolations holds the violations of an event that the mapper tells a
// validator of while it writes against those of the event when it is read, and
// answers how many there are.
func checkViolations(t *testing.T, m *Mapper, record []byte) int {
	t.Helper()
	m.validator = new(udm.Validator)
	defer func() { m.validator = nil }()
	event, err := m.Map(nil, record)
	if err != nil {
		return 0
	}
	read := udm.Validate(event)
	if diff := cmp.Diff(read, m.validator.Finish(event)); diff != "" {
		t.Errorf("%s\n(-read +told):\n%s", event, diff)
	}
	return len(read)
}

// TestViolationsOfPacks goes over records of all kinds with each shipped pack for
// ASA.
func TestViolationsOfPacks(t *testing.T) {
	for _, pack := range []string{"asa.yaml", "asa-corrected.yaml"} {
		for _, hostile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s hostile=%t", pack, hostile), func(t *testing.T) {
				m := compilePack(t, pack).NewMapper()
				g := asagen.New(7, asagen.Options{Hostile: hostile})
				for range 1000 {
					checkViolations(t, m, g.Next(nil))
				}
			})
		}
	}
}

// TestViolations writes what is against the schema, or against advice, in every
// way there is to write a value.
func TestViolations(t *testing.T) {
	p := compileText(t, `log_type: X
constants:
  metadata.vendor_name: V
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {from: host, to: [principal.hostname, target.asset.hostname]}
  - {from: id, to: [target.resource.id, principal.asset_id]}
  - {from: ip, to: [principal.ip, src.ip]}
  - {from: port, to: principal.port}
  - {from: mail, to: principal.user.email_addresses}
  - {from: hash, to: target.file.sha256}
  - {from: mac, to: target.mac}
  - {from: lat, to: principal.location.region_latitude}
  - {from: kind, to: security_result.category_details}
  - {from: kind, to: principal.labels, label: kind}
  - {each: tags, to: target.labels, label: 'tag {index}'}
  - {from: host, to: additional.fields, label: host}
  - {each: servers, to: intermediary, use: server}
  - {from: long, to: network.http.user_agent}
  - {from: role, to: principal.user.attribute.roles}
  - from: os
    to: principal.platform
    match: [{regex: lin, value: LINUX}, {regex: win, value: WINDOWS}]
blocks:
  server:
    - {from: name, to: hostname}
    - {from: ip, to: ip}
    - {from: port, to: port}
    - {from: id, to: resource.id}
event_type:
  - {when: has(log.login), is: USER_LOGIN}
  - {when: has(log.scan), is: SCAN_HOST}
  - {is: STATUS_UPDATE}
`)
	m := p.NewMapper()
	found := 0
	for _, members := range []string{
		``,
		`"host":"gw-1.example.com"`,
		`"host":"gw 1","id":"x","login":1`,
		`"id":"x:1","scan":1`,
		`"ip":["192.0.2.1","10.0.0.256","é"],"login":"x"`,
		`"ip":["192.0.2.1","192.0.2.2"],"port":22`,
		`"ip":"192.0.2.1","port":"99999"`,
		`"mail":["a@example.com","no mail"],"hash":"12","mac":"x"`,
		`"lat":1e9`,
		`"kind":["a","b"],"tags":["x","","y"]`,
		`"servers":[{"name":"a b"},{"ip":["192.0.2.1","192.0.2.2"],"port":1},{"id":"x"},{},{"name":"ok.example.com"}]`,
		`"servers":[{"name":"ok.example.com","ip":"192.0.2.9"}],"host":"a\u00e9\ud800","role":"ADMINISTRATOR"`,
		`"os":"linux","long":"` + strings.Repeat("x", 300) + `"`,
	} {
		record := []byte(`{"t":"2026-01-02T03:04:05Z"}`)
		if members != "" {
			record = []byte(`{"t":"2026-01-02T03:04:05Z",` + members + `}`)
		}
		for range 2 {
			found += checkViolations(t, m, record)
		}
	}
	if found < 40 {
		t.Errorf("the events have %d violations", found)
	}
}
