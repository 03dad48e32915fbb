package exec

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// JoinKind says which rows a join puts out.
type JoinKind uint8

// The kinds of joins. The probe side is the left one.
const (
	JoinInner         JoinKind = iota
	JoinLeft                   // and probe rows without a match, with NULLs for the build side
	JoinRight                  // and build rows without a match
	JoinFull                   // both
	JoinSemi                   // probe rows with a match, once; probe columns only
	JoinAnti                   // probe rows without a match; probe columns only (NOT EXISTS)
	JoinAntiNullAware          // NOT IN: as JoinAnti, but a comparison that is NULL counts as a match
	JoinBuildSemi              // build rows with a match, once; build columns only. Hash joins alone have this and the next
	JoinBuildAnti              // build rows without a match; build columns only
)

var joinNames = [...]string{"inner", "left", "right", "full", "semi", "anti", "anti (not in)", "semi of the build side", "anti of the build side"}

func (k JoinKind) String() string { return joinNames[k] }

// probeOnly reports whether the build columns are not put out.
func (k JoinKind) probeOnly() bool { return k >= JoinSemi && k <= JoinAntiNullAware }

// buildOnly reports whether the probe columns are not put out.
func (k JoinKind) buildOnly() bool { return k == JoinBuildSemi || k == JoinBuildAnti }

// marksBuild reports whether build rows are put out at the end, by whether they had a match.
func (k JoinKind) marksBuild() bool { return k.keepsBuild() || k.buildOnly() }

// keepsNull reports whether build rows with a NULL key, which matches nothing, are put out.
func (k JoinKind) keepsNull() bool { return k.keepsBuild() || k == JoinBuildAnti }

// keepsBuild reports whether build rows without a match are put out.
func (k JoinKind) keepsBuild() bool { return k == JoinRight || k == JoinFull }

// keepsProbe reports whether probe rows without a match are put out with NULLs.
func (k JoinKind) keepsProbe() bool { return k == JoinLeft || k == JoinFull }

func joinFields(kind JoinKind, probe, build []Field) []Field {
	if kind.buildOnly() {
		return build
	}
	out := append([]Field(nil), probe...)
	if kind.probeOnly() {
		return out
	}
	for i := range out {
		out[i].Nullable = out[i].Nullable || kind.keepsBuild()
	}
	for _, f := range build {
		f.Nullable = f.Nullable || kind.keepsProbe()
		out = append(out, f)
	}
	return out
}

// HashJoinOp joins on equal keys.
type HashJoinOp struct {
	probe, build         Operator
	kind                 JoinKind
	probeKeys, buildKeys []expr.Expr
	residual             expr.Expr
	fields               []Field
	depth                int // how many times the rows have been partitioned by hash and spilled
}

// NewHashJoin returns a join of probe and build on probeKeys[i] = buildKeys[i], which must have the same type
// (integers may differ in width). residual, if any, is a further condition over the probe's columns followed
// by the build's. NULL keys match nothing. The output is the probe's columns, then the build's unless kind is
// a semi or anti join; then it is the columns of one side. JoinAntiNullAware takes one key and no residual; the general NOT IN is
// NewNestedLoop's. The build side is held in memory; past the budget, both sides are partitioned into files.
func NewHashJoin(probe, build Operator, kind JoinKind, probeKeys, buildKeys []expr.Expr, residual expr.Expr) (*HashJoinOp, error) {
	if len(probeKeys) == 0 || len(probeKeys) != len(buildKeys) {
		return nil, &expr.TypeError{Function: "hash join", Reason: fmt.Sprintf("%d keys against %d", len(probeKeys), len(buildKeys))}
	}
	if kind == JoinAntiNullAware && (len(probeKeys) != 1 || residual != nil) {
		return nil, &expr.TypeError{Function: "hash join", Reason: "NOT IN takes one key and no other condition"}
	}
	for i := range probeKeys {
		if p, b := probeKeys[i].Type(), buildKeys[i].Type(); !sameKeyType(p, b) {
			return nil, &expr.TypeError{Function: "hash join", Reason: fmt.Sprintf("key types %s and %s differ", p, b)}
		}
	}
	return &HashJoinOp{probe: probe, build: build, kind: kind, probeKeys: probeKeys, buildKeys: buildKeys, residual: residual,
		fields: joinFields(kind, probe.Fields(), build.Fields())}, nil
}

// sameKeyType reports whether equal values of the two types have equal words.
func sameKeyType(a, b types.Type) bool {
	switch {
	case a.Kind == types.Decimal:
		return b.Kind == a.Kind && a.Scale == b.Scale && a.Physical() == b.Physical()
	case a.IsInteger():
		return b.IsInteger() && (a.Kind == types.Uint64) == (b.Kind == types.Uint64)
	case a.IsFloat():
		return b.IsFloat()
	case a.IsBytes():
		return b.IsBytes()
	}
	return a.Kind == b.Kind
}

// Fields implements Operator.
func (j *HashJoinOp) Fields() []Field { return j.fields }

// Children implements Operator.
func (j *HashJoinOp) Children() []Operator { return []Operator{j.probe, j.build} }

// Describe implements Operator.
func (j *HashJoinOp) Describe() string {
	d := fmt.Sprintf("Hash join %s: %s = %s", j.kind, exprList(j.probeKeys), exprList(j.buildKeys))
	if j.residual != nil {
		d += " and " + j.residual.String()
	}
	return d
}

// Open implements Operator.
func (j *HashJoinOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	builds, err := j.build.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	run := &joinRun{op: j, query: q, inputs: builds, columns: j.keepColumns() || q.Memory.limited()}
	run.keys = j.offer(q)
	out, err := mapStreams(ctx, q, j.probe, func(in Stream) (Stream, error) { return newJoinStream(run, in) })
	if err != nil {
		_ = closeAll(builds)
		return nil, err
	}
	for _, s := range out {
		run.probes = append(run.probes, s.(*joinStream).in)
	}
	run.open.Store(int32(len(out)))
	run.probing.Store(int32(len(out)))
	return out, nil
}

// joinRun is one execution of a hash join: the first stream that is asked builds the table with all workers.
type joinRun struct {
	op       *HashJoinOp
	query    *Query
	inputs   []Stream
	columns  bool // build rows are kept, not only their keys: to be put out, or to be spilled
	probes   []Stream
	keys     *keyFilter // told of the build's keys; nil: nobody asks
	spill    *joinSpill // nil: the table is in memory
	once     sync.Once
	started  atomic.Bool
	err      error
	table    *joinTable
	part     atomic.Int64 // next partition of spill to be joined
	spilling atomic.Bool
	open     atomic.Int32 // streams not closed
	probing  atomic.Int32 // streams that have not read all of their input
}

func (r *joinRun) prepare(ctx context.Context) error {
	r.once.Do(func() {
		r.started.Store(true)
		r.err = r.build(ctx)
	})
	return r.err
}

func (r *joinRun) leave() {
	if r.open.Add(-1) > 0 {
		return
	}
	if !r.started.Load() {
		_ = closeAll(r.inputs)
	}
	if r.table != nil {
		r.table.free()
		r.table = nil
	}
	if r.spill != nil {
		r.spill.close()
	}
}

// keepColumns reports whether the build rows' columns are needed after the build.
func (j *HashJoinOp) keepColumns() bool { return !j.kind.probeOnly() || j.residual != nil }
