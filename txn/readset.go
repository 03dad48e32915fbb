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
	files      map[string]struct{} // canonical paths of files of the base
	apps       map[string]struct{}
}

func newReadSet() readSet {
	return readSet{files: map[string]struct{}{}, apps: map[string]struct{}{}}
}

// empty says that no rows were read.
func (r *readSet) empty() bool { return !r.all && len(r.predicates) == 0 && len(r.files) == 0 }

// add notes one read. own tells the transaction's own files, which nobody else can touch.
func (r *readSet) add(filter expr.Expr, files []int, list *replay.FileList, own func(path string) bool) {
	p := skipping.Compile(filter)
	r.predicates = append(r.predicates, p)
	if files == nil {
		keep := vector.FullBitmap(list.Len())
		p.Prune(list.Stats(), keep)
		for i := range list.Len() {
			if keep.Get(i) {
				files = append(files, i)
			}
		}
	}
	for _, i := range files {
		if path := list.Path(i); !own(path) {
			r.files[path] = struct{}{}
		}
	}
}

// matched returns the first of the files in list, from position from on, in which a read predicate may hold.
func (r *readSet) matched(list *replay.FileList, from int) (int, bool) {
	n := list.Len()
	if r.all && from < n {
		return from, true
	}
	for _, p := range r.predicates {
		keep := vector.NewBitmap(n)
		for i := from; i < n; i++ {
			keep.Set(i)
		}
		p.Prune(list.Stats(), keep)
		for i := from; i < n; i++ {
			if keep.Get(i) {
				return i, true
			}
		}
	}
	return 0, false
}
