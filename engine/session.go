package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/planner"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Session runs statements without a socket: for featuresql sql, the demo and tests. For one goroutine.
type Session struct {
	engine  *Engine
	session *catalog.Session
}

// Session opens a session as root with the given current database. It needs no password and may do everything: whoever
// runs it has the files.
func (e *Engine) Session(database string) *Session {
	base := sql.NewBaseSessionWithClientServer("embedded", sql.Client{User: "root", Address: "localhost"}, e.nextID.Add(1))
	s := &Session{engine: e, session: e.NewSession(base)}
	s.session.Trust()
	s.session.SetCurrentDatabase(database)
	return s
}

// Result is what a statement gave.
type Result struct {
	Columns  []string
	Types    []types.Type
	Rows     [][]types.Value
	Affected int64 // rows changed, for statements without columns
	Warnings []string
	Location *time.Location // the zone in which the session shows instants
}

// Query runs one statement and holds its rows in memory.
func (s *Session) Query(ctx context.Context, text string) (out *Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("internal error: %v", v)
			slog.ErrorContext(ctx, "panic in a statement", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	sctx := sql.NewContext(ctx, sql.WithSession(s.session), sql.WithPid(uint64(s.session.ID())))
	sctx.SetQueryTime(time.Now())
	res := &Result{Location: time.UTC}
	sink := &collector{res: res}
	sctx.Context = planner.WithSink(ctx, sink)
	schema, iter, err := s.start(sctx, text)
	if err != nil {
		return nil, s.session.NameTables(parser.WithClause(err, text, sql.LoadSqlMode(sctx).ParserOptions()))
	}
	err = s.drain(sctx, schema, iter, res, sink)
	for _, w := range s.session.Warnings() {
		res.Warnings = append(res.Warnings, w.Message)
	}
	return res, s.session.NameTables(err)
}

// start parses the statement itself: the host's engine would hide the type of the error.
func (s *Session) start(ctx *sql.Context, text string) (sql.Schema, sql.RowIter, error) {
	parsed, _, _, err := s.engine.host.Parser.Parse(ctx, text, false)
	if err != nil && !errors.Is(err, ast.ErrEmpty) {
		return nil, nil, err
	}
	schema, iter, _, err := s.engine.host.QueryWithBindings(ctx, text, parsed, nil, nil)
	return schema, iter, err
}

func (s *Session) drain(ctx *sql.Context, schema sql.Schema, iter sql.RowIter, res *Result, sink *collector) error {
	if !sink.used {
		for _, c := range schema {
			t, ok := planner.EngineType(c.Type)
			if !ok {
				t = types.Of(types.String)
			}
			res.Columns, res.Types = append(res.Columns, c.Name), append(res.Types, t)
		}
	}
	for {
		row, err := iter.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			closeQuietly(ctx, iter)
			return err
		}
		if n, ok := planner.AffectedRows(row); ok {
			res.Columns, res.Types, res.Affected = nil, nil, n
			continue
		}
		vals, err := planner.RowValues(row, res.Types)
		if err != nil {
			closeQuietly(ctx, iter)
			return err
		}
		res.Rows = append(res.Rows, vals)
	}
	if err := iter.Close(ctx); err != nil {
		return err
	}
	if len(res.Columns) == 0 {
		ctx.SetLastQueryInfoInt(sql.RowCount, res.Affected)
		return nil
	}
	ctx.SetLastQueryInfoInt(sql.RowCount, -1)
	if sink.used {
		ctx.SetLastQueryInfoInt(sql.FoundRows, int64(len(res.Rows)))
	}
	return nil
}

// closeQuietly ends an iterator after an error of its own, which is the one to report.
func closeQuietly(ctx *sql.Context, iter sql.RowIter) { _ = iter.Close(ctx) }

// collector is a result sink that boxes rows.
type collector struct {
	res  *Result
	used bool
}

// Begin implements the planner's sink.
func (c *collector) Begin(schema sql.Schema, loc *time.Location) error {
	c.used = true
	c.res.Location = loc
	c.res.Columns, c.res.Types = nil, nil
	for _, col := range schema {
		c.res.Columns = append(c.res.Columns, col.Name)
		t, _ := planner.EngineType(col.Type)
		c.res.Types = append(c.res.Types, t)
	}
	return nil
}

// WriteBatch implements the planner's sink.
func (c *collector) WriteBatch(b *vector.Batch) error {
	for k := range b.Rows() {
		row := make([]types.Value, len(b.Cols))
		for j, col := range b.Cols {
			row[j] = col.Value(b.Row(k))
		}
		c.res.Rows = append(c.res.Rows, row)
	}
	return nil
}
