package exec_test

import (
	"context"
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TestSteadyStateAllocatesNothing compares runs over few and over many batches: the many must cost no more.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	fields, batches := lineitem(4)
	tab := &table{fields: fields}
	numbers := countingTable(4*vector.MaxRows, 1000, tBig)
	strings := countingTable(4*vector.MaxRows, 1000, tString)
	build := countingTable(1000, 1000, tBig)
	buildText := countingTable(1000, 1000, tString)
	fails := func(op exec.Operator, err error) exec.Operator {
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	group := func(x *table, in exec.Operator) exec.Operator {
		arg := []expr.Expr{x.col(1)}
		op, err := exec.NewAggregate(in, []expr.Expr{x.col(0)}, []exec.Aggregate{{Name: "count"}, {Name: "sum", Args: arg}, {Name: "max", Args: arg}})
		return fails(op, err)
	}
	join := func(x, y *table, in exec.Operator) exec.Operator {
		op, err := exec.NewHashJoin(in, y.op(), exec.JoinInner, []expr.Expr{x.col(0)}, []expr.Expr{y.col(0)}, nil)
		return fails(op, err)
	}
	for name, c := range map[string]struct {
		tab *table
		op  func(in exec.Operator) exec.Operator
	}{
		"dictionary keys": {&table{fields: fields, batches: batches}, func(in exec.Operator) exec.Operator {
			op, err := exec.NewAggregate(in, []expr.Expr{tab.col(0), tab.col(1)}, []exec.Aggregate{
				{Name: "count"}, {Name: "sum", Args: []expr.Expr{tab.col(2)}}, {Name: "avg", Args: []expr.Expr{tab.col(6)}}})
			return fails(op, err)
		}},
		"integer keys": {numbers, func(in exec.Operator) exec.Operator { return group(numbers, in) }},
		"string keys":  {strings, func(in exec.Operator) exec.Operator { return group(strings, in) }},
		"integer join": {numbers, func(in exec.Operator) exec.Operator { return join(numbers, build, in) }},
		"string join":  {strings, func(in exec.Operator) exec.Operator { return join(strings, buildText, in) }},
		"filter": {numbers, func(in exec.Operator) exec.Operator {
			return exec.NewProject(exec.NewFilter(in, call(t, "<", numbers.col(1), &expr.Literal{Val: types.IntValue(tBig, 100)})), []expr.Expr{numbers.col(0)}, nil)
		}},
		"top": {numbers, func(in exec.Operator) exec.Operator {
			return exec.NewTopN(in, []exec.SortKey{{Expr: numbers.col(1)}}, 5, 0)
		}},
	} {
		measure := func(n int) float64 {
			return testing.AllocsPerRun(3, func() {
				op := c.op(repeated(c.tab.fields, c.tab.batches, n*vector.MaxRows))
				if err := exec.Run(context.Background(), testQuery(1), op, func(*vector.Batch) error { return nil }); err != nil {
					t.Fatal(err)
				}
			})
		}
		few, many := measure(20), measure(220)
		if perBatch := (many - few) / 200; perBatch > 0.5 {
			t.Errorf("%s: %.2f allocations a batch", name, perBatch)
		}
	}
}
