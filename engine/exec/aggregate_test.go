package exec_test

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

func TestAggregateAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tab, nKeys, keys, aggs := drawAggregation(r)
		op, err := exec.NewAggregate(tab.op(), keys, aggs)
		if err != nil {
			r.Fatalf("%v", err)
		}
		got := collect(r, drawQuery(r), op)
		compareGroups(r, tab, nKeys, aggs, op.Fields(), got)
	})
}

func drawAggregation(r *rapid.T) (tab *table, nKeys int, keys []expr.Expr, aggs []exec.Aggregate) {
	ts := rapid.SliceOfN(rapid.SampledFrom(allType), 2, 5).Draw(r, "types")
	tab = drawTable(r, "c", 60, ts...)
	nKeys = rapid.IntRange(0, min(3, len(ts))).Draw(r, "keys")
	for i := range nKeys {
		keys = append(keys, tab.col(i))
	}
	for range rapid.IntRange(1, 5).Draw(r, "aggs") {
		aggs = append(aggs, drawAggregate(r, tab))
	}
	return tab, nKeys, keys, aggs
}

var aggNames = []string{"count", "sum", "avg", "min", "max", "bit_and", "bit_or", "bit_xor", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "group_concat"}

func drawAggregate(r *rapid.T, tab *table) exec.Aggregate {
	name := rapid.SampledFrom(aggNames).Draw(r, "aggregate")
	a := exec.Aggregate{Name: name, Distinct: rapid.IntRange(0, 3).Draw(r, "distinct") == 0}
	c := rapid.IntRange(0, len(tab.fields)-1).Draw(r, "column")
	switch typ := tab.fields[c].Type; {
	case name == "count" && !a.Distinct && rapid.Bool().Draw(r, "star"):
		return a
	case name == "count" && a.Distinct && rapid.Bool().Draw(r, "two"):
		a.Args = append(a.Args, tab.col(rapid.IntRange(0, len(tab.fields)-1).Draw(r, "column 2")))
	case name == "group_concat":
		c = stringColumn(tab)
		if c < 0 {
			return exec.Aggregate{Name: "count"}
		}
		a.Separator, a.OrderBy = "-", []exec.SortKey{{Expr: tab.col(c), Desc: rapid.Bool().Draw(r, "desc")}}
	case strings.HasPrefix(name, "bit_") && !typ.IsInteger(),
		(strings.HasPrefix(name, "std") || strings.HasPrefix(name, "var")) && !typ.IsFloat(),
		(name == "sum" || name == "avg") && !typ.IsNumeric():
		return exec.Aggregate{Name: "count", Args: []expr.Expr{tab.col(c)}}
	}
	a.Args = append(a.Args, tab.col(c))
	return a
}

func stringColumn(tab *table) int {
	for i, f := range tab.fields {
		if f.Type == tString {
			return i
		}
	}
	return -1
}

func compareGroups(t fataler, tab *table, nKeys int, aggs []exec.Aggregate, fields []exec.Field, got [][]types.Value) {
	t.Helper()
	groups := map[string][][]types.Value{}
	for _, row := range tab.rows {
		k := rowText(row[:nKeys])
		groups[k] = append(groups[k], row)
	}
	if nKeys == 0 && len(groups) == 0 {
		groups[""] = nil
	}
	if len(got) != len(groups) {
		t.Fatalf("%d groups, want %d\n%s", len(got), len(groups), strings.Join(rowTexts(got), "\n"))
	}
	for _, row := range got {
		k := rowText(row[:nKeys])
		rows, ok := groups[k]
		if !ok {
			t.Fatalf("no group %s", k)
		}
		delete(groups, k)
		for i, a := range aggs {
			want := modelAggregate(a, rows, fields[nKeys+i].Type)
			if g := row[nKeys+i]; !near(g, want) {
				t.Fatalf("group %q: %s = %s, want %s", k, a.String(), g, want)
			}
		}
	}
}

// near is equality, with room for the rounding of floats.
func near(a, b types.Value) bool {
	if a.Valid && b.Valid && a.Type.IsFloat() && !math.IsNaN(a.F) {
		return math.Abs(a.F-b.F) <= 1e-6*(1+math.Abs(b.F))
	}
	return text(a) == text(b)
}

// modelAggregate computes one aggregate over the rows of one group, value by value.
func modelAggregate(a exec.Aggregate, rows [][]types.Value, typ types.Type) types.Value {
	var vals []types.Value
	seen := map[string]bool{}
	count := 0
rows:
	for _, row := range rows {
		var key []types.Value
		for _, arg := range a.Args {
			v := row[arg.(*expr.Column).Index]
			if !v.Valid {
				continue rows
			}
			key = append(key, v)
		}
		if k := rowText(key); a.Distinct && seen[k] {
			continue
		} else {
			seen[k] = true
		}
		count++
		if len(key) > 0 {
			vals = append(vals, key[0])
		}
	}
	switch a.Name {
	case "count":
		return types.IntValue(typ, int64(count))
	case "bit_and", "bit_or", "bit_xor":
		return modelBits(a.Name, vals, typ)
	}
	if len(vals) == 0 {
		return types.NullOf(typ)
	}
	switch a.Name {
	case "min", "max":
		best := vals[0]
		for _, v := range vals {
			if c := types.Compare(v, best); (a.Name == "min") == (c < 0) && c != 0 {
				best = v
			}
		}
		return best
	case "group_concat":
		sort.Slice(vals, func(i, j int) bool { return (vals[i].S < vals[j].S) != a.OrderBy[0].Desc && vals[i].S != vals[j].S })
		parts := make([]string, len(vals))
		for i, v := range vals {
			parts[i] = v.S
		}
		return types.StringValue(strings.Join(parts, a.Separator))
	case "sum", "avg":
		if typ.IsFloat() {
			return modelFloat(a.Name, vals, typ)
		}
		return modelSum(a.Name, vals, typ)
	}
	return modelFloat(a.Name, vals, typ)
}

func modelBits(name string, vals []types.Value, typ types.Type) types.Value {
	x := int64(0)
	if name == "bit_and" {
		x = -1
	}
	for _, v := range vals {
		switch name {
		case "bit_and":
			x &= v.I
		case "bit_or":
			x |= v.I
		default:
			x ^= v.I
		}
	}
	return types.IntValue(typ, x)
}

func modelSum(name string, vals []types.Value, typ types.Type) types.Value {
	sum := new(big.Int)
	scale := 0
	for _, v := range vals {
		switch {
		case v.Type.Kind == types.Decimal:
			sum.Add(sum, v.D.Big())
			scale = int(v.Type.Scale)
		case v.Type.Kind == types.Uint64:
			sum.Add(sum, new(big.Int).SetUint64(uint64(v.I)))
		default:
			sum.Add(sum, big.NewInt(v.I))
		}
	}
	if name == "avg" {
		r := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(vals))))
		r.Mul(r, new(big.Rat).SetInt(types.Pow10(int(typ.Scale)-scale).Big()))
		half := big.NewRat(1, 2)
		if r.Sign() < 0 {
			half.Neg(half)
		}
		r.Add(r, half)
		sum = new(big.Int).Quo(r.Num(), r.Denom())
	}
	d, ok := types.Int128FromBig(sum)
	if !ok {
		panic("model overflows")
	}
	return types.DecimalValue(typ, d)
}

func modelFloat(name string, vals []types.Value, typ types.Type) types.Value {
	sum, n := 0.0, float64(len(vals))
	for _, v := range vals {
		sum += v.F
	}
	switch name {
	case "sum":
		return types.FloatValue(typ, sum)
	case "avg":
		return types.FloatValue(typ, sum/n)
	}
	squares := 0.0
	for _, v := range vals {
		squares += (v.F - sum/n) * (v.F - sum/n)
	}
	if strings.HasSuffix(name, "_samp") {
		if n--; n == 0 {
			return types.NullOf(typ)
		}
	}
	squares /= n
	if strings.HasPrefix(name, "std") {
		squares = math.Sqrt(squares)
	}
	return types.FloatValue(typ, squares)
}

func TestDistinctAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tab := drawTable(r, "c", 60, rapid.SliceOfN(rapid.SampledFrom(allType), 1, 4).Draw(r, "types")...)
		seen := map[string]bool{}
		var want [][]types.Value
		for _, row := range tab.rows {
			if k := rowText(row); !seen[k] {
				seen[k] = true
				want = append(want, row)
			}
		}
		same(r, "distinct", collect(r, drawQuery(r), exec.NewDistinct(tab.op())), want)
	})
}

// TestAggregateManyGroups reaches what few rows cannot: growth, partitions, ranges, spilling.
func TestAggregateManyGroups(t *testing.T) {
	const n, groups = 200_000, 70_001
	for _, keyed := range []types.Type{tBig, tString} {
		for _, c := range []struct {
			workers int
			limit   int64
		}{{1, 0}, {2, 0}, {3, 0}, {1, 3 << 20}, {3, 12 << 20}} {
			t.Run(fmt.Sprint(keyed, c.workers, c.limit), func(t *testing.T) {
				tab := countingTable(n, groups, keyed)
				op, err := exec.NewAggregate(tab.op(), []expr.Expr{tab.col(0)}, []exec.Aggregate{
					{Name: "count"}, {Name: "sum", Args: []expr.Expr{tab.col(1)}}, {Name: "max", Args: []expr.Expr{tab.col(1)}}})
				if err != nil {
					t.Fatal(err)
				}
				q := testQuery(c.workers)
				q.Memory, q.TempDir = exec.NewBudget(c.limit, nil), t.TempDir()
				checkCounting(t, collect(t, q, op), n, groups)
				if c.limit > 0 && q.Memory.PeakBytes() > c.limit {
					t.Fatalf("peak of %d bytes above %d", q.Memory.PeakBytes(), c.limit)
				}
			})
		}
	}
}

func checkCounting(t *testing.T, rows [][]types.Value, n, groups int) {
	t.Helper()
	if len(rows) != groups+1 { // and NULL
		t.Fatalf("%d groups, want %d", len(rows), groups+1)
	}
	total := int64(0)
	for _, row := range rows {
		total += row[1].I
		if !row[0].Valid {
			continue
		}
		g := row[0].I
		if row[0].Type == tString {
			if _, err := fmt.Sscanf(row[0].S, "key %d", &g); err != nil {
				t.Fatal(err)
			}
		}
		count, sum, last := int64(0), int64(0), int64(0)
		for i := g; i < int64(n); i += int64(groups) {
			if i%1000 != 999 {
				count, sum, last = count+1, sum+i, i
			}
		}
		if row[1].I != count || row[2].D != types.Int128From(sum) || row[3].I != last {
			t.Fatalf("group %d: %v", g, row)
		}
	}
	if total != int64(n) {
		t.Fatalf("%d rows counted, want %d", total, n)
	}
}

func TestAggregateTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		arg  types.Type
		want types.Type
	}{
		{"sum", tInt, types.DecimalOf(32, 0)},
		{"sum", tBig, types.DecimalOf(41, 0)},
		{"avg", tBig, types.DecimalOf(23, 4)},
		{"sum", tDec, types.DecimalOf(32, 2)},
		{"avg", tDec, types.DecimalOf(14, 6)},
		{"sum", types.DecimalOf(60, 5), types.DecimalOf(65, 5)},
		{"sum", tFloat, tFloat},
		{"avg", tString, tFloat},
		{"count", tString, tBig},
		{"min", tTime, tTime},
		{"bit_or", tInt, tUint},
		{"std", tInt, tFloat},
	} {
		got, err := agg.Resolve(c.name, []types.Type{c.arg}, false)
		if err != nil || got != c.want {
			t.Errorf("%s(%s): %s, %v; want %s", c.name, c.arg, got, err, c.want)
		}
	}
	if _, err := agg.Resolve("median", []types.Type{tInt}, false); err == nil {
		t.Error("an unknown aggregate resolved")
	}
	if _, err := agg.Resolve("sum", nil, false); err == nil {
		t.Error("sum of nothing resolved")
	}
}

func TestSumOverflow(t *testing.T) {
	big38, _ := types.Pow10(38).Sub(types.Int128From(1))
	typ := types.DecimalOf(38, 0)
	tab := fixedTable([]types.Type{typ}, []types.Value{types.DecimalValue(typ, big38)}, []types.Value{types.DecimalValue(typ, big38)})
	op, err := exec.NewAggregate(tab.op(), nil, []exec.Aggregate{{Name: "sum", Args: []expr.Expr{tab.col(0)}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tryCollect(testQuery(1), op)
	if _, ok := err.(*expr.RangeError); !ok {
		t.Fatalf("%T %v, want a RangeError", err, err)
	}
}

func TestJSONAggregates(t *testing.T) {
	row := func(k types.Value, n int64) []types.Value { return []types.Value{k, types.IntValue(tInt, n)} }
	tab := fixedTable([]types.Type{tString, tInt}, row(types.StringValue("bb"), 1), row(types.StringValue("a\""), 2), row(types.StringValue("bb"), 3))
	op, err := exec.NewAggregate(tab.op(), nil, []exec.Aggregate{
		{Name: "json_arrayagg", Args: []expr.Expr{tab.col(0)}},
		{Name: "json_objectagg", Args: []expr.Expr{tab.col(0), tab.col(1)}},
		{Name: "group_concat", Args: []expr.Expr{tab.col(0)}, Separator: ",", MaxLenBytes: 4}})
	if err != nil {
		t.Fatal(err)
	}
	got := rowText(collect(t, testQuery(1), op)[0])
	if want := `"[\"bb\", \"a\\\"\", \"bb\"]"|"{\"a\\\"\": 2, \"bb\": 3}"|"bb,a"`; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	null := fixedTable([]types.Type{tString, tInt}, row(types.NullOf(tString), 1))
	op, _ = exec.NewAggregate(null.op(), nil, []exec.Aggregate{{Name: "json_objectagg", Args: []expr.Expr{null.col(0), null.col(1)}}})
	if _, err := tryCollect(testQuery(1), op); err == nil {
		t.Fatal("a NULL member name passed")
	}
}

// TestDistinctAggregatesInPartitions has more groups than are merged at once.
func TestDistinctAggregatesInPartitions(t *testing.T) {
	const n, groups = 40_000, 10_000
	for _, typ := range []types.Type{tBig, tString} {
		tab := countingTable(n, groups, typ)
		twice := exec.NewUnion(tab.op(), tab.op()) // every row twice
		n1 := []expr.Expr{tab.col(1)}
		op, err := exec.NewAggregate(twice, []expr.Expr{tab.col(0)}, []exec.Aggregate{
			{Name: "count"}, {Name: "count", Args: n1, Distinct: true}, {Name: "sum", Args: n1, Distinct: true}, {Name: "sum", Args: n1}})
		if err != nil {
			t.Fatal(err)
		}
		rows := collect(t, testQuery(3), op)
		if len(rows) != groups-groups/1000+1 {
			t.Fatalf("%s: %d groups", typ, len(rows))
		}
		for _, r := range rows {
			if r[1].I != 2*r[2].I || r[4].D != addTwice(r[3].D) || (r[0].Valid && r[2].I != n/groups) {
				t.Fatalf("%s: group %v", typ, rowText(r))
			}
		}
	}
}

func addTwice(x types.Int128) types.Int128 {
	y, _ := x.Add(x)
	return y
}
