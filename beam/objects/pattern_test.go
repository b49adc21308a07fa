package objects

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		root    string
		match   string // paths, by spaces
		no      string
	}{
		{"raw/*.ndjson", "raw/", "raw/a.ndjson raw/.ndjson", "raw/a/b.ndjson raw/a.ndjson.gz xraw/a.ndjson"},
		{"raw/**.ndjson", "raw/", "raw/a.ndjson raw/a/b.ndjson", "raw/a.json other/a.ndjson"},
		{"raw/**/x", "raw/", "raw/x raw/a/x raw/a/b/x", "raw/ax raw/a/xb"},
		{"./raw//a*", "raw/", "raw/a raw/ab", "./raw/a raw/a/b"},
		{"/", "/", "/a /a/b", "a"},
		{"raw/", "raw/", "raw/a raw/a/b", "raw rawa"},
		{"raw/2026-*/x?.gz", "raw/", "raw/2026-01/xa.gz", "raw/2026-01/x.gz raw/2026-01/x/.gz"},
		{"x", "", "x", "xx a/x"},
		{"a/b/x.ndjson", "a/b/", "a/b/x.ndjson", "a/b/xandjson"},
		{"[ab][!c-e][^f]", "", "axx bxg", "acx axf cxx"},
		{"[]a]", "", "] a", "b"},
		{"[[a]", "", "[ a", "b"},
		{`\*\[a\]\\`, "", `*[a]\`, "xa [a]"},
		{"ü?/*", "", "üñ/x", "ü/x üab/x"},
		{"gs://b", "gs://b/", "gs://b/x gs://b/a/x", "gs://bb/x"},
		{"gs://b/", "gs://b/", "gs://b/x gs://b//x gs://b/a/../x", "b/x"},
		{"gs://b/raw", "gs://b/", "gs://b/raw", "gs://b/raw/x"},
		{"gs://b/raw/*/100%?", "gs://b/raw/", "gs://b/raw/a/100%x", "gs://b/raw/100%x"},
		{"gs://b/a//*", "gs://b/a//", "gs://b/a//x", "gs://b/a/x"},
	} {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if p.root != tt.root {
			t.Errorf("%s: root %q, want %q", tt.pattern, p.root, tt.root)
		}
		for path := range strings.FieldsSeq(tt.match) {
			if !p.Match(path) {
				t.Errorf("%s does not match %s", tt.pattern, path)
			}
		}
		for path := range strings.FieldsSeq(tt.no) {
			if p.Match(path) {
				t.Errorf("%s matches %s", tt.pattern, path)
			}
		}
	}
}

func TestPatternFaults(t *testing.T) {
	for _, tt := range []struct{ pattern, want string }{
		{"raw/[a", `"raw/[a": a [ is never closed; write \[ for the character itself`},
		{"raw/[", `"raw/[": a [ is never closed; write \[ for the character itself`},
		{"raw/[]", `"raw/[]": a [ is never closed; write \[ for the character itself`},
		{"raw/[z-a]", `"raw/[z-a]": the set in brackets makes no sense`},
		{`raw/\`, `"raw/\\": nothing follows the \ at the end`},
		{"gs://", `"gs://": want gs://bucket/name, with the bucket in full`},
		{"gs:///x", `"gs:///x": want gs://bucket/name, with the bucket in full`},
		{"gs://b*/x", `"gs://b*/x": want gs://bucket/name, with the bucket in full`},
	} {
		_, err := ParsePattern(tt.pattern)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.pattern, err, tt.want)
		}
	}
}

// What stands in a directory is found by its name, whatever characters that has, and
// only what was asked for.
func TestListFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"raw/a.ndjson", "raw/[x]*?.ndjson", `raw/b\c`, "raw/d/e.ndjson", "raw/.hidden", "raw/.dir/x", ".cfg/x.ndjson"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.ndjson", "raw/link.ndjson"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("raw", "alias"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		input string
		want  []string
	}{
		{"raw", []string{`[x]*?.ndjson`, "a.ndjson", `b\c`, "d/e.ndjson", "link.ndjson"}},
		{"raw/", []string{`[x]*?.ndjson`, "a.ndjson", `b\c`, "d/e.ndjson", "link.ndjson"}},
		{"alias", []string{`[x]*?.ndjson`, "a.ndjson", `b\c`, "d/e.ndjson", "link.ndjson"}},
		{"raw/*.ndjson", []string{`[x]*?.ndjson`, "a.ndjson", "link.ndjson"}},
		{"*/?.ndjson", []string{"raw/a.ndjson"}},
		{"raw/[x]*?.ndjson", []string{"[x]*?.ndjson"}},
		{`raw/b\c`, []string{`b\c`}},
		{"raw/.hidden", []string{".hidden"}},
		{".cfg", []string{"x.ndjson"}},
		{".", []string{`raw/[x]*?.ndjson`, "raw/a.ndjson", `raw/b\c`, "raw/d/e.ndjson", "raw/link.ndjson"}},
		{"gone/**", nil},
		{"gone", nil},
	} {
		p, err := ParsePattern(Quote(tt.input))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for o, err := range new(Store).List(t.Context(), p) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Name)
			if text, err := os.ReadFile(o.Path); err != nil || o.Size != int64(len(text)) {
				t.Errorf("%s: %v, %d bytes, want %d", o.Path, err, len(text), o.Size)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.input, diff)
		}
	}
}

func TestPlace(t *testing.T) {
	for _, tt := range []struct{ place, name, want, fault string }{
		{place: "out", name: "a/x", want: "out/a/x"},
		{place: "./out//", name: "x", want: "out/x"},
		{place: "/", name: "x", want: "/x"},
		{place: "gs://b", name: "x", want: "gs://b/x"},
		{place: "gs://b/p/", name: "a//../x", want: "gs://b/p/a//../x"},
		{place: "out", name: "../x", fault: "cannot be the name of a file"},
		{place: "out", name: "a//x", fault: "cannot be the name of a file"},
		{place: "out", name: "a/./x", fault: "cannot be the name of a file"},
		{place: "out", name: "/x", fault: "cannot be the name of a file"},
		{place: "gs://b/p", name: "\xff", fault: "it is not UTF-8"},
		{place: "gs://", name: "x", fault: "want gs://bucket/prefix"},
		{place: "", name: "x", fault: "want a directory or gs://bucket/prefix"},
	} {
		place, err := ParsePlace(tt.place)
		got := ""
		if err == nil {
			got, err = place.Join(tt.name)
		}
		if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s, %q: got %v, want %q", tt.place, tt.name, err, tt.fault)
		}
		if err == nil && got != tt.want {
			t.Errorf("%s, %q: got %s, want %s", tt.place, tt.name, got, tt.want)
		}
	}
}

// An output is an input by whatever path the two are named.
func TestOverlap(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("raw/deep", 0o777); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"alias": "raw", "inner": "raw/deep"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		input, place, name string
		want               bool
	}{
		{"raw/**", "raw/udm", "x", true},
		{"raw/**", dir + "/raw/udm", "x", true},
		{dir + "/raw/**", "raw/udm/2026", "x", true},
		{"raw/**", "alias/udm", "x", true},
		{"alias/**", "raw", "x", true},
		{"raw/**", "inner", "x", true},
		{"raw/**", ".", "raw/x", true},
		{"*.ndjson", ".", "a.ndjson.udm.ndjson", true},
		{"*.ndjson", dir, "a.ndjson.udm.ndjson", true},
		{"../*/raw/*", "alias", "x", true},
		{"/**", "raw", "x", true},
		{"raw/*", "raw/udm", "x", false},
		{"raw/**", "rawer", "x", false},
		{"raw/**", ".", "x", false},
		{"raw/**", "gs://raw", "x", false},
		{"gs://b/raw/**", "gs://b/raw/udm", "x", true},
		{"gs://b/raw/**", "gs://b/udm", "x", false},
	} {
		p, err := ParsePattern(tt.input)
		if err != nil {
			t.Fatal(err)
		}
		place, err := ParsePlace(tt.place)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Overlap(place)(tt.name); got != tt.want {
			t.Errorf("%s means %s in %s: %t, want %t", tt.input, tt.name, tt.place, got, tt.want)
		}
	}
}
