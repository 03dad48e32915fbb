package scalar

import (
	"crypto/md5"  //nolint:gosec // MD5() is part of the dialect
	"crypto/sha1" //nolint:gosec // SHA1() is part of the dialect
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("string",
		spec{name: "ascii", sig: "ascii(s)", doc: "The first byte; 0 of an empty text.", args: "s", ret: tInt, row: func(r *Row) error {
			if s := r.Str(0); len(s) > 0 {
				return r.RetInt(int64(s[0]))
			}
			return r.RetInt(0)
		}},
		spec{name: "ord", sig: "ord(s)", doc: "The bytes of the first character as a number.", args: "s", ret: tInt, row: ord},
		spec{name: "hex", sig: "hex(a)", doc: "The bytes of a text, or a number, in hexadecimal.", args: "x", ret: tString, row: hexOf},
		spec{name: "unhex", sig: "unhex(s)", doc: "The bytes that hexadecimal digits name; NULL if they do not.", args: "s", ret: tBinary, nullsOut: true, row: unhex},
		spec{name: "md5", sig: "md5(s)", doc: "MD5 checksum in hexadecimal.", args: "s", ret: tString, row: func(r *Row) error {
			h := md5.Sum(r.Str(0)) //nolint:gosec // not for security
			return r.RetBuf(hex.AppendEncode(r.Buf(), h[:]))
		}},
		spec{name: "sha1", aliases: []string{"sha"}, sig: "sha1(s)", doc: "SHA-1 checksum in hexadecimal.", args: "s", ret: tString, row: func(r *Row) error {
			h := sha1.Sum(r.Str(0)) //nolint:gosec // not for security
			return r.RetBuf(hex.AppendEncode(r.Buf(), h[:]))
		}},
		spec{name: "sha2", sig: "sha2(s, bits)", doc: "SHA-224, 256, 384 or 512 checksum in hexadecimal; 0 bits mean 256.", args: "si", ret: tString, nullsOut: true, row: sha2},
		spec{name: "to_base64", sig: "to_base64(s)", doc: "Base64, in lines of 76 characters.", args: "s", ret: tString, nullsOut: true, row: toBase64},
		spec{name: "from_base64", sig: "from_base64(s)", doc: "The bytes of Base64 text; NULL if it is none.", args: "s", ret: tBinary, nullsOut: true, row: fromBase64},
		spec{name: "format", sig: "format(x, d[, locale])", doc: "A number with d decimals and commas between thousands (locale en_US).", args: "ni?s", ret: tString, row: formatNumber},
	)
	register("numeric",
		spec{name: "crc32", sig: "crc32(s)", doc: "CRC-32 checksum.", args: "s", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(crc32.ChecksumIEEE(r.Str(0)))) }},
		spec{name: "conv", sig: "conv(s, from, to)", doc: "Digits converted between bases 2 to 36; a negative base means signed.", args: "sii", ret: tString, nullsOut: true, row: conv},
		spec{name: "bin", sig: "bin(n)", doc: "A number in binary: conv(n, 10, 2).", args: "s", ret: tString, nullsOut: true,
			row: func(r *Row) error { return inBase(r, 10, 2) }},
		spec{name: "oct", sig: "oct(n)", doc: "A number in octal: conv(n, 10, 8).", args: "s", ret: tString, nullsOut: true,
			row: func(r *Row) error { return inBase(r, 10, 8) }},
		spec{name: "bit_count", sig: "bit_count(n)", doc: "Ones in the binary form of a number.", args: "u", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(bits.OnesCount64(uint64(r.Int(0))))) }},
		bitSpec("&", "a & b", "Bitwise AND of BIGINT UNSIGNED.", func(a, b uint64) uint64 { return a & b }),
		bitSpec("|", "a | b", "Bitwise OR of BIGINT UNSIGNED.", func(a, b uint64) uint64 { return a | b }),
		bitSpec("^", "a ^ b", "Bitwise exclusive OR of BIGINT UNSIGNED.", func(a, b uint64) uint64 { return a ^ b }),
		bitSpec("<<", "a << b", "Bits shifted to the left.", func(a, b uint64) uint64 { return a << b }),
		bitSpec(">>", "a >> b", "Bits shifted to the right.", func(a, b uint64) uint64 { return a >> b }),
		spec{name: "~", sig: "~a", doc: "Bitwise complement of BIGINT UNSIGNED.", args: "u", ret: tUint,
			row: func(r *Row) error { return r.RetInt(^r.Int(0)) }},
	)
}

func bitSpec(name, sig, doc string, f func(a, b uint64) uint64) spec {
	return spec{name: name, sig: sig, doc: doc, args: "uu", ret: tUint,
		row: func(r *Row) error { return r.RetInt(int64(f(uint64(r.Int(0)), uint64(r.Int(1))))) }}
}

func ord(r *Row) error {
	s := r.Str(0)
	if len(s) == 0 {
		return r.RetInt(0)
	}
	size := 1
	if x, n := utf8.DecodeRune(s); !r.bin && x != utf8.RuneError {
		size = n
	}
	x := int64(0)
	for _, c := range s[:size] {
		x = x<<8 | int64(c)
	}
	return r.RetInt(x)
}

func hexOf(r *Row) error {
	a := r.args[0]
	b := r.Buf()
	start := len(b)
	switch {
	case a.Type.IsBytes() || a.Type.IsTemporal():
		r.tmp = r.Ctx.AppendRow(r.tmp[:0], a, r.i)
		if !r.w.Room(r.i, 2*len(r.tmp)) {
			return nil
		}
		b = hex.AppendEncode(b, r.tmp)
	case a.Type.IsInteger():
		b = strconv.AppendUint(b, uint64(a.Int(r.i)), 16)
	default:
		b = strconv.AppendUint(b, uint64(int64(math.Round(r.number(0)))), 16)
	}
	for i := start; i < len(b); i++ {
		if b[i] >= 'a' {
			b[i] -= 'a' - 'A'
		}
	}
	return r.RetBuf(b)
}

func unhex(r *Row) error {
	s := r.Str(0)
	if len(s)%2 == 1 {
		r.tmp = append(append(r.tmp[:0], '0'), s...)
		s = r.tmp
	}
	b, err := hex.AppendDecode(r.Buf(), s)
	if err != nil {
		return r.Null()
	}
	return r.RetBuf(b)
}

func sha2(r *Row) error {
	s, b := r.Str(0), r.Buf()
	switch r.Int(1) {
	case 0, 256:
		h := sha256.Sum256(s)
		b = hex.AppendEncode(b, h[:])
	case 224:
		h := sha256.Sum224(s)
		b = hex.AppendEncode(b, h[:])
	case 384:
		h := sha512.Sum384(s)
		b = hex.AppendEncode(b, h[:])
	case 512:
		h := sha512.Sum512(s)
		b = hex.AppendEncode(b, h[:])
	default:
		return r.Null()
	}
	return r.RetBuf(b)
}

func toBase64(r *Row) error {
	const line = 76
	s := r.Str(0)
	n := base64.StdEncoding.EncodedLen(len(s))
	if !r.w.Room(r.i, n+n/line) {
		return nil
	}
	r.tmp = base64.StdEncoding.AppendEncode(r.tmp[:0], s)
	b := r.Buf()
	for rest := r.tmp; len(rest) > 0; {
		n := min(line, len(rest))
		b = append(b, rest[:n]...)
		if rest = rest[n:]; len(rest) > 0 {
			b = append(b, '\n')
		}
	}
	return r.RetBuf(b)
}

func fromBase64(r *Row) error {
	r.tmp = r.tmp[:0]
	for _, c := range r.Str(0) {
		if c != ' ' && (c < '\t' || c > '\r') {
			r.tmp = append(r.tmp, c)
		}
	}
	b, err := base64.StdEncoding.AppendDecode(r.Buf(), r.tmp)
	if err != nil {
		return r.Null()
	}
	return r.RetBuf(b)
}

func formatNumber(r *Row) error {
	d := int(max(0, min(r.Int(1), types.MaxScaleMySQL)))
	a := r.args[0]
	var text string
	switch {
	case a.Type.IsFloat():
		f := a.Float(r.i)
		if f-f != 0 {
			return r.RetString(strconv.FormatFloat(f, 'g', -1, 64))
		}
		text = strconv.FormatFloat(roundFloat(f, d), 'f', d, 64)
	default:
		x, scale := exactOperand(r, 0)
		y, ok := x.Rescale(scale, d)
		if !ok {
			return r.Ctx.RangeError(types.DecimalOf(types.MaxPrecision, d))
		}
		text = string(y.AppendDecimal(nil, d))
	}
	return r.RetBuf(appendGrouped(r.Buf(), text))
}

// appendGrouped puts commas between the thousands of a decimal number.
func appendGrouped(b []byte, text string) []byte {
	if strings.HasPrefix(text, "-") {
		b = append(b, '-')
		text = text[1:]
	}
	whole, frac, has := strings.Cut(text, ".")
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, whole[i])
	}
	if has {
		b = append(append(b, '.'), frac...)
	}
	return b
}

// exactOperand returns an integer or decimal operand as a scaled integer.
func exactOperand(r *Row, k int) (types.Int128, int) {
	switch a := r.args[k]; {
	case a.Type.Kind == types.Decimal:
		return a.Decimal(r.i), int(a.Type.Scale)
	case a.Type.Kind == types.Uint64:
		return types.Int128{Lo: uint64(a.Int(r.i))}, 0
	}
	return types.Int128From(r.Int(k)), 0
}

// conv follows CONV: an unsigned 64-bit number, unless the base to convert to is negative.
func conv(r *Row) error { return inBase(r, r.Int(1), r.Int(2)) }

func inBase(r *Row, from, to int64) error {
	s := strings.TrimSpace(string(r.Str(0)))
	if !validBase(from) || !validBase(to) {
		return r.Null()
	}
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	base := from
	if base < 0 {
		base = -base
	}
	var x uint64
	for i := range len(s) {
		d := digit(s[i])
		if d >= uint64(base) {
			break
		}
		hi, lo := bits.Mul64(x, uint64(base))
		sum, carry := bits.Add64(lo, d, 0)
		if hi != 0 || carry != 0 {
			x = math.MaxUint64
			neg = false
			break
		}
		x = sum
	}
	if neg {
		x = -x
	}
	var text string
	if to < 0 {
		text = strconv.FormatInt(int64(x), int(-to))
	} else {
		text = strconv.FormatUint(x, int(to))
	}
	return r.RetString(strings.ToUpper(text))
}

func validBase(b int64) bool { return b >= 2 && b <= 36 || b <= -2 && b >= -36 }

func digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return uint64(c|0x20-'a') + 10
	}
	return 99
}

func parseFloat(s []byte) float64 {
	num, _ := types.NumberPrefix(s, false, true)
	f, _ := strconv.ParseFloat(string(num), 64)
	return f
}
