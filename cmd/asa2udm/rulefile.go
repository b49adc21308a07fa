package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

const defaultRules = "asa.yaml"

// ruleFile is a rule file as found: its name for messages, its text, and how to
// read the files it extends.
type ruleFile struct {
	name string
	src  []byte
	read func(name string) ([]byte, error) // nil for a shipped pack, which extends shipped packs only
}

// findRules reads a rule file. Where there is no such file, name may be that of a
// shipped pack, with or without .yaml; a directory of that name is not in the way.
func findRules(name string) (ruleFile, error) {
	src, err := os.ReadFile(name)
	if err == nil {
		return ruleFile{name, src, os.ReadFile}, nil
	}
	missing := errors.Is(err, fs.ErrNotExist)
	if !missing && !errors.Is(err, syscall.EISDIR) {
		return ruleFile{}, fmt.Errorf("cannot read the rules %q: %w", name, bare(err))
	}
	for _, pack := range []string{name, name + ".yaml"} {
		if src, err := mapping.ReadPack(pack); err == nil {
			return ruleFile{pack, src, nil}, nil
		}
	}
	if !missing {
		return ruleFile{}, fmt.Errorf("cannot read the rules %q: %w", name, bare(err))
	}
	return ruleFile{}, hinted(fmt.Errorf("no rule file %q", name), "%s", packHint(name))
}

func packHint(name string) string {
	packs := mapping.Packs()
	for _, pack := range packs {
		packs = append(packs, strings.TrimSuffix(pack, ".yaml"))
	}
	if near := udm.Nearest(name, packs); len(near) > 0 {
		return fmt.Sprintf("did you mean the shipped pack %q?", near[0])
	}
	return "shipped packs: " + strings.Join(mapping.Packs(), ", ")
}

// compile gives the rules their sense. opts.ReadFile is set here.
func (f ruleFile) compile(opts mapping.Options) (*mapping.Parser, error) {
	opts.ReadFile = f.read
	return mapping.Compile(f.name, f.src, opts)
}

// loadRules finds and compiles rules for a command that needs them. What is wrong
// with them is shown on stderr; the error is then errReported.
func (u *ui) loadRules(name string, opts mapping.Options) (*mapping.Parser, error) {
	file, err := findRules(name)
	if err != nil {
		return nil, err
	}
	parser, err := file.compile(opts)
	var faults mapping.ErrorList
	if !errors.As(err, &faults) {
		return parser, err
	}
	for _, f := range faults {
		u.printf("%s\n", f.Frame())
	}
	u.logf("%s in %s; nothing was mapped", count(len(faults), "fault"), file.name)
	return nil, errReported
}
