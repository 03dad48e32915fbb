package planner

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// Text compares by bytes. Where COLLATE asks for a collation that does not, what is compared, sorted or grouped are the
// weights of the characters, as bytes, row by row.

// collation returns the collation other than by bytes that COLLATE, in es or in what columns of them were computed from, asks
// for, and the error that it cannot be had. Unspecified: none.
func (c *converter) collation(es ...sql.Expression) (sql.CollationID, error) {
	id, by := sql.Collation_Unspecified, byte(8)
	for _, e := range es {
		if t, ok := e.(expression.Tuple); ok {
			inner, err := c.collation(t...)
			if err != nil || inner != sql.Collation_Unspecified {
				return inner, err
			}
			continue
		}
		if got, how := sql.GetCoercibility(c.ctx, e); how < by && asksFor(e, got, how) {
			id, by = got, how
		}
	}
	if id == sql.Collation_Unspecified || byBytes(id) {
		return sql.Collation_Unspecified, nil
	}
	if id.Sorter() == nil {
		return id, &UnsupportedError{What: "the collation " + id.Name()}
	}
	return id, nil
}

// asksFor reports whether e has a collation, of that coercibility, by COLLATE: there or in what a column was computed from.
func asksFor(e sql.Expression, id sql.CollationID, coercibility byte) bool {
	if coercibility == 0 {
		return true
	}
	if coercibility > 2 || byBytes(id) {
		return false
	}
	if g, ok := e.(*expression.GetField); ok {
		return collationOf(g.Type()) == id
	}
	return slices.ContainsFunc(e.Children(), func(x sql.Expression) bool { return asksFor(x, id, coercibility) })
}

// collationOf returns the collation of a type, Unspecified for one that compares by bytes or is of the host's own tables.
func collationOf(t sql.Type) sql.CollationID {
	if s, ok := t.(sql.StringType); ok {
		if id := s.Collation(); !byBytes(id) && id.CharacterSet() != sql.CharacterSet_utf8mb3 {
			return id
		}
	}
	return sql.Collation_Unspecified
}

func byBytes(id sql.CollationID) bool {
	return id == sql.Collation_binary || strings.HasSuffix(id.Name(), "_bin")
}

// noCollation is the error that text with COLLATE stands where it cannot, if es have it.
func (c *converter) noCollation(where string, es ...sql.Expression) error {
	id, err := c.collation(es...)
	if err == nil && id != sql.Collation_Unspecified {
		err = &UnsupportedError{What: where + " of text with COLLATE " + id.Name()}
	}
	return err
}

// ordered converts e to what it is compared by.
func (c *converter) ordered(e sql.Expression, s scope) (expr.Expr, error) {
	x, err := c.scalar(e, s)
	if err != nil {
		return nil, err
	}
	id, err := c.collation(e)
	if err != nil || id == sql.Collation_Unspecified {
		return x, err
	}
	return c.weights(x, id), nil
}

// weights are bytes that compare as x does in the collation; x itself if it is no text.
func (c *converter) weights(x expr.Expr, id sql.CollationID) expr.Expr {
	if x.Type().Kind != types.String {
		return x
	}
	weight, pads := id.Sorter(), id.PadAttribute() == "PAD SPACE"
	typ := types.Of(types.Binary)
	of := func(v types.Value) types.Value {
		if !v.Valid {
			return types.NullOf(typ)
		}
		s := v.S
		if pads {
			s = strings.TrimRight(s, " ")
		}
		var out []byte
		for _, r := range s {
			out = binary.BigEndian.AppendUint32(out, uint32(weight(r))^1<<31)
		}
		return types.Value{Type: typ, Valid: true, S: string(out)}
	}
	if l, ok := x.(*expr.Literal); ok {
		return &expr.Literal{Val: of(l.Val)}
	}
	name := "weights in " + id.Name()
	c.countFallback(name)
	return &expr.RowFunc{Name: name, Args: []expr.Expr{x}, Typ: typ, Call: func(args []types.Value) (types.Value, error) { return of(args[0]), nil }}
}

// What functions make of a collation: they compare their arguments, or the host does, or nobody.
var (
	comparesByWeights = map[string]bool{"=": true, "<=>": true, "<": true, "<=": true, ">": true, ">=": true, "in": true, "strcmp": true, "field": true}
	comparesInHost    = map[string]bool{"like": true}
	collatesNever     = map[string]bool{"nullif": true, "find_in_set": true, "locate": true, "instr": true, "position": true, "greatest": true, "least": true,
		"min": true, "max": true, "regexp": true, "regexp_like": true, "regexp_instr": true, "regexp_substr": true, "regexp_replace": true}
)

// collated converts a call whose arguments have a collation: nil if that is of no consequence.
func (c *converter) collated(name string, s scope, args []sql.Expression) ([]expr.Expr, error) {
	weighs := comparesByWeights[name]
	if !weighs && !comparesInHost[name] && !collatesNever[name] {
		return nil, nil
	}
	id, err := c.collation(args...)
	switch {
	case err != nil || id == sql.Collation_Unspecified:
		return nil, err
	case comparesInHost[name]:
		return nil, errNoKernel
	case !weighs:
		return nil, &UnsupportedError{What: strings.ToUpper(name) + " of text with COLLATE " + id.Name()}
	}
	xs, err := c.scalars(args, s)
	if err != nil {
		return nil, err
	}
	for _, x := range xs { // a number makes them numbers
		if k := x.Type().Kind; k != types.String && k != types.Null {
			return xs, nil
		}
	}
	for i, x := range xs {
		xs[i] = c.weights(x, id)
	}
	return xs, nil
}

// distinctOf is in without duplicates. Where columns have collations, one of the rows that are alike stays.
func (c *converter) distinctOf(in rel, schema sql.Schema) (rel, error) {
	fields := in.fields()
	a := &aggRel{input: in}
	p := &projectRel{input: a, out: fields}
	var collated []int
	for i, f := range fields {
		var x expr.Expr = columnOf(fields, i)
		if id := collationOf(schema[i].Type); id != sql.Collation_Unspecified {
			if id.Sorter() == nil {
				return nil, &UnsupportedError{What: "the collation " + id.Name()}
			}
			x = c.weights(x, id)
			collated = append(collated, i)
		}
		a.keys = append(a.keys, x)
		a.out = append(a.out, exec.Field{Name: f.Name, Type: x.Type(), Nullable: f.Nullable})
		p.exprs = append(p.exprs, &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable})
	}
	for _, i := range collated {
		f := fields[i]
		p.exprs[i] = &expr.Column{Index: len(a.out), Name: f.Name, Typ: f.Type, Null: true}
		a.aggs = append(a.aggs, exec.Aggregate{Name: "any_value", Args: []expr.Expr{columnOf(fields, i)}, Type: f.Type})
		a.out = append(a.out, exec.Field{Name: f.Name, Type: f.Type, Nullable: true})
	}
	if collated == nil {
		return &distinctRel{input: in}, nil
	}
	return p, nil
}
