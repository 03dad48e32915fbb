package wire_test

import (
	"context"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/server/wire"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func TestAppendFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "-0", 1: "1", -1.5: "-1.5", 0.1: "0.1", 1e14: "100000000000000", 1e15: "1e15", -1e15: "-1e15", 1.5e300: "1.5e300",
		123456789012345678: "1.2345678901234568e17", 1e-15: "0.000000000000001", 1e-16: "1e-16", 1.25e-300: "1.25e-300", 999999999999999: "999999999999999",
		math.MaxFloat64: "1.7976931348623157e308", math.SmallestNonzeroFloat64: "5e-324", math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := string(wire.AppendFloat(nil, f, 64)); got != want {
			t.Errorf("%g is %s, want %s", f, got, want)
		}
	}
	if got := string(wire.AppendFloat(nil, math.NaN(), 64)); got != "NaN" {
		t.Error(got)
	}
	if got := string(wire.AppendFloat(nil, float64(float32(16777216.5)), 32)); got != "16777216" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if back, err := strconv.ParseFloat(string(wire.AppendFloat(nil, f, 64)), 64); err != nil || back != f {
			t.Fatalf("%g reads back as %g", f, back)
		}
	})
}

// Numbers with few digits, and their neighbours, are printed like all others.
func TestAppendShortFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.Int64Range(-1e16, 1e16).Draw(t, "digits") / int64(math.Pow10(rapid.IntRange(0, 15).Draw(t, "cut")))
		f := float64(digits) / math.Pow10(rapid.IntRange(0, 14).Draw(t, "scale"))
		switch rapid.IntRange(0, 3).Draw(t, "neighbour") {
		case 0:
			f = math.Nextafter(f, math.Inf(1))
		case 1:
			f = math.Nextafter(f, math.Inf(-1))
		}
		if a := math.Abs(f); a != 0 && a < 1e-15 || a >= 1e15 {
			return // printed with an exponent
		}
		if got, want := string(wire.AppendFloat(nil, f, 64)), strconv.FormatFloat(f, 'f', -1, 64); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// BenchmarkAppendFloat prints numbers of three decimals and numbers of sixteen digits.
func BenchmarkAppendFloat(b *testing.B) {
	for name, f := range map[string]float64{"short": 123.456, "long": math.Pi} {
		b.Run(name, func(b *testing.B) {
			var buf [64]byte
			for range b.N {
				wire.AppendFloat(buf[:0], f, 64)
			}
		})
	}
}

func TestAppendTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-62167219200e6, 253402300799999999).Draw(t, "us") // years 0 to 9999
		want := time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.000000")
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")
		cut := len(want) - 6 + decimals
		if decimals == 0 {
			cut--
		}
		if got := string(wire.AppendDatetime(nil, us, decimals)); got != want[:cut] {
			t.Fatalf("%d is %s, want %s", us, got, want[:cut])
		}
	})
	for us, want := range map[int64]string{0: "00:00:00.000", -1500000: "-00:00:01.500", 838*3600e6 + 59*60e6 + 59e6: "838:59:59.000", 100 * 3600e6: "100:00:00.000"} {
		if got := string(wire.AppendTime(nil, us, 3)); got != want {
			t.Errorf("%d is %s, want %s", us, got, want)
		}
	}
	for days, want := range map[int64]string{0: "1970-01-01", -719528: "0000-01-01", 2932896: "9999-12-31", 2932897: "10000-01-01", -719529: "-0001-12-31"} {
		if got := string(wire.AppendDate(nil, days)); got != want {
			t.Errorf("day %d is %s, want %s", days, got, want)
		}
	}
}

// packets collects what a Sink writes.
type packets struct{ b []byte }

func (p *packets) WritePackets(b []byte) error { p.b = append(p.b, b...); return nil }

// payloads joins and splits what was written.
func (p *packets) payloads(t *testing.T) [][]byte {
	t.Helper()
	var out [][]byte
	more := false
	for b := p.b; len(b) > 0; {
		n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		if more {
			out[len(out)-1] = append(out[len(out)-1], b[4:4+n]...)
		} else {
			out = append(out, append([]byte(nil), b[4:4+n]...))
		}
		more, b = n == 1<<24-1, b[4+n:]
	}
	if more {
		t.Error("a full packet is not followed by another")
	}
	return out
}

func begin(t *testing.T, binary bool, schema sql.Schema, loc *time.Location) (*wire.Sink, *packets) {
	t.Helper()
	p := &packets{}
	s := wire.NewSink(wire.Options{Transport: p, Binary: binary, Context: sql.NewContext(context.Background()), Begin: func([]*querypb.Field) error { return nil }})
	if err := s.Begin(schema, loc); err != nil {
		t.Fatal(err)
	}
	return s, p
}

// TestZones shows one instant before, within and after a change of the clock.
func TestZones(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s, p := begin(t, false, sql.Schema{{Name: "ts", Type: hosttypes.MustCreateDatetimeType(sqltypes.Timestamp, 6)}}, loc)
	v := vector.New(types.Of(types.Timestamp), 0)
	var want []string
	for _, x := range []time.Time{time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2500, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)} {
		v.AppendValue(types.IntValue(v.Type, x.UnixMicro()))
		want = append(want, "\x1a"+x.In(loc).Format("2006-01-02 15:04:05.000000"))
	}
	if err := s.WriteBatch(&vector.Batch{Len: v.Len, Cols: []*vector.Vector{v}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	for i, row := range p.payloads(t) {
		if string(row) != want[i] {
			t.Errorf("%q, want %q", row, want[i])
		}
	}
}

// TestConversions sends vectors of another type than the column's in the binary protocol.
func TestConversions(t *testing.T) {
	big, _ := new(big.Int).SetString("99999999999999999999", 10)
	wide, _ := types.Int128FromBig(big)
	for _, tc := range []struct {
		typ  sql.Type
		val  types.Value
		want string // after the header of the row; "error"
	}{
		{hosttypes.Int64, types.DecimalValue(types.DecimalOf(5, 1), types.Int128From(25)), "\x03\x00\x00\x00\x00\x00\x00\x00"},
		{hosttypes.Int32, types.IntValue(types.Of(types.Int64), -2), "\xfe\xff\xff\xff"}, {hosttypes.Int8, types.BoolValue(true), "\x01"},
		{hosttypes.Int16, types.FloatValue(types.Of(types.Float64), 7.5), "\x08\x00"}, {hosttypes.Int64, types.StringValue("12"), "\x0c\x00\x00\x00\x00\x00\x00\x00"},
		{hosttypes.Int64, types.StringValue("x"), "error"}, {hosttypes.Int64, types.DecimalValue(types.DecimalOf(38, 0), wide), "error"},
		{hosttypes.Float64, types.IntValue(types.Of(types.Int64), 1), "\x00\x00\x00\x00\x00\x00\xf0\x3f"}, {hosttypes.Float32, types.FloatValue(types.Of(types.Float64), 1), "\x00\x00\x80\x3f"},
		{hosttypes.LongText, types.IntValue(types.Of(types.Int64), -5), "\x02-5"}, {hosttypes.MustCreateDecimalType(10, 2), types.DecimalValue(types.DecimalOf(10, 2), types.Int128From(5)), "\x040.05"},
		{hosttypes.Date, types.IntValue(types.Of(types.Date), 0), "\x04\xb2\x07\x01\x01"}, {hosttypes.DatetimeMaxPrecision, types.IntValue(types.Of(types.Date), 0), "\x07\xb2\x07\x01\x01\x00\x00\x00"},
		{hosttypes.DatetimeMaxPrecision, types.IntValue(types.Of(types.TimestampNTZ), 1), "\x0b\xb2\x07\x01\x01\x00\x00\x00\x01\x00\x00\x00"},
		{hosttypes.Datetime, types.IntValue(types.Of(types.TimestampNTZ), 1), "\x07\xb2\x07\x01\x01\x00\x00\x00"},
		{hosttypes.Time, types.IntValue(types.Of(types.Time), -25*3600e6), "\x08\x01\x01\x00\x00\x00\x01\x00\x00"}, {hosttypes.Time, types.IntValue(types.Of(types.Time), 0), "\x00"},
		{hosttypes.Date, types.StringValue("x"), "error"}, {hosttypes.Time, types.StringValue("x"), "error"},
	} {
		s, p := begin(t, true, sql.Schema{{Name: "c", Type: tc.typ}}, nil)
		v := vector.New(tc.val.Type, 0)
		v.AppendValue(tc.val)
		err := s.WriteBatch(&vector.Batch{Len: 1, Cols: []*vector.Vector{v}})
		if tc.want == "error" {
			if err == nil {
				t.Errorf("%s as %s is sent", tc.val, tc.typ)
			}
			continue
		}
		_ = s.Flush()
		if rows := p.payloads(t); err != nil || len(rows) != 1 || string(rows[0]) != "\x00\x00"+tc.want {
			t.Errorf("%s as %s: %q, want %q (%v)", tc.val, tc.typ, rows, tc.want, err)
		}
	}
}

// TestDictionaries compares dictionary-coded columns with flat ones, selections and NULLs included.
func TestDictionaries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dict := vector.New(types.Of(types.String), 0)
		for _, s := range rapid.SliceOfN(rapid.StringN(0, 5, 20), 1, 5).Draw(t, "values") {
			dict.AppendValue(types.StringValue(s))
		}
		outer := &testing.T{}
		schema := sql.Schema{{Name: "c", Type: hosttypes.LongText, Nullable: true}}
		binary := rapid.Bool().Draw(t, "binary")
		a, pa := begin(outer, binary, schema, nil)
		b, pb := begin(outer, binary, schema, nil)
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			codes := rapid.SliceOfN(rapid.Int32Range(0, int32(dict.Len)-1), 1, 20).Draw(t, "codes")
			v := &vector.Vector{Type: dict.Type, Phys: dict.Phys, Len: len(codes), Codes: codes, Dict: dict}
			for i := range codes {
				if rapid.Bool().Draw(t, "null") {
					v.SetNull(i)
				}
			}
			var sel []uint16
			if rapid.Bool().Draw(t, "select") {
				sel = []uint16{}
				for i := range codes {
					if rapid.Bool().Draw(t, "in") {
						sel = append(sel, uint16(i))
					}
				}
			}
			if a.WriteBatch(&vector.Batch{Len: v.Len, Sel: sel, Cols: []*vector.Vector{v}}) != nil || b.WriteBatch(&vector.Batch{Len: v.Len, Sel: sel, Cols: []*vector.Vector{v.Flat()}}) != nil {
				t.Fatal("not written")
			}
		}
		if a.Flush() != nil || b.Flush() != nil || string(pa.b) != string(pb.b) || a.Rows() != b.Rows() {
			t.Fatalf("%q\n%q", pa.b, pb.b)
		}
	})
}

// TestPacketLimit splits rows around the greatest length of a packet.
func TestPacketLimit(t *testing.T) {
	for _, n := range []int{1<<24 - 6, 1<<24 - 5, 1<<24 - 4, 2*(1<<24-1) - 5, 2*(1<<24-1) - 4} {
		s, p := begin(t, false, sql.Schema{{Name: "c", Type: hosttypes.LongText}}, nil)
		v := vector.New(types.Of(types.String), 0)
		v.AppendValue(types.StringValue(strings.Repeat("x", n)))
		v.AppendValue(types.StringValue("y"))
		if err := s.WriteBatch(&vector.Batch{Len: 2, Cols: []*vector.Vector{v}}); err != nil {
			t.Fatal(err)
		}
		_ = s.Flush()
		rows := p.payloads(t)
		if len(rows) != 2 || !strings.HasSuffix(string(rows[0]), strings.Repeat("x", n)) || string(rows[1]) != "\x01y" {
			t.Errorf("%d bytes: %d rows", n, len(rows))
		}
	}
}

func TestMisuse(t *testing.T) {
	s, _ := begin(t, false, sql.Schema{{Name: "c", Type: hosttypes.LongText}}, nil)
	if s.WriteBatch(&vector.Batch{Len: 1}) == nil {
		t.Error("a batch without the column is written")
	}
	if s.Begin(nil, nil) == nil {
		t.Error("begun twice")
	}
}

func BenchmarkText(b *testing.B) {
	schema := sql.Schema{{Name: "a", Type: hosttypes.Int64}, {Name: "b", Type: hosttypes.Float64}, {Name: "c", Type: hosttypes.LongText}, {Name: "d", Type: hosttypes.DatetimeMaxPrecision},
		{Name: "e", Type: hosttypes.MustCreateDecimalType(12, 2)}, {Name: "f", Type: hosttypes.Int32}}
	n := 8192
	batch := &vector.Batch{Len: n, Cols: []*vector.Vector{vector.New(types.Of(types.Int64), n), vector.New(types.Of(types.Float64), n), vector.New(types.Of(types.String), 0),
		vector.New(types.Of(types.TimestampNTZ), n), vector.New(types.DecimalOf(12, 2), n), vector.New(types.Of(types.Int32), n)}}
	for i := range n {
		batch.Cols[0].I64[i], batch.Cols[1].F64[i] = int64(i)*12345, float64(i)*1.25
		batch.Cols[2].AppendValue(types.StringValue("customer name"))
		batch.Cols[3].I64[i], batch.Cols[4].I64[i], batch.Cols[5].I32[i] = 1700000000000000+int64(i)*1000, int64(i), int32(i)
	}
	for _, binary := range []bool{false, true} {
		b.Run(map[bool]string{false: "text", true: "binary"}[binary], func(b *testing.B) {
			s := wire.NewSink(wire.Options{Transport: drop{}, Binary: binary, Context: sql.NewContext(context.Background()), Begin: func([]*querypb.Field) error { return nil }})
			if err := s.Begin(schema, nil); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := s.WriteBatch(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.Rows())/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

type drop struct{}

func (drop) WritePackets([]byte) error { return nil }

// TestBooleanColumns: drivers take a TINYINT of length 1 for a BOOLEAN, and other numbers of that type for what they are.
func TestBooleanColumns(t *testing.T) {
	fields := wire.FieldsOf(sql.NewEmptyContext(), sql.Schema{{Name: "b", Source: "t", Type: hosttypes.Boolean}, {Name: "i", Source: "t", Type: hosttypes.Int8}, {Name: "1 = 1", Type: hosttypes.Boolean}})
	for i, want := range []uint32{1, 4, 4} {
		if f := fields[i]; f.ColumnLength != want || f.Type != sqltypes.Int8 {
			t.Errorf("%s: %s of length %d, want %d", f.Name, f.Type, f.ColumnLength, want)
		}
	}
}
