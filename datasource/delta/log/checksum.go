package log

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum, not a signature
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// maxChecksumDepth bounds the nesting of a text whose checksum is computed.
const maxChecksumDepth = 64

// Checksum returns the checksum of the text of a _last_checkpoint file (PROTOCOL.md, JSON checksum): the MD5 of its
// canonical form, in which the top-level key "checksum" is left out. ok is false if text is no JSON object.
func Checksum(text string) (sum string, ok bool) {
	canonical, ok := canonicalForm(text)
	if !ok {
		return "", false
	}
	digest := md5.Sum([]byte(canonical)) //nolint:gosec // see above
	return hex.EncodeToString(digest[:]), true
}

func canonicalForm(text string) (string, bool) {
	s := jsonscan.New(text)
	c := canonical{}
	if s.Peek() != '{' {
		return "", false
	}
	c.value(&s, "", 0)
	s.End()
	if s.Err() != nil {
		return "", false
	}
	slices.SortFunc(c.leaves, func(a, b leaf) int { return strings.Compare(a.path, b.path) })
	out := make([]string, len(c.leaves))
	for i, l := range c.leaves {
		out[i] = l.path + "=" + l.value
	}
	return strings.Join(out, ","), true
}

type leaf struct{ path, value string }

// canonical collects the leaves of a document with their canonical paths.
type canonical struct{ leaves []leaf }

func (c *canonical) value(s *jsonscan.Scanner, path string, depth int) {
	if depth > maxChecksumDepth {
		s.Fail("nested too deeply")
		return
	}
	switch s.Peek() {
	case '{':
		s.BeginObject()
		for first := true; ; first = false {
			key, ok := s.NextKey(first)
			if !ok {
				return
			}
			if depth == 0 && key == "checksum" {
				s.Skip()
				continue
			}
			c.value(s, under(path, `"`+percentEncode(key)+`"`), depth+1)
		}
	case '[':
		s.BeginArray()
		for i := 0; s.NextElement(i == 0); i++ {
			c.value(s, under(path, strconv.Itoa(i)), depth+1)
		}
	case '"':
		c.leaves = append(c.leaves, leaf{path, `"` + percentEncode(s.String()) + `"`})
	default:
		c.leaves = append(c.leaves, leaf{path, s.Raw()})
	}
}

func under(path, part string) string {
	if path == "" {
		return part
	}
	return path + "+" + part
}

// percentEncode encodes every byte but the unreserved ones of RFC 3986.
func percentEncode(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
	}
	return string(b)
}
