package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

func TestMaskedExamples(t *testing.T) {
	for _, c := range []struct{ name, path, example, want string }{
		{"plain", "details.os", `"macOS 13"`, `"macOS 13"`},
		{"number", "details.count", `17`, `17`},
		{"uuid", "details.id", `"98d35b90-09b4-4e3e-a8c8-63ff5d8e5b2f"`, `"98d35b90-09b4-4e3e-a8c8-63ff5d8e5b2f"`},
		{"short identifier", "id", `"xD8QPEOhXIdCregExd4Dtw=="`, `"xD8QPEOhXIdCregExd4Dtw=="`},
		{"sentence", "note", `"A Long sentence of 2 parts which is no key at all"`, `"A Long sentence of 2 parts which is no key at all"`},
		{"name of a password", "user.passWord", `"hunter2"`, `"(masked, 7 characters)"`},
		{"name of a token in a list", "api_tokens[]", `"abc"`, `"(masked, 3 characters)"`},
		{"name of a number", "otp", `123456`, `"(masked, 6 characters)"`},
		{"flag with such a name", "password_expired", `true`, `true`},
		{"only part of the path", "token.kind", `"refresh"`, `"refresh"`},
		{"web token", "value", `"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"`, `"(masked, 29 characters)"`},
		{"key block", "value", `"-----BEGIN PRIVATE KEY-----..."`, `"(masked, 30 characters)"`},
		{"header", "header", `"Bearer abc"`, `"(masked, 10 characters)"`},
		{"password in an address", "url", `"https://me:secret@example.com/"`, `"(masked, 30 characters)"`},
		{"characters at random", "value", `"k3Jx9QmZ1vT7bR5nW8sL2pD6fH4gY0cA"`, `"(masked, 32 characters)"`},
		{"hexadecimal", "value", `"0123456789abcdef0123456789abcdef01234567"`, `"(masked, 40 characters)"`},
		{"member of an object", "settings", `{"a":1,"secret":"x","b":"y"}`, `{"a":1,"secret":"(masked, 1 character)","b":"y"}`},
		{"number in an object", "settings", `{"pin":1234,"b":[2]}`, `{"pin":"(masked, 4 characters)","b":[2]}`},
		{"cut off", "settings", `{"token":"abcde...`, `{"token":"(masked, 8 characters)"`},
		{"element of a list", "values", `["a","eyJhbGciOiJIUzI1NiJ9.e30.c2ln"]`, `["a","(masked, 29 characters)"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := masked(c.path, c.example); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestCoverageAddsFilesUp covers one corpus as one file and as three.
func TestCoverageAddsFilesUp(t *testing.T) {
	dir := t.TempDir()
	g := asagen.New(5, asagen.Options{Shuffle: true})
	var whole []byte
	var names []string
	for _, name := range []string{"a", "b", "c"} {
		part := g.File(nil, 300)
		whole = append(whole, part...)
		names = append(names, filepath.Join(dir, name))
		writeFile(t, names[len(names)-1], part)
	}
	one := filepath.Join(dir, "whole")
	writeFile(t, one, whole)
	got, want := coverageOf(t, names...), coverageOf(t, one)
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// coverageOf answers what coverage says of all files, but for their names and the
// places of examples.
func coverageOf(t *testing.T, files ...string) string {
	t.Helper()
	var c coverageJSON
	decode(t, mustRun(t, append([]string{"coverage", "--json", "--top", "0"}, files...)...), &c)
	c.Files = nil
	for i := range c.Unread {
		u := &c.Unread[i]
		u.Example, u.File, u.Line = "", "", 0
	}
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestCoverageCountsViolations checks that each violation is counted and its
// first place kept.
func TestCoverageCountsViolations(t *testing.T) {
	parser := compileRules(t, "asa.yaml")
	corpus := asagen.New(9, asagen.Options{}).File(nil, 400)
	want := violationsIn(t, parser, corpus)
	var v violationCounts
	if _, err := mapping.Cover(context.Background(), parser, bytes.NewReader(corpus), mapping.StreamOptions{
		Validate: func(line int64, list []udm.Violation) { v.add("x", line, list) },
	}); err != nil {
		t.Fatal(err)
	}
	if got := v.errors + v.warnings; got != want || want == 0 {
		t.Errorf("got %d violations, want %d", got, want)
	}
	for _, one := range v.byCount() {
		if strings.Contains(one.path, "[0]") || one.line < 1 || one.file != "x" {
			t.Errorf("got a count for %q first seen at %s:%d", one.path, one.file, one.line)
		}
	}
}

// violationsIn validates the events of a corpus one by one.
func violationsIn(t *testing.T, parser *mapping.Parser, corpus []byte) (n int64) {
	t.Helper()
	for line := range bytes.Lines(corpus) {
		event, err := parser.Map(nil, line)
		if err != nil {
			t.Fatal(err)
		}
		n += int64(len(udm.Validate(event)))
	}
	return n
}
