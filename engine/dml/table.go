package dml

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// Table is the target of one statement, inside of a transaction.
type Table struct {
	Name     string // for errors
	Tx       *txn.Transaction
	Snapshot *delta.Snapshot // what the statement sees: the base version and the transaction's own writes
	Cache    *scan.Cache
	Checks   []Check
	Key      []int // positions of the declared key's columns
	Only     bool  // the transaction holds no other statement
	Hopeful  bool  // INSERT IGNORE and its like may take it that no key repeats, or else return ErrRepeats
	Share    bool  // this one only adds rows, and nothing reads them before the commit: few may go to one file with those of others
}

// Check is a condition that must be true for every new row (PROTOCOL.md, CHECK Constraints): NULL is not enough.
type Check struct {
	Name string
	Text string    // as declared
	Expr expr.Expr // over the table's columns

	Column, Type string // set where the condition is what a column's declared type allows
}

// Result counts rows.
type Result struct {
	Inserted, Updated, Deleted int64
	Same                       int64 // rows that UPDATE, ON DUPLICATE KEY UPDATE or REPLACE would have left as they are, and did not touch
	Displaced                  int64 // rows of a REPLACE that a later, different row of it replaced
	Ignored                    int64 // rows that INSERT IGNORE left out
}

// ConstraintError says that a new row breaks a rule of the table.
type ConstraintError struct {
	Table, Rule, Column string
	NotNull             bool // Column is NOT NULL; otherwise Rule is a CHECK
	Range, Truncated    bool // the CHECK is Column's type: a range of numbers, or a list of values or a length
	Text                string
	Row                 string // an offending row
}

func (e *ConstraintError) Error() string {
	if e.NotNull {
		return fmt.Sprintf("Column '%s' cannot be null: table %s, row %s", e.Column, e.Table, e.Row)
	}
	if e.Range {
		return fmt.Sprintf("Out of range value for column '%s' of type %s of table %s in row %s", e.Column, e.Text, e.Table, e.Row)
	}
	if e.Truncated {
		return fmt.Sprintf("Data truncated for column '%s' of type %s of table %s in row %s", e.Column, e.Text, e.Table, e.Row)
	}
	return fmt.Sprintf("Check constraint '%s' is violated: (%s) of table %s, row %s", e.Rule, e.Text, e.Table, e.Row)
}

// DuplicateKeyError says that a row with the same declared key exists.
type DuplicateKeyError struct{ Table, Key string }

func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("Duplicate entry '%s' for key '%s.PRIMARY'", e.Key, e.Table)
}

// AmbiguousMergeError says that several source rows would change one target row.
type AmbiguousMergeError struct{ Table, Row string }

func (e *AmbiguousMergeError) Error() string {
	return fmt.Sprintf("MERGE into %s is ambiguous: more than one source row matches the target row %s; make the source unique by the join columns", e.Table, e.Row)
}

func (t *Table) source() *scan.Source {
	return scan.NewSource(t.Snapshot, scan.Options{Cache: t.Cache, Locate: t.Snapshot.Table().Locate})
}

func (t *Table) fields() []exec.Field { return t.source().Fields() }

// usesDeletionVectors reports whether the table's deletes write deletion vectors.
func (t *Table) usesDeletionVectors() bool {
	on, _ := strconv.ParseBool(t.Snapshot.Metadata().Configuration["delta.enableDeletionVectors"])
	return on && feature.Supported(t.Snapshot.Protocol(), feature.DeletionVectors)
}

// appender checks new rows and writes them to files; one per worker.
type appender struct {
	t      *Table
	fields []exec.Field
	checks []*expr.Evaluator
	w      *write.Writer // nil until needed
	open   func() (*write.Writer, error)
	held   held
	log    *write.Writer // of the change data feed; nil until needed
	newLog func() (*write.Writer, error)
	rows   int64
}

func (t *Table) newAppender(ctx context.Context, env *expr.Env) (*appender, error) {
	a := &appender{t: t, fields: t.fields()}
	for _, c := range t.Checks {
		ev, err := expr.Compile(c.Expr, env)
		if err != nil {
			return nil, fmt.Errorf("check constraint %s: %w", c.Name, err)
		}
		a.checks = append(a.checks, ev)
	}
	a.open = func() (*write.Writer, error) { return t.newWriter(ctx) }
	a.newLog = func() (*write.Writer, error) { // outlives the context of the one who writes
		log := t.spec()
		log.ChangeData = true
		return write.NewWriter(ctx, log, write.Options{})
	}
	return a, nil
}

// newWriter returns a writer of the table's data files.
func (t *Table) newWriter(ctx context.Context) (*write.Writer, error) {
	spec, fields := t.spec(), t.fields()
	for _, k := range t.Key {
		spec.KeyColumns = append(spec.KeyColumns, fields[k].Name)
	}
	var err error
	if spec.Clustering, err = feature.ClusteringColumns(t.Snapshot.DomainMetadata()); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	w, err := write.NewWriter(ctx, spec, write.Options{})
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	return w, nil
}

func (t *Table) spec() write.TableSpec {
	return write.TableSpec{Store: t.Snapshot.Table().Store(), Schema: t.Snapshot.Schema(), Metadata: t.Snapshot.Metadata(), Protocol: t.Snapshot.Protocol()}
}

// append checks and writes the live rows of b, whose columns are the table's; as says what they are in the change data feed.
func (a *appender) append(ctx context.Context, b *vector.Batch, as change) error {
	if b.Rows() == 0 {
		return nil
	}
	if err := a.enforce(b); err != nil {
		return err
	}
	a.rows += int64(b.Rows())
	if err := a.note(ctx, b, as); err != nil {
		return err
	}
	return a.write(ctx, b)
}

// keep writes rows that were in the table already: they are not checked again.
func (a *appender) keep(ctx context.Context, b *vector.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	return a.write(ctx, b)
}

func (a *appender) enforce(b *vector.Batch) error {
	for i, f := range a.fields {
		if f.Nullable || b.Cols[i].Valid == nil {
			continue
		}
		for k := range b.Rows() {
			if r := b.Row(k); b.Cols[i].IsNull(r) {
				return &ConstraintError{Table: a.t.Name, Column: f.Name, NotNull: true, Row: rowText(b, r, len(a.fields))}
			}
		}
	}
	for i, ev := range a.checks {
		v, err := ev.Eval(b)
		if err != nil {
			return fmt.Errorf("check constraint %s: %w", a.t.Checks[i].Name, err)
		}
		for k := range b.Rows() {
			if r := b.Row(k); v.IsNull(r) || v.Int(r) == 0 {
				return a.t.Checks[i].broken(a.t.Name, rowText(b, r, len(a.fields)))
			}
		}
	}
	return nil
}

// broken is the error of a row that the condition is false for.
func (c *Check) broken(table, row string) error {
	e := &ConstraintError{Table: table, Rule: c.Name, Text: c.Text, Row: row, Column: c.Column}
	if c.Type != "" {
		e.Text = c.Type
		e.Truncated = strings.HasPrefix(c.Type, "enum") || strings.Contains(c.Type, "binary(")
		e.Range = !e.Truncated
	}
	return e
}

// rowText renders the first columns of a row for an error, shortened.
func rowText(b *vector.Batch, row, cols int) string {
	parts := make([]string, 0, cols)
	for _, c := range b.Cols[:min(cols, len(b.Cols))] {
		s := c.Value(row).String()
		if len(s) > 64 {
			s = s[:61] + "..."
		}
		parts = append(parts, s)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// stage closes the appenders and adds their files to the transaction; on error everything written is removed.
func (t *Table) stage(ctx context.Context, apps []*appender) error {
	if shared, err := t.shareRows(apps); shared || err != nil {
		return err
	}
	var all []action.Add
	for _, a := range apps {
		adds, err := a.close(ctx)
		if err != nil {
			abort(ctx, apps)
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		all = append(all, adds...)
		if err := a.stageLog(ctx); err != nil {
			abort(ctx, apps)
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	for _, add := range all {
		if err := t.Tx.AddFile(add); err != nil {
			abort(ctx, apps)
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func abort(ctx context.Context, apps []*appender) {
	for _, a := range apps {
		if a != nil {
			if a.w != nil {
				_ = a.w.Abort(context.WithoutCancel(ctx)) // what failed before is the error to report
			}
			if a.log != nil {
				_ = a.log.Abort(context.WithoutCancel(ctx))
			}
		}
	}
}
