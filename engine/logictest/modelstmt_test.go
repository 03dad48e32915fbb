package logictest

import (
	"fmt"
	"slices"
	"strings"
)

func (r *chooser) replace(i int) change {
	text, other, source := r.source(i)
	return change{i, "REPLACE INTO " + r.names[i] + " (id, n, s) " + text, false, other, func(target, others []tuple) outcome {
		if i == 0 {
			return outcome{codes: []int{1173}} // there is no key
		}
		o := outcome{rows: slices.Clone(target)}
		for _, t := range source(others) {
			o.violations(t)
			if at := slices.IndexFunc(o.rows, func(x tuple) bool { return x.id == t.id }); at >= 0 {
				o.affected += 2
				o.rows[at] = t
				continue
			}
			o.rows = append(o.rows, t)
			o.affected++
		}
		return o
	}}
}

// same reports whether two rows have the same values.
func same(a, b tuple) bool { return a.id == b.id && a.n == b.n && a.s == b.s }

func (r *chooser) upsert(i int) change {
	text, other, source := r.source(i)
	set := r.joined("", "VALUES(n)", "VALUES(s)")
	return change{i, "INSERT INTO " + r.names[i] + " (id, n, s) " + text + " ON DUPLICATE KEY UPDATE " + set.text, false, other, func(target, others []tuple) outcome {
		if i == 0 {
			return outcome{codes: []int{1173}} // there is no key
		}
		o := outcome{rows: slices.Clone(target)}
		for _, t := range source(others) {
			at := slices.IndexFunc(o.rows, func(x tuple) bool { return x.id == t.id })
			if at < 0 {
				o.violations(t)
				o.rows = append(o.rows, t)
				o.affected++
				continue
			}
			out := o.rows[at]
			set.set(&out, o.rows[at], t)
			o.violations(out)
			if !same(out, o.rows[at]) {
				out.blind = 0
				o.rows[at] = out
				o.affected += 2
			}
		}
		return o.unique(true)
	}}
}

// limited picks the rows of target that fulfil c, with a limit of them the first of an order.
func (r *chooser) limited() (text string, pick func(target []tuple) []int) {
	c, limit, desc := r.condition(""), -1, r.IntN(2) == 0
	text = " WHERE " + c.text
	if r.IntN(6) == 0 {
		c, text = condition{"", func(tuple) bool { return true }}, ""
	}
	if r.IntN(3) == 0 {
		limit = r.IntN(4)
		if desc {
			text += fmt.Sprintf(" ORDER BY id DESC, n DESC, s DESC LIMIT %d", limit)
		} else {
			text += fmt.Sprintf(" ORDER BY id, n, s LIMIT %d", limit)
		}
	}
	return text, func(target []tuple) []int {
		var at []int
		for i, t := range target {
			if c.ok(t) {
				at = append(at, i)
			}
		}
		if limit >= 0 {
			slices.SortStableFunc(at, func(a, b int) int {
				if desc {
					a, b = b, a
				}
				return compareTuples(target[a], target[b])
			})
			at = at[:min(limit, len(at))]
		}
		return at
	}
}

// update assigns from left to right, as MySQL does.
func (r *chooser) update(i int) change {
	sets := []assignment{r.assignment("")}
	if r.IntN(2) == 0 {
		sets = append(sets, r.assignment(""))
	}
	texts := make([]string, len(sets))
	for k, a := range sets {
		texts[k] = a.text
	}
	where, pick := r.limited()
	return change{i, "UPDATE " + r.names[i] + " SET " + strings.Join(texts, ", ") + where, false, false, func(target, _ []tuple) outcome {
		o := outcome{rows: slices.Clone(target)}
		for _, at := range pick(target) {
			out := target[at]
			for _, a := range sets {
				a.set(&out, out, out)
			}
			o.put(at, out)
		}
		return o.unique(i == 1)
	}}
}

// put is an update of a row, which counts if it changes something.
func (o *outcome) put(at int, out tuple) {
	o.violations(out)
	if !same(out, o.rows[at]) {
		out.blind = 0
		o.rows[at] = out
		o.affected++
	}
}

func (r *chooser) remove(i int) change {
	where, pick := r.limited()
	return change{i, "DELETE FROM " + r.names[i] + where, false, false, func(target, _ []tuple) outcome {
		var o outcome
		gone := pick(target)
		for at, t := range target {
			if !slices.Contains(gone, at) {
				o.rows = append(o.rows, t)
			}
		}
		o.affected = len(gone)
		return o
	}}
}

// insertSelect reads the table itself, or the other.
func (r *chooser) insertSelect(i int) change {
	from := r.IntN(2)
	c, k := r.condition(""), 1+r.IntN(16)
	text := fmt.Sprintf("INSERT INTO %s (id, n, s) SELECT id + %d, n, s FROM %s WHERE %s AND id < 20", r.names[i], k, r.names[from], c.text)
	return change{i, text, i == 0 && from != i, from != i, func(target, other []tuple) outcome {
		o := outcome{rows: slices.Clone(target)}
		rows := target
		if from != i {
			rows = other
		}
		for _, t := range rows {
			if c.ok(t) && t.id < 20 {
				t.id, t.blind = t.id+k, 0
				o.rows = append(o.rows, t)
				o.affected++
			}
		}
		return o.unique(i == 1)
	}}
}

// updateFrom reads the other table in a subquery.
func (r *chooser) updateFrom(i int) change {
	c := r.condition("")
	me, from := r.names[i], r.names[1-i]
	if r.IntN(2) == 0 {
		text := fmt.Sprintf("DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE %s)", me, from, c.text)
		return change{i, text, false, true, func(target, other []tuple) outcome {
			var o outcome
			for _, t := range target {
				if slices.ContainsFunc(other, func(x tuple) bool { return x.id == t.id && c.ok(x) }) {
					o.affected++
					continue
				}
				o.rows = append(o.rows, t)
			}
			return o
		}}
	}
	text := fmt.Sprintf("UPDATE %s SET n = (SELECT MAX(o.n) FROM %s o WHERE o.id = %s.id) WHERE %s", me, from, me, c.text)
	return change{i, text, false, true, func(target, other []tuple) outcome {
		o := outcome{rows: slices.Clone(target)}
		for at, t := range target {
			if !c.ok(t) {
				continue
			}
			t.n = num{}
			for _, x := range other {
				if x.id == t.id && x.n.ok == 1 && (t.n.ok == 0 || x.n.v > t.n.v) {
					t.n = x.n
				}
			}
			o.put(at, t)
		}
		return o
	}}
}

// mergeClause is a WHEN of MERGE; set is nil for DELETE and INSERT *.
type mergeClause struct {
	onSource, onTarget *condition
	sets               []assignment
	remove, all        bool
}

func (c *mergeClause) wants(target, source tuple) bool {
	return (c.onTarget == nil || c.onTarget.ok(target)) && (c.onSource == nil || c.onSource.ok(source))
}

func (c *mergeClause) conditions() string {
	text := ""
	if c.onTarget != nil {
		text += " AND " + c.onTarget.text
	}
	if c.onSource != nil {
		text += " AND " + c.onSource.text
	}
	return text
}

func (r *chooser) mergeClauses(source, target bool) []*mergeClause {
	var out []*mergeClause
	for range r.IntN(3) {
		c := &mergeClause{remove: r.IntN(3) == 0, all: r.IntN(4) == 0 && !r.wide}
		if source && r.IntN(3) == 0 {
			x := r.condition("x.")
			c.onSource = &x
		}
		if target && r.IntN(2) == 0 {
			x := r.condition("t.")
			c.onTarget = &x
		}
		if source {
			c.sets = append(c.sets, r.joined("t.", "x.n", "x.s"))
		} else {
			c.sets = append(c.sets, r.assignment("t."))
		}
		out = append(out, c)
	}
	for i, c := range out { // only the last one of a kind may be without a condition
		if i < len(out)-1 && c.onSource == nil && c.onTarget == nil {
			return out[:i+1]
		}
	}
	return out
}

// merge has every clause. Two source rows that act on one target row are error 1242.
func (r *chooser) merge(i int) change {
	m := mergeModel{keyed: i == 1, matched: r.mergeClauses(true, true), missing: r.mergeClauses(true, false), lonely: r.mergeClauses(false, true)}
	if len(m.matched)+len(m.missing)+len(m.lonely) == 0 {
		return r.merge(i)
	}
	if r.IntN(3) == 0 {
		x := r.condition("t.")
		m.on = &x
	}
	var source string
	var other bool
	if source, other = m.chooseSource(r, i); r.IntN(2) == 0 {
		m.moved = r.IntN(3)
	}
	text := fmt.Sprintf("MERGE INTO %s t USING (%s) x ON t.id = x.id", r.names[i], source)
	if m.on != nil {
		text += " AND " + m.on.text
	}
	return change{i, text + m.clauses(), false, other, m.apply}
}

type mergeModel struct {
	keyed                    bool
	on                       *condition // of the target, beside the equal ids
	moved                    int        // the distance of inserted ids from the source's
	source                   func(other []tuple) []tuple
	matched, missing, lonely []*mergeClause
}

func (m *mergeModel) chooseSource(r *chooser, i int) (text string, other bool) {
	if r.IntN(2) == 0 {
		c := r.condition("")
		m.source = func(other []tuple) []tuple {
			return slices.DeleteFunc(slices.Clone(other), func(t tuple) bool { return !c.ok(t) })
		}
		return "SELECT id, n, s FROM " + r.names[1-i] + " WHERE " + c.text, true
	}
	var rows []tuple
	var texts []string
	for range 1 + r.IntN(5) {
		t, _ := r.tuple()
		if r.IntN(4) > 0 && slices.ContainsFunc(rows, func(x tuple) bool { return x.id == t.id }) {
			continue
		}
		n, s := "NULL", "NULL"
		if t.n.ok == 1 {
			n = fmt.Sprint(t.n.v)
		}
		if t.s.ok {
			s = "'" + t.s.v + "'"
		}
		rows, texts = append(rows, t), append(texts, fmt.Sprintf("SELECT %d AS id, CAST(%s AS SIGNED) AS n, CAST(%s AS CHAR) AS s", t.id, n, s))
	}
	m.source = func([]tuple) []tuple { return rows }
	return strings.Join(texts, " UNION ALL "), false
}

func (m *mergeModel) clauses() string {
	var b strings.Builder
	for _, c := range m.matched {
		b.WriteString(" WHEN MATCHED" + c.conditions() + " THEN " + c.action())
	}
	for _, c := range m.missing {
		b.WriteString(" WHEN NOT MATCHED" + c.conditions() + " THEN INSERT ")
		if c.all && m.moved == 0 {
			b.WriteString("*")
		} else {
			fmt.Fprintf(&b, "(id, n, s) VALUES (x.id + %d, x.n, x.s)", m.moved)
		}
	}
	for _, c := range m.lonely {
		c.all = false
		b.WriteString(" WHEN NOT MATCHED BY SOURCE" + c.conditions() + " THEN " + c.action())
	}
	return b.String()
}

func (c *mergeClause) action() string {
	switch {
	case c.remove:
		return "DELETE"
	case c.all:
		return "UPDATE SET *"
	}
	return "UPDATE SET " + c.sets[0].text
}

// onlyDeletes is the case in which several source rows may meet one target row.
func (m *mergeModel) onlyDeletes() bool {
	return len(m.matched) == 1 && m.matched[0].remove && m.matched[0].onSource == nil && m.matched[0].onTarget == nil
}

func (m *mergeModel) apply(target, others []tuple) outcome {
	var o outcome
	source := m.source(others)
	met := make([]bool, len(source))
	for _, t := range target {
		out, acts, matches := []tuple{t}, 0, 0
		for k, x := range source {
			if x.id != t.id || m.on != nil && !m.on.ok(t) {
				continue
			}
			met[k] = true
			matches++
			if c := first(m.matched, t, x); c != nil {
				acts++
				out = o.act(c, t, x)
			}
		}
		if acts > 1 && !m.onlyDeletes() {
			o.codes = append(o.codes, 1242)
		}
		if c := first(m.lonely, t, tuple{}); c != nil && matches == 0 {
			acts++
			out = o.act(c, t, tuple{})
		}
		o.rows = append(o.rows, out...)
		o.affected += min(acts, 1)
	}
	for k, x := range source {
		if c := first(m.missing, tuple{}, x); c != nil && !met[k] {
			x.id, x.blind = x.id+m.moved, 0
			o.violations(x)
			o.rows = append(o.rows, x)
			o.affected++
		}
	}
	return o.unique(m.keyed)
}

func first(clauses []*mergeClause, target, source tuple) *mergeClause {
	for _, c := range clauses {
		if c.wants(target, source) {
			return c
		}
	}
	return nil
}

// act makes the rows that a clause leaves of a target row.
func (o *outcome) act(c *mergeClause, t, x tuple) []tuple {
	if c.remove {
		return nil
	}
	out := t
	out.blind = 0
	if c.all {
		out.id, out.n, out.s = x.id, x.n, x.s
	} else {
		c.sets[0].set(&out, t, x)
	}
	o.violations(out)
	return []tuple{out}
}
