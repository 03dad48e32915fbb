package dml

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// bulkRows is how many rows an INSERT into a table with a key holds in memory before it writes any. The rows of a longer one are
// written as they come, by all workers, and their keys are looked at when they are in the files: two rows of one key end the
// statement then, and nobody has seen its files.
var bulkRows = 1 << 16

// ErrRepeats says that the rows of a hopeful statement have a key twice, or may have one of the table's: they have to be taken in their
// order. Nothing of the statement stays.
var ErrRepeats = errors.New("a key repeats")

// bulk is an INSERT of many rows.
type bulk struct {
	t    *Table
	q    *exec.Query
	mode KeyedMode
	mu   sync.Mutex
	held []*vector.Batch // the first rows, until they are too many
	size int64           // bytes reserved for them
	rows int

	streaming atomic.Bool
	apps      []*appender
	seen      []*keyRange // of the workers
}

// insertNew inserts rows none of which may have a key that is there: that is a DuplicateKeyError, or in other modes than Reject
// ErrRepeats. If they are few it returns them instead, in their order, and small is true.
func (t *Table) insertNew(ctx context.Context, q *exec.Query, op exec.Operator, mode KeyedMode) (res Result, held []*vector.Batch, small bool, err error) {
	s := &bulk{t: t, q: q, mode: mode}
	defer func() {
		q.Memory.Release(s.size)
		if double := (*DuplicateKeyError)(nil); mode != Reject && errors.As(err, &double) {
			err = ErrRepeats
		}
	}()
	err = each(ctx, q, op, func() (worker, error) {
		seen := newKeyRange(t)
		s.seen = append(s.seen, seen)
		var a *appender
		write := func(b *vector.Batch) (err error) {
			if a == nil {
				if a, err = t.newAppender(ctx, q.Env); err != nil {
					return err
				}
				s.mu.Lock()
				s.apps = append(s.apps, a)
				s.mu.Unlock()
			}
			seen.add(t.keyColumns(b), b)
			return a.append(ctx, b, t.plainly(inserted))
		}
		return func(ctx context.Context, b *vector.Batch) error { return s.take(ctx, b, write) }, nil
	})
	if err == nil && !s.streaming.Load() {
		slices.SortStableFunc(s.held, func(a, b *vector.Batch) int { return cmp.Compare(a.First, b.First) })
		return Result{}, s.held, true, nil
	}
	if err != nil {
		abort(ctx, s.apps)
		return Result{}, nil, false, err
	}
	return Result{Inserted: rowsOf(s.apps)}, nil, false, s.finish(ctx)
}

func rowsOf(apps []*appender) (n int64) {
	for _, a := range apps {
		n += a.rows
	}
	return n
}

// take holds a batch, or writes it.
func (s *bulk) take(ctx context.Context, b *vector.Batch, write func(*vector.Batch) error) error {
	if s.streaming.Load() {
		return write(b)
	}
	s.mu.Lock()
	if s.rows += b.Rows(); s.rows <= bulkRows && !s.streaming.Load() {
		defer s.mu.Unlock()
		c := b.Compact()
		n := int64(c.SizeBytes())
		if err := s.q.Memory.Reserve("INSERT", n); err != nil {
			return err
		}
		s.size += n
		s.held = append(s.held, c)
		return nil
	}
	held := s.held
	if s.mode != Reject && len(held) > 0 {
		if hope, err := s.hope(ctx); !hope || err != nil {
			s.mu.Unlock()
			return cmp.Or(err, ErrRepeats)
		}
	}
	s.held = nil
	s.streaming.Store(true)
	s.mu.Unlock()
	for _, h := range append(held, b) {
		if err := write(h); err != nil {
			return err
		}
	}
	return nil
}

// hope reports whether the rows held have no key twice, and no file of the table may have one of theirs.
func (s *bulk) hope(ctx context.Context) (bool, error) {
	seen := newKeyRange(s.t)
	for _, b := range s.held {
		seen.add(s.t.keyColumns(b), b)
	}
	bounds, err := seen.bounds(s.t)
	if err != nil {
		return false, err
	}
	scan, err := s.t.source().Scan(ctx, exec.ScanSpec{Filter: expr.And(bounds...), Env: s.q.Env})
	if err != nil {
		return false, err
	}
	if st := scan.Stats(); st.Files > st.FilesSkipped {
		return false, nil
	}
	if seen.apart() {
		return true, nil
	}
	keys := make(map[string]struct{}, s.rows)
	for _, b := range s.held {
		for i := range b.Len {
			key, whole := encodeKey(s.t.keyColumns(b), i)
			if _, twice := keys[key]; twice && whole {
				return false, nil
			}
			keys[key] = struct{}{}
		}
	}
	return true, nil
}

// finish stages the files and looks whether a key is there twice.
func (s *bulk) finish(ctx context.Context) error {
	t := s.t
	all := mergeRanges(s.seen)
	preds, err := all.bounds(t)
	if err != nil {
		abort(ctx, s.apps)
		return err
	}
	whole, err := t.wholeKey()
	if err != nil {
		abort(ctx, s.apps)
		return err
	}
	filter := expr.And(append(preds, whole)...)
	if err := t.Read(filter, s.q.Env); err != nil {
		abort(ctx, s.apps)
		return err
	}
	before, err := t.source().Scan(ctx, exec.ScanSpec{Filter: filter, Env: s.q.Env})
	if err != nil {
		abort(ctx, s.apps)
		return err
	}
	if err := t.stage(ctx, s.apps); err != nil {
		return err
	}
	if st := before.Stats(); st.Files == st.FilesSkipped && all.apart() {
		return nil
	}
	after, err := t.Tx.Effective()
	if err != nil {
		return err
	}
	return t.newlyDoubled(ctx, s.q, after, t.Snapshot, filter)
}

// doubledKey is a key of several rows.
type doubledKey struct {
	text string // as MySQL shows it
	rows int64
}

// maxDoubled is how many keys of several rows are looked at.
const maxDoubled = 10_000

// newlyDoubled looks for a key that more rows of a version have than of the one before, of those for which filter is true: several had it
// there if other engines wrote them, which is no concern of the statement.
func (t *Table) newlyDoubled(ctx context.Context, q *exec.Query, after, before *delta.Snapshot, filter expr.Expr) error {
	doubled, err := t.doubled(ctx, q, after, filter)
	if err != nil || len(doubled) == 0 {
		return err
	}
	var old map[string]doubledKey
	if before != nil {
		if old, err = t.doubled(ctx, q, before, filter); err != nil {
			return err
		}
	}
	for key, n := range doubled {
		if old[key].rows < n.rows {
			return &DuplicateKeyError{Table: t.Name, Key: n.text}
		}
	}
	return nil
}

// doubled returns keys that several rows of a version have, of those for which filter is true.
func (t *Table) doubled(ctx context.Context, q *exec.Query, snap *delta.Snapshot, filter expr.Expr) (map[string]doubledKey, error) {
	src := scan.NewSource(snap, scan.Options{Cache: t.Cache, Locate: snap.Table().Locate})
	in := exec.NewScan(src, exec.ScanSpec{Columns: t.Key, Filter: filter, Env: q.Env})
	keys := make([]expr.Expr, len(t.Key))
	for i, f := range in.Fields() {
		keys[i] = &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
	}
	counts, err := exec.NewAggregate(in, keys, []exec.Aggregate{{Name: "count"}})
	if err != nil {
		return nil, err
	}
	n := counts.Fields()[len(keys)]
	twice, err := expr.New(">", &expr.Column{Index: len(keys), Name: n.Name, Typ: n.Type}, &expr.Literal{Val: types.IntValue(types.Of(types.Int64), 1)})
	if err != nil {
		return nil, err
	}
	out := map[string]doubledKey{}
	return out, exec.Run(ctx, q, exec.NewLimit(exec.NewFilter(counts, twice), maxDoubled, 0), func(b *vector.Batch) error {
		for k := range b.Rows() {
			i := b.Row(k)
			key, _ := encodeKey(b.Cols[:len(keys)], i)
			out[key] = doubledKey{keyValues(b.Cols[:len(keys)], i), b.Cols[len(keys)].Int(i)}
		}
		return nil
	})
}

const (
	maxRuns = 1 << 14 // ascending runs of keys that are remembered
	wideGap = 64      // a gap between two keys so many times as wide as their batch's mean ends a run: other workers' keys may lie there
)

// keyRange is what is known of the keys of some rows: the least and the greatest value of each column, and of a key of one whole
// number or time the runs in which it ascends, the last one's end included.
type keyRange struct {
	single bool
	lo, hi []types.Value // not valid: there is none
	open   []bool        // a value has no place in the order
	runs   []keyRun
	mixed  bool // the keys are no numbers, or a NULL is among them
	falls  bool // a run begins below the end of the one before
	many   bool // there were too many runs
}

type keyRun struct{ lo, hi int64 }

func newKeyRange(t *Table) *keyRange {
	n := len(t.Key)
	r := &keyRange{lo: make([]types.Value, n), hi: make([]types.Value, n), open: make([]bool, n)}
	if k := t.fields()[t.Key[0]].Type; n == 1 && (k.IsInteger() && k.Kind != types.Uint64 || k.IsTemporal()) {
		r.single = true
	}
	r.mixed = !r.single
	return r
}

// add notes the keys of a batch.
func (r *keyRange) add(cols []*vector.Vector, b *vector.Batch) {
	if r.single && cols[0].Valid == nil {
		r.addWhole(cols[0], b)
		return
	}
	r.mixed = true
	for c, v := range cols {
		for k := range b.Rows() {
			if i := b.Row(k); !v.IsNull(i) {
				r.widen(c, v.Value(i))
			}
		}
	}
}

func (r *keyRange) widen(c int, v types.Value) {
	if v.Type.IsFloat() {
		r.open[c] = true // NaN is beyond every bound of statistics
	}
	if !r.lo[c].Valid || types.Compare(v, r.lo[c]) < 0 {
		r.lo[c] = v
	}
	if !r.hi[c].Valid || types.Compare(v, r.hi[c]) > 0 {
		r.hi[c] = v
	}
}

func (r *keyRange) addWhole(v *vector.Vector, b *vector.Batch) {
	n := b.Rows()
	if n == 0 {
		return
	}
	least := v.Int(b.Row(0))
	most := least
	for k := 1; k < n; k++ {
		x := v.Int(b.Row(k))
		least, most = min(least, x), max(most, x)
	}
	step := (uint64(most) - uint64(least)) / uint64(n)
	first := v.Int(b.Row(0))
	run := keyRun{lo: first, hi: first}
	for k := 1; k < n; k++ {
		x := v.Int(b.Row(k))
		if x <= run.hi || (uint64(x)-uint64(run.hi))/wideGap > step {
			r.push(run)
			run.lo = x
		}
		run.hi = x
	}
	r.push(run)
	r.widen(0, types.IntValue(v.Type, least))
	r.widen(0, types.IntValue(v.Type, most))
}

func (r *keyRange) push(run keyRun) {
	last := len(r.runs) - 1
	falls := last >= 0 && run.lo <= r.runs[last].hi
	r.falls = r.falls || falls
	switch {
	case last >= 0 && (r.many || !falls && r.runs[last].hi+1 == run.lo): // no key lies between
		r.runs[last].hi = run.hi
	case last >= maxRuns:
		r.many, r.runs = true, append(r.runs[:0], run)
	default:
		r.runs = append(r.runs, run)
	}
}

// ascends reports whether the keys ascend from the first to the last.
func (r *keyRange) ascends() bool { return !r.mixed && !r.falls }

// mergeRanges returns what is known of the keys of all workers.
func mergeRanges(rs []*keyRange) *keyRange {
	all := rs[0]
	for _, r := range rs[1:] {
		for c := range r.lo {
			all.open[c] = all.open[c] || r.open[c]
			for _, v := range []types.Value{r.lo[c], r.hi[c]} {
				if v.Valid {
					all.widen(c, v)
				}
			}
		}
		all.mixed, all.many = all.mixed || r.mixed, all.many || r.many
		all.runs = append(all.runs, r.runs...)
	}
	return all
}

// apart reports whether no two of the keys can be equal.
func (r *keyRange) apart() bool {
	if r.mixed || r.many {
		return false
	}
	slices.SortFunc(r.runs, func(a, b keyRun) int { return cmp.Compare(a.lo, b.lo) })
	for i := 1; i < len(r.runs); i++ {
		if r.runs[i].lo <= r.runs[i-1].hi {
			return false
		}
	}
	return true
}

// bounds returns conditions on the columns of the table that every row with one of the keys fulfils.
func (r *keyRange) bounds(t *Table) ([]expr.Expr, error) {
	var out []expr.Expr
	for c, at := range t.Key {
		if r.open[c] || !r.lo[c].Valid {
			continue
		}
		f := t.fields()[at]
		col := &expr.Column{Index: at, Name: f.Name, Typ: f.Type, Null: f.Nullable}
		ge, err := expr.New(">=", col, &expr.Literal{Val: r.lo[c]})
		if err != nil {
			return nil, err
		}
		le, err := expr.New("<=", col, &expr.Literal{Val: r.hi[c]})
		if err != nil {
			return nil, err
		}
		out = append(out, ge, le)
	}
	return out, nil
}
