package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/mapping"
)

// figure is one measured number with what is aimed at.
type figure struct {
	What string `json:"what"`
	Aim  string `json:"aim"`
	Got  string `json:"got"`
	Met  bool   `json:"met"`
}

// program measures the command as people run it: the other commands against map,
// memory, start-up, and twice the rules.
func (r *report) program(ctx context.Context, dir string, b *built, rounds int, say func(string, ...any)) error {
	p := &programRun{report: r, dir: dir, asa2udm: b.asa2udm, rounds: rounds, say: say}
	for _, step := range []func(context.Context) error{p.commands, p.startup, p.memory} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type programRun struct {
	report  *report
	dir     string
	asa2udm string
	rounds  int
	say     func(string, ...any)
}

func (p *programRun) command(cores int, args ...string) command {
	return command{path: p.asa2udm, args: args, stdout: os.DevNull, cores: cores, codes: []int{1}}
}

func (p *programRun) add(met bool, what, aim, got string, args ...any) {
	p.report.Figures = append(p.report.Figures, figure{what, aim, fmt.Sprintf(got, args...), met})
}

// commands compares what other commands cost over the same records.
func (p *programRun) commands(ctx context.Context) error {
	all, err := composeFile(filepath.Join(p.dir, "commands.ndjson"), setKinds[0].opts, 50_000)
	if err != nil {
		return err
	}
	empty := filepath.Join(p.dir, "realistic.empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		return err
	}
	doubled, rules, err := p.doubledRules()
	if err != nil {
		return err
	}
	rows := []struct {
		what string
		most float64
		args []string
	}{
		{"map", 1, []string{"map"}},
		{"map --validate", 1.3, []string{"map", "--validate"}},
		{"coverage", 1.5, []string{"coverage"}},
		{"diff asa.yaml asa-corrected.yaml", 1.6, []string{"diff", "asa.yaml", "asa-corrected.yaml"}},
		{fmt.Sprintf("map with twice the rules (%d more)", rules), 1.3, []string{"map", "--rules", doubled}},
	}
	engines := make([]engine, len(rows))
	for i, row := range rows {
		engines[i] = engine{name: row.what, cores: 1, command: func(in, _ string) command {
			return p.command(1, append(row.args, "--workers=1", in)...)
		}}
	}
	set := recordSet{kind: setKind{name: "commands on realistic"}, all: all, empty: empty}
	m, err := timeEngines(ctx, set, engines, p.rounds, p.say)
	if err != nil {
		return err
	}
	base := m.Engines[0]
	for i, row := range rows[1:] {
		got := m.Engines[i+1]
		ratio := got.CPU / base.CPU
		p.add(ratio <= row.most, row.what+", CPU time relative to map", fmt.Sprintf("≤ %.1f", row.most),
			"%.2f (%.2f µs a record, map %.2f)", ratio, got.CPU, base.CPU)
	}
	return nil
}

// doubledRules writes a rule file with twice the rules of asa.yaml. The new ones
// look for what the records do not carry, beside what they do.
func (p *programRun) doubledRules() (path string, rules int, err error) {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		return "", 0, err
	}
	parser, err := mapping.Compile("asa.yaml", src, mapping.Options{})
	if err != nil {
		return "", 0, err
	}
	rs := parser.Ruleset()
	rules = len(rs.Mappings)
	for _, b := range rs.Blocks {
		rules += len(b.Rules)
	}
	var out strings.Builder
	out.WriteString("extends: asa.yaml\nmappings:\n")
	forms := []string{
		"{from: details.unseen_%[1]d, to: target.resource.attribute.labels, label: unseen_%[1]d}",
		"{from: details.actor.unseen_%[1]d, to: principal.user.attribute.labels, label: unseen_%[1]d}",
		"{from: details.client.unseen_%[1]d, extract: version, to: principal.asset.attribute.labels, label: unseen_%[1]d}",
		"{from: unseen.at_%[1]d, match: [{regex: '(?i)linux', value: LINUX}], to: additional.fields, label: unseen_%[1]d}",
	}
	for i := range rules {
		fmt.Fprintf(&out, "  - "+forms[i%len(forms)]+"\n", i)
	}
	path = filepath.Join(p.dir, "doubled.yaml")
	return path, rules, os.WriteFile(path, []byte(out.String()), 0o600)
}

// startup measures short runs by the clock, from start to end.
func (p *programRun) startup(ctx context.Context) error {
	one, err := composeFile(filepath.Join(p.dir, "one.ndjson"), setKinds[0].opts, 1)
	if err != nil {
		return err
	}
	rows := []struct {
		what string
		most time.Duration
		args []string
	}{
		{"map of one record, from start to end", 15 * time.Millisecond, []string{"map", one.path}},
		{"explain of one record, from start to end", 100 * time.Millisecond, []string{"explain", one.path}},
	}
	costs := make([][]cost, len(rows))
	p.say("short runs")
	for range 3 * p.rounds {
		for i, row := range rows {
			c, err := p.command(2, row.args...).run(ctx)
			if err != nil {
				return err
			}
			costs[i] = append(costs[i], c)
		}
	}
	for i, row := range rows {
		wall := medianOf(costs[i], cost.wallSeconds) * 1e3
		p.add(wall < row.most.Seconds()*1e3, row.what, fmt.Sprintf("< %d ms", row.most.Milliseconds()),
			"%.1f ms (fastest %.1f, CPU time %.1f)", wall, leastWall(costs[i]).Seconds()*1e3, medianOf(costs[i], cost.cpuSeconds)*1e3)
	}
	return nil
}

// mostMemory is what map may hold, whatever it reads.
const mostMemory = 40 << 20

// memory measures the peak of long inputs and of large records.
func (p *programRun) memory(ctx context.Context) error {
	long, err := composeFile(filepath.Join(p.dir, "long.ndjson"), setKinds[0].opts, 100_000)
	if err != nil {
		return err
	}
	args := []string{"map", "--workers=2"}
	for range 8 {
		args = append(args, long.path)
	}
	if err := p.peak(ctx, fmt.Sprintf("%d MB of ordinary records", 8*long.bytes/1e6), args); err != nil {
		return err
	}
	for _, large := range []struct {
		what          string
		records, size int
		escaped       bool
	}{
		{"records of 64 KiB", 2000, 64 << 10, false},
		{"records of 64 KiB, full of escapes", 2000, 64 << 10, true},
		{"records of 10 MiB", 12, 10 << 20, false},
		{"records of 10 MiB, full of escapes", 12, 10 << 20, true},
	} {
		path := filepath.Join(p.dir, "large.ndjson")
		if _, err := composeLarge(path, large.records, large.size, large.escaped); err != nil {
			return err
		}
		if err := p.peak(ctx, large.what, []string{"map", "--workers=2", path}); err != nil {
			return err
		}
	}
	return nil
}

// peak notes the largest of three runs.
func (p *programRun) peak(ctx context.Context, what string, args []string) error {
	p.say("memory: %s", what)
	var most int64
	for range 3 {
		c, err := p.command(2, args...).run(ctx)
		if err != nil {
			return err
		}
		most = max(most, c.rss)
	}
	p.add(most < mostMemory, "peak memory, "+what, fmt.Sprintf("< %d MiB", mostMemory>>20), "%.1f MiB", float64(most)/(1<<20))
	return nil
}
