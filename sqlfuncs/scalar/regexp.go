package scalar

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
)

func init() {
	register("string",
		spec{name: "regexp_like", aliases: []string{"regexp", "rlike"}, sig: "regexp_like(s, pattern[, flags])", doc: "Whether a text matches a regular expression (RE2 syntax).",
			args: "ss?s", ret: tBool, prep: prepareRegexp(2), row: func(r *Row) error {
				re, err := r.regexp(1, 2)
				if err != nil {
					return err
				}
				return r.RetBool(re.Match(r.Str(0)))
			}},
		spec{name: "regexp_replace", sig: "regexp_replace(s, pattern, new[, pos[, occurrence[, flags]]])", doc: "The text with matches replaced; $1 or \\1 is a group.",
			args: "sss?iis", ret: tString, nullsOut: true, prep: prepareRegexp(5), row: regexpReplace},
		spec{name: "regexp_substr", sig: "regexp_substr(s, pattern[, pos[, occurrence[, flags]]])", doc: "The part of a text that matches; NULL if none does.",
			args: "ss?iis", ret: tString, nullsOut: true, prep: prepareRegexp(4), row: func(r *Row) error {
				m, err := r.find(4)
				if err != nil {
					return err
				}
				if m == nil {
					return r.Null()
				}
				return r.RetStr(r.Str(0)[m[0]:m[1]])
			}},
		spec{name: "regexp_instr", sig: "regexp_instr(s, pattern[, pos[, occurrence[, end[, flags]]]])", doc: "Position of the match, from 1, or of what follows it; 0 if none.",
			args: "ss?iiis", ret: tInt, prep: prepareRegexp(5), row: func(r *Row) error {
				m, err := r.find(5)
				if err != nil || m == nil {
					return firstError(err, r.RetInt(0))
				}
				at := m[0]
				if r.N() > 4 && r.Int(4) == 1 {
					at = m[1]
				}
				return r.RetInt(int64(runeCount(r.Str(0)[:at], r.bin)) + 1)
			}},
	)
}

func firstError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// regexpState is the expression compiled last.
type regexpState struct {
	pattern, flags string
	re             *regexp.Regexp
}

// RegexpError says that a pattern is no regular expression (MySQL 3685 and its neighbours).
type RegexpError struct {
	Pattern string
	Err     error
}

func (e *RegexpError) Error() string {
	return fmt.Sprintf("regular expression %q: %v", e.Pattern, e.Err)
}

// Unwrap returns the parser's error.
func (e *RegexpError) Unwrap() error { return e.Err }

// prepareRegexp compiles a constant pattern.
func prepareRegexp(flags int) func(args []expr.Expr) (any, error) {
	return func(args []expr.Expr) (any, error) {
		s := &regexpState{}
		p, ok := constString(args[1])
		f := ""
		if len(args) > flags {
			var constant bool
			f, constant = constString(args[flags])
			ok = ok && constant
		}
		if !ok {
			return s, nil
		}
		return s, s.compile(p, f)
	}
}

// classes are the POSIX classes, which are of all of Unicode as in ICU, not of ASCII as in RE2.
var classes = strings.NewReplacer(`[:alpha:]`, `\p{L}\p{M}\p{Nl}`, `[:alnum:]`, `\p{L}\p{M}\p{Nl}\p{Nd}`, `[:upper:]`, `\p{Lu}`, `[:lower:]`, `\p{Ll}`,
	`[:digit:]`, `\p{Nd}`, `[:punct:]`, `\p{P}`, `[:space:]`, `\s\v\p{Z}`)

// compile translates match types: c and i for case, m for lines, n for a dot that matches line ends.
func (s *regexpState) compile(pattern, flags string) error {
	on := ""
	for _, f := range flags {
		switch f {
		case 'i':
			on += "i"
		case 'c':
			on = strings.ReplaceAll(on, "i", "")
		case 'm':
			on += "m"
		case 'n':
			on += "s"
		case 'u':
		default:
			return &RegexpError{Pattern: pattern, Err: fmt.Errorf("unknown flag %q", f)}
		}
	}
	full := classes.Replace(pattern)
	if on != "" {
		full = "(?" + on + ")" + full
	}
	re, err := regexp.Compile(full)
	if err != nil {
		return &RegexpError{Pattern: pattern, Err: err}
	}
	s.pattern, s.flags, s.re = pattern, flags, re
	return nil
}

// regexp returns the compiled expression of a row.
func (r *Row) regexp(pattern, flags int) (*regexp.Regexp, error) {
	s := r.State.(*regexpState)
	f := []byte(nil)
	if r.N() > flags {
		f = r.Str(flags)
	}
	if p := r.Str(pattern); s.re == nil || string(p) != s.pattern || string(f) != s.flags {
		if err := s.compile(string(p), string(f)); err != nil {
			return nil, err
		}
	}
	return s.re, nil
}

// find returns the groups of the wanted match; nil for no match.
func (r *Row) find(flags int) ([]int, error) {
	re, err := r.regexp(1, flags)
	if err != nil {
		return nil, err
	}
	s, pos, nth := r.Str(0), int64(1), int64(1)
	if r.N() > 2 {
		pos = r.Int(2)
	}
	if r.N() > 3 {
		nth = max(1, r.Int(3))
	}
	start, err := r.start(s, pos)
	if err != nil {
		return nil, err
	}
	all := re.FindAllSubmatchIndex(s[start:], int(min(nth, int64(len(s))+2)))
	if int64(len(all)) < nth {
		return nil, nil
	}
	m := all[nth-1]
	for i := range m {
		if m[i] >= 0 {
			m[i] += start
		}
	}
	return m, nil
}

func (r *Row) start(s []byte, pos int64) (int, error) {
	if pos < 1 || pos > int64(runeCount(s, r.bin))+1 {
		return 0, &RegexpError{Pattern: r.State.(*regexpState).pattern, Err: fmt.Errorf("position %d is outside of the text", pos)}
	}
	return runeOffset(s, int(pos-1), r.bin), nil
}

func regexpReplace(r *Row) error {
	re, err := r.regexp(1, 5)
	if err != nil {
		return err
	}
	s, with, pos, nth := r.Str(0), template(r.Str(2), re.NumSubexp()), int64(1), int64(0)
	if r.N() > 3 {
		pos = r.Int(3)
	}
	if r.N() > 4 {
		nth = max(0, r.Int(4))
	}
	start, err := r.start(s, pos)
	if err != nil {
		return err
	}
	b := append(r.Buf(), s[:start]...)
	last := start
	for k, m := range re.FindAllSubmatchIndex(s[start:], -1) {
		if nth != 0 && int64(k+1) != nth {
			continue
		}
		b = append(b, s[last:start+m[0]]...)
		b = re.Expand(b, with, s[start:], m)
		last = start + m[1]
	}
	return r.RetBuf(append(b, s[last:]...))
}

// template turns ICU's $1, \1 and \$ into what Expand takes. A group's number has as many digits as there are groups for.
func template(with []byte, groups int) []byte {
	if bytes.IndexByte(with, '$') < 0 && bytes.IndexByte(with, '\\') < 0 {
		return with
	}
	var out []byte
	for i := 0; i < len(with); i++ {
		c := with[i]
		next := byte(0)
		if i+1 < len(with) {
			next = with[i+1]
		}
		switch {
		case (c == '$' || c == '\\') && next >= '0' && next <= '9':
			i++
			number := int(next - '0')
			for i+1 < len(with) && with[i+1] >= '0' && with[i+1] <= '9' && number*10+int(with[i+1]-'0') <= groups {
				i++
				number = number*10 + int(with[i]-'0')
			}
			out = append(strconv.AppendInt(append(out, '$', '{'), int64(number), 10), '}')
		case c == '\\' && next == '$':
			out = append(out, '$', '$')
			i++
		case c == '\\' && next != 0:
			out = append(out, next)
			i++
		case c == '$':
			out = append(out, '$', '$')
		default:
			out = append(out, c)
		}
	}
	return out
}
