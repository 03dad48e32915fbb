package expr_test

import (
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

var (
	tBool  = types.Of(types.Bool)
	tInt   = types.Of(types.Int32)
	tBig   = types.Of(types.Int64)
	tUbig  = types.Of(types.Uint64)
	tFloat = types.Of(types.Float64)
	tStr   = types.Of(types.String)
	tDate  = types.Of(types.Date)
	tNTZ   = types.Of(types.TimestampNTZ)
	tTS    = types.Of(types.Timestamp)
	tJSON  = types.Of(types.JSON)
	tNull  = types.Of(types.Null)
)

func lit(v types.Value) expr.Expr { return &expr.Literal{Val: v} }
func str(s string) expr.Expr      { return lit(types.StringValue(s)) }
func num(i int64) expr.Expr       { return lit(types.IntValue(tBig, i)) }
func flt(f float64) expr.Expr     { return lit(types.FloatValue(tFloat, f)) }
func null(t types.Type) expr.Expr { return lit(types.NullOf(t)) }
func boolean(b bool) expr.Expr    { return lit(types.BoolValue(b)) }
func ubig(u uint64) expr.Expr     { return lit(types.IntValue(tUbig, int64(u))) }
func date(s string) expr.Expr     { return expr.Cast(str(s), tDate) }
func datetime(s string) expr.Expr { return expr.Cast(str(s), tNTZ) }
func dec(s string, p, n int) expr.Expr {
	v, _, ok := types.ParseDecimal(s, n)
	if !ok {
		panic(s)
	}
	return lit(types.DecimalValue(types.DecimalOf(p, n), v))
}

func mustNew(t testing.TB, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	e, err := expr.New(name, args...)
	if err != nil {
		t.Fatalf("New(%s): %v", name, err)
	}
	return e
}

// text is a value as CAST AS CHAR gives it.
func text(v types.Value) string {
	if !v.Valid {
		return "NULL"
	}
	return string(types.AppendText(nil, v))
}

func TestSmoke(t *testing.T) {
	env := &expr.Env{Location: time.UTC}
	for _, c := range []struct {
		e    expr.Expr
		want string
		typ  types.Type
	}{
		{mustNew(t, "+", num(1), num(2)), "3", tBig},
		{mustNew(t, "/", num(1), num(3)), "0.3333", types.DecimalOf(5, 4)},
		{mustNew(t, "=", date("2024-01-31"), str("2024-01-31")), "1", tBool},
		{expr.Cast(str("12abc"), tBig), "12", tBig},
	} {
		v, err := expr.EvalConst(c.e, env)
		if err != nil || text(v) != c.want || c.e.Type() != c.typ {
			t.Errorf("%s = %s of type %s, %v; want %s of type %s", c.e, text(v), c.e.Type(), err, c.want, c.typ)
		}
	}
}
