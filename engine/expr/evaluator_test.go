package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func column(i int, t types.Type) *expr.Column {
	return &expr.Column{Index: i, Name: fmt.Sprintf("c%d", i), Typ: t, Null: true}
}

func ints(xs ...int64) *vector.Vector {
	v := vector.New(tBig, 0)
	for _, x := range xs {
		v.AppendValue(types.IntValue(tBig, x))
	}
	return v
}

func texts(xs ...string) *vector.Vector {
	v := vector.New(tStr, 0)
	for _, x := range xs {
		v.AppendValue(types.StringValue(x))
	}
	return v
}

func coded(dict *vector.Vector, codes ...int32) *vector.Vector {
	return &vector.Vector{Type: dict.Type, Phys: dict.Phys, Len: len(codes), Codes: codes, Dict: dict}
}

// warnings is an Env that collects codes.
func warnings(codes *[]int) *expr.Env {
	return &expr.Env{Location: time.UTC, Warn: func(code int, _ string) { *codes = append(*codes, code) }}
}

func compile(t testing.TB, e expr.Expr, env *expr.Env) *expr.Evaluator {
	t.Helper()
	ev, err := expr.Compile(e, env)
	if err != nil {
		t.Fatalf("Compile(%s): %v", e, err)
	}
	return ev
}

func TestErrorsOnlyOfRowsThatNeedThem(t *testing.T) {
	c := column(0, tBig)
	over := mustNew(t, "+", c, num(1))
	b := &vector.Batch{Len: 3, Cols: []*vector.Vector{ints(1, 1<<63-1, 3)}}
	for _, e := range []expr.Expr{
		mustNew(t, "if", mustNew(t, "<", c, num(100)), over, num(0)),
		mustNew(t, "case", mustNew(t, ">", c, num(100)), num(0), over),
		mustNew(t, "and", mustNew(t, "<", c, num(100)), mustNew(t, ">", over, num(0))),
		mustNew(t, "or", mustNew(t, ">=", c, num(100)), mustNew(t, ">", over, num(0))),
		mustNew(t, "coalesce", c, over),
	} {
		if _, err := compile(t, e, nil).Eval(b); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
	var rangeError *expr.RangeError
	if _, err := compile(t, over, nil).Eval(b); !errors.As(err, &rangeError) || err.Error() != "BIGINT value is out of range in '(c0 + 1)'" {
		t.Errorf("all rows live: %v", err)
	}
	if _, err := compile(t, over, nil).Eval(&vector.Batch{Len: 3, Sel: []uint16{0, 2}, Cols: b.Cols}); err != nil {
		t.Errorf("row not live: %v", err)
	}
	failing := mustNew(t, "+", num(1<<62), num(1<<62))
	if _, err := compile(t, mustNew(t, "if", mustNew(t, "<", c, num(0)), failing, num(0)), nil).Eval(b); err != nil {
		t.Errorf("a constant that no row needs: %v", err)
	}
}

func TestDictionaryEntriesNobodyUses(t *testing.T) {
	dict := ints(1, 1<<63-1, 3)
	b := &vector.Batch{Len: 4, Cols: []*vector.Vector{coded(dict, 0, 2, 2, 0)}}
	v, err := compile(t, mustNew(t, "+", column(0, tBig), num(1)), nil).Eval(b)
	if err != nil || v.Value(1).I != 4 {
		t.Errorf("an entry that overflows: %v, %v", v, err)
	}
	var codes []int
	words := texts("12", "x", "13")
	b = &vector.Batch{Len: 4, Cols: []*vector.Vector{coded(words, 0, 2, 2, 0)}}
	ev := compile(t, expr.Cast(column(0, tStr), tBig), warnings(&codes))
	if v, err = ev.Eval(b); err != nil || v.Value(1).I != 13 || len(codes) != 0 {
		t.Errorf("an entry that warns: %v, %v, %v", v, err, codes)
	}
	b.Cols[0] = coded(words, 1, 1, 0, 2)
	if v, err = ev.Eval(b); err != nil || v.Value(0).I != 0 || v.Value(3).I != 13 || len(codes) != 2 {
		t.Errorf("two rows that warn: %v, %v, %v", v, err, codes)
	}
}

func TestDictionaryIsEvaluatedOnce(t *testing.T) {
	calls := 0
	f := &expr.Function{Name: "test_count_calls", Strict: true,
		Resolve: func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) { return args, tBig, true, nil },
		Eval: func(ctx *expr.EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			out := ctx.Out(typ, n)
			for k := range expr.Rows(n, sel) {
				calls++
				out.I64[k] = int64(len(args[0].Bytes(k)))
			}
			return out, nil
		}}
	expr.Register(f)
	e := mustNew(t, "test_count_calls", column(0, tStr))
	ev := compile(t, e, nil)
	dict := texts("a", "bb", "ccc")
	for range 3 {
		v, err := ev.Eval(&vector.Batch{Len: 6, Cols: []*vector.Vector{coded(dict, 0, 1, 2, 2, 1, 0)}})
		if err != nil || v.Value(3).I != 3 || v.Codes == nil {
			t.Fatalf("%v, %v", v, err)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls for three entries", calls)
	}
	dict = texts("dddd", "e")
	if v, err := ev.Eval(&vector.Batch{Len: 3, Cols: []*vector.Vector{coded(dict, 0, 1, 1)}}); err != nil || v.Value(0).I != 4 {
		t.Errorf("another dictionary: %v, %v", v, err)
	}
	one := texts("a")
	for _, s := range []string{"a", "bb"} { // a constant's vector used again
		one.Data, one.Off = append(one.Data[:0], s...), []int32{0, int32(len(s))}
		if v, err := ev.Eval(&vector.Batch{Len: 3, Cols: []*vector.Vector{coded(one, 0, 0, 0)}}); err != nil || v.Value(0).I != int64(len(s)) {
			t.Errorf("constant %q: %v, %v", s, v, err)
		}
	}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	const n = 1000
	b := &vector.Batch{Len: n}
	narrow, money, words, floats := vector.New(tInt, n), vector.New(types.DecimalOf(12, 2), n), vector.New(tStr, 0), vector.New(tFloat, n)
	codes := make([]int32, n)
	for i := range n {
		narrow.I32[i], money.I64[i], floats.F64[i], codes[i] = int32(i), int64(i)*100, float64(i), int32(i%3)
		words.AppendValue(types.StringValue(fmt.Sprint("word ", i)))
	}
	nullable := ints(make([]int64, n)...)
	nullable.SetNull(7)
	b.Cols = []*vector.Vector{narrow, nullable, money, words, floats, coded(texts("a", "b", "c"), codes...)}
	i32, i64, amount, word, float, flag := column(0, tInt), column(1, tBig), column(2, money.Type), column(3, tStr), column(4, tFloat), column(5, tStr)
	for _, e := range []expr.Expr{
		mustNew(t, "+", i32, i64), mustNew(t, "*", i32, num(3)), mustNew(t, "-", num(1), i64), mustNew(t, "%", i32, num(7)),
		mustNew(t, "*", amount, mustNew(t, "-", dec("1.00", 3, 2), dec("0.05", 3, 2))), mustNew(t, "+", amount, dec("1.5", 2, 1)),
		mustNew(t, "*", amount, mustNew(t, "+", amount, amount)), mustNew(t, "/", float, flt(3)), mustNew(t, "/", amount, num(3)),
		mustNew(t, "and", mustNew(t, ">", i32, num(10)), mustNew(t, "<=", amount, num(100)), mustNew(t, "=", i64, num(0))),
		mustNew(t, "or", mustNew(t, "<", float, flt(10)), mustNew(t, "=", flag, str("b"))),
		mustNew(t, "if", mustNew(t, ">", i32, num(10)), amount, num(0)), mustNew(t, "coalesce", i64, i32),
		mustNew(t, "in", i32, num(1), num(5), num(9)), mustNew(t, "in", word, str("word 1"), str("x")), mustNew(t, "like", word, str("%9")),
		mustNew(t, "=", flag, str("a")), mustNew(t, "=", word, str("word 5")), mustNew(t, "isnull", i64), expr.Cast(i32, types.DecimalOf(20, 4)),
		expr.Cast(i64, tFloat), mustNew(t, "case", mustNew(t, "=", flag, str("a")), word, word),
	} {
		ev := compile(t, e, nil)
		eval := func() {
			if _, err := ev.Eval(b); err != nil {
				t.Fatal(err)
			}
		}
		eval()
		if a := testing.AllocsPerRun(10, eval); a > 0 {
			t.Errorf("%s: %v allocations a batch", e, a)
		}
		if e.Type() != tBool {
			continue
		}
		f, err := expr.CompileFilter(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		apply := func() {
			if _, err := f.Apply(b); err != nil {
				t.Fatal(err)
			}
		}
		apply()
		apply()
		if a := testing.AllocsPerRun(10, apply); a > 0 {
			t.Errorf("filter %s: %v allocations a batch", e, a)
		}
	}
}

func TestFilterOfOtherTypes(t *testing.T) {
	b := &vector.Batch{Len: 3, Cols: []*vector.Vector{ints(0, 5, -1), texts("0", "1", "x")}}
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{column(0, tBig), "[1 2]"}, {column(1, tStr), "[1]"}, {num(1), "[0 1 2]"}, {null(tNull), "[]"}, {boolean(false), "[]"},
		{expr.And(), "[0 1 2]"}, {expr.And(column(0, tBig), boolean(true)), "[1 2]"},
		{&expr.RowFunc{Name: "odd", Args: []expr.Expr{column(0, tBig)}, Typ: tBool, Call: func(a []types.Value) (types.Value, error) {
			return types.BoolValue(a[0].I&1 == 1), nil
		}}, "[1 2]"},
	} {
		f, err := expr.CompileFilter(c.e, nil)
		if err != nil {
			t.Fatal(err)
		}
		sel, err := f.Apply(b)
		if err != nil || sel == nil || fmt.Sprint(sel) != c.want {
			t.Errorf("%s selects %v, %v; want %s", c.e, sel, err, c.want)
		}
	}
}

func TestRowFunc(t *testing.T) {
	f := &expr.RowFunc{Name: "shout", Args: []expr.Expr{column(0, tStr)}, Typ: tStr, Call: func(a []types.Value) (types.Value, error) {
		if a[0].S == "bad" {
			return types.Value{}, errors.New("bad word")
		}
		return types.StringValue(strings.ToUpper(a[0].S)), nil
	}}
	b := &vector.Batch{Len: 3, Sel: []uint16{0, 2}, Cols: []*vector.Vector{texts("a", "bad", "c")}}
	v, err := compile(t, f, nil).Eval(b)
	if err != nil || v.Len != 3 || v.Value(0).S != "A" || v.Value(2).S != "C" {
		t.Fatalf("%v, %v", v, err)
	}
	b.Sel = nil
	if _, err := compile(t, f, nil).Eval(b); err == nil {
		t.Error("the error of a live row is lost")
	}
}

func TestTree(t *testing.T) {
	a, b := column(0, tBig), column(3, tBig)
	gt, lt := mustNew(t, ">", a, num(1)), mustNew(t, "<", b, num(5))
	e := expr.And(gt, expr.And(lt, boolean(true)), mustNew(t, "=", a, b))
	if got := fmt.Sprint(expr.Conjuncts(e)); got != "[(c0 > 1) (c3 < 5) (c0 = c3)]" {
		t.Errorf("conjuncts %s", got)
	}
	if got := fmt.Sprint(expr.Columns(e)); got != "[0 3]" {
		t.Errorf("columns %s", got)
	}
	moved := expr.MapColumns(e, func(c *expr.Column) expr.Expr { return &expr.Column{Index: c.Index + 1, Name: "m", Typ: c.Typ} })
	if fmt.Sprint(expr.Columns(moved)) != "[1 4]" || fmt.Sprint(expr.Columns(e)) != "[0 3]" {
		t.Errorf("moved %s from %s", moved, e)
	}
	if v, err := compile(t, moved, nil).Eval(&vector.Batch{Len: 1, Cols: []*vector.Vector{nil, ints(3), nil, nil, ints(3)}}); err != nil || v.Value(0).I != 1 {
		t.Errorf("moved expression: %v, %v", v, err)
	}
	if same := expr.MapColumns(e, func(c *expr.Column) expr.Expr { return c }); same != e {
		t.Error("an unchanged tree is copied")
	}
	n := 0
	expr.Walk(e, func(x expr.Expr) bool { n++; return x != gt })
	if n != 1+1+3+3 {
		t.Errorf("walked %d nodes", n)
	}
}

func TestNewErrors(t *testing.T) {
	var unknown *expr.UnknownFunctionError
	if _, err := expr.New("no_such_function"); !errors.As(err, &unknown) || unknown.Name != "no_such_function" {
		t.Errorf("%v", err)
	}
	var typeError *expr.TypeError
	if _, err := expr.New("not", num(1), num(2)); !errors.As(err, &typeError) {
		t.Errorf("%v", err)
	}
	if _, err := expr.New("not", nil); !errors.As(err, &typeError) {
		t.Errorf("%v", err)
	}
	if _, err := expr.Compile(&expr.Call{Name: "nothing"}, nil); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	if _, err := compile(t, column(5, tBig), nil).Eval(&vector.Batch{Len: 1}); err == nil {
		t.Error("a column that is not there")
	}
}

func TestColumnsStayBare(t *testing.T) {
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{mustNew(t, "=", column(0, tInt), num(5)), "(c0 = 5)"},
		{mustNew(t, "<", num(5), column(0, types.Of(types.Int8))), "(5 < c0)"},
		{mustNew(t, "=", column(0, types.Of(types.Int8)), num(300)), "(cast(c0 as bigint) = 300)"},
		{mustNew(t, ">=", column(0, tDate), str("2024-01-31")), "(c0 >= '2024-01-31')"},
		{mustNew(t, ">=", column(0, tNTZ), date("2024-01-31")), "(c0 >= '2024-01-31 00:00:00')"},
		{mustNew(t, "=", column(0, types.DecimalOf(10, 2)), num(7)), "(c0 = 7.00)"},
		{mustNew(t, "=", column(0, types.DecimalOf(10, 2)), dec("0.125", 3, 3)), "(cast(c0 as decimal(11,3)) = 0.125)"},
		{mustNew(t, "<", column(0, tFloat), dec("0.5", 1, 1)), "(c0 < 0.5)"},
		{mustNew(t, "in", column(0, tInt), num(1), num(2)), "c0 in (1, 2)"},
		{mustNew(t, "in", column(0, tDate), str("2024-01-31"), str("2024-02-01")), "c0 in ('2024-01-31', '2024-02-01')"},
		{mustNew(t, "<", column(0, tTS), datetime("2024-01-31 10:00:00")), "(c0 < cast('2024-01-31 10:00:00' as timestamp))"},
		{mustNew(t, "and", column(0, tBool), boolean(true)), "c0"},
		{mustNew(t, "or", column(0, tBool), num(1)), "1"},
	} {
		if c.e.String() != c.want {
			t.Errorf("got %s, want %s", c.e, c.want)
		}
	}
}

// TestDeepConstants compiles constants that only Compile can fold, nested deeply: the work must not double with each level.
func TestDeepConstants(t *testing.T) {
	env := &expr.Env{Location: time.UTC, Now: time.Unix(0, 0)}
	clock := expr.Cast(lit(types.IntValue(tTS, 5_000_000)), tBig)
	e := clock
	for range 60 {
		e = mustNew(t, "case", mustNew(t, "in", e, clock, num(3)), mustNew(t, "+", clock, num(1)), num(0))
	}
	if v, err := expr.EvalConst(e, env); err != nil || !v.Valid {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := expr.EvalConst(mustNew(t, "if", mustNew(t, ">", column(0, tBig), num(1)), num(1), num(2)), env); err == nil {
		t.Error("a column has no value in a constant")
	}
	x := expr.Expr(mustNew(t, "+", column(0, tBig), column(1, tBig)))
	for range 60 {
		x = mustNew(t, "nullif", mustNew(t, "+", x, column(1, tBig)), column(0, tBig))
		x = mustNew(t, "if", mustNew(t, "in", x, column(0, tBig), column(1, tBig)), num(0), num(1))
	}
	b := &vector.Batch{Len: 2, Cols: []*vector.Vector{ints(1, 2), ints(1, 1)}}
	if v, err := compile(t, x, nil).Eval(b); err != nil || v.Len != 2 {
		t.Errorf("%v, %v", v, err)
	}
}

func TestManyBranches(t *testing.T) {
	x := column(0, tBig)
	var branches, operands []expr.Expr
	for i := range int64(500) {
		branches = append(branches, mustNew(t, "=", x, num(i)), num(i*10))
		operands = append(operands, mustNew(t, "nullif", x, x))
	}
	b := &vector.Batch{Len: 4, Cols: []*vector.Vector{ints(0, 199, 499, 777)}}
	v, err := compile(t, mustNew(t, "case", append(branches, num(-1))...), nil).Eval(b)
	if err != nil || fmt.Sprint(v.Value(0), v.Value(1), v.Value(2), v.Value(3)) != "0 1990 4990 -1" {
		t.Errorf("case: %v, %v", v, err)
	}
	v, err = compile(t, mustNew(t, "coalesce", append(operands, x)...), nil).Eval(b)
	if err != nil || v.Value(3).I != 777 {
		t.Errorf("coalesce: %v, %v", v, err)
	}
}
