package mapping

import (
	"encoding/binary"
	"math/bits"
)

// Records of one source have the same keys in much the same order. A Mapper
// therefore guesses, from the key at hand, which one comes next: if the bytes of
// the record are those of the guess, key and colon are read in one comparison.

// keyTable holds the keys that one Mapper has met in the objects at one node.
type keyTable struct {
	start   *keyEntry   // what comes before the first key
	unknown *keyEntry   // stands for every key not in the table
	slots   []*keyEntry // by hash of their key, a power of two of them
	learned int
}

// keyEntry is one key and what follows it.
type keyEntry struct {
	words [2]uint64 // the first bytes of the token, and where they count
	masks [2]uint64
	token string    // "key": as it stands in a record
	node  *node     // nil where no rule looks at the value
	next  *keyEntry // the entry guessed to come next
	key   string
}

// wordsLen is how many bytes the words of an entry hold.
const wordsLen = 16

func newKeyEntry(token, key string, n *node) *keyEntry {
	e := &keyEntry{token: token, key: key, node: n}
	for i := range min(len(token), wordsLen) {
		e.words[i/8] |= uint64(token[i]) << (i % 8 * 8)
		e.masks[i/8] |= 0xff << (i % 8 * 8)
	}
	return e
}

// standsAt reports whether the key at i is that of the entry. Most keys are
// short, and then it does without a loop or a call.
func (e *keyEntry) standsAt(rec []byte, i int) bool {
	if len(rec)-i < wordsLen || len(e.token) > wordsLen {
		return len(rec)-i >= len(e.token) && string(rec[i:i+len(e.token)]) == e.token
	}
	return (binary.LittleEndian.Uint64(rec[i:])^e.words[0])&e.masks[0]|
		(binary.LittleEndian.Uint64(rec[i+8:])^e.words[1])&e.masks[1] == 0
}

// A table learns keys that no rule looks at too, up to these bounds.
const (
	maxLearned    = 32
	maxLearnedKey = 64
)

// noToken is the token of those two: white space has been read over where a key
// is looked for.
const noToken = " "

// newKeyTables gives a Mapper its tables, one for each node of the layout.
func newKeyTables(l *layout) []keyTable {
	var tables []keyTable
	var visit func(n *node)
	visit = func(n *node) {
		for len(tables) <= int(n.id) {
			tables = append(tables, keyTable{})
		}
		t := keyTable{start: newKeyEntry(noToken, "", nil), unknown: newKeyEntry(noToken, "", nil)}
		t.start.next, t.unknown.next = t.unknown, t.unknown
		t.slots = make([]*keyEntry, 1<<bits.Len(uint(4*(len(n.keys.children)+maxLearned))))
		for _, c := range n.keys.children {
			t.add(c.key, c.node)
		}
		tables[n.id] = t
		for _, c := range n.keys.children {
			visit(c.node)
		}
		if n.list != nil {
			visit(n.list.node)
		}
	}
	visit(l.node)
	return tables
}

func (t *keyTable) add(key string, n *node) *keyEntry {
	e := newKeyEntry(`"`+string(quotedBody(key))+`":`, key, n)
	e.next = t.unknown
	at := t.hash([]byte(key))
	for t.slots[at] != nil {
		at = (at + 1) & (len(t.slots) - 1)
	}
	t.slots[at] = e
	return e
}

// hash answers the slot where the search for a key begins.
func (t *keyTable) hash(key []byte) int {
	if len(key) == 0 {
		return 0
	}
	h := len(key)*131 + int(key[0])*31 + int(key[len(key)/2])*17 + int(key[len(key)-1])*7
	return h & (len(t.slots) - 1)
}

// find answers the entry of a key. A plain key, one without escapes, is learned
// when it is new.
func (t *keyTable) find(key []byte, plain bool) *keyEntry {
	for at := t.hash(key); t.slots[at] != nil; at = (at + 1) & (len(t.slots) - 1) {
		if e := t.slots[at]; e.key == string(key) {
			return e
		}
	}
	if !plain || t.learned >= maxLearned || len(key) > maxLearnedKey {
		return t.unknown
	}
	t.learned++
	return t.add(string(key), nil)
}
