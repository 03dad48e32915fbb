package parquet

import (
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// Stats are statistics of the columns of a projection; the units are row groups. It implements skipping.Stats.
type Stats struct {
	n    int
	cols []*skipping.ColumnStats
}

var _ skipping.Stats = (*Stats)(nil)

// Len implements skipping.Stats.
func (s *Stats) Len() int { return s.n }

// Column implements skipping.Stats; col is the position of a field of the projection.
func (s *Stats) Column(col int) *skipping.ColumnStats {
	if col < 0 || col >= len(s.cols) {
		return nil
	}
	return s.cols[col]
}

// RowGroupStats returns the statistics of the row groups in the footer, as values of the fields' types. Bounds
// that the format leaves undefined, or that are malformed, are unknown; so are those of nested columns.
func (p *Projection) RowGroupStats() *Stats {
	groups := p.f.meta.rowGroups
	s := &Stats{n: len(groups), cols: make([]*skipping.ColumnStats, len(p.cols))}
	for i := range p.cols {
		c := &p.cols[i]
		switch {
		case c.missing():
			s.cols[i] = missingStats(len(groups), func(g int) int64 { return groups[g].numRows })
		case c.leaf != nil:
			s.cols[i] = p.f.leafStats(c)
		}
	}
	return s
}

// statsKey names the statistics of a leaf, read as a type.
type statsKey struct {
	leaf int
	want types.Type
}

// leafStats returns the statistics of a column's row groups, decoded once per File.
func (f *File) leafStats(c *projected) *skipping.ColumnStats {
	key := statsKey{c.leaf.index, c.conv.want}
	if s, ok := f.groupStats.Load(key); ok {
		return s.(*skipping.ColumnStats)
	}
	groups := f.meta.rowGroups
	b := newBounds(c, len(groups))
	for g := range groups {
		b.addChunk(g, &groups[g])
	}
	s, _ := f.groupStats.LoadOrStore(key, b.stats)
	return s.(*skipping.ColumnStats)
}

// missingStats are the statistics of a column that has only NULLs.
func missingStats(n int, rows func(i int) int64) *skipping.ColumnStats {
	c := &skipping.ColumnStats{NullCount: make([]int64, n), RowCount: make([]int64, n)}
	for i := range n {
		c.NullCount[i], c.RowCount[i] = rows(i), rows(i)
	}
	return c
}

// bounds collects the statistics of a column's units.
type bounds struct {
	leaf  *leaf
	conv  *converter
	stats *skipping.ColumnStats
	one   *vector.Vector // scratch
}

func newBounds(c *projected, n int) *bounds {
	return &bounds{leaf: c.leaf, conv: c.conv, one: c.conv.vector(1), stats: &skipping.ColumnStats{
		Min: c.conv.vector(0), Max: c.conv.vector(0), NullCount: make([]int64, n), RowCount: make([]int64, n),
	}}
}

func (b *bounds) addChunk(g int, rg *rowGroupMeta) {
	b.stats.RowCount[g], b.stats.NullCount[g] = rg.numRows, -1
	m := rg.columns[b.leaf.index]
	if m.stats == nil || m.encrypted {
		b.add(nil, nil)
		return
	}
	if n := m.stats.nullCount; n >= 0 && n <= rg.numRows {
		b.stats.NullCount[g] = n
	}
	switch {
	case b.leaf.ordered && m.stats.minValue != nil && m.stats.maxValue != nil:
		b.add(m.stats.minValue, m.stats.maxValue)
	case b.leaf.signed():
		b.add(m.stats.min, m.stats.max)
	default:
		b.add(nil, nil)
	}
}

// add appends the bounds of a unit; nil is unknown.
func (b *bounds) add(least, most []byte) {
	lo, hi := b.value(least), b.value(most)
	if !lo.Valid || !hi.Valid || types.Compare(lo, hi) > 0 {
		lo, hi = types.NullOf(b.conv.want), types.NullOf(b.conv.want)
	}
	b.stats.Min.AppendValue(lo)
	b.stats.Max.AppendValue(hi)
}

// value decodes a bound: a plain value without a length. NULL if it is unknown.
func (b *bounds) value(raw []byte) types.Value {
	null := types.NullOf(b.conv.want)
	if raw == nil || !b.leaf.hasOrder() {
		return null
	}
	if b.conv.phys == types.PhysBytes && b.conv.kind == convBytes {
		return types.BytesValue(b.conv.want, string(raw))
	}
	w := b.leaf.width()
	switch b.leaf.typ {
	case format.Boolean:
		if len(raw) != 1 {
			return null
		}
		return types.BoolValue(raw[0]&1 != 0)
	case format.ByteArray:
		w = len(raw)
	}
	if len(raw) != w || w == 0 || b.isNaN(raw) {
		return null
	}
	if err := b.convert(raw); err != nil {
		return null
	}
	v := b.one.Value(0)
	if v.Type.IsFloat() && math.IsNaN(v.F) || b.conv.unordered(v) {
		return null
	}
	return v
}

// convert puts the value into b.one.
func (b *bounds) convert(raw []byte) error {
	if b.conv.kind == convDecimal {
		return b.conv.bigEndian(b.one, 0, raw)
	}
	if b.conv.kind == convUUID {
		b.one.Data = appendUUID(b.one.Data[:0], raw)
		b.one.Off[1] = int32(len(b.one.Data))
		return nil
	}
	return b.conv.fixed(b.one, 0, raw, 1)
}

func (b *bounds) isNaN(raw []byte) bool {
	switch b.leaf.typ {
	case format.Float:
		f := math.Float32frombits(binary.LittleEndian.Uint32(raw))
		return f != f
	case format.Double:
		f := math.Float64frombits(binary.LittleEndian.Uint64(raw))
		return f != f
	}
	return false
}

// hasOrder reports whether the format defines an order of the leaf's values, and the engine's is the same.
func (l *leaf) hasOrder() bool { return l.typ != format.Int96 && l.annot.kind != annotOther }

// signed reports whether the leaf's order is that of signed numbers, which the deprecated min and max are in.
func (l *leaf) signed() bool {
	switch l.typ {
	case format.Boolean, format.Float, format.Double:
		return true
	case format.Int32, format.Int64:
		return !l.annot.unsigned
	}
	return false
}
