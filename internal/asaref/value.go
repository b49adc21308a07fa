package asaref

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// text answers the text of a scalar, and "" where there is nothing to copy.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// firstText answers the first text that is not empty.
func firstText(values ...any) string {
	for _, v := range values {
		if s := text(v); s != "" {
			return s
		}
	}
	return ""
}

// texts answers what a repeated field takes from v: a scalar is one element, a
// list gives its scalars.
func texts(v any) []string {
	if _, ok := v.([]any); !ok {
		v = []any{v}
	}
	var all []string
	for _, element := range list(v) {
		if s := text(element); s != "" {
			all = append(all, s)
		}
	}
	return all
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// position0 answers what stands at position 0 of a list, or under the key "0" of
// an object.
func position0(v any) any {
	if l := list(v); len(l) > 0 {
		return l[0]
	}
	return object(v)["0"]
}

// add appends a label for v, or one for each scalar if v is a list.
func (l *labels) add(key string, v any) {
	for _, s := range texts(v) {
		l.addText(key, s)
	}
}

func (l *labels) addText(key, value string) {
	if value != "" {
		*l = append(*l, label{Key: key, Value: value})
	}
}

var versionPattern = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

type platform struct {
	pattern *regexp.Regexp
	name    string
}

var clientSubstrings = []platform{
	{regexp.MustCompile(`(?i)Win|win`), "WINDOWS"},
	{regexp.MustCompile(`(?i)Lin|lin`), "LINUX"},
	{regexp.MustCompile(`(?i)Mac|ios|mac`), "MAC"},
	{regexp.MustCompile(`(?i)Android|android`), "ANDROID"},
}

var serverPlatforms = []platform{
	{regexp.MustCompile(`(?i)linux`), "LINUX"},
	{regexp.MustCompile(`(?i)windows`), "WINDOWS"},
	{regexp.MustCompile(`(?i)mac`), "MAC"},
}

var clientWords = []platform{
	{words(`win|windows`), "WINDOWS"},
	{words(`linux|ubuntu|debian|centos|rhel|red hat|redhat|fedora|suse|opensuse|sles|amzn|al2|al2023|` +
		`rocky|rockylinux|alma|almalinux|alpine|kali|gentoo|manjaro|raspbian`), "LINUX"},
	{regexp.MustCompile(`(?i)^(arch|archlinux)\b`), "LINUX"},
	{words(`mac|macos|macintosh|osx|os x|darwin|ios|ipados`), "MAC"},
	{words(`android`), "ANDROID"},
}

// words matches one of the words where no letter, digit or "_" comes before it
// and no letter behind it.
func words(alternatives string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^0-9A-Za-z_])(?:` + alternatives + `)(?:$|[^a-zA-Z])`)
}

func match(s string, platforms []platform) string {
	for _, p := range platforms {
		if s != "" && p.pattern.MatchString(s) {
			return p.name
		}
	}
	return ""
}

// longestIP is the length of an IPv6 address with an IPv4 address in its tail,
// every group written in full.
const longestIP = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// findIP answers the leftmost IP address in s, and there the longest.
func findIP(s string) string {
	for i := range len(s) {
		run := s[i:min(len(s), i+longestIP)]
		if end := strings.IndexFunc(run, notInIP); end >= 0 {
			run = run[:end]
		}
		for ; len(run) >= len("::"); run = run[:len(run)-1] {
			if _, err := netip.ParseAddr(run); err == nil {
				return run
			}
		}
	}
	return ""
}

func notInIP(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefABCDEF:.", r)
}

var timePattern = regexp.MustCompile(
	`^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$`)

// timestamp answers an RFC 3339 time in UTC, its fraction as it was written.
func timestamp(s string) (string, bool) {
	m := timePattern.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	t, err := time.Parse("2006-01-02 15:04:05", m[1]+" "+m[2])
	if err != nil {
		return "", false
	}
	if m[4] != "" {
		hours, _ := strconv.Atoi(m[5])
		minutes, _ := strconv.Atoi(m[6])
		if hours > 23 || minutes > 59 {
			return "", false
		}
		offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if m[4] == "+" {
			offset = -offset
		}
		t = t.Add(offset)
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format("2006-01-02T15:04:05") + m[3] + "Z", true
}
