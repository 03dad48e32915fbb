package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// columnCase is a type of column in a file, and how its values are read.
type columnCase struct {
	name string
	node func() pq.Node
	encs []encoding.Encoding
	want []types.Type // the types to read it as; the first is its own
	gen  func(t *rapid.T) pq.Value
	conv func(v pq.Value, want types.Type) types.Value
}

var intEncodings = []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaBinaryPacked, &pq.ByteStreamSplit}

// genInt favours small, repeated and extreme values.
func genInt(bits int) func(t *rapid.T) int64 {
	lo, hi := int64(-1)<<(bits-1), int64(1)<<(bits-1)-1
	return func(t *rapid.T) int64 {
		switch rapid.IntRange(0, 5).Draw(t, "class") {
		case 0:
			return rapid.Int64Range(lo, hi).Draw(t, "any")
		case 1:
			return rapid.SampledFrom([]int64{lo, hi, 0, -1}).Draw(t, "edge")
		}
		return rapid.Int64Range(-10, 20).Draw(t, "small")
	}
}

func int32Case(name string, node pq.Node, bits int, want ...types.Type) columnCase {
	gen := genInt(bits)
	return columnCase{name: name, node: func() pq.Node { return node }, encs: intEncodings, want: want,
		gen:  func(t *rapid.T) pq.Value { return pq.Int32Value(int32(gen(t))) },
		conv: func(v pq.Value, want types.Type) types.Value { return convInt(int64(v.Int32()), want) }}
}

// convInt is what an integer of a file reads as.
func convInt(x int64, want types.Type) types.Value {
	switch {
	case want.IsFloat():
		return types.FloatValue(want, float64(x))
	case want.Kind == types.Decimal:
		d, _ := types.Int128From(x).Rescale(0, int(want.Scale))
		return types.DecimalValue(want, d)
	}
	return types.IntValue(want, x)
}

func int64Case(name string, node pq.Node, bits int, conv func(x int64, want types.Type) types.Value, want ...types.Type) columnCase {
	gen := genInt(bits)
	return columnCase{name: name, node: func() pq.Node { return node }, encs: intEncodings, want: want,
		gen:  func(t *rapid.T) pq.Value { return pq.Int64Value(gen(t)) },
		conv: func(v pq.Value, want types.Type) types.Value { return conv(v.Int64(), want) }}
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func scaled(scale int) func(x int64, want types.Type) types.Value {
	return func(x int64, want types.Type) types.Value {
		d, ok := types.Int128From(x).Rescale(scale, int(want.Scale))
		if !ok {
			panic("does not fit")
		}
		return types.DecimalValue(want, d)
	}
}

func genBytes(t *rapid.T) []byte {
	switch rapid.IntRange(0, 4).Draw(t, "class") {
	case 0:
		return []byte{}
	case 1:
		return rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "bytes")
	}
	return []byte("value " + rapid.SampledFrom([]string{"a", "b", "a longer one than sixteen bytes", "ü"}).Draw(t, "word"))
}

func columnCases() []columnCase {
	of := types.Of
	decimal := types.DecimalOf
	return slices.Concat([]columnCase{
		int32Case("int32", pq.Leaf(pq.Int32Type), 32, of(types.Int32), of(types.Int64), of(types.Float64), decimal(12, 2), decimal(38, 3)),
		int32Case("int8", pq.Int(8), 8, of(types.Int8), of(types.Int16), of(types.Int32), of(types.Int64), decimal(10, 0)),
		int32Case("int16", pq.Int(16), 16, of(types.Int16), of(types.Int32)),
		{name: "uint32", node: func() pq.Node { return pq.Uint(32) }, encs: intEncodings, want: []types.Type{of(types.Int64), of(types.Uint64)},
			gen:  func(t *rapid.T) pq.Value { return pq.Int32Value(int32(genInt(32)(t))) },
			conv: func(v pq.Value, want types.Type) types.Value { return types.IntValue(want, int64(uint32(v.Int32()))) }},
		int32Case("date", pq.Date(), 22, of(types.Date)),
		{name: "date-as-timestamp", node: pq.Date, encs: intEncodings, want: []types.Type{of(types.TimestampNTZ)},
			gen:  func(t *rapid.T) pq.Value { return pq.Int32Value(int32(genInt(22)(t))) },
			conv: func(v pq.Value, want types.Type) types.Value { return types.IntValue(want, int64(v.Int32())*86400e6) }},
		{name: "decimal32", node: func() pq.Node { return pq.Decimal(2, 9, pq.Int32Type) }, encs: intEncodings,
			want: []types.Type{decimal(9, 2), decimal(18, 4), decimal(38, 2), decimal(30, 10)},
			gen:  func(t *rapid.T) pq.Value { return pq.Int32Value(int32(genInt(30)(t))) },
			conv: func(v pq.Value, want types.Type) types.Value { return scaled(2)(int64(v.Int32()), want) }},
		int64Case("int64", pq.Leaf(pq.Int64Type), 64, convInt, of(types.Int64), decimal(20, 0)),
		int64Case("uint64", pq.Uint(64), 64, convInt, of(types.Uint64)),
		int64Case("decimal64", pq.Decimal(3, 18, pq.Int64Type), 59, scaled(3), decimal(18, 3), decimal(20, 5), decimal(38, 3)),
		int64Case("micros", pq.Timestamp(pq.Microsecond), 60, convInt, of(types.Timestamp), of(types.TimestampNTZ)),
		int64Case("millis", pq.TimestampAdjusted(pq.Millisecond, false), 50, func(x int64, want types.Type) types.Value {
			return types.IntValue(want, x*1000)
		}, of(types.TimestampNTZ), of(types.Timestamp)),
		int64Case("nanos", pq.Timestamp(pq.Nanosecond), 64, func(x int64, want types.Type) types.Value {
			return types.IntValue(want, floorDivide(x, 1000))
		}, of(types.Timestamp)),
		int64Case("time", pq.Time(pq.Microsecond), 36, convInt, of(types.Time)),
	}, otherCases(), wideCases())
}

var (
	stringEncodings = []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaLengthByteArray, &pq.DeltaByteArray}
	fixedEncodings  = []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaByteArray, &pq.ByteStreamSplit}
)

func otherCases() []columnCase {
	of := types.Of
	floats := []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.ByteStreamSplit}
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1.5, 1e30}
	return []columnCase{
		{name: "bool", node: func() pq.Node { return pq.Leaf(pq.BooleanType) }, encs: []encoding.Encoding{&pq.Plain, &pq.RLE}, want: []types.Type{of(types.Bool)},
			gen:  func(t *rapid.T) pq.Value { return pq.BooleanValue(rapid.Bool().Draw(t, "b")) },
			conv: func(v pq.Value, _ types.Type) types.Value { return types.BoolValue(v.Boolean()) }},
		{name: "float", node: func() pq.Node { return pq.Leaf(pq.FloatType) }, encs: floats, want: []types.Type{of(types.Float32), of(types.Float64)},
			gen:  func(t *rapid.T) pq.Value { return pq.FloatValue(float32(rapid.SampledFrom(special).Draw(t, "f"))) },
			conv: func(v pq.Value, want types.Type) types.Value { return types.FloatValue(want, float64(v.Float())) }},
		{name: "double", node: func() pq.Node { return pq.Leaf(pq.DoubleType) }, encs: floats, want: []types.Type{of(types.Float64)},
			gen: func(t *rapid.T) pq.Value {
				if rapid.Bool().Draw(t, "special") {
					return pq.DoubleValue(rapid.SampledFrom(special).Draw(t, "f"))
				}
				return pq.DoubleValue(rapid.Float64().Draw(t, "f"))
			},
			conv: func(v pq.Value, want types.Type) types.Value { return types.FloatValue(want, v.Double()) }},
		{name: "string", node: pq.String, encs: stringEncodings, want: []types.Type{of(types.String), of(types.Binary)},
			gen:  func(t *rapid.T) pq.Value { return pq.ByteArrayValue(genBytes(t)) },
			conv: func(v pq.Value, want types.Type) types.Value { return types.BytesValue(want, string(v.ByteArray())) }},
		{name: "fixed", node: func() pq.Node { return pq.Leaf(pq.FixedLenByteArrayType(5)) }, encs: fixedEncodings, want: []types.Type{of(types.Binary)},
			gen: func(t *rapid.T) pq.Value {
				return pq.FixedLenByteArrayValue(rapid.SliceOfN(rapid.ByteRange('a', 'c'), 5, 5).Draw(t, "bytes"))
			},
			conv: func(v pq.Value, want types.Type) types.Value { return types.BytesValue(want, string(v.ByteArray())) }},
		{name: "uuid", node: pq.UUID, encs: fixedEncodings, want: []types.Type{of(types.String), of(types.Binary)},
			gen: func(t *rapid.T) pq.Value {
				return pq.FixedLenByteArrayValue(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
			},
			conv: func(v pq.Value, want types.Type) types.Value {
				b := v.ByteArray()
				if want.Kind == types.String {
					return types.StringValue(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
				}
				return types.BytesValue(want, string(b))
			}},
	}
}

func wideCases() []columnCase {
	of := types.Of
	decimal := types.DecimalOf
	return []columnCase{
		{name: "decimal128", node: func() pq.Node { return pq.Decimal(4, 38, pq.FixedLenByteArrayType(16)) }, encs: fixedEncodings, want: []types.Type{decimal(38, 4)},
			gen: func(t *rapid.T) pq.Value { return pq.FixedLenByteArrayValue(bigEndian(genInt(64)(t), genInt(60)(t))) },
			conv: func(v pq.Value, want types.Type) types.Value {
				return types.DecimalValue(want, fromBigEndian(v.ByteArray()))
			}},
		{name: "decimal-fixed", node: func() pq.Node { return pq.Decimal(2, 10, pq.FixedLenByteArrayType(5)) }, encs: fixedEncodings, want: []types.Type{decimal(10, 2), decimal(22, 4)},
			gen: func(t *rapid.T) pq.Value { return pq.FixedLenByteArrayValue(bigEndian(genInt(34)(t), 0)[11:]) },
			conv: func(v pq.Value, want types.Type) types.Value {
				d, _ := fromBigEndian(v.ByteArray()).Rescale(2, int(want.Scale))
				return types.DecimalValue(want, d)
			}},
		{name: "decimal-bytes", node: func() pq.Node { return pq.Decimal(2, 20, pq.ByteArrayType) }, encs: stringEncodings, want: []types.Type{decimal(20, 2)},
			gen: func(t *rapid.T) pq.Value {
				return pq.ByteArrayValue(bigEndian(genInt(39)(t), 0)[rapid.IntRange(0, 11).Draw(t, "cut"):])
			},
			conv: func(v pq.Value, want types.Type) types.Value {
				return types.DecimalValue(want, fromBigEndian(v.ByteArray()))
			}},
		{name: "int96", node: func() pq.Node { return pq.Leaf(pq.Int96Type) }, encs: []encoding.Encoding{&pq.Plain, &pq.RLEDictionary}, want: []types.Type{of(types.Timestamp), of(types.TimestampNTZ)},
			gen: func(t *rapid.T) pq.Value {
				nanos := uint64(rapid.Int64Range(0, 86400e9-1).Draw(t, "nanos"))
				day := rapid.Uint32Range(1721426, 5373484).Draw(t, "day") // years 1 to 9999
				return pq.Int96Value(deprecated.Int96{uint32(nanos), uint32(nanos >> 32), day})
			},
			conv: func(v pq.Value, want types.Type) types.Value {
				x := v.Int96()
				nanos := int64(uint64(x[1])<<32 | uint64(x[0]))
				return types.IntValue(want, (int64(x[2])-2440588)*86400e6+nanos/1000)
			}},
	}
}

func bigEndian(lo, hi int64) []byte {
	if hi == 0 && lo < 0 {
		hi = -1
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(hi))
	return binary.BigEndian.AppendUint64(b, uint64(lo))
}

func fromBigEndian(b []byte) types.Int128 {
	x := types.Int128From(int64(int8(b[0])))
	for _, c := range b[1:] {
		x = types.Int128{Hi: x.Hi<<8 | int64(x.Lo>>56), Lo: x.Lo<<8 | uint64(c)}
	}
	return x
}

// testFile is a file and what is in it.
type testFile struct {
	data   []byte
	fields []parquet.Field
	rows   [][]types.Value // by column, as the fields' types
	encs   []encoding.Encoding
}

// genFile writes a file of random columns with the Parquet library.
func genFile(t *rapid.T, maxRows int) *testFile {
	cases := columnCases()
	n := rapid.SampledFrom([]int{0, 1, 70, maxRows, maxRows + 13}).Draw(t, "rows")
	cols := rapid.IntRange(1, 3).Draw(t, "columns")
	group := pq.Group{}
	f := &testFile{rows: make([][]types.Value, cols)}
	rows := make([]pq.Row, n)
	for c := range cols {
		k := rapid.SampledFrom(cases).Draw(t, "case")
		enc := rapid.SampledFrom(k.encs).Draw(t, "encoding")
		want := rapid.SampledFrom(k.want).Draw(t, "want")
		nulls := rapid.SampledFrom([]int{0, 0, 1, 50, 100}).Draw(t, "null percent")
		optional := nulls > 0 || rapid.Bool().Draw(t, "optional")
		node := pq.Encoded(k.node(), enc)
		if optional {
			node = pq.Optional(node)
		}
		name := fmt.Sprintf("c%d", c)
		group[name] = node
		f.fields = append(f.fields, parquet.Field{Name: name, Type: want, Nullable: optional})
		f.encs = append(f.encs, enc)
		f.rows[c] = make([]types.Value, n)
		distinct := make([]pq.Value, 40)
		for i := range distinct {
			distinct[i] = k.gen(t)
		}
		salt := rapid.Uint16().Draw(t, "salt")
		for i := range rows {
			if nulls > 0 && (i*int(salt)>>3)%100 < nulls {
				f.rows[c][i] = types.NullOf(want)
				rows[i] = append(rows[i], pq.NullValue().Level(0, 0, c))
				continue
			}
			v := distinct[(i*7919+c)%len(distinct)]
			f.rows[c][i] = k.conv(v, want)
			def := 0
			if optional {
				def = 1
			}
			rows[i] = append(rows[i], v.Level(0, def, c))
		}
	}
	f.write(t, group, rows)
	return f
}

var codecs = []compress.Codec{&pq.Uncompressed, &pq.Snappy, &pq.Gzip, &pq.Brotli, &pq.Zstd, &pq.Lz4Raw}

func (f *testFile) write(t *rapid.T, group pq.Group, rows []pq.Row) {
	var buf bytes.Buffer
	perGroup := rapid.SampledFrom([]int64{1 << 30, 100, 333}).Draw(t, "rows per group")
	w := pq.NewWriter(&buf, pq.NewSchema("table", group),
		pq.Compression(rapid.SampledFrom(codecs).Draw(t, "codec")),
		pq.DataPageVersion(rapid.IntRange(1, 2).Draw(t, "page version")),
		pq.PageBufferSize(rapid.SampledFrom([]int{64, 500, 100000}).Draw(t, "page size")),
		pq.MaxRowsPerRowGroup(perGroup),
		pq.DictionaryMaxBytes(rapid.SampledFrom([]int64{0, 30, 200}).Draw(t, "dictionary")),
	)
	for len(rows) > 0 {
		k := min(len(rows), rapid.SampledFrom([]int{1, 64, 1000}).Draw(t, "write"))
		if _, err := w.WriteRows(rows[:k]); err != nil {
			t.Fatal(err)
		}
		rows = rows[k:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f.data = buf.Bytes()
}

// sameValue compares exactly: NaN equals NaN, and zeros differ by their sign.
func sameValue(a, b types.Value) bool {
	if a.Type.IsFloat() && a.Valid && b.Valid {
		return a.Type == b.Type && (math.Float64bits(a.F) == math.Float64bits(b.F) || (a.F != a.F && b.F != b.F))
	}
	return a == b
}

// checkVector checks what must hold of every vector and returns row i boxed only if it is well formed.
func checkVector(v *vector.Vector, n int) error {
	if v.Len != n {
		return fmt.Errorf("the vector has %d rows, want %d", v.Len, n)
	}
	if v.Valid != nil && len(v.Valid) != (n+63)/64 {
		return fmt.Errorf("the validity has %d words for %d rows", len(v.Valid), n)
	}
	for i := range n {
		v.Value(i) // must not panic for any row, NULL or not
		if v.Codes != nil && (v.Codes[i] < 0 || int(v.Codes[i]) >= v.Dict.Len) {
			return fmt.Errorf("row %d has code %d of %d", i, v.Codes[i], v.Dict.Len)
		}
	}
	return nil
}

// checkRandomReads reads row ranges and selections drawn by t, and compares with the rows of the file.
func checkRandomReads(t *rapid.T, f *testFile) {
	pf, err := parquet.Open(context.Background(), &memFile{data: f.data}, int64(len(f.data)), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pf.Project(f.fields, false)
	if err != nil {
		t.Fatal(err)
	}
	if pf.NumRows() != int64(len(f.rows[0])) {
		t.Fatalf("%d rows, want %d", pf.NumRows(), len(f.rows[0]))
	}
	var first int64
	kept := keptPages{}
	for g := range pf.NumRowGroups() {
		n := pf.RowGroupRows(g)
		for range 2 { // with pages that were read before, and others
			readGroup(t, f, p, g, first, n, genRanges(t, n), kept)
		}
		first += n
	}
}

// keptPages keeps every page that is offered.
type keptPages map[parquet.PageKey]*parquet.Page

func (k keptPages) Page(key parquet.PageKey) *parquet.Page           { return k[key] }
func (k keptPages) KeepPage(key parquet.PageKey, page *parquet.Page) { k[key] = page }

func genRanges(t *rapid.T, n int64) []parquet.RowRange {
	if rapid.Bool().Draw(t, "all rows") {
		return nil
	}
	out := []parquet.RowRange{}
	at := int64(0)
	for at < n && len(out) < 5 {
		from := rapid.Int64Range(at, n).Draw(t, "from")
		to := min(n, from+rapid.SampledFrom([]int64{0, 1, 10, 100}).Draw(t, "length"))
		out = append(out, parquet.RowRange{From: from, To: to})
		at = to + 1
	}
	return out
}

func readGroup(t *rapid.T, f *testFile, p *parquet.Projection, g int, first, rows int64, ranges []parquet.RowRange, kept parquet.Pages) {
	ctx := context.Background()
	r, err := p.NewRowGroupReader(ctx, g, parquet.ReadOptions{Ranges: ranges, BatchRows: rapid.SampledFrom([]int{0, 3, 64, 100}).Draw(t, "batch"), Pages: kept})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if ranges == nil {
		ranges = []parquet.RowRange{{From: 0, To: rows}}
	}
	wanted := map[int64]bool{}
	for _, g := range ranges {
		for i := g.From; i < g.To; i++ {
			wanted[first+i] = true
		}
	}
	for {
		n, at, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if !wanted[at+int64(i)] {
				t.Fatalf("row %d is in a batch twice or was not asked for", at+int64(i))
			}
			delete(wanted, at+int64(i))
		}
		for c := range f.fields {
			readBatch(t, f, r, c, at, n)
		}
	}
	if len(wanted) > 0 {
		t.Fatalf("%d rows did not come", len(wanted))
	}
}

func readBatch(t *rapid.T, f *testFile, r *parquet.RowGroupReader, c int, at int64, n int) {
	mode := rapid.IntRange(0, 4).Draw(t, "mode")
	if mode == 0 {
		return
	}
	var sel []uint16
	if mode > 2 {
		sel = []uint16{}
		every := rapid.SampledFrom([]int{2, 10, 50}).Draw(t, "every")
		for i := rapid.IntRange(0, every).Draw(t, "start"); i < n; i += every {
			sel = append(sel, uint16(i))
		}
	}
	v, err := r.Read(context.Background(), c, sel)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkVector(v, n); err != nil {
		t.Fatal(err)
	}
	check := func(i int) {
		got, want := v.Value(i), f.rows[c][at+int64(i)]
		if !sameValue(got, want) {
			t.Fatalf("column %d row %d is %v, want %v", c, at+int64(i), got, want)
		}
	}
	if sel == nil {
		for i := range n {
			check(i)
		}
		return
	}
	for _, i := range sel {
		check(int(i))
	}
}

func TestReadAnyFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile(t, 1000)
		for range 3 {
			checkRandomReads(t, f)
		}
	})
}
