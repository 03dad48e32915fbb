package parquet_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// julianDay returns the day, counted from 1970-01-01, that the Julian calendar calls so.
func julianDay(year, month, day int) int64 {
	a := (14 - month) / 12
	y := year + 4800 - a
	return int64(day+(153*(month+12*a-3)+2)/5+365*y+y/4-32083) - 2440588
}

func gregorianDay(year, month, day int) int64 {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// legacyFile writes values as a writer with the given footer would have left them.
func legacyFile(t *testing.T, keys map[string]string, opts parquet.WriterOptions, stored types.Type, values ...int64) []byte {
	t.Helper()
	rows := make([]types.Value, len(values))
	for i, v := range values {
		rows[i] = types.IntValue(stored, v)
	}
	opts.KeyValue = keys
	data, _ := writeColumn(t, parquet.Field{Name: "c", Type: stored}, opts, rows)
	return data
}

func TestCalendarOfOldSpark(t *testing.T) {
	const day, micro = 86400, 1_000_000
	old := map[string]string{"org.apache.spark.version": "2.4.8"}
	legacy := func(zone string) map[string]string {
		return map[string]string{"org.apache.spark.version": "4.2.0", "org.apache.spark.legacyDateTime": "", "org.apache.spark.timeZone": zone}
	}
	noon1850, noon1899 := gregorianDay(1850, 5, 6)*day+day/2, gregorianDay(1899, 5, 6)*day+day/2
	noon1000, stored1000 := gregorianDay(1000, 5, 6)*day+day/2, julianDay(1000, 5, 6)*day+day/2
	for _, c := range []struct {
		name         string
		keys         map[string]string
		stored, want types.Kind
		in, out      int64
	}{
		{"first day", old, types.Date, types.Date, julianDay(1, 1, 1), gregorianDay(1, 1, 1)},
		{"leap day that is none today", old, types.Date, types.Date, julianDay(1500, 2, 29), gregorianDay(1500, 3, 1)},
		{"leap day", old, types.Date, types.Date, julianDay(1504, 2, 29), gregorianDay(1504, 2, 29)},
		{"last Julian day", legacy("UTC"), types.Date, types.Date, gregorianDay(1582, 10, 15) - 1, gregorianDay(1582, 10, 4)},
		{"first Gregorian day", legacy("UTC"), types.Date, types.Date, gregorianDay(1582, 10, 15), gregorianDay(1582, 10, 15)},
		{"widened day", old, types.Date, types.TimestampNTZ, julianDay(1000, 5, 6), gregorianDay(1000, 5, 6) * day * micro},
		{"local time", old, types.TimestampNTZ, types.TimestampNTZ, stored1000 * micro, stored1000 * micro},
		{"no zone", old, types.Timestamp, types.Timestamp, stored1000*micro + 1, noon1000*micro + 1},
		{"west", legacy("America/Los_Angeles"), types.Timestamp, types.Timestamp, (stored1000 + 28800) * micro, (noon1000 + 28378) * micro},
		{"before the zone's offset", legacy("America/Los_Angeles"), types.Timestamp, types.Timestamp, (noon1850 + 28800) * micro, (noon1850 + 28378) * micro},
		{"after it", legacy("America/Los_Angeles"), types.Timestamp, types.Timestamp, (noon1899 + 28800) * micro, (noon1899 + 28800) * micro},
		{"east", legacy("Asia/Seoul"), types.Timestamp, types.Timestamp, (noon1899 - 32400) * micro, (noon1899 - 30472) * micro},
		{"zone without summer time of today", legacy("Africa/Casablanca"), types.Timestamp, types.Timestamp, noon1899 * micro, (noon1899 + 1820) * micro},
		{"unknown zone", legacy("Local"), types.Timestamp, types.Timestamp, stored1000 * micro, noon1000 * micro},
		{"modern", map[string]string{"org.apache.spark.version": "3.0.0"}, types.Date, types.Date, -700000, -700000},
		{"only INT96", map[string]string{"org.apache.spark.version": "3.0.0"}, types.Timestamp, types.Timestamp, stored1000 * micro, stored1000 * micro},
		{"not Spark", map[string]string{"org.apache.spark.legacyDateTime": ""}, types.Date, types.Date, -700000, -700000},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, plain := range []bool{false, true} {
				data := legacyFile(t, c.keys, parquet.WriterOptions{NoDictionary: plain}, types.Of(c.stored), c.in, 1000)
				got := readOne(t, data, types.Of(c.want))
				if !got.Valid || got.I != c.out {
					t.Errorf("plain %v: %d is read as %v (%d), want %d", plain, c.in, got, got.I, c.out)
				}
			}
		})
	}
}

// readOne returns the first value of a file of one column.
func readOne(t *testing.T, data []byte, want types.Type) types.Value {
	t.Helper()
	ctx := context.Background()
	p, err := openBytes(t, data).Project([]parquet.Field{{Name: "c", Type: want}}, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	v, err := r.Read(ctx, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.Value(0)
}

// Values are moved when they are read, and so are the bounds of row groups and pages: none may leave a row out.
func TestBoundsInTheCalendarOfOldSpark(t *testing.T) {
	zones := []string{"America/Los_Angeles", "Asia/Seoul", "Pacific/Apia"}
	known := 0
	rapid.Check(t, func(rt *rapid.T) {
		keys := map[string]string{"org.apache.spark.version": "2.4.8", "org.apache.spark.timeZone": rapid.SampledFrom(zones).Draw(rt, "zone")}
		typ, unit := types.Of(types.Date), int64(1)
		if rapid.Bool().Draw(rt, "instants") {
			typ, unit = types.Of(types.Timestamp), 86400_000_000
		}
		from := rapid.SampledFrom([]int64{-719164, -141430, -25568}).Draw(rt, "from") * unit
		values := rapid.SliceOfN(rapid.Int64Range(from, from+3*unit), 1, 40).Draw(rt, "values")
		data := legacyFile(t, keys, parquet.WriterOptions{RowGroupRows: rapid.IntRange(1, 6).Draw(rt, "rows"), PageBytes: 8, NoDictionary: true}, typ, values...)
		rows := readAll(rt, data, []parquet.Field{{Name: "c", Type: typ}})[0]
		f := openBytes(t, data)
		p, err := f.Project([]parquet.Field{{Name: "c", Type: typ}}, false)
		if err != nil {
			rt.Fatal(err)
		}
		for g := range f.NumRowGroups() {
			first, n := f.RowGroupFirstRow(g), f.RowGroupRows(g)
			if checkBounds(rt, p.RowGroupStats().Column(0), g, rows[first:first+n]) {
				known++
			}
			checkPruning(rt, p, g, 0, rows[first:first+n])
		}
	})
	if known == 0 {
		t.Fatal("no bounds were known")
	}
}

// Samoa's clocks went from one side of the date line to the other: an instant of 1899 is read as a later one than some of 1900.
func TestMovedInstantsHaveNoBounds(t *testing.T) {
	const y1900, hour = -2208988800_000_000, 3600_000_000
	keys := map[string]string{"org.apache.spark.version": "2.4.8", "org.apache.spark.timeZone": "Pacific/Apia"}
	for _, c := range []struct {
		first int64
		known bool
	}{{y1900 - hour, false}, {y1900 + 30*hour, false}, {y1900 + 50*hour, true}} {
		typ := types.Of(types.Timestamp)
		data := legacyFile(t, keys, parquet.WriterOptions{}, typ, c.first, c.first+2*hour, c.first+40*hour)
		p, err := openBytes(t, data).Project([]parquet.Field{{Name: "c", Type: typ}}, false)
		if err != nil {
			t.Fatal(err)
		}
		s := p.RowGroupStats().Column(0)
		if s.Min.IsNull(0) == c.known || s.Max.IsNull(0) == c.known {
			t.Errorf("from %v: bounds %v and %v", types.IntValue(typ, c.first), s.Min.Value(0), s.Max.Value(0))
		}
	}
}
