package rulefmt

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asa2udm/asa2udm/mapping"
)

// FuzzFormat holds that whatever is a rule file can be formatted, that the form
// is stable, says the same, and has all comments.
func FuzzFormat(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkFormat(t, src) })
}

// TestMutatedFiles moves lines and comments about in files that are rule files,
// which bytes changed at random seldom are.
func TestMutatedFiles(t *testing.T) {
	all := seeds(t)
	formatted := 0
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		src := all[rnd.IntN(len(all))]
		for range 1 + rnd.IntN(4) {
			src = mutate(rnd, src)
		}
		if checkFormat(t, src) {
			formatted++
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, src)
		}
	}
	if formatted < 100 {
		t.Errorf("only %d of the files were rule files", formatted)
	}
}

// mutate changes one line of a rule file.
func mutate(rnd *rand.Rand, src []byte) []byte {
	lines := strings.Split(string(src), "\n")
	i, j := rnd.IntN(len(lines)), rnd.IntN(len(lines))
	indent := strings.Repeat(" ", rnd.IntN(8))
	switch rnd.IntN(8) {
	case 0:
		lines = slices.Insert(lines, i, indent+fmt.Sprintf("# inserted at %d", i))
	case 1:
		lines = slices.Insert(lines, i, indent)
	case 2:
		lines[i] += fmt.Sprintf("  # behind %d ", i)
	case 3:
		lines = slices.Delete(lines, i, i+1)
	case 4:
		lines[i], lines[j] = lines[j], lines[i]
	case 5:
		lines[i] = strings.Replace(lines[i], ", ", ",\n        ", 1+rnd.IntN(2))
	case 6:
		lines[i] = strings.Replace(lines[i], ", ", fmt.Sprintf(", # between %d\n%s        ", i, indent), 1+rnd.IntN(2))
	case 7:
		at := rnd.IntN(len(lines[i]) + 1)
		lines[i] = lines[i][:at] + string(" #,:'\"{}[]-|>&*!\t\\"[rnd.IntN(18)]) + lines[i][at:]
	}
	return []byte(strings.Join(lines, "\n"))
}

// checkFormat holds Format against its promises and reports whether src is a
// rule file at all.
func checkFormat(t *testing.T, src []byte) bool {
	before, err := mapping.Parse("x.yaml", src)
	if err != nil {
		if out, err := Format("x.yaml", src); err == nil {
			t.Errorf("a broken file was formatted:\n%s", out)
		}
		return false
	}
	once, err := Format("x.yaml", src)
	if err != nil {
		t.Errorf("%v\n%s", err, src)
		return true
	}
	twice, err := Format("x.yaml", once)
	if err != nil {
		t.Errorf("second time: %v\n%s", err, once)
	}
	if diff := cmp.Diff(string(twice), string(once)); diff != "" {
		t.Errorf("the form is not stable (-second +first):\n%s", diff)
	}
	after, err := mapping.Parse("x.yaml", once)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(after, before, samePlaces); diff != "" {
		t.Errorf("another meaning (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(commentsOf(t, once), commentsOf(t, src)); diff != "" {
		t.Errorf("comments (-got +want):\n%s", diff)
	}
	return true
}

// samePlaces compares rule files without regard to where things stand.
var samePlaces = cmp.Options{
	cmp.Comparer(func(a, b mapping.Text) bool { return a.Value == b.Value }),
	cmp.Comparer(func(mapping.Pos, mapping.Pos) bool { return true }),
	cmpopts.IgnoreUnexported(mapping.Ruleset{}, mapping.Rule{}),
}

// commentsOf answers the comments of a file, sorted: a key takes its comments
// along when it moves.
func commentsOf(t *testing.T, src []byte) []string {
	tree, err := read(src)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, c := range tree.comments {
		texts = append(texts, c.text)
	}
	slices.Sort(texts)
	return texts
}

var yamlFence = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// seeds are the shipped packs, the examples of the documentation that are whole
// rule files, and the files of this package's own tests.
func seeds(t testing.TB) [][]byte {
	var all [][]byte
	for _, name := range mapping.Packs() {
		src, err := mapping.ReadPack(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, src)
	}
	docs, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range docs {
		for _, fence := range yamlFence.FindAllStringSubmatch(readFile(t, name), -1) {
			if _, err := mapping.Parse(name, []byte(fence[1])); err == nil {
				all = append(all, []byte(fence[1]))
			}
		}
	}
	for _, c := range cases(t) {
		all = append(all, []byte(c.in), []byte(c.want))
	}
	return all
}

// formatCase is a rule file and its canonical form.
type formatCase struct{ name, in, want string }

// cases reads testdata/NAME.in.yaml and NAME.want.yaml.
func cases(t testing.TB) []formatCase {
	names, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []formatCase
	for _, name := range names {
		stem := name[:len(name)-len(".in.yaml")]
		all = append(all, formatCase{filepath.Base(stem), readFile(t, name), readFile(t, stem+".want.yaml")})
	}
	return all
}

func readFile(t testing.TB, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
