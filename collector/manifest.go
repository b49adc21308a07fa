package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Manifest is written beside each batch. Each holds the SHA-256 of the one
// before, so that the last one vouches for all.
type Manifest struct {
	Version  int    `json:"version"`
	Sequence int64  `json:"sequence"`
	Previous string `json:"previous"` // SHA-256 of the manifest before, "" in the first
	Raw      File   `json:"raw"`
	UDM      *File  `json:"udm,omitempty"`
	Rejects  *File  `json:"rejects,omitempty"`
	Pages    []File `json:"pages,omitempty"`

	First string `json:"first"` // id of the first record
	Last  string `json:"last"`  // id of the last record
	// From and To are the oldest and the newest time of the batch's records.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Newest is the newest time of this batch and all before it; Untimed says
	// that one of them holds a record without a time. They tell how far back a
	// search for an old record must go.
	Newest  time.Time `json:"newest,omitzero"`
	Untimed bool      `json:"untimed,omitempty"`
	Cursor  Cursor    `json:"cursor"`
	// Floor is the State's, so that a State can be made of a manifest.
	Floor time.Time `json:"floor,omitzero"`
}

// File is one object as it is stored.
type File struct {
	Name    string `json:"name"`
	SHA256  string `json:"sha256"`
	Bytes   int64  `json:"bytes"`
	Records int    `json:"records"`
}

const manifestVersion = 1

func newFile(name string, stored []byte, records int) File {
	return File{Name: name, SHA256: hash(stored), Bytes: int64(len(stored)), Records: records}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.Marshal(m)
	return append(b, '\n'), err
}

// readManifest answers a manifest and its chain value, or ErrNotExist.
func readManifest(ctx context.Context, b Bucket, l Layout, n int64) (*Manifest, string, error) {
	name := l.manifest(n)
	text, _, err := b.Read(ctx, name)
	if err != nil {
		return nil, "", err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, "", fmt.Errorf("%s is damaged: %w", name, err)
	}
	if m.Version != manifestVersion || m.Sequence != n {
		return nil, "", fmt.Errorf("%s is damaged: it has version %d and sequence %d", name, m.Version, m.Sequence)
	}
	return &m, hash(text), nil
}

// storeManifest makes m durable and answers what is stored: another collector
// that has finished the same raw object may have been first, and its manifest is
// as good as ours.
func storeManifest(ctx context.Context, b Bucket, l Layout, m *Manifest) (*Manifest, string, error) {
	text, err := m.encode()
	if err != nil {
		return nil, "", err
	}
	err = b.Create(ctx, l.manifest(m.Sequence), text)
	if err == nil {
		return m, hash(text), nil
	}
	if !errors.Is(err, ErrExist) {
		return nil, "", err
	}
	stored, chain, err := readManifest(ctx, b, l, m.Sequence)
	if err != nil {
		return nil, "", err
	}
	if stored.Raw.SHA256 != m.Raw.SHA256 || stored.Previous != m.Previous {
		return nil, "", fmt.Errorf("%w: %s speaks of other records", ErrForeign, l.manifest(m.Sequence))
	}
	return stored, chain, nil
}
