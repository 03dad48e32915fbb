package skipping_test

import (
	"flag"
	"math"
	"os"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "rapid.checks" })
	if !set {
		_ = flag.Set("rapid.checks", "4000")
	}
	os.Exit(m.Run())
}

var (
	i32, i64, f32, f64, str = types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Float32), types.Of(types.Float64), types.Of(types.String)
	date, ts, boolean       = types.Of(types.Date), types.Of(types.Timestamp), types.Of(types.Bool)
)

func col(t types.Type) expr.Expr               { return &expr.Column{Name: "c", Typ: t, Null: true} }
func lit(v types.Value) expr.Expr              { return &expr.Literal{Val: v} }
func num(i int64) expr.Expr                    { return lit(types.IntValue(i64, i)) }
func text(s string) expr.Expr                  { return lit(types.StringValue(s)) }
func float(f float64) expr.Expr                { return lit(types.FloatValue(f64, f)) }
func day(d int64) expr.Expr                    { return lit(types.IntValue(date, d)) }
func op(name string, a ...expr.Expr) expr.Expr { return call(name, boolean, a...) }

// unit is one unit's statistics: bounds, NULLs and rows.
type unit struct {
	lo, hi      types.Value
	nulls, rows int64
}

func ofInts(t types.Type, pairs ...int64) (us []unit) {
	for i := 0; i < len(pairs); i += 2 {
		us = append(us, unit{types.IntValue(t, pairs[i]), types.IntValue(t, pairs[i+1]), 0, 10})
	}
	return us
}

func ofFloats(t types.Type, pairs ...float64) (us []unit) {
	for i := 0; i < len(pairs); i += 2 {
		us = append(us, unit{types.FloatValue(t, pairs[i]), types.FloatValue(t, pairs[i+1]), 0, 10})
	}
	return us
}

func ofStrings(pairs ...string) (us []unit) {
	for i := 0; i < len(pairs); i += 2 {
		us = append(us, unit{types.StringValue(pairs[i]), types.StringValue(pairs[i+1]), 0, 10})
	}
	return us
}

func stats(us []unit) units {
	s := &skipping.ColumnStats{Min: vector.New(us[0].lo.Type, 0), Max: vector.New(us[0].hi.Type, 0)}
	for _, u := range us {
		s.Min.AppendValue(u.lo)
		s.Max.AppendValue(u.hi)
		s.NullCount, s.RowCount = append(s.NullCount, u.nulls), append(s.RowCount, u.rows)
	}
	return units{make([]int, len(us)), map[int]*skipping.ColumnStats{0: s}}
}

// pruneCase is a condition and the units that it keeps (+) and skips (-).
type pruneCase struct {
	name  string
	units []unit
	e     expr.Expr
	want  string
}

func pruneCases() []pruneCase {
	abc := ofInts(i32, 0, 9, 10, 19, 20, 29, 15, 15)
	withNulls := []unit{
		{types.IntValue(i64, 1), types.IntValue(i64, 5), 0, 10},
		{types.IntValue(i64, 1), types.IntValue(i64, 5), 3, 10},
		{types.NullOf(i64), types.NullOf(i64), 10, 10},
		{types.NullOf(i64), types.NullOf(i64), -1, 10},
		{types.NullOf(i64), types.NullOf(i64), 0, 0},
	}
	words := ofStrings("a", "az", "b", "bz", "ba", "bb", "c", "\U0001F600")
	reals := ofFloats(f64, 0, 1, 2, 3, math.Inf(-1), -5, math.Copysign(0, -1), 0)
	hours := ofInts(ts, 0, 3_600_000_000, 86_400_000_000, 86_400_000_000+3_600_000_000, 5*86_400_000_000, 5*86_400_000_000)
	bools := ofInts(boolean, 0, 0, 0, 1, 1, 1)
	cast := func(to types.Type, e expr.Expr) expr.Expr { return call("cast", to, e) }
	dec := types.DecimalOf(12, 1)
	return []pruneCase{
		{"=", abc, op("=", col(i32), num(15)), "-+-+"},
		{"= beyond the type", abc, op("=", col(i32), num(15+1<<32)), "----"},
		{"= under a widening cast", abc, op("=", cast(i64, col(i32)), num(15)), "-+-+"},
		{"= a fraction", abc, op("=", cast(dec, col(i32)), lit(types.DecimalValue(dec, types.Int128From(95)))), "----"},
		{"< a float", abc, op("<", cast(f64, col(i32)), float(9.5)), "+---"},
		{"<>", abc, op("<>", col(i32), num(15)), "+++-"},
		{"<", abc, op("<", col(i32), num(10)), "+---"},
		{"<=", abc, op("<=", col(i32), num(10)), "++--"},
		{">", abc, op(">", col(i32), num(19)), "--+-"},
		{">=", abc, op(">=", col(i32), num(19)), "-++-"},
		{"swapped", abc, op("<", num(19), col(i32)), "--+-"},
		{"between", abc, op("and", op(">=", col(i32), num(5)), op("<=", col(i32), num(14))), "++--"},
		{"not between", abc, op("not", op("and", op(">=", col(i32), num(10)), op("<=", col(i32), num(29)))), "+---"},
		{"in", abc, op("in", col(i32), num(3), num(40), num(28)), "+-+-"},
		{"in between", abc, op("in", col(i32), num(-1), num(100)), "----"},
		{"not in", abc, op("not", op("in", col(i32), num(3), num(15))), "+++-"},
		{"or", abc, op("or", op("=", col(i32), num(1)), op("=", col(i32), num(21))), "+-+-"},
		{"plus", abc, op("=", call("+", i64, cast(i64, col(i32)), num(100)), num(121)), "--+-"},
		{"minus from", abc, op(">", call("-", i64, num(0), cast(i64, col(i32))), num(-9)), "+---"},
		{"times", abc, op(">", call("*", i64, cast(i64, col(i32)), num(-2)), num(-20)), "+---"},
		{"false", abc, lit(types.BoolValue(false)), "----"},
		{"null", abc, op("=", col(i32), lit(types.NullOf(i32))), "----"},
		{"is null", withNulls, op("isnull", col(i64)), "-+++-"},
		{"is not null", withNulls, op("not", op("isnull", col(i64))), "++-+-"},
		{"not = with nulls", withNulls, op("not", op("=", col(i64), num(9))), "++-+-"},
		{"<=> null", withNulls, op("<=>", col(i64), lit(types.NullOf(i64))), "-+++-"},
		{"unknown predicate", withNulls, op("isnull", op("=", col(i64), num(3))), "-+++-"},
		{"like", words, op("like", col(str), text("b%")), "-++-"},
		{"like, narrower", words, op("like", col(str), text("bbb%")), "-+--"},
		{"not like", words, op("not", op("like", col(str), text("b%"))), "+--+"},
		{"like without wildcard", words, op("like", col(str), text("azz")), "----"},
		{"like beyond the plane", words, op("like", col(str), text("\uffff%")), "---+"},
		{"like _", words, op("like", col(str), text("b_")), "-++-"},
		{"float =", reals, op("=", col(f64), float(0)), "+--+"},
		{"float <", reals, op("<", col(f64), float(-1)), "--+-"},
		{"float > (NaN)", reals, op(">", col(f64), float(9)), "++++"},
		{"float = NaN", reals, op("=", col(f64), float(math.NaN())), "++++"},
		{"float32 text", ofFloats(f64, 0.1, 0.1), op("=", col(f32), lit(types.FloatValue(f32, float64(float32(0.1))))), "+"},
		{"date of timestamp", hours, op("=", cast(date, col(ts)), day(1)), "-+-"},
		{"year", ofInts(date, 0, 364, 365, 729, -1, 0), op("=", call("year", i32, col(date)), num(1970)), "+-+"},
		{"date()", hours, op("=", call("date", date, col(ts)), day(1)), "-+-"},
		{"date compared as timestamp", ofInts(date, 0, 0, 1, 3), op(">=", cast(ts, col(date)), lit(types.IntValue(ts, 86_400_000_000))), "-+"},
		{"bare boolean", bools, col(boolean), "-++"},
		{"not boolean", bools, op("not", col(boolean)), "++-"},
		{"bare number", abc, op("not", col(i32)), "+---"},
	}
}

// Simple conditions prune what they should.
func TestPruneIsEffective(t *testing.T) {
	for _, c := range pruneCases() {
		s := stats(c.units)
		keep := vector.FullBitmap(s.Len())
		skipping.CompileEnv(c.e, &expr.Env{Location: time.UTC}).Prune(s, keep)
		got := ""
		for i := range s.Len() {
			if keep.Get(i) {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != c.want {
			t.Errorf("%s: %s: got %s, want %s", c.name, c.e, got, c.want)
		}
	}
}

// Without statistics, or with statistics of another shape, everything is kept and nothing panics.
func TestPruneKeepsWhatItDoesNotKnow(t *testing.T) {
	s := stats(ofInts(i64, 1, 2, 3, 4))
	short := *s.cols[0]
	short.Min = vector.New(i64, 1)
	short.NullCount = []int64{5}
	for name, cs := range map[string]*skipping.ColumnStats{
		"none": nil, "empty": {}, "short": &short,
		"strings": {Min: vector.NewConst(types.StringValue("z"), 2), Max: vector.NewConst(types.StringValue("z"), 2)},
	} {
		keep := vector.FullBitmap(2)
		if n := skipping.Compile(op("=", col(i64), num(1))).Prune(units{s.sizes, map[int]*skipping.ColumnStats{0: cs}}, keep); n != 0 {
			t.Errorf("%s: skipped %d units", name, n)
		}
	}
	keep := vector.NewBitmap(2)
	keep.Set(1)
	if n := skipping.Compile(nil).Prune(s, keep); n != 0 || keep.Get(0) || !keep.Get(1) {
		t.Errorf("no filter: skipped %d, keep %v", n, keep)
	}
}

// A partition column is often one value repeated; its codes are compared once.
func TestPruneDictionaryCoded(t *testing.T) {
	v := vector.NewConst(types.StringValue("de"), 3)
	v.Dict.AppendValue(types.StringValue("fr"))
	v.Codes = []int32{0, 1, 0}
	s := units{make([]int, 3), map[int]*skipping.ColumnStats{0: {Min: v, Max: v}}}
	keep := vector.FullBitmap(3)
	if n := skipping.Compile(op("in", col(str), text("fr"), text("uk"))).Prune(s, keep); n != 2 || !keep.Get(1) {
		t.Errorf("skipped %d, keep %b", n, keep)
	}
}

func TestRangesOfUnalignedPages(t *testing.T) {
	a, b := stats(ofInts(i64, 0, 9, 10, 19)), stats(ofInts(i64, 0, 9, 10, 19, 20, 29))
	e := op("and", op(">=", col(i64), num(10)), op("<", &expr.Column{Index: 1, Typ: i64}, num(20)))
	got, pages, kept := skipping.Compile(e).Ranges(100, []skipping.Pages{
		{Column: 0, Stats: a.cols[0], First: []int64{0, 30}},
		{Column: 1, Stats: b.cols[0], First: []int64{0, 40, 80}},
	})
	if len(got) != 1 || got[0] != (skipping.RowRange{From: 30, To: 80}) || pages != 5 || kept != 3 {
		t.Errorf("got %v, %d of %d pages", got, kept, pages)
	}
	for _, first := range [][]int64{{0, 0}, {5, 6}, {0, 100}, {0}} { // not what a page index may say
		got, _, _ := skipping.Compile(op("=", col(i64), num(99))).Ranges(100, []skipping.Pages{{Column: 0, Stats: a.cols[0], First: first}})
		if len(got) != 1 || got[0] != (skipping.RowRange{From: 0, To: 100}) {
			t.Errorf("pages at %v: got %v", first, got)
		}
	}
}

func BenchmarkPruneMillion(b *testing.B) {
	const n = 1 << 20
	ints, dates := vector.New(i64, n), vector.New(date, n)
	nulls, rows := make([]int64, n), make([]int64, n)
	for i := range n {
		ints.I64[i], dates.I32[i], rows[i] = int64(i), int32(i/1000), 100
	}
	s := units{make([]int, n), map[int]*skipping.ColumnStats{
		0: {Min: ints, Max: ints, NullCount: nulls, RowCount: rows},
		1: {Min: dates, Max: dates, NullCount: nulls, RowCount: rows},
	}}
	p := skipping.Compile(op("and", op("=", col(i64), num(77777)), op(">=", &expr.Column{Index: 1, Typ: date}, day(20))))
	for b.Loop() {
		if p.Prune(s, vector.FullBitmap(n)) != n-1 {
			b.Fatal("wrong")
		}
	}
}

func TestCertain(t *testing.T) {
	withNull := append(ofInts(i64, 0, 9, 10, 19, 20, 29), unit{types.IntValue(i64, 20), types.IntValue(i64, 29), 1, 10})
	for _, c := range []struct {
		units []unit
		e     expr.Expr
		want  string
	}{
		{withNull, op(">=", col(i64), num(10)), "-++-"},
		{withNull, op("and", op(">=", col(i64), num(10)), op("<", col(i64), num(25))), "-+--"},
		{withNull, op("not", op("isnull", col(i64))), "+++-"},
		{ofFloats(f64, 1, 2), op("<", col(f64), float(5)), "-"}, // NaN is not less
		{ofFloats(f64, 1, 2), op(">", col(f64), float(0)), "+"},
		{ofStrings("aa", "ab", "aa", "b"), op("like", col(str), text("a%")), "+-"},
	} {
		s := stats(c.units)
		b, got := skipping.Compile(c.e).Certain(s), ""
		for i := range s.Len() {
			got += string("-+"[bitOf(b, i)])
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.e, got, c.want)
		}
	}
}

func bitOf(b vector.Bitmap, i int) int {
	if b.Get(i) {
		return 1
	}
	return 0
}
