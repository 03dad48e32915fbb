package scalar

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("string",
		spec{name: "make_set", sig: "make_set(bits, a, …)", doc: "The operands whose bit is set, from the lowest, separated by commas; NULLs are left out.", args: "us*", ret: tString,
			nullsIn: true, row: makeSet},
		spec{name: "export_set", sig: "export_set(bits, on, off[, sep[, n]])", doc: "For each of n bits (64), from the lowest, on or off, separated by sep (a comma).", args: "uss?si", ret: tString, row: exportSet},
		spec{name: "soundex", sig: "soundex(s)", doc: "How an English word sounds: its first letter and digits for the consonants after it.", args: "s", ret: tString, row: soundex},
	)
	register("misc",
		spec{name: "inet_aton", sig: "inet_aton(s)", doc: "An IPv4 address as a number; NULL if it is none.", args: "s", ret: tUint, nullsOut: true, row: inetAton},
		spec{name: "inet_ntoa", sig: "inet_ntoa(n)", doc: "A number of 32 bits as an IPv4 address; NULL for others.", args: "i", ret: tString, nullsOut: true, row: inetNtoa},
		spec{name: "uuid_to_bin", sig: "uuid_to_bin(s[, swap])", doc: "The 16 bytes of a UUID; with swap the parts of its time from the slowest.", args: "s?i", ret: tBinary, row: uuidToBin},
		spec{name: "bin_to_uuid", sig: "bin_to_uuid(b[, swap])", doc: "The UUID of 16 bytes, swapped back with swap.", args: "s?i", ret: tString, row: binToUUID},
	)
}

func makeSet(r *Row) error {
	if r.IsNull(0) {
		return r.Null()
	}
	bits, b, first := uint64(r.Int(0)), r.Buf(), true
	for k := 1; k < r.N() && k <= 64; k++ {
		if bits>>(k-1)&1 == 0 || r.IsNull(k) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b, first = append(b, r.Str(k)...), false
	}
	return r.RetBuf(b)
}

func exportSet(r *Row) error {
	bits, n, sep := uint64(r.Int(0)), int64(64), []byte{','}
	if r.N() > 3 {
		sep = r.Str(3)
	}
	if r.N() > 4 && r.Int(4) >= 0 && r.Int(4) < n {
		n = r.Int(4)
	}
	on, off := r.Str(1), r.Str(2)
	if !r.w.Room(r.i, int(n)*(max(len(on), len(off))+len(sep))) {
		return nil
	}
	b := r.Buf()
	for k := range n {
		if k > 0 {
			b = append(b, sep...)
		}
		if bits>>k&1 != 0 {
			b = append(b, on...)
		} else {
			b = append(b, off...)
		}
	}
	return r.RetBuf(b)
}

// soundexCodes are the digits of the letters A to Z; vowels have 0 and are left out.
const soundexCodes = "01230120022455012623010202"

// soundex follows MySQL's, which drops vowels before it drops repeated digits. Letters beyond ASCII count as vowels.
func soundex(r *Row) error {
	b := r.Buf()
	start, last := len(b), byte(0)
	for _, c := range string(r.Str(0)) {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		ascii := c >= 'A' && c <= 'Z'
		if !ascii && c < 0xC0 {
			continue
		}
		code := byte('0')
		if ascii {
			code = soundexCodes[c-'A']
		}
		switch {
		case len(b) == start:
			b, last = append(b, string(c)...), code
		case code != '0' && code != last:
			b, last = append(b, code), code
		}
	}
	for n := runeCount(b[start:], false); n > 0 && n < 4; n++ {
		b = append(b, '0')
	}
	return r.RetBuf(b)
}

// inetAton takes a.b.c.d, and a, a.b and a.b.c, whose last part is the last byte.
func inetAton(r *Row) error {
	parts := bytes.Split(r.Str(0), []byte{'.'})
	if len(parts) > 4 || len(parts[len(parts)-1]) == 0 {
		return r.Null()
	}
	x := uint64(0)
	for i, p := range parts {
		n := uint64(0)
		for _, c := range p {
			if n = n*10 + uint64(c-'0'); c < '0' || c > '9' || n > 255 {
				return r.Null()
			}
		}
		if i == len(parts)-1 && i > 0 {
			x <<= 8 * (3 - i)
		}
		x = x<<8 | n
	}
	return r.RetInt(int64(x))
}

func inetNtoa(r *Row) error {
	n := r.Int(0)
	if n < 0 || n > 1<<32-1 {
		return r.Null()
	}
	b := r.Buf()
	for shift := 24; shift >= 0; shift -= 8 {
		b = strconv.AppendInt(b, n>>shift&255, 10)
		if shift > 0 {
			b = append(b, '.')
		}
	}
	return r.RetBuf(b)
}

// swapped reports whether operand 1 asks for the parts of a UUID's time in another order.
func (r *Row) swapped() bool { return r.N() > 1 && r.Int(1) != 0 }

func uuidToBin(r *Row) error {
	s := r.Str(0)
	if !validUUID(s) {
		return &expr.ValueError{Code: 1411, Value: string(s[:min(len(s), 128)]), Msg: "Incorrect string value: '" + string(s[:min(len(s), 128)]) + "' for function uuid_to_bin"}
	}
	digits := strings.NewReplacer("-", "", "{", "", "}", "").Replace(string(s))
	u, _ := hex.DecodeString(digits) // validUUID has seen 32 digits
	if r.swapped() {
		low := binary.BigEndian.Uint32(u)
		copy(u[2:], u[4:6])
		copy(u, []byte{u[6], u[7]})
		binary.BigEndian.PutUint32(u[4:], low)
	}
	return r.RetStr(u)
}

func binToUUID(r *Row) error {
	s := r.Str(0)
	if len(s) != 16 {
		return &expr.ValueError{Code: 1411, Value: hex.EncodeToString(s[:min(len(s), 64)]), Msg: "Incorrect string value for function bin_to_uuid: it takes 16 bytes, not " + strconv.Itoa(len(s))}
	}
	var u [16]byte
	copy(u[:], s)
	if r.swapped() {
		copy(u[:4], s[4:8])
		copy(u[4:6], s[2:4])
		copy(u[6:8], s[:2])
	}
	return r.RetBuf(appendUUID(r.Buf(), u))
}

func init() {
	register("temporal",
		spec{name: "period_add", sig: "period_add(p, n)", doc: "A month YYYYMM (or YYMM) plus n months, as YYYYMM.", args: "ii", ret: tInt, row: func(r *Row) error {
			m, err := months(r.Int(0), "period_add")
			if err != nil {
				return err
			}
			if m += r.Int(1); m < 0 || m > 1<<40 {
				return r.Ctx.RangeError(tInt)
			}
			return r.RetInt(fullYear(m/12)*100 + m%12 + 1)
		}},
		spec{name: "period_diff", sig: "period_diff(a, b)", doc: "Months from b to a, both YYYYMM or YYMM.", args: "ii", ret: tInt, row: func(r *Row) error {
			a, err := months(r.Int(0), "period_diff")
			if err != nil {
				return err
			}
			b, err := months(r.Int(1), "period_diff")
			if err != nil {
				return err
			}
			return r.RetInt(a - b)
		}},
		spec{name: "addtime", sig: "addtime(a, t)", doc: "A time or datetime plus a time.", args: "xt", typ: shiftedType, nullsOut: true, row: addTime(1)},
		spec{name: "subtime", sig: "subtime(a, t)", doc: "A time or datetime minus a time.", args: "xt", typ: shiftedType, nullsOut: true, row: addTime(-1)},
		spec{name: "round_second", sig: "round_second(t, digits)", doc: "A time or datetime rounded to digits of a second, as CAST(… AS DATETIME(digits)) does.", args: "xi", typ: func(args []expr.Expr) types.Type { return args[0].Type() },
			nullsOut: true, row: roundSecond},
	)
	round := expr.Lookup("round_second")
	plain := round.Resolve
	round.Resolve = func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
		if len(args) == 2 && args[0].Type().Kind != types.Time {
			args = []expr.Expr{expr.Cast(args[0], tNTZ), args[1]}
		}
		return plain(args)
	}
}

// fullYear gives years of two digits their century: 1970 to 2069.
func fullYear(y int64) int64 {
	switch {
	case y < 70:
		return y + 2000
	case y < 100:
		return y + 1900
	}
	return y
}

// months counts the months since year 0 of a period YYYYMM.
func months(period int64, function string) (int64, error) {
	if period <= 0 || period%100 < 1 || period%100 > 12 {
		return 0, &expr.ValueError{Code: 1210, Value: strconv.FormatInt(period, 10), Msg: "Incorrect arguments to " + function + ": a period is YYYYMM"}
	}
	return fullYear(period/100)*12 + period%100 - 1, nil
}

// shiftedType is the type of a time plus a time: text stays text.
func shiftedType(args []expr.Expr) types.Type {
	switch t := args[0].Type(); {
	case t.Kind == types.Time:
		return tTime
	case t.IsTemporal():
		return tNTZ
	}
	return tString
}

func addTime(sign int64) func(r *Row) error {
	return func(r *Row) error {
		by := sign * r.Int(1)
		switch r.args[0].Type.Kind {
		case types.Time:
			return r.RetInt(clampTime(r.Int(0) + by))
		case types.Timestamp:
			return r.retDatetime(r.Ctx.Local(r.Int(0)) + by)
		case types.Date, types.TimestampNTZ:
			return r.retDatetime(r.Micros(0) + by)
		}
		r.tmp = r.Ctx.AppendRow(r.tmp[:0], r.args[0], r.i)
		text := string(r.tmp)
		if d, ok := types.ParseDatetime(text); ok && d.HasTime {
			if us := d.Micros + by; inCalendar(us) {
				return r.RetBuf(types.AppendDatetime(r.Buf(), us))
			}
			return r.overflow()
		}
		if t, ok := types.ParseTime(text); ok {
			return r.RetBuf(types.AppendTime(r.Buf(), clampTime(t+by)))
		}
		r.Warn(expr.CodeWrongValue, "Truncated incorrect time value: '%s'", text)
		return r.Null()
	}
}

func clampTime(us int64) int64 { return max(-types.MaxTime, min(us, types.MaxTime)) }

func roundSecond(r *Row) error {
	unit := types.Pow10Int64(6 - int(max(0, min(r.Int(1), 6))))
	us := r.Int(0)
	q, rest := types.FloorDiv(us, unit)
	if rest*2 > unit || rest*2 == unit && us >= 0 {
		q++
	}
	if us = q * unit; r.out.Type.Kind == types.Time {
		return r.RetInt(clampTime(us))
	}
	return r.retDatetime(us)
}
