package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTablesAreFresh(t *testing.T) {
	want, err := generate("../../schema")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../tables.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("udm/tables.go is stale: run go generate ./udm")
	}
}
