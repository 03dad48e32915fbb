package exec

import (
	"sync"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Rows that an operator keeps lie in chunks of exactly chunkRows rows (the last of each worker is shorter), so
// that a row is named by one number: chunk<<chunkBits | row.
const (
	chunkBits = 13
	chunkRows = 1 << chunkBits
	noRow     = ^uint32(0) // a row of NULLs
)

// sharedDict is the common dictionary of one column of kept rows: each worker's batches bring dictionaries of
// their own, and rows that share one stay coded through sorts and joins. A column whose entries grow
// past maxSharedDict stops being coded.
type sharedDict struct {
	mu    sync.Mutex
	codes map[string]int32
	dict  *vector.Vector
	full  bool
}

const maxSharedDict = 1 << 14

// translate sets memo[c] to the common code of each entry c of d that codes names; it reports false when there
// are too many. Dictionaries are translated batch by batch: nobody promises that they stay as they are.
func (s *sharedDict) translate(d *vector.Vector, codes []int32, sel []uint16, n int, memo []int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return false
	}
	for i := range memo {
		memo[i] = -1
	}
	for k := range n {
		c := codes[rowAt(sel, k)]
		if memo[c] >= 0 {
			continue
		}
		b := d.Bytes(int(c))
		common, ok := s.codes[string(b)]
		if !ok {
			if s.dict.Len >= maxSharedDict {
				s.full = true
				return false
			}
			common = int32(s.dict.Len)
			s.codes[string(b)] = common
			s.dict.Data = append(s.dict.Data, b...)
			s.dict.Off = append(s.dict.Off, int32(len(s.dict.Data)))
			s.dict.Len++
		}
		memo[c] = common
	}
	return true
}

// rowSchema is what the collectors of one operator share.
type rowSchema struct {
	types []types.Type
	dicts []*sharedDict // nil for columns that are never coded
}

func newRowSchema(ts []types.Type) *rowSchema {
	s := &rowSchema{types: ts, dicts: make([]*sharedDict, len(ts))}
	for i, t := range ts {
		if t.Physical() == types.PhysBytes {
			s.dicts[i] = &sharedDict{codes: map[string]int32{}, dict: vector.New(t, 0)}
		}
	}
	return s
}

// lockDicts keeps other collectors from adding entries while coded chunks are read, until unlock.
func (s *rowSchema) lockDicts() (unlock func()) {
	for _, d := range s.dicts {
		if d != nil {
			d.mu.Lock()
		}
	}
	return func() {
		for _, d := range s.dicts {
			if d != nil {
				d.mu.Unlock()
			}
		}
	}
}

// collector copies the live rows of batches into chunks, for one goroutine.
type collector struct {
	schema *rowSchema
	acct   *account
	chunks []*vector.Batch
	rows   int
	bytes  int64 // of the full chunks
	memo   []int32
	sel    []uint16
}

func newCollector(s *rowSchema, acct *account) *collector {
	return &collector{schema: s, acct: acct}
}

// maxChunkText is how many bytes of text a column of a chunk may have, which offsets of 32 bits reach.
const maxChunkText = 1 << 30

// full is a *MemoryError if the live rows of cols have more text than the chunk that they come to has room for.
func (c *collector) full(cols []*vector.Vector, sel []uint16, n int) error {
	var chunk *vector.Batch
	if c.rows&(chunkRows-1) != 0 {
		chunk = c.chunks[len(c.chunks)-1]
	}
	for i, v := range cols {
		var dst *vector.Vector
		if chunk != nil {
			dst = chunk.Cols[i]
		}
		coded := v.Codes != nil && c.schema.dicts[i] != nil && (dst == nil || dst.Codes != nil)
		if v.Type.Physical() != types.PhysBytes || coded {
			continue
		}
		held, more := 0, textBytes(v, sel, n)
		if dst != nil {
			held = len(dst.Data)
		}
		if held+more > maxChunkText {
			return &MemoryError{Operator: "text of rows that are kept together", WantedBytes: int64(more), UsedBytes: int64(held), LimitBytes: maxChunkText}
		}
	}
	return nil
}

// textBytes is how many bytes of text the live rows of v have, or more where that is little.
func textBytes(v *vector.Vector, sel []uint16, n int) int {
	most := len(v.Data)
	if v.Codes != nil {
		most = len(v.Dict.Data) * n
	}
	if most <= maxChunkText/16 {
		return most
	}
	if sel != nil {
		n = len(sel)
	}
	sum := 0
	for k := range n {
		sum += len(v.Bytes(rowAt(sel, k)))
	}
	return sum
}

// add copies the live rows of cols (of n rows, of which sel names the live ones). The columns need not be of
// one batch.
func (c *collector) add(cols []*vector.Vector, sel []uint16, n int) error {
	if sel == nil {
		if n == 0 {
			return nil
		}
		return c.addRange(cols, nil, n)
	}
	for len(sel) > 0 {
		k := min(len(sel), c.room())
		if err := c.addRange(cols, sel[:k], k); err != nil {
			return err
		}
		sel = sel[k:]
	}
	return nil
}

// room returns how many rows the last chunk takes yet, chunkRows if it is full.
func (c *collector) room() int { return chunkRows - c.rows&(chunkRows-1) }

func (c *collector) addRange(cols []*vector.Vector, sel []uint16, n int) error {
	if sel == nil && n > c.room() { // split: name the rows
		for i := len(c.sel); i < n; i++ {
			c.sel = append(c.sel, uint16(i))
		}
		return c.add(cols, c.sel[:n], n)
	}
	if err := c.full(cols, sel, n); err != nil {
		return err
	}
	if c.rows&(chunkRows-1) == 0 {
		c.newChunk(len(cols))
	}
	chunk := c.chunks[len(c.chunks)-1]
	for i, v := range cols {
		c.addColumn(i, chunk, v, sel, n)
	}
	chunk.Len += n
	c.rows += n
	if c.rows&(chunkRows-1) == 0 {
		c.bytes += chunkBytes(chunk)
	}
	if c.acct == nil {
		return nil
	}
	return c.acct.set(c.sizeBytes())
}

func (c *collector) newChunk(columns int) {
	chunk := &vector.Batch{Cols: make([]*vector.Vector, columns)}
	c.chunks = append(c.chunks, chunk)
}

func (c *collector) addColumn(i int, chunk *vector.Batch, v *vector.Vector, sel []uint16, n int) {
	dst := chunk.Cols[i]
	d := c.schema.dicts[i]
	common := v.Codes != nil && d != nil && v.Dict == d.dict // a chunk of another collector of the schema
	if v.Codes != nil && d != nil && (dst == nil || dst.Codes != nil) {
		if common || v.Dict.Len <= maxSharedDict && d.translate(v.Dict, v.Codes, sel, n, c.memoFor(v.Dict.Len)) {
			if dst == nil {
				dst = &vector.Vector{Type: c.schema.types[i], Phys: types.PhysBytes, Dict: d.dict, Codes: c.codesFor(n)}
				chunk.Cols[i] = dst
			}
			appendValid(dst, v.Valid, sel, n)
			for k := range n {
				code := v.Codes[rowAt(sel, k)]
				if !common {
					code = c.memo[code]
				}
				dst.Codes = append(dst.Codes, code)
			}
			dst.Len += n
			return
		}
	}
	if dst == nil {
		dst = c.newFlat(i, n)
		chunk.Cols[i] = dst
	} else if dst.Codes != nil {
		d.mu.Lock() // others may be adding entries
		dst = dst.Flat()
		d.mu.Unlock()
		chunk.Cols[i] = dst
	}
	if common {
		d.mu.Lock()
		defer d.mu.Unlock()
	}
	appendRows(dst, v, sel, n)
}

func (c *collector) memoFor(n int) []int32 {
	c.memo = resize(c.memo, n)
	return c.memo
}

func (c *collector) codesFor(n int) []int32 {
	if len(c.chunks) > 1 {
		n = chunkRows
	}
	return make([]int32, 0, n)
}

// newFlat returns an empty vector; all chunks but the first get their room at once.
func (c *collector) newFlat(i, n int) *vector.Vector {
	v := vector.New(c.schema.types[i], 0)
	if len(c.chunks) > 1 {
		n = chunkRows
	}
	switch v.Phys {
	case types.PhysI32:
		v.I32 = make([]int32, 0, n)
	case types.PhysI64:
		v.I64 = make([]int64, 0, n)
	case types.PhysF64:
		v.F64 = make([]float64, 0, n)
	case types.PhysI128:
		v.I128 = make([]types.Int128, 0, n)
	case types.PhysBytes:
		v.Off = append(make([]int32, 0, n+1), 0)
	}
	return v
}

// sizeBytes is the memory of the chunks.
func (c *collector) sizeBytes() int64 {
	n := c.bytes
	if c.rows&(chunkRows-1) != 0 {
		n += chunkBytes(c.chunks[len(c.chunks)-1])
	}
	return n
}

// chunkBytes is the memory of a chunk without the shared dictionaries.
func chunkBytes(b *vector.Batch) int64 {
	n := 0
	for _, v := range b.Cols {
		n += cap(v.Valid)*8 + cap(v.I32)*4 + cap(v.I64)*8 + cap(v.F64)*8 + cap(v.I128)*16 + cap(v.Off)*4 + cap(v.Data) + cap(v.Codes)*4
	}
	return int64(n)
}

// rowSet is the rows of all collectors of an operator, complete and unchanging.
type rowSet struct {
	types  []types.Type
	chunks []*vector.Batch
	cols   []rowColumn
	rows   int
}

// rowColumn holds one column's slices chunk by chunk, so that a row is two steps away.
type rowColumn struct {
	i32   [][]int32
	i64   [][]int64
	f64   [][]float64
	i128  [][]types.Int128
	codes [][]int32 // of all chunks, or nil
	dict  *vector.Vector
	nulls bool // some row is NULL
}

func newRowSet(ts []types.Type, collectors []*collector) *rowSet {
	r := &rowSet{types: ts, cols: make([]rowColumn, len(ts))}
	for _, c := range collectors {
		r.chunks = append(r.chunks, c.chunks...)
		r.rows += c.rows
	}
	for i, t := range ts {
		r.cols[i] = r.column(i, t)
	}
	return r
}

// int returns the value of a row in a column of integers.
func (r *rowSet) int(column int, ref uint32) int64 {
	c := &r.cols[column]
	if c.i32 != nil {
		return int64(c.i32[ref>>chunkBits][ref&(chunkRows-1)])
	}
	return c.i64[ref>>chunkBits][ref&(chunkRows-1)]
}

func (r *rowSet) column(i int, t types.Type) rowColumn {
	var c rowColumn
	coded := len(r.chunks) > 0 && t.Physical() == types.PhysBytes
	for _, b := range r.chunks {
		v := b.Cols[i]
		c.nulls = c.nulls || v.Valid != nil
		switch t.Physical() {
		case types.PhysI32:
			c.i32 = append(c.i32, v.I32)
		case types.PhysI64:
			c.i64 = append(c.i64, v.I64)
		case types.PhysF64:
			c.f64 = append(c.f64, v.F64)
		case types.PhysI128:
			c.i128 = append(c.i128, v.I128)
		case types.PhysBytes:
			coded = coded && v.Codes != nil
		}
	}
	if coded {
		c.dict = r.chunks[0].Cols[i].Dict
		for _, b := range r.chunks {
			c.codes = append(c.codes, b.Cols[i].Codes)
		}
	}
	return c
}

func freeCollectors(cs []*collector) {
	for _, c := range cs {
		if c != nil {
			c.acct.free()
			c.chunks = nil
		}
	}
}
