package server_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine"
)

// panicking is a store whose calls of one kind panic while it is armed.
type panicking struct {
	objstore.Store
	armed atomic.Pointer[string]
}

func (p *panicking) at(call, key string) {
	if armed := p.armed.Load(); armed != nil && strings.HasPrefix(*armed, call) && strings.Contains(key, (*armed)[len(call)+1:]) {
		panic("injected into " + *armed)
	}
}

// GetRange implements objstore.Store.
func (p *panicking) GetRange(ctx context.Context, key string, off int64, b []byte) error {
	p.at("GetRange", key)
	return p.Store.GetRange(ctx, key, off, b)
}

// Put implements objstore.Store.
func (p *panicking) Put(ctx context.Context, key string, r io.Reader) (objstore.Object, error) {
	p.at("Put", key)
	return p.Store.Put(ctx, key, r)
}

// PutIfAbsent implements objstore.Store.
func (p *panicking) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	p.at("PutIfAbsent", key)
	return p.Store.PutIfAbsent(ctx, key, data)
}

// TestPanics injects a panic into the reading, writing and committing of a statement: it ends with an internal error, or
// one that says that the commit may be there; the stack is told of, nothing is held, and the server serves the next statement on the same connection.
func TestPanics(t *testing.T) {
	local, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := &panicking{Store: local}
	w := startWarehouse(t, nil, engine.Options{Store: store})
	c, _, _ := w.connect()
	w.exec(c, "CREATE TABLE t (id INT, v STRING)", "INSERT INTO t VALUES (1, 'a')", "CREATE TABLE s AS SELECT * FROM t", "INSERT INTO s SELECT * FROM t")
	for _, p := range []struct {
		armed, text string
		code        int
		stack       bool
	}{
		{"GetRange .parquet", "SELECT max(v) FROM t", 1105, true}, {"GetRange .parquet", "SELECT t.v FROM t JOIN s ON t.id = s.id ORDER BY 1", 1105, true},
		{"GetRange .parquet", "UPDATE t SET v = concat(v, 'x')", 1105, true}, {"Put .parquet", "INSERT INTO t SELECT id + 1, v FROM s", 1105, false},
		{"PutIfAbsent _delta_log", "INSERT INTO t SELECT id + 1, v FROM s", 1180, true},
	} {
		store.armed.Store(&p.armed)
		_, err := c.ExecContext(t.Context(), p.text)
		store.armed.Store(nil)
		w.idle()
		if code, _ := mysqlError(err); int(code) != p.code || !strings.Contains(err.Error(), "injected") || strings.Contains(err.Error(), "goroutine") {
			t.Errorf("%s: %v", p.text, err)
		}
		if e := w.last.Load(); (len(e.Stack) > 0) != p.stack || e.Code != p.code {
			t.Errorf("%s: %d, stack %s", p.text, e.Code, e.Stack)
		}
		if used := w.engine.Activity().MemoryBytes; used != 0 {
			t.Errorf("%s holds %d bytes", p.text, used)
		}
		var n int
		if err := c.QueryRowContext(t.Context(), "SELECT count(v) FROM t").Scan(&n); err != nil || n != 1 {
			t.Errorf("after %s: %d rows, %v", p.text, n, err)
		}
	}
}
