package exec

import (
	"sync"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// Query is what the operators of one statement share.
type Query struct {
	Workers   int           // parallel streams per pipeline, at least 1
	BatchRows int           // rows per batch, at most vector.MaxRows; tests use 3
	Env       *expr.Env     // time zone, statement time, warnings
	Memory    *Budget       // bytes that buffering operators may hold before they spill; nil: unlimited
	Wait      time.Duration // how long Run waits for room in the server's budget, Memory's parent; 0: it begins at once
	TempDir   string        // where operators spill; empty: os.TempDir
	Reads     *Reads        // told of every scan that begins; may be nil
	// NoJoinFilters keeps joins from telling scans of their keys, for tests.
	NoJoinFilters bool
	ending        *ending // nil outside of Run
}

// ending is what is done when a plan has run, whichever of its streams were opened.
type ending struct {
	mu   sync.Mutex
	acts []func()
}

// Begin returns q for one execution of a plan, and what must be called when all of that plan's streams are closed. Run
// does both.
func (q *Query) Begin() (run *Query, end func()) {
	own := *q
	own.ending = &ending{}
	return &own, own.ending.run
}

// atEnd has f called once the plan has run and its streams are closed.
func (q *Query) atEnd(f func()) {
	if q.ending != nil {
		q.ending.mu.Lock()
		defer q.ending.mu.Unlock()
		q.ending.acts = append(q.ending.acts, f)
	}
}

func (e *ending) run() {
	for _, f := range e.acts {
		f()
	}
}

func (q *Query) workers() int { return max(1, q.Workers) }

func (q *Query) batchRows() int {
	if q.BatchRows <= 0 || q.BatchRows > vector.MaxRows {
		return vector.MaxRows
	}
	return q.BatchRows
}
