package types

// Limits of MySQL's temporal types, in microseconds and days since 1970-01-01.
const (
	MicrosPerSecond = 1_000_000
	MicrosPerDay    = 86400 * MicrosPerSecond
	// MaxTime is 838:59:59.000000, the greatest TIME.
	MaxTime = (838*3600 + 59*60 + 59) * MicrosPerSecond
	// MinDay and MaxDay are 0000-01-01 and 9999-12-31.
	MinDay = -719528
	MaxDay = 2932896
	// DayZero is the number that TO_DAYS gives 1970-01-01.
	DayZero = 719528
)

// FloorDiv returns the quotient rounded down and the remainder, which is not negative; b > 0.
func FloorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// DaysFromCivil returns the days since 1970-01-01 of a date of the proleptic Gregorian calendar. month is 1 to 12;
// day may be out of the month.
func DaysFromCivil(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era, yoe := FloorDiv(y, 400)
	mp := int64((month + 9) % 12) // March is 0
	doy := (153*mp+2)/5 + int64(day) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// CivilFromDays is the inverse of DaysFromCivil.
func CivilFromDays(days int64) (year, month, day int) {
	era, doe := FloorDiv(days+719468, 146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// IsLeap reports whether a year has a 29th of February.
func IsLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// DaysInMonth returns the length of month 1 to 12.
func DaysInMonth(year, month int) int {
	switch month {
	case 2:
		if IsLeap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Clock is a point of a calendar without a zone, taken apart.
type Clock struct {
	Year, Month, Day             int
	Hour, Minute, Second, Micros int
}

// ClockFromMicros takes microseconds since 1970-01-01T00:00:00 apart.
func ClockFromMicros(us int64) Clock {
	days, rest := FloorDiv(us, MicrosPerDay)
	c := Clock{Micros: int(rest % MicrosPerSecond)}
	c.Year, c.Month, c.Day = CivilFromDays(days)
	s := int(rest / MicrosPerSecond)
	c.Hour, c.Minute, c.Second = s/3600, s/60%60, s%60
	return c
}

// Unix returns the microseconds since 1970-01-01T00:00:00 of c.
func (c Clock) Unix() int64 {
	return DaysFromCivil(c.Year, c.Month, c.Day)*MicrosPerDay +
		(int64(c.Hour)*3600+int64(c.Minute)*60+int64(c.Second))*MicrosPerSecond + int64(c.Micros)
}

// AppendDate appends days since 1970-01-01 as YYYY-MM-DD.
func AppendDate(dst []byte, days int64) []byte {
	y, m, d := CivilFromDays(days)
	dst = appendPadded(dst, int64(y), 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, int64(m), 2)
	dst = append(dst, '-')
	return appendPadded(dst, int64(d), 2)
}

// AppendDatetime appends microseconds since 1970-01-01T00:00:00 as YYYY-MM-DD hh:mm:ss, followed by a point and six
// digits if there is a fraction of a second.
func AppendDatetime(dst []byte, us int64) []byte {
	days, rest := FloorDiv(us, MicrosPerDay)
	dst = AppendDate(dst, days)
	dst = append(dst, ' ')
	return appendClock(dst, rest)
}

// AppendTime appends a signed duration in microseconds as [-]hh:mm:ss[.ffffff]; hours may exceed two digits.
func AppendTime(dst []byte, us int64) []byte {
	if us < 0 {
		dst = append(dst, '-')
		us = -us
	}
	return appendClock(dst, us)
}

func appendClock(dst []byte, us int64) []byte {
	s := us / MicrosPerSecond
	dst = appendPadded(dst, s/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s%60, 2)
	if f := us % MicrosPerSecond; f != 0 {
		dst = append(dst, '.')
		dst = appendPadded(dst, f, 6)
	}
	return dst
}

// appendPadded appends x with at least width digits.
func appendPadded(dst []byte, x int64, width int) []byte {
	if x < 0 {
		dst = append(dst, '-')
		x = -x
	}
	var buf [20]byte
	i := len(buf)
	for ; x > 0 || width > 0; width-- {
		i--
		buf[i] = byte('0' + x%10)
		x /= 10
	}
	return append(dst, buf[i:]...)
}
