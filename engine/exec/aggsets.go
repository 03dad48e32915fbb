package exec

import (
	"context"
	"errors"
	"slices"

	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// Past the budget, DISTINCT aggregates go two ways: a worker forgets their states and gives the keys and arguments of
// each row to an inner aggregation, which has no functions and spills as any other. When all input is read the inner
// groups, each of them once now, are folded into the functions. So not even the arguments of one group have to fit.

// planInner makes the inner aggregation of each set.
func (p *aggPlan) planInner() {
	for _, set := range p.sets {
		es := slices.Clone(p.exprs[:p.nKeys])
		for _, a := range set {
			es = append(es, p.exprs[a])
		}
		inner := &AggregateOp{keys: es, fields: exprFields(es)}
		inner.plan = aggPlan{exprs: fieldColumns(inner.fields), nKeys: len(es), simple: true, codec: newKeyCodec(exprTypes(es), false)}
		p.inner = append(p.inner, inner)
	}
}

// spillSets moves the different rows of all sets to the inner workers, and writes those out.
func (w *aggWorker) spillSets() error {
	if w.settled || len(w.plan.sets) == 0 {
		return nil
	}
	if w.inner == nil {
		w.inner = make([]*aggWorker, len(w.plan.sets))
		for i, op := range w.plan.inner {
			in, err := newAggWorker(&op.plan, w.query)
			if err != nil {
				return err
			}
			w.inner[i] = in
		}
		for i := range w.sets {
			if err := w.moveSet(i, w, 1, nil); err != nil {
				return err
			}
		}
		w.sets = nil
		if err := w.forgetDistinct(); err != nil {
			return err
		}
	}
	for _, in := range w.inner {
		if in.table.n > 1 {
			if err := in.spillRows(); err != nil {
				return err
			}
		}
	}
	return nil
}

// innerRows is how many rows an inner table takes before it is written out.
const innerRows = 1 << 15

// moveSet adds the rows of src's set from row from on to the inner worker, those of the groups in members if that is
// not nil.
func (w *aggWorker) moveSet(set int, src *aggWorker, from int, members []uint32) error {
	in, s := w.inner[set], src.sets[set]
	argOuts, args := newOutVectors(codecTypes(s.codec))
	keyOuts, cols := newOutVectors(codecTypes(src.table.codec))
	if w.plan.nKeys == 0 {
		keyOuts, cols = nil, nil
	} else {
		args = args[1:]
	}
	cols = append(cols, args...)
	for ; from < s.table.n; from += vector.MaxRows {
		n := min(vector.MaxRows, s.table.n-from)
		s.decode(argOuts, from, n)
		var sel []uint16
		if keyOuts != nil {
			groups := argOuts[0].I32[:n]
			src.decodeKeys(keyOuts, groups)
			if members != nil {
				sel = []uint16{}
				for k, g := range groups {
					if members[g] != 0 {
						sel = append(sel, uint16(k))
					}
				}
			}
		}
		if sel != nil && len(sel) == 0 {
			continue
		}
		if err := in.fold(cols, sel, n); err != nil {
			return err
		}
		if in.table.n > innerRows {
			if err := in.spillRows(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *distinctSet) decode(outs []*outVector, from, n int) {
	t := s.table
	s.codec.decode(outs, n,
		func(k int) []uint64 { return t.rows[(from+k)*t.stride:] },
		func(k int) []byte { return t.keyBytes(uint32(from + k)) })
}

// decodeKeys sets outs to the keys of groups.
func (w *aggWorker) decodeKeys(outs []*outVector, groups []int32) {
	t := w.table
	w.plan.codec.decode(outs, len(groups),
		func(k int) []uint64 { return t.rows[int(groups[k])*t.stride:] },
		func(k int) []byte { return t.keyBytes(uint32(groups[k])) })
	if t.null == 0 {
		return
	}
	for k, g := range groups {
		if uint32(g) == t.null {
			outs[0].setNull(k)
		}
	}
}

// forgetDistinct clears the states of DISTINCT aggregates.
func (w *aggWorker) forgetDistinct() error {
	t := w.table
	for i, fn := range w.funcs {
		if w.plan.distinct[i] < 0 || w.plan.owner[i] != i {
			continue
		}
		for at := t.stride + w.state(i).Offset; at < len(t.rows); at += t.stride {
			clear(t.rows[at : at+fn.Words()])
		}
		fresh, err := agg.New(w.specs[i])
		if err != nil {
			return err
		}
		w.funcs[i] = fresh
	}
	return nil
}

// foldInner gives the rows whose arguments hold no NULL to the inner worker of a set.
func (w *aggWorker) foldInner(set int, vecs []*vector.Vector, sel []uint16, n int) error {
	live := n
	if sel != nil {
		live = len(sel)
	}
	cols := slices.Clone(vecs[:w.plan.nKeys])
	for _, a := range w.plan.sets[set] {
		cols = append(cols, vecs[a])
	}
	keep := make([]uint16, 0, live)
rows:
	for k := range live {
		i := rowAt(sel, k)
		for _, v := range cols[w.plan.nKeys:] {
			if v.IsNull(i) {
				continue rows
			}
		}
		keep = append(keep, uint16(i))
	}
	if len(keep) == 0 {
		return nil
	}
	return w.inner[set].fold(cols, keep, n)
}

// foldSet folds rows of an inner aggregation, keys and arguments, into the functions of its set.
func (w *aggWorker) foldSet(set int, b *vector.Batch) error {
	nKeys := w.plan.nKeys
	var groups []uint32
	if nKeys > 0 {
		w.gid = resize(w.gid, b.Len)
		groups = w.gid
		w.plan.codec.encode(&w.keys, b.Cols[:nKeys], nil, b.Len)
		w.dropCommonBits()
		w.table.groups(&w.keys, groups)
	}
	for i, a := range w.plan.sets[set] {
		w.args[a].Set(b.Cols[nKeys+i], nil, b.Len, groups)
	}
	for i, fn := range w.funcs {
		if w.plan.distinct[i] != set || w.plan.owner[i] != i {
			continue
		}
		in := &w.inputs[i]
		in.N, in.Groups, in.Counts = b.Len, groups, nil
		if err := fn.Update(w.state(i), in); err != nil {
			return err
		}
	}
	return w.charge()
}

// settle writes out what the workers hold, computes the DISTINCT aggregates of sets that were spilled, on lanes
// goroutines, and returns the workers, old and new, whose spilled groups together are the result. In case of an error
// the new ones are returned too, for the caller to free.
func (r *aggRun) settle(ctx context.Context, workers []*aggWorker, lanes int) ([]*aggWorker, error) {
	for _, w := range workers {
		if err := w.spillAll(); err != nil {
			return workers, err
		}
		if err := w.hold(); err != nil {
			return workers, err
		}
	}
	all := workers
	for set := range r.op.plan.sets {
		if workers[0].settled {
			break
		}
		fresh := make([]*aggWorker, lanes)
		streams := r.innerStreams(workers, set, lanes)
		err := parallel(ctx, lanes, func(ctx context.Context, i int) error {
			m, err := r.newSettled(workers[0].partLg)
			if err != nil {
				return errors.Join(err, streams[i].Close())
			}
			fresh[i] = m
			if err := drain(ctx, streams[i], func(b *vector.Batch) error { return m.foldSet(set, b) }); err != nil {
				return err
			}
			return errors.Join(m.spillAll(), m.hold())
		})
		for _, m := range fresh {
			if m != nil {
				all = append(all, m)
			}
		}
		if err != nil {
			return all, err
		}
	}
	for _, w := range workers {
		w.settled, w.inner = true, nil
	}
	return all, nil
}

// newSettled returns a worker that gets no rows with DISTINCT arguments that are not different.
func (r *aggRun) newSettled(partLg uint) (*aggWorker, error) {
	m, err := newAggWorker(&r.op.plan, r.query)
	if err != nil {
		return nil, err
	}
	m.settled, m.sets, m.partLg = true, nil, partLg
	return m, nil
}

// innerStreams returns the rows of a set, each once. Closing them frees the inner workers.
func (r *aggRun) innerStreams(workers []*aggWorker, set, lanes int) []Stream {
	run := &aggRun{op: r.op.plan.inner[set], query: r.query, spilled: true, partLg: spillPartLg, streams: lanes}
	for _, w := range workers {
		run.workers = append(run.workers, w.inner[set])
	}
	run.started.Store(true)
	run.once.Do(func() {})
	return run.newStreams()
}
