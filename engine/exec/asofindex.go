package exec

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// asOfIndex is the rows of one side of a point-in-time join, those whose keys and time are not NULL ordered by key and time.
type asOfIndex struct {
	query      *Query
	exprs      []expr.Expr // keys, time, ties
	nKeys      int
	ties       []SortKey
	tieColumns []int
	all        bool // rows of NULL keys or times are held too
	types      []types.Type
	schema     *rowSchema
	codec      *keyCodec
	acct       *account

	spools   []*spool
	builders []*asOfBuilder
	spilling atomic.Bool // nothing is indexed: all rows are in spools

	rows   *rowSet
	keys   *groupTable
	starts []uint32 // of each key's places in times; one more at the end
	times  []uint64
	refs   []uint32
}

func newAsOfIndex(q *Query, ts []types.Type, keys []expr.Expr, time expr.Expr, ties []SortKey) *asOfIndex {
	x := &asOfIndex{query: q, nKeys: len(keys), ties: ties, types: ts, schema: newRowSchema(ts), codec: newKeyCodec(exprTypes(keys), true), acct: q.account("asof join")}
	x.exprs = append(append(x.exprs, keys...), time)
	for _, t := range ties {
		x.exprs = append(x.exprs, t.Expr)
	}
	return x
}

// asOfEntry is a row while they are sorted.
type asOfEntry struct {
	time uint64
	ref  uint32
	key  uint32
}

// asOfBuilder is one worker's part.
type asOfBuilder struct {
	index   *asOfIndex
	set     *exprSet
	kb      keyBatch
	table   *groupTable
	gid     []uint32
	entries [][]asOfEntry // chunks of chunkRows, the last one shorter
	ties    sortKeysByChunk
	sel     []uint16
	rows    int // entries
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

// build reads the inputs and closes them.
func (x *asOfIndex) build(ctx context.Context, inputs []Stream) error {
	x.builders = make([]*asOfBuilder, len(inputs))
	for i := range x.builders {
		spool := newSpool(x.query, x.schema, "asof join", len(inputs))
		x.spools = append(x.spools, spool)
		x.builders[i] = &asOfBuilder{index: x, sel: []uint16{}, table: newGroupTable(x.codec, 0), acct: x.query.account("asof join"), spool: spool}
	}
	err := parallel(ctx, len(inputs), func(ctx context.Context, i int) error {
		set, err := compileExprs(x.exprs, x.query.Env)
		if err != nil {
			inputs[i].Close()
			return err
		}
		x.builders[i].set = set
		return drain(ctx, inputs[i], x.builders[i].take)
	})
	if err == nil && !x.spilling.Load() {
		collectors := make([]*collector, len(x.spools))
		for i, s := range x.spools {
			collectors[i] = s.rows
		}
		x.rows = newRowSet(x.types, collectors)
		if err = x.arrange(ctx); isFull(err) {
			x.spilling.Store(true)
			err = nil
		}
	}
	if err == nil && x.spilling.Load() {
		err = x.toFile()
	}
	for _, b := range x.builders {
		b.acct.free()
	}
	x.builders = nil
	return err
}

// toFile lets go of the index and writes its rows to files.
func (x *asOfIndex) toFile() error {
	x.spilling.Store(true)
	x.dropOrder()
	x.acct.free()
	x.rows = nil
	for _, s := range x.spools {
		if err := s.spill(); err != nil {
			return err
		}
	}
	return nil
}

// dropOrder leaves nothing but the rows.
func (x *asOfIndex) dropOrder() { x.keys, x.times, x.refs, x.starts = nil, nil, nil, nil }

func (x *asOfIndex) free() {
	for _, s := range x.spools {
		s.free()
	}
	x.acct.free()
	x.dropOrder()
	x.rows = nil
}

// take keeps the rows, with an index as long as all workers have room.
func (b *asOfBuilder) take(in *vector.Batch) error {
	x := b.index
	vecs, err := b.set.eval(in)
	if err != nil {
		return err
	}
	b.sel = liveKeys(b.sel[:0], vecs[:x.nKeys+1], in)
	keep := b.sel
	if x.all {
		keep = in.Sel
	} else if len(keep) == 0 {
		return nil
	}
	if x.spilling.Load() {
		if err := b.toFile(); err != nil {
			return err
		}
		return b.spool.add(in.Cols, keep, in.Len)
	}
	at := b.spool.rows.rows
	if err := b.spool.rows.full(in.Cols, keep, in.Len); err != nil {
		x.spilling.Store(true)
		if err := b.toFile(); err != nil {
			return err
		}
		return b.spool.add(in.Cols, keep, in.Len)
	}
	if err := b.spool.rows.add(in.Cols, keep, in.Len); err != nil {
		return err
	}
	b.add(vecs, in, at)
	if err = b.acct.set(b.sizeBytes()); err == nil {
		err = b.spool.acct.set(b.spool.rows.sizeBytes())
	}
	if !isFull(err) {
		return err
	}
	x.spilling.Store(true)
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

// add notes key, time and ties of the rows of sel; the first row of in that is kept is row at.
func (b *asOfBuilder) add(vecs []*vector.Vector, in *vector.Batch, at int) {
	x := b.index
	b.gid = resize(b.gid, len(b.sel))
	x.codec.groupsOf(b.table, &b.kb, vecs[:x.nKeys], b.sel, in.Len, b.gid)
	var key []byte
	next := 0
	for k, i := range b.sel {
		row := at + k
		if x.all { // others lie between
			for in.Row(next) != int(i) {
				next++
			}
			row = at + next
		}
		if b.rows&(chunkRows-1) == 0 {
			b.entries = append(b.entries, make([]asOfEntry, 0, chunkRows))
		}
		e := &b.entries[len(b.entries)-1]
		*e = append(*e, asOfEntry{time: sortkey.Word(vecs[x.nKeys], int(i)), ref: uint32(row), key: b.gid[k]})
		if len(x.ties) > 0 {
			key = key[:0]
			for t, tie := range x.ties {
				key = sortkey.Append(key, vecs[x.nKeys+1+t], int(i), tie.Desc)
			}
			b.ties.push(row, key)
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
func (x *asOfIndex) arrange(ctx context.Context) error {
	x.keys = x.builders[0].table
	var all [][]asOfEntry
	var ties sortKeysByChunk
	base, size := 0, int64(0)
	for _, b := range x.builders {
		size += int64(b.rows)
	}
	if err := x.acct.grow(size * (16 + 12)); err != nil {
		return err
	}
	for i, b := range x.builders {
		into := x.mergeKeys(b.table, i == 0)
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
		base += len(x.spools[i].rows.chunks)
		b.entries, b.ties = nil, nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	x.sortEntries(ctx, all, ties)
	return x.acct.set(12*size + x.keys.sizeBytes() + 4*int64(len(x.starts)))
}

// mergeKeys adds the groups of t to the common ones and returns the translation; nil if t is the common table.
func (x *asOfIndex) mergeKeys(t *groupTable, common bool) []uint32 {
	if common {
		return nil
	}
	into := make([]uint32, t.n)
	if len(x.codec.cols) == 0 {
		if t.n > 1 && x.keys.n == 1 {
			x.keys.reserve(1)
			x.keys.addRow()
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
		x.keys.groups(&kb, gid[:len(part)])
		for i, g := range part {
			into[g] = gid[i]
		}
	}
	return into
}

// sortEntries counts the rows of each key, puts them side by side, and sorts each key's rows.
func (x *asOfIndex) sortEntries(ctx context.Context, all [][]asOfEntry, ties sortKeysByChunk) {
	x.starts = make([]uint32, x.keys.n+1)
	rows := 0
	for _, chunk := range all {
		rows += len(chunk)
		for i := range chunk {
			x.starts[chunk[i].key+1]++
		}
	}
	for g := range x.keys.n {
		x.starts[g+1] += x.starts[g]
	}
	sorted := make([]asOfEntry, rows)
	at := append([]uint32(nil), x.starts...)
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
		for _, c := range x.tieColumns {
			if c := cmp.Compare(x.rows.int(c, a.ref), x.rows.int(c, b.ref)); c != 0 {
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
	n := min(x.query.workers(), x.keys.n)
	_ = parallel(ctx, n, func(ctx context.Context, w int) error {
		for g := w; g < x.keys.n; g += n {
			if part := sorted[x.starts[g]:x.starts[g+1]]; !slices.IsSortedFunc(part, compare) {
				slices.SortFunc(part, compare)
			}
		}
		return nil
	})
	x.times, x.refs = make([]uint64, rows), make([]uint32, rows)
	for i, e := range sorted {
		x.times[i], x.refs[i] = e.time, e.ref
	}
}

// find sets gid to the groups of the keys of the rows that sel names, 0 where there is none.
func (x *asOfIndex) find(kb *keyBatch, vecs []*vector.Vector, sel []uint16, n int, gid []uint32) []uint32 {
	gid = resize(gid, len(sel))
	if len(vecs) > 0 {
		x.codec.encode(kb, vecs, sel, n)
		x.keys.find(kb, gid)
		return gid
	}
	for k := range gid {
		gid[k] = uint32(x.keys.n - 1) // 1 if there is any row, else 0
	}
	return gid
}

// until returns where, from place lo to hi, the times that are less than t (at most t, if same) end.
func (x *asOfIndex) until(lo, hi int, t uint64, same bool) int {
	if same {
		if t == ^uint64(0) {
			return hi
		}
		t++
	}
	times := x.times
	n := hi - lo
	for n > 1 {
		half := n / 2
		next := lo + half
		if times[next-1] >= t { // a move, no branch
			next = lo
		}
		lo, n = next, n-half
	}
	if n == 1 && times[lo] < t {
		lo++
	}
	return lo
}

// newest returns the newest row of group g at (before, if strict) time t, or noRow.
func (x *asOfIndex) newest(g uint32, t uint64, strict bool) uint32 {
	if g == 0 {
		return noRow
	}
	first := int(x.starts[g])
	if end := x.until(first, int(x.starts[g+1]), t, !strict); end > first {
		return x.refs[end-1]
	}
	return noRow
}
