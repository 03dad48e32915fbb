package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featuresql/featuresql/engine"
)

type demoCmd struct {
	serverFlags
	Warehouse string `help:"Folder to make the demo's tables in (default: a new temporary one)." type:"path"`
	Once      bool   `help:"End after the tour instead of serving the tables."`
}

// Run makes the tables, gives the tour and serves.
func (c demoCmd) Run(ctx context.Context) error {
	if c.Warehouse == "" {
		dir, err := os.MkdirTemp("", "featuresql-demo-")
		if err != nil {
			return err
		}
		c.Warehouse = dir
		if c.Once {
			defer func() { _ = os.RemoveAll(dir) }()
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	e, err := engine.Open(ctx, engine.Options{Warehouse: c.Warehouse, Log: log})
	if err != nil {
		return err
	}
	defer closeEngine(e, log)
	tour := &tour{engine: e, session: e.Session("default"), sql: sqlCmd{Format: "table"}}
	if err := tour.run(ctx); err != nil {
		return err
	}
	if c.Once {
		return nil
	}
	fmt.Printf("\nThe tables stay in %s. Connect any MySQL client, for example:\n\n  mysql -h 127.0.0.1 -P %s -u root fraud\n\n", c.Warehouse, c.Listen[strings.LastIndexByte(c.Listen, ':')+1:])
	return c.serve(ctx, e, log)
}

// tour shows the main job on a card-fraud example.
type tour struct {
	engine  *engine.Engine
	session *engine.Session
	sql     sqlCmd
	err     error
}

const (
	demoCards = 2_000
	demoDays  = 6
	perDay    = 5_000
)

func (t *tour) run(ctx context.Context) error {
	t.make(ctx)
	t.read(ctx)
	t.upsert(ctx)
	t.timeTravel(ctx)
	t.pointInTime(ctx)
	t.skipping(ctx)
	t.conflict(ctx)
	return t.err
}

func (t *tour) title(s string) {
	if t.err == nil {
		fmt.Printf("\n== %s\n", s)
	}
}

// show prints a statement and what it gives.
func (t *tour) show(ctx context.Context, stmt string) {
	if t.err != nil {
		return
	}
	fmt.Printf("\nfeaturesql> %s;\n", strings.ReplaceAll(stmt, "\n", "\n         -> "))
	if err := t.sql.run(ctx, t.session, stmt); err != nil {
		t.err = fmt.Errorf("%s: %w", stmt, err)
	}
}

// do runs a statement without printing it.
func (t *tour) do(ctx context.Context, stmt string) {
	if t.err != nil {
		return
	}
	if _, err := t.session.Query(ctx, stmt); err != nil {
		t.err = fmt.Errorf("%.200s: %w", stmt, err)
	}
}

// make creates the labels (card transactions, one commit a day) and the features (a card's profile, one commit a day).
func (t *tour) make(ctx context.Context) {
	t.title("A card-fraud feature store: labels, and features that change every day")
	t.do(ctx, "CREATE DATABASE fraud")
	t.do(ctx, "USE fraud")
	t.show(ctx, "CREATE TABLE transactions (\n  tx_id BIGINT NOT NULL, card_id BIGINT NOT NULL, at DATETIME(6), amount DECIMAL(12,2), country STRING, is_fraud BOOLEAN,\n  CHECK (amount > 0))")
	t.show(ctx, "CREATE TABLE card_profile (\n  card_id BIGINT NOT NULL, at DATETIME(6), avg_amount DECIMAL(12,2), tx_per_day DOUBLE, home STRING)")
	t.show(ctx, "CREATE TABLE card_limit (\n  card_id BIGINT, credit_limit DECIMAL(12,2), changes INT, PRIMARY KEY (card_id))\n  TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
	random := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // an example that is the same every time
	countries := []string{"SE", "DE", "FR", "US", "BR", "JP"}
	limits := make([]string, demoCards)
	for i := range limits {
		limits[i] = fmt.Sprintf("(%d, %d.00, 0)", i, 500+100*random.IntN(50))
	}
	t.do(ctx, "INSERT INTO card_limit VALUES "+strings.Join(limits, ","))
	for day := range demoDays {
		date := time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC)
		profiles := make([]string, 0, demoCards)
		for card := range demoCards {
			at := date.Add(time.Duration(random.IntN(6*3600)) * time.Second)
			profiles = append(profiles, fmt.Sprintf("(%d,'%s',%d.%02d,%.2f,'%s')", card, at.Format(time.DateTime), 5+random.IntN(200), random.IntN(100),
				random.Float64()*9, countries[card%len(countries)]))
		}
		rows := make([]string, 0, perDay)
		for i := range perDay {
			at := date.Add(time.Duration(random.Int64N(int64(24 * time.Hour)))).Truncate(time.Second)
			fraud := random.IntN(50) == 0
			rows = append(rows, fmt.Sprintf("(%d,%d,'%s',%d.%02d,'%s',%v)", day*perDay+i, random.IntN(demoCards), at.Format(time.DateTime),
				1+random.IntN(900), random.IntN(100), countries[random.IntN(len(countries))], fraud))
		}
		t.do(ctx, "INSERT INTO card_profile VALUES "+strings.Join(profiles, ","))
		t.do(ctx, "INSERT INTO transactions VALUES "+strings.Join(rows, ","))
	}
}

func (t *tour) read(ctx context.Context) {
	t.title("Read: they are Delta tables, and MySQL tables")
	t.show(ctx, "SELECT country, count(*) AS n, sum(amount) AS total, sum(is_fraud) AS frauds\nFROM transactions GROUP BY country ORDER BY total DESC")
}

func (t *tour) upsert(ctx context.Context) {
	t.title("Upsert: MERGE writes one commit, here with deletion vectors instead of rewritten files")
	t.show(ctx, "MERGE INTO card_limit AS c\nUSING (SELECT card_id, count(*) AS frauds FROM transactions WHERE is_fraud GROUP BY card_id) AS f\nON c.card_id = f.card_id\nWHEN MATCHED AND f.frauds > 1 THEN UPDATE SET credit_limit = 0, changes = changes + 1\nWHEN MATCHED THEN UPDATE SET credit_limit = credit_limit / 2, changes = changes + 1\nWHEN NOT MATCHED THEN INSERT (card_id, credit_limit, changes) VALUES (f.card_id, 0, 0)")
	t.show(ctx, "INSERT INTO card_limit VALUES (1, 900, 0), (100001, 250, 0)\nON DUPLICATE KEY UPDATE credit_limit = VALUES(credit_limit), changes = changes + 1")
	t.show(ctx, "DESCRIBE HISTORY card_limit")
}

func (t *tour) timeTravel(ctx context.Context) {
	t.title("Time travel: any version, in any statement")
	t.show(ctx, "SELECT 'now' AS v, count(*) AS cards, sum(credit_limit) AS total FROM card_limit\nUNION ALL\nSELECT 'version 1', count(*), sum(credit_limit) FROM card_limit AS OF VERSION 1")
	t.show(ctx, "SELECT o.card_id, o.credit_limit AS was, n.credit_limit AS is_now\nFROM card_limit AS OF VERSION 1 o JOIN card_limit n ON n.card_id = o.card_id\nWHERE o.credit_limit <> n.credit_limit ORDER BY was DESC, o.card_id LIMIT 5")
}

func (t *tour) pointInTime(ctx context.Context) {
	t.title("Training set: each transaction with the card's profile as it was known at that moment")
	t.show(ctx, "SELECT t.tx_id, t.at, t.amount, p.at AS profile_at, p.avg_amount, p.home, t.is_fraud\nFROM transactions t ASOF JOIN card_profile p ON t.card_id = p.card_id AND t.at >= p.at\nWHERE t.is_fraud ORDER BY t.tx_id LIMIT 5")
}

func (t *tour) skipping(ctx context.Context) {
	t.title("Skipping: files whose statistics rule them out are not opened")
	t.show(ctx, "EXPLAIN ANALYZE SELECT count(*), sum(amount) FROM transactions WHERE at >= '2026-01-05' AND at < '2026-01-06'")
}

// conflict lets writers change the same rows at once: the losers are executed again on the winner's version.
func (t *tour) conflict(ctx context.Context) {
	if t.err != nil {
		return
	}
	t.title("Conflicts: eight sessions raise the same limit at once, each by 10, and none is lost")
	var retried atomic.Int64
	t.engine.Runtime().ObserveConflicts(func(string, int, error) { retried.Add(1) })
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = t.engine.Session("fraud").Query(ctx, "UPDATE card_limit SET credit_limit = credit_limit + 10 WHERE card_id = 1")
		})
	}
	wg.Wait()
	if t.err = errors.Join(errs...); t.err != nil {
		return
	}
	fmt.Printf("\n8 updates committed; %d met a conflict and were executed again\n", retried.Load())
	t.show(ctx, "SELECT card_id, credit_limit FROM card_limit WHERE card_id = 1")
}
