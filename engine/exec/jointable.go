package exec

import (
	"bytes"
	"context"
	"math/bits"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// joinTable maps keys to the build rows that have them. Rows of one key form a chain: the table holds the
// first, next the others.
//
// Integer keys that span few more numbers than there are rows are addressed directly; others hash into slots
// of the upper half of the hash and the row.
type joinTable struct {
	codec *keyCodec
	rows  *rowSet
	keys  []joinKeys // by chunk
	next  []uint32   // row+1 of the next row of the same key, by row; 0: none

	slots []uint64 // upper half of the hash, row+1
	shift uint

	direct []uint32 // row+1, by key - least
	least  int64    // of keys of one word
	most   int64    // below least: no such keys

	bits *keyBits // for the scans that take a filter; nil: none

	duplicates atomic.Bool
	hasNull    bool // a build key is NULL
	buildRows  int  // those with a NULL key included
	matched    []uint32
	collectors []*collector
	acct       *account
}

// joinKeys is the keys of one chunk.
type joinKeys struct {
	words  []uint64 // codec.rowWords() a row
	hashes []uint32 // upper halves
	null   []bool   // nil: no key is NULL
	arena  []byte
}

// joinBuilder is one worker's part of the build.
type joinBuilder struct {
	run     *joinRun
	table   *joinTable
	rowsOf  *collector
	files   *partFiles // nil: in memory
	set     *exprSet
	kb      keyBatch
	keys    []joinKeys
	rows    int
	min     int64
	max     int64
	null    bool
	all     int
	keep    bool // rows with NULL keys
	columns bool
	sel     []uint16
	bytes   int64 // of keys that lie in arenas
	acct    *account
}

// build reads the build side with all workers, and makes the table; or, where that takes too much memory,
// partitions both sides into files.
func (r *joinRun) build(ctx context.Context) error {
	q, op := r.query, r.op
	t := &joinTable{codec: newKeyCodec(exprTypes(op.buildKeys), true), acct: q.account("hash join")}
	t.codec.skip = uint(op.depth * joinPartLg)
	var ts []types.Type
	if r.columns {
		ts = fieldTypes(op.build.Fields())
	}
	schema := newRowSchema(ts)
	builders := make([]*joinBuilder, len(r.inputs))
	for i := range builders {
		builders[i] = &joinBuilder{run: r, table: t, sel: []uint16{}, keep: op.kind.keepsNull(), columns: r.columns,
			acct: q.account("hash join"), rowsOf: newCollector(schema, q.account("hash join"))}
	}
	defer func() {
		for _, b := range builders {
			b.acct.free() // what stays is in the table's account by now
		}
	}()
	err := parallel(ctx, len(builders), func(ctx context.Context, i int) error {
		set, err := compileExprs(op.buildKeys, q.Env)
		if err != nil {
			r.inputs[i].Close()
			return err
		}
		builders[i].set = set
		return drain(ctx, r.inputs[i], builders[i].take)
	})
	for _, b := range builders {
		t.collectors = append(t.collectors, b.rowsOf)
	}
	if err == nil && !r.spilling.Load() {
		err = t.finish(ctx, q, op.kind, builders, ts)
		if isFull(err) && r.spillable() {
			r.spilling.Store(true)
			err = nil
		}
	}
	if err == nil && r.spilling.Load() {
		t.acct.free()
		return r.spillAll(ctx, builders)
	}
	if err != nil {
		t.free()
		for _, b := range builders {
			if b.files != nil {
				b.files.close()
			}
		}
		return err
	}
	r.table = t
	if r.keys != nil {
		t.bits = t.keyBits()
		r.keys.table.Store(t)
	}
	return nil
}

// finish makes the table of what the workers have collected.
func (t *joinTable) finish(ctx context.Context, q *Query, kind JoinKind, builders []*joinBuilder, ts []types.Type) error {
	t.rows = newRowSet(ts, t.collectors)
	for _, b := range builders {
		t.keys = append(t.keys, b.keys...)
		t.hasNull, t.buildRows = t.hasNull || b.null, t.buildRows+b.all
		if !b.columns {
			t.rows.chunks = append(t.rows.chunks, make([]*vector.Batch, len(b.keys))...)
		}
		held := b.acct.held
		b.acct.free()
		if err := t.acct.grow(held); err != nil {
			return err
		}
	}
	return t.insertAll(ctx, q, builders, kind)
}

// add keeps the keys of a batch and says which of its rows, and columns, to keep.
func (b *joinBuilder) add(in *vector.Batch) ([]*vector.Vector, []uint16, error) {
	vecs, err := b.set.eval(in)
	if err != nil {
		return nil, nil, err
	}
	codec := b.table.codec
	codec.encode(&b.kb, vecs, in.Sel, in.Len)
	b.all += b.kb.n
	b.null = b.null || len(b.kb.nulls) > 0
	sel := in.Sel
	if len(b.kb.nulls) > 0 && !b.keep {
		b.sel = b.sel[:0]
		for k := range b.kb.n {
			if !b.kb.isNull[k] {
				b.sel = append(b.sel, uint16(rowAt(in.Sel, k)))
			}
		}
		sel = b.sel
	}
	for k := range b.kb.n {
		if b.keep || !b.kb.isNull[k] {
			b.push(k)
		}
	}
	if err := b.acct.set(b.sizeBytes()); err != nil {
		return nil, nil, err
	}
	if !b.columns {
		return nil, []uint16{}, nil
	}
	return in.Cols, sel, nil
}

// sizeBytes is the memory of the keys.
func (b *joinBuilder) sizeBytes() int64 {
	n := b.bytes
	if k := len(b.keys); k > 0 {
		last := &b.keys[k-1]
		n += int64((k-1)*chunkRows*(b.table.codec.rowWords()*8+4) + cap(last.words)*8 + cap(last.hashes)*4)
	}
	return n
}

// push keeps the key of live row k.
func (b *joinBuilder) push(k int) {
	w := b.table.codec.words
	if b.rows&(chunkRows-1) == 0 {
		b.grow()
	}
	c := &b.keys[len(b.keys)-1]
	switch {
	case b.kb.isNull[k]:
		if c.null == nil {
			c.null = make([]bool, chunkRows)
		}
		c.null[b.rows&(chunkRows-1)] = true
		for range b.table.codec.rowWords() {
			c.words = append(c.words, 0)
		}
	case w == 0:
		key := b.kb.row(k)
		c.words = append(c.words, uint64(len(c.arena)), uint64(len(key)))
		c.arena = append(c.arena, key...)
		b.bytes += int64(len(key))
	case w == 1:
		x := b.kb.words[k]
		c.words = append(c.words, x)
		if b.rows == 0 || b.min > b.max {
			b.min, b.max = int64(x), int64(x)
		}
		b.min, b.max = min(b.min, int64(x)), max(b.max, int64(x))
	default:
		c.words = append(c.words, b.kb.words[k*w:(k+1)*w]...)
	}
	c.hashes = append(c.hashes, uint32(b.kb.hashes[k]>>32))
	b.rows++
}

func (b *joinBuilder) grow() {
	n := 64
	if len(b.keys) > 0 {
		n = chunkRows
	}
	w := b.table.codec.rowWords()
	if len(b.keys) == 0 {
		b.min, b.max = 0, -1
	}
	b.keys = append(b.keys, joinKeys{words: make([]uint64, 0, n*w), hashes: make([]uint32, 0, n)})
}

// Direct addressing is used up to this many entries a row, and always for a small span.
const (
	directPerRow = 8
	directAlways = 1 << 12
)

func (t *joinTable) insertAll(ctx context.Context, q *Query, builders []*joinBuilder, kind JoinKind) error {
	rows := 0
	least, most := int64(0), int64(-1)
	for _, b := range builders {
		rows += b.rows
		if b.rows > 0 && b.min <= b.max {
			if least > most {
				least, most = b.min, b.max
			}
			least, most = min(least, b.min), max(most, b.max)
		}
	}
	t.least, t.most = least, most
	if len(t.keys) >= 1<<(32-chunkBits) {
		return &MemoryError{Operator: "hash join", WantedBytes: int64(rows), LimitBytes: q.Memory.LimitBytes()}
	}
	refs := len(t.keys) << chunkBits
	span := uint64(most) - uint64(least)
	useDirect := t.codec.single && t.codec.cols[0].typ.Physical() != types.PhysF64 && least <= most &&
		span < max(uint64(rows)*directPerRow, directAlways)
	lg := max(6, bits.Len(uint(rows*2)))
	size := int64(refs) * 4
	if useDirect {
		size += int64(span+1) * 4
	} else {
		size += int64(8) << lg
	}
	if err := t.acct.grow(size + int64(refs/8)); err != nil {
		return err
	}
	t.next = make([]uint32, refs)
	if kind.marksBuild() {
		t.matched = make([]uint32, refs/32)
	}
	if useDirect {
		t.direct = make([]uint32, span+1)
	} else {
		t.slots, t.shift = make([]uint64, 1<<lg), uint(64-lg)
	}
	var chunk atomic.Int64
	return parallel(ctx, min(q.workers(), max(1, len(t.keys))), func(ctx context.Context, _ int) error {
		for {
			c := int(chunk.Add(1) - 1)
			if c >= len(t.keys) {
				return nil
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if useDirect {
				t.insertDirect(c)
			} else {
				t.insertChunk(c)
			}
		}
	})
}

func (t *joinTable) insertDirect(c int) {
	k := &t.keys[c]
	for r, x := range k.words {
		if k.null != nil && k.null[r] {
			continue
		}
		ref := uint32(c<<chunkBits | r)
		at := &t.direct[uint64(x)-uint64(t.least)]
		for {
			old := atomic.LoadUint32(at)
			t.next[ref] = old
			if atomic.CompareAndSwapUint32(at, old, ref+1) {
				if old != 0 {
					t.duplicates.Store(true)
				}
				break
			}
		}
	}
}

func (t *joinTable) insertChunk(c int) {
	k := &t.keys[c]
	touched := uint64(0)
	for r := range k.hashes {
		if r&63 == 0 { // load the slots of the next rows, so that their cache misses overlap
			for _, h := range k.hashes[r:min(r+64, len(k.hashes))] {
				touched |= atomic.LoadUint64(&t.slots[uint64(h)<<32>>t.shift])
			}
		}
		if k.null == nil || !k.null[r] {
			t.insert(uint32(c<<chunkBits|r), k.hashes[r])
		}
	}
	_ = touched
}

func (t *joinTable) insert(ref, hash uint32) {
	mask := len(t.slots) - 1
	entry := uint64(hash)<<32 | uint64(ref+1)
	for p := int(uint64(hash) << 32 >> t.shift); ; p = (p + 1) & mask {
		for {
			s := atomic.LoadUint64(&t.slots[p])
			switch {
			case s == 0:
				if atomic.CompareAndSwapUint64(&t.slots[p], 0, entry) {
					return
				}
				continue
			case uint32(s>>32) == hash && t.equalRows(uint32(s)-1, ref):
				t.next[ref] = uint32(s)
				if atomic.CompareAndSwapUint64(&t.slots[p], s, entry) {
					t.duplicates.Store(true)
					return
				}
				continue
			}
			break
		}
	}
}

func (t *joinTable) equalRows(a, b uint32) bool {
	w := t.codec.words
	ka, kb := &t.keys[a>>chunkBits], &t.keys[b>>chunkBits]
	ra, rb := int(a&(chunkRows-1)), int(b&(chunkRows-1))
	if w == 0 {
		return bytes.Equal(ka.bytes(ra), kb.bytes(rb))
	}
	return equalWords(ka.words[ra*w:], kb.words[rb*w:(rb+1)*w])
}

func (k *joinKeys) bytes(r int) []byte {
	return k.arena[k.words[2*r] : k.words[2*r]+k.words[2*r+1]]
}

// find sets heads[k] to the first row + 1 of the key of each live row of b, or 0.
func (t *joinTable) find(b *keyBatch, heads []uint32) {
	heads = heads[:b.n]
	switch {
	case t.direct != nil:
		for i, x := range b.words[:len(heads)] {
			h := uint32(0)
			if at := x - uint64(t.least); at < uint64(len(t.direct)) {
				h = t.direct[at]
			}
			heads[i] = h
		}
	case t.slots == nil:
		clear(heads)
		return
	default:
		t.findHashed(b, heads)
	}
	for _, k := range b.nulls {
		heads[k] = 0
	}
}

// findHashed works in stages, so that the cache misses of a batch overlap.
func (t *joinTable) findHashed(b *keyBatch, heads []uint32) {
	slots, shift := t.slots, t.shift
	for i, h := range b.hashes[:len(heads)] {
		s := slots[h>>shift]
		heads[i] = uint32(s)
		if s != 0 && (s^h)>>32 != 0 {
			heads[i] = noRow // another key is in the way
		}
	}
	if t.codec.words == 1 {
		for i, x := range b.words[:len(heads)] {
			if h := heads[i]; h != 0 && (h == noRow || t.keys[(h-1)>>chunkBits].words[(h-1)&(chunkRows-1)] != x) {
				heads[i] = t.findSlow(b, i)
			}
		}
		return
	}
	for i, h := range heads {
		if h != 0 && (h == noRow || !t.equalKey(b, i, h-1)) {
			heads[i] = t.findSlow(b, i)
		}
	}
}

func (t *joinTable) equalKey(b *keyBatch, i int, ref uint32) bool {
	k, r, w := &t.keys[ref>>chunkBits], int(ref&(chunkRows-1)), t.codec.words
	if w == 0 {
		return bytes.Equal(k.bytes(r), b.row(i))
	}
	return equalWords(k.words[r*w:], b.words[i*w:(i+1)*w])
}

func (t *joinTable) findSlow(b *keyBatch, i int) uint32 {
	h := b.hashes[i]
	mask := len(t.slots) - 1
	for p := int(h >> t.shift); ; p = (p + 1) & mask {
		s := t.slots[p]
		if s == 0 {
			return 0
		}
		if (s^h)>>32 == 0 && t.equalKey(b, i, uint32(s)-1) {
			return uint32(s)
		}
	}
}

// mark notes that a build row has a match.
func (t *joinTable) mark(ref uint32) {
	w, bit := &t.matched[ref>>5], uint32(1)<<(ref&31)
	if atomic.LoadUint32(w)&bit == 0 {
		atomic.OrUint32(w, bit)
	}
}

// sawMatch is isMarked while others mark.
func (t *joinTable) sawMatch(ref uint32) bool {
	return atomic.LoadUint32(&t.matched[ref>>5])>>(ref&31)&1 != 0
}

func (t *joinTable) isMarked(ref uint32) bool { return t.matched[ref>>5]>>(ref&31)&1 != 0 }

func (t *joinTable) free() {
	freeCollectors(t.collectors)
	t.acct.free()
}
