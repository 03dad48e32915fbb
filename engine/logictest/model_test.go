package logictest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// num and word are values of the model that may be NULL.
type (
	num  struct{ v, ok int }
	word struct {
		v  string
		ok bool
	}
)

func someNum(v int) num { return num{v, 1} }

// tuple is a row of the model's tables (id INT NOT NULL, n INT, s VARCHAR(3), CHECK (n < 50)).
type tuple struct {
	id    int
	n     num
	s     word
	blind int // the version that appended it without reading anything, or 0
}

func (t tuple) String() string {
	n, s := "NULL", "NULL"
	if t.n.ok == 1 {
		n = strconv.Itoa(t.n.v)
	}
	if t.s.ok {
		s = t.s.v
	}
	return fmt.Sprintf("%d,%s,%s", t.id, n, s)
}

// compareTuples is the order of ORDER BY id, n, s.
func compareTuples(a, b tuple) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.n.ok, b.n.ok), cmp.Compare(a.n.v, b.n.v), compareWords(a.s, b.s))
}

// compareWords puts NULL first.
func compareWords(a, b word) int {
	if a.ok != b.ok {
		return cmp.Compare(strconv.FormatBool(a.ok), strconv.FormatBool(b.ok))
	}
	return strings.Compare(a.v, b.v)
}

func sortedTuples(rows []tuple) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.String()
	}
	slices.Sort(out)
	return out
}

// outcome is what a statement makes of its table. With codes it fails with one of them, and changes nothing.
type outcome struct {
	rows     []tuple
	affected int
	codes    []int
}

// violations adds the errors of a new row.
func (o *outcome) violations(t tuple) {
	if t.n.ok == 1 && t.n.v >= 50 {
		o.codes = append(o.codes, 3819)
	}
	if len(t.s.v) > 3 {
		o.codes = append(o.codes, 1406)
	}
}

// unique adds error 1062 if a key is there twice.
func (o *outcome) unique(keyed bool) outcome {
	seen := map[int]bool{}
	for _, r := range o.rows {
		if keyed && seen[r.id] {
			o.codes = append(o.codes, 1062)
		}
		seen[r.id] = true
	}
	return *o
}

// change is a writing statement: its text, and what it does to the rows of its table, given those of the other.
type change struct {
	table int
	text  string
	blind bool // it reads nothing of its table
	other bool // it reads the other table
	apply func(target, other []tuple) outcome
}

// chooser makes random statements on two tables, the second of which has a key.
type chooser struct {
	*rand.Rand
	names [2]string
	wide  bool // the tables have columns of no account, which * would mean, too
}

func (r *chooser) num() (num, string) {
	if r.IntN(6) == 0 {
		return num{}, "NULL"
	}
	v := r.IntN(20)
	return someNum(v), strconv.Itoa(v)
}

func (r *chooser) word() (word, string) {
	if r.IntN(6) == 0 {
		return word{}, "NULL"
	}
	v := []string{"", "a", "b", "ab", "abc", "ä"}[r.IntN(6)]
	if v == "ä" {
		v = "B" // lengths are counted in bytes here
	}
	return word{v, true}, "'" + v + "'"
}

func (r *chooser) tuple() (tuple, string) {
	t := tuple{id: r.IntN(16)}
	var n, s string
	t.n, n = r.num()
	t.s, s = r.word()
	return t, fmt.Sprintf("%d, %s, %s", t.id, n, s)
}

// condition is a predicate over the rows of the table called q, which ends with a point or is empty.
type condition struct {
	text string
	ok   func(tuple) bool
}

func (r *chooser) condition(q string) condition {
	k := r.IntN(16)
	switch r.IntN(8) {
	case 0:
		return condition{fmt.Sprintf("%sid %% 3 = %d", q, k%3), func(t tuple) bool { return t.id%3 == k%3 }}
	case 1:
		return condition{fmt.Sprintf("%sn < %d", q, k), func(t tuple) bool { return t.n.ok == 1 && t.n.v < k }}
	case 2:
		return condition{fmt.Sprintf("(%sn IS NULL OR %sid > %d)", q, q, k), func(t tuple) bool { return t.n.ok == 0 || t.id > k }}
	case 3:
		return condition{fmt.Sprintf("%sid = %d", q, k), func(t tuple) bool { return t.id == k }}
	case 4:
		return condition{fmt.Sprintf("%ss LIKE 'a%%'", q), func(t tuple) bool { return t.s.ok && strings.HasPrefix(t.s.v, "a") }}
	case 5:
		return condition{fmt.Sprintf("NOT (%sn = %d)", q, k), func(t tuple) bool { return t.n.ok == 1 && t.n.v != k }}
	case 6:
		return condition{fmt.Sprintf("(%ss IS NULL OR %sn > %d)", q, q, k), func(t tuple) bool { return !t.s.ok || t.n.ok == 1 && t.n.v > k }}
	}
	return condition{fmt.Sprintf("%sid BETWEEN %d AND %d", q, k, k+4), func(t tuple) bool { return t.id >= k && t.id <= k+4 }}
}

// assignment is one of SET. Both rows are given: the one that changes and, in MERGE and upserts, the one of the source.
type assignment struct {
	text string
	set  func(out *tuple, old, source tuple)
}

func plus(a num, b int) num {
	if a.ok == 1 {
		a.v += b
	}
	return a
}

func sum(a, b num) num {
	if a.ok == 0 || b.ok == 0 {
		return num{}
	}
	return someNum(a.v + b.v)
}

// assignment assigns from the row itself; q precedes its columns.
func (r *chooser) assignment(q string) assignment {
	k := r.IntN(8)
	switch r.IntN(9) {
	case 0:
		return assignment{fmt.Sprintf("id = %sid + %d", q, k), func(o *tuple, old, _ tuple) { o.id = old.id + k }}
	case 1:
		return assignment{"n = NULL", func(o *tuple, _, _ tuple) { o.n = num{} }}
	case 2:
		return assignment{fmt.Sprintf("n = %sid", q), func(o *tuple, old, _ tuple) { o.n = someNum(old.id) }}
	case 3:
		return assignment{fmt.Sprintf("s = concat(%ss, 'y')", q), func(o *tuple, old, _ tuple) {
			if o.s = old.s; o.s.ok {
				o.s.v += "y"
			}
		}}
	case 4:
		v, text := r.word()
		return assignment{"s = " + text, func(o *tuple, _, _ tuple) { o.s = v }}
	case 5:
		return assignment{fmt.Sprintf("n = %d", k), func(o *tuple, _, _ tuple) { o.n = someNum(k) }}
	}
	return assignment{fmt.Sprintf("n = %sn + %d", q, k), func(o *tuple, old, _ tuple) { o.n = plus(old.n, k) }}
}

// joined assigns from a source row, called by the texts of its columns n and s, as well.
func (r *chooser) joined(q, n, s string) assignment {
	switch r.IntN(4) {
	case 0:
		return assignment{"n = " + n, func(o *tuple, _, src tuple) { o.n = src.n }}
	case 1:
		return assignment{fmt.Sprintf("n = %sn + %s", q, n), func(o *tuple, old, src tuple) { o.n = sum(old.n, src.n) }}
	case 2:
		return assignment{"s = " + s, func(o *tuple, _, src tuple) { o.s = src.s }}
	}
	return r.assignment(q)
}

// change makes a statement that writes table i.
func (r *chooser) change(i int) change {
	switch r.IntN(13) {
	case 0, 1:
		return r.insert(i)
	case 2:
		return r.ignore(i)
	case 3:
		return r.replace(i)
	case 4, 5:
		return r.upsert(i)
	case 6, 7:
		return r.update(i)
	case 8:
		return r.remove(i)
	case 9:
		return r.insertSelect(i)
	case 10:
		return r.updateFrom(i)
	}
	return r.merge(i)
}

func (r *chooser) insert(i int) change {
	var rows []tuple
	var texts []string
	for range 1 + r.IntN(4) {
		t, text := r.tuple()
		if r.IntN(12) == 0 {
			t.n, text = someNum(60), fmt.Sprintf("%d, 60, 'a'", t.id)
			t.s = word{"a", true}
		}
		rows, texts = append(rows, t), append(texts, "("+text+")")
	}
	return change{i, "INSERT INTO " + r.names[i] + " (id, n, s) VALUES " + strings.Join(texts, ", "), i == 0, false, func(target, _ []tuple) outcome {
		o := outcome{rows: append(slices.Clone(target), rows...), affected: len(rows)}
		for _, t := range rows {
			o.violations(t)
		}
		return o.unique(i == 1)
	}}
}

// ignore leaves out rows of keys that are there and rows that break the constraint, and cuts texts that are too long.
func (r *chooser) ignore(i int) change {
	var rows []tuple
	var texts []string
	for range 1 + r.IntN(4) {
		t, text := r.tuple()
		switch r.IntN(8) {
		case 0:
			t.n, t.s, text = someNum(60), word{"a", true}, fmt.Sprintf("%d, 60, 'a'", t.id)
		case 1:
			t.n, t.s, text = someNum(1), word{"lon", true}, fmt.Sprintf("%d, 1, 'longer'", t.id)
		}
		rows, texts = append(rows, t), append(texts, "("+text+")")
	}
	return change{i, "INSERT IGNORE INTO " + r.names[i] + " (id, n, s) VALUES " + strings.Join(texts, ", "), i == 0, false, func(target, _ []tuple) outcome {
		o := outcome{rows: slices.Clone(target)}
		for _, t := range rows {
			there := i == 1 && slices.ContainsFunc(o.rows, func(x tuple) bool { return x.id == t.id })
			if !there && (t.n.ok == 0 || t.n.v < 50) {
				o.rows = append(o.rows, t)
				o.affected++
			}
		}
		return o
	}}
}

// source is rows in VALUES or from the other table, with ids moved by some distance.
func (r *chooser) source(i int) (text string, other bool, rows func(other []tuple) []tuple) {
	if r.IntN(3) == 0 {
		c, k := r.condition(""), r.IntN(4)
		return fmt.Sprintf("SELECT id + %d, n, s FROM %s WHERE %s ORDER BY id, n, s", k, r.names[1-i], c.text), true, func(other []tuple) []tuple {
			var out []tuple
			for _, t := range other {
				if c.ok(t) {
					t.id, t.blind = t.id+k, 0
					out = append(out, t)
				}
			}
			slices.SortFunc(out, compareTuples)
			return out
		}
	}
	var fixed []tuple
	var texts []string
	for range 1 + r.IntN(4) {
		t, text := r.tuple()
		fixed, texts = append(fixed, t), append(texts, "("+text+")")
	}
	return "VALUES " + strings.Join(texts, ", "), false, func([]tuple) []tuple { return fixed }
}
