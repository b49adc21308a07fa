package lint

// system is the name of an operating system as devices report it, with the
// platforms it may be given.
type system struct {
	name      string
	platforms []string
}

// knownSystems answers well-known names of operating systems. Names that are
// more than one thing, such as that of Linux on Windows, are left out.
func knownSystems() []system {
	var out []system
	for _, group := range []struct {
		platforms []string
		names     []string
	}{
		{[]string{"WINDOWS"}, []string{"Windows 10 Pro", "Microsoft Windows 11", "Windows Server 2022", "Windows_NT"}},
		{[]string{"MAC"}, []string{"Darwin 22.3.0", "macOS 14.5", "Mac OS X 10.15.7", "macOS Catalina", "macOS Mojave",
			"macOS Big Sur", "macOS Monterey", "macOS Ventura", "macOS Sonoma", "macOS Sequoia", "OS X El Capitan"}},
		{[]string{"LINUX"}, []string{"Linux 5.15.0", "Ubuntu 22.04", "Debian GNU/Linux 12 (bookworm)", "CentOS 7", "Fedora 40",
			"Red Hat Enterprise Linux 9", "RHEL 9", "Amazon Linux 2", "openSUSE Leap 15.5", "Alpine Linux 3.19", "Arch Linux",
			"Rocky Linux 9", "AlmaLinux 9", "Oracle Linux 8", "Kali Linux"}},
		{[]string{"IOS", "MAC"}, []string{"iOS 17.1", "iPadOS 17"}},
		{[]string{"ANDROID", "LINUX"}, []string{"Android 14"}},
		{[]string{"CHROME_OS", "LINUX"}, []string{"Chrome OS 120", "ChromeOS"}},
		{nil, []string{"FreeBSD 14", "OpenBSD 7.4", "SunOS 5.11", "Solaris 11", "AIX 7.2", "HP-UX 11", "FortiOS 7.4"}},
	} {
		for _, name := range group.names {
			out = append(out, system{name, group.platforms})
		}
	}
	return out
}

// opposite is a word and one that has it inside and says the contrary.
type opposite struct{ word, contrary string }

func opposites() []opposite {
	return []opposite{
		{"success", "unsuccessful"}, {"successful", "unsuccessful"}, {"valid", "invalid"}, {"active", "inactive"},
		{"activate", "deactivate"}, {"activated", "deactivated"}, {"allow", "disallow"}, {"allowed", "disallowed"},
		{"approved", "disapproved"}, {"authorized", "unauthorized"}, {"authenticated", "unauthenticated"},
		{"known", "unknown"}, {"trusted", "untrusted"}, {"managed", "unmanaged"}, {"secure", "insecure"},
		{"complete", "incomplete"}, {"correct", "incorrect"}, {"connect", "disconnect"}, {"connected", "disconnected"},
		{"lock", "unlock"}, {"locked", "unlocked"}, {"block", "unblock"}, {"blocked", "unblocked"},
		{"encrypted", "unencrypted"}, {"registered", "unregistered"}, {"enrolled", "unenrolled"},
		{"assign", "unassign"}, {"assigned", "unassigned"}, {"install", "uninstall"}, {"installed", "uninstalled"},
		{"suspend", "unsuspend"}, {"suspended", "unsuspended"}, {"compliant", "noncompliant"}, {"healthy", "unhealthy"},
		{"verified", "unverified"}, {"available", "unavailable"}, {"safe", "unsafe"}, {"reachable", "unreachable"},
	}
}

// replacements answers the fields to write in place of a deprecated one, given
// its message: paths from that message, "../" meaning the message around it.
// Where the schema names none the answer is empty.
func replacements(message, field string) []string {
	switch message + "." + field {
	case "Resource.id":
		return []string{"product_object_id", "name"}
	case "Resource.type":
		return []string{"resource_type", "resource_subtype"}
	case "Resource.parent":
		return []string{"../resource_ancestors"}
	case "User.user_role", "User.role_name", "User.role_description":
		return []string{"attribute.roles"}
	case "User.groupid":
		return []string{"group_identifiers"}
	case "Noun.labels":
		return []string{"resource.attribute.labels", "user.attribute.labels", "asset.attribute.labels"}
	case "Asset.labels":
		return []string{"attribute.labels"}
	case "Noun.cloud":
		return []string{"resource.attribute.cloud", "asset.attribute.cloud"}
	case "Noun.ip_location":
		return []string{"ip_geo_artifact.location"}
	case "Location.region_latitude":
		return []string{"region_coordinates.latitude"}
	case "Location.region_longitude":
		return []string{"region_coordinates.longitude"}
	case "Process.parent_pid":
		return []string{"parent_process.pid"}
	case "Process.product_specific_parent_process_id":
		return []string{"parent_process.product_specific_process_id"}
	case "Group.creation_time", "Asset.creation_time":
		return []string{"attribute.creation_time"}
	case "File.ahash":
		return []string{"authentihash"}
	case "SecurityResult.verdict":
		return []string{"verdict_info"}
	}
	return nil
}
