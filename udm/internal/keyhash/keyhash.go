// Package keyhash is the hash behind the name tables of package udm. The
// generator that lays the tables out and the code that reads them must agree on
// it to the bit, so it lives apart from both.
package keyhash

import (
	"encoding/binary"
	"math/bits"
)

// Sum hashes key to a number of 64-shift bits; seed must be odd. It reads the
// first and the last eight bytes only, which tells all names of one message or
// enum apart; the generator refuses a table where it does not.
func Sum(key []byte, seed uint64, shift uint8) uint64 {
	head, tail := ends(key)
	mixed := head ^ bits.RotateLeft64(tail, 29) + uint64(len(key))<<57
	return mixed * seed >> (shift & 63)
}

// ends returns the first and the last bytes of key; in a short key they overlap.
func ends(key []byte) (head, tail uint64) {
	n := len(key)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(key)), uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		return uint64(key[0]) | uint64(key[n/2])<<8, uint64(key[n-1])
	}
	return 0, 0
}
