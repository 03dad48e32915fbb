package exec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// sortSpill is the sorted runs that one worker has written out, a section each. A block's last column is the
// rows' whole keys.
type sortSpill struct{ *blockFile }

// Rows of a spilled block, and bytes from which on a column of text ends it: a merge holds one block of each run.
const (
	spillBlockRows = 1024
	spillBlockText = 128 << 10
)

// charge accounts for the memory in use; past the budget, what is there is sorted and written out.
func (w *sortWorker) charge() error {
	err := w.acct.set(w.sizeBytes())
	if err == nil || !isFull(err) {
		return err
	}
	if err := w.toFile(); err != nil {
		return err
	}
	return w.acct.set(w.sizeBytes())
}

// toFile sorts what is there and writes it out.
func (w *sortWorker) toFile() error {
	if w.spill == nil {
		f, err := w.query.newBlockFile()
		if err != nil {
			return err
		}
		w.spill = &sortSpill{f}
	}
	w.order()
	return w.spillRun()
}

// spillRun writes the ordered entries out as a run and empties the worker.
func (w *sortWorker) spillRun() error {
	defer w.schema.lockDicts()() // other workers may be adding entries
	rows := newRowSet(w.schema.types, []*collector{w.rows})
	outs, cols := newOutVectors(w.schema.types)
	keys := vector.New(types.Of(types.Binary), 0)
	refs, room := make([]uint32, 0, spillBlockRows), min(spillBlockText, w.query.textRoom())
	for at := 0; at < len(w.entries); at += len(refs) {
		part := w.entries[at:min(at+spillBlockRows, len(w.entries))]
		refs = refs[:0]
		resetVector(keys, keys.Type, len(part))
		for _, e := range part {
			if len(keys.Data) > room {
				break
			}
			refs = append(refs, e.ref)
			keys.Data = w.appendKey(keys.Data, e)
			keys.Off = append(keys.Off, int32(len(keys.Data)))
		}
		refs = refs[:rows.fetchAll(outs, refs, nil, len(refs), false, room)]
		if err := w.spill.write(append(cols, keys), len(refs)); err != nil {
			return err
		}
	}
	w.spill.endSection()
	w.rows, w.keys, w.keyMem, w.entries, w.spare = newCollector(w.schema, nil), nil, 0, nil, nil
	return nil
}

// appendKey appends the key of an entry; one that lies in the entry is padded to its length there.
func (w *sortWorker) appendKey(dst []byte, e sortEntry) []byte {
	if !w.exact {
		return append(dst, w.keys[e.ref>>chunkBits].row(e.ref&(chunkRows-1))...)
	}
	dst = binary.BigEndian.AppendUint64(dst, e.prefix)
	return binary.BigEndian.AppendUint32(dst, e.tail)
}

// spillMerge merges runs from files.
type spillMerge struct {
	runs  []*runCursor // that are not at their end: a heap, the one whose row comes first at its root
	types []types.Type
	outs  []*outVector
	out   vector.Batch
	rows  []uint16
	room  int // for the text of a column of a batch
}

// runCursor reads one run block by block.
type runCursor struct {
	in    *spillReader
	cols  []*outVector // the last holds the keys
	n     int
	pos   int
	key   []byte // of row pos
	index int    // of the run: among equal rows, those of earlier runs come first
}

// step goes on to row pos, which the block has.
func (c *runCursor) step(pos int) {
	c.pos, c.key = pos, c.cols[len(c.cols)-1].Bytes(pos)
}

func (c *runCursor) before(d *runCursor) bool {
	if k := bytes.Compare(c.key, d.key); k != 0 {
		return k < 0
	}
	return c.index < d.index
}

// load reads the next block; it reports false at the end of the run.
func (c *runCursor) load(ts []types.Type) (bool, error) {
	n, err := readBlock(c.in, c.cols, ts)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read spilled rows: %w", err)
	}
	c.n = n
	c.step(0)
	return true, nil
}

// newSpillMerge writes out what is still in memory and opens all runs.
func newSpillMerge(workers []*sortWorker, ts []types.Type) (*spillMerge, error) {
	m := &spillMerge{types: append(append([]types.Type(nil), ts...), types.Of(types.Binary))}
	m.outs, m.out.Cols = newOutVectors(ts)
	for _, w := range workers {
		m.room = w.query.textRoom()
		if w.spill == nil {
			f, err := w.query.newBlockFile()
			if err != nil {
				return nil, err
			}
			w.spill = &sortSpill{f}
			if err := w.spillRun(); err != nil {
				return nil, err
			}
			w.acct.free()
		}
		for i := range w.spill.ends {
			c := &runCursor{in: w.spill.section(i), index: len(m.runs)}
			c.cols, _ = newOutVectors(m.types)
			ok, err := c.load(m.types)
			if err != nil {
				return nil, err
			}
			if ok {
				m.runs = append(m.runs, c)
			}
		}
	}
	for i := len(m.runs)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// sink moves the run at i of the heap below those that come before it.
func (m *spillMerge) sink(i int) {
	for {
		least := i
		for k := 2*i + 1; k <= 2*i+2 && k < len(m.runs); k++ {
			if m.runs[k].before(m.runs[least]) {
				least = k
			}
		}
		if least == i {
			return
		}
		m.runs[i], m.runs[least] = m.runs[least], m.runs[i]
		i = least
	}
}

func (m *spillMerge) next(n int, skip bool) (*vector.Batch, int, error) {
	for i, o := range m.outs {
		resetVector(&o.Vector, m.types[i], 0)
	}
	got := 0
	for got < n && len(m.runs) > 0 && !m.crowded() {
		k, err := m.take(n-got, skip)
		if err != nil {
			return nil, 0, err
		}
		got += k
	}
	if got == 0 {
		return nil, 0, io.EOF
	}
	m.out.Len = got
	return &m.out, got, nil
}

// crowded reports whether a column of text has no room for more.
func (m *spillMerge) crowded() bool {
	return slices.ContainsFunc(m.outs, func(o *outVector) bool { return len(o.Data) > m.room })
}

// take puts out up to n rows of the run whose next row comes first, as long as they come before the others'.
func (m *spillMerge) take(n int, skip bool) (int, error) {
	c := m.runs[0]
	var second *runCursor
	for k := 1; k <= 2 && k < len(m.runs); k++ {
		if second == nil || m.runs[k].before(second) {
			second = m.runs[k]
		}
	}
	m.rows = m.rows[:0]
	pos := c.pos
	for pos < c.n && len(m.rows) < n {
		c.step(pos)
		if second != nil && len(m.rows) > 0 && second.before(c) {
			break
		}
		m.rows = append(m.rows, uint16(pos))
		pos++
	}
	if !skip {
		for i, o := range m.outs {
			appendRows(&o.Vector, &c.cols[i].Vector, m.rows, c.n)
		}
	}
	if pos < c.n {
		c.step(pos)
	} else if ok, err := c.load(m.types); err != nil {
		return 0, err
	} else if !ok {
		last := len(m.runs) - 1
		m.runs[0] = m.runs[last]
		m.runs = m.runs[:last]
	}
	m.sink(0)
	return len(m.rows), nil
}
