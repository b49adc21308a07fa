package asagen

import (
	"bytes"
	"encoding/json"
)

// referred keeps the objects of a page apart from its events.
type referred struct {
	g       *Generator
	objects *object
}

func (r referred) refer(kind string, o *object) any {
	reference := r.g.base64(32)
	r.objects.set(reference, of("object", o, "type", kind))
	return reference
}

// Page appends a page of n events as the API answers it, references and all, on
// one line or indented over several, without a newline behind it.
func (g *Generator) Page(dst []byte, n int, indented bool) []byte {
	to := referred{g, of()}
	list := make([]any, n)
	for i := range list {
		list[i] = g.record(to)
	}
	text := appendJSON(nil, of("list", list, "related_objects", to.objects))
	if !indented {
		return append(dst, text...)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return append(dst, text...)
	}
	return append(dst, out.Bytes()...)
}

// File appends n lines or pages, each with its newline. With Hostile there are
// blank lines, CRLF, a BOM, pages among the lines, and perhaps no last newline.
func (g *Generator) File(dst []byte, n int) []byte {
	if g.opts.Hostile && g.chance(30) {
		dst = append(dst, "\ufeff"...)
	}
	for range n {
		if !g.opts.Hostile {
			dst = append(g.Next(dst), '\n')
			continue
		}
		switch g.IntN(20) {
		case 0:
			dst = append(dst, pick(g, "", " ", "\t \r", "\r")...)
		case 1:
			dst = g.Page(dst, g.IntN(4), g.chance(50))
		default:
			dst = g.Next(dst)
		}
		dst = append(dst, pick(g, "\n", "\n", "\n", "\r\n")...)
	}
	if g.opts.Hostile && g.chance(30) {
		dst = bytes.TrimSuffix(dst, []byte("\n"))
	}
	return dst
}
