package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	host "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/server/wire"
)

// Config says what is served, where and within which limits. New fills in what is left zero.
type Config struct {
	// Engine runs the statements; its Parser must be one of package parser.
	Engine *sqle.Engine
	// Sessions makes the session of a connection.
	Sessions host.SessionBuilder
	// Contexts makes the context of a statement; sql.NewContext by default.
	Contexts sql.ContextFactory

	// Accounts are those of the warehouse. Without them the host's accounts count, and without any of those everybody
	// may do everything.
	Accounts *accounts.Store

	// Address is a TCP address such as "127.0.0.1:3306"; unused if Listener is set.
	Address  string
	Listener net.Listener
	// Version is what the server says it is; it must begin with a MySQL version ("8.0.33-featuresql").
	Version string

	// TLS is the server's certificate. By default one is made for the life of the process and signed by itself;
	// DisableTLS offers none. RequireTLS turns other connections away.
	TLS        *tls.Config
	DisableTLS bool
	RequireTLS bool
	// RemoteWithoutPassword lets accounts without a password in from other machines too. By default they can only be
	// used over a loopback address.
	RemoteWithoutPassword bool

	MaxConnections int           // 1,000; one more is told so (error 1040)
	MaxPacketBytes int           // 64 MiB: the greatest command of a client (error 1153)
	ConnectTimeout time.Duration // 10 s, until a client is authenticated
	IdleTimeout    time.Duration // 8 h, between commands
	ReadTimeout    time.Duration // 60 s, within a command
	WriteTimeout   time.Duration // 60 s, for each write to a client that does not read

	// TempDir is where the rows of cursors go that do not fit in memory; that of the system by default.
	TempDir string

	// SlowQuery is the initial long_query_time: a statement that takes longer is told of as slow. 0: none is, whatever the variable says.
	SlowQuery time.Duration

	// WithSink hands a statement's sink to the plan through its context; wire.With by default.
	WithSink func(ctx context.Context, s *wire.Sink) context.Context
	// RunKept runs a SELECT from a plan that was kept; handled is false if there is none. Optional.
	RunKept func(ctx *sql.Context, text string, bindings map[string]ast.Expr) (handled bool, err error)
	// OnFailure is called after a statement failed, and after the transaction it may have left was rolled back.
	OnFailure func(ctx *sql.Context, err error)
	// OnAcceptError is told of a connection that could not be accepted, for want of file descriptors for example.
	OnAcceptError func(error)
	// OnStatement is told of every statement that has ended.
	OnStatement func(StatementEvent)
	// OnLogin is told of every log-in, with its error if it was refused.
	OnLogin func(user, address string, err error)
	// Versions makes StatementEvent name the versions that a statement used.
	Versions bool
}

// StatementEvent says how a statement ended. Text is the statement as the client sent it,
// but for passwords.
type StatementEvent struct {
	ID           uint64 // of the statement, unique in the life of the server
	ConnectionID uint32
	User         string // as it logged in
	Account      string // user@host that it is
	Address      string // of the client
	Text         string
	Elapsed      time.Duration
	Rows         int64  // sent, or changed
	Err          error  // as the client got it
	Code         int    // of Err, 0 for none
	Slow         bool   // it took longer than allowed for
	Stack        []byte // of the panic that ended it
	Reads        exec.ScanStats
	Versions     []catalog.TableVersion
}

func orDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

func (c *Config) ensureDefaults() error {
	if c.Engine == nil || c.Sessions == nil {
		return errors.New("server needs an engine and a session builder")
	}
	if c.Contexts == nil {
		c.Contexts = sql.NewContext
	}
	if c.WithSink == nil {
		c.WithSink = wire.With
	}
	if c.OnAcceptError == nil {
		c.OnAcceptError = func(error) {}
	}
	orDefault(&c.TempDir, os.TempDir())
	orDefault(&c.Version, engine.MySQLVersion)
	orDefault(&c.MaxConnections, 1000)
	orDefault(&c.MaxPacketBytes, 64<<20)
	orDefault(&c.ConnectTimeout, 10*time.Second)
	orDefault(&c.IdleTimeout, 8*time.Hour)
	orDefault(&c.ReadTimeout, time.Minute)
	orDefault(&c.WriteTimeout, time.Minute)
	if c.TLS != nil || c.DisableTLS {
		return nil
	}
	t, err := selfSigned()
	c.TLS = t
	return err
}
