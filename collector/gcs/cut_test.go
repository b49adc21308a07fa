package gcs_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/gcs"
)

// cutting is a proxy that cuts connections on which an upload is sent.
type cutting struct {
	net.Listener
	to string
	// after is how many bytes of the upload still pass; -1 lets all of it pass, and
	// cuts before the answer does.
	after int
	// answered is how many bytes of the answer are cut off then; 0 is all of them.
	answered int
	// reset ends the connection by RST, not by FIN.
	reset bool
	cuts  atomic.Int64 // still to come
	seen  atomic.Int64 // uploads
}

func cutUploads(t *testing.T, server *fakestorage.Server) *cutting {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &cutting{Listener: l, to: strings.TrimPrefix(server.URL(), "http://")}
	t.Setenv("STORAGE_EMULATOR_HOST", l.Addr().String())
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

// cut cuts the next uploads, and counts them anew.
func (c *cutting) cut(uploads int64) {
	c.cuts.Store(uploads)
	c.seen.Store(0)
}

func (c *cutting) wantCut(t *testing.T) {
	t.Helper()
	if got := c.seen.Load(); got < 2 {
		t.Errorf("%d uploads, want one that is cut and another one", got)
	}
}

func (c *cutting) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	var hold atomic.Bool
	go c.answer(client, server, &hold)
	buf := make([]byte, 32<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 && bytes.HasPrefix(buf[:n], []byte("POST /upload")) {
			c.seen.Add(1)
			switch cut := c.cuts.Add(-1) >= 0; {
			case cut && c.after < 0:
				hold.Store(true)
			case cut:
				server.Write(buf[:min(n, c.after)])
				if tcp, ok := client.(*net.TCPConn); ok && c.reset {
					tcp.SetLinger(0)
				}
				return
			}
		}
		if n > 0 {
			server.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// answer hands on what the server says, until it is to be held back: then the
// connection is cut once the server has said something.
func (c *cutting) answer(client, server net.Conn, hold *atomic.Bool) {
	defer client.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if hold.Load() {
			if c.answered > 0 {
				client.Write(buf[:n-c.answered])
			}
			if tcp, ok := client.(*net.TCPConn); ok && c.reset {
				tcp.SetLinger(0)
			}
			return
		}
		client.Write(buf[:n])
	}
}

// TestCutUploads stores what was cut off on its way in the same call, and once.
func TestCutUploads(t *testing.T) {
	for name, how := range map[string]struct {
		after    int
		answered int
		reset    bool
	}{
		"before it is sent":            {0, 0, false},
		"before it is sent, reset":     {0, 0, true},
		"within":                       {200, 0, false},
		"within, reset":                {200, 0, true},
		"stored, the answer cut off":   {-1, 0, false},
		"stored, cut within an answer": {-1, 10, false},
		"stored, reset in an answer":   {-1, 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := cutUploads(t, emulate(t))
			c.after, c.answered, c.reset = how.after, how.answered, how.reset
			b := open(t, "", gcs.Options{Timeout: 20 * time.Second})
			for _, size := range []int{10, 1 << 20} {
				object := fmt.Sprint("object-", size)
				one, two := strings.Repeat("1", size), strings.Repeat("2", size)
				c.cut(1)
				if err := b.Create(t.Context(), object, []byte(one)); err != nil {
					t.Fatal(err)
				}
				c.wantCut(t)
				got, token, err := b.Read(t.Context(), object)
				if err != nil || string(got) != one {
					t.Fatalf("%s holds %.20q, %v", object, got, err)
				}
				c.cut(1)
				if err := b.Create(t.Context(), object, []byte(two)); !errors.Is(err, collector.ErrExist) {
					t.Errorf("Create of what is there: %v, want ErrExist", err)
				}
				c.cut(1)
				now, err := b.Swap(t.Context(), object, []byte(two), token)
				if err != nil {
					t.Fatal(err)
				}
				c.wantCut(t)
				c.cut(1)
				if _, err := b.Swap(t.Context(), object, []byte(one), token); !errors.Is(err, collector.ErrChanged) {
					t.Errorf("Swap of an old version: %v, want ErrChanged", err)
				}
				if got, stands, err := b.Read(t.Context(), object); err != nil || string(got) != two || stands != now {
					t.Errorf("%s holds %.20q in version %s, want %s, %v", object, got, stands, now, err)
				}
			}
		})
	}
}

// TestUploadsThatAreAlwaysCut end with an error that names the object.
func TestUploadsThatAreAlwaysCut(t *testing.T) {
	c := cutUploads(t, emulate(t))
	c.cut(1 << 20)
	b := open(t, "", gcs.Options{Timeout: 500 * time.Millisecond})
	if err := b.Create(t.Context(), "x", []byte("x")); err == nil || !strings.Contains(err.Error(), "gs://logs/x: ") {
		t.Errorf("error is %v, want one that names the object", err)
	}
	if n := c.seen.Load(); n > 8 {
		t.Errorf("%d uploads, want 8 at most", n)
	}
}
