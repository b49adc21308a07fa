//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the documents show is what happens: the console blocks of each are run in
// order in one directory. A line of expected output that ends in "..." stands for
// all lines that begin with it, and "..." alone for any lines.
func TestTranscripts(t *testing.T) {
	for _, name := range []string{"README.md", "docs/map.md", "docs/rules.md"} {
		t.Run(name, func(t *testing.T) { runTranscript(t, filepath.Join("../..", name)) })
	}
}

func runTranscript(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := readmeDir(t)
	path := filepath.Dir(command(t).Path) + string(filepath.ListSeparator) + os.Getenv("PATH")
	ran := 0
	for _, block := range strings.Split(string(text), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(step, "\n")
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+path, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			if err != nil && cmd.ProcessState.ExitCode() > exitFindings {
				t.Errorf("$ %s\n%v", line, err)
			}
			if !shown(string(out), want) {
				t.Errorf("$ %s\n(-shown +got):\n%s", line, cmp.Diff(want, string(out)))
			}
			ran++
		}
	}
	if ran == 0 {
		t.Error("no command found")
	}
}

// readmeDir is where the reader works: a checkout, with the files that the texts
// show.
func readmeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	language, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"door.ndjson": fenced(string(language), "json"),
		"door.yaml":   fenced(string(language), "yaml whole"),
		"my.yaml": `extends: asa.yaml
mappings:
  - {from: details.session_type, to: principal.user.atribute.labels, label: session}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fenced answers the first block of a text with this info.
func fenced(text, info string) string {
	_, block, _ := strings.Cut(text, "```"+info+"\n")
	block, _, _ = strings.Cut(block, "```")
	return block
}

// shown reports whether output is what a text shows of it.
func shown(output, text string) bool {
	want := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	got := strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	for _, w := range want {
		prefix, open := strings.CutSuffix(w, "...")
		n := 0
		for n < len(got) && open && strings.HasPrefix(got[n], prefix) {
			n++
		}
		if !open && len(got) > 0 && got[0] == w {
			n = 1
		}
		if n == 0 {
			return false
		}
		got = got[n:]
	}
	return len(got) == 0
}
