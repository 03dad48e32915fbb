package scalar

import (
	"bytes"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("temporal", spec{name: "str_to_date", sig: "str_to_date(s, format)", doc: "A date, time or datetime read by a pattern; NULL with a warning if it does not match.",
		args: "ss", nullsOut: true, typ: func(args []expr.Expr) types.Type {
			f, ok := constString(args[1])
			return formatType(f, ok)
		}, row: strToDate})
}

// formatType is DATE for a constant pattern without a time, TIME for one without a date, else DATETIME.
func formatType(format string, constant bool) types.Type {
	if !constant {
		return tNTZ
	}
	date, clock := false, false
	for i := 0; i+1 < len(format); i++ {
		if format[i] == '%' {
			i++
			date = date || strings.IndexByte("abcDdejMmUuVvWwXxYy", format[i]) >= 0
			clock = clock || strings.IndexByte("fHhIiklprSsT", format[i]) >= 0
		}
	}
	switch {
	case date && !clock:
		return tDate
	case clock && !date:
		return tTime
	}
	return tNTZ
}

// parsed collects what the specifiers of a pattern read.
type parsed struct {
	types.Clock
	pm, half12 bool
	yearDay    int
	week, wday int // -1 unknown
	weekMode   int64
	weekYear   int
}

func strToDate(r *Row) error {
	p := parsed{week: -1, wday: -1}
	rest, ok := p.read(r.Str(0), r.Str(1))
	if ok && len(bytes.TrimSpace(rest)) > 0 {
		r.Warn(expr.CodeWrongValue, "Truncated incorrect datetime value: '%s'", r.Str(0))
	}
	var us int64
	if ok {
		us, ok = p.value(r.out.Type)
	}
	if !ok {
		r.Warn(expr.CodeFunctionValue, "Incorrect datetime value: '%s' for function str_to_date", r.Str(0))
		return r.Null()
	}
	if r.out.Type.Kind == types.Date {
		us, _ = types.FloorDiv(us, types.MicrosPerDay)
	}
	return r.RetInt(us)
}

// value puts the parts together as a date, time or datetime.
func (p *parsed) value(t types.Type) (int64, bool) {
	if p.half12 {
		if p.Hour < 1 || p.Hour > 12 {
			return 0, false
		}
		p.Hour %= 12
		if p.pm {
			p.Hour += 12
		}
	}
	if p.Hour > 23 || p.Minute > 59 || p.Second > 59 {
		return 0, false
	}
	clock := (int64(p.Hour)*3600+int64(p.Minute)*60+int64(p.Second))*types.MicrosPerSecond + int64(p.Micros)
	switch {
	case t.Kind == types.Time:
		return clock, true
	case p.yearDay > 0:
		days := types.DaysFromCivil(p.Year, 1, 1) + int64(p.yearDay) - 1
		return days*types.MicrosPerDay + clock, p.yearDay <= 366 && days <= types.MaxDay
	case p.week >= 0 && p.wday >= 0:
		return p.weekDate()*types.MicrosPerDay + clock, p.week <= 53
	case p.Month < 1 || p.Month > 12 || p.Day < 1 || p.Day > types.DaysInMonth(p.Year, p.Month):
		return 0, false
	}
	return p.Unix(), true
}

// weekDate is the day of a week and weekday (0 is Monday).
func (p *parsed) weekDate() int64 {
	year := p.Year
	if p.weekMode&2 != 0 && p.weekYear > 0 {
		year = p.weekYear
	}
	monday := p.weekMode&1 != 0
	start := weekOneStart(int64(year), monday, !monday)
	day := p.wday
	if !monday {
		day = (p.wday + 1) % 7
	}
	return start + int64(p.week-1)*7 + int64(day)
}

// read consumes s by the pattern; blanks in the pattern match any number of blanks.
func (p *parsed) read(s, format []byte) ([]byte, bool) {
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c == ' ' {
			s = bytes.TrimLeft(s, " ")
			continue
		}
		s = bytes.TrimLeft(s, " ")
		if c != '%' || i+1 == len(format) {
			if len(s) == 0 || s[0] != c {
				return s, len(s) == 0
			}
			s = s[1:]
			continue
		}
		i++
		if len(s) == 0 {
			return s, true
		}
		var ok bool
		if s, ok = p.specifier(s, format[i]); !ok {
			return s, false
		}
	}
	return s, true
}

// numbers maps specifiers of plain numbers to their greatest width and place.
func (p *parsed) number(spec byte) (*int, int) {
	switch spec {
	case 'd', 'e':
		return &p.Day, 2
	case 'm', 'c':
		return &p.Month, 2
	case 'H', 'k':
		return &p.Hour, 2
	case 'h', 'I', 'l':
		p.half12 = true
		return &p.Hour, 2
	case 'i':
		return &p.Minute, 2
	case 'S', 's':
		return &p.Second, 2
	case 'j':
		return &p.yearDay, 3
	}
	return nil, 0
}

func (p *parsed) specifier(s []byte, spec byte) ([]byte, bool) {
	if at, width := p.number(spec); at != nil {
		n, used := digits(s, width)
		*at = n
		return s[used:], used > 0
	}
	switch spec {
	case 'Y', 'y':
		width := 4
		if spec == 'y' {
			width = 2
		}
		n, used := digits(s, width)
		if used > 0 && used <= 2 {
			n += 1900
			if n < 1970 {
				n += 100
			}
		}
		p.Year = n
		return s[used:], used > 0
	case 'f':
		n, used := digits(s, 6)
		for w := used; w < 6; w++ {
			n *= 10
		}
		p.Micros = n
		return s[used:], used > 0
	case 'p':
		if len(s) < 2 || s[1]|0x20 != 'm' || !p.half12 { // after an hour of 24, MySQL takes none
			return s, false
		}
		p.pm = s[0]|0x20 == 'p'
		return s[2:], p.pm || s[0]|0x20 == 'a'
	case 'D':
		n, used := digits(s, 2)
		p.Day = n
		return s[min(len(s), used+2):], used > 0
	case 'T':
		return p.read(s, []byte("%H:%i:%S"))
	case 'r':
		return p.read(s, []byte("%I:%i:%S %p"))
	}
	return p.named(s, spec)
}

// named reads names, and the week specifiers.
func (p *parsed) named(s []byte, spec byte) ([]byte, bool) {
	switch spec {
	case 'M', 'b':
		n, used := name(s, monthNames[:], spec == 'b')
		p.Month = n + 1
		return s[used:], used > 0
	case 'W', 'a':
		n, used := name(s, dayNames[:], spec == 'a')
		p.wday = n
		return s[used:], used > 0
	case 'w':
		n, used := digits(s, 1)
		p.wday = (n + 6) % 7
		return s[used:], used > 0 && n < 7
	case 'U', 'u', 'V', 'v':
		n, used := digits(s, 2)
		p.week, p.weekMode = n, map[byte]int64{'U': 0, 'u': 1, 'V': 2, 'v': 3}[spec]
		return s[used:], used > 0
	case 'X', 'x':
		n, used := digits(s, 4)
		p.weekYear = n
		return s[used:], used > 0
	case '%':
		return s[1:], s[0] == '%'
	}
	return s, false
}

// digits reads a number of at most width digits.
func digits(s []byte, width int) (n, used int) {
	for used < width && used < len(s) && s[used] >= '0' && s[used] <= '9' {
		n = n*10 + int(s[used]-'0')
		used++
	}
	return n, used
}

// name finds which of the names s begins with, without regard to case.
func name(s []byte, names []string, short bool) (index, used int) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(s) >= len(n) && strings.EqualFold(string(s[:len(n)]), n) {
			return i, len(n)
		}
	}
	return 0, 0
}
