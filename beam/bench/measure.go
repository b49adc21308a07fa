package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asa2udm/asa2udm/internal/asagen"
)

func build(ctx context.Context, dir, out string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", out}, args...)...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build, to be run in the directory of the module: %w\n%s", err, text)
	}
	return nil
}

// set is what was composed.
type set struct {
	records int
	bytes   int64
}

// compose writes objects of joined records of all event families. It holds little in
// memory: what this process has, Linux counts as used by those it starts.
func compose(dir string, objects, distinct int, size int64) (set, error) {
	var all set
	if err := os.Mkdir(dir, 0o777); err != nil {
		return all, err
	}
	path := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%06d.ndjson", i)) }
	kinds := make([]set, min(objects, distinct))
	for i := range objects {
		kind := &kinds[i%len(kinds)]
		err := write(path(i), func(w *bufio.Writer) (err error) {
			if i < len(kinds) {
				*kind, err = records(w, uint64(i), size)
				return err
			}
			return copyFile(w, path(i%len(kinds)))
		})
		if err != nil {
			return all, err
		}
		all.records += kind.records
		all.bytes += kind.bytes
	}
	return all, nil
}

func write(path string, fill func(w *bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 256<<10)
	return errors.Join(fill(w), w.Flush(), f.Close())
}

func records(w *bufio.Writer, seed uint64, size int64) (s set, err error) {
	g := asagen.New(seed+1, asagen.Options{})
	var line []byte
	for ; s.bytes < size && err == nil; s.records++ {
		line = append(g.Next(line[:0]), '\n')
		s.bytes += int64(len(line))
		_, err = w.Write(line)
	}
	return s, err
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// cost is what a process took.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // the most memory at a time, in bytes
}

func measure(ctx context.Context, cores int, args []string) (cost, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	c := cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.rss = usage.Maxrss << 10 // Linux counts in KiB
	}
	return c, nil
}

// hash answers the sum of the events: of one file, or of one for each object in the
// order of their names.
func hash(out string, many bool) (string, error) {
	names := []string{filepath.Join(out, "all")}
	if many {
		var err error
		if names, err = filepath.Glob(filepath.Join(out, "*.udm.ndjson")); err != nil {
			return "", err
		}
	}
	h := sha256.New()
	for _, name := range names {
		if err := copyFile(h, name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// table prints medians, and ratios to the first program that has as many processors.
func table(w io.Writer, all []variant, costs [][]cost, s set) {
	median := func(i int, of func(cost) float64) float64 {
		var list []float64
		for _, c := range costs[i] {
			list = append(list, of(c))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	wall := func(c cost) float64 { return c.wall.Seconds() }
	cpu := func(c cost) float64 { return c.cpu.Seconds() }
	rss := func(c cost) float64 { return float64(c.rss) / (1 << 20) }
	fmt.Fprintln(w, "| | processors | records/s | MB/s | CPU µs per record | peak MiB | × time | × CPU |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|")
	first := make(map[int]int)
	for i, v := range all {
		if _, ok := first[v.cores]; !ok {
			first[v.cores] = i
		}
		base := first[v.cores]
		fmt.Fprintf(w, "| %s | %d | %.0f | %.0f | %.2f | %.0f | %.2f | %.2f |\n", v.name, v.cores,
			float64(s.records)/median(i, wall), float64(s.bytes)/1e6/median(i, wall),
			median(i, cpu)*1e6/float64(s.records), median(i, rss),
			median(i, wall)/median(base, wall), median(i, cpu)/median(base, cpu))
	}
}
