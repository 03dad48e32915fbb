package exec

import (
	"bytes"
	"io"
	"sort"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// memoryMerge merges the workers' runs, which lie in memory.
type memoryMerge struct {
	workers []*sortWorker
	base    []uint32 // name of each worker's first row among all
	pos     []int
	rows    *rowSet
	refs    []uint32
	outs    []*outVector
	out     vector.Batch
	room    int // for the text of a column of a batch
}

func newMemoryMerge(workers []*sortWorker, ts []types.Type) *memoryMerge {
	m := &memoryMerge{workers: workers, pos: make([]int, len(workers))}
	var collectors []*collector
	chunks := 0
	for _, w := range workers {
		m.room = w.query.textRoom()
		m.base = append(m.base, uint32(chunks<<chunkBits))
		chunks += len(w.rows.chunks)
		collectors = append(collectors, w.rows)
	}
	m.rows = newRowSet(ts, collectors)
	m.outs, m.out.Cols = newOutVectors(ts)
	return m
}

func (m *memoryMerge) next(n int, skip bool) (*vector.Batch, int, error) {
	m.refs = m.refs[:0]
	for len(m.refs) < n {
		w := m.least()
		if w < 0 {
			break
		}
		m.refs = append(m.refs, m.base[w]+m.workers[w].entries[m.pos[w]].ref)
		m.pos[w]++
	}
	got := len(m.refs)
	if len(m.refs) == 0 {
		return nil, 0, io.EOF
	}
	if !skip {
		got = m.rows.fetchAll(m.outs, m.refs, nil, got, false, m.room)
		m.putBack(m.refs[got:])
		for _, o := range m.outs {
			o.cut(got)
		}
		m.out.Len = got
	}
	return &m.out, got, nil
}

// putBack makes the rows that were taken last come again.
func (m *memoryMerge) putBack(refs []uint32) {
	for _, ref := range refs {
		w := sort.Search(len(m.base), func(i int) bool { return m.base[i] > ref }) - 1
		m.pos[w]--
	}
}

// least returns the worker whose next row comes first, or -1.
func (m *memoryMerge) least() int {
	best := -1
	for i, w := range m.workers {
		if m.pos[i] < len(w.entries) && (best < 0 || m.before(i, best)) {
			best = i
		}
	}
	return best
}

func (m *memoryMerge) before(i, j int) bool {
	v, w := m.workers[i], m.workers[j]
	a, b := v.entries[m.pos[i]], w.entries[m.pos[j]]
	switch {
	case a.prefix != b.prefix:
		return a.prefix < b.prefix
	case a.tail != b.tail:
		return a.tail < b.tail
	case v.exact:
		return false
	}
	return bytes.Compare(v.keys[a.ref>>chunkBits].row(a.ref&(chunkRows-1)), w.keys[b.ref>>chunkBits].row(b.ref&(chunkRows-1))) < 0
}
