package scan

import (
	"context"
	"sync"
)

// morsel is what a worker takes at a time: rows [from, to) of a row group, or of a file that is not read at all.
type morsel struct {
	file     *openFile
	group    int // -1: no column is read
	from, to int64
}

// queue hands out morsels to the streams of a scan. Files are opened by whoever runs out of morsels; the
// others go on with what earlier files left, or wait.
type queue struct {
	mu      sync.Mutex
	files   []int32 // ordinals of the files to open
	next    int
	ready   []morsel
	opening int
	changed chan struct{} // closed when ready or opening changed
}

// take returns the next morsel, or false at the end. open turns a file into morsels.
func (q *queue) take(ctx context.Context, open func(ctx context.Context, file int) ([]morsel, error)) (morsel, bool, error) {
	q.mu.Lock()
	for {
		switch {
		case len(q.ready) > 0:
			m := q.ready[0]
			q.ready[0] = morsel{}
			q.ready = q.ready[1:]
			q.mu.Unlock()
			return m, true, nil
		case q.next < len(q.files):
			file := int(q.files[q.next])
			q.next++
			q.opening++
			q.mu.Unlock()
			ms, err := open(ctx, file)
			q.mu.Lock()
			q.opening--
			q.ready = append(q.ready, ms...)
			if q.changed != nil {
				close(q.changed)
				q.changed = nil
			}
			if err != nil {
				q.mu.Unlock()
				return morsel{}, false, err
			}
		case q.opening == 0:
			q.mu.Unlock()
			return morsel{}, false, nil
		default:
			if q.changed == nil {
				q.changed = make(chan struct{})
			}
			changed := q.changed
			q.mu.Unlock()
			select {
			case <-changed:
			case <-ctx.Done():
				return morsel{}, false, ctx.Err()
			}
			q.mu.Lock()
		}
	}
}

// prime puts morsels in before anybody takes one.
func (q *queue) prime(ms []morsel) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = ms
	q.next = len(q.files)
}

// left is the number of files that nobody has opened yet.
func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.files) - q.next
}
