package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rig is a script and a cloud to run it on.
type rig struct {
	dir string // of the cloud
	env []string
}

// newRig puts the stand-in on PATH in place of gcloud.
func newRig(t *testing.T) *rig {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "gcloud")); err != nil {
		t.Fatal(err)
	}
	return &rig{dir, []string{"PATH=" + bin + ":/usr/bin:/bin", "FAKE_CLOUD=" + dir, "HOME=" + dir, "RETRY_SECONDS=0"}}
}

const secretValue = "s3cret-value-of-the-key"

// needed are the flags that have no default, as given has it for Terraform.
var needed = []string{
	"--project", "example-logs", "--region", "europe-west1", "--team", "example", "--key-id", "key-1",
	"--image", "europe-west1-docker.pkg.dev/example-logs/asa2udm/asa2udm:v1.0.0",
}

type result struct {
	stdout, stderr string
	code           int
}

// run runs the script with the secret on stdin.
func (r *rig) run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return r.exec(t, env, exec.Command("../gcloud.sh", append(slices.Clone(needed), args...)...))
}

func (r *rig) exec(t *testing.T, env []string, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(slices.Clone(r.env), env...), strings.NewReader(secretValue+"\n"), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(out.String()+errs.String(), secretValue) {
		t.Errorf("the secret is shown:\n%s%s", out.String(), errs.String())
	}
	for _, c := range readCalls(r.dir) {
		if strings.Contains(strings.Join(c.Args, " "), secretValue) {
			t.Errorf("the secret is an argument: %q", c.Args)
		}
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// ok runs the script to its end, and answers the changes that it made.
func (r *rig) ok(t *testing.T, args ...string) []string {
	t.Helper()
	before := len(r.changes())
	if got := r.run(t, nil, args...); got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	return r.changes()[before:]
}

func (r *rig) changes() (all []string) {
	for _, c := range readCalls(r.dir) {
		if c.Changes {
			all = append(all, strings.Join(c.Args, " "))
		}
	}
	return all
}

func (r *rig) state(t *testing.T) *cloud {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{}
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// setups are ways to use the script, with the same for Terraform.
var setups = map[string]struct {
	args      []string
	variables map[string]any
}{
	"job":     {nil, nil},
	"service": {[]string{"--mode", "service", "--secret-file", "-"}, map[string]any{"mode": "service"}},
	"job with all": {
		[]string{
			"--name=collect-2", "--schedule=17 * * * *", "--normalize", "--since", "7d", "--prefix", "okta/asa", "--bucket-location", "EU",
			"--retention-days", "400", "--delete-after-days", "500", "--feed-reader", "serviceAccount:feed@example.com",
			"--feed-reader", "group:soc@example.com", "--notification-channel", "projects/example-logs/notificationChannels/12",
			"--push-instance", "example-secops/eu/01234567-89ab-cdef-0123-456789abcdef",
			"--alert-silence", "7200", "--alert-lag", "3600", "--task-timeout", "900", "--cpu=2", "--memory=1Gi",
			"--base-url", "https://example.pam.okta.com",
		},
		map[string]any{
			"name": "collect-2", "schedule": "17 * * * *", "normalize": true, "since": "7d", "prefix": "okta/asa", "bucket_location": "EU",
			"retention_days": 400, "delete_after_days": 500, "feed_readers": []string{"serviceAccount:feed@example.com", "group:soc@example.com"},
			"notification_channels": []string{"projects/example-logs/notificationChannels/12"},
			"push_instance":         "example-secops/eu/01234567-89ab-cdef-0123-456789abcdef",
			"alert_silence_seconds": 7200, "alert_lag_seconds": 3600, "task_timeout_seconds": 900, "cpu": "2", "memory": "1Gi",
			"base_url": "https://example.pam.okta.com",
		},
	},
	"service without lag": {[]string{"--mode=service", "--alert-lag=0", "--secret-file=-"}, map[string]any{"mode": "service", "alert_lag_seconds": 0}},
}

func TestSecondRunChangesNothing(t *testing.T) {
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			args := append(slices.Clone(setup.args), "--secret-file", "-")
			if first := r.ok(t, args...); len(first) < 20 {
				t.Errorf("the first run made %d changes", len(first))
			}
			was := r.state(t)
			if second := r.ok(t, args...); len(second) > 0 {
				t.Errorf("the second run changed: %q", second)
			}
			if diff := cmp.Diff(was, r.state(t)); diff != "" {
				t.Errorf("state (-first +second):\n%s", diff)
			}
			for _, values := range was.Secrets {
				if diff := cmp.Diff([]string{secretValue}, values); diff != "" {
					t.Errorf("secret (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestGoesOnAfterAFailure lets a call fail, before it did its work or after, and
// runs the script again: the end is that of a run without a failure.
func TestGoesOnAfterAFailure(t *testing.T) {
	args := []string{"--mode=service", "--secret-file", "-"}
	clean := newRig(t)
	calls := len(clean.ok(t, args...))
	want := clean.state(t)
	step := 3
	if testing.Short() {
		step = 9
	}
	for n := 1; n <= calls; n += step {
		for _, when := range []string{"BEFORE", "AFTER"} {
			t.Run(fmt.Sprintf("%d %s", n, when), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				// A binding is tried again by itself; all else ends the script.
				got := r.run(t, []string{fmt.Sprintf("FAKE_FAIL_%s=%d", when, n)}, args...)
				failed := r.changes()[n-1]
				switch bound := strings.Contains(failed, "add-iam-policy-binding"); {
				case !strings.Contains(got.stderr, "injected"):
					t.Fatalf("nothing failed: %d\n%s", got.code, got.stderr)
				case bound && got.code != 0:
					t.Fatalf("a binding was not tried again: %d\n%s", got.code, got.stderr)
				case !bound && (got.code != 2 || !strings.Contains(got.stderr, "run this again once it is cured")):
					t.Fatalf("exit code %d after a failure\n%s", got.code, got.stderr)
				}
				r.ok(t, args...)
				if diff := cmp.Diff(want, r.state(t)); diff != "" {
					t.Errorf("after %q (-want +got):\n%s", failed, diff)
				}
			})
		}
	}
}

// A deployment that never became ready is made again: the service or the job bears the
// mark of its settings all the same.
func TestFailedDeploymentIsMadeAgain(t *testing.T) {
	for name, test := range map[string]struct {
		args         []string
		first, again string // the change that fails, and the one that cures it
	}{
		"service":     {[]string{"--mode=service", "--secret-file", "-"}, "run deploy ", "run deploy "},
		"job":         {[]string{"--secret-file", "-"}, "run jobs create ", "run jobs update "},
		"changed job": {[]string{"--secret-file", "-", "--memory=1Gi"}, "run jobs update ", "run jobs update "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, clean := newRig(t), newRig(t)
			if name == "changed job" {
				r.ok(t, "--secret-file", "-")
				clean.ok(t, "--secret-file", "-")
			}
			clean.ok(t, test.args...)
			n := 1 + slices.IndexFunc(clean.changes(), func(change string) bool { return strings.HasPrefix(change, test.first) })
			if got := r.run(t, []string{fmt.Sprintf("FAKE_FAIL_AFTER=%d", n)}, test.args...); got.code != 2 {
				t.Fatalf("exit code %d after a failure\n%s", got.code, got.stderr)
			}
			if again := r.ok(t, test.args...); len(again) == 0 || !strings.HasPrefix(again[0], test.again) {
				t.Errorf("changes %q, want %q first", again, test.again)
			}
			if again := r.ok(t, test.args...); len(again) > 0 {
				t.Errorf("the third run changed: %q", again)
			}
		})
	}
}

// A schedule of the other mode is made anew, even where the first try ended between
// the deletion and that.
func TestModeIsChanged(t *testing.T) {
	job, service := []string{"--secret-file=-"}, []string{"--secret-file=-", "--mode=service"}
	for name, modes := range map[string][2][]string{"job to service": {job, service}, "service to job": {service, job}} {
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, interrupted %t", name, interrupted), func(t *testing.T) {
				t.Parallel()
				r := newRigWith(t, modes[0])
				if interrupted {
					n := 1 + slices.IndexFunc(newRigWithBoth(t, modes).changes(), deletes)
					if got := r.run(t, []string{fmt.Sprintf("FAKE_FAIL_AFTER=%d", n)}, modes[1]...); got.code != 2 {
						t.Fatalf("exit code %d after a failure\n%s", got.code, got.stderr)
					}
				}
				if got := r.ok(t, modes[1]...); slices.ContainsFunc(got, deletes) == interrupted {
					t.Errorf("changes %q", got)
				}
				want := newRigWith(t, modes[1]).state(t).Things["scheduler jobs asa2udm"]
				if diff := cmp.Diff(want, r.state(t).Things["scheduler jobs asa2udm"]); diff != "" {
					t.Errorf("schedule (-new +changed):\n%s", diff)
				}
				if again := r.ok(t, modes[1]...); len(again) > 0 {
					t.Errorf("the next run changed: %q", again)
				}
			})
		}
	}
}

// What the other mode has left is named with the commands that delete it, until it is gone.
func TestOtherModeIsNamed(t *testing.T) {
	job, service := []string{"--secret-file=-"}, []string{"--secret-file=-", "--mode=service"}
	for name, test := range map[string]struct {
		modes [2][]string
		want  []string
	}{
		"job to service": {[2][]string{job, service}, []string{
			"gcloud run jobs delete asa2udm --region=europe-west1 --project=example-logs",
		}},
		"service to job": {[2][]string{service, job}, []string{
			"gcloud run services delete asa2udm --region=europe-west1 --project=example-logs",
			"gcloud pubsub subscriptions delete asa2udm-trigger --project=example-logs",
			"gcloud pubsub subscriptions delete asa2udm-dead --project=example-logs",
			"gcloud pubsub topics delete asa2udm-trigger --project=example-logs",
			"gcloud pubsub topics delete asa2udm-dead --project=example-logs",
			"gcloud iam service-accounts remove-iam-policy-binding asa2udm-trigger@example-logs.iam.gserviceaccount.com" +
				" --member=serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" +
				" --role=roles/iam.serviceAccountTokenCreator --project=example-logs",
			"gcloud alpha monitoring policies delete projects/example-logs/alertPolicies/asa2udm:-triggers-are-refused --project=example-logs",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			named := func(r *rig, args []string) (commands []string) {
				got := r.run(t, nil, args...)
				if got.code != 0 {
					t.Fatalf("exit code %d\n%s", got.code, got.stderr)
				}
				for line := range strings.Lines(got.stderr) {
					if command, ok := strings.CutPrefix(line, "  gcloud "); ok {
						commands = append(commands, "gcloud "+strings.TrimSpace(command))
					}
				}
				return commands
			}
			r := newRig(t)
			if got := named(r, test.modes[0]); got != nil {
				t.Errorf("after the first mode: %q", got)
			}
			if diff := cmp.Diff(test.want, named(r, test.modes[1])); diff != "" {
				t.Errorf("named (-want +got):\n%s", diff)
			}
			for _, command := range test.want {
				if got := r.exec(t, nil, exec.Command("sh", "-c", command+" --quiet")); got.code != 0 {
					t.Fatalf("%s: %s", command, got.stderr)
				}
			}
			if got := named(r, test.modes[1]); got != nil {
				t.Errorf("after it was deleted: %q", got)
			}
			fresh, now := newRigWith(t, test.modes[1]).state(t), r.state(t)
			if diff := cmp.Diff(fresh.Things, now.Things); diff != "" {
				t.Errorf("things (-in one mode from the start +changed):\n%s", diff)
			}
			if diff := cmp.Diff(fresh.Bindings, now.Bindings); diff != "" {
				t.Errorf("bindings (-in one mode from the start +changed):\n%s", diff)
			}
		})
	}
}

// Who may not look is not told that there is nothing.
func TestOtherModeCannotBeSeen(t *testing.T) {
	r := newRigWith(t, []string{"--secret-file=-", "--mode=service"})
	got := r.run(t, []string{"FAKE_UNREADABLE=pubsub topics describe"}, "--secret-file=-")
	if got.code != 0 || !strings.Contains(got.stderr, "cannot be seen, for lack of a permission:\n  gcloud pubsub topics describe asa2udm-trigger --project=example-logs\n") {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
}

func deletes(change string) bool { return strings.HasPrefix(change, "scheduler jobs delete asa2udm ") }

func newRigWithBoth(t *testing.T, modes [2][]string) *rig {
	t.Helper()
	r := newRigWith(t, modes[0])
	r.ok(t, modes[1]...)
	return r
}

func newRigWith(t *testing.T, args []string) *rig {
	t.Helper()
	r := newRig(t)
	r.ok(t, args...)
	return r
}

// A stranger who has taken a bucket's name, and lets everybody read and change it,
// does not get the events.
func TestStrangersBucketIsRefused(t *testing.T) {
	r := newRig(t)
	strange := cloud{
		APIs: map[string]bool{"storage.googleapis.com": true},
		Things: map[string]map[string]string{
			"storage buckets gs://example-logs-asa2udm-data": {"--project": "strange"},
		},
		Bindings: map[string]bool{}, Secrets: map[string][]string{},
	}
	text, err := json.Marshal(strange)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "state.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	got := r.run(t, nil)
	if got.code != 2 || !strings.Contains(got.stderr, "gs://example-logs-asa2udm-data is not in project example-logs") {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
	for _, change := range r.changes() {
		if strings.HasPrefix(change, "storage ") {
			t.Errorf("touched nevertheless: %s", change)
		}
	}
}

// A list that cannot be read is not an empty one: alert policies and versions of a
// secret have no names of their own, and would be there twice.
func TestUnreadableListMakesNothingTwice(t *testing.T) {
	args := []string{"--secret-file", "-"}
	for _, list := range []string{"alpha monitoring policies list", "secrets versions list"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			r := newRigWith(t, args)
			before := len(r.changes())
			got := r.run(t, []string{"FAKE_UNREADABLE=" + list}, args...)
			if got.code != 2 || !strings.Contains(got.stderr, "cannot be read: gcloud "+list) {
				t.Errorf("exit code %d\n%s", got.code, got.stderr)
			}
			if made := r.changes()[before:]; len(made) > 0 {
				t.Errorf("made nevertheless: %q", made)
			}
		})
	}
}

// TestDryRun prints commands that make the same as the script does, and calls
// nothing itself.
func TestDryRun(t *testing.T) {
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := filepath.Join(t.TempDir(), "the key's file")
			if err := os.WriteFile(key, []byte(secretValue+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(slices.Clone(setup.args), "--secret-file", key)
			real, dry := newRig(t), newRig(t)
			real.ok(t, args...)
			printed := dry.run(t, nil, append(args, "--dry-run")...)
			if calls := readCalls(dry.dir); printed.code != 0 || len(calls) > 0 {
				t.Fatalf("exit code %d, calls %v\n%s", printed.code, calls, printed.stderr)
			}
			cmd := exec.Command("sh", "-eu")
			cmd.Args = append(cmd.Args, "-c", printed.stdout)
			if got := dry.exec(t, nil, cmd); got.code != 0 {
				t.Fatalf("the printed commands fail: %d\n%s", got.code, got.stderr)
			}
			if diff := cmp.Diff(real.state(t), dry.state(t)); diff != "" {
				t.Errorf("state (-script +printed commands):\n%s", diff)
			}
		})
	}
}

// TestDryRunQuotesWhatFlagsBring prints commands that run nothing but gcloud, even where a flag has the name of
// a variable of theirs.
func TestDryRunQuotesWhatFlagsBring(t *testing.T) {
	for _, name := range []string{"PROJECT_NUMBER", "SERVICE_URL"} {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t)
			planted := filepath.Join(rig.dir, "planted")
			printed := rig.run(t, nil, "--team=${"+name+"}$(printf>planted)", "--mode=service", "--secret-file=-", "--dry-run")
			if printed.code != 0 {
				t.Fatalf("exit code %d\n%s", printed.code, printed.stderr)
			}
			cmd := exec.Command("sh", "-e")
			cmd.Args, cmd.Dir = append(cmd.Args, "-c", printed.stdout), rig.dir
			if got := rig.exec(t, nil, cmd); got.code != 0 {
				t.Fatalf("the printed commands fail: %d\n%s", got.code, got.stderr)
			}
			if _, err := os.Stat(planted); err == nil {
				t.Error("a value of a flag was run")
			}
			if len(rig.changes()) == 0 {
				t.Error("the printed commands change nothing")
			}
		})
	}
}

func TestChangedSettingsAreBroughtUpToDate(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []string // the beginnings of the changes
	}{
		"memory":    {[]string{"--memory=1Gi"}, []string{"run jobs update asa2udm "}},
		"schedule":  {[]string{"--schedule=0 * * * *"}, []string{"scheduler jobs update http asa2udm "}},
		"image":     {[]string{"--image=eu.example.com/p/asa2udm:v2"}, []string{"run jobs update asa2udm "}},
		"retention": {[]string{"--retention-days=30"}, []string{"storage buckets update gs://example-logs-asa2udm-data "}},
		"silence":   {[]string{"--alert-silence=600"}, []string{"alpha monitoring policies update projects/example-logs/alertPolicies/asa2udm:-no-run-has-succeeded "}},
		"feed": {[]string{"--feed-reader=user:ada@example.com"}, []string{
			"storage buckets add-iam-policy-binding gs://example-logs-asa2udm-data --member=user:ada@example.com --role=roles/storage.objectViewer",
			"storage buckets add-iam-policy-binding gs://example-logs-asa2udm-data --member=user:ada@example.com --role=roles/storage.legacyBucketReader",
		}},
		"the secret, late": {[]string{"--secret-file=-"}, []string{"secrets versions add asa2udm-key-secret "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.ok(t)
			got := r.ok(t, test.args...)
			if len(got) != len(test.want) {
				t.Fatalf("changes %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("change %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestSecretIsRotated(t *testing.T) {
	r := newRig(t)
	r.ok(t)
	if got := r.run(t, nil); !strings.Contains(got.stderr, "left to do: gcloud secrets versions add asa2udm-key-secret") {
		t.Errorf("does not tell what is left to do:\n%s", got.stderr)
	}
	r.ok(t, "--secret-file=-")
	r.ok(t, "--secret-file=-")
	r.ok(t, "--secret-file=-", "--rotate-secret")
	if got := r.state(t).Secrets["asa2udm-key-secret"]; !slices.Equal(got, []string{secretValue, secretValue}) {
		t.Errorf("versions %q, want two", got)
	}
}

// A service without its secret would not start, and Cloud Run would call the
// deployment failed after minutes.
func TestServiceWantsItsSecret(t *testing.T) {
	r := newRig(t)
	if got := r.run(t, nil, "--mode=service"); got.code != 2 || !strings.Contains(got.stderr, "run this again with --secret-file") {
		t.Errorf("without a secret: %d\n%s", got.code, got.stderr)
	}
	for _, change := range r.changes() {
		if strings.HasPrefix(change, "run ") {
			t.Errorf("deployed nevertheless: %s", change)
		}
	}
	r.ok(t, "--mode=service", "--secret-file=-")
	r.ok(t, "--mode=service")
}

// TestBuild lets Cloud Build make the image, once for each version.
func TestBuild(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "deploy"), os.DirFS("..")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-qm", "all"}, {"tag", "v1.2.3"},
	} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	r := newRig(t)
	script := func() result {
		return r.exec(t, nil, exec.Command(filepath.Join(dir, "deploy/gcloud.sh"), append(slices.Clone(needed[:8]), "--build")...))
	}
	if got := script(); got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	image := "europe-west1-docker.pkg.dev/example-logs/asa2udm/asa2udm:v1.2.3"
	if got := r.state(t).Things["run jobs asa2udm"]["--image"]; got != image {
		t.Errorf("image %s, want %s", got, image)
	}
	before := len(r.changes())
	if got := script(); got.code != 0 || len(r.changes()) > before {
		t.Errorf("built again: %q", r.changes()[before:])
	}
	if err := os.WriteFile(filepath.Join(dir, "deploy/gcloud.sh.orig"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "deploy/image/cloudbuild.yaml"), 0); err != nil {
		t.Fatal(err)
	}
	if got := script(); got.code != 2 || !strings.Contains(got.stderr, "the checkout has changes") {
		t.Errorf("a changed checkout: %d %s", got.code, got.stderr)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":          {nil, "--project is missing: want the id of a project"},
		"unknown flag":     {[]string{"--colour", "red"}, "unknown flag --colour; see --help"},
		"no value":         {append(slices.Clone(needed), "--name"), "--name wants a value"},
		"argument":         {append(slices.Clone(needed), "job"), `unexpected argument "job"`},
		"no image":         {needed[:8], "--image is missing"},
		"latest":           {append(slices.Clone(needed), "--image=eu.example.com/asa2udm:latest"), "want a tag other than latest"},
		"mode":             {append(slices.Clone(needed), "--mode=function"), `--mode "function": want job or service`},
		"short name":       {append(slices.Clone(needed), "--name=audit"), `want 6 to 20 lower-case letters`},
		"two lines":        {append(slices.Clone(needed), "--name=asa2udm\nrm"), `want 6 to 20 lower-case letters`},
		"schedule":         {append(slices.Clone(needed), "--schedule=hourly"), "want five fields"},
		"cpu":              {append(slices.Clone(needed), "--cpu=.."), "want a number, such as 1 or 0.5"},
		"env injection":    {append(slices.Clone(needed), "--team=a,ASA_BASE_URL=https://example.com"), "want the name of the ASA team"},
		"deleted early":    {append(slices.Clone(needed), "--delete-after-days=30"), "want more than 90"},
		"deleted too soon": {append(slices.Clone(needed), "--delete-after-days=100", "--retention-days=200"), "the deletion would be refused"},
		"public feed":      {append(slices.Clone(needed), "--feed-reader=allUsers"), `--feed-reader "allUsers"`},
		"no secret file":   {append(slices.Clone(needed), "--secret-file=/nowhere"), "no such file, or an empty one"},
		"rotate what":      {append(slices.Clone(needed), "--rotate-secret"), "--rotate-secret wants --secret-file"},
		"short run":        {append(slices.Clone(needed), "--task-timeout=59"), `--task-timeout "59": want seconds between 60 and 604800`},
		"long run":         {append(slices.Clone(needed), "--task-timeout=604801"), `--task-timeout "604801": want seconds between 60 and 604800`},
		"folder above":     {append(slices.Clone(needed), "--prefix=okta/../asa"), "without . and .. as names"},
		"folder itself":    {append(slices.Clone(needed), "--prefix=."), "without . and .. as names"},
		"silence":          {append(slices.Clone(needed), "--alert-silence=61"), "a multiple of 60"},
		"build and image":  {append(slices.Clone(needed), "--build"), "--image and --build exclude each other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			got := r.exec(t, nil, exec.Command("../gcloud.sh", test.args...))
			if got.code != 2 || !strings.Contains(got.stderr, test.want) || len(readCalls(r.dir)) > 0 {
				t.Errorf("exit code %d, %q, calls %v; want %q", got.code, got.stderr, readCalls(r.dir), test.want)
			}
		})
	}
}

func TestHelpNamesAllFlags(t *testing.T) {
	r := newRig(t)
	got := r.exec(t, nil, exec.Command("../gcloud.sh", "--help"))
	text, err := os.ReadFile("../gcloud.sh")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		flag, _, ok := strings.Cut(strings.TrimSpace(line), ")")
		if !ok || !strings.HasPrefix(flag, "--") || strings.ContainsAny(flag, "*=| ") {
			continue
		}
		n++
		if !strings.Contains(got.stdout, "  "+flag+" ") {
			t.Errorf("the help does not name %s", flag)
		}
	}
	if got.code != 0 || n < 20 {
		t.Errorf("exit code %d, %d flags", got.code, n)
	}
}

// TestGcloudKnowsTheCommands lets the real gcloud read what a dry run prints,
// where there is one. It reads the flags and calls nothing.
func TestGcloudKnowsTheCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds a command")
	}
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("no gcloud on PATH")
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(setups)) {
		r := newRig(t)
		r.ok(t, setups[name].args...)
		for _, c := range readCalls(r.dir) {
			seen[shape(c.Args)] = true
		}
	}
	type command struct {
		Command string `json:"command_string"`
	}
	var all []command
	for _, line := range slices.Sorted(maps.Keys(seen)) {
		all = append(all, command{line})
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "commands.json")
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(gcloud, "meta", "lint-gcloud-commands", "--commands-file="+file).Output()
	var answers []struct {
		command
		Success bool
		Message string `json:"error_message"`
	}
	if jsonErr := json.Unmarshal(out, &answers); jsonErr != nil {
		t.Skipf("this gcloud does not check commands: %v", errors.Join(err, jsonErr))
	}
	if len(answers) != len(all) || len(all) < 40 {
		t.Errorf("%d answers to %d commands", len(answers), len(all))
	}
	for _, a := range answers {
		if !a.Success {
			t.Errorf("%s: %s", a.Command, a.Message)
		}
	}
}

// shape answers a command as a line, with the values that gcloud does not look at
// made short, so that each kind is asked for once.
func shape(args []string) string {
	words := []string{"gcloud"}
	for _, a := range args {
		flag, value, ok := strings.Cut(a, "=")
		switch {
		case ok && (strings.Contains(value, "{") || flag == "--member" || flag == "--role" || flag == "--filter"):
			a = flag + "=x"
		case flag == "--update-labels" || flag == "--labels":
			a = flag + "=setup=1"
		}
		words = append(words, "'"+a+"'")
	}
	return strings.Join(words, " ")
}
