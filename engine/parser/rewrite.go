package parser

import (
	"strings"
)

// Names that the rewriting puts into the host's grammar. Each is recognised again in the syntax tree.
const (
	markVersion   = "featuresql_version"   // AS OF featuresql_version | expr
	markTimestamp = "featuresql_timestamp" // AS OF featuresql_timestamp | expr
	markAsOfJoin  = "featuresql_asof"      // ON featuresql_asof() AND cond, or featuresql_asof(match) AND cond
	markNumber    = "mIcRoSeCoNd"          // INTERVAL 0.5 mIcRoSeCoNd PRECEDING: no interval, but 0.5 PRECEDING
)

// edit replaces src[start:end] by text.
type edit struct {
	start, end int
	text       string
}

// rewriter collects the edits that bring one statement into the host's grammar.
//
// The tag of an AS OF is the left operand of |, the operator of the lowest precedence that the host's grammar
// allows there: whatever expression follows, the tag ends up as the leftmost leaf and can be taken out again, so
// the end of the expression need not be found here. AND does the same for ON.
type rewriter struct {
	*statement
	edits  []edit
	marked bool    // the syntax tree holds marks, or AS OF expressions to inject
	joins  []*asOf // the joins whose ON has not come, innermost last; nil for a plain join
	// rollupEnd is the token that ends GROUP BY ROLLUP (…); 0: none.
	rollupEnd int
	account   bool // names@hosts may stand anywhere: no t@v3
}

// asOf is an ASOF JOIN whose ON has not come.
type asOf struct {
	depth int
	match string // the text of MATCH_CONDITION(…), with its parentheses
}

// rewrite returns the statement in the host's grammar, what was edited for it, and whether the syntax tree needs another look.
func (s *statement) rewrite() (text string, edits []edit, marked bool, err error) {
	r := rewriter{statement: s}
	if s.is(0, "use") {
		r.useVersion()
		return r.apply(s.at(0).start, s.at(len(s.toks)-1).start), r.edits, false, nil
	}
	r.account = s.is(0, "grant", "revoke") || s.is(0, "create", "drop", "alter", "rename", "show") && s.is(1, "user", "role", "grants")
	depth := 0
	for i := 0; i < len(s.toks); i++ {
		switch t := s.toks[i]; t.kind {
		case kindPunct:
			switch c := s.src[t.start]; c {
			case '(':
				depth++
			case ')':
				depth--
				if i == r.rollupEnd {
					r.edits = append(r.edits, edit{t.start, t.end, ", " + markRollup + "()"})
				}
			case '~':
				r.marked = true
			case '-', '/': // the host takes any -- and // for a comment
				if next := s.src[t.end:]; next != "" && next[0] == c {
					r.edits = append(r.edits, edit{t.end, t.end, " "})
				}
			}
		case kindWord:
			n, err := r.word(i, depth)
			if err != nil {
				return "", nil, false, err
			}
			if n == 0 {
				r.part(i)
			}
			i += n
		case kindVar:
			r.atVersion(i)
		case kindNumber:
			if c := s.src[t.start] | 0x20; c == 'x' || c == '0' && t.end-t.start > 2 && s.src[t.start+1]|0x20 == 'x' {
				r.marked = true
			}
		default:
		}
	}
	return r.apply(s.at(0).start, s.at(len(s.toks)-1).start), r.edits, r.marked, nil
}

// part puts a blank behind the words that a select list follows: the host takes the text of its first expression, the
// name of the column, from the byte behind what it takes for one, and panics where there is none.
func (r *rewriter) part(i int) {
	if !r.is(i, "select", "all", "distinct", "distinctrow", "straight_join", "high_priority", "sql_small_result", "sql_big_result", "sql_buffer_result", "sql_cache", "sql_no_cache", "sql_calc_found_rows") || r.punct(i-1, '(') && !r.is(i, "select") {
		return
	}
	if start := r.at(i + 1).start; !strings.ContainsRune(" \t\r\n", rune(r.src[start-1])) {
		r.edits = append(r.edits, edit{start, start, " "})
	}
}

// word handles the keyword at i and returns how many tokens beyond it are done with.
func (r *rewriter) word(i, depth int) (int, error) {
	if err := r.dialect(i); err != nil {
		return 0, err
	}
	switch c := r.src[r.toks[i].start] | 0x20; c { // in lower case, if a letter
	case 'a', 'f', 'g', 'j', 'm', 'o', 'p', 'r', 's', 't', 'u', 'v', 'w':
	default:
		if !r.bits(i) {
			r.quote(i)
		}
		return 0, nil
	}
	switch {
	case r.is(i, "as") && r.is(i+1, "of") && r.asOfPlain(i):
		r.marked = true
		return 1, nil
	case r.is(i, "for") && r.is(i+1, "version", "system_version", "timestamp", "system_time") && r.seq(i+2, "as", "of"):
		r.mark(i, i+3, r.is(i+1, "version", "system_version"))
		return 3, nil
	case r.is(i, "for") && r.is(i+1, "system_time", "system_version", "version", "timestamp") && r.is(i+2, "between", "from", "all", "contained"):
		return 0, &UnsupportedError{"FOR " + strings.ToUpper(r.text(i+1)+" "+r.text(i+2)) + " (AS OF reads one version)"}
	case r.is(i, "version", "timestamp") && r.seq(i+1, "as", "of") && r.afterTable(i):
		r.mark(i, i+2, r.is(i, "version"))
		return 2, nil
	case r.is(i, "asof"):
		if r.is(i+1, "right", "full", "cross", "natural") && !r.is(i-1, "as") {
			return 0, &UnsupportedError{"ASOF " + strings.ToUpper(r.text(i+1)) + " JOIN (ASOF JOIN and ASOF LEFT JOIN are)"}
		}
		return r.asOfJoin(i, depth), nil
	case r.is(i, "join", "straight_join"):
		r.joins = append(r.joins, nil)
	case r.is(i, "using") && len(r.joins) > 0:
		if r.joins[len(r.joins)-1] != nil {
			return 0, r.errorAt(i, "ASOF JOIN needs ON with the time comparison, not USING")
		}
		r.joins = r.joins[:len(r.joins)-1]
	case r.is(i, "match_condition") && r.punct(i+1, '('):
		return r.matchCondition(i)
	case r.is(i, "on") && len(r.joins) > 0:
		r.on(i)
	case r.is(i, markAsOfJoin, markVersion, markTimestamp, markAny, markSome, markAll):
		r.marked = true
	case r.is(i, "window"):
		r.marked = true
	case r.is(i, "with", "rollup", "grouping", markRollup, markGrouping):
		return r.rollup(i)
	case r.is(i, "preceding", "following"):
		r.distance(i)
	case r.is(i, "over"):
		r.marked = true
		return 0, r.over(i)
	default:
		r.quote(i)
	}
	return 0, nil
}

// distance makes the operand of PRECEDING or FOLLOWING at i, if it is a parameter or a number with a fraction, an
// interval with a mark for its unit: the host's grammar takes whole numbers and intervals there.
func (r *rewriter) distance(i int) {
	t := r.at(i - 1)
	if t.kind != kindParam && (t.kind != kindNumber || !strings.ContainsAny(r.text(i-1), ".eE")) || !r.is(i-2, "rows", "range", "between", "and") {
		return
	}
	r.edits = append(r.edits, edit{t.start, t.start, "INTERVAL "}, edit{t.end, t.end, " " + markNumber})
}

// over takes RESPECT NULLS, the default, from before OVER, and refuses IGNORE NULLS.
func (r *rewriter) over(i int) error {
	if !r.is(i-1, "nulls") || !r.punct(i-3, ')') {
		return nil
	}
	if r.is(i-2, "ignore") {
		return &UnsupportedError{"IGNORE NULLS"}
	}
	if r.is(i-2, "respect") {
		r.edits = append(r.edits, edit{r.at(i - 2).start, r.at(i - 1).end, ""})
	}
	return nil
}

// asOfPlain handles AS OF at i, tagging AS OF VERSION and AS OF TIMESTAMP; false if it is an alias named "of".
func (r *rewriter) asOfPlain(i int) bool {
	operand := func(k int) bool {
		t := r.at(k)
		return t.kind != kindEOF && !(t.kind == kindPunct && strings.IndexByte("(-+:", r.src[t.start]) < 0) &&
			!r.is(k, "from", "where", "join", "on", "as")
	}
	switch {
	case !operand(i + 2):
		return false
	case r.is(i+2, "version") && operand(i+3) && !(r.punct(i+3, '(') && r.punct(i+4, ')')):
		r.mark(i, i+2, true)
	case r.is(i+2, "timestamp") && operand(i+3) && r.punct(i+3, '('):
		r.mark(i, i+1, false) // the function TIMESTAMP(…)
	case r.is(i+2, "timestamp") && operand(i+3):
		r.mark(i, i+2, false)
	}
	return true
}

// mark replaces tokens i to last by AS OF with a tag.
func (r *rewriter) mark(i, last int, version bool) {
	tag := markTimestamp
	if version {
		tag = markVersion
	}
	r.edits = append(r.edits, edit{r.at(i).start, r.at(last).end, "AS OF " + tag + " |"})
	r.marked = true
}

// afterTable reports whether token i stands after a table's name rather than in the place of one.
func (r *rewriter) afterTable(i int) bool {
	return r.at(i-1).kind == kindQuoted || r.at(i-1).kind == kindWord && !r.is(i-1, "select", "distinct", "all", "from", "join",
		"table", "update", "into", "using", "describe", "desc", "explain", "straight_join", "where", "by", "and", "or", "on", "set",
		"case", "when", "then", "else", "as", "not", "like", "in", "is", "having", "returning") ||
		r.at(i-1).kind == kindVar && r.tableVersion(i-1)
}

// tableVersion reports whether token i is the @v3 or @20260101000000000 of a table's name at i-1.
func (r *rewriter) tableVersion(i int) bool {
	if r.account || r.at(i).kind != kindVar || !r.isName(i-1) || !r.adjacent(i-1) || r.is(i-3, "definer") {
		return false
	}
	v := r.text(i)[1:]
	switch {
	case len(v) > 1 && (v[0] == 'v' || v[0] == 'V'):
		v = v[1:]
	case len(v) != len("yyyyMMddHHmmssSSS"):
		return false
	}
	return strings.Trim(v, "0123456789") == ""
}

// atVersion rewrites t@v3 and t@20260101000000000.
func (r *rewriter) atVersion(i int) {
	if !r.tableVersion(i) {
		return
	}
	t, v := r.at(i), r.text(i)[1:]
	text := " AS OF " + markTimestamp + " | '" + v + "'"
	if v[0] == 'v' || v[0] == 'V' {
		text = " AS OF " + markVersion + " | " + v[1:]
	}
	r.edits = append(r.edits, edit{t.start, t.end, text})
	r.marked = true
}

// asOfJoin drops ASOF from ASOF [LEFT [OUTER] | INNER] JOIN and remembers that its ON is to be marked.
func (r *rewriter) asOfJoin(i, depth int) int {
	k := i + 1
	switch {
	case r.is(k, "left"):
		k++
		if r.is(k, "outer") {
			k++
		}
	case r.is(k, "inner"):
		k++
	}
	if !r.is(k, "join") || r.is(i-1, "as") {
		return 0
	}
	r.edits = append(r.edits, edit{r.at(i).start, r.at(i + 1).start, ""})
	r.joins = append(r.joins, &asOf{depth: depth})
	r.marked = true
	return k - i
}

// matchCondition moves MATCH_CONDITION(…) into the ON that follows, or makes one of it.
func (r *rewriter) matchCondition(i int) (int, error) {
	last := len(r.joins) - 1
	if last < 0 || r.joins[last] == nil {
		return 0, r.errorAt(i, "MATCH_CONDITION belongs to an ASOF JOIN")
	}
	end := r.closing(i + 1)
	if end < 0 {
		return 0, r.errorAt(i, "unclosed MATCH_CONDITION")
	}
	r.joins[last].match = r.src[r.at(i+1).start:r.at(end).end]
	text := ""
	if !r.is(end+1, "on") {
		text = "ON " + markAsOfJoin + r.joins[last].match
		r.joins = r.joins[:last]
	}
	r.edits = append(r.edits, edit{r.at(i).start, r.at(end).end, text})
	return end - i, nil
}

// on closes the innermost join that waits for its condition.
func (r *rewriter) on(i int) {
	last := len(r.joins) - 1
	j := r.joins[last]
	r.joins = r.joins[:last]
	if j == nil {
		return
	}
	match := j.match
	if match == "" {
		match = "()"
	}
	end := r.at(i).end
	r.edits = append(r.edits, edit{end, end, " " + markAsOfJoin + match + " AND"})
}

// quote puts backquotes around a name that MySQL takes unquoted and the host does not: with $, beyond ASCII, or with a
// digit at its beginning (1e).
func (r *rewriter) quote(i int) {
	text := r.text(i)
	for k := range len(text) {
		if c := text[k]; c == '$' || c >= 0x80 || k == 0 && isDigit(c) {
			t := r.at(i)
			r.edits = append(r.edits, edit{t.start, t.end, "`" + text + "`"})
			return
		}
	}
}

// useVersion quotes the whole name of USE db@v3 and USE db@2026-01-01, which the catalog takes apart.
func (r *rewriter) useVersion() {
	if last := len(r.toks) - 2; r.isName(1) && r.at(2).kind == kindVar && r.adjacent(1) {
		from, to := r.at(1), r.at(last)
		r.edits = append(r.edits, edit{from.start, to.end, backquote(r.name(1) + r.src[from.end:to.end])})
	}
}

// apply returns src[from:to] with the edits.
func (r *rewriter) apply(from, to int) string {
	if len(r.edits) == 0 {
		return r.src[from:to]
	}
	var b strings.Builder
	for _, e := range r.edits {
		b.WriteString(r.src[from:e.start])
		b.WriteString(e.text)
		from = e.end
	}
	b.WriteString(r.src[from:to])
	return b.String()
}
