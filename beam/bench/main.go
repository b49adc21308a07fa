// Command bench maps the same raw objects on the local disk with asa2udm map and with
// asa2udm-beam, as whole processes in turn, and compares what they cost and what they
// write:
//
//	go run ./bench -objects 64 -bytes 16000000 -rounds 3
//
// The objects and one output take about twice the bytes of disk, and all of it goes when
// the command ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
)

func main() {
	var s settings
	flag.IntVar(&s.objects, "objects", 64, "how many objects")
	flag.Int64Var(&s.bytes, "bytes", 16_000_000, "how large each is")
	flag.IntVar(&s.distinct, "distinct", 16, "how many of them differ; the others are copies")
	flag.IntVar(&s.rounds, "rounds", 3, "how often each program runs")
	flag.StringVar(&s.dir, "dir", "", "where to put it all; the default is a temporary directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := s.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type settings struct {
	objects, distinct, rounds int
	bytes                     int64
	dir                       string
}

// variant is one program with its settings.
type variant struct {
	name  string
	cores int
	args  func(raw, out string) []string // beginning with the program
	many  bool                           // it writes an output for each object
}

func variants(mapper, beam string) []variant {
	single := func(workers int) func(raw, out string) []string {
		return func(raw, out string) []string {
			return []string{mapper, "map", "--workers", strconv.Itoa(workers), "-o", filepath.Join(out, "all"), filepath.Join(raw, "*")}
		}
	}
	onBeam := func(flags ...string) func(raw, out string) []string {
		return func(raw, out string) []string {
			return append([]string{beam, "--input", raw, "--output", out}, flags...)
		}
	}
	return []variant{
		{"`map --workers 1`", 1, single(1), false},
		{"Beam `--at-once 1 --workers 1`", 1, onBeam("--at-once", "1", "--workers", "1"), true},
		{"`map --workers 2`", 2, single(2), false},
		{"Beam `--at-once 2 --workers 1`", 2, onBeam("--at-once", "2", "--workers", "1"), true},
		{"Beam as it comes (`--at-once 4`)", 2, onBeam(), true},
	}
}

func (s *settings) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(s.dir, "asa2udm-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			say("%v", err)
		}
	}()
	mapper, beam := filepath.Join(dir, "asa2udm"), filepath.Join(dir, "asa2udm-beam")
	if err := build(ctx, "..", mapper, "-tags", "disable_grpc_modules", "./cmd/asa2udm"); err != nil {
		return err
	}
	if err := build(ctx, ".", beam, "./cmd/asa2udm-beam"); err != nil {
		return err
	}
	raw := filepath.Join(dir, "raw")
	set, err := compose(raw, s.objects, s.distinct, s.bytes)
	if err != nil {
		return err
	}
	say("%d objects, %d records, %d bytes", s.objects, set.records, set.bytes)
	all := variants(mapper, beam)
	costs := make([][]cost, len(all))
	sums := make(map[string]string)
	for round := range s.rounds {
		for i, v := range all {
			out := filepath.Join(dir, "out")
			if err := os.Mkdir(out, 0o777); err != nil {
				return err
			}
			c, err := measure(ctx, v.cores, v.args(raw, out))
			if err != nil {
				return err
			}
			if round == 0 {
				if sums[v.name], err = hash(out, v.many); err != nil {
					return err
				}
			}
			if err := os.RemoveAll(out); err != nil {
				return err
			}
			say("round %d: %s: %.1f s, %.1f s CPU, %d MiB", round+1, v.name, c.wall.Seconds(), c.cpu.Seconds(), c.rss>>20)
			costs[i] = append(costs[i], c)
		}
	}
	for _, v := range all {
		if sums[v.name] != sums[all[0].name] {
			return fmt.Errorf("%s does not write what %s writes", v.name, all[0].name)
		}
	}
	fmt.Fprintf(os.Stdout, "Events of all: SHA-256 %s.\n\n", sums[all[0].name])
	table(os.Stdout, all, costs, set)
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
