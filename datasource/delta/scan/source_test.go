package scan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var (
	bigint = types.Of(types.Int64)
	text   = types.Of(types.String)
	float  = types.Of(types.Float64)
	date   = types.Of(types.Date)
)

// fixedModel is a table of files of some rows each: id ascending, n = id mod 10 (NULL for 0), f, s, long and
// short decimals, and a partition column p that is the file's number.
func fixedModel(t *testing.T, files, rows int, opts parquet.WriterOptions) *model {
	t.Helper()
	store, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &model{store: store, columns: []scan.Column{
		primitive("id", bigint), primitive("n", types.Of(types.Int32)), primitive("f", float), primitive("s", text),
		primitive("short", types.DecimalOf(9, 2)), primitive("long", types.DecimalOf(30, 2)), primitive("p", bigint),
	}}
	m.columns[6].Partition = true
	for i := range files {
		f := &modelFile{path: fmt.Sprintf("p=%d/a.parquet", i), deleted: map[int]bool{}, partition: map[int]types.Value{6: types.IntValue(bigint, int64(i))}}
		for r := range rows {
			id := int64(i*rows + r)
			n := types.IntValue(types.Of(types.Int32), id%10)
			n.Valid = id%10 != 0
			f.rows = append(f.rows, []types.Value{
				types.IntValue(bigint, id), n, types.FloatValue(float, float64(id)), types.StringValue(fmt.Sprintf("s%03d", id)),
				types.DecimalValue(types.DecimalOf(9, 2), types.Int128From(id)), types.DecimalValue(types.DecimalOf(30, 2), types.Int128From(id)),
				f.partition[6],
			})
		}
		if err := m.write(f, nil, opts); err != nil {
			t.Fatal(err)
		}
		m.files = append(m.files, f)
	}
	return m
}

func intFilter(m *model, op string, column int, k int64) expr.Expr {
	f := m.columns[column].Field
	return mustNew(op, &expr.Column{Index: column, Name: f.Name, Typ: f.Type, Null: true}, &expr.Literal{Val: types.IntValue(bigint, k)})
}

func TestExactAnswersFromTheLog(t *testing.T) {
	m := fixedModel(t, 3, 100, parquet.WriterOptions{})
	src := func() *scan.Source { return scan.New(m.table(), scan.Options{}) }
	if n, ok := src().RowCount(); n != 300 || !ok {
		t.Errorf("RowCount is %d, %v", n, ok)
	}
	want := func(column int, lo, hi string, known bool) {
		t.Helper()
		a, b, ok := src().MinMax(column)
		if ok != known || ok && (a.String() != lo || b.String() != hi) {
			t.Errorf("MinMax(%d) is %v, %v, %v", column, a, b, ok)
		}
	}
	want(0, "0", "299", true)
	want(1, "1", "9", true)
	want(2, "", "", false) // floats may be NaN
	want(3, "", "", false) // strings may be cut
	want(4, "0.00", "2.99", true)
	want(5, "", "", false) // may have gone through a float
	want(6, "0", "2", true)

	m.files[1].deleted = map[int]bool{0: true, 7: true}
	if n, ok := src().RowCount(); n != 298 || !ok {
		t.Errorf("with deleted rows RowCount is %d, %v", n, ok)
	}
	want(0, "", "", false)
	want(6, "0", "2", true)
	for r := range 100 {
		m.files[2].deleted[r] = true
	}
	want(6, "0", "1", true) // no row is left in the last file
	m.files[1].deleted, m.files[2].deleted = nil, nil
	m.files[1].tight = false
	want(0, "", "", false)
	m.files[1].tight = true
	m.files[0].numRecords, m.files[0].stats[1] = -1, nil
	want(1, "", "", false)
	want(6, "", "", false) // nobody knows whether the file has rows
	if _, ok := src().RowCount(); ok {
		t.Error("RowCount is known without numRecords")
	}
	m.files = nil
	want(0, "NULL", "NULL", true)
}

func TestMinMaxOfNulls(t *testing.T) {
	m := fixedModel(t, 1, 100, parquet.WriterOptions{})
	m.files[0].stats[0] = &columnBounds{types.NullOf(bigint), types.NullOf(bigint), 100}
	lo, hi, ok := scan.New(m.table(), scan.Options{}).MinMax(0)
	if lo.Valid || hi.Valid || !ok {
		t.Errorf("of NULLs: %v, %v, %v", lo, hi, ok)
	}
	m.files[0].stats[0].nulls = 99
	if _, _, ok := scan.New(m.table(), scan.Options{}).MinMax(0); ok {
		t.Error("one value without bounds is not NULL")
	}
}

// oddPartition is a condition on the partition column that statistics know nothing about.
func oddPartition(m *model) expr.Expr {
	p := &expr.Column{Index: 6, Name: "p", Typ: m.columns[6].Field.Type, Null: true}
	two, one := &expr.Literal{Val: types.IntValue(bigint, 2)}, &expr.Literal{Val: types.IntValue(bigint, 1)}
	return mustNew("=", mustNew("%", p, two), one)
}

// What the log answers is not read: the files are gone.
func TestScansThatReadNoFile(t *testing.T) {
	m := fixedModel(t, 3, 100, parquet.WriterOptions{})
	for _, f := range m.files {
		if err := m.store.Delete(t.Context(), f.path); err != nil {
			t.Fatal(err)
		}
	}
	src := scan.New(m.table(), scan.Options{})
	for name, c := range map[string]struct {
		spec exec.ScanSpec
		rows int
	}{
		"count":                   {exec.ScanSpec{}, 300},
		"partition column":        {exec.ScanSpec{Columns: []int{6}}, 300},
		"count of a partition":    {exec.ScanSpec{Filter: intFilter(m, ">=", 6, 1), Env: env}, 200},
		"odd partitions":          {exec.ScanSpec{Filter: oddPartition(m), Env: env}, 100},
		"nothing can match":       {exec.ScanSpec{Columns: []int{0, 3}, Filter: intFilter(m, ">", 0, 299), Env: env}, 0},
		"partition and statistic": {exec.ScanSpec{Columns: []int{0}, Filter: mustNew("and", intFilter(m, "=", 6, 1), intFilter(m, "<", 0, 100)), Env: env}, 0},
	} {
		got, stats, err := collect(t.Context(), src, c.spec, 2, vector.MaxRows)
		if err != nil || len(got) != c.rows || stats.BytesRead != 0 || stats.RowGroups != 0 {
			t.Errorf("%s: %d rows, %+v, %v", name, len(got), stats, err)
		}
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	m := fixedModel(t, 2, 100, parquet.WriterOptions{})
	if err := m.store.Delete(t.Context(), m.files[1].path); err != nil {
		t.Fatal(err)
	}
	_, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{}), exec.ScanSpec{Columns: []int{0}}, 1, vector.MaxRows)
	var missing *scan.MissingFileError
	if !errors.As(err, &missing) || missing.Path != "p=1/a.parquet" || !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestFileThatDoesNotFitTheLog(t *testing.T) {
	m := fixedModel(t, 1, 100, parquet.WriterOptions{})
	m.files[0].numRecords = 99
	_, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{}), exec.ScanSpec{Columns: []int{0}}, 1, vector.MaxRows)
	var mismatch *scan.MismatchError
	if !errors.As(err, &mismatch) || mismatch.Path != "p=0/a.parquet" {
		t.Errorf("got %v", err)
	}
	m.files[0].numRecords, m.files[0].size = 100, m.files[0].size-7
	_, _, err = collect(t.Context(), scan.New(m.table(), scan.Options{}), exec.ScanSpec{Columns: []int{0}}, 1, vector.MaxRows)
	var corrupt *parquet.CorruptError
	if !errors.As(err, &corrupt) {
		t.Errorf("a file cut short: %v", err)
	}
}

func TestCancelledScan(t *testing.T) {
	m := fixedModel(t, 2, 100, parquet.WriterOptions{})
	sc, err := scan.New(m.table(), scan.Options{BatchRows: 3}).Scan(t.Context(), exec.ScanSpec{Columns: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	streams, err := sc.Streams(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams[0].Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := streams[0].Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	if err := streams[0].Close(); err != nil {
		t.Error(err)
	}
	if _, err := streams[0].Next(t.Context()); err != io.EOF { //nolint:errorlint // streams return it bare
		t.Errorf("after Close: %v", err)
	}
}

// Skipping reads what it must and no more: one file of three, one row group of two, one page of it.
func TestSkippingReadsLittle(t *testing.T) {
	m := fixedModel(t, 3, 400, parquet.WriterOptions{RowGroupRows: 200, PageBytes: 80, Bloom: []int{3}, NoDictionary: true})
	src := scan.New(m.table(), scan.Options{})
	got, stats, err := collect(t.Context(), src, exec.ScanSpec{Columns: []int{3}, Filter: intFilter(m, "=", 0, 433), Env: env}, 1, vector.MaxRows)
	if err != nil || !slices.Equal(got, []string{`"s433"`}) {
		t.Fatalf("got %v, %v", got, err)
	}
	if stats.Files != 3 || stats.FilesSkipped != 2 || stats.RowGroups != 2 || stats.RowGroupsSkipped != 1 {
		t.Errorf("files and row groups: %+v", stats)
	}
	if stats.PagesSkipped == 0 || stats.RowsRead > 64 {
		t.Errorf("pages: %+v", stats)
	}

	// s500 lies within the bounds of a row group whose strings are replaced; only the bloom filter knows it is not there.
	m = fixedModel(t, 1, 100, parquet.WriterOptions{})
	m.files[0].rows[99][3] = types.StringValue("s900")
	if err := m.write(m.files[0], nil, parquet.WriterOptions{Bloom: []int{3}}); err != nil {
		t.Fatal(err)
	}
	eq := mustNew("=", &expr.Column{Index: 3, Name: "s", Typ: text, Null: true}, &expr.Literal{Val: types.StringValue("s500")})
	got, stats, err = collect(t.Context(), scan.New(m.table(), scan.Options{}), exec.ScanSpec{Columns: []int{0}, Filter: eq, Env: env}, 1, vector.MaxRows)
	if err != nil || len(got) != 0 || stats.RowGroupsSkipped != 1 || stats.RowsRead != 0 {
		t.Errorf("bloom filter: %v, %+v, %v", got, stats, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	m := fixedModel(t, 5, 100, parquet.WriterOptions{})
	probe := scan.NewCache(0)
	spec := exec.ScanSpec{Columns: []int{0}}
	if _, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{Cache: probe}), spec, 1, vector.MaxRows); err != nil {
		t.Fatal(err)
	}
	if probe.Len() != 5 || probe.SizeBytes() == 0 {
		t.Fatalf("%d files of 5 are cached", probe.Len())
	}
	small := scan.NewCache(probe.SizeBytes() / 2)
	for range 2 {
		if _, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{Cache: small}), spec, 1, vector.MaxRows); err != nil {
			t.Fatal(err)
		}
		if small.Len() != 2 || small.SizeBytes() > probe.SizeBytes()/2 {
			t.Errorf("%d files, %d bytes are cached, the limit is %d", small.Len(), small.SizeBytes(), probe.SizeBytes()/2)
		}
	}
}

// The file that was used longest ago leaves the cache, and a cached footer is not read again.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	m := fixedModel(t, 3, 100, parquet.WriterOptions{})
	var files []*model
	for _, f := range m.files {
		f.stats = nil // so that the row groups are what prunes
		files = append(files, &model{columns: m.columns, store: m.store, files: []*modelFile{f}})
	}
	probe := scan.NewCache(0)
	read := func(cache *scan.Cache, i int) error {
		spec := exec.ScanSpec{Columns: []int{0}, Filter: intFilter(m, "<", 1, 0), Env: env}
		_, stats, err := collect(t.Context(), scan.New(files[i].table(), scan.Options{Cache: cache}), spec, 1, vector.MaxRows)
		if err == nil && stats.RowGroupsSkipped != 1 {
			return fmt.Errorf("nothing was pruned: %+v", stats)
		}
		return err
	}
	if err := read(probe, 0); err != nil {
		t.Fatal(err)
	}
	cache := scan.NewCache(probe.SizeBytes()*5/2 + 1)
	for _, i := range []int{0, 1, 0, 2} {
		if err := read(cache, i); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range m.files {
		if err := m.store.Delete(t.Context(), f.path); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(read(cache, 0), read(cache, 2)); err != nil {
		t.Errorf("a cached footer was read again: %v", err)
	}
	if err := read(cache, 1); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("the footer used longest ago is still there: %v", err)
	}
}

// A condition that the statistics of a row group prove is not evaluated, and its column not read.
func TestCertainConjunctsAreNotEvaluated(t *testing.T) {
	m := fixedModel(t, 1, 400, parquet.WriterOptions{RowGroupRows: 100})
	src := scan.New(m.table(), scan.Options{})
	read := func(spec exec.ScanSpec) exec.ScanStats {
		got, stats, err := collect(t.Context(), src, spec, 1, vector.MaxRows)
		if err != nil || len(got) != 400 {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		return stats
	}
	plain := read(exec.ScanSpec{Columns: []int{3}})
	if s := read(exec.ScanSpec{Columns: []int{3}, Filter: intFilter(m, ">=", 0, 0), Env: env}); s.BytesRead != plain.BytesRead || s.Pages != plain.Pages {
		t.Errorf("with the filter %+v, without %+v", s, plain)
	}
}

func TestWithFiles(t *testing.T) {
	m := fixedModel(t, 4, 100, parquet.WriterOptions{})
	src := scan.New(m.table(), scan.Options{}).WithFiles([]int{3, 1, 3, 9, -1})
	if n, ok := src.RowCount(); n != 200 || !ok {
		t.Errorf("RowCount is %d, %v", n, ok)
	}
	if lo, hi, ok := src.MinMax(0); lo.String() != "100" || hi.String() != "399" || !ok {
		t.Errorf("MinMax is %v, %v, %v", lo, hi, ok)
	}
	got, stats, err := collect(t.Context(), src, exec.ScanSpec{RowIDs: true, Filter: intFilter(m, ">=", 0, 398), Env: env}, 2, vector.MaxRows)
	if err != nil || !slices.Equal(got, []string{"3|98", "3|99"}) || stats.Files != 2 || stats.FilesSkipped != 1 {
		t.Errorf("got %v, %+v, %v", got, stats, err)
	}
	if n, _ := src.WithFiles([]int{0, 1}).RowCount(); n != 100 {
		t.Errorf("a restriction of a restriction has %d rows", n)
	}
}

// A partition filter that fails does so when it meets a row, not while files without one are planned.
func TestFailingPartitionFilter(t *testing.T) {
	m := fixedModel(t, 2, 100, parquet.WriterOptions{})
	p := &expr.Column{Index: 6, Name: "p", Typ: m.columns[6].Field.Type, Null: true}
	overflow := mustNew(">", mustNew("+", p, &expr.Literal{Val: types.IntValue(bigint, math.MaxInt64)}), &expr.Literal{Val: types.IntValue(bigint, 0)})
	spec := exec.ScanSpec{Columns: []int{0}, Env: env}
	for _, first := range []expr.Expr{intFilter(m, ">", 0, 1000), intFilter(m, "=", 1, 0)} { // pruned by files, and by rows
		spec.Filter = mustNew("and", first, overflow)
		if got, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{}), spec, 1, vector.MaxRows); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", spec.Filter, got, err)
		}
	}
	spec.Filter = overflow
	var outOfRange *expr.RangeError
	if _, _, err := collect(t.Context(), scan.New(m.table(), scan.Options{}), spec, 1, vector.MaxRows); !errors.As(err, &outOfRange) {
		t.Errorf("with rows: %v", err)
	}
}

// Look-ups keep the dictionaries and pages they decode; a scan of everything keeps none, however many morsels share them.
func TestLookUpsKeepWhatTheyDecode(t *testing.T) {
	m := fixedModel(t, 1, 2000, parquet.WriterOptions{PageBytes: 200})
	cache := scan.NewCache(0)
	src := scan.New(m.table(), scan.Options{Cache: cache, MorselRows: 300})
	all, _, err := collect(t.Context(), src, exec.ScanSpec{Columns: []int{1}}, 2, vector.MaxRows)
	if err != nil || len(all) != 2000 || cache.Len() != 1 {
		t.Fatalf("%d rows, %d values cached, %v", len(all), cache.Len(), err)
	}
	lookUp := func(id int64, want string) (exec.ScanStats, int) {
		spec := exec.ScanSpec{Columns: []int{1}, Filter: intFilter(m, "=", 0, id), Env: env}
		got, stats, err := collect(t.Context(), src, spec, 1, vector.MaxRows)
		if err != nil || !slices.Equal(got, []string{want}) {
			t.Fatalf("id %d: %v, %v", id, got, err)
		}
		return stats, cache.Len()
	}
	cold, before := lookUp(1403, "3")
	if before != 6 {
		t.Errorf("%d values are cached: footer, page index, dictionary, two pages and the number of look-ups are expected", before)
	}
	if warm, after := lookUp(1403, "3"); after != before || warm.BytesRead != 0 || cold.BytesRead == 0 {
		t.Errorf("looked up again: %d values are cached, not %d; %d bytes read, at first %d", after, before, warm.BytesRead, cold.BytesRead)
	}
	for _, id := range []int64{1807, 19} {
		lookUp(id, fmt.Sprint(id%10))
	}
}

// What is kept of one file is forgotten at once, and nothing of another.
func TestCacheForgetsAFile(t *testing.T) {
	m := fixedModel(t, 2, 2000, parquet.WriterOptions{PageBytes: 200})
	cache := scan.NewCache(0)
	table := m.table()
	src, files := scan.New(table, scan.Options{Cache: cache}), table.Files
	look := func() {
		for i := range int64(len(m.files)) {
			spec := exec.ScanSpec{Columns: []int{1}, Filter: intFilter(m, "=", 0, i*2000+1403), Env: env}
			if got, _, err := collect(t.Context(), src, spec, 1, vector.MaxRows); err != nil || len(got) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
		}
	}
	look()
	full, bytes := cache.Len(), cache.SizeBytes()
	for i := range m.files {
		cache.Forget(m.store, files.Path(i), files.Size(i)+1, files.ModificationTime(i)) // another file of that path
		if cache.Len() != full {
			t.Fatalf("%d values are cached, not %d", cache.Len(), full)
		}
		cache.Forget(m.store, files.Path(i), files.Size(i), files.ModificationTime(i))
		if cache.Len() != full/2 || cache.SizeBytes() >= bytes {
			t.Errorf("without file %d %d values of %d are cached, %d bytes of %d", i, cache.Len(), full, cache.SizeBytes(), bytes)
		}
		look()
		if cache.Len() != full || cache.SizeBytes() != bytes {
			t.Errorf("%d values and %d bytes are cached, not %d and %d", cache.Len(), cache.SizeBytes(), full, bytes)
		}
	}
}
