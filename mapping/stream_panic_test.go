package mapping

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestStreamPanic checks that a panic of a function of StreamOptions ends the
// program with its own message. It runs itself in a process of its own for that.
func TestStreamPanic(t *testing.T) {
	const marker = "STREAM_PANIC_TEST"
	if os.Getenv(marker) != "" {
		p := compileText(t, "log_type: X\nmappings:\n  - {from: t, to: metadata.event_timestamp}\nevent_type: GENERIC_EVENT\n")
		_, err := Stream(context.Background(), p, strings.NewReader(goodRecord(1)), io.Discard, StreamOptions{
			Progress: func(Stats) { panic("of the function") },
		})
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStreamPanic$")
	cmd.Env = append(os.Environ(), marker+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: of the function\n\ngoroutine ") {
		t.Errorf("got %v:\n%s", err, out)
	}
}
