package exec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are powers of 1024, as of MySQL's system variables; KB, MB and so on are powers of 1000.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// ParseSize reads a number of bytes: 536870912, 512MiB, 512m, 0.5 GiB, 500MB. Case does not matter.
func ParseSize(text string) (int64, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(s, "bikmgt ")
	unit, known := sizeUnits[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || strings.ContainsAny(digits, "xpin_") || !(n >= 0) || n*unit > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size: write a number of bytes, or one like 512MiB, 2g or 1.5GiB", text)
	}
	return int64(n * unit), nil
}
