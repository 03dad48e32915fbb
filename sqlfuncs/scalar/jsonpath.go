package scalar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// PathError says that a JSON path cannot be read (MySQL 3143).
type PathError struct{ Path string }

func (e *PathError) Error() string {
	return fmt.Sprintf("Invalid JSON path expression: %q", e.Path)
}

// step is one leg of a JSON path: a member, an array cell, all members, all cells, or anything below (**).
type step struct {
	kind byte // 'k' member, 'i' cell, 'l' cell from the end, '*' all members, '#' all cells, 'd' descend
	key  string
	at   int
}

// path is a parsed JSON path; many if it may match more than one value.
type path struct {
	steps []step
	many  bool
}

const maxPathSteps = 100

// parsePath reads $.a."b c"[0][last-1].*[*]** (manual, "JSON Path Syntax").
func parsePath(s string) (path, error) {
	var p path
	bad := &PathError{Path: s}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "$")
	if !ok {
		return p, bad
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		var st step
		switch {
		case strings.HasPrefix(rest, "**"):
			st, rest, ok = step{kind: 'd'}, rest[2:], len(rest) > 2
		case rest[0] == '.':
			st, rest, ok = member(strings.TrimSpace(rest[1:]))
		case rest[0] == '[':
			st, rest, ok = cell(rest[1:])
		default:
			ok = false
		}
		if !ok || len(p.steps) == maxPathSteps {
			return p, bad
		}
		p.many = p.many || st.kind == '*' || st.kind == '#' || st.kind == 'd'
		p.steps = append(p.steps, st)
	}
	return p, nil
}

func member(s string) (step, string, bool) {
	switch {
	case s == "":
		return step{}, s, false
	case s[0] == '*':
		return step{kind: '*'}, s[1:], true
	case s[0] == '"':
		end := 1
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(s) {
			return step{}, s, false
		}
		var key string
		err := json.Unmarshal([]byte(s[:end+1]), &key)
		return step{kind: 'k', key: key}, s[end+1:], err == nil
	}
	end := strings.IndexAny(s, ".[* \t")
	if end < 0 {
		end = len(s)
	}
	return step{kind: 'k', key: s[:end]}, s[end:], end > 0
}

func cell(s string) (step, string, bool) {
	inner, rest, ok := strings.Cut(s, "]")
	inner = strings.TrimSpace(inner)
	switch {
	case !ok:
		return step{}, s, false
	case inner == "*":
		return step{kind: '#'}, rest, true
	case inner == "last":
		return step{kind: 'l'}, rest, true
	}
	kind := byte('i')
	if back, isLast := strings.CutPrefix(inner, "last"); isLast {
		kind = 'l'
		if inner, ok = strings.CutPrefix(strings.TrimSpace(back), "-"); !ok {
			return step{}, rest, false
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(inner), 10, 31)
	return step{kind: kind, at: int(n)}, rest, err == nil
}

// The scanner below walks valid JSON text without building values. All functions are given text that json.Valid has
// accepted.

func skipBlank(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(s []byte, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = stringEnd(s, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
			if depth < 0 {
				return i
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth > 0 {
				continue
			}
			for i+1 < len(s) && bytes.IndexByte([]byte(",:]} \n\t\r"), s[i+1]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(s)
}

// stringEnd returns what follows the string that begins at i.
func stringEnd(s []byte, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// elements calls f with every element of an array, or every member of an object, until f returns false.
func elements(s []byte, f func(i int, key, value []byte) bool) {
	i := skipBlank(s, 0)
	if i >= len(s) || (s[i] != '[' && s[i] != '{') {
		return
	}
	object := s[i] == '{'
	i++
	for n := 0; ; n++ {
		if i = skipBlank(s, i); i >= len(s) || s[i] == ']' || s[i] == '}' {
			return
		}
		var key []byte
		if object {
			end := stringEnd(s, i)
			key = s[i:end]
			i = skipBlank(s, end)
			i = skipBlank(s, i+1) // the colon
		}
		end := valueEnd(s, i)
		if !f(n, key, s[min(i, len(s)):end]) {
			return
		}
		if i = skipBlank(s, end); i < len(s) && s[i] == ',' {
			i++
		}
	}
}

// jsonKind is the first byte of a value: { [ " t f n, or 0 for a number.
func jsonKind(s []byte) byte {
	if i := skipBlank(s, 0); i < len(s) && bytes.IndexByte([]byte(`{["tfn`), s[i]) >= 0 {
		return s[i]
	}
	return 0
}

// keyEquals compares a quoted member name with a path's.
func keyEquals(quoted []byte, key string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == key
	}
	var k string
	return json.Unmarshal(quoted, &k) == nil && k == key
}

// lookup appends to found every value that the steps lead to.
func lookup(s []byte, steps []step, found [][]byte) [][]byte {
	if len(steps) == 0 {
		return append(found, bytes.TrimSpace(s))
	}
	st, rest := steps[0], steps[1:]
	kind := jsonKind(s)
	switch st.kind {
	case 'd':
		found = lookup(s, rest, found)
		elements(s, func(_ int, _, v []byte) bool {
			found = lookup(v, steps, found)
			return true
		})
	case 'k', '*':
		if kind == '{' {
			elements(s, func(_ int, k, v []byte) bool {
				if st.kind == 'k' && !keyEquals(k, st.key) {
					return true
				}
				found = lookup(v, rest, found)
				return st.kind == '*'
			})
		}
	case '#':
		if kind == '[' {
			elements(s, func(_ int, _, v []byte) bool {
				found = lookup(v, rest, found)
				return true
			})
		}
	default:
		found = lookupCell(s, st, rest, found)
	}
	return found
}

// lookupCell finds one cell; what is no array counts as an array of one.
func lookupCell(s []byte, st step, rest []step, found [][]byte) [][]byte {
	if jsonKind(s) != '[' {
		if st.at == 0 {
			return lookup(s, rest, found)
		}
		return found
	}
	at := st.at
	if st.kind == 'l' {
		if at = count(s) - 1 - st.at; at < 0 {
			return found
		}
	}
	elements(s, func(i int, _, v []byte) bool {
		if i == at {
			found = lookup(v, rest, found)
		}
		return i < at
	})
	return found
}

// count returns how many elements an array or object has.
func count(s []byte) int {
	n := 0
	elements(s, func(int, []byte, []byte) bool {
		n++
		return true
	})
	return n
}
