//go:build linux

package torture_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// killsPerLife is how many servers are killed on one warehouse.
const killsPerLife = 25

// tables are what every writer writes to.
var tables = []string{"own", "counter", "whole", "keyed"}

// life is one warehouse on which servers are killed again and again.
type life struct {
	t         *testing.T
	seed      uint64
	rng       *rand.Rand
	warehouse string
	servers   []*process
	writers   []*writer
	versions  map[string][]mark
}

// mark is what a version of a table holds.
type mark struct{ Rows, IDs, Ns int64 }

// TestKills kills servers at random instants; -kills says how many.
func TestKills(t *testing.T) {
	for seed, left := *first, *kills; left > 0 && !t.Failed(); seed, left = seed+1, left-killsPerLife {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { newLife(t, seed).run(min(left, killsPerLife)) })
	}
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), warehouse: t.TempDir(), versions: map[string][]mark{}}
	l.servers = make([]*process, 1+l.rng.IntN(2))
	for i := range 3 + l.rng.IntN(3) {
		l.writers = append(l.writers, newWriter(seed, i))
	}
	return l
}

// run kills n servers, and at the end looks at everything once more.
func (l *life) run(n int) {
	l.create()
	for left := n; left > 0 && !l.t.Failed(); {
		left -= l.round(left)
	}
	if l.t.Failed() {
		return
	}
	l.restart()
	l.verify()
	l.checkOld(1)
	l.checkTemporary()
	if *python != "" {
		l.checkDeltaRS()
	}
	done := map[string]map[bool]int{}
	for _, w := range l.writers {
		for kind, counts := range w.ops {
			if done[kind] == nil {
				done[kind] = map[bool]int{}
			}
			for ok, c := range counts {
				done[kind][ok] += c
			}
		}
	}
	l.t.Logf("%d servers killed, %d versions of own; statements done and not: %v", n, len(l.versions["own"]), done)
}

// create makes the tables of a life.
func (l *life) create() {
	properties := func() string {
		return fmt.Sprintf("TBLPROPERTIES ('delta.enableDeletionVectors' = '%t', 'delta.checkpointInterval' = '%d')", l.rng.IntN(3) > 0, 2+l.rng.IntN(8))
	}
	l.restart()
	db := l.servers[0].open(l.t)
	for _, q := range []string{
		"CREATE TABLE own (w INT, id BIGINT, n BIGINT, s STRING) " + properties(),
		"CREATE TABLE counter (id BIGINT, k INT, n BIGINT) " + properties(),
		"CREATE TABLE whole (id BIGINT, n INT, i INT) " + properties(),
		"CREATE TABLE keyed (id BIGINT PRIMARY KEY, n BIGINT) " + properties(),
		"INSERT INTO counter VALUES (0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 3, 0)",
	} {
		if _, err := db.ExecContext(l.t.Context(), q); err != nil {
			l.t.Fatalf("%s: %v", q, err)
		}
	}
}

// restart starts the servers that do not run. Now and then one is killed while it starts.
func (l *life) restart() {
	for i, p := range l.servers {
		if p != nil && p.alive() {
			continue
		}
		if l.rng.IntN(8) == 0 {
			early, _ := begin(l.t, l.warehouse, nil)
			time.Sleep(time.Duration(l.rng.IntN(60)) * time.Millisecond)
			early.kill()
		}
		l.servers[i] = start(l.t, l.warehouse, nil)
	}
}

// round lets the writers write, kills one or all servers at a random instant, starts them again, and verifies. It says how many it killed.
func (l *life) round(limit int) int {
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Minute)
	defer cancel()
	l.restart()
	stop := make(chan struct{})
	var running sync.WaitGroup
	for i, w := range l.writers {
		c, done, err := l.servers[i%len(l.servers)].connect(ctx)
		if err != nil {
			l.t.Fatalf("seed %d: connecting: %v", l.seed, err)
		}
		running.Go(func() {
			defer done()
			w.work(ctx, c, stop)
		})
	}
	time.Sleep(time.Duration(l.rng.Int64N(int64(350 * time.Millisecond))))
	killed := 0
	for _, p := range l.servers {
		if killed == 0 || killed < limit && l.rng.IntN(2) == 0 {
			p.kill()
			killed++
		}
	}
	slices.Reverse(l.servers) // so that it is not always the same one that goes on
	time.Sleep(time.Duration(l.rng.IntN(40)) * time.Millisecond)
	close(stop)
	running.Wait()
	if ctx.Err() != nil {
		l.t.Fatalf("seed %d: the writers hang", l.seed)
	}
	for _, w := range l.writers {
		if w.err != nil {
			l.t.Fatalf("seed %d: %v", l.seed, w.err)
		}
	}
	l.restart()
	l.verify()
	l.checkOld(0.05)
	return killed
}

// verify compares the newest versions with what the writers know, and notes the versions that are new.
func (l *life) verify() {
	db := l.servers[l.rng.IntN(len(l.servers))].open(l.t)
	for _, w := range l.writers {
		w.rows = l.settle(db, w, w.rows, w.open, fmt.Sprintf("SELECT id, n FROM own WHERE w = %d", w.id))
		w.keys = l.settle(db, w, w.keys, w.openKey, fmt.Sprintf("SELECT id, n FROM keyed WHERE id DIV (1 << 40) = %d", w.id))
		w.open, w.openKey = nil, nil
	}
	l.verifyCounters(db)
	l.verifyTables(db)
	if rows := l.query(db, "SELECT id, COUNT(*), MAX(n) FROM whole GROUP BY id HAVING COUNT(*) <> MAX(n) OR COUNT(DISTINCT i) <> MAX(n)"); len(rows) > 0 {
		l.t.Errorf("seed %d: statements that are there in part, or twice (statement, rows, should be): %v", l.seed, rows)
	}
	for _, table := range tables {
		l.mark(db, table)
	}
}

// settle reads a writer's rows, which must be those known, or those open if there are such.
func (l *life) settle(db *sql.DB, w *writer, known map[int64]int64, open *map[int64]int64, query string) map[int64]int64 {
	got := map[int64]int64{}
	for _, r := range l.query(db, query) {
		if _, twice := got[r[0]]; twice {
			l.t.Errorf("seed %d, writer %d: the row %d is there twice", l.seed, w.id, r[0])
		}
		got[r[0]] = r[1]
	}
	switch {
	case open != nil && maps.Equal(got, *open):
		return got
	case maps.Equal(got, known):
		return known
	}
	l.t.Errorf("seed %d, writer %d: %s\nrows that differ from what was acknowledged: %s", l.seed, w.id, query, difference(got, known))
	if open != nil {
		l.t.Errorf("and from what the unanswered statement makes of it: %s", difference(got, *open))
	}
	return got
}

// difference lists up to ten rows that differ.
func difference(got, want map[int64]int64) string {
	var out []string
	for id, n := range want {
		if g, ok := got[id]; !ok {
			out = append(out, fmt.Sprintf("%d: missing, want %d", id, n))
		} else if g != n {
			out = append(out, fmt.Sprintf("%d: %d, want %d", id, g, n))
		}
	}
	for id, g := range got {
		if _, ok := want[id]; !ok {
			out = append(out, fmt.Sprintf("%d: %d, want none", id, g))
		}
	}
	slices.Sort(out)
	return fmt.Sprintf("%d: %s", len(out), strings.Join(out[:min(len(out), 10)], "; "))
}

// verifyCounters: each is what was acknowledged, and at most what went unanswered more.
func (l *life) verifyCounters(db *sql.DB) {
	rows := l.query(db, "SELECT k, n FROM counter ORDER BY k")
	if len(rows) != numCounters {
		l.t.Fatalf("seed %d: %d counters", l.seed, len(rows))
	}
	for k, r := range rows {
		var sure, maybe int64
		for _, w := range l.writers {
			sure += w.counts[k]
			maybe += w.maybe[k]
		}
		if r[1] < sure || r[1] > sure+maybe {
			l.t.Errorf("seed %d: counter %d is %d, acknowledged %d, unanswered %d", l.seed, k, r[1], sure, maybe)
		}
		for i, w := range l.writers { // what is known now
			w.maybe[k] = 0
			if i == 0 {
				w.counts[k] += r[1] - sure
			}
		}
	}
}

// verifyTables looks for the tables that writers made and dropped: each is there whole, or not at all.
func (l *life) verifyTables(db *sql.DB) {
	there := map[string]bool{}
	rows, err := db.QueryContext(l.t.Context(), "SHOW TABLES LIKE 'own\\_%'")
	if err != nil {
		l.t.Fatalf("seed %d: %v", l.seed, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			l.t.Fatal(err)
		}
		there[name] = true
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	count := func(name string) int {
		if !there[name] {
			return -1
		}
		return int(l.query(db, "SELECT COUNT(id) FROM "+name)[0][0])
	}
	for _, w := range l.writers {
		for name, n := range w.made {
			if got := count(name); got != n {
				l.t.Errorf("seed %d, writer %d: table %s has %d rows, want %d", l.seed, w.id, name, got, n)
			}
			delete(there, name)
		}
		for name, m := range w.openTab {
			got := count(name)
			if got != m.before && got != m.after {
				l.t.Errorf("seed %d, writer %d: table %s has %d rows, want %d or %d", l.seed, w.id, name, got, m.before, m.after)
			}
			if got >= 0 {
				w.made[name] = got
			}
			delete(there, name)
		}
		clear(w.openTab)
	}
	if len(there) > 0 {
		l.t.Errorf("seed %d: tables that nobody made, or that were dropped: %v", l.seed, slices.Sorted(maps.Keys(there)))
	}
}

// mark reads the versions of a table that are new, and checks that none is left out.
func (l *life) mark(db *sql.DB, table string) {
	rows, err := db.QueryContext(l.t.Context(), "DESCRIBE HISTORY "+table)
	if err != nil {
		l.t.Fatalf("seed %d: %v", l.seed, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		l.t.Fatal(err)
	}
	to := make([]any, len(names))
	for i := range to {
		to[i] = new(any)
	}
	var version int
	to[0] = &version
	newest := -1
	for next := -1; rows.Next(); next = version - 1 {
		if err := rows.Scan(to...); err != nil {
			l.t.Fatal(err)
		}
		if newest < 0 {
			newest, next = version, version
		}
		if version != next {
			l.t.Errorf("seed %d: the history of %s has version %d where %d should be", l.seed, table, version, next)
		}
	}
	if err := rows.Err(); err != nil || version != 0 {
		l.t.Fatalf("seed %d: the history of %s ends at version %d: %v", l.seed, table, version, err)
	}
	if known := len(l.versions[table]); newest < known-1 {
		l.t.Errorf("seed %d: the newest version of %s is %d, was %d", l.seed, table, newest, known-1)
	}
	for v := len(l.versions[table]); v <= newest; v++ {
		l.versions[table] = append(l.versions[table], l.read(db, table, v))
	}
}

// checkOld reads known versions again, each with a probability: a version never changes.
func (l *life) checkOld(probability float64) {
	db := l.servers[0].open(l.t)
	for table, marks := range l.versions {
		for v, m := range marks {
			if l.rng.Float64() < probability {
				if got := l.read(db, table, v); got != m {
					l.t.Errorf("seed %d: version %d of %s was %+v, is %+v", l.seed, v, table, m, got)
				}
			}
		}
	}
}

func (l *life) read(db *sql.DB, table string, v int) mark {
	r := l.query(db, fmt.Sprintf("SELECT COUNT(*), COALESCE(SUM(id), 0), COALESCE(SUM(n), 0) FROM %s AS OF VERSION %d", table, v))[0]
	return mark{r[0], r[1], r[2]}
}

// query returns whole numbers.
func (l *life) query(db *sql.DB, text string) [][]int64 {
	l.t.Helper()
	rows, err := db.QueryContext(l.t.Context(), text)
	if err != nil {
		l.t.Fatalf("seed %d: %s: %v", l.seed, text, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		l.t.Fatal(err)
	}
	var out [][]int64
	for rows.Next() {
		r, to := make([]int64, len(names)), make([]any, len(names))
		for i := range r {
			to[i] = &r[i]
		}
		if err := rows.Scan(to...); err != nil {
			l.t.Fatalf("seed %d: %s: %v", l.seed, text, err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatalf("seed %d: %s: %v", l.seed, text, err)
	}
	return out
}

// temporary lists the temporary files of a folder.
func temporary(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".featuresql-tmp-") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkTemporary: what dead servers left is removed once it is old, by whoever writes there.
func (l *life) checkTemporary() {
	left := temporary(l.t, l.warehouse)
	old := time.Now().Add(-2 * time.Hour)
	for _, path := range left {
		if err := os.Chtimes(path, old, old); err != nil {
			l.t.Fatal(err)
		}
	}
	l.servers[0].kill()
	l.servers[0] = start(l.t, l.warehouse, nil)
	db := l.servers[0].open(l.t)
	for _, q := range []string{"INSERT INTO own VALUES (-1, 0, 0, '')", "INSERT INTO counter VALUES (9, 9, 9)", "INSERT INTO whole VALUES (0, 1, 0)", "INSERT INTO keyed VALUES (-1, 0)"} {
		if _, err := db.ExecContext(l.t.Context(), q); err != nil {
			l.t.Fatalf("seed %d: %s: %v", l.seed, q, err)
		}
	}
	for _, table := range tables {
		if stay := temporary(l.t, filepath.Join(l.warehouse, table)); len(stay) > 0 {
			l.t.Errorf("seed %d: of %d temporary files of dead servers these stay: %v", l.seed, len(left), stay)
		}
	}
	if dropped, err := filepath.Glob(filepath.Join(l.warehouse, ".featuresql-tmp-*")); len(dropped) > 0 || err != nil {
		l.t.Errorf("seed %d: tables half dropped stay: %v, %v", l.seed, dropped, err)
	}
	l.t.Logf("%d temporary files were left", len(left))
}

// deltaRS prints, for each table and version, the numbers of a mark.
const deltaRS = `
import json, sys, deltalake, pyarrow as pa
for path in sys.argv[1:]:
    newest = deltalake.DeltaTable(path).version()
    marks = []
    for v in range(newest + 1):
        q = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path, version=v))
        r = pa.table(q.execute("SELECT COUNT(*) AS a, COALESCE(SUM(id), 0) AS b, COALESCE(SUM(n), 0) AS c FROM t").read_all()).to_pylist()[0]
        marks.append({"Rows": r["a"], "IDs": r["b"], "Ns": r["c"]})
    print(json.dumps(marks))
`

// checkDeltaRS has delta-rs read every version.
func (l *life) checkDeltaRS() {
	args := []string{"-c", deltaRS}
	for _, table := range tables {
		args = append(args, filepath.Join(l.warehouse, table))
	}
	cmd := exec.Command(*python, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("seed %d: delta-rs: %v\n%s", l.seed, err, errs.String())
	}
	in := json.NewDecoder(strings.NewReader(string(text)))
	for _, table := range tables {
		var marks []mark
		if err := in.Decode(&marks); err != nil {
			l.t.Fatal(err)
		}
		for v, want := range l.versions[table] {
			if v >= len(marks) || marks[v] != want {
				l.t.Errorf("seed %d: version %d of %s as delta-rs reads it differs from %+v", l.seed, v, table, want)
			}
		}
	}
}
