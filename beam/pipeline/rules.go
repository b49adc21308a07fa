package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// Rules are a rule file with all it extends, as text: a worker has no files.
type Rules struct {
	Name  string
	Text  string
	Files map[string]string // those it extends, by name; shipped packs are not among them
	Pack  bool              // it is a shipped pack, which extends such only
}

// ReadRules reads a rule file. Where there is none, name may be that of a shipped
// pack, with or without .yaml. Faults in the rules come back as a mapping.ErrorList;
// the error of a file that is not there as fs.ErrNotExist.
func ReadRules(name string, o mapping.Options) (Rules, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		for _, pack := range []string{name, name + ".yaml"} {
			if text, packErr := mapping.ReadPack(pack); packErr == nil {
				return Rules{Name: pack, Text: string(text), Pack: true}.checked(o)
			}
		}
		return Rules{}, err
	}
	r := Rules{Name: name, Text: string(text), Files: make(map[string]string)}
	o.ReadFile = func(name string) ([]byte, error) {
		text, err := os.ReadFile(name)
		if err == nil {
			r.Files[name] = string(text)
		}
		return text, err
	}
	if _, err := mapping.Compile(r.Name, text, o); err != nil {
		return Rules{}, err
	}
	return r.checked(o)
}

// checked answers rules that compile as they travel.
func (r Rules) checked(o mapping.Options) (Rules, error) {
	_, err := r.Compile(o)
	return r, err
}

// Compile gives the rules their sense, from nothing but their text.
func (r Rules) Compile(o mapping.Options) (*mapping.Parser, error) {
	o.ReadFile = nil
	if !r.Pack {
		o.ReadFile = r.readFile
	}
	return mapping.Compile(r.Name, []byte(r.Text), o)
}

func (r Rules) readFile(name string) ([]byte, error) {
	if text, ok := r.Files[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// PackNames answers the names of the shipped packs in one line.
func PackNames() string { return strings.Join(mapping.Packs(), ", ") }

// NoRules reports whether an error of ReadRules means that there is no such file.
func NoRules(err error) bool { return errors.Is(err, fs.ErrNotExist) }
