package parser

import (
	"reflect"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// ColumnCountError says that a row has more or fewer values than columns. MySQL calls it 1136 (21S01).
type ColumnCountError struct{ Row int } // from 1

func (e *ColumnCountError) Error() string {
	return "Column count doesn't match value count at row " + itoa(e.Row)
}

// insert compiles INSERT and REPLACE, which the host's grammar reads.
func (c *compiler) insert() (*compiled, error) {
	st, _, err := c.host(c.statement)
	if err != nil {
		return nil, err
	}
	ins, ok := st.(*ast.Insert)
	if !ok {
		return nil, c.errorAt(0, "not an INSERT")
	}
	switch {
	case len(ins.Partitions) > 0:
		return nil, &UnsupportedError{"INSERT into named partitions"}
	case len(ins.Returning) > 0:
		return nil, &UnsupportedError{"RETURNING"}
	}
	table := tableOf(ins.Table)
	s := &Insert{Table: table, Columns: columnsOf(ins.Columns), Ignore: ins.Ignore != ""}
	switch {
	case strings.EqualFold(ins.Action, ast.ReplaceStr):
		s.Mode = InsertReplace
	case len(ins.OnDup) > 0:
		s.Mode = InsertUpsert
	case s.Ignore:
		s.Mode = InsertIgnore
	}
	out := &compiled{stmt: s, auth: []ast.AuthInformation{ins.Auth}}
	var alias *ast.AliasedValues
	switch rows := ins.Rows.(type) {
	case *ast.AliasedValues:
		if ins.With != nil {
			return nil, &UnsupportedError{"WITH before INSERT … VALUES"}
		}
		if err := checkRows(rows.Values, ins.Columns); err != nil {
			return nil, err
		}
		alias = rows
		out.children = []child{{rows: rows.Values}}
	case ast.SelectStatement:
		if ins.With != nil {
			rows.SetWith(ins.With)
		}
		out.children = []child{{query: rows}}
	default:
		return nil, c.errorAt(0, "INSERT needs VALUES or a SELECT")
	}
	if s.Mode == InsertUpsert {
		return out, c.onDuplicate(out, s, ins, alias)
	}
	return out, nil
}

// checkRows counts the values of each row and puts the marker of DEFAULT in its place.
func checkRows(rows ast.Values, columns ast.Columns) error {
	for i, row := range rows {
		want := len(rows[0])
		if len(columns) > 0 {
			want = len(columns)
		}
		if len(row) != want {
			return &ColumnCountError{Row: i + 1}
		}
		for k, e := range row {
			if d, ok := e.(*ast.Default); ok && d.ColName == "" {
				row[k] = ast.InjectedExpr{Expression: defaultInjectable(""), Auth: noAuth}
				continue
			}
			var err error
			if row[k], err = namedDefaults(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// namedDefaults puts the marker of DEFAULT(column) in its place.
func namedDefaults(e ast.Expr) (ast.Expr, error) {
	w := walker{expr: func(e ast.Expr) (ast.Expr, error) {
		if d, ok := e.(*ast.Default); ok && d.ColName != "" {
			return ast.InjectedExpr{Expression: defaultInjectable(d.ColName), Auth: noAuth}, nil
		}
		return e, nil
	}, enter: func(node any) bool { _, isSub := node.(*ast.Subquery); return !isSub }}
	return w.transform(e)
}

// onDuplicate compiles ON DUPLICATE KEY UPDATE into child 1.
func (c *compiler) onDuplicate(out *compiled, s *Insert, ins *ast.Insert, alias *ast.AliasedValues) error {
	q := qualifier{target: s.Table.Name, fresh: NewRowAlias, columns: map[string]string{}}
	if alias != nil && alias.As.String() != "" {
		q.alias = alias.As.String()
		if len(alias.Columns) > 0 && len(alias.Columns) != len(ins.Columns) {
			if ins.Columns == nil {
				return &UnsupportedError{"column names of a row alias without a column list of the INSERT"}
			}
			return &ColumnCountError{Row: 1}
		}
		for i, col := range alias.Columns {
			q.columns[col.Lowered()] = ins.Columns[i].String()
		}
	}
	set, exprs, err := c.assignments(ast.AssignmentExprs(ins.OnDup), s.Table.Name, q.resolve)
	if err != nil {
		return err
	}
	if q.foreign != "" {
		return &UnsupportedError{"columns of " + q.foreign + " in ON DUPLICATE KEY UPDATE; select them, and name them by VALUES(column), or use MERGE"}
	}
	s.OnDuplicate = set
	target := &ast.AliasedTableExpr{Expr: ins.Table, Auth: noAuth}
	fresh := &ast.AliasedTableExpr{Expr: ins.Table, As: ast.NewTableIdent(NewRowAlias), Auth: noAuth}
	if len(exprs) == 0 {
		exprs = ast.SelectExprs{&ast.AliasedExpr{Expr: ast.NewIntVal([]byte("1"))}}
	}
	out.children = append(out.children, child{query: &ast.Select{SelectExprs: exprs,
		From: ast.TableExprs{&ast.JoinTableExpr{LeftExpr: target, Join: ast.JoinStr, RightExpr: fresh}}}})
	out.auth = append(out.auth, authOf(ast.AuthType_UPDATE, s.Table))
	return nil
}

// qualifier says which of the two rows of ON DUPLICATE KEY UPDATE a name is of.
type qualifier struct {
	target, fresh, alias string
	columns              map[string]string // of the row alias
	foreign              string            // a table that is neither
}

func (q *qualifier) resolve(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ValuesFuncExpr:
		return column(q.fresh, e.Name.Name.String())
	case *ast.ColName:
		name, table := e.Name, e.Qualifier.Name.String()
		if isVariable(e) {
			return e
		}
		if renamed, ok := q.columns[name.Lowered()]; ok && (table == "" || strings.EqualFold(table, q.alias)) {
			return column(q.fresh, renamed)
		}
		switch {
		case table == "":
			return column(q.target, name.String())
		case q.alias != "" && strings.EqualFold(table, q.alias):
			return column(q.fresh, name.String())
		case !strings.EqualFold(table, q.target):
			q.foreign = table
		}
	}
	return e
}

// isVariable reports whether a column name is really a user or system variable.
func isVariable(e *ast.ColName) bool {
	return strings.HasPrefix(e.Name.String(), "@") || strings.HasPrefix(e.Qualifier.Name.String(), "@")
}

func column(table, name string) *ast.ColName {
	return &ast.ColName{Name: ast.NewColIdent(name), Qualifier: ast.TableName{Name: ast.NewTableIdent(table)}}
}

// assignments turns SET a = x, b = y into select expressions. resolve, if any, is applied to every name outside
// of subqueries. That a later assignment sees the values of earlier ones is left to the planner.
func (c *compiler) assignments(list ast.AssignmentExprs, target string, resolve func(ast.Expr) ast.Expr) ([]Assignment, ast.SelectExprs, error) {
	var out []Assignment
	var exprs ast.SelectExprs
	for _, a := range list {
		name := a.Name.Name.String()
		if t := a.Name.Qualifier.Name.String(); t != "" && !strings.EqualFold(t, target) {
			return nil, nil, &UnsupportedError{"an assignment to another table than " + target}
		}
		if d, ok := a.Expr.(*ast.Default); ok && d.ColName == "" {
			out = append(out, Assignment{Column: name, Expr: -1, Default: true})
			continue
		}
		value, err := namedDefaults(a.Expr)
		if err != nil {
			return nil, nil, err
		}
		if resolve != nil {
			if value, err = replaceColumns(value, resolve); err != nil {
				return nil, nil, err
			}
		}
		out = append(out, Assignment{Column: name, Expr: len(exprs)})
		exprs = append(exprs, &ast.AliasedExpr{Expr: value})
	}
	return out, exprs, nil
}

// replaceColumns returns e with every leaf outside of subqueries replaced; e itself is not changed in depth where
// replaced expressions are put in.
func replaceColumns(e ast.Expr, f func(ast.Expr) ast.Expr) (ast.Expr, error) {
	w := walker{
		expr: func(e ast.Expr) (ast.Expr, error) {
			switch e.(type) {
			case *ast.ColName, *ast.ValuesFuncExpr:
				return &replaced{f(e)}, nil
			}
			return e, nil
		},
		enter: func(node any) bool {
			switch node.(type) {
			case *replaced, *ast.Subquery:
				return false
			}
			return true
		},
	}
	e, err := w.transform(e)
	if err != nil {
		return nil, err
	}
	unwrap := walker{
		expr: func(e ast.Expr) (ast.Expr, error) {
			if r, ok := e.(*replaced); ok {
				return r.Expr, nil
			}
			return e, nil
		},
		enter: func(node any) bool { _, isSub := node.(*ast.Subquery); return !isSub },
	}
	return unwrap.transform(e)
}

// replaced keeps a walk from going into what it has put in.
type replaced struct{ ast.Expr }

// transform walks over e and returns what it has become.
func (w *walker) transform(e ast.Expr) (ast.Expr, error) {
	holder := reflect.New(exprType).Elem()
	holder.Set(reflect.ValueOf(e))
	w.walk(holder)
	if w.err != nil {
		return nil, w.err
	}
	return holder.Interface().(ast.Expr), nil
}

// update compiles UPDATE, which the host's grammar reads.
func (c *compiler) update() (*compiled, error) {
	st, _, err := c.host(c.statement)
	if err != nil {
		return nil, err
	}
	up, ok := st.(*ast.Update)
	if !ok {
		return nil, c.errorAt(0, "not an UPDATE")
	}
	switch {
	case up.Limit != nil && up.Limit.Offset != nil:
		return nil, c.errorAt(0, "LIMIT in UPDATE takes one number")
	case len(up.Returning) > 0:
		return nil, &UnsupportedError{"RETURNING"}
	}
	target, table, alias, err := singleTable(up.TableExprs, "UPDATE")
	if err != nil {
		return nil, err
	}
	set, exprs, err := c.assignments(up.Exprs, alias, nil)
	if err != nil {
		return nil, err
	}
	target.Auth = noAuth // which columns are read is checked over the bound plan
	query := &ast.Select{With: up.With, SelectExprs: append(ast.SelectExprs{star(alias)}, exprs...), From: ast.TableExprs{target}, Where: up.Where,
		OrderBy: up.OrderBy, Limit: up.Limit}
	return &compiled{
		stmt:     &Update{Table: table, Assignments: set, Exprs: len(exprs), Ignore: up.Ignore != ""},
		children: []child{{query: query}},
		auth:     []ast.AuthInformation{authOf(ast.AuthType_UPDATE, table)},
	}, nil
}

// singleTable returns the one table that a statement changes.
func singleTable(from ast.TableExprs, verb string) (*ast.AliasedTableExpr, TableName, string, error) {
	if len(from) != 1 {
		return nil, TableName{}, "", &UnsupportedError{verb + " of several tables; use MERGE"}
	}
	t, ok := from[0].(*ast.AliasedTableExpr)
	if !ok {
		return nil, TableName{}, "", &UnsupportedError{verb + " of a join; use MERGE"}
	}
	name, ok := t.Expr.(ast.TableName)
	switch {
	case !ok:
		return nil, TableName{}, "", &UnsupportedError{verb + " of a subquery"}
	case t.AsOf != nil:
		return nil, TableName{}, "", &UnsupportedError{verb + " of an old version of a table"}
	case len(t.Partitions) > 0:
		return nil, TableName{}, "", &UnsupportedError{verb + " of named partitions"}
	}
	table := tableOf(name)
	alias := table.Name
	if a := t.As.String(); a != "" {
		alias = a
	}
	return t, table, alias, nil
}

func star(table string) *ast.StarExpr {
	return &ast.StarExpr{TableName: ast.TableName{Name: ast.NewTableIdent(table)}}
}

// delete compiles the DELETE at token i by reading it as a SELECT: the host's grammar has no alias in DELETE.
func (c *compiler) delete(i int) (*compiled, error) {
	verb := i
	for i++; c.is(i, "low_priority", "quick", "ignore"); i++ {
	}
	if !c.is(i, "from") {
		return nil, &UnsupportedError{"DELETE of several tables; use MERGE"}
	}
	from := i + 1
	table, i, err := c.tableName(from)
	if err != nil {
		return nil, err
	}
	alias := table.Name
	switch {
	case c.is(i, "as") && c.isName(i+1):
		alias = c.name(i + 1)
	case c.is(i, "using") || c.punct(i, ',') || c.punct(i, '.'):
		return nil, &UnsupportedError{"DELETE of several tables; use MERGE"}
	case c.isName(i) && !c.is(i, "where", "order", "limit", "for", "version", "timestamp", "as", "partition", "returning"):
		alias = c.name(i)
	case c.is(i, "partition"):
		return nil, &UnsupportedError{"DELETE of named partitions"}
	case c.is(i, "returning"):
		return nil, &UnsupportedError{"RETURNING"}
	}
	text := c.src[c.at(0).start:c.at(verb).start] + "SELECT " + backquote(alias) + ".* FROM " + c.src[c.at(from).start:c.at(len(c.toks)-1).start]
	s := lexOne(text, c.ansi, false)
	st, _, err := c.host(&s)
	if err != nil {
		return nil, err
	}
	sel, ok := st.(*ast.Select)
	if !ok || sel.GroupBy != nil || sel.Having != nil || sel.Window != nil || sel.Lock != "" || sel.Into != nil {
		return nil, c.errorAt(verb, "DELETE takes WHERE, ORDER BY and LIMIT")
	}
	if sel.Limit != nil && sel.Limit.Offset != nil {
		return nil, c.errorAt(verb, "LIMIT in DELETE takes one number")
	}
	target, _, _, err := singleTable(sel.From, "DELETE")
	if err != nil {
		return nil, err
	}
	target.Auth = noAuth // which columns are read is checked over the bound plan
	return &compiled{stmt: &Delete{Table: table}, children: []child{{query: sel}},
		auth: []ast.AuthInformation{authOf(ast.AuthType_DELETE, table)}}, nil
}

// tableName reads [database.]table at token i and returns the token behind it.
func (s *statement) tableName(i int) (TableName, int, error) {
	if !s.isName(i) {
		return TableName{}, i, s.errorAt(i, "a table name is missing")
	}
	t := TableName{Name: s.name(i)}
	if s.punct(i+1, '.') {
		if !s.isName(i + 2) {
			return TableName{}, i, s.errorAt(i+2, "a table name is missing")
		}
		t = TableName{Database: t.Name, Name: s.name(i + 2)}
		i += 2
	}
	return t, i + 1, nil
}

func tableOf(t ast.TableName) TableName {
	return TableName{Database: t.DbQualifier.String(), Name: t.Name.String()}
}

func (t TableName) ast() ast.TableName {
	return ast.TableName{Name: ast.NewTableIdent(t.Name), DbQualifier: ast.NewTableIdent(t.Database)}
}

func columnsOf(cols ast.Columns) []string {
	if len(cols) == 0 {
		return nil
	}
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.String()
	}
	return out
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
