package parquet

import (
	"sync"
	"sync/atomic"
)

// minWorkerRows is the least number of rows for which it pays to encode columns at once.
const minWorkerRows = 1024

// use makes the columns of the field put their pages together in s.
func (n *writeNode) use(s *pageScratch) {
	for _, c := range n.columns {
		c.scratch = s
		c.values.use(s)
	}
}

// endPages ends the pages under way of the field's columns.
func (n *writeNode) endPages(s *pageScratch) error {
	n.use(s)
	for _, c := range n.columns {
		if err := c.endPage(); err != nil {
			return err
		}
	}
	return nil
}

// eachNode calls f for every field, on the writer's workers if there are rows enough. The error is that of the first
// field that has one.
func (w *Writer) eachNode(rows int, f func(i int, s *pageScratch) error) error {
	workers := min(len(w.scratch), len(w.nodes))
	if rows < minWorkerRows || workers < 2 {
		for i := range w.nodes {
			if err := f(i, w.scratch[0]); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(w.nodes))
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, s := range w.scratch[:workers] {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(errs); i = int(next.Add(1)) - 1 {
				errs[i] = guarded(i, s, f)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// guarded calls f and turns a panic into an error: one on a worker's goroutine would end the process.
func guarded(i int, s *pageScratch, f func(i int, s *pageScratch) error) (err error) {
	defer recoverLibrary(&err, "column")
	return f(i, s)
}
