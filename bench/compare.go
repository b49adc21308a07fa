package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/asa2udm/asa2udm/internal/asaref"
)

// compare has all engines that map go over the same records and holds their
// events against those of the first, one by one.
func compare(ctx context.Context, dir string, s recordSet, engines []engine, say func(string, ...any)) error {
	var first string
	for _, e := range engines {
		if !e.maps {
			continue
		}
		// A file of its own: Bento appends to one that is there.
		out := filepath.Join(dir, s.kind.name+"-events-"+e.name)
		if _, err := e.command(s.tenth.path, out).run(ctx); err != nil {
			return err
		}
		if first == "" {
			first = out
			continue
		}
		n, err := sameEvents(first, out)
		if err != nil {
			return fmt.Errorf("%s records: the events of %s are not those of %s: %w", s.kind.name, e.name, filepath.Base(first), err)
		}
		if n != s.tenth.records {
			return fmt.Errorf("%s records: %s gives %d events of %d records", s.kind.name, e.name, n, s.tenth.records)
		}
		say("%s records: %d events of %s compared", s.kind.name, n, e.name)
	}
	return nil
}

// sameEvents compares two files line by line as JSON. It answers how many lines
// there are.
func sameEvents(a, b string) (int, error) {
	fa, err := os.Open(a)
	if err != nil {
		return 0, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return 0, err
	}
	defer fb.Close()
	ra, rb := bufio.NewReader(fa), bufio.NewReader(fb)
	for n := 0; ; n++ {
		x, errX := ra.ReadBytes('\n')
		y, errY := rb.ReadBytes('\n')
		switch {
		case errX == io.EOF && errY == io.EOF && len(x)+len(y) == 0:
			return n, nil
		case errX == io.EOF || errY == io.EOF:
			return n, errors.New("one has fewer lines")
		case errX != nil || errY != nil:
			return n, errors.Join(errX, errY)
		case !bytes.Equal(x, y) && !asaref.Equal(x, y):
			return n, fmt.Errorf("line %d:\n%s%s", n+1, x, y)
		}
	}
}
