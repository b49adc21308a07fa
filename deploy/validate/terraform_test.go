package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// terraform is the program and a CLI configuration that leads it to the stand-in
// provider.
type terraform struct {
	program string
	env     []string
}

// findTerraform skips a test where there is neither terraform nor tofu. The
// stand-in is built once.
func findTerraform(t *testing.T) terraform {
	t.Helper()
	for _, name := range []string{"terraform", "tofu"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		dir, err := standIn()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("with %s", program)
		return terraform{program, append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "rc"), "CHECKPOINT_DISABLE=1",
			"TF_DATA_DIR="+t.TempDir(), "TF_IN_AUTOMATION=1", "TF_WORKSPACE=default")}
	}
	t.Skip("neither terraform nor tofu on PATH: the check in Go has to do")
	return terraform{}
}

// scratch is a folder for all tests of this package; TestMain removes it.
var scratch string

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "gcloud" {
		os.Exit(gcloudMain())
	}
	var err error
	if scratch, err = os.MkdirTemp("", "validate"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var standIn = sync.OnceValues(func() (string, error) {
	if out, err := exec.Command("go", "build", "-o", filepath.Join(scratch, "terraform-provider-google"), "./provider").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in: %w\n%s", err, out)
	}
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n  }\n  direct {}\n}\n", "hashicorp/google", scratch)
	return scratch, os.WriteFile(filepath.Join(scratch, "rc"), []byte(rc), 0o666)
})

// run answers stdout; all else is in the error.
func (tf terraform) run(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command(tf.program, append([]string{"-chdir=" + dir}, args...)...)
	cmd.Env = tf.env
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

type diagnostic struct {
	Severity, Summary, Detail string
	Range                     struct {
		Filename string
		Start    struct{ Line int }
	}
}

// validate answers the errors that Terraform finds.
func (tf terraform) validate(t *testing.T, dir string) (found []diagnostic) {
	t.Helper()
	out, err := tf.run(dir, "validate", "-json")
	var answer struct{ Diagnostics []diagnostic }
	if jsonErr := json.Unmarshal(out, &answer); jsonErr != nil {
		t.Fatal(errors.Join(err, jsonErr))
	}
	for _, d := range answer.Diagnostics {
		if d.Severity == "error" {
			found = append(found, d)
		}
	}
	return found
}

func TestTerraformIsFormatted(t *testing.T) {
	tf := findTerraform(t)
	if out, err := tf.run(moduleDir, "fmt", "-check", "-diff", "-recursive"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTerraformValidates(t *testing.T) {
	for _, dir := range []string{".", "examples/job", "examples/service"} {
		t.Run(dir, func(t *testing.T) {
			tf := findTerraform(t)
			dir := filepath.Join(moduleDir, dir)
			if _, err := tf.run(dir, "get"); err != nil {
				t.Fatal(err)
			}
			for _, d := range tf.validate(t, dir) {
				t.Errorf("%s:%d: %s: %s", d.Range.Filename, d.Range.Start.Line, d.Summary, d.Detail)
			}
		})
	}
}

// TestTerraformFindsPlantedFaults holds the check in Go against Terraform: what
// one of them calls a fault, the other does at the same line.
func TestTerraformFindsPlantedFaults(t *testing.T) {
	for name, p := range faults {
		t.Run(name, func(t *testing.T) {
			tf := findTerraform(t)
			dir, line := p.plant(t)
			found := tf.validate(t, dir)
			if p.terraform == "" && len(found) == 0 {
				return
			}
			for _, d := range found {
				if d.Range.Filename == p.place() && d.Range.Start.Line == line && d.Summary == p.terraform {
					return
				}
			}
			t.Errorf("want %s:%d: %s, got %+v", p.place(), line, p.terraform, found)
		})
	}
}

// given are the variables that have no default.
var given = map[string]any{
	"project_id": "example-logs", "region": "europe-west1", "team": "example", "key_id": "key-1",
	"image": "europe-west1-docker.pkg.dev/example-logs/asa2udm/asa2udm:v1.0.0",
}

// plan is what of a plan's JSON the tests look at.
type plan struct {
	Variables map[string]struct{ Value any }
	Planned   struct {
		Root struct {
			Resources []resource
		} `json:"root_module"`
		Outputs map[string]struct{ Value any }
	} `json:"planned_values"`
}

type resource struct {
	Address, Mode, Type, Name string
	Values                    map[string]any
}

// plan plans the module with variables beside those of given.
func (tf terraform) plan(t *testing.T, variables map[string]any) (*plan, error) {
	t.Helper()
	dir := t.TempDir()
	all := maps.Clone(given)
	maps.Copy(all, variables)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vars.tfvars.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "plan")
	out, err := tf.run(moduleDir, "plan", "-no-color", "-input=false", "-lock=false", "-refresh=false", "-var-file="+filepath.Join(dir, "vars.tfvars.json"), "-out="+file,
		"-state="+filepath.Join(dir, "state"))
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	out, err = tf.run(moduleDir, "show", "-json", file)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	return p, json.Unmarshal(out, p)
}

func (p *plan) find(t *testing.T, address string) map[string]any {
	t.Helper()
	for _, r := range p.Planned.Root.Resources {
		if r.Address == address {
			return r.Values
		}
	}
	t.Fatalf("the plan has no %s", address)
	return nil
}

// kinds counts the resources of each type.
func (p *plan) kinds() map[string]int {
	n := map[string]int{}
	for _, r := range p.Planned.Root.Resources {
		if r.Mode == "managed" {
			n[strings.TrimPrefix(r.Type, "google_")]++
		}
	}
	return n
}

func TestPlans(t *testing.T) {
	for name, test := range map[string]struct {
		variables map[string]any
		want      map[string]int // of some types
	}{
		"job":     {nil, map[string]int{"cloud_run_v2_job": 1, "cloud_run_v2_service": 0, "pubsub_topic": 0, "monitoring_alert_policy": 4, "project_iam_member": 0, "project_service": 7}},
		"service": {map[string]any{"mode": "service"}, map[string]int{"cloud_run_v2_job": 0, "cloud_run_v2_service": 1, "pubsub_topic": 2, "pubsub_subscription": 2, "monitoring_alert_policy": 5, "project_service": 8}},
		"push": {map[string]any{"push_instance": "example-secops/eu/01234567-89ab-cdef-0123-456789abcdef"},
			map[string]int{"project_iam_custom_role": 1, "project_iam_member": 1}},
		"feed":        {map[string]any{"feed_readers": []string{"serviceAccount:feed@example.com"}}, map[string]int{"storage_bucket_iam_member": 4}},
		"other image": {map[string]any{"image_repository": map[string]string{"project": "example-images", "location": "eu", "repository": "asa2udm"}}, map[string]int{"artifact_registry_repository_iam_member": 1}},
		"no lag":      {map[string]any{"alert_lag_seconds": 0}, map[string]int{"monitoring_alert_policy": 3}},
		"no APIs":     {map[string]any{"enable_apis": false}, map[string]int{"project_service": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			tf := findTerraform(t)
			p, err := tf.plan(t, test.variables)
			if err != nil {
				t.Fatal(err)
			}
			got := p.kinds()
			for kind, want := range test.want {
				if got[kind] != want {
					t.Errorf("%d of %s, want %d", got[kind], kind, want)
				}
			}
		})
	}
}

// The state is replaced at each run: no retention may ever reach its bucket, and
// the events' bucket has one where it was asked for.
func TestRetentionSparesTheState(t *testing.T) {
	tf := findTerraform(t)
	p, err := tf.plan(t, map[string]any{"retention_days": 400, "retention_locked": true, "delete_after_days": 500})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.find(t, "google_storage_bucket.state")["retention_policy"]; len(got.([]any)) != 0 {
		t.Errorf("the state's bucket has %v", got)
	}
	data := p.find(t, "google_storage_bucket.data")
	if got, want := fmt.Sprint(data["retention_policy"]), "[map[is_locked:true retention_period:3.456e+07]]"; got != want {
		t.Errorf("the events' bucket has %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(data["versioning"]), "[map[enabled:false]]"; got != want {
		t.Errorf("versioning under retention: %s, want %s", got, want)
	}
	for _, name := range []string{"data", "state"} {
		b := p.find(t, "google_storage_bucket."+name)
		if b["uniform_bucket_level_access"] != true || b["public_access_prevention"] != "enforced" || b["force_destroy"] != false {
			t.Errorf("the bucket %s is open: %v", name, b)
		}
	}
	out := fmt.Sprint(p.Planned.Outputs["state_url"].Value)
	if want := "gs://example-logs-asa2udm-state/okta-asa/state.json"; out != want {
		t.Errorf("the state lies at %s, want %s", out, want)
	}
}

// Each variable that can be wrong is refused by its own message, before anything
// is made.
func TestWrongVariablesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		variables map[string]any
		want      string
	}{
		"project":                {map[string]any{"project_id": "Example Logs"}, "The project_id is the project's id"},
		"zone":                   {map[string]any{"region": "europe-west1-b"}, "The region is a name such as"},
		"long name":              {map[string]any{"name": "a-name-that-is-far-too-long"}, "The name has 6 to 20"},
		"short name":             {map[string]any{"name": "audit"}, "The name has 6 to 20"},
		"mode":                   {map[string]any{"mode": "function"}, "The mode is job or service"},
		"latest image":           {map[string]any{"image": "eu.example.com/asa2udm:latest"}, "a tag other than latest"},
		"image without tag":      {map[string]any{"image": "eu.example.com/p/asa2udm"}, "a tag other than latest"},
		"schedule":               {map[string]any{"schedule": "hourly"}, "five fields"},
		"task timeout":           {map[string]any{"task_timeout_seconds": 5}, "between 60 and 604800"},
		"service timeout":        {map[string]any{"service_timeout_seconds": 60}, "between 120 and 600"},
		"retries":                {map[string]any{"max_retries": 11}, "between 0 and 10"},
		"ingress":                {map[string]any{"service_ingress": "all"}, "INGRESS_TRAFFIC_ALL"},
		"team":                   {map[string]any{"team": "a,B=c"}, "The team is the name"},
		"key":                    {map[string]any{"key_id": ""}, "The key_id is a text"},
		"plain http":             {map[string]any{"base_url": "http://app.scaleft.com"}, "begins with https://"},
		"secret version":         {map[string]any{"secret_version": "newest"}, "is latest or a number"},
		"prefix above":           {map[string]any{"prefix": "okta/../asa"}, "without . and .. as names"},
		"prefix":                 {map[string]any{"prefix": "/okta-asa/"}, "The prefix is a folder"},
		"retention":              {map[string]any{"retention_days": 0.5}, "a whole number of days"},
		"locked without days":    {map[string]any{"retention_locked": true}, "needs retention_days"},
		"deleted too early":      {map[string]any{"delete_after_days": 30}, "more than 90"},
		"deleted before allowed": {map[string]any{"delete_after_days": 100, "retention_days": 365}, "the deletion would be refused"},
		"one bucket":             {map[string]any{"data_bucket": "example", "state_bucket": "example"}, "would forbid to write the state"},
		"one bucket by default":  {map[string]any{"data_bucket": "example-logs-asa2udm-state"}, "would forbid to write the state"},
		"instance":               {map[string]any{"push_instance": "example"}, "PROJECT/LOCATION/INSTANCE"},
		"public feed":            {map[string]any{"feed_readers": []string{"allUsers"}}, "are nobody in general"},
		"channel":                {map[string]any{"notification_channels": []string{"me@example.com"}}, "projects/PROJECT/notificationChannels/NUMBER"},
		"silence":                {map[string]any{"alert_silence_seconds": 90}, "a multiple of 60"},
		"lag":                    {map[string]any{"alert_lag_seconds": -1}, "0 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			tf := findTerraform(t)
			_, err := tf.plan(t, test.variables)
			if err == nil || !strings.Contains(unwrapped(err.Error()), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// unwrapped takes out the frames and line ends that Terraform sets messages with.
func unwrapped(text string) string {
	fields := strings.Fields(strings.ReplaceAll(text, "│", " "))
	return strings.Join(slices.DeleteFunc(fields, func(s string) bool { return s == "╷" || s == "╵" }), " ")
}
