package main

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// gjsonPaths maps records as somebody would who has gjson at hand: one GetBytes
// for each path of the table, the event appended in the order of the schema. As
// gjson does not validate by itself, each record is checked first.
func gjsonPaths(in io.Reader, out *bufio.Writer) error {
	var w eventWriter
	return eachLine(in, func(line []byte) error {
		if !gjson.ValidBytes(line) {
			return errors.New("a line is not valid")
		}
		w.dst = w.dst[:0]
		w.record = line
		w.event()
		return writeLine(out, w.dst)
	})
}

// event appends the whole event.
func (w *eventWriter) event() {
	w.dst = append(w.dst, '{')
	var who, host, login bool
	w.message("principal", func() { who, host = w.principal() })
	w.message("target", func() { login = w.target() })
	w.list("intermediary", w.intermediaries)
	w.list("security_result", func() {
		w.element(func() {
			w.list("detection_fields", func() {
				w.label("session_type", w.get("details.session_type"))
				w.label("ssh_public_key", w.get("details.ssh_public_key"))
			})
		})
	})
	w.message("additional", func() {
		w.text("team_name", w.get("details.team_name"))
		w.text("id", w.get("id"))
	})
	w.message("network", func() {
		w.first("session_id", w.get("details.trace_id"), w.get("details.via"))
		w.message("tls", func() { w.text("cipher", w.get("details.ssh_algorithm")) })
	})
	kind := w.get("details.type")
	eventType := "GENERIC_EVENT"
	switch {
	case who && (w.targetUser || login && strings.Contains(strings.ToLower(kind.String()), "login")):
		eventType = "USER_LOGIN"
	case who:
		eventType = "USER_UNCATEGORIZED"
	case host:
		eventType = "STATUS_UPDATE"
	}
	w.message("metadata", func() {
		w.text("event_timestamp", w.get("timestamp"))
		w.string("event_type", eventType)
		w.string("vendor_name", "OKTA_SCALEFT")
		w.string("product_name", "OKTA_SCALEFT")
		w.text("product_event_type", kind)
	})
	w.message("extensions", func() {
		w.message("auth", func() {
			if eventType == "USER_LOGIN" {
				w.string("type", "SSO")
			}
			w.text("auth_details", w.get("details.session_type"))
		})
	})
	w.dst = append(w.dst, '}')
}

// principal reports whether the event has a user and whether it has a host or an
// address.
func (w *eventWriter) principal() (who, host bool) {
	w.message("user", func() {
		w.text("product_object_id", w.get("details.client.id"))
		who = w.first("userid", w.get("details.actor.name"), w.get("details.unix_user_name"))
		w.text("user_display_name", w.get("details.actor.details.full_name"))
		w.text("first_name", w.get("details.actor.details.first_name"))
		w.text("last_name", w.get("details.actor.details.last_name"))
		who = w.texts("email_addresses", w.get("details.actor.details.email")) || who
		who = w.text("employee_id", w.get("details.actor.id")) || who
		w.texts("department", w.get("details.actor.team_name"))
		w.message("attribute", func() {
			w.list("roles", func() {
				w.element(func() { w.text("name", w.get("details.actor.details.user_type")) })
			})
			w.list("labels", func() {
				w.label("actor_status", w.get("details.actor.status"))
				w.label("actor_user_type", w.get("details.actor.user_type"))
			})
		})
	})
	ips := addresses(w.get("details.client_ip").String(), w.get("details.from_address").String())
	hostname := w.get("details.client.hostname")
	w.text("application", w.get("details.client.description"))
	host = w.text("hostname", hostname)
	w.message("asset", func() {
		w.text("hostname", hostname)
		w.strings("ip", ips)
		w.message("attribute", func() {
			w.list("labels", func() { w.label("details_client_encrypted", w.get("details.client.encrypted")) })
		})
	})
	host = w.strings("ip", ips) || host
	os := w.get("details.client.os").String()
	w.string("platform", clientPlatform(os))
	w.string("platform_version", version.FindString(os))
	w.message("resource", func() {
		w.text("id", w.get("details.team_id"))
		w.message("attribute", func() {
			w.list("labels", func() { w.label("client_state", w.get("details.client.state")) })
		})
	})
	return who, host
}

// target reports whether the event has a host or an application to log in to,
// and notes in w.targetUser whether it has a user.
func (w *eventWriter) target() (login bool) {
	asset := w.get("details.server.alt_names.0")
	login = w.first("hostname", asset, w.get("details.server_hostnames.0"))
	w.message("asset", func() {
		w.text("hostname", asset)
		w.message("attribute", func() {
			w.list("labels", func() {
				w.label("server_state", w.get("details.server.state"))
				w.label("ssh_key_fingerprint", w.get("details.ssh_key_fingerprint"))
			})
		})
	})
	w.targetUser = false
	w.message("user", func() {
		id := w.text("userid", w.get("details.client.user_name"))
		w.targetUser = w.text("user_display_name", w.get("details.username")) || id
	})
	login = w.text("application", w.get("details.target_server")) || login
	w.string("platform", serverPlatform(w.get("details.server_os_type").String()))
	w.text("platform_version", w.get("details.server_os"))
	w.message("resource", func() {
		w.first("id", w.get("details.project.id"), w.get("details.team_id"))
		w.text("name", w.get("details.project.name"))
		w.message("attribute", func() { w.list("labels", w.targetLabels) })
	})
	return login
}

func (w *eventWriter) targetLabels() {
	w.label("project_create_server_users", w.get("details.project.create_server_users"))
	w.label("project_force_shared_ssh_users", w.get("details.project.force_shared_ssh_users"))
	w.label("project_forward_traffic", w.get("details.project.forward_traffic"))
	w.label("next_unix_gid", w.get("details.project.next_unix_gid"))
	w.label("next_unix_uid", w.get("details.project.next_unix_uid"))
	w.label("project_rdp_session_recording", w.get("details.project.rdp_session_recording"))
	w.label("project_require_preauth_for_creds", w.get("details.project.require_preauth_for_creds"))
	w.label("project_ssh_certificate_type", w.get("details.project.ssh_certificate_type"))
	w.label("project_ssh_session_recording", w.get("details.project.ssh_session_recording"))
	w.label("project_team", w.get("details.project.team"))
	for i, name := range w.get("details.server.alt_names").Array() {
		if i > 0 {
			w.label("alt_name", name)
		}
	}
	for i, name := range w.get("details.server_hostnames").Array() {
		if i > 0 {
			w.label("server_hostname "+strconv.Itoa(i), name)
		}
	}
	if id := w.get("details.server_id"); id.IsObject() {
		w.label("details_server_id", id.Get("id"))
	} else {
		w.label("details_server_id", id)
	}
	w.label("details_server_state", w.get("details.server_state"))
}

func (w *eventWriter) intermediaries() {
	w.intermediary(w.get("details.server"))
	w.get("details.servers").ForEach(func(_, server gjson.Result) bool {
		w.intermediary(server)
		return true
	})
}

func (w *eventWriter) intermediary(server gjson.Result) {
	if !server.IsObject() {
		return
	}
	w.element(func() {
		w.text("hostname", server.Get("hostname"))
		w.string("platform", serverPlatform(server.Get("os_type").String()))
		w.text("platform_version", server.Get("os"))
		w.message("user", func() { w.texts("department", server.Get("team_name")) })
		w.message("resource", func() {
			w.message("attribute", func() {
				w.list("labels", func() { w.serverLabels(server) })
			})
		})
	})
}

func (w *eventWriter) serverLabels(server gjson.Result) {
	w.label("details_server_id", server.Get("id"))
	w.label("details_server_os", server.Get("os"))
	for i, service := range server.Get("services").Array() {
		w.label("server_services "+strconv.Itoa(i), service)
	}
	w.label("server_source", server.Get("source"))
	w.label("server_source_details_cloud_account", server.Get("source_details.cloud_account"))
	w.label("server_source_details_cloud_provider", server.Get("source_details.cloud_provider"))
	w.label("server_source_details_instance_id", server.Get("source_details.instance_id"))
}

var version = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

func clientPlatform(os string) string {
	os = strings.ToLower(os)
	switch {
	case strings.Contains(os, "win"):
		return "WINDOWS"
	case strings.Contains(os, "lin"):
		return "LINUX"
	case strings.Contains(os, "mac"), strings.Contains(os, "ios"):
		return "MAC"
	case strings.Contains(os, "android"):
		return "ANDROID"
	}
	return ""
}

func serverPlatform(os string) string {
	os = strings.ToLower(os)
	switch {
	case strings.Contains(os, "linux"):
		return "LINUX"
	case strings.Contains(os, "windows"):
		return "WINDOWS"
	case strings.Contains(os, "mac"):
		return "MAC"
	}
	return ""
}

// addresses answers the IP addresses of the texts, each once.
func addresses(texts ...string) []string {
	var all []string
	for _, text := range texts {
		if ip := address(text); ip != "" && !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	return all
}

// address answers the address that a text begins with, as audit records have it:
// alone, or before a port, and then perhaps in brackets.
func address(text string) string {
	if text == "" {
		return ""
	}
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return text
	}
	text = strings.TrimPrefix(text, "[")
	if strings.Count(text, ":") == 1 {
		text = text[:strings.IndexByte(text, ':')]
	}
	if end := strings.IndexByte(text, ']'); end >= 0 {
		text = text[:end]
	}
	for end := len(text); end > 1; end-- {
		if ip, err := netip.ParseAddr(text[:end]); err == nil && ip.Zone() == "" {
			return text[:end]
		}
	}
	return ""
}
