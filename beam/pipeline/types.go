package pipeline

import (
	"bytes"
	"io"
)

// typeCounter passes events on and counts their types.
type typeCounter struct {
	w     io.Writer
	key   []byte
	types map[string]*int64 // looking one up allocates nothing
}

func newTypeCounter(w io.Writer, jsonNames bool) *typeCounter {
	key := `"event_type":"`
	if jsonNames {
		key = `"eventType":"`
	}
	return &typeCounter{w: w, key: []byte(key), types: make(map[string]*int64)}
}

// Write takes whole lines, as mapping.Stream writes them.
func (c *typeCounter) Write(events []byte) (int, error) {
	n, err := c.w.Write(events)
	if err != nil {
		return n, err
	}
	for line := range bytes.Lines(events) {
		c.count(line)
	}
	return n, nil
}

// count finds the type of one event. metadata comes first in it, and inside of a text
// the quotes of the key would be escaped.
func (c *typeCounter) count(event []byte) {
	_, rest, ok := bytes.Cut(event, c.key)
	if !ok {
		return
	}
	end := bytes.IndexByte(rest, '"')
	if end <= 0 {
		return
	}
	n := c.types[string(rest[:end])]
	if n == nil {
		n = new(int64)
		c.types[string(rest[:end])] = n
	}
	*n++
}

// counts answers how many events there were of each type.
func (c *typeCounter) counts() map[string]int64 {
	counts := make(map[string]int64, len(c.types))
	for name, n := range c.types {
		counts[name] = *n
	}
	return counts
}
