package server_test

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server"
)

// TestOneAnswer sends commands that are wrong or unknown: each has one answer, an error, and the connection stays usable.
func TestOneAnswer(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	c.command(2, "information_schema")
	c.read()
	for _, x := range []struct {
		command byte
		args    string
		code    int
		state   string
	}{
		{5, "x", 1047, "08S01"}, {0, "", 1047, "08S01"}, {29, "", 1047, "08S01"}, {30, "xyz", 1047, "08S01"}, {99, "x", 1047, "08S01"},
		{27, "", 1047, "08S01"}, {27, "\x09\x00", 1047, "08S01"}, // COM_SET_OPTION
		{23, "\x09\x00\x00\x00\x00\x01\x00\x00\x00", 1243, "HY000"}, {26, "\x09\x00\x00\x00", 1243, "HY000"}, {28, "\x09\x00\x00\x00\x01\x00\x00\x00", 1243, "HY000"},
		{23, "\x01", 1835, "08S01"}, {26, "", 1835, "08S01"}, {12, "\x01", 1835, "08S01"},
		{4, "nothing\x00", 1146, "42S02"}, {4, "nothing", 1835, "08S01"},
	} {
		c.command(x.command, x.args)
		wantError(t, c.read(), x.code, x.state)
		if got := c.query("SELECT 1"); got != "[\x011]" {
			t.Errorf("after command %d: %q", x.command, got)
		}
	}
}

// TestProcessCommands lists connections and ends one by the commands that are older than the statements.
func TestProcessCommands(t *testing.T) {
	h := start(t, nil)
	c, other := h.dial(0), h.dial(0)
	id := strings.Trim(other.query("SELECT connection_id()"), "[]\x01\x02")
	n, err := strconv.Atoi(id)
	if err != nil {
		t.Fatal(err)
	}
	c.command(10, "")
	for range c.read()[0] + 1 {
		c.read()
	}
	rows := 0
	for p := c.read(); p[0] != 0xfe; p = c.read() {
		rows++
	}
	if rows != 2 {
		t.Errorf("%d processes", rows)
	}
	c.command(12, string([]byte{byte(n), 0, 0, 0}))
	if p := c.read(); p[0] != 0 {
		t.Errorf("%q", p)
	}
}

// TestSetOption switches several statements at a time on and off.
func TestSetOption(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	for _, on := range []bool{true, false} {
		c.command(27, map[bool]string{true: "\x00\x00", false: "\x01\x00"}[on])
		if p := c.read(); p[0] != 0xfe {
			t.Fatalf("%q", p)
		}
		c.command(3, "SET @a = 1; SET @a = 2")
		p := c.read()
		if !on {
			wantError(t, p, 1064, "42000")
			continue
		}
		if binary.LittleEndian.Uint16(p[3:])&0x08 == 0 {
			t.Errorf("no more results: %q", p)
		}
		if p = c.read(); p[0] != 0 || binary.LittleEndian.Uint16(p[3:])&0x08 != 0 {
			t.Errorf("%q", p)
		}
	}
}

// TestFieldList asks for the columns of a table by the command.
func TestFieldList(t *testing.T) {
	h := start(t, nil)
	for _, deprecate := range []uint32{0, wiremysql.CapabilityClientDeprecateEOF} {
		c := h.dial(deprecate)
		c.command(2, "information_schema")
		c.read()
		c.command(4, "schemata\x00%")
		columns := 0
		p := c.read()
		for ; p[0] != 0xfe; p = c.read() {
			if !bytes.HasPrefix(p, []byte("\x03def")) || p[len(p)-1] != 0xfb {
				t.Errorf("%q", p)
			}
			columns++
		}
		if columns < 5 {
			t.Errorf("%d columns", columns)
		}
	}
}

// TestLongData sends a parameter in pieces.
func TestLongData(t *testing.T) {
	h := start(t, func(c *server.Config) { c.MaxPacketBytes = 1 << 20 })
	c := h.dial(0)
	c.command(24, "\x09\x00\x00\x00\x00\x00unknown") // has no answer
	id := c.prepare("SELECT length(?), 1")
	send := func(piece string) { c.command(24, id+"\x00\x00"+piece) }
	execute := func(want string) {
		t.Helper()
		c.command(23, id+"\x00\x01\x00\x00\x00\x00\x01\xfc\x00")
		for range 4 {
			c.read()
		}
		if p := c.read(); !bytes.Contains(p, []byte(want)) {
			t.Errorf("row %q, want %q", p, want)
		}
		c.read()
	}
	for range 3 {
		send(strings.Repeat("x", 100_000))
	}
	c.command(24, id+"\x07\x00no such parameter")
	execute("\xe0\x93\x04") // 300,000
	send("gone")
	c.command(26, id) // reset
	if p := c.read(); p[0] != 0 {
		t.Errorf("reset: %q", p)
	}
	send("12345")
	execute("\x00\x05\x00")
	for range 11 {
		send(strings.Repeat("x", 100_000))
	}
	wantError(t, c.read(), 1153, "08S01")
}
