package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// check compares the log and every version with what the writers were told.
func (r *run) check() error {
	ctx := context.Background()
	table, err := delta.Open(ctx, r.store, delta.Options{})
	if err != nil {
		return err
	}
	newest, err := table.Snapshot(ctx)
	if err != nil {
		return err
	}
	last := newest.Metadata().ID
	var m model
	seen := map[string]delta.Version{}
	named := map[string]bool{}
	for v := delta.Version(1); v <= newest.Version(); v++ {
		info, err := r.commit(ctx, v, named)
		if err != nil {
			return err
		}
		ids := []string{info.TxnID}
		if text, ok := info.OperationParameters[txn.TransactionsParameter]; ok {
			ids = strings.Split(text, ",")
			r.stats.Shared++
		}
		for _, id := range ids {
			if t := r.tries[id]; t != nil && t.table != last {
				return fmt.Errorf("version %d is %v of transaction %s, which began on another table (%s) than this one (%s)", v, t.stmt, id, t.table, last)
			}
			if err := r.replay(v, id, seen, &m); err != nil {
				return err
			}
		}
		if err := r.compare(ctx, table, v, &m, ids); err != nil {
			return err
		}
	}
	for id, t := range r.tries {
		if _, ok := seen[id]; !ok && t.outcome == done && t.changes() && t.table == last {
			return fmt.Errorf("%v of transaction %s was acknowledged and is not in the log", t.stmt, id)
		}
	}
	return r.checkFiles(named)
}

// replay applies a transaction of version v to the model.
func (r *run) replay(v delta.Version, id string, seen map[string]delta.Version, m *model) error {
	t := r.tries[id]
	if t == nil {
		return fmt.Errorf("version %d is of the unknown transaction %q", v, id)
	}
	if before, twice := seen[id]; twice {
		return fmt.Errorf("version %d: %v of transaction %s is in version %d, too", v, t.stmt, id, before)
	}
	if t.outcome == refused {
		return fmt.Errorf("version %d: %v of transaction %s was reported as not committed", v, t.stmt, id)
	}
	seen[id] = v
	if err := m.apply(t.stmt, v, t.read, r.layout); err != nil {
		return fmt.Errorf("version %d: %w", v, err)
	}
	return nil
}

// changes says whether the statement must leave a version, even if it meets no row.
func (t *try) changes() bool {
	return t.stmt.Kind <= Upsert || t.stmt.Kind == Merge || t.stmt.Kind == Property
}

// commit reads the commit of a version and notes the files that it names.
func (r *run) commit(ctx context.Context, v delta.Version, named map[string]bool) (*action.CommitInfo, error) {
	data, err := r.store.Get(ctx, log.CommitKey(v), log.MaxCommitBytes)
	if err != nil {
		return nil, err
	}
	var info *action.CommitInfo
	err = action.ParseLines(log.CommitKey(v), string(data), func(_ int, a *action.Action) error {
		if a.CommitInfo != nil {
			info = a.CommitInfo
		}
		if a.Add != nil {
			named[a.Add.Path] = true
			if d := a.Add.DeletionVector; d != nil {
				named[vectorKey(d)] = true
			}
		}
		return nil
	})
	if err == nil && info == nil {
		err = fmt.Errorf("version %d has no commitInfo", v)
	}
	return info, err
}

// vectorKey is the key of the file of a deletion vector.
func vectorKey(d *action.DeletionVectorDescriptor) string {
	key, err := dv.FileKey(d.PathOrInlineDV)
	if err != nil {
		return d.PathOrInlineDV // inline
	}
	return key
}

// compare reads a version with a reader of its own.
func (r *run) compare(ctx context.Context, table *delta.Table, v delta.Version, m *model, ids []string) error {
	snap, err := table.SnapshotAt(ctx, v)
	if err != nil {
		return err
	}
	got, err := readRows(ctx, snap)
	if err != nil {
		return fmt.Errorf("version %d after %v: %w", v, ids, err)
	}
	if want := m.sorted(); !slices.Equal(got, want) {
		return fmt.Errorf("version %d after %v of %v: rows %v, want %v", v, r.tries[ids[len(ids)-1]].stmt, ids, got, want)
	}
	return nil
}

func readRows(ctx context.Context, snap *delta.Snapshot) ([]Row, error) {
	var rows []Row
	in := exec.NewScan(scan.NewSource(snap, scan.Options{}), exec.ScanSpec{Columns: []int{0, 1}})
	err := exec.Run(ctx, &exec.Query{Workers: 1, Env: &expr.Env{}}, in, func(b *vector.Batch) error {
		for k := range b.Rows() {
			rows = append(rows, Row{b.Cols[0].Int(b.Row(k)), b.Cols[1].Int(b.Row(k))})
		}
		return nil
	})
	sortRows(rows)
	return rows, err
}

// checkFiles finds files outside of the log that no commit names.
func (r *run) checkFiles(named map[string]bool) error {
	if r.lost || r.cfg.Drops { // a writer whose table was dropped may have left something behind
		return nil
	}
	for _, key := range r.store.Keys() {
		if !strings.HasPrefix(key, log.Prefix) && !named[key] {
			return fmt.Errorf("no commit names the file %s", key)
		}
	}
	return nil
}
