// Command validate checks Terraform modules against the provider's schema, with
// neither Terraform nor a network:
//
//	go run . ../terraform ../terraform/examples/job
//
// It exits with 1 where it found a fault, each printed as file:line:column.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/asa2udm/asa2udm/deploy/validate/check"
	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

func main() {
	found, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "validate:", err)
		os.Exit(2)
	}
	if found > 0 {
		os.Exit(1)
	}
}

func run(dirs []string) (found int, err error) {
	if len(dirs) == 0 {
		return 0, errors.New("want the folders of modules")
	}
	provider, err := schema.Google()
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		findings, err := check.Dir(dir, provider)
		if err != nil {
			return found, err
		}
		for _, f := range findings {
			fmt.Fprintln(os.Stdout, f)
		}
		found += len(findings)
	}
	return found, nil
}
