package parquet_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var flatTypes = []types.Type{
	types.Of(types.Bool), types.Of(types.Int8), types.Of(types.Int16), types.Of(types.Int32), types.Of(types.Int64),
	types.Of(types.Float32), types.Of(types.Float64), types.Of(types.Date), types.Of(types.Timestamp), types.Of(types.TimestampNTZ),
	types.Of(types.String), types.Of(types.Binary),
	types.DecimalOf(1, 1), types.DecimalOf(9, 2), types.DecimalOf(10, 0), types.DecimalOf(18, 18), types.DecimalOf(19, 4), types.DecimalOf(38, 10),
}

// drawValue draws a value of t, from few distinct ones if narrow.
func drawValue(t *rapid.T, typ types.Type, narrow bool) types.Value {
	span := int64(math.MaxInt64)
	if narrow {
		span = 5
	}
	i := rapid.Int64Range(-span, span).Draw(t, "i")
	switch typ.Kind {
	case types.Bool:
		return types.IntValue(typ, i&1)
	case types.Int8:
		return types.IntValue(typ, int64(int8(i)))
	case types.Int16:
		return types.IntValue(typ, int64(int16(i)))
	case types.Int32, types.Date:
		return types.IntValue(typ, int64(int32(i)))
	case types.Float32:
		return types.FloatValue(typ, float64(float32(drawFloat(t, narrow))))
	case types.Float64:
		return types.FloatValue(typ, drawFloat(t, narrow))
	case types.String:
		if narrow {
			return types.StringValue(fmt.Sprint("key", i))
		}
		return types.StringValue(rapid.OneOf(rapid.String(), rapid.StringN(60, 90, -1)).Draw(t, "s"))
	case types.Binary:
		return types.BytesValue(typ, string(rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "b")))
	case types.Decimal:
		d := types.Int128{Lo: uint64(i) * 0x9e3779b97f4a7c15, Hi: i >> 3}
		if narrow {
			d = types.Int128From(i)
		}
		for limit := types.Pow10(int(typ.Precision)); d.Abs().Cmp(limit) >= 0; {
			d, _ = d.DivMod64(10)
		}
		return types.DecimalValue(typ, d)
	}
	return types.IntValue(typ, i)
}

func drawFloat(t *rapid.T, narrow bool) float64 {
	special := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1.5, -2.25})
	if narrow {
		return special.Draw(t, "f")
	}
	return rapid.OneOf(special, rapid.Float64()).Draw(t, "f")
}

// drawVector draws a vector of n rows; rows holds what it stands for.
func drawVector(t *rapid.T, typ types.Type, nullable bool, n int) (*vector.Vector, []types.Value) {
	narrow := rapid.Bool().Draw(t, "narrow")
	rows := make([]types.Value, n)
	v := vector.New(typ, 0)
	if typ.Kind == types.Decimal && rapid.Bool().Draw(t, "wide") {
		v = vector.NewPhys(typ, types.PhysI128, 0)
	}
	if rapid.Bool().Draw(t, "coded") {
		dict := make([]types.Value, rapid.IntRange(1, 4).Draw(t, "dictLen"))
		for i := range dict {
			dict[i] = drawValue(t, typ, narrow)
			v.AppendValue(dict[i])
		}
		c := &vector.Vector{Type: typ, Phys: v.Phys, Len: n, Dict: v, Codes: make([]int32, n)}
		c.Phys = v.Phys
		for i := range rows {
			c.Codes[i] = int32(rapid.IntRange(0, len(dict)-1).Draw(t, "code"))
			rows[i] = dict[c.Codes[i]]
			if nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
				c.SetNull(i)
				rows[i] = types.NullOf(typ)
			}
		}
		return c, rows
	}
	for i := range rows {
		rows[i] = drawValue(t, typ, narrow)
		if nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			rows[i] = types.NullOf(typ)
		}
		v.AppendValue(rows[i])
	}
	return v, rows
}

func TestWriterRoundTripsEveryFlatType(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := make([]parquet.Field, rapid.IntRange(1, 4).Draw(t, "fields"))
		var bloom []int
		for i := range fields {
			fields[i] = parquet.Field{
				Name: fmt.Sprint("c", i), FieldID: int32(i + 1),
				Type: rapid.SampledFrom(flatTypes).Draw(t, "type"), Nullable: rapid.Bool().Draw(t, "nullable"),
			}
			bloom = append(bloom, i)
		}
		opts := parquet.WriterOptions{
			RowGroupRows: rapid.SampledFrom([]int{0, 7, 64}).Draw(t, "group"),
			PageBytes:    rapid.SampledFrom([]int{0, 16, 200}).Draw(t, "page"),
			Compression:  rapid.SampledFrom([]parquet.Codec{parquet.Snappy, parquet.Zstd, parquet.Uncompressed}).Draw(t, "codec"),
			Workers:      rapid.IntRange(0, 3).Draw(t, "workers"),
			Bloom:        bloom, NoDictionary: rapid.Bool().Draw(t, "plain"),
		}
		want := make([][]types.Value, len(fields))
		var buf bytes.Buffer
		w, err := parquet.NewWriter(&buf, fields, opts)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 4).Draw(t, "batches") {
			b := &vector.Batch{Len: rapid.IntRange(0, 60).Draw(t, "rows")}
			if rapid.Bool().Draw(t, "select") {
				b.Sel = []uint16{}
				for i := range b.Len {
					if rapid.Bool().Draw(t, "live") {
						b.Sel = append(b.Sel, uint16(i))
					}
				}
			}
			for i, f := range fields {
				v, rows := drawVector(t, f.Type, f.Nullable, b.Len)
				b.Cols = append(b.Cols, v)
				for k := range b.Rows() {
					want[i] = append(want[i], rows[b.Row(k)])
				}
			}
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		stats, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		checkFile(t, buf.Bytes(), fields, want, stats)
		checkOwnReader(t, buf.Bytes(), fields, want)
	})
}

// checkFile reads data with another implementation and compares values, statistics, indexes and filters.
func checkFile(t *rapid.T, data []byte, fields []parquet.Field, want [][]types.Value, stats *parquet.FileStats) {
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != int64(len(want[0])) || stats.NumRows != f.NumRows() || stats.SizeBytes != int64(len(data)) {
		t.Fatalf("%d rows, stats %+v, want %d rows and %d bytes", f.NumRows(), stats, len(want[0]), len(data))
	}
	for i, field := range fields {
		checkFileStats(t, field, want[i], stats.Columns[i])
		at := 0
		for _, g := range f.RowGroups() {
			n := int(g.NumRows())
			checkChunk(t, field, g.ColumnChunks()[i], want[i][at:at+n])
			at += n
		}
	}
}

func checkFileStats(t *rapid.T, f parquet.Field, rows []types.Value, s parquet.ColumnFileStats) {
	var lo, hi types.Value
	nulls, nan := int64(0), false
	for _, v := range rows {
		switch {
		case !v.Valid:
			nulls++
		case math.IsNaN(v.F):
			nan = true
		default:
			if !lo.Valid || types.Compare(v, lo) < 0 {
				lo = v
			}
			if !hi.Valid || types.Compare(v, hi) > 0 {
				hi = v
			}
		}
	}
	if s.NullCount != nulls || s.HasNaN != nan || s.Min.Valid != lo.Valid || s.Max.Valid != hi.Valid {
		t.Fatalf("%s: stats %+v, want min %v max %v nulls %d nan %v", f.Type, s, lo, hi, nulls, nan)
	}
	if lo.Valid && (types.Compare(s.Min, lo) != 0 || types.Compare(s.Max, hi) != 0 || s.Min.Type != f.Type) {
		t.Fatalf("%s: stats %v to %v, want %v to %v", f.Type, s.Min, s.Max, lo, hi)
	}
	if lo.Valid && f.Type.IsFloat() && (s.Min.F == 0 && !math.Signbit(s.Min.F) || s.Max.F == 0 && math.Signbit(s.Max.F)) {
		t.Fatalf("the zeros of %v to %v have the wrong sign", s.Min, s.Max)
	}
}

// encodeValue is v as parquet-go holds it.
func encodeValue(v types.Value) pq.Value {
	switch t := v.Type; {
	case !v.Valid:
		return pq.NullValue()
	case t.Kind == types.Bool:
		return pq.BooleanValue(v.I == 1)
	case t.Kind == types.Float32:
		return pq.FloatValue(float32(v.F))
	case t.Kind == types.Float64:
		return pq.DoubleValue(v.F)
	case t.IsBytes():
		return pq.ByteArrayValue([]byte(v.S))
	case t.Kind == types.Decimal && t.Precision > 18:
		n := 1
		for limit := int64(1); types.Int128From(limit).Sign() > 0 && n < 16; n++ { // least n with 2^(8n-1) >= 10^p
			if f := math.Ldexp(1, 8*n-1); f >= math.Pow10(int(t.Precision)) {
				break
			}
		}
		b := make([]byte, n)
		for i, d := n-1, v.D; i >= 0; i-- {
			b[i] = byte(d.Lo)
			d.Lo = d.Lo>>8 | uint64(d.Hi)<<56
			d.Hi >>= 8
		}
		return pq.FixedLenByteArrayValue(b)
	case t.Kind == types.Decimal && t.Precision > 9:
		return pq.Int64Value(int64(v.D.Lo))
	case t.Kind == types.Decimal:
		return pq.Int32Value(int32(v.D.Lo))
	case t.Physical() == types.PhysI32:
		return pq.Int32Value(int32(v.I))
	}
	return pq.Int64Value(v.I)
}

func sameBits(a, b pq.Value) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	return bytes.Equal(a.AppendBytes(nil), b.AppendBytes(nil))
}

func checkChunk(t *rapid.T, f parquet.Field, c pq.ColumnChunk, rows []types.Value) {
	offsets, err := c.OffsetIndex()
	if err != nil || offsets == nil {
		t.Fatalf("no offset index: %v", err)
	}
	index, err := c.ColumnIndex()
	if err != nil {
		t.Fatal(err)
	}
	if index.NumPages() != offsets.NumPages() {
		t.Fatalf("%d pages in the column index, %d in the offset index", index.NumPages(), offsets.NumPages())
	}
	pages := c.Pages()
	defer pages.Close()
	at := 0
	for p := 0; ; p++ {
		page, err := pages.ReadPage()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if offsets.FirstRowIndex(p) != int64(at) {
			t.Fatalf("page %d begins at row %d, not %d", p, offsets.FirstRowIndex(p), at)
		}
		n := int(page.NumValues())
		got := make([]pq.Value, n)
		if k, err := page.Values().ReadValues(got); k != n || err != nil && err != io.EOF {
			t.Fatalf("%d of %d values: %v", k, n, err)
		}
		checkPage(t, f, c, index, p, got, rows[at:at+n])
		at += n
		pq.Release(page)
	}
	if at != len(rows) {
		t.Fatalf("%d rows in pages, want %d", at, len(rows))
	}
}

// compareSigned orders big-endian two's complement numbers of one length.
func compareSigned(a, b pq.Value) int {
	x, y := bytes.Clone(a.ByteArray()), bytes.Clone(b.ByteArray())
	x[0] ^= 0x80
	y[0] ^= 0x80
	return bytes.Compare(x, y)
}

func checkPage(t *rapid.T, f parquet.Field, c pq.ColumnChunk, index pq.ColumnIndex, p int, got []pq.Value, rows []types.Value) {
	bloom := c.BloomFilter()
	wantBloom := !f.Type.IsFloat() && f.Type.Kind != types.Bool
	nulls := int64(0)
	for i, v := range rows {
		w := encodeValue(v)
		if !sameBits(got[i], w) {
			t.Fatalf("%s: read %v, want %v (%v)", f.Type, got[i], w, v)
		}
		if !v.Valid {
			nulls++
			continue
		}
		if wantBloom {
			if bloom == nil {
				t.Fatal("no bloom filter")
			}
			if ok, err := bloom.Check(got[i]); !ok || err != nil {
				t.Fatalf("the filter does not know %v: %v", got[i], err)
			}
		}
		if !math.IsNaN(v.F) {
			cmp := c.Type().Compare
			if f.Type.Kind == types.Decimal && f.Type.Precision > 18 {
				cmp = compareSigned
			}
			if cmp(index.MinValue(p), got[i]) > 0 || cmp(index.MaxValue(p), got[i]) < 0 {
				t.Fatalf("%s: page bounds %v to %v do not hold %v", f.Type, index.MinValue(p), index.MaxValue(p), got[i])
			}
		}
	}
	if index.NullCount(p) != nulls || index.NullPage(p) != (nulls == int64(len(rows))) {
		t.Fatalf("page %d: %d nulls, index says %d", p, nulls, index.NullCount(p))
	}
}
