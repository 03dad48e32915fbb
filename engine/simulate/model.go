package simulate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta"
)

// modelRow is a row of the reference.
type modelRow struct {
	Row
	blind delta.Version // the commit that appended it without reading anything; -1: it came otherwise
}

// model is the table as the committed statements make it, one after the other.
//
// Under WriteSerializable a statement may be as if it came before the blind appends that were committed between the version it read
// and its own: it does not see their rows.
type model struct{ rows []modelRow }

// apply executes s, which was committed as version v and had read the version read.
func (m *model) apply(s Statement, v, read delta.Version, l Layout) error {
	sees := func(r modelRow) bool { return l.Serializable || r.blind <= read }
	switch s.Kind {
	case Append:
		for _, r := range s.Rows {
			m.rows = append(m.rows, modelRow{r, v})
		}
	case Insert, Upsert, Merge, Ignore:
		return m.merge(s, sees)
	case Update, UpdateAll:
		for i, r := range m.rows {
			if sees(r) && (s.Kind == UpdateAll || r.ID == s.ID) {
				m.rows[i] = modelRow{Row{r.ID, r.N + s.By}, -1}
			}
		}
	case Delete:
		m.rows = slices.DeleteFunc(m.rows, func(r modelRow) bool { return sees(r) && r.ID == s.ID })
	}
	return nil
}

func (m *model) merge(s Statement, sees func(modelRow) bool) error {
	var add []modelRow
	for _, src := range s.Rows {
		found := false
		for i, r := range m.rows {
			if r.ID != src.ID || !sees(r) {
				continue
			}
			if s.Kind == Insert {
				return fmt.Errorf("the key %d of a committed INSERT is there already", r.ID)
			}
			if found = true; s.Kind != Ignore {
				m.rows[i] = modelRow{Row{r.ID, r.N + src.N}, -1}
			}
		}
		if !found {
			add = append(add, modelRow{src, -1})
		}
	}
	m.rows = append(m.rows, add...)
	return nil
}

// sorted returns the rows in order.
func (m *model) sorted() []Row {
	out := make([]Row, len(m.rows))
	for i, r := range m.rows {
		out[i] = r.Row
	}
	sortRows(out)
	return out
}

func sortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.N, b.N)) })
}
