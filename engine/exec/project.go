package exec

import (
	"context"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// ProjectOp computes expressions.
type ProjectOp struct {
	child  Operator
	exprs  []expr.Expr
	fields []Field
}

// NewProject returns an operator whose i-th output column is exprs[i] over child, described by fields[i]. Nil
// fields are derived from the expressions.
func NewProject(child Operator, exprs []expr.Expr, fields []Field) *ProjectOp {
	if fields == nil {
		fields = exprFields(exprs)
	}
	return &ProjectOp{child: child, exprs: exprs, fields: fields}
}

func exprFields(exprs []expr.Expr) []Field {
	fields := make([]Field, len(exprs))
	for i, e := range exprs {
		fields[i] = Field{Name: e.String(), Type: e.Type(), Nullable: e.Nullable()}
	}
	return fields
}

// Exprs returns the expressions.
func (p *ProjectOp) Exprs() []expr.Expr { return p.exprs }

// Fields implements Operator.
func (p *ProjectOp) Fields() []Field { return p.fields }

// Children implements Operator.
func (p *ProjectOp) Children() []Operator { return []Operator{p.child} }

// Describe implements Operator.
func (p *ProjectOp) Describe() string { return "Project " + exprList(p.exprs) }

// Open implements Operator.
func (p *ProjectOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	return mapStreams(ctx, q, p.child, func(in Stream) (Stream, error) {
		set, err := compileExprs(p.exprs, q.Env)
		if err != nil {
			return nil, err
		}
		return &projectStream{in: in, set: set}, nil
	})
}

type projectStream struct {
	in  Stream
	set *exprSet
	out vector.Batch

	rest  vector.Batch // what is left of a batch whose text is too large to be computed at once; Sel names it
	piece int          // rows of rest that are tried at once
}

func (s *projectStream) Next(ctx context.Context) (*vector.Batch, error) {
	if len(s.rest.Sel) == 0 {
		b, err := s.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		cols, err := s.set.eval(b)
		if err == nil {
			s.out = vector.Batch{Len: b.Len, Sel: b.Sel, Cols: cols, First: b.First}
			return &s.out, nil
		}
		if !expr.TooLarge(err) {
			return nil, err
		}
		s.rest, s.piece = vector.Batch{Len: b.Len, Sel: liveRows(b), Cols: b.Cols, First: b.First}, b.Rows()
	}
	return s.nextPiece(ctx)
}

// nextPiece projects as many rows of rest as make no text that is too large.
func (s *projectStream) nextPiece(ctx context.Context) (*vector.Batch, error) {
	for ; ; s.piece = max(s.piece/2, 1) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := min(s.piece, len(s.rest.Sel))
		piece := vector.Batch{Len: s.rest.Len, Sel: s.rest.Sel[:n], Cols: s.rest.Cols, First: s.rest.First}
		cols, err := s.set.eval(&piece)
		if expr.TooLarge(err) && n > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.rest.Sel = s.rest.Sel[n:]
		s.out = vector.Batch{Len: piece.Len, Sel: piece.Sel, Cols: cols, First: piece.First}
		return &s.out, nil
	}
}

// liveRows names the live rows of a batch.
func liveRows(b *vector.Batch) []uint16 {
	sel := make([]uint16, b.Rows())
	for k := range sel {
		sel[k] = uint16(b.Row(k))
	}
	return sel
}

func (s *projectStream) Close() error { return s.in.Close() }
