package objects

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// scheme begins the path of everything in Cloud Storage.
const scheme = "gs://"

// Pattern says which objects to take. It is immutable and safe for concurrent use.
type Pattern struct {
	text   string
	prefix string // what every match begins with
	root   string // prefix up to its last slash; names are relative to it
	re     *regexp.Regexp
	deep   bool // ** crosses folders
	slash  int  // how many there are in a match, unless deep
}

// ParsePattern reads a path of objects: files, or gs://bucket/name. In it, * and ?
// stand for any text and any character of one folder, ** for any text at all, [a-z]
// and [!a-z] for one character of a set, and \ takes the meaning from what follows. A
// path that ends in a slash means all that is below.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	if strings.HasSuffix(text, "/") {
		text += "**"
	}
	if rest, ok := strings.CutPrefix(text, scheme); ok {
		bucket, name, _ := strings.Cut(rest, "/")
		switch {
		case bucket == "" || strings.ContainsAny(bucket, `*?[\`):
			return Pattern{}, fmt.Errorf("%q: want gs://bucket/name, with the bucket in full", p.text)
		case name == "":
			text = scheme + bucket + "/**"
		}
	} else {
		text = path.Clean(text)
	}
	var re strings.Builder
	literal, err := p.translate(text, &re)
	if err != nil {
		return Pattern{}, err
	}
	p.prefix = literal
	p.root = literal[:strings.LastIndexByte(literal, '/')+1]
	p.slash = strings.Count(text, "/")
	if p.re, err = regexp.Compile(`(?s)\A` + re.String() + `\z`); err != nil {
		return Pattern{}, fmt.Errorf("%q: the set in brackets makes no sense", p.text)
	}
	return p, nil
}

// translate writes the pattern as a regular expression. It answers the text that
// stands before the first wildcard.
func (p *Pattern) translate(text string, re *strings.Builder) (literal string, err error) {
	var begin strings.Builder
	wild := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '*':
			wild = true
			i += p.star(text[i:], re) - 1
		case '?':
			wild = true
			re.WriteString(`[^/]`)
		case '[':
			wild = true
			end := strings.IndexByte(text[min(i+2, len(text)):], ']')
			if end < 0 {
				return "", fmt.Errorf(`%q: a [ is never closed; write \[ for the character itself`, p.text)
			}
			set := text[i+1 : i+2+end]
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			re.WriteString("[" + strings.ReplaceAll(set, `[`, `\[`) + "]")
			i += 2 + end
		case '\\':
			if i++; i == len(text) {
				return "", fmt.Errorf(`%q: nothing follows the \ at the end`, p.text)
			}
			fallthrough
		default:
			// A byte of a longer character is no character: go by bytes that are kept.
			end := i + 1
			for end < len(text) && text[end]&0xC0 == 0x80 {
				end++
			}
			re.WriteString(regexp.QuoteMeta(text[i:end]))
			if !wild {
				begin.WriteString(text[i:end])
			}
			i = end - 1
		}
	}
	return begin.String(), nil
}

// star writes a run of stars and answers how many bytes of the text it is.
func (p *Pattern) star(text string, re *strings.Builder) int {
	switch {
	case strings.HasPrefix(text, "**/"):
		p.deep = true
		re.WriteString(`(?:.*/)?`)
		return len("**/")
	case strings.HasPrefix(text, "**"):
		p.deep = true
		re.WriteString(`.*`)
		return len("**")
	}
	re.WriteString(`[^/]*`)
	return 1
}

// String answers the pattern as it was given.
func (p Pattern) String() string { return p.text }

// Local reports whether the pattern means files.
func (p Pattern) Local() bool { return Local(p.text) }

// Match reports whether a path is meant.
func (p Pattern) Match(path string) bool { return p.re.MatchString(path) }

// name answers a path relative to the part that has no wildcards.
func (p Pattern) name(path string) string { return strings.TrimPrefix(path, p.root) }

// Local reports whether a path is that of a file.
func Local(path string) bool { return !strings.HasPrefix(path, scheme) }

// Quote answers the pattern that means what a user has named: a directory is all
// that is below it, and a file of that very name is that file, whatever characters it
// has. All else is a pattern already.
func Quote(name string) string {
	if !Local(name) {
		return name
	}
	name = filepath.ToSlash(name)
	info, err := os.Stat(name)
	if err != nil {
		return name
	}
	literal := escaper.Replace(name)
	if info.IsDir() {
		return strings.TrimSuffix(literal, "/") + "/"
	}
	return literal
}

var escaper = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)
