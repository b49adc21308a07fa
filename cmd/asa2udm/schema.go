package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/collector/config"
	"github.com/asa2udm/asa2udm/mapping/rules"
	"github.com/asa2udm/asa2udm/udm"
)

func newSchemaCommand(u *ui) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "schema [flags] [PATH]",
		DisableFlagsInUseLine: true,
		Short:                 "Look up UDM fields, enums and event types",
		Long: `Shows what the UDM schema says of a field (principal.user.userid), of a message
or enum (SecurityResult), or what events of a type must have (USER_LOGIN).
Without PATH it lists the fields of an event. The word rules instead of a PATH
prints the JSON Schema of rule files, collect that of files for collect.`,
		Example: `  $ asa2udm schema principal.user
  $ asa2udm schema USER_LOGIN
  $ asa2udm schema rules > rules.schema.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runSchema(u, strings.Join(args, ""), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return cmd
}

func runSchema(u *ui, word string, asJSON bool) error {
	if word == "rules" {
		_, err := io.WriteString(u.stdout, rules.Schema)
		return err
	}
	if word == "collect" {
		_, err := u.stdout.Write(config.Schema)
		return err
	}
	entry, err := lookupSchema(word)
	if err != nil {
		return err
	}
	if !asJSON {
		return entry.print(u.stdout)
	}
	enc := json.NewEncoder(u.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(entry)
}

// schemaEntry is what the schema says of one word. The members that do not go
// with the word are empty.
type schemaEntry struct {
	*schemaField
	Message      string              `json:"message,omitempty"`
	Fields       []schemaField       `json:"fields,omitempty"`
	Enum         string              `json:"enum,omitempty"`
	Values       []schemaValue       `json:"values,omitempty"`
	EventType    string              `json:"event_type,omitempty"`
	Requirements []schemaRequirement `json:"requirements,omitempty"`
}

type schemaField struct {
	Path       string   `json:"path"`
	JSONPath   string   `json:"json_path"`
	Type       string   `json:"type"`
	List       bool     `json:"list"`
	Deprecated bool     `json:"deprecated"`
	Format     string   `json:"format,omitempty"`
	Oneof      string   `json:"oneof,omitempty"`
	Limits     []string `json:"limits,omitempty"`
}

type schemaValue struct {
	Name       string `json:"name"`
	Number     int32  `json:"number"`
	Deprecated bool   `json:"deprecated"`
}

type schemaRequirement struct {
	EventType string   `json:"event_type"`
	Asks      string   `json:"asks"` // required, one_of, forbidden, not_usable
	Paths     []string `json:"paths"`
	Condition string   `json:"condition"`
	Severity  string   `json:"severity"`
	Source    string   `json:"source"`
	Checked   bool     `json:"checked"`
}

// index is a position in a list, as violations have it in their paths.
var index = regexp.MustCompile(`\[[0-9]+\]`)

// lookupSchema finds what a word stands for: nothing for a whole event, else an
// event type, a path, or the name of a message or an enum.
func lookupSchema(word string) (*schemaEntry, error) {
	if word == "" {
		return messageEntry(udm.Event()), nil
	}
	if eventTypes().Value(word) != nil {
		return eventTypeEntry(word), nil
	}
	path, err := udm.Lookup(index.ReplaceAllString(strings.TrimPrefix(word, "udm."), ""))
	if err == nil {
		return pathEntry(path), nil
	}
	names := collectNames()
	if m := names.messages[word]; m != nil {
		return messageEntry(m), nil
	}
	if e := names.enums[word]; e != nil {
		return enumEntry(e), nil
	}
	return nil, unknownWord(word, err, names)
}

func eventTypes() *udm.Enum {
	path, err := udm.Lookup("metadata.event_type")
	if err != nil {
		return &udm.Enum{}
	}
	return path.Leaf().Enum()
}

// unknownWord says what may be meant by a word that is not in the schema.
func unknownWord(word string, err error, names schemaNames) error {
	if strings.ToUpper(word) == word {
		var known []string
		for _, v := range eventTypes().Values {
			known = append(known, v.Name)
		}
		if near := udm.Nearest(word, known); len(near) > 0 {
			return hinted(fmt.Errorf("unknown event type %q", word), "did you mean %s?", alternatives(near))
		}
	}
	var pe *udm.PathError
	if errors.As(err, &pe) && len(pe.Suggestions) > 0 {
		return hinted(err, "did you mean %s?", alternatives(pe.Suggestions))
	}
	if near := udm.Nearest(word, names.all()); len(near) > 0 {
		return hinted(err, "did you mean %s?", alternatives(near))
	}
	return hinted(err, "asa2udm schema shows the fields of an event")
}

// schemaNames holds the messages and enums by name.
type schemaNames struct {
	messages map[string]*udm.Message
	enums    map[string]*udm.Enum
}

func (n schemaNames) all() []string {
	var all []string
	for name := range n.messages {
		all = append(all, name)
	}
	for name := range n.enums {
		all = append(all, name)
	}
	return all
}

// collectNames walks the schema from the event.
func collectNames() schemaNames {
	n := schemaNames{make(map[string]*udm.Message), make(map[string]*udm.Enum)}
	n.collect(udm.Event())
	return n
}

func (n schemaNames) collect(m *udm.Message) {
	if n.messages[m.Name] != nil {
		return
	}
	n.messages[m.Name] = m
	for i := range m.Fields {
		if e := m.Fields[i].Enum(); e != nil {
			n.enums[e.Name] = e
		}
		if inner := m.Fields[i].Message(); inner != nil {
			n.collect(inner)
		}
	}
}

func messageEntry(m *udm.Message) *schemaEntry {
	return &schemaEntry{Message: m.Name, Fields: fieldsOf(m)}
}

func fieldsOf(m *udm.Message) []schemaField {
	var all []schemaField
	for i := range m.Fields {
		f := &m.Fields[i]
		all = append(all, fieldEntry(f, f.Name, f.JSONName))
	}
	return all
}

func enumEntry(e *udm.Enum) *schemaEntry {
	entry := &schemaEntry{Enum: e.Name}
	for _, v := range e.Values {
		entry.Values = append(entry.Values, schemaValue{v.Name, v.Number, v.Deprecated})
	}
	return entry
}

func pathEntry(path udm.Path) *schemaEntry {
	leaf := path.Leaf()
	var jsonNames []string
	for _, step := range path {
		jsonNames = append(jsonNames, step.Field.JSONName)
		if step.Key != "" {
			jsonNames = append(jsonNames, step.Key)
		}
	}
	entry := &schemaEntry{}
	if m := leaf.Message(); m != nil {
		entry = messageEntry(m)
	}
	if e := leaf.Enum(); e != nil {
		entry = enumEntry(e)
	}
	field := fieldEntry(leaf, path.String(), strings.Join(jsonNames, "."))
	entry.schemaField = &field
	return entry
}

func fieldEntry(f *udm.Field, path, jsonPath string) schemaField {
	return schemaField{
		Path: path, JSONPath: jsonPath, Type: typeName(f), List: f.Repeated, Deprecated: f.Deprecated,
		Format: f.Format.String(), Oneof: f.Oneof, Limits: limitsOf(f.Limit),
	}
}

func typeName(f *udm.Field) string {
	switch {
	case f.Kind == udm.Map:
		return "map of " + f.Message().Name
	case f.Message() != nil:
		return f.Message().Name
	case f.Enum() != nil:
		return f.Enum().Name
	}
	return f.Kind.String()
}

func limitsOf(l *udm.Limit) []string {
	if l == nil {
		return nil
	}
	var all []string
	add := func(given bool, format string, args ...any) {
		if given {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(l.MaxBytes > 0, "at most %s bytes", grouped(l.MaxBytes))
	add(l.MaxChars > 0, "at most %s characters", grouped(l.MaxChars))
	add(l.Range, "from %v to %v", l.Min, l.Max)
	add(l.VendorID, "vendor:id, the vendor of at most %d bytes, the id of at most %d", l.MaxVendorLen, l.MaxIDLen)
	add(l.OneIfPort, "one item if the port is set")
	return all
}

func eventTypeEntry(name string) *schemaEntry {
	entry := &schemaEntry{EventType: name}
	for _, r := range udm.Requirements(name) {
		entry.Requirements = append(entry.Requirements, schemaRequirement{
			EventType: r.EventType, Asks: askName(r.Kind), Paths: append([]string{}, r.Paths...),
			Condition: r.Condition, Severity: r.Severity.String(), Source: r.Source, Checked: r.Checked(),
		})
	}
	return entry
}

func askName(k udm.RequirementKind) string {
	switch k {
	case udm.Required:
		return "required"
	case udm.OneOf:
		return "one_of"
	case udm.Forbidden:
		return "forbidden"
	case udm.NotUsable:
		return "not_usable"
	}
	return "unknown"
}

// print writes the entry for people.
func (e *schemaEntry) print(w io.Writer) error {
	var b strings.Builder
	switch {
	case e.EventType != "":
		e.printEventType(&b)
	case e.schemaField != nil:
		e.printField(&b)
	case e.Enum != "":
		fmt.Fprintf(&b, "%s, an enum\n", e.Enum)
	default:
		fmt.Fprintf(&b, "%s, a message\n", e.Message)
	}
	e.printFields(&b)
	e.printValues(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (e *schemaEntry) printField(b *strings.Builder) {
	f := e.schemaField
	fmt.Fprintf(b, "%s: %s\n", f.Path, f.shape())
	if f.JSONPath != f.Path {
		fmt.Fprintf(b, "  JSON name: %s\n", f.JSONPath)
	}
	for _, note := range f.notes() {
		fmt.Fprintf(b, "  %s\n", note)
	}
}

func (f *schemaField) shape() string {
	if f.List {
		return "list of " + f.Type
	}
	return f.Type
}

func (f *schemaField) notes() []string {
	var notes []string
	if f.Deprecated {
		notes = append(notes, "deprecated")
	}
	if f.Format != "" {
		notes = append(notes, "looks like: "+f.Format)
	}
	if f.Oneof != "" {
		notes = append(notes, "one of the group "+f.Oneof)
	}
	return append(notes, f.Limits...)
}

func (e *schemaEntry) printFields(b *strings.Builder) {
	width := 0
	for _, f := range e.Fields {
		width = max(width, len(f.Path))
	}
	for _, f := range e.Fields {
		line := fmt.Sprintf("  %-*s  %s", width, f.Path, f.shape())
		if notes := f.notes(); len(notes) > 0 {
			line += "  (" + strings.Join(notes, "; ") + ")"
		}
		fmt.Fprintln(b, line)
	}
}

func (e *schemaEntry) printValues(b *strings.Builder) {
	for _, v := range e.Values {
		note := ""
		if v.Deprecated {
			note = "  (deprecated)"
		}
		fmt.Fprintf(b, "  %s%s\n", v.Name, note)
	}
}

func (e *schemaEntry) printEventType(b *strings.Builder) {
	fmt.Fprintf(b, "%s, an event type\n", e.EventType)
	for _, r := range e.Requirements {
		line := "  " + strings.ReplaceAll(r.Asks, "_", " ")
		if len(r.Paths) > 0 {
			line += ": " + strings.Join(r.Paths, ", ")
		}
		if r.Condition != "always" {
			line += ", " + strings.ReplaceAll(r.Condition, "_", " ")
		}
		if r.EventType == "*" {
			line += ", as for every event"
		}
		checked := r.Severity
		if !r.Checked {
			checked = "not checked"
		}
		fmt.Fprintf(b, "%s (%s)\n", line, checked)
	}
}
