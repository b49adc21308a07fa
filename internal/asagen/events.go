package asagen

import "strconv"

// related answers what stands in an event for an object: the object itself in a
// joined record, a reference in a page.
type related interface {
	refer(kind string, object *object) any
}

type joined struct{ *Generator }

func (joined) refer(_ string, object *object) any { return object }

// record composes one event: the newest forms of access most often, as in a log,
// and the changes of settings now and then.
func (g *Generator) record(to related) *object {
	family := pick(g, g.authToken, g.authToken, g.authToken, g.sshLogin, g.sshLogin, g.sshLogin, g.userCreds, g.userCreds,
		g.gatewayCreds, g.userChange, g.projectChange, g.serverChange, g.clientChange, g.teamChange)
	details := family(to)
	return of("details", details, "id", g.base64(16), "timestamp", g.timestamp())
}

// common are the keys of every event.
func (g *Generator) common(details *object, kind string) *object {
	details.set("team_id", pick(g, "", g.uuid()))
	details.set("team_name", team)
	details.set("trace_id", pick(g, g.base64(6), "1-"+g.uuid()[:8]))
	details.set("type", kind)
	return details
}

func (g *Generator) authToken(to related) *object {
	return g.common(of("actor", to.refer("user", g.user()), "client", to.refer("client", g.client()),
		"session_type", pick(g, "authenticated_client", "service_user"), "target_server", "",
		"via", pick[any](g, nil, nil, "web")), "auth_token.issue")
}

func (g *Generator) sshLogin(to related) *object {
	details := of("from_address", g.address(), "project", to.refer("project", g.project()),
		"server", to.refer("server", g.server()), "ssh_algorithm", "ssh-ed25519-cert-v01@openssh.com",
		"ssh_public_key", "AAAAC3NzaC1lZDI1NTE5AAAAI"+g.base64(32), "unix_user_name", pick(g, g.word(), g.word(), g.word(), ""), "user", "")
	if g.chance(30) {
		details.set("user", to.refer("user", g.user()))
	}
	return g.common(details, "server.ssh_login")
}

func (g *Generator) userCreds(to related) *object {
	var servers, hostnames []any
	for range g.IntN(3) + 1 {
		server := g.server()
		servers = append(servers, to.refer("server", server))
		hostnames = append(hostnames, server.get("hostname"))
	}
	if g.chance(10) {
		servers = append(servers, g.base64(32))
	}
	return g.common(of("actor", to.refer("user", g.user()), "client", to.refer("client", g.client()),
		"client_ip", g.ip(), "mfa_challenge_completed", g.chance(50),
		"project", to.refer("project", g.project()), "server_hostnames", hostnames, "servers", servers,
		"ssh_key_fingerprint", "SHA256:"+g.base64(32), "user_access_method", "",
		"via", nil), "user_creds.issue")
}

func (g *Generator) gatewayCreds(to related) *object {
	return g.common(of("actor", to.refer("user", g.user()), "client", to.refer("client", g.client()),
		"client_ip", g.address(), "gateway", g.uuid(), "server", to.refer("server", g.server()),
		"target_server", g.word()+".internal", "username", g.word()), "gateway_creds.issue")
}

func (g *Generator) userChange(to related) *object {
	return g.common(of("actor", to.refer("user", g.user()), "target_user", to.refer("user", g.user()),
		"user_status", pick(g, "UPDATE", "DELETE", "CREATE"), "username", people[g.IntN(len(people))].user),
		pick(g, "user.create", "user.update", "user.remove", "member.add", "password.reset"))
}

func (g *Generator) projectChange(to related) *object {
	project := to.refer("project", g.project())
	return g.common(of("actor", to.refer("user", g.user()), "project", project,
		"project_id", project, "project_name", project), pick(g, "project.create", "project.add_group"))
}

func (g *Generator) serverChange(to related) *object {
	return g.common(of("actor", to.refer("user", g.user()), "server_hostnames", []any{g.word(), g.word()},
		"server_id", pick(g, any(g.uuid()), to.refer("server", g.server())),
		"server_os", pick(g, clientSystems...), "server_os_type", pick(g, "linux", "windows", ""),
		"server_state", pick(g, "ACTIVE", "DELETED")), pick(g, "server.enroll", "server.remove"))
}

func (g *Generator) clientChange(to related) *object {
	return g.common(of("actor", to.refer("user", g.user()), "client", to.refer("client", g.client()),
		"client_ip", g.ip()), pick(g, "client.assign", "client.enroll", "client.state.update"))
}

// teamChange is an event whose keys nobody has described.
func (g *Generator) teamChange(related) *object {
	details := of()
	for i := range g.IntN(4) + 1 {
		details.set(g.word()+"_"+strconv.Itoa(i), g.anything(1))
	}
	return g.common(details, pick(g, "team_settings.update", "apikey.rotate", "entitlement_sudo.create"))
}
