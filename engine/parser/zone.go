package parser

import (
	"strings"
	"time"
	_ "time/tzdata" // zones must be known wherever the one binary runs
)

// TimeZoneError says that a value of time_zone names no zone. MySQL calls it 1298.
type TimeZoneError struct{ Name string }

func (e *TimeZoneError) Error() string {
	return "Unknown or incorrect time zone: '" + e.Name + "' (SYSTEM, an offset from -13:59 to +14:00, or a name of the IANA database)"
}

// Zone returns the zone that a value of time_zone names: SYSTEM, an offset from -13:59 to +14:00, or a name of the
// IANA database in letters of any size. A *TimeZoneError if there is none.
func Zone(name string) (*time.Location, error) {
	switch {
	case strings.EqualFold(name, "SYSTEM"):
		return time.Local, nil
	case name == "" || strings.EqualFold(name, "local"):
	case name[0] == '+' || name[0] == '-':
		if d, ok := offset(name); ok {
			return time.FixedZone(name, int(d.Seconds())), nil
		}
	default:
		titled := zoneCase(name)
		area, place, _ := strings.Cut(titled, "/")
		for _, n := range []string{name, strings.ToUpper(name), titled, strings.ToUpper(area) + "/" + place, area + "/" + strings.ToUpper(place)} {
			if loc, err := time.LoadLocation(n); err == nil {
				return loc, nil
			}
		}
	}
	return nil, &TimeZoneError{name}
}

// offset reads [+-]h:mm or [+-]hh:mm.
func offset(name string) (time.Duration, bool) {
	h, m, ok := strings.Cut(name[1:], ":")
	if !ok || len(h) == 0 || len(h) > 2 || len(m) != 2 || strings.Trim(h+m, "0123456789") != "" {
		return 0, false
	}
	d, err := time.ParseDuration(h + "h" + m + "m")
	if err != nil || m[0] > '5' {
		return 0, false
	}
	if name[0] == '-' {
		return -d, d <= 13*time.Hour+59*time.Minute
	}
	return d, d <= 14*time.Hour
}

// zoneCase writes a name as the IANA database does: words begin with a capital, but for some that join others.
func zoneCase(name string) string {
	b := []byte(strings.ToLower(name))
	word := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] >= 'a' && b[i] <= 'z' {
			continue
		}
		if w := string(b[word:i]); w != "" && (word == 0 || b[word-1] == '/' || w != "of" && w != "au" && w != "es") {
			b[word] -= 'a' - 'A'
			if b[word] < 'A' || b[word] > 'Z' {
				b[word] += 'a' - 'A'
			}
		}
		word = i + 1
	}
	return string(b)
}
