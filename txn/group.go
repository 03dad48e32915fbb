package txn

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
)

// Group lets the transactions of one process on one table share commits: those that come while a commit is under way wait and are then committed
// together, each with an outcome of its own. The zero value is ready to use, by any number of goroutines.
//
// Only transactions that add rows or files and do nothing else share. Rows (AddRows) of all go to one file for each partition. Each is checked against every commit since its own base and against
// those before it in the shared commit, as if they had been committed one after the other.
type Group struct {
	mu      sync.Mutex
	waiting []*member
	running bool
	came    chan struct{} // tells the running goroutine that another one waits

	// What follows belongs to the running goroutine.
	recent map[delta.Version]*winner // own commits, which younger members need not read
	last   *winner                   // the newest of them: while it is there, so are the others
	table  string                    // the id of their table: it may be dropped, by anybody, and made anew
	took   time.Duration             // by the last commit
	crowd  int                       // how many transactions were in the last commit or waited behind it
}

// TransactionsParameter is the operation parameter of a shared commit that holds the ids of its transactions, in order, with commas between them.
const TransactionsParameter = "transactions"

// maxMembers bounds how many transactions share a commit, and maxRecent how many commits are remembered.
const (
	maxMembers = 256
	maxRecent  = 64
)

// member is a transaction that waits for its outcome.
type member struct {
	ctx     context.Context
	tx      *Transaction
	done    chan struct{}
	version delta.Version
	err     error
	ended   bool
}

// end gives the member its outcome.
func (m *member) end(v delta.Version, o outcome, err error) {
	m.version, m.err, m.tx.outcome, m.ended = v, err, o, true
	close(m.done)
}

// Commit is tx.Commit, perhaps together with other transactions. Its errors are the same.
func (g *Group) Commit(ctx context.Context, tx *Transaction) (delta.Version, error) {
	if tx.closed || tx.rows == nil && !tx.changes.onlyAdds() {
		return tx.Commit(ctx)
	}
	tx.closed, tx.outcome = true, abandoned
	if err := tx.check(); err != nil {
		return 0, err
	}
	m := &member{ctx: ctx, tx: tx, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	if g.came == nil {
		g.came = make(chan struct{}, 1)
	}
	if !g.running {
		g.running = true
		go g.run()
	}
	g.mu.Unlock()
	select {
	case g.came <- struct{}{}:
	default:
	}
	<-m.done
	return m.version, m.err
}

// run commits what waits until nothing does.
func (g *Group) run() {
	for {
		g.linger()
		g.mu.Lock()
		n := min(len(g.waiting), maxMembers)
		batch := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.running = n > 0
		g.mu.Unlock()
		if n == 0 {
			return
		}
		start := time.Now()
		g.commit(batch)
		g.took = time.Since(start)
		g.mu.Lock()
		g.crowd = n + len(g.waiting)
		g.mu.Unlock()
	}
}

// linger gives the transactions of the last commit, of which some have their answers only now, a moment to come back with others. Without
// it the connections of a server fall into halves that wait for each other. It never takes longer than half a commit.
func (g *Group) linger() {
	end := time.NewTimer(0)
	defer end.Stop()
	for begun := false; ; {
		g.mu.Lock()
		n, pause := len(g.waiting), time.Duration(0)
		if n > 0 && n < g.crowd {
			pause = min(g.waiting[0].tx.opts.Linger, g.took/2)
		}
		g.mu.Unlock()
		if pause == 0 {
			return
		}
		if !begun {
			end.Reset(pause)
			begun = true
		}
		select {
		case <-g.came:
		case <-end.C:
			return
		}
	}
}

// commit commits transactions together and tells each what became of it. It goes on when one of them is cancelled: the others are not.
func (g *Group) commit(batch []*member) {
	defer func() {
		if r := recover(); r != nil { // a bug must not take the server down, nor leave anybody waiting
			endAll(batch, &PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	newest := batch[0].tx
	for _, m := range batch {
		if m.tx.base.Version() > newest.base.Version() {
			newest = m.tx
		}
	}
	ctx := context.WithoutCancel(batch[0].ctx)
	all := &Transaction{
		table: newest.table, base: newest.base, opts: newest.opts, begun: newest.begun,
		changes: newChanges(newest.changes.root), reads: newReadSet(), rebased: map[string]*vectorChange{},
	}
	for _, m := range batch {
		if m.tx.begun.Before(all.begun) {
			all.begun = m.tx.begun
		}
	}
	c := &committer{
		tx: all, log: commitLog{all.table.Store(), all.opts}, previous: all.base.Timestamp(),
		next: attempt{version: all.base.Version() + 1, beside: all.base.CommitObject()},
	}
	var err error
	if c.rowID, err = all.baseRowID(); err == nil {
		g.forgetReplaced(ctx, c)
		err = g.passOwn(c)
	}
	if err != nil {
		for _, m := range batch {
			m.end(0, abandoned, err)
		}
		return
	}
	c.members = g.admit(ctx, c, batch)
	c.writeRows(ctx)
	if len(c.members) > 0 {
		all.share(c.members, c.written)
		c.next.txnID = all.id
		err = c.run(ctx)
	}
	g.finish(ctx, c, err)
}

// passOwn moves the commit past the group's own ones, which are known to be there.
func (g *Group) passOwn(c *committer) error {
	for w := g.recent[c.next.version]; w != nil; w = g.recent[c.next.version] {
		if err := c.rebase(w); err != nil {
			return err
		}
		c.next.version, c.below = c.next.version+1, w.object
	}
	return nil
}

// forgetReplaced forgets the group's commits if they are not in c's log: it may be another table's, or was put back from a copy.
func (g *Group) forgetReplaced(ctx context.Context, c *committer) {
	if id := c.tx.base.Metadata().ID; id != g.table {
		g.recent, g.last, g.table = nil, nil, id
	}
	if g.last == nil {
		return
	}
	if o, err := c.log.store.Head(ctx, g.last.object.Key); err != nil || !o.Same(g.last.object) {
		g.recent, g.last = nil, nil
	}
}

// endAll tells those that do not know yet that their outcome is not known.
func endAll(batch []*member, err error) {
	for _, m := range batch {
		if !m.ended {
			m.end(0, unknown, &UnknownOutcomeError{Table: m.tx.table.URL(), Version: m.tx.base.Version() + 1, TxnID: m.tx.id, Err: err})
		}
	}
}

// finish tells the members that were not dropped on the way, and has the checkpoint written if one is due. The last member waits for that,
// so that nothing goes on when all statements have ended; the group's next commit does not.
func (g *Group) finish(ctx context.Context, c *committer, err error) {
	o := committed
	if err != nil {
		o = abandoned
		if isUnknown(err) {
			o = unknown
		}
	}
	if o == abandoned {
		c.discard(ctx)
	}
	n := len(c.members)
	if n > 0 && err == nil {
		for range n { // transactions, not commits
			c.log.observe(Committed, c.next.version, c.next.number, nil)
		}
		g.remember(ctx, c)
	}
	for i, m := range c.members {
		v := c.next.version
		if err != nil {
			v = 0
		} else if i == n-1 && checkpointDue(c.tx.metadata(), v) {
			m.ended = true
			go c.endWithCheckpoint(ctx, m)
			return
		}
		m.end(v, o, err)
	}
}

// endWithCheckpoint tells m of its commit once the checkpoint of that is written.
func (c *committer) endWithCheckpoint(ctx context.Context, m *member) {
	defer func() {
		if r := recover(); r != nil { // a bug must not take the server down, nor deny what is committed
			c.log.observe(CheckpointFailed, c.next.version, c.next.number, &PanicError{Value: r, Stack: debug.Stack()})
		}
		m.end(c.next.version, committed, nil)
	}()
	c.checkpoint(ctx)
}

// remember keeps the commit for members whose base is older.
func (g *Group) remember(ctx context.Context, c *committer) {
	key := log.CommitKey(c.next.version)
	w, err := summarize(c.next.version, key, c.next.data)
	if err == nil {
		w.object, err = c.log.store.Head(ctx, key)
	}
	if err != nil || w.object.SizeBytes != int64(len(c.next.data)) {
		return // it is read from the store when it is needed
	}
	if with := rowMembers(c.members); len(with) == len(c.members) {
		w.keys = keysOf(with)
	}
	if len(g.recent) >= maxRecent || g.recent == nil {
		g.recent = map[delta.Version]*winner{}
	}
	g.recent[w.version], g.last = w, w
}

// admit checks each transaction against the commits between its base and the newest one of the batch, and against those before it in the
// batch. It tells those that cannot be committed, and returns the others.
func (g *Group) admit(ctx context.Context, c *committer, batch []*member) []*member {
	var in []*member
	there := map[*delta.Snapshot]bool{c.tx.base: true} // it is looked at around the put
	keys := map[string]struct{}{}                      // of the rows of those that are in
	rest := slices.DeleteFunc(slices.Clone(batch), func(m *member) bool { return m.tx.rows != nil })
	for _, m := range append(rest, rowMembers(batch)...) { // rows last: files are compared by statistics, which rows do not have yet
		err := m.ctx.Err()
		if err == nil && !g.follows(ctx, m.tx, there) {
			err = &ConflictError{Table: m.tx.table.URL(), Kind: LogTruncated, Base: m.tx.base.Version(), Version: c.next.version}
		}
		if err == nil {
			err = g.catchUp(ctx, c, m.tx)
		}
		if err == nil {
			err = m.tx.besides(ctx, c.next.version, in, keys)
		}
		if err != nil {
			m.end(0, abandoned, err)
			continue
		}
		in = append(in, m)
		m.tx.rows.gather(keys)
	}
	return in
}

// follows says whether tx began on the log that the group continues. there holds what is known of bases.
func (g *Group) follows(ctx context.Context, tx *Transaction, there map[*delta.Snapshot]bool) bool {
	if _, known := there[tx.base]; !known {
		is, err := tx.base.StillThere(ctx)
		there[tx.base] = tx.base.Metadata().ID == g.table && (is || err != nil)
	}
	return there[tx.base]
}

// catchUp checks tx against the commits after its base up to the base of the shared commit.
func (g *Group) catchUp(ctx context.Context, c *committer, tx *Transaction) error {
	for v := tx.base.Version() + 1; v < c.next.version; v++ {
		w := g.recent[v]
		if w == nil {
			var err error
			if w, _, err = c.log.read(ctx, v); err != nil {
				return fmt.Errorf("table %s: commit: %w", tx.table.URL(), err)
			}
		}
		if w == nil {
			return &ConflictError{Table: tx.table.URL(), Kind: LogTruncated, Base: tx.base.Version(), Version: v}
		}
		conflict, err := tx.conflictWithOwn(ctx, w)
		if err != nil {
			return fmt.Errorf("table %s: check against version %d: %w", tx.table.URL(), v, err)
		}
		if conflict != nil {
			return conflict
		}
	}
	return nil
}

// conflictWithOwn is conflict, but compares keys where w, a commit of this group, added rows alone: the range of its file's keys tells little.
func (tx *Transaction) conflictWithOwn(ctx context.Context, w *winner) (*ConflictError, error) {
	if tx.rows == nil || tx.rows.Keys == nil || w.keys == nil {
		return tx.conflict(ctx, w)
	}
	if tx.rows.meets(w.keys) {
		return tx.conflictError(w, ConcurrentAppend, ""), nil
	}
	return nil, nil
}

// besides checks tx against transactions that precede it in the commit of version v, whose rows have these keys.
func (tx *Transaction) besides(ctx context.Context, v delta.Version, before []*member, keys map[string]struct{}) error {
	if tx.rows.meets(keys) {
		return &ConflictError{Table: tx.table.URL(), Kind: ConcurrentAppend, Base: tx.base.Version(), Version: v}
	}
	for _, m := range before {
		if m.tx.rows != nil { // then tx is of rows, too: their keys have been compared
			continue
		}
		info, _ := m.tx.commitInfo(v, tx.base.Timestamp(), tx.base.Timestamp())
		conflict, err := tx.conflict(ctx, &winner{version: v, info: info, adds: m.tx.changes.liveAdds()})
		if err != nil {
			return fmt.Errorf("table %s: check within version %d: %w", tx.table.URL(), v, err)
		}
		if conflict != nil {
			return conflict
		}
	}
	return nil
}

// share makes tx the sum of the members, under the id of the first.
func (tx *Transaction) share(members []*member, written []action.Add) {
	tx.id = members[0].tx.id
	tx.changes = newChanges(tx.changes.root)
	tx.reads = newReadSet()
	for _, a := range written {
		tx.changes.add(a) // their names are new
	}
	op := members[0].tx.changes.operation
	op.metrics = maps.Clone(op.metrics)
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.tx.id
		for _, a := range m.tx.changes.liveAdds() {
			tx.changes.add(a) // two of one path were told apart by besides
		}
		tx.reads.all = tx.reads.all || !m.tx.reads.empty()
		if o := m.tx.changes.operation; i > 0 {
			addMetrics(op.metrics, o.metrics)
			if o.name != op.name {
				op.name = "WRITE"
			}
		}
	}
	if len(members) > 1 {
		op.params = map[string]string{TransactionsParameter: strings.Join(ids, ",")}
	}
	tx.changes.operation = op
}

func addMetrics(sum, more map[string]string) {
	for name, text := range more {
		a, errA := strconv.ParseInt(sum[name], 10, 64)
		b, errB := strconv.ParseInt(text, 10, 64)
		if errA == nil && errB == nil {
			sum[name] = strconv.FormatInt(a+b, 10)
		}
	}
}

// onlyAdds says that the changes add files and do nothing else.
func (c *changes) onlyAdds() bool {
	return len(c.live) > 0 && len(c.removes) == 0 && len(c.cdc) == 0 && c.metadata == nil && c.protocol == nil &&
		len(c.apps) == 0 && len(c.domains) == 0
}

// drop takes the members out that w stands in the way of. Nobody may be left. They are told when the file of their rows is gone.
func (c *committer) drop(ctx context.Context, w *winner) {
	in, out := []*member{}, map[*member]error{}
	for _, m := range c.members {
		conflict, err := m.tx.conflict(ctx, w)
		switch {
		case err != nil:
			out[m] = fmt.Errorf("table %s: check against version %d: %w", c.tx.table.URL(), w.version, err)
		case conflict != nil:
			out[m] = conflict
		default:
			in = append(in, m)
		}
	}
	lessRows := len(rowMembers(in)) < len(rowMembers(c.members))
	all := c.members
	c.members = in
	if lessRows {
		c.writeRows(ctx)
	}
	if len(out) > 0 && len(c.members) > 0 {
		c.tx.share(c.members, c.written)
		c.next.txnID = c.tx.id
	}
	for _, m := range all {
		if err := out[m]; err != nil {
			m.end(0, abandoned, err)
		}
	}
}
