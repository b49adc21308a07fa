package devo_test

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

// fate is what a receiver does with one connection.
type fate struct {
	// cutAt breaks off when so many bytes were read, -1 never.
	cutAt int
	// reset breaks off without the end of TLS, so that what is on its way is lost.
	reset bool
	// stall waits before it reads anything.
	stall time.Duration
	// deaf breaks off when the stall is over, without having read.
	deaf bool
	// mute does not answer the sender's end with its own for so long.
	mute time.Duration
}

// receiver is a Devo endpoint that keeps what it has read, byte by byte.
type receiver struct {
	t        *testing.T
	listener net.Listener
	next     func(n int) fate // for the nth connection, from 0

	mu    sync.Mutex
	conns [][]byte
	open  sync.WaitGroup
}

func newReceiver(t *testing.T, config *tls.Config, next func(n int) fate) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if next == nil {
		next = func(int) fate { return fate{cutAt: -1} }
	}
	r := &receiver{t: t, listener: l, next: next}
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

func (r *receiver) serve(raw net.Conn, conn *tls.Conn, f fate) {
	defer r.open.Done()
	defer raw.Close()
	if conn.Handshake() != nil {
		return
	}
	time.Sleep(f.stall)
	if f.deaf {
		conn.Close()
		return
	}
	var got []byte
	b := make([]byte, 997)
	for f.cutAt < 0 || len(got) < f.cutAt {
		n, err := conn.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			break
		}
	}
	if f.cutAt >= 0 && len(got) >= f.cutAt {
		got = got[:f.cutAt]
		if f.reset {
			raw.(*net.TCPConn).SetLinger(0)
			raw.Close()
		}
	}
	r.mu.Lock()
	r.conns = append(r.conns, got)
	r.mu.Unlock()
	time.Sleep(f.mute)
	conn.Close()
}

// lines answers the whole lines of all connections. Of a member that was cut off
// nothing counts.
func (r *receiver) lines(zipped bool) (lines []string) {
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

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
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

// issue writes a certificate and its key, and answers the paths.
func (a *authority) issue(name string, change func(*x509.Certificate)) (cert, key string) {
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

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

func (a *authority) chain() string { return a.write("chain.crt", "CERTIFICATE", a.cert.Raw) }

// server answers what a receiver needs, which asks for certificates of this
// authority.
func (a *authority) server() *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue("server", nil))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
}

// client answers settings that suit the receiver.
func (a *authority) client(address string) devo.Config {
	cert, key := a.issue("client", nil)
	return devo.Config{
		Address: address, Chain: a.chain(), Cert: cert, Key: key, Host: "collector-1",
		Timeout: 2 * time.Second, Settle: 50 * time.Millisecond, Backoff: time.Millisecond,
	}
}
