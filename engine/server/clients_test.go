package server_test

import (
	"encoding/binary"
	"strings"
	"testing"

	host "github.com/dolthub/go-mysql-server/sql"
	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server/wire"
)

// TestInfo reads the text of an OK packet, which has a length.
func TestInfo(t *testing.T) {
	h := start(t, nil)
	for _, capabilities := range []uint32{0, wiremysql.CapabilityClientMultiStatements} {
		c := h.dial(capabilities)
		for range 2 {
			c.command(3, "INSERT INTO t VALUES (1)")
			if ok := c.read(); string(ok) != "\x00\x01\x00\x02\x00\x00\x00\x28Rows matched: 1  Changed: 1  Warnings: 0" {
				t.Errorf("%q", ok)
			}
			if got := c.query("SELECT 1"); got != "[\x011]" {
				t.Errorf("%q", got)
			}
		}
	}
}

// TestPrepareInSQL uses PREPARE and EXECUTE.
func TestPrepareInSQL(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	c.command(3, "PREPARE p FROM 'SELECT ? + 1'")
	if ok := c.read(); ok[0] != 0 {
		t.Errorf("answer to PREPARE: %q", ok)
	}
	c.command(3, "SET @a = 41")
	c.read()
	if got := c.query("EXECUTE p USING @a"); got != "[\x0242]" {
		t.Errorf("%q", got)
	}
	c.command(3, "DEALLOCATE PREPARE p")
	c.read()
	if got := c.query("SELECT 1"); got != "[\x011]" {
		t.Errorf("%q", got)
	}
}

// TestCursor reads a result bit by bit, as Connector/J does with useCursorFetch.
func TestCursor(t *testing.T) {
	h := start(t, nil)
	asked := false
	h.schemas["x"] = host.Schema{bigint("id")}
	h.run["x"] = func(*host.Context, *wire.Sink) error { asked = true; return nil }
	c := h.dial(0)
	c.command(22, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500) SELECT i, repeat('x', 100) FROM n WHERE i > ?")
	p := c.read()
	if p[0] != 0 {
		t.Fatalf("prepare: %q", p)
	}
	id := p[1:5]
	for range 1 + 1 + 2 + 1 { // a parameter, two columns, and the ends
		c.read()
	}
	execute := append(append([]byte{}, id...), 1, 1, 0, 0, 0, 0, 1, 8, 0)
	execute = binary.LittleEndian.AppendUint64(execute, 100)
	c.command(23, string(execute))
	if p = c.read(); p[0] != 2 {
		t.Fatalf("execute: %q", p)
	}
	c.read()
	c.read()
	c.read()
	rows := 0
	for range 10 {
		c.command(28, string(id)+"\x64\x00\x00\x00")
		for p = c.read(); p[0] != 0xfe; p = c.read() {
			if p[0] != 0 || int(binary.LittleEndian.Uint64(p[2:])) != 101+rows || !strings.HasSuffix(string(p), strings.Repeat("x", 100)) {
				t.Fatalf("row %d: %q", rows, p)
			}
			rows++
		}
		if binary.LittleEndian.Uint16(p[3:])&0x80 != 0 { // the last row was sent
			break
		}
	}
	if rows != 400 || asked {
		t.Errorf("%d rows", rows)
	}
	if got := c.query("SELECT 1"); got != "[\x011]" {
		t.Errorf("%q", got)
	}
}
