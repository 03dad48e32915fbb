package exec_test

import (
	"context"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// lateSource is a Source that does with late filters all that a scan may do.
type lateSource struct {
	tab    *table
	spared *atomic.Int64
}

func (s *lateSource) Fields() []exec.Field { return s.tab.fields }

func (s *lateSource) Scan(_ context.Context, spec exec.ScanSpec) (exec.Scan, error) {
	return &lateScan{s, spec}, nil
}

type lateScan struct {
	*lateSource
	spec exec.ScanSpec
}

func (s *lateScan) Stats() exec.ScanStats { return exec.ScanStats{} }

func (s *lateScan) Streams(ctx context.Context, n int) ([]exec.Stream, error) {
	q := testQuery(n)
	ins, err := s.tab.op().Open(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]exec.Stream, len(ins))
	for i := range ins {
		out[i] = &lateStream{Stream: ins[i], scan: s, env: q.Env}
	}
	return out, nil
}

type lateStream struct {
	exec.Stream
	scan    *lateScan
	env     *expr.Env
	started bool
	bounds  []*expr.Filter
	testers []exec.LateTester
	out     vector.Batch
}

func (s *lateStream) start() error {
	s.started = true
	for _, f := range s.scan.spec.Late {
		if e := f.Bounds(); e != nil {
			c, err := expr.CompileFilter(e, s.env)
			if err != nil {
				return err
			}
			s.bounds = append(s.bounds, c)
		}
		s.testers = append(s.testers, f.Tester())
	}
	return nil
}

func (s *lateStream) Next(ctx context.Context) (*vector.Batch, error) {
	if !s.started {
		if err := s.start(); err != nil {
			return nil, err
		}
	}
	for {
		b, err := s.Stream.Next(ctx)
		if err != nil {
			return nil, err
		}
		work := *b
		for _, f := range s.bounds {
			sel, err := f.Apply(&work)
			if err != nil {
				return nil, err
			}
			work.Sel = append([]uint16{}, sel...)
		}
		for i, t := range s.testers {
			if t == nil || work.Rows() == 0 {
				continue
			}
			var cols []*vector.Vector
			for _, c := range s.scan.spec.Late[i].Columns() {
				cols = append(cols, work.Cols[c])
			}
			if sel := t.Keep(cols, work.Sel, work.Len); sel != nil {
				work.Sel = append([]uint16{}, sel...)
			}
		}
		s.scan.spared.Add(int64(b.Rows() - work.Rows()))
		if work.Rows() == 0 {
			continue
		}
		s.out = vector.Batch{Len: work.Len, Sel: work.Sel}
		for _, c := range s.scan.spec.Columns {
			s.out.Cols = append(s.out.Cols, work.Cols[c])
		}
		return &s.out, nil
	}
}

// joinPlan draws plans over a few tables; the same draws make the same plan again. Every operator puts out int and payload last.
type joinPlan struct {
	t      *testing.T
	tables []*table
	keys   int
	spared atomic.Int64
}

func (p *joinPlan) scan(i int) exec.Operator {
	var cols []int
	for c := range p.tables[i].fields {
		cols = append(cols, c)
	}
	return exec.NewScan(&lateSource{p.tables[i], &p.spared}, exec.ScanSpec{Columns: cols})
}

func column(op exec.Operator, i int) *expr.Column {
	f := op.Fields()[i]
	return &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
}

// step is an operator between the scan and the join: its kind, and what else it needs.
type step struct {
	kind, table int
	join        exec.JoinKind
}

func (p *joinPlan) apply(op exec.Operator, s step) exec.Operator {
	t := p.t
	switch s.kind {
	case 0:
		return exec.NewFilter(op, call(t, "not", call(t, "isnull", column(op, p.keys))))
	case 1: // the keys in another order, and back
		turned := exec.NewProject(op, p.columns(op, true), nil)
		return exec.NewProject(turned, p.columns(turned, true), nil)
	case 2:
		var keys []expr.Expr
		for i := range p.keys {
			keys = append(keys, column(op, i))
		}
		a, err := exec.NewAggregate(op, keys, []exec.Aggregate{{Name: "max", Args: []expr.Expr{column(op, p.keys)}}, {Name: "count"}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	case 3:
		return exec.NewUnion(op, p.scan(s.table))
	case 4:
		return exec.NewSort(op, []exec.SortKey{{Expr: column(op, 0)}})
	case 5:
		return exec.NewProject(exec.NewLimit(op, 1<<40, 1), p.columns(op, false), nil)
	case 6, 7: // the keys come from the probe side, or from the build side
		other := p.scan(s.table)
		probe, build := op, other
		if s.kind == 7 && s.join < exec.JoinSemi {
			probe, build = other, op
		}
		j, err := exec.NewHashJoin(probe, build, s.join, []expr.Expr{column(probe, 0)}, []expr.Expr{column(build, 0)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		if s.kind == 7 && s.join < exec.JoinSemi {
			at = len(probe.Fields())
		}
		var out []expr.Expr
		for i := range op.Fields() {
			out = append(out, column(j, at+i))
		}
		return exec.NewProject(j, out, nil)
	}
	return op
}

func (p *joinPlan) columns(op exec.Operator, reversed bool) []expr.Expr {
	out := make([]expr.Expr, len(op.Fields()))
	for i := range out {
		out[i] = column(op, i)
		if reversed {
			out[i] = column(op, len(out)-1-i)
		}
	}
	return out
}

// Joins that tell scans of their keys put out the same rows as joins that do not.
func TestJoinFiltersChangeNoRow(t *testing.T) {
	spared := int64(0)
	rapid.Check(t, func(r *rapid.T) {
		keyTypes := rapid.SliceOfN(rapid.SampledFrom(allType), 1, 2).Draw(r, "key types")
		ts := append(append([]types.Type(nil), keyTypes...), tInt, tBig)
		p := &joinPlan{t: t, keys: len(keyTypes), tables: []*table{drawTable(r, "a", 30, ts...), drawTable(r, "b", 12, ts...), drawTable(r, "c", 12, ts...)}}
		steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
			return step{rapid.IntRange(0, 7).Draw(r, "kind"), rapid.IntRange(1, 2).Draw(r, "table"), rapid.SampledFrom(joinKinds).Draw(r, "join")}
		}), 0, 3).Draw(r, "steps")
		// UNION needs the first table's types: it comes first.
		kind := rapid.SampledFrom(hashKinds).Draw(r, "kind")
		single := rapid.Bool().Draw(r, "one key")
		plan := func() exec.Operator {
			op := p.scan(0)
			for i, s := range steps {
				if s.kind == 5 || s.kind == 3 && i > 0 || s.kind == 2 && i < len(steps)-1 {
					continue // LIMIT has other rows each time
				}
				op = p.apply(op, s)
			}
			build := exec.NewFilter(p.scan(1), call(t, "not", call(t, "isnull", p.tables[1].col(p.keys))))
			var pk, bk []expr.Expr
			for i := range p.keys {
				if i == 0 || !single {
					pk, bk = append(pk, column(op, i)), append(bk, p.tables[1].col(i))
				}
			}
			j, err := exec.NewHashJoin(op, build, kind, pk, bk, nil)
			if err != nil {
				r.Fatal(err)
			}
			return j
		}
		q := drawQuery(r)
		without := *q
		without.NoJoinFilters = true
		want := collect(r, &without, plan())
		p.spared.Store(0)
		got := collect(r, q, plan())
		spared += p.spared.Load()
		same(r, plan().Describe(), got, want)
	})
	if spared == 0 {
		t.Error("no row was spared")
	}
}

// The bounds of few keys are a list, of many their least and greatest; below a LIMIT or an outer join's build side nothing is told.
func TestJoinFilterBounds(t *testing.T) {
	big := countingTable(3000, 3000, tBig)
	run := func(buildRows int64, kind exec.JoinKind, wrap func(exec.Operator) exec.Operator) int64 {
		var spared atomic.Int64
		probe := wrap(exec.NewScan(&lateSource{big, &spared}, exec.ScanSpec{Columns: []int{0, 1}}))
		build := exec.NewFilter(big.op(), call(t, "<", big.col(1), &expr.Literal{Val: types.IntValue(tBig, buildRows)}))
		j, err := exec.NewHashJoin(probe, build, kind, []expr.Expr{column(probe, 1)}, []expr.Expr{big.col(1)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		collect(t, testQuery(2), j)
		return spared.Load()
	}
	plain := func(op exec.Operator) exec.Operator { return op }
	for _, c := range []struct {
		rows int64
		kind exec.JoinKind
		wrap func(exec.Operator) exec.Operator
		want bool
	}{
		{0, exec.JoinInner, plain, false}, // nobody reads the probe side
		{0, exec.JoinRight, plain, true},
		{10, exec.JoinInner, plain, true}, {1000, exec.JoinInner, plain, true}, {10, exec.JoinSemi, plain, true}, {10, exec.JoinRight, plain, true},
		{10, exec.JoinBuildSemi, plain, true}, {10, exec.JoinBuildAnti, plain, true},
		{10, exec.JoinLeft, plain, false}, {10, exec.JoinFull, plain, false}, {10, exec.JoinAnti, plain, false},
		{10, exec.JoinInner, func(op exec.Operator) exec.Operator { return exec.NewLimit(op, 100, 0) }, false},
		{10, exec.JoinInner, func(op exec.Operator) exec.Operator {
			return exec.NewTopN(op, []exec.SortKey{{Expr: column(op, 1)}}, 100, 0)
		}, false},
	} {
		if got := run(c.rows, c.kind, c.wrap); (got > 0) != c.want {
			t.Errorf("%s join with %d build rows spared %d rows", c.kind, c.rows, got)
		}
	}
}
