package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/txn"
)

// Config is a schedule.
type Config struct {
	Seed uint64
	// Settle returns when every other goroutine waits for something that only the scheduler, or time, can bring: synctest.Wait.
	Settle func()
}

// Stats says what happened in a schedule.
type Stats struct {
	Commits, Conflicts, Duplicates, Unknown, Crashes, Failed int
}

const (
	maxWriters    = 4
	maxStatements = 4
	keys          = 4
	maxTries      = 6 // executions of one statement
)

// outcome is what a writer was told of a statement.
type outcome uint8

const (
	done    outcome = iota + 1 // committed
	refused                    // certainly not committed
	open                       // nobody knows
)

// try is one execution of a statement, under one transaction id.
type try struct {
	stmt    Statement
	outcome outcome
}

// run is one schedule under way.
type run struct {
	cfg    Config
	layout Layout
	store  *Memory
	q      queue
	tries  map[string]*try // by transaction id; written by one goroutine at a time, as the scheduler lets only one run
	stats  Stats
	alive  atomic.Int32
	lost   bool // whether something may have left files behind
}

// Run executes the schedule of cfg. It must be called where time stands still (synctest).
func Run(cfg Config) (Stats, error) {
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	r := &run{cfg: cfg, store: NewMemory(), tries: map[string]*try{}}
	r.layout = Layout{Vectors: rng.IntN(2) == 0, Keyed: rng.IntN(2) == 0, Serializable: rng.IntN(2) == 0}
	fail := func(err error) (Stats, error) {
		return r.stats, fmt.Errorf("seed %d (%v): %w", cfg.Seed, r.layout, err)
	}
	if err := txn.CreateTable(context.Background(), r.store, r.layout.creation(), txn.Options{}); err != nil {
		return fail(err)
	}
	faults := rng.IntN(3) > 0
	writers := 2 + rng.IntN(maxWriters-1)
	r.alive.Store(int32(writers))
	logs := make([]writer, writers)
	for i := range logs {
		logs[i] = writer{run: r, id: i, rng: rand.New(rand.NewPCG(cfg.Seed, uint64(i)+2)), faults: faults, tries: map[string]*try{}}
		go logs[i].work()
	}
	r.schedule(rng)
	for _, w := range logs {
		for id, t := range w.tries {
			r.tries[id] = t
		}
		r.lost = r.lost || w.lost
		r.stats.Add(w.stats)
	}
	if err := r.check(); err != nil {
		return fail(err)
	}
	return r.stats, nil
}

// Add adds the counts of other schedules.
func (s *Stats) Add(o Stats) {
	s.Commits += o.Commits
	s.Conflicts += o.Conflicts
	s.Duplicates += o.Duplicates
	s.Unknown += o.Unknown
	s.Crashes += o.Crashes
	s.Failed += o.Failed
}

// schedule lets one store call go at a time until every writer is done. Sometimes, and when none waits, time passes.
func (r *run) schedule(rng *rand.Rand) {
	for {
		r.cfg.Settle()
		if r.alive.Load() == 0 {
			return
		}
		if rng.IntN(16) == 0 || !r.q.release(rng.IntN) {
			time.Sleep(time.Duration(1+rng.IntN(64)) * time.Millisecond)
		}
	}
}

// writer is a process that executes statements, and starts anew when it crashes.
type writer struct {
	*run
	id     int
	rng    *rand.Rand
	faults bool
	ids    int
	tries  map[string]*try
	stats  Stats
	lost   bool
}

func (w *writer) work() {
	defer w.alive.Add(-1)
	left := 1 + w.rng.IntN(maxStatements)
	for left > 0 {
		left = w.process(left)
	}
}

// rules are the faults of one process.
func (w *writer) rules() []faultstore.Rule {
	if !w.faults {
		return nil
	}
	much := 1.0
	if w.rng.IntN(4) == 0 {
		much = 10
	}
	rules := []faultstore.Rule{
		{Ops: faultstore.All, Prob: 0.02 * much, Kind: faultstore.Fail},
		{Ops: faultstore.Writes, Prob: 0.04 * much, Kind: faultstore.LostAck},
		{Ops: faultstore.All, Prob: 0.05, Kind: faultstore.Slow, Latency: 30 * time.Millisecond},
		{Ops: faultstore.Put, Prob: 0.02, Kind: faultstore.Partial},
	}
	if w.rng.IntN(5) == 0 { // commits whose fate cannot be found out
		rules = append(rules, faultstore.Rule{Ops: faultstore.PutIfAbsent, Prob: 0.5, Kind: faultstore.LostAck},
			faultstore.Rule{Ops: faultstore.Get, Prob: 0.6, Kind: faultstore.Fail})
	}
	if w.rng.IntN(3) == 0 {
		kind := faultstore.CrashBefore + faultstore.Kind(w.rng.IntN(2))
		rules = append(rules, faultstore.Rule{Ops: faultstore.All, Nth: 1 + w.rng.IntN(40), Kind: kind})
	}
	return rules
}

// process executes up to n statements until it crashes, and returns how many are left.
func (w *writer) process(n int) int {
	store := faultstore.New(w.store, faultstore.Options{Seed: w.rng.Uint64(), Rules: w.rules()})
	ctx := context.Background()
	for ; n > 0 && !store.Crashed(); n-- {
		// Opening does not read; a fault shows in the statement.
		table, err := delta.Open(ctx, gate{store, &w.q, w.id}, delta.Options{})
		if err != nil {
			w.stats.Failed++
			continue
		}
		w.execute(ctx, store, table, w.statement())
	}
	if store.Crashed() {
		w.stats.Crashes++
		w.lost = true
	}
	for _, c := range store.Trace() {
		w.lost = w.lost || c.Fault && c.Op == faultstore.Delete
	}
	return n
}

// statement makes one up.
func (w *writer) statement() Statement {
	s := Statement{Kind: Kind(w.rng.IntN(int(numKinds))), ID: w.rng.Int64N(keys), By: 1 + w.rng.Int64N(100)}
	switch {
	case s.Kind == Append && w.layout.Keyed:
		s.Kind = Insert
	case !w.layout.Keyed && (s.Kind == Insert || s.Kind == Upsert):
		s.Kind = Append
	case s.Kind == Property && w.rng.IntN(2) == 0: // they stop everybody else
		s.Kind = Update
	}
	for i := range 1 + w.rng.Int64N(3) {
		s.Rows = append(s.Rows, Row{ID: (s.ID + i) % keys, N: 1 + w.rng.Int64N(100)})
	}
	return s
}

// execute runs one statement, again after each conflict, as the planner does.
func (w *writer) execute(ctx context.Context, store *faultstore.Store, table *delta.Table, s Statement) {
	for range maxTries {
		t := &try{stmt: s, outcome: refused}
		err := w.once(ctx, table, t)
		var conflict *txn.ConflictError
		var duplicate *dml.DuplicateKeyError
		var unknown *txn.UnknownOutcomeError
		switch {
		case store.Crashed():
			t.outcome = open
			return
		case err == nil:
			t.outcome = done
			w.stats.Commits++
			return
		case errors.As(err, &unknown):
			t.outcome = open
			w.stats.Unknown++
			w.lost = true
			return
		case errors.As(err, &duplicate):
			w.stats.Duplicates++
			return
		case !errors.As(err, &conflict):
			w.stats.Failed++
			return
		}
		w.stats.Conflicts++
	}
}

func (w *writer) once(ctx context.Context, table *delta.Table, t *try) error {
	snap, err := table.Snapshot(ctx)
	if err != nil {
		return err
	}
	tx := txn.Begin(table, snap, txn.Options{Rand: w.rng.Float64, NewID: func() string {
		w.ids++
		id := strconv.Itoa(w.id) + "-" + strconv.Itoa(w.ids)
		w.tries[id] = t
		return id
	}})
	if err = t.stmt.stage(ctx, tx, w.layout.Keyed); err == nil {
		_, err = tx.Commit(ctx)
	}
	tx.Rollback()
	tx.Clean(ctx)
	return err
}
