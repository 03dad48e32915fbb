package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
	_ "github.com/featuresql/featuresql/sqlfuncs/scalar" // date_add
)

// windowCase is a drawn window over a table: the columns of its keys, and calls that all have its whole order.
type windowCase struct {
	table *table
	parts []int
	order []int
	desc  []bool
	calls []exec.WindowCall
}

var windowFuncs = []string{
	"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value", "last_value", "nth_value",
	"count", "sum", "avg", "min", "max", "stddev_pop", "var_samp", "bit_and", "bit_or", "bit_xor", "json_arrayagg",
}

// The columns of a window's table: keys, operands, and a number that makes rows tell apart.
var windowTypes = []types.Type{tInt, tString, tInt, tFloat, tDec, tTime, tBig, tUint, tWide, tInt}

const rowNumberColumn = 9

func drawWindow(r *rapid.T) windowCase {
	c := windowCase{table: drawTable(r, "c", 60, windowTypes...)}
	numberRows(c.table)
	c.parts = slices.Clone([]int{0, 1}[:rapid.IntRange(0, 2).Draw(r, "parts")])
	for range rapid.IntRange(0, 2).Draw(r, "keys") {
		c.order = append(c.order, rapid.SampledFrom([]int{1, 2, 3, 4, 5, 6, 7}).Draw(r, "key"))
		c.desc = append(c.desc, rapid.Bool().Draw(r, "desc"))
	}
	for range rapid.IntRange(1, 3).Draw(r, "calls") {
		c.calls = append(c.calls, drawWindowCall(r, &c))
	}
	return c
}

// numberRows makes the last column the number of the row, so that ties are told apart after the fact.
func numberRows(t *table) {
	row := int64(0)
	for _, b := range t.batches {
		v := vector.New(tInt, 0)
		live := map[int]int64{}
		for k := range b.Rows() {
			live[b.Row(k)] = row
			row++
		}
		for i := range b.Len {
			v.AppendValue(types.IntValue(tInt, live[i]))
		}
		b.Cols[rowNumberColumn] = v
	}
	for i := range t.rows {
		t.rows[i][rowNumberColumn] = types.IntValue(tInt, int64(i))
	}
}

func drawWindowCall(r *rapid.T, c *windowCase) exec.WindowCall {
	call := exec.WindowCall{Name: rapid.SampledFrom(windowFuncs).Draw(r, "function"), OrderKeys: len(c.order), As: "w"}
	arg := c.table.col(rapid.IntRange(0, len(windowTypes)-1).Draw(r, "operand"))
	switch call.Name {
	case "row_number", "rank", "dense_rank":
		call.Type = tBig
	case "percent_rank", "cume_dist":
		call.Type = tFloat
	case "ntile":
		call.Type, call.Offset = tBig, rapid.Int64Range(1, 9).Draw(r, "buckets")
	case "lag", "lead":
		call.Args, call.Type, call.Offset = []expr.Expr{arg}, arg.Typ, rapid.Int64Range(0, 5).Draw(r, "offset")
		if rapid.Bool().Draw(r, "default") {
			call.Args = append(call.Args, arg)
		}
	case "first_value", "last_value", "nth_value":
		call.Args, call.Type = []expr.Expr{arg}, arg.Typ
		if call.Name == "nth_value" {
			call.Offset = rapid.Int64Range(1, 4).Draw(r, "nth")
		}
	default:
		switch call.Name {
		case "stddev_pop", "var_samp":
			arg = c.table.col(rapid.SampledFrom([]int{2, 3, 4}).Draw(r, "number"))
		case "sum", "avg", "bit_and", "bit_or", "bit_xor":
			arg = c.table.col(rapid.SampledFrom([]int{2, 3, 4, 6, 7, 8}).Draw(r, "number"))
		}
		if call.Name != "count" || rapid.Bool().Draw(r, "counted") {
			call.Args = []expr.Expr{arg}
		}
		var in []types.Type
		for _, a := range call.Args {
			in = append(in, a.Type())
		}
		var err error
		if call.Type, err = agg.Resolve(call.Name, in, false); err != nil {
			r.Fatal(err)
		}
	}
	call.Frame = drawFrame(r, c)
	return call
}

func drawFrame(r *rapid.T, c *windowCase) exec.Frame {
	f := exec.Frame{Range: rapid.Bool().Draw(r, "range")}
	kinds := []exec.BoundKind{exec.UnboundedPreceding, exec.Preceding, exec.CurrentRow, exec.Following, exec.UnboundedFollowing}
	numeric := f.Range && len(c.order) == 1 && slices.Contains([]int{2, 3, 4, 5}, c.order[0])
	if f.Range && !numeric {
		kinds = []exec.BoundKind{exec.UnboundedPreceding, exec.CurrentRow, exec.UnboundedFollowing}
	}
	f.Start.Kind = rapid.SampledFrom(kinds[:len(kinds)-1]).Draw(r, "start")
	f.End.Kind = rapid.SampledFrom(kinds[1:]).Filter(func(k exec.BoundKind) bool {
		return k >= f.Start.Kind
	}).Draw(r, "end")
	for _, b := range []*exec.FrameBound{&f.Start, &f.End} {
		if b.Kind != exec.Preceding && b.Kind != exec.Following {
			continue
		}
		b.Rows = rapid.Int64Range(0, 6).Draw(r, "distance")
		if f.Range {
			setRangeBound(r, c, &f, b)
		}
	}
	return f
}

// setRangeBound gives the bound the key plus or minus its distance.
func setRangeBound(r *rapid.T, c *windowCase, f *exec.Frame, b *exec.FrameBound) {
	key := expr.Expr(c.table.col(c.order[0]))
	f.Desc = c.desc[0]
	add := (b.Kind == exec.Following) != f.Desc
	var err error
	if key.Type() == tTime {
		name := map[bool]string{true: "date_add", false: "date_sub"}[add]
		b.Value, err = expr.New(name, key, intLiteral(b.Rows), &expr.Literal{Val: types.StringValue("microsecond")})
	} else {
		if key.Type() == tInt {
			key = expr.Cast(key, types.DecimalOf(20, 0))
		}
		b.Value, err = expr.New(map[bool]string{true: "+", false: "-"}[add], key, intLiteral(b.Rows))
	}
	if err != nil {
		r.Fatal(err)
	}
	t := b.Value.Type()
	if f.Key != nil && f.Key.Type() != t {
		r.Fatalf("bounds of %v and %v", f.Key.Type(), t)
	}
	f.Key = expr.Cast(key, t)
}

func intLiteral(n int64) expr.Expr {
	return &expr.Literal{Val: types.IntValue(types.Of(types.Int64), n)}
}

func (c *windowCase) operator(r *rapid.T) *exec.WindowOp {
	var parts []expr.Expr
	for _, p := range c.parts {
		parts = append(parts, c.table.col(p))
	}
	var order []exec.SortKey
	for i, k := range c.order {
		order = append(order, exec.SortKey{Expr: c.table.col(k), Desc: c.desc[i]})
	}
	op, err := exec.NewWindow(c.table.op(), parts, order, c.calls)
	if err != nil {
		r.Fatal(err)
	}
	return op
}

// compareBy orders two rows of the table by the window's keys.
func (c *windowCase) compareBy(a, b []types.Value, columns []int, desc []bool) int {
	for i, k := range columns {
		x := compareNulls(a[k], b[k])
		if desc != nil && desc[i] {
			x = -x
		}
		if x != 0 {
			return x
		}
	}
	return 0
}

// check verifies got, rows of the operator, row by row: they are the table's rows, each stream's order is a valid
// order of each partition, and each result is that of the naive reference over the partition in that order.
func (c *windowCase) check(r *rapid.T, got [][]types.Value) {
	if len(got) != len(c.table.rows) {
		r.Fatalf("%d rows of %d", len(got), len(c.table.rows))
	}
	seen := map[int64]bool{}
	var parts [][][]types.Value
	for _, row := range got {
		seen[row[rowNumberColumn].I] = true
		at := slices.IndexFunc(parts, func(p [][]types.Value) bool { return c.compareBy(p[0], row, c.parts, nil) == 0 })
		if at < 0 {
			at = len(parts)
			parts = append(parts, nil)
		}
		parts[at] = append(parts[at], row)
	}
	if len(seen) != len(got) {
		r.Fatalf("%d different rows of %d", len(seen), len(got))
	}
	for _, p := range parts {
		if !slices.IsSortedFunc(p, func(a, b []types.Value) int { return c.compareBy(a, b, c.order, c.desc) }) {
			r.Fatalf("a partition is not sorted: %v", rowTexts(p))
		}
		for k := range c.calls {
			ref := reference{c: c, call: &c.calls[k], rows: p}
			for i, row := range p {
				want, have := ref.result(r, i), row[len(windowTypes)+k]
				if !alike(want, have) {
					r.Fatalf("%s: row %d of %v\ngot  %v\nwant %v", c.calls[k].Name+fmt.Sprintf("%+v", c.calls[k].Frame), i, rowTexts(p), have, want)
				}
			}
		}
	}
}

func alike(a, b types.Value) bool {
	if a.Valid && b.Valid && a.Type.IsFloat() && !math.IsNaN(a.F) {
		return a.F == b.F || math.Abs(a.F-b.F) <= 1e-9*math.Max(1, math.Abs(a.F))
	}
	return text(a) == text(b)
}

// reference computes one call over a sorted partition, each row's frame from nothing.
type reference struct {
	c    *windowCase
	call *exec.WindowCall
	rows [][]types.Value
}

func (f *reference) peer(i, j int) bool {
	return f.c.compareBy(f.rows[i], f.rows[j], f.c.order, f.c.desc) == 0
}

// before reports whether row j lies before the start of row i's frame, or, with end, not behind its end.
func (f *reference) inside(i, j int) bool {
	return f.side(i, j, &f.call.Frame.Start, false) && f.side(i, j, &f.call.Frame.End, true)
}

func (f *reference) side(i, j int, b *exec.FrameBound, end bool) bool {
	d := j - i
	switch b.Kind {
	case exec.UnboundedPreceding:
		return !end
	case exec.UnboundedFollowing:
		return end
	}
	switch {
	case !f.call.Frame.Range:
		at := map[exec.BoundKind]int{exec.Preceding: -int(b.Rows), exec.Following: int(b.Rows)}[b.Kind]
		return d == at || d > at != end
	case b.Kind == exec.CurrentRow:
		return f.peer(i, j) || d > 0 != end
	}
	key := f.c.order[0]
	x, y := f.rows[i][key], f.rows[j][key]
	if !x.Valid || !y.Valid {
		return x.Valid == y.Valid || d > 0 != end
	}
	distance := number(y) - number(x)
	if f.c.desc[0] {
		distance = -distance
	}
	if math.IsNaN(distance) { // NaN is one value, beyond all others
		return f.peer(i, j) || d > 0 != end
	}
	at := float64(b.Rows)
	if b.Kind == exec.Preceding {
		at = -at
	}
	if end {
		return distance <= at
	}
	return distance >= at
}

func number(v types.Value) float64 {
	switch {
	case v.Type.IsFloat():
		return v.F
	case v.Type.Kind == types.Decimal:
		return float64(int64(v.D.Lo)) / math.Pow10(int(v.Type.Scale))
	}
	return float64(v.I)
}

func (f *reference) result(r *rapid.T, i int) types.Value {
	n, rank, dense, last := len(f.rows), 0, 1, 0
	for j := range f.rows {
		switch {
		case f.peer(i, j):
			last = j + 1
		case j < i:
			rank++
			if j+1 < n && !f.peer(j, j+1) {
				dense++
			}
		}
	}
	t := f.call.Type
	arg := func(j, k int) types.Value { return f.rows[j][f.call.Args[k].(*expr.Column).Index] }
	switch f.call.Name {
	case "row_number":
		return types.IntValue(t, int64(i+1))
	case "rank":
		return types.IntValue(t, int64(rank+1))
	case "dense_rank":
		return types.IntValue(t, int64(dense))
	case "percent_rank":
		return types.FloatValue(t, float64(rank)/float64(max(1, n-1)))
	case "cume_dist":
		return types.FloatValue(t, float64(last)/float64(n))
	case "ntile":
		return types.IntValue(t, f.bucket(i))
	case "lag", "lead":
		j := i + int(f.call.Offset)
		if f.call.Name == "lag" {
			j = i - int(f.call.Offset)
		}
		switch {
		case j >= 0 && j < n:
			return arg(j, 0)
		case len(f.call.Args) > 1:
			return arg(i, 1)
		}
		return types.NullOf(t)
	}
	var frame []int
	for j := range f.rows {
		if f.inside(i, j) {
			frame = append(frame, j)
		}
	}
	at := map[string]int{"first_value": 0, "last_value": len(frame) - 1, "nth_value": int(f.call.Offset) - 1}
	if k, ok := at[f.call.Name]; ok {
		if k < 0 || k >= len(frame) {
			return types.NullOf(t)
		}
		return arg(frame[k], 0)
	}
	return f.aggregate(r, frame)
}

// bucket deals rows out to the buckets one by one.
func (f *reference) bucket(i int) int64 {
	sizes := make([]int, f.call.Offset)
	for j := range f.rows {
		sizes[j%len(sizes)]++
	}
	for b, s := range sizes {
		if i -= s; i < 0 {
			return int64(b + 1)
		}
	}
	return 0
}

// aggregate folds the frame by the aggregate operator over a table of its rows.
func (f *reference) aggregate(r *rapid.T, frame []int) types.Value {
	b := &vector.Batch{Len: len(frame)}
	for c, t := range windowTypes {
		v := vector.New(t, 0)
		for _, j := range frame {
			v.AppendValue(f.rows[j][c])
		}
		b.Cols = append(b.Cols, v)
	}
	var batches []*vector.Batch
	if len(frame) > 0 {
		batches = append(batches, b)
	}
	op, err := exec.NewAggregate(exec.NewValues(f.c.table.fields, batches), nil, []exec.Aggregate{{Name: f.call.Name, Args: f.call.Args, Type: f.call.Type, As: "a"}})
	if err != nil {
		r.Fatal(err)
	}
	return collect(r, testQuery(1), op)[0][0]
}

func TestWindowAgainstReference(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := drawWindow(r)
		c.check(r, collect(r, drawQuery(r), c.operator(r)))
	})
}

// TestWindowUnderBudget runs windows in little memory: the rows are right, or there is an error that says how much
// was wanted; in both cases everything is given back.
func TestWindowUnderBudget(t *testing.T) {
	finished := 0
	rapid.Check(t, func(r *rapid.T) {
		c := drawWindow(r)
		q := drawQuery(r)
		q.TempDir = t.TempDir()
		q.Memory = exec.NewBudget(rapid.Int64Range(1<<12, 1<<15).Draw(r, "budget"), nil)
		got, err := tryCollect(q, c.operator(r))
		if used := q.Memory.UsedBytes(); used != 0 {
			r.Fatalf("%d bytes still reserved", used)
		}
		if left, _ := os.ReadDir(q.TempDir); len(left) > 0 {
			r.Fatalf("%d files left", len(left))
		}
		var full *exec.MemoryError
		if errors.As(err, &full) && full.WantedBytes > 0 {
			return
		}
		if err != nil {
			r.Fatal(err)
		}
		finished++
		c.check(r, got)
	})
	if finished == 0 {
		t.Fatal("no window was computed")
	}
}

// countingWindow is a window over n rows in one partition, in an order that is not theirs.
func countingWindow(t testing.TB, n int, call exec.WindowCall) *exec.WindowOp {
	t.Helper()
	fields := []exec.Field{{Name: "k", Type: tBig}, {Name: "v", Type: tBig}}
	var batches []*vector.Batch
	for from := 0; from < n; from += 1000 {
		k, v := vector.New(tBig, 0), vector.New(tBig, 0)
		for i := from; i < min(n, from+1000); i++ {
			k.AppendValue(types.IntValue(tBig, int64(i)*7919%int64(n)))
			v.AppendValue(types.IntValue(tBig, 1))
		}
		batches = append(batches, &vector.Batch{Cols: []*vector.Vector{k, v}, Len: k.Len})
	}
	key := &expr.Column{Index: 0, Name: "k", Typ: tBig}
	call.Args, call.OrderKeys = []expr.Expr{&expr.Column{Index: 1, Name: "v", Typ: tBig}}, 1
	if call.Name == "" {
		call.Name = "sum"
	}
	var err error
	if call.Type = tBig; agg.Known(call.Name) {
		call.Type, err = agg.Resolve(call.Name, []types.Type{tBig}, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	op, err := exec.NewWindow(exec.NewValues(fields, batches), nil, []exec.SortKey{{Expr: key}}, []exec.WindowCall{call})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// A partition larger than the budget: a running or sliding sum needs the rows of its frame alone, one that ends with
// the partition needs all.
func TestWindowOfLargePartition(t *testing.T) {
	const n = 100_000
	toEnd := exec.FrameBound{Kind: exec.UnboundedFollowing}
	for _, c := range []struct {
		name  string
		call  string
		frame exec.Frame
		fits  bool
		last  int64
	}{
		{"running", "sum", exec.Frame{End: exec.FrameBound{Kind: exec.CurrentRow}}, true, n},
		{"peers", "sum", exec.Frame{Range: true, End: exec.FrameBound{Kind: exec.CurrentRow}}, true, n},
		{"sliding", "sum", exec.Frame{Start: exec.FrameBound{Kind: exec.Preceding, Rows: 99}, End: exec.FrameBound{Kind: exec.Following, Rows: 5}}, true, 100},
		{"whole", "sum", exec.Frame{End: toEnd}, true, n},
		{"last", "last_value", exec.Frame{End: toEnd}, true, 1},
		{"last from here", "last_value", exec.Frame{Start: exec.FrameBound{Kind: exec.CurrentRow}, End: toEnd}, true, 1},
		{"rest", "sum", exec.Frame{Start: exec.FrameBound{Kind: exec.CurrentRow}, End: toEnd}, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := testQuery(1)
			q.TempDir = t.TempDir()
			q.Memory = exec.NewBudget(2<<20, nil)
			rows, err := tryCollect(q, countingWindow(t, n, exec.WindowCall{Name: c.call, Frame: c.frame}))
			var full *exec.MemoryError
			if !c.fits {
				if !errors.As(err, &full) || full.Operator != "window" || full.WantedBytes <= 0 {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != n || rows[0][0].I != 0 || rows[n-1][0].I != n-1 || rows[n-1][2].I+int64(rows[n-1][2].D.Lo) != c.last {
				t.Fatalf("%d rows, the last is %v", len(rows), rows[len(rows)-1])
			}
		})
	}
}

// A frame as large as the partition costs no more for it: with a quadratic algorithm these take minutes.
func TestWindowIsLinear(t *testing.T) {
	const n = 300_000
	for _, f := range []exec.Frame{
		{Start: exec.FrameBound{Kind: exec.Preceding, Rows: n / 2}, End: exec.FrameBound{Kind: exec.Following, Rows: n / 2}},
		{Start: exec.FrameBound{Kind: exec.CurrentRow}, End: exec.FrameBound{Kind: exec.UnboundedFollowing}},
	} {
		for _, name := range []string{"sum", "max", "stddev_pop"} {
			op := countingWindow(t, n, exec.WindowCall{Name: name, Frame: f})
			err := exec.Run(context.Background(), testQuery(2), op, func(*vector.Batch) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
