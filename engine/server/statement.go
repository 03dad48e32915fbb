package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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

// command is what a client asks to run.
type command struct {
	text     string
	multi    bool // run the first statement of text and hand back the rest
	bindings map[string]ast.Expr
	binary   bool
}

// run is one statement under way.
type run struct {
	h    *handler
	c    *mysql.Conn
	w    *conn // nil only where a connection is not behind one
	ctx  *sql.Context
	cmd  command
	cb   mysql.ResultSpoolFn
	more bool
	rest string
	text string // without passwords
	sink *wire.Sink
	sent bool // the client has column definitions
	rows int64
}

// errGone is the cause of a statement's end when its client has gone.
var errGone error = mysql.NewSQLError(1158, mysql.SSNetError, "the client has closed the connection")

// errKilled is the cause of a statement's end by KILL.
var errKilled = fmt.Errorf("killed: %w", context.Canceled)

// errTimeout is the cause of a statement's end after max_execution_time.
var errTimeout = mysqlerr.ErrTimeout

// statement runs one statement and sends its result. The error, if it comes before the result, is for the host to
// send; one in the middle of the result has been sent when statement returns.
func (h *handler) statement(parent context.Context, c *mysql.Conn, cmd command, cb mysql.ResultSpoolFn) (string, error) {
	parent, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if err := h.begin(c.ConnectionID, cancel); err != nil {
		return "", err
	}
	defer h.end(c.ConnectionID)
	started := time.Now()
	r := &run{h: h, c: c, cmd: cmd, cb: cb, text: parser.MaskPasswords(cmd.text)}
	r.w, _ = c.Conn.(*conn)
	err := r.execute(parent, cancel)
	var out *mysql.SQLError
	if err != nil {
		out = mysqlerr.From(r.named(err))
	}
	r.tell(time.Since(started), err, out)
	switch {
	case out == nil:
		return r.rest, nil
	case !r.sent || r.w == nil:
		return "", out
	}
	if err := c.FlushBuffer(); err != nil {
		return "", err
	}
	return "", r.w.fail(out)
}

// tell says how the statement ended: with err, of which the client gets out.
func (r *run) tell(elapsed time.Duration, err error, out *mysql.SQLError) {
	e := StatementEvent{ConnectionID: r.c.ConnectionID, User: r.c.User, Text: r.text, Elapsed: elapsed, Rows: r.rows, Stack: stackOf(err)}
	if r.ctx != nil {
		e.ID = r.ctx.Pid()
		if sess, ok := r.ctx.Session.(*catalog.Session); ok {
			e.Reads = sess.Reads().Take()
			sess.EndStatement(r.ctx)
			if r.h.s.cfg.Versions {
				e.Versions = sess.TakeUsed()
			}
		}
	}
	f := r.h.s.cfg.OnStatement
	if f == nil {
		return
	}
	e.Slow = r.slow(elapsed)
	if r.w != nil {
		e.Account, e.Address = r.w.account.Plain(), hostOf(r.w.RemoteAddr())
	}
	if out != nil {
		e.Err, e.Code = out, out.Num
	}
	f(e)
}

// slow reports whether the statement took longer than the session's long_query_time.
func (r *run) slow(elapsed time.Duration) bool {
	if r.h.s.cfg.SlowQuery <= 0 || r.ctx == nil {
		return false
	}
	v, err := r.ctx.Session.GetSessionVariable(r.ctx, longQueryTime)
	seconds, ok := v.(float64)
	return err == nil && ok && elapsed.Seconds() > seconds
}

// longQueryTime is the session variable of the seconds after which a statement is slow.
const longQueryTime = "long_query_time"

// named completes an error of binding by the clause that it is in, and one of a table by its name.
func (r *run) named(err error) error {
	if r.ctx == nil {
		return err
	}
	err = parser.WithClause(err, r.cmd.text, sql.LoadSqlMode(r.ctx).ParserOptions())
	if s, ok := r.ctx.Session.(interface{ NameTables(error) error }); ok {
		err = s.NameTables(err)
	}
	return err
}

// execute runs the statement and sends its result.
func (r *run) execute(ctx context.Context, cancel context.CancelCauseFunc) (err error) {
	h := r.h
	if r.ctx, err = h.sessions.NewContextWithQuery(ctx, r.c, r.cmd.text); err != nil {
		return err
	}
	r.decode()
	if r.ctx, err = r.ctx.ProcessList.BeginQuery(r.ctx, r.text); err != nil {
		return err
	}
	defer func() { r.ctx.ProcessList.EndQuery(r.ctx) }()
	if err = sql.SessionCommandBegin(r.ctx.Session); err != nil {
		return err
	}
	defer sql.SessionCommandEnd(r.ctx.Session)
	if r.w != nil {
		defer r.w.watch(func(error) { cancel(errGone) })()
		defer r.w.endWith(ctx)()
	}
	if err = r.query(); err != nil {
		err = r.cause(ctx, err)
		h.failed(r.ctx, err)
	}
	return err
}

// decode brings the text from the client's character set to UTF-8. That of a prepared statement came before.
func (r *run) decode() {
	v, err := r.ctx.GetSessionVariable(r.ctx, "character_set_client")
	name, _ := v.(string)
	if err != nil || r.cmd.binary || name == "" || strings.HasPrefix(name, "utf8") || name == "binary" {
		return
	}
	charset, err := sql.ParseCharacterSet(name)
	if err != nil || charset.Encoder() == nil {
		return
	}
	if text, ok := charset.Encoder().Decode([]byte(r.cmd.text)); ok {
		r.cmd.text = string(text)
	}
}

// query parses, binds and runs the statement.
func (r *run) query() (err error) {
	defer recoverTo(&err)
	if handled, err := r.kept(); handled {
		return err
	}
	parsed, err := r.parse()
	if err != nil {
		return err
	}
	if r.selects(parsed) {
		defer r.limitTime()()
	}
	r.attachSink()
	flags := &sql.QueryFlags{}
	flags.Set(sql.QFlagDeferProjections)
	schema, iter, _, err := r.h.s.cfg.Engine.QueryWithBindings(r.ctx, r.cmd.text, parsed, r.cmd.bindings, flags)
	if p, ok := parsed.(*ast.Prepare); ok && boundTooEarly(r.ctx, err) {
		return r.prepareUnbound(p)
	}
	if err != nil {
		return err
	}
	return r.result(schema, iter)
}

// prepareUnbound answers PREPARE of a statement that only EXECUTE can bind.
func (r *run) prepareUnbound(p *ast.Prepare) error {
	text := p.Expr
	if name, ok := strings.CutPrefix(text, "@"); ok {
		_, v, err := r.ctx.GetUserVariable(r.ctx, strings.ToLower(name))
		if err != nil {
			return err
		}
		text = fmt.Sprint(v)
	}
	if err := r.h.cacheUnbound(r.ctx, p.Name, text); err != nil {
		return err
	}
	return r.result(types.OkResultSchema, sql.RowsToRowIter(sql.NewRow(types.OkResult{Info: plan.PrepareInfo{}})))
}

// kept runs the statement from a plan that was kept, if there is one.
func (r *run) kept() (handled bool, err error) {
	f := r.h.s.cfg.RunKept
	if f == nil || !isSelect(r.cmd.text) {
		return false, nil
	}
	before := r.ctx
	r.attachSink()
	if r.sink == nil {
		return false, nil
	}
	stop := r.limitTime()
	defer stop()
	if handled, err = f(r.ctx, r.cmd.text, r.cmd.bindings); !handled {
		r.ctx, r.sink = before, nil
		return false, nil
	}
	if err != nil {
		return true, err
	}
	r.setStatus()
	r.rows = r.sink.Rows()
	r.counted(-1)
	return true, r.w.hold(r.sink.Flush) // until the host ends the result
}

// cause turns the error of a cancelled context into the reason of the cancellation.
func (r *run) cause(ctx context.Context, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errWrite) {
		return err
	}
	for _, c := range []context.Context{r.ctx, ctx} {
		if cause := context.Cause(c); interrupts(cause) {
			return cause
		}
	}
	return err
}

// interrupts reports whether a context ended for a reason that ends its statement.
func interrupts(cause error) bool {
	return errors.Is(cause, errTimeout) || errors.Is(cause, errGone) || errors.Is(cause, errKilled)
}

// parse parses the statement, or the first of several, itself: the host's engine would hide the type of the error.
// A prepared statement is parsed already.
func (r *run) parse() (ast.Statement, error) {
	e := r.h.s.cfg.Engine
	if _, cached := e.PreparedDataCache.GetCachedStmt(r.ctx.Session.ID(), sql.RemoveSpaceAndDelimiter(r.cmd.text, ';')); cached || r.cmd.binary {
		return nil, nil
	}
	parsed, text, rest, err := e.Parser.Parse(r.ctx, r.cmd.text, r.cmd.multi)
	if errors.Is(err, ast.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.rest, r.more = rest, rest != ""
	if text != "" {
		r.cmd.text = text
	}
	return parsed, nil
}

// limitTime applies max_execution_time, which is for SELECT.
func (r *run) limitTime() (stop func()) {
	v, err := r.ctx.GetSessionVariable(r.ctx, "max_execution_time")
	ms, ok := v.(int64)
	if u, isU := v.(uint64); isU {
		ms, ok = int64(u), true
	}
	if err != nil || !ok || ms <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithTimeoutCause(r.ctx, time.Duration(ms)*time.Millisecond, errTimeout)
	r.ctx = r.ctx.WithContext(ctx)
	if r.w == nil {
		return cancel
	}
	wait := r.w.endWith(ctx)
	return func() { wait(); cancel() }
}

// selects reports whether the statement, which may be a prepared one, is a SELECT, rather than a write that begins with WITH.
func (r *run) selects(parsed ast.Statement) bool {
	if parsed == nil {
		parsed, _ = r.h.s.cfg.Engine.PreparedDataCache.GetCachedStmt(r.ctx.Session.ID(), sql.RemoveSpaceAndDelimiter(r.cmd.text, ';'))
	}
	_, own := parsed.(ast.InjectedStatement)
	return !own && isSelect(r.cmd.text)
}

// isSelect reports whether a text may be that of a SELECT.
func isSelect(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n(")
	if len(text) >= 4 && strings.EqualFold(text[:4], "with") {
		return true
	}
	return len(text) >= 6 && strings.EqualFold(text[:6], "select")
}

// attachSink offers the plan the direct way to the client.
func (r *run) attachSink() {
	if r.w == nil || !wire.UTF8Results(r.ctx) {
		return
	}
	r.sink = wire.NewSink(wire.Options{Transport: r.w, Context: r.ctx, Binary: r.cmd.binary, Begin: func(fields []*querypb.Field) error {
		if err := r.send(&sqltypes.Result{Fields: fields}); err != nil {
			return err
		}
		return r.w.hold(r.c.FlushBuffer) // until the first rows
	}})
	r.ctx = r.ctx.WithContext(r.h.s.cfg.WithSink(r.ctx.Context, r.sink))
}

// send gives a part of the result to the host's protocol code.
func (r *run) send(res *sqltypes.Result) error {
	err := r.cb(res, r.more)
	r.sent = r.sent || len(res.Fields) > 0
	return err
}

// result sends what the statement returns.
func (r *run) result(schema sql.Schema, iter sql.RowIter) (err error) {
	open := true
	defer func() {
		if open { // failed: without a transaction the iterator closes and commits nothing
			r.h.undo(r.ctx)
			_ = iter.Close(r.ctx)
		}
	}()
	var last *sqltypes.Result
	switch {
	case types.IsOkResultSchema(schema):
		last, err = r.okResult(iter)
	case schema == nil:
		if _, err = iter.Next(r.ctx); err == nil {
			return fmt.Errorf("statement without a result returned a row")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
		last = &sqltypes.Result{}
	default:
		last, err = r.sendRows(schema, iter)
	}
	if err != nil {
		return err
	}
	open = false
	if err := iter.Close(r.ctx); err != nil { // commits
		return err
	}
	r.setStatus()
	if len(last.Fields) == 0 && (r.sink == nil || !r.sink.Started()) {
		r.counted(r.rows)
	}
	if r.sink != nil && r.sink.Started() {
		r.rows = r.sink.Rows()
		r.counted(-1)
		return r.w.hold(r.sink.Flush) // until the host ends the result
	}
	if len(last.Fields) == 0 && last.Info != "" && r.w != nil {
		return r.sendOK(last)
	}
	return r.send(last)
}

// counted notes what ROW_COUNT() and, after rows were sent past the host, FOUND_ROWS() return next.
func (r *run) counted(affected int64) {
	r.ctx.SetLastQueryInfoInt(sql.RowCount, affected)
	if affected < 0 {
		r.ctx.SetLastQueryInfoInt(sql.FoundRows, r.rows)
	}
}

// sendOK sends an OK packet with a text itself: the host's own writes the text without its length, which the mysql
// command calls a malformed packet. The host's packet is dropped.
func (r *run) sendOK(res *sqltypes.Result) error {
	flags := r.c.StatusFlags
	if r.more {
		flags |= mysql.ServerMoreResultsExists
	}
	if err := r.c.FlushBuffer(); err != nil {
		return err
	}
	if err := r.w.WritePackets(okPacket(res, flags, r.h.WarningCount(r.c))); err != nil {
		return err
	}
	r.w.muted = true
	defer func() { r.w.muted = false }()
	if err := r.send(res); err != nil {
		return err
	}
	return r.c.FlushBuffer()
}

// okResult reads the one row of a statement that returns no rows.
func (r *run) okResult(iter sql.RowIter) (*sqltypes.Result, error) {
	row, err := iter.Next(r.ctx)
	if err != nil {
		return nil, err
	}
	if _, err := iter.Next(r.ctx); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("statement returned more than one result")
		}
		return nil, err
	}
	ok, isOK := row[0].(types.OkResult)
	if !isOK {
		return nil, fmt.Errorf("statement returned %T in place of a result", row[0])
	}
	return r.fromOK(ok), nil
}

func (r *run) fromOK(ok types.OkResult) *sqltypes.Result {
	r.rows = int64(ok.RowsAffected)
	res := &sqltypes.Result{RowsAffected: ok.RowsAffected, InsertID: ok.InsertID}
	if ok.Info != nil {
		res.Info = ok.Info.String() // see sendOK
	}
	return res
}

// rowsPerPart is how many rows are given to the host's protocol code at once.
const rowsPerPart = 128

// sendRows sends rows as the host makes them, all but the last part, which it returns. The buffer that holds their
// text is used again for every part.
func (r *run) sendRows(schema sql.Schema, iter sql.RowIter) (*sqltypes.Result, error) {
	iter, projections := host.GetDeferredProjections(iter)
	fields := wire.FieldsOf(r.ctx, schema)
	buf := sql.ByteBufPool.Get().(*sql.ByteBuffer)
	defer func() {
		buf.Reset()
		sql.ByteBufPool.Put(buf)
	}()
	part := &sqltypes.Result{Fields: fields}
	for {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		row, err := iter.Next(r.ctx)
		if errors.Is(err, io.EOF) {
			return detach(part), nil
		}
		if err != nil {
			return nil, err
		}
		if types.IsOkResult(row) {
			return r.fromOK(row[0].(types.OkResult)), nil
		}
		values, err := host.RowToSQL(r.ctx, schema, row, projections, buf)
		if err != nil {
			return nil, err
		}
		part.Rows = append(part.Rows, values)
		if r.rows++; len(part.Rows) < rowsPerPart {
			continue
		}
		if err := r.send(part); err != nil {
			return nil, err
		}
		part = &sqltypes.Result{Fields: fields}
		buf.Reset()
	}
}

// detach copies the values of the last part out of the shared buffer.
func detach(part *sqltypes.Result) *sqltypes.Result {
	for _, row := range part.Rows {
		for i, v := range row {
			if !v.IsNull() {
				row[i] = sqltypes.MakeTrusted(v.Type(), append([]byte(nil), v.Raw()...))
			}
		}
	}
	return part
}

// setStatus tells the client whether it is in a transaction.
func (r *run) setStatus() {
	set := func(flag uint16, on bool) {
		if r.c.StatusFlags &^= flag; on {
			r.c.StatusFlags |= flag
		}
	}
	auto, err := plan.IsSessionAutocommit(r.ctx)
	set(uint16(mysql.ServerStatusAutocommit), err == nil && auto)
	set(uint16(mysql.ServerInTransaction), r.ctx.GetTransaction() != nil)
}

// undo rolls back what a failed statement outside of a transaction left behind.
func (h *handler) undo(ctx *sql.Context) {
	if auto, err := plan.IsSessionAutocommit(ctx); err == nil && auto && !ctx.GetIgnoreAutoCommit() {
		rollback(h.s.cfg.Contexts(context.Background(), sql.WithSession(ctx.Session)))
	}
}

// failed is called when a statement has failed.
func (h *handler) failed(ctx *sql.Context, err error) {
	h.undo(ctx)
	if f := h.s.cfg.OnFailure; f != nil {
		f(ctx, err)
	}
}
