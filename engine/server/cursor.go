package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dolthub/vitess/go/mysql"
)

// cursorMemory is how much of a cursor's rows stays in memory; more than that goes to a file.
const cursorMemory = 1 << 20

// cursor keeps the rows of a result for COM_STMT_FETCH, as the packets that they are sent in.
type cursor struct {
	mem  []byte
	file *os.File // holds what came before mem, has no name any more
	dir  string
	in   *bufio.Reader // once the result is complete
}

// add keeps a part of the packets.
func (u *cursor) add(p []byte) error {
	if u.mem = append(u.mem, p...); len(u.mem) < cursorMemory {
		return nil
	}
	if u.file == nil {
		f, err := os.CreateTemp(u.dir, "featuresql-cursor-")
		if err != nil {
			return fmt.Errorf("rows of a cursor: %w", err)
		}
		_ = os.Remove(f.Name())
		u.file = f
	}
	if _, err := u.file.Write(u.mem); err != nil {
		return fmt.Errorf("rows of a cursor: %w", err)
	}
	u.mem = u.mem[:0]
	return nil
}

// complete ends the writing and begins the reading.
func (u *cursor) complete() error {
	var from io.Reader = bytes.NewReader(u.mem)
	if u.file != nil {
		if _, err := u.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("rows of a cursor: %w", err)
		}
		from = io.MultiReader(u.file, from)
	}
	u.in = bufio.NewReaderSize(from, readBufBytes)
	return nil
}

// next appends the packets of the next row to dst; io.EOF after the last.
func (u *cursor) next(dst []byte) ([]byte, error) {
	for n := maxPayload; n == maxPayload; {
		var h [headerBytes]byte
		if _, err := io.ReadFull(u.in, h[:]); err != nil {
			return dst, err
		}
		n = payloadBytes(h)
		at := len(dst) + headerBytes
		dst = append(append(dst, h[:]...), make([]byte, n)...)
		if _, err := io.ReadFull(u.in, dst[at:]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// close gives the file back.
func (u *cursor) close() {
	if u.file != nil {
		_ = u.file.Close()
		_ = os.Remove(u.file.Name()) // where it could not be removed while open
	}
}

// capture takes the packets of a result that are not to be sent as they are. The definitions of the columns are held
// back until the end of the rows, because an error may come in place of it.
type capture struct {
	rows *cursor // keeps the rows
	// end is given the count and definitions of the columns, and the packet that ends the result.
	end func(definitions [][]byte, last []byte) error

	oldEOF      bool // a packet ends the definitions
	partial     []byte
	definitions [][]byte
	left        int  // packets to come before the rows; 0 before the number of columns has come
	inRows      bool // the definitions have come
	continues   bool // the next packet continues a row
}

// take takes a part of the stream of packets; after the last packet of the result c has no capture any more.
func (c *conn) take(p []byte) error {
	k := c.capture
	own := len(k.partial) > 0
	if own {
		p = append(k.partial, p...)
	}
	for c.capture != nil && len(p) >= headerBytes {
		n := headerBytes + payloadBytes([headerBytes]byte(p))
		if len(p) < n {
			break
		}
		last, err := k.packet(p[:n:n])
		if err != nil {
			return err
		}
		if last {
			c.capture = nil
			return k.finish(c, p[:n])
		}
		p = p[n:]
	}
	if !own {
		p = append([]byte(nil), p...)
	}
	k.partial = p
	return nil
}

// packet takes one packet. last: the result ends with it.
func (k *capture) packet(p []byte) (last bool, err error) {
	body := p[headerBytes:]
	switch {
	case !k.inRows && k.left == 0: // the number of columns, or all there is
		if len(body) == 0 || body[0] == mysql.OKPacket || body[0] == mysql.ErrPacket {
			return true, nil
		}
		columns, _ := length(body)
		k.left = columns
		if k.oldEOF {
			k.left++
		}
		k.definitions = append(k.definitions, append([]byte(nil), p...))
	case !k.inRows:
		if k.left--; k.left > 0 || !k.oldEOF {
			k.definitions = append(k.definitions, append([]byte(nil), p...))
		}
		k.inRows = k.left == 0
	case !k.continues && len(body) > 0 && (body[0] == mysql.EOFPacket || body[0] == mysql.ErrPacket):
		return true, nil
	default:
		k.continues = len(body) == maxPayload
		return false, k.rows.add(p)
	}
	return false, nil
}

// finish sends the result.
func (k *capture) finish(c *conn, last []byte) error {
	if !k.inRows || last[headerBytes] == mysql.ErrPacket {
		k.rows.close()
		return c.WritePackets(append([]byte(nil), last...))
	}
	return k.end(k.definitions, append([]byte(nil), last...))
}

// length reads an integer of the protocol, and how many bytes it has; 0 bytes if it is cut off.
func length(p []byte) (n, size int) {
	if len(p) == 0 {
		return 0, 0
	}
	switch size = map[byte]int{0xfc: 3, 0xfd: 4, 0xfe: 9}[p[0]]; {
	case size == 0:
		return int(p[0]), 1
	case len(p) < size:
		return 0, 0
	}
	for i := size - 1; i > 0; i-- {
		n = n<<8 | int(p[i])
	}
	return n, size
}

// openCursor lets the host run a COM_STMT_EXECUTE as one without a cursor, and keeps the rows for statement id.
func (c *conn) openCursor(id uint32, body []byte) {
	rows := &cursor{dir: c.s.cfg.TempDir}
	c.capture = &capture{rows: rows, oldEOF: c.my.Capabilities&mysql.CapabilityClientDeprecateEOF == 0}
	c.capture.end = func(definitions [][]byte, _ []byte) error {
		if err := rows.complete(); err != nil {
			return err
		}
		c.cursors[id] = rows
		out := bytes.Join(definitions, nil)
		return c.WritePackets(append(out, c.endOfRows(mysql.ServerCursorExists)...))
	}
	body[5] = 0
	c.pending = appendPackets(nil, body)
}

// fetch sends the next count rows of the cursor of statement id.
func (c *conn) fetch(id, count uint32) error {
	rows := c.cursors[id]
	if rows == nil {
		return c.sendError(1421, mysql.SSUnknownSQLState, fmt.Sprintf("The statement (%d) has no open cursor.", id))
	}
	var out []byte
	for ; count > 0; count-- {
		var err error
		if out, err = rows.next(out); errors.Is(err, io.EOF) {
			c.closeCursor(id)
			return c.WritePackets(append(out, c.endOfRows(mysql.ServerCursorLastRowSent)...))
		}
		if err != nil {
			c.closeCursor(id)
			return fmt.Errorf("rows of a cursor: %w", err)
		}
		if len(out) >= cursorMemory {
			if err := c.WritePackets(out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
	return c.WritePackets(append(out, c.endOfRows(mysql.ServerCursorExists)...))
}

// endOfRows is the packet after the rows, with a flag of the cursor.
func (c *conn) endOfRows(flag uint16) []byte {
	flags, warnings := c.my.StatusFlags|flag, c.s.handler.WarningCount(c.my)
	if c.my.Capabilities&mysql.CapabilityClientDeprecateEOF == 0 {
		return appendPackets(nil, []byte{mysql.EOFPacket, byte(warnings), byte(warnings >> 8), byte(flags), byte(flags >> 8)})
	}
	return appendPackets(nil, []byte{mysql.EOFPacket, 0, 0, byte(flags), byte(flags >> 8), byte(warnings), byte(warnings >> 8)})
}

func (c *conn) closeCursor(id uint32) {
	if rows := c.cursors[id]; rows != nil {
		rows.close()
		delete(c.cursors, id)
	}
}

// closeCursors is for the end of a session.
func (c *conn) closeCursors() {
	for id := range c.cursors {
		c.closeCursor(id)
	}
}
