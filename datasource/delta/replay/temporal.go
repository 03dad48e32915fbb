package replay

import (
	"math"
	"strings"
)

// moment is a parsed date or timestamp.
type moment struct {
	micros     int64 // since 1970, of the wall clock if it has no zone, otherwise the instant
	hasTime    bool
	fraction   int  // digits of the fraction of the second
	remainder  bool // digits behind the microseconds were cut off
	hasZone    bool
	zoneOffset int64 // seconds east of UTC
}

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
)

// cursor reads a text from the left; ok becomes false at the first thing that does not fit.
type cursor struct {
	s  string
	ok bool
}

// digits reads between least and most digits.
func (c *cursor) digits(least, most int) int64 {
	n, i := int64(0), 0
	for i < len(c.s) && i < most && c.s[i]-'0' <= 9 {
		n = n*10 + int64(c.s[i]-'0')
		i++
	}
	c.ok = c.ok && i >= least
	c.s = c.s[i:]
	return n
}

// take reads one of the bytes of set.
func (c *cursor) take(set string) bool {
	if c.s == "" || strings.IndexByte(set, c.s[0]) < 0 {
		return false
	}
	c.s = c.s[1:]
	return true
}

func (c *cursor) need(set string) { c.ok = c.take(set) && c.ok }

// parseMoment reads "[+-]Y-M-D", optionally followed by "T" or a blank and "h:m[:s[.fraction]]", and a zone:
// "Z", "UTC", "±h:m[:s]" or "±hhmm". Years have up to six digits; the calendar is the proleptic Gregorian.
func parseMoment(text string) (m moment, ok bool) {
	c := cursor{strings.TrimSpace(text), true}
	neg := c.take("-")
	if !neg {
		c.take("+")
	}
	year := c.digits(1, 6)
	if neg {
		year = -year
	}
	c.need("-")
	month := c.digits(1, 2)
	c.need("-")
	day := c.digits(1, 2)
	if !c.ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return moment{}, false
	}
	days := daysFromCivil(year, month, day)
	if c.s == "" {
		return moment{micros: days * microsPerDay}, dayFits(days)
	}
	c.need("T ")
	m.hasTime = true
	micros := m.clock(&c)
	m.zone(&c)
	if !c.ok || c.s != "" || !dayFits(days) {
		return moment{}, false
	}
	m.micros = days*microsPerDay + micros - m.zoneOffset*microsPerSecond
	return m, true
}

// dayFits keeps sums of days and times within int64.
func dayFits(days int64) bool {
	return days > math.MinInt64/microsPerDay+2 && days < math.MaxInt64/microsPerDay-2
}

// clock reads the time of the day and returns it in microseconds.
func (m *moment) clock(c *cursor) int64 {
	hour := c.digits(1, 2)
	c.need(":")
	minute := c.digits(1, 2)
	var second, fraction int64
	if c.take(":") {
		second = c.digits(1, 2)
		if c.take(".") {
			fraction = m.fractionOf(c)
		}
	}
	c.ok = c.ok && hour < 24 && minute < 60 && second < 60
	return (hour*3600+minute*60+second)*microsPerSecond + fraction
}

func (m *moment) fractionOf(c *cursor) int64 {
	before := len(c.s)
	fraction := c.digits(1, 6)
	n := before - len(c.s)
	for range 6 - n {
		fraction *= 10
	}
	for c.s != "" && c.s[0]-'0' <= 9 {
		m.remainder = m.remainder || c.s[0] != '0'
		c.s = c.s[1:]
		n++
	}
	m.fraction = n
	return fraction
}

func (m *moment) zone(c *cursor) {
	c.s = strings.TrimPrefix(c.s, " ")
	switch {
	case c.s == "":
		return
	case c.s == "Z" || c.s == "z" || c.s == "UTC" || c.s == "GMT":
		m.hasZone, c.s = true, ""
		return
	}
	sign := int64(1)
	if c.take("-") {
		sign = -1
	} else {
		c.need("+")
	}
	h := c.digits(1, 2)
	c.take(":")
	var min, sec int64
	if c.s != "" {
		min = c.digits(2, 2)
	}
	if c.take(":") || c.s != "" {
		sec = c.digits(2, 2)
	}
	c.ok = c.ok && h <= 18 && min < 60 && sec < 60
	m.hasZone, m.zoneOffset = true, sign*(h*3600+min*60+sec)
}

func isLeap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(year, month int64) int64 {
	if month == 2 && isLeap(year) {
		return 29
	}
	return int64("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[month-1])
}

// daysFromCivil returns the days since 1970-01-01 of a date of the proleptic Gregorian calendar
// (Howard Hinnant, chrono-compatible low-level date algorithms).
func daysFromCivil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}
