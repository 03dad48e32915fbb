package parquet_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/skipping"
)

// checkBounds fails unless the statistics of a unit hold for the rows that are in it. It reports whether both bounds are known.
func checkBounds(t *rapid.T, s *skipping.ColumnStats, unit int, rows []types.Value) bool {
	nulls := int64(0)
	for _, v := range rows {
		switch {
		case !v.Valid:
			nulls++
		case v.Type.IsFloat() && v.F != v.F: // NaN is outside of bounds
		case !s.Min.IsNull(unit) && types.Compare(s.Min.Value(unit), v) > 0, !s.Max.IsNull(unit) && types.Compare(s.Max.Value(unit), v) < 0:
			t.Fatalf("unit %d: %v is not between %v and %v", unit, v, s.Min.Value(unit), s.Max.Value(unit))
		}
	}
	if s.RowCount[unit] != int64(len(rows)) {
		t.Fatalf("unit %d: %d rows, want %d", unit, s.RowCount[unit], len(rows))
	}
	if s.NullCount[unit] >= 0 && s.NullCount[unit] != nulls {
		t.Fatalf("unit %d: %d NULLs, want %d", unit, s.NullCount[unit], nulls)
	}
	return !s.Min.IsNull(unit) && !s.Max.IsNull(unit)
}

// libraryIsWrong reports whether the library that wrote the file may have got the column's bounds wrong: its
// greatest of the values of a dictionary of doubles is not always that (parquet-go 0.32).
func libraryIsWrong(f *testFile, c int) bool {
	return f.fields[c].Type.IsFloat() && f.encs[c] == encoding.Encoding(&pq.RLEDictionary)
}

func TestStatisticsBoundTheirRows(t *testing.T) {
	known, pages := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		f := genFile(t, 400)
		pf, err := parquet.Open(ctx, &memFile{data: f.data}, int64(len(f.data)), parquet.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := pf.Project(f.fields, false)
		if err != nil {
			t.Fatal(err)
		}
		stats := p.RowGroupStats()
		if stats.Len() != pf.NumRowGroups() {
			t.Fatalf("statistics of %d row groups of %d", stats.Len(), pf.NumRowGroups())
		}
		for g := range pf.NumRowGroups() {
			first, n := pf.RowGroupFirstRow(g), pf.RowGroupRows(g)
			x, err := p.PageIndex(ctx, g, []int{0})
			if err != nil {
				t.Fatal(err)
			}
			for c := range f.fields {
				if !libraryIsWrong(f, c) && checkBounds(t, stats.Column(c), g, f.rows[c][first:first+n]) {
					known++
				}
			}
			if x == nil || libraryIsWrong(f, 0) || x.Pages(0).Column(0) == nil {
				continue
			}
			s := x.Pages(0)
			next := int64(0)
			for i := range s.Len() {
				r := s.Rows(i)
				if r.From != next || s.FirstRow(i) != next || r.To > n {
					t.Fatalf("page %d holds rows %v of %d", i, r, n)
				}
				next = r.To
				if checkBounds(t, s.Column(0), i, f.rows[0][first+r.From:first+r.To]) {
					pages++
				}
			}
			if next != n {
				t.Fatalf("pages hold %d rows of %d", next, n)
			}
		}
	})
	if known == 0 || pages == 0 {
		t.Fatalf("only %d bounds of row groups and %d of pages were known", known, pages)
	}
}

func TestBloomFindsWhatIsThere(t *testing.T) {
	cases := columnCases()
	absent := 0
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(cases).Draw(t, "case")
		want := rapid.SampledFrom(c.want).Draw(t, "want")
		var buf bytes.Buffer
		w := pq.NewWriter(&buf, pq.NewSchema("table", pq.Group{"f": c.node()}), pq.BloomFilters(pq.SplitBlockFilter(16, "f")))
		var there []types.Value
		for range 20 {
			v := c.gen(t)
			there = append(there, c.conv(v, want))
			if _, err := w.WriteRows([]pq.Row{{v.Level(0, 0, 0)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.Open(context.Background(), &memFile{data: buf.Bytes()}, int64(buf.Len()), parquet.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Project([]parquet.Field{{Name: "f", Type: want}}, false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Bloom(context.Background(), 0, 0)
		if err != nil || b == nil {
			t.Fatalf("no bloom filter: %v", err)
		}
		for _, v := range there {
			if !b.MayContain(v) {
				t.Fatalf("%v is there, and the filter denies it", v)
			}
		}
		for range 20 {
			v := c.conv(c.gen(t), want)
			if !b.MayContain(v) {
				absent++
			}
		}
	})
	if absent == 0 {
		t.Fatal("no value was found to be absent")
	}
}

func TestBloomComparesAcrossTypes(t *testing.T) {
	var buf bytes.Buffer
	w := pq.NewWriter(&buf, pq.NewSchema("table", pq.Group{"f": pq.Decimal(2, 9, pq.Int32Type)}), pq.BloomFilters(pq.SplitBlockFilter(16, "f")))
	if _, err := w.WriteRows([]pq.Row{{pq.Int32Value(1200).Level(0, 0, 0)}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := openBytes(t, buf.Bytes())
	p, err := f.Project([]parquet.Field{{Name: "f", Type: types.DecimalOf(11, 3)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Bloom(context.Background(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	dec := func(scale int, unscaled int64) types.Value {
		return types.DecimalValue(types.DecimalOf(18, scale), types.Int128From(unscaled))
	}
	for _, c := range []struct {
		v    types.Value
		want bool
	}{
		{types.IntValue(types.Of(types.Int64), 12), true}, {dec(1, 120), true}, {dec(5, 1200000), true},
		{types.IntValue(types.Of(types.Int64), 13), false}, {dec(5, 1200001), false}, {dec(3, 12001), false},
		{types.IntValue(types.Of(types.Int64), 1<<60), false},
		{types.FloatValue(types.Of(types.Float64), 12.5), true}, // would need a conversion
		{types.NullOf(types.Of(types.Int64)), true},
	} {
		if got := b.MayContain(c.v); got != c.want {
			t.Errorf("%v of %s: %v", c.v, c.v.Type, got)
		}
	}
}

// pagedFile has 100,000 rows of integers (plain), letters (of a dictionary) and a column that is not there.
func pagedFile(t testing.TB) (*memFile, *parquet.Projection) {
	t.Helper()
	type row struct {
		A int64  `parquet:"a,plain"`
		B string `parquet:"b,dict"`
	}
	var buf bytes.Buffer
	w := pq.NewGenericWriter[row](&buf, pq.PageBufferSize(8000), pq.Compression(&pq.Snappy))
	for i := range 100_000 {
		if _, err := w.Write([]row{{int64(i) * 0x5DEECE66D, string(rune('a' + i%26))}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := &memFile{data: buf.Bytes()}
	f, err := parquet.Open(context.Background(), m, int64(buf.Len()), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Project([]parquet.Field{{Name: "a", Type: types.Of(types.Int64)}, {Name: "b", Type: types.Of(types.String)}, {Name: "z", Type: types.Of(types.Int32)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

// Few wanted rows must cost few pages and few bytes.
func TestRangesReadFewPages(t *testing.T) {
	ctx := context.Background()
	m, p := pagedFile(t)
	before := m.bytes
	r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{Ranges: []parquet.RowRange{{From: 50_000, To: 50_010}, {From: 99_990, To: 100_000}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []int64{50_000, 99_990} {
		n, at, err := r.Next(ctx)
		if err != nil || n != 10 || at != first {
			t.Fatalf("%d rows from %d: %v", n, at, err)
		}
		for c := range 3 {
			v, err := r.Read(ctx, c, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c == 0 && v.Int(3) != (first+3)*0x5DEECE66D {
				t.Fatalf("row %d is %d", first+3, v.Int(3))
			}
			if c == 1 && string(v.Bytes(3)) != string(rune('a'+(first+3)%26)) {
				t.Fatalf("row %d is %q", first+3, v.Bytes(3))
			}
			if c == 2 && !v.AllNull() {
				t.Fatal("a missing column has values")
			}
		}
	}
	r.Close()
	if got := m.bytes - before; got > int64(len(m.data))/8 || r.PagesRead() > 4 || r.BytesRead() == 0 {
		t.Fatalf("%d of %d bytes and %d pages read for 20 rows", got, len(m.data), r.PagesRead())
	}
}

func TestSelectionsDecodeFewPages(t *testing.T) {
	ctx := context.Background()
	_, p := pagedFile(t)
	r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		n, at, err := r.Next(ctx)
		if err != nil {
			break
		}
		if at == 8192 || at == 90112 {
			if _, err := r.Read(ctx, 0, []uint16{uint16(n - 1)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r.PagesRead() != 2 || r.PagesSkipped() < 20 {
		t.Fatalf("%d pages decoded and %d skipped for two rows", r.PagesRead(), r.PagesSkipped())
	}
}

// Once its buffers have grown, a reader allocates nothing for a batch.
func TestReadingAllocatesLittle(t *testing.T) {
	ctx := context.Background()
	_, p := pagedFile(t)
	r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{BatchRows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	batch := func() {
		if _, _, err := r.Next(ctx); err != nil {
			t.Fatal(err)
		}
		for c := range 2 {
			if _, err := r.Read(ctx, c, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 10 {
		batch()
	}
	if n := testing.AllocsPerRun(50, batch); n > 2 {
		t.Fatalf("%v allocations a batch", n)
	}
}

// A file is shared by any number of readers.
func TestReadersShareAFile(t *testing.T) {
	_, p := pagedFile(t)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			ctx := context.Background()
			r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{Ranges: []parquet.RowRange{{From: int64(k) * 20_000, To: int64(k)*20_000 + 3000}}})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			n, at, err := r.Next(ctx)
			if err != nil || n != 3000 || at != int64(k)*20_000 {
				t.Errorf("%d rows from %d: %v", n, at, err)
				return
			}
			v, err := r.Read(ctx, 0, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range n {
				if v.Int(i) != (at+int64(i))*0x5DEECE66D {
					t.Errorf("row %d is %d", at+int64(i), v.Int(i))
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkReadColumn(b *testing.B) {
	ctx := context.Background()
	_, p := pagedFile(b)
	for c, name := range []string{"plain", "dictionary"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{})
				if err != nil {
					b.Fatal(err)
				}
				for {
					if _, _, err := r.Next(ctx); err != nil {
						break
					}
					if _, err := r.Read(ctx, c, nil); err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}
