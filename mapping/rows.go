package mapping

// rows goes over the elements of an array that a rule loops over. Most have
// their slots filled by the walk already; those past the limit are read now, one
// at a time.
type rows struct {
	m      *Mapper
	layout *layout
	at     int32 // of the next row, plus 1; 0 at the end
	mark   int   // length of m.spans before rows were read again; -1 until then
	marked int   // and of m.rows
	offset int   // of the next element to be read again; 0 while there is none

	frame int // of the element at hand
	index int // its position in the array
}

func (m *Mapper) rowsOf(frame int, l *loop) rows {
	r := rows{m: m, layout: l.node.list, mark: -1}
	if sp := &m.spans[frame+int(l.list)]; sp.kind == spanArray {
		r.at = sp.rows
	}
	return r
}

// next goes to the next element and reports whether there is one.
func (r *rows) next() bool {
	if r.offset > 0 {
		return r.reread()
	}
	if r.at == 0 {
		return false
	}
	row := r.m.rows[r.at-1]
	if row.frame == rowResume {
		r.mark, r.marked = len(r.m.spans), len(r.m.rows)
		r.offset, r.index = int(row.next), int(row.index)-1
		return r.reread()
	}
	r.at, r.frame, r.index = row.next, int(row.frame), int(row.index)
	return true
}

// reread fills the slots of the element at r.offset. The array is known to be
// good JSON.
func (r *rows) reread() bool {
	m := r.m
	if byteAt(m.rec, r.offset) == ']' {
		return false
	}
	m.spans, m.rows = m.spans[:r.mark], m.rows[:r.marked]
	r.frame = m.newFrame(r.layout)
	r.index++
	watched := m.watch
	m.watch = nil // it has been told of the members, see passOver
	end := space(m.rec, m.value(r.layout.node, r.frame, r.offset, 1))
	m.watch = watched
	if byteAt(m.rec, end) == ',' {
		end = space(m.rec, end+1)
	}
	r.offset = end
	return true
}

// close gives back the slots of elements that were read again.
func (r *rows) close() {
	if r.mark >= 0 {
		r.m.spans, r.m.rows = r.m.spans[:r.mark], r.m.rows[:r.marked]
	}
}
