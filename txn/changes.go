package txn

import (
	"maps"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// fileKey identifies a logical file: its path in one spelling, and its deletion vector.
type fileKey struct{ path, dv string }

func (c *changes) keyOf(a *action.Add) fileKey {
	return fileKey{c.root.CanonicalPath(a.Path), a.DeletionVector.UniqueID()}
}

// changes are what a transaction does to its table.
//
// A file that the transaction added and removed again leaves no trace. The removal of a file of the base by its path
// stands once made: the path comes back only with another deletion vector, as an addition.
type changes struct {
	root    action.Root
	adds    []staged
	live    map[string]int // the additions that count, by canonical path
	removes []removal
	removed map[fileKey]struct{}
	gone    map[string]struct{} // paths of removes
	undone  []string            // paths of additions that were taken back
	rows    map[string]Deletion // rows taken out of files that stay, by canonical path
	vectors []string            // keys of the files of deletion vectors that may have been stored

	metadata  *action.Metadata
	protocol  *action.Protocol
	apps      map[string]action.Txn
	domains   map[string]action.DomainMetadata
	cdc       []action.CDC
	operation operation
}

type staged struct {
	action.Add
	dead bool // removed again
}

type removal struct {
	action.Add
	dataChange bool
}

type operation struct {
	name            string
	params, metrics map[string]string
	set             bool
}

func newChanges(root action.Root) changes {
	return changes{
		root: root, live: map[string]int{}, removed: map[fileKey]struct{}{}, gone: map[string]struct{}{}, rows: map[string]Deletion{},
		apps: map[string]action.Txn{}, domains: map[string]action.DomainMetadata{},
	}
}

// empty says that there is nothing to commit; an operation alone is nothing.
func (c *changes) empty() bool {
	return len(c.live) == 0 && len(c.removes) == 0 && len(c.cdc) == 0 && c.metadata == nil && c.protocol == nil &&
		len(c.apps) == 0 && len(c.domains) == 0
}

// add stages an addition and returns how to take it back, or why it cannot be.
func (c *changes) add(a action.Add) (undo func(), reason string) {
	k := c.keyOf(&a)
	if _, ok := c.live[k.path]; ok {
		return nil, "is added twice in one transaction"
	}
	if _, ok := c.removed[k]; ok {
		return nil, "was removed in the same transaction"
	}
	c.live[k.path] = len(c.adds)
	c.adds = append(c.adds, staged{Add: a})
	return func() {
		c.adds = c.adds[:len(c.adds)-1]
		delete(c.live, k.path)
		if _, old := c.gone[k.path]; !old {
			c.undone = append(c.undone, k.path)
		}
	}, ""
}

// remove stages a removal likewise.
func (c *changes) remove(a action.Add, dataChange bool) (undo func(), reason string) {
	k := c.keyOf(&a)
	if i, ok := c.live[k.path]; ok && c.keyOf(&c.adds[i].Add) == k {
		c.adds[i].dead = true
		delete(c.live, k.path)
		return func() {
			c.adds[i].dead = false
			c.live[k.path] = i
		}, ""
	}
	if _, ok := c.gone[k.path]; ok {
		return nil, "is removed twice in one transaction"
	}
	c.removed[k], c.gone[k.path] = struct{}{}, struct{}{}
	c.removes = append(c.removes, removal{a, dataChange})
	return func() {
		c.removes = c.removes[:len(c.removes)-1]
		delete(c.removed, k)
		delete(c.gone, k.path)
	}, ""
}

// liveAdds returns the additions that count, in the order in which they were made.
func (c *changes) liveAdds() []action.Add {
	var out []action.Add
	for _, s := range c.adds {
		if !s.dead {
			out = append(out, s.Add)
		}
	}
	return out
}

// changesData says whether rows are added or removed, rather than moved.
func (c *changes) changesData() bool {
	return slices.ContainsFunc(c.adds, func(s staged) bool { return !s.dead && s.DataChange }) ||
		slices.ContainsFunc(c.removes, func(r removal) bool { return r.dataChange })
}

// removesData says whether rows are changed or removed.
func (c *changes) removesData() bool {
	return slices.ContainsFunc(c.removes, func(r removal) bool { return r.dataChange })
}

// actions returns the actions of the commit after commitInfo, removals stamped with nowMS.
func (c *changes) actions(metadata *action.Metadata, nowMS int64) []action.Action {
	var out []action.Action
	if c.protocol != nil {
		out = append(out, action.Action{Protocol: c.protocol})
	}
	if metadata != nil {
		out = append(out, action.Action{Metadata: metadata})
	}
	for _, id := range slices.Sorted(maps.Keys(c.apps)) {
		t := c.apps[id]
		out = append(out, action.Action{Txn: &t})
	}
	for _, d := range slices.Sorted(maps.Keys(c.domains)) {
		m := c.domains[d]
		out = append(out, action.Action{DomainMetadata: &m})
	}
	for i := range c.removes {
		out = append(out, action.Action{Remove: action.RemoveOf(&c.removes[i].Add, nowMS, c.removes[i].dataChange)})
	}
	for i := range c.adds {
		if !c.adds[i].dead {
			out = append(out, action.Action{Add: &c.adds[i].Add})
		}
	}
	for i := range c.cdc {
		out = append(out, action.Action{CDC: &c.cdc[i]})
	}
	return out
}
