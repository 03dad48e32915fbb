package exec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// memorySource is a Source over a table; it notes what it was asked for.
type memorySource struct {
	tab  *table
	spec exec.ScanSpec
	fail error
}

func (m *memorySource) Fields() []exec.Field { return m.tab.fields }

func (m *memorySource) Scan(_ context.Context, spec exec.ScanSpec) (exec.Scan, error) {
	m.spec = spec
	return &memoryScan{m}, m.fail
}

type memoryScan struct{ source *memorySource }

func (s *memoryScan) Streams(ctx context.Context, n int) ([]exec.Stream, error) {
	t := s.source.tab
	var cols []expr.Expr
	for _, c := range s.source.spec.Columns {
		cols = append(cols, t.col(c))
	}
	op := exec.NewProject(exec.NewFilter(t.op(), s.source.spec.Filter), cols, nil)
	return op.Open(ctx, testQuery(n))
}

func (s *memoryScan) Stats() exec.ScanStats { return exec.ScanStats{Files: 7} }

func TestScan(t *testing.T) {
	tab := countingTable(10_000, 10, tBig)
	src := &memorySource{tab: tab}
	op := exec.NewScan(src, exec.ScanSpec{Columns: []int{1}, Filter: call(t, "isnull", tab.col(0))})
	if s := op.Stats(); s.Files != 0 {
		t.Errorf("statistics before planning: %+v", s)
	}
	rows := collect(t, testQuery(2), op)
	if len(rows) != 10 || len(rows[0]) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	if src.spec.Env == nil || op.Stats().Files != 7 {
		t.Errorf("environment %v, statistics %+v", src.spec.Env, op.Stats())
	}
	if d := op.Describe(); d != "Scan columns: n; filter: isnull(k)" {
		t.Errorf("described as %q", d)
	}
	withIDs := exec.NewScan(src, exec.ScanSpec{Columns: []int{0}, RowIDs: true})
	if f := withIDs.Fields(); len(f) != 3 || f[1].Type != tInt || f[2].Type != tBig {
		t.Errorf("fields %v", f)
	}
	boom := errors.New("boom")
	if _, err := tryCollect(testQuery(1), exec.NewScan(&memorySource{tab: tab, fail: boom}, exec.ScanSpec{})); !errors.Is(err, boom) {
		t.Errorf("planning failed with %v", err)
	}
}
