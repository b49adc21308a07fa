package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command is a program to be run and measured.
type command struct {
	path   string
	args   []string
	stdout string // a file
	cores  int    // processors it may use
	codes  []int  // exit codes that are fine besides 0
}

// cost is what a process took.
type cost struct {
	cpu  time.Duration // user and system
	wall time.Duration
	rss  int64 // the most memory at a time, in bytes
}

// run runs a command to its end.
func (c command) run(ctx context.Context) (cost, error) {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(c.cores))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if c.stdout != "" {
		out, err := os.Create(c.stdout)
		if err != nil {
			return cost{}, err
		}
		defer out.Close()
		cmd.Stdout = out
	}
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil && !c.fine(cmd.ProcessState) {
		return cost{}, fmt.Errorf("%s %s: %w: %s", filepath.Base(c.path), strings.Join(c.args, " "), err, stderr.String())
	}
	got := cost{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: wall}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		got.rss = usage.Maxrss * maxrssUnit
	}
	return got, nil
}

// maxrssUnit is what Linux counts Maxrss in.
const maxrssUnit = 1 << 10

func (c command) fine(s *os.ProcessState) bool {
	for _, code := range c.codes {
		if s != nil && s.ExitCode() == code {
			return true
		}
	}
	return false
}

// built is where the programs to be measured are.
type built struct {
	self    string
	asa2udm string
	bento   string // empty if it could not be built
	noBento string // and why
}

// build builds the programs into dir.
func build(ctx context.Context, dir string, say func(string, ...any)) (*built, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	b := &built{self: self, asa2udm: filepath.Join(dir, "asa2udm")}
	say("building asa2udm")
	if err := goBuild(ctx, root, b.asa2udm, "-tags", "disable_grpc_modules", "./cmd/asa2udm"); err != nil {
		return nil, err
	}
	say("building Bento, which needs the module proxy the first time")
	bento := filepath.Join(dir, "bento")
	if err := goBuild(ctx, filepath.Join(root, "bench", "bento"), bento, "."); err != nil {
		say("Bento cannot be built here and is left out: %v", err)
		b.noBento, _, _ = strings.Cut(err.Error(), "\n")
		return b, nil
	}
	b.bento = bento
	return b, nil
}

// moduleRoot answers the directory of the module that bench is run in.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/asa2udm/asa2udm").Output()
	if err != nil {
		return "", fmt.Errorf("bench wants to be run inside the asa2udm module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func goBuild(ctx context.Context, dir, out string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", out}, args...)...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(text))
	}
	return nil
}
