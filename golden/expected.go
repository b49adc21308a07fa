package golden

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/tidwall/gjson"
)

// outcome is one event or reject, expected or given, ready to be compared.
type outcome struct {
	line   int // of the expectation; 0 for a given one
	reject *reject
	leaves []leaf
	json   string
	rec    *record // nil for an expected one
}

// readFull reads a NAME.udm.json: events and rejects, one JSON object after the
// other, in the order of the input.
func readFull(name string) ([]outcome, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	var all []outcome
	for line, counted := 1, 0; ; {
		start := int(dec.InputOffset())
		start += len(text[start:]) - len(bytes.TrimLeft(text[start:], " \t\r\n"))
		line += bytes.Count(text[counted:start], []byte("\n"))
		counted = start
		var value json.RawMessage
		switch err := dec.Decode(&value); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, jsonError(name, text, line, err)
		}
		one, err := expectedOutcome(value)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		one.line = line
		all = append(all, one)
	}
}

// jsonError says in which line the JSON is broken. line is where the value
// starts.
func jsonError(name string, text []byte, line int, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at := min(int(syntax.Offset), len(text))
		line = 1 + bytes.Count(text[:at], []byte("\n"))
	}
	return fmt.Errorf("%s:%d: not JSON: %w", name, line, err)
}

func expectedOutcome(value []byte) (outcome, error) {
	v := gjson.ParseBytes(value)
	if !v.IsObject() {
		return outcome{}, errors.New("want an event or {\"reject\": ...}, got " + shortened(string(value)))
	}
	r := v.Get("reject")
	if !r.Exists() {
		return eventOutcome(value), nil
	}
	var want reject
	if err := json.Unmarshal([]byte(r.Raw), &want); err != nil || want.Error == "" {
		return outcome{}, errors.New(`a reject wants {"line": N, "error": CODE}, and "index" for a record of a page`)
	}
	return rejectOutcome(&want), nil
}

func eventOutcome(event []byte) outcome {
	v := gjson.ParseBytes(event)
	return outcome{leaves: leaves(v), json: canonical(v)}
}

func rejectOutcome(r *reject) outcome {
	text, _ := json.Marshal(map[string]any{"reject": r}) // numbers and texts have no error
	return outcome{reject: r, json: string(text)}
}

// given answers the outcome of a record.
func given(rec *record) outcome {
	var o outcome
	if rec.reject != nil {
		r := *rec.reject
		r.Line, r.Index = rec.line, rec.index
		o = rejectOutcome(&r)
	} else {
		o = eventOutcome(rec.event)
	}
	o.rec = rec
	return o
}

// maxShortened is how much of a value is shown in words.
const maxShortened = 60

func shortened(s string) string {
	if len(s) <= maxShortened {
		return s
	}
	return s[:maxShortened] + "..."
}

// indented writes outcomes as NAME.udm.json has them: indented by two, each text
// with as few escapes as JSON allows.
func indented(all []outcome) []byte {
	var b bytes.Buffer
	for _, o := range all {
		_ = json.Indent(&b, []byte(o.json), "", "  ") // what the mapper wrote is JSON
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func at(name string, line int) string { return name + ":" + strconv.Itoa(line) }
