package mapping

import (
	"fmt"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/common/types/ref"

	"github.com/asa2udm/asa2udm/udm"
)

// Parser is a compiled rule file. It never changes, and any number of goroutines
// may use it at once.
type Parser struct {
	plan     *plan
	ruleset  *Ruleset
	warnings ErrorList
	plain    bool
	pool     sync.Pool // of *Mapper, for Map
}

// Warnings answers what is odd about the rule file though it compiles, such as
// deprecated UDM fields.
func (p *Parser) Warnings() ErrorList { return p.warnings }

// Ruleset answers the rules as written, with those of extended files in place.
// It must not be changed.
func (p *Parser) Ruleset() *Ruleset { return p.ruleset }

// Map maps one record, a JSON object, and appends its UDM event to dst: compact
// JSON on one line, without a line end. Only a *Reject comes back as an error,
// and dst is then as it was. The record is neither kept nor changed. Map may be
// called by several goroutines at once; a loop over many records is faster with
// a Mapper of its own.
func (p *Parser) Map(dst, record []byte) ([]byte, error) {
	m := p.mapper()
	defer p.release(m)
	return m.Map(dst, record)
}

// mapper answers a Mapper that nobody uses, which has learned from what it was used
// for before.
func (p *Parser) mapper() *Mapper {
	if m, ok := p.pool.Get().(*Mapper); ok {
		return m
	}
	return p.NewMapper()
}

func (p *Parser) release(m *Mapper) {
	m.validator = nil
	p.pool.Put(m)
}

// Mapper maps records for one goroutine. It holds scratch memory that grows with
// the largest record it has seen; in a steady state it allocates nothing.
type Mapper struct {
	plan *plan

	rec     []byte     // the record at hand
	spans   []span     // where its values stand, by slot
	filled  bitset     // slots of the record itself that have, or had, something
	rows    []row      // the elements of arrays that rules loop over
	keyText []byte     // a key being decoded
	keys    []keyTable // by node id
	plain   bool       // take no fast path

	due       bitset // ops of rooted programs that can have something to write
	joints    joints
	dst       []byte    // the event being written
	texts     []byte    // decoded texts of this record
	seen      [][]byte  // values of the list at hand that may not repeat
	present   []truth   // by field id, whether the event has it
	decided   []int16   // by decision id, the arm that was picked, plus 2; 0 is not yet
	memos     []memo    // by decision id, answers of earlier records
	questions []byte    // of the decisions being looked up
	readings  []ref.Val // of variables that are kept for the record
	outcomes  []outcome // by memo id, of this record
	picks     []picks   // by memo id, of earlier records
	watch     *watch    // nil unless somebody watches

	validator *udm.Validator // is told of each value; nil unless events are checked
}

// truth is a memory of yes or no.
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

// NewMapper gives a Mapper for one goroutine.
func (p *Parser) NewMapper() *Mapper {
	pl := p.plan
	return &Mapper{
		plan:     pl,
		spans:    make([]span, pl.root.size),
		filled:   newBitset(int(pl.root.size)),
		due:      newBitset(pl.ops),
		joints:   newJoints(),
		keys:     newKeyTables(pl.root),
		plain:    p.plain,
		present:  make([]truth, pl.fields),
		decided:  make([]int16, len(pl.decisions)),
		memos:    make([]memo, len(pl.decisions)),
		outcomes: make([]outcome, pl.memos),
		picks:    make([]picks, pl.memos),
		readings: make([]ref.Val, pl.readings),
	}
}

// LongestRecord is how many bytes a record may have at most, whatever the options
// say: its offsets have to fit a span.
const LongestRecord = 1 << 29

// Map maps one record and appends its event to dst, as Parser.Map does.
func (m *Mapper) Map(dst, record []byte) ([]byte, error) {
	if r := m.scanRecord(record); r != nil {
		return dst, r
	}
	return m.finish(dst)
}

// scanRecord walks a record, which is then at hand for finish.
func (m *Mapper) scanRecord(record []byte) *Reject {
	if len(record) > LongestRecord {
		return &Reject{Code: CodeSize, Detail: fmt.Sprintf("the record has %d bytes, over the limit of %d", len(record), LongestRecord)}
	}
	m.rec = record
	r := m.scan()
	if r != nil {
		m.rec = nil
	}
	return r
}

// shareScan takes over the record that another mapper has walked. Both must
// look at records through the same layout.
func (m *Mapper) shareScan(o *Mapper) {
	m.rec = o.rec
	m.spans = append(m.spans[:0], o.spans...)
	m.rows = append(m.rows[:0], o.rows...)
	copy(m.filled, o.filled)
}

// begin forgets what was made of the record before, for an event behind dst, and
// finds the ops that can have something to write for the one at hand.
func (m *Mapper) begin(dst []byte) {
	m.dst, m.texts = dst, m.texts[:0]
	clear(m.present)
	clear(m.decided)
	clear(m.readings)
	clear(m.outcomes)
	m.findDue()
}

// finish appends the event of the record at hand to dst.
func (m *Mapper) finish(dst []byte) ([]byte, error) {
	m.begin(dst)
	if m.validator != nil {
		m.validator.Begin()
	}
	var err error
	if m.fieldState(m.plan.timestamp) == yes {
		m.run(m.plan.event, 0)
	} else {
		err = m.timestampReject()
	}
	out := m.dst
	m.rec, m.dst = nil, nil
	return out, err
}

// timestampReject says why the event has no time.
func (m *Mapper) timestampReject() *Reject {
	detail := "no rule gives metadata.event_timestamp"
	for _, st := range m.plan.timestamp.steps {
		for i, slot := range st.from.slots {
			if len(st.loops) > 0 {
				continue
			}
			if sp := &m.spans[slot]; sp.scalar() {
				return &Reject{Code: CodeTimestamp, Detail: fmt.Sprintf("%s: %q is no %s time%s",
					st.from.nodes[i].path, short(m.text(sp).bytes), st.from.timeName(), st.from.zoneHint())}
			}
			detail = fmt.Sprintf("%s: no timestamp", st.from.nodes[i].path)
		}
	}
	return &Reject{Code: CodeTimestamp, Detail: detail}
}

func (s *source) timeName() string {
	if s.time == "" || s.time == "rfc3339" {
		return "RFC 3339"
	}
	return s.time
}

func (s *source) zoneHint() string {
	if s.timeName() == "RFC 3339" {
		return " with a zone"
	}
	return ""
}

// short cuts a value that is quoted in a message.
func short(b []byte) []byte {
	const most = 64
	if len(b) <= most {
		return b
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return append(b[:cut:cut], "..."...)
}

// fieldState answers whether the event has a field. What it takes to know is
// done once per record: the field is written behind the event and taken off
// again.
func (m *Mapper) fieldState(f *field) truth {
	if s := m.present[f.id]; s != unknown {
		return s
	}
	state, mark := no, len(m.dst)
	if m.only(f) {
		state = yes
	}
	m.dst = m.dst[:mark]
	m.present[f.id] = state
	return state
}

// Reject says why a record has no event.
type Reject struct {
	Code   string // one of the Code constants
	Detail string // what is wrong and where, in one line
}

// Error answers code and detail in one line.
func (r *Reject) Error() string { return r.Code + ": " + r.Detail }

// The codes of rejected records.
const (
	CodeJSON      = "json"      // not strict JSON
	CodeObject    = "object"    // JSON, but no object
	CodeTimestamp = "timestamp" // no event time, or a bad one
	CodeSize      = "size"      // over the size limit
	CodeDepth     = "depth"     // containers nested too deep
)
