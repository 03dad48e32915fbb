package replay

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// columnKey names the statistics of a column as they were parsed: another type, after a change of the schema, is
// another key.
type columnKey struct {
	physical  string
	typ       types.Type
	wasFloat  bool
	partition bool
}

// partStats is the statistics of one column for the rows of one part, dead ones included.
type partStats struct {
	min, max *vector.Vector
	nulls    []int64
}

func (s *partStats) sizeBytes() int64 {
	n := int64(len(s.nulls) * 8)
	if s.min != nil {
		n += int64(s.min.SizeBytes())
	}
	if s.max != nil && s.max != s.min {
		n += int64(s.max.SizeBytes())
	}
	return n
}

// header returns numRecords and tightBounds of the part's rows.
func (p *part) header() *heads {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads == nil {
		p.heads = p.parseHeads()
		for _, n := range p.heads.records {
			if n < 0 {
				p.records = -1
				break
			}
			p.records += n
		}
	}
	return p.heads
}

// column returns the statistics of a column, parsed when first asked for.
func (p *part) columnStats(c *Column) *partStats {
	h := p.header()
	key := columnKey{c.Physical, c.Type, c.WasFloat, c.Partition}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.columns[key]; s != nil {
		return s
	}
	if p.columns == nil {
		p.columns = map[columnKey]*partStats{}
	}
	var s *partStats
	if c.Partition {
		s = p.partitionStats(c, h)
	} else {
		s = p.dataStats(c, h)
	}
	p.columns[key] = s
	return s
}

// partitionStats are exact: every row has the file's value.
func (p *part) partitionStats(c *Column, h *heads) *partStats {
	s := &partStats{min: vector.New(c.Type, 0), nulls: make([]int64, p.n)}
	col := p.column(c.Physical)
	var dict []types.Value
	var bad []bool
	if col != nil {
		dict, bad = make([]types.Value, len(col.dict)), make([]bool, len(col.dict))
		for i, text := range col.dict {
			v, err := ParsePartitionValue(text, c.Type)
			dict[i], bad[i] = v, err != nil
		}
	}
	for row := range p.n {
		v, unknown := types.NullOf(c.Type), false
		if col != nil && col.codes[row] >= 0 {
			v, unknown = dict[col.codes[row]], bad[col.codes[row]]
		}
		s.min.AppendValue(v)
		switch {
		case unknown:
			s.nulls[row] = -1
		case !v.Valid:
			s.nulls[row] = h.records[row]
		}
	}
	s.max = s.min
	return s
}

func (p *part) dataStats(c *Column, h *heads) *partStats {
	s := &partStats{nulls: make([]int64, p.n)}
	if bounded(c.Type) {
		s.min, s.max = vector.New(c.Type, 0), vector.New(c.Type, 0)
	}
	p.stats.each(p.n, func(row int, text string) {
		f := scanColumn(text, c.Physical)
		s.nulls[row] = nullCount(f.nulls, h.records[row], h.loose[row])
		if s.min != nil {
			s.min.AppendValue(bound(f.min, c, down))
			s.max.AppendValue(bound(f.max, c, up))
		}
	})
	return s
}

// bounded reports whether statistics of a type have a minimum and a maximum that is understood.
func bounded(t types.Type) bool { return t.Kind != types.JSON && t.Kind != types.Binary }

// nullCount reads the number of NULLs. Where bounds are loose, only "none" and "all" say something (PROTOCOL.md,
// Per-file Statistics). Counts of the parts of a nested column say nothing about the column.
func nullCount(text string, records int64, loose bool) int64 {
	n, ok := jsonscan.ParseInt(text)
	switch {
	case !ok || n < 0 || records >= 0 && n > records:
		return -1
	case loose && n != 0 && n != records:
		return -1
	}
	return n
}

// Column implements skipping.Stats. The first call for a column parses its statistics in all files; it is nil
// for columns of which the log never says anything.
func (l *FileList) Column(col int) *skipping.ColumnStats {
	if col < 0 || col >= len(l.columns) || l.layout.Columns[col].Void {
		return nil
	}
	slot := l.columns[col]
	slot.once.Do(func() { slot.stats = l.assemble(&l.layout.Columns[col]) })
	return slot.stats
}

// Stats returns the list as statistics over columns.
func (l *FileList) Stats() skipping.Stats { return l }

// assemble gathers the statistics of the live files from the parts.
func (l *FileList) assemble(c *Column) *skipping.ColumnStats {
	stats := make([]*partStats, len(l.parts))
	parallel(len(l.parts), func(k int) { stats[k] = l.parts[k].columnStats(c) })
	out := &skipping.ColumnStats{RowCount: l.recordCounts(), NullCount: make([]int64, len(l.live))}
	for i, at := range l.live {
		out.NullCount[i] = stats[at>>16].nulls[at&0xffff]
	}
	if c.Partition || bounded(c.Type) {
		out.Min = gather(c.Type, l.live, stats, func(s *partStats) *vector.Vector { return s.min })
		out.Max = out.Min
		if !c.Partition {
			out.Max = gather(c.Type, l.live, stats, func(s *partStats) *vector.Vector { return s.max })
		}
	}
	return out
}

// gather builds one vector from those of the parts.
func gather(t types.Type, live []uint32, stats []*partStats, of func(*partStats) *vector.Vector) *vector.Vector {
	if len(stats) == 1 && len(live) == of(stats[0]).Len {
		return of(stats[0])
	}
	out := vector.New(t, 0)
	for _, s := range stats {
		if of(s).Phys == types.PhysI128 {
			out.Widen()
		}
	}
	idx := make([]int32, 0, partRows)
	for from := 0; from < len(live); {
		k := live[from] >> 16
		idx = idx[:0]
		for ; from < len(live) && live[from]>>16 == k; from++ {
			idx = append(idx, int32(live[from]&0xffff))
		}
		src := of(stats[k])
		if out.Phys != src.Phys {
			src = src.Clone()
			src.Widen()
		}
		out.AppendRows(src.Gather32(idx), nil)
	}
	return out
}

// parallel runs f for 0 to n-1 on all processors.
func parallel(n int, f func(int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	var panicked atomic.Pointer[any] // a panic ends the process unless it is the caller's
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					panicked.Store(&r)
				}
			}()
			for i := range next {
				f(i)
			}
		})
	}
	wg.Wait()
	if r := panicked.Load(); r != nil {
		panic(*r)
	}
}

// recordCounts returns numRecords of every live file.
func (l *FileList) recordCounts() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records == nil {
		parallel(len(l.parts), func(k int) { l.parts[k].header() })
		records := make([]int64, len(l.live))
		for i, at := range l.live {
			records[i] = l.parts[at>>16].heads.records[at&0xffff]
		}
		l.records = records
	}
	return l.records
}

// NumRecords returns the number of rows in a file, deleted ones included; -1 if the log does not say.
func (l *FileList) NumRecords(i int) int64 {
	p, row := l.at(i)
	return p.header().records[row]
}

// TightBounds reports whether the statistics of a file are of exactly the rows that are not deleted.
func (l *FileList) TightBounds(i int) bool {
	p, row := l.at(i)
	return !p.header().loose[row]
}

// TotalRecords returns the number of rows of all files, deleted ones left out, if the log knows.
func (l *FileList) TotalRecords() (n int64, ok bool) {
	for p, places := range l.byPart() {
		h := p.header()
		if len(places) == p.n && p.records < 0 {
			return 0, false
		}
		unknown := false
		n += p.sumOf(places, p.records, func(row int) int64 {
			unknown = unknown || h.records[row] < 0
			return h.records[row]
		})
		if unknown {
			return 0, false
		}
		for row, d := range p.dvs {
			if _, live := slices.BinarySearch(places, places[0]&^0xffff|uint32(row)); live {
				if n -= d.Cardinality; d.Cardinality > h.records[row] {
					return 0, false
				}
			}
		}
	}
	return n, true
}

// partView is the statistics of all rows of a part, dead ones included, over the columns of a layout.
type partView struct {
	*part
	layout *Layout
}

// Len implements skipping.Stats.
func (v partView) Len() int { return v.n }

// Column implements skipping.Stats.
func (v partView) Column(col int) *skipping.ColumnStats {
	if col < 0 || col >= len(v.layout.Columns) || v.layout.Columns[col].Void {
		return nil
	}
	s := v.columnStats(&v.layout.Columns[col])
	return &skipping.ColumnStats{Min: s.min, Max: s.max, NullCount: s.nulls, RowCount: v.header().records}
}

// Prune clears the bits of the files that hold no row for which the predicate is true, as p.Prune does, and returns how many it cleared.
func (l *FileList) Prune(p *skipping.Predicate, keep vector.Bitmap) (skipped int) {
	type work struct {
		part   *part
		places []uint32
		first  int // ordinal of the first
		keep   vector.Bitmap
	}
	var todo []*work
	n := 0
	for part, places := range l.byPart() {
		todo = append(todo, &work{part: part, places: places, first: n})
		n += len(places)
	}
	before := keep.Count(n)
	if before == 0 {
		return 0
	}
	parallel(len(todo), func(k int) {
		w := todo[k]
		w.keep = vector.FullBitmap(w.part.n)
		p.Prune(partView{w.part, l.layout}, w.keep)
	})
	for _, w := range todo {
		if len(w.places) == w.part.n && w.first&63 == 0 && w.part.n&63 == 0 {
			for i, word := range w.keep {
				keep[w.first>>6+i] &= word
			}
			continue
		}
		for i, at := range w.places {
			if !w.keep.Get(int(at & 0xffff)) {
				keep.Clear(w.first + i)
			}
		}
	}
	return before - keep.Count(n)
}
