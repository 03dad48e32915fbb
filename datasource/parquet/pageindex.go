package parquet

import (
	"context"
	"fmt"

	"github.com/featuresql/featuresql/skipping"
)

// PageIndex holds what the page index of a row group says about the pages of some columns of a projection.
type PageIndex struct {
	pages map[int]*PageStats
}

// Pages returns the pages of column col of the projection, nil if the file has no page index for it.
func (x *PageIndex) Pages(col int) *PageStats { return x.pages[col] }

// PageStats are the statistics of the pages of one column; the units are pages. It implements skipping.Stats.
type PageStats struct {
	col   int
	locs  []pageLocation
	rows  int64 // of the row group
	stats *skipping.ColumnStats
}

var _ skipping.Stats = (*PageStats)(nil)

// Len implements skipping.Stats: the number of pages.
func (s *PageStats) Len() int { return len(s.locs) }

// Column implements skipping.Stats: it knows only the column whose pages these are.
func (s *PageStats) Column(col int) *skipping.ColumnStats {
	if col != s.col {
		return nil
	}
	return s.stats
}

// Rows returns the rows of the row group that lie on page i.
func (s *PageStats) Rows(i int) RowRange {
	r := RowRange{From: s.locs[i].firstRow, To: s.rows}
	if i+1 < len(s.locs) {
		r.To = s.locs[i+1].firstRow
	}
	return r
}

// FirstRow returns the row of the row group that begins page i.
func (s *PageStats) FirstRow(i int) int64 { return s.locs[i].firstRow }

// PageIndex reads the page index of columns of row group rg. It returns nil if the file has none for any of
// them. Columns that are nested or missing in the file have none.
// Errors: *CorruptError, what the file's reader returns.
func (p *Projection) PageIndex(ctx context.Context, rg int, cols []int) (*PageIndex, error) {
	x := &PageIndex{pages: map[int]*PageStats{}}
	for _, col := range cols {
		if col < 0 || col >= len(p.cols) || p.cols[col].leaf == nil {
			continue
		}
		s, err := p.pageStats(ctx, rg, col)
		if err != nil {
			return nil, named(err, p.f.opts.Path)
		}
		if s != nil {
			x.pages[col] = s
		}
	}
	if len(x.pages) == 0 {
		return nil, nil
	}
	return x, nil
}

func (p *Projection) pageStats(ctx context.Context, rg, col int) (*PageStats, error) {
	c := &p.cols[col]
	g := &p.f.meta.rowGroups[rg]
	m := &g.columns[c.leaf.index]
	if m.columnIndexLength <= 0 || m.offsetIndexLength <= 0 || m.encrypted {
		return nil, nil
	}
	locs, err := p.f.offsetIndex(ctx, rg, c.leaf.index)
	if err != nil || len(locs) == 0 {
		return nil, err
	}
	b, err := p.f.readIndex(ctx, m.columnIndexOffset, int64(m.columnIndexLength))
	if err != nil {
		return nil, fmt.Errorf("read column index of column %s: %w", c.leaf.name(), err)
	}
	s := &PageStats{col: col, locs: locs, rows: g.numRows}
	s.stats = columnIndexStats(c, parseColumnIndex(b), s)
	return s, nil
}

// columnIndex is a decoded column index; its bounds alias the bytes it was decoded from.
type columnIndex struct {
	nullPages  []bool
	mins, maxs [][]byte
	nullCounts []int64
	bad        bool
}

func parseColumnIndex(b []byte) (x columnIndex) {
	r := &thriftReader{b: b}
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftList:
			for n, _ := r.list(); n > 0 && !r.bad; n-- {
				x.nullPages = append(x.nullPages, r.byte() == thriftTrue)
			}
		case id == 2 && t == thriftList:
			x.mins = parseByteList(r)
		case id == 3 && t == thriftList:
			x.maxs = parseByteList(r)
		case id == 5 && t == thriftList:
			for n, elem := r.list(); n > 0 && !r.bad; n-- {
				if elem != thriftI64 {
					r.fail()
				}
				x.nullCounts = append(x.nullCounts, r.varint())
			}
		default:
			r.skip(t)
		}
	}
	x.bad = r.bad
	return x
}

func parseByteList(r *thriftReader) (out [][]byte) {
	n, elem := r.list()
	if n > 0 && elem != thriftBinary {
		r.fail()
	}
	for ; n > 0 && !r.bad; n-- {
		out = append(out, r.bytes())
	}
	return out
}

// columnIndexStats turns a column index into statistics; one that does not fit the pages says nothing.
func columnIndexStats(c *projected, x columnIndex, s *PageStats) *skipping.ColumnStats {
	n := len(s.locs)
	if x.bad || len(x.nullPages) != n || len(x.mins) != n || len(x.maxs) != n {
		return nil
	}
	b := newBounds(c, n)
	for i := range n {
		rows := s.Rows(i)
		b.stats.RowCount[i], b.stats.NullCount[i] = rows.To-rows.From, -1
		if len(x.nullCounts) == n && x.nullCounts[i] >= 0 && x.nullCounts[i] <= rows.To-rows.From {
			b.stats.NullCount[i] = x.nullCounts[i]
		}
		switch {
		case x.nullPages[i]:
			b.stats.NullCount[i] = rows.To - rows.From
			b.add(nil, nil)
		case !c.leaf.ordered:
			b.add(nil, nil)
		default:
			b.add(x.mins[i], x.maxs[i])
		}
	}
	return b.stats
}
