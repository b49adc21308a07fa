package lint_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping/lint"
)

func TestCheckOfExtendingFile(t *testing.T) {
	base := file("  - {from: u, to: target.user.userid}", "  - {from: id, to: target.resource.id}",
		"  - {value: SSO, to: extensions.auth.type, when: event_type == \"USER_LOGIN\"}",
		"event_type:", "  - {when: has(udm.target.user) && log.a == \"login\", is: USER_LOGIN}", "  - {is: GENERIC_EVENT}")
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"base is left to itself", "extends: base.yaml\n", nil},
		{"own findings", "extends: base.yaml\nmappings:\n  - {from: id, to: principal.resource.id}\n",
			[]string{"e.yaml:3:20 deprecated: principal.resource.id is deprecated in UDM"}},
		{"what the whole brings about", "extends: base.yaml\nremove: extensions.auth.type\n",
			[]string{"e.yaml:1:10 required-field: no rule can write extensions.auth, which USER_LOGIN requires (at base.yaml:9:58)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := lint.Options{ReadFile: func(name string) ([]byte, error) {
				if name == "base.yaml" {
					return []byte(base), nil
				}
				return nil, fs.ErrNotExist
			}}
			found, err := lint.Check("e.yaml", []byte(c.src), opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, s := range said(found) {
				got = append(got, fmt.Sprintf("%s %s", found[i].Pos, s))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
