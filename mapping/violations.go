package mapping

import (
	"slices"

	"github.com/asa2udm/asa2udm/udm"
)

// violations are those of the events of a batch, in the memory of the batch.
type violations struct {
	list   []udm.Violation
	events []violating
}

// violating is an event with violations, which end at an index of the list.
type violating struct {
	line int64
	end  int
}

// maxKeptViolations is up to how many the memory is used again.
const maxKeptViolations = 1 << 14

// add takes the violations of the event that a line gave.
func (v *violations) add(line int64, list []udm.Violation) {
	v.list = append(v.list, list...)
	v.events = append(v.events, violating{line, len(v.list)})
}

// each hands the violations on, event by event.
func (v *violations) each(take func(line int64, list []udm.Violation)) {
	start := 0
	for _, e := range v.events {
		take(e.line, slices.Clip(v.list[start:e.end]))
		start = e.end
	}
}

func (v *violations) reset() {
	if cap(v.list) > maxKeptViolations {
		*v = violations{}
	}
	v.list, v.events = v.list[:0], v.events[:0]
}
