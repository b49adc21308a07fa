package mapping

import (
	"strings"
	"testing"
)

// TestWritePlan checks that the plan names what runs: every rule's place, and how
// its values are found.
func TestWritePlan(t *testing.T) {
	p := compilePack(t, "asa.yaml")
	var b strings.Builder
	if err := p.WritePlan(&b); err != nil {
		t.Fatal(err)
	}
	plan := b.String()
	for _, r := range p.Ruleset().Rules() {
		if !strings.Contains(plan, r.Pos.String()+")") {
			t.Errorf("the plan does not name %s (%s)", r.ID(), r.Pos)
		}
	}
	for _, want := range []string{
		"take details.actor.name [", ", else details.unix_user_name [",
		"text /(?i)Win|win/ is WINDOWS", "each details.server_hostnames from 1", "label server_hostname {index}",
		`when event_type == "USER_LOGIN", constant "SSO"`, "-> GENERIC_EVENT",
	} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan lacks %q:\n%s", want, plan)
		}
	}
}
