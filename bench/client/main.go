// Command client is the MySQL side of the benchmarks: it runs what it is told over one connection and prints
// seconds. The harness (bench.py) tells it by lines on standard input, so that its own start is not measured:
//
//	query SQL          run, fetch every row; prints seconds and the rows as JSON
//	drain SQL          run and count the rows without decoding them; prints seconds, rows and bytes
//	prepare SQL        prepare a statement with one parameter
//	insert CONNS SECS  insert single rows into t (id, n) over so many connections; prints rows per second
//	rate CONNS SECS MAX  look random keys below MAX up over so many connections; prints look-ups per second, p50 and p99
//	lookup N SEED MAX  execute it N times with random keys below MAX; prints the sorted latencies' p50, p99 and the rows
package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST:PORT DATABASE")
		os.Exit(2)
	}
	c := &client{addr: os.Args[1], database: os.Args[2]}
	if err := c.serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type client struct {
	addr, database string
	db             *sql.DB
	stmt           *sql.Stmt
	text           string // of stmt
}

func (c *client) serve() error {
	var err error
	if c.db, err = sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/%s", c.addr, c.database)); err != nil {
		return err
	}
	c.db.SetMaxOpenConns(1)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		out, err := c.do(verb, rest)
		if err != nil {
			out = map[string]any{"error": err.Error()}
		}
		line, err := json.Marshal(out)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return in.Err()
}

func (c *client) do(verb, rest string) (map[string]any, error) {
	switch verb {
	case "query":
		return c.query(rest)
	case "drain":
		return drain(c.addr, c.database, rest)
	case "prepare":
		var err error
		c.stmt, err = c.db.Prepare(rest)
		c.text = rest
		return map[string]any{"ok": true}, err
	case "lookup":
		return c.lookup(rest)
	case "rate":
		return c.rate(rest)
	case "insert":
		return c.insert(rest)
	}
	return nil, fmt.Errorf("unknown command %q", verb)
}

func (c *client) query(text string) (map[string]any, error) {
	start := time.Now()
	rows, err := c.db.Query(text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	got, err := fetch(rows)
	return map[string]any{"seconds": time.Since(start).Seconds(), "rows": got}, err
}

func fetch(rows *sql.Rows) ([][]*string, error) {
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	got := [][]*string{}
	for rows.Next() {
		row := make([]*string, len(cols))
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		got = append(got, row)
	}
	return got, rows.Err()
}

func (c *client) lookup(rest string) (map[string]any, error) {
	var n, seed, limit int64
	if _, err := fmt.Sscan(rest, &n, &seed, &limit); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(seed), 1)) //nolint:gosec // keys of a benchmark
	took := make([]float64, n)
	total := 0
	for i := range took {
		start := time.Now()
		rows, err := c.stmt.Query(random.Int64N(limit))
		if err != nil {
			return nil, err
		}
		got, err := fetch(rows)
		if err != nil {
			return nil, err
		}
		took[i] = time.Since(start).Seconds()
		total += len(got)
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	return map[string]any{"p50": took[n/2], "p99": took[n*99/100], "rows": total}, nil
}
