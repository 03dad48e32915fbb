package scalar

import (
	"bytes"
	"unicode/utf8"
)

// runeCount returns the characters of s: code points, or bytes of binary text.
func runeCount(s []byte, binary bool) int {
	if binary {
		return len(s)
	}
	return utf8.RuneCount(s)
}

// runeOffset returns the byte at which character n (from 0) of s starts, or len(s) if it has fewer.
func runeOffset(s []byte, n int, binary bool) int {
	if binary || n >= len(s) {
		return min(n, len(s))
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	return i
}

// substring returns length characters of s from position pos, which counts from 1, or from the end if negative.
func substring(s []byte, pos, length int64, binary bool) []byte {
	if pos == 0 || length <= 0 {
		return nil
	}
	if pos < 0 {
		n := int64(runeCount(s, binary))
		if pos = n + pos + 1; pos < 1 {
			return nil
		}
	}
	if pos > int64(len(s)) {
		return nil
	}
	s = s[runeOffset(s, int(pos-1), binary):]
	if length >= int64(len(s)) {
		return s
	}
	return s[:runeOffset(s, int(length), binary)]
}

// position returns where sub is first found in s at or after character from (from 1), counted from 1; 0 if nowhere.
func position(s, sub []byte, from int64, binary bool) int64 {
	if from < 1 || from > int64(len(s))+1 {
		return 0
	}
	start := runeOffset(s, int(from-1), binary)
	if int64(runeCount(s[:start], binary)) < from-1 {
		return 0
	}
	at := bytes.Index(s[start:], sub)
	if at < 0 {
		return 0
	}
	return int64(runeCount(s[:start+at], binary)) + 1
}
