package exec_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func TestFilterProjectUnionAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := drawTable(r, "a", 30, tInt, tString), drawTable(r, "b", 30, tInt, tString)
		lit := &expr.Literal{Val: types.IntValue(tInt, 0)}
		filtered := exec.NewFilter(exec.NewUnion(a.op(), b.op()), call(t, "<", a.col(0), lit))
		op := exec.NewProject(filtered, []expr.Expr{a.col(1), a.col(0), a.col(0)}, nil)
		var want [][]types.Value
		for _, row := range append(append([][]types.Value(nil), a.rows...), b.rows...) {
			if row[0].Valid && row[0].I < 0 {
				want = append(want, []types.Value{row[1], row[0], row[0]})
			}
		}
		same(r, "filter, project, union", collect(r, drawQuery(r), op), want)
	})
}

func TestMaterialized(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tab := drawTable(r, "c", 40, tInt, tString)
		m := exec.NewMaterialized(tab.op())
		op := exec.NewUnion(m.Replay(), m.Replay(), m.Replay())
		var want [][]types.Value
		for range 3 {
			want = append(want, tab.rows...)
		}
		same(r, "three readings", collect(r, drawQuery(r), op), want)
	})
}

// iterOf is a RowIter of one row, which waits before it.
type iterOf struct {
	wait func(ctx context.Context) error
	rows int
}

func (i *iterOf) Next(ctx context.Context) ([]types.Value, error) {
	if i.rows++; i.rows > 1 {
		return nil, io.EOF
	}
	return []types.Value{types.IntValue(tInt, 7)}, i.wait(ctx)
}

func (i *iterOf) Close() error { return nil }

// A reading that LIMIT ends while the rows are still being read does not take them from the other one.
func TestMaterializedOutlivesALimit(t *testing.T) {
	op := func(wait func(ctx context.Context) error) exec.Operator {
		return exec.NewRows("rows", []exec.Field{{Name: "a", Type: tInt}}, func(context.Context) (exec.RowIter, error) {
			return &iterOf{wait: wait}, nil
		})
	}
	reading := make(chan struct{})
	m := exec.NewMaterialized(op(func(ctx context.Context) error {
		close(reading)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return nil
		}
	}))
	first := op(func(context.Context) error { <-reading; return nil })
	limited := exec.NewLimit(exec.NewUnion(first, m.Replay()), 1, 0)
	if rows := collect(t, testQuery(2), exec.NewUnion(limited, m.Replay())); len(rows) != 2 {
		t.Errorf("%d rows, not 2", len(rows))
	}
}

// sliceIter is a RowIter over rows.
type sliceIter struct {
	rows   [][]types.Value
	closed *atomic.Int32
}

func (s *sliceIter) Next(context.Context) ([]types.Value, error) {
	if len(s.rows) == 0 {
		return nil, io.EOF
	}
	row := s.rows[0]
	s.rows = s.rows[1:]
	return row, nil
}

func (s *sliceIter) Close() error {
	s.closed.Add(1)
	return nil
}

func TestRows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tab := drawTable(r, "c", 20, allType...)
		var closed atomic.Int32
		op := exec.NewRows("model", tab.fields, func(context.Context) (exec.RowIter, error) {
			return &sliceIter{rows: tab.rows, closed: &closed}, nil
		})
		same(r, "rows", collect(r, drawQuery(r), op), tab.rows)
		if closed.Load() != 1 {
			r.Fatalf("closed %d times", closed.Load())
		}
	})
}

// endless yields the same batch for ever, or fails or panics after some; it counts what is pulled and closed.
type endless struct {
	exec.Operator
	batch   *vector.Batch
	streams int
	after   int64 // batches until fail or doom
	fail    error
	doom    bool
	pulled  atomic.Int64
	closed  atomic.Int64
	block   bool // wait for the context instead of yielding
}

func (e *endless) Open(context.Context, *exec.Query) ([]exec.Stream, error) {
	out := make([]exec.Stream, e.streams)
	for i := range out {
		out[i] = &endlessStream{of: e}
	}
	return out, nil
}

type endlessStream struct {
	of     *endless
	closed bool
}

func (s *endlessStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.of.block {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if n := s.of.pulled.Add(1); n > s.of.after && (s.of.fail != nil || s.of.doom) {
		if s.of.doom {
			panic("doom")
		}
		return nil, s.of.fail
	}
	return s.of.batch, nil
}

func (s *endlessStream) Close() error {
	if !s.closed {
		s.closed = true
		s.of.closed.Add(1)
	}
	return nil
}

func newEndless(streams int) *endless {
	tab := countingTable(1000, 50, tBig)
	return &endless{Operator: tab.op(), batch: tab.batches[0], streams: streams}
}

func key() *expr.Column { return &expr.Column{Index: 0, Name: "k", Typ: tBig, Null: true} }

// overEndless puts every operator over a source.
func overEndless(t *testing.T, e *endless) map[string]exec.Operator {
	small := countingTable(100, 50, tBig)
	agg, err := exec.NewAggregate(e, []expr.Expr{key()}, []exec.Aggregate{{Name: "count"}})
	if err != nil {
		t.Fatal(err)
	}
	must := func(op exec.Operator, err error) exec.Operator {
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	k := []expr.Expr{key()}
	build, _ := exec.NewHashJoin(small.op(), e, exec.JoinInner, k, k, nil)
	probe, _ := exec.NewHashJoin(e, small.op(), exec.JoinSemi, k, k, nil)
	loop, _ := exec.NewNestedLoop(e, small.op(), exec.JoinSemi, nil)
	asof, _ := exec.NewAsOfJoin(small.op(), e, k, k, key(), key(), false, true)
	return map[string]exec.Operator{
		"bare": e, "filter": exec.NewFilter(e, call(t, "isnull", key())), "aggregate": agg,
		"sort": exec.NewSort(e, []exec.SortKey{{Expr: key()}}), "top": exec.NewTopN(e, []exec.SortKey{{Expr: key()}}, 10, 0),
		"union": exec.NewUnion(e), "build": must(build, nil), "probe": must(probe, nil), "loop": must(loop, nil), "asof": must(asof, nil),
		"materialized": exec.NewMaterialized(e).Replay(),
	}
}

func TestErrorsCancelEverything(t *testing.T) {
	boom := errors.New("boom")
	for _, workers := range []int{1, 3} {
		for _, mode := range []string{"fail", "panic", "cancel", "sink"} {
			names := overEndless(t, newEndless(workers))
			for name := range names {
				e := newEndless(workers)
				switch mode {
				case "fail":
					e.after, e.fail = 20, boom
				case "panic":
					e.after, e.doom = 20, true
				}
				checkStops(t, mode, name, e, overEndless(t, e)[name], boom)
			}
		}
	}
}

func checkStops(t *testing.T, mode, name string, e *endless, op exec.Operator, boom error) {
	t.Helper()
	if mode == "sink" && name != "bare" && name != "filter" && name != "union" && name != "probe" && name != "loop" {
		return // reads all of its input first, which has no end
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if mode == "cancel" {
		time.AfterFunc(5*time.Millisecond, cancel)
	}
	q := testQuery(e.streams)
	q.Memory = exec.NewBudget(1<<30, nil)
	err := exec.Run(ctx, q, op, func(*vector.Batch) error {
		if mode == "sink" {
			return boom
		}
		return nil
	})
	var panicked *exec.PanicError
	switch {
	case mode == "cancel" && errors.Is(err, context.Canceled):
	case mode == "panic" && errors.As(err, &panicked) && strings.Contains(string(panicked.Stack), "endlessStream"):
	case errors.Is(err, boom):
	default:
		t.Fatalf("%s, %s: %v", name, mode, err)
	}
	if used := q.Memory.UsedBytes(); used != 0 {
		t.Errorf("%s, %s: %d bytes still reserved", name, mode, used)
	}
	if c := e.closed.Load(); c != int64(e.streams) {
		t.Errorf("%s, %s: %d of %d streams closed", name, mode, c, e.streams)
	}
	for i := 0; runtime.NumGoroutine() > before+1 && i < 100; i++ {
		time.Sleep(time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%s, %s: %d goroutines, %d before", name, mode, n, before)
	}
}

func TestLimitStopsUpstream(t *testing.T) {
	e := newEndless(3)
	rows := collect(t, testQuery(3), exec.NewLimit(e, 2500, 10))
	if len(rows) != 2500 {
		t.Fatalf("%d rows", len(rows))
	}
	if n := e.pulled.Load(); n > 12 {
		t.Errorf("%d batches pulled for 2510 rows", n)
	}
}

func TestLimitInterruptsOthers(t *testing.T) {
	// One input yields rows, the other waits for ever: the limit must end it.
	blocked := newEndless(1)
	blocked.block = true
	op := exec.NewLimit(exec.NewUnion(newEndless(1), blocked), 5000, 0)
	done := make(chan int)
	go func() {
		rows, err := tryCollect(testQuery(2), op)
		if err != nil {
			t.Error(err)
		}
		done <- len(rows)
	}()
	select {
	case n := <-done:
		if n != 5000 {
			t.Fatalf("%d rows", n)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still waiting for a blocked input")
	}
}

func TestMemoryLimit(t *testing.T) {
	big := countingTable(100_000, 50_000, tBig)
	text := []expr.Expr{expr.Cast(key(), tString)}
	concat, _ := exec.NewAggregate(big.op(), nil, []exec.Aggregate{{Name: "group_concat", Args: text}})
	q := testQuery(2)
	q.Memory = exec.NewBudget(400_000, nil)
	_, err := tryCollect(q, concat)
	var full *exec.MemoryError
	if !errors.As(err, &full) || full.Operator != "aggregation" || full.LimitBytes != 400_000 || full.WantedBytes <= 0 {
		t.Error(err)
	}
	if used := q.Memory.UsedBytes(); used != 0 {
		t.Errorf("%d bytes still reserved", used)
	}
}

func TestBudgetOfParent(t *testing.T) {
	server := exec.NewBudget(100, nil)
	a, b := exec.NewBudget(80, server), exec.NewBudget(0, server)
	if err := a.Reserve("sort", 60); err != nil {
		t.Fatal(err)
	}
	if err := a.Reserve("sort", 30); err == nil {
		t.Error("90 of 80 bytes reserved")
	}
	var full *exec.MemoryError
	if err := b.Reserve("join", 50); !errors.As(err, &full) || full.LimitBytes != 100 || full.UsedBytes != 60 {
		t.Errorf("110 of 100 bytes: %v", err)
	}
	a.Release(60)
	if err := b.Reserve("join", 50); err != nil || server.UsedBytes() != 50 || server.PeakBytes() != 60 {
		t.Errorf("%v, %d used, peak %d", err, server.UsedBytes(), server.PeakBytes())
	}
}
