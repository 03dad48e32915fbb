package dml_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// keyed is a row of the fixture's table; its second column may be NULL.
type keyed struct {
	id, n int64
	null  bool
}

// TestLongInsertsFindDuplicates inserts rows in any order, with keys of one and of two columns, which meet one another or those of
// the table or none, while hardly any row may be held.
func TestLongInsertsFindDuplicates(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(rt, rapid.Bool().Draw(rt, "vectors"), rapid.Bool().Draw(rt, "no statistics"))
		key := rapid.SampledFrom([][]int{{0}, {0, 1}, {1}}).Draw(rt, "key")
		defer dml.SetBulkRows(dml.SetBulkRows(rapid.SampledFrom([]int{0, 1, 5, 100}).Draw(rt, "rows held")))
		q := &exec.Query{Workers: rapid.IntRange(1, 3).Draw(rt, "workers"), BatchRows: 3, Env: &expr.Env{}, Memory: exec.NewBudget(0, nil)}
		there := map[string]bool{}
		count := int64(0)
		for range rapid.IntRange(1, 4).Draw(rt, "statements") {
			next := rapid.Int64Range(0, 40).Draw(rt, "first")
			step := rapid.SampledFrom([]int64{-1, 1, 2}).Draw(rt, "step")
			var rows []keyed
			for range rapid.IntRange(1, 20).Draw(rt, "rows") {
				id := next
				if next += step; rapid.IntRange(0, 14).Draw(rt, "astray") == 0 {
					id = rapid.Int64Range(0, 60).Draw(rt, "id")
				}
				rows = append(rows, keyed{id: id, n: rapid.Int64Range(0, 40).Draw(rt, "n"), null: rapid.IntRange(0, 9).Draw(rt, "null") == 0})
			}
			now, double := map[string]bool{}, false
			for _, r := range rows {
				text := ""
				for _, k := range key {
					switch {
					case k == 0:
						text += fmt.Sprint(r.id, ",")
					case r.null:
						text = "NULL"
					default:
						text += fmt.Sprint(r.n, ",")
					}
				}
				if text == "NULL" || len(text) > 4 && text[:4] == "NULL" {
					continue
				}
				double = double || now[text] || there[text]
				now[text] = true
			}
			res, err := f.write(rt, func(tb *dml.Table) (dml.Result, error) {
				return tb.InsertKeyed(context.Background(), q, rowsToInsert(rt, rows), dml.Reject, nil, nil)
			}, key...)
			var duplicate *dml.DuplicateKeyError
			if errors.As(err, &duplicate) != double || !double && (err != nil || res.Inserted != int64(len(rows))) {
				rt.Fatalf("INSERT of %v beside %v: %+v, %v; duplicates: %t", rows, there, res, err, double)
			}
			if !double {
				count += int64(len(rows))
				for k := range now {
					there[k] = true
				}
			}
			if q.Memory.UsedBytes() != 0 {
				rt.Fatalf("%d bytes are still reserved", q.Memory.UsedBytes())
			}
			if n, ok := f.snapshot(rt).Files().TotalRecords(); ok && n != count {
				rt.Fatalf("the table has %d rows, not %d", n, count)
			}
		}
	})
}

// rowsToInsert puts rows into batches of any size.
func rowsToInsert(t *rapid.T, rows []keyed) exec.Operator {
	var batches []*vector.Batch
	for len(rows) > 0 {
		part := rows[:min(len(rows), rapid.IntRange(1, 7).Draw(t, "batch"))]
		rows = rows[len(part):]
		id, n := vector.New(long, len(part)), vector.New(long, len(part))
		for i, r := range part {
			id.I64[i], n.I64[i] = r.id, r.n
			if r.null {
				n.SetNull(i)
			}
		}
		batches = append(batches, &vector.Batch{Len: len(part), Cols: []*vector.Vector{id, n}, First: int64(3 * len(batches))})
	}
	return exec.NewValues(fields, batches)
}

// TestUpsertsWithRepeatedKeys: keys repeat within batches and across them; each row counts, in its turn, whatever the mode and
// however many rows may be held.
func TestUpsertsWithRepeatedKeys(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(rt, rapid.Bool().Draw(rt, "vectors"), rapid.Bool().Draw(rt, "no statistics"))
		defer dml.SetBulkRows(dml.SetBulkRows(rapid.SampledFrom([]int{0, 1, 5, 100}).Draw(rt, "rows held")))
		q := &exec.Query{Workers: rapid.IntRange(1, 3).Draw(rt, "workers"), BatchRows: 3, Env: &expr.Env{}, Memory: exec.NewBudget(0, nil)}
		for range rapid.IntRange(1, 3).Draw(rt, "statements") {
			mode := rapid.SampledFrom([]dml.KeyedMode{dml.Upsert, dml.Replace, dml.Ignore}).Draw(rt, "mode")
			ascending := rapid.Bool().Draw(rt, "ascending")
			var rows []keyed
			next := rapid.Int64Range(0, 30).Draw(rt, "first")
			for i := range rapid.IntRange(1, 30).Draw(rt, "rows") {
				if next++; !ascending || i > 8 && rapid.IntRange(0, 5).Draw(rt, "again") == 0 {
					next = rapid.Int64Range(0, 12).Draw(rt, "id")
				}
				rows = append(rows, keyed{id: next, n: rapid.Int64Range(0, 40).Draw(rt, "n")})
			}
			fresh := map[int64]bool{}
			var ignored int64
			for _, r := range rows {
				old, there := f.rows[r.id]
				switch {
				case !there:
					fresh[r.id] = true
					f.rows[r.id] = r.n
				case mode == dml.Upsert:
					f.rows[r.id] = old + r.n
				case mode == dml.Replace:
					f.rows[r.id] = r.n
				default:
					ignored++
				}
			}
			workers := q.Workers
			insert := func(tb *dml.Table) (dml.Result, error) {
				return tb.InsertKeyed(context.Background(), q, rowsToInsert(rt, rows), mode, []expr.Expr{column(2), call("+", column(3), column(1))}, nil)
			}
			res, err := dml.Result{}, dml.ErrRepeats
			if rapid.Bool().Draw(rt, "hopeful") {
				res, err = f.write(rt, func(tb *dml.Table) (dml.Result, error) {
					tb.Hopeful = true
					return insert(tb)
				}, 0)
			}
			if errors.Is(err, dml.ErrRepeats) {
				q.Workers = 1 // rows come in their order
				res, err = f.write(rt, insert, 0)
				q.Workers = workers
			}
			if err != nil || res.Inserted != int64(len(fresh)) || res.Ignored != ignored {
				rt.Fatalf("mode %d of %v: %+v, %v; want %d inserted, %d ignored", mode, rows, res, err, len(fresh), ignored)
			}
			if q.Memory.UsedBytes() != 0 {
				rt.Fatalf("%d bytes are still reserved", q.Memory.UsedBytes())
			}
			f.check(rt)
		}
	})
}

// TestKeysDoubledByOthers: another engine, which knows no keys, has written two rows of one. A long INSERT of other keys is no worse
// for it, and an upsert that names the key twice updates each row from its own values.
func TestKeysDoubledByOthers(t *testing.T) {
	f := newFixture(t, true, false)
	defer dml.SetBulkRows(dml.SetBulkRows(1))
	rows := func(ids, ns []int64) exec.Operator {
		id, n := vector.New(long, len(ids)), vector.New(long, len(ids))
		copy(id.I64, ids)
		copy(n.I64, ns)
		return exec.NewValues(fields, []*vector.Batch{{Len: len(ids), Cols: []*vector.Vector{id, n}}})
	}
	if _, err := f.write(t, func(tb *dml.Table) (dml.Result, error) {
		return tb.Append(context.Background(), query, rows([]int64{5, 5}, []int64{10, 20}))
	}); err != nil {
		t.Fatal(err)
	}
	insert := func(ids ...int64) error {
		_, err := f.write(t, func(tb *dml.Table) (dml.Result, error) {
			return tb.InsertKeyed(context.Background(), query, rows(ids, make([]int64, len(ids))), dml.Reject, nil, nil)
		}, 0)
		return err
	}
	if err := insert(9, 1, 3); err != nil {
		t.Fatal(err)
	}
	var duplicate *dml.DuplicateKeyError
	if err := insert(8, 5, 2); !errors.As(err, &duplicate) || duplicate.Key != "5" {
		t.Errorf("INSERT of the doubled key: %v", err)
	}
	if err := insert(8, 7, 8); !errors.As(err, &duplicate) || duplicate.Key != "8" {
		t.Errorf("INSERT of a key twice: %v", err)
	}
	if _, err := f.write(t, func(tb *dml.Table) (dml.Result, error) {
		return tb.InsertKeyed(context.Background(), query, rows([]int64{5, 5}, []int64{1, 1}), dml.Upsert, []expr.Expr{column(2), call("+", column(3), column(1))}, nil)
	}, 0); err != nil {
		t.Fatal(err)
	}
	var got []int64
	snap := f.snapshot(t)
	in := exec.NewScan(scan.NewSource(snap, scan.Options{}), exec.ScanSpec{Columns: []int{0, 1}})
	if err := exec.Run(context.Background(), query, in, func(b *vector.Batch) error {
		for k := range b.Rows() {
			if i := b.Row(k); b.Cols[0].Int(i) == 5 {
				got = append(got, b.Cols[1].Int(i))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, []int64{12, 22}) {
		t.Errorf("the rows of the doubled key are %v, want 12 and 22", got)
	}
}
