package exec

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// Groups are spilled in 1<<spillPartLg partitions by hash. A partition that does not fit is spilled again, by the next
// bits of the hash, until maxSpillLg bits are used up.
const (
	spillPartLg = 6
	maxSpillLg  = 4 * spillPartLg
)

// rowSpill is the groups that one worker has written out: runs, each of all partitions in turn.
type rowSpill struct {
	*spillFile
	raw  []byte
	runs [][1<<spillPartLg + 1]int64 // where the partitions of a run start and end
}

// charge accounts for the memory in use; past the budget, or a partition's share of it, groups are spilled where they
// can be. A few groups stay although the budget is used up, so that blocks have a size worth a write.
func (w *aggWorker) charge() error {
	size := w.sizeBytes()
	if w.share == 0 || size <= w.share || !w.canSpill() {
		err := w.acct.set(size)
		if !isFull(err) || size <= w.floor {
			return keepUnlessFull(err, true)
		}
		if !w.canSpill() {
			return w.hold()
		}
	}
	if err := w.spillAll(); err != nil {
		return err
	}
	return w.hold()
}

// hold accounts for the memory in use; not much more than what empty tables take is held even if there is no room.
func (w *aggWorker) hold() error {
	size := w.sizeBytes()
	return keepUnlessFull(w.acct.set(size), size <= int64(2+len(w.inner))*emptyTableBytes)
}

// emptyTableBytes is more than an empty table takes.
const emptyTableBytes = 16 << 10

// keepUnlessFull is err, but nil if it says that the budget is used up and small is set.
func keepUnlessFull(err error, small bool) error {
	if small && isFull(err) {
		return nil
	}
	return err
}

// canSpill reports whether spilling makes w smaller for good: a partition of one group is never going to be less.
func (w *aggWorker) canSpill() bool {
	switch {
	case len(w.sets) > 0 || w.inner != nil:
		return true
	case w.plan.nKeys == 0:
		return false
	case w.partLg == 0:
		return true
	}
	return w.table.n > 2 && w.partLg < maxSpillLg
}

// spilledAny reports whether some of the worker's groups lie in files.
func (w *aggWorker) spilledAny() bool { return w.spill != nil || w.inner != nil }

// spillAll writes all that can be written out, and empties the worker.
func (w *aggWorker) spillAll() error {
	if err := w.spillSets(); err != nil {
		return err
	}
	if w.plan.nKeys == 0 || w.table.n == 1 {
		return nil
	}
	return w.spillRows()
}

// spillRows writes all groups out and empties the table.
//
// A block is: number of rows, of key bytes and of packed bytes, whether its only row is that of the NULL key, the rows'
// words, the key bytes, and of each function with states beside the table the packed states.
func (w *aggWorker) spillRows() error {
	if w.spill == nil {
		f, err := w.query.newSpillFile()
		if err != nil {
			return err
		}
		w.spill = &rowSpill{spillFile: f}
	}
	var run [1<<spillPartLg + 1]int64
	var groups, salts []uint32
	for part := range 1 << spillPartLg {
		run[part] = w.spill.size
		groups, salts = w.table.partition(part, spillPartLg, groups[:0], salts[:0])
		rest := groups
		if part == 0 && w.table.null != 0 {
			if err := w.writeGroups(groups[:1], 1); err != nil {
				return err
			}
			rest = groups[1:]
		}
		for len(rest) > 0 {
			n := w.blockGroups(rest)
			if err := w.writeGroups(rest[:n], 0); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	run[1<<spillPartLg] = w.spill.size
	w.spill.runs = append(w.spill.runs, run)
	w.table = newGroupTable(w.table.codec, w.table.stride-w.table.codec.rowWords())
	return w.freshFuncs()
}

// freshFuncs makes functions forget the states that they hold beside the table.
func (w *aggWorker) freshFuncs() error {
	for i, fn := range w.funcs {
		if _, ok := fn.(agg.Packer); !ok {
			continue
		}
		fresh, err := agg.New(w.specs[i])
		if err != nil {
			return err
		}
		w.funcs[i] = fresh
	}
	return nil
}

// blockGroups returns how many of the groups a block takes: a batch of them, fewer where their keys are long.
func (w *aggWorker) blockGroups(groups []uint32) int {
	most := min(len(groups), vector.MaxRows)
	if w.table.codec.words > 0 {
		return most
	}
	room := w.query.textRoom()
	for n := range most {
		if room < 0 {
			return n
		}
		room -= len(w.table.keyBytes(groups[n]))
	}
	return most
}

const groupHead = 32

func (w *aggWorker) writeGroups(groups []uint32, null uint64) error {
	t, f := w.table, w.spill
	buf := append(f.raw[:0], make([]byte, groupHead)...)
	arena := uint64(0)
	for _, g := range groups {
		for i, x := range t.rows[int(g)*t.stride : (int(g)+1)*t.stride] {
			if i == 0 && t.codec.words == 0 {
				x, arena = arena, arena+uint64(len(t.keyBytes(g)))
			}
			buf = binary.LittleEndian.AppendUint64(buf, x)
		}
	}
	if t.codec.words == 0 {
		for _, g := range groups {
			buf = append(buf, t.keyBytes(g)...)
		}
	}
	keysEnd := len(buf)
	for i, fn := range w.funcs {
		p, ok := fn.(agg.Packer)
		if !ok || w.plan.owner[i] != i || agg.Spills(fn) {
			continue
		}
		for _, g := range groups {
			at := len(buf)
			buf = p.Pack(append(buf, 0, 0, 0, 0), w.state(i), g)
			binary.LittleEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
		}
	}
	for i, n := range []uint64{uint64(len(groups)), arena, uint64(len(buf) - keysEnd), null} {
		binary.LittleEndian.PutUint64(buf[i*8:], n)
	}
	f.raw = buf
	_, err := f.append(buf)
	return err
}

// groupBlock is a block that was read back: a table without slots, whose rows start at 0.
type groupBlock struct {
	groupTable
	isNull bool
	packed []byte
}

// mergeSpilled adds what src has spilled of a partition.
func (w *aggWorker) mergeSpilled(ctx context.Context, src *aggWorker, part int) error {
	if src.spill == nil {
		return nil
	}
	for _, run := range src.spill.runs {
		in := src.spill.reader(run[part], run[part+1])
		for {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			raw, err := in.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := w.mergeBlock(w.parseBlock(raw)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *aggWorker) parseBlock(raw []byte) *groupBlock {
	var head [4]int
	for i := range head {
		head[i] = int(binary.LittleEndian.Uint64(raw[i*8:]))
	}
	b := &groupBlock{groupTable: groupTable{codec: w.table.codec, stride: w.table.stride, n: head[0]}, isNull: head[3] != 0}
	raw = raw[groupHead:]
	b.rows = make([]uint64, b.n*b.stride)
	for i := range b.rows {
		b.rows[i] = binary.LittleEndian.Uint64(raw[i*8:])
	}
	raw = raw[len(b.rows)*8:]
	b.arena, b.packed = raw[:head[1]], raw[head[1]:]
	return b
}

func (w *aggWorker) mergeBlock(block *groupBlock) error {
	from := make([]uint32, block.n)
	for i := range from {
		from[i] = uint32(i)
	}
	w.blockKeys(block)
	w.dropCommonBits()
	w.gid = resize(w.gid, block.n)
	w.table.groups(&w.keys, w.gid)
	packed := block.packed
	for i, fn := range w.funcs {
		if w.plan.owner[i] != i {
			continue
		}
		if p, ok := fn.(agg.Packer); ok && !agg.Spills(fn) {
			for _, g := range w.gid {
				n := binary.LittleEndian.Uint32(packed)
				if err := p.Unpack(w.state(i), g, packed[4:4+n]); err != nil {
					return err
				}
				packed = packed[4+n:]
			}
			continue
		}
		st := agg.Table{Rows: block.rows, Stride: block.stride, Offset: w.state(i).Offset}
		if err := fn.Merge(w.state(i), w.gid, fn, st, from); err != nil {
			return err
		}
	}
	return w.charge()
}

// blockKeys sets w.keys to the keys of a block that was read back.
func (w *aggWorker) blockKeys(block *groupBlock) {
	b := &w.keys
	for _, k := range b.nulls {
		b.isNull[k] = false
	}
	b.n, b.nulls = block.n, b.nulls[:0]
	if len(b.isNull) < b.n {
		b.isNull = make([]bool, max(b.n, vector.MaxRows))
	}
	if block.isNull {
		b.isNull[0], b.nulls = true, append(b.nulls, 0)
	}
	b.hashes = resize(b.hashes, b.n)
	words := block.codec.words
	if words > 0 {
		b.words = resize(b.words, b.n*words)
		for k := range b.n {
			copy(b.words[k*words:(k+1)*words], block.rows[k*block.stride:])
		}
		block.codec.hash(b)
		return
	}
	b.off, b.buf = append(b.off[:0], 0), append(b.buf[:0], block.arena...)
	for k := range b.n {
		b.off = append(b.off, b.off[k]+int32(len(block.keyBytes(uint32(k)))))
	}
	block.codec.hashRows(b)
}
