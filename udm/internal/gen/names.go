package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/asa2udm/asa2udm/udm/internal/keyhash"
)

// name is one spelling of the entry at index.
type name struct {
	text  string
	index int
}

// table is a perfect hash: every name has a slot of its own.
type table struct {
	seed  uint64
	shift uint8
	slots []byte // index+1
}

// layOut searches a seed that keeps all names apart, in the smallest table that
// has one. The search is seeded, so that the same names give the same table.
func layOut(names []name) (table, error) {
	const tries = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	for bits := uint8(1); bits <= 12; bits++ {
		if 1<<bits < len(names) {
			continue
		}
		for range tries {
			t := table{seed: random.Uint64() | 1, shift: 64 - bits, slots: make([]byte, 1<<bits)}
			if t.fill(names) {
				return t, nil
			}
		}
	}
	return table{}, errors.New("no perfect hash found for the names")
}

func (t *table) fill(names []name) bool {
	for _, n := range names {
		at := keyhash.Sum([]byte(n.text), t.seed, t.shift)
		if t.slots[at] != 0 {
			return false
		}
		t.slots[at] = byte(n.index + 1)
	}
	return true
}

// quote writes data as a Go string of hexadecimal escapes.
func quote(data []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range data {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	b.WriteByte('"')
	return b.String()
}
