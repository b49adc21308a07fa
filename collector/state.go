package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// stateVersion is raised when older programs could misread the record. Version 2
// has Start, which a program of version 1 would drop.
const stateVersion = 2

// State is what a collector knows between two runs.
type State struct {
	Version int `json:"version"`
	// Source is the name of the log.
	Source string `json:"source"`
	// Sequence is that of the next batch, from 1.
	Sequence int64 `json:"sequence"`
	// Cursor is where the source goes on.
	Cursor Cursor `json:"cursor"`
	// Chain is that of the last batch.
	Chain string `json:"chain,omitempty"`
	// Recent holds the records of the last batches, oldest first.
	Recent []Recent `json:"recent,omitempty"`
	// Horizon is the newest time of any record that Recent has forgotten. A
	// record after it is either in Recent or new.
	Horizon time.Time `json:"horizon,omitzero"`
	// Untimed says that Recent has forgotten records without a time.
	Untimed bool `json:"untimed,omitempty"`
	// Floor is the time before which nothing is wanted: where the first run
	// began, or when another program's work was taken over.
	Floor time.Time `json:"floor,omitzero"`
	// Start is where the first run was told to begin.
	Start time.Time `json:"start,omitzero"`
	// Writer is the run that wrote this record, so that no two runs ever write
	// the same bytes and each can tell its own record from another's.
	Writer string `json:"writer"`
}

// Recent remembers one batch.
type Recent struct {
	Sequence int64 `json:"sequence"`
	// To is the newest time of its records.
	To      time.Time `json:"to,omitzero"`
	Untimed bool      `json:"untimed,omitempty"`
	IDs     []string  `json:"ids"`
}

// recentIDs is how many records a State remembers at least.
const recentIDs = 2000

// advance moves the state past a batch.
func (s *State) advance(r Receipt) {
	s.Sequence = r.Sequence + 1
	s.Chain = r.Chain
	s.Cursor = r.Cursor
	batch := Recent{Sequence: r.Sequence, IDs: make([]string, 0, len(r.Records))}
	for _, rec := range r.Records {
		batch.IDs = append(batch.IDs, rec.ID)
		batch.Untimed = batch.Untimed || rec.Time.IsZero()
		if rec.Time.After(batch.To) {
			batch.To = rec.Time
		}
	}
	if len(r.Records) == 0 {
		// A batch whose records cannot be read back is forgotten at once.
		batch.To, batch.Untimed = r.Cursor.Time, true
		s.forget(batch)
		return
	}
	s.Recent = append(s.Recent, batch)
	s.trim()
}

func (s *State) trim() {
	known := 0
	for _, b := range s.Recent {
		known += len(b.IDs)
	}
	for len(s.Recent) > 0 && known-len(s.Recent[0].IDs) >= recentIDs {
		known -= len(s.Recent[0].IDs)
		s.forget(s.Recent[0])
		s.Recent = s.Recent[1:]
	}
}

func (s *State) forget(b Recent) {
	if b.To.After(s.Horizon) {
		s.Horizon = b.To
	}
	s.Untimed = s.Untimed || b.Untimed
}

// forgotten is the sequence of the first batch that Recent remembers: batches
// before it must be looked up.
func (s *State) forgotten() int64 {
	if len(s.Recent) == 0 {
		return s.Sequence
	}
	return s.Recent[0].Sequence
}

// encode answers the record as it is stored: one line, the record and the
// SHA-256 of its bytes. There is one encoding for each state, so that decode can
// refuse every text that is not exactly it.
func (s *State) encode() ([]byte, error) {
	record, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(record)
	return fmt.Appendf(nil, "{\"asa2udm\":%s,\"sha256\":\"%s\"}\n", record, hex.EncodeToString(sum[:])), nil
}

// decodeState reads what encode wrote, to the byte, in this version or before.
func decodeState(b []byte) (*State, error) {
	var envelope struct {
		Record json.RawMessage `json:"asa2udm"`
		Sum    string          `json:"sha256"`
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrState)
	}
	if err := json.Unmarshal(b, &envelope); err != nil {
		return nil, fmt.Errorf("%w: it is cut short or damaged", ErrState)
	}
	if envelope.Record == nil {
		return nil, fmt.Errorf("%w: it was not written by asa2udm, or is damaged", ErrState)
	}
	sum := sha256.Sum256(envelope.Record)
	if envelope.Sum != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%w: its checksum does not match", ErrState)
	}
	var s State
	if err := json.Unmarshal(envelope.Record, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version < 1 || s.Version > stateVersion {
		return nil, fmt.Errorf("%w: it has version %d, this program reads versions 1 to %d", ErrState, s.Version, stateVersion)
	}
	again, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: it is damaged", ErrState)
	}
	s.upgrade()
	return &s, nil
}

// upgrade makes a record of an older version one of this version.
func (s *State) upgrade() {
	if s.Version == 1 {
		s.Start = s.Floor
	}
	s.Version = stateVersion
}
