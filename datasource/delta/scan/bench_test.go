package scan_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// benchModel is one file of lineitem-like rows: a clustered key, a date, two numbers, a short string.
func benchModel(b *testing.B, rows int) *model {
	b.Helper()
	store, err := objstore.NewLocal(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	m := &model{store: store, columns: []scan.Column{
		primitive("key", bigint), primitive("shipdate", date), primitive("quantity", types.DecimalOf(15, 2)), primitive("price", float), primitive("flag", text),
	}}
	rng := rand.New(rand.NewPCG(1, 2))
	f := &modelFile{path: "a.parquet", deleted: map[int]bool{}, partition: map[int]types.Value{}}
	for r := range rows {
		f.rows = append(f.rows, []types.Value{
			types.IntValue(bigint, int64(r)), types.IntValue(date, int64(rng.IntN(2500))),
			types.DecimalValue(types.DecimalOf(15, 2), types.Int128From(int64(rng.IntN(50)*100))), types.FloatValue(float, rng.Float64()),
			types.StringValue(fmt.Sprintf("F%d", rng.IntN(3))),
		})
	}
	if err := m.write(f, nil, parquet.WriterOptions{Bloom: []int{0}}); err != nil {
		b.Fatal(err)
	}
	m.files = append(m.files, f)
	return m
}

func benchScan(b *testing.B, m *model, spec exec.ScanSpec, want int) {
	b.ReportAllocs()
	src := scan.New(m.table(), scan.Options{})
	for b.Loop() {
		sc, err := src.Scan(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		streams, err := sc.Streams(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			batch, err := streams[0].Next(b.Context())
			if err == io.EOF { //nolint:errorlint // streams return it bare
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += batch.Rows()
		}
		if want >= 0 && rows != want {
			b.Fatalf("%d rows", rows)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	m := benchModel(b, 300_000)
	day := func(op string, d int64) expr.Expr {
		return mustNew(op, &expr.Column{Index: 1, Name: "shipdate", Typ: date, Null: true}, &expr.Literal{Val: types.IntValue(date, d)})
	}
	b.Run("all", func(b *testing.B) { benchScan(b, m, exec.ScanSpec{Columns: []int{0, 1, 2, 3, 4}, Env: env}, 300_000) })
	b.Run("filtered", func(b *testing.B) {
		benchScan(b, m, exec.ScanSpec{Columns: []int{2, 3}, Filter: mustNew("and", day(">=", 500), day("<", 865)), Env: env}, -1)
	})
	b.Run("point", func(b *testing.B) {
		benchScan(b, m, exec.ScanSpec{Columns: []int{0, 1, 2, 3, 4}, Filter: intFilter(m, "=", 0, 123_456), Env: env}, 1)
	})
	b.Run("count", func(b *testing.B) { benchScan(b, m, exec.ScanSpec{}, 300_000) })
}
