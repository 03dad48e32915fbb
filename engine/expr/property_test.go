package expr_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// columnTypes are the columns of the random batches.
var columnTypes = []types.Type{
	types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Uint64), types.Of(types.Float64), types.DecimalOf(9, 2),
	types.DecimalOf(18, 4), types.DecimalOf(38, 10), types.Of(types.String), types.Of(types.Bool), types.Of(types.Int8), types.Of(types.Date),
}

func drawValue(t *rapid.T, typ types.Type) types.Value {
	small := rapid.Int64Range(-3, 3).Draw(t, "small")
	pick := rapid.IntRange(0, 5).Draw(t, "pick")
	switch typ.Kind {
	case types.Bool:
		return types.IntValue(typ, small&1)
	case types.Int8:
		return types.IntValue(typ, []int64{small, small, -128, 127, small * 40, 0}[pick])
	case types.Int32:
		return types.IntValue(typ, []int64{small, small, math.MinInt32, math.MaxInt32, small * 1000, 0}[pick])
	case types.Date:
		return types.IntValue(typ, 19000+small)
	case types.Int64:
		return types.IntValue(typ, []int64{small, small, math.MinInt64, math.MaxInt64, small << 40, 1 << 32}[pick])
	case types.Uint64:
		return types.IntValue(typ, []int64{small & 3, small & 3, -1, math.MinInt64, math.MaxInt64, 1 << 32}[pick])
	case types.Float64:
		return types.FloatValue(typ, []float64{float64(small) / 2, float64(small), math.NaN(), math.Inf(1), math.Copysign(0, -1), 1e300}[pick])
	case types.String:
		return types.StringValue([]string{"", "a", "ab", "b", "ä", "abc"}[pick])
	}
	x := types.Int128From(small)
	switch pick {
	case 2:
		x = types.Int128From(types.Pow10Int64(min(int(typ.Precision), 18)) - 1)
	case 3:
		x = types.Int128From(small * 1234)
	case 4:
		if typ.Precision > 18 {
			x = types.Pow10(int(typ.Precision) - 1)
		}
	case 5:
		if typ.Precision > 18 {
			x = types.Pow10(int(typ.Precision) - 10).Neg()
		}
	}
	return types.DecimalValue(typ, x)
}

// drawBatch returns a batch of every column type, each flat, dictionary-coded or constant.
func drawBatch(t *rapid.T) *vector.Batch {
	n := rapid.SampledFrom([]int{1, 2, 3, 3, 63, 64, 65, 130}).Draw(t, "rows")
	b := &vector.Batch{Len: n}
	for _, typ := range columnTypes {
		b.Cols = append(b.Cols, drawColumn(t, typ, n))
	}
	if rapid.Bool().Draw(t, "selected") {
		b.Sel = []uint16{}
		for i := range n {
			if rapid.IntRange(0, 2).Draw(t, "live") > 0 {
				b.Sel = append(b.Sel, uint16(i))
			}
		}
	}
	return b
}

func drawColumn(t *rapid.T, typ types.Type, n int) *vector.Vector {
	nulls := rapid.Bool().Draw(t, "nulls")
	form := rapid.IntRange(0, 3).Draw(t, "form")
	if form == 3 {
		v := drawValue(t, typ)
		if nulls && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			v = types.NullOf(typ)
		}
		return vector.NewConst(v, n)
	}
	phys := typ.Physical()
	if form == 1 && typ.Kind == types.Decimal { // narrow, whatever the precision: AppendValue widens if it must
		phys = types.PhysI64
	}
	if form < 2 {
		v := vector.NewPhys(typ, phys, 0)
		for range n {
			if nulls && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
				v.AppendNull()
			} else {
				v.AppendValue(drawValue(t, typ))
			}
		}
		return v
	}
	d := vector.New(typ, 0)
	for range rapid.IntRange(1, 4).Draw(t, "entries") {
		d.AppendValue(drawValue(t, typ))
	}
	v := &vector.Vector{Type: typ, Phys: d.Phys, Len: n, Dict: d, Codes: make([]int32, n)}
	for i := range n {
		v.Codes[i] = int32(rapid.IntRange(0, d.Len-1).Draw(t, "code"))
		if nulls && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			v.SetNull(i)
		}
	}
	return v
}

// drawExpr returns an expression of numbers (num), or a condition.
func drawExpr(t *rapid.T, depth int, condition bool) expr.Expr {
	for {
		e, err := tryExpr(t, depth, condition)
		var typeError *expr.TypeError
		var valueError *expr.ValueError
		if err == nil {
			return e
		}
		if !errors.As(err, &typeError) && !errors.As(err, &valueError) {
			t.Fatalf("New: %v", err)
		}
	}
}

func drawLeaf(t *rapid.T, numeric bool) expr.Expr {
	for {
		i := rapid.IntRange(0, len(columnTypes)-1).Draw(t, "column")
		typ := columnTypes[i]
		if numeric && !typ.IsNumeric() {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(t, "leaf") {
		case 0:
			return lit(drawValue(t, typ))
		case 1:
			if rapid.IntRange(0, 5).Draw(t, "bare null") == 0 {
				return null(typ)
			}
		}
		return &expr.Column{Index: i, Name: fmt.Sprintf("c%d", i), Typ: typ, Null: true}
	}
}

func tryExpr(t *rapid.T, depth int, condition bool) (expr.Expr, error) {
	sub := func(c bool) expr.Expr { return drawExpr(t, depth-1, c) }
	switch {
	case depth == 0 && condition:
		l := drawLeaf(t, false)
		r := drawLeaf(t, l.Type().IsNumeric())
		if l.Type().IsNumeric() != r.Type().IsNumeric() || !l.Type().IsNumeric() && l.Type() != r.Type() {
			return expr.New("isnull", l)
		}
		return expr.New(rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">=", "<=>"}).Draw(t, "op"), l, r)
	case depth == 0:
		return drawLeaf(t, true), nil
	case condition:
		switch rapid.IntRange(0, 7).Draw(t, "condition") {
		case 0, 1:
			return expr.New("and", sub(true), sub(true), sub(true))
		case 2:
			return expr.New("or", sub(true), sub(true))
		case 3:
			return expr.New(rapid.SampledFrom([]string{"not", "istrue", "isfalse", "isnull"}).Draw(t, "op"), sub(true))
		case 4:
			return expr.New("xor", sub(true), sub(true))
		case 5:
			x := sub(false)
			list := []expr.Expr{x}
			for range rapid.IntRange(1, 12).Draw(t, "list") {
				list = append(list, lit(drawValue(t, types.Of(types.Int64))))
			}
			return expr.New("in", list...)
		}
		return expr.New(rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(t, "op"), sub(false), sub(false))
	}
	switch rapid.IntRange(0, 5).Draw(t, "number") {
	case 0:
		return expr.New("if", sub(true), sub(false), sub(false))
	case 1:
		return expr.New("coalesce", sub(false), sub(false))
	case 2:
		return expr.New("neg", sub(false))
	}
	op := rapid.SampledFrom([]string{"+", "-", "*", "/", "%", "+", "-", "*", "div"}).Draw(t, "op")
	l, r := sub(false), sub(false)
	if op == "div" && (l.Type().IsFloat() || r.Type().IsFloat()) {
		op = "-"
	}
	return expr.New(op, l, r)
}

// hasReference reports whether the reference knows every conversion in e, and no decimal is so wide that intermediate
// roundings differ.
func hasReference(e expr.Expr) bool {
	ok := true
	expr.Walk(e, func(x expr.Expr) bool {
		if c, isCall := x.(*expr.Call); isCall {
			if c.Name == "cast" {
				from := c.Args[0].Type()
				ok = ok && (!from.IsFloat() || c.Typ.IsFloat()) && !from.IsBytes() && from.Kind != types.Date && c.Typ.Kind != types.Float32 && !c.Typ.IsTemporal()
			}
			ok = ok && !(c.Typ.Kind == types.Decimal && (c.Typ.Scale >= 30 || c.Typ.Precision >= 60))
		}
		return ok
	})
	return ok
}

func sameValue(a, b types.Value) bool {
	switch {
	case a.Valid != b.Valid:
		return false
	case !a.Valid:
		return true
	case a.Type.IsFloat():
		return types.CompareFloats(a.F, b.F) == 0
	case a.Type.Kind == types.Decimal:
		return a.D == b.D
	case a.Type.IsBytes():
		return a.S == b.S
	}
	return a.I == b.I
}

func batchRow(b *vector.Batch, i int) []types.Value {
	row := make([]types.Value, len(b.Cols))
	for k, c := range b.Cols {
		row[k] = c.Value(i)
	}
	return row
}

func liveRows(b *vector.Batch) []int {
	rows := make([]int, b.Rows())
	for k := range rows {
		rows[k] = b.Row(k)
	}
	return rows
}

// TestEvalAgainstReference evaluates random expressions over random batches, several with one evaluator, and compares
// every live row, and every error, with the reference.
func TestEvalAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		condition := rapid.Bool().Draw(t, "condition")
		e := drawExpr(t, rapid.IntRange(0, 3).Draw(t, "depth"), condition)
		if !hasReference(e) {
			return
		}
		ev, err := expr.Compile(e, &expr.Env{Location: time.UTC})
		if err != nil {
			t.Fatalf("Compile(%s): %v", e, err)
		}
		var filter *expr.Filter
		if condition {
			if filter, err = expr.CompileFilter(e, nil); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			checkBatch(t, e, ev, filter, drawBatch(t))
		}
	})
}

func checkBatch(t *rapid.T, e expr.Expr, ev *expr.Evaluator, filter *expr.Filter, b *vector.Batch) {
	want := map[int]types.Value{}
	var wantErr error
	for _, i := range liveRows(b) {
		v, err := reference(e, batchRow(b, i))
		if err != nil {
			wantErr = err
			if !errors.Is(err, errRange) {
				t.Fatalf("%s: %v", e, err)
			}
		}
		want[i] = v
	}
	got, err := ev.Eval(b)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%s: error %v, the reference's %v", e, err, wantErr)
	}
	if err == nil {
		if got.Len != b.Len || got.Type != e.Type() {
			t.Fatalf("%s: %d rows of %s; want %d of %s", e, got.Len, got.Type, b.Len, e.Type())
		}
		for i, w := range want {
			if !sameValue(w, got.Value(i)) {
				t.Fatalf("%s: row %d %v = %s; want %s", e, i, batchRow(b, i), got.Value(i), w)
			}
		}
	}
	if filter == nil {
		return
	}
	sel, err := filter.Apply(b)
	if err != nil && wantErr == nil {
		t.Fatalf("filter %s: %v", e, err)
	}
	if err != nil || wantErr != nil { // cheap conjuncts go first and may spare the row that fails
		return
	}
	if sel == nil {
		t.Fatal("the selection is nil")
	}
	var rows []uint16
	for _, i := range liveRows(b) {
		if truth(want[i]) {
			rows = append(rows, uint16(i))
		}
	}
	if fmt.Sprint(rows) != fmt.Sprint(sel) {
		t.Fatalf("filter %s selects %v; want %v", e, sel, rows)
	}
}

// TestFlatEqualsDictionary compares an expression of one column over its flat and its dictionary form.
func TestFlatEqualsDictionary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &expr.Column{Index: 0, Name: "s", Typ: tStr, Null: true}
		exprs := []expr.Expr{
			mustBuild("like", s, str("%a_")), mustBuild("like", s, str("a%")), mustBuild("=", s, str("ab")), mustBuild(">", s, str("a")),
			mustBuild("in", s, str("a"), str("b"), str("c")), mustBuild("coalesce", s, str("none")), expr.Cast(s, tBig),
			mustBuild("isnull", s), mustBuild("or", mustBuild("isnull", s), mustBuild("<", s, str("b"))), expr.Cast(s, tDate),
			mustBuild("nullif", s, str("a")), mustBuild("<=>", s, null(tStr)), mustBuild("case", mustBuild("=", s, str("a")), num(1)),
		}
		e := rapid.SampledFrom(exprs).Draw(t, "e")
		ev, err := expr.Compile(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		flatEv, err := expr.Compile(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			col := drawColumn(t, tStr, rapid.SampledFrom([]int{1, 3, 70}).Draw(t, "n"))
			flat := col.Flat()
			a, err := ev.Eval(&vector.Batch{Len: col.Len, Cols: []*vector.Vector{col}})
			if err != nil {
				t.Fatal(err)
			}
			b, err := flatEv.Eval(&vector.Batch{Len: col.Len, Cols: []*vector.Vector{flat}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range col.Len {
				if !sameValue(a.Value(i), b.Value(i)) {
					t.Fatalf("%s of %s: %s from the dictionary, %s flat", e, col.Value(i), a.Value(i), b.Value(i))
				}
			}
		}
	})
}

func mustBuild(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

// TestLike compares LIKE with a matcher that tries everything.
func TestLikeAgainstReference(t *testing.T) {
	letters := rapid.SampledFrom([]rune{'a', 'b', '%', '_', 'ä'})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(string(rapid.SliceOfN(letters, 0, 8).Draw(t, "text")), "%", "a")
		pattern := string(rapid.SliceOfN(letters, 0, 6).Draw(t, "pattern"))
		v, err := expr.EvalConst(mustBuild("like", str(text), str(pattern)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := slowLike([]rune(text), []rune(pattern)); truth(v) != want {
			t.Fatalf("%q like %q = %v, want %v", text, pattern, truth(v), want)
		}
	})
}

func slowLike(s, p []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '%':
		return slowLike(s, p[1:]) || len(s) > 0 && slowLike(s[1:], p)
	}
	return len(s) > 0 && (p[0] == '_' || p[0] == s[0]) && slowLike(s[1:], p[1:])
}
