package skipping_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

var columnTypes = []types.Type{
	types.Of(types.Bool), types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Float32), types.Of(types.Float64),
	types.DecimalOf(9, 2), types.DecimalOf(30, 4), types.Of(types.Date), types.Of(types.Timestamp), types.Of(types.TimestampNTZ),
	types.Of(types.String),
}

var (
	ints    = []int64{0, 1, 2, 3, -1, -2, 5, 100, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1}
	floats  = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 2.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -3, 0.1}
	strs    = []string{"", "a", "ab", "abc", "abd", "b", "a%", "a_", "é", "z\U0001F600", "\u00ff", "\u00ffa", "ab\u0100", "\uffff", "abcdef"}
	micros  = []int64{0, 1, -1, 999, 1000, 86_399_999_999, 86_400_000_000, -86_400_000_001, 43_200_000_000, 5 * 86_400_000_000, 86_399_500_000}
	dates   = []int64{0, 1, -1, 2, 5, 18000}
	cents   = []int64{0, 1, 100, -100, 199, 150, 5, 99999, -50}
	pattern = []string{"a%", "ab%", "%", "a", "a_%", "ab%c", `a\%`, `a\%%`, "_b%", "é%", "\u00ff%", "", "z%", "ab_"}
)

func drawValue(t *rapid.T, typ types.Type) types.Value {
	switch typ.Kind {
	case types.Bool:
		return types.BoolValue(rapid.Bool().Draw(t, "bool"))
	case types.Int32:
		return types.IntValue(typ, int64(int32(rapid.SampledFrom(ints).Draw(t, "int"))))
	case types.Int64:
		return types.IntValue(typ, rapid.SampledFrom(ints).Draw(t, "int"))
	case types.Float32:
		return types.FloatValue(typ, float64(float32(rapid.SampledFrom(floats).Draw(t, "float"))))
	case types.Float64:
		return types.FloatValue(typ, rapid.SampledFrom(floats).Draw(t, "float"))
	case types.Decimal:
		d := types.Int128From(rapid.SampledFrom(cents).Draw(t, "decimal"))
		if typ.Scale == 4 && rapid.Bool().Draw(t, "wide") {
			d, _ = d.Mul(types.Pow10(20))
		}
		return types.DecimalValue(typ, d)
	case types.Date:
		return types.IntValue(typ, rapid.SampledFrom(dates).Draw(t, "date"))
	case types.String:
		return types.StringValue(rapid.SampledFrom(strs).Draw(t, "string"))
	}
	return types.IntValue(typ, rapid.SampledFrom(micros).Draw(t, "time"))
}

// exprGen draws expressions over the columns of a table.
type exprGen struct {
	t     *rapid.T
	table []types.Type
}

func (g exprGen) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(g.t, label) }

func call(name string, typ types.Type, args ...expr.Expr) expr.Expr {
	return &expr.Call{Name: name, Args: args, Typ: typ, Null: true}
}

// value draws a column, perhaps under casts and arithmetic.
func (g exprGen) value() expr.Expr {
	i := g.pick("column", len(g.table))
	var e expr.Expr = &expr.Column{Index: i, Name: string(rune('a' + i)), Typ: g.table[i], Null: true}
	for range g.pick("steps", 4) {
		e = g.step(e)
	}
	return e
}

func (g exprGen) step(e expr.Expr) expr.Expr {
	t := e.Type()
	i64, f64 := types.Of(types.Int64), types.Of(types.Float64)
	arith := func(typ types.Type) expr.Expr {
		op := rapid.SampledFrom([]string{"+", "-", "*", "neg", "r-"}).Draw(g.t, "op")
		k := &expr.Literal{Val: drawValue(g.t, typ)}
		if typ.Kind == types.Decimal { // as MySQL types the result
			p, s := int(typ.Precision), int(typ.Scale)
			switch op {
			case "*":
				typ = types.DecimalOf(min(2*p, 38), 2*s)
			case "+", "-", "r-":
				typ = types.DecimalOf(min(p+1, 38), s)
			}
		}
		switch op {
		case "neg":
			return call(op, typ, e)
		case "r-":
			return call("-", typ, k, e)
		}
		return call(op, typ, e, k)
	}
	switch {
	case t.IsInteger():
		to := rapid.SampledFrom([]types.Type{i64, f64, types.DecimalOf(20, 0), types.DecimalOf(12, 2), {}}).Draw(g.t, "to")
		if to.Kind == types.Invalid {
			if t != i64 {
				return call("cast", i64, e)
			}
			return arith(i64)
		}
		return call("cast", to, e)
	case t.IsFloat():
		if t != f64 {
			return call("cast", f64, e)
		}
		return arith(f64)
	case t.Kind == types.Decimal:
		to := rapid.SampledFrom([]types.Type{f64, types.DecimalOf(38, 6), types.DecimalOf(10, 1), types.DecimalOf(5, 0), {}}).Draw(g.t, "to")
		if to.Kind == types.Invalid {
			return arith(t)
		}
		return call("cast", to, e)
	case t.IsTemporal():
		to := rapid.SampledFrom([]types.Kind{types.Date, types.Timestamp, types.TimestampNTZ}).Draw(g.t, "to")
		return call("cast", types.Of(to), e)
	}
	return e
}

func (g exprGen) literal(like types.Type) expr.Expr {
	t := like
	switch {
	case g.pick("null", 12) == 0:
		return &expr.Literal{Val: types.NullOf(t)}
	case t.IsInteger() && g.pick("wide", 3) == 0:
		t = rapid.SampledFrom([]types.Type{types.Of(types.Int64), types.DecimalOf(9, 2)}).Draw(g.t, "literal type")
	case t.Kind == types.Decimal:
		t = rapid.SampledFrom([]types.Type{types.DecimalOf(9, 2), types.DecimalOf(30, 4), types.Of(types.Int64)}).Draw(g.t, "literal type")
	}
	return &expr.Literal{Val: drawValue(g.t, t)}
}

func (g exprGen) predicate(depth int) expr.Expr {
	boolean := types.Of(types.Bool)
	if depth > 0 {
		switch name := rapid.SampledFrom([]string{"and", "or", "not", "xor", "istrue", "isfalse", "isnull", "leaf", "leaf"}).Draw(g.t, "node"); name {
		case "and", "or":
			args := make([]expr.Expr, 2+g.pick("more", 2))
			for i := range args {
				args[i] = g.predicate(depth - 1)
			}
			return call(name, boolean, args...)
		case "xor":
			return call(name, boolean, g.predicate(depth-1), g.predicate(depth-1))
		case "not", "istrue", "isfalse", "isnull":
			return call(name, boolean, g.predicate(depth-1))
		}
	}
	v := g.value()
	ops := []string{"=", "<>", "<", "<=", ">", ">=", "<=>"}
	switch k := g.pick("leaf", 10); {
	case k == 0:
		return call("isnull", boolean, v)
	case k <= 2:
		args := []expr.Expr{v}
		for range 1 + g.pick("list", 4) {
			args = append(args, g.literal(v.Type()))
		}
		return call("in", boolean, args...)
	case k == 3 && v.Type().IsNumeric():
		return v
	case k <= 5 && v.Type().IsBytes():
		return call("like", boolean, v, &expr.Literal{Val: types.StringValue(rapid.SampledFrom(pattern).Draw(g.t, "pattern"))},
			&expr.Literal{Val: types.StringValue(`\`)})
	case k == 6:
		if w := g.value(); w.Type() == v.Type() {
			return call(rapid.SampledFrom(ops).Draw(g.t, "op"), boolean, v, w)
		}
	}
	args := []expr.Expr{v, g.literal(v.Type())}
	if g.pick("swap", 3) == 0 {
		slices.Reverse(args)
	}
	return call(rapid.SampledFrom(ops).Draw(g.t, "op"), boolean, args...)
}

// units is a table cut into units, with statistics.
type units struct {
	sizes []int
	cols  map[int]*skipping.ColumnStats
}

func (u units) Len() int                             { return len(u.sizes) }
func (u units) Column(col int) *skipping.ColumnStats { return u.cols[col] }

// drawStats fills statistics as writers do: exact, widened, truncated, partly missing, in a narrower type.
func drawStats(t *rapid.T, typ types.Type, parts [][]types.Value) *skipping.ColumnStats {
	if rapid.IntRange(0, 9).Draw(t, "no stats") == 0 {
		return nil
	}
	statType := typ
	if typ.Kind == types.Int64 && rapid.Bool().Draw(t, "narrow") && !slices.ContainsFunc(parts, func(p []types.Value) bool {
		return slices.ContainsFunc(p, func(v types.Value) bool { return v.I != int64(int32(v.I)) })
	}) {
		statType = types.Of(types.Int32)
	}
	s := &skipping.ColumnStats{Min: vector.New(statType, 0), Max: vector.New(statType, 0)}
	for _, part := range parts {
		var lo, hi types.Value
		nulls := int64(0)
		for _, v := range part {
			switch {
			case !v.Valid:
				nulls++
			case v.Type.IsFloat() && math.IsNaN(v.F):
			case !lo.Valid:
				lo, hi = v, v
			default:
				if order(v, lo) < 0 {
					lo = v
				}
				if order(v, hi) > 0 {
					hi = v
				}
			}
		}
		lo, hi = widened(t, lo, false), widened(t, hi, true)
		s.Min.AppendValue(lo)
		s.Max.AppendValue(hi)
		unknown := rapid.IntRange(0, 7).Draw(t, "counts")
		rows := int64(len(part))
		if unknown == 0 {
			nulls = -1
		} else if unknown == 1 {
			rows = -1
		}
		s.NullCount, s.RowCount = append(s.NullCount, nulls), append(s.RowCount, rows)
	}
	if rapid.IntRange(0, 9).Draw(t, "half") == 0 {
		s.Max = nil
	}
	return s
}

func widened(t *rapid.T, v types.Value, up bool) types.Value {
	how := rapid.IntRange(0, 5).Draw(t, "widen")
	if !v.Valid || how == 0 {
		return types.NullOf(v.Type)
	}
	if how > 2 {
		return v
	}
	switch d := int64(1); {
	case v.Type.IsBytes():
		if r := []rune(v.S); len(r) > 1 {
			v.S = string(r[:1])
			if up {
				v.S += "\U0010FFFF"
			}
		}
	case v.Type.IsFloat():
		if v.F == 0 { // either zero stands for both
			v.F = math.Copysign(0, -1)
		}
	case v.Type.Kind != types.Bool && v.Type.Kind != types.Decimal:
		if !up {
			d = -1
		}
		if v.I+d == int64(int32(v.I+d)) {
			v.I += d
		}
	}
	return v
}

func drawTable(t *rapid.T) (g exprGen, rows [][]types.Value, u units) {
	g = exprGen{t: t}
	for range rapid.IntRange(1, 3).Draw(t, "columns") {
		g.table = append(g.table, rapid.SampledFrom(columnTypes).Draw(t, "type"))
	}
	u.cols = map[int]*skipping.ColumnStats{}
	for range rapid.IntRange(1, 6).Draw(t, "units") {
		u.sizes = append(u.sizes, rapid.IntRange(0, 3).Draw(t, "rows"))
	}
	parts := make([][][]types.Value, len(g.table))
	for _, size := range u.sizes {
		for i := range parts {
			parts[i] = append(parts[i], nil)
		}
		for range size {
			row := make([]types.Value, len(g.table))
			for i, typ := range g.table {
				row[i] = types.NullOf(typ)
				if rapid.IntRange(0, 4).Draw(t, "null") > 0 {
					row[i] = drawValue(t, typ)
				}
				last := len(parts[i]) - 1
				parts[i][last] = append(parts[i][last], row[i])
			}
			rows = append(rows, row)
		}
	}
	for i, typ := range g.table {
		u.cols[i] = drawStats(t, typ, parts[i])
	}
	return g, rows, u
}

func TestSkippedUnitsHoldNoMatchingRow(t *testing.T) {
	skipped, matched, certain := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g, rows, u := drawTable(t)
		e := g.predicate(3)
		hours := rapid.IntRange(-15, 15).Draw(t, "zone")
		var env *expr.Env
		if hours == 0 && rapid.Bool().Draw(t, "utc") {
			env = &expr.Env{Location: time.UTC}
		}
		keep := vector.FullBitmap(u.Len())
		p := skipping.CompileEnv(e, env)
		n := p.Prune(u, keep)
		if n != u.Len()-keep.Count(u.Len()) {
			t.Fatalf("Prune says %d, cleared %d", n, u.Len()-keep.Count(u.Len()))
		}
		skipped += n
		sure := p.Certain(u)
		at := 0
		for i, size := range u.sizes {
			for _, row := range rows[at : at+size] {
				v, err := naive{row, time.Duration(hours) * time.Hour}.eval(e)
				if sure.Get(i) {
					certain++
				}
				if err != nil || !v.Valid || asBool(v).I == 0 {
					if sure.Get(i) && err == nil { // an operand that fails may be one that decides nothing
						t.Fatalf("%s: certainly true in unit %d, but %v (%v) for row %v", e, i, v, err, row)
					}
					continue
				}
				matched++
				if !keep.Get(i) {
					t.Fatalf("%s: unit %d was skipped, row %v matches", e, i, row)
				}
				checkEqualities(t, e, p, row)
			}
			at += size
		}
	})
	if skipped < 20 || matched < 20 || certain < 20 {
		t.Errorf("%d units skipped, %d rows matched, %d certainly: the test shows nothing", skipped, matched, certain)
	}
}

func checkEqualities(t *rapid.T, e expr.Expr, p *skipping.Predicate, row []types.Value) {
	for _, q := range p.Equalities() {
		if !slices.ContainsFunc(q.Values, func(v types.Value) bool {
			return row[q.Column].Valid && v.Type == row[q.Column].Type && order(v, row[q.Column]) == 0
		}) {
			t.Fatalf("%s: equality %v does not hold for row %v", e, q, row)
		}
	}
}

// Pages of two columns that are cut at different rows: no matching row may fall out of the ranges.
func TestRangesKeepMatchingRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, rows, _ := drawTable(t)
		if len(rows) == 0 {
			return
		}
		var pages []skipping.Pages
		for col, typ := range g.table {
			p := skipping.Pages{Column: col}
			var parts [][]types.Value
			for r, row := range rows {
				if r == 0 || rapid.Bool().Draw(t, "page") {
					p.First = append(p.First, int64(r))
					parts = append(parts, nil)
				}
				parts[len(parts)-1] = append(parts[len(parts)-1], row[col])
			}
			if p.Stats = drawStats(t, typ, parts); p.Stats != nil {
				pages = append(pages, p)
			}
		}
		e := g.predicate(2)
		ranges, total, kept := skipping.Compile(e).Ranges(int64(len(rows)), pages)
		last := int64(-1)
		for _, r := range ranges {
			if r.From <= last || r.To <= r.From || r.To > int64(len(rows)) {
				t.Fatalf("ranges %v of %d rows", ranges, len(rows))
			}
			last = r.To
		}
		if kept > total {
			t.Fatalf("kept %d of %d pages", kept, total)
		}
		for i, row := range rows {
			v, err := naive{row: row}.eval(e)
			if err != nil || !v.Valid || asBool(v).I == 0 {
				continue
			}
			if !slices.ContainsFunc(ranges, func(r skipping.RowRange) bool { return r.From <= int64(i) && int64(i) < r.To }) {
				t.Fatalf("%s: row %d %v matches, ranges %v", e, i, row, ranges)
			}
		}
	})
}
