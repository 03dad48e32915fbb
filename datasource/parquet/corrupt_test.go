package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// damageable is a file with the fields to read it by.
type damageable struct {
	data   []byte
	fields []parquet.Field
}

// damageables are files that between them have every codec, encoding and layout.
var damageables = sync.OnceValue(func() []damageable {
	var out []damageable
	for i, c := range columnCases() {
		for k, enc := range c.encs {
			gen := rapid.Custom(func(t *rapid.T) pq.Value { return c.gen(t) })
			node := pq.Optional(pq.Encoded(c.node(), enc))
			var buf bytes.Buffer
			w := pq.NewWriter(&buf, pq.NewSchema("table", pq.Group{"f": node}), pq.Compression(codecs[(i+k)%len(codecs)]),
				pq.DataPageVersion(1+(i+k)%2), pq.PageBufferSize(300), pq.BloomFilters(pq.SplitBlockFilter(10, "f")))
			for r := range 100 {
				row := pq.Row{gen.Example(r%30).Level(0, 1, 0)}
				if r%9 == 0 {
					row = pq.Row{pq.NullValue().Level(0, 0, 0)}
				}
				if _, err := w.WriteRows([]pq.Row{row}); err != nil {
					panic(err)
				}
			}
			if err := w.Close(); err != nil {
				panic(err)
			}
			out = append(out, damageable{buf.Bytes(), []parquet.Field{{Name: "f", Type: c.want[0], Nullable: true}}})
		}
	}
	for _, c := range layoutCases() {
		gen := rapid.Custom(func(t *rapid.T) []byte { return writeLayout(t, &c, 30) })
		out = append(out, damageable{gen.Example(1), []parquet.Field{c.field}})
	}
	return out
})

// readEverything reads all there is of a file and returns the rows of its first column.
func readEverything(data []byte, fields []parquet.Field, opts parquet.OpenOptions) (rows []types.Value, err error) {
	ctx := context.Background()
	f, err := parquet.Open(ctx, &memFile{data: data}, int64(len(data)), opts)
	if err != nil {
		return nil, err
	}
	if fields == nil {
		for _, l := range f.Leaves() {
			if len(l.Path) == 1 && l.MaxRep == 0 && l.Type.Kind != types.Invalid {
				fields = append(fields, parquet.Field{Name: l.Path[0], Type: l.Type})
			}
		}
	}
	p, err := f.Project(fields, false)
	if err != nil {
		return nil, err
	}
	p.RowGroupStats()
	for g := range f.NumRowGroups() {
		if err := readSides(ctx, f, p, g); err != nil {
			return nil, err
		}
		if len(fields) == 0 {
			continue
		}
		for _, ranges := range [][]parquet.RowRange{nil, {{From: f.RowGroupRows(g) / 2, To: f.RowGroupRows(g)/2 + f.RowGroupRows(g)%2}}} {
			got, err := readRanges(ctx, p, g, ranges)
			if err != nil {
				return nil, err
			}
			if ranges == nil {
				rows = append(rows, got...)
			}
		}
	}
	return rows, nil
}

// readSides reads what is beside the rows of a row group.
func readSides(ctx context.Context, f *parquet.File, p *parquet.Projection, g int) error {
	if _, err := p.PageIndex(ctx, g, []int{0}); err != nil {
		return err
	}
	if p.Len() > 0 {
		b, err := p.Bloom(ctx, g, 0)
		if err != nil {
			return err
		}
		if b != nil {
			b.MayContain(types.StringValue("x"))
		}
	}
	for l := range f.Leaves() {
		if _, err := f.ReadLeaf(ctx, g, l); err != nil {
			return err
		}
	}
	return nil
}

// maxRowsRead keeps a file that claims a billion NULLs, in a few bytes, from taking all day.
const maxRowsRead = 1 << 16

func readRanges(ctx context.Context, p *parquet.Projection, g int, ranges []parquet.RowRange) (rows []types.Value, err error) {
	r, err := p.NewRowGroupReader(ctx, g, parquet.ReadOptions{Ranges: ranges})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for len(rows) < maxRowsRead {
		n, _, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for c := range p.Len() {
			v, err := r.Read(ctx, c, nil)
			if err != nil {
				return nil, err
			}
			if err := checkVector(v, n); err != nil {
				panic(err)
			}
			for i := 0; i < n && c == 0; i++ {
				rows = append(rows, v.Value(i))
			}
		}
	}
	return rows, nil
}

// checkTyped fails unless err is one of the errors that a damaged file may give.
func checkTyped(t interface{ Fatalf(string, ...any) }, err error) {
	var c *parquet.CorruptError
	var u *parquet.UnsupportedError
	var ut *parquet.UnsupportedTypeError
	if err != nil && !errors.As(err, &c) && !errors.As(err, &u) && !errors.As(err, &ut) {
		t.Fatalf("error of another type: %T %v", err, err)
	}
}

var damageOptions = parquet.OpenOptions{MaxPageBytes: 1 << 20}

func TestDamagedBytesGiveErrors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			d := rapid.SampledFrom(damageables()).Draw(t, "file")
			data := bytes.Clone(d.data)
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				data[rapid.IntRange(0, len(data)-1).Draw(t, "position")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
			}
			opts := damageOptions
			opts.SkipCRC = rapid.Bool().Draw(t, "no checksums")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := readEverything(data, d.fields, opts)
			runtime.ReadMemStats(&after)
			checkTyped(t, err)
			if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
				t.Fatalf("%d bytes allocated for a file of %d", n, len(data))
			}
		}
	})
}

func TestCutFilesGiveErrors(t *testing.T) {
	for _, d := range damageables() {
		for _, n := range []int{0, 4, 11, len(d.data) / 2, len(d.data) - 1} {
			var c *parquet.CorruptError
			if _, err := readEverything(d.data[:n], d.fields, damageOptions); !errors.As(err, &c) {
				t.Fatalf("a file of %d of %d bytes: %v", n, len(d.data), err)
			}
		}
	}
}

// A flipped bit in the body of a page is found by its checksum, whatever it is in.
func TestChecksumsFindDamagedPages(t *testing.T) {
	type row struct {
		A int64 `parquet:"a"`
		B string
	}
	rows := make([]row, 2000)
	for i := range rows {
		rows[i] = row{int64(i) * 77777777, fmt.Sprint("text ", i)}
	}
	var buf bytes.Buffer
	if err := parquet.WriteRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	footer := int(binary.LittleEndian.Uint32(buf.Bytes()[buf.Len()-8:]))
	fields := []parquet.Field{{Name: "a", Type: types.Of(types.Int64)}, {Name: "B", Type: types.Of(types.String)}}
	want, err := readEverything(buf.Bytes(), fields, parquet.OpenOptions{})
	if err != nil || len(want) != len(rows) {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		data := bytes.Clone(buf.Bytes())
		at := rapid.IntRange(200, 5000).Draw(t, "position") // of the first column's only page, far behind its header
		data[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		var c *parquet.CorruptError
		if _, err := readEverything(data, fields, parquet.OpenOptions{Path: "part-0.parquet"}); !errors.As(err, &c) || c.Path != "part-0.parquet" {
			t.Fatalf("byte %d of %d (footer %d) was changed: %v", at, len(data), footer, err)
		}
	})
}

func TestFooterLimits(t *testing.T) {
	var buf bytes.Buffer
	if err := parquet.WriteRows(&buf, makeNestedRows(10)); err != nil {
		t.Fatal(err)
	}
	var c *parquet.CorruptError
	if _, err := readEverything(buf.Bytes(), nil, parquet.OpenOptions{MaxFooterBytes: 100}); !errors.As(err, &c) {
		t.Fatalf("a footer over the limit: %v", err)
	}
	encrypted := append(buf.Bytes()[:buf.Len()-1:buf.Len()-1], 'E')
	var u *parquet.UnsupportedError
	if _, err := readEverything(encrypted, nil, parquet.OpenOptions{}); !errors.As(err, &u) {
		t.Fatalf("an encrypted footer: %v", err)
	}
	failing := errors.New("disk gone")
	if _, err := parquet.Open(context.Background(), failingReader{failing}, 1000, parquet.OpenOptions{}); !errors.Is(err, failing) {
		t.Fatalf("a failing store: %v", err)
	}
}

type failingReader struct{ err error }

func (f failingReader) ReadRange(context.Context, int64, []byte) error { return f.err }

func FuzzFile(f *testing.F) {
	for i, d := range damageables() {
		if i%5 == 0 {
			f.Add(d.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := readEverything(data, nil, damageOptions)
		checkTyped(t, err)
	})
}

func FuzzDamage(f *testing.F) {
	f.Add(uint16(0), uint32(10), byte(1), uint32(20), byte(0), false)
	f.Fuzz(func(t *testing.T, file uint16, p1 uint32, x1 byte, p2 uint32, x2 byte, skipCRC bool) {
		all := damageables()
		d := all[int(file)%len(all)]
		data := bytes.Clone(d.data)
		data[int(p1)%len(data)] ^= x1
		data[int(p2)%len(data)] ^= x2
		opts := damageOptions
		opts.SkipCRC = skipCRC
		_, err := readEverything(data, d.fields, opts)
		checkTyped(t, err)
	})
}
