//go:build linux

// Package image_test makes the root folder of the container image with the same
// script as the Dockerfile, and looks at all that is in it. It needs no
// container engine.
package image_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	version = "v9.8.7-test"
	epoch   = 1_700_000_000
)

// root is an image's root folder, made once.
var root string

func TestMain(m *testing.M) {
	code, err := makeAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func makeAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root = filepath.Join(dir, "root")
	if err := makeRoot("build.sh", root); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// makeRoot runs a copy of the script as the Dockerfile does.
func makeRoot(script, into string) error {
	cmd := exec.Command(script, into)
	if !strings.Contains(script, "/") {
		cmd = exec.Command("./"+script, into)
	}
	cmd.Env = append(os.Environ(), "VERSION="+version, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the root folder: %w\n%s", err, out)
	}
	return nil
}

func program() string { return filepath.Join(root, "usr/bin/asa2udm") }

// TestTree pins every path of the image with its mode: whatever else is there
// does not belong there.
func TestTree(t *testing.T) {
	want := strings.TrimSpace(`
drwxr-xr-x .
drwxr-xr-x etc
-rw-r--r-- etc/group
-rw-r--r-- etc/passwd
drwxr-xr-x etc/ssl
drwxr-xr-x etc/ssl/certs
-rw-r--r-- etc/ssl/certs/ca-certificates.crt
drwxr-xr-x usr
drwxr-xr-x usr/bin
-rwxr-xr-x usr/bin/asa2udm
drwxr-xr-x usr/share
drwxr-xr-x usr/share/doc
drwxr-xr-x usr/share/doc/asa2udm
-rw-r--r-- usr/share/doc/asa2udm/LICENSE
-rw-r--r-- usr/share/doc/asa2udm/sbom.cdx.json`)
	if diff := cmp.Diff(want, strings.Join(tree(t, root, false), "\n")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// tree lists all paths below dir, with their time and content where asked for.
func tree(t *testing.T, dir string, content bool) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		line := info.Mode().String() + " " + filepath.ToSlash(name)
		if content {
			line += info.ModTime().UTC().Format(" 2006-01-02T15:04:05.000000000")
		}
		if content && info.Mode().IsRegular() {
			line += " " + digest(t, path)
		}
		lines = append(lines, line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func digest(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A program with an interpreter or a library would look for what the image does
// not have.
func TestProgramIsStatic(t *testing.T) {
	f, err := elf.Open(program())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a segment %s", p.Type)
		}
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		t.Error("the program is not stripped")
	}
}

// inImage is a command as the engine starts it: nothing but the image, and no
// environment. Without root it sees the machine's files, but none of its
// variables.
func inImage(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "usr/bin/asa2udm"), args...)
	cmd.Env = []string{}
	cmd.Dir = "/"
	if os.Geteuid() != 0 {
		t.Log("not root: without chroot")
		cmd.Env = []string{"SSL_CERT_DIR=/nonexistent", "SSL_CERT_FILE=" + filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt")}
		return cmd
	}
	cmd.Path = "/usr/bin/asa2udm"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	reachable(t, dir)
	return cmd
}

// reachable lets another user into the folders that lead to dir, which are the
// test's own.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for at := dir; strings.HasPrefix(at, os.TempDir()+"/"); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProgramRunsOnItsOwn(t *testing.T) {
	out, err := inImage(t, root, "version").CombinedOutput()
	if got, want := string(out), "asa2udm "+version+"\n"; err != nil || got != want {
		t.Errorf("version: %q, %v, want %q", got, err, want)
	}
	record := `{"id":"e1","timestamp":"2024-03-01T07:12:04Z","details":{"type":"server.ssh_login","actor":{"name":"ada"}}}`
	cmd := inImage(t, root, "map")
	cmd.Stdin = strings.NewReader(record)
	out, err = cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`"product_event_type":"server.ssh_login"`)) {
		t.Errorf("map: %v\n%s", err, out)
	}
}

// TestRootsAreUsed asks a server with a certificate that no public root signed:
// it is refused, until its own root is in the image's bundle.
func TestRootsAreUsed(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "data")
	if err := errors.Join(os.Mkdir(out, 0o777), os.Chmod(out, 0o777)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		out = "/data" // of the image
	}
	check := func() string {
		cmd := inImage(t, dir, "collect", "--check", "--log-format", "text", "--team", "example", "--key-id", "key",
			"--base-url", server.URL, "--out", out)
		cmd.Env = append(cmd.Env, "ASA_KEY_SECRET=not-a-secret")
		text, _ := cmd.CombinedOutput()
		return string(text)
	}
	if out := check(); !strings.Contains(out, "certificate signed by unknown authority") {
		t.Errorf("a server with a foreign root was not refused:\n%s", out)
	}
	bundle := filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt")
	old, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, append(old, own...), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := check(); strings.Contains(out, "certificate") || !strings.Contains(out, "404") {
		t.Errorf("a server with a root of the bundle was not reached:\n%s", out)
	}
}

func TestRootsAreMany(t *testing.T) {
	rest, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			t.Errorf("the bundle has a %s", block.Type)
		}
		n++
	}
	if n < 50 {
		t.Errorf("%d certificates, want a public bundle", n)
	}
}

// TestNoWayUp holds that nobody can log in and nothing runs as root.
func TestNoWayUp(t *testing.T) {
	for name, want := range map[string]string{
		"etc/passwd": "nonroot:x:65532:65532:asa2udm:/:/sbin/nologin\n",
		"etc/group":  "nonroot:x:65532:\n",
	} {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestSBOM holds the list of modules against the program itself.
func TestSBOM(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "usr/share/doc/asa2udm/sbom.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	type component struct {
		Name, Version, PURL string
		Hashes              []struct{ Alg, Content string }
	}
	var doc struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Timestamp time.Time
			Component component
		}
		Components []component
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var got []string
	for _, c := range doc.Components {
		got = append(got, c.Name+" "+c.Version)
		if c.Name != "std" && (len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("%s: hashes %v, want one SHA-256", c.Name, c.Hashes)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	top := doc.Metadata.Component
	if top.Version != version || doc.Metadata.Timestamp.Unix() != epoch || doc.BOMFormat != "CycloneDX" {
		t.Errorf("describes %s %s of %s", top.Name, top.Version, doc.Metadata.Timestamp)
	}
	if len(top.Hashes) != 1 || top.Hashes[0].Content != digest(t, program()) {
		t.Errorf("hash of the program is %v", top.Hashes)
	}
}

// TestNothingOfTheMachine looks for paths of this machine in the program, which
// would differ on the next.
func TestNothingOfTheMachine(t *testing.T) {
	data, err := os.ReadFile(program())
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{source + "/cmd", strings.TrimSpace(string(cache)), root} {
		if bytes.Contains(data, []byte(path)) {
			t.Errorf("the program names %s", path)
		}
	}
}

// TestSameBytesFromOtherFolders builds from two more folders, each with only what
// .dockerignore lets through, as an engine would.
func TestSameBytesFromOtherFolders(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	want := tree(t, root, true)
	for _, name := range []string{"a", "another/folder/with a longer name"} {
		dir := filepath.Join(t.TempDir(), name)
		copyContext(t, dir)
		into := filepath.Join(t.TempDir(), "out")
		if err := makeRoot(filepath.Join(dir, "deploy/image/build.sh"), into); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree(t, into, true)); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", dir, diff)
		}
	}
}

// copyContext copies the files that .dockerignore lets through. What is not in
// version control cannot be told apart from it without git, and need not be.
func copyContext(t *testing.T, dir string) {
	t.Helper()
	in := ignoreRules(t)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if !in.lets(name) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		to := filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o777), os.WriteFile(to, data, info.Mode()))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ignore is .dockerignore, in the few forms that it uses here.
type ignore struct {
	in  []string         // "!path": a file, or a folder with all below it
	out []*regexp.Regexp // "**/name"
}

func ignoreRules(t *testing.T) (r ignore) {
	t.Helper()
	text, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		path, allowed := strings.CutPrefix(line, "!")
		suffix, anywhere := strings.CutPrefix(line, "**/")
		switch {
		case line == "" || line == "*" || strings.HasPrefix(line, "#"):
		case allowed && !strings.ContainsAny(path, "*?["):
			r.in = append(r.in, path)
		case anywhere:
			glob := strings.ReplaceAll(regexp.QuoteMeta(suffix), `\*`, `[^/]*`)
			r.out = append(r.out, regexp.MustCompile(`(^|/)`+glob+`(/|$)`))
		default:
			t.Fatalf(".dockerignore: a form that this test does not know: %q", line)
		}
	}
	return r
}

func (r ignore) lets(name string) bool {
	for _, out := range r.out {
		if out.MatchString(name) {
			return false
		}
	}
	return slices.ContainsFunc(r.in, func(path string) bool { return name == path || strings.HasPrefix(name, path+"/") })
}

func TestContextHasNoSecrets(t *testing.T) {
	rules := ignoreRules(t)
	for name, want := range map[string]bool{
		"go.mod": true, "cmd/asa2udm/main.go": true, "mapping/rules/asa.yaml": true, "deploy/image/build.sh": true,
		"key.txt": false, ".env": false, ".git/config": false, "deploy/terraform/terraform.tfstate": false,
		"deploy/terraform/terraform.tfvars": false, "cmd/asa2udm/main_test.go": false, "cmd/asa2udm/testdata/x/key.txt": false,
		"cmdline.txt": false,
	} {
		if got := rules.lets(name); got != want {
			t.Errorf("%s gets into the build: %t, want %t", name, got, want)
		}
	}
}

// Cloud Build is sent what the build context has, the Dockerfile and .dockerignore, and
// nothing else: a checkout in which the key was saved to a file is the usual case.
func TestUploadHasNoSecrets(t *testing.T) {
	text, err := os.ReadFile("../../.gcloudignore")
	if err != nil {
		t.Fatal(err)
	}
	var in, out []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if path, allowed := strings.CutPrefix(line, "!/"); allowed {
			in = append(in, path)
		} else if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	// A folder has to be let in before something in it can be.
	in = slices.DeleteFunc(in, func(path string) bool { return path == "deploy" })
	if diff := cmp.Diff([]string{"/*", "/deploy/*", "*_test.go", "testdata"}, out); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	want := append([]string{".dockerignore", "Dockerfile"}, ignoreRules(t).in...)
	slices.Sort(want)
	slices.Sort(in)
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("let in (-as .dockerignore +as .gcloudignore):\n%s", diff)
	}
}

func TestScriptRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "old"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args, env []string
		want      string
	}{
		"no folder":           {nil, nil, "want one argument, the folder to make, got 0"},
		"a folder in use":     {[]string{full}, nil, "is not empty"},
		"a strange version":   {[]string{t.TempDir()}, []string{"VERSION=1 -X main.x=y"}, `VERSION="1 -X main.x=y": want letters`},
		"a strange time":      {[]string{t.TempDir()}, []string{"SOURCE_DATE_EPOCH=today"}, `SOURCE_DATE_EPOCH="today": want seconds`},
		"no certificate root": {[]string{t.TempDir()}, []string{"CA_BUNDLE=/nowhere"}, "no certificate roots at /nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("./build.sh", test.args...)
			cmd.Env = append(os.Environ(), test.env...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), test.want) {
				t.Errorf("%v, %q, want exit code 2 and %q", err, out, test.want)
			}
		})
	}
}
