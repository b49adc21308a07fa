// Package devo sends records to Devo over mutual TLS, as syslog lines with a tag.
//
// Devo acknowledges nothing. What proves that events have arrived is a connection
// that was drained: when all is written, the sender ends its direction, and a peer
// that has read everything up to that end then closes the other one. So each batch
// has a connection of its own, and counts as sent only after the peer's end.
//
// A Sink keeps a batch on disk from before it is sent until that proof. A batch
// that could not be sent, or not be proven, is sent first by the next run.
package devo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Errors of New, Check and Deliver, for errors.Is. Each has one cause.
var (
	ErrFile       = errors.New("a certificate file cannot be used")
	ErrPair       = errors.New("the certificate and the key do not belong together")
	ErrExpired    = errors.New("the client certificate is not valid now")
	ErrResolve    = errors.New("the name of the Devo endpoint is not known")
	ErrConnect    = errors.New("the Devo endpoint cannot be reached")
	ErrNoTLS      = errors.New("the Devo endpoint does not speak TLS")
	ErrServerCert = errors.New("the certificate of the Devo endpoint is not trusted")
	ErrRefused    = errors.New("the Devo endpoint refuses the client certificate")
	ErrNotDrained = errors.New("the Devo endpoint has not confirmed by its end of the connection that it has read everything")
)

// Config says where events are sent, and as whom.
type Config struct {
	// Address is host:port, such as collector-us.devo.io:443.
	Address string
	// Chain, Cert and Key are PEM files: the authorities of the endpoint, and the
	// certificate and key of the domain.
	Chain, Cert, Key string
	// ReadFile reads these files; nil stands for os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Host is what events name as their origin; empty stands for this machine.
	Host string
	// Gzip compresses events in batches.
	Gzip bool
	// Timeout bounds a connect, each write, and the wait for the peer's end; 0
	// stands for 30 seconds.
	Timeout time.Duration
	// Settle is how long a connection on which all is written must stay up before
	// it is ended; 0 stands for 200 milliseconds. A peer that breaks off does so
	// in that time, and its end cannot be taken for an answer to ours.
	Settle time.Duration
	// Attempts bounds how often a batch is sent in one run; 0 stands for 5.
	Attempts int
	// Backoff is the first wait between two attempts, which doubles; 0 stands for
	// a second.
	Backoff time.Duration
}

// Client sends batches. It may be used by several goroutines.
type Client struct {
	config Config
	tls    *tls.Config
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// New reads the files; it calls nobody.
func New(c Config) (*Client, error) {
	name, port, err := net.SplitHostPort(c.Address)
	if err != nil || name == "" || port == "" {
		return nil, fmt.Errorf("address %q of Devo: want host:port, such as collector-us.devo.io:443", c.Address)
	}
	if c.Host == "" {
		if c.Host, err = os.Hostname(); err != nil || !hostName.MatchString(c.Host) {
			c.Host = "asa2udm"
		}
	}
	if !hostName.MatchString(c.Host) {
		return nil, fmt.Errorf("host name %q for Devo: want letters, digits, dots and dashes", c.Host)
	}
	c.setDefaults()
	config, err := c.load(name, time.Now())
	return &Client{config: c, tls: config}, err
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Timeout, 30 * time.Second}, {&c.Settle, 200 * time.Millisecond}, {&c.Backoff, time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Attempts <= 0 {
		c.Attempts = 5
	}
}

// load reads the chain, the certificate and its key.
func (c *Config) load(serverName string, now time.Time) (*tls.Config, error) {
	read := c.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	var text [3][]byte
	for i, path := range []string{c.Chain, c.Cert, c.Key} {
		var err error
		if text[i], err = read(path); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text[0]) {
		return nil, fmt.Errorf("%w: the chain %s holds no certificate", ErrFile, c.Chain)
	}
	pair, err := tls.X509KeyPair(text[1], text[2])
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return nil, fmt.Errorf("%w: %s and %s", ErrPair, c.Cert, c.Key)
	case err != nil:
		return nil, fmt.Errorf("%w: %s or %s: %w", ErrFile, c.Cert, c.Key, err)
	case now.After(pair.Leaf.NotAfter) || now.Before(pair.Leaf.NotBefore):
		return nil, fmt.Errorf("%w: %s holds from %s to %s", ErrExpired, c.Cert, day(pair.Leaf.NotBefore), day(pair.Leaf.NotAfter))
	}
	return &tls.Config{
		RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: serverName, MinVersion: tls.VersionTLS12,
	}, nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// String is the address for people.
func (c *Client) String() string { return "devo://" + c.config.Address }

// Check proves that a connection can be made, and drained, and sends nothing.
func (c *Client) Check(ctx context.Context) error {
	return c.transmit(ctx, func(io.Writer) error { return nil })
}

// explain gives a fault of the network its cause.
func explain(err error) error {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("%w: %w", ErrResolve, err)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return fmt.Errorf("%w: %w", ErrServerCert, err)
	case errors.As(err, &record):
		return fmt.Errorf("%w: %w", ErrNoTLS, err)
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrConnect, err)
}

// gone reports errors of a connection that the peer has ended.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, fs.ErrClosed) || errors.Is(err, net.ErrClosed)
}
