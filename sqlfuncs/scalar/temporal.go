package scalar

import (
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
var dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func init() {
	register("temporal",
		part("year", "Year.", func(c types.Clock) int { return c.Year }),
		part("month", "Month, 1 to 12.", func(c types.Clock) int { return c.Month }),
		part("quarter", "Quarter of the year, 1 to 4.", func(c types.Clock) int { return (c.Month + 2) / 3 }),
		part("dayofyear", "Day of the year, 1 to 366.", dayOfYear),
		spec{name: "day", aliases: []string{"dayofmonth"}, sig: "day(d)", doc: "Day of the month, 1 to 31.", args: "d", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(r.Date(0).Day)) }},
		timePart("hour", "Hours of a time.", func(us int64) int64 { return us / (3600 * types.MicrosPerSecond) }),
		timePart("minute", "Minutes of a time.", func(us int64) int64 { return us / (60 * types.MicrosPerSecond) % 60 }),
		timePart("second", "Seconds of a time.", func(us int64) int64 { return us / types.MicrosPerSecond % 60 }),
		timePart("microsecond", "Microseconds of a time.", func(us int64) int64 { return us % types.MicrosPerSecond }),
		spec{name: "weekday", sig: "weekday(d)", doc: "Day of the week, 0 is Monday.", args: "d", ret: tInt,
			row: func(r *Row) error { return r.RetInt(weekday(r.Days(0))) }},
		spec{name: "dayofweek", sig: "dayofweek(d)", doc: "Day of the week, 1 is Sunday.", args: "d", ret: tInt,
			row: func(r *Row) error { return r.RetInt((weekday(r.Days(0))+1)%7 + 1) }},
		spec{name: "dayname", sig: "dayname(d)", doc: "English name of the day of the week.", args: "d", ret: tString,
			row: func(r *Row) error { return r.RetString(dayNames[weekday(r.Days(0))]) }},
		spec{name: "monthname", sig: "monthname(d)", doc: "English name of the month.", args: "d", ret: tString,
			row: func(r *Row) error { return r.RetString(monthNames[r.Date(0).Month-1]) }},
		spec{name: "week", sig: "week(d[, mode])", doc: "Week of the year; mode 0 to 7 as in MySQL, 0 by default.", args: "d?i", ret: tInt, row: func(r *Row) error {
			mode := int64(0)
			if r.N() > 1 {
				mode = r.Int(1)
			}
			w, _ := weekOf(r.Days(0), mode)
			return r.RetInt(w)
		}},
		spec{name: "weekofyear", sig: "weekofyear(d)", doc: "ISO week of the year, 1 to 53.", args: "d", ret: tInt, row: func(r *Row) error {
			w, _ := weekOf(r.Days(0), 3)
			return r.RetInt(w)
		}},
		spec{name: "yearweek", sig: "yearweek(d[, mode])", doc: "Year and week as YYYYWW.", args: "d?i", ret: tInt, row: func(r *Row) error {
			mode := int64(0)
			if r.N() > 1 {
				mode = r.Int(1)
			}
			w, y := weekOf(r.Days(0), mode|2)
			return r.RetInt(y*100 + w)
		}},
	)
}

func init() {
	register("temporal",
		spec{name: "last_day", sig: "last_day(d)", doc: "The last day of the month.", args: "d", ret: tDate, row: func(r *Row) error {
			y, m, d := types.CivilFromDays(r.Days(0))
			return r.RetInt(r.Days(0) + int64(types.DaysInMonth(y, m)-d))
		}},
		spec{name: "date", sig: "date(d)", doc: "The date of a datetime.", args: "d", ret: tDate, row: func(r *Row) error { return r.RetInt(r.Days(0)) }},
		spec{name: "time", sig: "time(d)", doc: "The time of day of a datetime, or a time.", args: "t", ret: tTime, row: func(r *Row) error { return r.RetInt(r.Int(0)) }},
		spec{name: "timestamp", aliases: []string{"datetime"}, sig: "timestamp(d[, t])", doc: "A datetime, plus a time if one is given.", args: "T?t", ret: tNTZ, nullsOut: true, row: func(r *Row) error {
			us := r.Int(0)
			if r.N() > 1 {
				us += r.Int(1)
			}
			return r.retDatetime(us)
		}},
		spec{name: "datediff", sig: "datediff(a, b)", doc: "Days from date b to date a.", args: "dd", ret: tInt, row: func(r *Row) error { return r.RetInt(r.Days(0) - r.Days(1)) }},
		spec{name: "timediff", sig: "timediff(a, b)", doc: "Time from b to a: two times, or two datetimes.", args: "ww", ret: tTime, nullsOut: true, row: timeDiff},
		spec{name: "makedate", sig: "makedate(year, n)", doc: "The n-th day of a year; NULL for n < 1.", args: "ii", ret: tDate, nullsOut: true, row: makeDate},
		spec{name: "maketime", sig: "maketime(h, m, s)", doc: "A time of its parts.", args: "iin", ret: tTime, nullsOut: true, row: makeTime},
		spec{name: "to_days", sig: "to_days(d)", doc: "Days since year 0.", args: "d", ret: tInt, row: func(r *Row) error { return r.RetInt(r.Days(0) + types.DayZero) }},
		spec{name: "from_days", sig: "from_days(n)", doc: "The date n days after year 0.", args: "i", ret: tDate, nullsOut: true, row: func(r *Row) error {
			n := r.Int(0)
			if n < 366 || n > types.MaxDay+types.DayZero { // MySQL gives 0000-00-00 before year 1, which no date is
				return r.Null()
			}
			return r.RetInt(n - types.DayZero)
		}},
		spec{name: "to_seconds", sig: "to_seconds(d)", doc: "Seconds since year 0.", args: "d", ret: tInt, row: func(r *Row) error {
			s, _ := types.FloorDiv(r.Micros(0), types.MicrosPerSecond)
			return r.RetInt(s + types.DayZero*86400)
		}},
		spec{name: "time_to_sec", sig: "time_to_sec(t)", doc: "A time in seconds.", args: "t", ret: tInt, row: func(r *Row) error { return r.RetInt(r.Int(0) / types.MicrosPerSecond) }},
		spec{name: "sec_to_time", sig: "sec_to_time(n)", doc: "Seconds as a time, cut to 838:59:59.", args: "n", ret: tTime, row: func(r *Row) error {
			return r.RetInt(clampTime(r.micros(0)))
		}},
	)
}

// Date takes the date of operand k apart.
func (r *Row) Date(k int) types.Clock {
	y, m, d := types.CivilFromDays(r.Days(k))
	return types.Clock{Year: y, Month: m, Day: d}
}

// retDatetime makes a datetime the result, NULL with a warning beyond the years 1 to 9999.
func (r *Row) retDatetime(us int64) error {
	if !inCalendar(us) {
		return r.overflow()
	}
	return r.RetInt(us)
}

// firstDay is 0001-01-01: no result of arithmetic is before it.
const firstDay = types.MinDay + 366

// inCalendar reports whether a datetime is in the years 1 to 9999.
func inCalendar(us int64) bool {
	return us >= firstDay*types.MicrosPerDay && us < (types.MaxDay+1)*types.MicrosPerDay
}

func part(name, doc string, f func(types.Clock) int) spec {
	return spec{name: name, sig: name + "(d)", doc: doc, args: "d", ret: tInt, each: func(us int64) int64 {
		days, _ := types.FloorDiv(us, types.MicrosPerDay)
		y, m, d := types.CivilFromDays(days)
		return int64(f(types.Clock{Year: y, Month: m, Day: d}))
	}}
}

func timePart(name, doc string, f func(us int64) int64) spec {
	return spec{name: name, sig: name + "(t)", doc: doc, args: "t", ret: tInt, each: func(us int64) int64 { return f(max(us, -us)) }}
}

// weekday is 0 on Mondays; 1970-01-01 was a Thursday.
func weekday(days int64) int64 {
	_, w := types.FloorDiv(days+3, 7)
	return w
}

func dayOfYear(c types.Clock) int {
	return int(types.DaysFromCivil(c.Year, c.Month, c.Day)-types.DaysFromCivil(c.Year, 1, 1)) + 1
}

// weekOf returns the week and the year it belongs to. Mode bits (manual, WEEK): 1 weeks start on Monday, 2 weeks count
// from 1 and may belong to the year before or after, 4 the first week has the year's first Sunday (or Monday) instead
// of four days in the year; without bit 1, bit 4 means its opposite.
func weekOf(days, mode int64) (week, year int64) {
	mode &= 7
	monday, fromOne, firstDay := mode&1 != 0, mode&2 != 0, mode&4 != 0
	if !monday {
		firstDay = !firstDay
	}
	y, _, _ := types.CivilFromDays(days)
	start := weekOneStart(int64(y), monday, firstDay)
	switch {
	case days < start && !fromOne:
		return 0, int64(y)
	case days < start:
		y--
		start = weekOneStart(int64(y), monday, firstDay)
	case fromOne:
		if next := weekOneStart(int64(y)+1, monday, firstDay); days >= next {
			return 1, int64(y) + 1
		}
	}
	return (days-start)/7 + 1, int64(y)
}

// weekOneStart is the day on which the first week of a year starts.
func weekOneStart(year int64, monday, firstDay bool) int64 {
	jan1 := types.DaysFromCivil(int(year), 1, 1)
	w := weekday(jan1)
	if !monday {
		w = (w + 1) % 7
	}
	if w == 0 {
		return jan1
	}
	if firstDay || w > 3 {
		return jan1 + 7 - w
	}
	return jan1 - w
}

func makeDate(r *Row) error {
	y, n := r.Int(0), r.Int(1)
	switch {
	case n < 1 || n > types.MaxDay-types.MinDay || y < 0 || y > 9999:
		return r.Null()
	case y < 70:
		y += 2000
	case y < 100:
		y += 1900
	}
	days := types.DaysFromCivil(int(y), 1, 1) + n - 1
	if days > types.MaxDay {
		return r.Null()
	}
	return r.RetInt(days)
}

func makeTime(r *Row) error {
	h, m, us := r.Int(0), r.Int(1), r.micros(2)
	if m < 0 || m > 59 || us < 0 || us >= 60*types.MicrosPerSecond {
		return r.Null()
	}
	neg := h < 0
	if h = max(-839, min(h, 839)); neg {
		h = -h
	}
	t := min(h*3600*types.MicrosPerSecond+m*60*types.MicrosPerSecond+us, types.MaxTime)
	if neg {
		t = -t
	}
	return r.RetInt(t)
}

// micros returns operand k, a number of seconds, in microseconds, rounded; capped at a century of centuries.
func (r *Row) micros(k int) int64 {
	const limit = 1 << 60
	if r.args[k].Type.IsFloat() {
		f := r.Float(k) * types.MicrosPerSecond
		if f != f {
			return 0
		}
		return int64(roundFloat(max(-limit, min(f, limit)), 0))
	}
	x, scale := exactOperand(r, k)
	y, ok := x.Rescale(scale, 6)
	if !ok || !y.Fits64() || int64(y.Lo) > limit || int64(y.Lo) < -limit {
		return int64(x.Sign()) * limit
	}
	return int64(y.Lo)
}

func timeDiff(r *Row) error {
	a, aDated, aok := r.clock(0)
	b, bDated, bok := r.clock(1)
	if !aok || !bok || aDated != bDated {
		return r.Null()
	}
	return r.RetInt(clampTime(a - b))
}

// clock is operand k in microseconds: a time, or, with a date, since 1970.
func (r *Row) clock(k int) (us int64, dated, ok bool) {
	switch r.args[k].Type.Kind {
	case types.Time:
		return r.Int(k), false, true
	case types.String, types.Binary:
		s := strings.TrimSpace(string(r.Str(k)))
		if strings.Count(strings.TrimPrefix(s, "-"), "-") > 1 {
			d, ok := types.ParseDatetime(s)
			return d.Micros, true, ok
		}
		us, ok = types.ParseTime(s)
		return us, false, ok
	}
	return r.Micros(k), true, true
}
