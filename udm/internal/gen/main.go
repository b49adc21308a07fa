// Command gen writes the tables of package udm from the files in udm/schema.
// It runs in the folder of the package, by go generate.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run("schema", "tables.go"); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	src, err := generate(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(out, src, 0o644)
}

// generate returns the source of tables.go for the schema files in dir.
func generate(dir string) ([]byte, error) {
	s, err := readSchema(dir)
	if err != nil {
		return nil, err
	}
	return render(s)
}
