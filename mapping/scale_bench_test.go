package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
)

// manyRules are n rules that write labels, some with a transform or a match, and
// one in five with a condition if when is set. Their source paths are below
// details, actor and client, beside those that records have.
func manyRules(n int, when bool) string {
	forms := []string{
		"{from: details.unseen_%[1]d, to: target.resource.attribute.labels, label: unseen_%[1]d}",
		"{from: details.actor.unseen_%[1]d, to: principal.user.attribute.labels, label: unseen_%[1]d}",
		"{from: details.client.unseen_%[1]d, extract: version, to: principal.asset.attribute.labels, label: unseen_%[1]d}",
		"{from: details.unseen.at_%[1]d, match: [{regex: '(?i)linux', value: LINUX}], to: additional.fields, label: unseen_%[1]d}",
	}
	if when {
		forms = append(forms, "{from: details.unseen_%[1]d, to: additional.fields, label: other_%[1]d, when: log.details.type == \"kind_%[1]d\"}")
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - "+forms[i%len(forms)]+"\n", i)
	}
	return b.String()
}

// BenchmarkCompile times the compiler: the shipped pack, and rule files of a size
// that nobody has. Each starts anew, as a command does.
func BenchmarkCompile(b *testing.B) {
	pack, err := ReadPack("asa.yaml")
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, src []byte) {
		b.Run("rules="+name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for range b.N {
				if _, err := Compile("rules.yaml", src, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("asa.yaml", pack)
	for _, n := range []int{250, 500, 1000, 2000} {
		run(fmt.Sprint(n), []byte("extends: asa.yaml\nmappings:\n"+manyRules(n, true)))
	}
}

// BenchmarkMoreRules times the mapper with rules beside those of the pack that
// find nothing in the records. 70 of them are as many as the pack has.
func BenchmarkMoreRules(b *testing.B) {
	records, size := benchRecords(b, asagen.Options{})
	run := func(n int, when bool) {
		b.Run(fmt.Sprintf("more=%d/when=%t", n, when), func(b *testing.B) {
			src := "extends: asa.yaml\n"
			if n > 0 {
				src += "mappings:\n" + manyRules(n, when)
			}
			p, err := Compile("rules.yaml", []byte(src), Options{})
			if err != nil {
				b.Fatal(err)
			}
			m := p.NewMapper()
			var dst []byte
			b.SetBytes(size)
			b.ReportAllocs()
			for i := range b.N {
				dst, _ = m.Map(dst[:0], records[i%len(records)])
			}
		})
	}
	run(0, false)
	for _, n := range []int{70, 210, 1000} {
		run(n, false)
		run(n, true)
	}
}
