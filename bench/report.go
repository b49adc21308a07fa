package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that was measured.
type report struct {
	Date    string      `json:"date"`
	Machine string      `json:"machine"`
	Go      string      `json:"go"`
	Load    string      `json:"load_average_at_start"`
	Rounds  int         `json:"rounds"`
	Sets    []setResult `json:"sets"`
	Figures []figure    `json:"figures"`
	NoBento string      `json:"bento_not_built,omitempty"`
}

func newReport(c *config, b *built) *report {
	return &report{
		Date:    time.Now().UTC().Format(time.DateOnly),
		Machine: fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, processor()),
		Go:      runtime.Version(),
		Load:    load(),
		Rounds:  c.rounds,
		NoBento: b.noBento,
	}
}

// processor answers what the machine says its processor is.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func load() string {
	averages, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(averages), " ")
	return one
}

// write tells the report on stdout and in the files that were asked for.
func (r *report) write(c *config, stdout io.Writer) error {
	r.Figures = append(r.engineFigures(), r.Figures...)
	if c.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if c.md != "" {
		if err := os.WriteFile(c.md, []byte(r.markdown()), 0o644); err != nil {
			return err
		}
	}
	_, err := io.WriteString(stdout, r.text())
	return err
}

// engineFigures answers the aims that compare engines.
func (r *report) engineFigures() []figure {
	var all []figure
	for _, s := range r.Sets {
		ours := s.engine("asa2udm")
		add := func(name, what, aim string, met func(float64) bool, value func(*engineResult) float64) {
			if e := s.engine(name); ours != nil && e != nil {
				v := value(e)
				all = append(all, figure{fmt.Sprintf("%s (%s)", what, s.Name), aim, fmt.Sprintf("%.2f", v), met(v)})
			}
		}
		cpu := func(e *engineResult) float64 { return e.ToAsa2udm }
		add("plain-go", "times faster than plain Go, per core", "≥ 25", atLeast(25), cpu)
		add("bento-stream", "times faster than Bento's stream, per core", "≥ 50", atLeast(50), cpu)
		add("gjson.ValidBytes", "CPU time relative to gjson.ValidBytes", "≤ 1.0", atMost(1), func(e *engineResult) float64 { return 1 / e.ToAsa2udm })
		add("asa2udm-2", "two cores against one, by the clock", "≥ 1.85", atLeast(1.85), func(e *engineResult) float64 { return e.WallSpeedup })
	}
	return all
}

func atLeast(n float64) func(float64) bool { return func(v float64) bool { return v >= n } }
func atMost(n float64) func(float64) bool  { return func(v float64) bool { return v <= n } }

func (s *setResult) engine(name string) *engineResult {
	i := slices.IndexFunc(s.Engines, func(e engineResult) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Engines[i]
}

var (
	engineHeads = []string{"engine", "CPU µs/record", "lowest–highest", "wall µs/record", "× asa2udm", "× gjson.ValidBytes", "start ms", "peak MiB"}
	figureHeads = []string{"figure", "aim", "got", ""}
)

func (e *engineResult) cells() []string {
	return []string{e.Name, number(e.CPU), number(e.Lowest) + "–" + number(e.Highest), number(e.Wall), number(e.ToAsa2udm), number(e.ToValid),
		fmt.Sprintf("%.1f", e.Start), fmt.Sprintf("%.1f", float64(e.RSS)/(1<<20))}
}

func (f *figure) cells() []string {
	if f.Met {
		return []string{f.What, f.Aim, f.Got, "met"}
	}
	return []string{f.What, f.Aim, f.Got, "**not met**"}
}

// number writes a measured number with three digits or so.
func number(v float64) string {
	switch {
	case v == 0:
		return "–"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r *report) headline() string {
	return fmt.Sprintf("%s, %s, %s, %d rounds, load average %s at the start", r.Date, r.Machine, r.Go, r.Rounds, r.Load)
}

func (s *setResult) headline() string {
	return fmt.Sprintf("%s: %s; %d records, %d bytes each on average", s.Name, s.About, s.Records, s.Bytes/int64(s.Records))
}

func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.headline())
	if r.NoBento != "" {
		fmt.Fprintln(&b, "Bento could not be built and is left out:", r.NoBento)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	for _, s := range r.Sets {
		fmt.Fprintf(w, "\n%s\n", s.headline())
		row(engineHeads)
		for _, e := range s.Engines {
			row(e.cells())
		}
	}
	if len(r.Figures) > 0 {
		fmt.Fprintln(w)
		for _, f := range r.Figures {
			row(f.cells())
		}
	}
	_ = w.Flush() // into memory, which does not fail
	return b.String()
}

func (r *report) markdown() string {
	var b strings.Builder
	row := func(cells []string) { fmt.Fprintln(&b, "| "+strings.Join(cells, " | ")+" |") }
	table := func(heads []string) {
		row(heads)
		fmt.Fprintln(&b, "|"+strings.Repeat(" --- |", len(heads)))
	}
	fmt.Fprintln(&b, r.headline())
	if r.NoBento != "" {
		fmt.Fprintf(&b, "\nBento could not be built and is left out: %s\n", r.NoBento)
	}
	for _, s := range r.Sets {
		fmt.Fprintf(&b, "\n%s\n\n", s.headline())
		table(engineHeads)
		for _, e := range s.Engines {
			row(e.cells())
		}
	}
	if len(r.Figures) > 0 {
		fmt.Fprintln(&b)
		table(figureHeads)
		for _, f := range r.Figures {
			row(f.cells())
		}
	}
	return b.String()
}
