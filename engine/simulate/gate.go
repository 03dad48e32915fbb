package simulate

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// queue holds the store calls that wait for the scheduler.
type queue struct {
	mu      sync.Mutex
	waiting []*call
}

// call is one store call of a writer.
type call struct {
	writer int
	name   string
	goOn   chan struct{}
}

func (q *queue) wait(writer int, name string) {
	c := &call{writer, name, make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	q.mu.Unlock()
	<-c.goOn
}

// release lets the call go that pick chooses among those waiting, which it is shown in an order that does not depend on when they came.
// False if none waits.
func (q *queue) release(pick func(n int) int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return false
	}
	slices.SortStableFunc(q.waiting, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.writer, b.writer), cmp.Compare(a.name, b.name))
	})
	i := pick(len(q.waiting))
	c := q.waiting[i]
	q.waiting = slices.Delete(q.waiting, i, i+1)
	close(c.goOn)
	return true
}

// gate is a writer's view of the store: each call waits for the scheduler.
type gate struct {
	objstore.Store
	q      *queue
	writer int
}

func (g gate) Get(ctx context.Context, key string, maxBytes int64) ([]byte, error) {
	g.q.wait(g.writer, "get "+key)
	return g.Store.Get(ctx, key, maxBytes)
}

func (g gate) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	g.q.wait(g.writer, "range "+key)
	return g.Store.GetRange(ctx, key, off, p)
}

func (g gate) Put(ctx context.Context, key string, r io.Reader) (objstore.Object, error) {
	g.q.wait(g.writer, "put") // the names of data files are random
	return g.Store.Put(ctx, key, r)
}

func (g gate) PutBeside(ctx context.Context, key string, r io.Reader, beside objstore.Object) (objstore.Object, error) {
	g.q.wait(g.writer, "put")
	return objstore.PutBeside(ctx, g.Store, key, r, beside)
}

func (g gate) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	g.q.wait(g.writer, "putifabsent "+key)
	return g.Store.PutIfAbsent(ctx, key, data)
}

func (g gate) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside objstore.Object) error {
	g.q.wait(g.writer, "putifabsent "+key)
	return objstore.PutIfAbsentBeside(ctx, g.Store, key, data, beside)
}

func (g gate) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Object, error] {
	return func(yield func(objstore.Object, error) bool) {
		g.q.wait(g.writer, "list "+prefix)
		g.Store.List(ctx, prefix, startAfter)(yield)
	}
}

func (g gate) Head(ctx context.Context, key string) (objstore.Object, error) {
	g.q.wait(g.writer, "head "+key)
	return g.Store.Head(ctx, key)
}

func (g gate) Delete(ctx context.Context, key string) error {
	g.q.wait(g.writer, "delete "+key)
	return g.Store.Delete(ctx, key)
}
