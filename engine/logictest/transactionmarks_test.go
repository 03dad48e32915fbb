package logictest

import (
	"fmt"
	"slices"
	"strings"
)

// savepoint sets, releases or goes back to one.
func (w *world) savepoint(k int) {
	c := w.clients[k]
	if !c.explicit() {
		w.begin(k)
		return
	}
	name := w.pick("p", "q", "P")
	at := slices.IndexFunc(c.marks, func(m mark) bool { return strings.EqualFold(m.name, name) })
	missing := 0
	if at < 0 {
		missing = 1305
	}
	switch w.IntN(5) {
	case 0, 1:
		w.expect(k, "SAVEPOINT "+name, 0)
		if at >= 0 {
			c.marks = slices.Delete(c.marks, at, at+1)
		}
		c.marks = append(c.marks, mark{name, c.wrote, c.rows, len(c.done)})
	case 2:
		w.expect(k, "RELEASE SAVEPOINT "+name, missing)
		if at >= 0 {
			c.marks = c.marks[:at]
		}
	default:
		w.expect(k, "ROLLBACK TO "+w.pick("", "SAVEPOINT ")+name, missing)
		if at >= 0 {
			m := c.marks[at]
			c.wrote, c.rows, c.done, c.marks = m.wrote, m.rows, c.done[:m.done], c.marks[:at+1]
		}
	}
}

// ddl commits the open transaction first.
func (w *world) ddl(k int) {
	c, i := w.clients[k], w.IntN(2)
	readOnly := c.readOnly || c.readsOnly && !c.explicit()
	if c.next != nil {
		return
	}
	w.side++
	text := w.pick(fmt.Sprintf("CREATE TABLE side%d_%d (id INT)", w.seed, w.side), fmt.Sprintf("ALTER TABLE %s ADD COLUMN c%d INT", w.names[i], w.side),
		fmt.Sprintf("ALTER TABLE %s COMMENT '%d'", w.names[i], w.side), "TRUNCATE TABLE "+w.names[i], fmt.Sprintf("CREATE VIEW view%d_%d AS SELECT 1 AS one", w.seed, w.side))
	if c.wrote == i && w.isVoid(c) { // whether the version is its own could not be told
		text = "ALTER TABLE " + w.names[1-i] + " COMMENT ''"
		i = 1 - i
	}
	if readOnly {
		w.expect(k, text, 1792)
		return
	}
	_, code := w.exec(k, text)
	ok := w.committedBefore(c, code, text, i)
	c.end()
	if !ok {
		return
	}
	switch {
	case strings.HasPrefix(text, "ALTER"):
		w.wide = w.wide || strings.Contains(text, "COLUMN")
		w.versions[i] = append(w.versions[i], tableVersion{rows: w.versions[i][w.newest(i)].rows})
		w.observe(i)
	case strings.HasPrefix(text, "TRUNCATE") && len(w.versions[i][w.newest(i)].rows) > 0:
		w.committed(i, nil, false, false, nil)
	}
}

// committedBefore is ended for a statement that goes on to change table i: the newest version is of that.
func (w *world) committedBefore(c *client, code int, text string, i int) bool {
	if c.wrote < 0 || c.wrote != i || strings.HasPrefix(text, "CREATE") || code != 0 {
		return w.ended(c, code)
	}
	return w.quietly(func() bool { return w.ended(c, code) })
}

// quietly checks nothing of the tables: a later version is there already.
func (w *world) quietly(f func() bool) bool {
	w.quiet = true
	defer func() { w.quiet = false }()
	return f()
}

func (w *world) autocommit(k int) {
	c := w.clients[k]
	if c.next != nil {
		return
	}
	if !c.manual {
		w.expect(k, "SET autocommit = 0", 0)
		c.manual = true
		return
	}
	_, code := w.exec(k, "SET autocommit = 1")
	w.ended(c, code)
	c.end()
	c.manual = false
}

// characteristics sets what the next transactions may do.
func (w *world) characteristics(k int) {
	c := w.clients[k]
	readOnly := w.IntN(2) == 0
	text := map[bool]string{true: "READ ONLY", false: "READ WRITE"}[readOnly]
	if w.IntN(2) == 0 {
		w.expect(k, "SET SESSION TRANSACTION "+text, 0)
		if c.readsOnly = readOnly; !c.explicit() || c.untouched() {
			c.readOnly, c.next = readOnly, nil
		}
		return
	}
	if c.begun || !c.untouched() {
		w.expect(k, "SET TRANSACTION "+text, 1568)
		return
	}
	w.expect(k, "SET TRANSACTION "+text, 0)
	c.next = &readOnly
}
