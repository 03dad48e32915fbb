package exec

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// AsOfJoinOp is the point-in-time join: each left row meets at most one right row of the same keys, the newest
// one at (or before) its time.
type AsOfJoinOp struct {
	left, right         Operator
	leftKeys, rightKeys []expr.Expr
	leftTime, rightTime expr.Expr
	strict, outer       bool
	ties                []SortKey
	tieColumns          []int // of right, if all ties are such numbers: they are looked at where times are equal, and not kept beside
	fields              []Field
}

// NewAsOfJoin returns the join of each left row with the right row of equal keys whose rightTime is the
// greatest that is at most leftTime, or less than it if strict. Among equal times, the row that comes last in
// the order of ties (over right's columns) wins, then the later row. NULL keys and times match nothing. Left
// rows without a match are dropped, or put out with NULLs if outer. There may be no keys. The two times have
// the same type, of one 64-bit word. The right side is held in memory; past the budget, both sides are sorted by
// keys and time, in files, and merged by one stream.
func NewAsOfJoin(left, right Operator, leftKeys, rightKeys []expr.Expr, leftTime, rightTime expr.Expr, strict, outer bool, ties ...SortKey) (*AsOfJoinOp, error) {
	if len(leftKeys) != len(rightKeys) {
		return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("%d keys against %d", len(leftKeys), len(rightKeys))}
	}
	for i := range leftKeys {
		if l, r := leftKeys[i].Type(), rightKeys[i].Type(); !sameKeyType(l, r) {
			return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("key types %s and %s differ", l, r)}
		}
	}
	l, r := leftTime.Type(), rightTime.Type()
	if !sameKeyType(l, r) || l.Physical() == types.PhysI128 || l.Physical() == types.PhysBytes {
		return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("times of types %s and %s", l, r)}
	}
	kind := JoinInner
	if outer {
		kind = JoinLeft
	}
	return &AsOfJoinOp{left: left, right: right, leftKeys: leftKeys, rightKeys: rightKeys, leftTime: leftTime, rightTime: rightTime,
		strict: strict, outer: outer, ties: ties, tieColumns: numberColumns(ties), fields: joinFields(kind, left.Fields(), right.Fields())}, nil
}

// numberColumns returns the columns that the keys are, nil unless all are columns of integers that are never NULL, in ascending order.
func numberColumns(keys []SortKey) []int {
	var out []int
	for _, k := range keys {
		c, ok := k.Expr.(*expr.Column)
		if !ok || k.Desc || c.Null || c.Typ.Kind != types.Int32 && c.Typ.Kind != types.Int64 {
			return nil
		}
		out = append(out, c.Index)
	}
	return out
}

// Fields implements Operator.
func (a *AsOfJoinOp) Fields() []Field { return a.fields }

// Children implements Operator.
func (a *AsOfJoinOp) Children() []Operator { return []Operator{a.left, a.right} }

// Describe implements Operator.
func (a *AsOfJoinOp) Describe() string {
	name, op := "ASOF join", ">="
	if a.outer {
		name = "ASOF left join"
	}
	if a.strict {
		op = ">"
	}
	d := fmt.Sprintf("%s: %s %s %s", name, a.leftTime, op, a.rightTime)
	if len(a.leftKeys) > 0 {
		d += fmt.Sprintf(" by %s = %s", exprList(a.leftKeys), exprList(a.rightKeys))
	}
	return d
}

// Open implements Operator.
func (a *AsOfJoinOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	rights, err := a.right.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	run := &asOfRun{op: a, query: q, inputs: rights}
	out, err := mapStreams(ctx, q, a.left, func(in Stream) (Stream, error) { return newAsOfStream(run, in) })
	if err != nil {
		_ = closeAll(rights)
		return nil, err
	}
	for _, s := range out {
		run.lefts = append(run.lefts, s.(*asOfStream).in)
	}
	run.open.Store(int32(len(out)))
	return out, nil
}

// keptTies are the ties whose keys are kept for every right row.
func (a *AsOfJoinOp) keptTies() []SortKey {
	if a.tieColumns != nil {
		return nil
	}
	return a.ties
}

// asOfRun holds the right side: its rows ordered by key and time.
type asOfRun struct {
	op      *AsOfJoinOp
	query   *Query
	inputs  []Stream
	once    sync.Once
	started atomic.Bool
	err     error
	open    atomic.Int32

	lefts    []Stream
	spools   []*spool // the right rows whose keys and time are not NULL
	spilling atomic.Bool
	merge    *asOfMerge // nil: the right side is in memory
	merging  atomic.Bool

	rows   *rowSet
	acct   *account
	codec  *keyCodec
	keys   *groupTable
	starts []uint32 // of each key's rows in times; one more at the end
	times  []uint64
	refs   []uint32
}

// asOfEntry is a right row while they are sorted.
type asOfEntry struct {
	time uint64
	ref  uint32
	key  uint32
}

// asOfBuilder is one worker's part.
type asOfBuilder struct {
	run     *asOfRun
	set     *exprSet // keys, time, ties
	kb      keyBatch
	table   *groupTable
	gid     []uint32
	entries [][]asOfEntry // by chunk
	ties    sortKeysByChunk
	sel     []uint16
	rows    int
	acct    *account
	spool   *spool
}

// sortKeysByChunk holds one byte key a row.
type sortKeysByChunk []sortKeys

func (s *sortKeysByChunk) push(row int, key []byte) {
	if row&(chunkRows-1) == 0 {
		*s = append(*s, sortKeys{off: []int32{0}})
	}
	k := &(*s)[len(*s)-1]
	k.buf = append(k.buf, key...)
	k.off = append(k.off, int32(len(k.buf)))
}

func (r *asOfRun) prepare(ctx context.Context) error {
	r.once.Do(func() {
		r.started.Store(true)
		r.err = r.build(ctx)
	})
	return r.err
}

func (r *asOfRun) build(ctx context.Context) error {
	op, q := r.op, r.query
	r.codec = newKeyCodec(exprTypes(op.rightKeys), true)
	r.acct = q.account("asof join")
	es := append(append([]expr.Expr(nil), op.rightKeys...), op.rightTime)
	for _, t := range op.keptTies() {
		es = append(es, t.Expr)
	}
	ts := fieldTypes(op.right.Fields())
	schema := newRowSchema(ts)
	builders := make([]*asOfBuilder, len(r.inputs))
	for i := range builders {
		spool := newSpool(q, schema, "asof join", len(r.inputs))
		r.spools = append(r.spools, spool)
		builders[i] = &asOfBuilder{run: r, sel: []uint16{}, table: newGroupTable(r.codec, 0), acct: q.account("asof join"), spool: spool}
	}
	defer func() {
		for _, b := range builders {
			b.acct.free()
		}
	}()
	err := parallel(ctx, len(r.inputs), func(ctx context.Context, i int) error {
		set, err := compileExprs(es, q.Env)
		if err != nil {
			r.inputs[i].Close()
			return err
		}
		builders[i].set = set
		return drain(ctx, r.inputs[i], builders[i].take)
	})
	if err == nil && !r.spilling.Load() {
		r.rows = newRowSet(ts, r.collectors())
		if err = r.arrange(ctx, builders); isFull(err) {
			r.spilling.Store(true)
			err = nil
		}
	}
	if err != nil || !r.spilling.Load() {
		return err
	}
	for _, b := range builders {
		if err := b.toFile(); err != nil {
			return err
		}
	}
	r.acct.free()
	r.rows, r.keys = nil, nil
	r.merge, err = newAsOfMerge(ctx, r)
	return err
}

func (r *asOfRun) collectors() []*collector {
	out := make([]*collector, len(r.spools))
	for i, s := range r.spools {
		out[i] = s.rows
	}
	return out
}

// take keeps the rows whose keys and time are not NULL, with an index as long as all workers have room.
func (b *asOfBuilder) take(in *vector.Batch) error {
	vecs, err := b.set.eval(in)
	if err != nil {
		return err
	}
	nk := len(b.run.op.rightKeys)
	b.sel = liveKeys(b.sel[:0], vecs[:nk+1], in)
	if len(b.sel) == 0 {
		return nil
	}
	if b.run.spilling.Load() {
		if err := b.toFile(); err != nil {
			return err
		}
		return b.spool.add(in.Cols, b.sel, in.Len)
	}
	_ = b.spool.rows.add(in.Cols, b.sel, in.Len) // only accounting can fail
	b.index(vecs, in)
	if err = b.acct.set(b.sizeBytes()); err == nil {
		err = b.spool.acct.set(b.spool.rows.sizeBytes())
	}
	if !isFull(err) {
		return err
	}
	b.run.spilling.Store(true)
	return b.toFile()
}

// toFile lets go of the index and writes out the rows that it is of.
func (b *asOfBuilder) toFile() error {
	if b.table == nil {
		return nil
	}
	b.table, b.entries, b.ties = nil, nil, nil
	b.acct.free()
	return b.spool.spill()
}

// index notes key, time and ties of the rows of sel.
func (b *asOfBuilder) index(vecs []*vector.Vector, in *vector.Batch) {
	op := b.run.op
	nk := len(op.rightKeys)
	b.gid = resize(b.gid, len(b.sel))
	b.run.codec.groupsOf(b.table, &b.kb, vecs[:nk], b.sel, in.Len, b.gid)
	var key []byte
	ties := op.keptTies()
	for k, i := range b.sel {
		if b.rows&(chunkRows-1) == 0 {
			b.entries = append(b.entries, make([]asOfEntry, 0, chunkRows))
		}
		e := &b.entries[len(b.entries)-1]
		*e = append(*e, asOfEntry{time: sortkey.Word(vecs[nk], int(i)), ref: uint32(b.rows), key: b.gid[k]})
		if len(ties) > 0 {
			key = key[:0]
			for t, tie := range ties {
				key = sortkey.Append(key, vecs[nk+1+t], int(i), tie.Desc)
			}
			b.ties.push(b.rows, key)
		}
		b.rows++
	}
}

func (b *asOfBuilder) sizeBytes() int64 {
	size := b.table.sizeBytes() + int64(len(b.entries))*chunkRows*16
	for i := range b.ties {
		size += int64(cap(b.ties[i].buf) + 4*cap(b.ties[i].off))
	}
	return size
}

// groupsOf finds or makes the group of each row of sel; without key columns all are of one group.
func (c *keyCodec) groupsOf(t *groupTable, kb *keyBatch, vecs []*vector.Vector, sel []uint16, n int, gid []uint32) {
	if len(c.cols) == 0 {
		if t.n == 1 {
			t.reserve(1)
			t.addRow()
		}
		for k := range gid {
			gid[k] = 1
		}
		return
	}
	c.encode(kb, vecs, sel, n)
	t.groups(kb, gid)
}

// liveKeys appends the live rows in which no vector is NULL.
func liveKeys(sel []uint16, vecs []*vector.Vector, b *vector.Batch) []uint16 {
rows:
	for k := range b.Rows() {
		i := b.Row(k)
		for _, v := range vecs {
			if v.IsNull(i) {
				continue rows
			}
		}
		sel = append(sel, uint16(i))
	}
	return sel
}

// arrange merges the workers' keys and orders all rows by key, time, ties and row.
func (r *asOfRun) arrange(ctx context.Context, builders []*asOfBuilder) error {
	r.keys = builders[0].table
	var all [][]asOfEntry
	var ties sortKeysByChunk
	base, size := 0, int64(0)
	for _, b := range builders {
		size += int64(b.rows)
	}
	if err := r.acct.grow(size * (16 + 12)); err != nil {
		return err
	}
	for i, b := range builders {
		into := r.mergeKeys(b.table, i == 0)
		for _, chunk := range b.entries {
			for k := range chunk {
				e := &chunk[k]
				e.ref += uint32(base << chunkBits)
				if into != nil {
					e.key = into[e.key]
				}
			}
		}
		all = append(all, b.entries...)
		ties = append(ties, b.ties...)
		base += len(r.spools[i].rows.chunks)
		b.entries, b.ties = nil, nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.sortEntries(ctx, all, ties)
	if err := r.acct.grow(r.keys.sizeBytes()); err != nil {
		return err
	}
	return nil
}

// mergeKeys adds the groups of t to the common ones and returns the translation; nil if t is the common table.
func (r *asOfRun) mergeKeys(t *groupTable, common bool) []uint32 {
	if common {
		return nil
	}
	into := make([]uint32, t.n)
	if len(r.codec.cols) == 0 {
		if t.n > 1 && r.keys.n == 1 {
			r.keys.reserve(1)
			r.keys.addRow()
		}
		for g := range into {
			into[g] = 1
		}
		return into
	}
	groups, salts := t.partition(0, 0, nil, nil)
	var kb keyBatch
	gid := make([]uint32, vector.MaxRows)
	for at := 0; at < len(groups); at += vector.MaxRows {
		part := groups[at:min(at+vector.MaxRows, len(groups))]
		t.keysOf(&kb, part, salts[at:])
		r.keys.groups(&kb, gid[:len(part)])
		for i, g := range part {
			into[g] = gid[i]
		}
	}
	return into
}

// sortEntries counts the rows of each key, puts them side by side, and sorts each key's rows.
func (r *asOfRun) sortEntries(ctx context.Context, all [][]asOfEntry, ties sortKeysByChunk) {
	r.starts = make([]uint32, r.keys.n+1)
	rows := 0
	for _, chunk := range all {
		rows += len(chunk)
		for i := range chunk {
			r.starts[chunk[i].key+1]++
		}
	}
	for g := range r.keys.n {
		r.starts[g+1] += r.starts[g]
	}
	sorted := make([]asOfEntry, rows)
	at := append([]uint32(nil), r.starts...)
	for c, chunk := range all {
		for _, e := range chunk {
			sorted[at[e.key]] = e
			at[e.key]++
		}
		all[c] = nil
	}
	compare := func(a, b asOfEntry) int {
		if c := cmp.Compare(a.time, b.time); c != 0 {
			return c
		}
		for _, c := range r.op.tieColumns {
			if c := cmp.Compare(r.rows.int(c, a.ref), r.rows.int(c, b.ref)); c != 0 {
				return c
			}
		}
		if ties != nil {
			ka, kb := ties[a.ref>>chunkBits].row(a.ref&(chunkRows-1)), ties[b.ref>>chunkBits].row(b.ref&(chunkRows-1))
			if c := bytes.Compare(ka, kb); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.ref, b.ref)
	}
	n := min(r.query.workers(), r.keys.n)
	_ = parallel(ctx, n, func(ctx context.Context, w int) error {
		for g := w; g < r.keys.n; g += n {
			if part := sorted[r.starts[g]:r.starts[g+1]]; !slices.IsSortedFunc(part, compare) {
				slices.SortFunc(part, compare)
			}
		}
		return nil
	})
	r.times, r.refs = make([]uint64, rows), make([]uint32, rows)
	for i, e := range sorted {
		r.times[i], r.refs[i] = e.time, e.ref
	}
}

func (r *asOfRun) leave() {
	if r.open.Add(-1) > 0 {
		return
	}
	if !r.started.Load() {
		_ = closeAll(r.inputs)
	}
	if r.merge != nil {
		r.merge.close()
	}
	for _, s := range r.spools {
		s.free()
	}
	r.acct.free()
	r.rows, r.keys, r.times, r.refs, r.starts = nil, nil, nil, nil, nil
}

// asOfStream looks up the left rows of one input.
type asOfStream struct {
	run   *asOfRun
	in    Stream
	set   *exprSet // keys, time
	kb    keyBatch
	gid   []uint32
	live  []uint16
	sel   []uint16
	refs  []uint32
	outs  []*outVector
	cols  []*vector.Vector
	nLeft int
	out   vector.Batch

	claimed bool // this stream merges what was spilled
	closed  bool
}

func newAsOfStream(run *asOfRun, in Stream) (*asOfStream, error) {
	op := run.op
	set, err := compileExprs(append(append([]expr.Expr(nil), op.leftKeys...), op.leftTime), run.query.Env)
	if err != nil {
		return nil, err
	}
	s := &asOfStream{run: run, live: []uint16{}, in: in, set: set, nLeft: len(op.left.Fields())}
	s.outs, _ = newOutVectors(fieldTypes(op.right.Fields()))
	s.cols = make([]*vector.Vector, len(op.fields))
	return s, nil
}

func (s *asOfStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if err := s.run.prepare(ctx); err != nil {
		return nil, err
	}
	if s.run.merge != nil {
		if !s.claimed && !s.run.merging.CompareAndSwap(false, true) {
			return nil, io.EOF // another stream merges
		}
		s.claimed = true
		return s.run.merge.next(ctx, s)
	}
	for {
		b, err := s.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		out, err := s.join(b)
		if out != nil || err != nil {
			return out, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

func (s *asOfStream) join(b *vector.Batch) (*vector.Batch, error) {
	vecs, err := s.set.eval(b)
	if err != nil {
		return nil, err
	}
	r := s.run
	nk := len(r.op.leftKeys)
	s.live = liveKeys(s.live[:0], vecs, b)
	s.gid = resize(s.gid, len(s.live))
	switch {
	case nk > 0:
		r.codec.encode(&s.kb, vecs[:nk], s.live, b.Len)
		r.keys.find(&s.kb, s.gid)
	default:
		for k := range s.gid {
			s.gid[k] = uint32(r.keys.n - 1) // 1 if there is any right row, else 0
		}
	}
	s.sel, s.refs = s.sel[:0], s.refs[:0]
	next := 0 // in live
	for k := range b.Rows() {
		i, ref := b.Row(k), noRow
		if next < len(s.live) && int(s.live[next]) == i {
			ref = r.lookup(s.gid[next], sortkey.Word(vecs[nk], i))
			next++
		}
		if ref != noRow || r.op.outer {
			s.sel, s.refs = append(s.sel, uint16(i)), append(s.refs, ref)
		}
	}
	return s.emit(b, r.rows), nil
}

// emit makes a batch of the rows of b that sel names beside rows refs of the right side; nil if there are none.
func (s *asOfStream) emit(b *vector.Batch, rows *rowSet) *vector.Batch {
	if len(s.sel) == 0 {
		return nil
	}
	at := s.sel
	if len(at) == b.Len {
		at = nil
	}
	copy(s.cols, b.Cols)
	for i, o := range s.outs {
		rows.fetch(o, i, s.refs, at, b.Len, s.run.op.outer)
		s.cols[s.nLeft+i] = &o.Vector
	}
	s.out = vector.Batch{Len: b.Len, Sel: at, Cols: s.cols}
	return &s.out
}

// lookup returns the newest row of group g at (before, if strict) time t, or noRow.
func (r *asOfRun) lookup(g uint32, t uint64) uint32 {
	if g == 0 {
		return noRow
	}
	lo, hi := int(r.starts[g]), int(r.starts[g+1])
	if r.op.strict {
		if t == 0 {
			return noRow
		}
		t--
	}
	n := 0 // rows that qualify: the times are ascending
	for times := r.times[lo:hi]; len(times) > 0; {
		if half := len(times) / 2; times[half] <= t {
			n, times = n+half+1, times[half+1:]
		} else {
			times = times[:half]
		}
	}
	if n == 0 {
		return noRow
	}
	return r.refs[lo+n-1]
}

func (s *asOfStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.in.Close()
	s.run.leave()
	return err
}
