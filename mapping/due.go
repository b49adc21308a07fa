package mapping

import "math/bits"

// Most places that rules look at are empty in most records. The walk notes the
// ones that are not, and from them follows which ops can have something to
// write; only those are run.

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (s bitset) add(i int) { s[i>>6] |= 1 << (i & 63) }

// due tells the ops of rooted programs that can have something to write.
type due struct {
	always bitset      // ops, whatever the record has
	first  []wordSet   // by slot of the record, ops if it has something
	more   [][]wordSet // and the rest of them, where they are in several words
	others bitset      // slots that have more
}

// wordSet is the part of a bitset that lies in one word.
type wordSet struct {
	word int
	bits uint64
}

// number gives the ops of p and of the programs in it their place among all ops
// of the plan. A rooted program begins with a word of its own.
func (pl *plan) number(p *program, rooted bool) {
	p.rooted = rooted
	pl.ops = (pl.ops + 63) &^ 63
	for i := range p.ops {
		p.ops[i].index = int32(pl.ops)
		pl.ops++
	}
	for i := range p.ops {
		o := &p.ops[i]
		if inner := o.element(); inner != nil {
			pl.number(inner, rooted && (o.step == nil || len(o.step.loops) == 0))
		}
	}
}

// element answers the program that writes the message of an op, or nil.
func (o *op) element() *program {
	if o.step == nil {
		return o.field.inner
	}
	return o.step.run
}

// findDue fills pl.due, once all ops are numbered.
func (pl *plan) findDue() {
	size := int(pl.root.size)
	pl.due = due{always: newBitset(pl.ops), first: make([]wordSet, size), more: make([][]wordSet, size), others: newBitset(size)}
	pl.due.program(pl.event, nil)
}

// program adds the ops of a rooted program; around are the ops that it is run by.
func (d *due) program(p *program, around []*op) {
	for i := range p.ops {
		o := &p.ops[i]
		all := append(around[:len(around):len(around)], o)
		inner := o.element()
		switch {
		case o.step != nil && len(o.step.loops) > 0:
			d.slot(o.step.loops[0].list, all)
		case inner != nil:
			d.program(inner, all)
		case len(o.step.from.slots) == 0:
			for _, o := range all {
				d.always.add(int(o.index))
			}
		}
		if inner == nil && len(o.step.loops) == 0 {
			for _, slot := range o.step.from.slots {
				d.slot(slot, all)
			}
		}
	}
}

// slot notes that ops may have something to write if a slot has.
func (d *due) slot(slot int32, ops []*op) {
	for _, o := range ops {
		word, bit := int(o.index>>6), uint64(1)<<(o.index&63)
		if first := &d.first[slot]; first.bits == 0 || first.word == word {
			first.word = word
			first.bits |= bit
			continue
		}
		d.others.add(int(slot))
		d.more[slot] = append(d.more[slot], wordSet{word, bit})
	}
}

// findDue fills m.due from what the walk has found.
func (m *Mapper) findDue() {
	d := &m.plan.due
	copy(m.due, d.always)
	for k, word := range m.filled {
		several := word & d.others[k]
		for ; word != 0; word &= word - 1 {
			s := &d.first[k<<6|bits.TrailingZeros64(word)]
			m.due[s.word] |= s.bits
		}
		for ; several != 0; several &= several - 1 {
			for _, s := range d.more[k<<6|bits.TrailingZeros64(several)] {
				m.due[s.word] |= s.bits
			}
		}
	}
}
