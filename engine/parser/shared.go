package parser

import (
	"slices"
	"strings"
)

// A CHECK constraint of a Delta table is enforced by every engine that writes the table, from one text. What MySQL and Spark
// read differently, or only one of them at all, must not be in it.

// sharedFunctions mean the same in MySQL and in Spark, for NULL, too.
var sharedFunctions = words(`char_length character_length octet_length bit_length lower upper lcase ucase trim ltrim rtrim concat coalesce ifnull nullif if isnull abs ceil
	ceiling floor sign year quarter month day dayofmonth dayofyear hour minute second left right instr locate reverse datediff date`)

// sharedBefore are words that may stand before a parenthesis without being functions.
var sharedBefore = words("and or not in between like is case when then else end true false null escape from both leading trailing check")

// insteadOf says what to write in place of what is read differently.
var insteadOf = map[string]string{
	"||": "write OR or CONCAT(…)", "&&": "write AND", "/": "write a product", "length": "write CHAR_LENGTH or OCTET_LENGTH", "substring": "write LEFT or RIGHT",
	"regexp": "write LIKE", "rlike": "write LIKE",
}

// unsharedWords are keywords that only one of them has, or that mean something else.
var unsharedWords = words("regexp rlike xor binary collate signed unsigned sounds mod div convert cast interval member match select exists any all some ilike")

func words(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// UnsharedError says that a condition would not mean the same to every engine.
type UnsharedError struct{ Condition, Part, Instead string }

func (e *UnsharedError) Error() string {
	s := "CHECK condition (" + e.Condition + ") is not supported: MySQL and Spark, which enforces it, too, do not read " + e.Part + " alike"
	if e.Instead != "" {
		s += "; " + e.Instead
	}
	return s
}

// Shared returns a condition as the text that MySQL and Spark read alike in every mode, without double quotes, which Spark takes for strings. It
// returns an *UnsharedError if there is no such text.
func Shared(condition string) (string, error) { return shared(condition, false) }

// shared is Shared; with ansiQuotes, double quotes are around names.
func shared(condition string, ansiQuotes bool) (string, error) {
	l := lexer{src: condition, ansiQuotes: ansiQuotes}
	var toks []token
	for t := l.next(); t.kind != kindEOF; t = l.next() {
		toks = append(toks, t)
	}
	var out strings.Builder
	end := 0
	for i, t := range toks {
		if part := unshared(condition, toks, i); part != "" {
			return "", &UnsharedError{Condition: condition, Part: part, Instead: insteadOf[part]}
		}
		if condition[t.start] != '"' {
			continue
		}
		text := unquote(condition[t.start:t.end])
		if out.WriteString(condition[end:t.start]); t.kind == kindQuoted {
			out.WriteString("`" + strings.ReplaceAll(text, "`", "``") + "`")
		} else {
			out.WriteString(quoteText(text))
		}
		end = t.end
	}
	return out.String() + condition[end:], nil
}

// unshared returns what is read differently at token i, "" for nothing.
func unshared(src string, toks []token, i int) string {
	text := func(k int) string {
		if k < 0 || k >= len(toks) {
			return ""
		}
		return src[toks[k].start:toks[k].end]
	}
	switch s := strings.ToLower(text(i)); toks[i].kind {
	case kindWord:
		call := text(i+1) == "(" && !sharedFunctions[s] && !sharedBefore[s]
		if (call || unsharedWords[s]) && text(i-1) != "." {
			return s
		}
	case kindString:
		if escapes(s) {
			return s
		}
	case kindNumber:
		if s[0] == 'b' {
			return s
		}
	case kindPunct:
		two := s + text(i+1)
		touching := i+1 < len(toks) && toks[i].end == toks[i+1].start
		switch {
		case touching && slices.Contains([]string{"||", "&&", "->", ":=", "::", "==", "<<", ">>"}, two):
			return two
		case s == "/", s == "%" && !isDivisor(text(i+1)):
			return s
		}
	case kindParam, kindVar, kindSpecial, kindBad:
		return s
	}
	return ""
}

// isDivisor reports whether a token is a number other than 0: dividing by 0 is NULL in MySQL and an error in Spark.
func isDivisor(text string) bool {
	return text != "" && isDigit(text[0]) && strings.Trim(text, "0.") != ""
}

// escapes reports whether a string literal has an escape that only one of them knows.
func escapes(literal string) bool {
	for i := 1; i+1 < len(literal); i++ {
		if literal[i] != '\\' {
			continue
		}
		if i++; !strings.ContainsRune(`\'"ntr%_`, rune(literal[i])) {
			return true
		}
	}
	return false
}
