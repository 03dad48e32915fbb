package exec

import (
	"fmt"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// exprSet evaluates a list of expressions over batches, for one goroutine. A plain column costs nothing.
type exprSet struct {
	columns []int // input position, or -1: evals
	evals   []*expr.Evaluator
	out     []*vector.Vector
}

func compileExprs(es []expr.Expr, env *expr.Env) (*exprSet, error) {
	s := &exprSet{columns: make([]int, len(es)), evals: make([]*expr.Evaluator, len(es)), out: make([]*vector.Vector, len(es))}
	for i, e := range es {
		if c, ok := e.(*expr.Column); ok {
			s.columns[i] = c.Index
			continue
		}
		ev, err := expr.Compile(e, env)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", e, err)
		}
		s.columns[i], s.evals[i] = -1, ev
	}
	return s, nil
}

// eval returns one vector an expression, valid until the next call.
func (s *exprSet) eval(b *vector.Batch) ([]*vector.Vector, error) {
	for i, c := range s.columns {
		if c >= 0 {
			if c >= len(b.Cols) {
				return nil, fmt.Errorf("column %d of a batch of %d columns", c, len(b.Cols))
			}
			s.out[i] = b.Cols[c]
			continue
		}
		v, err := s.evals[i].Eval(b)
		if err != nil {
			return nil, err
		}
		s.out[i] = v
	}
	return s.out, nil
}

func exprTypes(es []expr.Expr) []types.Type {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	return ts
}

func exprList(es []expr.Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.String()
	}
	return strings.Join(parts, ", ")
}

func fieldTypes(fs []Field) []types.Type {
	ts := make([]types.Type, len(fs))
	for i, f := range fs {
		ts[i] = f.Type
	}
	return ts
}

// fieldColumns returns one expr.Column a field.
func fieldColumns(fs []Field) []expr.Expr {
	es := make([]expr.Expr, len(fs))
	for i, f := range fs {
		es[i] = &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
	}
	return es
}
