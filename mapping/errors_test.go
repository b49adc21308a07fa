package mapping

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// want is a fault that a bad rule file says it has, in a comment on the line:
// # want "regexp" ... The pattern sees message and hint, with a semicolon
// between.
type want struct {
	line int
	re   *regexp.Regexp
	met  bool
}

var wantComment = regexp.MustCompile(`# want ("(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*)\s*$`)

func wants(t *testing.T, src []byte) []*want {
	t.Helper()
	var out []*want
	for i, line := range strings.Split(string(src), "\n") {
		found := wantComment.FindStringSubmatch(line)
		if found == nil {
			if strings.Contains(line, "# want") {
				t.Fatalf("line %d: the comment cannot be read: %s", i+1, line)
			}
			continue
		}
		for _, quoted := range regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindAllString(found[1], -1) {
			out = append(out, &want{line: i + 1, re: regexp.MustCompile(strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`))})
		}
	}
	return out
}

// TestBadRuleFiles checks that all faults of each file are found in one run, each
// on its line, and no others.
func TestBadRuleFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".bad.yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(filepath.ToSlash(file), src, Options{ReadFile: os.ReadFile})
			var list ErrorList
			if p != nil || !errors.As(err, &list) {
				t.Fatalf("got parser %v and error %v, want an ErrorList", p, err)
			}
			all := wants(t, src)
			for _, e := range list {
				if !meets(e, all) {
					t.Errorf("not wanted: %s", e.Frame())
				}
				if e.Pos.File != filepath.ToSlash(file) || e.Pos.Col < 1 || e.Source == "" {
					t.Errorf("no place: %+v", e)
				}
			}
			for _, w := range all {
				if !w.met {
					t.Errorf("line %d: no fault matches %s", w.line, w.re)
				}
			}
		})
	}
}

func meets(e *Error, all []*want) bool {
	for _, w := range all {
		if !w.met && w.line == e.Pos.Line && w.re.MatchString(e.Msg+"; "+e.Hint) {
			w.met = true
			return true
		}
	}
	return false
}

// TestErrorStyle checks that the messages read like each other.
func TestErrorStyle(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Compile(file, src, Options{ReadFile: os.ReadFile})
		var list ErrorList
		errors.As(err, &list)
		for _, e := range list {
			for _, text := range []string{e.Msg, e.Hint} {
				if strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "...") && !strings.HasSuffix(text, `\.`) || strings.ContainsAny(text, "\n") || strings.Contains(text, "%!") {
					t.Errorf("%s: %q", e.Pos, text)
				}
			}
			if first := e.Msg[:1]; first != strings.ToLower(first) {
				t.Errorf("%s: %q begins with a capital", e.Pos, e.Msg)
			}
			if want := e.Pos.File + ":" + strconv.Itoa(e.Pos.Line) + ":" + strconv.Itoa(e.Pos.Col) + ": " + e.Msg; e.Error() != want {
				t.Errorf("got %q, want %q", e.Error(), want)
			}
		}
	}
}
