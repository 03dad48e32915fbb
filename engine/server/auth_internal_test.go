package server

import (
	"net"
	"testing"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
)

func TestAllow(t *testing.T) {
	e := sqle.NewDefault(memory.NewDBProvider())
	here, there := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for _, tc := range []struct {
		addr     net.Addr
		answer   string
		accounts bool
		remote   bool // RemoteWithoutPassword
		ok       bool
	}{
		{here, "", false, false, true}, {here, "", true, false, true}, {&net.UnixAddr{}, "", true, false, true}, {&net.TCPAddr{IP: net.IPv6loopback}, "", true, false, true},
		{there, "", true, false, false}, {there, "\x00", true, false, false}, {there, "scramble", true, false, true},
		{there, "scramble", false, false, false}, {there, "", false, true, true},
	} {
		e.Analyzer.Catalog.MySQLDb.SetEnabled(tc.accounts)
		s := &Server{cfg: Config{Engine: e, RemoteWithoutPassword: tc.remote}}
		if err := s.allow("u", []byte(tc.answer), tc.addr); (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}
