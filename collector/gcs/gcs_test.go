package gcs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/collectortest"
	"github.com/asa2udm/asa2udm/collector/gcs"
)

// emulate starts a server of the storage API and sets the variable that leads
// the client to it.
func emulate(t *testing.T) *fakestorage.Server {
	t.Helper()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: 0, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "logs"})
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
	return server
}

func open(t *testing.T, prefix string, o gcs.Options) *gcs.Bucket {
	t.Helper()
	b, err := gcs.Open(context.Background(), "logs", prefix, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBucket(t *testing.T) {
	emulate(t)
	n := 0
	collectortest.Bucket(t, func(t *testing.T) func() collector.Bucket {
		n++
		prefix := fmt.Sprintf("place-%d", n)
		return func() collector.Bucket { return open(t, prefix, gcs.Options{}) }
	})
}

func TestParseURL(t *testing.T) {
	for in, want := range map[string][2]string{
		"gs://b":        {"b", ""},
		"gs://b/":       {"b", ""},
		"gs://b/p":      {"b", "p"},
		"gs://b/p/q/":   {"b", "p/q"},
		"gs://":         {},
		"gs:///p":       {},
		"s3://b/p":      {},
		"/some/folder":  {},
		"gs:/b/missing": {},
	} {
		bucket, prefix, err := gcs.ParseURL(in)
		if bucket != want[0] || prefix != want[1] || (err == nil) != (want[0] != "") {
			t.Errorf("ParseURL(%q) = %q, %q, %v, want %q", in, bucket, prefix, err, want)
		}
	}
}

// roundTrip stands between the client and the emulator.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(fmt.Sprintf(`{"error":{"code":%d,"message":"made up"}}`, status))),
	}
}

// through opens the emulator's bucket behind f.
func through(t *testing.T, f roundTrip, timeout time.Duration) *gcs.Bucket {
	return open(t, "", gcs.Options{Timeout: timeout, Client: []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: f})}})
}

// uploads numbers the uploads, from 1; 0 is any other call.
func uploads(n *atomic.Int64, r *http.Request) int64 {
	if r.Method != http.MethodPost {
		return 0
	}
	return n.Add(1)
}

func TestFaults(t *testing.T) {
	for name, fault := range map[string]func(n int64, r *http.Request) (*http.Response, error){
		"busy twice": func(n int64, r *http.Request) (*http.Response, error) {
			if n > 0 && n <= 2 {
				return answer(r, http.StatusServiceUnavailable), nil
			}
			return http.DefaultTransport.RoundTrip(r)
		},
		"stored, but the answer is lost": func(n int64, r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(r)
			if n == 1 && err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return answer(r, http.StatusServiceUnavailable), nil
			}
			return resp, err
		},
		"refused for no reason": func(n int64, r *http.Request) (*http.Response, error) {
			if n == 1 {
				io.Copy(io.Discard, r.Body)
				return answer(r, http.StatusPreconditionFailed), nil
			}
			return http.DefaultTransport.RoundTrip(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			emulate(t)
			for _, object := range []string{"create", "swap"} {
				var n atomic.Int64
				b := through(t, func(r *http.Request) (*http.Response, error) { return fault(uploads(&n, r), r) }, time.Minute)
				var err error
				if object == "create" {
					err = b.Create(t.Context(), object, []byte("one"))
				} else {
					_, err = b.Swap(t.Context(), object, []byte("one"), "")
				}
				if err != nil {
					t.Errorf("%s: %v", object, err)
				}
				got, token, err := b.Read(t.Context(), object)
				if err != nil || string(got) != "one" {
					t.Errorf("%s holds %q, %v", object, got, err)
				}
				n.Store(0)
				if _, err := b.Swap(t.Context(), object, []byte("two"), token); err != nil {
					t.Errorf("second swap of %s: %v", object, err)
				}
			}
		})
	}
}

func TestUploadsEnd(t *testing.T) {
	emulate(t)
	b := through(t, func(r *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, r.Body)
		return answer(r, http.StatusServiceUnavailable), nil
	}, 300*time.Millisecond)
	if err := b.Create(t.Context(), "x", bytes.Repeat([]byte("x"), 100)); err == nil || !strings.Contains(err.Error(), "gs://logs/x") {
		t.Errorf("error is %v, want one that names the object", err)
	}
}

func TestBucketThatDoesNotExist(t *testing.T) {
	emulate(t)
	b, err := gcs.Open(t.Context(), "absent", "", gcs.Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Check(t.Context(), ""); err == nil {
		t.Error("Check of a bucket that does not exist succeeded")
	}
	if err := b.Create(t.Context(), "x", nil); err == nil || errors.Is(err, collector.ErrExist) {
		t.Errorf("Create: %v", err)
	}
}
