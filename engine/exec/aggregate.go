package exec

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// SortKey is one key of an order: MySQL's, with NULLs first ascending and last descending.
type SortKey struct {
	Expr expr.Expr
	Desc bool
}

func (k SortKey) String() string {
	if k.Desc {
		return k.Expr.String() + " desc"
	}
	return k.Expr.String()
}

func sortKeyList(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.String()
	}
	return strings.Join(parts, ", ")
}

// Aggregate is one aggregate function call over the input of an aggregation.
type Aggregate struct {
	Name     string // lower case, see agg.Known
	Args     []expr.Expr
	Distinct bool
	// OrderBy, Separator and MaxLenBytes (group_concat_max_len, 0: unlimited) are GROUP_CONCAT's.
	OrderBy     []SortKey
	Separator   string
	MaxLenBytes int
	Type        types.Type // of the result; zero: agg.Resolve's
	As          string     // name of the output column; empty: the call's text
}

func (a *Aggregate) String() string {
	args := exprList(a.Args)
	if len(a.Args) == 0 {
		args = "*"
	}
	if a.Distinct {
		args = "distinct " + args
	}
	if len(a.OrderBy) > 0 {
		args += " order by " + sortKeyList(a.OrderBy)
	}
	return a.Name + "(" + args + ")"
}

// AggregateOp groups rows by keys and computes aggregate functions.
type AggregateOp struct {
	child  Operator
	keys   []expr.Expr
	aggs   []Aggregate
	fields []Field
	plan   aggPlan
}

// aggPlan is what all workers of an aggregation share.
type aggPlan struct {
	exprs    []expr.Expr // the keys, then the arguments, each once
	nKeys    int
	specs    []agg.Spec
	args     [][]int // of each function, positions in exprs
	owner    []int   // function whose state this one reads; itself for most
	distinct []int   // index into sets, or -1
	sets     [][]int // arguments (positions in exprs) of each DISTINCT set
	inner    []*AggregateOp
	offsets  []int // words before each function's state, of owners
	words    int   // of all states
	codec    *keyCodec
	simple   bool // states lie in the table alone
}

// NewAggregate returns an operator whose output is the keys, then the aggregates. Without keys it yields one
// row, also over no rows; with keys, a row a group, in no order. NULLs are one group, and so are NaNs; -0
// equals 0; strings group by bytes.
func NewAggregate(child Operator, keys []expr.Expr, aggs []Aggregate) (*AggregateOp, error) {
	op := &AggregateOp{child: child, keys: keys, aggs: append([]Aggregate(nil), aggs...)}
	op.fields = exprFields(keys)
	p := &op.plan
	p.nKeys, p.exprs, p.simple = len(keys), append([]expr.Expr(nil), keys...), true
	p.codec = newKeyCodec(exprTypes(keys), false)
	seen := map[string]int{}
	for i := range op.aggs {
		if err := p.add(&op.aggs[i], seen); err != nil {
			return nil, err
		}
		a := &op.aggs[i]
		name := a.As
		if name == "" {
			name = a.String()
		}
		op.fields = append(op.fields, Field{Name: name, Type: a.Type, Nullable: agg.Nullable(a.Name)})
	}
	p.planInner()
	return op, nil
}

// NewDistinct returns an operator that yields each different row of child once, in no order.
func NewDistinct(child Operator) *AggregateOp {
	op, err := NewAggregate(child, fieldColumns(child.Fields()), nil)
	if err != nil {
		panic("exec: " + err.Error()) // only aggregates can fail, and there are none
	}
	op.fields = child.Fields()
	return op
}

// add resolves a, and gives it arguments and a place for its state.
func (p *aggPlan) add(a *Aggregate, seen map[string]int) error {
	typ, err := agg.Resolve(a.Name, exprTypes(a.Args), a.Distinct)
	if err != nil {
		return err
	}
	if a.Type.Kind == types.Invalid {
		a.Type = typ
	}
	spec := agg.Spec{Name: a.Name, Type: a.Type, Separator: a.Separator, MaxLenBytes: a.MaxLenBytes, Text: a.String()}
	var args []int
	use := func(e expr.Expr) {
		args = append(args, p.argument(e, seen))
		spec.Args = append(spec.Args, e.Type())
	}
	for i, e := range a.Args {
		if t := agg.ArgType(a.Name, i, e.Type()); t != e.Type() {
			e = expr.Cast(e, t)
		}
		use(e)
	}
	for _, k := range a.OrderBy {
		use(k.Expr)
		spec.Order = append(spec.Order, k.Desc)
	}
	set := -1
	switch {
	case a.Name == "group_concat":
		spec.Distinct = a.Distinct
	case a.Distinct && a.Name != "min" && a.Name != "max" && a.Name != "any_value":
		set = p.distinctSet(args)
	}
	return p.place(spec, args, set)
}

// argument returns the position of e among the expressions that are computed, adding it if it is new.
func (p *aggPlan) argument(e expr.Expr, seen map[string]int) int {
	id := exprID(e)
	if i, ok := seen[id]; ok {
		return i
	}
	p.exprs = append(p.exprs, e)
	seen[id] = len(p.exprs) - 1
	return len(p.exprs) - 1
}

// exprID is a text that only equal expressions have in common.
func exprID(e expr.Expr) string {
	var b strings.Builder
	expr.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Column:
			fmt.Fprintf(&b, "#%d ", x.Index)
		case *expr.Literal:
			fmt.Fprintf(&b, "%v:%s ", x.Val.Type, x.Val)
		case *expr.Call:
			fmt.Fprintf(&b, "%s/%d:%v(", x.Name, len(x.Args), x.Typ)
		default:
			fmt.Fprintf(&b, "%p ", x)
		}
		return true
	})
	return b.String()
}

func (p *aggPlan) distinctSet(args []int) int {
	for i, s := range p.sets {
		if fmt.Sprint(s) == fmt.Sprint(args) {
			return i
		}
	}
	p.sets = append(p.sets, args)
	return len(p.sets) - 1
}

// place gives the function a state of its own, or that of an earlier one which is the same.
func (p *aggPlan) place(spec agg.Spec, args []int, set int) error {
	i := len(p.specs)
	p.specs, p.args, p.distinct = append(p.specs, spec), append(p.args, args), append(p.distinct, set)
	fn, err := agg.New(&p.specs[i])
	if err != nil {
		return err
	}
	p.simple = p.simple && set < 0 && agg.Spills(fn)
	if family := agg.Family(&p.specs[i]); family != "" {
		for j := range i {
			if p.owner[j] == j && p.distinct[j] == set && agg.Family(&p.specs[j]) == family && fmt.Sprint(p.args[j]) == fmt.Sprint(args) {
				p.owner, p.offsets = append(p.owner, j), append(p.offsets, p.offsets[j])
				return nil
			}
		}
	}
	p.owner, p.offsets = append(p.owner, i), append(p.offsets, p.words)
	p.words += fn.Words()
	return nil
}

// Fields implements Operator.
func (a *AggregateOp) Fields() []Field { return a.fields }

// Children implements Operator.
func (a *AggregateOp) Children() []Operator { return []Operator{a.child} }

// Describe implements Operator.
func (a *AggregateOp) Describe() string {
	parts := make([]string, len(a.aggs))
	for i := range a.aggs {
		parts[i] = a.aggs[i].String()
	}
	if len(a.aggs) == 0 {
		return "Distinct " + exprList(a.keys)
	}
	d := "Aggregate " + strings.Join(parts, ", ")
	if len(a.keys) > 0 {
		d += " by " + exprList(a.keys)
	}
	return d
}

// Open implements Operator.
func (a *AggregateOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	ins, err := a.child.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	run := &aggRun{op: a, query: q, inputs: ins}
	n := q.workers()
	if len(a.keys) == 0 {
		n = 1
	}
	run.streams = n
	return run.newStreams(), nil
}

// aggRun is one execution: the first stream to be asked consumes the input with all workers, then each
// stream takes partitions, merges the workers' groups of one, and puts them out.
type aggRun struct {
	op      *AggregateOp
	query   *Query
	inputs  []Stream
	once    sync.Once
	started atomic.Bool
	err     error
	workers []*aggWorker
	partLg  int // partitions are 1<<partLg; one worker alone is not merged but split by ranges
	whole   *aggWorker
	spilled bool
	streams int // of output
	task    atomic.Int64
	open    atomic.Int32
}

func (r *aggRun) newStreams() []Stream {
	r.open.Store(int32(r.streams))
	out := make([]Stream, r.streams)
	for i := range out {
		s := &aggStream{run: r}
		s.outs, s.out.Cols = newOutVectors(fieldTypes(r.op.fields))
		out[i] = s
	}
	return out
}

func (r *aggRun) consume(ctx context.Context) error {
	r.once.Do(func() {
		r.started.Store(true)
		r.err = r.consumeInputs(ctx)
	})
	return r.err
}

func (r *aggRun) consumeInputs(ctx context.Context) error {
	r.workers = make([]*aggWorker, len(r.inputs))
	err := parallel(ctx, len(r.inputs), func(ctx context.Context, i int) error {
		w, err := newAggWorker(&r.op.plan, r.query)
		if err != nil {
			r.inputs[i].Close()
			return err
		}
		r.workers[i] = w
		return drain(ctx, r.inputs[i], w.update)
	})
	if err != nil {
		return err
	}
	return r.planMerge(ctx)
}

// Partitions of the merge hold about mergeGroups groups each; fewer groups than smallMerge are merged at once.
const (
	mergeGroups = 1 << 15
	smallMerge  = 1 << 12
	maxPartLg   = 8
)

func (r *aggRun) planMerge(ctx context.Context) error {
	total, most := 0, 0
	spilled := false
	for i, w := range r.workers {
		spilled = spilled || w.spilledAny()
		total += w.table.n - 1
		if w.table.n > r.workers[most].table.n {
			most = i
		}
	}
	big := r.workers[most]
	switch {
	case spilled || r.mergeTooLarge(big, total):
		return r.planSpilled(ctx)
	case len(r.workers) == 1 || total == big.table.n-1 || r.op.plan.nKeys == 0 || total < smallMerge:
		r.workers[0], r.workers[most] = big, r.workers[0]
		if err := r.mergeAll(ctx); err != nil || !big.spilledAny() {
			return err
		}
		return r.planSpilled(ctx)
	}
	for r.partLg < maxPartLg && (1<<r.partLg < len(r.workers) || (r.op.plan.simple && total>>r.partLg > mergeGroups)) {
		r.partLg++
	}
	return nil
}

// mergeAll merges all workers into the first one.
func (r *aggRun) mergeAll(ctx context.Context) error {
	r.whole = r.workers[0]
	for _, w := range r.workers[1:] {
		if err := r.whole.mergeFrom(ctx, w, 0, 0); err != nil {
			return err
		}
		w.free()
	}
	r.workers = r.workers[:1]
	return nil
}

// planSpilled writes the groups of all workers out, to be merged partition by partition.
func (r *aggRun) planSpilled(ctx context.Context) (err error) {
	r.whole = nil
	if r.workers, err = r.settle(ctx, r.workers, r.query.workers()); err != nil {
		return err
	}
	if r.op.plan.nKeys == 0 {
		return r.mergeAll(ctx)
	}
	r.spilled, r.partLg = true, spillPartLg
	return nil
}

// mergeTooLarge reports whether merging in memory, which holds most groups twice, might not fit the budget
// although spilling them first would.
func (r *aggRun) mergeTooLarge(big *aggWorker, total int) bool {
	room, limited := r.query.Memory.room()
	p := &r.op.plan
	if !limited || len(r.workers) == 1 || p.nKeys == 0 && len(p.sets) == 0 || p.nKeys > 0 && total == big.table.n-1 {
		return false
	}
	size := int64(0)
	for _, w := range r.workers {
		size += w.sizeBytes()
	}
	return 2*size > room
}

func (r *aggRun) leave() {
	if r.open.Add(-1) > 0 {
		return
	}
	if !r.started.Load() {
		_ = closeAll(r.inputs)
	}
	for _, w := range r.workers {
		if w != nil {
			w.free()
		}
	}
}
