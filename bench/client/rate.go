package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// rate looks random keys below limit up over many connections for some seconds, with the prepared statement, and prints look-ups per second, p50 and p99.
func (c *client) rate(rest string) (map[string]any, error) {
	var conns int
	var seconds float64
	var limit int64
	if _, err := fmt.Sscan(rest, &conns, &seconds, &limit); err != nil {
		return nil, err
	}
	c.db.SetMaxOpenConns(conns + 1)
	c.db.SetMaxIdleConns(conns + 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds*float64(time.Second)))
	defer cancel()
	took, errs := make([][]float64, conns), make([]error, conns)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range conns {
		wg.Go(func() { took[i], errs[i] = c.look(ctx, uint64(i), limit) }) //nolint:gosec // not negative
	}
	wg.Wait()
	seconds = time.Since(start).Seconds()
	all := slices.Concat(took...)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return nil, err
	}
	slices.Sort(all)
	return map[string]any{"rate": float64(len(all)) / seconds, "p50": all[len(all)/2], "p99": all[len(all)*99/100]}, nil
}

// look looks keys up on a connection of its own until ctx ends, and returns the seconds of each look-up.
func (c *client) look(ctx context.Context, seed uint64, limit int64) ([]float64, error) {
	conn, err := c.db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stmt, err := conn.PrepareContext(context.Background(), c.text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stmt.Close() }()
	random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // keys of a benchmark
	var took []float64
	for ctx.Err() == nil {
		start := time.Now()
		rows, err := stmt.Query(random.Int64N(limit))
		if err != nil {
			return nil, err
		}
		got, err := fetch(rows)
		if err = errors.Join(err, rows.Close()); err != nil {
			return nil, err
		}
		if len(got) == 0 {
			return nil, errors.New("a key was not found")
		}
		took = append(took, time.Since(start).Seconds())
	}
	return took, nil
}
