package server

import (
	"context"
	"crypto/x509"
	"net"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/mysqlerr"
)

// login is a client that has proved to be an account of the warehouse.
type login struct {
	sql.MysqlConnectionUser // the account
	account                 accounts.Name
	limit                   int    // connections of the account; 0: no limit
	tls                     bool   // the account needs it
	user                    string // as the client gave it
}

// warehouseAuth checks log-ins against the accounts of the warehouse, by both plugins.
type warehouseAuth struct {
	store    *accounts.Store
	verified *accounts.Verified
	remote   bool // accounts without a password may come from other machines
	timeout  time.Duration
}

func newWarehouseAuth(cfg *Config) *warehouseAuth {
	return &warehouseAuth{cfg.Accounts, accounts.NewVerified(), cfg.RemoteWithoutPassword, cfg.ConnectTimeout}
}

// methods returns both plugins.
func (w *warehouseAuth) methods() []mysql.AuthMethod {
	return []mysql.AuthMethod{
		mysql.NewMysqlNativeAuthMethod(w, plugin{w, accounts.Native}),
		mysql.NewSha2CachingAuthMethod(w, w, plugin{w, accounts.CachingSHA2}),
	}
}

// find returns the account that a client means, and all accounts.
func (w *warehouseAuth) find(user string, addr net.Addr) (*accounts.Account, *accounts.State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.timeout)
	defer cancel()
	state, err := w.store.State(ctx)
	if err != nil {
		return nil, nil, err
	}
	return state.Match(user, hostOf(addr)), state, nil
}

func hostOf(addr net.Addr) string {
	if a, ok := addr.(*net.TCPAddr); ok {
		return a.IP.String()
	}
	return "localhost"
}

func accessDenied(user string, addr net.Addr, password bool) error {
	using := "NO"
	if password {
		using = "YES"
	}
	return mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError, "Access denied for user '%s'@'%s' (using password: %s)",
		user, hostOf(addr), using)
}

// plugin is which users a plugin is for.
type plugin struct {
	*warehouseAuth
	name string
}

// HandleUser implements mysql.UserValidator.
func (p plugin) HandleUser(user string, addr net.Addr) bool {
	a, _, err := p.find(user, addr)
	return err == nil && a != nil && a.Plugin == p.name && a.Hash != ""
}

func isEmpty(answer []byte) bool { return len(answer) == 0 || len(answer) == 1 && answer[0] == 0 }

// enter lets in whoever has proved the password, or needs none.
func (w *warehouseAuth) enter(a *accounts.Account, state *accounts.State, user string, addr net.Addr) (mysql.Getter, error) {
	switch {
	case a.Locked:
		return nil, mysql.NewSQLError(3118, "HY000", "Access denied for user '%s'@'%s'. Account is locked.", user, hostOf(addr))
	case a.Hash == "" && a.Name == accounts.Root && !state.Open():
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
			"Access denied for user 'root': there are other accounts and root has no password; give it one by featuresql sql on the server's machine")
	case a.Hash == "" && !w.remote && !isLoopback(addr):
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
			"Access denied for user '%s': an account without a password can be used from this machine only", user)
	}
	return login{MysqlConnectionUser: sql.MysqlConnectionUser{User: a.User, Host: a.Host}, account: a.Name, limit: a.MaxConnections, tls: a.RequireTLS, user: user + "@" + hostOf(addr)}, nil
}

// UserEntryWithHash implements mysql.HashStorage: mysql_native_password, and every account without a password.
func (w *warehouseAuth) UserEntryWithHash(_ []*x509.Certificate, salt []byte, user string, answer []byte, addr net.Addr) (mysql.Getter, error) {
	a, state, err := w.find(user, addr)
	if err != nil {
		return nil, mysqlerr.From(err)
	}
	switch {
	case a == nil:
	case a.Hash == "" && isEmpty(answer), a.Hash != "" && a.MatchesNative(answer, salt):
		return w.enter(a, state, user, addr)
	case a.Hash != "" && a.Plugin == accounts.CachingSHA2:
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError,
			"Access denied for user '%s'@'%s': its password is a caching_sha2_password, which needs TLS", user, hostOf(addr))
	}
	return nil, accessDenied(user, addr, !isEmpty(answer))
}

// UserEntryWithCacheHash implements mysql.CachingStorage: the short form of caching_sha2_password.
func (w *warehouseAuth) UserEntryWithCacheHash(_ []*x509.Certificate, salt []byte, user string, answer []byte, addr net.Addr) (mysql.Getter, mysql.CacheState, error) {
	a, state, err := w.find(user, addr)
	if err != nil {
		return nil, mysql.AuthRejected, mysqlerr.From(err)
	}
	if a == nil || isEmpty(answer) {
		return nil, mysql.AuthRejected, accessDenied(user, addr, !isEmpty(answer))
	}
	if !w.verified.Matches(a, answer, salt) {
		return nil, mysql.AuthNeedMoreData, nil
	}
	g, err := w.enter(a, state, user, addr)
	if err != nil {
		return nil, mysql.AuthRejected, err
	}
	return g, mysql.AuthAccepted, nil
}

// UserEntryWithPassword implements mysql.PlainTextStorage: the long form of caching_sha2_password, over TLS.
func (w *warehouseAuth) UserEntryWithPassword(_ []*x509.Certificate, user, password string, addr net.Addr) (mysql.Getter, error) {
	a, state, err := w.find(user, addr)
	if err != nil {
		return nil, mysqlerr.From(err)
	}
	if a == nil || !a.MatchesPassword(password) {
		return nil, accessDenied(user, addr, password != "")
	}
	w.verified.Remember(a, password)
	return w.enter(a, state, user, addr)
}

// admitLogin checks what depends on the connection: TLS, and how many the account has.
func (s *Server) admitLogin(c *mysql.Conn, l login) error {
	if l.tls && !c.TLSEnabled() {
		return mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError, "Access denied for user '%s': the account requires TLS", l.account.User)
	}
	w, ok := c.Conn.(*conn)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for other := range s.conns {
		if other != w && other.account == l.account {
			n++
		}
	}
	if l.limit > 0 && n >= l.limit {
		return mysql.NewSQLError(1226, "42000", "User '%s' has exceeded the 'max_user_connections' resource (current value: %d)", l.account.User, l.limit)
	}
	w.account = l.account
	s.cfg.Engine.ProcessList.ConnectionReady(sql.NewBaseSessionWithClientServer("", sql.Client{User: l.User, Address: l.Host}, c.ConnectionID))
	return nil
}

// secureTransport reports whether connections without TLS are refused.
func (s *Server) secureTransport() bool {
	if s.cfg.RequireTLS {
		return true
	}
	_, v, ok := sql.SystemVariables.GetGlobal("require_secure_transport")
	on, _ := v.(int8)
	return ok && on == 1
}
