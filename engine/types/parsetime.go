package types

import "strings"

// Datetime is a parsed date or datetime.
type Datetime struct {
	Micros  int64 // since 1970-01-01T00:00:00, of the clock as written, or of UTC if HasZone
	HasTime bool  // a time of day was given
	HasZone bool  // an offset such as +05:30 was given, and subtracted
	Clean   bool  // nothing but blanks followed, and no digit of the fraction was rounded off
}

// ParseDatetime reads a date or a date and time by MySQL's relaxed rules (manual, "Date and Time Literals"): with
// any punctuation between the parts, or digits only (YYYYMMDD, YYMMDD, YYYYMMDDhhmmss, YYMMDDhhmmss), two-digit years
// from 1970 to 2069, T or blanks before the time, and up to six digits of a fraction, rounded. Dates with a zero part
// and dates that do not exist are refused.
func ParseDatetime(s string) (Datetime, bool) {
	if d, ok := plainDatetime(s); ok {
		return d, true
	}
	return relaxedDatetime(s)
}

// plainDatetime reads 2024-01-31 and 2024-01-31 12:30:00, as most are written.
func plainDatetime(s string) (d Datetime, ok bool) {
	if len(s) != len("2024-01-31") && len(s) != len("2024-01-31 12:30:00") || s[4] != '-' || s[7] != '-' {
		return Datetime{}, false
	}
	var bad int
	two := func(at int) int {
		hi, lo := int(s[at])-'0', int(s[at+1])-'0'
		bad |= hi | lo | (9 - hi) | (9 - lo) // negative where one is no digit
		return hi*10 + lo
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	if bad < 0 || year == 0 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month) {
		return Datetime{}, false
	}
	d = Datetime{Micros: DaysFromCivil(year, month, day) * MicrosPerDay, Clean: true}
	if len(s) == len("2024-01-31") {
		return d, true
	}
	hour, minute, second := two(11), two(14), two(17)
	if bad < 0 || !isTimeSep(s[10]) || s[13] != ':' || s[16] != ':' || hour > 23 || minute > 59 || second > 59 {
		return Datetime{}, false
	}
	d.HasTime = true
	d.Micros += int64(hour*3600+minute*60+second) * MicrosPerSecond
	return d, true
}

func relaxedDatetime(s string) (Datetime, bool) {
	p := parser{s: strings.TrimLeft(s, " \t\n\r")}
	run := p.digitRun()
	if run == 0 {
		return Datetime{}, false
	}
	if len(p.s) > run && p.s[run] != '.' && !isTimeSep(p.s[run]) || run < 5 {
		return p.delimited()
	}
	return p.compact(run)
}

// parser reads from the front of s.
type parser struct{ s string }

func isDigit(c byte) bool   { return c >= '0' && c <= '9' }
func isTimeSep(c byte) bool { return c == 'T' || c == ' ' }
func isPunct(c byte) bool {
	return c > ' ' && c < 0x7f && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z')
}

func (p *parser) digitRun() int {
	n := 0
	for n < len(p.s) && isDigit(p.s[n]) {
		n++
	}
	return n
}

// number reads one to width digits.
func (p *parser) number(width int) (v, n int) {
	for n < width && n < len(p.s) && isDigit(p.s[n]) {
		v = v*10 + int(p.s[n]-'0')
		n++
	}
	p.s = p.s[n:]
	return v, n
}

func fullYear(y, digits int) int {
	switch {
	case digits > 2:
		return y
	case y < 70:
		return y + 2000
	}
	return y + 1900
}

// delimited reads 2024-1-31 12:30:00.5 and its like.
func (p *parser) delimited() (Datetime, bool) {
	var c Clock
	year, n := p.number(4)
	c.Year = fullYear(year, n)
	if !p.punct() {
		return Datetime{}, false
	}
	c.Month, n = p.number(2)
	if n == 0 || !p.punct() {
		return Datetime{}, false
	}
	if c.Day, n = p.number(2); n == 0 {
		return Datetime{}, false
	}
	hasTime := false
	if len(p.s) > 1 && (isTimeSep(p.s[0]) || isPunct(p.s[0])) {
		rest := strings.TrimLeft(p.s[1:], " ")
		if rest != "" && isDigit(rest[0]) {
			p.s, hasTime = rest, true
			p.clock(&c)
		}
	}
	return p.finish(c, hasTime)
}

// punct skips one or more delimiters.
func (p *parser) punct() bool {
	n := 0
	for n < len(p.s) && isPunct(p.s[n]) {
		n++
	}
	p.s = p.s[n:]
	return n > 0
}

// clock reads hh[:mm[:ss]].
func (p *parser) clock(c *Clock) {
	c.Hour, _ = p.number(2)
	for _, part := range []*int{&c.Minute, &c.Second} {
		if len(p.s) < 2 || !isPunct(p.s[0]) || p.s[0] == '+' || p.s[0] == '-' || !isDigit(p.s[1]) {
			return
		}
		p.s = p.s[1:]
		*part, _ = p.number(2)
	}
}

// compact reads runs of digits.
func (p *parser) compact(run int) (Datetime, bool) {
	var c Clock
	digits := 2
	if run == 8 || run >= 14 {
		digits = 4
	}
	y, _ := p.number(digits)
	c.Year = fullYear(y, digits)
	c.Month, _ = p.number(2)
	var n int
	if c.Day, n = p.number(2); n == 0 {
		return Datetime{}, false
	}
	hasTime := false
	if len(p.s) > 1 && isTimeSep(p.s[0]) && isDigit(p.s[1]) {
		p.s, hasTime = p.s[1:], true
		if p.digitRun() <= 2 {
			p.clock(&c)
			return p.finish(c, hasTime)
		}
	}
	if len(p.s) > 0 && isDigit(p.s[0]) {
		hasTime = true
		c.Hour, _ = p.number(2)
		c.Minute, _ = p.number(2)
		c.Second, _ = p.number(2)
	}
	return p.finish(c, hasTime)
}

// finish reads the fraction and the zone, and checks the date.
func (p *parser) finish(c Clock, hasTime bool) (Datetime, bool) {
	d := Datetime{HasTime: hasTime, Clean: true}
	carry := 0
	if hasTime {
		c.Micros, carry, d.Clean = p.fraction()
	}
	if c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Day > DaysInMonth(c.Year, c.Month) || c.Hour > 23 || c.Minute > 59 || c.Second > 59 {
		return Datetime{}, false
	}
	d.Micros = c.Unix() + int64(carry)
	if hasTime {
		if offset, ok := p.zone(); ok {
			d.HasZone = true
			d.Micros -= int64(offset) * 60 * MicrosPerSecond
		}
	}
	if strings.TrimRight(p.s, " \t\n\r\x00") != "" {
		d.Clean = false
	}
	return d, true
}

// fraction reads .ffffff; the digits after the sixth round.
func (p *parser) fraction() (micros, carry int, clean bool) {
	if len(p.s) == 0 || p.s[0] != '.' {
		return 0, 0, true
	}
	p.s = p.s[1:]
	v, n := p.number(6)
	for ; n < 6; n++ {
		v *= 10
	}
	clean = true
	for i := 0; len(p.s) > 0 && isDigit(p.s[0]); i++ {
		if i == 0 && p.s[0] >= '5' {
			carry = 1
		}
		clean = clean && p.s[0] == '0'
		p.s = p.s[1:]
	}
	return v, carry, clean
}

// zone reads +hh:mm or Z and returns minutes east of UTC.
func (p *parser) zone() (int, bool) {
	if p.s == "Z" {
		p.s = ""
		return 0, true
	}
	if len(p.s) < 6 || (p.s[0] != '+' && p.s[0] != '-') || p.s[3] != ':' {
		return 0, false
	}
	q := parser{s: p.s[1:]}
	h, n1 := q.number(2)
	q.s = q.s[1:]
	m, n2 := q.number(2)
	if n1 != 2 || n2 != 2 || m > 59 || h*60+m > 14*60 {
		return 0, false
	}
	off := h*60 + m
	if p.s[0] == '-' {
		off = -off
	}
	p.s = q.s
	return off, true
}

// ParseTime reads a TIME by MySQL's rules: [-][D ]hh:mm[:ss[.f]], [-]hhmmss[.f], mmss, ss, or the time of day of a
// datetime. Values beyond 838:59:59 are cut to it. ok is false if s is none of these.
func ParseTime(s string) (us int64, ok bool) {
	s = strings.TrimSpace(s)
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if d, isDate := ParseDatetime(s); isDate && (digits >= 12 || strings.ContainsAny(s, "T ") || strings.Count(s, "-") > 1) && !strings.HasPrefix(s, "-") && d.HasTime {
		_, r := FloorDiv(d.Micros, MicrosPerDay)
		return r, true
	}
	neg := strings.HasPrefix(s, "-")
	p := parser{s: strings.TrimPrefix(s, "-")}
	run := p.digitRun()
	if run == 0 || run > 10 {
		return 0, false
	}
	v, _ := p.number(10)
	var h, m, sec int
	switch {
	case len(p.s) > 1 && p.s[0] == ' ' && isDigit(p.s[1]): // days
		p.s = p.s[1:]
		days := min(v, 35)
		h, _ = p.number(2)
		h += days * 24
		m, sec = p.minutes()
	case len(p.s) > 0 && p.s[0] == ':':
		h = v
		m, sec = p.minutes()
	default:
		h, m, sec = v/10000, v/100%100, v%100
	}
	micros, carry, _ := p.fraction()
	if m > 59 || sec > 59 || strings.TrimSpace(p.s) != "" {
		return 0, false
	}
	us = min((int64(min(h, 1000))*3600+int64(m)*60+int64(sec))*MicrosPerSecond+int64(micros+carry), MaxTime)
	if neg {
		us = -us
	}
	return us, true
}

// minutes reads [:mm[:ss]].
func (p *parser) minutes() (m, s int) {
	for _, part := range []*int{&m, &s} {
		if len(p.s) < 2 || p.s[0] != ':' || !isDigit(p.s[1]) {
			return m, s
		}
		p.s = p.s[1:]
		*part, _ = p.number(2)
	}
	return m, s
}
