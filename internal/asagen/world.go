package asagen

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// A small company, so that values repeat as they do in an audit log.

type person struct{ first, last, user string }

var people = []person{
	{"Ada", "Brook", "ada.brook"},
	{"Björn", "Åkesson", "bjorn.akesson"},
	{"Chloé", "D'Arc", "chloe.darc"},
	{"Dmitri", "Volkov", "dmitri.volkov"},
	{"Esra", "Yıldız", "esra.yildiz"},
	{"Fumiko", "佐藤", "fumiko.sato"},
	{"Grace \"Gigi\"", "O'Neil", "grace.oneil"},
	{"Hans", "Groß & Söhne", "hans.gross"},
}

var words = []string{
	"amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "islet", "juniper",
	"kiln", "ledge", "mesa", "north", "orbit", "prairie", "quartz", "ridge", "summit", "tundra",
}

var clientSystems = []string{
	"macOS 13.2.1", "macOS 10.14.6", "Windows 10.0.19045", "Windows 11", "Ubuntu 22.04.1 Linux",
	"Linux 6.1.0-13-amd64", "Darwin 22.3.0", "macOS Catalina", "Android 14", "iOS 17.1.2", "FreeBSD 13.2",
}

var serverSystems = []struct{ os, kind string }{
	{"Ubuntu 20.04", "linux"}, {"Amazon Linux 2", "linux"}, {"CentOS 7.9.2009", "linux"},
	{"Windows Server 2019 Datacenter", "windows"}, {"Debian 12", "Linux"},
}

const team = "harbor-ops"

func (g *Generator) word() string { return words[g.IntN(len(words))] }

func (g *Generator) sentence() string {
	s := g.word()
	for range g.IntN(4) {
		s += pick(g, " ", " ", "-", "_", ", ", "/", "\t", " \"", "\\", " é", " 日本 ", "\n", " 🙂 ") + g.word()
	}
	return s
}

func (g *Generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

func (g *Generator) base64(n int) string { return base64.StdEncoding.EncodeToString(g.bytes(n)) }

func (g *Generator) uuid() string {
	h := hex.EncodeToString(g.bytes(16))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// timestamp answers the time of the next record, nanoseconds with trailing zeros
// cut as the API writes them.
func (g *Generator) timestamp() string {
	start := time.Date(2024, 3, 1, 6, 0, 0, 0, time.UTC)
	at := start.Add(time.Duration(g.serial) * 1700 * time.Millisecond).Add(time.Duration(g.IntN(1e9)))
	g.serial++
	return at.Format(time.RFC3339Nano)
}

func (g *Generator) ip() string {
	if g.chance(15) {
		return fmt.Sprintf("2001:db8:%x::%x", g.IntN(65536), g.IntN(65535)+1)
	}
	return fmt.Sprintf("%s.%d", pick(g, "203.0.113", "198.51.100", "192.0.2", "10.20.30"), g.IntN(256))
}

func (g *Generator) address() string {
	ip := g.ip()
	switch g.IntN(3) {
	case 0:
		return ip
	case 1:
		return fmt.Sprintf("[%s]:%d", ip, 1024+g.IntN(60000))
	}
	return fmt.Sprintf("%s:%d", ip, 1024+g.IntN(60000))
}

func (g *Generator) noTime() string { return "0001-01-01T00:00:00Z" }

func (g *Generator) user() *object {
	p := people[g.IntN(len(people))]
	if g.chance(15) {
		return of("deleted_at", nil, "details", nil, "id", g.uuid(), "name", g.word()+"-bot",
			"oauth_client_application_id", nil, "role_grants", nil, "status", "ACTIVE",
			"team_name", team, "user_type", "service")
	}
	return of("deleted_at", nil,
		"details", of("email", p.user+"@example.com", "first_name", p.first,
			"full_name", p.first+" "+p.last, "last_name", p.last),
		"id", g.uuid(), "name", p.user, "oauth_client_application_id", nil, "role_grants", nil,
		"status", pick(g, "ACTIVE", "ACTIVE", "ACTIVE", "DISABLED"), "team_name", team, "user_type", "human")
}

func (g *Generator) client() *object {
	return of("deleted_at", nil, "description", g.sentence(), "encrypted", g.chance(80),
		"hostname", g.word()+"-laptop", "id", g.uuid(), "os", pick(g, clientSystems...),
		"state", pick[any](g, "ACTIVE", "ACTIVE", "PENDING", nil),
		"user_name", pick[any](g, people[g.IntN(len(people))].user, nil))
}

func (g *Generator) project() *object {
	return of("create_server_users", g.chance(70), "deleted_at", g.noTime(),
		"force_shared_ssh_users", g.chance(20), "forward_traffic", pick[any](g, true, false, nil),
		"gateway_selector", nil, "id", g.uuid(), "name", g.word()+"-"+g.word(),
		"next_unix_gid", literal(fmt.Sprint(63000+g.IntN(500))),
		"next_unix_uid", literal(fmt.Sprint(60000+g.IntN(500))),
		"rdp_session_recording", g.chance(50), "require_preauth_for_creds", g.chance(50),
		"shared_admin_user_name", nil, "shared_standard_user_name", nil,
		"ssh_certificate_type", pick(g, "CERT_TYPE_ED25519_01", "CERT_TYPE_ECDSA_256_01"),
		"ssh_session_recording", g.chance(50), "team", team, "user_on_demand_period", literal("0"))
}

func (g *Generator) server() *object {
	system := serverSystems[g.IntN(len(serverSystems))]
	name := g.word()
	return of("access_address", nil, "alt_names", g.altNames(name), "bastion", nil,
		"broker_host_certs", nil, "canonical_name", nil, "cloud_provider", nil,
		"deleted_at", g.noTime(), "hostname", name, "id", g.uuid(), "instance_details", nil,
		"last_seen", "2024-03-01T05:58:10Z", "managed", g.chance(90),
		"os", system.os, "os_type", system.kind, "project_name", g.word(),
		"registered_at", "2023-11-01T09:00:00Z", "services", g.services(), "sftd_version", "1.68.2",
		"source", "SERVER_SOURCE_AGENT", "source_details", g.sourceDetails(), "ssh_host_keys", nil,
		"state", pick(g, "ACTIVE", "ACTIVE", "INACTIVE"), "team_name", team)
}

func (g *Generator) altNames(host string) any {
	if g.chance(30) {
		return nil
	}
	names := []any{host + ".example.com"}
	for range g.IntN(3) {
		names = append(names, host+"-"+g.word())
	}
	return names
}

func (g *Generator) services() any {
	return pick[any](g, []any{"broker", "ssh"}, []any{"ssh"}, []any{"broker", "rdp"}, []any{})
}

func (g *Generator) sourceDetails() any {
	if g.chance(40) {
		return nil
	}
	return of("ad_connection_id", nil, "cloud_account", fmt.Sprintf("%012d", g.IntN(1e9)),
		"cloud_provider", pick(g, "aws", "gce", "azure"), "instance_id", "i-"+hex.EncodeToString(g.bytes(8)))
}
