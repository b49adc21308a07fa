package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/rogpeppe/go-internal/testscript"
)

// -update is a flag of Beam already.
var update = flag.Bool("update-scripts", false, "rewrite what the scripts expect")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"asa2udm-beam": main, "prism": servePrism})
}

// servePrism is Beam's runner as a process of its own: prism PORT.
func servePrism() {
	port, err := strconv.Atoi(os.Args[1])
	if err == nil {
		_, err = prism.CreateJobServer(context.Background(), prism.Options{Port: port})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// Each script is one feature, as those of cmd/asa2udm are. STORAGE_EMULATOR_HOST is a
// server of its own with a bucket "b", MAP the command asa2udm.
func TestScripts(t *testing.T) {
	mapper := buildMap(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"compose":  compose,
			"gunzip":   gunzip,
			"asmap":    asMap,
			"put":      put,
			"get":      get,
			"free":     freePort,
			"waitport": waitPort,
			"cut":      cut,
			"decode":   decode,
		},
		Setup: func(env *testscript.Env) error {
			server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: 0, Writer: io.Discard})
			if err != nil {
				return err
			}
			env.Defer(server.Stop)
			server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "b"})
			env.Values["bucket"] = server
			env.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
			env.Setenv("MAP", mapper)
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp"))
			return nil
		},
	})
}

// buildMap builds the command that everything is compared with.
func buildMap(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "asa2udm")
	build := exec.Command("go", "build", "-o", path, "./cmd/asa2udm")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// freePort sets a variable to a port that nobody has: free NAME.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// waitPort waits until somebody listens: waitport PORT.
func waitPort(ts *testscript.TestScript, _ bool, args []string) {
	for range 1000 {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
			return
		}
		ts.Check(exec.Command("sleep", "0.01").Run())
	}
	ts.Fatalf("nobody listens on %s", args[0])
}
