package txn

import (
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// readSet is what a transaction's result depends on.
type readSet struct {
	all        bool
	predicates []*skipping.Predicate
	tests      []RowTest           // of each predicate; nil where none is known
	files      map[string]struct{} // canonical paths
	apps       map[string]struct{}
}

func newReadSet() readSet {
	return readSet{files: map[string]struct{}{}, apps: map[string]struct{}{}}
}

// empty says that no rows were read.
func (r *readSet) empty() bool { return !r.all && len(r.predicates) == 0 && len(r.files) == 0 }

// add notes one read. The transaction's own files among them do no harm: nobody else removes them.
func (r *readSet) add(filter expr.Expr, files []int, list *replay.FileList) {
	p := skipping.Compile(filter)
	r.predicates = append(r.predicates, p)
	if files == nil {
		keep := vector.FullBitmap(list.Len())
		p.Prune(list, keep)
		for i := range list.Len() {
			if keep.Get(i) {
				files = append(files, i)
			}
		}
	}
	for _, i := range files {
		r.files[list.Path(i)] = struct{}{}
	}
}

// matched returns the first of the files in list in which a read predicate may hold.
func (r *readSet) matched(list *replay.FileList) (int, bool) {
	n := list.Len()
	if r.all && n > 0 {
		return 0, true
	}
	for _, p := range r.predicates {
		keep := vector.FullBitmap(n)
		p.Prune(list, keep)
		for i := range n {
			if keep.Get(i) {
				return i, true
			}
		}
	}
	return 0, false
}
