package scan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// model is a table in memory beside its files.
type model struct {
	columns []scan.Column
	files   []*modelFile
	store   objstore.Store
}

// modelFile is one data file: all its rows, and which of them are deleted.
type modelFile struct {
	path       string
	rows       [][]types.Value
	deleted    map[int]bool
	partition  map[int]types.Value
	size       int64
	numRecords int64
	stats      []*columnBounds // by table column; nil: the log has none
	tight      bool
}

type columnBounds struct {
	min, max types.Value
	nulls    int64
}

func (m *model) Len() int                   { return len(m.files) }
func (m *model) Path(i int) string          { return m.files[i].path }
func (m *model) Size(i int) int64           { return m.files[i].size }
func (m *model) ModificationTime(int) int64 { return 0 }
func (m *model) NumRecords(i int) int64     { return m.files[i].numRecords }
func (m *model) TightBounds(i int) bool     { return m.files[i].tight }
func (m *model) DeletedRows(i int) int64    { return int64(len(m.files[i].deleted)) }

func (m *model) PartitionValue(i, column int) (types.Value, error) {
	return m.files[i].partition[column], nil
}

func (m *model) Prune(p *skipping.Predicate, keep vector.Bitmap) int { return p.Prune(m, keep) }

func (m *model) TotalRecords() (n int64, ok bool) {
	for i := range m.files {
		rows := m.NumRecords(i)
		if rows < m.DeletedRows(i) {
			return 0, false
		}
		n += rows - m.DeletedRows(i)
	}
	return n, true
}

func (m *model) Column(col int) *skipping.ColumnStats {
	t := m.columns[col].Field.VectorType()
	s := &skipping.ColumnStats{Min: vector.New(t, 0), Max: vector.New(t, 0)}
	for _, f := range m.files {
		lo, hi, nulls, rows := types.NullOf(t), types.NullOf(t), int64(-1), f.numRecords
		if v, ok := f.partition[col]; ok {
			lo, hi, nulls, rows = v, v, 0, 1
			if !v.Valid {
				nulls = 1
			}
		} else if f.stats != nil && f.stats[col] != nil {
			lo, hi, nulls = f.stats[col].min, f.stats[col].max, f.stats[col].nulls
		}
		s.Min.AppendValue(lo)
		s.Max.AppendValue(hi)
		s.NullCount, s.RowCount = append(s.NullCount, nulls), append(s.RowCount, rows)
	}
	return s
}

func (m *model) deletions(_ context.Context, i int, rows int64) (vector.Bitmap, error) {
	b := vector.NewBitmap(int(rows))
	for r := range m.files[i].deleted {
		b.Set(r)
	}
	return b, nil
}

func (m *model) table() scan.Table {
	return scan.Table{
		URL: m.store.URL(), Columns: m.columns, Files: m, Deletions: m.deletions,
		Locate: func(path string) (objstore.Store, string, error) { return m.store, path, nil },
	}
}

// write stores a file's rows; the columns of without are not in it, as in a file older than they are.
func (m *model) write(f *modelFile, without map[int]bool, opts parquet.WriterOptions) error {
	var fields []parquet.Field
	b := &vector.Batch{Len: len(f.rows)}
	var in []int
	for c, col := range m.columns {
		if col.Partition || without[c] {
			continue
		}
		fields = append(fields, col.Field)
		in = append(in, c)
		v := vector.New(col.Field.VectorType(), 0)
		for _, row := range f.rows {
			v.AppendValue(row[c])
		}
		b.Cols = append(b.Cols, v)
	}
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, fields, opts)
	if err != nil {
		return err
	}
	if b.Len > 0 {
		if err := w.Write(b); err != nil {
			return err
		}
	}
	stats, err := w.Close()
	if err != nil {
		return err
	}
	f.stats = make([]*columnBounds, len(m.columns))
	for k, c := range in {
		s := stats.Columns[k]
		if m.columns[c].Field.Kind == parquet.Primitive {
			f.stats[c] = &columnBounds{orNull(s.Min, fields[k].Type), orNull(s.Max, fields[k].Type), s.NullCount}
		}
	}
	for c := range without {
		f.stats[c] = nil
	}
	f.size, f.numRecords, f.tight = int64(buf.Len()), int64(len(f.rows)), true
	_, err = m.store.Put(context.Background(), f.path, &buf)
	return err
}

func orNull(v types.Value, t types.Type) types.Value {
	if !v.Valid {
		return types.NullOf(t)
	}
	return v
}

// expected evaluates a scan on the model: one text a row.
func (m *model) expected(spec exec.ScanSpec) ([]string, error) {
	var out []string
	for ord, f := range m.files {
		for from := 0; from < len(f.rows); from += vector.MaxRows {
			part := f.rows[from:min(len(f.rows), from+vector.MaxRows)]
			b := &vector.Batch{Len: len(part), Sel: []uint16{}}
			for c := range m.columns {
				v := vector.New(m.columns[c].Field.VectorType(), 0)
				for _, row := range part {
					v.AppendValue(row[c])
				}
				b.Cols = append(b.Cols, v)
			}
			for r := range part {
				if !f.deleted[from+r] {
					b.Sel = append(b.Sel, uint16(r))
				}
			}
			if spec.Filter != nil {
				filter, err := expr.CompileFilter(spec.Filter, spec.Env)
				if err != nil {
					return nil, err
				}
				if b.Sel, err = filter.Apply(b); err != nil {
					return nil, err
				}
			}
			for _, r := range b.Sel {
				var cells []string
				for _, c := range spec.Columns {
					cells = append(cells, part[r][c].String())
				}
				if spec.RowIDs {
					cells = append(cells, fmt.Sprint(ord), fmt.Sprint(from+int(r)))
				}
				out = append(out, strings.Join(cells, "|"))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// collect runs a scan on n streams at once and renders its rows.
func collect(ctx context.Context, src exec.Source, spec exec.ScanSpec, n, maxBatch int) ([]string, exec.ScanStats, error) {
	sc, err := src.Scan(ctx, spec)
	if err != nil {
		return nil, exec.ScanStats{}, err
	}
	streams, err := sc.Streams(ctx, n)
	if err != nil {
		return nil, exec.ScanStats{}, err
	}
	outs, errs := make([][]string, len(streams)), make([]error, len(streams))
	var wg sync.WaitGroup
	for i, s := range streams {
		wg.Go(func() { outs[i], errs[i] = drain(ctx, s, maxBatch) })
	}
	wg.Wait()
	out := slices.Concat(outs...)
	slices.Sort(out)
	return out, sc.Stats(), errors.Join(errs...)
}

func drain(ctx context.Context, s exec.Stream, maxBatch int) (out []string, err error) {
	defer func() { err = errors.Join(err, s.Close(), s.Close()) }()
	for {
		b, err := s.Next(ctx)
		if err == io.EOF { //nolint:errorlint // streams return it bare
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if b.Rows() == 0 || b.Len > maxBatch {
			return nil, fmt.Errorf("a batch of %d live rows of %d", b.Rows(), b.Len)
		}
		for k := range b.Rows() {
			cells := make([]string, len(b.Cols))
			for c, v := range b.Cols {
				if v.Len != b.Len {
					return nil, fmt.Errorf("column %d has %d rows of %d", c, v.Len, b.Len)
				}
				cells[c] = v.Value(b.Row(k)).String()
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
}

func primitive(name string, t types.Type) scan.Column {
	return scan.Column{Field: parquet.Field{Name: name, Physical: "col-" + name, Type: t, Nullable: true}}
}

var env = &expr.Env{Location: time.UTC}

// columns of the model tables; the last two are partition columns.
func modelColumns() []scan.Column {
	cols := []scan.Column{
		primitive("id", types.Of(types.Int64)), primitive("i", types.Of(types.Int32)), primitive("s", types.Of(types.String)),
		primitive("d", types.DecimalOf(9, 2)), primitive("f", types.Of(types.Float64)), primitive("dt", types.Of(types.Date)),
		primitive("ts", types.Of(types.Timestamp)), primitive("b", types.Of(types.Bool)), primitive("w", types.DecimalOf(30, 3)),
		{Field: parquet.Field{Name: "st", Kind: parquet.Struct, Nullable: true, Children: []parquet.Field{
			{Name: "x", Type: types.Of(types.Int32), Nullable: true}, {Name: "y", Type: types.Of(types.String), Nullable: true},
		}}},
		primitive("p", types.Of(types.String)), primitive("q", types.Of(types.Date)),
	}
	cols[10].Partition, cols[11].Partition = true, true
	return cols
}

// value returns a random value of a column; of id, the number of the row.
func value(rng *rand.Rand, c scan.Column, row int) types.Value {
	typ := c.Field.VectorType()
	if rng.IntN(7) == 0 {
		return types.NullOf(typ)
	}
	k := int64(rng.IntN(9) - 4)
	if c.Field.Name == "id" {
		k = int64(row)
	}
	switch typ.Kind {
	case types.String:
		return types.StringValue([]string{"", "a", "ab", "abc", "b", "ba", "\u00e9", "zz", "\U0001F600"}[k+4])
	case types.JSON:
		return types.BytesValue(typ, fmt.Sprintf(`{"x":%d,"y":"v%d"}`, k, k))
	case types.Decimal:
		return types.DecimalValue(typ, types.Int128From(k*50))
	case types.Float64:
		if k == 4 {
			return types.FloatValue(typ, math.NaN())
		}
		return types.FloatValue(typ, float64(k)/2)
	case types.Timestamp:
		return types.IntValue(typ, k*1_234_567)
	case types.Bool:
		return types.BoolValue(k > 0)
	}
	return types.IntValue(typ, k)
}

func drawModel(t *rapid.T, dir string) *model {
	store, err := objstore.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{columns: modelColumns(), store: store}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	row := 0
	for i := range rapid.IntRange(0, 4).Draw(t, "files") {
		f := &modelFile{path: fmt.Sprintf("part %d%%.parquet", i), deleted: map[int]bool{}, partition: map[int]types.Value{}}
		without := map[int]bool{}
		if rapid.IntRange(0, 3).Draw(t, "old") == 0 {
			without[rapid.IntRange(0, 9).Draw(t, "without")] = true
		}
		for c, col := range m.columns {
			if col.Partition {
				f.partition[c] = value(rng, col, 0)
			}
		}
		for range rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 400)).Draw(t, "rows") {
			cells := make([]types.Value, len(m.columns))
			for c, col := range m.columns {
				switch {
				case col.Partition:
					cells[c] = f.partition[c]
				case without[c]:
					cells[c] = types.NullOf(col.Field.VectorType())
				default:
					cells[c] = value(rng, col, row)
				}
			}
			f.rows = append(f.rows, cells)
			row++
		}
		if rapid.Bool().Draw(t, "deletes") {
			odds := rapid.SampledFrom([]int{1, 2, 50}).Draw(t, "deleted")
			for r := range f.rows {
				if rng.IntN(odds) == 0 {
					f.deleted[r] = true
				}
			}
		}
		opts := parquet.WriterOptions{
			RowGroupRows: rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(50, 300)).Draw(t, "row group"), PageBytes: rapid.IntRange(1, 60).Draw(t, "page"),
			NoDictionary: rapid.Bool().Draw(t, "plain"), Bloom: []int{0, 1, 2},
		}
		if err := m.write(f, without, opts); err != nil {
			t.Fatal(err)
		}
		switch rapid.IntRange(0, 3).Draw(t, "log") {
		case 0:
			f.stats, f.numRecords = nil, -1
		case 1:
			f.stats = nil
		}
		m.files = append(m.files, f)
	}
	return m
}

// filterGen draws filters over the model's columns.
type filterGen struct {
	t   *rapid.T
	m   *model
	rng *rand.Rand
}

func mustNew(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.New(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

func (g filterGen) column(c int) expr.Expr {
	f := &g.m.columns[c].Field
	return &expr.Column{Index: c, Name: f.Name, Typ: f.VectorType(), Null: true}
}

func (g filterGen) predicate(depth int) expr.Expr {
	if depth > 0 {
		switch name := rapid.SampledFrom([]string{"and", "and", "or", "not", "leaf"}).Draw(g.t, "node"); name {
		case "and", "or":
			return mustNew(name, g.predicate(depth-1), g.predicate(depth-1))
		case "not":
			return mustNew(name, g.predicate(depth-1))
		}
	}
	c := rapid.SampledFrom([]int{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 11}).Draw(g.t, "column")
	col := g.column(c)
	val := func() expr.Expr {
		return &expr.Literal{Val: value(g.rng, g.m.columns[c], g.rng.IntN(900))}
	}
	switch rapid.IntRange(0, 7).Draw(g.t, "leaf") {
	case 0:
		return mustNew("isnull", col)
	case 1:
		return mustNew("in", col, val(), val(), val())
	case 2:
		if col.Type().Kind == types.String {
			return mustNew("like", col, &expr.Literal{Val: types.StringValue(rapid.SampledFrom([]string{"a%", "%b", "ab%", "b_"}).Draw(g.t, "pattern"))},
				&expr.Literal{Val: types.StringValue(`\`)})
		}
	case 3:
		if col.Type().IsNumeric() {
			col = mustNew(rapid.SampledFrom([]string{"+", "-", "*"}).Draw(g.t, "op"), col, &expr.Literal{Val: types.IntValue(types.Of(types.Int64), 2)})
		}
	case 4:
		other := rapid.SampledFrom([]int{0, 1, 3, 4}).Draw(g.t, "other")
		if col.Type().IsNumeric() {
			return mustNew(rapid.SampledFrom([]string{"=", "<"}).Draw(g.t, "op"), col, g.column(other))
		}
	}
	return mustNew(rapid.SampledFrom([]string{"=", "=", "<>", "<", "<=", ">", ">=", "<=>"}).Draw(g.t, "op"), col, val())
}

// A scan yields the rows of the model, whatever the layout, the statistics, the batches and the streams, with and without skipping.
func TestScanAgainstModel(t *testing.T) {
	var seen exec.ScanStats
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt, t.TempDir())
		cache := scan.NewCache(0)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		for range 4 {
			spec := exec.ScanSpec{RowIDs: rapid.Bool().Draw(rt, "ids"), Env: env}
			for range rapid.IntRange(0, 4).Draw(rt, "columns") {
				spec.Columns = append(spec.Columns, rapid.IntRange(0, len(m.columns)-1).Draw(rt, "output"))
			}
			if rapid.IntRange(0, 4).Draw(rt, "unfiltered") > 0 {
				spec.Filter = filterGen{rt, m, rng}.predicate(2)
			}
			want, err := m.expected(spec)
			if err != nil {
				rt.Fatal(err)
			}
			opts := scan.Options{
				Cache: cache, BatchRows: rapid.SampledFrom([]int{1, 3, 7, vector.MaxRows}).Draw(rt, "batch"),
				MorselRows: int64(rapid.IntRange(1, 30).Draw(rt, "morsel")),
			}
			for _, opts.NoSkipping = range []bool{false, true} {
				got, stats, err := collect(t.Context(), scan.New(m.table(), opts), spec, rapid.IntRange(1, 3).Draw(rt, "streams"), opts.BatchRows)
				if err != nil {
					rt.Fatalf("filter %v, no skipping %v: %v", spec.Filter, opts.NoSkipping, err)
				}
				if !slices.Equal(got, want) {
					rt.Fatalf("columns %v, filter %v, no skipping %v:\n got %q\nwant %q", spec.Columns, spec.Filter, opts.NoSkipping, got, want)
				}
				if !opts.NoSkipping {
					seen.FilesSkipped += stats.FilesSkipped
					seen.RowGroupsSkipped += stats.RowGroupsSkipped
					seen.PagesSkipped += stats.PagesSkipped
				} else if stats.FilesSkipped+stats.RowGroupsSkipped > 0 {
					rt.Fatalf("skipped with skipping off: %+v", stats)
				}
			}
		}
	})
	if seen.FilesSkipped == 0 || seen.RowGroupsSkipped == 0 || seen.PagesSkipped == 0 {
		t.Errorf("nothing was skipped on one level: %+v", seen)
	}
}
