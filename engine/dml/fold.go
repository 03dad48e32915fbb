package dml

import (
	"context"
	"errors"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// fold is an upsert in which keys repeat: what their rows come to, one after the other, is worked out in memory, and
// written once.
type fold struct {
	t        *Table
	q        *exec.Query
	update   *rowProgram
	assigned []int
	checks   *appender // nothing is written by it

	state  map[string][]types.Value // by key; nil until there is a row
	stored map[string][]types.Value // those that the table has
	held   int64
	result Result
}

// valueBytes is about what a value of a row takes in memory, without its text.
const valueBytes = 64

// errDoubled says that the table has two rows of one key, which another engine wrote: each is updated from its own values.
var errDoubled = errors.New("a key is there twice")

// foldable reports whether upserts keep their keys, and rows can be held as values.
func (t *Table) foldable(onDuplicate []expr.Expr) bool {
	fields := t.fields()
	for _, f := range fields {
		if f.Type.Kind == types.JSON { // nested, which only files hold as it is
			return false
		}
	}
	for _, k := range t.Key {
		if c := bareColumn(onDuplicate[k]); c == nil || c.Index != len(fields)+k {
			return false
		}
	}
	return true
}

// foldRounds executes the rounds of an upsert: rows whose key comes once as one MERGE, the others as another. On errDoubled
// nothing has been done.
func (t *Table) foldRounds(ctx context.Context, q *exec.Query, rounds [][]*vector.Batch, onDuplicate []expr.Expr, assigned []int) (Result, error) {
	f := &fold{t: t, q: q, assigned: assigned, state: map[string][]types.Value{}}
	defer func() { q.Memory.Release(f.held) }()
	var err error
	if f.update, err = compileRow(onDuplicate, q.Env); err != nil {
		return Result{}, err
	}
	if f.checks, err = t.newAppender(ctx, q.Env); err != nil {
		return Result{}, err
	}
	for _, b := range rounds[1] { // every key that repeats is there
		for i := range b.Len {
			key, _ := encodeKey(t.keyColumns(b), i)
			f.state[key] = nil
		}
	}
	if err := f.load(ctx, rounds[1]); err != nil {
		return Result{}, err
	}
	once := f.apart(rounds)
	for _, batches := range rounds {
		for _, b := range batches {
			if err := f.apply(b); err != nil {
				return Result{}, err
			}
		}
	}
	res, err := t.Merge(ctx, q, t.keyedMerge(exec.NewValues(t.fields(), once), Upsert, onDuplicate, assigned))
	if err != nil {
		return Result{}, err
	}
	f.result.Inserted += res.Inserted
	f.result.Updated += res.Updated
	f.result.Same += res.Same
	if t.Snapshot, err = t.Tx.Effective(); err != nil {
		return Result{}, err
	}
	_, err = t.Merge(ctx, q, t.keyedMerge(exec.NewValues(t.fields(), f.final()), Replace, nil, nil))
	return f.result, err
}

// load reads the stored rows of the keys that repeat.
func (f *fold) load(ctx context.Context, keys []*vector.Batch) error {
	t := f.t
	fields := t.fields()
	var preds []expr.Expr
	target, source := make([]expr.Expr, len(t.Key)), make([]expr.Expr, len(t.Key))
	for i, k := range t.Key {
		target[i] = &expr.Column{Index: k, Name: fields[k].Name, Typ: fields[k].Type, Null: fields[k].Nullable}
		source[i] = target[i]
		ps, err := keyBounds(keys, source[i], target[i], f.q.Env)
		if err != nil {
			return err
		}
		preds = append(preds, ps...)
	}
	filter := expr.And(preds...)
	if err := t.Read(filter, f.q.Env); err != nil {
		return err
	}
	scan := exec.NewScan(t.source(), exec.ScanSpec{Columns: upTo(len(fields)), Filter: filter, Env: f.q.Env})
	join, err := exec.NewHashJoin(scan, exec.NewValues(fields, keys), exec.JoinSemi, target, source, nil)
	if err != nil {
		return err
	}
	f.stored = map[string][]types.Value{}
	return exec.Run(ctx, f.q, join, func(b *vector.Batch) error {
		for k := range b.Rows() {
			i := b.Row(k)
			key, _ := encodeKey(t.keyColumns(b), i)
			if f.stored[key] != nil {
				return errDoubled
			}
			row := rowValues(b.Cols, i)
			f.stored[key] = row
			if err := f.set(key, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// set makes row what is there of a key.
func (f *fold) set(key string, row []types.Value) error {
	n := rowBytes(row)
	if old := f.state[key]; old != nil {
		n = max(0, n-rowBytes(old))
	}
	f.state[key] = row
	if err := f.q.Memory.Reserve("upsert", n); err != nil {
		return err
	}
	f.held += n
	return nil
}

func rowBytes(row []types.Value) int64 {
	n := len(row) * valueBytes
	for i := range row {
		n += len(row[i].S)
	}
	return int64(n)
}

func rowValues(cols []*vector.Vector, i int) []types.Value {
	row := make([]types.Value, len(cols))
	for c, v := range cols {
		row[c] = v.Value(i)
	}
	return row
}

// apart takes the rows whose key comes once out of the first round, which has them all.
func (f *fold) apart(rounds [][]*vector.Batch) (once []*vector.Batch) {
	var again []*vector.Batch
	for _, b := range rounds[0] {
		var one, more []uint16
		for i := range b.Len {
			if key, _ := encodeKey(f.t.keyColumns(b), i); f.repeats(key) {
				more = append(more, uint16(i))
			} else {
				one = append(one, uint16(i))
			}
		}
		for sel, to := range map[*[]uint16]*[]*vector.Batch{&one: &once, &more: &again} {
			if len(*sel) > 0 {
				*to = append(*to, (&vector.Batch{Len: b.Len, Sel: *sel, Cols: b.Cols}).Compact())
			}
		}
	}
	rounds[0] = again
	return once
}

func (f *fold) repeats(key string) bool {
	_, ok := f.state[key]
	return ok
}

// apply takes rows of keys that differ: new ones are there from now on, the others change what is there.
func (f *fold) apply(b *vector.Batch) error {
	keys := make([]string, b.Len)
	var fresh, known []uint16
	for i := range b.Len {
		keys[i], _ = encodeKey(f.t.keyColumns(b), i)
		if f.state[keys[i]] == nil {
			fresh = append(fresh, uint16(i))
		} else {
			known = append(known, uint16(i))
		}
	}
	if len(fresh) > 0 {
		in := &vector.Batch{Len: b.Len, Sel: fresh, Cols: b.Cols}
		if err := f.checks.enforce(in); err != nil {
			return err
		}
		for _, i := range fresh {
			if err := f.set(keys[i], rowValues(b.Cols, int(i))); err != nil {
				return err
			}
		}
		f.result.Inserted += int64(len(fresh))
	}
	if len(known) == 0 {
		return nil
	}
	fields := f.t.fields()
	stored := make([]*vector.Vector, len(fields))
	for c, field := range fields {
		stored[c] = vector.New(field.Type, 0)
		for i := range b.Len {
			if row := f.state[keys[i]]; row != nil {
				stored[c].AppendValue(row[c])
			} else {
				stored[c].AppendValue(types.NullOf(field.Type))
			}
		}
	}
	in := &vector.Batch{Len: b.Len, Cols: append(append([]*vector.Vector(nil), b.Cols...), stored...)}
	out, err := f.update.eval(in, known)
	if err != nil {
		return err
	}
	changed := differing(known, f.assigned, out.Cols, func(k int) *vector.Vector { return stored[f.assigned[k]] })
	f.result.Same += int64(len(known) - len(changed))
	f.result.Updated += int64(len(changed))
	out.Sel = changed
	if err := f.checks.enforce(out); err != nil {
		return err
	}
	for _, i := range changed {
		if err := f.set(keys[i], rowValues(out.Cols, int(i))); err != nil {
			return err
		}
	}
	return nil
}

// final is the rows that are new or have changed in the end.
func (f *fold) final() []*vector.Batch {
	fields := f.t.fields()
	var out []*vector.Batch
	var b *vector.Batch
	for key, row := range f.state {
		if old, ok := f.stored[key]; ok && sameRow(old, row) {
			continue
		}
		if b == nil || b.Len == vector.MaxRows {
			b = &vector.Batch{Cols: make([]*vector.Vector, len(fields))}
			for c, field := range fields {
				b.Cols[c] = vector.New(field.Type, 0)
			}
			out = append(out, b)
		}
		for c, v := range row {
			b.Cols[c].AppendValue(v)
		}
		b.Len++
	}
	return out
}

func sameRow(a, b []types.Value) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
