package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/metrics"
	"github.com/featuresql/featuresql/engine/server"
)

// serverFlags are the flags of the commands that listen.
type serverFlags struct {
	logFlags
	Listen         string        `help:"Address to listen on." default:"127.0.0.1:3306" env:"FEATURESQL_LISTEN"`
	MaxConnections int           `help:"Connections beyond this number are refused." default:"1000" env:"FEATURESQL_MAX_CONNECTIONS"`
	TLSCert        string        `name:"tls-cert" help:"Certificate file (PEM); without one the server makes its own." type:"path" env:"FEATURESQL_TLS_CERT"`
	TLSKey         string        `name:"tls-key" help:"Key file (PEM) of the certificate." type:"path" env:"FEATURESQL_TLS_KEY"`
	RequireTLS     bool          `name:"require-tls" help:"Refuse connections without TLS." env:"FEATURESQL_REQUIRE_TLS"`
	AuditLog       string        `help:"File to append who ran what, when, at which versions, as JSON lines; off by default." type:"path" env:"FEATURESQL_AUDIT_LOG"`
	HTTP           string        `name:"http" help:"Address (host:port) of /metrics, /healthz and /readyz; off by default." placeholder:"HOST:PORT" env:"FEATURESQL_HTTP"`
	Profiles       bool          `name:"http-profiles" help:"Answer Go's profiles at /debug/pprof/ of the --http address, too; off by default." env:"FEATURESQL_HTTP_PROFILES"`
	DrainTimeout   time.Duration `help:"How long running statements may go on after SIGTERM." default:"30s" env:"FEATURESQL_DRAIN_TIMEOUT"`
}

type serveCmd struct {
	engineFlags
	serverFlags
}

// Run serves until SIGTERM or SIGINT, then lets running statements end.
func (c serveCmd) Run(ctx context.Context) error {
	log := c.logger(os.Stderr)
	e, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer closeEngine(e, log)
	return c.serve(ctx, e, log)
}

func closeEngine(e *engine.Engine, log *slog.Logger) {
	if err := e.Close(); err != nil {
		log.Error("closing the engine failed", "error", err)
	}
}

// serve listens, prints the ready line on standard error and serves until ctx is done.
func (f serverFlags) serve(ctx context.Context, e *engine.Engine, log *slog.Logger) error {
	cfg := server.Config{
		Engine:         e.Host(),
		Sessions:       server.Sessions(e),
		WithSink:       server.PlannerSink,
		RunKept:        e.Runtime().RunKept,
		Accounts:       e.Provider().Accounts(),
		Address:        f.Listen,
		MaxConnections: f.MaxConnections,
		RequireTLS:     f.RequireTLS,
		TempDir:        e.TempDir(),
		OnAcceptError:  func(err error) { log.Error("cannot accept connections", "error", err) },
		SlowQuery:      f.SlowQuery,
		OnStatement:    func(ev server.StatementEvent) { logStatement(log, ev) },
	}
	if f.AuditLog != "" {
		a, err := openAudit(f.AuditLog, log)
		if err != nil {
			return err
		}
		defer a.close()
		a.watch(&cfg)
	}
	if f.TLSCert != "" || f.TLSKey != "" {
		pair, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
		if err != nil {
			return fmt.Errorf("TLS certificate: %w", err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	attach := func(*server.Server) {}
	if f.HTTP != "" {
		m, stop, err := f.startHTTP(ctx, e, log)
		if err != nil {
			return err
		}
		defer stop()
		m.Watch(&cfg)
		attach = m.Attach
	}
	s, err := server.New(cfg)
	if err != nil {
		return err
	}
	attach(s)
	fmt.Fprintf(os.Stderr, "featuresql: ready, listening on %s, warehouse %s\n", s.Addr(), e.Options().Warehouse)
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.WithoutCancel(ctx)) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down", "connections", s.Connections())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.DrainTimeout)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		log.Warn("statements were cut off", "error", err)
	}
	return <-done
}

// startHTTP listens for /metrics, /healthz and /readyz; stop ends it. It outlives ctx, so that /readyz can say that the server drains.
func (f serverFlags) startHTTP(ctx context.Context, e *engine.Engine, log *slog.Logger) (m *metrics.Metrics, stop func(), err error) {
	l, err := net.Listen("tcp", f.HTTP)
	if err != nil {
		return nil, nil, fmt.Errorf("HTTP on %s: %w", f.HTTP, err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m = metrics.New(e)
	if f.Profiles {
		m.ServeProfiles()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := m.Serve(ctx, l); err != nil {
			log.Error("HTTP has ended", "error", err)
		}
	}()
	log.Info("HTTP is ready", "address", l.Addr().String())
	return m, func() { cancel(); <-done }, nil
}
