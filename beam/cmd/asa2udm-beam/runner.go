package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// What there is to know of the runner, all of it by Beam's own flags.

func (c *command) flag(name string) string {
	if f := c.set.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// inProcess reports whether the run happens in this process from start to end.
func (c *command) inProcess() bool {
	runner := strings.ToLower(c.flag("runner"))
	return (runner == "" || strings.HasPrefix(runner, "prism")) && c.flag("endpoint") == ""
}

func (c *command) onDataflow() bool {
	return strings.HasPrefix(strings.ToLower(c.flag("runner")), "dataflow")
}

func (c *command) async() bool {
	return c.flag("async") == "true" || c.flag("execute_async") == "true"
}

// leaves reports whether Beam comes back before the job has run, and so without
// counts.
func (c *command) leaves() bool {
	return c.async() || c.onDataflow() && (c.flag("dry_run") == "true" || c.flag("template_location") != "")
}

// reach looks whether anybody listens where the job is to be sent: Beam would try for
// two minutes, and say nothing.
func (c *command) reach(ctx context.Context) error {
	endpoint := c.flag("endpoint")
	if _, _, err := net.SplitHostPort(endpoint); err != nil {
		return nil // none, or one of another form
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", endpoint)
	if err != nil {
		return hinted(fmt.Errorf("cannot reach the job service %q: %w", endpoint, err), "is it running? --endpoint wants HOST:PORT of Beam's job server")
	}
	return conn.Close()
}

// explain keeps of what a runner says the words of the step that failed, where it
// finds them. A runner tells its errors as text.
func explain(err error) error {
	const before = "] failed:\n"
	text := err.Error()
	if i := strings.LastIndex(text, before); i >= 0 {
		return errors.New(strings.TrimSpace(text[i+len(before):]))
	}
	return err
}

// tidyTemp gives what Beam leaves behind a directory that goes when the run ends: it
// makes an empty file for each. It is no fault if that fails.
func tidyTemp() (tidy func()) {
	dir, err := os.MkdirTemp("", "asa2udm-beam-")
	if err != nil || os.Setenv("TMPDIR", dir) != nil {
		return func() {}
	}
	return func() { _ = os.RemoveAll(dir) }
}
