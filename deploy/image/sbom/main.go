// Command sbom writes the software bill of materials of a Go program to stdout:
// the modules that its build information names, as CycloneDX 1.6 JSON. The same
// program gives the same bytes.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	version := flag.String("version", "", "version of the program, where its build information has none")
	epoch := flag.Int64("epoch", 0, "time of the document, in seconds since 1970")
	flag.Parse()
	if err := run(os.Stdout, flag.Args(), *version, time.Unix(*epoch, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(2)
	}
}

func run(w io.Writer, args []string, version string, at time.Time) error {
	if len(args) != 1 {
		return errors.New("want one argument, the program")
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read build information: %w", err)
	}
	program, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read the program: %w", err)
	}
	doc, err := newDocument(info, program, version, at)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// document is what of CycloneDX is needed here.
type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Ref     string     `json:"bom-ref"`
	Type    string     `json:"type"`
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Hashes  []hash     `json:"hashes,omitempty"`
	PURL    string     `json:"purl"`
	Props   []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

func newDocument(info *debug.BuildInfo, program []byte, version string, at time.Time) (*document, error) {
	if version == "" {
		version = info.Main.Version
	}
	sum := sha256.Sum256(program)
	top := newComponent("application", info.Main.Path, version)
	top.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum[:])}}
	top.Props = settings(info)
	all := []component{newComponent("library", "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		c, err := moduleComponent(m)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	on := make([]string, len(all))
	for i, c := range all {
		on[i] = c.Ref
	}
	return &document{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata:     metadata{Timestamp: at.Format(time.RFC3339), Component: top},
		Components:   all,
		Dependencies: []dependency{{Ref: top.Ref, On: on}},
	}, nil
}

func newComponent(kind, name, version string) component {
	purl := "pkg:golang/" + name + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Ref: purl, Type: kind, Name: name, Version: version, PURL: purl}
}

// moduleComponent describes what was compiled in, which is the replacement where
// there is one.
func moduleComponent(m *debug.Module) (component, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	c := newComponent("library", m.Path, m.Version)
	sum, ok := strings.CutPrefix(m.Sum, "h1:")
	if !ok {
		return c, fmt.Errorf("module %s has no checksum: it comes from a folder, not from a release", m.Path)
	}
	b, err := base64.StdEncoding.DecodeString(sum)
	if err != nil {
		return c, fmt.Errorf("checksum %q of module %s: %w", m.Sum, m.Path, err)
	}
	c.Hashes = []hash{{"SHA-256", hex.EncodeToString(b)}}
	return c, nil
}

// settings tells how the program was built.
func settings(info *debug.BuildInfo) []property {
	var all []property
	for _, s := range info.Settings {
		all = append(all, property{"build:" + s.Key, s.Value})
	}
	return all
}
