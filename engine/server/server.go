package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	host "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/sirupsen/logrus"
)

// Server accepts connections and serves an engine to them.
type Server struct {
	cfg      Config
	handler  *handler
	listener *mysql.Listener
	raw      net.Listener
	started  time.Time

	warehouse *warehouseAuth // nil: the host's accounts count
	throttle  *throttle

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool

	statements atomic.Int64 // since the start
	accepted   atomic.Int64
	refused    atomic.Int64 // because there were too many
}

// quietHost silences the host's own log, the only user of its log library here: it would write statements, with the
// values and passwords in them, to standard error. Config.OnStatement tells what happened.
var quietHost = sync.OnceFunc(func() { logrus.SetOutput(io.Discard) })

// New opens the listener of a server; Serve then accepts. The server owns cfg.Listener.
func New(cfg Config) (*Server, error) {
	if err := cfg.ensureDefaults(); err != nil {
		return nil, err
	}
	quietHost()
	s := &Server{cfg: cfg, conns: map[*conn]struct{}{}, started: time.Now(), throttle: newThrottle()}
	if cfg.SlowQuery > 0 {
		if err := sql.SystemVariables.AssignValues(map[string]any{longQueryTime: cfg.SlowQuery.Seconds()}); err != nil {
			return nil, fmt.Errorf("%s: %w", longQueryTime, err)
		}
	}
	if cfg.Accounts != nil {
		s.warehouse = newWarehouseAuth(&s.cfg)
	}
	s.raw = cfg.Listener
	if s.raw == nil {
		l, err := net.Listen("tcp", cfg.Address)
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", cfg.Address, err)
		}
		s.raw = l
	}
	e := cfg.Engine
	s.handler = newHandler(s)
	s.handler.sessions = host.NewSessionManager(cfg.Contexts, s.handler.newSession, sql.NoopTracer,
		e.Analyzer.Catalog.Database, e.MemoryManager, processes{e.ProcessList, s.handler}, s.raw.Addr().String())
	l, err := mysql.NewListenerWithConfig(mysql.ListenerConfig{
		Listener:   limitListener{s.raw, s},
		AuthServer: authServer{e.Analyzer.Catalog.MySQLDb, s},
		Handler:    s.handler,
		// Unbuffered: the host reads from the conn directly, which buffers itself.
		ConnReadBufferSize: 0,
	})
	if err != nil {
		return nil, err
	}
	l.ServerVersion = cfg.Version
	l.TLSConfig = cfg.TLS // to offer it; conn does it
	s.listener = l
	s.announce()
	return s, nil
}

// announce says in the variables that clients look at where the server listens, and how many it lets in.
func (s *Server) announce() {
	if name, err := os.Hostname(); err == nil {
		engine.SetShown("hostname", name)
	}
	if at, ok := s.raw.Addr().(*net.TCPAddr); ok {
		engine.SetShown("port", int64(at.Port))
	}
	engine.SetShown("max_connections", int64(s.cfg.MaxConnections))
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.raw.Addr() }

// Connections is the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Counts are numbers of a server.
type Counts struct {
	Connections int   // open
	Running     int   // statements
	Accepted    int64 // connections since the start
	Refused     int64 // connections since the start, because there were too many
	Draining    bool  // no statement can begin any more
}

// Counts returns the numbers of the moment.
func (s *Server) Counts() Counts {
	c := Counts{Connections: s.Connections(), Accepted: s.accepted.Load(), Refused: s.refused.Load()}
	s.handler.mu.Lock()
	defer s.handler.mu.Unlock()
	c.Running, c.Draining = s.handler.running, s.handler.draining
	return c
}

// Serve accepts connections until Shutdown is called or ctx is done; then it shuts down without waiting.
func (s *Server) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		done, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(done)
	})
	defer stop()
	s.listener.Accept()
	return nil
}

// Shutdown stops accepting, lets running statements end until ctx is done, and closes every connection. It returns
// ctx's error if statements were cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.listener.Shutdown()
	err := s.handler.drain(ctx)
	if err == nil { // the host sends the end of a result when its statement has ended
		select {
		case <-time.After(flushWait):
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.raw.Close()
	}
	return err
}

// flushWait is how long the ends of the last results have to get to their clients.
const flushWait = 50 * time.Millisecond

// How long the server waits before it accepts again after an error.
const (
	acceptWait    = 5 * time.Millisecond
	maxAcceptWait = time.Second
)

// limitListener counts connections and turns away those beyond the limit.
type limitListener struct {
	net.Listener
	s *Server
}

// Accept implements net.Listener.
func (l limitListener) Accept() (net.Conn, error) {
	wait := acceptWait
	for {
		c, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil { // out of file descriptors or memory, or a client that has gone: the server lives on
			l.s.cfg.OnAcceptError(err)
			time.Sleep(wait)
			wait = min(2*wait, maxAcceptWait)
			continue
		}
		wait = acceptWait
		if r := l.s.admit(c); r != nil {
			return r, nil
		}
	}
}

// admit registers a connection, or sends it away.
func (s *Server) admit(raw net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.cfg.MaxConnections {
		s.refused.Add(1)
		go refuse(raw)
		return nil
	}
	s.accepted.Add(1)
	c := newConn(raw, s)
	s.conns[c] = struct{}{}
	_ = raw.SetDeadline(time.Now().Add(s.cfg.ConnectTimeout))
	return c
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// refuse tells a client, in place of the handshake, that there are too many connections.
func refuse(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(errorPacket(nil, mysql.ERConCount, "08004", "Too many connections"))
	_ = c.Close()
}
