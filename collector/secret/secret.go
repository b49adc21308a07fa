// Package secret reads secrets that are named by a reference: an environment
// variable, a file, or a version of a secret in Google Secret Manager.
//
//	env:NAME
//	file:PATH
//	sm://PROJECT/SECRET or sm://PROJECT/SECRET/VERSION
//
// A reference may be shown to anybody. The value stands in no error of this
// package, and a Secret does not show it when it is printed or logged.
package secret

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Kind says where a secret is kept.
type Kind string

// Kinds of references.
const (
	Env     Kind = "env"
	File    Kind = "file"
	Manager Kind = "sm"
)

// ErrReference is for a text that is no reference. It does not show the text,
// which may be a secret that was put in the wrong place.
var ErrReference = errors.New("want env:NAME, file:PATH or sm://PROJECT/SECRET/VERSION")

// Reference names a secret. The zero value names none.
type Reference struct {
	Kind Kind
	// Name is that of the variable, the path of the file, or the resource name
	// projects/P/secrets/S/versions/V.
	Name string
}

var managerName = regexp.MustCompile(`^([a-z0-9][a-z0-9.:-]*)/([A-Za-z0-9_-]{1,255})(?:/([A-Za-z0-9_-]{1,63}))?$`)

// Parse reads a reference. The error is ErrReference.
func Parse(text string) (Reference, error) {
	if rest, ok := strings.CutPrefix(text, "sm://"); ok {
		m := managerName.FindStringSubmatch(rest)
		if m == nil {
			return Reference{}, ErrReference
		}
		version := m[3]
		if version == "" {
			version = "latest"
		}
		return Reference{Manager, fmt.Sprintf("projects/%s/secrets/%s/versions/%s", m[1], m[2], version)}, nil
	}
	kind, name, _ := strings.Cut(text, ":")
	if name == "" || Kind(kind) != Env && Kind(kind) != File {
		return Reference{}, ErrReference
	}
	return Reference{Kind(kind), name}, nil
}

// ParseFile reads a reference where the path of a file may stand, too, without
// file: before it.
func ParseFile(text string) (Reference, error) {
	if Is(text) {
		return Parse(text)
	}
	if text == "" {
		return Reference{}, ErrReference
	}
	return Reference{File, text}, nil
}

// Is reports whether a text is meant as a reference, a wrong one perhaps.
func Is(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") || strings.HasPrefix(text, "sm://")
}

// In answers the reference with a relative path taken from a directory.
func (r Reference) In(dir string) Reference {
	if r.Kind == File && !filepath.IsAbs(r.Name) {
		r.Name = filepath.Join(dir, r.Name)
	}
	return r
}

// String is the reference as it is written.
func (r Reference) String() string {
	if r.Kind != Manager {
		return string(r.Kind) + ":" + r.Name
	}
	parts := strings.Split(r.Name, "/")
	if len(parts) != 6 {
		return "sm://" + r.Name
	}
	return "sm://" + parts[1] + "/" + parts[3] + "/" + parts[5]
}

// Secret is a value and where it came from.
type Secret struct {
	// From is zero for a value that was given as it is.
	From  Reference
	Value string
}

// String keeps the value out of what is printed.
func (s Secret) String() string {
	if s.Value == "" {
		return ""
	}
	return "[secret]"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the value out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Resolver reads secrets. Its zero value is usable; fields must not change once
// it is used. It may be used by several goroutines.
type Resolver struct {
	// Environment answers variables, "" for those that are not set; nil stands
	// for os.Getenv.
	Environment func(name string) string
	// ReadFile reads files; nil stands for os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Manager asks Secret Manager.
	Manager Client
}

// Read answers the bytes of a secret, which are the caller's. They are read anew
// each time, so that a secret that was replaced is found.
func (r *Resolver) Read(ctx context.Context, ref Reference) ([]byte, error) {
	switch ref.Kind {
	case Env:
		getenv := r.Environment
		if getenv == nil {
			getenv = os.Getenv
		}
		if value := getenv(ref.Name); value != "" {
			return []byte(value), nil
		}
		return nil, fmt.Errorf("the environment variable %s is not set", ref.Name)
	case File:
		read := r.ReadFile
		if read == nil {
			read = os.ReadFile
		}
		value, err := read(ref.Name)
		if err != nil {
			return nil, fmt.Errorf("the secret cannot be read: %w", err)
		}
		return value, nil
	case Manager:
		return r.Manager.access(ctx, ref)
	}
	return nil, ErrReference
}

// Text answers a secret without the white space around it, which editors and
// shells add. An empty one is an error.
func (r *Resolver) Text(ctx context.Context, ref Reference) (Secret, error) {
	value, err := r.Read(ctx, ref)
	if err != nil {
		return Secret{}, err
	}
	text := strings.TrimSpace(string(value))
	switch {
	case text == "" && ref.Kind == File:
		return Secret{}, fmt.Errorf("the file %s is empty", ref.Name)
	case text == "":
		return Secret{}, fmt.Errorf("the secret %s is empty", ref)
	}
	return Secret{From: ref, Value: text}, nil
}

// RenewalError is for a secret that could not be read again. What was read before
// is at hand, and was refused by then or is old.
type RenewalError struct {
	From Reference
	Err  error
}

// Error is that of the reading, which names the reference.
func (e *RenewalError) Error() string { return e.Err.Error() }

// Unwrap answers the cause.
func (e *RenewalError) Unwrap() error { return e.Err }

// Renewal answers a function that reads a secret again, or nil for one that was
// given as it is. Its errors are of the type *RenewalError, but for those of a
// context that has ended.
func (r *Resolver) Renewal(s Secret) func(context.Context) (string, error) {
	if s.From == (Reference{}) {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		again, err := r.Text(ctx, s.From)
		if err != nil && ctx.Err() == nil {
			err = &RenewalError{s.From, err}
		}
		return again.Value, err
	}
}
