package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/rules"
	"github.com/asa2udm/asa2udm/udm"
)

// What the goldens of the Okta pack expect is an event that the product takes.
func TestOktaGoldensAreValid(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join(goldens, "okta", "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	parser := compileOkta(t)
	for _, input := range inputs {
		for line := range bytes.Lines(readFile(t, input)) {
			event, err := parser.Map(nil, bytes.TrimSpace(line))
			if err != nil {
				continue // the golden holds the reject
			}
			if wrong := oktaErrors(event); wrong != nil {
				t.Errorf("%s: %v in\n%s", filepath.Base(input), wrong, event)
			}
		}
	}
}

// An event gets no type whose required fields it lacks, whatever Okta leaves out
// of it.
func TestOktaTypesHaveWhatUDMRequires(t *testing.T) {
	source := string(compileSource(t))
	_, conditions, _ := strings.Cut(source, "\nconditions:")
	names := map[string]bool{
		"user.authentication.auth_via_radius": true, "user.lifecycle.delete.initiated": true,
		"application.lifecycle.create": true, "policy.rule.delete": true, "policy.lifecycle.update": true,
		"group.user_membership.add": true, "pam.user_creds.issue": true,
	}
	for _, m := range regexp.MustCompile(`"([a-z]\w*(?:\.\w+)+)"`).FindAllStringSubmatch(conditions, -1) {
		names[m[1]] = true
	}
	if len(names) < 30 {
		t.Fatalf("%d event types in the pack", len(names))
	}
	target := func(kind string) string {
		return fmt.Sprintf(`{"id":"1","type":%q,"alternateId":"unknown","displayName":"One"}`, kind)
	}
	actors := []string{"", `"actor":null,`, `"actor":{"id":"unknown","type":null,"alternateId":"unknown","displayName":"unknown"},`,
		`"actor":` + target("User") + `,`, `"actor":` + target("PublicClientApp") + `,`}
	targets := []string{"null", "[]", "[null]", "[{}]", "[" + target("User") + "]", "[" + target("UserGroup") + "]",
		"[" + target("AppInstance") + "]", "[" + target("PolicyRule") + "," + target("PolicyEntity") + "]",
		"[" + target("PolicyEntity") + "]", "[" + target("AppUser") + "," + target("Token") + "]"}
	clients := []string{"null", `{"ipAddress":"198.51.100.7"}`, `{"ipAddress":"redacted","device":"Computer"}`}

	parser := compileOkta(t)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for _, actor := range actors {
			for _, targets := range targets {
				for _, client := range clients {
					record := fmt.Sprintf(`{"published":"2024-05-06T07:08:09Z","eventType":%q,%s"client":%s,"target":%s}`, name, actor, client, targets)
					event, err := parser.Map(nil, []byte(record))
					if err != nil {
						t.Fatalf("%s: %v", record, err)
					}
					if wrong := oktaErrors(event); wrong != nil {
						t.Errorf("%s: %v", record, wrong)
					}
				}
			}
		}
	}
}

func compileSource(t *testing.T) []byte {
	t.Helper()
	source, err := rules.FS.ReadFile("okta.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func compileOkta(t *testing.T) *mapping.Parser {
	t.Helper()
	parser, err := mapping.Compile("okta.yaml", compileSource(t), mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// oktaErrors gives what is wrong with an event beyond advice.
func oktaErrors(event []byte) []string {
	var all []string
	for _, v := range udm.Validate(event) {
		if v.Severity == udm.Error {
			all = append(all, v.String())
		}
	}
	return all
}
