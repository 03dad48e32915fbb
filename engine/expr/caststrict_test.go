package expr_test

import (
	"errors"
	"testing"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func TestCastStrict(t *testing.T) {
	tiny, money := types.Of(types.Int8), types.DecimalOf(5, 2)
	for _, c := range []struct {
		in   expr.Expr
		to   types.Type
		want string
		code int
	}{
		{in: num(127), to: tiny, want: "127"},
		{in: num(128), to: tiny, code: 1264},
		{in: num(-129), to: tiny, code: 1264},
		{in: num(1), to: tBool, want: "1"},
		{in: num(2), to: tBool, code: 1264},
		{in: ubig(1 << 63), to: tBig, code: 1264},
		{in: dec("2.5", 2, 1), to: tInt, want: "3"},
		{in: flt(2.4), to: tInt, want: "2"},
		{in: flt(1e300), to: tBig, code: 1264},
		{in: flt(1e300), to: types.Of(types.Float32), code: 1264},
		{in: str("12"), to: tInt, want: "12"},
		{in: str(" 12.6 "), to: tInt, want: "13"},
		{in: str("1e2"), to: tInt, want: "100"},
		{in: str("abc"), to: tInt, code: 1366},
		{in: str("12abc"), to: tInt, code: 1265},
		{in: str(""), to: tInt, code: 1366},
		{in: str("99999999999999999999"), to: tBig, code: 1264},
		{in: dec("123.456", 6, 3), to: money, want: "123.46"},
		{in: dec("999.995", 6, 3), to: money, code: 1264},
		{in: str("x"), to: money, code: 1366},
		{in: str("1.5x"), to: tFloat, code: 1265},
		{in: str("2024-01-31"), to: tDate, want: "2024-01-31"},
		{in: str("2024-02-30"), to: tDate, code: 1292},
		{in: str("2024-01-31 25:00:00"), to: tNTZ, code: 1292},
		{in: str("2024-01-31 10:00:00"), to: tTS, want: "2024-01-31 10:00:00"},
		{in: num(20240131), to: tDate, want: "2024-01-31"},
		{in: str("{"), to: tJSON, code: 3140},
		{in: str("[1]"), to: tJSON, want: "[1]"},
		{in: num(5), to: tStr, want: "5"},
		{in: null(tStr), to: tDate, want: "NULL"},
	} {
		v, err := expr.EvalConst(expr.CastStrict(c.in, c.to, "price"), nil)
		if c.code == 0 {
			if err != nil || text(v) != c.want || v.Type != c.to {
				t.Errorf("%s as %s = %s (%s), %v; want %s", c.in, c.to, text(v), v.Type, err, c.want)
			}
			continue
		}
		var bad *expr.ValueError
		if !errors.As(err, &bad) || bad.Code != c.code || bad.Column != "price" {
			t.Errorf("%s as %s = %s, %v; want error %d", c.in, c.to, text(v), err, c.code)
		}
	}
}

func TestCastStrictNamesTheRow(t *testing.T) {
	b := &vector.Batch{Len: 4, Cols: []*vector.Vector{texts("1", "x", "3", "y")}}
	ev := compile(t, expr.CastStrict(column(0, tStr), tInt, "n"), nil)
	var bad *expr.ValueError
	if _, err := ev.Eval(b); !errors.As(err, &bad) || bad.Row != 2 || bad.Value != "x" ||
		bad.Error() != "Incorrect integer value: 'x' for column 'n' at row 2" {
		t.Errorf("%v", bad)
	}
	b.Sel = []uint16{0, 2}
	if v, err := ev.Eval(b); err != nil || v.Value(2).I != 3 {
		t.Errorf("rows that are not live: %v, %v", v, err)
	}
}

func TestDivisionByZeroInStrictDML(t *testing.T) {
	e := mustNew(t, "/", column(0, tBig), num(0))
	b := &vector.Batch{Len: 1, Cols: []*vector.Vector{ints(1)}}
	var zero *expr.DivisionByZero
	if _, err := compile(t, e, &expr.Env{DivisionByZeroError: true}).Eval(b); !errors.As(err, &zero) {
		t.Errorf("%v", err)
	}
	if v, err := compile(t, e, nil).Eval(b); err != nil || v.Value(0).Valid {
		t.Errorf("%v, %v", v, err)
	}
}
