package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/asa2udm/asa2udm/internal/asagen"
)

// compose writes a folder of raw objects of every kind there is: compose DIR.
func compose(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	plain := records(1, 300, asagen.Options{})
	page := readFile(ts, filepath.Join("..", "..", "..", "testdata", "page.json"))
	for name, text := range map[string][]byte{
		"day1/000001.ndjson":              plain,
		"day1/000001.ndjson.gz":           zipped(ts, records(2, 300, asagen.Options{Shuffle: true})),
		"day2/000001.ndjson":              records(3, 2000, asagen.Options{Hostile: true}),
		"day2/two members.gz":             append(zipped(ts, records(4, 50, asagen.Options{})), zipped(ts, records(5, 50, asagen.Options{}))...),
		"gzip without a name":             zipped(ts, records(6, 20, asagen.Options{})),
		"crlf.ndjson":                     bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")),
		"bom.ndjson":                      append([]byte("\xef\xbb\xbf"), plain...),
		"no newline at the end.ndjson":    bytes.TrimSuffix(plain, []byte("\n")),
		"page.json":                       page,
		"pages.ndjson":                    append(bytes.Clone(page), page...),
		"empty.ndjson":                    nil,
		"blank.ndjson":                    []byte("\n\n \n"),
		"only rejects.ndjson":             []byte("no\n[1]\n{}\n{\"timestamp\":\"yesterday\"}\n"),
		"not utf-8.ndjson":                []byte("{\"timestamp\":\"2024-03-01T06:00:00Z\",\"id\":\"\xff\"}\n\xff\n"),
		"ログ/3月 ü 🙂.ndjson":                records(7, 20, asagen.Options{}),
		"100% sure? #1 %41 +&=.ndjson":    records(8, 20, asagen.Options{}),
		"100% sure? #1 A +&=.ndjson":      records(9, 20, asagen.Options{}),
		`back\slash [set] {brace}.ndjson`: records(10, 20, asagen.Options{}),
		"x.ndjson":                        records(11, 5, asagen.Options{}),
		"x":                               records(12, 5, asagen.Options{}),
		"x.udm.ndjson":                    records(13, 5, asagen.Options{}),
		"x.rejects.ndjson":                records(14, 5, asagen.Options{Hostile: true}),
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o777))
		ts.Check(os.WriteFile(path, text, 0o666))
	}
}

func records(seed uint64, n int, o asagen.Options) []byte {
	g := asagen.New(seed, o)
	var text []byte
	for range n {
		text = append(g.Next(text), '\n')
	}
	return text
}

func zipped(ts *testscript.TestScript, text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	ts.Check(err)
	ts.Check(z.Close())
	return b.Bytes()
}

func gunzip(ts *testscript.TestScript, _ bool, args []string) {
	z, err := gzip.NewReader(bytes.NewReader(readFile(ts, ts.MkAbs(args[0]))))
	ts.Check(err)
	text, err := io.ReadAll(z)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o666))
}

func readFile(ts *testscript.TestScript, name string) []byte {
	text, err := os.ReadFile(name)
	ts.Check(err)
	return text
}

// asMap has asa2udm map each file below a folder, and fails unless the other folder
// holds these events and rejects to the byte, and nothing else:
//
//	asmap RAW GOT [FLAGS OF MAP]
func asMap(ts *testscript.TestScript, _ bool, args []string) {
	raw, got := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	want := make(map[string][]byte)
	temp, err := os.MkdirTemp("", "")
	ts.Check(err)
	defer os.RemoveAll(temp)
	for name := range files(ts, raw) {
		events, rejects := filepath.Join(temp, "events"), filepath.Join(temp, "rejects")
		run := exec.Command(ts.Getenv("MAP"), append([]string{"map", "-o", events, "--rejects", rejects, filepath.Join(raw, name)}, args[2:]...)...)
		run.Dir = ts.MkAbs(".")
		if out, err := run.CombinedOutput(); err != nil && run.ProcessState.ExitCode() != 1 {
			ts.Fatalf("map %s: %v\n%s", name, err, out)
		}
		want[name+".udm.ndjson"] = readFile(ts, events)
		want[name+".rejects.ndjson"] = readFile(ts, rejects)
	}
	if len(want) == 0 {
		ts.Fatalf("nothing to map in %s", raw)
	}
	written := files(ts, got)
	for name, text := range want {
		if is, ok := written[name]; !ok || !bytes.Equal(is, text) {
			ts.Logf("%s: there: %v, %d bytes; want %d", name, ok, len(is), len(text))
			defer ts.Fatalf("not what map writes")
		}
		delete(written, name)
	}
	for name := range written {
		ts.Logf("%s: nobody asked for it", name)
		defer ts.Fatalf("not what map writes")
	}
}

// files answers what a folder holds, by names relative to it.
func files(ts *testscript.TestScript, dir string) map[string][]byte {
	all := make(map[string][]byte)
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all[filepath.ToSlash(name)] = readFile(ts, path)
		}
		return err
	}))
	return all
}

func bucket(ts *testscript.TestScript) *fakestorage.Server {
	return ts.Value("bucket").(*fakestorage.Server)
}

// put stores a file, or all files below a folder: put FILE NAME [CONTENT-ENCODING].
func put(ts *testscript.TestScript, _ bool, args []string) {
	from := ts.MkAbs(args[0])
	attrs := fakestorage.ObjectAttrs{BucketName: "b"}
	if len(args) > 2 {
		attrs.ContentEncoding = args[2]
	}
	create := func(name string, text []byte) {
		attrs.Name = name
		bucket(ts).CreateObject(fakestorage.Object{ObjectAttrs: attrs, Content: text})
	}
	if info, err := os.Stat(from); err == nil && !info.IsDir() {
		create(args[1], readFile(ts, from))
		return
	}
	for name, text := range files(ts, from) {
		create(args[1]+"/"+name, text)
	}
}

// get fetches all objects below a prefix: get PREFIX DIR.
func get(ts *testscript.TestScript, _ bool, args []string) {
	prefix := args[0] + "/"
	for _, o := range objectsOf(ts, prefix) {
		path := filepath.Join(ts.MkAbs(args[1]), filepath.FromSlash(strings.TrimPrefix(o.Name, prefix)))
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o777))
		got, err := bucket(ts).GetObject("b", o.Name)
		ts.Check(err)
		ts.Check(os.WriteFile(path, got.Content, 0o666))
	}
}

func objectsOf(ts *testscript.TestScript, prefix string) []fakestorage.ObjectAttrs {
	all, err := bucket(ts).ListObjectsWithOptionsPaginated("b", fakestorage.ListOptions{Prefix: prefix})
	ts.Check(err)
	return all.Objects
}

// cut takes bytes off the end of a file: cut FILE.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	text := readFile(ts, name)
	ts.Check(os.WriteFile(name, text[:len(text)-20], 0o666))
}

var (
	escaped = regexp.MustCompile(`\\+(x[0-9a-f]{2}|[a-z])`)
	encoded = regexp.MustCompile(`[A-Za-z0-9+/]{100,}={0,2}`)
)

// decode writes what a log has in base64, as a job has the state of its steps, to a
// file: decode LOG FILE.
func decode(ts *testscript.TestScript, _ bool, args []string) {
	var all []byte
	for _, run := range encoded.FindAll(escaped.ReplaceAll(readFile(ts, ts.MkAbs(args[0])), []byte(" ")), -1) {
		if text, err := base64.StdEncoding.DecodeString(string(run)); err == nil {
			all = append(append(all, text...), '\n')
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), all, 0o666))
}
