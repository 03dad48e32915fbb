package hostsuites

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/server"
)

// TestSuites runs every suite, and logs how many statements differ for which reason.
func TestSuites(t *testing.T) {
	k := newKnown()
	t.Run("suite", func(t *testing.T) {
		for _, s := range suites() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				r := &runner{suite: s, known: k}
				r.run(t)
			})
		}
	})
	k.report(t)
}

// runner runs the scripts of one suite.
type runner struct {
	suite suite
	known *known
}

func (r *runner) run(t *testing.T) {
	template := t.TempDir()
	db, stop := open(t, template)
	r.prepare(t, db)
	if r.suite.reads {
		conn := session(t, db)
		for _, s := range r.suite.scripts {
			conn = r.runScript(t, db, conn, s)
		}
		_ = conn.Close()
		stop()
		return
	}
	stop()
	queue := make(chan script)
	var group sync.WaitGroup
	for range 4 { // most of the time a script waits for the disk
		group.Go(func() {
			for s := range queue {
				r.runAlone(t, template, s)
			}
		})
	}
	for _, s := range r.suite.scripts {
		queue <- s
	}
	close(queue)
	group.Wait()
}

// runAlone runs a script on a warehouse of its own.
func (r *runner) runAlone(t *testing.T, template string, s script) {
	t.Helper()
	dir := t.TempDir()
	copyTables(t, template, dir, s)
	db, stop := open(t, dir)
	conn := r.runScript(t, db, session(t, db), s)
	_ = conn.Close()
	stop()
	_ = os.RemoveAll(dir)
}

// copyTables copies a warehouse with the tables that a script names.
func copyTables(t *testing.T, from, to string, s script) {
	t.Helper()
	text := strings.ToLower(s.text())
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.Count(rel, "/") == 1 && !strings.HasPrefix(d.Name(), "_") && !strings.Contains(text, strings.ToLower(d.Name())) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open serves a warehouse until the function it returns is called.
func open(t *testing.T, dir string) (*sql.DB, func()) {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Options{Warehouse: dir, TempDir: t.TempDir(), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Engine: e.Host(), Sessions: server.Sessions(e), WithSink: server.PlannerSink, RunKept: e.Runtime().RunKept,
		Accounts: e.Provider().Accounts(), Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/", s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	return db, sync.OnceFunc(func() {
		_ = db.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// prepare makes the tables of the suite, without what Delta tables have not.
func (r *runner) prepare(t *testing.T, db *sql.DB) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, group := range r.suite.setup {
		for _, part := range group {
			for _, stmt := range part {
				text := r.known.adapt(stmt)
				if text == "" {
					continue
				}
				if _, err := conn.ExecContext(t.Context(), text); err != nil {
					t.Errorf("set-up: %s\n%v", stmt, err)
				}
			}
		}
	}
}

func session(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "USE mydb")
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// runScript runs a script in a session, and gives the session for the next.
func (r *runner) runScript(t *testing.T, db *sql.DB, conn *sql.Conn, s script) *sql.Conn {
	t.Helper()
	for _, stmt := range s.setup {
		if _, err := conn.ExecContext(t.Context(), stmt); err != nil {
			r.known.settle(t, r.suite.name, s.name, stmt, outcome{err: err, detail: "set-up: " + err.Error()})
			r.known.leaveOut(len(s.steps))
			return conn
		}
	}
	for i, st := range s.steps {
		if st.query == "" {
			continue
		}
		if st.fresh {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // out of the pool
			conn = session(t, db)
		}
		o := r.runStep(t.Context(), conn, st)
		r.known.settle(t, r.suite.name, s.name, st.query, o)
		if o.err != nil && !st.fails && !reads(st.query) {
			r.known.leaveOut(len(s.steps) - i - 1)
			return conn // what follows needs it
		}
	}
	return conn
}

// outcome is how a step ended: as the suite wants if detail is empty.
type outcome struct {
	err    error // that the suite does not want
	detail string
}

func (r *runner) runStep(ctx context.Context, conn *sql.Conn, st step) outcome {
	args, query, ok := bind(st)
	if !ok {
		return outcome{err: errBindings, detail: errBindings.Error()}
	}
	if len(st.want) == 1 && len(st.want[0]) == 1 && !st.fails {
		if want, ok := st.want[0][0].(types.OkResult); ok {
			return runWrite(ctx, conn, query, args, want)
		}
	}
	got, err := rowsOf(conn.QueryContext(ctx, query, args...))
	switch {
	case st.fails && err == nil:
		return outcome{detail: "no error, want " + kindText(st) + "; rows:" + show(got)}
	case st.fails:
		return outcome{}
	case err != nil:
		return outcome{err: err, detail: fmt.Sprintf("%v\nwant:%s", err, showWant(st.want))}
	case st.runs || sameRows(st.query, st.want, got):
		return outcome{}
	}
	return outcome{detail: fmt.Sprintf("got:%s\nwant:%s", show(got), showWant(st.want))}
}

func kindText(st step) string {
	if st.kind == nil {
		return "one"
	}
	return st.kind.Message
}

func runWrite(ctx context.Context, conn *sql.Conn, query string, args []any, want types.OkResult) outcome {
	res, err := conn.ExecContext(ctx, query, args...)
	if err != nil {
		return outcome{err: err, detail: err.Error()}
	}
	n, err := res.RowsAffected()
	if err != nil || uint64(n) != want.RowsAffected {
		return outcome{detail: fmt.Sprintf("%d rows affected (%v), want %d", n, err, want.RowsAffected)}
	}
	return outcome{}
}

func rowsOf(rows *sql.Rows, err error) ([][]cell, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]cell
	for rows.Next() {
		vals := make([]sql.NullString, len(cols))
		dest := make([]any, len(cols))
		for i := range dest {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		row := make([]cell, len(cols))
		for i, v := range vals {
			row[i] = cell{!v.Valid, v.String}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// code is the MySQL code of an error, 0 if it has none.
func code(err error) int {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return int(my.Number)
	}
	return 0
}
