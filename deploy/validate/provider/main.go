// Command provider stands in for the Google provider where Terraform validates
// and plans without a network: it knows the names, types and nesting of the
// resources in package schema, and no cloud. Results that a cloud would answer
// stay unknown in a plan; nothing can be applied.
//
// Terraform takes it by the name terraform-provider-google out of a folder that
// its CLI configuration names under dev_overrides.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

const address = "registry.terraform.io/hashicorp/google"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(2)
	}
}

func run() error {
	google, err := schema.Google()
	if err != nil {
		return err
	}
	s := newServer(google)
	return tf5server.Serve(address, func() tfprotov5.ProviderServer { return s })
}
