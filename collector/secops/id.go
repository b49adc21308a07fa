package secops

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/collector"
)

// idBytes is the length of an id. 24 bytes need no padding in base64.
const idBytes = 24

// eventID is an id by which a repeat of an event can be recognised.
type eventID [idBytes]byte

// base64 is the form of metadata.id, which is of the type bytes.
func (id eventID) base64() string { return base64.StdEncoding.EncodeToString(id[:]) }

// hex is the form of a label's value.
func (id eventID) hex() string { return hex.EncodeToString(id[:]) }

// recordID makes an id of what an entry of a log is by itself: the same one
// collected again, in another batch or at another place, has the same id.
func recordID(source string, r collector.Record) eventID {
	return sum("record", []byte(source), []byte(r.ID), r.Data)
}

// placeID makes an id of where an event stands in the spool, for events of which
// it is not known from which record they come.
func placeID(source string, sequence int64, index int, event []byte) eventID {
	place := binary.BigEndian.AppendUint64(nil, uint64(sequence))
	return sum("place", []byte(source), binary.BigEndian.AppendUint64(place, uint64(index)), event)
}

// sum hashes parts, each with its length, so that no two lists of parts are alike.
func sum(kind string, parts ...[]byte) (id eventID) {
	h := sha256.New()
	for _, p := range append([][]byte{[]byte("asa2udm/" + kind)}, parts...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	copy(id[:], h.Sum(nil))
	return id
}

// withID puts an id, in base64, into the metadata of an event, which must be valid
// JSON. An event that has one keeps it. It answers the id that the event then has.
func withID(event []byte, id string) (out []byte, has string) {
	member := append(append([]byte(`"id":`), quoted(id)...), '}')
	metadata := gjson.GetBytes(event, "metadata")
	if !metadata.IsObject() || metadata.Index == 0 {
		return insert(event, bytes.IndexByte(event, '{'), append([]byte(`"metadata":{`), member...)), id
	}
	if own := metadata.Get("id"); own.Exists() {
		return event, own.String()
	}
	return insert(event, metadata.Index, member[:len(member)-1]), id
}

// quoted is an id as a JSON string. One that the rules have set may hold anything.
func quoted(id string) []byte {
	text, err := json.Marshal(id)
	if err != nil {
		return []byte(`""`) // there is no string that cannot be written
	}
	return text
}

// insert puts a member right behind the brace at a place.
func insert(object []byte, brace int, member []byte) []byte {
	rest := object[brace+1:]
	out := make([]byte, 0, len(object)+len(member)+1)
	out = append(append(out, object[:brace+1]...), member...)
	if first := bytes.TrimLeft(rest, " \t"); len(first) > 0 && first[0] != '}' {
		out = append(out, ',')
	}
	return append(out, rest...)
}

// pair tells from which record each event comes. A record gives one event or one
// reject, in order; nil is answered where the numbers do not agree.
func pair(raw, udm, rejects [][]byte) [][]byte {
	rejected := make(map[int64]bool, len(rejects))
	for _, r := range rejects {
		rejected[gjson.GetBytes(r, "line").Int()] = true
	}
	if len(raw)-len(rejects) != len(udm) || len(rejected) != len(rejects) {
		return nil
	}
	var kept [][]byte
	for i, line := range raw {
		if !rejected[int64(i+1)] {
			kept = append(kept, line)
		}
	}
	if len(kept) != len(udm) {
		return nil
	}
	return kept
}
