package devo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// transmit makes a connection, lets write fill it, and drains it. It returns nil
// only when the peer has ended the connection in order, in answer to our end.
func (c *Client) transmit(ctx context.Context, write func(io.Writer) error) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	stop := context.AfterFunc(ctx, conn.close)
	defer stop()
	err = write(conn)
	if err == nil {
		err = conn.drain(ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// dial makes a connection that is ready to write to.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", c.config.Address)
	if err != nil {
		return nil, explain(err)
	}
	secure := tls.Client(raw, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(explain(err), raw.Close())
	}
	out := &conn{raw: raw.(*net.TCPConn), tls: secure, config: c.config, ended: make(chan error, 1)}
	go out.listen()
	return out, nil
}

// conn is a connection whose other direction is watched: a peer says nothing, so
// that all that comes from there is the end.
type conn struct {
	raw    *net.TCPConn
	tls    *tls.Conn
	config Config
	ended  chan error // nil for an end in order
}

// listen waits for the end. The end of TLS alone would not do: a peer that gives
// up sends it, too, and its system then resets the connection if there was
// anything left to read.
func (c *conn) listen() {
	_, err := io.Copy(io.Discard, c.tls)
	if err == nil {
		_, err = io.Copy(io.Discard, c.raw)
	}
	c.ended <- err
}

func (c *conn) close() { _ = c.raw.Close() }

// Write implements io.Writer. A peer that does not read for as long as the
// timeout is given up.
func (c *conn) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		select {
		case err := <-c.ended:
			c.ended <- err
			return written, c.early(err)
		default:
		}
		if err := c.tls.SetWriteDeadline(time.Now().Add(c.config.Timeout)); err != nil {
			return written, c.early(err)
		}
		n, err := c.tls.Write(b[:min(len(b), 64<<10)])
		written += n
		if err != nil {
			return written, c.broken(err)
		}
		b = b[n:]
	}
	return written, nil
}

// broken explains a failed write, for which the reason may come from the other
// direction.
func (c *conn) broken(err error) error {
	select {
	case end := <-c.ended:
		return c.early(end)
	case <-time.After(c.config.Settle):
		return fmt.Errorf("%w: write: %w", ErrNotDrained, err)
	}
}

// early is the error of a connection that the peer has ended before we have.
func (c *conn) early(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return fmt.Errorf("%w: it has ended the connection before we had", ErrNotDrained)
	case errors.As(err, &op) && op.Op == "remote error":
		return explain(err)
	case gone(err):
		return fmt.Errorf("%w: it has broken off: %w", ErrNotDrained, err)
	}
	return fmt.Errorf("%w: %w", ErrNotDrained, err)
}

// drain ends our direction and waits for the peer's end.
func (c *conn) drain(ctx context.Context) error {
	select {
	case err := <-c.ended:
		return c.early(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(c.config.Settle):
	}
	if err := c.tls.SetWriteDeadline(time.Now().Add(c.config.Timeout)); err != nil {
		return c.early(err)
	}
	if err := errors.Join(c.tls.CloseWrite(), c.raw.CloseWrite()); err != nil {
		return c.broken(err)
	}
	select {
	case err := <-c.ended:
		if err != nil {
			return c.early(err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(c.config.Timeout):
		return fmt.Errorf("%w within %s", ErrNotDrained, c.config.Timeout)
	}
}
