package exec

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// kept is the rows of an input, held once and read by several streams: in memory, past the budget in files.
type kept struct {
	query   *Query
	inputs  []Stream
	schema  *rowSchema
	name    string
	once    sync.Once
	started atomic.Bool
	err     error
	spools  []*spool
	chunks  []keptChunk
	open    atomic.Int32 // streams that may still read
}

// keptChunk is a batch of at most chunkRows rows, in memory or at a place of a file.
type keptChunk struct {
	batch *vector.Batch
	file  *blockFile
	at    int64
}

func newKept(q *Query, inputs []Stream, ts []types.Type, name string) *kept {
	return &kept{query: q, inputs: inputs, schema: newRowSchema(ts), name: name}
}

func (k *kept) prepare(ctx context.Context) error {
	k.once.Do(func() {
		k.started.Store(true)
		k.spools = make([]*spool, len(k.inputs))
		for i := range k.spools {
			k.spools[i] = newSpool(k.query, k.schema, k.name, len(k.inputs))
		}
		k.err = parallel(ctx, len(k.inputs), func(ctx context.Context, i int) error {
			return drain(ctx, k.inputs[i], func(b *vector.Batch) error { return k.spools[i].add(b.Cols, b.Sel, b.Len) })
		})
		for _, s := range k.spools {
			k.chunks = append(k.chunks, s.chunks()...)
		}
	})
	return k.err
}

// leave is called once by each stream; the last one frees the rows.
func (k *kept) leave() {
	if k.open.Add(-1) == 0 {
		k.free()
	}
}

// free may be called again.
func (k *kept) free() {
	if !k.started.Load() {
		_ = closeAll(k.inputs)
	}
	for _, s := range k.spools {
		s.free()
	}
	k.chunks, k.spools = nil, nil
}

// spool keeps the rows of one worker, in memory and past the budget in a file.
type spool struct {
	query  *Query
	schema *rowSchema
	acct   *account
	share  int64 // bytes that it may hold in memory, so that others of the query have room; 0: no limit
	rows   *collector
	file   *blockFile
	starts []int64 // of the file's blocks
}

// spoolBytes is what a spool holds although the budget is used up, so that blocks have a size worth a read.
const spoolBytes = 128 << 10

func newSpool(q *Query, schema *rowSchema, operator string, workers int) *spool {
	return &spool{query: q, schema: schema, acct: q.account(operator), rows: newCollector(schema, nil), share: q.Memory.LimitBytes() / int64(2*workers)}
}

// add keeps the live rows of a batch.
func (s *spool) add(cols []*vector.Vector, sel []uint16, n int) error {
	err := s.rows.full(cols, sel, n)
	if err != nil {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if err := s.rows.add(cols, sel, n); err != nil {
		return err
	}
	size := s.rows.sizeBytes()
	if s.share == 0 || size <= s.share {
		if err = s.acct.set(size); err == nil {
			return nil
		}
		if !isFull(err) {
			return err
		}
	}
	if size < spoolBytes {
		return nil
	}
	return s.spill()
}

// spill writes out what is in memory.
func (s *spool) spill() error {
	if s.file == nil {
		f, err := s.query.newBlockFile()
		if err != nil {
			return err
		}
		s.file = f
	}
	defer s.schema.lockDicts()()
	for _, c := range s.rows.chunks {
		s.starts = append(s.starts, s.file.size)
		if err := s.file.write(c.Cols, c.Len); err != nil {
			return err
		}
	}
	s.rows = newCollector(s.schema, nil)
	s.acct.free()
	return nil
}

// chunks lists the rows in the order in which they came.
func (s *spool) chunks() []keptChunk {
	var out []keptChunk
	for _, at := range s.starts {
		out = append(out, keptChunk{file: s.file, at: at})
	}
	for _, b := range s.rows.chunks {
		out = append(out, keptChunk{batch: b})
	}
	return out
}

func (s *spool) free() {
	s.acct.free()
	if s.file != nil {
		s.file.close()
	}
	s.rows = newCollector(s.schema, nil)
}

// keptReader reads chunks, for one goroutine.
type keptReader struct {
	kept *kept
	last int
	in   spillReader
	outs []*outVector
	out  vector.Batch
}

func newKeptReader(k *kept) *keptReader {
	r := &keptReader{kept: k, last: -1}
	r.outs, r.out.Cols = newOutVectors(k.schema.types)
	return r
}

// load returns chunk i, valid until another one is loaded.
func (r *keptReader) load(i int) (*vector.Batch, error) {
	c := &r.kept.chunks[i]
	if c.batch != nil {
		return c.batch, nil
	}
	if r.last == i {
		return &r.out, nil
	}
	r.in.file, r.in.at, r.in.end = c.file.spillFile, c.at, c.file.size
	n, err := readBlock(&r.in, r.outs, r.kept.schema.types)
	if err != nil {
		r.last = -1
		return nil, fmt.Errorf("read spilled rows: %w", err)
	}
	r.out.Len, r.last = n, i
	return &r.out, nil
}
