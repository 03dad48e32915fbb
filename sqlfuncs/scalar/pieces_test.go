package scalar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TestLongTextInPieces has more text than a batch may have: where only functions of functions do, fewer rows are computed at once.
func TestLongTextInPieces(t *testing.T) {
	whole, text := types.Of(types.Int64), types.Of(types.String)
	b := &vector.Batch{Len: 12, Cols: []*vector.Vector{vector.New(whole, 0), vector.New(text, 0)}, Sel: []uint16{1, 2, 3, 5, 6, 7, 8, 9, 11}}
	for i := range int64(12) {
		b.Cols[0].AppendValue(types.IntValue(whole, 36_000+i))
		b.Cols[1].AppendValue(types.StringValue(strings.Repeat(string(rune('a'+i)), 1001)))
	}
	call := func(name string, args ...expr.Expr) expr.Expr {
		e, err := expr.New(name, args...)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	number := func(n int64) expr.Expr { return &expr.Literal{Val: types.IntValue(whole, n)} }
	long := call("repeat", &expr.Column{Index: 1, Name: "s", Typ: text, Null: true}, &expr.Column{Index: 0, Name: "n", Typ: whole, Null: true})
	length, err := expr.Compile(call("length", long), env(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	v, err := length.Eval(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range b.Sel {
		if v.Len != b.Len || v.Int(int(i)) != 1001*b.Cols[0].Int(int(i)) {
			t.Errorf("row %d of %d: %d bytes", i, v.Len, v.Int(int(i)))
		}
	}
	odd, err := expr.CompileFilter(call("=", call("%", call("length", long), number(2)), number(1)), env(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if sel, err := odd.Apply(b); err != nil || fmt.Sprint(sel) != "[1 3 5 7 9 11]" {
		t.Errorf("odd: %v, %v", sel, err)
	}
	all, err := expr.Compile(long, env(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Eval(b); !expr.TooLarge(err) {
		t.Errorf("all of the text at once: %v", err)
	}
}
