package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	host "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/mysqlerr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/server/wire"
)

// handler runs the commands of all connections.
type handler struct {
	s        *Server
	sessions *host.SessionManager

	mu       sync.Mutex
	byConn   map[uint32]sql.Session
	kills    map[uint32]context.CancelCauseFunc // of the statements under way, by connection
	running  int
	prepared atomic.Int64 // statements of all connections
	draining bool
	idle     chan struct{} // closed when draining and nothing runs
}

var _ mysql.Handler = (*handler)(nil)

func newHandler(s *Server) *handler {
	return &handler{s: s, byConn: map[uint32]sql.Session{}, kills: map[uint32]context.CancelCauseFunc{}, idle: make(chan struct{})}
}

// newSession is the session builder of the session manager.
func (h *handler) newSession(ctx context.Context, c *mysql.Conn, addr string) (sql.Session, error) {
	sess, err := h.s.cfg.Sessions(ctx, c, addr)
	if err != nil {
		return nil, err
	}
	if own, ok := sess.(*catalog.Session); ok {
		own.Show()
		if w, ok := c.Conn.(*conn); ok {
			w.stage = own.Enter
		}
		if h.s.cfg.Versions {
			own.Audit()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.byConn[c.ConnectionID] = sess
	return sess, nil
}

func (h *handler) session(c *mysql.Conn) sql.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byConn[c.ConnectionID]
}

// processes is the host's list of processes, whose KILL tells a statement why it ends.
type processes struct {
	sql.ProcessList
	h *handler
}

// Kill implements sql.ProcessList.
func (p processes) Kill(connection uint32) {
	p.h.mu.Lock()
	kill := p.h.kills[connection]
	p.h.mu.Unlock()
	if kill != nil {
		kill(errKilled)
	}
	p.ProcessList.Kill(connection)
}

// begin counts a statement in that kill ends, unless the server shuts down.
func (h *handler) begin(connection uint32, kill context.CancelCauseFunc) error {
	if err := h.enter(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills[connection] = kill
	return nil
}

// end counts it out.
func (h *handler) end(connection uint32) {
	h.mu.Lock()
	delete(h.kills, connection)
	h.mu.Unlock()
	h.leave()
}

// enter counts a command in, unless the server shuts down.
func (h *handler) enter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return mysql.NewSQLError(mysql.ERServerShutdown, mysql.SSServerShutdown, "Server shutdown in progress")
	}
	h.running++
	h.s.statements.Add(1)
	return nil
}

func (h *handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running--; h.running == 0 && h.draining {
		close(h.idle)
	}
}

// drain waits until no statement runs, and lets none begin.
func (h *handler) drain(ctx context.Context) error {
	h.mu.Lock()
	if !h.draining && h.running == 0 {
		close(h.idle)
	}
	h.draining = true
	h.mu.Unlock()
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-h.idle:
		return nil
	default:
		return context.Cause(ctx)
	}
}

// NewConnection implements mysql.Handler.
func (h *handler) NewConnection(c *mysql.Conn) {
	if w, ok := c.Conn.(*conn); ok {
		w.my = c
	}
	c.StatusFlags |= uint16(mysql.ServerStatusAutocommit)
	h.sessions.AddConn(c)
	sql.StatusVariables.IncrementGlobal("Connections", 1)
}

// ConnectionAborted implements mysql.Handler.
func (h *handler) ConnectionAborted(*mysql.Conn, string) error {
	sql.StatusVariables.IncrementGlobal("Aborted_connects", 1)
	return nil
}

// ConnectionClosed implements mysql.Handler.
func (h *handler) ConnectionClosed(c *mysql.Conn) {
	if w, ok := c.Conn.(*conn); ok {
		w.closeCursors()
	}
	h.forgetStatements(c)
	h.release(c)
	h.s.cfg.Engine.CloseSession(c.ConnectionID)
	h.sessions.RemoveConn(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	if own, ok := h.byConn[c.ConnectionID].(*catalog.Session); ok {
		own.Hide()
	}
	delete(h.byConn, c.ConnectionID)
}

// release gives back what the session of c holds: locks, and the transaction that is open.
func (h *handler) release(c *mysql.Conn) {
	sess := h.session(c)
	if sess == nil {
		return
	}
	ctx := h.s.cfg.Contexts(context.Background(), sql.WithSession(sess))
	if s, ok := sess.(*catalog.Session); ok {
		s.Locks().ReleaseAll(s.ID())
	}
	_ = h.s.cfg.Engine.Analyzer.Catalog.UnlockTables(ctx, c.ConnectionID)
	rollback(ctx)
}

// rollback ends the session's transaction, if there is one, without publishing anything.
func rollback(ctx *sql.Context) {
	tx := ctx.GetTransaction()
	if tx == nil {
		return
	}
	if ts, ok := ctx.Session.(sql.TransactionSession); ok {
		_ = ts.Rollback(ctx, tx)
	}
	ctx.SetTransaction(nil)
	ctx.SetIgnoreAutoCommit(false)
}

// ComInitDB implements mysql.Handler.
func (h *handler) ComInitDB(c *mysql.Conn, name string) error {
	if sess, ok := h.session(c).(*catalog.Session); ok && name != "" {
		ctx := h.s.cfg.Contexts(context.Background(), sql.WithSession(sess))
		access, err := sess.Access(ctx)
		if err == nil {
			err = catalog.SeesDatabase(ctx, access, name)
		}
		if err != nil {
			return mysqlerr.From(err)
		}
	}
	if err := h.sessions.SetDB(context.Background(), c, name); err != nil {
		return mysqlerr.From(err)
	}
	return nil
}

// ComResetConnection implements mysql.Handler: a new session that keeps the current database.
func (h *handler) ComResetConnection(c *mysql.Conn) error {
	db := ""
	if sess := h.session(c); sess != nil {
		db = sess.GetCurrentDatabase()
	}
	h.release(c)
	h.s.cfg.Engine.CloseSession(c.ConnectionID)
	if err := h.sessions.NewSession(context.Background(), c); err != nil {
		return mysqlerr.From(err)
	}
	return h.ComInitDB(c, db)
}

// WarningCount implements mysql.Handler.
func (h *handler) WarningCount(c *mysql.Conn) uint16 {
	if sess := h.session(c); sess != nil {
		return sess.WarningCount()
	}
	return 0
}

// ParserOptionsForConnection implements mysql.Handler.
func (h *handler) ParserOptionsForConnection(c *mysql.Conn) (ast.ParserOptions, error) {
	ctx, err := h.sessions.NewContextWithQuery(context.Background(), c, "")
	if err != nil {
		return ast.ParserOptions{}, err
	}
	return sql.LoadSqlMode(ctx).ParserOptions(), nil
}

// ComPrepare implements mysql.Handler. The text is the placeholder that conn made; the statement keeps the original.
func (h *handler) ComPrepare(ctx context.Context, c *mysql.Conn, query string, prepare *mysql.PrepareData) ([]*querypb.Field, error) {
	text, ok := parser.Restore(query)
	if !ok {
		text = query
	}
	prepare.PrepareStmt = text
	fields, err := h.prepare(ctx, c, text)
	if err != nil {
		delete(c.PrepareData, prepare.StatementID)
		return nil, mysqlerr.From(err)
	}
	h.prepared.Add(1)
	return fields, nil
}

// maxPrepared is the variable that bounds the prepared statements of all connections.
const maxPrepared = "max_prepared_stmt_count"

// roomForStatement returns error 1461 if no more statements may be prepared. Connections that ask at once may each get a last one.
func (h *handler) roomForStatement() error {
	_, v, _ := sql.SystemVariables.GetGlobal(maxPrepared)
	if limit, ok := v.(int64); ok && h.prepared.Load() >= limit {
		return mysql.NewSQLError(1461, "42000", "Can't create more than max_prepared_stmt_count statements (current value: %d)", limit)
	}
	return nil
}

// forgetStatements ends all prepared statements of a connection.
func (h *handler) forgetStatements(c *mysql.Conn) {
	h.prepared.Add(-int64(len(c.PrepareData)))
	c.PrepareData = map[uint32]*mysql.PrepareData{}
}

func (h *handler) prepare(ctx context.Context, c *mysql.Conn, text string) (fields []*querypb.Field, err error) {
	defer recoverTo(&err)
	if err := h.enter(); err != nil {
		return nil, err
	}
	defer h.leave()
	if err := h.roomForStatement(); err != nil {
		return nil, err
	}
	sqlCtx, err := h.sessions.NewContextWithQuery(ctx, c, text)
	if err != nil {
		return nil, err
	}
	if n := parser.ParameterCount(text, sql.LoadSqlMode(sqlCtx).ParserOptions()); n > parser.MaxParameters {
		return nil, mysql.NewSQLError(1390, mysql.SSUnknownSQLState, "Prepared statement contains too many placeholders")
	}
	if sqlCtx, err = sqlCtx.ProcessList.BeginOperation(sqlCtx); err != nil {
		return nil, err
	}
	defer sqlCtx.ProcessList.EndOperation(sqlCtx)
	if err := sql.SessionCommandBegin(sqlCtx.Session); err != nil {
		return nil, err
	}
	defer sql.SessionCommandEnd(sqlCtx.Session)
	node, err := h.s.cfg.Engine.PrepareQuery(sqlCtx, text)
	if boundTooEarly(sqlCtx, err) {
		key := sql.RemoveSpaceAndDelimiter(text, ';')
		return nil, h.cacheUnbound(sqlCtx, key, key)
	}
	if err != nil {
		h.failed(sqlCtx, err)
		return nil, err
	}
	switch node.(type) {
	case *plan.InsertInto, *plan.Update, *plan.UpdateJoin, *plan.DeleteFrom:
		return nil, nil
	}
	if types.IsOkResultSchema(node.Schema()) {
		return nil, nil
	}
	return wire.FieldsOf(sqlCtx, node.Schema()), nil
}

// boundTooEarly reports whether a statement names a column that its tables lack at their newest versions, and may not lack at the
// versions that EXECUTE will tell.
func boundTooEarly(ctx *sql.Context, err error) bool {
	sess, ok := ctx.Session.(*catalog.Session)
	return ok && sess.TakeOpenVersion() && err != nil && mysqlerr.From(err).Num == mysql.ERBadFieldError
}

// cacheUnbound prepares a statement without binding it: EXECUTE does, and says what is wrong.
func (h *handler) cacheUnbound(ctx *sql.Context, key, text string) error {
	e := h.s.cfg.Engine
	st, _, err := e.Parser.ParseOneWithOptions(ctx, text, sql.LoadSqlMode(ctx).ParserOptions())
	if err == nil {
		e.PreparedDataCache.CacheStmt(ctx.Session.ID(), key, st)
	}
	return err
}

// closeStatement forgets a prepared statement, and its plan when no other has the same text.
func (h *handler) closeStatement(c *mysql.Conn, id uint32) {
	p, ok := c.PrepareData[id]
	if !ok {
		return
	}
	h.prepared.Add(-1)
	delete(c.PrepareData, id)
	for _, q := range c.PrepareData {
		if q.PrepareStmt == p.PrepareStmt {
			return
		}
	}
	h.s.cfg.Engine.PreparedDataCache.UncacheStmt(c.ConnectionID, sql.RemoveSpaceAndDelimiter(p.PrepareStmt, ';'))
}

// ComQuery implements mysql.Handler.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, query string, cb mysql.ResultSpoolFn) error {
	_, err := h.statement(ctx, c, command{text: query}, cb)
	return err
}

// ComMultiQuery implements mysql.Handler.
func (h *handler) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, cb mysql.ResultSpoolFn) (string, error) {
	return h.statement(ctx, c, command{text: query, multi: true}, cb)
}

// ComStmtExecute implements mysql.Handler.
func (h *handler) ComStmtExecute(ctx context.Context, c *mysql.Conn, p *mysql.PrepareData, cb func(*sqltypes.Result) error) error {
	bindings := make(map[string]ast.Expr, len(p.BindVars))
	for name, v := range p.BindVars {
		val, err := sqltypes.BindVariableToValue(v)
		if err != nil {
			return mysqlerr.From(err)
		}
		if bindings[name], err = ast.ExprFromValue(val); err != nil {
			return mysqlerr.From(err)
		}
		bindings[name] = parser.ExactOperand(bindings[name])
	}
	_, err := h.statement(ctx, c, command{text: p.PrepareStmt, bindings: bindings, binary: true},
		func(r *sqltypes.Result, _ bool) error { return cb(r) })
	return err
}

// panicError is what a statement that panicked fails with.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("internal error: %v", e.value) }

// PanicStack returns where it happened.
func (e *panicError) PanicStack() []byte { return e.stack }

func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = errors.Join(*err, &panicError{v, debug.Stack()})
	}
}

// stackOf returns where the panic happened that err is made of, nil for other errors.
func stackOf(err error) []byte {
	var p interface{ PanicStack() []byte }
	if errors.As(err, &p) {
		return p.PanicStack()
	}
	return nil
}

// statistics is the answer to COM_STATISTICS.
func (s *Server) statistics() string {
	return fmt.Sprintf("Uptime: %d  Threads: %d  Questions: %d  Slow queries: 0  Opens: 0  Flush tables: 0  Open tables: 0  Queries per second avg: %.3f",
		int(time.Since(s.started).Seconds()), s.Connections(), s.statements.Load(), float64(s.statements.Load())/max(time.Since(s.started).Seconds(), 1))
}
