package exec_test

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// fixedTable holds the given rows in one batch.
func fixedTable(ts []types.Type, rows ...[]types.Value) *table {
	t := &table{rows: rows}
	b := &vector.Batch{Len: len(rows)}
	for c, typ := range ts {
		t.fields = append(t.fields, exec.Field{Name: fmt.Sprintf("c%d", c), Type: typ, Nullable: true})
		v := vector.New(typ, 0)
		for _, row := range rows {
			v.AppendValue(row[c])
		}
		b.Cols = append(b.Cols, v)
	}
	t.batches = []*vector.Batch{b}
	return t
}

// countingTable has n rows: a key that counts modulo groups, NULL in every thousandth row, and the row's number.
func countingTable(n, groups int, keyed types.Type) *table {
	t := &table{fields: []exec.Field{{Name: "k", Type: keyed, Nullable: true}, {Name: "n", Type: tBig}}}
	for at := 0; at < n; at += vector.MaxRows {
		size := min(vector.MaxRows, n-at)
		k, v := vector.New(keyed, 0), vector.New(tBig, size)
		for i := range size {
			x := at + i
			v.I64[i] = int64(x)
			val := types.IntValue(keyed, int64(x%groups))
			if keyed == tString {
				val = types.StringValue(fmt.Sprintf("key %d", x%groups))
			}
			if x%1000 == 999 {
				val = types.NullOf(keyed)
			}
			k.AppendValue(val)
		}
		t.batches = append(t.batches, &vector.Batch{Len: size, Cols: []*vector.Vector{k, v}})
	}
	return t
}
