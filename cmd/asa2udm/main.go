// Command asa2udm collects Okta Advanced Server Access audit events and maps
// them to Google SecOps UDM with a declarative rule file.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], newUI(os.Stdin, os.Stdout, os.Stderr))
	stop()
	os.Exit(code)
}
