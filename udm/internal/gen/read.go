package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// schema is what the files say, in their order.
type schema struct {
	messages []*message
	enums    []*enum
	rules    []*rule
}

type message struct {
	name   string
	fields []*field
}

type field struct {
	name, typ            string
	number               int
	repeated, deprecated bool
	format, oneof        string
	limits               [][2]string // kind, value
}

type enum struct {
	name   string
	values []enumValue
}

type enumValue struct {
	name       string
	number     int
	deprecated bool
}

type rule struct {
	eventType, kind, condition string
	paths                      []string
	sources                    []string
}

func readSchema(dir string) (*schema, error) {
	s := &schema{}
	for _, file := range []struct {
		name    string
		columns int
		row     func([]string) error
	}{
		{"messages.tsv", 9, s.addField},
		{"enums.tsv", 5, s.addValue},
		{"rules.tsv", 5, s.addRule},
		{"limits.tsv", 4, s.addLimit},
	} {
		if err := readRows(filepath.Join(dir, file.name), file.columns, file.row); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readRows calls row for each line but comments and the heading.
func readRows(path string, columns int, row func([]string) error) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	heading := true
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if heading {
			heading = false
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != columns {
			return fmt.Errorf("%s:%d: %d columns, want %d", path, i+1, len(cells), columns)
		}
		if err := row(cells); err != nil {
			return fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return nil
}

func (s *schema) addField(c []string) error {
	f := &field{name: c[1], typ: c[3], repeated: c[4] == "1", deprecated: c[5] == "1", format: dash(c[6]), oneof: dash(c[7])}
	if c[2] != "-" {
		n, err := strconv.Atoi(c[2])
		if err != nil {
			return err
		}
		f.number = n
	}
	if m := s.message(c[0]); m != nil {
		m.fields = append(m.fields, f)
		return nil
	}
	s.messages = append(s.messages, &message{name: c[0], fields: []*field{f}})
	return nil
}

func (s *schema) addValue(c []string) error {
	n, err := strconv.Atoi(c[2])
	if err != nil {
		return err
	}
	v := enumValue{name: c[1], number: n, deprecated: c[3] == "1"}
	for _, e := range s.enums {
		if e.name == c[0] {
			e.values = append(e.values, v)
			return nil
		}
	}
	s.enums = append(s.enums, &enum{name: c[0], values: []enumValue{v}})
	return nil
}

// addRule keeps one rule for rows that differ in their source alone.
func (s *schema) addRule(c []string) error {
	for _, r := range s.rules {
		if r.eventType == c[0] && r.kind == c[1] && strings.Join(r.paths, "|") == c[2] && r.condition == c[3] {
			r.sources = append(r.sources, c[4])
			return nil
		}
	}
	r := &rule{eventType: c[0], kind: c[1], condition: c[3], sources: []string{c[4]}}
	if c[2] != "-" {
		r.paths = strings.Split(c[2], "|")
	}
	s.rules = append(s.rules, r)
	return nil
}

func (s *schema) addLimit(c []string) error {
	dot := strings.LastIndexByte(c[0], '.')
	if dot < 0 {
		return fmt.Errorf("no field in %q", c[0])
	}
	if f := s.field(c[0][:dot], c[0][dot+1:]); f != nil {
		f.limits = append(f.limits, [2]string{c[1], c[2]})
		return nil
	}
	return fmt.Errorf("unknown field %q", c[0])
}

func (s *schema) message(name string) *message {
	for _, m := range s.messages {
		if m.name == name {
			return m
		}
	}
	return nil
}

func (s *schema) field(msg, name string) *field {
	m := s.message(msg)
	if m == nil {
		return nil
	}
	for _, f := range m.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

func dash(cell string) string {
	if cell == "-" {
		return ""
	}
	return cell
}
