package parser

import (
	"strconv"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/textfile"
)

// LoadFile is the file of a LOAD DATA statement, which is an Insert of its rows. Child 0 is
//
//	SELECT e0, e1, … FROM (SELECT … AS f0, … AS f1, …) AS featuresql_file
//
// with one expression for each assignment of SET, over the fields of a line.
type LoadFile struct {
	Path   string
	Local  bool // the client has the file
	Skip   int64
	Binary bool // CHARACTER SET binary: bytes are not checked to be text
	Latin1 bool
	Format textfile.Format
	// Fields are the columns that the fields of a line are for, empty for one that goes to a variable; nil: all columns.
	Fields []string
	Set    []Assignment // Expr is a position in child 0's list
}

// FileAlias names the derived table that stands for the file of LOAD DATA.
const FileAlias = "featuresql_file"

// load compiles LOAD DATA, which the host's grammar reads.
func (c *compiler) load() (*compiled, error) {
	s := *c.statement
	if i := 2; c.is(i, "low_priority", "concurrent") {
		s.toks = append(append([]token(nil), s.toks[:i]...), s.toks[i+1:]...)
		s = lexOne("LOAD DATA "+c.src[c.at(i+1).start:c.at(len(c.toks)-1).start], c.ansi, false)
	}
	st, _, err := c.host(&s)
	if err != nil {
		return nil, err
	}
	ld, ok := st.(*ast.Load)
	if !ok {
		return nil, c.errorAt(0, "not LOAD DATA")
	}
	f := &LoadFile{Path: ld.Infile, Local: bool(ld.Local)}
	if err := f.options(ld); err != nil {
		return nil, err
	}
	table := tableOf(ld.Table)
	ins := &Insert{Table: table, File: f, Ignore: ld.IgnoreOrReplace == ast.IgnoreStr || f.Local}
	auth := []ast.AuthInformation{authOf(ast.AuthType_INSERT, table)}
	switch {
	case ld.IgnoreOrReplace == ast.ReplaceStr:
		ins.Mode = InsertReplace
		auth = append(auth, authOf(ast.AuthType_DELETE, table))
	case ins.Ignore:
		ins.Mode = InsertIgnore
	}
	if !f.Local {
		auth = append(auth, ast.AuthInformation{AuthType: ast.AuthType_FILE, TargetType: ast.AuthTargetType_Global})
	}
	query, err := f.query(c, ld)
	if err != nil {
		return nil, err
	}
	for _, name := range f.Fields {
		if name != "" {
			ins.Columns = append(ins.Columns, name)
		}
	}
	for _, a := range f.Set {
		if f.Fields != nil {
			ins.Columns = append(ins.Columns, a.Column)
		}
	}
	return &compiled{stmt: ins, children: []child{{query: query}}, auth: auth}, nil
}

// options reads the clauses about the file.
func (f *LoadFile) options(ld *ast.Load) error {
	f.Format = textfile.Default
	text := func(to *string, v *ast.SQLVal) {
		if v != nil {
			*to = string(v.Val)
		}
	}
	if ld.Fields != nil {
		text(&f.Format.FieldEnd, ld.Fields.TerminatedBy)
		text(&f.Format.Escape, ld.Fields.EscapedBy)
		if ld.Fields.EnclosedBy != nil {
			text(&f.Format.Quote, ld.Fields.EnclosedBy.Delim)
		}
	}
	if ld.Lines != nil {
		text(&f.Format.LineStart, ld.Lines.StartingBy)
		text(&f.Format.LineEnd, ld.Lines.TerminatedBy)
	}
	if ld.IgnoreNum != nil {
		n, err := strconv.ParseInt(string(ld.IgnoreNum.Val), 10, 64)
		if err != nil {
			return &SyntaxError{Reason: "IGNORE " + string(ld.IgnoreNum.Val) + " LINES: not a number of lines"}
		}
		f.Skip = n
	}
	switch charset := strings.ToLower(ld.Charset); charset {
	case "", "utf8mb4", "utf8", "utf8mb3", "ascii":
	case "binary":
		f.Binary = true
	case "latin1":
		f.Latin1 = true
	default:
		return &UnsupportedError{"LOAD DATA … CHARACTER SET " + charset}
	}
	switch {
	case len(ld.Partition) > 0:
		return &UnsupportedError{"LOAD DATA into named partitions"}
	case f.Format.FieldEnd == "":
		return &UnsupportedError{"LOAD DATA of fields without a terminator"}
	case len(f.Format.Quote) > 1 || len(f.Format.Escape) > 1:
		return &SyntaxError{Reason: "Field separator argument is not what is expected; ENCLOSED BY and ESCAPED BY take one character"}
	}
	return nil
}

// query makes child 0: the expressions of SET over the fields.
func (f *LoadFile) query(c *compiler, ld *ast.Load) (ast.SelectStatement, error) {
	fields := map[string]string{}
	var texts []string
	for i, name := range columnsOf(ld.Columns) {
		field := "f" + strconv.Itoa(i)
		fields[strings.ToLower(name)] = field
		texts = append(texts, "CAST(NULL AS CHAR) AS "+field)
		if strings.HasPrefix(name, "@") {
			name = ""
		}
		f.Fields = append(f.Fields, name)
	}
	if len(texts) == 0 {
		texts = []string{"1"}
	}
	file, err := ast.Parse("SELECT " + strings.Join(texts, ", "))
	if err != nil {
		return nil, err
	}
	q := &ast.Select{From: ast.TableExprs{&ast.AliasedTableExpr{Expr: &ast.Subquery{Select: file.(ast.SelectStatement)}, As: ast.NewTableIdent(FileAlias), Auth: noAuth}}}
	f.Set, q.SelectExprs, err = c.assignments(ld.SetExprs, ld.Table.Name.String(), func(e ast.Expr) ast.Expr {
		if name, ok := e.(*ast.ColName); ok {
			if field, listed := fields[name.Name.Lowered()]; listed {
				return column(FileAlias, field)
			}
		}
		return e
	})
	if err != nil {
		return nil, err
	}
	if len(q.SelectExprs) == 0 {
		q.SelectExprs = ast.SelectExprs{&ast.AliasedExpr{Expr: ast.NewIntVal([]byte("1"))}}
	}
	return q, nil
}
