package server

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/dolthub/vitess/go/mysql"
)

// sslRequestBytes is the length of the packet by which a client asks for TLS: the beginning of a login.
const sslRequestBytes = 32

// maxHandshakeBytes limits the packets of a client that is not authenticated.
const maxHandshakeBytes = 64 << 10

// handshakePacket reads a packet of the login. A request for TLS is granted here and not shown to the host, which
// then sees the login that follows as if it were the first packet, without the flag that asks for TLS.
func (c *conn) handshakePacket() error {
	for {
		var h [headerBytes]byte
		if _, err := io.ReadFull(c.br, h[:]); err != nil {
			return err
		}
		n := payloadBytes(h)
		if n > maxHandshakeBytes {
			return errTooLarge
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(c.br, body); err != nil {
			return err
		}
		c.seq = h[3] + 1
		if h[3] == 1+c.hidden && n >= 4 { // the login, or the request before it
			flags := binary.LittleEndian.Uint32(body)
			if n == sslRequestBytes && flags&mysql.CapabilityClientSSL != 0 && c.s.cfg.TLS != nil && !c.encrypted {
				if err := c.startTLS(); err != nil {
					return err
				}
				continue
			}
			binary.LittleEndian.PutUint32(body, flags&^uint32(mysql.CapabilityClientSSL))
		}
		h[3] -= c.hidden
		c.pending = append(h[:], body...)
		return nil
	}
}

// startTLS puts TLS over the socket.
func (c *conn) startTLS() error {
	ahead := c.br
	c.br = bufio.NewReaderSize(nil, readBufBytes)
	t := tls.Server(readFirst{c.raw, ahead}, c.s.cfg.TLS)
	if err := t.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	c.Conn, c.encrypted = t, true
	c.hidden++
	c.br.Reset(t)
	return nil
}

// readFirst reads from r, which may hold bytes read ahead from the connection.
type readFirst struct {
	net.Conn
	r io.Reader
}

// Read implements net.Conn.
func (r readFirst) Read(p []byte) (int, error) { return r.r.Read(p) }

// login ends the handshake: the client is who it says.
func (c *conn) login() {
	c.authenticated = true
	_ = c.raw.SetDeadline(time.Time{})
}
