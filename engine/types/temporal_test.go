package types_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/types"
)

func TestCivil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-1_000_000, 4_000_000).Draw(t, "days")
		y, m, d := types.CivilFromDays(days)
		want := time.Unix(days*86400, 0).UTC()
		if y != want.Year() || m != int(want.Month()) || d != want.Day() {
			t.Fatalf("day %d is %d-%d-%d, want %s", days, y, m, d, want)
		}
		if back := types.DaysFromCivil(y, m, d); back != days {
			t.Fatalf("%d-%d-%d is day %d, want %d", y, m, d, back, days)
		}
	})
}

func TestDatetimeText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(types.MinDay*types.MicrosPerDay, (types.MaxDay+1)*types.MicrosPerDay-1).Draw(t, "us")
		if rapid.Bool().Draw(t, "whole") {
			us -= us % types.MicrosPerSecond
		}
		s := string(types.AppendDatetime(nil, us))
		d, ok := types.ParseDatetime(s)
		if !ok || d.Micros != us || !d.Clean || !d.HasTime || d.HasZone {
			t.Fatalf("%d is written %q, read as %+v, %v", us, s, d, ok)
		}
		if c := types.ClockFromMicros(us); c.Unix() != us {
			t.Fatalf("%+v is %d, want %d", c, c.Unix(), us)
		}
	})
}

func TestParseDatetime(t *testing.T) {
	for _, c := range []struct {
		in, want string // empty: refused
		clean    bool
	}{
		{"2024-01-31", "2024-01-31 00:00:00", true}, {"2024/1/3", "2024-01-03 00:00:00", true}, {"2024^01^31", "2024-01-31 00:00:00", true},
		{"20240131", "2024-01-31 00:00:00", true}, {"240131", "2024-01-31 00:00:00", true}, {"69-12-31", "2069-12-31 00:00:00", true},
		{"70-1-1", "1970-01-01 00:00:00", true}, {"20240131101112", "2024-01-31 10:11:12", true}, {"240131101112", "2024-01-31 10:11:12", true},
		{"20240131T101112", "2024-01-31 10:11:12", true}, {"2024-01-31T10:11:12Z", "2024-01-31 10:11:12", true},
		{"2024-01-31 10:11:12.5", "2024-01-31 10:11:12.500000", true}, {"2024-01-31 23:59:59.9999999", "2024-02-01 00:00:00", false},
		{"2024-01-31 10:11:12+02:00", "2024-01-31 08:11:12", true}, {"2024-01-31 10:11:12-02:30", "2024-01-31 12:41:12", true},
		{"  2024-01-31  ", "2024-01-31 00:00:00", true}, {"2024-01-31 10", "2024-01-31 10:00:00", true}, {"2024-01-31abc", "2024-01-31 00:00:00", false},
		{"2024-02-30", "", false}, {"2023-02-29", "", false}, {"2024-00-01", "", false}, {"0000-00-00", "", false}, {"2024-01-31 24:00:00", "", false},
		{"2024-01-31 10:60:00", "", false}, {"", "", false}, {"abc", "", false}, {"2024", "", false}, {"2024-01", "", false}, {"-1", "", false}, {"12:30:00", "", false},
	} {
		d, ok := types.ParseDatetime(c.in)
		if ok != (c.want != "") || ok && (string(types.AppendDatetime(nil, d.Micros)) != c.want || d.Clean != c.clean) {
			t.Errorf("%q is %s, %+v, %v; want %q", c.in, types.AppendDatetime(nil, d.Micros), d, ok, c.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"10:11:12", "10:11:12"}, {"10:11", "10:11:00"}, {"101112", "10:11:12"}, {"1112", "00:11:12"}, {"12", "00:00:12"}, {"-10:11:12.5", "-10:11:12.500000"},
		{"1 10:11:12", "34:11:12"}, {"2 3", "51:00:00"}, {"900:00:00", "838:59:59"}, {"2024-01-31 10:11:12", "10:11:12"}, {"10:60:00", ""}, {"x", ""}, {"", ""}, {"10:11:12x", ""},
	} {
		us, ok := types.ParseTime(c.in)
		if ok != (c.want != "") || ok && string(types.AppendTime(nil, us)) != c.want {
			t.Errorf("%q is %s, %v; want %q", c.in, types.AppendTime(nil, us), ok, c.want)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{{0, "0"}, {-0.5, "-0.5"}, {1e14, "100000000000000"}, {1e15, "1e15"}, {1.5e300, "1.5e300"}, {1e-15, "0.000000000000001"}, {1.25e-16, "1.25e-16"}, {123456.789, "123456.789"}} {
		if got := string(types.AppendFloat(nil, c.f, 64)); got != c.want {
			t.Errorf("%v is written %s, want %s", c.f, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2024-01-31 10:11:12.5+02:00", "20240131T101112", "-1 10:11:12", "1e5", ".5", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := types.ParseDatetime(s); ok && (d.Micros < (types.MinDay-1)*types.MicrosPerDay || d.Micros > (types.MaxDay+2)*types.MicrosPerDay) {
			t.Errorf("%q is %d", s, d.Micros)
		}
		if us, ok := types.ParseTime(s); ok && (us > types.MaxTime || us < -types.MaxTime) {
			t.Errorf("%q is %d", s, us)
		}
		num, _ := types.NumberPrefix([]byte(s), false, false)
		if _, _, ok := types.ParseDecimal(string(num), 0); num != nil && !ok && len(num) < 20 {
			t.Errorf("number %q of %q is not read", num, s)
		}
	})
}
