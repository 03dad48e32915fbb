package planner

import (
	"errors"
	"fmt"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
)

// statementNode is a statement of featuresql in the host's plan.
type statementNode interface {
	sql.ExecSourceRel
	// prepare is called when the host has analyzed the statement and its children.
	prepare(ctx *sql.Context) error
}

// Bind implements parser.Binder.
func (rt *Runtime) Bind(stmt parser.Statement, children []any) (sql.Node, error) {
	base := statement{rt: rt, stmt: stmt, schema: hosttypes.OkResultSchema}
	for _, c := range children {
		n, ok := c.(sql.Node)
		if !ok {
			return nil, fmt.Errorf("%s: child of type %T", stmt.Verb(), c)
		}
		base.kids = append(base.kids, n)
	}
	switch s := stmt.(type) {
	case *parser.DescribeHistory:
		base.schema = historySchema
	case *parser.DescribeDetail:
		base.schema = detailSchema
	case *parser.CheckTables:
		base.schema = checkSchema
	case *parser.Account:
		if s.What == "SHOW GRANTS" {
			base.schema = grantsSchema(s)
		}
	case *parser.Explain:
		base.schema = explainSchema
		if s.Inner != nil {
			inner, err := rt.Bind(s.Inner, children)
			return &explainNode{statement: base, inner: inner}, err
		}
		return &explainNode{statement: base}, nil
	}
	return &statement{rt: rt, stmt: base.stmt, schema: base.schema, kids: base.kids}, nil
}

// statement runs any parser.Statement but EXPLAIN.
type statement struct {
	rt     *Runtime
	stmt   parser.Statement
	schema sql.Schema
	kids   []sql.Node
	file   *loadedFile // of LOAD DATA, while it runs
	// careful says that keys repeat, so that rows have to be taken in their order.
	careful bool
}

func (s *statement) Resolved() bool {
	for _, k := range s.kids {
		if !k.Resolved() {
			return false
		}
	}
	return true
}

func (s *statement) IsReadOnly() bool {
	switch stmt := s.stmt.(type) {
	case *parser.Account:
		return stmt.What == "SHOW GRANTS" || stmt.What == "SET ROLE"
	case *parser.DescribeHistory, *parser.DescribeDetail, *parser.CheckTables, *parser.Transaction:
		return true
	}
	return false
}

func (s *statement) String() string       { return s.stmt.Verb() + " " + s.stmt.TargetTable().String() }
func (s *statement) Schema() sql.Schema   { return s.schema }
func (s *statement) Children() []sql.Node { return s.kids }
func (s *statement) WithChildren(kids ...sql.Node) (sql.Node, error) {
	if len(kids) != len(s.kids) {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(kids), len(s.kids))
	}
	out := *s
	out.kids = kids
	return &out, nil
}

func (s *statement) prepare(ctx *sql.Context) error {
	if a, ok := s.stmt.(*parser.Account); ok && a.What == "SHOW GRANTS" && a.Users[0].Current {
		session, err := catalog.SessionOf(ctx)
		if err != nil {
			return err
		}
		s.schema = sql.Schema{column("Grants for "+session.Account().Plain(), hosttypes.LongText)}
	}
	return nil
}

// RowIter implements sql.ExecSourceRel: the statement runs when its first row is asked for.
func (s *statement) RowIter(ctx *sql.Context, _ sql.Row) (sql.RowIter, error) {
	return &lazyRows{run: func(ctx *sql.Context) ([]sql.Row, error) { return s.execute(ctx) }}, nil
}

func (s *statement) execute(ctx *sql.Context) ([]sql.Row, error) {
	switch stmt := s.stmt.(type) {
	case *parser.Insert, *parser.Update, *parser.Delete, *parser.Merge:
		return s.write(ctx)
	case *parser.Truncate:
		return asTransaction(ctx, func() ([]sql.Row, error) { return s.write(ctx) })
	case *parser.CreateTable:
		return asTransaction(ctx, func() ([]sql.Row, error) { return s.createTable(ctx, stmt) })
	case *parser.DropTable:
		return asTransaction(ctx, func() ([]sql.Row, error) { return s.dropTable(ctx, stmt) })
	case *parser.AlterTable:
		return asTransaction(ctx, func() ([]sql.Row, error) { return s.alterTable(ctx, stmt) })
	case *parser.RenameTables:
		return asTransaction(ctx, func() ([]sql.Row, error) { return s.renameTables(ctx, stmt) })
	case *parser.DescribeHistory:
		return s.describeHistory(ctx, stmt)
	case *parser.DescribeDetail:
		return s.describeDetail(ctx, stmt)
	case *parser.CheckTables:
		return s.checkTables(ctx, stmt)
	case *parser.Account:
		return s.account(ctx, stmt)
	case *parser.Transaction:
		return okRows(0), transact(ctx, stmt)
	}
	return nil, &UnsupportedError{What: s.stmt.Verb()}
}

// asTransaction runs DDL: it commits an open transaction before, and what it does itself after, whatever autocommit says.
func asTransaction(ctx *sql.Context, run func() ([]sql.Row, error)) ([]sql.Row, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.CommitBefore(ctx); err != nil {
		return nil, err
	}
	rows, err := run()
	if explicit, e := session.Explicit(ctx); err != nil || e != nil || !explicit {
		return rows, errors.Join(err, e)
	}
	return rows, session.CommitBefore(ctx)
}

func transact(ctx *sql.Context, t *parser.Transaction) error {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return err
	}
	switch t.What {
	case "START TRANSACTION":
		return session.Start(ctx, t.ReadOnly, t.Snapshot)
	case "SET TRANSACTION":
		return session.SetNext(ctx, *t.ReadOnly)
	}
	return session.End(ctx, t.What == "COMMIT", t.Chain)
}

// lazyRows runs once and then yields what it got.
type lazyRows struct {
	run  func(ctx *sql.Context) ([]sql.Row, error)
	rows []sql.Row
}

func (l *lazyRows) Next(ctx *sql.Context) (sql.Row, error) {
	if l.run != nil {
		run := l.run
		l.run = nil
		var err error
		if l.rows, err = run(ctx); err != nil {
			return nil, err
		}
	}
	if len(l.rows) == 0 {
		return nil, io.EOF
	}
	row := l.rows[0]
	l.rows = l.rows[1:]
	return row, nil
}

func (l *lazyRows) Close(*sql.Context) error { return nil }

func okRows(affected int64) []sql.Row {
	return []sql.Row{sql.NewRow(hosttypes.NewOkResult(int(affected)))}
}

// database returns the database that a table name refers to.
func (rt *Runtime) database(ctx *sql.Context, t parser.TableName) (*catalog.Database, error) {
	name := t.Database
	if name == "" {
		name = ctx.GetCurrentDatabase()
	}
	if name == "" {
		return nil, sql.ErrNoDatabaseSelected.New()
	}
	db, err := rt.provider.Database(ctx, name)
	if err != nil {
		return nil, err
	}
	return db.(*catalog.Database), nil
}

// existing returns the table of a name in its newest version, or the host's "no such table".
func (rt *Runtime) existing(ctx *sql.Context, t parser.TableName) (*catalog.Table, error) {
	db, err := rt.database(ctx, t)
	if err != nil {
		return nil, err
	}
	tbl, ok, err := db.GetTableInsensitive(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	if ok {
		return tbl.(*catalog.Table), nil
	}
	if _, isView, err := db.GetViewDefinition(ctx, t.Name); err != nil || isView {
		return nil, errors.Join(err, &ViewError{View: db.Name() + "." + t.Name})
	}
	return nil, sql.ErrTableNotFound.New(t.Name)
}

// ViewError says that a statement that needs a table names a view. MySQL calls it 1471 for INSERT, 1288 for the other
// writes, and 1347.
type ViewError struct {
	View, Verb     string
	Insert, Change bool
}

func (e *ViewError) Error() string {
	switch {
	case e.Insert:
		return "The target table " + e.View + " of the " + e.Verb + " is not insertable-into: it is a view"
	case e.Change:
		return "The target table " + e.View + " of the " + e.Verb + " is not updatable: it is a view"
	}
	return "'" + e.View + "' is not BASE TABLE: it is a view"
}

// written completes the error of a table that stmt writes to.
func written(err error, stmt parser.Statement) error {
	var view *ViewError
	if errors.As(err, &view) {
		switch stmt.(type) {
		case *parser.Insert:
			view.Insert = true
		case *parser.Update, *parser.Delete, *parser.Merge:
			view.Change = true
		}
		view.Verb = stmt.Verb()
	}
	return err
}

// target is existing, for a statement that writes.
func (rt *Runtime) target(ctx *sql.Context, t parser.TableName) (*catalog.Table, error) {
	tbl, err := rt.existing(ctx, t)
	if err != nil {
		return nil, err
	}
	if tbl.AsOf() {
		return nil, &ReadOnlyVersionError{Table: t.String(), Version: int64(tbl.Snapshot().Version())}
	}
	return tbl, nil
}

// ReadOnlyVersionError says that a statement tried to write an old version.
type ReadOnlyVersionError struct {
	Table   string
	Version int64
}

func (e *ReadOnlyVersionError) Error() string {
	return fmt.Sprintf("table %s is read as of version %d and cannot be written; unset @@featuresql_as_of, or USE the database without a time", e.Table, e.Version)
}
