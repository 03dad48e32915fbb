package expr

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Evaluator computes one expression over batches. It belongs to one goroutine.
type Evaluator struct{ root node }

// Compile prepares e. A nil env means UTC and no warnings. Errors: *UnsupportedNodeError, *TypeError, or what a
// function's Prepare says of constant operands (an invalid regular expression).
func Compile(e Expr, env *Env) (*Evaluator, error) {
	c := newCompiler(env)
	n, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return &Evaluator{root: n}, nil
}

// Eval returns a vector of b.Len rows of which the live ones are defined; only they can raise errors. The result may
// be dictionary-coded and may be one of b's columns. It is valid until the next Eval and must not be changed.
// Error: *TooLargeError if the results have more text than a batch may have; fewer rows at once may do.
func (ev *Evaluator) Eval(b *vector.Batch) (*vector.Vector, error) {
	v, err := ev.root.eval(b, b.Sel)
	if TooLarge(err) && b.Rows() > 1 {
		return ev.evalInPieces(b, err)
	}
	return v, err
}

// EvalConst evaluates an expression that reads no column.
func EvalConst(e Expr, env *Env) (types.Value, error) {
	if l, ok := e.(*Literal); ok {
		return l.Val, nil
	}
	c := newCompiler(env)
	c.nofold = true
	n, err := c.compile(e)
	if err != nil {
		return types.Value{}, err
	}
	v, err := n.eval(&vector.Batch{Len: 1}, nil)
	if err != nil {
		return types.Value{}, err
	}
	return v.Value(0), nil
}

func newCompiler(env *Env) *compiler {
	return &compiler{env: env.orDefault(), warned: map[Expr]bool{}}
}

// compiler turns expressions into nodes.
type compiler struct {
	env    *Env
	nofold bool // evaluating a constant: fold no further
	inDict bool // below a dictNode

	warned map[Expr]bool // folded with warnings, which are not to be raised again
}

func (c *compiler) compile(e Expr) (node, error) {
	if l, ok := e.(*Literal); ok {
		return newConstNode(l.Val), nil
	}
	if !c.nofold {
		if v, ok := c.foldConst(e); ok {
			return newConstNode(v), nil
		}
	}
	switch e := e.(type) {
	case *Column:
		return &columnNode{col: e}, nil
	case *RowFunc:
		args, err := c.compileAll(e.Args)
		if err != nil {
			return nil, err
		}
		return &rowFuncNode{fn: e, args: args, argv: make([]*vector.Vector, len(args)), vals: make([]types.Value, len(args))}, nil
	case *Call:
		return c.compileCall(e)
	}
	return nil, &UnsupportedNodeError{Node: e}
}

func (c *compiler) compileAll(es []Expr) ([]node, error) {
	out := make([]node, len(es))
	for i, e := range es {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func (c *compiler) compileCall(e *Call) (node, error) {
	if e.impl == nil {
		return nil, &UnknownFunctionError{Name: e.Name}
	}
	if !c.inDict && !c.nofold {
		if col := dictColumn(e); col != nil {
			inner := *c
			inner.inDict = true
			q := inner.quietly()
			n, err := inner.compileCall(e)
			if err != nil {
				return nil, err
			}
			return newDictNode(n, q, col), nil
		}
	}
	if e.impl.build != nil {
		return e.impl.build(c, e)
	}
	return c.plainCall(e)
}

// plainCall compiles a call whose operands are all evaluated before it.
func (c *compiler) plainCall(e *Call) (node, error) {
	args, err := c.compileAll(e.Args)
	if err != nil {
		return nil, err
	}
	n := &callNode{call: e, fn: e.impl, args: args, argv: make([]*vector.Vector, len(args))}
	n.ctx = EvalCtx{Env: c.env, name: e.Name, text: e.String}
	if e.impl.Prepare != nil {
		folded := make([]Expr, len(e.Args))
		for i, a := range e.Args {
			folded[i] = a
			if k, ok := args[i].(*constNode); ok {
				folded[i] = &Literal{Val: k.val}
			}
		}
		if n.ctx.State, err = e.impl.Prepare(c.env, folded); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// foldConst evaluates e if it reads no column and always has the same value. Its warnings are raised once, here; an
// expression that fails is left to be evaluated where, and if, a row needs it.
func (c *compiler) foldConst(e Expr) (types.Value, bool) {
	if !isConstant(e) {
		return types.Value{}, false
	}
	var warnings []func()
	env := *c.env
	env.Warn = func(code int, msg string) { warnings = append(warnings, func() { c.env.warn(code, msg) }) }
	v, err := EvalConst(e, &env)
	if err != nil {
		return types.Value{}, false
	}
	if len(warnings) > 0 && !c.warned[e] {
		c.warned[e] = true
		for _, w := range warnings {
			w()
		}
	}
	return v, true
}
