package planner

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/txn"
)

// noteRead tells whoever has to know that the statement reads a version of a table: every scan passes here before it
// runs, those of subqueries too. A version that the statement names (AS OF) cannot change, so nothing depends on it.
func (c *converter) noteRead(s *scanRel) error {
	if c.onRead == nil || s.table == nil || s.table.AsOf() {
		return nil
	}
	return c.onRead(s)
}

// maxReads bounds the predicates that a statement's reads of its target make; a correlated subquery may have one a row. Beyond
// it everything counts as read.
const maxReads = 256

// readsOfTarget makes a writing statement's transaction know what it reads of its target, by any of its parts.
func (w *writing) readsOfTarget() func(*scanRel) error {
	loc, other := w.tbl.Location(), w.c.onRead
	var mu sync.Mutex // subqueries run on several workers
	reads := 0
	return func(s *scanRel) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case s.location == loc:
			if reads++; reads > maxReads {
				return w.target.Read(nil, w.q.Env)
			}
			return w.target.Read(s.filter, w.q.Env)
		case other != nil:
			return other(s)
		}
		return nil
	}
}

// readsOfTransaction makes an explicit transaction know what its SELECTs read, where the table asks that transactions be
// serializable; nil where nothing has to be known. At the weaker level only the reads of writing statements count.
func (rt *Runtime) readsOfTransaction(ctx *sql.Context, env *expr.Env) func(*scanRel) error {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil
	}
	if explicit, err := session.Explicit(ctx); err != nil || !explicit {
		return nil
	}
	var mu sync.Mutex
	return func(s *scanRel) error {
		mu.Lock()
		defer mu.Unlock()
		if !strings.EqualFold(s.table.Snapshot().Metadata().Configuration["delta.isolationLevel"], "Serializable") {
			return nil
		}
		filter := s.filter
		return session.NoteRead(s.location, func(tx *txn.Transaction) error {
			t := dml.Table{Name: s.label, Tx: tx, Cache: rt.provider.Cache()}
			if err := t.Read(filter, env); err != nil {
				return fmt.Errorf("reads of %s: %w", s.label, err)
			}
			return nil
		})
	}
}
