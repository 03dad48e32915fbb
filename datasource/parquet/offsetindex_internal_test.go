package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

// pagesFile is a file of one required INT32 column, its values counting from 0, with pages of the given numbers of them.
func pagesFile(t *testing.T, pages ...int) (*File, *Projection) {
	t.Helper()
	data := []byte(magic)
	var index format.OffsetIndex
	value := int32(0)
	for _, n := range pages {
		first := int64(value)
		var body []byte
		for range n {
			body = binary.LittleEndian.AppendUint32(body, uint32(value))
			value++
		}
		head, err := dataPageHeader(n, format.Plain, len(body), body)
		if err != nil {
			t.Fatal(err)
		}
		index.PageLocations = append(index.PageLocations, format.PageLocation{Offset: int64(len(data)), CompressedPageSize: int32(len(head) + len(body)), FirstRowIndex: first})
		data = append(append(data, head...), body...)
	}
	end := len(data)
	b, err := marshalThrift(&index)
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, b...)
	l := &leaf{path: []string{"a"}, typ: format.Int32}
	f := &File{r: bytesReader(data), size: int64(len(data)), opts: OpenOptions{}.ensureDefaults(), leaves: []*leaf{l}, indexes: map[indexKey][]pageLocation{},
		meta: &fileMeta{rowGroups: []rowGroupMeta{{numRows: int64(value), columns: []chunkMeta{{
			meta: true, typ: format.Int32, dataOffset: 4, compressedSize: int64(end - 4), offsetIndexOffset: int64(end), offsetIndexLength: int32(len(b))}}}}}}
	conv, err := newConverter(l, types.Of(types.Int32))
	if err != nil {
		t.Fatal(err)
	}
	return f, &Projection{f: f, cols: []projected{{field: Field{Name: "a", Type: types.Of(types.Int32)}, leaf: l, conv: conv}}}
}

// Arrow writes pages without rows, and says so in the offset index.
func TestPagesWithoutRows(t *testing.T) {
	for _, pages := range [][]int{{0, 3, 2}, {3, 0, 2}, {3, 0, 0, 2}, {3, 2, 0}, {0, 0, 5}} {
		_, p := pagesFile(t, pages...)
		for from := range int64(5) {
			for to := from + 1; to <= 5; to++ {
				t.Run(fmt.Sprint(pages, from, to), func(t *testing.T) {
					r, err := p.NewRowGroupReader(t.Context(), 0, ReadOptions{Ranges: []RowRange{{from, to}}, BatchRows: 2})
					if err != nil {
						t.Fatal(err)
					}
					at := from
					for {
						n, first, err := r.Next(t.Context())
						if errors.Is(err, io.EOF) {
							break
						}
						if err != nil || first != at {
							t.Fatalf("batch at %d, want %d: %v", first, at, err)
						}
						v, err := r.Read(t.Context(), 0, nil)
						if err != nil {
							t.Fatal(err)
						}
						for i := range n {
							if v.Value(i).I != at+int64(i) {
								t.Errorf("row %d is %v", at+int64(i), v.Value(i))
							}
						}
						at += int64(n)
					}
					if at != to {
						t.Errorf("read up to row %d, want %d", at, to)
					}
				})
			}
		}
	}
	f, _ := pagesFile(t, 2, 1)
	m := f.meta.rowGroups[0].columns[0]
	b, err := marshalThrift(&format.OffsetIndex{PageLocations: []format.PageLocation{
		{Offset: 4, CompressedPageSize: 10}, {Offset: 14, CompressedPageSize: 10, FirstRowIndex: 2}, {Offset: 24, CompressedPageSize: 10, FirstRowIndex: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	m.compressedSize = 30
	if _, err := parseOffsetIndex(b, &m, 3); err == nil {
		t.Error("rows that go backwards were accepted")
	}
}
