package scalar

import (
	"fmt"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// unit is what an INTERVAL counts: months, or microseconds; composite units list the sizes of their parts.
type unit struct {
	months int64   // of simple units of months, quarters and years
	micros int64   // of simple units of fixed length
	parts  []int64 // of composite units: sizes in micros, or in months for year_month, greatest first
	date   bool    // leaves a date a date
}

const (
	usMicro  = int64(1)
	usSecond = int64(types.MicrosPerSecond)
	usMinute = 60 * usSecond
	usHour   = 60 * usMinute
	usDay    = 24 * usHour
)

var units = map[string]unit{
	"microsecond": {micros: usMicro}, "second": {micros: usSecond}, "minute": {micros: usMinute}, "hour": {micros: usHour},
	"day": {micros: usDay, date: true}, "week": {micros: 7 * usDay, date: true},
	"month": {months: 1, date: true}, "quarter": {months: 3, date: true}, "year": {months: 12, date: true},
	"second_microsecond": {parts: []int64{usSecond, usMicro}},
	"minute_microsecond": {parts: []int64{usMinute, usSecond, usMicro}},
	"minute_second":      {parts: []int64{usMinute, usSecond}},
	"hour_microsecond":   {parts: []int64{usHour, usMinute, usSecond, usMicro}},
	"hour_second":        {parts: []int64{usHour, usMinute, usSecond}},
	"hour_minute":        {parts: []int64{usHour, usMinute}},
	"day_microsecond":    {parts: []int64{usDay, usHour, usMinute, usSecond, usMicro}},
	"day_second":         {parts: []int64{usDay, usHour, usMinute, usSecond}},
	"day_minute":         {parts: []int64{usDay, usHour, usMinute}},
	"day_hour":           {parts: []int64{usDay, usHour}},
	"year_month":         {months: 1, parts: []int64{12, 1}, date: true},
}

// constUnit reads the unit operand of a function.
func constUnit(name string, e expr.Expr) (string, unit, error) {
	s, ok := constString(e)
	s = strings.TrimPrefix(strings.ToLower(s), "sql_tsi_")
	u, known := units[s]
	if !ok || !known {
		return "", unit{}, &expr.TypeError{Function: name, Reason: fmt.Sprintf("unknown unit %s", e)}
	}
	return s, u, nil
}

func init() {
	for _, f := range []struct {
		name, alias, doc string
		sign             int64
	}{
		{"date_add", "adddate", "A date or datetime plus an interval: date_add(d, n, 'unit').", 1},
		{"date_sub", "subdate", "A date or datetime minus an interval: date_sub(d, n, 'unit').", -1},
	} {
		s := spec{name: f.name, row: addInterval(f.sign)}
		fn := s.function()
		fn.Aliases, fn.Signature, fn.Doc, fn.Category = []string{f.alias}, f.name+"(d, n, unit)", f.doc, "temporal"
		fn.Resolve = func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) { return resolveInterval(f.name, args) }
		fn.Prepare = prepareInterval(f.name)
		expr.Register(fn)
	}
	register("temporal",
		spec{name: "timestampadd", sig: "timestampadd(unit, n, d)", doc: "A datetime plus n units.", args: "sxx", ret: tNTZ, nullsOut: true},
		spec{name: "timestampdiff", sig: "timestampdiff(unit, a, b)", doc: "Whole units from a to b.", args: "sTT", ret: tInt, prep: prepareDiff, row: timestampDiff},
		spec{name: "extract", sig: "extract(unit, d)", doc: "A part of a datetime: EXTRACT(unit FROM d).", args: "sx", ret: tInt, prep: prepareExtract, row: extract},
	)
	add := expr.Lookup("timestampadd")
	add.Resolve = func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
		if len(args) != 3 {
			return nil, types.Type{}, false, &expr.TypeError{Function: "timestampadd", Reason: "takes a unit, a number and a datetime"}
		}
		return resolveInterval("timestampadd", []expr.Expr{args[2], args[1], args[0]})
	}
	add.Prepare = prepareInterval("timestampadd")
	add.Eval = spec{row: addInterval(1)}.eval
	ex := expr.Lookup("extract")
	plain := ex.Resolve
	ex.Resolve = func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
		if len(args) == 2 {
			if s, _, err := constUnit("extract", args[0]); err != nil {
				return nil, types.Type{}, false, err
			} else if isTimeUnit(s) && (args[1].Type().Kind == types.Time || args[1].Type().IsBytes()) {
				args = []expr.Expr{args[0], expr.Cast(args[1], tTime)}
			} else if args[1].Type().Kind != types.Date {
				args = []expr.Expr{args[0], expr.Cast(args[1], tNTZ)}
			}
		}
		return plain(args)
	}
}

// resolveInterval types (value, amount, unit): a date stays a date for units of days or more, everything else is a
// datetime in the session's zone.
func resolveInterval(name string, args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
	fail := func(err error) ([]expr.Expr, types.Type, bool, error) { return nil, types.Type{}, false, err }
	if len(args) == 2 { // ADDDATE(d, days)
		args = []expr.Expr{args[0], args[1], &expr.Literal{Val: types.StringValue("day")}}
	}
	if len(args) != 3 {
		return fail(&expr.TypeError{Function: name, Reason: "takes a value, an amount and a unit"})
	}
	s, u, err := constUnit(name, args[2])
	if err != nil {
		return fail(err)
	}
	d, amount := args[0], args[1]
	if text, ok := constString(d); ok && u.date {
		if p, ok := types.ParseDatetime(text); ok && !p.HasTime {
			d = expr.Cast(d, tDate)
		}
	}
	t := tNTZ
	switch {
	case d.Type().Kind == types.Date && u.date:
		t = tDate
	case d.Type().Kind == types.Time && u.months == 0:
		t = tTime
	case d.Type().Kind != types.Date:
		d = expr.Cast(d, tNTZ)
	}
	switch {
	case u.parts != nil:
		amount = expr.Cast(amount, tString)
	case s == "second" && (amount.Type().Kind == types.Decimal || amount.Type().IsFloat()):
	case s == "second" && amount.Type().IsBytes():
		amount = expr.Cast(amount, types.DecimalOf(30, 6))
	case amount.Type().IsBytes():
		amount = expr.Cast(amount, tInt)
	default:
		amount = expr.Cast(amount, tInt)
	}
	return []expr.Expr{d, amount, &expr.Literal{Val: types.StringValue(s)}}, t, true, nil
}

func prepareInterval(name string) func(*expr.Env, []expr.Expr) (any, error) {
	return func(_ *expr.Env, args []expr.Expr) (any, error) {
		_, u, err := constUnit(name, args[2])
		return &Row{State: u}, err
	}
}

// maxAmount bounds what an interval may add: more than all of the calendar.
const maxAmount = int64(1) << 60

func addInterval(sign int64) func(r *Row) error {
	return func(r *Row) error {
		u := r.State.(unit)
		months, micros, ok := u.amount(r)
		if !ok {
			return r.overflow()
		}
		if r.out.Type.Kind == types.Time {
			us := r.Int(0) + sign*micros
			if us > types.MaxTime || us < -types.MaxTime {
				return r.overflow()
			}
			return r.RetInt(us)
		}
		us := r.Micros(0)
		if months != 0 {
			if us, ok = addMonths(us, sign*months); !ok {
				return r.overflow()
			}
		}
		us += sign * micros
		if !inCalendar(us) {
			return r.overflow()
		}
		if r.out.Type.Kind == types.Date {
			us, _ = types.FloorDiv(us, types.MicrosPerDay)
		}
		return r.RetInt(us)
	}
}

func (r *Row) overflow() error {
	r.Warn(expr.CodeFieldOverflow, "Datetime function: datetime field overflow")
	return r.Null()
}

// amount reads operand 1; ok is false if it is beyond every calendar.
func (u unit) amount(r *Row) (months, micros int64, ok bool) {
	switch {
	case u.parts != nil && u.months != 0:
		months = compositeAmount(r.Str(1), u.parts)
		return months, 0, months > -1e6 && months < 1e6
	case u.parts != nil:
		micros = compositeAmount(r.Str(1), u.parts)
		return 0, micros, micros > -maxAmount && micros < maxAmount
	case !r.args[1].Type.IsInteger():
		micros = r.micros(1)
		return 0, micros, micros > -maxAmount && micros < maxAmount
	}
	n := r.Int(1)
	if u.months != 0 {
		return n * u.months, 0, n > -1e6 && n < 1e6
	}
	limit := maxAmount / u.micros
	return 0, n * u.micros, n > -limit && n < limit
}

// compositeAmount reads numbers separated by anything else; missing ones are the leading parts. A fraction of a
// second is filled up to microseconds.
func compositeAmount(s []byte, parts []int64) int64 {
	var nums []int64
	var widths []int
	neg := false
	for i := 0; i < len(s) && len(nums) < len(parts); {
		if s[i] < '0' || s[i] > '9' {
			neg = neg || s[i] == '-' && len(nums) == 0
			i++
			continue
		}
		n, start := int64(0), i
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			if n < 1e12 {
				n = n*10 + int64(s[i]-'0')
			}
		}
		nums, widths = append(nums, n), append(widths, i-start)
	}
	total, skip := int64(0), len(parts)-len(nums)
	for i, n := range nums {
		size := parts[skip+i]
		if size == usMicro && len(parts) > 1 && parts[0] != 12 && i > 0 {
			for w := widths[i]; w < 6; w++ {
				n *= 10
			}
		}
		if n > maxAmount/size {
			return maxAmount
		}
		total += n * size
		if total > maxAmount {
			return maxAmount
		}
	}
	if neg {
		return -total
	}
	return total
}

// addMonths keeps the day, or takes the month's last.
func addMonths(us, months int64) (int64, bool) {
	c := types.ClockFromMicros(us)
	y, m := types.FloorDiv(int64(c.Year)*12+int64(c.Month)-1+months, 12)
	if y < 0 || y > 9999 {
		return 0, false
	}
	c.Year, c.Month = int(y), int(m)+1
	c.Day = min(c.Day, types.DaysInMonth(c.Year, c.Month))
	return c.Unix(), true
}

func prepareDiff(args []expr.Expr) (any, error) {
	_, u, err := constUnit("timestampdiff", args[0])
	if err == nil && u.parts != nil {
		err = &expr.TypeError{Function: "timestampdiff", Reason: "takes simple units only"}
	}
	return u, err
}

func timestampDiff(r *Row) error {
	u, a, b := r.State.(unit), r.Int(1), r.Int(2)
	if u.months == 0 {
		return r.RetInt((b - a) / u.micros)
	}
	sign := int64(1)
	if b < a {
		a, b, sign = b, a, -1
	}
	x, y := types.ClockFromMicros(a), types.ClockFromMicros(b)
	months := int64(y.Year-x.Year)*12 + int64(y.Month-x.Month)
	x.Year, x.Month, y.Year, y.Month = 2000, 1, 2000, 1
	if y.Unix() < x.Unix() {
		months--
	}
	return r.RetInt(sign * (months / u.months))
}

func isTimeUnit(s string) bool {
	return !strings.HasPrefix(s, "day") && units[s].months == 0 && s != "week"
}

func prepareExtract(args []expr.Expr) (any, error) {
	s, _, err := constUnit("extract", args[0])
	return s, err
}

// extract follows EXTRACT: composite units give their parts as the digits of one number.
func extract(r *Row) error {
	sign := int64(1)
	var c types.Clock
	if r.args[1].Type.Kind == types.Time {
		us := r.Int(1)
		if us < 0 {
			us, sign = -us, -1
		}
		c = types.Clock{Hour: int(us / usHour), Minute: int(us / usMinute % 60), Second: int(us / usSecond % 60), Micros: int(us % usSecond)}
	} else {
		c = types.ClockFromMicros(r.Micros(1))
	}
	return r.RetInt(sign * extractPart(r.State.(string), c))
}

func extractPart(unit string, c types.Clock) int64 {
	simple := map[byte]int64{'Y': int64(c.Year), 'M': int64(c.Month), 'D': int64(c.Day), 'h': int64(c.Hour), 'm': int64(c.Minute), 's': int64(c.Second)}
	switch unit {
	case "quarter":
		return int64(c.Month+2) / 3
	case "week":
		w, _ := weekOf(types.DaysFromCivil(c.Year, c.Month, c.Day), 0)
		return w
	case "microsecond":
		return int64(c.Micros)
	}
	x := int64(0)
	for _, p := range []byte(extractDigits[unit]) {
		x = x*100 + simple[p]
	}
	if strings.HasSuffix(unit, "_microsecond") {
		x = x*1_000_000 + int64(c.Micros)
	}
	return x
}

// extractDigits lists the parts of each unit.
var extractDigits = map[string]string{
	"year": "Y", "month": "M", "day": "D", "hour": "h", "minute": "m", "second": "s", "year_month": "YM",
	"day_hour": "Dh", "day_minute": "Dhm", "day_second": "Dhms", "day_microsecond": "Dhms", "hour_minute": "hm", "hour_second": "hms",
	"hour_microsecond": "hms", "minute_second": "ms", "minute_microsecond": "ms", "second_microsecond": "s",
}
