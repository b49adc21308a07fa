// Command bench measures asa2udm against other ways to do the same work:
//
//	go run ./bench                      # all there is, some minutes
//	go run ./bench -rounds 15 -md x.md  # and the tables as Markdown
//	go run ./bench -figures=false -engines asa2udm,gjson.ValidBytes -set shuffled
//
// Every engine is a process of its own that reads a file and writes events to
// /dev/null: asa2udm itself, Bento built from the module in bench/bento, and this
// program as "bench engine NAME IN OUT" for the rest. What counts is the processor time of the whole process, which other
// load on the machine moves far less than the clock. Engines take turns within a
// round, and what is told are medians over the rounds. Before anything is timed,
// the events of all engines that map are compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "engine" {
		return runEngine(args[1:])
	}
	// A process counts as no smaller than the one that started it was at its
	// largest, so this one stays small.
	debug.SetGCPercent(20)
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.measure(ctx, stdout, stderr)
}

// config is what the flags say.
type config struct {
	records int
	rounds  int
	set     string
	engines string
	figures bool
	json    string
	md      string
}

func parseFlags(args []string, stderr io.Writer) (*config, error) {
	c := &config{}
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.IntVar(&c.records, "records", 100_000, "records of a set; slow engines get the first tenth")
	set.IntVar(&c.rounds, "rounds", 7, "rounds; each runs every engine once")
	set.StringVar(&c.set, "set", "all", "`SET` of records: realistic, shuffled or all")
	set.StringVar(&c.engines, "engines", "all", "comma-separated `NAMES` of engines, or all")
	set.BoolVar(&c.figures, "figures", true, "measure the commands, memory and start-up, too")
	set.StringVar(&c.json, "json", "", "also write what was measured to `FILE` as JSON")
	set.StringVar(&c.md, "md", "", "also write the tables to `FILE` as Markdown")
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case set.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case c.records < 100:
		return nil, fmt.Errorf("-records wants a number from 100, got %d", c.records)
	case c.rounds < 1:
		return nil, fmt.Errorf("-rounds wants a number from 1, got %d", c.rounds)
	}
	return c, nil
}

// measure does all that was asked for and reports it.
func (c *config) measure(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	b, err := build(ctx, dir, say)
	if err != nil {
		return err
	}
	engines, err := chosen(b.engines(), c.engines)
	if err != nil {
		return err
	}
	sets, err := c.makeSets(dir, say)
	if err != nil {
		return err
	}
	for _, s := range sets {
		if err := compare(ctx, dir, s, engines, say); err != nil {
			return err
		}
	}
	r := newReport(c, b)
	for _, s := range sets {
		m, err := timeEngines(ctx, s, engines, c.rounds, say)
		if err != nil {
			return err
		}
		r.Sets = append(r.Sets, m)
	}
	if c.figures {
		if err := r.program(ctx, dir, b, c.rounds, say); err != nil {
			return err
		}
	}
	return r.write(c, stdout)
}

// chosen answers the engines named in list.
func chosen(all []engine, list string) ([]engine, error) {
	if list == "all" {
		return all, nil
	}
	var names []string
	for _, e := range all {
		names = append(names, e.name)
	}
	var some []engine
	for _, name := range strings.Split(list, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("no engine %q, there are %s", name, strings.Join(names, ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// makeSets writes the records of the chosen sets to files.
func (c *config) makeSets(dir string, say func(string, ...any)) ([]recordSet, error) {
	var sets []recordSet
	for _, kind := range setKinds {
		if c.set != "all" && c.set != kind.name {
			continue
		}
		say("composing %d %s records", c.records, kind.name)
		s, err := compose(filepath.Join(dir, kind.name), kind, c.records)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("no set %q, there are realistic and shuffled", c.set)
	}
	return sets, nil
}
