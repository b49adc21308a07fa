package mapping

// tally counts what a plan does with the records of one worker.
type tally struct {
	line   int64 // of the record at hand
	record int64 // number of the record at hand, from 1
	steps  []int64
	arms   []int64
	fields []int64 // by group of fields, records in which one has a value
	last   []int64 // record in which the group was counted last
	types  []int64
	unread map[*node]map[string]*UnreadCount
	names  int            // members in unread
	others int64          // members not in unread, because it is full
	seen   []*UnreadCount // members of the record at hand, which may yet be rejected
}

// maxUnread bounds the names of unread members that are kept apart.
const maxUnread = 10_000

// UnreadCount is how often a member of the records that no rule reads was seen.
type UnreadCount struct {
	Path    string // in the record, with [] for the elements of a list
	Count   int64
	Line    int64  // of the first record that has it
	Example string // its JSON there, cut after some bytes
}

func newTally(pl *plan) *tally {
	return &tally{
		steps: make([]int64, len(pl.steps)), arms: make([]int64, pl.arms),
		fields: make([]int64, len(pl.paths)), last: make([]int64, len(pl.paths)), types: make([]int64, len(pl.types)),
		unread: make(map[*node]map[string]*UnreadCount),
	}
}

func (t *tally) field(f *field) {
	if t.last[f.group] != t.record {
		t.last[f.group] = t.record
		t.fields[f.group]++
	}
}

func (t *tally) unreadMember(n *node, key, value []byte) {
	known := t.unread[n]
	if known == nil {
		known = make(map[string]*UnreadCount)
		t.unread[n] = known
	}
	c := known[string(key)]
	if c == nil {
		if t.names == maxUnread {
			t.others++
			return
		}
		t.names++
		c = &UnreadCount{Path: joinPath(n.path, string(key)), Line: t.line, Example: string(short(value))}
		known[string(key)] = c
	}
	t.seen = append(t.seen, c)
}

// recordDone counts what was seen of a record, if it has an event. A page is
// rejected as a record before its events are taken one by one.
func (t *tally) recordDone(rejected bool) {
	for _, c := range t.seen {
		if !rejected {
			c.Count++
		}
	}
	t.seen = t.seen[:0]
}
