package dir_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/collectortest"
	"github.com/asa2udm/asa2udm/collector/dir"
)

func TestBucket(t *testing.T) {
	collectortest.Bucket(t, func(t *testing.T) func() collector.Bucket {
		root := filepath.Join(t.TempDir(), "new", "data")
		return func() collector.Bucket {
			b, err := dir.Open(root)
			if err != nil {
				t.Error(err)
			}
			return b
		}
	})
}

func TestOpenClearsAwayOldTemporaryFiles(t *testing.T) {
	root := t.TempDir()
	if _, err := dir.Open(root); err != nil {
		t.Fatal(err)
	}
	tmp := func(name string) string { return filepath.Join(root, ".tmp", name) }
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range []string{"object-old", "object-new"} {
		if err := os.WriteFile(tmp(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(tmp("object-old"), old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tmp("object-old")); !os.IsNotExist(err) {
		t.Errorf("the old file is still there (%v)", err)
	}
	if _, err := os.Stat(tmp("object-new")); err != nil {
		t.Errorf("the new file is gone: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(file); err == nil {
		t.Error("Open of a file succeeded")
	}
	if _, err := dir.OpenExisting(file); err == nil {
		t.Error("OpenExisting of a file succeeded")
	}
	if _, err := dir.OpenToRead(file); err == nil {
		t.Error("OpenToRead of a file succeeded")
	}
	if _, err := dir.OpenExisting(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("OpenExisting of nothing succeeded")
	}
}
