package asaref

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
)

const product = "OKTA_SCALEFT"

// event applies every row of the table but the timestamp's.
func (r Rules) event(log map[string]any) *event {
	details := object(log["details"])
	e := &event{
		Metadata: metadata{
			VendorName:       product,
			ProductName:      product,
			ProductEventType: text(details["type"]),
		},
		Additional: additional{TeamName: text(details["team_name"]), ID: text(log["id"])},
		Network: network{
			SessionID: firstText(details["trace_id"], details["via"]),
			TLS:       tls{Cipher: text(details["ssh_algorithm"])},
		},
	}
	e.Extensions.Auth.AuthDetails = text(details["session_type"])

	r.principal(&e.Principal, details)
	target(&e.Target, details)
	e.Intermediary = intermediaries(details)

	var fields labels
	fields.add("session_type", details["session_type"])
	fields.add("ssh_public_key", details["ssh_public_key"])
	if len(fields) > 0 {
		e.SecurityResult = []securityResult{{DetectionFields: fields}}
	}

	e.Metadata.EventType = eventType(e)
	if e.Metadata.EventType == "USER_LOGIN" {
		e.Extensions.Auth.Type = "SSO"
	}
	return e
}

func (r Rules) principal(p *noun, details map[string]any) {
	actor := object(details["actor"])
	person := object(actor["details"])
	client := object(details["client"])

	p.User = user{
		ProductObjectID: text(client["id"]),
		UserID:          firstText(actor["name"], details["unix_user_name"]),
		UserDisplayName: text(person["full_name"]),
		FirstName:       text(person["first_name"]),
		LastName:        text(person["last_name"]),
		EmailAddresses:  texts(person["email"]),
		EmployeeID:      text(actor["id"]),
		Department:      texts(actor["team_name"]),
	}
	for _, name := range texts(person["user_type"]) {
		p.User.Attribute.Roles = append(p.User.Attribute.Roles, role{Name: name})
	}
	p.User.Attribute.Labels.add("actor_status", actor["status"])
	p.User.Attribute.Labels.add("actor_user_type", actor["user_type"])

	p.Application = text(client["description"])
	p.Hostname = text(client["hostname"])
	p.Asset.Hostname = p.Hostname
	p.Asset.Attribute.Labels.add("details_client_encrypted", client["encrypted"])
	os := text(client["os"])
	if r.Corrected {
		p.Platform = match(os, clientWords)
	} else {
		p.Platform = match(os, clientSubstrings)
	}
	p.PlatformVersion = versionPattern.FindString(os)

	p.IP = addresses(details["client_ip"], details["from_address"])
	p.Asset.IP = p.IP

	p.Resource.ID = text(details["team_id"])
	p.Resource.Attribute.Labels.add("client_state", client["state"])
}

func target(t *noun, details map[string]any) {
	project := object(details["project"])
	server := object(details["server"])

	t.Hostname = firstText(position0(server["alt_names"]), position0(details["server_hostnames"]))
	t.Asset.Hostname = text(position0(server["alt_names"]))
	t.Asset.Attribute.Labels.add("server_state", server["state"])
	t.Asset.Attribute.Labels.add("ssh_key_fingerprint", details["ssh_key_fingerprint"])
	t.User.UserID = text(object(details["client"])["user_name"])
	t.User.UserDisplayName = text(details["username"])
	t.Application = text(details["target_server"])
	t.Platform = match(text(details["server_os_type"]), serverPlatforms)
	t.PlatformVersion = text(details["server_os"])
	t.Resource.ID = firstText(project["id"], details["team_id"])
	t.Resource.Name = text(project["name"])
	targetLabels(&t.Resource.Attribute.Labels, details, project, server)
}

func targetLabels(to *labels, details, project, server map[string]any) {
	to.add("project_create_server_users", project["create_server_users"])
	to.add("project_force_shared_ssh_users", project["force_shared_ssh_users"])
	to.add("project_forward_traffic", project["forward_traffic"])
	to.add("next_unix_gid", project["next_unix_gid"])
	to.add("next_unix_uid", project["next_unix_uid"])
	to.add("project_rdp_session_recording", project["rdp_session_recording"])
	to.add("project_require_preauth_for_creds", project["require_preauth_for_creds"])
	to.add("project_ssh_certificate_type", project["ssh_certificate_type"])
	to.add("project_ssh_session_recording", project["ssh_session_recording"])
	to.add("project_team", project["team"])
	for i, name := range list(server["alt_names"]) {
		if i > 0 {
			to.addText("alt_name", text(name))
		}
	}
	for i, name := range list(details["server_hostnames"]) {
		if i > 0 {
			to.addText("server_hostname "+strconv.Itoa(i), text(name))
		}
	}
	// The join may have put the server's object where its reference stood.
	if reference := object(details["server_id"]); reference != nil {
		to.add("details_server_id", reference["id"])
	} else {
		to.add("details_server_id", details["server_id"])
	}
	to.add("details_server_state", details["server_state"])
}

func intermediaries(details map[string]any) []noun {
	var all []noun
	for _, server := range append([]any{details["server"]}, list(details["servers"])...) {
		if n := intermediary(object(server)); !reflect.ValueOf(n).IsZero() {
			all = append(all, n)
		}
	}
	return all
}

func intermediary(server map[string]any) noun {
	var n noun
	n.Hostname = text(server["hostname"])
	n.Platform = match(text(server["os_type"]), serverPlatforms)
	n.PlatformVersion = text(server["os"])
	n.User.Department = texts(server["team_name"])

	to := &n.Resource.Attribute.Labels
	to.add("details_server_id", server["id"])
	to.add("details_server_os", server["os"])
	for i, service := range list(server["services"]) {
		to.addText("server_services "+strconv.Itoa(i), text(service))
	}
	to.add("server_source", server["source"])
	source := object(server["source_details"])
	to.add("server_source_details_cloud_account", source["cloud_account"])
	to.add("server_source_details_cloud_provider", source["cloud_provider"])
	to.add("server_source_details_instance_id", source["instance_id"])
	return n
}

var loginPattern = regexp.MustCompile(`(?i)login`)

func eventType(e *event) string {
	p, t := &e.Principal, &e.Target
	hasPrincipalUser := p.User.UserID != "" || len(p.User.EmailAddresses) > 0 || p.User.EmployeeID != ""
	hasTargetUser := t.User.UserID != "" || t.User.UserDisplayName != ""
	hasTarget := t.Hostname != "" || t.Application != "" || t.Asset.Hostname != ""
	hasPrincipal := p.Hostname != "" || len(p.IP) > 0
	switch {
	case hasPrincipalUser && hasTargetUser,
		hasPrincipalUser && hasTarget && loginPattern.MatchString(e.Metadata.ProductEventType):
		return "USER_LOGIN"
	case hasPrincipalUser:
		return "USER_UNCATEGORIZED"
	case hasPrincipal:
		return "STATUS_UPDATE"
	}
	return "GENERIC_EVENT"
}

// addresses answers the IP addresses of the values, each once.
func addresses(values ...any) []string {
	var all []string
	for _, v := range values {
		for _, s := range texts(v) {
			if ip := findIP(s); ip != "" && !slices.Contains(all, ip) {
				all = append(all, ip)
			}
		}
	}
	return all
}
