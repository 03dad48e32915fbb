package scan

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// ranges returns the rows of a morsel that may match; none if bloom filters rule its row group out.
func (p *plan) ranges(ctx context.Context, m morsel) ([]parquet.RowRange, error) {
	g := &m.file.groups[m.group]
	g.once.Do(func() {
		g.err = p.planGroup(ctx, m.file, m.group, &g.rowPlan, p.predicate)
		if g.skip {
			p.counters.rowGroupsSkipped.Add(1)
		}
	})
	switch {
	case g.err != nil:
		return nil, g.err
	case g.skip:
		return nil, nil
	case g.ranges == nil:
		return []parquet.RowRange{{From: m.from, To: m.to}}, nil
	}
	var out []parquet.RowRange
	for _, r := range g.ranges {
		if from, to := max(r.From, m.from), min(r.To, m.to); from < to {
			out = append(out, parquet.RowRange{From: from, To: to})
		}
	}
	return out, nil
}

// bloomShare is the part of a row group's rows that the page index must leave for bloom filters to be asked:
// they are read whole, which costs more than a page or two.
const bloomShare = 4

// lookUpShare is the part of a row group's rows that the page index must leave for dictionaries and pages to be cached,
// unless they are lookUpRows or less.
const lookUpShare = 8

// kept returns where a morsel's dictionaries and pages are kept.
func (p *plan) kept(m morsel) (parquet.Dictionaries, parquet.Pages) {
	g := &m.file.groups[m.group]
	if g.ranges != nil && rowsOf(g.ranges) <= max(lookUpRows, m.file.groupRows[m.group]/lookUpShare) {
		c := lookUpCache{p.src.opts.Cache, m.file.id}
		return c, c
	}
	return &g.dicts, nil
}

func rowsOf(ranges []parquet.RowRange) (rows int64) {
	for _, r := range ranges {
		rows += r.To - r.From
	}
	return rows
}

// planGroup asks the page index and the bloom filters of a row group for the rows that may fulfil a predicate: first the
// bloom filters that are kept already, which cost nothing.
func (p *plan) planGroup(ctx context.Context, f *openFile, group int, g *rowPlan, predicate *skipping.Predicate) (err error) {
	if g.skip = p.knownAbsent(f.id, group, predicate); g.skip {
		return nil
	}
	if err := p.pageRanges(ctx, f, group, g, predicate); err != nil {
		return err
	}
	if g.ranges != nil && (len(g.ranges) == 0 || rowsOf(g.ranges) < f.groupRows[group]/bloomShare && !p.oftenAsked(f, group, predicate)) {
		return nil
	}
	g.skip, err = p.absent(ctx, f, group, predicate)
	return err
}

// absent reports whether a bloom filter says that no row of the group fulfils one of the equalities.
func (p *plan) absent(ctx context.Context, f *openFile, group int, predicate *skipping.Predicate) (bool, error) {
	for _, q := range predicate.Equalities() {
		k, ok := p.slotOf[q.Column]
		if !ok || p.slots[k].projected < 0 {
			continue
		}
		bloom, err := p.bloom(ctx, f, group, k)
		if err != nil {
			return false, err
		}
		if bloom != nil && !slices.ContainsFunc(q.Values, bloom.MayContain) {
			return true, nil
		}
	}
	return false, nil
}

// knownAbsent is absent by the bloom filters that are kept.
func (p *plan) knownAbsent(file cacheKey, group int, predicate *skipping.Predicate) bool {
	for _, q := range predicate.Equalities() {
		k, ok := p.slotOf[q.Column]
		if !ok || p.slots[k].projected < 0 {
			continue
		}
		v, _ := p.src.opts.Cache.get(p.partKey(partBloom, file, group, k))
		if bloom, _ := v.(*parquet.Bloom); bloom != nil && !slices.ContainsFunc(q.Values, bloom.MayContain) {
			return true
		}
	}
	return false
}

// fewLookUps is how many look-ups in a row group read its pages before its bloom filter, which is read whole, pays.
const fewLookUps = 2

// oftenAsked counts a look-up in a row group, and reports whether there have been more than a few.
func (p *plan) oftenAsked(f *openFile, group int, predicate *skipping.Predicate) bool {
	if len(predicate.Equalities()) == 0 {
		return false
	}
	key := f.id
	key.part = partKey{kind: partLookUps, group: group}
	n, _ := cached(p.src.opts.Cache, key, func() (*atomic.Int32, int64, error) { return new(atomic.Int32), 4, nil })
	return n.Add(1) > fewLookUps
}

// bloom returns the bloom filter of a slot in a row group, nil if there is none.
func (p *plan) bloom(ctx context.Context, f *openFile, group, k int) (*parquet.Bloom, error) {
	return cached(p.src.opts.Cache, p.partKey(partBloom, f.id, group, k), func() (*parquet.Bloom, int64, error) {
		b, err := f.projection.Bloom(ctx, group, p.slots[k].projected)
		if err != nil || b == nil {
			return nil, 0, err
		}
		p.counters.bytesRead.Add(b.SizeBytes())
		return b, b.SizeBytes(), nil
	})
}

// partKey names what is kept of one column of a row group, read as the column's type.
func (p *plan) partKey(kind partKind, file cacheKey, group, k int) cacheKey {
	field := &p.fields[p.slots[k].projected]
	key := file
	key.part = partKey{kind: kind, group: group, leaf: int(field.FieldID), column: field.PhysicalName(), as: field.VectorType()}
	return key
}

// pageStats are the statistics of the pages of one column of a row group, and the rows they begin at.
type pageStats struct {
	stats *skipping.ColumnStats
	first []int64
}

// pages returns the page index of a slot in a row group, nil if there is none.
func (p *plan) pages(ctx context.Context, f *openFile, group, k int) (*pageStats, error) {
	return cached(p.src.opts.Cache, p.partKey(partPageIndex, f.id, group, k), func() (*pageStats, int64, error) {
		col := p.slots[k].projected
		index, err := f.projection.PageIndex(ctx, group, []int{col})
		if err != nil || index == nil {
			return nil, 0, err
		}
		s := index.Pages(col)
		if s == nil || s.Len() == 0 || s.Column(col) == nil {
			return nil, 0, nil
		}
		out := &pageStats{stats: s.Column(col), first: make([]int64, s.Len())}
		for i := range out.first {
			out.first[i] = s.FirstRow(i)
		}
		bytes := int64(24 * len(out.first))
		for _, v := range []*vector.Vector{out.stats.Min, out.stats.Max} {
			if v != nil {
				bytes += int64(v.SizeBytes())
			}
		}
		return out, bytes, nil
	})
}

// pageRanges asks the page index which rows of the group may match.
func (p *plan) pageRanges(ctx context.Context, f *openFile, group int, g *rowPlan, predicate *skipping.Predicate) error {
	var pages []skipping.Pages
	indexed := false
	for _, col := range predicate.Columns() {
		k, ok := p.slotOf[col]
		if !ok {
			continue
		}
		if p.slots[k].projected >= 0 {
			s, err := p.pages(ctx, f, group, k)
			if err != nil {
				return err
			}
			if s != nil {
				pages = append(pages, skipping.Pages{Column: col, Stats: s.stats, First: s.first})
				indexed = true
				continue
			}
		}
		// A column without an index is one page: the row group.
		pages = append(pages, skipping.Pages{Column: col, Stats: f.stats.group(col, group), First: []int64{0}})
	}
	if !indexed {
		return nil
	}
	rows := f.groupRows[group]
	ranges, _, _ := predicate.Ranges(rows, pages)
	if len(ranges) == 1 && ranges[0] == (skipping.RowRange{From: 0, To: rows}) {
		return nil
	}
	g.ranges = make([]parquet.RowRange, len(ranges))
	for i, r := range ranges {
		g.ranges[i] = parquet.RowRange{From: r.From, To: r.To}
	}
	return nil
}

// group returns the statistics of a column in one row group.
func (s *groupStats) group(col, group int) *skipping.ColumnStats {
	c := s.Column(col)
	if c == nil {
		return nil
	}
	one := func(v *vector.Vector) *vector.Vector {
		if v == nil || group >= v.Len {
			return nil
		}
		return v.Gather32([]int32{int32(group)})
	}
	count := func(x []int64) []int64 {
		if group >= len(x) {
			return nil
		}
		return x[group : group+1]
	}
	return &skipping.ColumnStats{Min: one(c.Min), Max: one(c.Max), NullCount: count(c.NullCount), RowCount: count(c.RowCount)}
}
