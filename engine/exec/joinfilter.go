package exec

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// A join that drops probe rows without a match passes the keys of its build side, once it has read them, down to the
// scan that the probe's keys come from. The scan skips files, row groups and pages by their bounds, and decodes the
// other columns only of rows whose key the table may hold. Where the build side had to be spilled there is no table, and
// the scan learns nothing.

// LateFilter is what a scan learns when its streams are read: which values of some columns a join above it has. The plan
// does not need the rows that it turns away; a scan may put them out all the same. It may be used by several goroutines.
type LateFilter interface {
	// Columns returns positions in Source.Fields, in the order of the vectors that testers take.
	Columns() []int
	// Bounds returns a condition over the source's fields that all needed rows fulfil, for statistics; nil: nothing is known.
	Bounds() expr.Expr
	// Tester returns a tester for one goroutine, or nil where nothing is known of single rows.
	Tester() LateTester
}

// LateTester tests rows by the keys of a join.
type LateTester interface {
	// Keep returns the positions of those of the n rows at sel (nil: all) that may be needed, in a slice that is valid
	// until the next call; nil where testing is not worth its time and all stay.
	Keep(cols []*vector.Vector, sel []uint16, n int) []uint16
}

// keyFilter is the keys of one execution of a join; table is nil until they are known.
type keyFilter struct {
	table atomic.Pointer[joinTable]
	types []types.Type // of the build's keys
}

// offer hands a new filter to the scans below the probe side, and returns it; nil if no scan takes it.
func (j *HashJoinOp) offer(q *Query) *keyFilter {
	if q.NoJoinFilters || j.kind != JoinInner && j.kind != JoinSemi && j.kind != JoinRight && !j.kind.buildOnly() {
		return nil
	}
	f := &keyFilter{types: exprTypes(j.buildKeys)}
	cols, all := make([]int, len(j.probeKeys)), true
	taken := false
	for i, k := range j.probeKeys {
		c, ok := k.(*expr.Column)
		if all = all && ok; ok {
			cols[i] = c.Index
		}
	}
	if all {
		taken = offerTo(j.probe, &lateKeys{filter: f, cols: cols, only: -1})
	}
	if taken {
		return f
	}
	for i, k := range j.probeKeys {
		if c, ok := k.(*expr.Column); ok {
			taken = offerTo(j.probe, &lateKeys{filter: f, cols: []int{c.Index}, only: i}) || taken
		}
	}
	if !taken {
		return nil
	}
	return f
}

// lateKeys is a keyFilter for one scan. On the way down, cols are positions in the fields of the operator at hand.
type lateKeys struct {
	filter *keyFilter
	cols   []int
	only   int // the one key that cols has a column of; -1: all
	source Source
	once   sync.Once
	bounds expr.Expr
}

func (l *lateKeys) at(cols []int) *lateKeys {
	return &lateKeys{filter: l.filter, cols: cols, only: l.only}
}

// offerTo passes l through operators that commute with dropping rows by those columns; false if no scan takes it.
func offerTo(op Operator, l *lateKeys) bool {
	switch op := op.(type) {
	case lateTaker:
		return op.take(l)
	case *FilterOp:
		return stable(op.cond) && offerTo(op.child, l)
	case *ProjectOp:
		return offerThrough(op.child, op.exprs, l)
	case *AggregateOp:
		return len(op.keys) > 0 && offerThrough(op.child, op.keys, l)
	case *SortOp:
		return op.n < 0 && op.offset == 0 && offerTo(op.child, l)
	case *UnionOp:
		taken := false
		for _, p := range op.children {
			taken = offerTo(p, l) || taken
		}
		return taken
	case *HashJoinOp:
		return op.passOn(l)
	}
	return false
}

// lateTaker is a scan, or what embeds one.
type lateTaker interface{ take(l *lateKeys) bool }

// offerThrough passes l to what computes exprs, of which cols are the first ones, over child.
func offerThrough(child Operator, exprs []expr.Expr, l *lateKeys) bool {
	for _, e := range exprs {
		if !stable(e) {
			return false
		}
	}
	below := make([]int, len(l.cols))
	for i, at := range l.cols {
		if at >= len(exprs) {
			return false
		}
		c, ok := exprs[at].(*expr.Column)
		if !ok {
			return false
		}
		below[i] = c.Index
	}
	return offerTo(child, l.at(below))
}

// passOn passes l to the side of a join that all its columns are of, if the join keeps no rows of the other for lack of a match.
func (j *HashJoinOp) passOn(l *lateKeys) bool {
	n := len(j.probe.Fields())
	if j.kind.buildOnly() {
		return offerTo(j.build, l)
	}
	below, build := make([]int, len(l.cols)), l.cols[0] >= n
	for i, at := range l.cols {
		if (at >= n) != build {
			return false
		}
		if below[i] = at; build {
			below[i] -= n
		}
	}
	switch {
	case build:
		return j.kind == JoinInner && offerTo(j.build, l.at(below))
	case j.kind.keepsBuild():
		return false
	}
	return offerTo(j.probe, l.at(below))
}

// stable reports whether nobody sees for which rows e is evaluated.
func stable(e expr.Expr) bool {
	ok := true
	expr.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.RowFunc:
			ok = false
		case *expr.Call:
			f := expr.Lookup(x.Name)
			ok = ok && (f == nil || !f.Volatile)
		}
		return ok
	})
	return ok
}

// take notes a filter over columns of the table.
func (s *ScanOp) take(l *lateKeys) bool {
	cols := make([]int, len(l.cols))
	for i, at := range l.cols {
		if at >= len(s.spec.Columns) {
			return false
		}
		cols[i] = s.spec.Columns[at]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scan != nil {
		return false
	}
	own := l.at(cols)
	own.source = s.source
	s.spec.Late = append(s.spec.Late, own)
	return true
}

// Columns implements LateFilter.
func (l *lateKeys) Columns() []int { return l.cols }

// Tester implements LateFilter.
func (l *lateKeys) Tester() LateTester {
	if t := l.filter.table.Load(); t == nil || t.bits == nil || l.only >= 0 {
		return nil
	} else {
		return &keyTester{keyBits: t.bits}
	}
}

// Bounds implements LateFilter.
func (l *lateKeys) Bounds() expr.Expr {
	t := l.filter.table.Load()
	if t == nil {
		return nil
	}
	l.once.Do(func() {
		if t.empty() {
			l.bounds = &expr.Literal{Val: types.BoolValue(false)}
			return
		}
		var all []expr.Expr
		for k, at := range l.cols {
			key := k
			if l.only >= 0 {
				key = l.only
			}
			f := l.source.Fields()[at]
			all = append(all, t.boundsOf(key, l.filter.types[key], &expr.Column{Index: at, Name: f.Name, Typ: f.Type, Null: f.Nullable})...)
		}
		if len(all) > 0 {
			l.bounds = expr.And(all...)
		}
	})
	return l.bounds
}

// Up to how many build rows the bounds of their keys are a list.
const boundsListRows = 256

// empty reports whether no row of the build side has a key.
func (t *joinTable) empty() bool {
	for i := range t.keys {
		if len(t.keys[i].hashes) > 0 {
			return false
		}
	}
	return true
}

// boundsOf returns conditions that column c fulfils where it equals key k, of type typ, of some row.
func (t *joinTable) boundsOf(k int, typ types.Type, c *expr.Column) []expr.Expr {
	if typ.IsFloat() || typ.Kind == types.JSON {
		return nil
	}
	if vals := t.fewKeys(k, typ); vals != nil {
		args := []expr.Expr{c}
		for _, v := range vals {
			args = append(args, &expr.Literal{Val: v})
		}
		if e, err := expr.New("in", args...); err == nil {
			return []expr.Expr{e}
		}
		return nil
	}
	if !t.codec.single || t.least > t.most || typ.Kind == types.Uint64 || typ.Physical() == types.PhysI128 {
		return nil
	}
	var out []expr.Expr
	for _, b := range []struct {
		op   string
		word int64
	}{{">=", t.least}, {"<=", t.most}} {
		e, err := expr.New(b.op, c, &expr.Literal{Val: wordValue(typ, b.word)})
		if err != nil {
			return nil
		}
		out = append(out, e)
	}
	return out
}

// wordValue is the value that a key of one word stands for.
func wordValue(t types.Type, word int64) types.Value {
	if t.Kind == types.Decimal {
		return types.DecimalValue(t, types.Int128From(word))
	}
	return types.IntValue(t, word)
}

// fewKeys returns the values of key k if there are few rows, else nil.
func (t *joinTable) fewKeys(k int, typ types.Type) []types.Value {
	var refs []uint32
	for c := range t.keys {
		for r := range t.keys[c].hashes {
			if t.keys[c].null != nil && t.keys[c].null[r] {
				continue
			}
			if refs = append(refs, uint32(c<<chunkBits|r)); len(refs) > boundsListRows {
				return nil
			}
		}
	}
	outs, _ := newOutVectors(t.codec.types())
	at := func(i int) (*joinKeys, int) { return &t.keys[refs[i]>>chunkBits], int(refs[i] & (chunkRows - 1)) }
	w := t.codec.words
	t.codec.decode(outs, len(refs), func(i int) []uint64 {
		keys, r := at(i)
		return keys.words[r*w : (r+1)*w]
	}, func(i int) []byte {
		keys, r := at(i)
		return keys.bytes(r)
	})
	seen := map[string]bool{}
	vals := []types.Value{}
	for i := range refs {
		v := outs[k].Value(i)
		if v.Type = typ; !seen[v.String()] {
			seen[v.String()] = true
			vals = append(vals, v)
		}
	}
	return vals
}

// keyBits says of single keys whether the table may have them: a bit for each number between the least and the greatest
// key where these are whole numbers that lie close enough, else a bit for each of the first bits of a hash.
type keyBits struct {
	codec *keyCodec
	bits  []uint64
	least uint64
	span  uint64 // 0: by hash
	shift uint
}

// Bits a build row: where numbers may be told apart, and where hashes share them.
const (
	bitsPerNumber = 1024
	bitsPerHash   = 16
)

// keyBits returns the bits of the table's keys; nil where there is no memory for them.
func (t *joinTable) keyBits() *keyBits {
	rows := uint64(0)
	for c := range t.keys {
		rows += uint64(len(t.keys[c].hashes))
	}
	k := &keyBits{codec: t.codec, least: uint64(t.least)}
	span := uint64(t.most) - uint64(t.least) + 1
	size := span
	if t.codec.single && !t.codec.cols[0].typ.IsFloat() && t.least <= t.most && span-1 < max(rows*bitsPerNumber, 1<<16) && span < 1<<31 {
		k.span = span
	} else {
		lg := min(31, max(12, bits.Len64(rows*bitsPerHash)))
		size, k.shift = 1<<lg, uint(32-lg)
	}
	if t.acct.grow(int64(size/8+8)) != nil {
		return nil
	}
	k.bits = make([]uint64, size/64+1)
	for c := range t.keys {
		keys := &t.keys[c]
		for r, h := range keys.hashes {
			if keys.null != nil && keys.null[r] {
				continue
			}
			at := uint64(h >> k.shift)
			if k.span > 0 {
				at = keys.words[r] - k.least
			}
			k.bits[at>>6] |= 1 << (at & 63)
		}
	}
	return k
}

// keyTester tests rows by the bits of their keys.
type keyTester struct {
	*keyBits
	kb             keyBatch
	sel            []uint16
	tested, passed int
}

// After so many rows a tester that keeps more than 3 of 4 gives up.
const testerTrial = 1 << 15

// Keep implements LateTester.
func (k *keyTester) Keep(cols []*vector.Vector, sel []uint16, n int) []uint16 {
	if k.tested > testerTrial && k.passed > k.tested/4*3 {
		return nil
	}
	k.codec.encode(&k.kb, cols, sel, n)
	rows := k.kb.n
	if cap(k.sel) < rows {
		k.sel = make([]uint16, 0, vector.MaxRows)
	}
	out, kept := k.sel[:rows], 0
	nulls := len(k.kb.nulls) > 0
	for i := range out {
		at := uint64(uint32(k.kb.hashes[i]>>32) >> k.shift)
		if k.span > 0 {
			if at = k.kb.words[i] - k.least; at >= k.span {
				continue
			}
		}
		if k.bits[at>>6]>>(at&63)&1 != 0 && !(nulls && k.kb.isNull[i]) {
			out[kept] = uint16(rowAt(sel, i))
			kept++
		}
	}
	k.tested += rows
	k.passed += kept
	return out[:kept:kept]
}
