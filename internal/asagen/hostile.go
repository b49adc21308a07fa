package asagen

import (
	"bytes"
	"fmt"
	"strings"
)

// readPaths are the places that a parser of these records looks at.
var readPaths = strings.Fields(`
	id timestamp details details.type details.actor details.actor.details details.actor.details.email
	details.actor.details.first_name details.actor.details.full_name details.actor.details.last_name
	details.actor.details.user_type details.actor.id details.actor.name details.unix_user_name
	details.actor.status details.actor.team_name details.actor.user_type details.client
	details.client.description details.client.encrypted details.client.hostname details.client.id
	details.client.os details.client.state details.client.user_name details.client_ip details.from_address
	details.project details.project.create_server_users details.project.force_shared_ssh_users
	details.project.forward_traffic details.project.id details.project.name details.project.next_unix_gid
	details.project.next_unix_uid details.project.rdp_session_recording
	details.project.require_preauth_for_creds details.project.ssh_certificate_type
	details.project.ssh_session_recording details.project.team details.server details.server.alt_names
	details.server.hostname details.server.id details.server.os details.server.os_type
	details.server.services details.server.source details.server.source_details
	details.server.source_details.cloud_account details.server.source_details.cloud_provider
	details.server.source_details.instance_id details.server.state details.server.team_name
	details.server_hostnames details.server_id details.server_os details.server_os_type
	details.server_state details.session_type details.servers details.ssh_algorithm
	details.ssh_key_fingerprint details.ssh_public_key details.target_server details.team_id
	details.team_name details.trace_id details.username details.via`)

// hostileLine bends the record, or breaks its text.
func (g *Generator) hostileLine(dst []byte, record *object) []byte {
	for range g.IntN(5) {
		g.bend(record)
	}
	start := len(dst)
	dst = appendJSON(dst, record)
	if g.chance(20) {
		dst = append(dst[:start], g.spread(dst[start:])...)
	}
	if g.chance(12) {
		dst = append(dst[:start], g.breakText(dst[start:])...)
	}
	return dst
}

// bend changes the record and leaves it JSON, seldom but for a number.
func (g *Generator) bend(record *object) {
	switch g.IntN(12) {
	case 0, 1, 2:
		g.setSomewhere(record, g.oddValue())
	case 3:
		g.setSomewhere(record, g.anything(3))
	case 4, 5:
		g.repeat(g.someObject(record))
	case 6:
		g.respell(g.someObject(record))
	case 7:
		if g.chance(40) {
			record.set("timestamp", pick(g, oddTimes...))
		}
	case 8:
		record.setPath([]string{"details", pick(g, "client_ip", "from_address")}, g.oddAddress())
	case 9:
		record.setPath([]string{"details", "client", "os"}, pick(g, oddSystems...))
	case 10:
		if g.chance(25) {
			g.setSomewhere(record, nest(pick(g, 10, 990, 994, 995, 996, 997, 998, 999, 1000, 1001, 1200, 12000)))
		}
	case 11:
		g.setSomewhere(record, g.servers())
	}
}

func (g *Generator) setSomewhere(record *object, value any) {
	record.setPath(strings.Split(pick(g, readPaths...), "."), value)
}

// oddValue answers JSON that is seldom seen where text is expected.
func (g *Generator) oddValue() any {
	switch g.IntN(6) {
	case 0:
		return literal(pick(g, oddNumbers...))
	case 1:
		return literal(pick(g, oddStrings...))
	case 2:
		return pick[any](g, nil, "", true, false, of(), []any{})
	case 3:
		list := make([]any, g.IntN(4))
		for i := range list {
			list[i] = g.oddValue()
		}
		return list
	case 4:
		return of(pick(g, "0", "1", "id", "", "hostname", "name"), g.oddValue())
	}
	return g.sentence()
}

func (g *Generator) servers() any {
	list := make([]any, g.IntN(5))
	for i := range list {
		list[i] = pick[any](g, g.server(), of(), of("hostname", ""), nil, g.base64(32), g.oddValue(),
			of("services", g.oddValue()), of("source_details", g.oddValue()), []any{g.server()})
	}
	return list
}

// repeat adds a second member of a key, before or behind the first.
func (g *Generator) repeat(o *object) {
	if len(o.members) == 0 {
		return
	}
	twin := o.members[g.IntN(len(o.members))]
	if g.chance(70) {
		twin.value = g.oddValue()
	}
	if g.chance(30) {
		twin.spelled = g.escaped(twin.key)
	}
	at := g.IntN(len(o.members) + 1)
	o.members = append(o.members[:at], append([]member{twin}, o.members[at:]...)...)
}

// respell writes a key with escapes.
func (g *Generator) respell(o *object) {
	if len(o.members) > 0 {
		m := &o.members[g.IntN(len(o.members))]
		m.spelled = g.escaped(m.key)
	}
}

func (g *Generator) escaped(key string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range key {
		switch {
		case r < 0x10000 && g.chance(50):
			fmt.Fprintf(&b, pick(g, `\u%04x`, `\u%04X`), r)
		case r == '"' || r == '\\' || r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// someObject walks down from o to one of the objects in it.
func (g *Generator) someObject(o *object) *object {
	var inner []*object
	for _, m := range o.members {
		if child, ok := m.value.(*object); ok {
			inner = append(inner, child)
		}
	}
	if len(inner) == 0 || g.chance(25) {
		return o
	}
	return g.someObject(inner[g.IntN(len(inner))])
}

func nest(levels int) literal {
	return literal(strings.Repeat("[", levels) + strings.Repeat("]", levels))
}

// spread puts white space between tokens.
func (g *Generator) spread(text []byte) []byte {
	out := make([]byte, 0, len(text)*2)
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		out = append(out, c)
		switch {
		case quoted && c == '\\' && i+1 < len(text):
			i++
			out = append(out, text[i])
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte("{}[],:", c) >= 0:
			out = append(out, pick(g, "", "", " ", "\t", " \r ")...)
		}
	}
	return out
}

// breakText does to the text what a crash, a bad copy or an attacker does.
func (g *Generator) breakText(text []byte) []byte {
	at := g.IntN(len(text))
	switch g.IntN(9) {
	case 0:
		return text[:at]
	case 1:
		return append(text, pick(g, "x", "}", " {}", ",", "\x00", "null", " // end")...)
	case 2:
		return bytes.Clone(append(text[:at:at], text[at+1:]...))
	case 3:
		text[at] = pick(g, byte(0), 0xff, '"', '\\', '{', ']', ',', 0x1f, 0x7f, 0xc3, '\r')
		return text
	case 4:
		return []byte(pick(g, notRecords...))
	case 5:
		return append([]byte("\ufeff"), text...)
	case 6:
		return bytes.Replace(text, []byte(`:null`), []byte(pick(g, ":nul", ":None", ":NaN", ":01", ":1.", ":.5", ":+1", ":-", ":1e", ":'x'", ":")), 1)
	case 7:
		return bytes.Replace(text, []byte(`,`), []byte(pick(g, ",,", "", ";", ", ,")), 1)
	}
	return bytes.Replace(text, []byte(`":"`), []byte("\":\""+pick(g, "\\x", "\\u12", "\\ud83d", "\x01", "\t", "\xe2\x82", "\\u12G4", "\\U0041")), 1)
}
