package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"
)

// eventText is one JSON text of a file of events.
type eventText struct {
	line int64 // where it starts
	json []byte
	size int64 // of a text over the limit, of which json is only a part
}

// eventReader reads JSON texts, one a line. A line that holds nothing but an
// opening bracket starts a text written over several lines.
type eventReader struct {
	r     *bufio.Reader
	line  int64
	buf   []byte
	limit int
}

func newEventReader(r io.Reader, limit int) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// next answers the next text that is not blank, which is good until the call
// after it, and io.EOF behind the last.
func (e *eventReader) next() (eventText, error) {
	for {
		e.buf = e.buf[:0]
		size, err := e.readLine()
		if err != nil {
			return eventText{}, err
		}
		if e.line == 1 {
			e.buf = bytes.TrimPrefix(e.buf, []byte("\xef\xbb\xbf"))
		}
		text := eventText{line: e.line, size: size}
		switch trimmed := bytes.TrimSpace(e.buf); {
		case len(trimmed) == 0 && size == 0:
			continue
		case string(trimmed) == "{" || string(trimmed) == "[":
			if text.size, err = e.readRest(); err != nil && err != io.EOF {
				return eventText{}, err
			}
		}
		text.json = e.buf
		return text, nil
	}
}

// readLine adds one line to the buffer. Of a line over the limit only a part is
// kept; the answer is then its whole size.
func (e *eventReader) readLine() (tooLong int64, err error) {
	size := int64(0)
	for {
		part, err := e.r.ReadSlice('\n')
		size += int64(len(part))
		if tooLong == 0 && len(e.buf)+len(part) <= e.limit {
			e.buf = append(e.buf, part...)
		} else {
			tooLong = size
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (err != io.EOF || size == 0):
			return 0, err
		}
		e.line++
		return tooLong, nil
	}
}

// readRest reads lines until the brackets in the buffer are closed.
func (e *eventReader) readRest() (tooLong int64, err error) {
	var depth, done int
	quoted := false
	for {
		for ; done < len(e.buf); done++ {
			switch c := e.buf[done]; {
			case quoted && c == '\\':
				done++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			}
		}
		if depth <= 0 {
			return 0, nil
		}
		if tooLong, err = e.readLine(); err != nil || tooLong > 0 {
			return tooLong, err
		}
	}
}

// foundEvent is one event in a JSON text and the way to it.
type foundEvent struct {
	path string // "", or such as "events[2].udm"
	json []byte
}

// wrappers are the members under which Google SecOps and its tools hand out and
// take events.
var wrappers = []string{
	"udm", "events", "event", "idm", "readOnlyUdm", "read_only_udm", "inlineSource", "inline_source",
}

// maxWrapped bounds how deep wrappers stand in each other.
const maxWrapped = 8

// eventsIn finds the events in a text: the text itself, those of a list, or those
// below the members that wrap them.
func eventsIn(text []byte) []foundEvent {
	whole := []foundEvent{{json: text}}
	if isBareEvent(gjson.ParseBytes(text)) || !json.Valid(text) {
		return whole
	}
	return appendEvents(nil, gjson.ParseBytes(text), "", maxWrapped)
}

func isBareEvent(v gjson.Result) bool { return v.IsObject() && v.Get("metadata").Exists() }

func appendEvents(all []foundEvent, v gjson.Result, path string, depth int) []foundEvent {
	switch {
	case depth == 0:
	case v.IsArray():
		for i, element := range v.Array() {
			all = appendEvents(all, element, fmt.Sprintf("%s[%d]", path, i), depth-1)
		}
		return all
	case v.IsObject() && !isBareEvent(v):
		for _, name := range wrappers {
			if inner := v.Get(name); inner.IsObject() || inner.IsArray() {
				return appendEvents(all, inner, joinPath(path, name), depth-1)
			}
		}
	}
	return append(all, foundEvent{path, []byte(v.Raw)})
}

// joinPath puts name behind path. Either may be empty.
func joinPath(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}
