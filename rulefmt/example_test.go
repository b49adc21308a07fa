package rulefmt_test

import (
	"fmt"

	"github.com/asa2udm/asa2udm/rulefmt"
)

func ExampleFormat() {
	out, err := rulefmt.Format("mine.yaml", []byte(`
event_type: GENERIC_EVENT
log_type: "ACME"
mappings:
- to: metadata.event_timestamp # when it happened
  from: ts
- to: principal.hostname
  from: "host"
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out))
	// Output:
	// log_type: ACME
	//
	// mappings:
	//   - from: ts
	//     to: metadata.event_timestamp # when it happened
	//   - {from: host, to: principal.hostname}
	//
	// event_type: GENERIC_EVENT
}
