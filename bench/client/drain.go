package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// drain speaks just enough of the protocol to send one query and count the packets of its result.
func drain(addr, database, query string) (map[string]any, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 1<<20)
	if err := login(conn, r, database); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := send(conn, 0, append([]byte{3}, query...)); err != nil {
		return nil, err
	}
	rows, bytes, err := count(r)
	return map[string]any{"seconds": time.Since(start).Seconds(), "rows": rows, "bytes": bytes}, err
}

func login(conn net.Conn, r *bufio.Reader, database string) error {
	if _, _, err := packet(r); err != nil {
		return err
	}
	const flags = 0x00000200 | 0x00008000 | 0x00080000 | 0x00000008 // protocol 41, secure connection, plugin auth, with database
	p := binary.LittleEndian.AppendUint32(nil, flags)
	p = binary.LittleEndian.AppendUint32(p, 1<<24)
	p = append(p, 45)
	p = append(p, make([]byte, 23)...)
	p = append(p, "root\x00\x00"...)
	p = append(p, database...)
	p = append(p, "\x00mysql_native_password\x00"...)
	if err := send(conn, 1, p); err != nil {
		return err
	}
	for {
		seq, got, err := packet(r)
		switch {
		case err != nil:
			return err
		case got[0] == 0xfe: // asked to switch the method: still no password
			if err := send(conn, seq+1, nil); err != nil {
				return err
			}
		case got[0] == 0xff:
			return fmt.Errorf("login: %s", got[3:])
		default:
			return nil
		}
	}
}

func send(conn net.Conn, seq byte, payload []byte) error {
	n := len(payload)
	_, err := conn.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...))
	return err
}

func packet(r *bufio.Reader) (byte, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	p := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(r, p)
	return head[3], p, err
}

// count reads a result set: column count, definitions, end, rows, end.
func count(r *bufio.Reader) (rows, bytes int64, err error) {
	_, first, err := packet(r)
	if err != nil {
		return 0, 0, err
	}
	if first[0] == 0xff {
		return 0, 0, fmt.Errorf("query: %s", first[3:])
	}
	ends := 0
	for ends < 2 {
		head, err := r.Peek(5)
		if err != nil {
			return rows, bytes, err
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		switch {
		case head[4] == 0xfe && n < 9:
			ends++
		case head[4] == 0xff && ends == 1:
			_, p, err := packet(r)
			if err != nil {
				return rows, bytes, err
			}
			return rows, bytes, fmt.Errorf("query: %s", p[3:])
		case ends == 1:
			rows++
			bytes += int64(n)
		}
		if _, err := r.Discard(4 + n); err != nil {
			return rows, bytes, err
		}
	}
	return rows, bytes, nil
}
