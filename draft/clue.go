package draft

import (
	"slices"
	"strings"
)

// clue says which UDM field values of a name, or of a shape, may belong to.
type clue struct {
	// names are phrases that the words of the path may end with, separated by "|".
	// One that begins with ^ must be the whole path.
	names string
	field string // UDM path; noun. stands for principal. or target.
	also  string // a second one
	side  side   // where the path does not say
	extra rewrite
	kinds kindSet
}

// side is the noun that a path speaks of.
type side uint8

const (
	doer  side = iota // principal
	thing             // target
)

// kindSet is what a value must be for a clue to count.
type kindSet uint8

const (
	anyScalar kindSet = iota
	texts
	numbers // or digits
)

// rewrite is how the text must be changed to fit the field.
type rewrite uint8

const (
	asIs rewrite = iota
	findIP
	findVersion
	toPlatform
	toSeverity
	toAction
	toProtocol
)

// clues are tried in this order; of several that fit, the one with the longest
// phrase counts.
var clues = []clue{
	{names: "ip|ip address|ipaddress|ip addr|ipaddr|client address|remote address|remote addr|from address|peer address|source address|src address|ipv4|ipv6|x forwarded for", field: "noun.ip", also: "noun.asset.ip", extra: findIP, kinds: texts},
	{names: "nat ip", field: "noun.nat_ip", extra: findIP, kinds: texts},
	{names: "mac|mac address|macaddress|hwaddr|hardware address", field: "noun.mac", also: "noun.asset.mac", kinds: texts},
	{names: "port", field: "noun.port", kinds: numbers},
	{names: "source port|src port|client port|local port", field: "principal.port", kinds: numbers},
	{names: "dest port|dst port|destination port|server port|target port", field: "target.port", kinds: numbers},
	{names: "hostname|host|host name|computer|computer name|machine|machine name|device name|workstation|fqdn|node name|server name", field: "noun.hostname", also: "noun.asset.hostname", kinds: texts},
	{names: "device id|asset id|agent id|sensor id|machine id", field: "noun.asset.product_object_id"},
	{names: "email|e mail|mail|email address|emailaddress|user email|upn|user principal name|userprincipalname", field: "noun.user.email_addresses", kinds: texts},
	{names: "user|username|user name|login|account|account name|userid|user id|actor|actor id|actor name|alternate id|login name|logon name|sam account name|subject|principal|owner|operator|caller|initiator", field: "noun.user.userid"},
	{names: "display name|full name|fullname|displayname|user display name|real name", field: "noun.user.user_display_name", kinds: texts},
	{names: "first name|given name|firstname|givenname", field: "noun.user.first_name", kinds: texts},
	{names: "last name|family name|surname|lastname", field: "noun.user.last_name", kinds: texts},
	{names: "employee id|employee number|employeeid", field: "noun.user.employee_id"},
	{names: "sid|user sid|windows sid", field: "noun.user.windows_sid", kinds: texts},
	{names: "department", field: "noun.user.department", kinds: texts},
	{names: "job title", field: "noun.user.title", kinds: texts},
	{names: "phone|phone number|mobile phone", field: "noun.user.phone_numbers"},
	{names: "role|roles|user role", field: "noun.user.attribute.roles", kinds: texts},
	{names: "group|group name|team|team name", field: "noun.group.group_display_name", side: thing, kinds: texts},
	{names: "url|uri|href|link|request url|request uri", field: "noun.url", side: thing, kinds: texts},
	{names: "referer|referrer|http referer|referral url", field: "network.http.referral_url", kinds: texts},
	{names: "user agent|useragent|raw user agent|ua", field: "network.http.user_agent", kinds: texts},
	{names: "http method|request method|method|verb", field: "network.http.method", kinds: texts},
	{names: "status code|http status|response code|http code|http status code", field: "network.http.response_code", kinds: numbers},
	{names: "protocol|app protocol|application protocol|transport protocol", field: "network.application_protocol", extra: toProtocol, kinds: texts},
	{names: "session id|sessionid|session|session uid|trace id|external session id", field: "network.session_id"},
	{names: "bytes sent|sent bytes|bytes out", field: "network.sent_bytes", kinds: numbers},
	{names: "bytes received|received bytes|bytes in", field: "network.received_bytes", kinds: numbers},
	{names: "asn|as number", field: "network.asn"},
	{names: "cipher|cipher suite|tls cipher", field: "network.tls.cipher", kinds: texts},
	{names: "tls version", field: "network.tls.version", kinds: texts},
	{names: "email subject|mail subject", field: "network.email.subject", kinds: texts},
	{names: "os|os name|platform|operating system|os type|os platform", field: "noun.platform", extra: toPlatform, kinds: texts},
	{names: "os version|platform version|operating system version", field: "noun.platform_version", extra: findVersion},
	{names: "country|country code|country name", field: "noun.location.country_or_region", kinds: texts},
	{names: "city|city name", field: "noun.location.city", kinds: texts},
	{names: "location state|geo state|region|region name|geographical context state", field: "noun.location.state", kinds: texts},
	{names: "latitude|lat", field: "noun.location.region_coordinates.latitude", kinds: numbers},
	{names: "longitude|lon|lng", field: "noun.location.region_coordinates.longitude", kinds: numbers},
	{names: "domain|user domain|org|organization|tenant|org name", field: "noun.administrative_domain", kinds: texts},
	{names: "event type|eventtype|event name|event|event action|activity|operation|operation name|event code|event id name|details type", field: "metadata.product_event_type"},
	{names: "event id|eventid|uuid|guid|log id|record id|event uuid|message id|^id", field: "metadata.product_log_id"},
	{names: "^message|^msg|^description|display message|event message|event description", field: "metadata.description", kinds: texts},
	{names: "severity|level|priority|risk level|log level", field: "security_result.severity", extra: toSeverity, kinds: texts},
	{names: "action|outcome|result|^status|event status|disposition|verdict|decision|outcome result", field: "security_result.action", extra: toAction, kinds: texts},
	{names: "reason|failure reason|outcome reason|error|error message", field: "security_result.summary", kinds: texts},
	{names: "rule name|policy name|rule|policy", field: "security_result.rule_name", kinds: texts},
	{names: "threat|threat name|malware|virus|signature name", field: "security_result.threat_name", kinds: texts},
	{names: "category|event category", field: "security_result.category_details", kinds: texts},
	{names: "app|application|app name|application name|service|service name", field: "noun.application", side: thing, kinds: texts},
	{names: "resource|resource name|object name|repo|repository|bucket|project name", field: "target.resource.name", kinds: texts},
	{names: "resource id|object id|project id|repo id", field: "target.resource.product_object_id"},
	{names: "resource type|object type", field: "target.resource.resource_subtype", kinds: texts},
	{names: "command line|cmdline|command|cmd", field: "noun.process.command_line", kinds: texts},
	{names: "pid|process id", field: "noun.process.pid"},
	{names: "process|process name|process path|image|exe|executable", field: "noun.process.file.full_path", kinds: texts},
	{names: "file|file name|filename|file path|filepath|path", field: "noun.file.full_path", side: thing, kinds: texts},
	{names: "sha256|file hash sha256", field: "noun.file.sha256", side: thing, kinds: texts},
	{names: "sha1", field: "noun.file.sha1", side: thing, kinds: texts},
	{names: "md5", field: "noun.file.md5", side: thing, kinds: texts},
}

// elementClues are for the elements of lists, which are things more often than
// people.
var elementClues = []clue{
	{names: "id", field: "noun.resource.product_object_id"},
	{names: "name", field: "noun.resource.name", kinds: texts},
	{names: "type", field: "noun.resource.resource_subtype", kinds: texts},
}

// byShape are the fields for texts whose form says what they are, whatever their
// name.
var byShape = [shapes]clue{
	ipShape:    {field: "noun.ip", also: "noun.asset.ip", extra: findIP},
	emailShape: {field: "noun.user.email_addresses"},
	urlShape:   {field: "noun.url", side: thing},
	macShape:   {field: "noun.mac", also: "noun.asset.mac"},
}

// Words that say which side of the event a path speaks of. The last one of a path
// decides.
var (
	actorWords  = []string{"principal", "actor", "client", "src", "source", "origin", "initiator", "caller", "requester", "from"}
	targetWords = []string{"target", "dst", "dest", "destination", "server", "remote", "recipient", "to", "resource", "object"}
)

// clueOf answers what a place of scalars may be.
func clueOf(p *place, inBlock bool) (clue, bool) {
	if p.secret || p.scalars() == 0 {
		return clue{}, false
	}
	best, length := clue{}, 0
	known := clues
	if inBlock {
		known = slices.Concat(clues, elementClues)
	}
	for _, c := range known {
		if n := c.fits(p); n > length && len(c.targets(p, inBlock)) > 0 {
			best, length = c, n
		}
	}
	for _, s := range []shape{ipShape, emailShape, macShape} {
		if p.mostly(s) && best.extra != findIP {
			return byShape[s], true
		}
	}
	if length == 0 && p.mostly(urlShape) {
		return byShape[urlShape], true
	}
	return best, length > 0
}

// fits answers how many words of the path speak for a clue.
func (c clue) fits(p *place) int {
	if !c.kinds.holds(p) {
		return 0
	}
	longest := 0
	for phrase := range strings.SplitSeq(c.names, "|") {
		phrase, whole := strings.CutPrefix(phrase, "^")
		n := strings.Count(phrase, " ") + 1
		if n > longest && endsWith(p.words, phrase) && !(whole && n < len(p.words)) {
			longest = n
		}
	}
	return longest
}

func (k kindSet) holds(p *place) bool {
	switch k {
	case texts:
		return p.counts[text] > 0
	case numbers:
		return p.counts[number] > 0 || p.counts[text] > 0
	}
	return p.counts[text]+p.counts[number] > 0
}

// sideOf answers the noun that a path speaks of.
func sideOf(words []string, otherwise side) string {
	for _, w := range slices.Backward(words) {
		switch {
		case slices.Contains(targetWords, w):
			return "target"
		case slices.Contains(actorWords, w):
			return "principal"
		}
	}
	if otherwise == thing {
		return "target"
	}
	return "principal"
}

// targets answers the UDM paths of a clue. Inside a block they are relative to a
// noun; what belongs to no noun has no place there.
func (c clue) targets(p *place, inBlock bool) []string {
	var out []string
	for _, field := range []string{c.field, c.also} {
		rest, ofNoun := strings.CutPrefix(field, "noun.")
		switch {
		case field == "":
		case inBlock && ofNoun:
			out = append(out, rest)
		case inBlock:
		case ofNoun:
			out = append(out, sideOf(p.words, c.side)+"."+rest)
		default:
			out = append(out, field)
		}
	}
	return out
}
