package planner

import (
	"container/list"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// planCache keeps the plans of SELECT statements that come again, so that a look-up spares the host's parser, binder
// and analyzer. What is kept is the tree before optimisation, with the values of parameters left open: every
// execution optimises it for the versions and values at hand. Safe for concurrent use.
type planCache struct {
	mu      sync.Mutex
	entries map[planKey]*list.Element
	order   *list.List // of *planEntry, front: most recently used
	hits    atomic.Int64
}

const (
	maxPlans       = 4096
	maxPlanText    = 16 << 10 // longer statements are not kept
	seenBeforeKept = 1        // a statement is kept when it comes again
)

// planKey is everything outside of the tables' metadata that a plan depends on.
type planKey struct {
	text, database, user, client string
	access                       string // what the account may do: a plan was checked when it was made
	kinds                        string // of the parameters, a letter each
	settings                     [4]any
}

// planSettings are the session variables of planKey.settings.
var planSettings = [4]string{"sql_mode", "time_zone", "sql_select_limit", catalog.AsOfVariable}

// planEntry is a statement that was seen. template is nil while it was seen too seldom, or if it cannot be kept.
type planEntry struct {
	key      planKey
	seen     int
	rejected bool
	template *template
}

func newPlanCache() *planCache {
	return &planCache{entries: map[planKey]*list.Element{}, order: list.New()}
}

// find returns the entry of a key, a new one if need be, and whether it is time to make its template.
func (pc *planCache) find(key planKey) (e *planEntry, due bool) {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	el, ok := pc.entries[key]
	if !ok {
		el = pc.order.PushFront(&planEntry{key: key})
		pc.entries[key] = el
		if pc.order.Len() > maxPlans {
			last := pc.order.Back()
			delete(pc.entries, pc.order.Remove(last).(*planEntry).key)
		}
	}
	pc.order.MoveToFront(el)
	e = el.Value.(*planEntry)
	due = e.template == nil && !e.rejected && e.seen == seenBeforeKept
	e.seen++
	return e, due
}

// settle stores what became of an entry's template.
func (pc *planCache) settle(e *planEntry, t *template) {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	e.template, e.rejected = t, t == nil
}

// templateOf returns an entry's template, nil if there is none, and whether there never will be.
func (pc *planCache) templateOf(e *planEntry) (t *template, rejected bool) {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	return e.template, e.rejected
}

// drop forgets an entry whose template does not fit any more.
func (pc *planCache) drop(e *planEntry) {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	if el, ok := pc.entries[e.key]; ok && el.Value.(*planEntry) == e {
		pc.order.Remove(el)
		delete(pc.entries, e.key)
	}
}

// PlanCacheHits counts the statements that ran from a kept plan.
func (rt *Runtime) PlanCacheHits() int64 { return rt.plans.hits.Load() }

// RunKept executes a SELECT from a kept plan and sends its rows to the sink in ctx. handled is false if there is no
// plan for it, or none yet; nothing has been done then, and the host has to run the statement. Statements that differ in
// the constants of their WHERE clause share a plan, in which these are parameters.
func (rt *Runtime) RunKept(ctx *sql.Context, text string, bindings map[string]ast.Expr) (handled bool, err error) {
	sink := sinkFrom(ctx)
	if sink == nil || len(text) > maxPlanText {
		return false, nil
	}
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return false, nil
	}
	if explicit, err := session.Explicit(ctx); err != nil || explicit && ctx.GetTransaction() == nil {
		return false, nil // the host begins the transaction
	}
	k := keptRun{rt, ctx, session, sink}
	if len(bindings) == 0 {
		if open, literals := parser.OpenLiterals(text, sqlMode(ctx).ParserOptions()); len(literals) > 0 {
			handled, possible, err := k.try(open, literalBindings(literals))
			if handled || possible {
				return handled, err
			}
		}
	}
	handled, _, err = k.try(text, bindings)
	return handled, err
}

func literalBindings(literals []parser.Literal) map[string]ast.Expr {
	out := make(map[string]ast.Expr, len(literals))
	for i, l := range literals {
		v := ast.NewIntVal([]byte(l.Text))
		if l.String {
			v = ast.NewStrVal([]byte(l.Text))
		}
		out["v"+strconv.Itoa(i+1)] = v
	}
	return out
}

// keptRun is a statement that may run from a kept plan.
type keptRun struct {
	rt      *Runtime
	ctx     *sql.Context
	session *catalog.Session
	sink    resultSink
}

// try runs the statement if there is a plan for the text. possible says that there may be one the next time.
func (k keptRun) try(text string, bindings map[string]ast.Expr) (handled, possible bool, err error) {
	rt, ctx := k.rt, k.ctx
	key, values, ok := keyOf(ctx, text, bindings)
	if !ok {
		return false, false, nil
	}
	entry, due := rt.plans.find(key)
	if due {
		rt.plans.settle(entry, rt.makeTemplate(ctx, text, key, values))
	}
	t, rejected := rt.plans.templateOf(entry)
	if t == nil {
		return false, !rejected, nil
	}
	if err := k.session.ValidateSession(ctx); err != nil {
		return false, true, nil
	}
	r, ok := t.instantiate(ctx, k.session, values)
	if !ok {
		rt.plans.drop(entry)
		return false, true, nil
	}
	rt.plans.hits.Add(1)
	sql.IncrementStatusVariable(ctx, "Questions", 1)
	sql.IncrementStatusVariable(ctx, "Com_select", 1)
	ctx.ClearWarnings()
	return true, true, rt.runKept(ctx, k.session, t, r, k.sink)
}

func (rt *Runtime) runKept(ctx *sql.Context, session *catalog.Session, t *template, r rel, sink resultSink) error {
	defer session.EndStatement(ctx)
	c, err := rt.newConverter(ctx)
	if err != nil {
		return err
	}
	op, err := rt.plan(ctx, c, r)
	if err != nil {
		return err
	}
	if err := sink.Begin(t.schema, c.env.Location); err != nil {
		return err
	}
	return exec.Run(ctx, rt.query(ctx, c.env), op, func(b *vector.Batch) error { return sink.WriteBatch(b) })
}

// keyOf returns the key of a statement and the values of its parameters, of which all must be integers or strings.
func keyOf(ctx *sql.Context, text string, bindings map[string]ast.Expr) (planKey, []types.Value, bool) {
	client := ctx.Session.Client()
	key := planKey{text: text, database: ctx.GetCurrentDatabase(), user: client.User, client: client.Address}
	if session, err := catalog.SessionOf(ctx); err != nil {
		return key, nil, false
	} else if key.access, err = session.AccessKey(ctx); err != nil {
		return key, nil, false // the host refuses the statement
	}
	for i, name := range planSettings {
		v, err := ctx.Session.GetSessionVariable(ctx, name)
		if err != nil {
			return key, nil, false
		}
		key.settings[i] = v
	}
	values := make([]types.Value, len(bindings))
	kinds := make([]byte, len(bindings))
	for i := range values {
		v, kind := parameterValue(bindings["v"+strconv.Itoa(i+1)])
		if kind == 0 {
			return key, nil, false
		}
		values[i], kinds[i] = v, kind
	}
	key.kinds = string(kinds)
	return key, values, true
}

// parameterValue returns a parameter's value and the letter of its kind, 0 for kinds that are not kept open.
func parameterValue(e ast.Expr) (types.Value, byte) {
	v, ok := e.(*ast.SQLVal)
	if !ok {
		return types.Value{}, 0
	}
	switch v.Type {
	case ast.IntVal:
		n, err := strconv.ParseInt(string(v.Val), 10, 64)
		if err != nil {
			return types.Value{}, 0
		}
		return types.IntValue(types.Of(types.Int64), n), 'i'
	case ast.StrVal:
		return types.StringValue(string(v.Val)), 's'
	}
	return types.Value{}, 0
}

// markOf returns a value by which parameter i of a kind is found again in the plan: one that no statement contains.
func markOf(kind byte, i int) (ast.Expr, any) {
	if kind == 'i' {
		n := int64(math.MaxInt64/2 + 70923171831*(int64(i)+1))
		return ast.NewIntVal([]byte(strconv.FormatInt(n, 10))), n
	}
	s := "\x01featuresql parameter " + strconv.Itoa(i) + strings.Repeat("\x02", 7)
	return ast.NewStrVal([]byte(s)), s
}
