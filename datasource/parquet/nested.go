package parquet

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// nestedLeaf reads whole records of one leaf, forward only.
type nestedLeaf struct {
	leafReader
	row      int64 // the next record, in the row group
	level    int   // next level of the page
	rowsLeft int   // records that begin on the page from level on

	// What take collected.
	defs, reps []uint8
	values     *vector.Vector

	pos, val int // of the assembly, in defs and values

	pagesRead, pagesSkipped int64
}

// seek goes to a record, passing over pages where their number of rows is known.
func (l *nestedLeaf) seek(ctx context.Context, row int64) error {
	for l.row < row {
		if l.rowsLeft > 0 {
			if err := l.take(ctx, min(l.rowsLeft, int(row-l.row)), false); err != nil {
				return err
			}
			continue
		}
		if first := l.pages.seek(row); first > l.row {
			l.row, l.level, l.numLevels = first, 0, 0
			if first == row {
				return nil
			}
		}
		page, err := l.pages.nextPage(ctx)
		if err != nil {
			return l.ended(err)
		}
		if page.rows >= 0 && l.row+page.rows <= row {
			l.row += page.rows
			l.level, l.numLevels = 0, 0
			l.pagesSkipped++
			continue
		}
		if err := l.enter(ctx, &page); err != nil {
			return err
		}
	}
	return nil
}

func (l *nestedLeaf) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return corruptf("column %s ends after %d rows of a row group of %d", l.pages.leaf.name(), l.row, l.pages.rows)
	}
	return err
}

func (l *nestedLeaf) enter(ctx context.Context, page *rawPage) error {
	l.level, l.rowsLeft, l.numLevels = 0, 0, 0
	if err := l.decode(ctx, page); err != nil {
		return err
	}
	l.rowsLeft = l.pageRows
	l.pagesRead++
	return nil
}

// take reads n records, and keeps their levels and values or not.
func (l *nestedLeaf) take(ctx context.Context, n int, keep bool) error {
	begun := 0
	for n > 0 {
		if l.level == l.numLevels {
			if begun == n && len(l.pages.locs) > 0 {
				break // pages begin with records
			}
			page, err := l.pages.nextPage(ctx)
			if errors.Is(err, io.EOF) && begun == n {
				break
			}
			if err != nil {
				return l.ended(err)
			}
			if err := l.enter(ctx, &page); err != nil {
				return err
			}
			continue
		}
		end, more := l.scan(n - begun)
		if begun == 0 && more == 0 {
			return corruptf("a page of column %s begins in the middle of a record", l.pages.leaf.name())
		}
		begun += more
		if err := l.segment(end, keep); err != nil {
			return err
		}
		if begun == n && (end < l.numLevels || l.pages.leaf.maxRep == 0) {
			break
		}
	}
	l.row += int64(n)
	if l.row > l.pages.rows {
		return corruptf("column %s has more than the %d rows of its row group", l.pages.leaf.name(), l.pages.rows)
	}
	return nil
}

// scan returns where on the page the record ends that is the most-th to begin from here on, and how many begin before.
func (l *nestedLeaf) scan(most int) (end, begun int) {
	if l.pages.leaf.maxRep == 0 {
		k := min(most, l.numLevels-l.level)
		return l.level + k, k
	}
	for i, r := range l.rep[l.level:l.numLevels] {
		if r != 0 {
			continue
		}
		if begun == most {
			return l.level + i, begun
		}
		begun++
	}
	return l.numLevels, begun
}

// segment passes over the levels up to end, with their values.
func (l *nestedLeaf) segment(end int, keep bool) error {
	nv, rows := end-l.level, end-l.level
	if most := l.pages.leaf.maxDef; most > 0 {
		nv = 0
		for _, d := range l.def[l.level:end] {
			if d == most {
				nv++
			}
		}
		if keep {
			l.defs = append(l.defs, l.def[l.level:end]...)
		}
	} else if keep {
		l.defs = append(l.defs, make([]uint8, nv)...)
	}
	if l.pages.leaf.maxRep > 0 {
		rows = 0
		for _, r := range l.rep[l.level:end] {
			if r == 0 {
				rows++
			}
		}
		if keep {
			l.reps = append(l.reps, l.rep[l.level:end]...)
		}
	} else if keep {
		l.reps = append(l.reps, make([]uint8, end-l.level)...)
	}
	l.level = end
	l.rowsLeft -= rows
	if err := checkLevels(l.pages.leaf, len(l.defs)); err != nil {
		return err
	}
	if keep && l.conv != nil && l.values != nil {
		return l.appendValues(l.values, nv)
	}
	return l.vals.skip(nv)
}

// nestedColumn assembles the rows of a nested column as JSON text.
type nestedColumn struct {
	plan   *nestedPlan
	leaves []nestedLeaf
	out    vector.Vector
	valid  vector.Bitmap
	path   string
}

func (c *nestedColumn) open(ctx context.Context, f *File, rg int, plan *nestedPlan, ranges []RowRange) error {
	c.plan = plan
	c.path = plan.root.field.Name
	c.leaves = make([]nestedLeaf, len(plan.leaves))
	for i, pl := range plan.leaves {
		l := &c.leaves[i]
		l.conv = pl.conv
		if l.conv != nil {
			l.values = l.conv.vector(0)
		} else {
			l.conv = skippingConverter(pl.leaf)
		}
		if err := l.pages.open(ctx, f, rg, pl.leaf, ranges); err != nil {
			return err
		}
	}
	return nil
}

// skippingConverter returns a conversion for a leaf of which only the levels are wanted.
func skippingConverter(l *leaf) *converter {
	if c, err := newConverter(l, l.naturalType()); err == nil {
		return c
	}
	return &converter{kind: convBytes, want: types.Of(types.Binary), phys: types.PhysBytes, width: l.width()}
}

// read assembles the n rows from row on; rows that sel does not name are NULL.
func (c *nestedColumn) read(ctx context.Context, row int64, n int, sel []uint16) (*vector.Vector, error) {
	lo, hi := 0, n
	if sel != nil {
		lo, hi, _ = selected(sel, 0, n)
	}
	for i := range c.leaves {
		if lo == hi {
			break
		}
		l := &c.leaves[i]
		if err := l.seek(ctx, row+int64(lo)); err != nil {
			return nil, err
		}
		l.defs, l.reps, l.pos, l.val = l.defs[:0], l.reps[:0], 0, 0
		if l.values != nil {
			truncate(l.values)
		}
		if err := l.take(ctx, hi-lo, true); err != nil {
			return nil, err
		}
	}
	o := &c.out
	*o = vector.Vector{Type: types.Of(types.JSON), Phys: types.PhysBytes, Len: n, Off: resize(o.Off, n+1), Data: o.Data[:0], Valid: resize(c.valid, (n+63)/64)}
	c.valid = o.Valid
	clear(o.Valid)
	clear(o.Off[:lo+1])
	nulls := n - (hi - lo)
	for i := lo; i < hi; i++ {
		wanted := sel == nil
		if !wanted && int(sel[0]) == i {
			wanted, sel = true, sel[1:]
		}
		if err := c.record(i, wanted, &nulls); err != nil {
			return nil, err
		}
	}
	for i := range c.leaves {
		if l := &c.leaves[i]; lo < hi && l.pos != len(l.defs) {
			return nil, c.torn()
		}
	}
	fill(o.Off[hi+1:], o.Off[hi])
	if nulls == 0 {
		o.Valid = nil
	}
	return o, nil
}

func (c *nestedColumn) record(i int, wanted bool, nulls *int) error {
	o := &c.out
	null := true
	if wanted {
		start := len(o.Data)
		var err error
		if o.Data, null, err = c.value(o.Data, c.plan.root, 0); err != nil {
			return err
		}
		if null {
			o.Data = o.Data[:start]
		}
		if len(o.Data) > math.MaxInt32 {
			return unsupportedf("more than 2 GiB of values in one batch")
		}
		for k := range c.leaves {
			if l := &c.leaves[k]; l.pos < len(l.reps) && l.reps[l.pos] != 0 {
				return c.torn()
			}
		}
	} else {
		for k := range c.leaves {
			if err := c.consume(k, 0); err != nil {
				return err
			}
		}
	}
	if null {
		*nulls++
	} else {
		o.Valid.Set(i)
	}
	o.Off[i+1] = int32(len(o.Data))
	return nil
}

func (c *nestedColumn) torn() error {
	return corruptf("the levels of the columns of %s contradict one another", c.path)
}

// truncate empties a flat vector, keeping its buffers.
func truncate(v *vector.Vector) {
	v.Len, v.I32, v.I64, v.F64, v.I128, v.Data = 0, v.I32[:0], v.I64[:0], v.F64[:0], v.I128[:0], v.Data[:0]
	if v.Off != nil {
		v.Off = v.Off[:1]
	}
}

// consume passes over one entry of a leaf and everything that repeats below the given repetition level.
func (c *nestedColumn) consume(leaf int, rep uint8) error {
	l := &c.leaves[leaf]
	if l.pos >= len(l.defs) {
		return c.torn()
	}
	most := l.pages.leaf.maxDef
	for first := true; first || (l.pos < len(l.reps) && l.reps[l.pos] > rep); first = false {
		if l.defs[l.pos] == most {
			l.val++
		}
		l.pos++
	}
	return nil
}

// value appends the JSON text of the node's next value; null says that it is NULL, "null" having been appended.
// rep is the repetition level of what is around it.
func (c *nestedColumn) value(dst []byte, n *planNode, rep uint8) (out []byte, null bool, err error) {
	if n.missing {
		return append(dst, "null"...), true, nil
	}
	probe := &c.leaves[n.probe]
	if probe.pos >= len(probe.defs) {
		return dst, false, c.torn()
	}
	def := probe.defs[probe.pos]
	if def < n.def {
		for _, k := range n.leaves {
			if err := c.consume(k, rep); err != nil {
				return dst, false, err
			}
		}
		return append(dst, "null"...), true, nil
	}
	switch n.field.Kind {
	case Struct:
		dst, err = c.structure(dst, n, rep)
	case List, Map:
		dst, err = c.repeated(dst, n, rep, def)
	default:
		if probe.val >= probe.values.Len {
			return dst, false, c.torn()
		}
		dst = appendJSON(dst, probe.values, probe.val)
		err = c.consume(n.leaf, rep)
	}
	return dst, false, err
}

func (c *nestedColumn) structure(dst []byte, n *planNode, rep uint8) ([]byte, error) {
	var err error
	dst = append(dst, '{')
	for i := range n.children {
		child := &n.children[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, child.label...)
		if dst, _, err = c.value(dst, child, rep); err != nil {
			return dst, err
		}
	}
	if n.extra {
		err = c.consume(n.probe, rep)
	}
	return append(dst, '}'), err
}

// repeated appends a list or a map.
func (c *nestedColumn) repeated(dst []byte, n *planNode, rep, def uint8) ([]byte, error) {
	left, right := byte('['), byte(']')
	if n.field.Kind == Map {
		left, right = '{', '}'
	}
	dst = append(dst, left)
	if def < n.elemDef {
		for _, k := range n.leaves {
			if err := c.consume(k, rep); err != nil {
				return dst, err
			}
		}
		return append(dst, right), nil
	}
	probe := &c.leaves[n.probe]
	for first := true; ; first = false {
		if !first {
			if probe.pos >= len(probe.reps) || probe.reps[probe.pos] < n.elemRep {
				return append(dst, right), nil
			}
			if probe.reps[probe.pos] > n.elemRep {
				return dst, c.torn()
			}
			dst = append(dst, ',')
		}
		before := probe.pos
		var err error
		if dst, err = c.element(dst, n); err != nil {
			return dst, err
		}
		if probe.pos == before {
			return dst, c.torn()
		}
	}
}

func (c *nestedColumn) element(dst []byte, n *planNode) ([]byte, error) {
	var err error
	if n.field.Kind == List {
		dst, _, err = c.value(dst, &n.children[0], n.elemRep)
		return dst, err
	}
	start := len(dst)
	var null bool
	if dst, null, err = c.value(dst, &n.children[0], n.elemRep); err != nil {
		return dst, err
	}
	if null {
		return dst, corruptf("a map of %s has a NULL key", c.path)
	}
	if dst[start] != '"' {
		dst = append(dst, 0, 0)
		copy(dst[start+1:], dst[start:len(dst)-2])
		dst[start], dst[len(dst)-1] = '"', '"'
	}
	dst = append(dst, ':')
	dst, _, err = c.value(dst, &n.children[1], n.elemRep)
	return dst, err
}
