package planner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/txn"
)

// write runs a DML statement. In autocommit mode it is its own transaction and runs again, on the newest
// version, when another writer made its reads stale; in an explicit transaction a conflict shows at COMMIT.
func (s *statement) write(ctx *sql.Context) ([]sql.Row, error) {
	if ins, ok := s.stmt.(*parser.Insert); ok && ins.File != nil {
		return s.writeLoad(ctx, ins)
	}
	res, err := s.writeUntilDone(ctx)
	if err != nil {
		return nil, err
	}
	return s.done(ctx, res), nil
}

func (s *statement) writeUntilDone(ctx *sql.Context) (dml.Result, error) {
	sess, err := catalog.SessionOf(ctx)
	if err != nil {
		return dml.Result{}, err
	}
	var bound *catalog.Table
	run := *s
	forget := sess.MarkWarnings()
	for attempt := 1; ; attempt++ {
		tbl, err := s.rt.target(ctx, s.stmt.TargetTable())
		if err != nil {
			return dml.Result{}, written(err, s.stmt)
		}
		if bound == nil {
			bound = tbl
		}
		if s.namesPositions() && !tbl.SameColumns(bound) {
			return dml.Result{}, redefined(bound, tbl)
		}
		res, own, err := run.writeOnce(ctx, sess, tbl)
		if errors.Is(err, dml.ErrRepeats) && !run.careful {
			run.careful = true
			forget()
			attempt--
			continue
		}
		err = overDropped(ctx, tbl, err)
		var conflict *txn.ConflictError
		if err == nil || !own || !errors.As(err, &conflict) || errors.Is(err, errRedefined) || attempt >= s.rt.maxAttempts() {
			return res, err
		}
		if s.rt.opts.OnConflict != nil {
			s.rt.opts.OnConflict(tbl.Location(), attempt, err)
		}
		sess.Refresh(tbl.Location())
		forget()
		if err := pause(ctx, attempt); err != nil {
			return res, err
		}
	}
}

// errRedefined says that a statement cannot be executed again as it was bound.
var errRedefined = errors.New("the columns of the table are others than those that the statement was bound to; run it again")

// redefined is the conflict of a statement that was bound to one version of a table and would have to read another, of other columns.
func redefined(bound, now *catalog.Table) error {
	return fmt.Errorf("%w (%w)", &txn.ConflictError{Table: now.Snapshot().Table().URL(), Kind: txn.MetadataChanged, Base: bound.Snapshot().Version(),
		Version: now.Snapshot().Version()}, errRedefined)
}

// namesPositions reports whether the binder has put positions of the target's columns into the statement, besides those of its scans.
func (s *statement) namesPositions() bool {
	ins, ok := s.stmt.(*parser.Insert)
	return !ok || ins.Mode == parser.InsertUpsert || ins.File != nil
}

// overDropped makes a conflict of what a statement ran into as the table was dropped under it, and perhaps made anew.
func overDropped(ctx context.Context, tbl *catalog.Table, err error) error {
	var conflict *txn.ConflictError
	if err == nil || errors.As(err, &conflict) {
		return err
	}
	snap := tbl.Snapshot()
	if there, lookErr := snap.StillThere(ctx); there || lookErr != nil {
		return err
	}
	return fmt.Errorf("%w (%w)", &txn.ConflictError{Table: snap.Table().URL(), Kind: txn.LogTruncated, Base: snap.Version(), Version: snap.Version() + 1}, err)
}

func (rt *Runtime) maxAttempts() int { return max(1, rt.opts.MaxAttempts) }

// pause waits a random while that grows with the attempts, so that writers that met once do not meet again.
func pause(ctx context.Context, attempt int) error {
	limit := time.Duration(1<<min(attempt, 6)) * 5 * time.Millisecond
	select {
	case <-time.After(rand.N(limit)): //nolint:gosec // no secret
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done is what the client hears of a write. Rows count as in MySQL: those that were changed, or also those that would have
// stayed as they are, if the client asks for that; an upsert that changes a stored row, and a REPLACE of a different row,
// counts two, a REPLACE of the same row one.
func (s *statement) done(ctx *sql.Context, r dml.Result) []sql.Row {
	n := r.Inserted + r.Updated + r.Deleted
	insert, _ := s.stmt.(*parser.Insert)
	if ctx.Client().Capabilities&mysql.CapabilityClientFoundRows != 0 || insert != nil && insert.Mode == parser.InsertReplace {
		n += r.Same
	}
	ok := hosttypes.OkResult{}
	switch stmt := s.stmt.(type) {
	case *parser.Insert:
		if stmt.Mode == parser.InsertUpsert || stmt.Mode == parser.InsertReplace {
			n += r.Updated + 2*r.Displaced
		}
		if s.file != nil {
			ok.Info = loadInfo{s.file.lines.Load(), r.Updated + r.Displaced, r.Ignored, int64(ctx.WarningCount())}
		}
	case *parser.Update:
		ok.Info = plan.UpdateInfo{Matched: int(r.Updated + r.Same), Updated: int(r.Updated), Warnings: int(ctx.WarningCount())}
	}
	ok.RowsAffected = uint64(n)
	return []sql.Row{sql.NewRow(ok)}
}

// writeOnce executes the statement in the session's transaction, or in its own, which it commits.
func (s *statement) writeOnce(ctx *sql.Context, sess *catalog.Session, tbl *catalog.Table) (dml.Result, bool, error) {
	tx, own, err := sess.Begin(ctx, tbl.Location())
	if err != nil {
		return dml.Result{}, own, err
	}
	var res dml.Result
	err = s.rt.inTransaction(ctx, tx, own, func() error {
		res, err = s.stageWrite(ctx, tx, tbl, own)
		return err
	})
	return res, own, err
}

// inTransaction stages changes and, if the transaction is the statement's own, commits them. Nothing of a statement
// that fails stays: neither staged nor, once no commit can name them, its files.
func (rt *Runtime) inTransaction(ctx *sql.Context, tx *txn.Transaction, own bool, stage func() error) error {
	mark := tx.Mark()
	err := stage()
	switch {
	case err != nil && own:
		tx.Rollback()
	case err != nil:
		tx.RollbackTo(mark)
		return err
	case !own:
		return nil
	case tx.Changed():
		err = rt.commit(ctx, tx)
	}
	tx.Clean(ctx)
	return err
}

func (rt *Runtime) commit(ctx *sql.Context, tx *txn.Transaction) error {
	if session, ok := ctx.Session.(*catalog.Session); ok {
		session.Enter(catalog.Committing)
		defer session.Enter(catalog.Executing)
	}
	_, err := rt.group(tx).Commit(ctx, tx)
	return err
}

// group returns what lets the statements of this server on a table share commits.
// A table that is made anew under its name is another one.
func (rt *Runtime) group(tx *txn.Transaction) *txn.Group {
	return rt.groups.GetOrAdd(tx.Table().URL()+" "+tx.Base().Metadata().ID, &txn.Group{})
}

// writing is one execution of a DML statement.
type writing struct {
	s      *statement
	c      *converter
	tbl    *catalog.Table
	target *dml.Table
	fields []exec.Field // of the table
	q      *exec.Query
}

func (s *statement) stageWrite(ctx *sql.Context, tx *txn.Transaction, tbl *catalog.Table, own bool) (dml.Result, error) {
	c, err := s.rt.newConverter(ctx)
	if err != nil {
		return dml.Result{}, err
	}
	c.env = forDML(c.env, s.stmt)
	loc := tbl.Location()
	c.newest = map[string]*catalog.Table{loc: tbl}
	c.rowIDsFor = &loc
	w := &writing{s: s, c: c, tbl: tbl, fields: tbl.Source().Fields(), q: s.rt.query(ctx, c.env)}
	w.target = &dml.Table{Name: s.stmt.TargetTable().String(), Tx: tx, Snapshot: tbl.Snapshot(), Cache: s.rt.provider.Cache(), Only: own}
	c.onRead = w.readsOfTarget()
	c.defaultOf = func(column string) (expr.Expr, error) {
		i, err := w.position(column)
		if err != nil {
			return nil, err
		}
		return w.defaultOf(i)
	}
	for _, k := range tbl.Key() {
		i := tbl.ColumnIndex(k)
		if i < 0 {
			return dml.Result{}, fmt.Errorf("table %s declares the key column %s, which it does not have", tbl.Name(), k)
		}
		w.target.Key = append(w.target.Key, i)
	}
	if w.target.Checks, err = s.rt.checks(ctx, tbl); err != nil {
		return dml.Result{}, err
	}
	return w.run()
}

func (w *writing) run() (dml.Result, error) {
	var res dml.Result
	var err error
	switch stmt := w.s.stmt.(type) {
	case *parser.Insert:
		res, err = w.insert(stmt)
	case *parser.Update:
		res, err = w.update(stmt)
	case *parser.Delete:
		res, err = w.delete()
	case *parser.Truncate:
		res, err = w.target.Delete(w.c.ctx, w.q, nil)
	case *parser.Merge:
		res, err = w.merge(stmt)
	}
	if err != nil {
		return res, err
	}
	w.s.rt.noteFallbacks(w.c)
	return res, w.target.Tx.SetOperation(operationName(w.s.stmt), map[string]string{}, operationMetrics(res))
}

// operationName is the name under which DESCRIBE HISTORY shows a statement, as Spark spells it.
func operationName(s parser.Statement) string {
	switch s.(type) {
	case *parser.Insert:
		return "WRITE"
	default:
		return strings.ToUpper(s.Verb())
	}
}

func operationMetrics(r dml.Result) map[string]string {
	m := map[string]string{}
	for name, n := range map[string]int64{"numTargetRowsInserted": r.Inserted, "numTargetRowsUpdated": r.Updated, "numTargetRowsDeleted": r.Deleted} {
		if n > 0 {
			m[name] = fmt.Sprint(n)
		}
	}
	return m
}
