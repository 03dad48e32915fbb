package skipping_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// typed draws expressions that are typed and converted by MySQL's rules, as the planner builds them.
type typed struct{ exprGen }

var texts = []string{"", "1", "-1", "2.5", "abc", "1970-01-01", "1970-01-02", "1970-01-01 00:00:01", "1970-01-01T12:00:00Z", "a"}

// literal draws a constant, half of the time of the kind of like, otherwise of any type.
func (g typed) literal(like types.Type) expr.Expr {
	t := rapid.SampledFrom(columnTypes).Draw(g.t, "literal type")
	if rapid.IntRange(0, 7).Draw(g.t, "null literal") == 0 {
		return &expr.Literal{Val: types.NullOf(t)}
	}
	if slices.Contains(columnTypes, like) && g.pick("same type", 2) == 0 {
		t = like
	}
	if t.Kind == types.String {
		return &expr.Literal{Val: types.StringValue(rapid.SampledFrom(texts).Draw(g.t, "text"))}
	}
	return &expr.Literal{Val: drawValue(g.t, t)}
}

// apply builds a call; one whose operands have no common type is replaced by the first operand.
func (g typed) apply(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		return args[0]
	}
	return e
}

func (g typed) value() expr.Expr {
	i := g.pick("column", len(g.table))
	var e expr.Expr = &expr.Column{Index: i, Name: string(rune('a' + i)), Typ: g.table[i], Null: true}
	for range g.pick("steps", 3) {
		switch g.pick("step", 3) {
		case 0:
			op, k := rapid.SampledFrom([]string{"+", "-", "*"}).Draw(g.t, "op"), g.literal(e.Type())
			if g.pick("constant first", 2) == 0 {
				e = g.apply(op, k, e)
			} else {
				e = g.apply(op, e, k)
			}
		case 1:
			e = g.apply("neg", e)
		default:
			targets := append(columnTypes[:len(columnTypes):len(columnTypes)], types.Of(types.Uint64), types.Of(types.Binary), types.DecimalOf(5, 1))
			if e.Type().IsTemporal() && g.pick("temporal", 2) == 0 {
				targets = []types.Type{types.Of(types.Date), types.Of(types.Timestamp), types.Of(types.TimestampNTZ)}
			}
			e = expr.Cast(e, rapid.SampledFrom(targets).Draw(g.t, "to"))
		}
	}
	return e
}

func (g typed) predicate(depth int) expr.Expr {
	if depth > 0 {
		switch name := rapid.SampledFrom([]string{"and", "or", "not", "istrue", "leaf"}).Draw(g.t, "node"); name {
		case "and", "or":
			return g.apply(name, g.predicate(depth-1), g.predicate(depth-1))
		case "not", "istrue":
			return g.apply(name, g.predicate(depth-1))
		}
	}
	switch v := g.value(); g.pick("leaf", 6) {
	case 0:
		return g.apply("in", v, g.literal(v.Type()), g.literal(v.Type()))
	case 1:
		return g.apply("isnull", v)
	case 2:
		return g.apply("like", v, &expr.Literal{Val: types.StringValue(rapid.SampledFrom(pattern).Draw(g.t, "pattern"))})
	default:
		return g.apply(rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">=", "<=>"}).Draw(g.t, "op"), v, g.literal(v.Type()))
	}
}

// Pruning agrees with the evaluator that runs the filter on the rows that are left, conversions included.
func TestPruningAgreesWithTheEvaluator(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("east", 14*3600), time.FixedZone("west", -11*3600)}
	skipped, certain := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g, rows, u := drawTable(t)
		e := typed{g}.predicate(2)
		env := &expr.Env{Location: rapid.SampledFrom(zones).Draw(t, "zone")}
		filter, err := expr.CompileFilter(e, env)
		if err != nil {
			return
		}
		p := skipping.CompileEnv(e, env)
		keep, sure := vector.FullBitmap(u.Len()), p.Certain(u)
		skipped += p.Prune(u, keep)
		at := 0
		for i, size := range u.sizes {
			for _, row := range rows[at : at+size] {
				b := &vector.Batch{Len: 1}
				for c, v := range row {
					b.Cols = append(b.Cols, vector.New(g.table[c], 0))
					b.Cols[c].AppendValue(v)
				}
				sel, err := filter.Apply(b)
				switch {
				case err != nil:
				case len(sel) == 1 && !keep.Get(i):
					t.Fatalf("%s in %v: unit %d was skipped, row %v matches", e, env.Location, i, row)
				case len(sel) == 0 && sure.Get(i):
					t.Fatalf("%s in %v: unit %d is certain, row %v does not match", e, env.Location, i, row)
				case sure.Get(i):
					certain++
				}
				if err == nil && len(sel) == 1 {
					checkEqualities(t, e, p, row)
				}
			}
			at += size
		}
	})
	if skipped < 20 || certain < 20 {
		t.Errorf("%d units skipped, %d rows certain: the test shows nothing", skipped, certain)
	}
}
