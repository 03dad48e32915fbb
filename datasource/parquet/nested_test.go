package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// A value as the file's schema has it: nil is NULL, g a group with its fields in the order of their names, r the values of a
// repeated node.
type (
	g []any
	r []any
)

// shred appends the leaves of a value of node n to row (Dremel, figure 13). col is n's first leaf.
func shred(row pq.Row, n pq.Node, v any, rep, def, depth, col int) (pq.Row, int) {
	if list, ok := v.(r); ok && n.Repeated() {
		if len(list) == 0 {
			return shredValue(row, n, nil, rep, def, depth+1, col)
		}
		next := col
		for i, e := range list {
			at := rep
			if i > 0 {
				at = depth + 1
			}
			row, next = shredValue(row, n, e, at, def+1, depth+1, col)
		}
		return row, next
	}
	if n.Optional() && v != nil {
		def++
	}
	return shredValue(row, n, v, rep, def, depth, col)
}

func shredValue(row pq.Row, n pq.Node, v any, rep, def, depth, col int) (pq.Row, int) {
	if n.Leaf() {
		val := pq.NullValue()
		if v != nil {
			val = pq.ValueOf(v)
		}
		return append(row, val.Level(rep, def, col)), col + 1
	}
	for i, f := range n.Fields() {
		var child any
		switch {
		case v != nil:
			child = v.(g)[i]
		case f.Repeated():
			child = r{}
		}
		if v == nil && f.Repeated() { // nothing is there: the levels stay those of the ancestor
			row, col = shredValue(row, f, nil, rep, def, depth+1, col)
			continue
		}
		row, col = shred(row, f, child, rep, def, depth, col)
	}
	return row, col
}

func leafField(name string, k types.Kind) parquet.Field {
	return parquet.Field{Name: name, Type: types.Of(k), Nullable: true}
}

func listField(name string, elem parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.List, Nullable: true, Children: []parquet.Field{elem}}
}

func structField(name string, fields ...parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.Struct, Nullable: true, Children: fields}
}

func mapField(name string, key, value parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.Map, Nullable: true, Children: []parquet.Field{key, value}}
}

type layoutCase struct {
	name  string
	node  pq.Node // of the column "f"
	field parquet.Field
	rows  []any    // as the file has them
	want  []string // "" is NULL
}

func layoutCases() []layoutCase {
	i32 := pq.Leaf(pq.Int32Type)
	opt, rep := pq.Optional, pq.Repeated
	ints := listField("f", leafField("element", types.Int32))
	listWant := []string{"", "[]", "[7]", "[1,null,3]"}
	wrapped := []any{nil, g{r{}}, g{r{g{int32(7)}}}, g{r{g{int32(1)}, g{nil}, g{int32(3)}}}}
	structs := listField("f", structField("element", leafField("x", types.Int32)))
	structWant := []string{"", "[]", `[{"x":7}]`, `[{"x":1},{"x":null},{"x":3}]`}
	kv := mapField("f", leafField("key", types.String), leafField("value", types.Int32))
	mapRows := []any{nil, g{r{}}, g{r{g{"a", int32(1)}, g{"b\"", nil}}}}
	mapWant := []string{"", "{}", `{"a":1,"b\"":null}`}
	return []layoutCase{
		{"three levels", opt(pq.Group{"list": rep(pq.Group{"element": opt(i32)})}), ints, wrapped, listWant},
		{"annotated", opt(pq.List(opt(i32))), ints, wrapped, listWant},
		{"bag and array_element", opt(pq.Group{"bag": rep(pq.Group{"array_element": opt(i32)})}), ints, wrapped, listWant},
		{"bag and array", opt(pq.Group{"bag": rep(pq.Group{"array": opt(i32)})}), ints, wrapped, listWant},
		{"array around a value", opt(pq.Group{"array": rep(pq.Group{"x": opt(i32)})}), ints, wrapped, listWant},
		{"two levels", opt(pq.Group{"array": rep(i32)}), ints,
			[]any{nil, g{r{}}, g{r{int32(7)}}, g{r{int32(1), int32(2)}}}, []string{"", "[]", "[7]", "[1,2]"}},
		{"array is the struct", opt(pq.Group{"array": rep(pq.Group{"x": opt(i32)})}), structs, wrapped, structWant},
		{"tuple is the struct", opt(pq.Group{"f_tuple": rep(pq.Group{"x": opt(i32)})}), structs, wrapped, structWant},
		{"any name is the struct", opt(pq.Group{"entries": rep(pq.Group{"x": opt(i32)})}), structs, wrapped, structWant},
		{"group of two is the struct", opt(pq.Group{"list": rep(pq.Group{"x": opt(i32), "y": i32})}), structs,
			[]any{nil, g{r{}}, g{r{g{int32(7), int32(0)}}}, g{r{g{int32(1), int32(0)}, g{nil, int32(5)}, g{int32(3), int32(0)}}}}, structWant},
		{"struct in three levels", opt(pq.Group{"list": rep(pq.Group{"element": opt(pq.Group{"x": opt(i32)})})}), structs,
			[]any{nil, g{r{}}, g{r{g{g{int32(7)}}}}, g{r{g{g{int32(1)}}, g{g{nil}}, g{nil}}}}, []string{"", "[]", `[{"x":7}]`, `[{"x":1},{"x":null},null]`}},
		{"repeated value", rep(i32), ints, []any{r{}, r{int32(7)}, r{int32(1), int32(2)}}, []string{"[]", "[7]", "[1,2]"}},
		{"repeated group", rep(pq.Group{"x": opt(i32)}), structs, []any{r{}, r{g{int32(7)}, g{nil}}}, []string{"[]", `[{"x":7},{"x":null}]`}},
		{"list of lists in two levels", opt(pq.Group{"array": rep(pq.Group{"array": rep(i32)})}), listField("f", listField("element", leafField("element", types.Int32))),
			[]any{nil, g{r{}}, g{r{g{r{}}, g{r{int32(1), int32(2)}}, g{r{int32(3)}}}}}, []string{"", "[]", "[[],[1,2],[3]]"}},
		{"list of lists", opt(pq.List(opt(pq.List(opt(i32))))), listField("f", listField("element", leafField("element", types.Int32))),
			[]any{nil, g{r{}}, g{r{g{nil}, g{g{r{}}}, g{g{r{g{nil}, g{int32(1)}}}}}}}, []string{"", "[]", "[null,[],[null,1]]"}},
		{"map", opt(pq.Map(pq.String(), opt(i32))), kv, mapRows, mapWant},
		{"map with its older names", opt(pq.Group{"map": rep(pq.Group{"k": pq.String(), "v": opt(i32)})}), kv, mapRows, mapWant},
		{"map of keys only", opt(pq.Group{"map": rep(pq.Group{"key": pq.String()})}), kv,
			[]any{nil, g{r{}}, g{r{g{"a"}, g{"b"}}}}, []string{"", "{}", `{"a":null,"b":null}`}},
		{"map without a group around it", rep(pq.Group{"key": pq.String(), "value": opt(i32)}), kv,
			[]any{r{}, r{g{"a", int32(1)}, g{"b", nil}}}, []string{"{}", `{"a":1,"b":null}`}},
		{"map of integers to lists", opt(pq.Map(i32, opt(pq.List(opt(i32))))), mapField("f", leafField("key", types.Int32), listField("value", leafField("element", types.Int32))),
			[]any{nil, g{r{g{int32(5), nil}, g{int32(6), g{r{g{int32(1)}, g{nil}}}}}}}, []string{"", `{"5":null,"6":[1,null]}`}},
		{"struct", opt(pq.Group{"a": i32, "b": opt(pq.String())}), structField("f", leafField("b", types.String), leafField("a", types.Int64)),
			[]any{nil, g{int32(1), "x\n\x01"}, g{int32(2), nil}}, []string{"", `{"b":"x\n\u0001","a":1}`, `{"b":null,"a":2}`}},
		{"struct of missing fields", opt(pq.Group{"a": i32, "b": rep(i32)}), structField("f", leafField("z", types.String)),
			[]any{nil, g{int32(1), r{int32(1), int32(2)}}, g{int32(2), r{}}}, []string{"", `{"z":null}`, `{"z":null}`}},
		{"struct whose other fields repeat", opt(pq.Group{"b": rep(i32)}), structField("f", leafField("z", types.String)),
			[]any{nil, g{r{int32(1), int32(2)}}, g{r{}}}, []string{"", `{"z":null}`, `{"z":null}`}},
		{"list of structs of missing fields", opt(pq.List(opt(pq.Group{"b": rep(pq.Leaf(pq.BooleanType))}))), listField("f", structField("element", leafField("z", types.String))),
			[]any{nil, g{r{}}, g{r{g{g{r{true, false}}}, g{nil}, g{g{r{}}}}}}, []string{"", "[]", `[{"z":null},null,{"z":null}]`}},
		{"required struct", pq.Group{"a": opt(i32)}, structField("f", leafField("a", types.Int32)),
			[]any{g{nil}, g{int32(4)}}, []string{`{"a":null}`, `{"a":4}`}},
		{"deep", opt(pq.Group{"m": opt(pq.Map(pq.String(), opt(pq.Group{"l": opt(pq.List(opt(pq.Group{"x": opt(i32)})))})))}),
			structField("f", mapField("m", leafField("key", types.String), structField("value", listField("l", structField("element", leafField("x", types.Int32)))))),
			[]any{nil, g{nil}, g{g{r{g{"k", g{g{r{g{g{int32(1)}}, g{nil}}}}}, g{"l", nil}, g{"m", g{nil}}}}}},
			[]string{"", `{"m":null}`, `{"m":{"k":{"l":[{"x":1},null]},"l":null,"m":{"l":null}}}`}},
	}
}

// writeLayout writes n rows that repeat those of the case.
func writeLayout(t *rapid.T, c *layoutCase, n int) []byte {
	var buf bytes.Buffer
	w := pq.NewWriter(&buf, pq.NewSchema("table", pq.Group{"f": c.node}),
		pq.DataPageVersion(rapid.IntRange(1, 2).Draw(t, "page version")),
		pq.PageBufferSize(rapid.SampledFrom([]int{30, 200, 100000}).Draw(t, "page size")),
		pq.MaxRowsPerRowGroup(rapid.SampledFrom([]int64{25, 1000}).Draw(t, "rows per group")),
		pq.Compression(rapid.SampledFrom(codecs).Draw(t, "codec")))
	for i := range n {
		row, _ := shred(nil, c.node, c.rows[i%len(c.rows)], 0, 0, 0, 0)
		slices.SortStableFunc(row, func(a, b pq.Value) int { return a.Column() - b.Column() })
		if _, err := w.WriteRows([]pq.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestNestedLayouts(t *testing.T) {
	for _, c := range layoutCases() {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.SampledFrom([]int{len(c.rows), 60}).Draw(t, "rows")
				checkLayout(t, &c, writeLayout(t, &c, n), n)
			})
		})
	}
}

func checkLayout(t *rapid.T, c *layoutCase, data []byte, n int) {
	ctx := context.Background()
	f, err := parquet.Open(ctx, &memFile{data: data}, int64(len(data)), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Project([]parquet.Field{c.field}, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for k := range f.NumRowGroups() {
		ranges := genRanges(t, f.RowGroupRows(k))
		rd, err := p.NewRowGroupReader(ctx, k, parquet.ReadOptions{Ranges: ranges, BatchRows: rapid.SampledFrom([]int{0, 3, 7}).Draw(t, "batch")})
		if err != nil {
			t.Fatal(err)
		}
		for {
			m, at, err := rd.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			seen += m
			if rapid.IntRange(0, 3).Draw(t, "skip") == 0 {
				continue
			}
			var sel []uint16
			for i := rapid.IntRange(0, m).Draw(t, "first"); i < m && rapid.Bool().Draw(t, "select"); i += 2 {
				sel = append(sel, uint16(i))
			}
			v, err := rd.Read(ctx, 0, sel)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkVector(v, m); err != nil {
				t.Fatal(err)
			}
			for i := range m {
				if sel != nil && (len(sel) == 0 || int(sel[0]) != i) {
					continue
				}
				if sel != nil {
					sel = sel[1:]
					if len(sel) == 0 {
						sel = []uint16{}
					}
				}
				want := c.want[int(at+int64(i))%len(c.rows)]
				if got := v.Value(i); got.Valid != (want != "") || (got.Valid && got.S != want) {
					t.Fatalf("row %d is %v, want %q", at+int64(i), got, want)
				}
			}
		}
		if ranges == nil {
			rd.Close()
		}
	}
	if seen > n {
		t.Fatalf("%d rows of %d", seen, n)
	}
}

func TestNestedMismatchIsRefused(t *testing.T) {
	cases := layoutCases()
	var data []byte
	rapid.Check(t, func(t *rapid.T) {
		for _, c := range cases {
			if c.name == "struct" {
				data = writeLayout(t, &c, 3)
			}
		}
	})
	f := openBytes(t, data)
	for _, field := range []parquet.Field{
		listField("f", leafField("element", types.Int32)),
		mapField("f", leafField("key", types.String), leafField("value", types.Int32)),
		leafField("f", types.Int32),
		structField("f", leafField("b", types.Int32)),
		structField("f", structField("a", leafField("x", types.Int32))),
	} {
		var e *parquet.UnsupportedTypeError
		if _, err := f.Project([]parquet.Field{field}, false); !errors.As(err, &e) {
			t.Errorf("field %v: got %v", field, err)
		}
	}
}

func ExampleField() {
	f := parquet.Field{Name: "tags", Physical: "col-1", Kind: parquet.List, Children: []parquet.Field{{Name: "element", Type: types.Of(types.String)}}}
	fmt.Println(f.PhysicalName(), f.VectorType())
	// Output: col-1 json
}
