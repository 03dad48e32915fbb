package planner

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
)

// scope says what the GetFields of host expressions mean: positions below len(outer) are columns of
// enclosing queries, the others columns of the node's input.
type scope struct {
	fields []exec.Field
	outer  []exec.Field
	hidden int       // trailing fields that the host does not know (row ids)
	attach *attached // nil: a correlated subquery cannot be joined here
}

// visible are the fields that a subquery sees as its enclosing row.
func (s scope) visible() []exec.Field { return s.fields[:len(s.fields)-s.hidden] }

// outerRef is a column of an enclosing query inside a subquery; unnesting turns it into a join condition,
// and the execution of a correlated subquery into a literal.
type outerRef struct {
	index int // position in the enclosing query's row
	name  string
	typ   types.Type
}

func (o *outerRef) Type() types.Type      { return o.typ }
func (o *outerRef) Nullable() bool        { return true }
func (o *outerRef) Children() []expr.Expr { return nil }
func (o *outerRef) String() string        { return "outer." + o.name }

// scalar converts a host expression; what has no kernel becomes an expr.RowFunc, counted.
func (c *converter) scalar(e sql.Expression, s scope) (expr.Expr, error) {
	out, err := c.kernelScalar(e, s)
	var unknown *expr.UnknownFunctionError
	if err == nil || !(errors.As(err, &unknown) || errors.Is(err, errNoKernel)) {
		return out, err
	}
	return c.rowFunc(e, s)
}

// errNoKernel says that a host expression has no vectorized counterpart.
var errNoKernel = errors.New("no kernel")

func (c *converter) scalars(es []sql.Expression, s scope) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		x, err := c.scalar(e, s)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func (c *converter) call(name string, s scope, args ...sql.Expression) (expr.Expr, error) {
	xs, err := c.collated(name, s, args)
	if err == nil && xs == nil {
		xs, err = c.scalars(args, s)
	}
	if err != nil {
		return nil, err
	}
	if d, ok := deferred(name, xs); ok {
		return d, nil
	}
	return expr.New(name, xs...)
}

func (c *converter) kernelScalar(e sql.Expression, s scope) (expr.Expr, error) {
	switch e := e.(type) {
	case *expression.GetField:
		return c.column(e, s)
	case *expression.Literal:
		if p := c.openParameter(e.Val); p != nil {
			return p, nil
		}
		v, err := literalValue(e.Val, e.Typ)
		if err != nil {
			return nil, errNoKernel
		}
		return &expr.Literal{Val: v}, nil
	case *expression.Alias:
		return c.scalar(e.Child, s)
	case *expression.Wrapper:
		return c.scalar(e.Unwrap(), s)
	case *parser.OwnArgument:
		return c.scalar(e.Child, s)
	case *parser.DefaultValue:
		if e.Column == "" || c.defaultOf == nil {
			return nil, &UnsupportedError{What: "DEFAULT outside the values of a column"}
		}
		return c.defaultOf(e.Column)
	case *parser.Grouping:
		return nil, &parser.GroupingUseError{Code: 1111}
	case *bitsOf:
		return c.bitsOf(e, s)
	case *parser.Exact:
		return c.scalar(e.Child, s)
	case *expression.CollatedExpression: // what compares looks at it
		return c.scalar(e.Child(), s)
	case *expression.Interval:
		return nil, fmt.Errorf("%w: interval outside of date arithmetic", errNoKernel)
	case *expression.UserVar, *expression.SystemVar, *expression.ProcedureParam:
		return c.hostConstant(e)
	}
	if x, err := c.operator(e, s); !errors.Is(err, errNoKernel) {
		return x, err
	}
	if x, err := c.subqueryScalar(e, s); !errors.Is(err, errNoKernel) {
		return x, err
	}
	return c.function(e, s)
}

func (c *converter) column(e *expression.GetField, s scope) (expr.Expr, error) {
	i := c.position(e.Index())
	if i < len(s.outer) {
		f := s.outer[i]
		if c.outerRow != nil {
			return &expr.Literal{Val: c.outerRow[i]}, nil
		}
		return &outerRef{index: i, name: f.Name, typ: f.Type}, nil
	}
	i -= len(s.outer)
	if i >= len(s.fields) {
		return nil, fmt.Errorf("column %s: position %d outside of %d columns", e, i, len(s.fields))
	}
	f := s.fields[i]
	return &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}, nil
}

// hostConstant evaluates a variable once; it cannot change within the statement's batches.
func (c *converter) hostConstant(e sql.Expression) (expr.Expr, error) {
	x, err := e.Eval(c.ctx, nil)
	if err != nil {
		return nil, err
	}
	v, err := literalValue(x, e.Type())
	if err != nil {
		return nil, errNoKernel
	}
	return &expr.Literal{Val: v}, nil
}

func (c *converter) operator(e sql.Expression, s scope) (expr.Expr, error) {
	switch e := e.(type) {
	case *expression.And:
		return c.call("and", s, e.LeftChild, e.RightChild)
	case *expression.Or:
		return c.call("or", s, e.LeftChild, e.RightChild)
	case *expression.Xor:
		return c.call("xor", s, e.LeftChild, e.RightChild)
	case *expression.Not:
		return c.not(e, s)
	case *expression.Equals, *expression.LessThan, *expression.LessThanOrEqual, *expression.GreaterThan,
		*expression.GreaterThanOrEqual, *expression.NullSafeEquals:
		return c.comparison(e.(expression.Comparer), s)
	case *expression.Between:
		return c.between(e, s)
	case *expression.IsNull:
		return c.call("isnull", s, e.Child)
	case *expression.IsTrue:
		if hostBool(e, "invert") {
			return c.call("isfalse", s, e.Child)
		}
		return c.call("istrue", s, e.Child)
	case *expression.Like:
		return c.like(e, s)
	case *expression.InTuple:
		return c.inTuple(e.Left(), e.Right(), s)
	case *expression.HashInTuple:
		return c.inTuple(e.Left(), e.Right(), s)
	case *expression.Arithmetic:
		return c.arithmetic(e, s)
	case *expression.Div:
		return c.call("/", s, e.LeftChild, e.RightChild)
	case *expression.IntDiv:
		return c.call("div", s, e.LeftChild, e.RightChild)
	case *expression.Mod:
		return c.call("%", s, e.LeftChild, e.RightChild)
	case *expression.BitOp:
		return c.call(strings.ToLower(e.Op), s, e.LeftChild, e.RightChild)
	case *expression.UnaryMinus:
		return c.call("neg", s, e.Child)
	case *expression.Binary:
		return c.convertTo(e.Child, types.Of(types.Binary), s)
	case *expression.Case:
		return c.caseWhen(e, s)
	case *expression.Convert:
		return c.convertType(e, s)
	}
	return nil, errNoKernel
}

func (c *converter) not(e *expression.Not, s scope) (expr.Expr, error) {
	return c.call("not", s, e.Child)
}

func (c *converter) comparison(e expression.Comparer, s scope) (expr.Expr, error) {
	var op string
	switch e.(type) {
	case *expression.Equals:
		op = "="
	case *expression.NullSafeEquals:
		op = "<=>"
	case *expression.LessThan:
		op = "<"
	case *expression.LessThanOrEqual:
		op = "<="
	case *expression.GreaterThan:
		op = ">"
	default:
		op = ">="
	}
	l, lok := e.Left().(expression.Tuple)
	r, rok := e.Right().(expression.Tuple)
	if !lok && !rok {
		return c.call(op, s, e.Left(), e.Right())
	}
	if !lok || !rok || len(l) != len(r) || op != "=" {
		return nil, errNoKernel
	}
	var parts []expr.Expr
	for i := range l {
		p, err := c.call("=", s, l[i], r[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return expr.And(parts...), nil
}

func (c *converter) between(e *expression.Between, s scope) (expr.Expr, error) {
	lo, err := c.call(">=", s, e.Val, e.Lower)
	if err != nil {
		return nil, err
	}
	hi, err := c.call("<=", s, e.Val, e.Upper)
	if err != nil {
		return nil, err
	}
	return expr.New("and", lo, hi)
}

func (c *converter) like(e *expression.Like, s scope) (expr.Expr, error) {
	args := []sql.Expression{e.LeftChild, e.RightChild}
	if e.Escape != nil {
		args = append(args, e.Escape)
	}
	return c.call("like", s, args...)
}

func (c *converter) inTuple(left, right sql.Expression, s scope) (expr.Expr, error) {
	list, ok := right.(expression.Tuple)
	if !ok {
		return nil, errNoKernel
	}
	if _, row := left.(expression.Tuple); row {
		var alternatives []expr.Expr
		for _, item := range list {
			eq, err := c.comparison(expression.NewEquals(left, item), s)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, eq)
		}
		if len(alternatives) == 1 {
			return alternatives[0], nil
		}
		return expr.New("or", alternatives...)
	}
	return c.call("in", s, append([]sql.Expression{left}, list...)...)
}

func (c *converter) arithmetic(e *expression.Arithmetic, s scope) (expr.Expr, error) {
	name := map[string]string{"+": "date_add", "-": "date_sub"}[e.Op]
	if iv, ok := e.RightChild.(*expression.Interval); ok && name != "" {
		return c.dateArithmetic(name, e.LeftChild, iv, s)
	}
	if iv, ok := e.LeftChild.(*expression.Interval); ok && name == "date_add" {
		return c.dateArithmetic(name, e.RightChild, iv, s)
	}
	return c.call(e.Op, s, e.LeftChild, e.RightChild)
}

func (c *converter) dateArithmetic(name string, date sql.Expression, iv *expression.Interval, s scope) (expr.Expr, error) {
	args, err := c.scalars([]sql.Expression{date, iv.Child}, s)
	if err != nil {
		return nil, err
	}
	return expr.New(name, args[0], args[1], &expr.Literal{Val: types.StringValue(strings.ToLower(iv.Unit))})
}

func (c *converter) caseWhen(e *expression.Case, s scope) (expr.Expr, error) {
	var args []expr.Expr
	for _, b := range e.Branches {
		cond := b.Cond
		if e.Expr != nil {
			cond = expression.NewEquals(e.Expr, b.Cond)
		}
		pair, err := c.scalars([]sql.Expression{cond, b.Value}, s)
		if err != nil {
			return nil, err
		}
		args = append(args, pair...)
	}
	last := expr.Expr(&expr.Literal{Val: types.Value{Type: types.Of(types.Null)}})
	if e.Else != nil {
		var err error
		if last, err = c.scalar(e.Else, s); err != nil {
			return nil, err
		}
	}
	return expr.New("case", append(args, last)...)
}

// convertType maps CAST and CONVERT; lengths (CHAR(3)) and years are left to the row path.
func (c *converter) convertType(e *expression.Convert, s scope) (expr.Expr, error) {
	length, scale := hostInt(e, "typeLength"), hostInt(e, "typeScale")
	var t types.Type
	switch hostString(e, "castToType") {
	case expression.ConvertToSigned:
		t = types.Of(types.Int64)
	case expression.ConvertToUnsigned:
		t = types.Of(types.Uint64)
	case expression.ConvertToDouble, expression.ConvertToReal:
		t = types.Of(types.Float64)
	case expression.ConvertToFloat:
		t = types.Of(types.Float32)
	case expression.ConvertToDate:
		t = types.Of(types.Date)
	case expression.ConvertToTime:
		t = types.Of(types.Time)
	case expression.ConvertToDatetime:
		t = types.Of(types.TimestampNTZ)
	case expression.ConvertToDecimal:
		if length == 0 {
			length = 10
		}
		t = types.DecimalOf(length, scale)
	case expression.ConvertToJSON:
		t = types.Of(types.JSON)
	case expression.ConvertToChar, expression.ConvertToNChar:
		t = types.Of(types.String)
	case expression.ConvertToBinary:
		t = types.Of(types.Binary)
	default:
		return nil, errNoKernel
	}
	if t.IsBytes() && length > 0 {
		x, err := c.convertTo(e.Child, t, s)
		if err != nil {
			return nil, err
		}
		return expr.New("left", x, &expr.Literal{Val: types.IntValue(types.Of(types.Int64), int64(length))})
	}
	return c.convertTo(e.Child, t, s)
}

func (c *converter) convertTo(e sql.Expression, t types.Type, s scope) (expr.Expr, error) {
	x, err := c.scalar(e, s)
	if err != nil {
		return nil, err
	}
	return expr.Cast(x, t), nil
}

// function maps a host function by its name onto the kernel of the same name.
func (c *converter) function(e sql.Expression, s scope) (expr.Expr, error) {
	switch e := e.(type) {
	case *function.DateAdd:
		return c.dateFunction("date_add", e, s)
	case *function.DateSub:
		return c.dateFunction("date_sub", e, s)
	case *function.Quote: // has no name of its own
		return c.call("quote", s, e.Child)
	case *function.Trim:
		return c.trim(e, s)
	}
	f, ok := e.(sql.FunctionExpression)
	if !ok {
		return nil, errNoKernel
	}
	if _, ok := e.(sql.Aggregation); ok {
		return nil, fmt.Errorf("aggregate %s outside of an aggregation", e)
	}
	name := strings.ToLower(f.FunctionName())
	if kids := e.Children(); name == "date" && len(kids) == 1 {
		return c.convertTo(kids[0], types.Of(types.Date), s)
	}
	return c.call(name, s, e.Children()...)
}

// trim hands the direction of TRIM(LEADING …) and TRIM(TRAILING …) on, which the host keeps apart from the operands.
func (c *converter) trim(e *function.Trim, s scope) (expr.Expr, error) {
	args, err := c.scalars(e.Children(), s)
	if err != nil {
		return nil, err
	}
	if dir := hostString(e, "dir"); dir == "l" || dir == "r" {
		args = append(args, &expr.Literal{Val: types.StringValue(dir)})
	}
	return expr.New("trim", args...)
}

func (c *converter) dateFunction(name string, e sql.Expression, s scope) (expr.Expr, error) {
	kids := e.Children()
	if len(kids) == 2 {
		if iv, ok := kids[1].(*expression.Interval); ok {
			return c.dateArithmetic(name, kids[0], iv, s)
		}
	}
	return nil, errNoKernel
}

// rowFunc evaluates a host expression row by row. Its operands are the columns it mentions.
func (c *converter) rowFunc(e sql.Expression, s scope) (expr.Expr, error) {
	t, ok := EngineType(e.Type())
	if !ok {
		return nil, &UnsupportedError{What: "expression " + e.String()}
	}
	var args []expr.Expr
	position := map[int]int{}
	var failed error
	rewritten, _, err := transform.Expr(e, func(x sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		g, ok := x.(*expression.GetField)
		if !ok {
			if _, sub := x.(*plan.Subquery); sub {
				text, _, _ := strings.Cut(e.String(), "\n") // the host writes the subquery's plan
				failed = &UnsupportedError{What: "a subquery inside " + text}
			}
			return x, transform.SameTree, nil
		}
		at, seen := position[g.Index()]
		if !seen {
			col, err := c.column(g, s)
			if err != nil {
				return nil, transform.SameTree, err
			}
			at = len(args)
			position[g.Index()] = at
			args = append(args, col)
		}
		return g.WithIndex(at), transform.NewTree, nil
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	c.countFallback("expression " + e.String())
	return &expr.RowFunc{Name: e.String(), Args: args, Typ: t, Call: c.rowCall(rewritten, t)}, nil
}

// rowCall closes over a host expression; a lock serialises it because host expressions may keep state.
func (c *converter) rowCall(e sql.Expression, t types.Type) func([]types.Value) (types.Value, error) {
	var mu sync.Mutex
	ctx, loc := c.ctx, c.env.Location
	return func(args []types.Value) (types.Value, error) {
		row := make(sql.Row, len(args))
		for i, a := range args {
			row[i] = toHost(a, loc)
		}
		mu.Lock()
		defer mu.Unlock()
		x, err := e.Eval(ctx, row)
		if err != nil {
			return types.Value{}, err
		}
		return fromHost(x, t, loc)
	}
}

func nullLiteral() *expr.Literal {
	return &expr.Literal{Val: types.Value{Type: types.Of(types.Null)}}
}
