package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func prim(name string, k types.Kind) parquet.Field {
	return parquet.Field{Name: name, Type: types.Of(k), Nullable: true}
}

func listOf(name string, element parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.List, Nullable: true, Children: []parquet.Field{element}}
}

func structOf(name string, fields ...parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.Struct, Nullable: true, Children: fields}
}

func mapOf(name string, key, value parquet.Field) parquet.Field {
	return parquet.Field{Name: name, Kind: parquet.Map, Nullable: true, Children: []parquet.Field{key, value}}
}

var nestedFields = []parquet.Field{
	structOf("s", prim("i", types.Int32), prim("t", types.String), structOf("in", prim("d", types.Float64), listOf("l", prim("element", types.Int64)))),
	listOf("l", prim("element", types.String)),
	listOf("ll", listOf("element", prim("element", types.Int64))),
	listOf("ls", structOf("element", prim("i", types.Int32), prim("t", types.String))),
	mapOf("m", prim("key", types.String), prim("value", types.Int64)),
}

type nestedPair struct {
	I *int32  `parquet:"i,optional" json:"i,omitempty"`
	T *string `parquet:"t,optional" json:"t,omitempty"`
}

type nestedShape struct {
	S *struct {
		I  *int32  `parquet:"i,optional" json:"i,omitempty"`
		T  *string `parquet:"t,optional" json:"t,omitempty"`
		In *struct {
			D *float64 `parquet:"d,optional" json:"d,omitempty"`
			L []*int64 `parquet:"l,list,optional" json:"l,omitempty"`
		} `parquet:"in,optional" json:"in,omitempty"`
	} `parquet:"s,optional"`
	L  []*string         `parquet:"l,list,optional"`
	LL [][]int64         `parquet:"ll,list,optional" parquet-element:",list,optional"`
	LS []*nestedPair     `parquet:"ls,list,optional"`
	M  map[string]*int64 `parquet:"m,optional"`
}

func maybe[T any](t *rapid.T, g *rapid.Generator[T]) *T { return rapid.Ptr(g, true).Draw(t, "ptr") }

func drawNested(t *rapid.T) (n nestedShape) {
	ints := rapid.Ptr(rapid.Int64(), true)
	pair := rapid.Custom(func(t *rapid.T) *nestedPair {
		if rapid.Bool().Draw(t, "null") {
			return nil
		}
		return &nestedPair{I: maybe(t, rapid.Int32()), T: maybe(t, rapid.String())}
	})
	if rapid.Bool().Draw(t, "s") {
		s := reflect.New(reflect.TypeOf(n.S).Elem())
		reflect.ValueOf(&n.S).Elem().Set(s)
		n.S.I, n.S.T = maybe(t, rapid.Int32()), maybe(t, rapid.String())
		if rapid.Bool().Draw(t, "in") {
			in := reflect.New(reflect.TypeOf(n.S.In).Elem())
			reflect.ValueOf(&n.S.In).Elem().Set(in)
			n.S.In.D = maybe(t, rapid.Float64())
			n.S.In.L = rapid.SliceOfN(ints, 0, 4).Draw(t, "inl")
		}
	}
	n.L = rapid.SliceOfN(rapid.Ptr(rapid.String(), true), 0, 4).Draw(t, "l")
	n.LL = rapid.SliceOfN(rapid.SliceOfN(rapid.Int64(), 1, 3), 0, 3).Draw(t, "ll")
	n.LS = rapid.SliceOfN(pair, 0, 3).Draw(t, "ls")
	n.M = rapid.MapOfN(rapid.String(), ints, 0, 3).Draw(t, "m")
	return n
}

func jsonColumn(texts []any) *vector.Vector {
	v := vector.New(types.Of(types.JSON), 0)
	for _, x := range texts {
		if reflect.ValueOf(x).IsNil() {
			v.AppendNull()
			continue
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(x); err != nil {
			panic(err)
		}
		v.AppendValue(types.BytesValue(types.Of(types.JSON), b.String()))
	}
	return v
}

// normalise forgets the difference between empty and absent, which Go's slices blur.
func normalise(n nestedShape) string {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	s := string(b)
	for _, empty := range []string{"[]", "{}"} {
		s = strings.ReplaceAll(s, empty, "null")
	}
	return s
}

func TestWriterShredsNestedColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawNested), 0, 12).Draw(t, "rows")
		cols := make([][]any, 5)
		var nullS, nullL, nullM int64
		for _, r := range rows {
			for i, x := range []any{r.S, r.L, r.LL, r.LS, r.M} {
				cols[i] = append(cols[i], x)
			}
			if r.S == nil || r.S.T == nil {
				nullS++
			}
			if r.L == nil {
				nullL++
			}
			if r.M == nil {
				nullM++
			}
		}
		var buf bytes.Buffer
		w, err := parquet.NewWriter(&buf, nestedFields, parquet.WriterOptions{RowGroupRows: rapid.IntRange(1, 20).Draw(t, "group"), PageBytes: 20})
		if err != nil {
			t.Fatal(err)
		}
		b := &vector.Batch{Len: len(rows)}
		for _, c := range cols {
			b.Cols = append(b.Cols, jsonColumn(c))
		}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		stats, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := []int64{stats.Columns[0].Children[1].NullCount, stats.Columns[1].NullCount, stats.Columns[4].NullCount}; !reflect.DeepEqual(got, []int64{nullS, nullL, nullM}) {
			t.Fatalf("null counts %v, want %v", got, []int64{nullS, nullL, nullM})
		}
		got, err := pq.Read[nestedShape](bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(rows) {
			t.Fatalf("%d rows, want %d", len(got), len(rows))
		}
		for i := range rows {
			if g, w := normalise(got[i]), normalise(rows[i]); g != w {
				t.Fatalf("row %d\n got %s\nwant %s", i, g, w)
			}
		}
	})
}

// writeText writes one row of JSON text to a file of one column.
func writeText(f parquet.Field, text string) (*parquet.FileStats, error) {
	w, err := parquet.NewWriter(&bytes.Buffer{}, []parquet.Field{f}, parquet.WriterOptions{})
	if err != nil {
		return nil, err
	}
	v := vector.New(types.Of(types.JSON), 0)
	v.AppendValue(types.BytesValue(types.Of(types.JSON), text))
	if err := w.Write(&vector.Batch{Len: 1, Cols: []*vector.Vector{v}}); err != nil {
		return nil, err
	}
	return w.Close()
}

func TestWriterReadsTextOfEveryType(t *testing.T) {
	for _, c := range []struct {
		typ  types.Type
		text string
		want string // Value.String, or "error"
	}{
		{types.Of(types.Bool), "true", "1"}, {types.Of(types.Bool), `"false"`, "0"}, {types.Of(types.Bool), "2", "error"},
		{types.Of(types.Int8), "-128", "-128"}, {types.Of(types.Int8), "128", "error"}, {types.Of(types.Int64), `"9223372036854775807"`, "9223372036854775807"},
		{types.Of(types.Int64), "9223372036854775808", "error"}, {types.Of(types.Int32), "1.5", "error"},
		{types.Of(types.Float64), "1e300", "1e+300"}, {types.Of(types.Float64), `"-Infinity"`, "-Inf"}, {types.Of(types.Float64), `"inf"`, "error"},
		{types.Of(types.Float32), "1e300", "error"}, {types.Of(types.Float64), `""`, "error"},
		{types.DecimalOf(38, 3), "12345678901234567890123456789012345.678", "12345678901234567890123456789012345.678"},
		{types.DecimalOf(5, 2), "1.005", "error"}, {types.DecimalOf(5, 2), "1000", "error"}, {types.DecimalOf(5, 2), "-999.99", "-999.99"},
		{types.Of(types.Date), `"2024-02-29"`, "'2024-02-29'"}, {types.Of(types.Date), `"2023-02-29"`, "error"}, {types.Of(types.Date), "5", "error"},
		{types.Of(types.Date), `"1960-01-31"`, "'1960-01-31'"}, {types.Of(types.Date), `"2024-01-01x"`, "error"},
		{types.Of(types.Timestamp), `"2024-01-01T00:00:00.123456Z"`, "'2024-01-01 00:00:00.123456'"},
		{types.Of(types.Timestamp), `"2024-01-01T00:00:00.5+01:30"`, "'2023-12-31 22:30:00.5'"},
		{types.Of(types.Timestamp), `"1969-12-31 23:59:59.999999"`, "'1969-12-31 23:59:59.999999'"},
		{types.Of(types.Timestamp), `"2024-01-01T00:00:00.1234567Z"`, "error"}, {types.Of(types.Timestamp), `"2024-01-01T25:00:00Z"`, "error"},
		{types.Of(types.TimestampNTZ), `"2024-01-01T00:00:00.123456"`, "'2024-01-01 00:00:00.123456'"},
		{types.Of(types.TimestampNTZ), `"2024-01-01T00:00:00Z"`, "error"}, {types.Of(types.Timestamp), `"9999999-01-01T00:00:00Z"`, "error"},
		{types.Of(types.Binary), `"AP8="`, `"\x00\xff"`}, {types.Of(types.Binary), `"%"`, "error"},
		{types.Of(types.String), `"a\u0000\ud83d\ude00"`, `"a\x00😀"`}, {types.Of(types.String), "1", "error"}, {types.Of(types.String), `{"a":1}`, "error"},
	} {
		s, err := writeText(structOf("s", parquet.Field{Name: "f", Type: c.typ, Nullable: true}), `{"f":`+c.text+`}`)
		var wrong *parquet.TextError
		switch {
		case c.want == "error":
			if !errors.As(err, &wrong) || wrong.Column != "s.f" {
				t.Errorf("%s as %s: got %v, want a TextError on s.f", c.text, c.typ, err)
			}
		case err != nil:
			t.Errorf("%s as %s: %v", c.text, c.typ, err)
		case s.Columns[0].Children[0].Min.String() != c.want:
			t.Errorf("%s as %s: %s, want %s", c.text, c.typ, s.Columns[0].Children[0].Min, c.want)
		}
	}
}

func TestWriterRefusesTextThatDoesNotFit(t *testing.T) {
	s := structOf("s", prim("a", types.Int32), parquet.Field{Name: "b", Type: types.Of(types.Int32)})
	for _, c := range []struct {
		field parquet.Field
		text  string
	}{
		{s, `{"a":1}`},             // b is NOT NULL
		{s, `{"b":1,"c":2}`},       // no such field
		{s, `[1]`},                 // no object
		{s, `{"b":1`},              // cut short
		{s, `{"b":1} x`},           // something after
		{s, `{"b":01}`},            // a number that JSON does not know
		{s, `{"b":"\x"}`},          // escape
		{s, "{\"b\":\"\n\"}"},      // control character
		{s, `{"b":nul}`},           // no value
		{s, `{b:1}`},               // name without quotes
		{nestedFields[1], `"x"`},   // no array
		{nestedFields[1], `["x"`},  // cut short
		{nestedFields[4], `["x"]`}, // no object
		{nestedFields[2], strings.Repeat("[", 200) + strings.Repeat("]", 200)},
		{mapOf("m", prim("key", types.Int32), prim("value", types.Int32)), `{"x":1}`},
	} {
		_, err := writeText(c.field, c.text)
		var text *parquet.TextError
		var null *parquet.NullError
		if !errors.As(err, &text) && !errors.As(err, &null) {
			t.Errorf("%.60s: %v", c.text, err)
		}
	}
}

func TestMembersMatchFieldsByName(t *testing.T) {
	s := structOf("s", prim("a", types.Int32), prim("b", types.Int32), prim("c", types.Int32))
	for text, want := range map[string]string{
		`{"a":1,"b":2,"c":3}`:                   "1 2 3",
		`{"A":1,"b":2,"C":3}`:                   "1 2 3",
		`{"c":3,"b":2,"a":1}`:                   "1 2 3",
		`{"b":2}`:                               "NULL 2 NULL",
		`{"a":1,"A":2,"c":3}`:                   "2 NULL 3", // the last of equal names, as in MySQL
		`{"a":1,"b":2,"c":3,"a":4}`:             "4 2 3",
		`{"a":1,"b":2,"c":3,"other":null}`:      "1 2 3",
		`{"other":null,"x":null,"c":3}`:         "NULL NULL 3",
		`{"a":null,"b":null,"c":null}`:          "NULL NULL NULL",
		`{"c":null,"a":5,"b":6,"c":7,"z":null}`: "5 6 7",
	} {
		stats, err := writeText(s, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, c := range stats.Columns[0].Children {
			got = append(got, c.Min.String())
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s, want %s", text, g, want)
		}
	}
}
