package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Help fits a terminal of 80 columns and 24 lines, and ends with an example.
func TestHelpFitsOneScreen(t *testing.T) {
	var all func(cmd *cobra.Command)
	all = func(cmd *cobra.Command) {
		t.Run(cmd.Name(), func(t *testing.T) {
			var out bytes.Buffer
			writeHelp(&out, cmd)
			checkScreen(t, out.String())
			if _, example, ok := strings.Cut(out.String(), "\nExample:\n"); !ok || !strings.HasPrefix(example, "  $ asa2udm ") {
				t.Errorf("no example at the end of\n%s", out.String())
			}
		})
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				all(sub)
			}
		}
	}
	all(newRootCommand(newUI(nil, nil, nil)))
}

func checkScreen(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines, over 24:\n%s", len(lines), text)
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns, over 80: %s", n, line)
		}
	}
}
