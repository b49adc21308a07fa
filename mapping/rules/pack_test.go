package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// pack is as much of a rule file as the table speaks of.
type pack struct {
	Constants  map[string]string `yaml:"constants"`
	Mappings   []rule            `yaml:"mappings"`
	Blocks     map[string][]rule `yaml:"blocks"`
	Conditions map[string]string `yaml:"conditions"`
	EventType  []struct {
		When string `yaml:"when"`
		Is   string `yaml:"is"`
	} `yaml:"event_type"`
}

type rule struct {
	Row     texts  `yaml:"row"`
	From    texts  `yaml:"from"`
	Each    string `yaml:"each"`
	Value   string `yaml:"value"`
	Extract string `yaml:"extract"`
	Match   []struct {
		Regex string `yaml:"regex"`
		Value string `yaml:"value"`
	} `yaml:"match"`
	To    texts  `yaml:"to"`
	Label string `yaml:"label"`
	Use   string `yaml:"use"`
	When  string `yaml:"when"`
}

// texts is one text or a list of them.
type texts []string

func (t *texts) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(t))
	}
	*t = texts{node.Value}
	return nil
}

func readPack(t *testing.T, text string) pack {
	t.Helper()
	var p pack
	if err := yaml.Load([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// row is one row of asa.tsv.
type row struct {
	number, from string
	to           []string
	how          []string // what is done with the value, one text for each step
}

// The parser behind the table has names of its own for a server on its way to
// becoming an intermediary.
var (
	fromNames = strings.NewReplacer("details_server", "details.server", "intermediary_value", "details.server")
	toNames   = strings.NewReplacer("intermediary_value", "intermediary")
	seeRow    = regexp.MustCompile(`^see row (\d+)$`)
)

func readTable(t *testing.T, text string) []row {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	how := make(map[string]string)
	var table []row
	for _, line := range lines[1:] {
		field := strings.Split(line, "\t")
		if len(field) != 4 {
			t.Fatalf("row with %d columns, want 4: %s", len(field), line)
		}
		if m := seeRow.FindStringSubmatch(field[3]); m != nil {
			field[3] = how[m[1]]
		}
		how[field[0]] = field[3]
		table = append(table, row{
			number: field[0],
			from:   fromNames.Replace(field[1]),
			to:     strings.Split(toNames.Replace(field[2]), ", "),
			how:    steps(field[3]),
		})
	}
	return table
}

func steps(how string) []string {
	if strings.HasPrefix(how, "match ") || strings.Contains(how, "; else ") {
		return []string{how}
	}
	return strings.Split(how, "; ")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
