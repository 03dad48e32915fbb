package scalar

import (
	"bytes"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("string",
		spec{name: "concat", sig: "concat(a, …)", doc: "The operands' texts one after the other.", args: "s*", ret: tString, binaryOut: true, row: concat},
		spec{name: "concat_ws", sig: "concat_ws(sep, a, …)", doc: "The texts that are not NULL, separated; NULL only if the separator is.",
			args: "ss*", ret: tString, nullsIn: true, binaryOut: true, row: concatWS},
		spec{name: "length", aliases: []string{"octet_length"}, sig: "length(s)", doc: "Bytes of a text.", args: "s", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(len(r.Str(0)))) }},
		spec{name: "bit_length", sig: "bit_length(s)", doc: "Bits of a text.", args: "s", ret: tInt,
			row: func(r *Row) error { return r.RetInt(8 * int64(len(r.Str(0)))) }},
		spec{name: "char_length", aliases: []string{"character_length"}, sig: "char_length(s)", doc: "Characters of a text.", args: "s", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(runeCount(r.Str(0), r.bin))) }},
		spec{name: "upper", aliases: []string{"ucase"}, sig: "upper(s)", doc: "The text in upper case.", args: "s", ret: tString, binaryOut: true, row: changeCase(unicode.ToUpper, 'a', 'z')},
		spec{name: "lower", aliases: []string{"lcase"}, sig: "lower(s)", doc: "The text in lower case.", args: "s", ret: tString, binaryOut: true, row: changeCase(unicode.ToLower, 'A', 'Z')},
		spec{name: "trim", sig: "trim(s[, remove[, side]])", doc: "The text without blanks, or without repetitions of another text, at both ends, or only at side 'l' or 'r'.",
			args: "s?ss", ret: tString, binaryOut: true, row: trim},
		spec{name: "ltrim", sig: "ltrim(s)", doc: "The text without leading blanks.", args: "s", ret: tString, binaryOut: true,
			row: func(r *Row) error { return r.RetStr(bytes.TrimLeft(r.Str(0), " ")) }},
		spec{name: "rtrim", sig: "rtrim(s)", doc: "The text without trailing blanks.", args: "s", ret: tString, binaryOut: true,
			row: func(r *Row) error { return r.RetStr(bytes.TrimRight(r.Str(0), " ")) }},
		spec{name: "substring", aliases: []string{"substr", "mid"}, sig: "substring(s, pos[, n])", doc: "n characters from position pos, which counts from 1, or from the end if negative.",
			args: "si?i", ret: tString, binaryOut: true, row: func(r *Row) error {
				n := int64(math.MaxInt64)
				if r.N() == 3 {
					n = r.Int(2)
				}
				return r.RetStr(substring(r.Str(0), r.Int(1), n, r.bin))
			}},
		spec{name: "left", sig: "left(s, n)", doc: "The first n characters.", args: "si", ret: tString, binaryOut: true,
			row: func(r *Row) error { return r.RetStr(substring(r.Str(0), 1, r.Int(1), r.bin)) }},
		spec{name: "right", sig: "right(s, n)", doc: "The last n characters.", args: "si", ret: tString, binaryOut: true, row: right},
		spec{name: "lpad", sig: "lpad(s, n, pad)", doc: "The text cut to, or filled on the left to, n characters.", args: "sis", ret: tString, nullsOut: true, binaryOut: true, row: pad(true)},
		spec{name: "rpad", sig: "rpad(s, n, pad)", doc: "The text cut to, or filled on the right to, n characters.", args: "sis", ret: tString, nullsOut: true, binaryOut: true, row: pad(false)},
		spec{name: "replace", sig: "replace(s, from, to)", doc: "The text with every from replaced.", args: "sss", ret: tString, nullsOut: true, binaryOut: true, row: replaceAll},
		spec{name: "reverse", sig: "reverse(s)", doc: "The characters in reverse order.", args: "s", ret: tString, binaryOut: true, row: reverse},
		spec{name: "repeat", sig: "repeat(s, n)", doc: "The text n times.", args: "si", ret: tString, nullsOut: true, binaryOut: true,
			row: func(r *Row) error { return repeat(r, r.Str(0), r.Int(1)) }},
		spec{name: "space", sig: "space(n)", doc: "n blanks.", args: "i", ret: tString, nullsOut: true,
			row: func(r *Row) error { return repeat(r, []byte{' '}, r.Int(0)) }},
		spec{name: "insert", sig: "insert(s, pos, n, new)", doc: "The text with n characters from position pos replaced.", args: "siis", ret: tString, binaryOut: true, row: insert},
		spec{name: "quote", sig: "quote(s)", doc: "The text as an SQL literal; the word NULL for NULL.", args: "s", ret: tString, nullsIn: true, row: quote},
	)
	register("string",
		spec{name: "instr", sig: "instr(s, sub)", doc: "Position of the first sub, from 1; 0 if there is none.", args: "ss", ret: tInt,
			row: func(r *Row) error { return r.RetInt(position(r.Str(0), r.Str(1), 1, r.bin)) }},
		spec{name: "locate", aliases: []string{"position"}, sig: "locate(sub, s[, from])", doc: "Position of the first sub at or after from.", args: "ss?i", ret: tInt,
			row: func(r *Row) error {
				from := int64(1)
				if r.N() == 3 {
					from = r.Int(2)
				}
				return r.RetInt(position(r.Str(1), r.Str(0), from, r.bin))
			}},
		spec{name: "substring_index", sig: "substring_index(s, delim, n)", doc: "What is before the n-th delimiter, or after the n-th from the end if n is negative.",
			args: "ssi", ret: tString, row: substringIndex},
		spec{name: "strcmp", sig: "strcmp(a, b)", doc: "-1, 0 or 1 as a sorts before, with or after b.", args: "ss", ret: tInt,
			row: func(r *Row) error { return r.RetInt(int64(bytes.Compare(r.Str(0), r.Str(1)))) }},
		spec{name: "field", sig: "field(a, b, …)", doc: "Which of the list equals a, from 1; 0 if none.", args: "xx*", ret: tInt, nullsIn: true, typ: nil, row: field},
		spec{name: "elt", sig: "elt(n, a, …)", doc: "The n-th of a list, from 1.", args: "is*", ret: tString, nullsIn: true, row: elt},
		spec{name: "find_in_set", sig: "find_in_set(s, list)", doc: "Position of s, from 1, in a list separated by commas; 0 if it is not there.", args: "ss", ret: tInt, row: findInSet},
	)
}

func concat(r *Row) error {
	total := 0
	for k := range r.args {
		total += len(r.Str(k))
	}
	if !r.w.Room(r.i, total) {
		return nil
	}
	b := r.Buf()
	for k := range r.args {
		b = append(b, r.Str(k)...)
	}
	return r.RetBuf(b)
}

func concatWS(r *Row) error {
	if r.IsNull(0) {
		return r.Null()
	}
	sep, total := r.Str(0), 0
	for k := 1; k < r.N(); k++ {
		if !r.IsNull(k) {
			total += len(r.Str(k)) + len(sep)
		}
	}
	if !r.w.Room(r.i, total) {
		return nil
	}
	b, first := r.Buf(), true
	for k := 1; k < r.N(); k++ {
		if r.IsNull(k) {
			continue
		}
		if !first {
			b = append(b, sep...)
		}
		first = false
		b = append(b, r.Str(k)...)
	}
	return r.RetBuf(b)
}

// changeCase maps every code point; lo to hi are the ASCII letters that change.
func changeCase(f func(rune) rune, lo, hi byte) func(r *Row) error {
	return func(r *Row) error {
		s, b := r.Str(0), r.Buf()
		if r.bin {
			return r.RetStr(s)
		}
		if start := len(b); isASCII(s) {
			b = append(b, s...)
			for i, c := range b[start:] {
				if c-lo <= hi-lo {
					b[start+i] = c ^ 0x20
				}
			}
			return r.RetBuf(b)
		}
		for i := 0; i < len(s); {
			c := s[i]
			switch {
			case c >= lo && c <= hi:
				b = append(b, c^0x20)
				i++
			case c < utf8.RuneSelf:
				b = append(b, c)
				i++
			default:
				x, size := utf8.DecodeRune(s[i:])
				if x == utf8.RuneError && size == 1 {
					b = append(b, c)
				} else {
					b = utf8.AppendRune(b, f(x))
				}
				i += size
			}
		}
		return r.RetBuf(b)
	}
}

func isASCII(s []byte) bool {
	var or byte
	for _, c := range s {
		or |= c
	}
	return or < utf8.RuneSelf
}

func trim(r *Row) error {
	s, remove, side := r.Str(0), []byte{' '}, byte('b')
	if r.N() > 1 {
		remove = r.Str(1)
	}
	if r.N() > 2 && len(r.Str(2)) > 0 {
		side = r.Str(2)[0] | 0x20
	}
	if len(remove) > 0 && side != 't' && side != 'r' {
		for bytes.HasPrefix(s, remove) {
			s = s[len(remove):]
		}
	}
	if len(remove) > 0 && side != 'l' {
		for bytes.HasSuffix(s, remove) {
			s = s[:len(s)-len(remove)]
		}
	}
	return r.RetStr(s)
}

func right(r *Row) error {
	s, n := r.Str(0), r.Int(1)
	if n <= 0 {
		return r.RetStr(nil)
	}
	skip := int64(runeCount(s, r.bin)) - n
	if skip > 0 {
		s = s[runeOffset(s, int(skip), r.bin):]
	}
	return r.RetStr(s)
}

func pad(left bool) func(r *Row) error {
	return func(r *Row) error {
		s, n, fill := r.Str(0), r.Int(1), r.Str(2)
		have := int64(runeCount(s, r.bin))
		switch {
		case n < 0:
			return r.Null()
		case n <= have:
			return r.RetStr(substring(s, 1, n, r.bin))
		case len(fill) == 0:
			return r.Null()
		}
		if n > expr.MaxValueBytes {
			r.w.Room(r.i, math.MaxInt)
			return nil
		}
		per := int64(runeCount(fill, r.bin))
		missing := n - have
		tail := fill[:runeOffset(fill, int(missing%per), r.bin)]
		if !r.w.Room(r.i, len(s)+int(missing/per)*len(fill)+len(tail)) {
			return nil
		}
		b := r.Buf()
		if !left {
			b = append(b, s...)
		}
		for range missing / per {
			b = append(b, fill...)
		}
		b = append(b, tail...)
		if left {
			b = append(b, s...)
		}
		return r.RetBuf(b)
	}
}

func replaceAll(r *Row) error {
	s, from, to := r.Str(0), r.Str(1), r.Str(2)
	if len(from) == 0 {
		return r.RetStr(s)
	}
	n := bytes.Count(s, from)
	if !r.w.Room(r.i, len(s)+n*(len(to)-len(from))) {
		return nil
	}
	b := r.Buf()
	for {
		at := bytes.Index(s, from)
		if at < 0 {
			return r.RetBuf(append(b, s...))
		}
		b = append(append(b, s[:at]...), to...)
		s = s[at+len(from):]
	}
}

func reverse(r *Row) error {
	s, b := r.Str(0), r.Buf()
	for len(s) > 0 {
		size := 1
		if !r.bin {
			_, size = utf8.DecodeLastRune(s)
		}
		b = append(b, s[len(s)-size:]...)
		s = s[:len(s)-size]
	}
	return r.RetBuf(b)
}

func repeat(r *Row, s []byte, n int64) error {
	if n <= 0 || len(s) == 0 {
		return r.RetStr(nil)
	}
	if n > expr.MaxValueBytes {
		n = expr.MaxValueBytes + 1
	}
	if !r.w.Room(r.i, int(n)*len(s)) {
		return nil
	}
	b := r.Buf()
	for range n {
		b = append(b, s...)
	}
	return r.RetBuf(b)
}

func insert(r *Row) error {
	s, pos, n, with := r.Str(0), r.Int(1), r.Int(2), r.Str(3)
	chars := int64(runeCount(s, r.bin))
	if pos < 1 || pos > chars {
		return r.RetStr(s)
	}
	start := runeOffset(s, int(pos-1), r.bin)
	end := len(s)
	if n >= 0 && n < chars-pos+1 {
		end = start + runeOffset(s[start:], int(n), r.bin)
	}
	if !r.w.Room(r.i, len(s)+len(with)) {
		return nil
	}
	b := append(r.Buf(), s[:start]...)
	b = append(b, with...)
	return r.RetBuf(append(b, s[end:]...))
}

func quote(r *Row) error {
	if r.IsNull(0) {
		return r.RetString("NULL")
	}
	b := append(r.Buf(), '\'')
	for _, c := range r.Str(0) {
		switch c {
		case '\'', '\\':
			b = append(b, '\\', c)
		case 0:
			b = append(b, '\\', '0')
		case 0x1a:
			b = append(b, '\\', 'Z')
		default:
			b = append(b, c)
		}
	}
	return r.RetBuf(append(b, '\''))
}

func substringIndex(r *Row) error {
	s, delim, n := r.Str(0), r.Str(1), r.Int(2)
	if len(delim) == 0 || n == 0 {
		return r.RetStr(nil)
	}
	if n > 0 {
		for i := 0; ; {
			at := bytes.Index(s[i:], delim)
			if at < 0 {
				return r.RetStr(s)
			}
			if n--; n == 0 {
				return r.RetStr(s[:i+at])
			}
			i += at + len(delim)
		}
	}
	for end := len(s); ; {
		at := bytes.LastIndex(s[:end], delim)
		if at < 0 {
			return r.RetStr(s)
		}
		if n++; n == 0 {
			return r.RetStr(s[at+len(delim):])
		}
		end = at
	}
}

// field compares as text if all operands are, as numbers otherwise (manual, FIELD).
func field(r *Row) error {
	if r.IsNull(0) {
		return r.RetInt(0)
	}
	allText := true
	for _, a := range r.args {
		allText = allText && (a.Type.IsBytes() || a.Type.Kind == types.Null)
	}
	for k := 1; k < r.N(); k++ {
		switch {
		case r.IsNull(k):
		case allText && bytes.Equal(r.Str(0), r.Str(k)), !allText && r.number(0) == r.number(k):
			return r.RetInt(int64(k))
		}
	}
	return r.RetInt(0)
}

// number returns operand k of any type as DOUBLE.
func (r *Row) number(k int) float64 {
	a := r.args[k]
	switch {
	case a.Type.IsFloat():
		return a.Float(r.i)
	case a.Type.Kind == types.Uint64:
		return float64(uint64(a.Int(r.i)))
	case a.Type.IsInteger():
		return float64(a.Int(r.i))
	}
	r.tmp = r.Ctx.AppendRow(r.tmp[:0], a, r.i)
	return parseFloat(r.tmp)
}

func elt(r *Row) error {
	if r.IsNull(0) || r.Int(0) < 1 || r.Int(0) >= int64(r.N()) || r.IsNull(int(r.Int(0))) {
		return r.Null()
	}
	return r.RetStr(r.Str(int(r.Int(0))))
}

func findInSet(r *Row) error {
	s, list := r.Str(0), r.Str(1)
	if len(list) == 0 || bytes.IndexByte(s, ',') >= 0 {
		return r.RetInt(0)
	}
	for n := int64(1); ; n++ {
		item, rest, more := bytes.Cut(list, []byte{','})
		if bytes.Equal(item, s) {
			return r.RetInt(n)
		}
		if !more {
			return r.RetInt(0)
		}
		list = rest
	}
}
