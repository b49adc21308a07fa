//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const parserCI = "../../docs/parser-ci.md"

var updateDocs = flag.Bool("update-docs", false, "rewrite the output that docs/parser-ci.md shows")

// The walk through a parser change happens as the document tells it: its blocks
// with a file name write that file, and its console blocks are run, in order and
// in one directory. What they show is what the commands say, to the letter.
func TestParserCI(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	text, err := os.ReadFile(parserCI)
	if err != nil {
		t.Fatal(err)
	}
	w := newWalk(t)
	got := w.run(string(text))
	if w.commands < 10 || w.files < 5 {
		t.Errorf("%d commands and %d files found, want more", w.commands, w.files)
	}
	if *updateDocs {
		err = os.WriteFile(parserCI, []byte(got), 0o666)
	} else if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("what the document shows (-) and what happens (+); -update-docs rewrites it:\n%s", diff)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// walk runs a document in a directory of its own.
type walk struct {
	t               *testing.T
	dir             string
	env             []string
	files, commands int
}

func newWalk(t *testing.T) *walk {
	dir := t.TempDir()
	program := filepath.Dir(command(t).Path)
	return &walk{t: t, dir: dir, env: append(os.Environ(),
		"PATH="+program+string(filepath.ListSeparator)+os.Getenv("PATH"), "HOME="+dir, "GORACE=atexit_sleep_ms=0",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=n", "GIT_AUTHOR_EMAIL=n@example.com",
		"GIT_COMMITTER_NAME=n", "GIT_COMMITTER_EMAIL=n@example.com",
	)}
}

// run answers the document with the output that its commands have now.
func (w *walk) run(text string) string {
	parts := strings.Split(text, "```")
	for i := 1; i < len(parts); i += 2 {
		info, body, _ := strings.Cut(parts[i], "\n")
		if info == "console" {
			parts[i] = info + "\n" + w.console(body)
		} else if _, name, ok := strings.Cut(info, " "); ok {
			w.write(name, body)
		}
	}
	return strings.Join(parts, "```")
}

func (w *walk) write(name, body string) {
	w.t.Helper()
	w.files++
	name = filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o666); err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) console(body string) string {
	var b strings.Builder
	for _, step := range strings.Split("\n"+body, "\n$ ")[1:] {
		line, _, _ := strings.Cut(step, "\n")
		cmd := exec.CommandContext(w.t.Context(), "sh", "-c", line)
		cmd.Dir, cmd.Env = w.dir, w.env
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState.ExitCode() > exitFindings {
			w.t.Errorf("$ %s\n%v\n%s", line, err, out)
		}
		w.commands++
		fmt.Fprintf(&b, "$ %s\n%s", line, out)
	}
	return b.String()
}
