package scan

import (
	"context"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// ranges returns the rows of a morsel that may match; none if bloom filters rule its row group out.
func (p *plan) ranges(ctx context.Context, m morsel) ([]parquet.RowRange, error) {
	g := &m.file.groups[m.group]
	g.once.Do(func() { g.err = p.planGroup(ctx, m.file, m.group, g) })
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

// planGroup asks the bloom filters and the page index of a row group.
func (p *plan) planGroup(ctx context.Context, f *openFile, group int, g *groupPlan) error {
	absent, err := p.absent(ctx, f, group)
	if err != nil {
		return err
	}
	if absent {
		g.skip = true
		p.counters.rowGroupsSkipped.Add(1)
		return nil
	}
	return p.pageRanges(ctx, f, group, g)
}

// absent reports whether a bloom filter says that no row of the group fulfils one of the equalities.
func (p *plan) absent(ctx context.Context, f *openFile, group int) (bool, error) {
	for _, q := range p.predicate.Equalities() {
		k, ok := p.slotOf[q.Column]
		if !ok || p.slots[k].projected < 0 {
			continue
		}
		bloom, err := f.projection.Bloom(ctx, group, p.slots[k].projected)
		if err != nil {
			return false, err
		}
		if bloom == nil {
			continue
		}
		found := false
		for _, v := range q.Values {
			if found = bloom.MayContain(v); found {
				break
			}
		}
		if !found {
			return true, nil
		}
	}
	return false, nil
}

// pageRanges asks the page index which rows of the group may match.
func (p *plan) pageRanges(ctx context.Context, f *openFile, group int, g *groupPlan) error {
	var projected []int
	for _, col := range p.predicate.Columns() {
		if k, ok := p.slotOf[col]; ok && p.slots[k].projected >= 0 {
			projected = append(projected, p.slots[k].projected)
		}
	}
	if len(projected) == 0 {
		return nil
	}
	index, err := f.projection.PageIndex(ctx, group, projected)
	if err != nil || index == nil {
		return err
	}
	var pages []skipping.Pages
	for _, col := range p.predicate.Columns() {
		k, ok := p.slotOf[col]
		if !ok {
			continue
		}
		slot := p.slots[k].projected
		if slot >= 0 {
			if s := index.Pages(slot); s != nil && s.Len() > 0 {
				pages = append(pages, pagesOf(col, s, s.Column(slot)))
				continue
			}
		}
		// A column without an index is one page: the row group.
		pages = append(pages, skipping.Pages{Column: col, Stats: f.stats.group(col, group), First: []int64{0}})
	}
	rows := f.groupRows[group]
	ranges, _, _ := p.predicate.Ranges(rows, pages)
	if len(ranges) == 1 && ranges[0] == (skipping.RowRange{From: 0, To: rows}) {
		return nil
	}
	g.ranges = make([]parquet.RowRange, len(ranges))
	for i, r := range ranges {
		g.ranges[i] = parquet.RowRange{From: r.From, To: r.To}
	}
	return nil
}

func pagesOf(col int, s *parquet.PageStats, c *skipping.ColumnStats) skipping.Pages {
	p := skipping.Pages{Column: col, Stats: c, First: make([]int64, s.Len())}
	for i := range p.First {
		p.First[i] = s.FirstRow(i)
	}
	return p
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
