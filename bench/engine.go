package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asaref"
)

// engine is one way to go through a file of records, as a process.
type engine struct {
	name  string
	about string
	cores int  // processors it may use
	maps  bool // it writes events, which are compared
	slow  bool // it gets the first tenth of the records
	// command answers what to run for an input and an output. The output stands in
	// args, or in stdout if the program writes there.
	command func(in, out string) command
}

// engines answers all engines that could be built, asa2udm first.
func (b *built) engines() []engine {
	all := []engine{
		{name: "asa2udm", about: "asa2udm map, one core", cores: 1, maps: true, command: b.asa2udmMap(1)},
		{name: "asa2udm-2", about: "asa2udm map, two cores", cores: 2, maps: true, command: b.asa2udmMap(2)},
	}
	for _, l := range loops {
		all = append(all, engine{name: l.name, about: l.about, cores: 1, maps: l.maps, slow: l.slow, command: b.loop(l.name)})
	}
	if b.bento != "" {
		all = append(all,
			engine{name: "bento-executor", about: "Bloblang mapping alone, line by line", cores: 1, maps: true, slow: true, command: b.bentoRun("executor")},
			engine{name: "bento-stream", about: "Bento stream: file, mapping, file", cores: 1, maps: true, slow: true, command: b.bentoRun("stream")},
		)
	}
	return all
}

func (b *built) asa2udmMap(workers int) func(in, out string) command {
	return func(in, out string) command {
		return command{path: b.asa2udm, args: []string{"map", fmt.Sprintf("--workers=%d", workers), in}, stdout: out, cores: workers}
	}
}

func (b *built) loop(name string) func(in, out string) command {
	return func(in, out string) command {
		return command{path: b.self, args: []string{"engine", name, in, out}, cores: 1}
	}
}

func (b *built) bentoRun(mode string) func(in, out string) command {
	return func(in, out string) command {
		return command{path: b.bento, args: []string{mode, in, out}, cores: 1}
	}
}

// loop is an engine that bench itself is, started as: bench engine NAME IN OUT.
type loop struct {
	name, about string
	maps, slow  bool
	run         func(in io.Reader, out *bufio.Writer) error
}

var loops = []loop{
	{"plain-go", "the table by hand, encoding/json and maps", true, true, perLine(func(line []byte, out *bufio.Writer) error {
		event, code := asaref.Map(line)
		if code != "" {
			return fmt.Errorf("record rejected: %s", code)
		}
		return writeLine(out, event)
	})},
	{"gjson-paths", "the table by hand, gjson.GetBytes for each path", true, true, gjsonPaths},
	{"json.Valid", "encoding/json.Valid of each line", false, false, perLine(func(line []byte, _ *bufio.Writer) error {
		return want(json.Valid(line))
	})},
	{"gjson.ValidBytes", "gjson.ValidBytes of each line", false, false, perLine(func(line []byte, _ *bufio.Writer) error {
		return want(gjson.ValidBytes(line))
	})},
	{"lines", "look for the end of each line", false, false, perLine(func(line []byte, _ *bufio.Writer) error {
		return want(len(line) > 0)
	})},
	{"cat", "read and write", false, false, func(in io.Reader, out *bufio.Writer) error {
		// The wrapping keeps the kernel from copying by itself.
		_, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, blockSize))
		return err
	}},
}

func want(ok bool) error {
	if !ok {
		return errors.New("a line is not valid")
	}
	return nil
}

// runEngine is bench as an engine.
func runEngine(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("engine wants NAME IN OUT, got %q", args)
	}
	for _, l := range loops {
		if l.name == args[0] {
			return l.files(args[1], args[2])
		}
	}
	return fmt.Errorf("no engine %q", args[0])
}

func (l *loop) files(in, out string) error {
	r, err := os.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, blockSize)
	if err := l.run(r, w); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(w.Flush(), f.Close())
}

// blockSize is how much is read and written at a time.
const blockSize = 256 << 10

// perLine makes an engine of what is to be done with one line.
func perLine(do func(line []byte, out *bufio.Writer) error) func(io.Reader, *bufio.Writer) error {
	return func(in io.Reader, out *bufio.Writer) error {
		return eachLine(in, func(line []byte) error { return do(line, out) })
	}
}

// eachLine calls do with each line, without its newline. The bytes are lent.
func eachLine(in io.Reader, do func(line []byte) error) error {
	buf := make([]byte, 0, blockSize)
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := in.Read(buf[len(buf):cap(buf)])
		rest := buf[:len(buf)+n]
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			if err := do(rest[:end]); err != nil {
				return err
			}
			rest = rest[end+1:]
		}
		buf = append(buf[:0], rest...)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func writeLine(w *bufio.Writer, line []byte) error {
	if _, err := w.Write(line); err != nil {
		return err
	}
	return w.WriteByte('\n')
}
