package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/featuresql/featuresql/engine/types"
)

// binaryRow appends a row of the binary protocol: a zero, a bitmap of NULLs whose first two bits are unused, and
// the values.
func (s *Sink) binaryRow(dst []byte, row int) ([]byte, error) {
	dst = append(dst, 0)
	nulls := len(dst)
	for range (len(s.cols) + 9) / 8 {
		dst = append(dst, 0)
	}
	for i := range s.cols {
		c := &s.cols[i]
		if c.isNull(row) {
			dst[nulls+(i+2)/8] |= 1 << ((i + 2) % 8)
			continue
		}
		var err error
		if dst, err = c.append(dst, row); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// binary appends value i of c.src in c's layout.
func (c *column) binary(dst []byte, i int) ([]byte, error) {
	switch c.layout {
	case layoutDate, layoutDatetime:
		us, err := c.clock(i)
		if err != nil {
			return dst, err
		}
		return c.appendBinaryDatetime(dst, us), nil
	case layoutTime:
		if c.src.Type.Kind != types.Time {
			return dst, c.mismatch("TIME")
		}
		return appendBinaryTime(dst, c.src.Int(i), c.decimals), nil
	case layoutFloat32, layoutFloat64:
		f, err := c.float(i)
		if err != nil {
			return dst, err
		}
		if c.layout == layoutFloat32 {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	}
	n, err := c.int(i)
	if err != nil {
		return dst, err
	}
	switch c.layout {
	case layoutInt8:
		return append(dst, byte(n)), nil
	case layoutInt16:
		return binary.LittleEndian.AppendUint16(dst, uint16(n)), nil
	case layoutInt32:
		return binary.LittleEndian.AppendUint32(dst, uint32(n)), nil
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(n)), nil
}

func (c *column) mismatch(as string) error {
	return fmt.Errorf("column %s: cannot send %s as %s", c.name, c.src.Type, as)
}

// int returns value i as an integer, rounding what has a fraction half away from zero.
func (c *column) int(i int) (int64, error) {
	v := c.src
	switch {
	case v.Type.Kind == types.Decimal:
		d, ok := v.Decimal(i).Rescale(int(v.Type.Scale), 0)
		if !ok || !d.Fits64() {
			return 0, c.mismatch("BIGINT")
		}
		return int64(d.Lo), nil
	case v.Phys == types.PhysF64:
		return int64(math.Round(v.F64[i])), nil
	case v.Type.IsInteger():
		return v.Int(i), nil
	case v.Phys == types.PhysBytes:
		n, err := strconv.ParseInt(string(v.Bytes(i)), 10, 64)
		if err != nil {
			return 0, c.mismatch("BIGINT")
		}
		return n, nil
	}
	return 0, c.mismatch("BIGINT")
}

func (c *column) float(i int) (float64, error) {
	v := c.src
	switch {
	case v.Phys == types.PhysF64:
		return v.F64[i], nil
	case v.Type.Kind == types.Decimal:
		f, err := strconv.ParseFloat(string(v.Decimal(i).AppendDecimal(nil, int(v.Type.Scale))), 64)
		return f, err
	case v.Type.Kind == types.Uint64:
		return float64(uint64(v.Int(i))), nil
	case v.Type.IsInteger():
		return float64(v.Int(i)), nil
	case v.Phys == types.PhysBytes:
		f, err := strconv.ParseFloat(string(v.Bytes(i)), 64)
		if err != nil {
			return 0, c.mismatch("DOUBLE")
		}
		return f, nil
	}
	return 0, c.mismatch("DOUBLE")
}

// clock returns value i as microseconds of a clock without a zone.
func (c *column) clock(i int) (int64, error) {
	switch v := c.src; v.Type.Kind {
	case types.Date:
		return v.Int(i) * usecPerDay, nil
	case types.Timestamp:
		return c.zone.local(v.Int(i)), nil
	case types.TimestampNTZ:
		return v.Int(i), nil
	}
	return 0, c.mismatch("DATETIME")
}

// appendBinaryDatetime appends a DATE, DATETIME or TIMESTAMP in its shortest of four forms.
func (c *column) appendBinaryDatetime(dst []byte, us int64) []byte {
	days, rest := floorDiv(us, usecPerDay)
	y, m, d := civil(days)
	rest = truncate(rest, c.decimals)
	sec, frac := rest/usecPerSecond, rest%usecPerSecond
	n := byte(4)
	switch {
	case c.layout == layoutDate:
	case frac != 0:
		n = 11
	case sec != 0 || c.layout == layoutDatetime:
		n = 7
	}
	dst = append(dst, n, byte(y), byte(y>>8), byte(m), byte(d))
	if n > 4 {
		dst = append(dst, byte(sec/3600), byte(sec/60%60), byte(sec%60))
	}
	if n > 7 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(frac))
	}
	return dst
}

// appendBinaryTime appends a TIME in its shortest of three forms.
func appendBinaryTime(dst []byte, us int64, decimals int) []byte {
	negative := byte(0)
	if us < 0 {
		negative, us = 1, -us
	}
	us = truncate(us, decimals)
	sec, frac := us/usecPerSecond, us%usecPerSecond
	if us == 0 {
		return append(dst, 0)
	}
	n := byte(8)
	if frac != 0 {
		n = 12
	}
	dst = append(dst, n, negative)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(sec/86400))
	dst = append(dst, byte(sec/3600%24), byte(sec/60%60), byte(sec%60))
	if frac != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(frac))
	}
	return dst
}

// truncate cuts us to decimals digits after the second.
func truncate(us int64, decimals int) int64 {
	unit := types.Pow10Int64(6 - decimals)
	return us - us%unit
}
