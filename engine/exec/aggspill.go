package exec

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// Groups are spilled in 1<<spillPartLg partitions by hash.
const spillPartLg = 6

// rowSpill is the groups that one worker has written out: runs, each of all partitions in turn.
type rowSpill struct {
	file *os.File
	size int64
	runs [][1<<spillPartLg + 1]int64 // where the partitions of a run start and end
}

// newTempFile creates a file without a name left in the file system, where that is possible.
func (q *Query) newTempFile() (*os.File, error) {
	f, err := os.CreateTemp(q.TempDir, "featuresql-spill-*")
	if err != nil {
		return nil, fmt.Errorf("spill: %w", err)
	}
	os.Remove(f.Name()) // open files outlive their names; where not, close removes it
	return f, nil
}

func closeTemp(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

func (s *rowSpill) close() {
	if s.file != nil {
		closeTemp(s.file)
		s.file = nil
	}
}

// spillRows writes all groups out, but that of the NULL key, and empties the table.
//
// A block is: number of rows, number of key bytes, the rows' words, the key bytes.
func (w *aggWorker) spillRows() error {
	if w.spill == nil {
		f, err := w.query.newTempFile()
		if err != nil {
			return err
		}
		w.spill = &rowSpill{file: f}
	}
	out := bufio.NewWriterSize(io.NewOffsetWriter(w.spill.file, w.spill.size), 1<<16)
	var run [1<<spillPartLg + 1]int64
	var groups, salts []uint32
	for part := range 1 << spillPartLg {
		run[part] = w.spill.size
		groups, salts = w.table.partition(part, spillPartLg, groups[:0], salts[:0])
		if part == 0 && w.table.null != 0 {
			groups = groups[1:]
		}
		for at := 0; at < len(groups); at += vector.MaxRows {
			n, err := w.writeBlock(out, groups[at:min(at+vector.MaxRows, len(groups))])
			if err != nil {
				return fmt.Errorf("spill: %w", err)
			}
			w.spill.size += n
		}
	}
	run[1<<spillPartLg] = w.spill.size
	if err := out.Flush(); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	w.spill.runs = append(w.spill.runs, run)
	w.emptyTable()
	return nil
}

func (w *aggWorker) emptyTable() {
	t := w.table
	fresh := newGroupTable(t.codec, t.stride-t.codec.rowWords())
	if t.null != 0 {
		fresh.reserve(1)
		fresh.null = fresh.addRow()
		copy(fresh.rows[int(fresh.null)*t.stride:], t.rows[int(t.null)*t.stride:][:t.stride])
	}
	w.table = fresh
}

func (w *aggWorker) writeBlock(out io.Writer, groups []uint32) (int64, error) {
	t := w.table
	keyBytes := 0
	if t.codec.words == 0 {
		for _, g := range groups {
			keyBytes += len(t.keyBytes(g))
		}
	}
	buf := make([]byte, 0, 16+len(groups)*t.stride*8+keyBytes)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(groups)))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(keyBytes))
	at := uint64(0)
	for _, g := range groups {
		for i, x := range t.rows[int(g)*t.stride : (int(g)+1)*t.stride] {
			if i == 0 && t.codec.words == 0 {
				x, at = at, at+uint64(len(t.keyBytes(g)))
			}
			buf = binary.LittleEndian.AppendUint64(buf, x)
		}
	}
	if t.codec.words == 0 {
		for _, g := range groups {
			buf = append(buf, t.keyBytes(g)...)
		}
	}
	_, err := out.Write(buf)
	return int64(len(buf)), err
}

// mergeSpilled adds what src has spilled of a partition.
func (w *aggWorker) mergeSpilled(ctx context.Context, src *aggWorker, part int) error {
	if src.spill == nil {
		return nil
	}
	for _, run := range src.spill.runs {
		in := bufio.NewReaderSize(io.NewSectionReader(src.spill.file, run[part], run[part+1]-run[part]), 1<<16)
		for {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			block, err := w.readBlock(in)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read spilled groups: %w", err)
			}
			if err := w.mergeBlock(block); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBlock reads a block as a table without slots, whose rows start at 0.
func (w *aggWorker) readBlock(in io.Reader) (*groupTable, error) {
	var head [16]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	n, keyBytes := int(binary.LittleEndian.Uint64(head[:])), int(binary.LittleEndian.Uint64(head[8:]))
	t := &groupTable{codec: w.table.codec, stride: w.table.stride, n: n}
	buf := make([]byte, n*t.stride*8+keyBytes)
	if _, err := io.ReadFull(in, buf); err != nil {
		return nil, err
	}
	t.rows = make([]uint64, n*t.stride)
	for i := range t.rows {
		t.rows[i] = binary.LittleEndian.Uint64(buf[i*8:])
	}
	t.arena = buf[n*t.stride*8:]
	return t, nil
}

func (w *aggWorker) mergeBlock(block *groupTable) error {
	from := make([]uint32, block.n)
	for i := range from {
		from[i] = uint32(i)
	}
	w.blockKeys(block)
	w.dropCommonBits()
	w.gid = resize(w.gid, block.n)
	w.table.groups(&w.keys, w.gid)
	for i, fn := range w.funcs {
		if w.plan.owner[i] != i {
			continue
		}
		st := agg.Table{Rows: block.rows, Stride: block.stride, Offset: w.state(i).Offset}
		if err := fn.Merge(w.state(i), w.gid, fn, st, from); err != nil {
			return err
		}
	}
	return w.acct.set(w.sizeBytes())
}

// blockKeys sets w.keys to the keys of a block that was read back.
func (w *aggWorker) blockKeys(block *groupTable) {
	b := &w.keys
	b.n, b.nulls = block.n, b.nulls[:0]
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
