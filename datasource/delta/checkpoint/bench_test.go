package checkpoint_test

import (
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
)

// BenchmarkReadWrite writes and reads the checkpoint of a table of many files.
func BenchmarkReadWrite(b *testing.B) {
	const n = 200_000
	store := newStore(b)
	var adds []action.Add
	for i := range n {
		day := fmt.Sprintf("2024-01-%02d", i%28+1)
		adds = append(adds, action.Add{
			Path: fmt.Sprintf("p=%s/part-00000-%08x-0000-0000-0000-000000000000-c000.snappy.parquet", day, i), PartitionValues: map[string]*string{"p": &day}, Size: 1 << 20,
			Stats: fmt.Sprintf(`{"numRecords":%d,"minValues":{"x":%d},"maxValues":{"x":%d},"nullCount":{"x":0},"tightBounds":true}`, 1000+i%7, i*1000, i*1000+999),
		})
	}
	s := newSnapshot(b, store, legacy, adds...)
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := checkpoint.WriteWith(b.Context(), s, options()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			l, err := log.List(b.Context(), store, 0)
			if err != nil {
				b.Fatal(err)
			}
			base, err := checkpoint.Read(b.Context(), store, &l.Checkpoints[0])
			if err != nil {
				b.Fatal(err)
			}
			if _, err := replay.New(action.NewRoot(store.URL()), base, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
	})
}
