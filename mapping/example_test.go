package mapping_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// A rule file is compiled once and then maps any number of records.
func ExampleCompile() {
	const rules = `
log_type: DOOR_CONTROLLER
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {from: badge.owner, to: principal.user.userid}
  - {from: reader, extract: ip, to: principal.ip}
event_type:
  - {when: has(udm.principal.user.userid), is: USER_RESOURCE_ACCESS}
  - {is: GENERIC_EVENT}
`
	parser, err := mapping.Compile("door.yaml", []byte(rules), mapping.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	event, err := parser.Map(nil, []byte(`{"time":"2024-05-01T08:00:00+02:00","badge":{"owner":"ada"},"reader":"192.0.2.7:4011"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(event))
	// Output:
	// {"metadata":{"event_timestamp":"2024-05-01T06:00:00Z","event_type":"USER_RESOURCE_ACCESS"},"principal":{"user":{"userid":"ada"},"ip":["192.0.2.7"]}}
}

// All faults of a rule file come at once, each with its place.
func ExampleCompile_faults() {
	const rules = `log_type: DOOR_CONTROLLER
mappings:
  - {from: time, to: metadata.event_timestamp}
  - {from: badge.owner, to: principle.user.userid}
  - {from: os, match: [{regex: linux, value: LINX}], to: principal.platform}
event_type: GENERIC_EVENT
`
	_, err := mapping.Compile("door.yaml", []byte(rules), mapping.Options{})
	var faults mapping.ErrorList
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// door.yaml:4:29: unknown field "principle.user.userid": UDM has no field "principle"
	// door.yaml:5:46: "LINX" is no value of Noun.Platform
}

// What cannot be mapped is rejected with a code.
func ExampleParser_Map_reject() {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	parser, err := mapping.Compile("asa.yaml", src, mapping.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = parser.Map(nil, []byte(`{"id":"e1","timestamp":"yesterday"}`))
	var reject *mapping.Reject
	fmt.Println(errors.As(err, &reject) && reject.Code == mapping.CodeTimestamp)
	// Output:
	// true
}

// Stream maps whole inputs on all processors, in order, and keeps what it rejects.
func ExampleStream() {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	parser, err := mapping.Compile("asa.yaml", src, mapping.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	records := strings.NewReader(`{"id":"e1","timestamp":"2024-05-01T06:00:00Z","details":{"type":"auth_token.issue"}}
[1,2]
{"id":"e2","timestamp":"2024-05-01T06:00:01Z","details":{"type":"server.ssh_login"}}
`)
	var rejects bytes.Buffer
	stats, err := mapping.Stream(context.Background(), parser, records, os.Stdout, mapping.StreamOptions{Rejects: &rejects})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d events, %d rejected for being no object\n", stats.Events, stats.ByCode.Object)
	// Output:
	// {"metadata":{"event_timestamp":"2024-05-01T06:00:00Z","event_type":"GENERIC_EVENT","vendor_name":"OKTA_SCALEFT","product_name":"OKTA_SCALEFT","product_event_type":"auth_token.issue"},"additional":{"id":"e1"}}
	// {"metadata":{"event_timestamp":"2024-05-01T06:00:01Z","event_type":"GENERIC_EVENT","vendor_name":"OKTA_SCALEFT","product_name":"OKTA_SCALEFT","product_event_type":"server.ssh_login"},"additional":{"id":"e2"}}
	// 2 events, 1 rejected for being no object
}
