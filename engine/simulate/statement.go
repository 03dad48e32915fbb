package simulate

import (
	"context"
	"fmt"
	"strconv"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// Kind is a kind of statement.
type Kind uint8

// The kinds of statements. The table has the columns id and n.
const (
	Append    Kind = iota // INSERT of Rows, keys unheeded
	Insert                // INSERT of Rows, an existing key is an error
	Upsert                // INSERT … ON DUPLICATE KEY UPDATE n = n + VALUES(n)
	Update                // n = n + By of the row ID
	UpdateAll             // n = n + By of every row
	Delete                // of the row ID
	Merge                 // of Rows by id: matched rows get n = n + n, others are inserted
	Property              // a table property
	Ignore                // inserts those of Rows whose id is not there: INSERT IGNORE, or a MERGE
	Compact               // all files into one, as a foreign engine does
	numKinds
)

var kindNames = [...]string{"append", "insert", "upsert", "update", "update-all", "delete", "merge", "property", "ignore", "compact"}

// String returns the kind's name.
func (k Kind) String() string { return kindNames[k] }

// Row is a row of the table.
type Row struct{ ID, N int64 }

// Statement is what one writer does at once.
type Statement struct {
	Kind Kind
	Rows []Row
	ID   int64
	By   int64
}

var (
	long   = types.Of(types.Int64)
	fields = []exec.Field{{Name: "id", Type: long, Nullable: true}, {Name: "n", Type: long, Nullable: true}}
)

func column(at int) expr.Expr {
	return &expr.Column{Index: at, Name: fields[at%2].Name, Typ: long, Null: true}
}

func literal(n int64) expr.Expr { return &expr.Literal{Val: types.IntValue(long, n)} }

// call makes a call whose arguments fit.
func invoke(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		panic(err) // the tables of this package are of one type
	}
	return e
}

func values(rows []Row) exec.Operator {
	id, n := vector.New(long, len(rows)), vector.New(long, len(rows))
	for i, r := range rows {
		id.I64[i], n.I64[i] = r.ID, r.N
	}
	return exec.NewValues(fields, []*vector.Batch{{Len: len(rows), Cols: []*vector.Vector{id, n}}})
}

// stage executes the statement into tx.
func (s Statement) stage(ctx context.Context, tx *txn.Transaction, keyed bool) error {
	snap, err := tx.Effective()
	if err != nil {
		return err
	}
	t := &dml.Table{Name: "t", Tx: tx, Snapshot: snap}
	if keyed {
		t.Key = []int{0}
	}
	q := &exec.Query{Workers: 1, Env: &expr.Env{}}
	switch s.Kind {
	case Append:
		t.Share = s.By%4 != 0
		_, err = t.Append(ctx, q, values(s.Rows))
	case Insert:
		t.Share = s.By%4 != 0
		_, err = t.InsertKeyed(ctx, q, values(s.Rows), dml.Reject, nil, nil)
	case Upsert:
		_, err = t.InsertKeyed(ctx, q, values(s.Rows), dml.Upsert, []expr.Expr{column(2), invoke("+", column(3), column(1))}, []int{1})
	case Update, UpdateAll, Delete:
		err = s.change(ctx, t, q)
	case Ignore:
		_, err = t.Merge(ctx, q, dml.Merge{Source: values(s.Rows), On: []expr.Expr{invoke("=", column(0), column(2))},
			Clauses: []dml.Clause{{Kind: dml.NotMatched, Act: dml.InsertRow, Row: []expr.Expr{column(0), column(1)}}}})
	case Merge:
		_, err = t.Merge(ctx, q, dml.Merge{Source: values(s.Rows), On: []expr.Expr{invoke("=", column(0), column(2))}, Clauses: []dml.Clause{
			{Kind: dml.Matched, Act: dml.UpdateRow, Row: []expr.Expr{column(2), invoke("+", column(3), column(1))}},
			{Kind: dml.NotMatched, Act: dml.InsertRow, Row: []expr.Expr{column(0), column(1)}},
		}})
	case Property:
		m := *snap.Metadata()
		m.Configuration = map[string]string{"simulate.by": strconv.FormatInt(s.By, 10)}
		for k, v := range snap.Metadata().Configuration {
			if k != "simulate.by" {
				m.Configuration[k] = v
			}
		}
		err = tx.SetMetadata(&m)
	case Compact:
		return compact(ctx, tx, snap)
	}
	if err != nil {
		return err
	}
	return tx.SetOperation(s.Kind.String(), nil, nil)
}

// change executes an UPDATE or DELETE.
func (s Statement) change(ctx context.Context, t *dml.Table, q *exec.Query) error {
	var filter expr.Expr
	if s.Kind != UpdateAll {
		filter = invoke("=", column(0), literal(s.ID))
	}
	if err := t.Read(filter, q.Env); err != nil {
		return err
	}
	src := scan.NewSource(t.Snapshot, scan.Options{})
	if s.Kind == Delete {
		_, err := t.Delete(ctx, q, exec.NewScan(src, exec.ScanSpec{Filter: filter, RowIDs: true}))
		return err
	}
	in := exec.NewScan(src, exec.ScanSpec{Columns: []int{0, 1}, Filter: filter, RowIDs: true})
	f := in.Fields()
	out := []expr.Expr{column(0), invoke("+", column(1), literal(s.By)),
		&expr.Column{Index: 2, Name: f[2].Name, Typ: f[2].Type}, &expr.Column{Index: 3, Name: f[3].Name, Typ: f[3].Type}}
	_, err := t.Update(ctx, q, exec.NewProject(in, out, nil), nil)
	return err
}

// compact moves all rows to one file.
func compact(ctx context.Context, tx *txn.Transaction, snap *delta.Snapshot) error {
	w, err := write.NewWriter(ctx, write.TableSpec{Store: snap.Store(), Schema: snap.Schema(), Metadata: snap.Metadata(), Protocol: snap.Protocol()}, write.Options{})
	if err != nil {
		return err
	}
	in := exec.NewScan(scan.NewSource(snap, scan.Options{}), exec.ScanSpec{Columns: []int{0, 1}})
	if err = exec.Run(ctx, &exec.Query{Workers: 1, Env: &expr.Env{}}, in, func(b *vector.Batch) error { return w.Write(ctx, b) }); err != nil {
		_ = w.Abort(ctx) // the error to report is of the scan
		return err
	}
	adds, err := w.Close(ctx)
	if err != nil {
		return err
	}
	for i := range adds {
		adds[i].DataChange = false
		if err := tx.AddFile(adds[i]); err != nil {
			return err
		}
	}
	for i := range snap.Files().Len() {
		if err := tx.RemoveFile(snap.Files().Add(i), false); err != nil {
			return err
		}
	}
	return tx.SetOperation("OPTIMIZE", nil, nil)
}

// schemaString is of the table.
const schemaString = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},{"name":"n","type":"long","nullable":true,"metadata":{}}]}`

// Layout is the kind of table of a schedule.
type Layout struct {
	Vectors      bool // deletion vectors
	Keyed        bool // id is the declared key; no Append
	Serializable bool
}

// String returns the layout's name.
func (l Layout) String() string {
	return fmt.Sprintf("vectors=%t keyed=%t serializable=%t", l.Vectors, l.Keyed, l.Serializable)
}

// creation makes the n-th table of a schedule.
func (l Layout) creation(n int) txn.Creation {
	m := &action.Metadata{
		ID: fmt.Sprintf("3d1f7c5e-0d35-4b6c-b0e7-2f3d1f0f6f%02d", 11+n), Format: action.Format{Provider: "parquet"}, SchemaString: schemaString,
		Configuration: map[string]string{"delta.checkpointInterval": "4"},
	}
	p := &action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{"deletionVectors"}, WriterFeatures: []string{"deletionVectors", "appendOnly", "invariants"}}
	if l.Vectors {
		m.Configuration["delta.enableDeletionVectors"] = "true"
	}
	if l.Serializable {
		m.Configuration["delta.isolationLevel"] = "Serializable"
	}
	return txn.Creation{Metadata: m, Protocol: p}
}
