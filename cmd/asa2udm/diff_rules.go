package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// gitPrefix marks a rule file that is read from a revision.
const gitPrefix = "git:"

// loadSide compiles one side of a comparison.
func (u *ui) loadSide(ctx context.Context, name string) (*mapping.Parser, error) {
	spec, ok := strings.CutPrefix(name, gitPrefix)
	if !ok {
		return u.loadRules(name, mapping.Options{})
	}
	file, err := findRevision(ctx, name, spec)
	if err != nil {
		return nil, err
	}
	parser, err := file.compile(mapping.Options{})
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		return parser, err
	}
	for _, f := range faults {
		u.printf("%s\n", f.Frame())
	}
	u.logf("%s in %s; nothing was compared", count(len(faults), "fault"), name)
	return nil, errReported
}

// revision is a commit of the repository around the working directory.
type revision struct {
	ctx  context.Context
	name string // as given, such as main or HEAD~2
}

// findRevision reads a rule file as it was in a revision. The files it extends are
// read from the same revision. spec is REV:PATH, with PATH from the top of the
// repository, or from the working directory where it begins with a dot, as git
// itself has it.
func findRevision(ctx context.Context, name, spec string) (ruleFile, error) {
	rev, file, ok := strings.Cut(spec, ":")
	if !ok || rev == "" || file == "" || strings.HasPrefix(rev, "-") {
		return ruleFile{}, hinted(fmt.Errorf("%q is no git:REV:PATH", name), "git:main:rules/my.yaml")
	}
	r := revision{ctx, rev}
	if err := r.check(); err != nil {
		return ruleFile{}, fmt.Errorf("cannot read %q: %w", name, err)
	}
	if strings.HasPrefix(file, "./") || strings.HasPrefix(file, "../") {
		prefix, err := r.git("rev-parse", "--show-prefix")
		if err != nil {
			return ruleFile{}, fmt.Errorf("cannot read %q: %w", name, err)
		}
		file = path.Join(strings.TrimSpace(string(prefix)), file)
	}
	file = path.Clean(file)
	src, err := r.read(file)
	if err != nil {
		return ruleFile{}, fmt.Errorf("cannot read %q: %w", name, err)
	}
	return ruleFile{file, src, r.read}, nil
}

// git runs git and answers what it prints. The error holds the first line of what
// it says is wrong.
func (r revision) git(args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(r.ctx, "git", args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("git is not installed")
	}
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimPrefix(first, "fatal: "))
	}
	return out.Bytes(), nil
}

// check finds out whether there is such a revision.
func (r revision) check() error {
	if _, err := r.git("rev-parse", "--git-dir"); err != nil {
		return err
	}
	if _, err := r.git("rev-parse", "--quiet", "--verify", "--end-of-options", r.name+"^{commit}"); err == nil {
		return nil
	}
	err := fmt.Errorf("there is no revision %q", r.name)
	if shallow, _ := r.git("rev-parse", "--is-shallow-repository"); strings.TrimSpace(string(shallow)) == "true" {
		return hinted(err, "the clone is shallow; git fetch --unshallow gets the rest of the history")
	}
	names, _ := r.git("for-each-ref", "--format=%(refname:short)")
	return hinted(err, "%s", nearestHint(r.name, names))
}

// read answers a file of the revision.
func (r revision) read(file string) ([]byte, error) {
	if src, err := r.git("cat-file", "blob", r.name+":"+file); err == nil {
		return src, nil
	}
	err := fmt.Errorf("revision %q has no file %q", r.name, file)
	names, _ := r.git("ls-tree", "-r", "--name-only", "--full-tree", r.name)
	return nil, hinted(err, "%s", nearestHint(file, names))
}

// nearestHint asks whether one of several names, each on a line, was meant.
func nearestHint(name string, lines []byte) string {
	known := strings.Fields(string(lines))
	if near := udm.Nearest(name, known); len(near) > 0 {
		return fmt.Sprintf("did you mean %q?", near[0])
	}
	for _, k := range known {
		if path.Base(k) == path.Base(name) {
			return fmt.Sprintf("did you mean %q? Paths begin at the top of the repository", k)
		}
	}
	return ""
}
