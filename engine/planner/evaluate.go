package planner

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// Evaluate computes a constant of the host's tree by the kernels, and returns it as the host hands such values over: times show the clock of
// the session's zone. ok is false where there is no kernel, the value is of another kind than time, date, text or integer,
// or a subquery is in it.
func (rt *Runtime) Evaluate(ctx *sql.Context, e sql.Expression) (v any, ok bool) {
	if transform.InspectExpr(e, func(e sql.Expression) bool { _, is := e.(*plan.Subquery); return is }) {
		return nil, false
	}
	c, err := rt.newConverter(ctx)
	if err != nil {
		return nil, false
	}
	x, err := c.scalar(e, scope{})
	if err != nil || len(expr.Columns(x)) > 0 {
		return nil, false
	}
	val, err := expr.EvalConst(x, c.env)
	if err != nil || !val.Valid {
		return nil, false
	}
	switch k := val.Type.Kind; {
	case k == types.Timestamp:
		return time.UnixMicro(val.I).In(c.env.Location), true
	case k == types.TimestampNTZ:
		return time.UnixMicro(val.I).UTC(), true
	case k == types.Date:
		return time.Unix(val.I*86400, 0).UTC(), true
	case k == types.String:
		return val.S, true
	case val.Type.IsInteger() && k != types.Uint64:
		return val.I, true
	}
	return nil, false
}
