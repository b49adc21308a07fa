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
		// A collection has all of Beam to look at, and empties the pools that buffers are
		// taken from. Some twenty megabytes more of heap spare a quarter of the time.
		debug.SetGCPercent(400)
	}
	c := newCommand(os.Stdout, os.Stderr)
	if code, ok := c.parse(flag.CommandLine, os.Args[1:]); !ok {
		os.Exit(code)
	}
	// On a worker this is where the program stays, and its flags are Beam's alone.
	beam.Init()
	os.Exit(c.main(context.Background()))
}
