//go:build linux

package torture_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var busy = flag.Duration("busy", 3*time.Second, "how long 64 of a thousand connections are busy")

const (
	openConnections = 1000
	busyConnections = 64
)

// residentBytes is the memory of a process.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// crowd is a thousand connections, with what the busy ones of them did.
type crowd struct {
	mu   sync.Mutex
	idle []*sql.Conn
	took map[string][]time.Duration
}

// busyStatement makes up a statement of a kind: mostly reads of a table that stays, the others writes to one that is emptied now and then.
func busyStatement(rng *rand.Rand) (kind, text string, query bool) {
	id := rng.IntN(10000)
	switch k := rng.IntN(1000); {
	case k < 700:
		return "point", fmt.Sprintf("SELECT v FROM t WHERE id = %d", id), true
	case k < 800:
		return "range", fmt.Sprintf("SELECT COUNT(*), SUM(v) FROM t WHERE id BETWEEN %d AND %d", id, id+500), true
	case k < 850:
		return "version", fmt.Sprintf("SELECT MAX(v) FROM t AS OF VERSION 1 WHERE id < %d", id), true
	case k < 900:
		return "recent", "SELECT COUNT(*) FROM events WHERE id >= 0", true
	case k < 998:
		return "insert", fmt.Sprintf("INSERT INTO events VALUES (%d, 'something happened')", id), false
	}
	return "empty", "DELETE FROM events WHERE id >= 0", false
}

func (c *crowd) take(rng *rand.Rand) *sql.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, last := rng.IntN(len(c.idle)), len(c.idle)-1
	conn := c.idle[at]
	c.idle[at] = c.idle[last]
	c.idle = c.idle[:last]
	return conn
}

func (c *crowd) give(conn *sql.Conn, kind string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, conn)
	c.took[kind] = append(c.took[kind], took)
}

// run executes one statement on one connection, another one each time.
func (c *crowd) run(ctx context.Context, rng *rand.Rand) error {
	kind, text, query := busyStatement(rng)
	conn := c.take(rng)
	began := time.Now()
	var err error
	if query {
		var a, b sql.NullInt64
		to := []any{&a}
		if kind == "range" {
			to = append(to, &b)
		}
		err = conn.QueryRowContext(ctx, text).Scan(to...)
	} else {
		_, err = conn.ExecContext(ctx, text)
	}
	c.give(conn, kind, time.Since(began))
	if err != nil && number(err) != 1213 {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// TestThousandConnections holds a thousand connections open, of which 64 are busy at a time: no error, and memory stays what it is.
func TestThousandConnections(t *testing.T) {
	p := start(t, t.TempDir(), nil, "--max-connections", fmt.Sprint(openConnections+10))
	db := p.open(t)
	db.SetMaxOpenConns(0)
	mustExec(t, db, "CREATE TABLE t (id INT, v BIGINT)",
		"INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 99) SELECT a.n * 100 + b.n, (a.n * 100 + b.n) * 7 FROM r AS a JOIN r AS b",
		"CREATE TABLE events (id INT, what STRING) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
	c := &crowd{took: map[string][]time.Duration{}}
	for range openConnections {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatalf("after %d connections: %v", len(c.idle), err)
		}
		defer conn.Close()
		c.idle = append(c.idle, conn)
	}
	opened := residentBytes(t, p.cmd.Process.Pid)
	ctx, cancel := context.WithTimeout(t.Context(), *busy)
	defer cancel()
	var workers sync.WaitGroup
	for w := range busyConnections {
		workers.Go(func() {
			for rng := rand.New(rand.NewPCG(*first, uint64(w))); ctx.Err() == nil; {
				if err := c.run(t.Context(), rng); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var memory []int64
	for ctx.Err() == nil {
		time.Sleep(*busy / 20)
		memory = append(memory, residentBytes(t, p.cmd.Process.Pid))
	}
	workers.Wait()
	for _, conn := range c.idle {
		if err := conn.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// What garbage collection leaves varies; growth does not stop.
	early, late := slices.Max(memory[5:12]), slices.Max(memory[13:])
	if late > early+early/4+(16<<20) {
		t.Errorf("memory grows: %d MiB with idle connections, then %v", opened>>20, memory)
	}
	t.Logf("%d connections: %d MiB when opened, %d MiB at most in the middle, %d MiB at the end", openConnections, opened>>20, early>>20, late>>20)
	for kind, took := range c.took {
		slices.Sort(took)
		t.Logf("%-8s %7d statements (%6.0f/s), median %v, p99 %v, longest %v", kind, len(took), float64(len(took))/busy.Seconds(),
			took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond), took[len(took)-1].Round(time.Microsecond))
	}
}
