package dv

import (
	"encoding/binary"
	"errors"
)

// z85Alphabet is that of ZeroMQ RFC 32.
const z85Alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

var z85Values = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(z85Alphabet) {
		t[z85Alphabet[i]] = uint8(i)
	}
	return t
}()

var errZ85 = errors.New("not Z85 text")

// EncodeZ85 encodes data, padded with zero bytes to a multiple of four.
func EncodeZ85(data []byte) string {
	padded := append([]byte(nil), data...)
	for len(padded)%4 != 0 {
		padded = append(padded, 0)
	}
	out := make([]byte, 0, len(padded)/4*5)
	for i := 0; i < len(padded); i += 4 {
		v := binary.BigEndian.Uint32(padded[i:])
		var group [5]byte
		for k := 4; k >= 0; k-- {
			group[k] = z85Alphabet[v%85]
			v /= 85
		}
		out = append(out, group[:]...)
	}
	return string(out)
}

// DecodeZ85 decodes text whose length is a multiple of five.
func DecodeZ85(text string) ([]byte, error) {
	if len(text)%5 != 0 {
		return nil, errZ85
	}
	out := make([]byte, 0, len(text)/5*4)
	for i := 0; i < len(text); i += 5 {
		var v uint64
		for k := range 5 {
			d := z85Values[text[i+k]]
			if d == 0xff {
				return nil, errZ85
			}
			v = v*85 + uint64(d)
		}
		if v > 1<<32-1 {
			return nil, errZ85
		}
		out = binary.BigEndian.AppendUint32(out, uint32(v))
	}
	return out, nil
}
