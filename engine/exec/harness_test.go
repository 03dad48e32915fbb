package exec_test

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// The types that random tables have columns of.
var (
	tInt    = types.Of(types.Int32)
	tBig    = types.Of(types.Int64)
	tUint   = types.Of(types.Uint64)
	tFloat  = types.Of(types.Float64)
	tDec    = types.DecimalOf(10, 2)
	tWide   = types.DecimalOf(30, 4)
	tString = types.Of(types.String)
	tTime   = types.Of(types.TimestampNTZ)
	allType = []types.Type{tInt, tBig, tUint, tFloat, tDec, tWide, tString, tTime}
)

// table is rows with the batches that hold them, dead rows in between.
type table struct {
	fields  []exec.Field
	rows    [][]types.Value
	batches []*vector.Batch
}

func (t *table) op() exec.Operator { return exec.NewValues(t.fields, t.batches) }

func (t *table) col(i int) *expr.Column {
	f := t.fields[i]
	return &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
}

// after is column i of a batch in which n columns come first.
func (t *table) after(n, i int) *expr.Column {
	c := *t.col(i)
	c.Index += n
	return &c
}

// longText is longer than what a column may have a row in a batch of three.
var longText = strings.Repeat("long enough to be no prefix ", 29)

func drawValue(r *rapid.T, t types.Type) types.Value {
	if rapid.IntRange(0, 6).Draw(r, "null") == 0 {
		return types.NullOf(t)
	}
	k := rapid.IntRange(-3, 3).Draw(r, "value")
	switch t {
	case tFloat:
		switch rapid.IntRange(0, 9).Draw(r, "special") {
		case 0:
			return types.FloatValue(t, math.NaN())
		case 1:
			return types.FloatValue(t, math.Copysign(0, -1))
		}
		return types.FloatValue(t, float64(k)/2)
	case tDec:
		return types.DecimalValue(t, types.Int128From(int64(k)*101))
	case tWide:
		if rapid.IntRange(0, 3).Draw(r, "large") == 0 {
			x, _ := types.Pow10(25).Mul(types.Int128From(int64(k)))
			return types.DecimalValue(t, x)
		}
		return types.DecimalValue(t, types.Int128From(int64(k)))
	case tString:
		return types.StringValue([]string{"", "a", "b\x00", "b", "ab", longText, "é"}[k+3])
	case tUint:
		return types.IntValue(t, int64(k)) // negative: beyond the range of BIGINT
	case tBig:
		return types.IntValue(t, int64(k)*(1<<40))
	}
	return types.IntValue(t, int64(k))
}

// drawTable makes up to maxRows rows of the given types in batches of random size, layout and selection.
func drawTable(r *rapid.T, name string, maxRows int, ts ...types.Type) *table {
	t := &table{}
	for i, typ := range ts {
		t.fields = append(t.fields, exec.Field{Name: fmt.Sprintf("%s%d", name, i), Type: typ, Nullable: true})
	}
	n := rapid.IntRange(0, maxRows).Draw(r, "rows")
	for len(t.rows) < n {
		size := rapid.IntRange(1, 9).Draw(r, "batch")
		b := &vector.Batch{Len: size}
		live := make([]bool, size)
		useSel := rapid.Bool().Draw(r, "sel")
		for i := range live {
			live[i] = !useSel || rapid.Bool().Draw(r, "live")
		}
		if useSel {
			b.Sel = []uint16{}
			for i, l := range live {
				if l {
					b.Sel = append(b.Sel, uint16(i))
				}
			}
		}
		rows := make([][]types.Value, size)
		for i := range rows {
			rows[i] = make([]types.Value, len(ts))
		}
		for c, typ := range ts {
			vals := make([]types.Value, size)
			for i := range vals {
				vals[i] = drawValue(r, typ)
				rows[i][c] = vals[i]
			}
			b.Cols = append(b.Cols, layOut(r, typ, vals))
		}
		for i, l := range live {
			if l {
				t.rows = append(t.rows, rows[i])
			}
		}
		t.batches = append(t.batches, b)
		if len(t.rows) == 0 && len(t.batches) > 20 {
			break
		}
	}
	return t
}

// layOut stores vals flat or coded; a wide decimal narrow where it fits.
func layOut(r *rapid.T, t types.Type, vals []types.Value) *vector.Vector {
	phys := t.Physical()
	if t == tWide && rapid.Bool().Draw(r, "narrow") {
		phys = types.PhysI64
	}
	flat := vector.NewPhys(t, phys, 0)
	for _, v := range vals {
		flat.AppendValue(v)
	}
	if !rapid.Bool().Draw(r, "coded") {
		return flat
	}
	d := vector.NewPhys(t, flat.Phys, 0)
	v := &vector.Vector{Type: t, Phys: flat.Phys, Len: len(vals), Dict: d}
	codes := map[string]int32{}
	for i, val := range vals {
		key := val.String()
		if val.Type.IsFloat() {
			key = fmt.Sprint(math.Float64bits(val.F))
		}
		c, ok := codes[key]
		if !ok {
			if c = int32(d.Len); val.Valid {
				d.AppendValue(val)
			} else {
				d.AppendZero()
			}
			codes[key] = c
		}
		v.Codes = append(v.Codes, c)
		if !val.Valid {
			v.SetNull(i)
		}
	}
	return v
}

func drawQuery(r *rapid.T) *exec.Query {
	return &exec.Query{
		Workers:   rapid.IntRange(1, 3).Draw(r, "workers"),
		BatchRows: rapid.SampledFrom([]int{3, vector.MaxRows}).Draw(r, "batchRows"),
		Env:       &expr.Env{Location: time.UTC},
		Memory:    exec.NewBudget(0, nil),
	}
}

// drawLeanQuery is drawQuery, every second time with next to no memory: what can go to files does.
func drawLeanQuery(r *rapid.T, dir string) *exec.Query {
	q := drawQuery(r)
	if rapid.Bool().Draw(r, "lean") {
		q.Memory, q.TempDir = exec.NewBudget(2, nil), dir
	}
	return q
}

func testQuery(workers int) *exec.Query {
	return &exec.Query{Workers: workers, BatchRows: vector.MaxRows, Env: &expr.Env{Location: time.UTC}, Memory: exec.NewBudget(0, nil)}
}

// fataler is what rapid.T, testing.T and testing.B have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// collect runs op and boxes its rows; it checks that they are of the fields' types and that all memory is given back.
func collect(t fataler, q *exec.Query, op exec.Operator) [][]types.Value {
	t.Helper()
	rows, err := tryCollect(q, op)
	if err != nil {
		t.Fatalf("%s: %v", op.Describe(), err)
	}
	if used := q.Memory.UsedBytes(); used != 0 {
		t.Fatalf("%s: %d bytes still reserved", op.Describe(), used)
	}
	for _, r := range rows {
		for i, v := range r {
			if f := op.Fields()[i]; v.Type != f.Type {
				t.Fatalf("%s: column %d is %v, not %v", op.Describe(), i, v.Type, f.Type)
			} else if !v.Valid && !f.Nullable {
				t.Fatalf("%s: column %d is NULL", op.Describe(), i)
			}
		}
	}
	return rows
}

func tryCollect(q *exec.Query, op exec.Operator) ([][]types.Value, error) {
	var rows [][]types.Value
	err := exec.Run(context.Background(), q, op, func(b *vector.Batch) error {
		if b.Rows() == 0 {
			return fmt.Errorf("empty batch of %s", op.Describe())
		}
		if len(b.Cols) != len(op.Fields()) {
			return fmt.Errorf("%d columns, not %d", len(b.Cols), len(op.Fields()))
		}
		for k := range b.Rows() {
			row := make([]types.Value, len(b.Cols))
			for i, c := range b.Cols {
				if c.Len != b.Len {
					return fmt.Errorf("column %d has %d rows of %d", i, c.Len, b.Len)
				}
				row[i] = c.Value(b.Row(k))
			}
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

// text renders a value so that equal values, and only they, have equal texts.
func text(v types.Value) string {
	if v.Valid && v.Type.IsFloat() && v.F == 0 {
		return "0"
	}
	return v.String()
}

func rowText(row []types.Value) string {
	parts := make([]string, len(row))
	for i, v := range row {
		parts[i] = text(v)
	}
	return strings.Join(parts, "|")
}

// same fails unless got and want hold the same rows, in any order.
func same(t fataler, what string, got, want [][]types.Value) {
	t.Helper()
	g, w := rowTexts(got), rowTexts(want)
	sort.Strings(g)
	sort.Strings(w)
	if strings.Join(g, "\n") != strings.Join(w, "\n") {
		t.Fatalf("%s:\ngot %d rows\n%s\nwant %d rows\n%s", what, len(g), strings.Join(g, "\n"), len(w), strings.Join(w, "\n"))
	}
}

func rowTexts(rows [][]types.Value) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = rowText(r)
	}
	return out
}

func compareNulls(a, b types.Value) int {
	switch {
	case !a.Valid && !b.Valid:
		return 0
	case !a.Valid:
		return -1
	case !b.Valid:
		return 1
	}
	return types.Compare(a, b)
}

func equalKeys(a, b []types.Value) bool {
	for i := range a {
		if !a[i].Valid || !b[i].Valid || types.Compare(a[i], b[i]) != 0 {
			return false
		}
	}
	return true
}

func call(t testing.TB, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	e, err := expr.New(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}
