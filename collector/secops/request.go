package secops

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Limits of one request. Google names 4 MB for a request that is not compressed;
// a little is left for what a proxy or the server's own form may add. No limit of
// events is documented: a thousand keep it cheap to find one that is refused.
const (
	maxBytes  = 3_900_000
	maxEvents = 1000
)

// idLabel is the label by which a repeat of a raw line can be recognised.
const idLabel = "asa2udm_id"

// item is one event as it stands in a request.
type item struct {
	// index is its place in the batch, from 0: the line of the raw object or of its
	// UDM companion.
	index int
	id    string
	body  []byte // one element of the request's list
	event []byte // the line that it was made of
	// record is the raw line that a UDM event comes from, nil where that is not known.
	record []byte
}

// frame is what stands around the items of a request.
type frame struct{ head, tail []byte }

// plan is how a batch is pushed: the same one for the same batch and settings.
type plan struct {
	target string // the resource and its method
	frame  frame
	items  []item
	// large are those that no request can hold.
	large []item
	// cuts are where the requests begin, and the end.
	cuts []int
}

// body answers the request of items from to to.
func (p *plan) body(from, to int) []byte {
	b := make([]byte, 0, p.size(from, to))
	b = append(b, p.frame.head...)
	for i, it := range p.items[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, it.body...)
	}
	return append(b, p.frame.tail...)
}

func (p *plan) size(from, to int) int {
	n := len(p.frame.head) + len(p.frame.tail) + max(0, to-from-1)
	for _, it := range p.items[from:to] {
		n += len(it.body)
	}
	return n
}

// cut decides which items go together, by their order and size alone.
func (p *plan) cut() {
	around := len(p.frame.head) + len(p.frame.tail)
	fits := p.items[:0]
	for _, it := range p.items {
		if around+len(it.body) > maxBytes {
			p.large = append(p.large, it)
			continue
		}
		fits = append(fits, it)
	}
	p.items = fits
	size := 0
	for i, it := range p.items {
		if i == 0 || size+1+len(it.body) > maxBytes || i-p.cuts[len(p.cuts)-1] >= maxEvents {
			p.cuts, size = append(p.cuts, i), around-1
		}
		size += 1 + len(it.body)
	}
	p.cuts = append(p.cuts, len(p.items))
}

// logsFrame stands around raw lines.
func (c *Client) logsFrame() (frame, error) {
	f := frame{head: []byte(`{"inlineSource":{"logs":[`), tail: []byte(`]}}`)}
	if c.config.Forwarder != "" {
		name, err := json.Marshal(c.config.Instance.Name() + "/forwarders/" + c.config.Forwarder)
		if err != nil {
			return f, err
		}
		f.tail = fmt.Appendf(nil, `],"forwarder":%s}}`, name)
	}
	return f, nil
}

// eventsFrame stands around UDM events.
func eventsFrame() frame {
	return frame{head: []byte(`{"inlineSource":{"events":[`), tail: []byte(`]}}`)}
}

// planLogs pushes the raw lines of a batch. collected is when the batch was first
// about to be pushed, which is noted so that a repeat says the same.
func (s *Sink) planLogs(stored *collector.Stored, collected time.Time) (*plan, error) {
	around, err := s.Client.logsFrame()
	if err != nil {
		return nil, err
	}
	p := &plan{target: s.method(), frame: around}
	for i, line := range cutLines(stored.Raw) {
		r := s.Identify(line)
		r.Data = line
		id := recordID(s.Source, r)
		p.items = append(p.items, item{index: i, id: id.hex(), event: line, body: logItem(line, id.hex(), r.Time, collected)})
	}
	p.cut()
	return p, nil
}

// logItem is a raw line as logs:import takes it. Its collection time must be after
// its own time, which a clock that is ahead would not give.
func logItem(line []byte, id string, entry, collected time.Time) []byte {
	if entry.IsZero() {
		entry = collected
	}
	if !collected.After(entry) {
		collected = entry.Add(time.Millisecond)
	}
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(len(line))+220)
	b = append(b, `{"data":"`...)
	b = base64.StdEncoding.AppendEncode(b, line)
	b = append(b, `","logEntryTime":"`...)
	b = entry.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","collectionTime":"`...)
	b = collected.UTC().AppendFormat(b, time.RFC3339Nano)
	return fmt.Appendf(b, `","labels":{%q:{"value":%q}}}`, idLabel, id)
}

// planEvents pushes the UDM companion of a batch.
func (s *Sink) planEvents(sequence int64, stored *collector.Stored) (*plan, error) {
	p := &plan{target: s.method(), frame: eventsFrame()}
	events := cutLines(stored.UDM)
	records := pair(cutLines(stored.Raw), events, cutLines(stored.Rejects))
	for i, event := range events {
		if !json.Valid(event) || event[0] != '{' {
			return nil, fmt.Errorf("%w: line %d of the UDM of batch %d is no JSON object", collector.ErrForeign, i+1, sequence)
		}
		it := item{index: i, event: event}
		id := placeID(s.Source, sequence, i, event)
		if records != nil {
			it.record = records[i]
			r := s.Identify(it.record)
			r.Data = it.record
			id = recordID(s.Source, r)
		}
		it.body, it.id = eventItem(event, id.base64())
		p.items = append(p.items, it)
	}
	p.cut()
	return p, nil
}

// eventItem is a UDM event as events:import takes it, and the id that it then has.
func eventItem(event []byte, id string) (body []byte, has string) {
	udm, has := withID(event, id)
	return append(append([]byte(`{"udm":`), udm...), '}'), has
}

// cutLines cuts at newlines; the last line needs none.
func cutLines(b []byte) [][]byte {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	if len(b) == 0 {
		return nil
	}
	return bytes.Split(b, []byte{'\n'})
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
