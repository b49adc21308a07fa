package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// How many different objects a generated log refers to.
const (
	users    = 40
	clients  = 60
	projects = 8
	servers  = 120
)

// At implements Log.
func (g *Generated) At(i int) Entry {
	d := g.digest("choice", i)
	e := entry{log: g, draw: d[:], related: make(map[string]json.RawMessage)}
	id := g.id(i)
	details := e.details()
	event := fmt.Sprintf(`{"id":%q,"timestamp":%q,"details":%s}`,
		id, g.Start.Add(time.Duration(i)*g.Step).Format(time.RFC3339Nano), details)
	return Entry{ID: id, Event: []byte(event), Related: e.related}
}

// entry makes one event.
type entry struct {
	log     *Generated
	draw    []byte
	related map[string]json.RawMessage
}

// pick draws a number below n.
func (e *entry) pick(n int) int {
	v := int(e.draw[0])<<8 | int(e.draw[1])
	e.draw = e.draw[2:]
	return v % n
}

// details makes the fields that are seen for each type of event.
func (e *entry) details() string {
	trace := fmt.Sprintf("1-%04x", e.pick(1<<16))
	common := `"team_id":"","team_name":"example-team","trace_id":"` + trace + `"`
	switch e.pick(6) {
	case 0:
		return fmt.Sprintf(`{"actor":%q,"client":%q,"session_type":"authenticated_client","target_server":"",%s,"type":"auth_token.issue","via":null}`,
			e.user(), e.client(), common)
	case 1:
		return fmt.Sprintf(`{"actor":%q,"client":%q,"project":%q,"servers":[%q,%q],"client_ip":%q,"user_access_method":"preauthorized",%s,"type":"user_creds.issue"}`,
			e.user(), e.client(), e.project(), e.server(), e.server(), e.address(), common)
	case 2:
		return fmt.Sprintf(`{"from_address":"%s:%d","project":%q,"server":%q,"ssh_algorithm":"ssh-ed25519","ssh_public_key":"AAAAC3NzaC1lZDI1NTE5","unix_user_name":"user%d","user":"",%s,"type":"server.ssh_login"}`,
			e.address(), 1024+e.pick(60000), e.project(), e.server(), e.pick(users), common)
	case 3:
		return fmt.Sprintf(`{"actor":%q,"target_user":%q,"user_status":"UPDATE",%s,"type":"user.update"}`, e.user(), e.user(), common)
	case 4:
		project := e.project()
		return fmt.Sprintf(`{"actor":%q,"project_id":%q,"project_name":%q,%s,"type":"project.create"}`, e.user(), project, project, common)
	default:
		return fmt.Sprintf(`{"actor":%q,"client":%q,"client_ip":%q,%s,"type":"client.enroll"}`, e.user(), e.client(), e.address(), common)
	}
}

func (e *entry) address() string { return fmt.Sprintf("203.0.113.%d", 1+e.pick(254)) }

// refer puts an object into the page and answers its reference.
func (e *entry) refer(kind string, i int, object string) string {
	sum := e.log.digest(kind, i)
	ref := base64.StdEncoding.EncodeToString(sum[:])
	e.related[ref] = json.RawMessage(fmt.Sprintf(`{"type":%q,"object":%s}`, kind, object))
	return ref
}

func (e *entry) user() string {
	i := e.pick(users)
	if i%10 == 0 {
		return e.refer("user", i, fmt.Sprintf(`{"id":%q,"name":"service-%d","status":"ACTIVE","user_type":"service","deleted_at":null,"team_name":"example-team","role_grants":null,"oauth_client_application_id":null,"details":null}`,
			e.log.uuid("user", i), i))
	}
	return e.refer("user", i, fmt.Sprintf(`{"id":%q,"name":"person.%d","status":"ACTIVE","user_type":"human","deleted_at":null,"team_name":"example-team","role_grants":null,"oauth_client_application_id":null,"details":{"email":"person.%d@example.com","first_name":"Person","last_name":"No. %d","full_name":"Person No. %d"}}`,
		e.log.uuid("user", i), i, i, i, i))
}

func (e *entry) client() string {
	i := e.pick(clients)
	systems := []string{"macOS 14.6", "Windows 11", "Ubuntu 24.04"}
	return e.refer("client", i, fmt.Sprintf(`{"id":%q,"hostname":"laptop-%d","description":"","os":%q,"encrypted":true,"state":"ACTIVE","user_name":"person.%d","deleted_at":"0001-01-01T00:00:00Z"}`,
		e.log.uuid("client", i), i, systems[i%len(systems)], i%users))
}

func (e *entry) project() string {
	i := e.pick(projects)
	return e.refer("project", i, fmt.Sprintf(`{"id":%q,"name":"project-%d","team":"example-team","create_server_users":true,"next_unix_uid":%d,"next_unix_gid":%d,"deleted_at":null}`,
		e.log.uuid("project", i), i, 60001+i, 63001+i))
}

func (e *entry) server() string {
	i := e.pick(servers)
	return e.refer("server", i, fmt.Sprintf(`{"id":%q,"hostname":"host-%d.example.com","alt_names":["alt-%d.example.com","host-%d"],"access_address":"192.0.2.%d","os":"Ubuntu 22.04","os_type":"linux","services":["ssh"],"state":"ACTIVE","project_name":"project-%d","team_name":"example-team","managed":true,"cloud_provider":"gce","instance_id":"%d","last_seen":"0001-01-01T00:00:00Z","deleted_at":null}`,
		e.log.uuid("server", i), i, i, i, 1+i, i%projects, 7000+i))
}

func (g *Generated) uuid(kind string, i int) string {
	b := g.digest("uuid "+kind, i)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
