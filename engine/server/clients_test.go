package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	host "github.com/dolthub/go-mysql-server/sql"
	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server/wire"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
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

// prepare prepares a statement of one parameter and two columns, and returns its number.
func (c *client) prepare(text string) string {
	c.t.Helper()
	c.command(22, text)
	p := c.read()
	if p[0] != 0 {
		c.t.Fatalf("prepare: %q", p)
	}
	for range 1 + 1 + 2 + 1 { // a parameter, two columns, and the ends
		c.read()
	}
	return string(p[1:5])
}

// open executes a prepared statement with a cursor.
func (c *client) open(id string, parameter uint64) {
	c.t.Helper()
	c.command(23, string(binary.LittleEndian.AppendUint64([]byte(id+"\x01\x01\x00\x00\x00\x00\x01\x08\x00"), parameter)))
	if p := c.read(); p[0] != 2 {
		c.t.Fatalf("execute: %q", p)
	}
	c.read()
	c.read()
	if p := c.read(); p[0] != 0xfe || binary.LittleEndian.Uint16(p[3:])&0x40 == 0 {
		c.t.Fatalf("end of the columns' definitions: %q", p)
	}
}

// fetch returns the first columns of the next rows, checking the second, and whether they are the last.
func (c *client) fetch(id string, count byte, second string) (got []int, last bool) {
	c.t.Helper()
	c.command(28, id+string([]byte{count, 0, 0, 0}))
	p := c.read()
	for ; p[0] != 0xfe; p = c.read() {
		if p[0] != 0 || !strings.HasSuffix(string(p), second) {
			c.t.Fatalf("row %q", p)
		}
		got = append(got, int(binary.LittleEndian.Uint64(p[2:])))
	}
	return got, binary.LittleEndian.Uint16(p[3:])&0x80 != 0
}

const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500) SELECT i, repeat('x', 10000) FROM n WHERE i > ?"

// TestCursor reads results bit by bit, as Connector/J does with useCursorFetch: two at once, with other statements in between, one of
// them beyond what is kept in memory.
func TestCursor(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	a, b := c.prepare(numbers), c.prepare(strings.Replace(numbers, "'x', 10000", "'y', 10", 1))
	c.open(a, 100)
	c.open(b, 490)
	rows := 0
	for range 9 {
		got, last := c.fetch(a, 50, strings.Repeat("x", 10000))
		for _, n := range got {
			if rows++; n != 100+rows {
				t.Fatalf("row %d is %d", rows, n)
			}
		}
		if got := c.query("SELECT 1"); got != "[\x011]" {
			t.Errorf("%q", got)
		}
		if last != (len(got) < 50) {
			t.Fatalf("after %d rows: last is %v", rows, last)
		}
	}
	if rows != 400 {
		t.Errorf("%d rows", rows)
	}
	if got, last := c.fetch(b, 4, "yyy"); len(got) != 4 || last || got[0] != 491 {
		t.Errorf("second cursor: %v", got)
	}
	c.open(b, 480) // again
	if got, last := c.fetch(b, 100, "yyy"); len(got) != 20 || !last {
		t.Errorf("second cursor: %v", got)
	}
	for _, s := range []string{a, b} {
		c.command(28, s+"\x01\x00\x00\x00")
		wantError(t, c.read(), 1421, "HY000")
	}
	c.open(a, 0)
	c.command(26, a) // reset
	if p := c.read(); p[0] != 0 {
		t.Errorf("reset: %q", p)
	}
	c.command(28, a+"\x01\x00\x00\x00")
	wantError(t, c.read(), 1421, "HY000")
}

// TestCursorOfFailure opens cursors on what fails, before its rows and among them, and on what has no rows.
func TestCursorOfFailure(t *testing.T) {
	h := start(t, nil)
	h.schemas["x"] = host.Schema{bigint("id")}
	h.run["x"] = func(_ *host.Context, s *wire.Sink) error {
		if err := s.WriteBatch(&vector.Batch{Len: 5000, Cols: []*vector.Vector{vector.New(types.Of(types.Int64), 5000)}}); err != nil {
			return err
		}
		if err := s.Flush(); err != nil {
			return err
		}
		return errors.New("amid the rows")
	}
	for _, deprecate := range []uint32{0, wiremysql.CapabilityClientDeprecateEOF} {
		c := h.dial(deprecate)
		for q, want := range map[string]byte{"DESCRIBE DETAIL x": 0xff, "SET @a = 1": 0, "SELECT 1": 1} {
			c.command(22, q)
			p := c.read()
			for n := int(p[5]); n > 0; n-- {
				c.read()
			}
			if p[5] > 0 && deprecate == 0 {
				c.read()
			}
			c.command(23, string(p[1:5])+"\x01\x01\x00\x00\x00")
			if got := c.read(); got[0] != want {
				t.Errorf("%s: %q", q, got)
			}
			if want != 1 {
				continue
			}
			c.read()
			c.read()
			c.command(28, string(p[1:5])+"\x05\x00\x00\x00")
			if row := c.read(); !bytes.HasPrefix(row, []byte{0, 0, 1}) {
				t.Errorf("%q", row)
			}
			if end := c.read(); end[0] != 0xfe || end[3]&0x80 == 0 {
				t.Errorf("%q", end)
			}
		}
	}
}
