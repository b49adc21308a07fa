// Package asaref maps ASA audit records to UDM in plain Go: the table's rows as
// statements, with encoding/json and maps.
//
// It knows nothing of the rule language. Tests compare the mapper's answers with
// it, and benchmarks take it as what a parser written by hand would do.
package asaref

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
)

// Codes of records that are not mapped.
const (
	CodeJSON      = "json"      // not strict JSON
	CodeObject    = "object"    // JSON, but not an object
	CodeDepth     = "depth"     // nested too deep
	CodeSize      = "size"      // longer than the limit
	CodeTimestamp = "timestamp" // no timestamp, or a bad one
)

// MaxDepth is how many containers may be nested in a record, itself included.
const MaxDepth = 1000

// Rules chooses the variant of the mapping. Its zero value is the table as
// printed.
type Rules struct {
	// Corrected finds the platform of the client by whole words, as
	// asa-corrected.yaml does.
	Corrected bool
}

// Map maps one record by the table as printed.
func Map(record []byte) (event []byte, code string) { return Rules{}.Map(record) }

// Map maps one record to one UDM event, compact JSON without a newline. A record
// that has to be rejected gives a code and no event. It is safe for concurrent
// use.
func (r Rules) Map(record []byte) (event []byte, code string) {
	log, code := decode(record)
	if code != "" {
		return nil, code
	}
	when, ok := timestamp(text(log["timestamp"]))
	if !ok {
		return nil, CodeTimestamp
	}
	e := r.event(log)
	e.Metadata.EventTimestamp = when

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		// A struct of strings always encodes.
		return nil, CodeJSON
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), ""
}

func decode(record []byte) (log map[string]any, code string) {
	if deepest := depthFault(record); deepest >= 0 {
		return nil, codeOfDeep(record, deepest)
	}
	value, err := decodeAny(record)
	if err != nil {
		return nil, CodeJSON
	}
	log, ok := value.(map[string]any)
	if !ok {
		return nil, CodeObject
	}
	return log, ""
}

// decodeAny decodes one JSON text and keeps numbers as they are written.
func decodeAny(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("data after the JSON value")
	}
	return value, nil
}

// depthFault answers the offset of the first bracket that nests too deep, or -1.
func depthFault(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}

// codeOfDeep tells which fault of the text comes first, the bracket at offset
// deepest or a breach of the grammar before it.
func codeOfDeep(record []byte, deepest int) string {
	var fault *json.SyntaxError
	var raw json.RawMessage
	if errors.As(json.Unmarshal(record, &raw), &fault) && fault.Offset <= int64(deepest) {
		return CodeJSON
	}
	return CodeDepth
}

// Equal reports whether a and b are the same JSON value: the order of members
// and the spelling of strings do not matter, the text of numbers does.
func Equal(a, b []byte) bool {
	x, errX := decodeAny(a)
	y, errY := decodeAny(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}
