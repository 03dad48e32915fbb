package exec

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// asOfMerge joins the two sides, both sorted by keys and time, in one pass.
type asOfMerge struct {
	run         *asOfRun
	left, right Stream
	lset, rset  *exprSet // keys, time
	lkey        []byte
	live        []uint16

	batch *vector.Batch // of the right side; nil at its end
	vecs  []*vector.Vector
	row   int // of batch, among its live rows
	rkey  []byte
	rtime uint64

	// The candidate is the last right row at or before the left row.
	ckey []byte
	at   int    // its row in batch; -1: only rows has it, or there is none
	ref  uint32 // in rows; noRow: not there
	rows *collector
	sel  [1]uint16
}

// replayOf streams the rows that spools keep.
func replayOf(q *Query, spools []*spool) Stream {
	k := &kept{query: q, schema: spools[0].schema, spools: spools}
	k.once.Do(func() { k.started.Store(true) })
	k.open.Store(1)
	for _, s := range spools {
		k.chunks = append(k.chunks, s.chunks()...)
	}
	read := &replayRun{kept: k}
	read.open.Store(1)
	return &replayStream{run: read}
}

// newAsOfMerge sorts what lefts yield and the right rows of the spools.
func newAsOfMerge(ctx context.Context, r *asOfRun, lefts []Stream, rights []*spool) (*asOfMerge, error) {
	op, q := r.op, *r.query
	// Each side has half of the budget, or one could leave the other without any.
	q.Memory = NewBudget(r.query.Memory.LimitBytes()/2, r.query.Memory)
	lk, rk := orderedKeys(op.leftKeys, op.rightKeys), orderedKeys(op.rightKeys, op.leftKeys)
	m := &asOfMerge{run: r, at: -1, ref: noRow}
	var err error
	if m.lset, err = compileExprs(append(lk, op.leftTime), q.Env); err != nil {
		return nil, err
	}
	if m.rset, err = compileExprs(append(rk, op.rightTime), q.Env); err != nil {
		return nil, err
	}
	right := &sortStream{op: NewSort(op.right, append(sortKeysOf(rk, op.rightTime), op.ties...)), query: &q, left: -1,
		inputs: []Stream{replayOf(r.query, rights)}}
	lq := q
	lq.Memory = NewBudget(q.Memory.LimitBytes(), r.query.Memory)
	left := &sortStream{op: NewSort(op.left, sortKeysOf(lk, op.leftTime)), query: &lq, left: -1, inputs: lefts}
	m.left, m.right = left, right
	// The streams that wait for this may close their inputs after it: all must be read by then.
	left.started, left.err = true, left.start(ctx)
	if err := errors.Join(left.err, m.load(ctx)); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// orderedKeys is es in types whose sort keys are those of the expressions at the other side.
func orderedKeys(es, others []expr.Expr) []expr.Expr {
	out := append([]expr.Expr(nil), es...)
	for i, e := range es {
		if e.Type().IsInteger() && e.Type() != others[i].Type() {
			out[i] = expr.Cast(e, types.Of(types.Int64))
		}
	}
	return out
}

func sortKeysOf(keys []expr.Expr, time expr.Expr) []SortKey {
	var out []SortKey
	for _, e := range append(append([]expr.Expr(nil), keys...), time) {
		out = append(out, SortKey{Expr: e})
	}
	return out
}

// load reads the next batch of the right side; the candidate outlives the one before.
func (m *asOfMerge) load(ctx context.Context) (err error) {
	if m.at >= 0 {
		if err := m.hold(); err != nil {
			return err
		}
		m.at = -1
	}
	m.row = 0
	if m.batch, err = m.right.Next(ctx); err != nil {
		m.batch = nil
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	}
	if m.vecs, err = m.rset.eval(m.batch); err != nil {
		return err
	}
	m.readRight()
	return nil
}

func (m *asOfMerge) readRight() {
	i := m.batch.Row(m.row)
	m.rkey = appendKeys(m.rkey[:0], m.vecs[:len(m.vecs)-1], i)
	m.rtime = sortkey.Word(m.vecs[len(m.vecs)-1], i)
}

func appendKeys(dst []byte, vecs []*vector.Vector, i int) []byte {
	for _, v := range vecs {
		dst = sortkey.Append(dst, v, i, false)
	}
	return dst
}

// hold copies the candidate into rows.
func (m *asOfMerge) hold() error {
	if m.ref != noRow {
		return nil
	}
	m.sel[0], m.ref = uint16(m.at), uint32(m.rows.rows)
	return m.rows.add(m.batch.Cols, m.sel[:], 1)
}

// next joins a batch of the left side.
func (m *asOfMerge) next(ctx context.Context, s *asOfStream) (*vector.Batch, error) {
	for {
		b, err := m.left.Next(ctx)
		if err != nil {
			return nil, err
		}
		if err := m.renew(); err != nil {
			return nil, err
		}
		if err := m.join(ctx, s, b); err != nil {
			return nil, err
		}
		rows := newRowSet(m.rows.schema.types, []*collector{m.rows})
		if out := s.emit(b, rows); out != nil {
			return out, nil
		}
	}
}

// renew empties rows but for the candidate.
func (m *asOfMerge) renew() error {
	old := m.rows
	m.rows = newCollector(newRowSchema(fieldTypes(m.run.op.right.Fields())), nil)
	switch {
	case m.at >= 0:
		m.ref = noRow
	case m.ref != noRow:
		m.sel[0] = uint16(m.ref & (chunkRows - 1))
		ref := m.ref
		m.ref = 0
		return m.rows.add(old.chunks[ref>>chunkBits].Cols, m.sel[:], 1)
	}
	return nil
}

// join finds the right row of each row of b.
func (m *asOfMerge) join(ctx context.Context, s *asOfStream, b *vector.Batch) error {
	vecs, err := m.lset.eval(b)
	if err != nil {
		return err
	}
	m.live = liveKeys(m.live[:0], vecs, b)
	s.sel, s.refs = s.sel[:0], s.refs[:0]
	next := 0 // in live
	for k := range b.Rows() {
		i, ref := b.Row(k), noRow
		if next < len(m.live) && int(m.live[next]) == i {
			next++
			m.lkey = appendKeys(m.lkey[:0], vecs[:len(vecs)-1], i)
			if err := m.advance(ctx, sortkey.Word(vecs[len(vecs)-1], i)); err != nil {
				return err
			}
			if (m.at >= 0 || m.ref != noRow) && bytes.Equal(m.ckey, m.lkey) {
				if err := m.hold(); err != nil {
					return err
				}
				ref = m.ref
			}
		}
		if ref != noRow || m.run.op.outer {
			s.sel, s.refs = append(s.sel, uint16(i)), append(s.refs, ref)
		}
	}
	return nil
}

// advance makes the last right row that is not after the left row's key and time t the candidate.
func (m *asOfMerge) advance(ctx context.Context, t uint64) error {
	for m.batch != nil {
		c := bytes.Compare(m.rkey, m.lkey)
		if c > 0 || c == 0 && (m.rtime > t || m.rtime == t && m.run.op.strict) {
			return nil
		}
		m.ckey = append(m.ckey[:0], m.rkey...)
		m.at, m.ref = m.batch.Row(m.row), noRow
		if m.row++; m.row < m.batch.Rows() {
			m.readRight()
		} else if err := m.load(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *asOfMerge) close() {
	_ = m.left.Close() // reading is over
	_ = m.right.Close()
}
