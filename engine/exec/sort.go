package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// SortOp orders rows. Top-N is a sort that keeps no more rows than it will put out.
type SortOp struct {
	child     Operator
	keys      []SortKey
	n, offset int64 // n < 0: all
}

// NewSort returns an operator that yields all rows of child in the order of keys, in one stream. The order of
// equal rows is that of the input only when the input is one stream.
func NewSort(child Operator, keys []SortKey) *SortOp { return &SortOp{child: child, keys: keys, n: -1} }

// NewTopN returns an operator that yields, in the order of keys, n rows of child after the first offset ones.
func NewTopN(child Operator, keys []SortKey, n, offset int64) *SortOp {
	return &SortOp{child: child, keys: keys, n: max(0, n), offset: max(0, offset)}
}

// Fields implements Operator.
func (s *SortOp) Fields() []Field { return s.child.Fields() }

// Children implements Operator.
func (s *SortOp) Children() []Operator { return []Operator{s.child} }

// Describe implements Operator.
func (s *SortOp) Describe() string {
	if s.n >= 0 {
		return fmt.Sprintf("Top %d offset %d by %s", s.n, s.offset, sortKeyList(s.keys))
	}
	return "Sort by " + sortKeyList(s.keys)
}

// Open implements Operator.
func (s *SortOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	if s.n == 0 {
		return []Stream{emptyStream{}}, nil
	}
	ins, err := s.child.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	return []Stream{&sortStream{op: s, query: q, inputs: ins, left: s.n, skip: s.offset}}, nil
}

// keepRows is how many rows of the order can be put out; a worker needs no more. 0: no limit.
func (s *SortOp) keepRows() int {
	if s.n < 0 || s.n+s.offset > maxTopN || s.n+s.offset < 0 {
		return 0
	}
	return int(s.n + s.offset)
}

const maxTopN = 1 << 20

// sortEntry is a row with the first 12 bytes of its key.
type sortEntry struct {
	prefix uint64
	tail   uint32
	ref    uint32
}

// entryBytes is how much of a key lies in the entry; keys that are longer are kept whole beside it.
const entryBytes = 12

// sortWorker collects and orders the rows of one input.
type sortWorker struct {
	op      *SortOp
	query   *Query
	schema  *rowSchema
	set     *exprSet
	rows    *collector
	keys    []sortKeys // by chunk; empty when all keys fit entries
	exact   bool       // keys have entryBytes bytes at most
	entries []sortEntry
	spare   []sortEntry
	acct    *account
	keyMem  int64
	limit   int
	bound   *atomic.Uint64 // prefix of a key that limit rows are not above; shared by the workers
	key     []byte
	sel     []uint16
	spill   *sortSpill
}

// sortKeys is the whole keys of one chunk.
type sortKeys struct {
	off []int32
	buf []byte
}

func (k *sortKeys) row(r uint32) []byte { return k.buf[k.off[r]:k.off[r+1]] }

func newSortWorker(op *SortOp, q *Query, schema *rowSchema, bound *atomic.Uint64) (*sortWorker, error) {
	es := make([]expr.Expr, len(op.keys))
	size := 0
	for i, k := range op.keys {
		es[i] = k.Expr
		size += keyBytes(k.Expr.Type())
	}
	set, err := compileExprs(es, q.Env)
	if err != nil {
		return nil, err
	}
	w := &sortWorker{op: op, query: q, schema: schema, set: set, exact: size <= entryBytes, limit: op.keepRows(), bound: bound}
	w.acct = q.account("sort")
	w.rows = newCollector(schema, nil)
	return w, nil
}

// keyBytes is the length of the keys of a type, more than entryBytes if it varies.
func keyBytes(t types.Type) int {
	switch t.Physical() {
	case types.PhysI32:
		return 5
	case types.PhysI64, types.PhysF64:
		return 9
	}
	return entryBytes + 1
}

// add takes in a batch.
func (w *sortWorker) add(b *vector.Batch) error {
	vecs, err := w.set.eval(b)
	if err != nil {
		return err
	}
	sel, bounded := b.Sel, w.bound.Load()
	if w.limit > 0 && bounded != noBound {
		if sel = w.within(vecs[0], b, bounded); len(sel) == 0 {
			return nil
		}
	}
	if w.rows.rows > 0 && (w.rows.full(b.Cols, sel, b.Len) != nil || w.keysFull()) {
		if err := w.toFile(); err != nil {
			return err
		}
	}
	n := b.Len
	if sel != nil {
		n = len(sel)
	}
	for k := range n {
		w.push(vecs, rowAt(sel, k), uint32(w.rows.rows+k))
	}
	if err := w.rows.add(b.Cols, sel, b.Len); err != nil {
		return err
	}
	if w.limit > 0 && len(w.entries) >= 2*w.limit+vector.MaxRows {
		if err := w.cut(); err != nil {
			return err
		}
	}
	return w.charge()
}

const noBound = ^uint64(0)

// within returns the live rows whose first key column may be within the bound.
func (w *sortWorker) within(v *vector.Vector, b *vector.Batch, bound uint64) []uint16 {
	desc := w.op.keys[0].Desc
	w.sel = w.sel[:0]
	if v.Valid == nil && v.Codes == nil && (v.Phys == types.PhysI32 || v.Phys == types.PhysI64 || v.Phys == types.PhysF64) {
		for k := range b.Rows() {
			i := b.Row(k)
			p := 1<<56 | sortkey.Word(v, i)>>8
			if v.Phys == types.PhysI32 {
				p = 1<<56 | uint64(uint32(v.I32[i])^1<<31)<<24
			}
			if desc {
				p = ^p
				if v.Phys == types.PhysI32 {
					p &^= 1<<24 - 1
				}
			}
			if p <= bound {
				w.sel = append(w.sel, uint16(i))
			}
		}
		return w.sel
	}
	for k := range b.Rows() {
		i := b.Row(k)
		w.key = sortkey.Append(w.key[:0], v, i, desc)
		if p, _ := entryOf(w.key); p <= bound {
			w.sel = append(w.sel, uint16(i))
		}
	}
	return w.sel
}

// entryOf returns the first 12 bytes of a key, zeros after its end.
func entryOf(key []byte) (prefix uint64, tail uint32) {
	if len(key) >= entryBytes {
		return binary.BigEndian.Uint64(key), binary.BigEndian.Uint32(key[8:])
	}
	var b [entryBytes]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:])
}

func (w *sortWorker) push(vecs []*vector.Vector, i int, ref uint32) {
	w.key = w.key[:0]
	for c, v := range vecs {
		w.key = sortkey.Append(w.key, v, i, w.op.keys[c].Desc)
	}
	e := sortEntry{ref: ref}
	e.prefix, e.tail = entryOf(w.key)
	w.entries = append(w.entries, e)
	if !w.exact {
		w.keepKey(ref, w.key)
	}
}

func (w *sortWorker) keepKey(ref uint32, key []byte) {
	if ref&(chunkRows-1) == 0 {
		w.keys = append(w.keys, sortKeys{off: []int32{0}})
	}
	k := &w.keys[len(w.keys)-1]
	old := cap(k.buf) + 4*cap(k.off)
	k.buf = append(k.buf, key...)
	k.off = append(k.off, int32(len(k.buf)))
	w.keyMem += int64(cap(k.buf) + 4*cap(k.off) - old)
}

// keysFull reports whether the last chunk's keys have so much text that those of a batch may be too many for offsets of 32 bits.
func (w *sortWorker) keysFull() bool {
	return len(w.keys) > 0 && len(w.keys[len(w.keys)-1].buf) > maxChunkText
}

// compare orders two rows of this worker by their whole keys.
func (w *sortWorker) compare(a, b sortEntry) int {
	switch {
	case a.prefix != b.prefix:
		return cmpUint(a.prefix, b.prefix)
	case a.tail != b.tail:
		return cmpUint(uint64(a.tail), uint64(b.tail))
	case w.exact:
		return 0
	}
	return bytes.Compare(w.keys[a.ref>>chunkBits].row(a.ref&(chunkRows-1)), w.keys[b.ref>>chunkBits].row(b.ref&(chunkRows-1)))
}

func cmpUint(a, b uint64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// order sorts the entries: by radix over the bytes that differ, then ties by their whole keys. Stable.
func (w *sortWorker) order() {
	if len(w.entries) < 256 {
		slices.SortStableFunc(w.entries, w.compare)
		return
	}
	w.entries, w.spare = radixSort(w.entries, w.spare)
	if w.exact {
		return
	}
	for from := 0; from < len(w.entries); {
		to := from + 1
		for to < len(w.entries) && w.entries[to].prefix == w.entries[from].prefix && w.entries[to].tail == w.entries[from].tail {
			to++
		}
		if tied := w.entries[from:to]; len(tied) > 1 && !slices.IsSortedFunc(tied, w.compare) {
			slices.SortStableFunc(tied, w.compare)
		}
		from = to
	}
}

// radixSort orders entries by prefix and tail, least significant byte first, leaving out bytes that are the
// same in all. It returns the sorted slice and the other one.
func radixSort(a, b []sortEntry) (sorted, spare []sortEntry) {
	b = resize(b, len(a))
	var and, or [2]uint64
	and = [2]uint64{^uint64(0), ^uint64(0)}
	for _, e := range a {
		and[0], or[0] = and[0]&uint64(e.tail), or[0]|uint64(e.tail)
		and[1], or[1] = and[1]&e.prefix, or[1]|e.prefix
	}
	var count [256]int
	for digit := range entryBytes {
		shift := uint(digit) * 8
		word := 0
		if digit >= 4 {
			word, shift = 1, shift-32
		}
		if (and[word]^or[word])>>shift&255 == 0 {
			continue
		}
		clear(count[:])
		for i := range a {
			count[a[i].word(word)>>shift&255]++
		}
		sum := 0
		for i, c := range count {
			count[i], sum = sum, sum+c
		}
		for i := range a {
			d := a[i].word(word) >> shift & 255
			b[count[d]] = a[i]
			count[d]++
		}
		a, b = b, a
	}
	return a, b
}

func (e *sortEntry) word(i int) uint64 {
	if i == 1 {
		return e.prefix
	}
	return uint64(e.tail)
}

// cut keeps the first limit rows and tightens the bound.
func (w *sortWorker) cut() error {
	w.order()
	if len(w.entries) <= w.limit {
		return nil
	}
	w.entries = w.entries[:w.limit]
	last := w.entries[w.limit-1].prefix
	for {
		old := w.bound.Load()
		if last >= old || w.bound.CompareAndSwap(old, last) {
			break
		}
	}
	return w.compact()
}

// compact copies the rows that are left into a new collector, in order.
func (w *sortWorker) compact() error {
	rows := newRowSet(w.schema.types, []*collector{w.rows})
	fresh, oldKeys := newCollector(w.schema, nil), w.keys
	w.keys, w.keyMem = nil, 0
	outs, cols := newOutVectors(w.schema.types)
	refs := make([]uint32, 0, vector.MaxRows)
	for at := 0; at < len(w.entries); at += len(refs) {
		part := w.entries[at:min(at+vector.MaxRows, len(w.entries))]
		refs = refs[:0]
		for i := range part {
			refs = append(refs, part[i].ref)
		}
		refs = refs[:rows.fetchAll(outs, refs, nil, len(refs), false, w.query.textRoom())]
		for i, ref := range refs {
			part[i].ref = uint32(at + i)
			if !w.exact {
				w.keepKey(part[i].ref, oldKeys[ref>>chunkBits].row(ref&(chunkRows-1)))
			}
		}
		if err := fresh.add(cols, nil, len(refs)); err != nil {
			return err
		}
	}
	w.rows = fresh
	return nil
}

func (w *sortWorker) sizeBytes() int64 {
	n := w.keyMem + int64(cap(w.entries)+cap(w.spare))*16
	return n + w.rows.sizeBytes()
}

// finish orders what was taken in.
func (w *sortWorker) finish() error {
	w.order()
	if w.limit > 0 && len(w.entries) > w.limit {
		w.entries = w.entries[:w.limit]
	}
	if w.spill != nil && len(w.entries) > 0 {
		if err := w.spillRun(); err != nil {
			return err
		}
		w.acct.free()
	}
	return nil
}

func (w *sortWorker) free() {
	w.acct.free()
	if w.spill != nil {
		w.spill.close()
	}
	w.rows, w.entries, w.spare, w.keys = nil, nil, nil, nil
}

// sortStream puts out the merged runs of all workers.
type sortStream struct {
	op      *SortOp
	query   *Query
	inputs  []Stream
	started bool
	closed  bool
	err     error
	workers []*sortWorker
	merge   sortMerge
	left    int64 // rows to put out; < 0: all
	skip    int64
}

// sortMerge yields rows in order.
type sortMerge interface {
	// next returns up to n rows, or io.EOF; with skip, it need not fill in the columns.
	next(n int, skip bool) (*vector.Batch, int, error)
}

func (s *sortStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if !s.started {
		s.started = true
		s.err = s.start(ctx)
	}
	if s.err != nil {
		return nil, s.err
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := s.query.batchRows()
		if s.skip > 0 {
			_, got, err := s.merge.next(int(min(int64(n), s.skip)), true)
			if err != nil {
				return nil, err
			}
			s.skip -= int64(got)
			continue
		}
		if s.left >= 0 {
			n = int(min(int64(n), s.left))
		}
		if n == 0 {
			return nil, io.EOF
		}
		b, got, err := s.merge.next(n, false)
		if err != nil {
			return nil, err
		}
		if s.left >= 0 {
			s.left -= int64(got)
		}
		return b, nil
	}
}

func (s *sortStream) start(ctx context.Context) error {
	ts := fieldTypes(s.op.Fields())
	schema := newRowSchema(ts)
	if s.op.keepRows() > 0 {
		clear(schema.dicts) // rows are copied while other workers still add entries
	}
	s.workers = make([]*sortWorker, len(s.inputs))
	var bound atomic.Uint64
	bound.Store(noBound)
	err := parallel(ctx, len(s.inputs), func(ctx context.Context, i int) error {
		w, err := newSortWorker(s.op, s.query, schema, &bound)
		if err != nil {
			s.inputs[i].Close()
			return err
		}
		s.workers[i] = w
		if err := drain(ctx, s.inputs[i], w.add); err != nil {
			return err
		}
		return w.finish()
	})
	if err != nil {
		return err
	}
	for _, w := range s.workers {
		if w.spill != nil {
			s.merge, err = newSpillMerge(s.workers, ts)
			return err
		}
	}
	s.merge = newMemoryMerge(s.workers, ts)
	return nil
}

func (s *sortStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.started {
		return closeAll(s.inputs)
	}
	for _, w := range s.workers {
		if w != nil {
			w.free()
		}
	}
	return nil
}
