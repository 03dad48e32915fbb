package action

import (
	"strconv"
	"strings"
)

func (e *CorruptionError) Error() string {
	s := "corrupt Delta log: " + e.Path
	if e.Line > 0 {
		s += " line " + strconv.Itoa(e.Line)
	}
	s += ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *CorruptionError) Unwrap() error { return e.Err }

// UniqueID identifies the deletion vector among those of one file; it is empty for nil (PROTOCOL.md, Derived Fields).
func (d *DeletionVectorDescriptor) UniqueID() string {
	switch {
	case d == nil:
		return ""
	case d.Offset == nil:
		return d.StorageType + d.PathOrInlineDV
	}
	return d.StorageType + d.PathOrInlineDV + "@" + strconv.Itoa(int(*d.Offset))
}

// Equal reports whether both describe the same deletion vector in the same way.
func (d *DeletionVectorDescriptor) Equal(o *DeletionVectorDescriptor) bool {
	if d == nil || o == nil {
		return d == o
	}
	return d.UniqueID() == o.UniqueID() && d.SizeInBytes == o.SizeInBytes && d.Cardinality == o.Cardinality
}

// Root is the location of a table, with which absolute paths of its own files become relative ones.
type Root struct {
	prefix string // canonical URL with a slash behind, not percent-encoded; empty: unknown
}

// NewRoot returns the root at a URL with a percent-encoded path, as objstore.Store.URL gives it.
func NewRoot(tableURL string) Root {
	abs, ok := absolute(tableURL)
	if !ok {
		return Root{}
	}
	return Root{strings.TrimSuffix(abs, "/") + "/"}
}

// CanonicalPath brings the path of a file action to one form, so that two spellings of one file are equal: the
// percent-decoded key relative to the table's root, or for a file elsewhere an absolute URL whose path is
// percent-encoded. It decodes once; percent signs that begin no escape stay. A bare absolute path and a
// file: URI of any number of slashes name the same file (PROTOCOL.md: paths are URIs of RFC 2396).
func (r Root) CanonicalPath(path string) string {
	if abs, ok := absolute(path); ok {
		if r.prefix != "" && strings.HasPrefix(abs, r.prefix) {
			return abs[len(r.prefix):]
		}
		return encodeAbsolute(abs)
	}
	p := Unescape(path)
	if strings.HasPrefix(p, "./") || strings.Contains(p, "//") || strings.Contains(p, "/./") {
		p = tidySlashes(p)
	}
	return p
}

// IsAbsolute reports whether a canonical path is a URL rather than a key of the table.
func IsAbsolute(canonical string) bool { return strings.Contains(canonical, "://") }

// absolute returns the decoded canonical form of an absolute path or URL: scheme, "://", authority, path.
func absolute(path string) (string, bool) {
	if strings.HasPrefix(path, "/") {
		return "file://" + tidySlashes(Unescape(path)), true
	}
	i := strings.IndexByte(path, ':')
	if i <= 0 || !isScheme(path[:i]) {
		return "", false
	}
	scheme, rest := strings.ToLower(path[:i]), path[i+1:]
	if scheme == "file" && strings.HasPrefix(rest, "/") {
		if host, ok := strings.CutPrefix(rest, "//"); ok && !strings.HasPrefix(host, "/") {
			slash := strings.IndexByte(host, '/')
			if slash < 0 {
				return "", false
			}
			rest = host[slash:] // the host of a file is this machine
		}
		return "file://" + tidySlashes(Unescape(rest)), true
	}
	authority, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return "", false
	}
	switch scheme {
	case "s3a", "s3n":
		scheme = "s3"
	case "gcs":
		scheme = "gs"
	case "abfs":
		scheme = "abfss"
	}
	key := ""
	if slash := strings.IndexByte(authority, '/'); slash >= 0 {
		authority, key = authority[:slash], authority[slash:]
	}
	return scheme + "://" + authority + tidySlashes(Unescape(key)), true
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || (s[i] < '0' || s[i] > '9') && !strings.ContainsRune("+-.", rune(s[i]))) {
			return false
		}
	}
	return true
}

// encodeAbsolute percent-encodes the path of what absolute returned.
func encodeAbsolute(abs string) string {
	i := strings.Index(abs, "://") + 3
	slash := strings.IndexByte(abs[i:], '/')
	if slash < 0 {
		return abs
	}
	return abs[:i+slash] + EscapePath(abs[i+slash:])
}

// EscapePath percent-encodes a key for the path field of an action: a relative reference of RFC 2396.
func EscapePath(key string) string {
	plain := true
	for i := range len(key) {
		plain = plain && pathByte(key[i])
	}
	if plain {
		return key
	}
	b := make([]byte, 0, len(key)+16)
	for i := range len(key) {
		if c := key[i]; pathByte(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return string(b)
}

// pathByte reports whether c stands for itself in the path of a URI. The colon is left out: in front of the first
// slash it would end a scheme.
func pathByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '/' && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=@", c) >= 0
}

// Unescape decodes percent escapes once. A percent sign that begins no escape stays as it is.
func Unescape(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := fromHex(s[i+1])
			lo, ok2 := fromHex(s[i+2])
			if ok1 && ok2 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func fromHex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// tidySlashes drops empty parts and "." parts of a path; a leading slash stays.
func tidySlashes(p string) string {
	var out strings.Builder
	out.Grow(len(p))
	if strings.HasPrefix(p, "/") {
		out.WriteByte('/')
	}
	first := true
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." {
			continue
		}
		if !first {
			out.WriteByte('/')
		}
		out.WriteString(part)
		first = false
	}
	return out.String()
}
