package exec

import (
	"context"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// aggWorker is the groups of one worker, or of one partition.
type aggWorker struct {
	plan   *aggPlan
	query  *Query
	set    *exprSet
	table  *groupTable
	funcs  []agg.Func
	specs  []*agg.Spec // of funcs
	args   []*agg.Arg  // by position in plan.exprs; nil for keys that are no arguments
	inputs []agg.Input
	sets   []*distinctSet
	acct   *account
	floor  int64 // bytes that stay in memory even if the budget is used up
	share  int64 // bytes beyond which groups are spilled although there is room; 0: no limit
	spill  *rowSpill
	inner  []*aggWorker // by set, once the sets have been spilled
	// settled: there are no sets to look after, the states of DISTINCT aggregates are as good as others.
	settled bool
	partLg  uint // the upper bits that all hashes of this partition have in common

	keys   keyBatch
	gid    []uint32
	sel    []uint16 // 0, 1, 2, …
	counts [256]int64
	lut    dictGroups
}

func newAggWorker(p *aggPlan, q *Query) (*aggWorker, error) {
	w := &aggWorker{plan: p, query: q, table: newGroupTable(p.codec, p.words), acct: q.account("aggregation")}
	w.floor = min(spoolBytes, q.Memory.tightest()/int64(4*q.workers()))
	set, err := compileExprs(p.exprs, q.Env)
	if err != nil {
		return nil, err
	}
	w.set, w.args = set, make([]*agg.Arg, len(p.exprs))
	for i := range p.specs {
		spec := &p.specs[i]
		if q.Env != nil && (spec.Location == nil || spec.Warn == nil) {
			s := *spec
			s.Location, s.Warn = q.Env.Location, q.Env.Warn
			spec = &s
		}
		fn, err := agg.New(spec)
		if err != nil {
			return nil, err
		}
		w.funcs, w.specs = append(w.funcs, fn), append(w.specs, spec)
		in := agg.Input{}
		for _, a := range p.args[i] {
			if w.args[a] == nil {
				w.args[a] = &agg.Arg{}
			}
			in.Args = append(in.Args, w.args[a])
		}
		w.inputs = append(w.inputs, in)
	}
	for _, s := range p.sets {
		w.sets = append(w.sets, newDistinctSet(p, s))
	}
	if p.nKeys == 0 {
		w.table.reserve(1)
		w.table.addRow() // group agg.Single
	}
	return w, nil
}

func (w *aggWorker) state(i int) agg.Table {
	return agg.Table{Rows: w.table.rows, Stride: w.table.stride, Offset: w.plan.codec.rowWords() + w.plan.offsets[i]}
}

// update folds a batch into the groups.
func (w *aggWorker) update(b *vector.Batch) error {
	vecs, err := w.set.eval(b)
	if err != nil {
		return err
	}
	if len(w.table.rows) < cacheWords {
		if err := w.fold(vecs, b.Sel, b.Len); err != nil {
			return err
		}
		return w.charge()
	}
	sel := b.Sel
	if sel == nil {
		for i := len(w.sel); i < b.Len; i++ {
			w.sel = append(w.sel, uint16(i))
		}
		sel = w.sel[:b.Len]
	}
	for len(sel) > 0 {
		n := min(len(sel), cacheRows)
		if err := w.fold(vecs, sel[:n], b.Len); err != nil {
			return err
		}
		sel = sel[n:]
	}
	return w.charge()
}

// A table of more words than cacheWords does not stay in a core's cache; batches are then folded cacheRows rows
// at a time, so that what finding the groups has loaded is still there when the functions come to it.
const (
	cacheWords = 1 << 16
	cacheRows  = 1024
)

// fold folds the live rows of vectors of n rows.
func (w *aggWorker) fold(vecs []*vector.Vector, sel []uint16, n int) error {
	rows := n
	if sel != nil {
		rows = len(sel)
	}
	var groups []uint32
	var counts []int64
	if w.plan.nKeys > 0 {
		w.gid = resize(w.gid, rows)
		groups = w.gid
		w.assign(vecs[:w.plan.nKeys], sel, n, groups)
		if w.table.n <= len(w.counts) {
			counts = w.count(groups)
		}
	}
	for i, a := range w.args {
		if a != nil {
			a.Set(vecs[i], sel, n, groups)
		}
	}
	for i, fn := range w.funcs {
		if w.plan.owner[i] != i || w.plan.distinct[i] >= 0 {
			continue
		}
		in := &w.inputs[i]
		in.N, in.Groups, in.Counts = rows, groups, counts
		if err := fn.Update(w.state(i), in); err != nil {
			return err
		}
	}
	for i, s := range w.sets {
		if err := w.updateDistinct(i, s, vecs, sel, n, groups); err != nil {
			return err
		}
	}
	for i := range w.inner {
		if err := w.foldInner(i, vecs, sel, n); err != nil {
			return err
		}
	}
	return nil
}

func (w *aggWorker) sizeBytes() int64 {
	n := w.table.sizeBytes()
	for _, f := range w.funcs {
		n += f.SizeBytes()
	}
	for _, s := range w.sets {
		n += s.table.sizeBytes()
	}
	for _, in := range w.inner {
		n += in.table.sizeBytes()
	}
	return n
}

func (w *aggWorker) free() {
	w.acct.free()
	if w.spill != nil {
		w.spill.close()
	}
	for _, in := range w.inner {
		in.free()
	}
	w.table, w.funcs, w.sets = nil, nil, nil
}

func (w *aggWorker) count(groups []uint32) []int64 {
	counts := &w.counts
	clear(counts[:w.table.n])
	for _, g := range groups {
		counts[uint8(g)]++
	}
	return counts[:w.table.n]
}

// assign finds the group of each live row.
func (w *aggWorker) assign(keys []*vector.Vector, sel []uint16, n int, gid []uint32) {
	if w.lut.usable(keys, len(gid)) {
		w.assignCodes(keys, sel, n, gid)
		return
	}
	w.plan.codec.encode(&w.keys, keys, sel, n)
	w.table.groups(&w.keys, gid)
}

// dictGroups maps combinations of dictionary codes to groups, for one batch: the group of a combination is
// looked up once.
type dictGroups struct {
	groups []uint32 // by combination; 0: not seen, pending: a row in missing has it
	index  []uint32 // combination of each live row
	miss   []uint16 // positions of the first rows of unseen combinations
	combo  []uint32 // their combinations
	gid    []uint32
	size   int
}

const pendingGroup = ^uint32(0)

// usable reports whether all keys are coded, with few enough combinations for the rows at hand.
func (d *dictGroups) usable(keys []*vector.Vector, rows int) bool {
	size := 1
	for _, v := range keys {
		if v.Codes == nil {
			return false
		}
		size *= v.Dict.Len + 1 // and NULL
		if size > 2*rows+64 {
			return false
		}
	}
	d.size = size
	return true
}

func (w *aggWorker) assignCodes(keys []*vector.Vector, sel []uint16, n int, gid []uint32) {
	d := &w.lut
	d.collect(keys, sel, len(gid))
	groups := d.groups
	w.plan.codec.encode(&w.keys, keys, d.miss, n)
	d.gid = resize(d.gid, len(d.miss))
	w.table.groups(&w.keys, d.gid)
	for k, c := range d.combo {
		groups[c] = d.gid[k]
	}
	for k, c := range d.index {
		gid[k] = groups[c]
	}
}

// collect finds the combinations of the live rows: index, and in miss and combo the first row of each.
func (d *dictGroups) collect(keys []*vector.Vector, sel []uint16, rows int) {
	d.combine(keys, sel, rows)
	d.groups = resize(d.groups, d.size)
	clear(d.groups)
	d.miss, d.combo = d.miss[:0], d.combo[:0]
	groups := d.groups
	for k, c := range d.index {
		if groups[c] == 0 {
			groups[c] = pendingGroup
			d.miss, d.combo = append(d.miss, uint16(rowAt(sel, k))), append(d.combo, c)
		}
	}
}

// combine sets index to the mixed-radix number of each live row's codes.
func (d *dictGroups) combine(keys []*vector.Vector, sel []uint16, n int) {
	d.index = resize(d.index, n)
	index := d.index
	for j, v := range keys {
		radix := uint32(v.Dict.Len + 1)
		if j == 0 {
			clear(index)
		}
		switch {
		case v.Valid == nil && sel == nil:
			for k, c := range v.Codes[:len(index)] {
				index[k] = index[k]*radix + uint32(c)
			}
		case v.Valid == nil:
			for k, i := range sel[:len(index)] {
				index[k] = index[k]*radix + uint32(v.Codes[i])
			}
		default:
			for k := range index {
				c := radix - 1
				if i := rowAt(sel, k); v.Valid.Get(i) {
					c = uint32(v.Codes[i])
				}
				index[k] = index[k]*radix + c
			}
		}
	}
}

// mergeFrom adds the groups of src in partition part of 1<<lg.
func (w *aggWorker) mergeFrom(ctx context.Context, src *aggWorker, part, lg int) error {
	if w.plan.nKeys == 0 {
		return w.mergeGroups(src, []uint32{agg.Single}, []uint32{agg.Single})
	}
	all, salts := src.table.partition(part, lg, nil, nil)
	var groupMap []uint32
	if len(src.sets) > 0 {
		groupMap = make([]uint32, src.table.n)
	}
	for at := 0; at < len(all); at += vector.MaxRows {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		to := min(at+vector.MaxRows, len(all))
		from := all[at:to]
		src.table.keysOf(&w.keys, from, salts[at:to])
		w.dropCommonBits()
		w.gid = resize(w.gid, len(from))
		w.table.groups(&w.keys, w.gid)
		if err := w.mergeStates(src, w.gid, from); err != nil {
			return err
		}
		for i, g := range from {
			if groupMap != nil {
				groupMap[g] = w.gid[i]
			}
		}
		if err := w.charge(); err != nil {
			return err
		}
	}
	return w.mergeSets(src, groupMap)
}

// dropCommonBits shifts out the bits of the hashes that do not tell keys of this partition apart: slots are
// found by the upper bits.
func (w *aggWorker) dropCommonBits() {
	if w.partLg == 0 {
		return
	}
	for k := range w.keys.hashes[:w.keys.n] {
		w.keys.hashes[k] <<= w.partLg
	}
}

func (w *aggWorker) mergeGroups(src *aggWorker, into, from []uint32) error {
	if err := w.mergeStates(src, into, from); err != nil {
		return err
	}
	return w.mergeSets(src, nil)
}

func (w *aggWorker) mergeStates(src *aggWorker, into, from []uint32) error {
	for i, fn := range w.funcs {
		if w.plan.owner[i] != i || w.plan.distinct[i] >= 0 && !src.settled {
			continue
		}
		if err := fn.Merge(w.state(i), into, src.funcs[i], src.state(i), from); err != nil {
			return err
		}
	}
	return nil
}

// distinctSet is the different argument rows of the groups, for DISTINCT aggregates over the same arguments.
type distinctSet struct {
	args   []int // positions in plan.exprs
	codec  *keyCodec
	table  *groupTable
	keys   keyBatch
	group  vector.Vector // the group of each row, by position
	vecs   []*vector.Vector
	sel    []uint16
	gid    []uint32
	fresh  []uint16
	groups []uint32
}

func newDistinctSet(p *aggPlan, args []int) *distinctSet {
	s := &distinctSet{args: args, sel: []uint16{}}
	var ts []types.Type
	if p.nKeys > 0 {
		ts = append(ts, types.Of(types.Int32))
	}
	for _, a := range args {
		ts = append(ts, p.exprs[a].Type())
	}
	s.codec = newKeyCodec(ts, false)
	s.table = newGroupTable(s.codec, 0)
	return s
}

// keep returns the live rows whose arguments hold no NULL and are new to their group, and their groups.
func (s *distinctSet) keep(args []*vector.Vector, sel []uint16, n int, groups []uint32) ([]uint16, []uint32) {
	live := n
	if sel != nil {
		live = len(sel)
	}
	s.vecs, s.sel = s.vecs[:0], s.sel[:0]
	if groups != nil {
		resetVector(&s.group, types.Of(types.Int32), n)
		s.vecs = append(s.vecs, &s.group)
	}
	s.vecs = append(s.vecs, args...)
rows:
	for k := range live {
		i := rowAt(sel, k)
		for _, v := range args {
			if v.IsNull(i) {
				continue rows
			}
		}
		if groups != nil {
			s.group.I32[i] = int32(groups[k])
		}
		s.sel = append(s.sel, uint16(i))
	}
	s.gid = resize(s.gid, len(s.sel))
	s.codec.encode(&s.keys, s.vecs, s.sel, n)
	next := uint32(s.table.n)
	s.table.groups(&s.keys, s.gid)
	s.fresh, s.groups = s.fresh[:0], s.groups[:0]
	for k, g := range s.gid {
		if g != next {
			continue
		}
		next++
		s.fresh = append(s.fresh, s.sel[k])
		if groups != nil {
			s.groups = append(s.groups, uint32(s.group.I32[s.sel[k]]))
		}
	}
	if groups == nil {
		return s.fresh, nil
	}
	return s.fresh, s.groups
}

func (w *aggWorker) updateDistinct(set int, s *distinctSet, vecs []*vector.Vector, sel []uint16, n int, groups []uint32) error {
	args := make([]*vector.Vector, len(s.args))
	for i, a := range s.args {
		args[i] = vecs[a]
	}
	return w.foldDistinct(set, s, args, sel, n, groups)
}

// foldDistinct folds the rows that are new into the functions of the set.
func (w *aggWorker) foldDistinct(set int, s *distinctSet, args []*vector.Vector, sel []uint16, n int, groups []uint32) error {
	fresh, freshGroups := s.keep(args, sel, n, groups)
	if len(fresh) == 0 {
		return nil
	}
	for i, a := range s.args {
		w.args[a].Set(args[i], fresh, n, freshGroups)
	}
	for i, fn := range w.funcs {
		if w.plan.distinct[i] != set || w.plan.owner[i] != i {
			continue
		}
		in := &w.inputs[i]
		in.N, in.Groups, in.Counts = len(fresh), freshGroups, nil
		if err := fn.Update(w.state(i), in); err != nil {
			return err
		}
	}
	return nil
}

// mergeSets folds src's different rows; groupMap gives the group of each of src's groups, 0 for none (nil:
// there are no keys). Once w has spilled its sets, and with them its groups, groupMap says no more than which groups
// are meant.
func (w *aggWorker) mergeSets(src *aggWorker, groupMap []uint32) error {
	for i := range src.sets {
		if err := w.mergeSet(i, src, groupMap); err != nil {
			return err
		}
	}
	return w.charge()
}

func (w *aggWorker) mergeSet(set int, srcWorker *aggWorker, groupMap []uint32) error {
	src := srcWorker.sets[set]
	outs, cols := newOutVectors(codecTypes(src.codec))
	t := src.table
	var sel []uint16
	var groups []uint32
	for from := 1; from < t.n; from += vector.MaxRows {
		if w.inner != nil {
			return w.moveSet(set, srcWorker, from, groupMap)
		}
		n := min(vector.MaxRows, t.n-from)
		src.decode(outs, from, n)
		args := cols
		if groupMap != nil {
			sel, groups, args = sel[:0], groups[:0], cols[1:]
			for k, g := range cols[0].I32[:n] {
				if into := groupMap[g]; into != 0 {
					sel, groups = append(sel, uint16(k)), append(groups, into)
				}
			}
			if len(sel) == 0 {
				continue
			}
		}
		if err := w.foldDistinct(set, w.sets[set], args, sel, n, groups); err != nil {
			return err
		}
		if err := w.charge(); err != nil {
			return err
		}
	}
	return nil
}

func codecTypes(c *keyCodec) []types.Type {
	ts := make([]types.Type, len(c.cols))
	for i, k := range c.cols {
		ts[i] = k.typ
	}
	return ts
}
