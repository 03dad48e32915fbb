package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
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
	// Drops has somebody drop the table and make it anew while the others write. No process crashes then: a commit put into the place of a
	// dropped table is taken back by who put it.
	Drops bool
}

// Stats says what happened in a schedule.
type Stats struct {
	Commits, Shared, Conflicts, Duplicates, Unknown, Crashes, Failed, Drops int
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
	read    delta.Version
	table   string // the id of the table that it began on
	outcome outcome
}

// run is one schedule under way.
type run struct {
	cfg    Config
	layout Layout
	adding bool // most statements only add rows, so that commits are shared
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
	r.adding = rng.IntN(3) == 0
	fail := func(err error) (Stats, error) {
		return r.stats, fmt.Errorf("seed %d (%v): %w", cfg.Seed, r.layout, err)
	}
	if err := txn.CreateTable(context.Background(), r.store, r.creation(0), txn.Options{}); err != nil {
		return fail(err)
	}
	faults := rng.IntN(3) > 0
	writers := 2 + rng.IntN(maxWriters-1)
	r.alive.Store(int32(writers))
	if cfg.Drops {
		r.alive.Add(1)
		go r.drop(rand.New(rand.NewPCG(cfg.Seed, 1000)))
	}
	processes := make([]process, writers)
	for i := range processes {
		processes[i] = process{run: r, id: i, rng: rand.New(rand.NewPCG(cfg.Seed, uint64(i)+2)), faults: faults}
		go processes[i].work()
	}
	r.schedule(rng)
	for _, p := range processes {
		r.lost = r.lost || p.lost
		r.stats.Crashes += p.crashes
		for _, w := range p.writers {
			maps.Copy(r.tries, w.tries)
			r.lost = r.lost || w.lost
			r.stats.Add(w.stats)
		}
	}
	if err := r.check(); err != nil {
		return fail(err)
	}
	return r.stats, nil
}

// Add adds the counts of other schedules.
func (s *Stats) Add(o Stats) {
	s.Commits += o.Commits
	s.Shared += o.Shared
	s.Conflicts += o.Conflicts
	s.Duplicates += o.Duplicates
	s.Unknown += o.Unknown
	s.Crashes += o.Crashes
	s.Failed += o.Failed
	s.Drops += o.Drops
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

// creation makes the n-th table of the schedule. Those that are dropped have no checkpoints: one that is written while its table is dropped may
// get into the next one.
func (r *run) creation(n int) txn.Creation {
	c := r.layout.creation(n)
	if r.cfg.Drops {
		c.Metadata.Configuration["delta.checkpointInterval"] = "1000"
	}
	return c
}

// drop makes the table anew, some times: DROP TABLE, which is one step of a folder, and CREATE TABLE.
func (r *run) drop(rng *rand.Rand) {
	defer r.alive.Add(-1)
	const dropper = 1 << 30
	for n := range 1 + rng.IntN(3) {
		for range rng.IntN(60) {
			r.q.wait(dropper, "idle")
		}
		for {
			r.q.wait(dropper, "drop")
			r.store.Clear()
			for range rng.IntN(4) {
				r.q.wait(dropper, "idle")
			}
			if txn.CreateTable(context.Background(), gate{r.store, &r.q, dropper}, r.creation(n+1), txn.Options{}) == nil {
				break // else somebody put a commit into the folder, which is about to be taken back
			}
		}
		r.stats.Drops++
	}
}

// process is a server with some writers, which starts anew when it crashes.
type process struct {
	*run
	id      int
	rng     *rand.Rand
	faults  bool
	crashes int
	lost    bool
	writers []*writer
}

// writer executes one statement after the other, in a process.
type writer struct {
	*run
	name  string
	rng   *rand.Rand
	group *txn.Group
	ids   int
	tries map[string]*try
	stats Stats
	lost  bool
}

func (w *process) work() {
	defer w.alive.Add(-1)
	left := 1 + w.rng.IntN(maxStatements)
	for left > 0 {
		left = w.live(left)
	}
}

// rules are the faults of one process.
func (w *process) rules() []faultstore.Rule {
	if !w.faults {
		return nil
	}
	if w.cfg.Drops {
		return []faultstore.Rule{
			{Ops: faultstore.Reads | faultstore.Put, Prob: 0.01, Kind: faultstore.Fail},
			{Ops: faultstore.PutIfAbsent, Prob: 0.2, Kind: faultstore.LostAck},
			{Ops: faultstore.All, Prob: 0.1, Kind: faultstore.Slow, Latency: 30 * time.Millisecond},
		}
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

// live lets one to three writers, who share commits, execute up to n statements each, until the process crashes. It returns for how many
// statements it has to live again.
func (p *process) live(n int) int {
	store := faultstore.New(p.store, faultstore.Options{Seed: p.rng.Uint64(), Rules: p.rules()})
	var wg sync.WaitGroup
	group := &txn.Group{}
	writers := 1 + p.rng.IntN(3)*p.rng.IntN(2)
	if p.adding {
		writers = 4
	}
	for range writers {
		w := &writer{run: p.run, name: strconv.Itoa(p.id) + "-" + strconv.Itoa(len(p.writers)), rng: rand.New(rand.NewPCG(p.rng.Uint64(), 3)), group: group, tries: map[string]*try{}}
		p.writers = append(p.writers, w)
		view := gate{store, &p.q, p.id<<16 + len(p.writers)}
		wg.Go(func() { w.work(store, view, n) })
	}
	wg.Wait()
	for _, c := range store.Trace() {
		p.lost = p.lost || c.Fault && c.Op == faultstore.Delete
	}
	if !store.Crashed() {
		return 0
	}
	p.crashes++
	p.lost = true
	return n - 1
}

func (w *writer) work(store *faultstore.Store, view gate, n int) {
	ctx := context.Background()
	for ; n > 0 && !store.Crashed(); n-- {
		// Opening does not read; a fault shows in the statement.
		table, err := delta.Open(ctx, view, delta.Options{})
		if err != nil {
			w.stats.Failed++
			continue
		}
		w.execute(ctx, store, table, w.statement())
	}
}

// statement makes one up.
func (w *writer) statement() Statement {
	s := Statement{Kind: Kind(w.rng.IntN(int(numKinds))), ID: w.rng.Int64N(keys), By: 1 + w.rng.Int64N(100)}
	if w.adding && w.rng.IntN(4) > 0 {
		s.Kind = Append
	}
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
		id := w.name + "-" + strconv.Itoa(w.ids)
		t.read, t.table = snap.Version(), snap.Metadata().ID
		w.tries[id] = t
		return id
	}})
	if err = t.stmt.stage(ctx, tx, w.layout.Keyed); err == nil {
		_, err = w.group.Commit(ctx, tx)
	}
	tx.Rollback()
	tx.Clean(ctx)
	return err
}
