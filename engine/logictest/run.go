package logictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/server"
)

// Run executes a file on a fresh warehouse with the given options, over a connection to a server of its own.
func Run(t *testing.T, path string, opts engine.Options) {
	t.Helper()
	records, err := parse(path)
	if err != nil {
		t.Fatal(err)
	}
	e, db := serveEngine(t, opts)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		before := e.Activity().RowFallbacks
		if err := r.run(t.Context(), conn); err != nil {
			t.Fatalf("%s:%d: %s\n%v", path, r.line, r.sql, err)
		}
		if n := e.Activity().RowFallbacks - before; (n > 0) != r.fallback {
			t.Errorf("%s:%d: %s\n%d constructs ran row by row, want fallback: %v", path, r.line, r.sql, n, r.fallback)
		}
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// serve starts a server for the life of the test, on an empty warehouse if opts names none, and opens a client of it.
func serve(t *testing.T, opts engine.Options) *sql.DB {
	t.Helper()
	_, db := serveEngine(t, opts)
	return db
}

// serveEngine is serve with the engine behind the server.
func serveEngine(t testing.TB, opts engine.Options) (*engine.Engine, *sql.DB) {
	t.Helper()
	e, db, _ := serveAt(t, opts)
	return e, db
}

// serveAt is serveEngine with the address of the server.
func serveAt(t testing.TB, opts engine.Options) (*engine.Engine, *sql.DB, string) {
	t.Helper()
	if opts.TempDir == "" {
		opts.TempDir = t.TempDir()
	}
	if opts.Warehouse == "" {
		opts.Warehouse = t.TempDir()
	}
	e, err := engine.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Engine: e.Host(), Sessions: server.Sessions(e), WithSink: server.PlannerSink, RunKept: e.Runtime().RunKept, Accounts: e.Provider().Accounts(), Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/default", s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, db, s.Addr().String()
}

func (r *record) run(ctx context.Context, conn *sql.Conn) error {
	if r.query {
		times := 1
		if strings.HasPrefix(r.sql, "SELECT") && !strings.Contains(r.sql, "@") {
			times = 3 // the third time from a plan that was kept, if it can be
		}
		for range times {
			if err := r.runQuery(ctx, conn); err != nil {
				return err
			}
		}
		return nil
	}
	res, err := conn.ExecContext(ctx, r.sql)
	var my *mysql.MySQLError
	switch {
	case r.code == 0 && err != nil:
		return err
	case r.code == 0 && r.affects < 0:
		return nil
	case r.code == 0:
		n, err := res.RowsAffected()
		if err == nil && n != r.affects {
			err = fmt.Errorf("%d rows affected, want %d", n, r.affects)
		}
		return err
	case err == nil:
		return fmt.Errorf("succeeded, want error %d %s", r.code, r.contains)
	case !errors.As(err, &my):
		return err
	case r.state != "" && r.state != string(my.SQLState[:]):
		return fmt.Errorf("error %d has SQLSTATE %s, want %s", my.Number, my.SQLState, r.state)
	case int(my.Number) != r.code || !strings.Contains(my.Message, r.contains):
		return fmt.Errorf("error %d: %s\nwant %d with %q", my.Number, my.Message, r.code, r.contains)
	}
	return nil
}

func (r *record) runQuery(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, r.sql)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return err
	}
	var got []string
	for rows.Next() {
		vals := make([]sql.NullString, len(cols))
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		text := make([]string, len(cols))
		for i, v := range vals {
			text[i] = "NULL"
			if v.Valid {
				text[i] = v.String
			}
		}
		got = append(got, strings.Join(text, "\t"))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	want := slices.Clone(r.want)
	if r.rowsort {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return nil
}
