package scalar

import (
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("temporal",
		spec{name: "date_format", sig: "date_format(d, format)", doc: "A datetime by a pattern of % specifiers.", args: "ds", ret: tString,
			row: func(r *Row) error { return r.RetBuf(appendFormat(r.Buf(), r.Micros(0), r.Str(1))) }},
		spec{name: "time_format", sig: "time_format(t, format)", doc: "A time by a pattern of % specifiers.", args: "ts", ret: tString, row: timeFormat},
	)
}

func timeFormat(r *Row) error {
	us := r.Int(0)
	b := r.Buf()
	if us < 0 {
		b, us = append(b, '-'), -us
	}
	c := types.ClockFromMicros(us)
	c.Hour = int(us / usHour) // of all days
	return r.RetBuf(appendClockFormat(b, c, 0, r.Str(1)))
}

// appendFormat follows DATE_FORMAT (manual, "Date and Time Functions").
func appendFormat(b []byte, us int64, format []byte) []byte {
	days, _ := types.FloorDiv(us, types.MicrosPerDay)
	return appendClockFormat(b, types.ClockFromMicros(us), days, format)
}

func appendClockFormat(b []byte, c types.Clock, days int64, format []byte) []byte {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		i++
		b = appendSpecifier(b, format[i], c, days)
	}
	return b
}

func appendSpecifier(b []byte, spec byte, c types.Clock, days int64) []byte {
	hour12 := (c.Hour+11)%12 + 1
	half := "AM"
	if c.Hour%24 >= 12 {
		half = "PM"
	}
	switch spec {
	case 'a':
		return append(b, dayNames[weekday(days)][:3]...)
	case 'b':
		return append(b, monthNames[c.Month-1][:3]...)
	case 'c':
		return padded(b, c.Month, 1)
	case 'D':
		return append(padded(b, c.Day, 1), ordinal(c.Day)...)
	case 'd':
		return padded(b, c.Day, 2)
	case 'e':
		return padded(b, c.Day, 1)
	case 'f':
		return padded(b, c.Micros, 6)
	case 'H':
		return padded(b, c.Hour, 2)
	case 'h', 'I':
		return padded(b, hour12, 2)
	case 'i':
		return padded(b, c.Minute, 2)
	case 'j':
		return padded(b, dayOfYear(c), 3)
	case 'k':
		return padded(b, c.Hour, 1)
	case 'l':
		return padded(b, hour12, 1)
	case 'M':
		return append(b, monthNames[c.Month-1]...)
	case 'm':
		return padded(b, c.Month, 2)
	case 'p':
		return append(b, half...)
	case 'r':
		return append(append(clockText(b, hour12, c.Minute, c.Second), ' '), half...)
	case 'S', 's':
		return padded(b, c.Second, 2)
	case 'T':
		return clockText(b, c.Hour, c.Minute, c.Second)
	case 'W':
		return append(b, dayNames[weekday(days)]...)
	case 'w':
		return padded(b, int((weekday(days)+1)%7), 1)
	case 'Y':
		return padded(b, c.Year, 4)
	case 'y':
		return padded(b, c.Year%100, 2)
	}
	return appendWeek(b, spec, days)
}

func appendWeek(b []byte, spec byte, days int64) []byte {
	modes := map[byte]int64{'U': 0, 'u': 1, 'V': 2, 'v': 3, 'X': 2, 'x': 3}
	mode, ok := modes[spec]
	if !ok {
		return append(b, spec)
	}
	w, y := weekOf(days, mode)
	if spec == 'X' || spec == 'x' {
		return padded(b, int(y), 4)
	}
	return padded(b, int(w), 2)
}

func clockText(b []byte, h, m, s int) []byte {
	b = append(padded(b, h, 2), ':')
	b = append(padded(b, m, 2), ':')
	return padded(b, s, 2)
}

func ordinal(day int) string {
	switch {
	case day >= 11 && day <= 13:
		return "th"
	case day%10 == 1:
		return "st"
	case day%10 == 2:
		return "nd"
	case day%10 == 3:
		return "rd"
	}
	return "th"
}

// padded appends x, not negative, with at least width digits.
func padded(b []byte, x, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for ; x > 0 || width > 0; width-- {
		i--
		buf[i] = byte('0' + x%10)
		x /= 10
	}
	return append(b, buf[i:]...)
}
