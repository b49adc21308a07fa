// Package asagen composes ASA audit records for tests and benchmarks: joined
// records of every event family, pages, and lines that try to break a reader.
//
// The same seed and options give the same bytes.
package asagen

import "math/rand/v2"

// Options chooses what a Generator composes. The zero value is plain records,
// the keys of one event type always in the same order.
type Options struct {
	// Shuffle puts the keys of every object in random order and adds fields that
	// are seldom seen.
	Shuffle bool
	// Hostile bends records: wrong types, repeated and escaped keys, odd numbers,
	// times and texts, deep nesting, broken JSON.
	Hostile bool
}

// Generator composes records. It is not safe for concurrent use.
type Generator struct {
	opts Options
	*rand.Rand
	serial int
}

// New answers a Generator whose records depend on seed and opts alone.
func New(seed uint64, opts Options) *Generator {
	return &Generator{opts: opts, Rand: rand.New(rand.NewPCG(seed, 0x5ca1ef7))}
}

// Next appends one line without its newline. With Hostile it may be anything but
// a line break, plain options give a joined record.
func (g *Generator) Next(dst []byte) []byte {
	record := g.record(joined{g})
	if g.opts.Shuffle {
		record = g.rare(record)
		g.shuffle(record)
	}
	if !g.opts.Hostile {
		return appendJSON(dst, record)
	}
	return g.hostileLine(dst, record)
}

// pick answers one of the choices.
func pick[T any](g *Generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// chance is true in percent of the calls.
func (g *Generator) chance(percent int) bool { return g.IntN(100) < percent }

// shuffle reorders the members of all objects below v.
func (g *Generator) shuffle(v any) {
	switch v := v.(type) {
	case *object:
		g.Rand.Shuffle(len(v.members), func(i, j int) {
			v.members[i], v.members[j] = v.members[j], v.members[i]
		})
		for _, m := range v.members {
			g.shuffle(m.value)
		}
	case []any:
		for _, element := range v {
			g.shuffle(element)
		}
	}
}

// rare adds fields that a reader has not learned to expect.
func (g *Generator) rare(record *object) *object {
	for range g.IntN(3) {
		record.set(g.word()+"_"+g.word(), g.anything(2))
	}
	if details, ok := record.get("details").(*object); ok {
		for range g.IntN(4) {
			details.set("x_"+g.word(), g.anything(2))
		}
	}
	return record
}

// anything answers a random JSON value, nested at most depth levels.
func (g *Generator) anything(depth int) any {
	switch n := g.IntN(9); {
	case n == 0:
		return nil
	case n == 1:
		return g.chance(50)
	case n == 2:
		return literal(pick(g, "0", "-1", "42", "1.50", "6.02e23", "12345678901234567890"))
	case n < 6 || depth == 0:
		return g.sentence()
	case n == 6:
		return []any{g.anything(depth - 1), g.anything(depth - 1)}
	case n == 7:
		return []any{}
	}
	o := new(object)
	for range g.IntN(3) + 1 {
		o.set(g.word(), g.anything(depth-1))
	}
	return o
}
