package exec

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// asOfCandidates reads the right side of a point-in-time join whose left side is indexed. A right row is of use to the
// left rows of its key from its time on, until a newer right row is: it is put at the first of them, if it is newer than
// what was there before. In the end each left row's match is what stands at its own place or, of those of its key, at the
// nearest one before. So no more right rows need be held than there are left rows.
type asOfCandidates struct {
	run   *asOfRun
	index *asOfIndex

	// Of each place in index.times stride words: the time of the candidate, 0 if there is none; its name,
	// row*len(readers)+reader or noRow; and its value in each of tieColumns. They change under the place's lock, but for the
	// name, which its reader may change alone. The first two are read without the lock.
	places []uint64
	stride int

	locks    [256]sync.Mutex // of the places that end in these bits
	readers  []*asOfReader
	spilling atomic.Bool // candidates are in the readers' spools, with some that are none any more
	acct     *account

	rows  *rowSet
	match []uint32 // of each left row
}

// asOfReader is one worker's part: the candidates that it found, and those of them that have lost since.
type asOfReader struct {
	of      *asOfCandidates
	number  uint32
	set     *exprSet // keys, time
	kb      keyBatch
	gid     []uint32
	live    []uint16
	sel     []uint16
	times   []uint64 // of sel
	places  []uint32
	rows    *collector
	placeOf []uint32 // of rows
	left    []uint16
	touched uint64 // the sum of what was read ahead, so that it is read
	held    int    // rows that were left when it last let go of those that had lost
	acct    *account
	spool   *spool
}

func newAsOfCandidates(r *asOfRun) *asOfCandidates {
	return &asOfCandidates{run: r, index: r.index, acct: r.query.account("asof join")}
}

// read reads the right side and closes it; unless it is spilling, match and rows are known then.
func (c *asOfCandidates) read(ctx context.Context, inputs []Stream) error {
	op, q := c.run.op, c.run.query
	if !c.index.spilling.Load() {
		places := len(c.index.times)
		if places == 0 {
			c.settle()
			return closeAll(inputs)
		}
		c.stride = 2 + len(op.tieColumns)
		if c.acct.set(int64(places)*int64(c.stride)*8) == nil {
			c.places = make([]uint64, places*c.stride)
			for i := range places {
				c.places[i*c.stride+1] = uint64(noRow)
			}
		}
	}
	c.spilling.Store(c.places == nil)
	schema := newRowSchema(fieldTypes(op.right.Fields()))
	for i := range inputs {
		c.readers = append(c.readers, &asOfReader{of: c, number: uint32(i), live: []uint16{}, sel: []uint16{}, left: []uint16{}, rows: newCollector(schema, nil),
			acct: q.account("asof join"), spool: newSpool(q, schema, "asof join", len(inputs))})
	}
	exprs := append(append([]expr.Expr(nil), op.rightKeys...), op.rightTime)
	err := parallel(ctx, len(inputs), func(ctx context.Context, i int) error {
		set, err := compileExprs(exprs, q.Env)
		if err != nil {
			inputs[i].Close()
			return err
		}
		c.readers[i].set = set
		return drain(ctx, inputs[i], c.readers[i].take)
	})
	if err != nil {
		return err
	}
	if !c.spilling.Load() {
		if err = c.acct.grow(int64(len(c.index.rows.chunks)) * chunkRows * 4); err == nil {
			c.settle()
			return nil
		} else if !isFull(err) {
			return err
		}
		c.spilling.Store(true)
	}
	for _, r := range c.readers {
		if err := r.toFile(); err != nil {
			return err
		}
	}
	c.drop()
	return nil
}

// drop lets go of all but the spools.
func (c *asOfCandidates) drop() {
	c.places, c.match, c.rows = nil, nil, nil
	c.acct.free()
}

func (c *asOfCandidates) spools() []*spool {
	out := make([]*spool, len(c.readers))
	for i, r := range c.readers {
		out[i] = r.spool
	}
	return out
}

func (c *asOfCandidates) free() {
	for _, r := range c.readers {
		r.acct.free()
		r.rows = nil
		r.spool.free()
	}
	c.drop()
}

// take makes the rows of a batch candidates, where they are better than those before.
func (r *asOfReader) take(b *vector.Batch) error {
	c := r.of
	vecs, err := r.set.eval(b)
	if err != nil {
		return err
	}
	r.live = liveKeys(r.live[:0], vecs, b)
	if c.places == nil { // there is no index
		return r.keep(b, r.live)
	}
	r.findPlaces(vecs, b)
	if len(r.sel) == 0 {
		return nil
	}
	readers, at := uint64(len(c.readers)), uint64(r.rows.rows)
	if (at+uint64(len(r.sel)))*readers >= uint64(noRow) {
		c.spilling.Store(true) // the names are used up
	}
	if r.rows.full(b.Cols, r.sel, b.Len) != nil {
		c.spilling.Store(true)
	}
	if c.spilling.Load() {
		return r.takeToFile(b)
	}
	if err := r.rows.add(b.Cols, r.sel, b.Len); err != nil {
		return err
	}
	r.placeOf = append(r.placeOf, r.places...)
	for k, place := range r.places {
		c.offer(place, r.times[k], uint32((at+uint64(k))*readers)+r.number, b, int(r.sel[k]))
	}
	return r.account()
}

// takeToFile adds the rows of sel to what will be sorted. They are no candidates, but keep out older ones.
func (r *asOfReader) takeToFile(b *vector.Batch) error {
	c := r.of
	for k, place := range r.places {
		p, lock := c.lock(place)
		if r.times[k] > p[0] {
			atomic.StoreUint64(&p[0], r.times[k])
			atomic.StoreUint64(&p[1], uint64(noRow))
		}
		lock.Unlock()
	}
	if err := r.toFile(); err != nil {
		return err
	}
	return r.keep(b, r.sel)
}

// keep adds rows to what will be sorted.
func (r *asOfReader) keep(b *vector.Batch, sel []uint16) error {
	if len(sel) == 0 {
		return nil
	}
	return r.spool.add(b.Cols, sel, b.Len)
}

// placeBlock is how many rows are looked up together: what they touch fits a core's first cache.
const placeBlock = 256

// findPlaces sets sel, times and places to the live rows that are no older than the candidate at their place. It goes by blocks,
// and by stages within a block, so that the cache misses of a block overlap.
func (r *asOfReader) findPlaces(vecs []*vector.Vector, b *vector.Batch) {
	c, x := r.of, r.of.index
	r.gid = x.find(&r.kb, vecs[:x.nKeys], r.live, b.Len, r.gid)
	r.sel, r.times, r.places = r.sel[:0], r.times[:0], r.places[:0]
	time, strict := vecs[x.nKeys], c.run.op.strict
	var lo, hi [placeBlock]uint32
	for at := 0; at < len(r.live); at += placeBlock {
		gid, live := r.gid[at:min(at+placeBlock, len(r.live))], r.live[at:]
		for k, g := range gid {
			lo[k], hi[k] = x.starts[g], x.starts[g+1] // group 0 has none
		}
		for k := range gid {
			if lo[k] < hi[k] {
				r.touched += x.times[lo[k]] + x.times[hi[k]-1]
			}
		}
		for k := range gid {
			lo[k] = uint32(x.until(int(lo[k]), int(hi[k]), sortkey.Word(time, int(live[k])), strict))
		}
		for k := range gid {
			if lo[k] < hi[k] {
				r.touched += atomic.LoadUint64(&c.places[int(lo[k])*c.stride])
			}
		}
		for k := range gid {
			if lo[k] == hi[k] {
				continue
			}
			if t := sortkey.Word(time, int(live[k])); t >= atomic.LoadUint64(&c.places[int(lo[k])*c.stride]) {
				r.sel, r.times, r.places = append(r.sel, live[k]), append(r.times, t), append(r.places, lo[k])
			}
		}
	}
}

// lock returns a place, which is this goroutine's until it is unlocked.
func (c *asOfCandidates) lock(place uint32) ([]uint64, *sync.Mutex) {
	l := &c.locks[place%uint32(len(c.locks))]
	l.Lock()
	return c.places[int(place)*c.stride:][:c.stride], l
}

// offer makes row i of b, named ref, the candidate at a place unless that has a better one by now.
func (c *asOfCandidates) offer(place uint32, t uint64, ref uint32, b *vector.Batch, i int) {
	p, lock := c.lock(place)
	defer lock.Unlock()
	columns := c.run.op.tieColumns
	if atomic.LoadUint64(&p[1]) != uint64(noRow) {
		if t < p[0] {
			return
		}
		for k := 0; t == p[0] && k < len(columns); k++ {
			if v, best := b.Cols[columns[k]].Int(i), int64(p[2+k]); v < best {
				return
			} else if v > best {
				break
			}
		}
	}
	for k, col := range columns {
		p[2+k] = uint64(b.Cols[col].Int(i))
	}
	atomic.StoreUint64(&p[1], uint64(ref))
	atomic.StoreUint64(&p[0], t)
}

// account reserves what is held; where that is much, the rows that have lost go.
func (r *asOfReader) account() error {
	if r.rows.rows > 2*r.held+4*chunkRows {
		if err := r.compact(); err != nil {
			return err
		}
	}
	err := r.acct.set(r.sizeBytes())
	if isFull(err) && r.rows.rows > r.held+r.held/4+chunkRows {
		if err := r.compact(); err != nil {
			return err
		}
		err = r.acct.set(r.sizeBytes())
	}
	if isFull(err) {
		r.of.spilling.Store(true)
		return r.toFile()
	}
	return err
}

func (r *asOfReader) sizeBytes() int64 { return r.rows.sizeBytes() + int64(cap(r.placeOf))*4 }

// name returns the name that row has while it is the candidate at its place, and where the place has it.
func (r *asOfReader) name(row int) (name uint64, at *uint64) {
	c := r.of
	return uint64(row)*uint64(len(c.readers)) + uint64(r.number), &c.places[int(r.placeOf[row])*c.stride+1]
}

// eachChunk calls f with every chunk and those of its rows that are candidates, the first of which is row at.
func (r *asOfReader) eachChunk(f func(chunk *vector.Batch, sel []uint16, at int) error) error {
	for i, chunk := range r.rows.chunks {
		at := i << chunkBits
		r.left = r.left[:0]
		for row := range chunk.Len {
			if name, p := r.name(at + row); atomic.LoadUint64(p) == name {
				r.left = append(r.left, uint16(row))
			}
		}
		if err := f(chunk, r.left, at); err != nil {
			return err
		}
	}
	return nil
}

// compact lets go of the rows that are no candidates any more.
func (r *asOfReader) compact() error {
	rows, kept := newCollector(r.rows.schema, nil), &asOfReader{of: r.of, number: r.number}
	err := r.eachChunk(func(chunk *vector.Batch, sel []uint16, at int) error {
		to := rows.rows
		if err := rows.add(chunk.Cols, sel, chunk.Len); err != nil {
			return err
		}
		for k, row := range sel {
			kept.placeOf = append(kept.placeOf, r.placeOf[at+int(row)])
			old, p := r.name(at + int(row))
			renamed, _ := kept.name(to + k)
			atomic.CompareAndSwapUint64(p, old, renamed) // else it has lost meanwhile
		}
		return nil
	})
	r.rows, r.placeOf, r.held = rows, kept.placeOf, rows.rows
	return err
}

// toFile moves the candidates to the spool.
func (r *asOfReader) toFile() error {
	if r.rows.rows > 0 {
		err := r.eachChunk(func(chunk *vector.Batch, sel []uint16, _ int) error { return r.spool.add(chunk.Cols, sel, chunk.Len) })
		if err != nil {
			return err
		}
		r.rows, r.placeOf = newCollector(r.rows.schema, nil), nil
	}
	r.acct.free()
	return r.spool.spill()
}

// settle finds the match of each left row.
func (c *asOfCandidates) settle() {
	x := c.index
	collectors, base := make([]*collector, len(c.readers)), make([]uint32, len(c.readers))
	chunks := 0
	for i, r := range c.readers {
		collectors[i], base[i] = r.rows, uint32(chunks<<chunkBits)
		chunks += len(r.rows.chunks)
		r.placeOf = nil
	}
	c.rows = newRowSet(fieldTypes(c.run.op.right.Fields()), collectors)
	c.match = make([]uint32, len(x.rows.chunks)<<chunkBits)
	for i := range c.match {
		c.match[i] = noRow
	}
	readers := uint32(len(c.readers))
	for g := range x.keys.n {
		ref := noRow
		for place := x.starts[g]; place < x.starts[g+1]; place++ {
			if found := uint32(c.places[int(place)*c.stride+1]); found != noRow {
				ref = base[found%readers] + found/readers
			}
			c.match[x.refs[place]] = ref
		}
	}
	c.places = nil
	x.dropOrder()
	_ = c.acct.set(int64(len(c.match)) * 4) // less than before
	x.acct.free()
}
