package server

import (
	"net"
	"time"

	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/mysqlerr"
)

// authServer puts our checks, and the conn that carries the connection from then on, behind the accounts: those of the
// warehouse, or, without any, the host's.
type authServer struct {
	mysql.AuthServer
	s *Server
}

// AuthMethods implements mysql.AuthServer.
func (a authServer) AuthMethods() []mysql.AuthMethod {
	methods := a.AuthServer.AuthMethods()
	if a.s.warehouse != nil {
		methods = a.s.warehouse.methods()
	}
	out := make([]mysql.AuthMethod, len(methods))
	for i, m := range methods {
		out[i] = authMethod{m, a.s}
	}
	return out
}

type authMethod struct {
	mysql.AuthMethod
	s *Server
}

// HandleUser implements mysql.AuthMethod. The host asks before anything that depends on TLS.
func (m authMethod) HandleUser(c *mysql.Conn, user string) bool {
	if w, ok := c.Conn.(*conn); ok && w.encrypted {
		c.Capabilities |= mysql.CapabilityClientSSL
	}
	if m.AuthMethod.HandleUser(c, user) {
		return true
	}
	return m.Name() == mysql.MysqlNativePassword && !m.s.known(c, user)
}

// known reports whether some method takes the user. An unknown user must be refused by a method, like a wrong
// password (1045); without one the host answers in a way that no client understands.
func (s *Server) known(c *mysql.Conn, user string) bool {
	if s.warehouse != nil {
		for _, m := range s.warehouse.methods() {
			if m.HandleUser(c, user) {
				return true
			}
		}
		return false
	}
	for _, m := range s.cfg.Engine.Analyzer.Catalog.MySQLDb.AuthMethods() {
		if m.HandleUser(c, user) {
			return true
		}
	}
	return false
}

// HandleAuthPluginData implements mysql.AuthMethod. It is the last step of the handshake.
func (m authMethod) HandleAuthPluginData(c *mysql.Conn, user string, serverData, clientData []byte, addr net.Addr) (mysql.Getter, error) {
	if m.s.secureTransport() && !c.TLSEnabled() {
		return nil, mysql.NewSQLError(3159, mysql.SSUnknownSQLState, "Connections using insecure transport are prohibited: use TLS")
	}
	who := throttled{hostOf(addr), user}
	wait, ok := m.s.throttle.wait(who)
	if !ok {
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
			"Access denied for user '%s'@'%s': too many failed log-ins; wait some seconds", user, who.address)
	}
	time.Sleep(wait)
	g, err := m.logIn(c, user, serverData, clientData, addr)
	m.s.throttle.done(who, err == nil)
	if f := m.s.cfg.OnLogin; f != nil {
		f(user, who.address, err)
	}
	if err != nil {
		return nil, err
	}
	if w, ok := c.Conn.(*conn); ok {
		w.login()
	}
	return g, nil
}

// logIn asks the accounts.
func (m authMethod) logIn(c *mysql.Conn, user string, serverData, clientData []byte, addr net.Addr) (mysql.Getter, error) {
	g, err := m.AuthMethod.HandleAuthPluginData(c, user, serverData, clientData, addr)
	if err != nil {
		return nil, mysqlerr.From(err)
	}
	if l, ok := g.(login); ok {
		return g, m.s.admitLogin(c, l)
	}
	return g, m.s.allow(user, clientData, addr)
}

// allow refuses a client of another machine that needed no password: the account has none, or there are no
// accounts at all.
func (s *Server) allow(user string, clientData []byte, addr net.Addr) error {
	if s.cfg.RemoteWithoutPassword || isLoopback(addr) {
		return nil
	}
	noPassword := len(clientData) == 0 || len(clientData) == 1 && clientData[0] == 0
	if noPassword || !s.cfg.Engine.Analyzer.Catalog.MySQLDb.Enabled() {
		return mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
			"Access denied for user '%s': an account without a password can be used from this machine only", user)
	}
	return nil
}

func isLoopback(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return addr.Network() == "pipe"
}
