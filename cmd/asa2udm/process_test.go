//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// command is the real command as a process of its own. TestMain makes the test
// binary that command when it is called by its name.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "asa2udm")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

const record = `{"timestamp":"2024-03-01T06:00:00Z","id":"`

func recordLine(i int) string { return record + strconv.Itoa(i) + "\"}\n" }

// checkEvents holds text against the events of records 0 to n-1, each a whole
// line. It answers n.
func checkEvents(t *testing.T, text []byte) int {
	t.Helper()
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		t.Errorf("the output ends in a partial line: %q", text[max(0, len(text)-80):])
	}
	n := 0
	for line := range bytes.Lines(text) {
		var event struct{ Additional struct{ ID string } }
		if err := json.Unmarshal(line, &event); err != nil || event.Additional.ID != strconv.Itoa(n) {
			t.Fatalf("line %d: %v: %s", n+1, err, line)
		}
		n++
	}
	return n
}

// A signal ends a run whose input goes on: what was read is written, in whole
// lines, and the exit code names the signal.
func TestSignal(t *testing.T) {
	for _, tt := range []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 130, "asa2udm: stopped by SIGINT\n"},
		{syscall.SIGTERM, 143, "asa2udm: stopped by SIGTERM\n"},
	} {
		t.Run(tt.signal.String(), func(t *testing.T) {
			cmd := command(t)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			in, out := pipes(t, cmd)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			const lines = 100
			for i := range lines {
				io.WriteString(in, recordLine(i))
			}
			// A line that has only begun is not a record yet.
			io.WriteString(in, `{"timestamp":`)
			var got []byte
			reader := bufio.NewReader(out)
			for range lines {
				line, err := reader.ReadBytes('\n')
				if err != nil {
					t.Fatalf("after %d bytes: %v; stderr: %s", len(got), err, stderr.String())
				}
				got = append(got, line...)
			}
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			checkExit(t, cmd.Wait(), tt.code)
			if n := checkEvents(t, append(got, rest...)); n != lines {
				t.Errorf("%d events, want %d", n, lines)
			}
			if stderr.String() != tt.says {
				t.Errorf("stderr: %q, want %q", stderr.String(), tt.says)
			}
		})
	}
}

func pipes(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, io.Reader) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return in, out
}

func checkExit(t *testing.T, err error, want int) {
	t.Helper()
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
}

// A stopped run leaves an output file as it was, and what it had beside it.
func TestSignalOutput(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.ndjson")
	if err := os.WriteFile(out, []byte("before\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "-o", out, "--rejects", filepath.Join(filepath.Dir(out), "rejects.ndjson"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The pipe holds a part of this only, so the command has written events when
	// the last byte is taken.
	for i := range 20_000 {
		io.WriteString(in, recordLine(i))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	checkExit(t, cmd.Wait(), 143)
	if text, err := os.ReadFile(out); err != nil || string(text) != "before\n" {
		t.Errorf("the output file: %q, %v", text, err)
	}
	partial, err := os.ReadFile(out + ".partial")
	if err != nil {
		t.Fatal(err)
	}
	if n := checkEvents(t, partial); n == 0 {
		t.Error("no event was kept")
	}
	if !strings.Contains(stderr.String(), "out.ndjson.partial") {
		t.Errorf("stderr does not name the file: %s", stderr.String())
	}
	files, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(files) > 3 {
		t.Errorf("files left: %v, %v", files, err)
	}
}

// endless gives n bytes of one line, then a record.
type endless struct {
	left int64
	tail io.Reader
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return e.tail.Read(p)
	}
	p = p[:min(int64(len(p)), e.left)]
	for i := range p {
		p[i] = 'x'
	}
	e.left -= int64(len(p))
	return len(p), nil
}

// A line far over the limit is rejected without being held in memory, and the
// line after it is mapped.
func TestHugeLine(t *testing.T) {
	size := int64(200 << 20)
	if testing.Short() {
		size = 120 << 20
	}
	rejects := filepath.Join(t.TempDir(), "rejects.ndjson")
	cmd := command(t, "--max-record", "1MiB", "--rejects", rejects)
	in, out := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(in, &endless{size, strings.NewReader("\n" + recordLine(0))})
		written <- err
	}()
	// Once the event is there, the line before it is done with.
	event, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if n := checkEvents(t, event); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	bound := int64(100 << 20)
	if raceDetector {
		bound *= 2
	}
	if peak := peakMemory(t, cmd.Process.Pid); peak > bound {
		t.Errorf("%d bytes of memory at the peak, want at most %d", peak, bound)
	}
	if err := errors.Join(<-written, in.Close()); err != nil {
		t.Fatal(err)
	}
	checkExit(t, cmd.Wait(), exitFindings)
	checkHugeReject(t, rejects, size)
}

func checkHugeReject(t *testing.T, file string, size int64) {
	t.Helper()
	var reject struct {
		Line, Size int64
		Error, Raw string
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &reject); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if reject.Line != 1 || reject.Size != size || reject.Error != "size" || len(reject.Raw) != 1024 {
		t.Errorf("reject: line %d, size %d, error %q, %d bytes raw", reject.Line, reject.Size, reject.Error, len(reject.Raw))
	}
}

// peakMemory answers the largest resident size of a running process, or 0 where
// the system does not tell. The usage that Wait gives would not do: Linux counts
// there what the parent held when it started the process.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	field, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kilobytes, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		t.Fatalf("VmHWM: %v", err)
	}
	return kilobytes << 10
}
