package dml_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/simulate"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

const schemaString = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{}},{"name":"n","type":"long","nullable":true,"metadata":{}}]}`

var (
	long   = types.Of(types.Int64)
	fields = []exec.Field{{Name: "id", Type: long}, {Name: "n", Type: long, Nullable: true}}
	query  = &exec.Query{Workers: 1, BatchRows: 3, Env: &expr.Env{}}
)

func column(i int) expr.Expr {
	return &expr.Column{Index: i, Name: fields[i%2].Name, Typ: long, Null: i%2 == 1}
}

func call(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

func literal(n int64) expr.Expr { return &expr.Literal{Val: types.IntValue(long, n)} }

func values(rows map[int64]int64) exec.Operator {
	keys := slices.Sorted(maps.Keys(rows))
	id, n := vector.New(long, len(keys)), vector.New(long, len(keys))
	for i, k := range keys {
		id.I64[i], n.I64[i] = k, rows[k]
	}
	return exec.NewValues(fields, []*vector.Batch{{Len: len(keys), Cols: []*vector.Vector{id, n}}})
}

// fixture is a table and what it should hold.
type fixture struct {
	store   objstore.Store
	rows    map[int64]int64
	noStats bool // commits lose the statistics of their files, as some writers leave them out
}

type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newFixture(t failer, vectors, noStats bool) *fixture {
	t.Helper()
	store := simulate.NewMemory()
	f := &fixture{store: store, rows: map[int64]int64{}, noStats: noStats}
	m := &action.Metadata{ID: "1", Format: action.Format{Provider: "parquet"}, SchemaString: schemaString,
		Configuration: map[string]string{"delta.enableDeletionVectors": fmt.Sprint(vectors), "delta.checkpointInterval": "1000"}}
	p := &action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{"deletionVectors"}, WriterFeatures: []string{"deletionVectors", "appendOnly", "invariants"}}
	if err := txn.Create(context.Background(), store, m, p); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) snapshot(t failer) *delta.Snapshot {
	t.Helper()
	table, err := delta.Open(context.Background(), f.store, delta.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := table.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write executes one statement in a transaction of its own.
func (f *fixture) write(t failer, statement func(*dml.Table) (dml.Result, error), key ...int) (dml.Result, error) {
	t.Helper()
	snap := f.snapshot(t)
	tx := txn.Begin(snap.Table(), snap, txn.Options{})
	res, err := statement(&dml.Table{Name: "t", Tx: tx, Snapshot: snap, Key: key})
	if err != nil {
		tx.Rollback()
		tx.Clean(context.Background())
		return res, err
	}
	v, err := tx.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if f.noStats && v > snap.Version() {
		f.dropStats(t, v)
	}
	return res, nil
}

// dropStats takes the statistics out of a commit; those of files with deletion vectors are not optional.
func (f *fixture) dropStats(t failer, v delta.Version) {
	t.Helper()
	data, err := f.store.Get(context.Background(), log.CommitKey(v), log.MaxCommitBytes)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	err = action.ParseLines(log.CommitKey(v), string(data), func(_ int, a *action.Action) error {
		if a.Add != nil && a.Add.DeletionVector == nil {
			a.Add.Stats = ""
		}
		out = action.AppendLine(out, a)
		return nil
	})
	if err == nil {
		err = f.store.Delete(context.Background(), log.CommitKey(v))
	}
	if err == nil {
		err = f.store.PutIfAbsent(context.Background(), log.CommitKey(v), out)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// check compares the table with the model, and the log's numbers with the files.
func (f *fixture) check(t failer) {
	t.Helper()
	snap := f.snapshot(t)
	got := map[int64]int64{}
	rows := 0
	err := exec.Run(context.Background(), query, exec.NewScan(scan.NewSource(snap, scan.Options{}), exec.ScanSpec{Columns: []int{0, 1}}), func(b *vector.Batch) error {
		for k := range b.Rows() {
			got[b.Cols[0].Int(b.Row(k))] = b.Cols[1].Int(b.Row(k))
			rows++
		}
		return nil
	})
	if err != nil || !maps.Equal(got, f.rows) || rows != len(f.rows) {
		t.Fatalf("version %d: %d rows %v, want %v (%v)", snap.Version(), rows, got, f.rows, err)
	}
	for i := range snap.Files().Len() {
		if d := snap.Files().DeletionVector(i); d != nil && (snap.Files().NumRecords(i) <= d.Cardinality || snap.Files().TightBounds(i)) {
			t.Fatalf("file with %d of %d rows deleted, tight bounds %t", d.Cardinality, snap.Files().NumRecords(i), snap.Files().TightBounds(i))
		}
	}
}

// below is the condition id < k.
func below(k int64) expr.Expr { return call("<", column(0), literal(k)) }

func (f *fixture) delete(t failer, k int64) (dml.Result, error) {
	return f.write(t, func(tb *dml.Table) (dml.Result, error) {
		in := exec.NewScan(scan.NewSource(tb.Snapshot, scan.Options{}), exec.ScanSpec{Filter: below(k), RowIDs: true})
		return tb.Delete(context.Background(), query, in)
	})
}

func (f *fixture) update(t failer, k, by int64) (dml.Result, error) {
	return f.write(t, func(tb *dml.Table) (dml.Result, error) {
		in := exec.NewScan(scan.NewSource(tb.Snapshot, scan.Options{}), exec.ScanSpec{Columns: []int{0, 1}, Filter: below(k), RowIDs: true})
		ids := in.Fields()[2:]
		return tb.Update(context.Background(), query, exec.NewProject(in, []expr.Expr{column(0), call("+", column(1), literal(by)),
			&expr.Column{Index: 2, Name: ids[0].Name, Typ: ids[0].Type}, &expr.Column{Index: 3, Name: ids[1].Name, Typ: ids[1].Type}}, nil), nil)
	})
}

func (f *fixture) upsert(t failer, mode dml.KeyedMode, rows map[int64]int64) (dml.Result, error) {
	return f.write(t, func(tb *dml.Table) (dml.Result, error) {
		return tb.InsertKeyed(context.Background(), query, values(rows), mode, []expr.Expr{column(2), call("+", column(3), column(1))}, nil)
	}, 0)
}

// step executes a random statement and applies it to the model.
func (f *fixture) step(t *rapid.T) {
	k, by := rapid.Int64Range(0, 12).Draw(t, "k"), rapid.Int64Range(1, 9).Draw(t, "by")
	rows := rapid.MapOfN(rapid.Int64Range(0, 11), rapid.Int64Range(0, 99), 1, 6).Draw(t, "rows")
	var want int64
	for id := range f.rows {
		if id < k {
			want++
		}
	}
	switch rapid.SampledFrom([]string{"insert", "insert", "upsert", "replace", "ignore", "update", "delete", "truncate"}).Draw(t, "statement") {
	case "insert":
		f.insert(t, rows)
	case "upsert":
		f.merge(t, dml.Upsert, rows, func(old, given int64) int64 { return old + given })
	case "replace":
		f.merge(t, dml.Replace, rows, func(_, given int64) int64 { return given })
	case "ignore":
		f.merge(t, dml.Ignore, rows, func(old, _ int64) int64 { return old })
	case "update":
		if res, err := f.update(t, k, by); err != nil || res.Updated != want {
			t.Fatalf("UPDATE of %d rows: %+v, %v", want, res, err)
		}
		for id := range f.rows {
			if id < k {
				f.rows[id] += by
			}
		}
	case "delete":
		if res, err := f.delete(t, k); err != nil || res.Deleted != want {
			t.Fatalf("DELETE of %d rows: %+v, %v", want, res, err)
		}
		maps.DeleteFunc(f.rows, func(id, _ int64) bool { return id < k })
	case "truncate":
		res, err := f.write(t, func(tb *dml.Table) (dml.Result, error) { return tb.Delete(context.Background(), query, nil) })
		if err != nil || res.Deleted != int64(len(f.rows)) {
			t.Fatalf("DELETE of %d rows: %+v, %v", len(f.rows), res, err)
		}
		clear(f.rows)
	}
}

// insert refuses all rows if one key is there.
func (f *fixture) insert(t *rapid.T, rows map[int64]int64) {
	taken := false
	for id := range rows {
		_, there := f.rows[id]
		taken = taken || there
	}
	defer dml.SetBulkRows(dml.SetBulkRows(rapid.SampledFrom([]int{0, 2, 1 << 16}).Draw(t, "rows held")))
	res, err := f.upsert(t, dml.Reject, rows)
	var duplicate *dml.DuplicateKeyError
	if errors.As(err, &duplicate) != taken || !taken && (err != nil || res.Inserted != int64(len(rows))) {
		t.Fatalf("INSERT of %v into %v: %+v, %v", rows, f.rows, res, err)
	}
	if !taken {
		maps.Copy(f.rows, rows)
	}
}

func (f *fixture) merge(t *rapid.T, mode dml.KeyedMode, rows map[int64]int64, set func(old, given int64) int64) {
	res, err := f.upsert(t, mode, rows)
	var fresh, same int64
	for id, n := range rows {
		if old, there := f.rows[id]; there {
			if f.rows[id] = set(old, n); mode == dml.Replace && f.rows[id] == old {
				same++
			}
		} else {
			f.rows[id] = n
			fresh++
		}
	}
	if err != nil || res.Inserted != fresh || mode != dml.Ignore && res.Updated != int64(len(rows))-fresh-same || res.Same != same || mode == dml.Ignore && res.Ignored != int64(len(rows))-fresh {
		t.Fatalf("keyed insert (mode %d) of %v, %d new: %+v, %v", mode, rows, fresh, res, err)
	}
}

// TestStatementsAgainstModel runs random statements on tables of every layout.
func TestStatementsAgainstModel(t *testing.T) {
	for _, vectors := range []bool{false, true} {
		for _, noStats := range []bool{false, true} {
			t.Run(fmt.Sprintf("vectors=%t/nostats=%t", vectors, noStats), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					f := newFixture(rt, vectors, noStats)
					for range rapid.IntRange(1, 6).Draw(rt, "steps") {
						f.step(rt)
						f.check(rt)
					}
				})
			})
		}
	}
}

// TestNullIsRefused: a new row that breaks a rule leaves nothing behind.
func TestNullIsRefused(t *testing.T) {
	f := newFixture(t, true, false)
	id, n := vector.New(long, 2), vector.New(long, 2)
	id.Valid = vector.NewBitmap(2)
	id.Valid.Set(0)
	_, err := f.write(t, func(tb *dml.Table) (dml.Result, error) {
		return tb.Append(t.Context(), query, exec.NewValues(fields, []*vector.Batch{{Len: 2, Cols: []*vector.Vector{id, n}}}))
	})
	var broken *dml.ConstraintError
	if !errors.As(err, &broken) || !broken.NotNull || broken.Column != "id" {
		t.Errorf("INSERT of NULL: %v", err)
	}
	for o, err := range f.store.List(t.Context(), "", "") {
		if err != nil || o.Key != log.CommitKey(0) {
			t.Errorf("%s is left behind (%v)", o.Key, err)
		}
	}
	f.check(t)
}
