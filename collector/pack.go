package collector

import (
	"bytes"
	"compress/gzip"
	"io"
)

// pack compresses b if gz is set. The header holds neither a name nor a time, so
// that the same records give the same bytes.
func pack(b []byte, gz bool) ([]byte, error) {
	if !gz {
		return b, nil
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unpack(b []byte, gz bool) ([]byte, error) {
	if !gz {
		return b, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return out, r.Close()
}
