package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// insert lets connections insert single rows for some seconds, each into the same table t (id, n) with keys of its own, and prints rows per second, and how
// many rows there are in the end against how many were acknowledged. Conflicts (1213) are tried again.
func (c *client) insert(rest string) (map[string]any, error) {
	var conns int
	var seconds float64
	if _, err := fmt.Sscan(rest, &conns, &seconds); err != nil {
		return nil, err
	}
	c.db.SetMaxOpenConns(conns + 1)
	c.db.SetMaxIdleConns(conns + 1)
	var before, after int64
	if err := c.db.QueryRow("SELECT COUNT(*) FROM t").Scan(&before); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds*float64(time.Second)))
	defer cancel()
	var done, retries atomic.Int64
	errs := make([]error, conns)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range conns {
		wg.Go(func() {
			errs[i] = insertUntil(ctx, c.db, int64(i)*1_000_000_000+start.UnixMicro()%1_000_000_000, &done, &retries)
		})
	}
	wg.Wait()
	took := time.Since(start).Seconds()
	err := errors.Join(errs...)
	if err == nil {
		err = c.db.QueryRow("SELECT COUNT(*) FROM t").Scan(&after)
	}
	return map[string]any{"rate": float64(done.Load()) / took, "acknowledged": done.Load(), "stored": after - before, "retries": retries.Load()}, err
}

func insertUntil(ctx context.Context, db *sql.DB, id int64, done, retries *atomic.Int64) error {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for ctx.Err() == nil {
		_, err := conn.ExecContext(context.Background(), fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", id))
		var e *mysql.MySQLError
		switch {
		case err == nil:
			done.Add(1)
			id++
		case errors.As(err, &e) && e.Number == 1213:
			retries.Add(1)
		default:
			return err
		}
	}
	return nil
}
