// Package devotest is a Devo endpoint for tests: it keeps what it has read, byte by
// byte, and breaks off, stalls or stays silent as it is told.
package devotest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/devo"
)

// Fate is what a receiver does with one connection.
type Fate struct {
	// CutAt breaks off when so many bytes were read, -1 never.
	CutAt int
	// Reset breaks off without the end of TLS, so that what is on its way is lost.
	Reset bool
	// Stall waits before it reads anything.
	Stall time.Duration
	// Deaf breaks off when the stall is over, without having read.
	Deaf bool
	// Mute does not answer the sender's end with its own for so long.
	Mute time.Duration
}

// Receiver is a Devo endpoint that keeps what it has read, byte by byte.
type Receiver struct {
	t        *testing.T
	listener net.Listener
	next     func(n int) Fate // for the nth connection, from 0

	mu    sync.Mutex
	conns [][]byte
	open  sync.WaitGroup
}

// NewReceiver listens until the test ends; next answers the fate of each
// connection, nil a good one.
func NewReceiver(t *testing.T, config *tls.Config, next func(n int) Fate) *Receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if next == nil {
		next = func(int) Fate { return Fate{CutAt: -1} }
	}
	r := &Receiver{t: t, listener: l, next: next}
	t.Cleanup(func() { l.Close(); r.open.Wait() })
	go func() {
		for n := 0; ; n++ {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			r.open.Add(1)
			go r.serve(raw, tls.Server(raw, config), r.next(n))
		}
	}()
	return r
}

// Address is where it listens.
func (r *Receiver) Address() string { return r.listener.Addr().String() }

func (r *Receiver) serve(raw net.Conn, conn *tls.Conn, f Fate) {
	defer r.open.Done()
	defer raw.Close()
	if conn.Handshake() != nil {
		return
	}
	time.Sleep(f.Stall)
	if f.Deaf {
		conn.Close()
		return
	}
	var got []byte
	b := make([]byte, 997)
	for f.CutAt < 0 || len(got) < f.CutAt {
		n, err := conn.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			break
		}
	}
	if f.CutAt >= 0 && len(got) >= f.CutAt {
		got = got[:f.CutAt]
		if f.Reset {
			raw.(*net.TCPConn).SetLinger(0)
			raw.Close()
		}
	}
	r.mu.Lock()
	r.conns = append(r.conns, got)
	r.mu.Unlock()
	time.Sleep(f.Mute)
	conn.Close()
}

// Lines answers the whole lines of all connections. Of a member that was cut off
// nothing counts.
func (r *Receiver) Lines(zipped bool) (lines []string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, got := range r.conns {
		if !zipped {
			lines = append(lines, wholeLines(got)...)
			continue
		}
		in := bufio.NewReader(bytes.NewReader(got))
		for {
			z, err := gzip.NewReader(in)
			if err != nil {
				break
			}
			z.Multistream(false)
			text, err := io.ReadAll(z)
			if err != nil {
				break
			}
			lines = append(lines, wholeLines(text)...)
		}
	}
	return lines
}

func wholeLines(b []byte) (lines []string) {
	for line := range bytes.Lines(b) {
		if text, whole := bytes.CutSuffix(line, []byte("\n")); whole {
			lines = append(lines, string(text))
		}
	}
	return lines
}

// Authority signs certificates for tests.
type Authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

// NewAuthority makes one for a test.
func NewAuthority(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// Issue writes a certificate and its key, and answers the paths.
func (a *Authority) Issue(name string, change func(*x509.Certificate)) (cert, key string) {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, k.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".crt", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", text)
}

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// Chain writes the authority's own certificate.
func (a *Authority) Chain() string { return a.write("chain.crt", "CERTIFICATE", a.cert.Raw) }

// Server answers what a receiver needs, which asks for certificates of this
// authority.
func (a *Authority) Server() *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.Issue("server", nil))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
}

// Client answers settings that suit the receiver.
func (a *Authority) Client(address string) devo.Config {
	cert, key := a.Issue("client", nil)
	return devo.Config{
		Address: address, Chain: a.Chain(), Cert: cert, Key: key, Host: "collector-1",
		Timeout: 2 * time.Second, Settle: 50 * time.Millisecond, Backoff: time.Millisecond,
	}
}
