package main

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"
)

// setResult is what was measured on one set of records.
type setResult struct {
	Name    string         `json:"name"`
	About   string         `json:"about"`
	Records int            `json:"records"`
	Bytes   int64          `json:"bytes"`
	Engines []engineResult `json:"engines"`
}

// engineResult is what was measured of one engine. CPU and Wall are medians over
// the rounds, in microseconds per record, without what the process takes to start
// and end, which is Start in milliseconds of CPU time. The ratios are medians of
// the ratios within a round.
type engineResult struct {
	Name        string  `json:"name"`
	About       string  `json:"about"`
	Cores       int     `json:"cores"`
	Records     int     `json:"records"`
	CPU         float64 `json:"cpu_us_per_record"`
	Lowest      float64 `json:"cpu_us_per_record_lowest"`
	Highest     float64 `json:"cpu_us_per_record_highest"`
	Wall        float64 `json:"wall_us_per_record"`
	Start       float64 `json:"start_cpu_ms"`
	RSS         int64   `json:"peak_rss_bytes"`
	ToAsa2udm   float64 `json:"cpu_ratio_to_asa2udm,omitempty"`
	ToValid     float64 `json:"cpu_ratio_to_gjson_valid,omitempty"`
	WallSpeedup float64 `json:"wall_speedup_over_asa2udm,omitempty"`
}

// timeEngines runs all engines in turn, round after round.
func timeEngines(ctx context.Context, s recordSet, engines []engine, rounds int, say func(string, ...any)) (setResult, error) {
	runs := make([]series, len(engines))
	for round := range rounds {
		say("%s records: round %d of %d", s.kind.name, round+1, rounds)
		for i, e := range engines {
			start, err := e.command(s.empty, os.DevNull).run(ctx)
			if err != nil {
				return setResult{}, err
			}
			full, err := e.command(e.sample(s).path, os.DevNull).run(ctx)
			if err != nil {
				return setResult{}, err
			}
			runs[i].start = append(runs[i].start, start)
			runs[i].full = append(runs[i].full, full)
		}
	}
	r := setResult{Name: s.kind.name, About: s.kind.about, Records: s.all.records, Bytes: s.all.bytes}
	for i, e := range engines {
		r.Engines = append(r.Engines, runs[i].result(e, e.sample(s).records))
	}
	compareTo(r.Engines, engines, runs, "asa2udm", func(e *engineResult, cpu, wall float64) {
		e.ToAsa2udm, e.WallSpeedup = cpu, 1/wall
	})
	compareTo(r.Engines, engines, runs, "gjson.ValidBytes", func(e *engineResult, cpu, _ float64) { e.ToValid = cpu })
	return r, nil
}

// sample answers the records that an engine gets.
func (e *engine) sample(s recordSet) sample {
	if e.slow {
		return s.tenth
	}
	return s.all
}

// series are the runs of one engine, by round.
type series struct {
	start []cost // over no records
	full  []cost
	cpu   []float64 // microseconds per record, without the start
	wall  []float64
}

func (s *series) result(e engine, records int) engineResult {
	startCPU := medianOf(s.start, cost.cpuSeconds)
	startWall := medianOf(s.start, cost.wallSeconds)
	r := engineResult{Name: e.name, About: e.about, Cores: e.cores, Records: records, Start: startCPU * 1e3}
	for _, c := range s.full {
		s.cpu = append(s.cpu, perRecord(c.cpuSeconds()-startCPU, records))
		s.wall = append(s.wall, perRecord(c.wallSeconds()-startWall, records))
		r.RSS = max(r.RSS, c.rss)
	}
	r.CPU, r.Wall = median(s.cpu), median(s.wall)
	r.Lowest, r.Highest = slices.Min(s.cpu), slices.Max(s.cpu)
	return r
}

// perRecord answers microseconds. Over few records a difference to the start may
// come out as nothing, or less; ratios need something.
func perRecord(seconds float64, records int) float64 {
	return max(seconds*1e6/float64(records), 1e-3)
}

// compareTo gives set the median ratios of each engine to the one called name.
func compareTo(results []engineResult, engines []engine, runs []series, name string, set func(e *engineResult, cpu, wall float64)) {
	base := slices.IndexFunc(engines, func(e engine) bool { return e.name == name })
	if base < 0 {
		return
	}
	for i := range results {
		set(&results[i], medianRatio(runs[i].cpu, runs[base].cpu), medianRatio(runs[i].wall, runs[base].wall))
	}
}

func (c cost) cpuSeconds() float64  { return c.cpu.Seconds() }
func (c cost) wallSeconds() float64 { return c.wall.Seconds() }

// medianOf answers the median of one side of some costs.
func medianOf(costs []cost, of func(cost) float64) float64 {
	var values []float64
	for _, c := range costs {
		values = append(values, of(c))
	}
	return median(values)
}

// medianRatio answers the median of the ratios of values of the same round.
func medianRatio(a, b []float64) float64 {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, a[i]/b[i])
	}
	return median(ratios)
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// leastWall answers the shortest time of some runs.
func leastWall(costs []cost) time.Duration {
	return slices.MinFunc(costs, func(a, b cost) int { return cmp.Compare(a.wall, b.wall) }).wall
}
