//go:build linux

package torture_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

func init() { _ = mysql.SetLogger(log.New(io.Discard, "", 0)) } // the driver reports each lost connection

// numCounters are the rows of the table counter, which all writers add to.
const numCounters = 4

// writer executes statements of its own rows of table own, which nobody else touches, and knows what they must be.
type writer struct {
	id      int
	rng     *rand.Rand
	next    int64
	rows    map[int64]int64         // n by id, of the statements that are in
	open    *map[int64]int64        // rows, if the statement whose answer was lost is in
	counts  [numCounters]int64      // what it added to the counters for sure
	maybe   [numCounters]int64      // and what it may have added besides
	keys    map[int64]int64         // of table keyed
	openKey *map[int64]int64        // as open
	made    map[string]int          // rows of the tables that it made
	openTab map[string]maybeTable   // tables that may be there
	ops     map[string]map[bool]int // statements done, by kind and whether they were acknowledged
	err     error                   // what must not happen
}

// maybeTable is what may have become of a table: before and after an unanswered statement; -1 is no table.
type maybeTable struct{ before, after int }

func newWriter(seed uint64, id int) *writer {
	return &writer{id: id, rng: rand.New(rand.NewPCG(seed, uint64(id)+100)), rows: map[int64]int64{}, keys: map[int64]int64{},
		made: map[string]int{}, openTab: map[string]maybeTable{}, ops: map[string]map[bool]int{}}
}

// fate is what an error says about a statement.
type fate int

const (
	in   fate = iota // it was carried out
	out              // certainly not
	lost             // nobody knows
	bad              // it must not have failed that way
)

func judge(err error, allowed ...uint16) fate {
	var my *mysql.MySQLError
	switch {
	case err == nil:
		return in
	case !errors.As(err, &my):
		return lost // the connection broke
	case my.Number == 1180:
		return lost // the server itself does not know
	case my.Number == 1213:
		return out
	}
	if slices.Contains(allowed, my.Number) {
		return out
	}
	return bad
}

// note counts a statement, and says whether the writer can go on.
func (w *writer) note(kind string, f fate, err error) bool {
	if w.ops[kind] == nil {
		w.ops[kind] = map[bool]int{}
	}
	w.ops[kind][f == in]++
	if f == bad {
		w.err = fmt.Errorf("writer %d: %s: %w", w.id, kind, err)
	}
	return f == in || f == out
}

// work executes statements until the connection breaks or stop is closed.
func (w *writer) work(ctx context.Context, c *sql.Conn, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		var goOn bool
		switch k := w.rng.IntN(20); {
		case k < 12:
			goOn = w.change(ctx, c)
		case k < 14:
			goOn = w.transaction(ctx, c)
		case k < 16:
			goOn = w.count(ctx, c)
		case k < 17:
			goOn = w.whole(ctx, c)
		case k < 19:
			goOn = w.key(ctx, c)
		default:
			goOn = w.table(ctx, c)
		}
		if !goOn {
			return
		}
	}
}

// statement makes up a statement of the writer's rows, and what they are after it.
func (w *writer) statement(rows map[int64]int64) (kind, text string, after map[int64]int64) {
	after = maps.Clone(rows)
	lo := 1 + w.rng.Int64N(max(1, w.next))
	hi := min(lo+w.rng.Int64N(8), w.next)
	between := fmt.Sprintf("w = %d AND id BETWEEN %d AND %d", w.id, lo, hi)
	switch k := w.rng.IntN(10); {
	case k < 4 || w.next == 0:
		n := 1 + w.rng.IntN(5)
		if w.rng.IntN(10) == 0 {
			n = 1500 // takes a while to write
		}
		values := make([]string, n)
		for i := range values {
			w.next++
			values[i] = fmt.Sprintf("(%d, %d, %d, 'row %d')", w.id, w.next, w.next%7, w.next)
			after[w.next] = w.next % 7
		}
		return "insert", "INSERT INTO own VALUES " + strings.Join(values, ", "), after
	case k < 6:
		for id := lo; id <= hi; id++ {
			if n, ok := after[id]; ok {
				after[id] = n + 3
			}
		}
		return "update", "UPDATE own SET n = n + 3 WHERE " + between, after
	case k < 7:
		for id := lo; id <= hi; id++ {
			delete(after, id)
		}
		return "delete", "DELETE FROM own WHERE " + between, after
	case k < 9:
		w.next++
		var source []string
		for id := range max(hi, w.next) - lo + 1 {
			if id += lo; id > hi && id != w.next {
				continue
			}
			source = append(source, fmt.Sprintf("SELECT %d AS w, %d AS id, 10 AS n", w.id, id))
			after[id] += 10
		}
		return "merge", "MERGE INTO own t USING (" + strings.Join(source, " UNION ALL ") + ") s ON t.w = s.w AND t.id = s.id " +
			"WHEN MATCHED THEN UPDATE SET n = t.n + s.n WHEN NOT MATCHED THEN INSERT (w, id, n, s) VALUES (s.w, s.id, s.n, 'merged')", after
	default:
		by := w.next
		for id := lo; id <= hi; id++ {
			if n, ok := rows[id]; ok {
				after[id+by] = n
				w.next = max(w.next, id+by)
			}
		}
		return "insert select", fmt.Sprintf("INSERT INTO own SELECT w, id + %d, n, s FROM own WHERE %s", by, between), after
	}
}

func (w *writer) change(ctx context.Context, c *sql.Conn) bool {
	kind, text, after := w.statement(w.rows)
	_, err := c.ExecContext(ctx, text)
	f := judge(err)
	switch f {
	case in:
		w.rows = after
	case lost:
		w.open = &after
	}
	return w.note(kind, f, err)
}

// transaction executes several statements at once, or rolls them back.
func (w *writer) transaction(ctx context.Context, c *sql.Conn) bool {
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return w.note("begin", judge(err), err)
	}
	after := w.rows
	for range 2 + w.rng.IntN(2) {
		kind, text, then := w.statement(after)
		if _, err := c.ExecContext(ctx, text); err != nil { // whatever it is, the transaction is not committed
			goOn := w.note("transaction: "+kind, judge(err), err)
			_, err = c.ExecContext(ctx, "ROLLBACK")
			return goOn && err == nil
		}
		after = then
	}
	end := "COMMIT"
	if w.rng.IntN(4) == 0 {
		end, after = "ROLLBACK", w.rows
	}
	_, err := c.ExecContext(ctx, end)
	f := judge(err)
	switch f {
	case in:
		w.rows = after
	case lost:
		w.open = &after
	}
	return w.note(end, f, err)
}

// count adds one to a counter that all writers share.
func (w *writer) count(ctx context.Context, c *sql.Conn) bool {
	k := w.rng.IntN(numCounters)
	_, err := c.ExecContext(ctx, fmt.Sprintf("UPDATE counter SET n = n + 1 WHERE k = %d", k))
	f := judge(err)
	switch f {
	case in:
		w.counts[k]++
	case lost:
		w.maybe[k]++
	}
	return w.note("count", f, err)
}

// whole inserts rows of which each tells how many there must be.
func (w *writer) whole(ctx context.Context, c *sql.Conn) bool {
	w.next++
	n := 1 + w.rng.IntN(40)
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("(%d, %d, %d)", int64(w.id)<<40|w.next, n, i)
	}
	_, err := c.ExecContext(ctx, "INSERT INTO whole VALUES "+strings.Join(values, ", "))
	return w.note("whole", judge(err), err)
}

// key upserts, replaces or inserts rows of the keyed table.
func (w *writer) key(ctx context.Context, c *sql.Conn) bool {
	id := int64(w.id)<<40 | w.rng.Int64N(30)
	after := maps.Clone(w.keys)
	_, there := w.keys[id]
	kind, text := "upsert", fmt.Sprintf("INSERT INTO keyed VALUES (%d, 1) ON DUPLICATE KEY UPDATE n = n + 1", id)
	after[id]++
	switch w.rng.IntN(3) {
	case 0:
		kind, text, after[id] = "replace", fmt.Sprintf("REPLACE INTO keyed VALUES (%d, 50)", id), 50
	case 1:
		kind, text, after[id] = "keyed insert", fmt.Sprintf("INSERT INTO keyed VALUES (%d, 1)", id), 1
	}
	_, err := c.ExecContext(ctx, text)
	f := judge(err, 1062)
	switch {
	case kind == "keyed insert" && (f == in && there || f == out && !there && isDuplicate(err)):
		f, err = bad, fmt.Errorf("the key %d is there: %t; its INSERT said: %w", id, there, errors.Join(errors.New("wrong answer"), err))
	case f == in:
		w.keys = after
	case f == lost && !(kind == "keyed insert" && there):
		w.openKey = &after
	}
	return w.note(kind, f, err)
}

func isDuplicate(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == 1062
}

// table makes a table of the writer's rows, or drops one that it made.
func (w *writer) table(ctx context.Context, c *sql.Conn) bool {
	if names := slices.Sorted(maps.Keys(w.made)); len(names) > 0 && w.rng.IntN(2) == 0 {
		name := names[0]
		n := w.made[name]
		_, err := c.ExecContext(ctx, "DROP TABLE "+name)
		f := judge(err)
		switch f {
		case in:
			delete(w.made, name)
		case lost:
			delete(w.made, name)
			w.openTab[name] = maybeTable{n, -1}
		}
		return w.note("drop table", f, err)
	}
	w.next++
	name := fmt.Sprintf("own_%d_%d", w.id, w.next)
	_, err := c.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s AS SELECT id, n FROM own WHERE w = %d", name, w.id))
	f := judge(err)
	switch f {
	case in:
		w.made[name] = len(w.rows)
	case lost:
		w.openTab[name] = maybeTable{-1, len(w.rows)}
	}
	return w.note("create table", f, err)
}
