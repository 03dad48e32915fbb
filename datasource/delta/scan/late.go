package scan

import (
	"context"
	"sync"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// late is what the filters of the spec's Late turned out to be, learnt by the first stream that is read.
type late struct {
	once      sync.Once
	slots     [][]int             // of each filter
	predicate *skipping.Predicate // nil: no bounds are known
	files     vector.Bitmap       // those that may hold a needed row; nil: all
}

// learn asks the filters for their bounds and prunes the files by them.
func (p *plan) learn() {
	p.late.once.Do(func() {
		var all []expr.Expr
		for _, f := range p.spec.Late {
			if e := f.Bounds(); e != nil {
				all = append(all, e)
			}
		}
		if len(all) == 0 {
			return
		}
		p.late.predicate = skipping.CompileEnv(expr.And(all...), p.spec.Env)
		keep := vector.FullBitmap(p.src.table.Files.Len())
		p.src.table.Files.Prune(p.late.predicate, keep)
		p.late.files = keep
		for _, i := range p.queue.files {
			if !keep.Get(int(i)) {
				p.counters.lateFiles.Add(1)
			}
		}
	})
}

// unneeded reports whether the joins need no row of a file.
func (p *plan) unneeded(ordinal int) bool { return p.late.files != nil && !p.late.files.Get(ordinal) }

// lateRanges returns the parts of ranges, of a morsel, that the joins may need.
func (p *plan) lateRanges(ctx context.Context, m morsel, ranges []parquet.RowRange) ([]parquet.RowRange, error) {
	if p.late.predicate == nil || len(ranges) == 0 {
		return ranges, nil
	}
	if p.unneeded(m.file.ordinal) {
		return nil, nil
	}
	m.file.late.Do(func() {
		m.file.needed = vector.FullBitmap(m.file.stats.n)
		p.late.predicate.Prune(m.file.stats, m.file.needed)
	})
	g := &m.file.groups[m.group].late
	g.once.Do(func() {
		if g.skip = !m.file.needed.Get(m.group); !g.skip {
			g.err = p.planGroup(ctx, m.file, m.group, g, p.late.predicate)
		}
		if g.skip {
			p.counters.lateRowGroups.Add(1)
		}
	})
	switch {
	case g.err != nil:
		return nil, g.err
	case g.skip:
		return nil, nil
	case g.ranges == nil:
		return ranges, nil
	}
	return intersect(ranges, g.ranges), nil
}

// intersect returns the rows that are in both lists, which ascend.
func intersect(a, b []parquet.RowRange) []parquet.RowRange {
	var out []parquet.RowRange
	for len(a) > 0 && len(b) > 0 {
		if from, to := max(a[0].From, b[0].From), min(a[0].To, b[0].To); from < to {
			out = append(out, parquet.RowRange{From: from, To: to})
		}
		if a[0].To < b[0].To {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

// testers returns what tests the rows of one stream, by filter; nil where a filter has nothing to say of rows.
func (p *plan) testers() []exec.LateTester {
	var out []exec.LateTester
	for _, f := range p.spec.Late {
		out = append(out, f.Tester())
	}
	return out
}

// sift takes the rows out of the work batch that the joins do not need.
func (s *stream) sift(ctx context.Context) error {
	for i, t := range s.testers {
		if t == nil || s.work.Rows() == 0 {
			continue
		}
		s.keys = s.keys[:0]
		for _, k := range s.p.late.slots[i] {
			if err := s.load(ctx, k); err != nil {
				return err
			}
			s.keys = append(s.keys, s.work.Cols[k])
		}
		sel := t.Keep(s.keys, s.work.Sel, s.n)
		if sel == nil {
			continue
		}
		s.p.counters.lateRows.Add(int64(s.work.Rows() - len(sel)))
		if s.work.Sel = sel; len(sel) == s.n {
			s.work.Sel = nil
		}
	}
	return nil
}
