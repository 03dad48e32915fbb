package exec_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// No budget at all: all groups go to files with each batch, and partitions of more than one group are partitioned
// again and again.
func TestAggregateWithoutMemoryAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		tab, nKeys, keys, aggs := drawAggregation(r)
		op, err := exec.NewAggregate(tab.op(), keys, aggs)
		if err != nil {
			r.Fatalf("%v", err)
		}
		q := drawQuery(r)
		q.Memory, q.TempDir = exec.NewBudget(2, nil), dir
		got := collect(r, q, op)
		if len(tab.rows) > 0 && nKeys > 0 && q.Memory.SpilledBytes() == 0 {
			r.Fatalf("nothing was spilled")
		}
		compareGroups(r, tab, nKeys, aggs, op.Fields(), got)
	})
}

// aggregations of a table of a key (column 0) and a number of its own (column 1) for each row.
func TestAggregateSpills(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		keys  bool
		of    func(tab *table) []exec.Aggregate
	}{
		{"distinct", 600_000, true, func(tab *table) []exec.Aggregate {
			return []exec.Aggregate{count(tab.col(1), true), {Name: "sum", Args: []expr.Expr{tab.col(1)}, Distinct: true}, {Name: "max", Args: []expr.Expr{tab.col(1)}}}
		}},
		{"distinct of everything", 600_000, false, func(tab *table) []exec.Aggregate {
			return []exec.Aggregate{count(tab.col(1), true), count(tab.col(0), true), {Name: "count"}}
		}},
		{"group_concat", 2_500_000, true, func(tab *table) []exec.Aggregate {
			order := []exec.SortKey{{Expr: tab.col(1), Desc: true}}
			return []exec.Aggregate{{Name: "group_concat", Args: []expr.Expr{expr.Cast(tab.col(1), tString)}, OrderBy: order, Separator: ","}}
		}},
		{"min and max of strings", 1_500_000, true, func(tab *table) []exec.Aggregate {
			s := []expr.Expr{expr.Cast(tab.col(1), tString)}
			return []exec.Aggregate{{Name: "min", Args: s}, {Name: "max", Args: s}}
		}},
		{"json", 1_500_000, true, func(tab *table) []exec.Aggregate {
			return []exec.Aggregate{{Name: "json_objectagg", Args: []expr.Expr{expr.Cast(tab.col(1), tString), tab.col(1)}}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := countingTable(60_000, 30_000, tBig)
			spills(t, c.limit, func() exec.Operator {
				var keys []expr.Expr
				if c.keys {
					keys = []expr.Expr{tab.col(0)}
				}
				op, err := exec.NewAggregate(tab.op(), keys, c.of(tab))
				if err != nil {
					t.Fatal(err)
				}
				return op
			})
		})
	}
}

func count(e expr.Expr, distinct bool) exec.Aggregate {
	return exec.Aggregate{Name: "count", Args: []expr.Expr{e}, Distinct: distinct}
}

// The different values of one group need not fit.
func TestCountDistinctOfOneGroupSpills(t *testing.T) {
	tab := countingTable(100_000, 2, tString)
	spills(t, 700_000, func() exec.Operator {
		op, err := exec.NewAggregate(tab.op(), []expr.Expr{tab.col(0)}, []exec.Aggregate{count(tab.col(1), true)})
		if err != nil {
			t.Fatal(err)
		}
		return op
	})
}

// What one group's function has to hold must fit, and the error says how much that was.
func TestOneGroupDoesNotFit(t *testing.T) {
	tab := countingTable(60_000, 2, tBig)
	for _, keys := range [][]expr.Expr{nil, {tab.col(0)}} {
		op, err := exec.NewAggregate(tab.op(), keys, []exec.Aggregate{{Name: "group_concat", Args: []expr.Expr{expr.Cast(tab.col(1), tString)}}})
		if err != nil {
			t.Fatal(err)
		}
		q := testQuery(2)
		q.Memory, q.TempDir = exec.NewBudget(600_000, nil), t.TempDir()
		_, err = tryCollect(q, op)
		var full *exec.MemoryError
		if !errors.As(err, &full) || full.Operator != "aggregation" || full.WantedBytes <= 0 || !strings.Contains(err.Error(), "600000") {
			t.Errorf("%v", err)
		}
		if used := q.Memory.UsedBytes(); used != 0 {
			t.Errorf("%d bytes still reserved", used)
		}
	}
}
