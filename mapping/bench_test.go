package mapping

import (
	"encoding/json"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/internal/asaref"
)

// benchRecords answers realistic records and their mean size.
func benchRecords(b *testing.B, opts asagen.Options) (records [][]byte, bytes int64) {
	b.Helper()
	g := asagen.New(1, opts)
	total := 0
	for range 2000 {
		records = append(records, g.Next(nil))
		total += len(records[len(records)-1])
	}
	return records, int64(total / len(records))
}

func compilePack(tb testing.TB, name string) *Parser {
	tb.Helper()
	src, err := ReadPack(name)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := Compile(name, src, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// BenchmarkMap compares the mapper with what merely checks the JSON and with a
// parser written by hand. Compare runs with benchstat:
//
//	go test ./mapping -run '^$' -bench Map -count 10 | benchstat -col /by -
func BenchmarkMap(b *testing.B) {
	records, size := benchRecords(b, asagen.Options{})
	run := func(name string, f func(record []byte)) {
		b.Run("by="+name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for i := range b.N {
				f(records[i%len(records)])
			}
		})
	}
	m := compilePack(b, "asa.yaml").NewMapper()
	var dst []byte
	run("asa2udm", func(r []byte) { dst, _ = m.Map(dst[:0], r) })
	run("gjson.ValidBytes", func(r []byte) { gjson.ValidBytes(r) })
	run("json.Valid", func(r []byte) { json.Valid(r) })
	run("plain-go", func(r []byte) { asaref.Map(r) })
}

// BenchmarkStages times the parts of mapping one record.
func BenchmarkStages(b *testing.B) {
	records, size := benchRecords(b, asagen.Options{})
	m := compilePack(b, "asa.yaml").NewMapper()
	b.Run("stage=scan", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for i := range b.N {
			m.scanRecord(records[i%len(records)])
		}
	})
	b.Run("stage=all", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		var dst []byte
		for i := range b.N {
			dst, _ = m.Map(dst[:0], records[i%len(records)])
		}
	})
}
