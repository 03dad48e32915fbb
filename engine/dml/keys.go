package dml

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// maxInList is the number of distinct source keys up to which the target is searched for each of them.
const maxInList = 256

// keyBounds returns predicates on the target key that every match fulfils: an IN list of few keys, else their range.
func keyBounds(source []*vector.Batch, sourceKey, targetKey expr.Expr, env *expr.Env) ([]expr.Expr, error) {
	ev, err := expr.Compile(sourceKey, env)
	if err != nil {
		return nil, err
	}
	var lo, hi types.Value
	distinct := map[types.Value]bool{}
	for _, b := range source {
		v, err := ev.Eval(b)
		if err != nil {
			return nil, err
		}
		for i := range b.Len {
			if v.IsNull(i) {
				continue
			}
			val := v.Value(i)
			if val.Type.IsFloat() && math.IsNaN(val.F) {
				return nil, nil
			}
			if !lo.Valid || types.Compare(val, lo) < 0 {
				lo = val
			}
			if !hi.Valid || types.Compare(val, hi) > 0 {
				hi = val
			}
			if len(distinct) <= maxInList {
				distinct[val] = true
			}
		}
	}
	if !lo.Valid { // no key at all: nothing can match
		return []expr.Expr{&expr.Literal{Val: types.BoolValue(false)}}, nil
	}
	if len(distinct) <= maxInList {
		args := []expr.Expr{targetKey}
		for val := range distinct {
			args = append(args, &expr.Literal{Val: val})
		}
		in, err := expr.New("in", args...)
		return []expr.Expr{in}, err
	}
	ge, err := expr.New(">=", targetKey, &expr.Literal{Val: lo})
	if err != nil {
		return nil, err
	}
	le, err := expr.New("<=", targetKey, &expr.Literal{Val: hi})
	return []expr.Expr{ge, le}, err
}

// keyText renders the key of a row for a duplicate-key error.
func keyText(b *vector.Batch, row int, position []int, keys []expr.Expr) string {
	var cols []*vector.Vector
	for _, k := range keys {
		for _, c := range expr.Columns(k) {
			cols = append(cols, b.Cols[position[c]])
		}
	}
	return keyValues(cols, row)
}

// KeyedMode says what a keyed insert does with a row whose key exists.
type KeyedMode uint8

// The modes of a keyed insert.
const (
	Reject  KeyedMode = iota // INSERT
	Replace                  // REPLACE
	Ignore                   // INSERT IGNORE
	Upsert                   // INSERT … ON DUPLICATE KEY UPDATE
)

// InsertKeyed inserts the rows of op, whose columns are the table's, minding the declared key. onDuplicate, for
// Upsert, has one expression per column over new ++ stored columns, of which assigned may differ from the stored ones.
// Rows of one statement that share a key are
// taken one after the other, as MySQL does; a key with a NULL is nobody else's.
func (t *Table) InsertKeyed(ctx context.Context, q *exec.Query, op exec.Operator, mode KeyedMode, onDuplicate []expr.Expr, assigned []int) (Result, error) {
	var sum Result
	share := t.Share
	t.Share = false
	var batches []*vector.Batch
	if mode == Reject || t.Hopeful {
		res, held, small, err := t.insertNew(ctx, q, op, mode)
		if err != nil || !small {
			return res, err
		}
		batches = held
	} else {
		before, err := t.ascending(ctx, q, op, mode)
		if err != nil {
			return Result{}, err
		}
		defer before.held.free()
		batches = before.held.batches
		sum.Inserted = before.written()
	}
	rounds, total, repeated, err := t.rounds(batches, mode)
	if err != nil {
		return Result{}, err
	}
	t.Share = share && len(rounds) == 1 && t.Tx.Blind()
	total += sum.Inserted
	if mode == Upsert && len(rounds) > 1 && t.foldable(onDuplicate) {
		res, err := t.foldRounds(ctx, q, rounds, onDuplicate, assigned)
		res.Inserted += sum.Inserted
		if !errors.Is(err, errDoubled) {
			return res, err
		}
	}
	for i, batches := range rounds {
		if i > 0 {
			if t.Snapshot, err = t.Tx.Effective(); err != nil {
				return Result{}, err
			}
		}
		m := t.keyedMerge(exec.NewValues(t.fields(), batches), mode, onDuplicate, assigned)
		res, err := t.Merge(ctx, q, m)
		if err != nil {
			return Result{}, err
		}
		sum.Inserted += res.Inserted
		sum.Updated += res.Updated
		sum.Same += res.Same
	}
	switch mode {
	case Ignore:
		sum.Ignored = total - sum.Inserted
	case Replace:
		sum.Displaced = max(0, total-sum.Inserted-sum.Updated-sum.Same-repeated)
		sum.Same += repeated
	}
	return sum, nil
}

func (t *Table) keyedMerge(source exec.Operator, mode KeyedMode, onDuplicate []expr.Expr, assigned []int) Merge {
	fields := t.fields()
	column := func(at int, f exec.Field) expr.Expr {
		return &expr.Column{Index: at, Name: f.Name, Typ: f.Type, Null: f.Nullable}
	}
	newRow := make([]expr.Expr, len(fields))
	for i, f := range fields {
		newRow[i] = column(i, f)
	}
	m := Merge{Source: source, distinct: true, Clauses: []Clause{{Kind: NotMatched, Act: InsertRow, Row: newRow}}}
	for _, k := range t.Key {
		eq, err := expr.New("=", column(k, fields[k]), column(len(fields)+k, fields[k]))
		if err != nil {
			panic(err) // one type on both sides always compares
		}
		m.On = append(m.On, eq)
	}
	switch mode {
	case Reject:
		m.Clauses = append(m.Clauses, Clause{Kind: Matched, Act: RejectRow})
	case Replace:
		all := make([]int, len(fields))
		for i := range all {
			all[i] = i
		}
		m.Clauses = append(m.Clauses, Clause{Kind: Matched, Act: UpdateRow, Row: newRow, assigned: all})
	case Upsert:
		m.Clauses = append(m.Clauses, Clause{Kind: Matched, Act: UpdateRow, Row: onDuplicate, assigned: assigned})
	}
	return m
}

// rounds splits the new rows so that no key appears twice in a round. REPLACE keeps only the last row of a
// key, INSERT IGNORE only the first; INSERT refuses a second one. Rows with a NULL in the key are all in the first.
// total counts the rows, repeated those of a REPLACE that are what the one before with their key was.
func (t *Table) rounds(batches []*vector.Batch, mode KeyedMode) (rounds [][]*vector.Batch, total, repeated int64, err error) {
	seen := map[string]int{}
	last := map[string]rowAt{}
	var keyless []rowAt
	for at, b := range batches {
		total += int64(b.Len)
		sels := map[int][]uint16{}
		for i := range b.Len {
			key, whole := encodeKey(t.keyColumns(b), i)
			round := seen[key]
			if whole {
				seen[key]++
			}
			switch {
			case mode == Replace && !whole:
				keyless = append(keyless, rowAt{at, i})
				continue
			case mode == Reject && round > 0:
				return nil, 0, 0, &DuplicateKeyError{Table: t.Name, Key: t.keyOf(b, i)}
			case mode == Ignore && round > 0:
				continue
			case mode == Replace:
				if before, ok := last[key]; ok && equalRows(batches[before.batch], before.row, b, i) {
					repeated++
				}
				last[key] = rowAt{at, i}
				continue
			}
			sels[round] = append(sels[round], uint16(i))
		}
		rounds = appendRounds(rounds, b, sels)
	}
	if mode == Replace {
		rounds = pick(batches, slices.AppendSeq(keyless, maps.Values(last)))
	}
	return rounds, total, repeated, nil
}

// equalRows reports whether two rows of the same columns have equal values.
func equalRows(a *vector.Batch, i int, b *vector.Batch, j int) bool {
	for k, c := range a.Cols {
		if c.Value(i) != b.Cols[k].Value(j) {
			return false
		}
	}
	return true
}

// heldBatches are rows that a statement holds within its budget, with room for an index of their keys.
type heldBatches struct {
	q       *exec.Query
	batches []*vector.Batch
	size    int64
}

// keyEntryBytes is about what a map's entry for a short key takes.
const keyEntryBytes = 64

func (h *heldBatches) add(b *vector.Batch) error {
	c := b.Compact()
	n := int64(c.SizeBytes()) + int64(c.Len)*keyEntryBytes
	if err := h.q.Memory.Reserve("rows with keys", n); err != nil {
		return err
	}
	h.size += n
	h.batches = append(h.batches, c)
	return nil
}

func (h *heldBatches) free() {
	h.q.Memory.Release(h.size)
	h.size, h.batches = 0, nil
}

type rowAt struct{ batch, row int }

func appendRounds(rounds [][]*vector.Batch, b *vector.Batch, sels map[int][]uint16) [][]*vector.Batch {
	for _, round := range slices.Sorted(maps.Keys(sels)) {
		if round == len(rounds) { // a key's rounds follow one another, so none is left out
			rounds = append(rounds, nil)
		}
		rounds[round] = append(rounds[round], (&vector.Batch{Len: b.Len, Sel: sels[round], Cols: b.Cols}).Compact())
	}
	return rounds
}

// pick returns the given rows in their order, as one round.
func pick(batches []*vector.Batch, rows []rowAt) [][]*vector.Batch {
	keep := make([]vector.Bitmap, len(batches))
	for i, b := range batches {
		keep[i] = vector.NewBitmap(b.Len)
	}
	for _, at := range rows {
		keep[at.batch].Set(at.row)
	}
	var out []*vector.Batch
	for i, b := range batches {
		var sel []uint16
		for r := range b.Len {
			if keep[i].Get(r) {
				sel = append(sel, uint16(r))
			}
		}
		if len(sel) > 0 {
			out = append(out, (&vector.Batch{Len: b.Len, Sel: sel, Cols: b.Cols}).Compact())
		}
	}
	if out == nil {
		return nil
	}
	return [][]*vector.Batch{out}
}

// keyOf renders the declared key of a row of the table.
func (t *Table) keyOf(b *vector.Batch, row int) string {
	return keyValues(t.keyColumns(b), row)
}

// keyColumns are the columns of the declared key in a batch of the table's columns.
func (t *Table) keyColumns(b *vector.Batch) []*vector.Vector {
	cols := make([]*vector.Vector, len(t.Key))
	for i, k := range t.Key {
		cols[i] = b.Cols[k]
	}
	return cols
}

// encodeKey gives rows with equal keys the same bytes; whole is false for a key with a NULL, which equals none.
func encodeKey(cols []*vector.Vector, row int) (text string, whole bool) {
	var out []byte
	whole = true
	for _, c := range cols {
		v := c.Value(row)
		switch {
		case !v.Valid:
			whole = false
			out = append(out, 0)
		case v.Type.IsBytes():
			out = append(binary.AppendUvarint(append(out, 1), uint64(len(v.S))), v.S...)
		case v.Type.IsFloat():
			out = binary.LittleEndian.AppendUint64(append(out, 1), floatKey(v.F))
		case v.Type.Kind == types.Decimal:
			out = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(append(out, 1), v.D.Lo), uint64(v.D.Hi))
		default:
			out = binary.LittleEndian.AppendUint64(append(out, 1), uint64(v.I))
		}
	}
	return string(out), whole
}

// floatKey maps equal floats to equal bits: there is one NaN and one zero.
func floatKey(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case math.IsNaN(f):
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(f)
}

// CheckKeys looks for two rows with one key without a NULL, the statement's changes included, but for those that had it before the statement;
// nil: there were none. It is for statements that assign to columns of the key, and reads the key of every row.
func (t *Table) CheckKeys(ctx context.Context, q *exec.Query, before *delta.Snapshot) error {
	t.Tx.ReadAll()
	whole, err := t.wholeKey()
	if err != nil {
		return err
	}
	after, err := t.Tx.Effective()
	if err != nil {
		return err
	}
	return t.newlyDoubled(ctx, q, after, before, whole)
}

// wholeKey is the condition that no column of the key is NULL.
func (t *Table) wholeKey() (expr.Expr, error) {
	var whole []expr.Expr
	for _, k := range t.Key {
		f := t.fields()[k]
		if !f.Nullable {
			continue
		}
		null, err := expr.New("isnull", &expr.Column{Index: k, Name: f.Name, Typ: f.Type, Null: true})
		if err != nil {
			return nil, err
		}
		not, err := expr.New("not", null)
		if err != nil {
			return nil, err
		}
		whole = append(whole, not)
	}
	return expr.And(whole...), nil
}

// keyValues renders a row of some columns as MySQL shows a key.
func keyValues(cols []*vector.Vector, row int) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		v := c.Value(row)
		if parts[i] = strings.Trim(v.String(), "'"); v.Type.IsBytes() && v.Valid {
			parts[i] = v.S
		}
	}
	return strings.Join(parts, "-")
}
