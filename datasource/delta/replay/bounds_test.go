package replay_test

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/skipping"
)

// oneColumn returns the statistics of a table with one column x, one file a statistics text.
func oneColumn(t interface{ Fatal(...any) }, typ string, stats ...string) (*skipping.ColumnStats, *replay.FileList) {
	p := &action.Protocol{MinReader: 1, MinWriter: 2}
	m := &action.Metadata{SchemaString: `{"type":"struct","fields":[{"name":"x","type":` + strconv.Quote(typ) + `,"nullable":true,"metadata":{}}]}`}
	layout, err := replay.NewLayout(p, m)
	if err != nil {
		t.Fatal(err)
	}
	b := &replay.Builder{}
	for i, s := range stats {
		b.Add("f"+strconv.Itoa(i), 1, 1, true, s)
	}
	list, err := b.Files(layout, action.Root{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Column(0), list
}

// TestBounds lists what the text of a minimum and a maximum promises; the values are as types.Value prints them.
func TestBounds(t *testing.T) {
	long := strings.Repeat("é", 31)
	for _, c := range []struct{ typ, min, max, wantMin, wantMax string }{
		{"long", `-9223372036854775808`, `9223372036854775807`, "-9223372036854775808", "9223372036854775807"},
		{"long", `9223372036854775808`, `null`, "NULL", "NULL"},
		{"long", `1.5`, `1.5`, "1", "2"},
		{"long", `-1.5`, `-1.5`, "-2", "-1"},
		{"long", `1e3`, `"12"`, "1000", "12"},
		{"long", `{}`, `[1]`, "NULL", "NULL"},
		{"byte", `200`, `100`, "NULL", "100"},
		{"boolean", `false`, `true`, "0", "1"},
		{"decimal(10,2)", `1.005`, `1.005`, "1.00", "1.01"},
		{"decimal(10,2)", `-1.005`, `-1.005`, "-1.01", "-1.00"},
		{"decimal(10,2)", `12`, `1.2E+1`, "12.00", "12.00"},
		{"decimal(38,0)", `-12345678901234567890123456789012345678`, `9007199254740992`, "-12345678901234570631414850944936587155", "9007199254740992"},
		{"float", `0.1`, `0.1`, "0.1", "0.1"},
		{"double", `"-Infinity"`, `"Infinity"`, "-Inf", "+Inf"},
		{"double", `"NaN"`, `"NaN"`, "NULL", "NULL"},
		{"double", `1e999`, `-0.0`, "+Inf", "-0"},
		{"date", `"1582-10-04"`, `"9999-12-31"`, "'1582-10-04'", "'9999-12-31'"},
		{"date", `"2020-02-30"`, `"2020-01-01T00:00:00"`, "NULL", "NULL"},
		{"timestamp", `"2020-01-01T00:00:00.123Z"`, `"2020-01-01T00:00:00.123Z"`, "'2020-01-01 00:00:00.123'", "'2020-01-01 00:00:00.123999'"},
		{"timestamp", `"2020-01-01T00:00:00.123456Z"`, `"2020-01-01T00:00:00.123456Z"`, "'2020-01-01 00:00:00.123456'", "'2020-01-01 00:00:00.123456'"},
		{"timestamp", `"2020-01-01T00:00:00.123456789Z"`, `"2020-01-01T00:00:00.123456789Z"`, "'2020-01-01 00:00:00.123456'", "'2020-01-01 00:00:00.123457'"},
		{"timestamp", `"2020-01-01T08:00:00+08:00"`, `"2020-01-01T08:00:00.000+0800"`, "'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.000999'"},
		{"timestamp", `"1883-11-18T12:00:00.000-07:52"`, `"1883-11-18T12:00:00.000-07:52:58"`, "'1883-11-18 19:50:59.999001'", "'1883-11-18 19:53:58.000999'"},
		{"timestamp", `"2020-01-02 00:00:00"`, `"2020-01-02 00:00:00"`, "'2020-01-01 06:00:00'", "'2020-01-02 18:00:00.000999'"},
		{"timestamp", `"1969-12-31T23:59:59.999Z"`, `"x"`, "'1969-12-31 23:58:59.998001'", "NULL"},
		{"timestamp_ntz", `"2020-01-01T00:00:00.123"`, `"2020-01-01 00:00:00.123"`, "'2020-01-01 00:00:00.123'", "'2020-01-01 00:00:00.123999'"},
		{"timestamp_ntz", `"2020-01-01"`, `"2020-01-01"`, "'2020-01-01 00:00:00'", "'2020-01-01 00:00:00'"},
		{"timestamp_ntz", `"2020-01-01T00:00:00Z"`, `"2020-01-01T00:00:00+01:00"`, "'2020-01-01 00:00:00'", "NULL"},
		{"string", `"a"`, `"a\"b\u00e9"`, `"a"`, `"a\"bé"`},
		{"string", `"` + long + `x"`, `"` + long + `x"`, strconv.Quote(long + "x"), strconv.Quote(long + "x\xff")},
		{"string", `"` + long + `"`, `"` + long + `"`, strconv.Quote(long), strconv.Quote(long)},
		{"string", `"a\uFFFDb"`, `"abc\uFFFD"`, `"a"`, `"abc\xff"`},
		{"string", `"a"`, `"abc\uDBFF\uDFFF"`, `"a"`, `"abc\xff"`},
		{"string", `"ab\uD83D"`, `"ab\uDE00"`, "NULL", "NULL"},
		{"string", `"ab\uD83D\uDE00"`, `"\\uD83D"`, `"ab😀"`, `"\\uD83D"`},
		{"string", `1`, `true`, "NULL", "NULL"},
	} {
		stats, _ := oneColumn(t, c.typ, fmt.Sprintf(`{"numRecords":3,"minValues":{"x":%s},"maxValues":{"x":%s},"nullCount":{"x":1}}`, c.min, c.max))
		if lo, hi := stats.Min.Value(0).String(), stats.Max.Value(0).String(); lo != c.wantMin || hi != c.wantMax {
			t.Errorf("%s %s..%s: got %s..%s, want %s..%s", c.typ, c.min, c.max, lo, hi, c.wantMin, c.wantMax)
		}
	}
}

func TestNullCounts(t *testing.T) {
	for _, c := range []struct {
		stats       string
		nulls, rows int64
		tight       bool
	}{
		{`{"numRecords":3,"nullCount":{"x":1}}`, 1, 3, true},
		{`{"numRecords":3,"nullCount":{"x":1},"tightBounds":false}`, -1, 3, false},
		{`{"numRecords":3,"nullCount":{"x":3},"tightBounds":false}`, 3, 3, false},
		{`{"tightBounds":false,"numRecords":3,"nullCount":{"x":0}}`, 0, 3, false},
		{`{"numRecords":3,"nullCount":{"x":4}}`, -1, 3, true},
		{`{"numRecords":3,"nullCount":{"y":1,"z":{"x":2}}}`, -1, 3, true},
		{`{"numRecords":3,"minValues":{"z":{"x":9}},"nullCount":{"x":{"x":2}}}`, -1, 3, true},
		{` { "nullCount" : { "x" : 2 } , "numRecords" : 3 } `, 2, 3, true},
		{`{"numRecords":null,"nullCount":null}`, -1, -1, true},
		{`{"numRecords":-5}`, -1, -1, true},
		{``, -1, -1, true},
		{`{"numRecords":3,"nullCount":{"x":1}`, -1, 3, true},                // cut short: nothing is known of columns
		{`{"nullCount":{"x":1},"numRecords":3,"minValues":`, -1, -1, false}, // nor of the file
		{`not json`, -1, -1, false},
		{`{"numRecords":3,"a":"\"tightBounds\":false}","nullCount":{"x":1}}`, 1, 3, true},
	} {
		stats, list := oneColumn(t, "long", c.stats)
		if stats.NullCount[0] != c.nulls || stats.RowCount[0] != c.rows || list.NumRecords(0) != c.rows || list.TightBounds(0) != c.tight {
			t.Errorf("%s: %d NULLs of %d, tight %v", c.stats, stats.NullCount[0], stats.RowCount[0], list.TightBounds(0))
		}
	}
}

// TestDoubleThatWasFloat: the statistics of older files print floats, which are not the doubles their values became.
func TestDoubleThatWasFloat(t *testing.T) {
	m := &action.Metadata{SchemaString: `{"type":"struct","fields":[{"name":"x","type":"double","nullable":true,"metadata":{"delta.typeChanges":[{"fromType":"float","toType":"double"}]}}]}`}
	layout, err := replay.NewLayout(&action.Protocol{MinReader: 1, MinWriter: 2}, m)
	if err != nil {
		t.Fatal(err)
	}
	b := &replay.Builder{}
	b.Add("f", 1, 1, true, `{"numRecords":1,"minValues":{"x":0.1},"maxValues":{"x":0.1}}`)
	b.Add("g", 1, 1, true, `{"numRecords":1,"minValues":{"x":0.3},"maxValues":{"x":0.3}}`)
	list, err := b.Files(layout, action.Root{})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range []float32{0.1, 0.3} {
		s := list.Column(0)
		for _, v := range []float64{float64(f), []float64{0.1, 0.3}[i]} {
			if s.Min.Float(i) > v || s.Max.Float(i) < v {
				t.Errorf("%v is not in %v..%v", v, s.Min.Float(i), s.Max.Float(i))
			}
		}
	}
}

// TestBoundsHoldProperty: however a writer prints and cuts a value, the bounds made of it hold the value.
func TestBoundsHoldProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]string{"long", "double", "float", "decimal(30,6)", "timestamp", "string"}).Draw(t, "type")
		text, value := printed(t, typ)
		stats, _ := oneColumn(t, typ, `{"numRecords":1,"minValues":{"x":`+text+`},"maxValues":{"x":`+text+`}}`)
		lo, hi := stats.Min.Value(0), stats.Max.Value(0)
		if lo.Valid && types.Compare(lo, value) > 0 || hi.Valid && types.Compare(hi, value) < 0 {
			t.Fatalf("%s printed %s has the bounds %s..%s", value, text, lo, hi)
		}
	})
}

// printed draws a value, and the text that some writer makes of it in statistics.
func printed(t *rapid.T, typ string) (text string, v types.Value) {
	switch typ {
	case "long":
		n := rapid.Int64().Draw(t, "n")
		return strconv.FormatInt(n, 10), types.IntValue(types.Of(types.Int64), n)
	case "double":
		f := rapid.Float64().Draw(t, "f")
		return strconv.FormatFloat(f, 'g', -1, 64), types.FloatValue(types.Of(types.Float64), f)
	case "float":
		f := rapid.Float32().Draw(t, "f")
		return strconv.FormatFloat(float64(f), 'g', -1, rapid.SampledFrom([]int{32, 64}).Draw(t, "bits")), types.FloatValue(types.Of(types.Float32), float64(f))
	case "decimal(30,6)":
		d, _ := types.Mul64(rapid.Int64().Draw(t, "d"), rapid.Int64Range(1, 50_000_000_000).Draw(t, "e")).Rescale(0, 0)
		text := string(d.AppendDecimal(nil, 6))
		if rapid.Bool().Draw(t, "through a float") {
			f, _ := new(big.Rat).SetString(text)
			x, _ := f.Float64()
			text = strconv.FormatFloat(x, 'g', -1, 64)
		}
		return text, types.DecimalValue(types.DecimalOf(30, 6), d)
	case "timestamp":
		us := rapid.Int64Range(-5e15, 5e15).Draw(t, "us")
		layout := rapid.SampledFrom([]string{"2006-01-02T15:04:05.000Z07:00", "2006-01-02 15:04:05.000000Z07:00", "2006-01-02T15:04:05.999Z07:00"}).Draw(t, "layout")
		offset := rapid.IntRange(-12*3600, 14*3600).Draw(t, "offset")
		if us > 1e14 {
			offset -= offset % 60
		}
		return `"` + time.UnixMicro(us).In(time.FixedZone("", offset)).Format(layout) + `"`, types.IntValue(types.Of(types.Timestamp), us)
	}
	s := rapid.String().Draw(t, "s")
	return string(jsonscan.AppendString(nil, s)), types.StringValue(s)
}

func TestPartitionValues(t *testing.T) {
	for _, c := range []struct {
		typ  types.Type
		text string
		want string // "error"; otherwise as types.Value prints it
	}{
		{types.Of(types.String), "", "NULL"}, {types.Of(types.String), "a b%20+", `"a b%20+"`}, {types.Of(types.Int32), "", "NULL"},
		{types.Of(types.Int32), "-7", "-7"}, {types.Of(types.Int32), "3000000000", "error"}, {types.Of(types.Int8), "1.5", "error"},
		{types.Of(types.Bool), "true", "1"}, {types.Of(types.Bool), "False", "0"}, {types.Of(types.Bool), "1", "error"},
		{types.Of(types.Float64), "NaN", "NaN"}, {types.Of(types.Float64), "-Infinity", "-Inf"}, {types.Of(types.Float32), "1.0E10", "1e+10"}, {types.Of(types.Float64), "0x1p4", "error"},
		{types.DecimalOf(10, 2), "1.5", "1.50"}, {types.DecimalOf(10, 2), "1.505", "error"}, {types.DecimalOf(4, 2), "123.45", "error"},
		{types.DecimalOf(38, 2), "123456789012345678901234567890123456.78", "123456789012345678901234567890123456.78"},
		{types.Of(types.Date), "2020-02-29", "'2020-02-29'"}, {types.Of(types.Date), "2021-02-29", "error"}, {types.Of(types.Date), "0001-01-01", "'0001-01-01'"},
		{types.Of(types.Timestamp), "1970-01-01 00:00:00", "'1970-01-01 00:00:00'"}, {types.Of(types.Timestamp), "1970-01-01 00:00:00.123456", "'1970-01-01 00:00:00.123456'"},
		{types.Of(types.Timestamp), "1970-01-01T00:00:00.123456Z", "'1970-01-01 00:00:00.123456'"}, {types.Of(types.Timestamp), "1970-01-01T01:00:00+01:00", "'1970-01-01 00:00:00'"},
		{types.Of(types.TimestampNTZ), "1970-01-01 00:00:00.5", "'1970-01-01 00:00:00.5'"}, {types.Of(types.TimestampNTZ), "1970-01-01T01:00:00+01:00", "'1970-01-01 01:00:00'"},
		{types.Of(types.Timestamp), "yesterday", "error"}, {types.Of(types.Timestamp), "1970-01-01 25:00:00", "error"},
		{types.Of(types.Binary), "\x01\x02", `"\x01\x02"`}, {types.Of(types.Binary), `\u0001\u00ff`, `"\x01\xff"`}, {types.Of(types.Binary), `\u0001x`, `"\\u0001x"`},
	} {
		v, err := replay.ParsePartitionValue(c.text, c.typ)
		got := v.String()
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s %q: %s, want %s", c.typ, c.text, got, c.want)
		}
	}
}

// FuzzStats checks that no statistics text panics, and that a text that is no JSON says nothing.
func FuzzStats(f *testing.F) {
	f.Add(`{"numRecords":3,"minValues":{"x":"2020-01-01T00:00:00.123Z"},"maxValues":{"x":1.5e3},"nullCount":{"x":1},"tightBounds":false}`)
	f.Add(`{"minValues":{"x":"\ud83d"},"maxValues":{"x":{"y":[1]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []string{"long", "byte", "double", "float", "decimal(38,10)", "decimal(5,2)", "date", "timestamp", "timestamp_ntz", "string", "boolean"} {
			stats, list := oneColumn(t, typ, text)
			if n := list.NumRecords(0); n < -1 || stats.NullCount[0] > max(n, 0) && n >= 0 {
				t.Fatalf("%d NULLs of %d", stats.NullCount[0], n)
			}
			s := jsonscan.New(text)
			if s.Skip(); s.Err() != nil && (stats.Min.Value(0).Valid || stats.NullCount[0] >= 0) {
				t.Fatalf("%q is no JSON but says something", text)
			}
			if typ == "double" && (math.IsNaN(stats.Min.Value(0).F) || math.IsNaN(stats.Max.Value(0).F)) {
				t.Fatal("NaN is a bound")
			}
		}
	})
}
