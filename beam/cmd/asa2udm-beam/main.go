// Command asa2udm-beam maps many objects of raw records to UDM on Apache Beam: in its
// own process, on Dataflow, or on Flink.
package main

import (
	"context"
	"flag"
	"os"
	"runtime/debug"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	// The runners and what else a worker needs.
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// As the command asa2udm: few buffers, used again, so collecting early is cheap.
		debug.SetGCPercent(40)
	}
	c := newCommand(os.Stdout, os.Stderr)
	if code, ok := c.parse(flag.CommandLine, os.Args[1:]); !ok {
		os.Exit(code)
	}
	// On a worker this is where the program stays, and its flags are Beam's alone.
	beam.Init()
	os.Exit(c.main(context.Background()))
}
