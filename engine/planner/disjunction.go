package planner

import (
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// conjuncts splits e, and takes out of every disjunction what all of its branches demand: (a and b) or (a and c)
// becomes a and (b or c).
func conjuncts(e expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, c := range expr.Conjuncts(e) {
		out = append(out, factored(c)...)
	}
	return out
}

// disjuncts lists the branches of nested ORs; anything else is its own branch.
func disjuncts(e expr.Expr) []expr.Expr {
	c, ok := e.(*expr.Call)
	if !ok || c.Name != "or" {
		return []expr.Expr{e}
	}
	var out []expr.Expr
	for _, a := range c.Args {
		out = append(out, disjuncts(a)...)
	}
	return out
}

func factored(e expr.Expr) []expr.Expr {
	branches := disjuncts(e)
	if len(branches) < 2 || !movable(e) {
		return []expr.Expr{e}
	}
	parts := make([][]expr.Expr, len(branches))
	for i, b := range branches {
		parts[i] = expr.Conjuncts(b)
	}
	var common []expr.Expr
	for _, p := range parts[0] {
		if !slices.ContainsFunc(parts[1:], func(b []expr.Expr) bool { return !containsExpr(b, p) }) {
			common = append(common, p)
		}
	}
	if len(common) == 0 {
		return []expr.Expr{e}
	}
	rest := make([]expr.Expr, len(parts))
	for i, b := range parts {
		b = slices.DeleteFunc(slices.Clone(b), func(x expr.Expr) bool { return containsExpr(common, x) })
		if len(b) == 0 { // this branch demands nothing more
			return common
		}
		rest[i] = expr.And(b...)
	}
	return append(common, anyOf(rest))
}

func containsExpr(list []expr.Expr, e expr.Expr) bool {
	return slices.ContainsFunc(list, func(x expr.Expr) bool { return sameExpr(x, e) })
}

// sameExpr reports whether two expressions are alike, column by column and literal by literal.
func sameExpr(a, b expr.Expr) bool {
	switch x := a.(type) {
	case *expr.Column:
		y, ok := b.(*expr.Column)
		return ok && x.Index == y.Index
	case *expr.Literal:
		y, ok := b.(*expr.Literal)
		return ok && x.Val.Type == y.Val.Type && x.Val.Valid == y.Val.Valid && x.String() == y.String()
	case *expr.Call:
		y, ok := b.(*expr.Call)
		return ok && x.Name == y.Name && x.Typ == y.Typ && slices.EqualFunc(x.Args, y.Args, sameExpr) && !volatileCall(x)
	}
	return a == b
}

func anyOf(branches []expr.Expr) expr.Expr {
	out := branches[0]
	for _, b := range branches[1:] {
		out = mustCall("or", out, b)
	}
	return out
}

// implied is what a disjunction says about the rows for which covers holds alone, or nil: each branch gives its conjuncts.
func implied(e expr.Expr, covers func(expr.Expr) bool) expr.Expr {
	branches := disjuncts(e)
	if len(branches) < 2 || !movable(e) {
		return nil
	}
	out := make([]expr.Expr, len(branches))
	for i, b := range branches {
		mine := slices.DeleteFunc(expr.Conjuncts(b), func(x expr.Expr) bool { return len(expr.Columns(x)) == 0 || !covers(x) })
		if len(mine) == 0 {
			return nil
		}
		out[i] = expr.And(mine...)
	}
	return anyOf(out)
}

// rejectsNull reports whether p is not true wherever all columns at from and behind are NULL.
func rejectsNull(p expr.Expr, from int) bool {
	c, ok := p.(*expr.Call)
	if !ok {
		return false
	}
	switch c.Name {
	case "=", "<", "<=", ">", ">=", "!=", "<>", "like":
		return slices.ContainsFunc(c.Args, func(a expr.Expr) bool { return nullWithColumns(a, from) })
	case "not":
		return rejectsNull(c.Args[0], from) && !isLogic(c.Args[0])
	case "and":
		return slices.ContainsFunc(c.Args, func(a expr.Expr) bool { return rejectsNull(a, from) })
	}
	return false
}

func isLogic(e expr.Expr) bool {
	c, ok := e.(*expr.Call)
	return ok && (c.Name == "and" || c.Name == "or" || c.Name == "not")
}

// nullWithColumns reports whether e is NULL wherever the columns at from and behind are.
func nullWithColumns(e expr.Expr, from int) bool {
	switch e := e.(type) {
	case *expr.Column:
		return e.Index >= from
	case *expr.Call:
		switch e.Name {
		case "+", "-", "*", "/", "neg", "cast":
			return slices.ContainsFunc(e.Args, func(a expr.Expr) bool { return nullWithColumns(a, from) })
		}
	}
	return false
}

// innerIfRejected makes a left join whose rows without a match no predicate lets through an inner one.
func innerIfRejected(n *joinRel, preds []expr.Expr) *joinRel {
	width := len(n.left.fields())
	if n.kind != exec.JoinLeft || !slices.ContainsFunc(preds, func(p expr.Expr) bool { return rejectsNull(p, width) }) {
		return n
	}
	out := *n
	out.kind = exec.JoinInner
	return &out
}
