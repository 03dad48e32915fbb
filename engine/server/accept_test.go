package server_test

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/featuresql/featuresql/engine/server"
)

// failingListener fails before it accepts.
type failingListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// A server that has run out of file descriptors goes on when there are some again.
func TestAcceptErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &failingListener{Listener: l}
	f.failures.Store(3)
	var told atomic.Int32
	h := start(t, func(c *server.Config) {
		c.Listener = f
		c.OnAcceptError = func(error) { told.Add(1) }
	})
	if err := h.conn("").PingContext(t.Context()); err != nil || told.Load() != 3 {
		t.Errorf("%v after %d errors", err, told.Load())
	}
}
