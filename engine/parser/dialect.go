package parser

import (
	"strconv"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/types"
)

// compoundUnits are MySQL's units of several parts, which the host's grammar does not know and its AST carries. The
// k-th travels as the name of a simple unit whose k-th letter alone is large.
var compoundUnits = []string{"second_microsecond", "minute_microsecond", "minute_second", "hour_microsecond", "hour_second",
	"hour_minute", "day_microsecond", "day_second", "day_minute", "day_hour", "year_month"}

const carrierUnit = "microsecond"

// carrier returns the text by which compoundUnits[k] travels.
func carrier(k int) string {
	return carrierUnit[:k] + strings.ToUpper(carrierUnit[k:k+1]) + carrierUnit[k+1:]
}

// carried returns the compound unit that travels as unit.
func carried(unit string) (string, bool) {
	for k, u := range compoundUnits {
		if unit == carrier(k) {
			return u, true
		}
	}
	return "", false
}

// unitNames gives the units that travel their names back.
var unitNames = func() *strings.Replacer {
	var pairs []string
	for k, u := range compoundUnits {
		pairs = append(pairs, carrier(k), u)
	}
	return strings.NewReplacer(pairs...)
}()

// substringFrom rewrites the FROM at i in SUBSTRING(x FROM n); with FOR, the host knows it.
func (r *rewriter) substringFrom(i int) {
	depth, open := 0, i-1
	for ; open > 0 && depth >= 0; open-- {
		switch {
		case r.punct(open, ')'):
			depth++
		case r.punct(open, '('):
			depth--
		case depth == 0 && r.is(open, "select"):
			return
		}
	}
	if depth >= 0 || !r.is(open, "substring", "substr", "mid") {
		return
	}
	depth = 0
	for k := i + 1; k < len(r.toks) && depth >= 0; k++ {
		switch {
		case r.punct(k, '('):
			depth++
		case r.punct(k, ')'):
			depth--
		case depth == 0 && r.is(k, "for"):
			return
		}
	}
	r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, ","})
}

// bits rewrites 0b101 at i to b'101', which the host knows.
func (r *rewriter) bits(i int) bool {
	bits, ok := strings.CutPrefix(r.text(i), "0b")
	if !ok || bits == "" || strings.Trim(bits, "01") != "" || r.punct(i-1, '.') {
		return false
	}
	r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, "b'" + bits + "'"})
	return true
}

// dialect brings what MySQL writes and the host's grammar does not take or misreads at the word i into its grammar.
func (r *rewriter) dialect(i int) error {
	switch r.src[r.toks[i].start] | 0x20 {
	case 'd', 't':
		if r.is(i, "date", "time", "timestamp") && r.at(i+1).kind == kindString && !r.is(i-1, "of", "as") && !r.punct(i-1, '.') {
			if err := r.typedLiteral(i); err != nil {
				return err
			}
		}
		r.marked = r.marked || r.is(i, "datetime", "time", "timestamp") // for dialectExpr
		if i == 0 && r.is(0, "do") {
			return &UnsupportedError{"DO; use SELECT"}
		}
	case 'a', 's':
		if r.is(i, "any", "all", "some") && r.punct(i+1, '(') && r.is(i+2, "select", "with", "table", "values") {
			r.quantified(i)
		}
	case 'b':
		if r.is(0, "set") && r.is(i, "binary") && r.punct(i-1, '=') && (r.punct(i+1, ',') || r.at(i+1).kind == kindEOF) {
			r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, "'binary'"})
		}
	case 'f':
		if r.is(i, "from") {
			r.substringFrom(i)
		}
	case 'u':
		if r.is(i, "unknown") && (r.is(i-1, "is") || r.is(i-1, "not") && r.is(i-2, "is")) {
			r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, "NULL"})
		}
	case 'n':
		if r.is(i, "n") && r.at(i+1).kind == kindString && r.adjacent(i) {
			r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, ""})
		}
	case 'i':
		if r.is(i, "interval") && r.punct(i+1, '(') && r.hasComma(i+1) {
			return &UnsupportedError{"the function INTERVAL(); use CASE"}
		}
	}
	r.compoundUnit(i)
	return nil
}

// typedLiteral rewrites DATE '…', TIME '…' and TIMESTAMP '…' at i, which the host takes for strings.
func (r *rewriter) typedLiteral(i int) error {
	to := map[string]string{"timestamp": "DATETIME(6)", "time": "TIME(6)", "date": "DATE"}[strings.ToLower(r.text(i))]
	word, text := r.at(i), r.at(i+1)
	r.edits = append(r.edits, edit{word.start, word.end, "CAST("}, edit{text.end, text.end, " AS " + to + ")"})
	value := strings.Trim(r.text(i+1), `'"`)
	if strings.ContainsAny(value, `'"\`) { // written with escapes: it is seen later, and NULL
		return nil
	}
	_, ok := types.ParseDatetime(value)
	if to == "TIME(6)" {
		_, ok = types.ParseTime(value)
	}
	if !ok {
		return &TypedLiteralError{Type: strings.TrimSuffix(to, "(6)"), Value: value}
	}
	return nil
}

// TypedLiteralError says that the text behind DATE, TIME or TIMESTAMP is none.
type TypedLiteralError struct{ Type, Value string }

func (e *TypedLiteralError) Error() string {
	return "Incorrect " + e.Type + " value: '" + e.Value + "'"
}

// hasComma reports whether the parenthesis at i holds a comma of its own.
func (r *rewriter) hasComma(i int) bool {
	depth := 0
	for ; i < len(r.toks); i++ {
		switch {
		case r.punct(i, '('):
			depth++
		case r.punct(i, ')'):
			if depth--; depth == 0 {
				return false
			}
		case r.punct(i, ',') && depth == 1:
			return true
		}
	}
	return false
}

// compoundUnit lets the unit at i, if it ends an INTERVAL, travel as a simple one.
func (r *rewriter) compoundUnit(i int) {
	text := r.text(i)
	if _, is := carried(text); is { // in the text of a view
		r.marked = true
		return
	}
	if !strings.Contains(text, "_") {
		return
	}
	for k, u := range compoundUnits {
		if strings.EqualFold(text, u) && r.endsInterval(i) {
			r.edits = append(r.edits, edit{r.at(i).start, r.at(i).end, carrier(k)})
			r.marked = true
		}
	}
}

// endsInterval reports whether INTERVAL and one operand stand before token i.
func (r *rewriter) endsInterval(i int) bool {
	depth := 0
	for k := i - 1; k >= 0; k-- {
		switch {
		case r.punct(k, ')'):
			depth++
		case r.punct(k, '('), r.punct(k, ',') && depth == 0:
			if depth--; depth < 0 {
				return false
			}
		case depth == 0 && r.is(k, "interval"):
			return k < i-1
		}
	}
	return false
}

// allBits is what ~a is a's difference from.
const allBits = "18446744073709551615"

// dialectExpr replaces what the host's grammar takes and its binder does not.
func dialectExpr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Operator == ast.TildaStr {
			return &ast.ParenExpr{Expr: &ast.BinaryExpr{Operator: ast.BitXorStr, Left: ast.NewIntVal([]byte(allBits)), Right: &ast.ParenExpr{Expr: e.Expr}}}
		}
	case *ast.BinaryExpr:
		e.Left, e.Right = hexNumber(e.Left), hexNumber(e.Right)
	case *ast.FuncExpr:
		if e.Name.Lowered() == "timestamp" && len(e.Exprs) == 2 { // the host's takes one operand
			if d, ok := e.Exprs[0].(*ast.AliasedExpr); ok {
				at := &ast.ConvertExpr{Expr: d.Expr, Type: &ast.ConvertType{Type: "datetime", Length: ast.NewIntVal([]byte("6"))}}
				return &ast.FuncExpr{Name: ast.NewColIdent("addtime"), Exprs: ast.SelectExprs{&ast.AliasedExpr{Expr: at}, e.Exprs[1]}}
			}
		}
	case *ast.ConvertExpr:
		return roundedCast(e)
	case *ast.IntervalExpr:
		if unit, ok := carried(e.Unit); ok {
			return &ast.IntervalExpr{Expr: e.Expr, Unit: unit}
		}
	}
	return e
}

// roundedCast returns a CAST to DATETIME or TIME that rounds to the digits of a second that it names, or to none.
func roundedCast(e *ast.ConvertExpr) ast.Expr {
	if e.Type == nil || !strings.EqualFold(e.Type.Type, "datetime") && !strings.EqualFold(e.Type.Type, "time") {
		return e
	}
	if v, ok := e.Expr.(*ast.SQLVal); ok && !strings.Contains(string(v.Val), ".") {
		return e // nothing to round
	}
	digits := ast.NewIntVal([]byte("0"))
	if e.Type.Length != nil {
		digits = e.Type.Length
	}
	if string(digits.Val) == "6" {
		return e
	}
	exact := &ast.ConvertExpr{Name: e.Name, Expr: e.Expr, Type: &ast.ConvertType{Type: e.Type.Type, Length: ast.NewIntVal([]byte("6"))}}
	return &ast.FuncExpr{Name: ast.NewColIdent("round_second"), Exprs: ast.SelectExprs{&ast.AliasedExpr{Expr: exact}, &ast.AliasedExpr{Expr: digits}}}
}

// hexNumber returns a hexadecimal literal of up to 8 bytes as the number that it is in arithmetic.
func hexNumber(e ast.Expr) ast.Expr {
	v, ok := e.(*ast.SQLVal)
	if !ok || v.Type != ast.HexNum && v.Type != ast.HexVal {
		return e
	}
	digits := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(string(v.Val)), "0x"), "x"), "'")
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return e
	}
	return ast.NewIntVal(strconv.AppendUint(nil, n, 10))
}
