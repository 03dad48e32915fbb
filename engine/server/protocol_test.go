package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	host "github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server"
	"github.com/featuresql/featuresql/engine/server/wire"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// client speaks the protocol packet by packet and checks every sequence number.
type client struct {
	t   testing.TB
	c   net.Conn
	seq byte
}

// dial logs in as root without a password; capabilities are added to the least that a client has.
func (h *harness) dial(capabilities uint32) *client {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &client{t: h.t, c: conn}
	if greeting := c.read(); greeting[0] != 10 {
		h.t.Fatalf("greeting %q", greeting)
	}
	capabilities |= wiremysql.CapabilityClientProtocol41 | wiremysql.CapabilityClientSecureConnection | wiremysql.CapabilityClientPluginAuth
	login := binary.LittleEndian.AppendUint32(nil, capabilities)
	login = append(binary.LittleEndian.AppendUint32(login, 1<<24), 45)
	login = append(login, make([]byte, 23)...)
	login = append(login, "root\x00\x00mysql_native_password\x00"...)
	c.write(login)
	if ok := c.read(); ok[0] != 0 {
		h.t.Fatalf("login: %q", ok)
	}
	return c
}

func (c *client) write(payload []byte) {
	c.t.Helper()
	p := []byte{byte(len(payload)), byte(len(payload) >> 8), byte(len(payload) >> 16), c.seq}
	if _, err := c.c.Write(append(p, payload...)); err != nil {
		c.t.Fatal(err)
	}
	c.seq++
}

// command begins a new exchange.
func (c *client) command(b byte, rest string) {
	c.t.Helper()
	c.seq = 0
	c.write(append([]byte{b}, rest...))
}

func (c *client) tryRead() ([]byte, error) {
	var h [4]byte
	if _, err := io.ReadFull(c.c, h[:]); err != nil {
		return nil, err
	}
	if h[3] != c.seq {
		c.t.Errorf("sequence number %d, want %d", h[3], c.seq)
	}
	c.seq = h[3] + 1
	p := make([]byte, int(h[0])|int(h[1])<<8|int(h[2])<<16)
	_, err := io.ReadFull(c.c, p)
	return p, err
}

func (c *client) read() []byte {
	c.t.Helper()
	p, err := c.tryRead()
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func wantError(t *testing.T, p []byte, code int, state string) {
	t.Helper()
	if len(p) < 9 || p[0] != 0xff || int(p[1])|int(p[2])<<8 != code || string(p[4:9]) != state {
		t.Errorf("got %q, want error %d %s", p, code, state)
	}
}

// TestEndOfRows reads results in both styles of their end, from the host and past it.
func TestEndOfRows(t *testing.T) {
	h := start(t, nil)
	h.schemas["x"] = host.Schema{{Name: "id", Type: hosttypes.Int64}}
	h.run["x"] = func(_ *host.Context, s *wire.Sink) error {
		v := vector.New(types.Of(types.Int64), 300) // more than 255 packets
		return s.WriteBatch(&vector.Batch{Len: 300, Cols: []*vector.Vector{v}})
	}
	for _, deprecate := range []uint32{0, wiremysql.CapabilityClientDeprecateEOF} {
		c := h.dial(deprecate)
		for _, q := range []string{"SELECT 0", "DESCRIBE DETAIL x", "DESCRIBE DETAIL x", "SELECT 0"} {
			c.command(3, q)
			if p := c.read(); !bytes.Equal(p, []byte{1}) {
				t.Fatalf("column count %q", p)
			}
			if p := c.read(); !bytes.HasPrefix(p, []byte("\x03def")) {
				t.Fatalf("column definition %q", p)
			}
			if deprecate == 0 {
				if p := c.read(); p[0] != 0xfe || len(p) != 5 {
					t.Errorf("%q where the end of the definitions is due", p)
				}
			}
			rows := 0
			var p []byte
			for p = c.read(); p[0] != 0xfe; p = c.read() {
				if string(p) != "\x010" {
					t.Fatalf("row %q", p)
				}
				rows++
			}
			want := map[uint32]int{0: 5, wiremysql.CapabilityClientDeprecateEOF: 7}[deprecate]
			if len(p) != want || rows != 1 && rows != 300 {
				t.Errorf("%s: %d rows, end %q", q, rows, p)
			}
		}
	}
}

// TestCommands sends commands that the host does not know, and broken ones.
func TestCommands(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	c.command(9, "")
	if p := string(c.read()); !strings.HasPrefix(p, "Uptime: ") {
		t.Errorf("statistics %q", p)
	}
	c.seq = 0
	c.write(nil)
	wantError(t, c.read(), 1835, "08S01")
	c.command(3, "SET @a = 1")
	c.read()
	c.command(17, "root\x00\x00db\x00\x2d\x00mysql_native_password\x00")
	if p := c.read(); p[0] != 0xfe || !bytes.Contains(p, []byte("mysql_native_password")) {
		t.Fatalf("change user: %q", p)
	}
	c.write(nil)
	if p := c.read(); p[0] != 0 {
		t.Fatalf("change user: %q", p)
	}
	if got := c.query("SELECT @a, database()"); got != "[\xfb\x02db]" {
		t.Errorf("after changing the user: %q", got)
	}
	c.command(3, "SET @a = 1")
	c.read()
	c.command(31, "")
	if p := c.read(); p[0] != 0 {
		t.Fatalf("reset: %q", p)
	}
	if got := c.query("SELECT @a, database()"); got != "[\xfb\x02db]" {
		t.Errorf("after a reset: %q", got)
	}
	c.command(14, "")
	if p := c.read(); p[0] != 0 {
		t.Errorf("ping: %q", p)
	}
	c.command(23, "\x01")
	if p := c.read(); p[0] != 0xff {
		t.Errorf("broken execute: %q", p)
	}
	c.command(17, "nobody\x00\x05short")
	if p := c.read(); p[0] != 0xfe && p[0] != 0xff {
		t.Errorf("broken change user: %q", p)
	}
}

// query returns the rows of a result in the old style, raw.
func (c *client) query(q string) string {
	c.t.Helper()
	c.command(3, q)
	n := int(c.read()[0])
	for range n + 1 {
		c.read()
	}
	var out []string
	for p := c.read(); p[0] != 0xfe || len(p) != 5; p = c.read() {
		out = append(out, string(p))
	}
	return fmt.Sprint(out)
}

func TestLimits(t *testing.T) {
	h := start(t, func(c *server.Config) { c.MaxConnections, c.MaxPacketBytes = 2, 1000 })
	c := h.dial(0)
	h.dial(0)
	third, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	wantError(t, (&client{t: t, c: third}).read(), 1040, "08004")
	c.command(3, "SELECT 1 -- "+strings.Repeat("x", 1000))
	wantError(t, c.read(), 1153, "08S01")
	if _, err := c.tryRead(); err == nil {
		t.Error("a connection goes on after too large a packet")
	}
	for range 100 { // its place is free again
		if h.s.Connections() < 2 {
			h.dial(0)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a closed connection still counts")
}

func TestTimeouts(t *testing.T) {
	h := start(t, func(c *server.Config) { c.IdleTimeout, c.ConnectTimeout = 100*time.Millisecond, 100*time.Millisecond })
	silent, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	idle := h.dial(0)
	_ = silent.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(silent); err != nil {
		t.Errorf("a client that does not log in is kept: %v", err)
	}
	if _, err := idle.tryRead(); err != io.EOF {
		t.Errorf("an idle client is kept: %v", err)
	}
}

// TestWriteTimeout has a client that asks and does not read.
func TestWriteTimeout(t *testing.T) {
	h := start(t, func(c *server.Config) { c.WriteTimeout = 100 * time.Millisecond })
	h.schemas["flood"] = host.Schema{{Name: "s", Type: hosttypes.LongText}}
	stopped := make(chan error, 1)
	h.run["flood"] = func(ctx *host.Context, s *wire.Sink) error {
		v := vector.NewConst(types.StringValue(strings.Repeat("x", 10000)), 1000)
		for {
			if err := s.WriteBatch(&vector.Batch{Len: 1000, Cols: []*vector.Vector{v}}); err != nil {
				stopped <- err
				return err
			}
		}
	}
	h.dial(0).command(3, "DESCRIBE DETAIL flood")
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Error("the server waits for a client that does not read")
	}
}

func TestTLS(t *testing.T) {
	h := start(t, nil)
	db := h.open("tls=skip-verify")
	var s string
	if err := db.QueryRowContext(context.Background(), "SELECT ?", strings.Repeat("t", 1<<17)).Scan(&s); err != nil || len(s) != 1<<17 {
		t.Fatal(len(s), err)
	}
	h.schemas["x"] = host.Schema{{Name: "id", Type: hosttypes.Int64}}
	h.run["x"] = func(_ *host.Context, s *wire.Sink) error {
		return s.WriteBatch(&vector.Batch{Len: 5000, Cols: []*vector.Vector{vector.New(types.Of(types.Int64), 5000)}})
	}
	rows, err := db.Query("DESCRIBE DETAIL x")
	if got := texts(t, rows, err); len(got) != 5000 {
		t.Errorf("%d rows over TLS", len(got))
	}
}
