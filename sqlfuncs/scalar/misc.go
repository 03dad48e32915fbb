package scalar

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
)

func init() {
	register("misc",
		spec{name: "uuid", sig: "uuid()", doc: "A random identifier (UUID version 4), another one for every row.", ret: tString, volatile: true, row: uuid},
		spec{name: "is_uuid", sig: "is_uuid(s)", doc: "Whether a text is a UUID.", args: "s", ret: tBool, row: isUUID},
	)
}

func uuid(r *Row) error {
	var u [16]byte
	source := r.Ctx.Env.Rand
	if source == nil {
		source = rand.Reader
	}
	if _, err := io.ReadFull(source, u[:]); err != nil {
		return fmt.Errorf("uuid: read random bytes: %w", err)
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return r.RetBuf(appendUUID(r.Buf(), u))
}

func appendUUID(b []byte, u [16]byte) []byte {
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

func isUUID(r *Row) error { return r.RetBool(validUUID(r.Str(0))) }

// validUUID accepts 32 digits, with dashes after 8, 12, 16 and 20 of them, or in braces too.
func validUUID(s []byte) bool {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 && len(s) != 32 {
		return false
	}
	for i, c := range s {
		dash := len(s) == 36 && (i == 8 || i == 13 || i == 18 || i == 23)
		if dash != (c == '-') || !dash && digit(c) > 15 {
			return false
		}
	}
	return true
}
