package planner

import (
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// pushSemi moves a semi or anti join below the inner joins of its left input, to the side whose columns it reads, where
// that side has no more rows than the join.
func pushSemi(j *joinRel) rel {
	if j.kind != exec.JoinSemi && j.kind != exec.JoinAnti && j.kind != exec.JoinAntiNullAware {
		return j
	}
	width := len(j.left.fields())
	switch in := j.left.(type) {
	case *projectRel:
		return pushSemiThroughProject(j, in, width)
	case *joinRel:
		if in.kind != exec.JoinInner || in.asof != nil {
			return j
		}
		lw := len(in.left.fields())
		left, right := false, false
		for _, p := range j.on {
			for _, c := range expr.Columns(p) {
				left, right = left || c < lw, right || (c >= lw && c < width)
			}
		}
		out := *in
		switch {
		case left && !right && in.left.estimate() <= in.estimate():
			out.left = pushSemi(&joinRel{kind: j.kind, left: in.left, right: j.right, on: shiftAll(j.on, width, lw-width)})
		case right && !left && in.right.estimate() <= in.estimate():
			out.right = pushSemi(&joinRel{kind: j.kind, left: in.right, right: j.right, on: shiftAll(j.on, lw, -lw)})
		default:
			return j
		}
		out.rows = 0
		return &out
	}
	return j
}

func shiftAll(es []expr.Expr, from, n int) []expr.Expr {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = shiftFrom(e, from, n)
	}
	return out
}

// pushSemiThroughProject works for projections that only arrange columns.
func pushSemiThroughProject(j *joinRel, in *projectRel, width int) rel {
	if slices.ContainsFunc(in.exprs, func(e expr.Expr) bool { _, column := e.(*expr.Column); return !column }) {
		return j
	}
	below := len(in.input.fields())
	on := make([]expr.Expr, len(j.on))
	for i, p := range j.on {
		on[i] = mapColumns(p, func(c *expr.Column) expr.Expr {
			moved := *c
			if c.Index < width {
				moved.Index = in.exprs[c.Index].(*expr.Column).Index
			} else {
				moved.Index += below - width
			}
			return &moved
		})
	}
	return &projectRel{input: pushSemi(&joinRel{kind: j.kind, left: in.input, right: j.right, on: on}), exprs: in.exprs, out: in.out}
}
