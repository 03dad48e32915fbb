package planner

import (
	"errors"
	"fmt"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/iters"
	"github.com/dolthub/go-mysql-server/sql/plan"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
)

// recursion executes WITH RECURSIVE, which the host ends after a number of rounds of its own, whatever cte_max_recursion_depth says.
type recursion struct{ rt *Runtime }

// RecursionError says that a recursive query went on for more rounds than it may.
type RecursionError struct{ Rounds int64 }

func (e *RecursionError) Error() string {
	return fmt.Sprintf("Recursive query aborted after %d iterations. Try increasing @@cte_max_recursion_depth to a larger value.", e.Rounds)
}

// Build implements sql.NodeExecBuilder: nil leaves a node to the host.
func (b recursion) Build(ctx *sql.Context, n sql.Node, row sql.Row) (sql.RowIter, error) {
	cte, ok := n.(*plan.RecursiveCte)
	if !ok {
		return nil, nil
	}
	v, err := ctx.GetSessionVariable(ctx, "cte_max_recursion_depth")
	if err != nil {
		return nil, err
	}
	depth, _, err := hosttypes.Int64.Convert(ctx, v)
	if err != nil {
		return nil, err
	}
	r := &recursiveRows{exec: b.rt.hostExec, cte: cte, outer: row, depth: depth.(int64)}
	if cte.Union().Distinct {
		r.seen = map[uint64]struct{}{}
	}
	sorted := cte.Union().SortFields
	if cte.Union().Limit == nil {
		if len(sorted) > 0 {
			return iters.NewSortIter(sorted, r), nil
		}
		return r, nil
	}
	limit, err := iters.GetInt64Value(ctx, cte.Union().Limit)
	if err != nil {
		return nil, err
	}
	if len(sorted) > 0 {
		return iters.NewTopRowsIter(sorted, limit, false, r, len(cte.Union().Schema())), nil
	}
	return &iters.LimitIter{Limit: limit, ChildIter: r}, nil
}

// recursiveRows gives the rows of the first SELECT, then round by round those that the second makes of the round's before.
type recursiveRows struct {
	exec  sql.NodeExecBuilder
	cte   *plan.RecursiveCte
	outer sql.Row
	depth int64 // rounds that are allowed

	iter  sql.RowIter // of the current round; nil before the first
	round int64
	found []sql.Row           // by the current round
	seen  map[uint64]struct{} // by all rounds, of UNION DISTINCT
}

// Next implements sql.RowIter.
func (r *recursiveRows) Next(ctx *sql.Context) (row sql.Row, err error) {
	if r.iter == nil {
		if r.iter, err = r.exec.Build(ctx, r.cte.Left(), r.outer); err != nil {
			return nil, err
		}
	}
	for {
		row, err = r.iter.Next(ctx)
		if errors.Is(err, io.EOF) && len(r.found) > 0 {
			if err = r.next(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if r.seen != nil {
			key, err := sql.HashOf(ctx, row)
			if err != nil {
				return nil, err
			}
			if _, dup := r.seen[key]; dup {
				continue
			}
			r.seen[key] = struct{}{}
		}
		r.found = append(r.found, row)
		return row, nil
	}
}

// next begins the next round.
func (r *recursiveRows) next(ctx *sql.Context) error {
	if r.round++; r.round > r.depth {
		return &RecursionError{Rounds: r.round}
	}
	if err := errors.Join(ctx.Err(), r.iter.Close(ctx)); err != nil {
		return err
	}
	if r.cte.Working != nil {
		r.cte.Working.Buf = r.found
	}
	r.found = nil
	iter, err := r.exec.Build(ctx, r.cte.Right(), r.outer)
	if err == nil {
		r.iter = iter
	}
	return err
}

// Close implements sql.RowIter.
func (r *recursiveRows) Close(ctx *sql.Context) error {
	if r.cte.Working != nil {
		r.cte.Working.Buf = nil
	}
	r.found, r.seen = nil, nil
	if r.iter != nil {
		return r.iter.Close(ctx)
	}
	return nil
}
