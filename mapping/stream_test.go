package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/udm"
)

// streamRules keep the number of each record, so that a test can see which came
// out where.
const streamRules = `log_type: X
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {from: n, to: metadata.product_log_id}
  - {from: details.host.name, to: target.hostname}
event_type: GENERIC_EVENT
`

const streamTime = `"t":"2026-01-02T03:04:05Z"`

// goodRecord answers a record that the rules map, without its line end.
func goodRecord(n int) string { return fmt.Sprintf(`{%s,"n":%d}`, streamTime, n) }

func compileText(tb testing.TB, src string) *Parser {
	tb.Helper()
	p, err := Compile("rules.yaml", []byte(src), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// streamed is what became of an input.
type streamed struct {
	Events  []string // the numbers of the records mapped
	Rejects []string // "line index error raw", index only in pages
	Stats   Stats
}

func runStream(t *testing.T, p *Parser, r io.Reader, opts StreamOptions) (streamed, error) {
	t.Helper()
	var events, rejects bytes.Buffer
	opts.Rejects = &rejects
	stats, err := Stream(t.Context(), p, r, &events, opts)
	got := streamed{Stats: stats}
	for _, line := range lines(events.Bytes()) {
		if !json.Valid(line) {
			t.Errorf("event is not JSON: %s", line)
		}
		got.Events = append(got.Events, gjson.GetBytes(line, "metadata.product_log_id").String())
	}
	for _, line := range lines(rejects.Bytes()) {
		got.Rejects = append(got.Rejects, rejectText(t, line))
	}
	return got, err
}

func rejectText(t *testing.T, line []byte) string {
	t.Helper()
	if !json.Valid(line) {
		t.Errorf("reject is not JSON: %s", line)
	}
	r := gjson.ParseBytes(line)
	text := r.Get("line").String()
	if index := r.Get("index"); index.Exists() {
		text += " [" + index.String() + "]"
	}
	text += " " + r.Get("error").String()
	if r.Get("truncated").Bool() {
		text += " of " + r.Get("size").String()
	}
	if raw := r.Get("raw_base64"); raw.Exists() {
		return text + " base64 " + raw.String()
	}
	return text + " " + r.Get("raw").String()
}

// indented answers a page written over several lines.
func indented(numbers ...int) string {
	var events []string
	for _, n := range numbers {
		events = append(events, fmt.Sprintf(`{%s, "n": %d, "details": {"host": "key %d"}}`, streamTime, n, n))
	}
	text := fmt.Sprintf(`{"list": [%s], "related_objects": {"key 1": {"type": "server", "object": {"name": "one"}}}}`, strings.Join(events, ", "))
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		panic(err)
	}
	return out.String()
}

func compact(page string) string {
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(page)); err != nil {
		panic(err)
	}
	return out.String()
}

// streamCases are inputs and what becomes of them with records of 600 bytes at
// most.
var streamCases = []struct {
	name, in string
	events   string // numbers of the records mapped
	rejects  []string
	lines    int64
	blank    int64
}{
	{name: "nothing"},
	{name: "byte order mark alone", in: "\ufeff"},
	{name: "half a byte order mark", in: "\xef\xbb", rejects: []string{"1 json base64 77s="}, lines: 1},
	{name: "a record", in: goodRecord(1) + "\n", events: "1", lines: 1},
	{name: "last line without newline", in: goodRecord(1) + "\n" + goodRecord(2), events: "1 2", lines: 2},
	{name: "carriage returns", in: goodRecord(1) + "\r\n" + goodRecord(2) + "\r\n", events: "1 2", lines: 2},
	{name: "carriage return at the end", in: goodRecord(1) + "\r", events: "1", lines: 1},
	{name: "blank lines count", in: "\n \t\r\n" + goodRecord(1) + "\n\n{\n", events: "1", rejects: []string{"5 json {"}, lines: 5, blank: 3},
	{name: "byte order mark", in: "\ufeff" + goodRecord(1) + "\n", events: "1", lines: 1},
	{name: "byte order mark and blank line", in: "\ufeff\n" + goodRecord(1) + "\n", events: "1", lines: 2, blank: 1},
	{name: "byte order mark in line 2", in: "\n\ufeff" + goodRecord(1) + "\n", rejects: []string{"2 json \ufeff" + goodRecord(1)}, lines: 2, blank: 1},
	{name: "two byte order marks", in: "\ufeff\ufeff{}\n", rejects: []string{"1 json \ufeff{}"}, lines: 1},
	{name: "bad lines cost no neighbour", in: "[1]\n" + goodRecord(1) + "\n{\"t\":1}\n\x00\n" + goodRecord(2) + "\n\"\xff\"\n",
		events: "1 2", rejects: []string{"1 object [1]", `3 timestamp {"t":1}`, "4 json \x00", "6 object base64 Iv8i"}, lines: 6},
	{name: "a line as long as the limit", in: padded(600) + "\n" + padded(600) + "\r\n" + goodRecord(1), events: "0 0 1", lines: 3},
	{name: "a line over the limit", in: goodRecord(1) + "\n" + padded(601) + "\n" + goodRecord(2) + "\n",
		events: "1 2", rejects: []string{"2 size of 601 " + padded(601)}, lines: 3},
	{name: "the last line over the limit", in: goodRecord(1) + "\n" + padded(601), events: "1", rejects: []string{"2 size of 601 " + padded(601)}, lines: 2},
	{name: "a long line is cut", in: strings.Repeat("é", 1000) + "\n" + goodRecord(1), events: "1",
		rejects: []string{"1 size of 2000 " + strings.Repeat("é", 512)}, lines: 2},
	{name: "lines over the limit in a row", in: strings.Repeat(padded(700)+"\n", 3), lines: 3,
		rejects: []string{"1 size of 700 " + padded(700), "2 size of 700 " + padded(700), "3 size of 700 " + padded(700)}},

	{name: "page on one line", in: compact(indented(1, 2)) + "\n" + goodRecord(3), events: "1 2 3", lines: 2},
	{name: "indented page", in: indented(1) + "\n" + goodRecord(3), events: "1 3", lines: 20},
	{name: "indented page with carriage returns", in: strings.ReplaceAll(indented(1), "\n", "\r\n"), events: "1", lines: 19},
	{name: "indented pages in a row", in: "\ufeff" + indented(1) + "\n" + indented(2) + "\n" + goodRecord(3), events: "1 2 3", lines: 39},
	{name: "page that ends where the next begins", in: indented(1) + indented(2) + "\n" + goodRecord(3), events: "1 2 3", lines: 38},
	{name: "page opened on a line of its own", in: "{\n\n\n" + indented(1)[1:], events: "1", lines: 22},
	{name: "empty page", in: `{"list":[],"related_objects":null}` + "\n" + goodRecord(1), events: "1", lines: 2},
	{name: "reject in a page", in: goodRecord(1) + "\n" + `{"list":[` + goodRecord(2) + `,{"n":3},4]}` + "\n", events: "1 2",
		rejects: []string{`2 [1] timestamp {"n":3}`, "2 [2] object 4"}, lines: 2},
	{name: "reject in an indented page", in: "\n{\"list\":\n[{\"n\":\n3}]}\n" + goodRecord(1), events: "1",
		rejects: []string{`2 [0] timestamp {"n":3}`}, lines: 5, blank: 1},
	{name: "backslashes and quotes in a page", in: "{\n\"list\":[" + `{"n":1,` + streamTime + `,"x":"\"]}\\"}` + "\n]\n}\n", events: "1", lines: 4},
	{name: "cut page before a good line", in: "{\"list\":[\n" + goodRecord(1) + ",\n" + goodRecord(2) + "\n", events: "2",
		rejects: []string{`1 json {"list":[`, "2 json " + goodRecord(1) + ","}, lines: 3},
	{name: "cut page before a whole one", in: "{\n\"list\": [\n" + indented(1), events: "1",
		rejects: []string{"1 json {", `2 json "list": [`}, lines: 21},
	{name: "cut page whose brackets close later", in: "{\"list\":[\n" + goodRecord(1) + "\n{}]}\n", events: "1",
		rejects: []string{`1 json {"list":[`, "3 json {}]}"}, lines: 3},
	{name: "page cut in a text", in: "{\"list\":[\"a\n" + goodRecord(1) + "\n", events: "1", rejects: []string{`1 json {"list":["a`}, lines: 2},
	{name: "page over the limit", in: "{\"list\":[\n" + padded(400) + ",\n" + padded(400) + "\n]}\n", events: "0",
		rejects: []string{`1 json {"list":[`, "2 json " + padded(400) + ",", "4 json ]}"}, lines: 4},
	{name: "record over several lines", in: "{\n\"t\":1}\n", rejects: []string{"1 json {", `2 json "t":1}`}, lines: 2},
	{name: "brackets only", in: "{\"list\":[\n{\"list\":[\n]\n]\n", lines: 4,
		rejects: []string{`1 json {"list":[`, `2 json {"list":[`, "3 json ]", "4 json ]"}},
	{name: "a list that is no page", in: `{"list":[1],"id":2}` + "\n", rejects: []string{`1 timestamp {"list":[1],"id":2}`}, lines: 1},
}

// padded answers record 0 in so many bytes.
func padded(size int) string {
	r := goodRecord(0)
	return r[:len(r)-1] + strings.Repeat(" ", size-len(r)) + "}"
}

func TestStream(t *testing.T) {
	p := compileText(t, streamRules)
	for _, tc := range streamCases {
		t.Run(tc.name, func(t *testing.T) {
			got, err := runStream(t, p, strings.NewReader(tc.in), StreamOptions{MaxRecord: 600, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(tc.events), slices.Clone(got.Events), cmp.Transformer("text", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.rejects, got.Rejects); diff != "" {
				t.Errorf("rejects (-want +got):\n%s", diff)
			}
			s := got.Stats
			if s.Lines != tc.lines || s.Blank != tc.blank || s.Records != s.Events+s.Rejected || s.Events != int64(len(got.Events)) || s.Rejected != int64(len(got.Rejects)) {
				t.Errorf("got %+v, want %d lines, %d blank, and what was written", s, tc.lines, tc.blank)
			}
			if bom := len(tc.in) - len(strings.TrimPrefix(tc.in, "\ufeff")); s.BytesIn != int64(len(tc.in)-bom) {
				t.Errorf("got %d bytes in, want %d", s.BytesIn, len(tc.in)-bom)
			}
		})
	}
}

// chunks reads in pieces of random size, and sometimes nothing.
type chunks struct {
	r   io.Reader
	rnd *rand.Rand
	max int
}

func (c *chunks) Read(b []byte) (int, error) {
	return c.r.Read(b[:min(len(b), c.rnd.IntN(c.max))])
}

// TestStreamReads checks that the answer does not depend on how the input comes.
func TestStreamReads(t *testing.T) {
	p := compileText(t, streamRules)
	cases := map[string]string{}
	all := ""
	for _, tc := range streamCases {
		cases[tc.name] = tc.in
		all += strings.TrimPrefix(tc.in, "\ufeff") + "\n"
	}
	cases["all of them"] = all
	cases["generated"] = string(asagen.New(1, asagen.Options{Hostile: true}).File(nil, 30))
	readers := map[string]func(io.Reader) io.Reader{
		"one byte":        iotest.OneByteReader,
		"half":            iotest.HalfReader,
		"end with data":   iotest.DataErrReader,
		"one byte, ended": func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
	}
	for seed := range uint64(8) {
		readers[fmt.Sprintf("random %d", seed)] = func(r io.Reader) io.Reader {
			return &chunks{r, rand.New(rand.NewPCG(seed, 0)), 2 + int(seed*seed)*7}
		}
	}
	for name, in := range cases {
		for _, limit := range []int{1, 17, 600, 5000} {
			want, err := runStream(t, p, strings.NewReader(in), StreamOptions{MaxRecord: limit, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			for how, reader := range readers {
				got, err := runStream(t, p, reader(strings.NewReader(in)), StreamOptions{MaxRecord: limit, Workers: 3})
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("%s, limit %d, read by %s: %v (-whole +pieces):\n%s", name, limit, how, err, diff)
				}
			}
		}
	}
}

// TestStreamPageAtBufferEnd cuts a page at every byte of a read, escapes among
// them.
func TestStreamPageAtBufferEnd(t *testing.T) {
	p := compileText(t, streamRules)
	in := "{\n  \"list\": [\n{\"n\": 1, \"x\": \"\\\\\\\"\\u0041]\", " + streamTime + "}\n], \"related_objects\": {}\n}\n"
	for cut := range len(in) {
		got, err := runStream(t, p, io.MultiReader(strings.NewReader(in[:cut]), strings.NewReader(in[cut:])), StreamOptions{})
		if err != nil || len(got.Events) != 1 || len(got.Rejects) != 0 {
			t.Fatalf("cut at %d: got %v, %v", cut, got, err)
		}
	}
}

// TestStreamCutPages checks that a page is found behind any number of pages that
// were cut short.
func TestStreamCutPages(t *testing.T) {
	p := compileText(t, streamRules)
	for _, cut := range []int{1, 2, 8, 50, 5000} {
		in := strings.Repeat("{\n  \"list\": [\n", cut) + indented(1) + "\n" + goodRecord(2)
		got, err := runStream(t, p, strings.NewReader(in), StreamOptions{})
		if err != nil || !slices.Equal(got.Events, []string{"1", "2"}) || len(got.Rejects) != 2*cut {
			t.Errorf("%d cut: got events %v and %d rejects, %v", cut, got.Events, len(got.Rejects), err)
		}
	}
}

func TestStreamReadError(t *testing.T) {
	p := compileText(t, streamRules)
	broken := errors.New("the cable is out")
	for name, r := range map[string]io.Reader{
		"after a line":    strings.NewReader(goodRecord(1) + "\n"),
		"within a line":   strings.NewReader(goodRecord(1) + "\n" + goodRecord(2)),
		"within a page":   strings.NewReader(goodRecord(1) + "\n{\n\"list\": [\n"),
		"in a long line":  strings.NewReader(goodRecord(1) + "\n" + padded(700)),
		"within a reject": strings.NewReader(goodRecord(1) + "\n{"),
	} {
		for _, end := range []io.Reader{iotest.ErrReader(broken), dataThenErr{broken}} {
			got, err := runStream(t, p, io.MultiReader(r, end), StreamOptions{MaxRecord: 600})
			if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read: ") {
				t.Errorf("%s: got error %v, want read: %v", name, err, broken)
			}
			if len(got.Rejects) != 0 {
				t.Errorf("%s: got rejects %q, want none of what was cut", name, got.Rejects)
			}
			r = strings.NewReader("")
		}
	}
}

// TestStreamWrappedEOF checks that an EOF which something wraps, as HTTP clients do
// where a connection ends before the answer, is no end of the input.
func TestStreamWrappedEOF(t *testing.T) {
	p := compileText(t, streamRules)
	cut := fmt.Errorf("get the rest: %w", io.EOF)
	in := goodRecord(1) + "\n" + goodRecord(2)
	for name, r := range map[string]io.Reader{
		"behind the data": io.MultiReader(strings.NewReader(in), iotest.ErrReader(cut)),
		"with data":       io.MultiReader(strings.NewReader(in), dataThenErr{cut}),
		"in a long line":  io.MultiReader(strings.NewReader(in+padded(700)), iotest.ErrReader(cut)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runStream(t, p, r, StreamOptions{MaxRecord: 600})
			if err == nil || !strings.Contains(err.Error(), cut.Error()) {
				t.Errorf("got error %v, want read: %v", err, cut)
			}
			if !slices.Equal(got.Events, []string{"1"}) || len(got.Rejects) != 0 {
				t.Errorf("got events %q and rejects %q, want the whole line alone", got.Events, got.Rejects)
			}
		})
	}
}

// dataThenErr gives its last bytes together with an error, and then forgets it.
type dataThenErr struct{ err error }

func (d dataThenErr) Read(b []byte) (int, error) { return copy(b, " "), d.err }

// failingWriter fails after so many bytes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, w.err
	}
	return len(b), nil
}

func TestStreamWriteError(t *testing.T) {
	p := compileText(t, streamRules)
	full := errors.New("no space left")
	in := strings.Repeat(goodRecord(1)+"\n{\n", 20_000)
	for name, tc := range map[string]struct {
		events, rejects io.Writer
		want            string
	}{
		"events":        {&failingWriter{0, full}, io.Discard, "write events: no space left"},
		"later events":  {&failingWriter{1 << 20, full}, io.Discard, "write events: no space left"},
		"rejects":       {io.Discard, &failingWriter{0, full}, "write rejects: no space left"},
		"later rejects": {io.Discard, &failingWriter{1 << 20, full}, "write rejects: no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			// The input never ends: the fault must end the run.
			endless := io.MultiReader(strings.NewReader(in), generated(asagen.Options{}, 1<<40))
			_, err := Stream(t.Context(), p, endless, tc.events, StreamOptions{Rejects: tc.rejects, Workers: 4})
			if err == nil || err.Error() != tc.want || !errors.Is(err, full) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestStreamCancel cancels while Read blocks. Stream returns at once, what was
// read is written, and nothing of it is left once Read returns.
func TestStreamCancel(t *testing.T) {
	p := compileText(t, streamRules)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		r, w := io.Pipe()
		done := make(chan error)
		var out bytes.Buffer
		go func() {
			_, err := Stream(ctx, p, r, &out, StreamOptions{Workers: 4})
			done <- err
		}()
		if _, err := io.WriteString(w, goodRecord(1)+"\n"+goodRecord(2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		enough := errors.New("enough")
		cancel(enough)
		if err := <-done; !errors.Is(err, enough) {
			t.Errorf("got error %v, want %v", err, enough)
		}
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != 1 {
			t.Errorf("got %d events, want 1: %s", got, &out)
		}
		w.Close() // the bubble fails if a goroutine stays behind
	})
}

// TestStreamCancelReadsNoMore cancels in the middle of a line that never ends, the
// reading of which no Read blocks.
func TestStreamCancelReadsNoMore(t *testing.T) {
	p := compileText(t, streamRules)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		line := &endless{cancel: cancel, cancelAt: 5}
		if _, err := Stream(ctx, p, line, io.Discard, StreamOptions{Workers: 2, MaxRecord: 100}); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v", err)
		}
		synctest.Wait()
		if line.reads != line.cancelAt {
			t.Errorf("%d reads, want none after the %dth", line.reads, line.cancelAt)
		}
	})
}

// TestStreamCancelWritesWhatWasRead cancels while a batch that was read waits for
// room, because the writer takes its time.
func TestStreamCancelWritesWhatWasRead(t *testing.T) {
	p := compileText(t, streamRules)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := &records{}
		out := &slowWriter{released: make(chan struct{})}
		done := make(chan error)
		go func() {
			_, err := Stream(ctx, p, in, out, StreamOptions{Workers: 2})
			done <- err
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(out.released)
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v", err)
		}
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != in.read {
			t.Errorf("got %d events of the %d records that were read", got, in.read)
		}
	})
}

// records gives one record for each Read.
type records struct{ read int }

func (r *records) Read(b []byte) (int, error) {
	r.read++
	return copy(b, goodRecord(r.read)+"\n"), nil
}

// slowWriter writes when it is let.
type slowWriter struct {
	bytes.Buffer
	released chan struct{}
}

func (w *slowWriter) Write(b []byte) (int, error) {
	<-w.released
	return w.Buffer.Write(b)
}

// endless is a line without an end, or nearly: so many reads are enough to tell. One
// of them cancels something.
type endless struct {
	reads, cancelAt int
	cancel          func()
}

func (e *endless) Read(b []byte) (int, error) {
	if e.reads++; e.reads == e.cancelAt {
		e.cancel()
	}
	if e.reads == 1000 {
		return 0, io.EOF
	}
	b[0] = 'x'
	return 1, nil
}

// TestStreamEndsItsGoroutines runs streams to each kind of end in a bubble, which
// fails if a goroutine stays behind.
func TestStreamEndsItsGoroutines(t *testing.T) {
	p := compileText(t, streamRules)
	in := strings.Repeat(goodRecord(1)+"\n{\n", 5_000)
	zero := int64(0)
	for name, run := range map[string]func(ctx context.Context) error{
		"end of input": func(ctx context.Context) error {
			_, err := Stream(ctx, p, strings.NewReader(in), io.Discard, StreamOptions{Workers: 8})
			return err
		},
		"write error": func(ctx context.Context) error {
			_, err := Stream(ctx, p, strings.NewReader(in), &failingWriter{0, io.ErrShortWrite}, StreamOptions{Workers: 8})
			return err
		},
		"too many rejects": func(ctx context.Context) error {
			_, err := Stream(ctx, p, strings.NewReader(in), io.Discard, StreamOptions{Workers: 8, StopAfter: &zero})
			return err
		},
		"cancelled before": func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := Stream(ctx, p, strings.NewReader(in), io.Discard, StreamOptions{Workers: 8})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := run(t.Context()); (err == nil) != (name == "end of input") {
					t.Errorf("got error %v", err)
				}
			})
		})
	}
}

// TestStreamOrder gives workers records of very different size and checks that
// everything comes out in the order of the input.
func TestStreamOrder(t *testing.T) {
	p := compileText(t, streamRules)
	rnd := rand.New(rand.NewPCG(1, 2))
	var in bytes.Buffer
	var events, rejected []string
	for n := range 20_000 {
		size := 60 + rnd.IntN(100)
		if n%500 == 0 {
			size = 300_000
		}
		if n%7 == 0 {
			fmt.Fprintf(&in, "{\"n\":%d,%s}\n", n, strings.Repeat(" ", size))
			rejected = append(rejected, fmt.Sprint(n+1))
			continue
		}
		fmt.Fprintf(&in, "{%s,\"n\":%d,%s\"x\":1}\n", streamTime, n, strings.Repeat(" ", size))
		events = append(events, fmt.Sprint(n))
	}
	for _, workers := range []int{1, 2, 16} {
		got, err := runStream(t, p, bytes.NewReader(in.Bytes()), StreamOptions{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got.Rejects {
			got.Rejects[i], _, _ = strings.Cut(r, " ")
		}
		if !slices.Equal(got.Events, events) || !slices.Equal(got.Rejects, rejected) {
			t.Errorf("%d workers: the order is not that of the input", workers)
		}
	}
}

func TestStreamStopAfter(t *testing.T) {
	p := compileText(t, streamRules)
	for _, tc := range []struct {
		allowed int64
		rejects int
		stops   bool
	}{{0, 0, false}, {0, 1, true}, {2, 2, false}, {2, 3, true}} {
		in := goodRecord(1) + "\n" + strings.Repeat("{\n", tc.rejects) + goodRecord(2) + "\n"
		got, err := runStream(t, p, strings.NewReader(in), StreamOptions{StopAfter: &tc.allowed})
		if errors.Is(err, ErrTooManyRejects) != tc.stops {
			t.Errorf("%d of %d: got error %v", tc.rejects, tc.allowed, err)
		}
		if int64(len(got.Rejects)) < min(tc.allowed+1, int64(tc.rejects)) || got.Events[0] != "1" {
			t.Errorf("%d of %d: got %v, want at least the rejects that stopped it", tc.rejects, tc.allowed, got)
		}
	}
}

// TestStreamValidate checks that violations come in the order of the input, with
// their lines.
func TestStreamValidate(t *testing.T) {
	p := compileText(t, strings.Replace(streamRules, "GENERIC_EVENT", "USER_LOGIN", 1))
	var in strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&in, "%s\n\n", goodRecord(n))
	}
	var at []int64
	stats, err := Stream(t.Context(), p, strings.NewReader(in.String()), io.Discard, StreamOptions{Workers: 4,
		Validate: func(line int64, list []udm.Violation) {
			at = append(at, line)
			if len(list) == 0 {
				t.Errorf("line %d: no violation", line)
			}
		}})
	if err != nil || stats.Violating != 5000 || len(at) != 5000 {
		t.Fatalf("got %d violating, %d calls, %v; want 5000", stats.Violating, len(at), err)
	}
	for i, line := range at {
		if line != int64(2*i+1) {
			t.Fatalf("call %d: got line %d, want %d", i, line, 2*i+1)
		}
	}
}

func TestStreamRejectFile(t *testing.T) {
	p := compileText(t, streamRules)
	var rejects bytes.Buffer
	_, err := Stream(t.Context(), p, strings.NewReader("{\n"), io.Discard, StreamOptions{Rejects: &rejects, RejectFile: "a\"\xff.ndjson"})
	if err != nil || !json.Valid(rejects.Bytes()) || gjson.Get(rejects.String(), "file").String() != "a\"\ufffd.ndjson" {
		t.Errorf("got %s, %v", &rejects, err)
	}
}

// repeated gives some bytes over and over, which make a file that is never held
// whole.
type repeated struct {
	bytes []byte
	left  int
	at    int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(b, r.bytes[r.at:])
	r.at = (r.at + n) % len(r.bytes)
	r.left -= n
	return n, nil
}

func generated(opts asagen.Options, size int) io.Reader {
	return &repeated{bytes: asagen.New(1, opts).File(nil, 1000), left: size}
}

// TestStreamMemory checks that the heap does not grow with the input.
func TestStreamMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("maps 64 MiB")
	}
	for name, tc := range map[string]struct {
		r    io.Reader
		opts StreamOptions
		most uint64
	}{
		"many records":    {generated(asagen.Options{}, 64<<20), StreamOptions{}, 24 << 20},
		"hostile records": {generated(asagen.Options{Hostile: true}, 64<<20), StreamOptions{Rejects: io.Discard}, 24 << 20},
		"one long line":   {&repeated{bytes: bytes.Repeat([]byte("["), 4096), left: 256 << 20}, StreamOptions{MaxRecord: 1 << 20}, 12 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			p := compilePack(t, "asa.yaml")
			runtime.GC()
			before, peak, batches := heap(), uint64(0), 0
			tc.opts.Workers = 2
			tc.opts.Progress = func(Stats) {
				if batches++; batches%16 == 1 {
					peak = max(peak, heap())
				}
			}
			if _, err := Stream(t.Context(), p, tc.r, io.Discard, tc.opts); err != nil {
				t.Fatal(err)
			}
			if peak -= min(peak, before); peak > tc.most {
				t.Errorf("got %d KiB of heap, want %d at most", peak>>10, tc.most>>10)
			}
		})
	}
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
