package expr

import (
	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/vector"
)

// Filter selects the rows for which a condition is TRUE. It belongs to one goroutine.
type Filter struct {
	root selector
	bufs [2][]uint16
}

// selector writes to dst, which has room for all of them, the rows of sel (nil: all) for which a condition is TRUE, in
// order. dst may be sel itself.
type selector interface {
	selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error)
}

// CompileFilter prepares the condition e; one that is not boolean is compared with zero. Errors are those of Compile.
func CompileFilter(e Expr, env *Env) (*Filter, error) {
	c := newCompiler(env)
	root, err := c.selector(asBool(e))
	if err != nil {
		return nil, err
	}
	return &Filter{root: root}, nil
}

// Apply returns the live rows of b for which the condition is TRUE, ascending; never nil. The slice is valid until the
// next Apply but one: it may be the Sel of the batch that the next Filter in a pipeline is applied to.
func (f *Filter) Apply(b *vector.Batch) ([]uint16, error) {
	f.bufs[0], f.bufs[1] = f.bufs[1], f.bufs[0]
	f.bufs[0] = grow(f.bufs[0], max(b.Len, 1))
	rows, err := f.root.selectRows(b, b.Sel, f.bufs[0])
	if !TooLarge(err) || b.Rows() < 2 {
		return rows, err
	}
	rows = make([]uint16, 0, b.Rows())
	err = inPieces(b, func(piece []uint16) error {
		some, err := f.root.selectRows(b, piece, make([]uint16, len(piece)))
		if err == nil {
			rows = append(rows, some...)
		}
		return err
	})
	return rows, err
}

// selector compiles a boolean expression for its TRUE rows only.
func (c *compiler) selector(e Expr) (selector, error) {
	call, ok := e.(*Call)
	constant := false
	if ok && !c.nofold {
		_, constant = c.foldConst(e)
	}
	if !ok || constant {
		n, err := c.compile(e)
		return &valueSelector{cond: n}, err
	}
	if c.inDict || c.nofold || dictColumn(call) == nil {
		return c.callSelector(call)
	}
	d, err := c.compileCall(call)
	if err != nil {
		return nil, err
	}
	inner := *c
	inner.inDict = true
	rows, err := inner.callSelector(call)
	if err != nil {
		return nil, err
	}
	return &dictSelector{node: d.(*dictNode), byRow: rows}, nil
}

// callSelector selects row by row, without regard to dictionaries of e as a whole.
func (c *compiler) callSelector(e *Call) (selector, error) {
	switch e.Name {
	case "and":
		return c.andSelector(e)
	case "or":
		return c.orSelector(e)
	}
	n, err := c.compileCall(e)
	if err != nil {
		return nil, err
	}
	if s, ok := n.(selector); ok {
		return s, nil
	}
	return &valueSelector{cond: n}, nil
}

// dictSelector looks the rows' codes up in a table of truth values.
type dictSelector struct {
	node  *dictNode
	byRow selector
	table boolTable
}

func (s *dictSelector) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	in, ok := s.node.dictionary(b, sel)
	if !ok {
		return s.byRow.selectRows(b, sel, dst)
	}
	truth := s.table.table(s.node)
	codes, k := in.Codes, 0
	if in.Valid != nil {
		codes = s.node.rowCodes(in, sel)
	}
	if sel == nil {
		for i, c := range codes {
			dst[k] = uint16(i)
			k += int(truth[c])
		}
		return dst[:k], nil
	}
	for _, i := range sel {
		dst[k] = i
		k += int(truth[codes[i]])
	}
	return dst[:k], nil
}

// valueSelector evaluates the condition as a value and keeps the TRUE rows.
type valueSelector struct{ cond node }

func (s *valueSelector) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	v, err := s.cond.eval(b, sel)
	if err != nil {
		return nil, err
	}
	if v.Codes == nil {
		dst = selectTrue(dst, v.I32[:b.Len], sel)
		if v.Valid != nil {
			dst = selectValid(dst, v.Valid, b.Len, dst)
		}
		return dst, nil
	}
	k := 0
	for j := range Rows(b.Len, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		dst[k] = uint16(i)
		if v.Int(i) != 0 && !v.IsNull(i) {
			k++
		}
	}
	return dst[:k], nil
}

// selectTrue writes to dst the rows of sel (nil: all) whose value is not zero.
func selectTrue(dst []uint16, truth []int32, sel []uint16) []uint16 {
	k := 0
	if sel == nil {
		for i, x := range truth {
			dst[k] = uint16(i)
			k += kernel.B2I(x != 0)
		}
		return dst[:k]
	}
	for _, i := range sel {
		dst[k] = i
		k += kernel.B2I(truth[i] != 0)
	}
	return dst[:k]
}

// andSelector narrows the selection conjunct by conjunct.
type andSelector struct{ conds []selector }

func (c *compiler) andSelector(e *Call) (selector, error) {
	s := &andSelector{}
	for _, a := range cheapFirst(e.Args) {
		n, err := c.selector(asBool(a))
		if err != nil {
			return nil, err
		}
		s.conds = append(s.conds, n)
	}
	return s, nil
}

func (s *andSelector) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	for _, c := range s.conds {
		out, err := c.selectRows(b, sel, dst)
		if err != nil || len(out) == 0 {
			return out, err
		}
		sel = out
	}
	return sel, nil
}

// cheapFirst moves comparisons of a column with a literal to the front: they are fast and cannot fail, so no row
// that the original order would have spared is evaluated by what comes after them.
func cheapFirst(conds []Expr) []Expr {
	var cheap, rest []Expr
	for _, e := range conds {
		if isCheap(e) {
			cheap = append(cheap, e)
		} else {
			rest = append(rest, e)
		}
	}
	return append(cheap, rest...)
}

func isCheap(e Expr) bool {
	c, ok := e.(*Call)
	if !ok || compareOps[c.Name] == 0 && c.Name != "isnull" {
		return false
	}
	for _, a := range c.Args {
		if a.Type().IsBytes() {
			return false
		}
		switch a.(type) {
		case *Column, *Literal:
		default:
			return false
		}
	}
	return true
}

// orSelector keeps rows of the first alternative that is TRUE for them; later ones see only the other rows.
type orSelector struct {
	conds []selector
	rest  []uint16
	some  []uint16
	marks vector.Bitmap
}

func (c *compiler) orSelector(e *Call) (selector, error) {
	s := &orSelector{}
	for _, a := range e.Args {
		n, err := c.selector(asBool(a))
		if err != nil {
			return nil, err
		}
		s.conds = append(s.conds, n)
	}
	return s, nil
}

func (s *orSelector) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	words := (b.Len + 63) / 64
	s.marks = grow(s.marks, words)
	clear(s.marks)
	s.rest, s.some = grow(s.rest, b.Len+1), grow(s.some, b.Len+1)
	rest := sel
	for j, c := range s.conds {
		hit, err := c.selectRows(b, rest, s.some)
		if err != nil {
			return nil, err
		}
		for _, i := range hit {
			s.marks.Set(int(i))
		}
		if j < len(s.conds)-1 {
			if rest = selectUnmarked(s.rest, s.marks, b.Len, rest); len(rest) == 0 {
				break
			}
		}
	}
	return selectValid(dst, s.marks, b.Len, sel), nil
}

// selectUnmarked writes to dst the rows of sel (nil: all n) whose bit is not set. dst may be sel.
func selectUnmarked(dst []uint16, marks vector.Bitmap, n int, sel []uint16) []uint16 {
	k := 0
	for j := range Rows(n, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		dst[k] = uint16(i)
		k += int(^marks[i>>6] >> (uint(i) & 63) & 1)
	}
	return dst[:k]
}
