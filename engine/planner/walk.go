package planner

import (
	"github.com/featuresql/featuresql/engine/expr"
)

// rewriteExpr rebuilds e bottom-up through f, this package's own expressions included.
func rewriteExpr(e expr.Expr, f func(expr.Expr) expr.Expr) expr.Expr {
	kids := e.Children()
	changed := false
	args := make([]expr.Expr, len(kids))
	for i, k := range kids {
		args[i] = rewriteExpr(k, f)
		changed = changed || args[i] != k
	}
	if changed {
		e = withChildren(e, args)
	}
	return f(e)
}

// withChildren is e over other children, of the same number.
func withChildren(e expr.Expr, args []expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *deferredCall:
		return &deferredCall{e.name, args}
	case *expr.Call:
		n := *e
		n.Args = args
		return &n
	case *expr.RowFunc:
		r := *e
		r.Args = args
		return &r
	case *subqueryExpr:
		r := *e
		r.left.list = args
		return &r
	}
	return e
}

// eachExpr calls f for the expressions of one rel.
func eachExpr(r rel, f func(expr.Expr)) {
	mapExprs(r, func(e expr.Expr) expr.Expr {
		f(e)
		return e
	})
}

// mapExprs returns a copy of r with its own expressions replaced (those over a scan's source included).
func mapExprs(r rel, f func(expr.Expr) expr.Expr) rel {
	list := func(es []expr.Expr) []expr.Expr {
		out := make([]expr.Expr, len(es))
		for i, e := range es {
			out[i] = f(e)
		}
		return out
	}
	switch r := r.(type) {
	case *scanRel:
		n := *r
		if r.filter != nil {
			n.filter = f(r.filter)
		}
		return &n
	case *filterRel:
		return &filterRel{input: r.input, pred: f(r.pred)}
	case *projectRel:
		return &projectRel{input: r.input, exprs: list(r.exprs), out: r.out}
	case *aggRel:
		n := *r
		n.keys = list(r.keys)
		n.aggs = append(n.aggs[:0:0], r.aggs...)
		for i := range n.aggs {
			n.aggs[i].Args = list(n.aggs[i].Args)
			n.aggs[i].OrderBy = append(n.aggs[i].OrderBy[:0:0], n.aggs[i].OrderBy...)
			for k := range n.aggs[i].OrderBy {
				n.aggs[i].OrderBy[k].Expr = f(n.aggs[i].OrderBy[k].Expr)
			}
		}
		return &n
	case *windowRel:
		return r.mapped(f)
	case *sortRel:
		n := *r
		n.keys = append(n.keys[:0:0], r.keys...)
		for i := range n.keys {
			n.keys[i].Expr = f(n.keys[i].Expr)
		}
		return &n
	case *joinRel:
		n := *r
		n.on = list(r.on)
		if r.asof != nil {
			n.asof = &asofSpec{leftTime: f(r.asof.leftTime), rightTime: f(r.asof.rightTime), strict: r.asof.strict, ties: list(r.asof.ties)}
		}
		return &n
	case *valuesRel:
		n := *r
		n.rows = make([][]expr.Expr, len(r.rows))
		for i, row := range r.rows {
			n.rows[i] = list(row)
		}
		return &n
	}
	return r
}

// withInputs returns a copy of r over other inputs.
func withInputs(r rel, in []rel) rel {
	switch r := r.(type) {
	case *filterRel:
		return &filterRel{input: in[0], pred: r.pred}
	case *projectRel:
		return &projectRel{input: in[0], exprs: r.exprs, out: r.out}
	case *aggRel:
		n := *r
		n.input = in[0]
		return &n
	case *windowRel:
		n := *r
		n.input = in[0]
		return &n
	case *sortRel:
		return &sortRel{input: in[0], keys: r.keys}
	case *limitRel:
		return &limitRel{input: in[0], n: r.n, offset: r.offset}
	case *distinctRel:
		return &distinctRel{input: in[0]}
	case *oneRowRel:
		return &oneRowRel{input: in[0]}
	case *unionRel:
		return &unionRel{parts: in, out: r.out}
	case *joinRel:
		n := *r
		n.left, n.right = in[0], in[1]
		return &n
	}
	return r
}

// mapColumns replaces the columns of e, those below this package's own expressions included.
func mapColumns(e expr.Expr, f func(*expr.Column) expr.Expr) expr.Expr {
	return rewriteExpr(e, func(x expr.Expr) expr.Expr {
		if c, ok := x.(*expr.Column); ok {
			return f(c)
		}
		return x
	})
}

// volatileCall reports whether a call may give another result each time.
func volatileCall(c *expr.Call) bool {
	f := expr.Lookup(c.Name)
	return f != nil && f.Volatile
}
