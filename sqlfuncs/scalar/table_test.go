package scalar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// env is the environment of the tables: New York, 2024-03-10 06:30:15.123456 UTC, half an hour before summer time.
func env(t *testing.T, warnings *[]int) *expr.Env {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return &expr.Env{Location: loc, Now: time.Date(2024, 3, 10, 6, 30, 15, 123456000, time.UTC), Warn: func(code int, _ string) {
		*warnings = append(*warnings, code)
	}}
}

// example is one line of a table: an expression, its value as text (error: and a part of the message for errors), and
// optionally its type and the code of the warning it raises.
type example struct {
	in, want string
	typ      string
	warning  int
	// literals: only literals behave so, not columns of their types.
	literals bool
}

func valueText(v types.Value) string {
	if !v.Valid {
		return "NULL"
	}
	return string(types.AppendText(nil, v))
}

func run(t *testing.T, table []example) {
	t.Helper()
	for _, c := range table {
		t.Run(c.in, func(t *testing.T) {
			var warnings []int
			en := env(t, &warnings)
			p := &parser{t: t, s: c.in}
			e, err := p.all()
			var v types.Value
			if err == nil {
				v, err = expr.EvalConst(e, en)
			}
			if wanted, isError := strings.CutPrefix(c.want, "error: "); isError {
				if err == nil || !strings.Contains(err.Error(), wanted) {
					t.Fatalf("got %s, %v; want error %q", valueText(v), err, wanted)
				}
				return
			}
			if err != nil || valueText(v) != c.want {
				t.Fatalf("got %s, %v; want %s", valueText(v), err, c.want)
			}
			if c.typ != "" && e.Type().String() != c.typ {
				t.Errorf("type %s; want %s", e.Type(), c.typ)
			}
			if c.warning != 0 && (len(warnings) == 0 || warnings[0] != c.warning) {
				t.Errorf("warnings %v; want %d", warnings, c.warning)
			}
			if c.warning == 0 && len(warnings) > 0 {
				t.Errorf("unexpected warnings %v", warnings)
			}
			if !c.literals {
				inColumns(t, c, en)
			}
		})
	}
}

// inColumns evaluates the example again with columns in place of literals: flat and dictionary-coded, at every
// position of a batch with NULLs and a selection. Functions typed by their literals are left out where the type differs.
func inColumns(t *testing.T, c example, en *expr.Env) {
	t.Helper()
	for _, dict := range []bool{false, true} {
		const rows = 5
		b := &vector.Batch{Len: rows, Sel: []uint16{1, 3}}
		p := &parser{t: t, s: c.in}
		p.column = func(v types.Value) expr.Expr {
			if v.Type.Kind == types.Null || v.Type.Kind == types.String && isUnit(v.S) {
				return &expr.Literal{Val: v}
			}
			col := vector.New(v.Type, 0)
			for i := range rows {
				if i == 3 {
					col.AppendNull()
				} else {
					col.AppendValue(v)
				}
			}
			if dict {
				d := vector.New(v.Type, 0)
				d.AppendValue(v)
				col = &vector.Vector{Type: v.Type, Phys: d.Phys, Len: rows, Codes: make([]int32, rows), Dict: d, Valid: col.Valid}
			}
			b.Cols = append(b.Cols, col)
			return &expr.Column{Index: len(b.Cols) - 1, Name: fmt.Sprintf("c%d", len(b.Cols)-1), Typ: v.Type, Null: true}
		}
		e, err := p.all()
		if err != nil || (c.typ != "" && e.Type().String() != c.typ) || len(b.Cols) == 0 {
			return
		}
		ev, err := expr.Compile(e, en)
		if err != nil {
			t.Fatal(err)
		}
		want, err := parse(t, c.in)
		if err != nil || want.Type() != e.Type() {
			return
		}
		for range 2 { // buffers are reused
			v, err := ev.Eval(b)
			if err != nil {
				t.Fatalf("dictionary %v: %v", dict, err)
			}
			if got := valueText(v.Value(1)); got != c.want {
				t.Fatalf("over columns (dictionary %v): got %s; want %s", dict, got, c.want)
			}
		}
	}
}

func isUnit(s string) bool {
	return strings.Contains(" microsecond second minute hour day week month quarter year day_hour day_second minute_second second_microsecond year_month hour_minute day_minute day_microsecond hour_microsecond minute_microsecond hour_second ", " "+strings.ToLower(s)+" ")
}
