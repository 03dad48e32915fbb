package skipping

import (
	"slices"

	"github.com/featuresql/featuresql/engine/vector"
)

// Pages are the statistics of the pages of one column. Stats has one entry a page; First holds the row at
// which each page begins, ascending from 0.
type Pages struct {
	Column int
	Stats  *ColumnStats
	First  []int64
}

// RowRange is the rows from From up to, but not including, To.
type RowRange struct{ From, To int64 }

// Ranges returns the rows, of rows in all, that may match by the statistics of pages, ascending, disjoint
// and not adjacent. The pages of different columns need not be aligned: the predicate is evaluated on every
// stretch that no page boundary cuts. pages and kept count the pages looked at and those that still hold a
// row. Columns without usable pages are unknown.
func (p *Predicate) Ranges(rows int64, columns []Pages) (ranges []RowRange, pages, kept int) {
	if rows <= 0 {
		return nil, 0, 0
	}
	grid := &grid{starts: []int64{0}, columns: map[int]*ColumnStats{}}
	columns = slices.DeleteFunc(slices.Clone(columns), func(c Pages) bool { return !c.usable(rows) })
	for _, c := range columns {
		grid.starts = append(grid.starts, c.First...)
	}
	slices.Sort(grid.starts)
	grid.starts = slices.Compact(grid.starts)
	for _, c := range columns {
		grid.columns[c.Column] = c.onGrid(grid.starts)
	}
	keep := vector.FullBitmap(grid.Len())
	p.Prune(grid, keep)
	for i, from := range grid.starts {
		to := rows
		if i+1 < len(grid.starts) {
			to = grid.starts[i+1]
		}
		switch last := len(ranges) - 1; {
		case !keep.Get(i):
		case last >= 0 && ranges[last].To == from:
			ranges[last].To = to
		default:
			ranges = append(ranges, RowRange{from, to})
		}
	}
	for _, c := range columns {
		pages += len(c.First)
		kept += c.touched(rows, ranges)
	}
	return ranges, pages, kept
}

// usable reports whether the first rows are what they must be; a file may say anything.
func (c Pages) usable(rows int64) bool {
	if c.Stats == nil || len(c.First) == 0 || c.First[0] != 0 || c.First[len(c.First)-1] >= rows {
		return false
	}
	for i := 1; i < len(c.First); i++ {
		if c.First[i] <= c.First[i-1] {
			return false
		}
	}
	n := len(c.First)
	return fits(c.Stats.Min, n) && fits(c.Stats.Max, n)
}

func fits(v *vector.Vector, n int) bool { return v == nil || v.Len == n }

// onGrid repeats a column's statistics for every stretch of a page. That none or all of a page's rows are
// NULL, which is what the counts are used for, holds for its parts as well.
func (c Pages) onGrid(starts []int64) *ColumnStats {
	if len(starts) == len(c.First) {
		return c.Stats // the stretches are its pages
	}
	codes := make([]int32, len(starts))
	page := 0
	for i, s := range starts {
		for page+1 < len(c.First) && c.First[page+1] <= s {
			page++
		}
		codes[i] = int32(page)
	}
	ends := func(v *vector.Vector) *vector.Vector {
		if v == nil {
			return nil
		}
		return v.Gather32(codes)
	}
	counts := func(x []int64) []int64 {
		if len(x) != len(c.First) {
			return nil
		}
		out := make([]int64, len(codes))
		for i, k := range codes {
			out[i] = x[k]
		}
		return out
	}
	return &ColumnStats{ends(c.Stats.Min), ends(c.Stats.Max), counts(c.Stats.NullCount), counts(c.Stats.RowCount)}
}

// touched counts the pages of which some row is in a range.
func (c Pages) touched(rows int64, ranges []RowRange) (n int) {
	k := 0
	for i, from := range c.First {
		to := rows
		if i+1 < len(c.First) {
			to = c.First[i+1]
		}
		for k < len(ranges) && ranges[k].To <= from {
			k++
		}
		if k < len(ranges) && ranges[k].From < to {
			n++
		}
	}
	return n
}

// grid is the statistics of the stretches between page boundaries.
type grid struct {
	starts  []int64
	columns map[int]*ColumnStats
}

func (g *grid) Len() int                    { return len(g.starts) }
func (g *grid) Column(col int) *ColumnStats { return g.columns[col] }
