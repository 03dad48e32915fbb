package write_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/engine/types"
)

var statsColumns = []struct {
	typ  string
	kind types.Type
}{
	{"byte", types.Of(types.Int8)}, {"short", types.Of(types.Int16)}, {"integer", types.Of(types.Int32)}, {"long", types.Of(types.Int64)},
	{"float", types.Of(types.Float32)}, {"double", types.Of(types.Float64)}, {"decimal(38,6)", types.DecimalOf(38, 6)}, {"decimal(7,2)", types.DecimalOf(7, 2)},
	{"date", types.Of(types.Date)}, {"timestamp", types.Of(types.Timestamp)}, {"timestamp_ntz", types.Of(types.TimestampNTZ)}, {"string", types.Of(types.String)},
	{"boolean", types.Of(types.Bool)}, {"binary", types.Of(types.Binary)},
}

func drawStatsValue(t *rapid.T, typ types.Type) types.Value {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return types.NullOf(typ)
	}
	i := rapid.Int64().Draw(t, "i")
	switch typ.Kind {
	case types.Bool:
		return types.IntValue(typ, i&1)
	case types.Int8:
		return types.IntValue(typ, int64(int8(i)))
	case types.Int16:
		return types.IntValue(typ, int64(int16(i)))
	case types.Int32:
		return types.IntValue(typ, int64(int32(i)))
	case types.Date:
		return types.IntValue(typ, i%3_000_000)
	case types.Timestamp, types.TimestampNTZ:
		return types.IntValue(typ, i%253_402_300_800_000_000)
	case types.Float32, types.Float64:
		f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 0.1})).Draw(t, "f")
		if typ.Kind == types.Float32 {
			f = float64(float32(f))
		}
		return types.FloatValue(typ, f)
	case types.Decimal:
		d := types.Int128{Lo: uint64(i) * 0x9e3779b97f4a7c15, Hi: i >> 3}
		for limit := types.Pow10(int(typ.Precision)); d.Abs().Cmp(limit) >= 0; {
			d, _ = d.DivMod64(10)
		}
		return types.DecimalValue(typ, d)
	case types.String:
		runes := rapid.SampledFrom([]rune{'a', 'z', 0x7f, 'é', 0xfffd, 0xd7ff, 0xe000, '😀', utf8.MaxRune})
		return str(string(rapid.SliceOfN(runes, 0, 40).Draw(t, "s")))
	}
	return types.BytesValue(typ, string(rapid.SliceOf(rapid.Byte()).Draw(t, "b")))
}

type fileStats struct {
	NumRecords           int64
	MinValues, MaxValues map[string]json.RawMessage
	NullCount            map[string]int64
	TightBounds          bool
}

// bound reads a bound as a reader does that knows the column's type.
func bound(t *rapid.T, typ types.Type, raw json.RawMessage) types.Value {
	text := strings.Trim(string(raw), `"`)
	switch {
	case typ.Kind == types.Decimal:
		d, exact, ok := types.ParseDecimal(text, int(typ.Scale))
		if !exact || !ok {
			t.Fatalf("decimal bound %s", raw)
		}
		return types.DecimalValue(typ, d)
	case typ.Kind == types.Date, typ.Kind == types.Timestamp, typ.Kind == types.TimestampNTZ:
		for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.000"} {
			if at, err := time.Parse(layout, text); err == nil {
				if typ.Kind == types.Date {
					return types.IntValue(typ, at.Unix()/86400)
				}
				return types.IntValue(typ, at.UnixMicro())
			}
		}
		t.Fatalf("time bound %s", raw)
	case typ.IsFloat():
		var f float64
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatal(err)
		}
		return types.FloatValue(typ, f)
	case typ.IsInteger():
		var i int64
		if err := json.Unmarshal(raw, &i); err != nil {
			t.Fatal(err)
		}
		return types.IntValue(typ, i)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if utf8.RuneCountInString(s) > 33 {
		t.Fatalf("a bound of %d characters", utf8.RuneCountInString(s))
	}
	return str(s)
}

func TestStatisticsBoundEveryRow(t *testing.T) {
	store := newStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		var columns []column
		rows := make([][]types.Value, rapid.IntRange(1, 6).Draw(rt, "rows"))
		for c, sc := range statsColumns {
			columns = append(columns, column{name: fmt.Sprint("c", c), typ: sc.typ})
			for i := range rows {
				rows[i] = append(rows[i], drawStatsValue(rt, sc.kind))
			}
		}
		adds := writeTable(t, tableOf(t, store, columns, nil, nil), write.Options{}, batchOf(rows...))
		var s fileStats
		d := json.NewDecoder(bytes.NewReader([]byte(adds[0].Stats)))
		if err := d.Decode(&s); err != nil {
			rt.Fatalf("%s: %v", adds[0].Stats, err)
		}
		if s.NumRecords != int64(len(rows)) || !s.TightBounds {
			rt.Fatalf("stats %s", adds[0].Stats)
		}
		for c, sc := range statsColumns {
			checkColumnStats(rt, sc.kind, columns[c].name, rows, c, &s)
		}
	})
}

func checkColumnStats(t *rapid.T, typ types.Type, name string, rows [][]types.Value, c int, s *fileStats) {
	nulls, nan, infinite := int64(0), false, false
	for _, r := range rows {
		v := r[c]
		switch {
		case !v.Valid:
			nulls++
			continue
		case math.IsNaN(v.F):
			nan = true
			continue
		}
		infinite = infinite || math.IsInf(v.F, 0)
		if raw, ok := s.MinValues[name]; ok && types.Compare(bound(t, typ, raw), v) > 0 {
			t.Fatalf("%s: minimum %s is above %v", typ, raw, v)
		}
		if raw, ok := s.MaxValues[name]; ok && types.Compare(bound(t, typ, raw), v) < 0 {
			t.Fatalf("%s: maximum %s is below %v", typ, raw, v)
		}
	}
	if s.NullCount[name] != nulls {
		t.Fatalf("%s: %d nulls, statistics say %d", typ, nulls, s.NullCount[name])
	}
	_, low := s.MinValues[name]
	_, high := s.MaxValues[name]
	switch {
	case typ.Kind == types.Bool, typ.Kind == types.Binary, nan, nulls == int64(len(rows)):
		if low || high {
			t.Fatalf("%s: has bounds", typ)
		}
	case infinite, typ.Kind == types.String, typ.Kind == types.Date:
	case !low || !high:
		if y := time.UnixMicro(rows[0][c].I).UTC().Year(); !typ.IsTemporal() || y > 0 && len(rows) == 1 {
			t.Fatalf("%s: has no bounds", typ)
		}
	}
}

func TestStatisticsAreSpelledAsReadersExpect(t *testing.T) {
	nested := `{"type":"struct","fields":[{"name":"i","type":"integer","nullable":true,"metadata":{}},{"name":"l","type":{"type":"array","elementType":"long","containsNull":true},"nullable":true,"metadata":{}}]}`
	columns := []column{
		{name: "dec", typ: "decimal(38,2)"}, {name: "ts", typ: "timestamp"}, {name: "ntz", typ: "timestamp_ntz"}, {name: `q"`, typ: "string"},
		{name: "f", typ: "float"}, {name: "d", typ: "date"}, {name: "n", typ: nested}, {name: "b", typ: "boolean"},
	}
	rows := [][]types.Value{{
		types.DecimalValue(types.DecimalOf(38, 2), types.Pow10(37)), types.IntValue(types.Of(types.Timestamp), 1_700_000_000_123_456),
		types.IntValue(types.Of(types.TimestampNTZ), -1), str(strings.Repeat("é", 40)), types.FloatValue(types.Of(types.Float32), 1),
		types.IntValue(types.Of(types.Date), 0), types.BytesValue(types.Of(types.JSON), `{"i":3}`), types.BoolValue(true),
	}}
	stats := func(properties map[string]string) string {
		return writeTable(t, tableOf(t, newStore(t), columns, nil, properties), write.Options{}, batchOf(rows...))[0].Stats
	}
	e := strings.Repeat("é", 32)
	want := `{"numRecords":1,` +
		`"minValues":{"dec":100000000000000000000000000000000000.00,"ts":"2023-11-14T22:13:20.123Z","ntz":"1969-12-31T23:59:59.999","q\"":"` + e + `","f":1.0,"d":"1970-01-01","n":{"i":3}},` +
		`"maxValues":{"dec":100000000000000000000000000000000000.00,"ts":"2023-11-14T22:13:20.124Z","ntz":"1970-01-01T00:00:00.000","q\"":"` + e + "\ufffd" + `","f":1.0,"d":"1970-01-01","n":{"i":3}},` +
		`"nullCount":{"dec":0,"ts":0,"ntz":0,"q\"":0,"f":0,"d":0,"n":{"i":0,"l":1},"b":0},"tightBounds":true}`
	if got := stats(nil); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range []struct{ property, value, nullCount string }{
		{"delta.dataSkippingNumIndexedCols", "2", `{"dec":0,"ts":0}`},
		{"delta.dataSkippingNumIndexedCols", "7", `{"dec":0,"ts":0,"ntz":0,"q\"":0,"f":0,"d":0,"n":{"i":0}}`},
		{"delta.dataSkippingNumIndexedCols", "-1", `{"dec":0,"ts":0,"ntz":0,"q\"":0,"f":0,"d":0,"n":{"i":0,"l":1},"b":0}`},
		{"delta.dataSkippingNumIndexedCols", "0", `{}`},
		{"delta.dataSkippingStatsColumns", "D, `q\"`,n.l", `{"q\"":0,"d":0,"n":{"l":1}}`},
		{"delta.dataSkippingStatsColumns", "n", `{"n":{"i":0,"l":1}}`},
	} {
		if got := stats(map[string]string{c.property: c.value}); !strings.Contains(got, `"nullCount":`+c.nullCount+`,`) {
			t.Errorf("%s=%s: %s", c.property, c.value, got)
		}
	}
}
