package udm_test

import (
	"errors"
	"fmt"

	"github.com/asa2udm/asa2udm/udm"
)

func ExampleLookup() {
	path, err := udm.Lookup("principal.user.emailAddresses")
	if err != nil {
		fmt.Println(err)
		return
	}
	f := path.Leaf()
	fmt.Println(path, f.Kind, f.Repeated, f.JSONName, f.Format)

	_, err = udm.Lookup("principal.email_adresses")
	var bad *udm.PathError
	if errors.As(err, &bad) {
		fmt.Println(err)
		fmt.Println("did you mean", bad.Suggestions[0])
	}
	// Output:
	// principal.user.email_addresses string true emailAddresses email
	// unknown field "principal.email_adresses": Noun has no field "email_adresses"
	// did you mean principal.user.email_addresses
}

func ExampleValidate() {
	event := []byte(`{
		"metadata": {"event_timestamp": "2026-03-01T08:15:30Z", "event_type": "STATUS_UPDATE"},
		"principal": {"ip": "192.0.2.17", "platform": "LINUKS"}
	}`)
	for _, v := range udm.Validate(event) {
		fmt.Println(v)
	}
	// Output:
	// error: principal.ip: scalar-for-list: want a list of string, got a string
	// error: principal.platform: enum-value: Noun.Platform has no value "LINUKS" (did you mean LINUX?)
}

func ExampleRequirements() {
	for _, r := range udm.Requirements("USER_RESOURCE_DELETION") {
		if r.EventType != "*" && r.Severity == udm.Error {
			fmt.Println(r.Paths, r.Source)
		}
	}
	// Output:
	// [principal.user] guide, matrix
	// [target.resource] guide, matrix
}
