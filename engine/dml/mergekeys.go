package dml

import (
	"context"
	"sync"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// newKeys holds the declared keys of the rows that a MERGE inserts or whose key it changes. Rows that keep their key
// cannot become duplicates of one another, so they are not looked at.
type newKeys struct {
	mu    sync.Mutex
	seen  map[string]bool
	rows  []*vector.Batch // the key's columns, compact
	probe bool            // a stored row may have one of the keys
}

// add notes the keys of a batch of new rows, and refuses one that the statement has made already.
func (n *newKeys) add(r *mergeRun, b *vector.Batch, probe bool) error {
	keys := (&vector.Batch{Len: b.Len, Sel: b.Sel, Cols: r.t.keyColumns(b)}).Compact()
	n.mu.Lock()
	defer n.mu.Unlock()
	size := int64(keys.SizeBytes()) + int64(keys.Len)*keyEntryBytes
	if err := r.q.Memory.Reserve("MERGE keys", size); err != nil {
		return err
	}
	r.held += size
	for i := range keys.Len {
		text, whole := encodeKey(keys.Cols, i)
		if whole && n.seen[text] {
			return &DuplicateKeyError{Table: r.t.Name, Key: keyValues(keys.Cols, i)}
		}
		n.seen[text] = whole
	}
	if probe {
		n.probe = true
		n.rows = append(n.rows, keys)
	}
	return nil
}

// setsKey reports whether the rows of a clause get keys that have to be looked at. stored is true where a stored row
// may have such a key: not if the key was compared with all rows of the table, and met none.
func (r *mergeRun) setsKey(c *Clause) (set, stored bool) {
	if len(r.t.Key) == 0 || r.m.distinct || c.Act != UpdateRow && c.Act != InsertRow {
		return false, false
	}
	compared := len(r.residual) == 0 && len(r.targetOnly) == 0 && len(r.targetKeys) == len(r.t.Key)
	for _, k := range r.t.Key {
		col := bareColumn(c.Row[k])
		paired := col != nil && r.isPaired(col, k)
		if c.Act == UpdateRow && (paired || col != nil && col.Index == r.width+k) {
			continue
		}
		set = true
		compared = compared && paired
	}
	return set, set && (c.Act == UpdateRow || !compared)
}

// isPaired reports whether the condition says that key column k equals a column of the source.
func (r *mergeRun) isPaired(source *expr.Column, k int) bool {
	for i, key := range r.targetKeys {
		t, s := bareColumn(key), bareColumn(r.sourceKeys[i])
		if t != nil && s != nil && t.Index == k && s.Index == source.Index {
			return true
		}
	}
	return false
}

// bareColumn returns the column that e is, or converts from one type of integers to another; nil for anything else.
func bareColumn(e expr.Expr) *expr.Column {
	if c, ok := e.(*expr.Call); ok && c.Name == "cast" && c.Typ.IsInteger() && c.Args[0].Type().IsInteger() {
		e = c.Args[0]
	}
	col, _ := e.(*expr.Column)
	return col
}

// checkNewKeys looks up the new keys among the rows that the table has after the statement: each must be there once.
func (r *mergeRun) checkNewKeys(ctx context.Context) error {
	if !r.keys.probe {
		return nil
	}
	fields := make([]exec.Field, len(r.t.Key))
	var preds []expr.Expr
	for i, k := range r.t.Key {
		fields[i] = r.fields[k]
		stored := &expr.Column{Index: k, Name: fields[i].Name, Typ: fields[i].Type, Null: fields[i].Nullable}
		given := &expr.Column{Index: i, Name: fields[i].Name, Typ: fields[i].Type, Null: fields[i].Nullable}
		ps, err := keyBounds(r.keys.rows, given, stored, r.q.Env)
		if err != nil {
			return err
		}
		preds = append(preds, ps...)
	}
	filter := expr.And(preds...)
	if err := r.t.Read(filter, r.q.Env); err != nil {
		return err
	}
	snap, err := r.t.Tx.Effective()
	if err != nil {
		return err
	}
	found := map[string]bool{}
	src := scan.NewSource(snap, scan.Options{Cache: r.t.Cache, Locate: snap.Table().Locate})
	in := exec.NewScan(src, exec.ScanSpec{Columns: r.t.Key, Filter: filter, Env: r.q.Env})
	return exec.Run(ctx, r.q, in, func(b *vector.Batch) error {
		for k := range b.Rows() {
			row := b.Row(k)
			text, _ := encodeKey(b.Cols, row)
			if found[text] {
				return &DuplicateKeyError{Table: r.t.Name, Key: keyValues(b.Cols, row)}
			}
			if r.keys.seen[text] {
				found[text] = true
			}
		}
		return nil
	})
}
