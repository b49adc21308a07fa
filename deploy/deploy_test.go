// Package deploy_test runs what deploy/gcloud.sh would have Cloud Run run.
package deploy_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// asa2udm is the program, built once.
var asa2udm string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "asa2udm")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	asa2udm = filepath.Join(dir, "asa2udm")
	if out, err := exec.Command("go", "build", "-o", asa2udm, "../cmd/asa2udm").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build asa2udm: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// flagOf answers a flag's value in the command of a dry run that begins so.
func flagOf(t *testing.T, command, flag string, args ...string) string {
	t.Helper()
	cmd := exec.Command("./gcloud.sh", append([]string{
		"--dry-run", "--project=example-logs", "--region=europe-west1", "--team=example-team", "--key-id=key-1", "--image=eu.example.com/p/asa2udm:v1",
	}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dry run: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, command) {
			continue
		}
		for _, word := range strings.Fields(line) {
			if value, ok := strings.CutPrefix(word, flag+"="); ok {
				return value
			}
		}
	}
	t.Fatalf("the dry run has no %q with %s:\n%s", command, flag, out)
	return ""
}

// TestJobCollects runs the job's very arguments, twice, on the simulated team and
// the storage emulator: the second run finds the state of the first, and events
// and state lie in the buckets that the set-up makes for them.
func TestJobCollects(t *testing.T) {
	args := strings.Split(flagOf(t, "gcloud run jobs create ", "--args", "--normalize"), ",")
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	buckets := []string{"example-logs-asa2udm-data", "example-logs-asa2udm-state"}
	for _, name := range buckets {
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	for range 2 {
		cmd := exec.Command(asa2udm, append([]string{"simulate", "--events", "50", "--", asa2udm}, args...)...)
		cmd.Env = append(os.Environ(), "STORAGE_EMULATOR_HOST="+strings.TrimPrefix(server.URL(), "http://"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	var names []string
	for _, bucket := range buckets {
		listed, err := server.ListObjectsWithOptionsPaginated(bucket, fakestorage.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range listed.Objects {
			names = append(names, bucket+"/"+o.Name)
		}
	}
	slices.Sort(names)
	want := []string{
		"example-logs-asa2udm-data/okta-asa/manifest/000000000001.json",
		"example-logs-asa2udm-data/okta-asa/raw/000000000001.ndjson",
		"example-logs-asa2udm-data/okta-asa/udm/000000000001.ndjson",
		"example-logs-asa2udm-state/okta-asa/state.json",
	}
	if !slices.Equal(names, want) {
		t.Errorf("objects %q, want %q", names, want)
	}
	if got, err := server.GetObject(buckets[0], "okta-asa/raw/000000000001.ndjson"); err != nil || strings.Count(string(got.Content), "\n") != 50 {
		t.Errorf("%d events (%v), want 50", strings.Count(string(got.Content), "\n"), err)
	}
}

// TestFlagsExist asks the program for each flag that the job and the service give
// it, in both ways to deliver.
func TestFlagsExist(t *testing.T) {
	instance := "--push-instance=example-secops/eu/01234567-89ab-cdef-0123-456789abcdef"
	for name, test := range map[string]struct{ command, line, how string }{
		"job":     {"collect", "gcloud run jobs create ", "--mode=job"},
		"service": {"serve", "gcloud run deploy ", "--mode=service"},
	} {
		t.Run(name, func(t *testing.T) {
			help, err := exec.Command(asa2udm, test.command, "--flags").CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", test.command, err, help)
			}
			for _, more := range []string{"--normalize", instance} {
				for _, arg := range strings.Split(flagOf(t, test.line, "--args", test.how, more), ",") {
					flag, _, _ := strings.Cut(arg, "=")
					if strings.HasPrefix(flag, "--") && !strings.Contains(string(help), flag+" ") {
						t.Errorf("asa2udm %s has no flag %s", test.command, flag)
					}
				}
			}
		})
	}
}
