package parquet

import (
	"io"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Long strings: what a page's codes stand for is bounded, as it may have to be spelt out, and no page keeps its bounds whole.
func TestLongStringsStayWithinTheirPages(t *testing.T) {
	f := Field{Name: "c", Type: types.Of(types.String)}
	w, err := NewWriter(io.Discard, []Field{f}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write := func(n int, s string) {
		t.Helper()
		coded := vector.New(f.Type, 0)
		coded.AppendValue(types.BytesValue(f.Type, s))
		v := &vector.Vector{Type: f.Type, Phys: types.PhysBytes, Len: n, Codes: make([]int32, n), Dict: coded}
		if err := w.Write(&vector.Batch{Len: n, Cols: []*vector.Vector{v}}); err != nil {
			t.Fatal(err)
		}
	}
	write(2, strings.Repeat("a", 60_000))
	for range 5 {
		write(700, strings.Repeat("a", 60_000)) // 42 MB each
	}
	for k := range 20 { // the dictionary ends
		write(1, strings.Repeat(string(rune('b'+k)), 60_000)+"é")
	}
	if n := w.MemoryBytes(); n > 40<<20 {
		t.Errorf("%d bytes are held for 22 strings of 60,000 bytes", n)
	}
	for _, p := range w.columns[0].chunk.pages {
		if len(p.bounds.min.S) > boundLength || len(p.bounds.max.S) > boundLength {
			t.Errorf("a page keeps bounds of %d and %d bytes", len(p.bounds.min.S), len(p.bounds.max.S))
		}
	}
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if c := stats.Columns[0]; len(c.Min.S) != 60_000 || len(c.Max.S) != 60_002 {
		t.Errorf("the file's bounds have %d and %d bytes", len(c.Min.S), len(c.Max.S))
	}
}
