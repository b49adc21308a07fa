// Package scripts_test runs the scripts that other programs call: the GitHub
// Action and the hooks of pre-commit.
package scripts_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

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

// Each script in testdata/script is a repository and what the action finds in it.
func TestAction(t *testing.T) {
	script, err := filepath.Abs("action.sh")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"ACTION": script, "ASA2UDM": asa2udm, "RULES": "rules/*.yaml", "NL": "\n", "PATH": filepath.Dir(asa2udm) + ":" + os.Getenv("PATH"),
				"GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.com", "GIT_CONFIG_NOSYSTEM": "1",
				"GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.com", "HOME": env.WorkDir,
			} {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

// action is what of action.yml the tests look at.
type action struct {
	Inputs map[string]struct {
		Description string
		Default     string
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Uses, Shell, Run string
			With, Env            map[string]string
		}
	}
	Name, Description string
	Branding          map[string]string
}

// TestActionHandsOverAllInputs holds action.yml against the script: each input
// arrives, under a name that the script reads.
func TestActionHandsOverAllInputs(t *testing.T) {
	var a action
	load(t, "../action.yml", &a)
	script, err := os.ReadFile("action.sh")
	if err != nil {
		t.Fatal(err)
	}
	last := a.Runs.Steps[len(a.Runs.Steps)-1]
	if want := `"$GITHUB_ACTION_PATH/scripts/action.sh"`; last.Run != want {
		t.Errorf("the last step runs %s, want %s", last.Run, want)
	}
	var handed []string
	for name, value := range last.Env {
		if !strings.Contains(string(script), "$"+name) && !strings.Contains(string(script), "${"+name) {
			t.Errorf("the script does not read %s", name)
		}
		if input := regexp.MustCompile(`^\$\{\{ inputs\.([\w-]+) \}\}$`).FindStringSubmatch(value); input != nil {
			handed = append(handed, input[1])
		}
	}
	slices.Sort(handed)
	var inputs []string
	for name := range a.Inputs {
		inputs = append(inputs, name)
	}
	slices.Sort(inputs)
	if diff := cmp.Diff(handed, inputs); diff != "" {
		t.Errorf("inputs handed to the script (-got +want):\n%s", diff)
	}
	if got, want := a.Outputs["report"].Value, "${{ steps."+last.ID+".outputs.report }}"; got != want {
		t.Errorf("output report is %s, want %s", got, want)
	}
}

// TestHooksRunCommandsThatExist runs the entry of each hook as pre-commit does:
// in a repository, with the files that changed behind it.
func TestHooksRunCommandsThatExist(t *testing.T) {
	var hooks []struct {
		ID, Name, Description, Entry, Language, Files string
		PassFilenames                                 *bool `yaml:"pass_filenames"`
	}
	load(t, "../.pre-commit-hooks.yaml", &hooks)
	if len(hooks) != 3 {
		t.Errorf("%d hooks, want 3", len(hooks))
	}
	for _, hook := range hooks {
		t.Run(hook.ID, func(t *testing.T) {
			dir := t.TempDir()
			args := strings.Fields(hook.Entry)[1:]
			writeRepository(t, dir)
			if hook.PassFilenames == nil || *hook.PassFilenames {
				args = append(args, "rules/my.yaml")
			}
			cmd := exec.Command(asa2udm, args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", hook.Entry, err, out)
			}
			files, err := regexp.Compile(hook.Files)
			if err != nil || !files.MatchString("rules/my.yaml") || files.MatchString("config.yaml") {
				t.Errorf("files %q: %v", hook.Files, err)
			}
		})
	}
}

// writeRepository writes a rule file with a golden case.
func writeRepository(t *testing.T, dir string) {
	files := map[string]string{
		"rules/my.yaml":                   "log_type: X\nmappings:\n  - {from: time, to: metadata.event_timestamp}\nevent_type: GENERIC_EVENT\n",
		"testdata/golden/rules.yaml":      "extends: ../../rules/my.yaml\n",
		"testdata/golden/a/case.ndjson":   `{"time":"2024-03-01T06:00:00Z"}` + "\n",
		"testdata/golden/a/case.udm.json": `{"metadata":{"event_timestamp":"2024-03-01T06:00:00Z","event_type":"GENERIC_EVENT"}}` + "\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// load reads a YAML file that may hold only what v has room for.
func load(t *testing.T, name string, v any) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Load(text, v, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
}
