package parser

import (
	"context"
	"errors"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// Parser implements the host's parser interface; make it with New.
type Parser struct{ binder Binder }

var _ sql.Parser = (*Parser)(nil)

// New returns the parser of an engine: the host's grammar and featuresql's. Set it as sql.GlobalParser before the
// host's engine is made, or as the engine's Parser.
func New(b Binder) *Parser { return &Parser{binder: b} }

// ParseSimple implements sql.Parser.
func (p *Parser) ParseSimple(query string) (ast.Statement, error) {
	st, _, _, err := p.parse(query, false, ast.ParserOptions{})
	return st, err
}

// Parse implements sql.Parser.
func (p *Parser) Parse(ctx *sql.Context, query string, multi bool) (ast.Statement, string, string, error) {
	return p.ParseWithOptions(ctx, query, ';', multi, sql.LoadSqlMode(ctx).ParserOptions())
}

// ParseWithOptions implements sql.Parser. The delimiter is always the semicolon.
func (p *Parser) ParseWithOptions(_ context.Context, query string, _ rune, multi bool, opts ast.ParserOptions) (ast.Statement, string, string, error) {
	st, parsed, end, err := p.parse(query, multi, opts)
	remainder := ""
	if multi && end < len(query) && !isEmpty(query[end:], opts.AnsiQuotes) {
		remainder = strings.TrimLeft(query[end:], " \t\r\n;")
	}
	return st, parsed, remainder, err
}

// ParseOneWithOptions implements sql.Parser. The index is that of the next statement in query.
func (p *Parser) ParseOneWithOptions(_ context.Context, query string, opts ast.ParserOptions) (ast.Statement, int, error) {
	st, _, end, err := p.parse(query, true, opts)
	return st, end, err
}

// parse reads the first statement of query. It returns the text in the host's grammar and the offset in query of
// what follows; without multi nothing may follow.
func (p *Parser) parse(query string, multi bool, opts ast.ParserOptions) (st ast.Statement, parsed string, end int, err error) {
	if original, ok := Restore(query); ok {
		st, parsed, _, err = p.parse(original, false, opts)
		return st, parsed, len(query), err
	}
	query = openComments(query, opts.AnsiQuotes)
	s, err := lexStatement(query, opts)
	if err != nil {
		return nil, "", len(query), err
	}
	if len(s.toks) == 1 {
		return nil, "", len(query), ast.ErrEmpty
	}
	if !multi && !isEmpty(query[s.end:], opts.AnsiQuotes) {
		return nil, "", s.end, s.trailing()
	}
	one := s
	if text, ok := s.shownText(); ok {
		one = lexOne(text, opts.AnsiQuotes, false)
	}
	st, parsed, err = p.one(&one, opts)
	if err == nil {
		applyDefiner(st, query)
	}
	return st, parsed, s.end, err
}

// isEmpty reports whether text holds nothing but blanks, comments and semicolons.
func isEmpty(text string, ansi bool) bool {
	l := lexer{src: text, ansiQuotes: ansi}
	for {
		t := l.next()
		if t.kind == kindEOF {
			return true
		}
		if t.kind != kindPunct || text[t.start] != ';' {
			return false
		}
	}
}

func (s *statement) trailing() error {
	rest := lexOne(s.src[s.end:], s.ansi, false)
	return rest.errorAt(0, "one statement at a time")
}

// lexStatement cuts the first statement of query and checks the limits.
func lexStatement(query string, opts ast.ParserOptions) (statement, error) {
	if len(query) > MaxStatementBytes {
		return statement{}, &SyntaxError{Reason: "statement of more than 64 MiB"}
	}
	s := lexOne(query, opts.AnsiQuotes, false)
	if s.isRoutine() {
		s = lexOne(query, opts.AnsiQuotes, true)
	}
	if i := len(s.toks) - 1; s.at(i).kind == kindBad {
		return s, s.errorAt(i, "unterminated string, name or comment")
	}
	return s, s.checkLimits()
}

// isRoutine reports whether semicolons may stand within the statement.
func (s *statement) isRoutine() bool {
	if !s.is(0, "create") {
		return s.is(0, "begin") && len(s.toks) > 2 && !s.is(1, "work")
	}
	for i := 1; i < len(s.toks) && i < 24; i++ {
		if s.is(i, "procedure", "function", "trigger", "event") {
			return true
		}
		if s.is(i, "table", "view", "database", "schema", "index", "user", "role") || s.punct(i, '(') {
			return false
		}
	}
	return false
}

// one parses a statement.
func (p *Parser) one(s *statement, opts ast.ParserOptions) (ast.Statement, string, error) {
	c := &compiler{p: p, statement: s, opts: opts}
	if c.custom() {
		in, err := c.compile()
		if err != nil {
			return nil, "", err
		}
		if in != nil {
			if err := in.check(); err != nil {
				return nil, "", err
			}
			return in.statement(p.binder), s.src[s.at(0).start:s.at(len(s.toks)-1).start], nil
		}
	}
	st, text, err := c.host(s)
	if err != nil {
		return nil, text, err
	}
	return st, text, check(st)
}

// host parses a statement by the host's grammar.
func (c *compiler) host(s *statement) (ast.Statement, string, error) {
	s = s.unwrapped()
	plain, edits, marked, err := s.rewrite()
	if err != nil {
		return nil, "", err
	}
	text := keepPatternEscapes(plain, c.opts.AnsiQuotes)
	st, err := ast.ParseWithOptions(context.Background(), text, c.opts)
	if err != nil {
		if errors.Is(err, ast.ErrEmpty) {
			return nil, text, err
		}
		return nil, text, grammarError(err)
	}
	if call, ok := st.(*ast.Call); ok {
		return nil, text, &ProcedureError{Name: strings.TrimPrefix(call.ProcName.Qualifier.String()+"."+call.ProcName.Name.String(), ".")}
	}
	if len(text) == len(plain) && s.labelsDiffer(edits) {
		s.relabel(st, edits)
	}
	if marked {
		if err := checkVersioned(st, nil); err != nil {
			return nil, text, err
		}
		if st, err = resolveMarks(st); err != nil {
			return nil, text, err
		}
	}
	if s.hasSubquery() {
		ownAggregates(st)
	}
	if ddl, ok := st.(*ast.DDL); ok && ddl.ViewSpec != nil && ddl.SubStatementStr == "" {
		end := min(ddl.SubStatementPositionEnd, len(text)) // one too far behind DATE '…'
		ddl.SubStatementStr = text[ddl.SubStatementPositionStart:end]
	}
	restoreChecks(st, nil)
	nameTargets(st)
	return st, s.withWritten(text), nil
}

// frameErrors are the sentences with which the host's grammar refuses frames.
var frameErrors = []struct {
	text string
	code int
	own  string
}{
	{"frame start cannot be UNBOUNDED FOLLOWING", 3584, "frame start cannot be UNBOUNDED FOLLOWING."},
	{"frame end cannot be UNBOUNDED PRECEDING", 3585, "frame end cannot be UNBOUNDED PRECEDING."},
	{"frame starting from", 3586, "frame start or end is negative, NULL or of non-integral type, or the frame ends before it starts."},
}

func grammarError(err error) error {
	for _, f := range frameErrors {
		if strings.Contains(err.Error(), f.text) {
			return windowError(f.code, "Window '%s': %s", unnamedWindow, f.own)
		}
	}
	return &SyntaxError{Reason: err.Error()}
}

// keepPatternEscapes doubles the backslash of \% and \_ in strings: they stand for themselves, backslash and all, for
// LIKE to read, where the host's grammar drops the backslash (MySQL 8.0 manual, "String Literals").
func keepPatternEscapes(text string, ansi bool) string {
	if !strings.Contains(text, `\_`) && !strings.Contains(text, `\%`) {
		return text
	}
	var b strings.Builder
	from := 0
	for l := (lexer{src: text, ansiQuotes: ansi}); ; {
		t := l.next()
		if t.kind == kindEOF {
			b.WriteString(text[from:])
			return b.String()
		}
		for i := t.start; t.kind == kindString && i+1 < t.end; i++ {
			if text[i] != '\\' {
				continue
			}
			if c := text[i+1]; c == '_' || c == '%' {
				b.WriteString(text[from:i])
				b.WriteByte('\\')
				from = i
			}
			i++
		}
	}
}

// unwrapped returns the statement without parentheses around a whole SELECT, which the host's grammar does not take.
func (s *statement) unwrapped() *statement {
	for n := len(s.toks); s.punct(0, '(') && s.closing(0) == n-2 && (s.is(1, "select", "with", "values", "table") || s.punct(1, '(')); n = len(s.toks) {
		inner := *s
		inner.toks = append(append([]token(nil), s.toks[1:n-2]...), token{kindEOF, s.at(n - 2).start, s.at(n - 2).start})
		s = &inner
	}
	return s
}
