package replay_test

import (
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/replay"
)

const benchSchema = `{"type":"struct","fields":[` +
	`{"name":"id","type":"long","nullable":true,"metadata":{}},{"name":"amount","type":"decimal(12,2)","nullable":true,"metadata":{}},` +
	`{"name":"ts","type":"timestamp","nullable":true,"metadata":{}},{"name":"name","type":"string","nullable":true,"metadata":{}},` +
	`{"name":"p","type":"date","nullable":true,"metadata":{}}]}`

func benchBuilder(n int) *replay.Builder {
	b := &replay.Builder{}
	for i := range n {
		stats := fmt.Sprintf(`{"numRecords":%d,"minValues":{"id":%d,"amount":%d.25,"ts":"2024-01-01T00:00:00.%03dZ","name":"customer-%08d"},`+
			`"maxValues":{"id":%d,"amount":%d.75,"ts":"2024-12-31T23:59:59.%03dZ","name":"customer-%08d"},"nullCount":{"id":0,"amount":3,"ts":0,"name":1},"tightBounds":true}`,
			1000+i%7, i*1000, i%1000, i%1000, i, i*1000+999, i%1000+1000, i%1000, i+100)
		b.Add(fmt.Sprintf("p=2024-01-%02d/part-00000-%08x-0000-0000-0000-000000000000-c000.snappy.parquet", i%28+1, i), 1<<20, 1700000000000, true, stats)
		b.Partition("p", fmt.Sprintf("2024-01-%02d", i%28+1), false)
	}
	return b
}

func benchMetadata() (*action.Protocol, *action.Metadata) {
	return &action.Protocol{MinReader: 1, MinWriter: 2}, &action.Metadata{ID: "x", SchemaString: benchSchema, PartitionColumns: []string{"p"}}
}

// BenchmarkColumn is the first use of a column's statistics: parsing them in every file.
func BenchmarkColumn(b *testing.B) {
	const n = 200_000
	p, m := benchMetadata()
	layout, err := replay.NewLayout(p, m)
	if err != nil {
		b.Fatal(err)
	}
	for _, col := range []int{0, 1, 2, 3, 4} {
		b.Run(layout.Columns[col].Name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				list, err := benchBuilder(n).Files(layout, action.Root{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				list.Column(col)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
		})
	}
}

// BenchmarkState is reconciliation of a checkpoint's files with one commit, and what the list holds in memory.
func BenchmarkState(b *testing.B) {
	const n = 200_000
	p, m := benchMetadata()
	var bytes int64
	for b.Loop() {
		b.StopTimer()
		base := &replay.Base{Protocol: p, Metadata: m, Files: benchBuilder(n)}
		b.StartTimer()
		s, err := replay.New(action.Root{}, base, nil)
		if err != nil {
			b.Fatal(err)
		}
		bytes = s.Files.SizeBytes()
	}
	b.ReportMetric(float64(bytes)/n, "bytes/file")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
}
