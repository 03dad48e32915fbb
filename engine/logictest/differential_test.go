package logictest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// row is a row of the model: two numbers, the second of which may be NULL (nil).
type row struct {
	id int
	n  *int
}

func (r row) String() string {
	if r.n == nil {
		return fmt.Sprintf("%d,NULL", r.id)
	}
	return fmt.Sprintf("%d,%d", r.id, *r.n)
}

// random makes statements and applies them to the model.
type random struct {
	*rand.Rand
	rows []row
}

// value is a small number or NULL, and its SQL text.
func (r *random) value() (*int, string) {
	if r.IntN(6) == 0 {
		return nil, "NULL"
	}
	n := r.IntN(20)
	return &n, strconv.Itoa(n)
}

// condition is a predicate over a row and its SQL text; NULL counts as false.
func (r *random) condition() (func(row) bool, string) {
	k := r.IntN(20)
	switch r.IntN(5) {
	case 0:
		return func(x row) bool { return x.id%5 == k%5 }, fmt.Sprintf("id %% 5 = %d", k%5)
	case 1:
		return func(x row) bool { return x.n != nil && *x.n < k }, fmt.Sprintf("n < %d", k)
	case 2:
		return func(x row) bool { return x.n == nil || x.id > k }, fmt.Sprintf("(n IS NULL OR id > %d)", k)
	case 3:
		return func(x row) bool { return x.n != nil && !(*x.n == k || *x.n == k+1) }, fmt.Sprintf("n NOT IN (%d, %d)", k, k+1)
	}
	return func(x row) bool { return x.id >= k && x.id <= k+6 }, fmt.Sprintf("id BETWEEN %d AND %d", k, k+6)
}

func (r *random) statement() string {
	switch r.IntN(8) {
	case 0, 1, 2:
		return r.insert()
	case 3:
		c, text := r.condition()
		r.rows = slices.DeleteFunc(r.rows, c)
		return "DELETE FROM t WHERE " + text
	case 4, 5:
		c, text := r.condition()
		for i, x := range r.rows {
			if c(x) && x.n != nil {
				r.rows[i].n = new(*x.n + x.id)
			}
		}
		return "UPDATE t SET n = n + id WHERE " + text
	}
	return r.merge()
}

func (r *random) insert() string {
	var texts []string
	for range 1 + r.IntN(8) {
		n, text := r.value()
		id := r.IntN(30)
		r.rows = append(r.rows, row{id, n})
		texts = append(texts, fmt.Sprintf("(%d, %s)", id, text))
	}
	return "INSERT INTO t VALUES " + strings.Join(texts, ", ")
}

// merge has distinct source keys, so that no target row is matched twice.
func (r *random) merge() string {
	var texts []string
	source := map[int]*int{}
	for range 1 + r.IntN(6) {
		id := r.IntN(35)
		if _, dup := source[id]; dup {
			continue
		}
		n, text := r.value()
		source[id] = n
		texts = append(texts, fmt.Sprintf("SELECT %d AS id, CAST(%s AS SIGNED) AS n", id, text))
	}
	limit := r.IntN(20)
	bySource := r.IntN(2) == 0
	var out []row
	matched := map[int]bool{}
	for _, x := range r.rows {
		s, ok := source[x.id]
		switch {
		case ok:
			matched[x.id] = true
			if s == nil { // WHEN MATCHED AND s.n IS NULL THEN DELETE
				continue
			}
			if x.n != nil {
				x.n = new(*x.n + *s)
			}
		case bySource && x.n != nil && *x.n > limit: // WHEN NOT MATCHED BY SOURCE AND t.n > limit THEN UPDATE
			x.n = nil
		}
		out = append(out, x)
	}
	for id, n := range source {
		if !matched[id] && id >= limit { // WHEN NOT MATCHED AND s.id >= limit THEN INSERT
			out = append(out, row{id, n})
		}
	}
	r.rows = out
	text := "MERGE INTO t USING (" + strings.Join(texts, " UNION ALL ") + ") s ON t.id = s.id WHEN MATCHED AND s.n IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET n = t.n + s.n" +
		fmt.Sprintf(" WHEN NOT MATCHED AND s.id >= %d THEN INSERT (id, n) VALUES (s.id, s.n)", limit)
	if bySource {
		text += fmt.Sprintf(" WHEN NOT MATCHED BY SOURCE AND t.n > %d THEN UPDATE SET n = NULL", limit)
	}
	return text
}

func (r *random) sorted() []string {
	out := make([]string, len(r.rows))
	for i, x := range r.rows {
		out[i] = x.String()
	}
	slices.Sort(out)
	return out
}

func tableRows(t *testing.T, s *engine.Session, query string) []string {
	t.Helper()
	res, err := s.Query(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	out := make([]string, len(res.Rows))
	for i, r := range res.Rows {
		out[i] = r[0].String() + "," + r[1].String()
	}
	slices.Sort(out)
	return out
}

// TestWritesAgainstModel runs random writes on tables of every layout and compares the table with a model of plain
// rows, after each statement and, at the end, at every version. FEATURESQL_SEED repeats a failed run.
func TestWritesAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("FEATURESQL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FEATURESQL_SEED=%d", seed)
	for i, layout := range []string{
		"", "PARTITIONED BY (n)", "TBLPROPERTIES ('delta.enableDeletionVectors'='true')",
		"TBLPROPERTIES ('delta.columnMapping.mode'='name', 'delta.checkpointInterval'='3')",
		"PARTITIONED BY (n) TBLPROPERTIES ('delta.enableDeletionVectors'='true', 'delta.checkpointInterval'='5')",
	} {
		for _, batch := range []int{0, 3} {
			t.Run(fmt.Sprintf("%d/batch%d", i, batch), func(t *testing.T) {
				writeAgainstModel(t, layout, engine.Options{Warehouse: t.TempDir(), BatchRows: batch, Workers: 2}, seed, uint64(i))
			})
		}
	}
}

func writeAgainstModel(t *testing.T, layout string, opts engine.Options, seed, stream uint64) {
	e, err := engine.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	s := e.Session("default")
	r := &random{Rand: rand.New(rand.NewPCG(seed, stream))}
	do := func(stmt string) {
		if _, err := s.Query(t.Context(), stmt); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, stmt, err)
		}
	}
	do("CREATE TABLE t (id INT, n INT) " + layout)
	var script []string
	want := map[string][]string{}
	for range 40 {
		stmt := r.statement()
		script = append(script, stmt)
		do(stmt)
		if got := tableRows(t, s, "SELECT id, n FROM t"); !slices.Equal(got, r.sorted()) {
			t.Fatalf("seed %d, after\n%s\ngot  %v\nwant %v", seed, strings.Join(script, ";\n"), got, r.sorted())
		}
		res, err := s.Query(t.Context(), "DESCRIBE HISTORY t LIMIT 1")
		if err != nil {
			t.Fatal(err)
		}
		want[res.Rows[0][0].String()] = r.sorted()
	}
	for v, rows := range want {
		if got := tableRows(t, s, "SELECT id, n FROM t AS OF VERSION "+v); !slices.Equal(got, rows) {
			t.Fatalf("seed %d, version %s of\n%s\ngot  %v\nwant %v", seed, v, strings.Join(script, ";\n"), got, rows)
		}
	}
}
