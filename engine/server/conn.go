package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/server/wire"
)

const (
	headerBytes  = 4
	maxPayload   = 1<<24 - 1 // of one packet; a command or row of that length or more continues in the next
	readBufBytes = 16 << 10
)

// maxMessage is the greatest length of an error's message.
const maxMessage = 4096

var noDeadline time.Time

// conn carries the packets of a connection between the host's protocol code and the socket. It puts TLS under the
// handshake (the host's own cannot do it for unbuffered connections). On the way in it then rewrites the text of
// COM_STMT_PREPARE to the plain grammar, answers commands that the host does not know, and limits sizes and waits. On
// the way out it numbers the packets, so that rows can be written past the host, and can end a result with an error.
//
// The host's goroutine reads and writes; only watch reads beside it, while a statement runs. Close may be called by
// any goroutine.
type conn struct {
	net.Conn          // the socket, or TLS over it
	raw      net.Conn // the socket
	s        *Server
	my       *mysql.Conn // set before the first command
	br       *bufio.Reader

	account       accounts.Name // that the client is; under the server's mu
	authenticated bool          // the client's packets are commands
	encrypted     bool
	hidden        byte // packets of the handshake that the host has not seen, for its count

	pending   []byte // to be read by the host before what follows on the socket
	left      int    // payload bytes of the client's current packet not yet read by the host
	continues bool   // the packet is full, so the next one continues the command
	command   int    // payload bytes of the current command
	number255 bool   // the client's last packet had the last number: the next one goes on with a file of LOAD DATA LOCAL

	capture *capture           // takes the result of the current command, if it is not to be sent as it is
	cursors map[uint32]*cursor // open, by the number of the statement

	seq     uint8 // number of the next packet to the client
	header  [headerBytes]byte
	headerN int // bytes of the header of the packet being written that have come
	outLeft int // payload bytes of it that have not
	muted   bool
	holding bool   // what is written waits in held for the next write
	held    []byte // sent before anything else
	broken  bool   // a write has failed somewhere within a packet

	stage   func(catalog.Stage) catalog.Stage // of the session; may be nil
	hurried atomic.Bool                       // the statement is to end: a client that does not read is waited for no longer

	peek    *delayedPeek  // the watch of the current statement, until it ends
	peeking chan struct{} // closed when the goroutine of watch has seen a byte or an error
	gone    atomic.Pointer[func(error)]
}

func newConn(raw net.Conn, s *Server) *conn {
	return &conn{Conn: raw, raw: raw, s: s, br: bufio.NewReaderSize(raw, readBufBytes), cursors: map[uint32]*cursor{}}
}

// Close implements net.Conn; it may be called twice.
func (c *conn) Close() error {
	c.s.forget(c)
	return c.raw.Close()
}

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// errTooLarge ends a connection whose client sends more than the limit.
var errTooLarge = errors.New("packet beyond the limit")

// Read implements net.Conn for the host's protocol code.
func (c *conn) Read(p []byte) (int, error) {
	for {
		switch {
		case len(c.pending) > 0:
			n := copy(p, c.pending)
			c.pending = c.pending[n:]
			return n, nil
		case c.left > 0:
			n, err := c.br.Read(p[:min(len(p), c.left)])
			c.left -= n
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
		if err := c.nextPacket(); err != nil {
			return 0, err
		}
	}
}

// nextPacket reads a packet's header and, for some commands, all of it.
func (c *conn) nextPacket() error {
	if !c.authenticated {
		return c.handshakePacket()
	}
	wait := c.s.cfg.ReadTimeout
	if !c.continues {
		wait = c.s.cfg.IdleTimeout
	}
	c.endPeek()
	_ = c.raw.SetReadDeadline(time.Now().Add(wait))
	if c.peeking != nil {
		<-c.peeking
		c.peeking = nil
	}
	var h [headerBytes]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		if f := c.gone.Load(); f != nil { // the client has begun to send a file, and not ended
			(*f)(err)
			return fmt.Errorf("within the file: %w", io.ErrUnexpectedEOF)
		}
		return err
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(c.s.cfg.ReadTimeout))
	n := payloadBytes(h)
	if !c.continues {
		c.command = 0 // the limit is that of a command, and of each piece of a file
	}
	begins := !c.continues && h[3] == 0 && !c.number255
	c.number255 = h[3] == 255 && n > 0 // an empty packet ends the file
	c.continues = n == maxPayload
	c.seq = h[3] + 1
	if begins {
		c.muted, c.capture = false, nil
		c.headerN, c.outLeft = 0, 0
	}
	if c.command += n; c.command > c.s.cfg.MaxPacketBytes {
		return c.tooLarge()
	}
	if begins {
		taken, err := c.beginCommand(n)
		if taken || err != nil {
			return err
		}
	}
	c.pending, c.left = append(c.pending[:0:0], h[:]...), n
	return nil
}

func payloadBytes(h [headerBytes]byte) int { return int(h[0]) | int(h[1])<<8 | int(h[2])<<16 }

func (c *conn) tooLarge() error {
	_ = c.sendError(mysql.ERNetPacketTooLarge, mysql.SSNetError, "Got a packet bigger than 'max_allowed_packet' bytes")
	return errTooLarge
}

// payload reads the command whose first packet has n bytes, with the packets that continue it.
func (c *conn) payload(n int) ([]byte, error) {
	body := make([]byte, n)
	if _, err := io.ReadFull(c.br, body); err != nil {
		return nil, err
	}
	for c.continues {
		var h [headerBytes]byte
		if _, err := io.ReadFull(c.br, h[:]); err != nil {
			return nil, err
		}
		n := payloadBytes(h)
		c.continues, c.seq = n == maxPayload, h[3]+1
		if c.command += n; c.command > c.s.cfg.MaxPacketBytes {
			return nil, c.tooLarge()
		}
		at := len(body)
		body = append(body, make([]byte, n)...)
		if _, err := io.ReadFull(c.br, body[at:]); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// appendPackets appends payload as packets numbered from 0.
func appendPackets(dst, payload []byte) []byte {
	for seq := byte(0); ; seq++ {
		n := min(len(payload), maxPayload)
		dst = append(dst, byte(n), byte(n>>8), byte(n>>16), seq)
		dst = append(dst, payload[:n]...)
		if payload = payload[n:]; n < maxPayload {
			return dst
		}
	}
}

// Write implements net.Conn for the host's protocol code: a stream of packets, cut anywhere.
func (c *conn) Write(p []byte) (int, error) {
	if c.muted {
		return len(p), nil
	}
	if c.capture != nil {
		return len(p), c.take(p)
	}
	if out := c.number(p, false); out != nil {
		return len(p), c.send(out)
	}
	return len(p), c.send(p)
}

// WritePackets implements wire.Transport.
func (c *conn) WritePackets(p []byte) error {
	if c.muted {
		return nil
	}
	if c.capture != nil {
		return c.take(p)
	}
	if c.headerN != 0 || c.outLeft != 0 {
		return errors.New("rows written into the middle of a packet")
	}
	c.number(p, true)
	return c.send(p)
}

// number walks over p and puts the right number into every packet header. It changes p itself only if inPlace;
// otherwise it returns a changed copy, or nil if p was right.
func (c *conn) number(p []byte, inPlace bool) (out []byte) {
	for i := 0; i < len(p); {
		if c.outLeft > 0 {
			n := min(c.outLeft, len(p)-i)
			c.outLeft -= n
			i += n
			continue
		}
		c.header[c.headerN] = p[i]
		if c.headerN++; c.headerN == headerBytes {
			if p[i] != c.seq {
				switch {
				case inPlace:
					p[i] = c.seq
				case out == nil:
					out = append([]byte(nil), p...)
				}
				if out != nil {
					out[i] = c.seq
				}
			}
			c.seq++
			c.headerN = 0
			c.outLeft = payloadBytes(c.header)
		}
		i++
	}
	return out
}

func (c *conn) send(p []byte) error {
	if c.holding && len(c.held)+len(p) <= maxHeld {
		c.held = append(c.held, p...)
		return nil
	}
	if len(c.held) > 0 {
		p = append(c.held, p...)
		c.held = p[:0]
	}
	return c.write(p)
}

// hurry is how long a client is waited for that does not read the result of a statement that is to end.
const hurry = 50 * time.Millisecond

// errWrite says that the client cannot be reached; after that it would not understand what follows.
var errWrite error = mysql.NewSQLError(1160, mysql.SSNetError, "writing to the client")

func (c *conn) write(p []byte) error {
	if c.broken {
		return errWrite
	}
	if c.stage != nil {
		defer c.stage(c.stage(catalog.Sending))
	}
	_ = c.raw.SetWriteDeadline(time.Now().Add(c.s.cfg.WriteTimeout))
	if c.hurried.Load() {
		_ = c.raw.SetWriteDeadline(time.Now().Add(hurry))
	}
	if _, err := c.Conn.Write(p); err != nil {
		c.broken = true
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	return nil
}

// endWith lets no write wait for a client that does not read once the statement of ctx is to end. stop ends that.
func (c *conn) endWith(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	after := context.AfterFunc(ctx, func() {
		defer close(done)
		if !interrupts(context.Cause(ctx)) { // it has ended by itself, all but its result
			return
		}
		c.hurried.Store(true)
		_ = c.raw.SetWriteDeadline(time.Now().Add(hurry))
	})
	return func() {
		if !after() {
			<-done
			c.hurried.Store(false)
		}
	}
}

// maxHeld is the greatest part of a result that waits to go out with the next.
const maxHeld = 64 << 10

// hold runs a function whose writes are sent with the first write after it: small results go out in one piece.
func (c *conn) hold(f func() error) error {
	c.holding = true
	defer func() { c.holding = false }()
	return f()
}

// sendError sends an error packet as the next packet.
func (c *conn) sendError(code int, state, message string) error {
	return c.WritePackets(errorPacket(nil, code, state, message))
}

// fail ends a result that has begun by an error. What the host writes after it, until the next command, is dropped.
func (c *conn) fail(e *mysql.SQLError) error {
	err := c.sendError(e.Num, e.State, e.Message)
	c.muted = true
	return err
}

// okPacket returns an OK packet with a text.
func okPacket(res *sqltypes.Result, flags, warnings uint16) []byte {
	body := wire.AppendLength([]byte{mysql.OKPacket}, res.RowsAffected)
	body = wire.AppendLength(body, res.InsertID)
	body = append(body, byte(flags), byte(flags>>8), byte(warnings), byte(warnings>>8))
	return appendPackets(nil, append(wire.AppendLength(body, uint64(len(res.Info))), res.Info...))
}

// errorPacket appends an ERR packet.
func errorPacket(dst []byte, code int, state, message string) []byte {
	if len(state) != 5 {
		state = mysql.SSUnknownSQLState
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	body := append([]byte{0xff, byte(code), byte(code >> 8), '#'}, state...)
	return appendPackets(dst, append(body, message...))
}

// watchAfter is how long a statement runs before its client is watched: most have ended by then.
const watchAfter = 10 * time.Millisecond

// delayedPeek is a watch that has not begun yet.
type delayedPeek struct {
	timer *time.Timer
	begun chan struct{} // closed when the timer has run
}

// watch calls gone once when the client goes away while a statement runs; it returns what ends the watch. A client
// sends nothing while it waits, so the next byte belongs to the next command, before which Read waits for it.
func (c *conn) watch(gone func(error)) (stop func()) {
	c.gone.Store(&gone)
	if c.peek == nil && c.peeking == nil && c.left == 0 && len(c.pending) == 0 {
		p := &delayedPeek{begun: make(chan struct{})}
		c.peek = p
		p.timer = time.AfterFunc(watchAfter, func() {
			c.startPeek()
			close(p.begun)
		})
	}
	return func() {
		c.endPeek()
		c.gone.Store(nil)
	}
}

// startPeek waits for the client's next byte on a goroutine of its own.
func (c *conn) startPeek() {
	done := make(chan struct{})
	c.peeking = done
	_ = c.raw.SetReadDeadline(noDeadline)
	go func() {
		_, err := c.br.Peek(1)
		if f := c.gone.Load(); err != nil && f != nil {
			(*f)(err)
		}
		close(done)
	}()
}

// endPeek sees to it that no peek begins any more; one that has begun goes on, see peeking.
func (c *conn) endPeek() {
	if p := c.peek; p != nil {
		c.peek = nil
		if !p.timer.Stop() {
			<-p.begun
		}
	}
}
