// Package gcs keeps a collector's objects in a bucket of Google Cloud Storage.
//
// An object is created only where its name is free, and the state is replaced
// only in the generation that was read. Both are preconditions of the upload, so
// that the server decides between two collectors. Nothing is moved, and nothing
// deleted but by Remove.
package gcs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/asa2udm/asa2udm/collector"
)

// Options of a Bucket. The zero value is right for production.
type Options struct {
	// Timeout bounds one call with its retries, 60 s. The client retries uploads
	// for as long as it is let.
	Timeout time.Duration
	// Client are further settings of the client, such as another transport.
	Client []option.ClientOption
}

// Bucket is a prefix in a bucket.
type Bucket struct {
	client  *storage.Client
	handle  *storage.BucketHandle
	name    string
	prefix  string
	timeout time.Duration
}

var _ collector.Bucket = (*Bucket)(nil)

// ParseURL reads gs://bucket/prefix.
func ParseURL(s string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(s, "gs://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("address %q: want gs://bucket/prefix", s)
	}
	return bucket, strings.Trim(prefix, "/"), nil
}

// Open answers the objects of a bucket below prefix. It uses Application Default
// Credentials, or the emulator that STORAGE_EMULATOR_HOST names, and calls
// nobody yet. ctx must last as long as the Bucket.
func Open(ctx context.Context, bucket, prefix string, o Options) (*Bucket, error) {
	// Reads by JSON go to the same host as all else, emulator or not.
	client, err := storage.NewClient(ctx, append([]option.ClientOption{storage.WithJSONReads()}, o.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("open gs://%s: %w", bucket, err)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	handle := client.Bucket(bucket).Retryer(
		storage.WithBackoff(gax.Backoff{Initial: 200 * time.Millisecond, Max: 10 * time.Second, Multiplier: 2}),
		storage.WithMaxAttempts(8), storage.WithErrorFunc(again))
	return &Bucket{client: client, handle: handle, name: bucket, prefix: prefix, timeout: o.Timeout}, nil
}

// again reports faults that the client may try again, which it does only where a
// precondition makes that safe. By itself it gives up where a connection is ended
// in order before the answer, as proxies and servers that restart do.
func again(err error) bool { return storage.ShouldRetry(err) || errors.Is(err, io.EOF) }

func (b *Bucket) String() string {
	return strings.TrimSuffix("gs://"+b.name+"/"+b.prefix, "/")
}

// Close implements collector.Bucket.
func (b *Bucket) Close() error { return b.client.Close() }

func (b *Bucket) object(name string) *storage.ObjectHandle { return b.handle.Object(b.prefix + name) }

// refusals bounds how often an upload is tried again whose precondition was said
// to have failed although it holds, or whose answer broke off.
const refusals = 3

// Create implements collector.Bucket.
func (b *Bucket) Create(ctx context.Context, name string, data []byte) error {
	for try := 0; ; try++ {
		_, err := b.upload(ctx, name, data, storage.Conditions{DoesNotExist: true})
		if !refused(err) {
			return b.explain(name, err)
		}
		// The client retries by itself, and the answer to its first try may have
		// been lost: what is in the way may be our own object.
		attrs, err := b.attrs(ctx, name)
		switch {
		case err != nil:
			return err
		case attrs != nil && attrs.Size == int64(len(data)) && attrs.CRC32C == checksum(data):
			return nil
		case attrs != nil:
			return fmt.Errorf("%s/%s: %w", b, name, collector.ErrExist)
		case try >= refusals:
			return fmt.Errorf("%s/%s: the bucket says that the object exists, and that it does not", b, name)
		}
	}
}

// Swap implements collector.Bucket. The version is the object's generation.
func (b *Bucket) Swap(ctx context.Context, name string, data []byte, token collector.Token) (collector.Token, error) {
	conditions := storage.Conditions{DoesNotExist: true}
	if token != "" {
		generation, err := strconv.ParseInt(string(token), 10, 64)
		if err != nil {
			return "", fmt.Errorf("generation %q: %w", token, err)
		}
		conditions = storage.Conditions{GenerationMatch: generation}
	}
	for try := 0; ; try++ {
		attrs, err := b.upload(ctx, name, data, conditions)
		if err == nil {
			return generation(attrs), nil
		}
		if !refused(err) {
			return "", b.explain(name, err)
		}
		now, version, err := b.Read(ctx, name)
		switch {
		case err != nil && !errors.Is(err, collector.ErrNotExist):
			return "", err
		case err == nil && string(now) == string(data):
			return version, nil
		case version != token || try >= refusals:
			return "", fmt.Errorf("%s/%s: %w", b, name, collector.ErrChanged)
		}
	}
}

// upload stores data under the conditions, or nothing.
func (b *Bucket) upload(ctx context.Context, name string, data []byte, c storage.Conditions) (*storage.ObjectAttrs, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	for try := 0; ; try++ {
		attrs, err := b.send(ctx, name, data, c)
		if err == nil || try >= refusals || !brokeOff(err) {
			return attrs, err
		}
	}
}

// brokeOff reports that the connection was cut within the answer to an upload. The
// client tries again what it could not send, but not what it could not read.
func brokeOff(err error) bool {
	var sending *url.Error
	return !errors.As(err, &sending) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET))
}

func (b *Bucket) send(ctx context.Context, name string, data []byte, c storage.Conditions) (*storage.ObjectAttrs, error) {
	w := b.object(name).If(c).NewWriter(ctx)
	w.ContentType = contentType(name)
	// One request where it fits: the client takes a buffer of this size.
	w.ChunkSize = min(16<<20, (len(data)/googleapi.MinUploadChunkSize+1)*googleapi.MinUploadChunkSize)
	w.SendCRC32C, w.CRC32C = true, checksum(data)
	if _, err := w.Write(data); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

func contentType(name string) string {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return "application/gzip"
	case strings.HasSuffix(name, ".ndjson"):
		return "application/x-ndjson"
	}
	return "application/json"
}

// Read implements collector.Bucket.
func (b *Bucket) Read(ctx context.Context, name string) ([]byte, collector.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	r, err := b.object(name).NewReader(ctx)
	if err != nil {
		return nil, "", b.explain(name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, "", b.explain(name, err)
	}
	return data, collector.Token(strconv.FormatInt(r.Attrs.Generation, 10)), nil
}

// Stat implements collector.Bucket.
func (b *Bucket) Stat(ctx context.Context, name string) (collector.Token, error) {
	attrs, err := b.attrs(ctx, name)
	if attrs == nil || err != nil {
		return "", err
	}
	return generation(attrs), nil
}

// attrs answers nil for an object that does not exist.
func (b *Bucket) attrs(ctx context.Context, name string) (*storage.ObjectAttrs, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	attrs, err := b.object(name).Attrs(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil, nil
	}
	return attrs, b.explain(name, err)
}

func generation(attrs *storage.ObjectAttrs) collector.Token {
	return collector.Token(strconv.FormatInt(attrs.Generation, 10))
}

// List implements collector.Bucket.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		q := &storage.Query{Prefix: b.prefix + prefix, Projection: storage.ProjectionNoACL}
		if after != "" {
			q.StartOffset = b.prefix + after
		}
		if err := q.SetAttrSelection([]string{"Name"}); err != nil {
			yield("", err)
			return
		}
		for it := b.handle.Objects(ctx, q); ; {
			attrs, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield("", b.explain(prefix, err))
				return
			}
			name := strings.TrimPrefix(attrs.Name, b.prefix)
			if name > after && !yield(name, nil) {
				return
			}
		}
	}
}

// Remove implements collector.Bucket.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if err := b.object(name).Delete(ctx); !errors.Is(err, storage.ErrObjectNotExist) {
		return b.explain(name, err)
	}
	return nil
}

// Check implements collector.Bucket. A role that may write but not delete leaves
// an empty object behind.
func (b *Bucket) Check(ctx context.Context, prefix string) error {
	name := prefix + ".check-" + rand.Text()
	if _, err := b.upload(ctx, name, nil, storage.Conditions{DoesNotExist: true}); err != nil && !refused(err) {
		return b.explain(name, err)
	}
	err := b.object(name).Delete(ctx)
	if status(err) == http.StatusForbidden {
		return nil
	}
	return b.explain(name, err)
}

func checksum(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// refused reports that the server found a precondition not met.
func refused(err error) bool { return status(err) == http.StatusPreconditionFailed }

func status(err error) int {
	var e *googleapi.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// explain says which object an error is about, and which of ours it is.
func (b *Bucket) explain(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrObjectNotExist):
		return fmt.Errorf("%s/%s: %w", b, name, collector.ErrNotExist)
	case errors.Is(err, storage.ErrBucketNotExist):
		return fmt.Errorf("gs://%s: the bucket does not exist: %w", b.name, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s/%s: no success within %s: %w", b, name, b.timeout, err)
	}
	return fmt.Errorf("%s/%s: %w", b, name, err)
}
