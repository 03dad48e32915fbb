package server_test

import (
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/server"
)

// TestGarbage sends random packets, during the login and after it. The server must go on serving others.
func TestGarbage(t *testing.T) {
	h := start(t, func(c *server.Config) { c.ReadTimeout, c.ConnectTimeout = 200*time.Millisecond, 200*time.Millisecond })
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, seed))
	for round := range 150 {
		var conn net.Conn
		if round%3 == 0 {
			c, err := net.Dial("tcp", h.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn = c
		} else {
			conn = h.dial(0).c
		}
		payload := make([]byte, rnd.IntN(40))
		for i := range payload {
			payload[i] = byte(rnd.Uint32())
		}
		if len(payload) > 0 && round%3 != 0 {
			payload[0] = byte(rnd.IntN(33))
		}
		length := len(payload)
		if rnd.IntN(8) == 0 { // a length that is a lie
			length = rnd.IntN(1 << 24)
		}
		seq := byte(0)
		if round%3 == 0 || rnd.IntN(8) == 0 {
			seq = byte(rnd.IntN(3))
		}
		_, _ = conn.Write(append([]byte{byte(length), byte(length >> 8), byte(length >> 16), seq}, payload...))
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && isTimeout(err) {
			t.Errorf("seed %d, round %d: the server neither answers nor closes", seed, round)
		}
		conn.Close()
	}
	if got := h.dial(0).query("SELECT 1"); got != "[\x011]" {
		t.Errorf("%q", got)
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error) //nolint:errorlint // as the net package returns it
	return ok && n.Timeout()
}
