package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/vector"
)

// Rows are new rows whose data file is written by the commit: those of all transactions that share it in one file for each partition.
type Rows struct {
	Batches []*vector.Batch // checked, of the table's columns, owned by the transaction

	// Keys are the declared keys of the rows, where there is one: all that the transaction read are the rows that have one of them.
	Keys []string

	// Write makes files of batches, the transaction's own or those of several that began with the same schema. On error nothing stays behind.
	Write func(ctx context.Context, batches []*vector.Batch) ([]action.Add, error)
}

// AddRows adds rows that nothing in this transaction will read. It is the only change of the transaction; *InvalidError otherwise, and
// of rows without keys, if the transaction has read anything.
func (tx *Transaction) AddRows(r *Rows) error {
	if tx.closed {
		return ErrClosed
	}
	if tx.Changed() || r.Keys == nil && !tx.reads.empty() {
		return tx.invalid("", "rows to be written by the commit cannot be added to other changes")
	}
	tx.rows = r
	tx.did(func() { tx.rows = nil })
	return nil
}

// Blind says that the transaction has read nothing.
func (tx *Transaction) Blind() bool { return tx.reads.empty() }

// writeRows makes the files of AddRows and stages them.
func (tx *Transaction) writeRows(ctx context.Context) error {
	r := tx.rows
	if r == nil {
		return nil
	}
	tx.rows = nil
	adds, err := r.Write(ctx, r.Batches)
	if err != nil {
		return err
	}
	for _, a := range adds {
		if _, reason := tx.changes.add(a); reason != "" {
			return tx.invalid(a.Path, reason)
		}
	}
	return nil
}

// meets reports whether the rows have a key of other; no rows have none.
func (r *Rows) meets(other map[string]struct{}) bool {
	return r != nil && slices.ContainsFunc(r.Keys, func(k string) bool {
		_, ok := other[k]
		return ok
	})
}

// gather adds the keys of the rows to those of others.
func (r *Rows) gather(keys map[string]struct{}) {
	if r == nil {
		return
	}
	for _, k := range r.Keys {
		keys[k] = struct{}{}
	}
}

// keysOf gathers the keys of members that add rows.
func keysOf(members []*member) map[string]struct{} {
	keys := map[string]struct{}{}
	for _, m := range members {
		m.tx.rows.gather(keys)
	}
	return keys
}

// rowMembers returns those that add rows whose file is not theirs.
func rowMembers(members []*member) []*member {
	var out []*member
	for _, m := range members {
		if m.tx.rows != nil {
			out = append(out, m)
		}
	}
	return out
}

// writeRows makes the files of the rows of all members. Where that fails every member has its own, or its own error.
func (c *committer) writeRows(ctx context.Context) {
	c.discard(ctx)
	with := rowMembers(c.members)
	if len(with) == 0 {
		return
	}
	newest := with[0].tx
	var all []*vector.Batch
	for _, m := range with {
		all = append(all, m.tx.rows.Batches...)
		if m.tx.base.Version() > newest.base.Version() {
			newest = m.tx
		}
	}
	var err error
	if c.written, err = newest.rows.Write(ctx, all); err == nil {
		return
	}
	c.written = nil
	var in []*member
	for _, m := range c.members {
		if err := m.tx.writeRows(ctx); err != nil {
			m.end(0, abandoned, fmt.Errorf("table %s: %w", m.tx.table.URL(), err))
			continue
		}
		in = append(in, m)
	}
	c.members = in
}

// discard deletes the files of the members' rows, which no commit names.
func (c *committer) discard(ctx context.Context) {
	for _, a := range c.written {
		key := c.tx.changes.root.CanonicalPath(a.Path)
		if c.tx.table.Store().Delete(ctx, key) != nil {
			_ = c.tx.table.Store().Delete(ctx, key) // what stays is unseen, and left to VACUUM
		}
	}
	c.written = nil
}
