package logictest

import (
	"fmt"
	"slices"
	"strings"
)

// step lets connection k do something.
func (w *world) step(k int) {
	c := w.clients[k]
	switch n := w.IntN(100); {
	case n < 42:
		w.write(k)
	case n < 62:
		w.read(k)
	case n < 72:
		w.begin(k)
	case n < 80:
		w.commit(k, w.pick("COMMIT", "COMMIT", "COMMIT WORK", "COMMIT AND CHAIN"))
	case n < 84:
		w.rollback(k)
	case n < 92:
		w.savepoint(k)
	case n < 95:
		w.ddl(k)
	case n < 97:
		w.autocommit(k)
	case n < 99:
		w.characteristics(k)
	case c.explicit() && w.IntN(2) == 0:
		w.script = append(w.script, fmt.Sprintf("/* %d is cut off */", k))
		_ = c.socket.Close()
		_ = c.conn.Close()
		w.clients[k] = w.connect()
	}
}

func (w *world) pick(texts ...string) string { return texts[w.IntN(len(texts))] }

// write runs a random change.
func (w *world) write(k int) {
	c, i := w.clients[k], w.IntN(2)
	ch := w.change(i)
	if c.explicit() && c.wrote >= 0 && w.IntN(5) > 0 { // mostly the table that it has written
		i = c.wrote
		ch = w.change(i)
	}
	readOnly := c.readOnly || c.readsOnly && !c.explicit()
	if !c.explicit() || c.untouched() {
		if c.next != nil {
			readOnly = *c.next
		}
		c.begins()
	}
	target := w.sees(c, i)
	c.looked[i], c.searched[i] = c.looked[i] || !ch.blind, c.searched[i] || !ch.blind
	var others []tuple
	if ch.other {
		c.looked[1-i] = true
		others = w.sees(c, 1-i)
	}
	want := ch.apply(target, others)
	n, code := w.exec(k, ch.text)
	switch {
	case readOnly:
		want.codes = append(want.codes, 1792)
		if code == 0 || code != 1173 && code != 1792 {
			w.fail("error %d, want 1792", code)
		}
	case c.explicit() && c.wrote >= 0 && c.wrote != i:
		want.codes = append(want.codes, 1235)
		if len(want.codes) == 1 && code == 0 && (want.affected == 0 || w.isUndone(c)) {
			want.codes, c.done = nil, nil
		}
	}
	if (code == 0) != (len(want.codes) == 0) || code != 0 && !slices.Contains(want.codes, code) {
		w.fail("error %d, want one of %v; the rows were %v", code, want.codes, sortedTuples(target))
	}
	if code != 0 {
		return
	}
	if n != want.affected {
		w.fail("%d rows affected, want %d; the rows were %v", n, want.affected, sortedTuples(target))
	}
	if n == 0 {
		return
	}
	if !c.explicit() {
		w.committed(i, want.rows, ch.blind, ch.blind, target)
		return
	}
	c.wrote, c.rows = i, want.rows
	c.done = append(c.done, applied{ch, others, n})
}

// begins takes what SET TRANSACTION said for the transaction that a statement begins.
func (c *client) begins() {
	if c.next != nil && c.explicit() {
		c.readOnly = *c.next
	}
	c.next = nil
}

// isVoid reports whether a transaction's changes amount to nothing.
func (w *world) isVoid(c *client) bool {
	return slices.Equal(sortedTuples(c.rows), sortedTuples(w.versions[c.wrote][c.pins[c.wrote]].rows))
}

// isUndone reports whether a transaction's changes amount to nothing, and no savepoint brings them back.
func (w *world) isUndone(c *client) bool {
	rows := sortedTuples(w.versions[c.wrote][c.pins[c.wrote]].rows)
	return w.isVoid(c) && !slices.ContainsFunc(c.marks, func(m mark) bool { return m.wrote == c.wrote && !slices.Equal(sortedTuples(m.rows), rows) })
}

// untouched reports whether the transaction has done nothing yet.
func (c *client) untouched() bool { return !c.begun && c.pins == [2]int{-1, -1} && c.wrote < 0 }

// committed adds a version and compares the table with it. Rows behind those before may have been appended without reading, if
// appended; blind says that they surely were.
func (w *world) committed(i int, rows []tuple, blind, appended bool, before []tuple) {
	w.t.Helper()
	v := len(w.versions[i])
	rows = slices.Clone(rows)
	if appended {
		for at := len(before); at < len(rows); at++ {
			rows[at].blind = v
		}
	}
	w.versions[i] = append(w.versions[i], tableVersion{rows: rows, blind: blind, data: true})
	w.observe(i)
}

// observe compares the newest version of a table with the model's.
func (w *world) observe(i int) {
	w.t.Helper()
	if w.quiet {
		return
	}
	v := w.newest(i)
	w.compare(w.observer, "SELECT id, n, s FROM "+w.names[i], sortedTuples(w.versions[i][v].rows))
	w.compare(w.observer, fmt.Sprintf("SELECT COUNT(*) FROM %s AS OF VERSION %d", w.names[i], v), []string{fmt.Sprint(len(w.versions[i][v].rows))})
	if w.exists(i, v+1) {
		w.fail("%s has a version %d", w.names[i], v+1)
	}
}

// read compares a random query.
func (w *world) read(k int) {
	c, i := w.clients[k], w.IntN(2)
	if !c.explicit() || c.untouched() {
		c.begins()
	}
	cond := w.condition("a.")
	var text string
	var query func([2][]tuple) []string
	tables := []int{i}
	switch w.IntN(6) {
	case 0:
		v := w.IntN(len(w.versions[i]))
		text = fmt.Sprintf("SELECT id, n, s FROM %s AS OF VERSION %d", w.names[i], v)
		w.query(k, text, sortedTuples(w.versions[i][v].rows))
		return
	case 1:
		text = fmt.Sprintf("SELECT COUNT(*), COUNT(a.n), SUM(a.id), MIN(a.id), MAX(a.n) FROM %s a WHERE %s", w.names[i], cond.text)
		query = func(t [2][]tuple) []string { return []string{aggregates(t[i], cond)} }
	case 2:
		tables = []int{i, 1 - i}
		text = fmt.Sprintf("SELECT a.id, a.n, b.s FROM %s a JOIN %s b ON a.id = b.id WHERE %s", w.names[i], w.names[1-i], cond.text)
		query = func(t [2][]tuple) []string { return joinedRows(t[i], t[1-i], cond) }
	case 3:
		text, query = "SELECT COUNT(*) FROM "+w.names[i], func(t [2][]tuple) []string { return []string{fmt.Sprint(len(t[i]))} }
	default:
		text = fmt.Sprintf("SELECT id, n, s FROM %s a WHERE %s", w.names[i], cond.text)
		query = func(t [2][]tuple) []string {
			return sortedTuples(slices.DeleteFunc(slices.Clone(t[i]), func(r tuple) bool { return !cond.ok(r) }))
		}
	}
	var rows [2][]tuple
	own := false
	for _, j := range tables {
		rows[j] = w.sees(c, j)
		own = own || c.wrote == j
		c.looked[j] = true
	}
	want := query(rows)
	w.query(k, text, want)
	if c.explicit() && !own && len(tables) == 1 {
		c.reads = append(c.reads, seen{i, query, want})
	}
}

func (w *world) query(k int, text string, want []string) {
	w.t.Helper()
	w.script = append(w.script, fmt.Sprintf("/* %d */ %s", k, text))
	w.compare(w.clients[k].conn, text, want)
}

func aggregates(rows []tuple, c condition) string {
	count, some, sum, least, most := 0, 0, "NULL", "NULL", "NULL"
	total, low, high := 0, 0, 0
	for _, r := range rows {
		if !c.ok(r) {
			continue
		}
		if count++; count == 1 || r.id < low {
			low = r.id
		}
		if total += r.id; r.n.ok == 0 {
			continue
		}
		if some++; some == 1 || r.n.v > high {
			high = r.n.v
		}
	}
	if count > 0 {
		sum, least = fmt.Sprint(total), fmt.Sprint(low)
	}
	if some > 0 {
		most = fmt.Sprint(high)
	}
	return strings.Join([]string{fmt.Sprint(count), fmt.Sprint(some), sum, least, most}, ",")
}

func joinedRows(left, right []tuple, c condition) []string {
	var out []string
	for _, a := range left {
		for _, b := range right {
			if a.id == b.id && c.ok(a) {
				out = append(out, tuple{id: a.id, n: a.n, s: b.s}.String())
			}
		}
	}
	return out
}

// begin starts a transaction, which commits the open one.
func (w *world) begin(k int) {
	c := w.clients[k]
	text := w.pick("BEGIN", "START TRANSACTION", "START TRANSACTION READ ONLY", "START TRANSACTION READ WRITE", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "BEGIN WORK")
	fresh := c.untouched() || !c.explicit()
	next := c.next
	if !w.commit(k, text) {
		return
	}
	c.begun, c.readOnly = true, c.readsOnly
	if next != nil && fresh {
		c.readOnly = *next
	}
	c.next = nil
	switch {
	case strings.HasSuffix(text, "READ ONLY"):
		c.readOnly = true
	case strings.HasSuffix(text, "READ WRITE"):
		c.readOnly = false
	case strings.HasSuffix(text, "SNAPSHOT"):
		c.pins = [2]int{w.newest(0), w.newest(1)}
	}
}

// commit runs a statement that commits the open transaction. It reports whether that succeeded.
func (w *world) commit(k int, text string) bool {
	c := w.clients[k]
	readOnly, chain := c.readOnly, strings.HasSuffix(text, "CHAIN")
	if c.next != nil {
		readOnly = *c.next
	}
	_, code := w.exec(k, text)
	ok := w.ended(c, code)
	c.end()
	if ok && chain {
		c.begun, c.readOnly = true, readOnly
	}
	return ok
}

// ended checks what the commit of c's transaction did, given its error.
func (w *world) ended(c *client, code int) bool {
	w.t.Helper()
	i := c.wrote
	if i < 0 {
		if code != 0 {
			w.fail("error %d of a transaction that wrote nothing", code)
		}
		return true
	}
	began := w.versions[i][c.pins[i]].rows
	since := w.versions[i][c.pins[i]+1:]
	blind := !c.searched[i]
	switch {
	case code == 1213 && w.mayConflict(since, blind && !(w.serializable && c.looked[i])):
		w.observe(i)
		return false
	case code != 0:
		w.fail("error %d; the transaction began on version %d of %d", code, c.pins[i], w.newest(i))
	case w.isVoid(c) && !w.exists(i, len(w.versions[i])):
		w.observe(i) // what it wrote, it took back
	case len(since) == 0:
		w.committed(i, c.rows, blind, c.appends(), began)
	default:
		w.rebased(c, blind)
	}
	return true
}

// appends reports whether all changes of the open transaction are INSERTs that read nothing of their table.
func (c *client) appends() bool {
	return !slices.ContainsFunc(c.done, func(a applied) bool { return !a.blind })
}

// exists reports whether a table has a version.
func (w *world) exists(i, version int) bool {
	_, err := w.observer.ExecContext(w.t.Context(), fmt.Sprintf("SELECT COUNT(*) FROM %s AS OF VERSION %d", w.names[i], version))
	return err == nil
}

// mayConflict reports whether the winners' commits may end a transaction.
func (w *world) mayConflict(since []tableVersion, blind bool) bool {
	return slices.ContainsFunc(since, func(v tableVersion) bool { return !v.data || !blind && (!v.blind || w.serializable) })
}

// rebased checks a transaction that was committed behind others: its statements must have met the same rows there. Under
// WriteSerializable they may be as if they came before rows that were appended without reading.
func (w *world) rebased(c *client, blind bool) {
	w.t.Helper()
	i := c.wrote
	before := w.versions[i][w.newest(i)].rows
	after, text := w.replayed(c, before, w.serializable)
	if got := w.rows(w.observer, "SELECT id, n, s FROM "+w.names[i]); !w.serializable && !slices.Equal(got, sortedTuples(after)) {
		after, text = w.replayed(c, before, true)
	}
	if text != "" {
		w.fail("%s", text)
	}
	for _, s := range c.reads {
		now := [2][]tuple{}
		now[i] = before
		if got := s.query(now); w.serializable && s.table == i && !slices.Equal(got, s.rows) {
			w.fail("committed although it read %v, which is %v now", s.rows, got)
		}
	}
	if c.appends() {
		after = append(slices.Clone(before), c.rows[len(w.versions[i][c.pins[i]].rows):]...)
	}
	w.committed(i, after, blind, c.appends(), before)
}

// replayed runs a transaction's statements again, on the rows of a later version; text says what went otherwise.
func (w *world) replayed(c *client, before []tuple, all bool) (after []tuple, text string) {
	var hidden []tuple
	for _, r := range before {
		if !all && r.blind > c.pins[c.wrote] {
			hidden = append(hidden, r)
		} else {
			after = append(after, r)
		}
	}
	for _, a := range c.done {
		o := a.apply(after, a.others)
		if len(o.codes) > 0 || o.affected != a.affected {
			text = fmt.Sprintf("committed on version %d, where %s changes %d rows, %v", w.newest(c.wrote), a.text, o.affected, o.codes)
		}
		after = o.rows
	}
	return append(after, hidden...), text
}

func (w *world) rollback(k int) {
	c := w.clients[k]
	text, readOnly := w.pick("ROLLBACK", "ROLLBACK", "ROLLBACK WORK", "ROLLBACK AND CHAIN"), c.readOnly
	if c.next != nil {
		readOnly = *c.next
	}
	w.expect(k, text, 0)
	c.end()
	if strings.HasSuffix(text, "CHAIN") {
		c.begun, c.readOnly = true, readOnly
	}
}
