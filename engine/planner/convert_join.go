package planner

import (
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
)

// join converts every kind of host join; the host's physical choices (hash, lookup, merge) are not taken over.
func (c *converter) join(n *plan.JoinNode, outer []exec.Field) (rel, error) {
	if n.Op.IsLateral() {
		return nil, &UnsupportedError{What: "LATERAL"}
	}
	left, err := c.convert(n.Left(), outer)
	if err != nil {
		return nil, err
	}
	lateral := c.lateral
	c.lateral += len(c.scopeOf(left, outer).visible())
	right, err := c.convert(n.Right(), outer)
	c.lateral = lateral
	if err != nil {
		return nil, err
	}
	j := &joinRel{kind: joinKind(n.Op), left: left, right: right}
	if n.Filter == nil {
		return j, nil
	}
	if lateral > 0 {
		defer func(before []gap) { c.gaps = before }(c.gaps)
		at := len(outer)
		for _, g := range c.gaps {
			at += g.n
		}
		c.gaps = append(slices.Clip(c.gaps), gap{at, lateral})
	}
	both := append(append([]exec.Field(nil), left.fields()...), right.fields()...)
	for _, cond := range expression.SplitConjunction(n.Filter) {
		if m, ok := cond.(*parser.AsOfCondition); ok {
			if err := c.asof(j, m, scope{fields: both, outer: outer}); err != nil {
				return nil, err
			}
			continue
		}
		x, err := c.scalar(cond, scope{fields: both, outer: outer})
		if err != nil {
			return nil, err
		}
		j.on = append(j.on, expr.Conjuncts(x)...)
	}
	if j.asof != nil {
		return newestWins(j), nil
	}
	return j, nil
}

// newestWins breaks ties of a point-in-time join with a table: of equal times the row of the newer commit counts,
// since files are listed in the order in which they were added, and within a file the later row.
func newestWins(j *joinRel) rel {
	s, ok := j.right.(*scanRel)
	if !ok || s.rowIDs {
		return j
	}
	fields := j.fields()
	scan := *s
	scan.rowIDs = true
	j.right = &scan
	right := scan.fields()
	j.asof.ties = []expr.Expr{columnOf(right, len(right)-2), columnOf(right, len(right)-1)}
	p := &projectRel{input: j, out: fields}
	for i := range fields {
		p.exprs = append(p.exprs, columnOf(fields, i))
	}
	return p
}

// asof takes the time condition of a point-in-time join; each of its sides reads one input.
func (c *converter) asof(j *joinRel, m *parser.AsOfCondition, s scope) error {
	if j.asof != nil {
		return &UnsupportedError{What: "more than one time comparison in an ASOF JOIN"}
	}
	if j.kind != exec.JoinInner && j.kind != exec.JoinLeft {
		return &UnsupportedError{What: "ASOF JOIN other than inner and left"}
	}
	l, err := c.scalar(m.LeftChild, s)
	if err != nil {
		return err
	}
	r, err := c.scalar(m.RightChild, s)
	if err != nil {
		return err
	}
	cmp, err := expr.New(">=", l, r) // gives both sides one type
	if err != nil {
		return err
	}
	sides := cmp.Children()
	width := len(j.left.fields())
	ll, lr := side(sides[0], width)
	rl, rr := side(sides[1], width)
	if !ll || lr || rl || !rr {
		return &UnsupportedError{What: "an ASOF JOIN whose time comparison is not left time >= (or >) right time"}
	}
	j.asof = &asofSpec{leftTime: sides[0], rightTime: shift(sides[1], -width), strict: m.Strict}
	return nil
}

func joinKind(op plan.JoinType) exec.JoinKind {
	switch {
	case op.IsSemi():
		return exec.JoinSemi
	case op.IsAnti():
		return exec.JoinAnti
	case op.IsLeftOuter():
		return exec.JoinLeft
	case op.IsRightOuter():
		return exec.JoinRight
	case op.IsFullOuter():
		return exec.JoinFull
	}
	return exec.JoinInner
}

// setOp converts UNION directly, and INTERSECT and EXCEPT as counts of rows per side.
func (c *converter) setOp(n *plan.SetOp, outer []exec.Field) (rel, error) {
	l, err := c.convert(n.Left(), outer)
	if err != nil {
		return nil, err
	}
	r, err := c.convert(n.Right(), outer)
	if err != nil {
		return nil, err
	}
	lf, rf := l.fields(), r.fields()
	if len(lf) != len(rf) {
		return nil, &SetOpError{Left: len(lf), Right: len(rf)}
	}
	out := setOpFields(lf, rf)
	l, r = castRel(l, out), castRel(r, out)
	var in rel
	if n.SetOpType != plan.UnionType {
		for _, col := range append(n.Left().Schema(), n.Right().Schema()...) {
			if id := collationOf(col.Type); id != sql.Collation_Unspecified {
				return nil, &UnsupportedError{What: "EXCEPT and INTERSECT of text with COLLATE " + id.Name()}
			}
		}
	}
	switch {
	case n.SetOpType == plan.UnionType:
		in = &unionRel{parts: []rel{l, r}, out: out}
		if n.Distinct {
			if in, err = c.distinctOf(in, n.Schema()); err != nil {
				return nil, err
			}
		}
	case !n.Distinct:
		numbered := append(slices.Clone(out), exec.Field{Name: "number", Type: types.Of(types.Int64)})
		in = setDifference(numberedRows(l), numberedRows(r), numbered, n.SetOpType == plan.ExceptType)
		in = reorder(in, identity(len(out)))
	default:
		in = setDifference(l, r, out, n.SetOpType == plan.ExceptType)
	}
	return c.setOpTail(n, in, outer)
}

// SetOpError says that the sides of a set operation have different numbers of columns.
type SetOpError struct{ Left, Right int }

func (e *SetOpError) Error() string {
	return fmt.Sprintf("The used SELECT statements have a different number of columns: %d and %d", e.Left, e.Right)
}

// setOpTail adds ORDER BY and LIMIT of the whole set operation.
func (c *converter) setOpTail(n *plan.SetOp, in rel, outer []exec.Field) (rel, error) {
	if len(n.SortFields) > 0 {
		keys, err := c.sortKeys(n.SortFields, scope{fields: in.fields(), outer: outer})
		if err != nil {
			return nil, err
		}
		in = &sortRel{input: in, keys: keys}
	}
	if n.Limit == nil && n.Offset == nil {
		return in, nil
	}
	lim := &limitRel{input: in, n: -1}
	var err error
	if n.Limit != nil {
		if lim.n, err = c.count(n.Limit); err != nil {
			return nil, err
		}
	}
	if n.Offset != nil {
		lim.offset, err = c.count(n.Offset)
	}
	return lim, err
}

// numberedRows numbers the rows of r that are alike from 1: with their numbers, the rows of a bag are a set.
func numberedRows(r rel) rel {
	return &windowRel{input: r, partition: columnsOf(r), calls: []exec.WindowCall{{Name: "row_number", Type: types.Of(types.Int64), NotNull: true, As: "number"}}}
}

// setDifference groups the tagged rows of both sides by all columns: EXCEPT keeps groups without a right
// row, INTERSECT groups with rows of both. NULLs are equal in both, as in GROUP BY.
func setDifference(l, r rel, out []exec.Field, except bool) rel {
	tagged := append(append([]exec.Field(nil), out...), exec.Field{Name: "left"}, exec.Field{Name: "right"})
	one, zero := intLiteral(1), intLiteral(0)
	tagged[len(out)].Type, tagged[len(out)+1].Type = one.Type(), one.Type()
	u := &unionRel{parts: []rel{tagRel(l, tagged, one, zero), tagRel(r, tagged, zero, one)}, out: tagged}
	a := &aggRel{input: u}
	for i := range out {
		a.keys = append(a.keys, columnOf(tagged, i))
		a.out = append(a.out, out[i])
	}
	for i := len(out); i < len(tagged); i++ {
		a.aggs = append(a.aggs, exec.Aggregate{Name: "max", Args: []expr.Expr{columnOf(tagged, i)}, Type: one.Type()})
		a.out = append(a.out, exec.Field{Name: tagged[i].Name, Type: one.Type()})
	}
	hasLeft := mustCall("=", columnOf(a.out, len(out)), one)
	right := mustCall("=", columnOf(a.out, len(out)+1), map[bool]expr.Expr{true: zero, false: one}[except])
	f := &filterRel{input: a, pred: expr.And(hasLeft, right)}
	p := &projectRel{input: f, out: out}
	for i := range out {
		p.exprs = append(p.exprs, columnOf(a.out, i))
	}
	return p
}

func tagRel(r rel, out []exec.Field, tags ...expr.Expr) rel {
	p := &projectRel{input: r, out: out}
	in := r.fields()
	for i := range in {
		p.exprs = append(p.exprs, columnOf(in, i))
	}
	p.exprs = append(p.exprs, tags...)
	return p
}

// castRel gives r the types of out.
func castRel(r rel, out []exec.Field) rel {
	in := r.fields()
	p := &projectRel{input: r, out: out}
	same := true
	for i := range in {
		p.exprs = append(p.exprs, expr.Cast(columnOf(in, i), out[i].Type))
		same = same && in[i].Type == out[i].Type
	}
	if same {
		return r
	}
	return p
}

func intLiteral(i int64) *expr.Literal {
	return &expr.Literal{Val: types.IntValue(types.Of(types.Int64), i)}
}

// mustCall builds a call that cannot fail: its operands are this package's own.
func mustCall(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		panic(err) // a programming error, recovered into an internal error of the query
	}
	return e
}
