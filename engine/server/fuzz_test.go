package server_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/server"
)

// FuzzPackets sends any bytes to a server, in place of the login and after it. The server answers or closes, and serves the next client.
func FuzzPackets(f *testing.F) {
	for _, p := range []string{
		"\x01\x00\x00\x00\x01", "\x09\x00\x00\x00\x03SELECT 1", "\x09\x00\x00\x00\x16SELECT ?", "\x0a\x00\x00\x00\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00",
		"\x05\x00\x00\x00\x19\x01\x00\x00\x00", "\x01\x00\x00\x00\x09", "\x01\x00\x00\x00\x0e", "\x01\x00\x00\x00\x1f", "\x03\x00\x00\x00\x02db", "\xff\xff\xff\x00\x03",
		"\x00\x00\x00\x00", "\x03\x00\x00\x00\x1b\x00\x00", "\x06\x00\x00\x00\x11root\x00", "\x07\x00\x00\x00\x18\x01\x00\x00\x00\x00\x00",
	} {
		f.Add([]byte(p), true)
		f.Add([]byte(p), false)
	}
	h := start(f, func(c *server.Config) { c.ReadTimeout, c.ConnectTimeout = 3*time.Second, 3*time.Second })
	f.Fuzz(func(t *testing.T, packets []byte, loggedIn bool) {
		on := &harness{t: t, addr: h.addr}
		var conn net.Conn
		if loggedIn {
			conn = on.dial(0).c
		} else {
			c, err := net.Dial("tcp", h.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn = c
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(packets)
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && isTimeout(err) {
			t.Fatal("the server neither answers nor closes")
		}
		if got := on.dial(0).query("SELECT 1"); got != "[\x011]" {
			t.Fatalf("%q", got)
		}
	})
}
