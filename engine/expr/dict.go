package expr

import (
	"bytes"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// dictNode evaluates an expression over a single column once per dictionary entry instead of once per row, and
// keeps the result for as long as the same dictionary comes. Should an entry fail or warn, which a row that is not
// live may be the cause of, it evaluates row by row.
type dictNode struct {
	inner node
	quiet *quietEnv
	col   *Column

	seen   *vector.Vector // dictionary of result
	single *vector.Vector // copy of seen if it has one entry
	result *vector.Vector // values of the entries, then that of NULL; nil: evaluate by row
	valid  vector.Bitmap  // of result's entries; nil: all
	null   bool           // whether result has an entry for NULL

	batch vector.Batch
	out   vector.Vector
	codes []int32
	mask  vector.Bitmap
}

// quietEnv drops the warnings of a trial evaluation and notes that there were some.
type quietEnv struct {
	trial  bool
	warned bool
}

// dictColumn returns the only column that e reads if e may be evaluated once per dictionary entry.
func dictColumn(e *Call) *Column {
	var col *Column
	ok := true
	Walk(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Literal:
		case *Column:
			if col != nil && col.Index != x.Index {
				ok = false
			}
			col = x
		case *Call:
			ok = ok && x.impl != nil && !x.impl.Volatile
		default:
			ok = false
		}
		return ok
	})
	if !ok {
		return nil
	}
	return col
}

// quietly makes the compiler's environment one whose warnings can be suppressed for a trial.
func (c *compiler) quietly() *quietEnv {
	q := &quietEnv{}
	env, outer := *c.env, c.env
	env.Warn = func(code int, msg string) {
		if q.trial {
			q.warned = true
			return
		}
		outer.warn(code, msg)
	}
	c.env = &env
	return q
}

func (n *dictNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	in, ok := n.dictionary(b, sel)
	if !ok {
		return n.inner.eval(b, sel)
	}
	if !n.null && n.valid == nil {
		n.out = vector.Vector{Type: n.result.Type, Phys: n.result.Phys, Len: in.Len, Codes: in.Codes, Dict: n.result, Valid: in.Valid}
		return &n.out, nil
	}
	codes := n.rowCodes(in, sel)
	n.out = vector.Vector{Type: n.result.Type, Phys: n.result.Phys, Len: in.Len, Codes: codes, Dict: n.result}
	if n.valid == nil {
		return &n.out, nil
	}
	n.mask = grow(n.mask, (in.Len+63)/64)
	clear(n.mask)
	for k := range Rows(in.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		c := codes[i]
		n.mask[i>>6] |= n.valid[c>>6] >> (uint(c) & 63) & 1 << (uint(i) & 63)
	}
	n.out.Valid = n.mask
	return &n.out, nil
}

// rowCodes returns one code a row into n.result; NULL rows have the code of its last entry.
func (n *dictNode) rowCodes(in *vector.Vector, sel []uint16) []int32 {
	if in.Valid == nil {
		return in.Codes
	}
	null := int32(n.result.Len - 1)
	n.codes = grow(n.codes, in.Len)
	copy(n.codes, in.Codes)
	for k := range Rows(in.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if !in.Valid.Get(i) {
			n.codes[i] = null
		}
	}
	return n.codes
}

// dictionary returns the column if it is dictionary-coded and n.result holds the values of its entries.
func (n *dictNode) dictionary(b *vector.Batch, sel []uint16) (*vector.Vector, bool) {
	if n.col.Index < 0 || n.col.Index >= len(b.Cols) || b.Cols[n.col.Index] == nil {
		return nil, false
	}
	in := b.Cols[n.col.Index]
	if in.Codes == nil {
		return nil, false
	}
	if n.seen != in.Dict || !n.unchanged(in.Dict) || (in.Valid != nil && !n.null) {
		if in.Dict.Len >= Rows(in.Len, sel) || in.Dict.Len >= vector.MaxRows {
			return nil, false
		}
		n.evalEntries(b, in)
	}
	return in, n.result != nil
}

// unchanged looks whether the entry of a dictionary of one is still the same: operators that repeat a row may reuse
// the vector of a constant, which costs nothing to check.
func (n *dictNode) unchanged(d *vector.Vector) bool {
	if d.Len != 1 {
		return n.single == nil
	}
	o := n.single
	if o == nil || o.Phys != d.Phys || o.Type != d.Type {
		return false
	}
	switch d.Phys {
	case types.PhysI32:
		return o.I32[0] == d.I32[0]
	case types.PhysI64:
		return o.I64[0] == d.I64[0]
	case types.PhysF64:
		return math.Float64bits(o.F64[0]) == math.Float64bits(d.F64[0])
	case types.PhysI128:
		return o.I128[0] == d.I128[0]
	}
	return bytes.Equal(o.Bytes(0), d.Bytes(0))
}

// evalEntries computes the expression for every entry of in's dictionary, and for NULL if in has any.
func (n *dictNode) evalEntries(b *vector.Batch, in *vector.Vector) {
	n.seen, n.single, n.result, n.valid, n.null = in.Dict, nil, nil, nil, in.Valid != nil
	if in.Dict.Len == 1 {
		n.single = in.Dict.Clone()
	}
	entries := in.Dict
	if n.null {
		entries = in.Dict.Clone()
		entries.AppendNull()
	}
	if len(n.batch.Cols) != len(b.Cols) {
		n.batch.Cols = make([]*vector.Vector, len(b.Cols))
	}
	n.batch.Len, n.batch.Cols[n.col.Index] = entries.Len, entries
	n.quiet.trial, n.quiet.warned = true, false
	v, err := n.inner.eval(&n.batch, nil)
	n.quiet.trial = false
	n.batch.Cols[n.col.Index] = nil
	if err != nil || n.quiet.warned {
		return
	}
	r := v.Flat().Clone()
	if r.Valid != nil && r.Valid.Count(r.Len) < r.Len {
		n.valid = r.Valid
	}
	r.Valid = nil
	n.result = r
}

// newDictNode wraps inner, compiled by c, whose environment must have been made quiet.
func newDictNode(inner node, q *quietEnv, col *Column) *dictNode {
	return &dictNode{inner: inner, quiet: q, col: col}
}

// boolTable is the truth of every entry of a dictionary: 1 where TRUE.
type boolTable struct {
	of    *vector.Vector
	truth []uint8
}

// table returns the truth table of n's current result.
func (t *boolTable) table(n *dictNode) []uint8 {
	if t.of == n.result {
		return t.truth
	}
	r := n.result
	t.of, t.truth = r, grow(t.truth, r.Len)
	for i := range r.Len {
		t.truth[i] = 0
		if r.I32[i] != 0 && (n.valid == nil || n.valid.Get(i)) {
			t.truth[i] = 1
		}
	}
	return t.truth
}
