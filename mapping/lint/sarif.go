package lint

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// The part of SARIF 2.1.0 that findings need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string       `json:"id"`
		Short         sarifMessage `json:"shortDescription"`
		Configuration sarifLevel   `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

// WriteSARIF writes findings as SARIF 2.1.0, which code hosts show beside the
// code. version is that of the program; it may be empty.
func WriteSARIF(w io.Writer, version string, found []Finding) error {
	rules := sarifRules()
	run := sarifRun{Tool: sarifTool{sarifDriver{"asa2udm", version, rules}}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, f := range found {
		index := slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == f.ID })
		run.Results = append(run.Results, sarifResult{f.ID, index, sarifLevelOf(f.Severity), sarifMessage{f.sarifText()},
			[]sarifLocation{{sarifPhysical{sarifArtifact{fileURI(f.Pos.File)}, f.region()}}}})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"2.1.0", []sarifRun{run}})
}

func sarifRules() []sarifRule {
	rules := []sarifRule{{CompileID, sarifMessage{"the rule file does not compile"}, sarifLevel{"error"}}}
	for _, k := range Kinds() {
		rules = append(rules, sarifRule{k.ID, sarifMessage{k.Summary}, sarifLevel{sarifLevelOf(k.Severity)}})
	}
	return rules
}

func sarifLevelOf(s Severity) string {
	if s == Info {
		return "note"
	}
	return s.String()
}

func (f Finding) sarifText() string {
	if f.Hint == "" {
		return f.Msg
	}
	return f.Msg + ". Hint: " + f.Hint
}

// region answers the place with columns counted in characters, as the run says.
func (f Finding) region() *sarifRegion {
	if f.Pos.Line == 0 {
		return nil
	}
	r := &sarifRegion{StartLine: f.Pos.Line, StartColumn: f.column(f.Pos.Col)}
	if f.EndCol > f.Pos.Col {
		r.EndColumn = f.column(f.EndCol)
	}
	return r
}

func (f Finding) column(bytes int) int {
	if bytes < 1 || bytes-1 > len(f.Source) {
		return bytes
	}
	return utf8.RuneCountInString(f.Source[:bytes-1]) + 1
}

// fileURI answers a file's name as a relative or absolute reference.
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}
