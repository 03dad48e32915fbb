package parquet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// readAll reads every column of a file with this package's reader.
func readAll(t *rapid.T, data []byte, fields []parquet.Field) [][]types.Value {
	ctx := context.Background()
	f, err := parquet.Open(ctx, &memFile{data: data}, int64(len(data)), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Project(fields, false)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]types.Value, len(fields))
	for g := range f.NumRowGroups() {
		r, err := p.NewRowGroupReader(ctx, g, parquet.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			n, _, err := r.Next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for c := range fields {
				v, err := r.Read(ctx, c, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					out[c] = append(out[c], v.Value(i))
				}
			}
		}
		r.Close()
	}
	return out
}

// checkOwnReader reads data with this package's reader and compares values and what it says about pages.
func checkOwnReader(t *rapid.T, data []byte, fields []parquet.Field, want [][]types.Value) {
	got := readAll(t, data, fields)
	for c := range fields {
		if len(got[c]) != len(want[c]) {
			t.Fatalf("%d rows, want %d", len(got[c]), len(want[c]))
		}
		for i, w := range want[c] {
			g := got[c][i]
			same := g.Valid == w.Valid && (!w.Valid || types.Compare(g, w) == 0 && math.Signbit(g.F) == math.Signbit(w.F))
			if !same {
				t.Fatalf("column %d of %s, row %d: %v, want %v", c, fields[c].Type, i, g, w)
			}
		}
	}
	ctx := context.Background()
	f, err := parquet.Open(ctx, &memFile{data: data}, int64(len(data)), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Project(fields, false)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for g := range f.NumRowGroups() {
		rows := int(f.RowGroupRows(g))
		for c := range fields {
			checkPruning(t, p, g, c, want[c][at:at+rows])
		}
		at += rows
	}
}

func checkPruning(t *rapid.T, p *parquet.Projection, g, c int, rows []types.Value) {
	ctx := context.Background()
	index, err := p.PageIndex(ctx, g, []int{c})
	if err != nil || index == nil {
		t.Fatalf("no page index: %v", err)
	}
	pages := index.Pages(c)
	stats := pages.Column(c)
	if stats == nil {
		t.Fatal("pages without statistics")
	}
	for i := range pages.Len() {
		r := pages.Rows(i)
		for _, v := range rows[r.From:r.To] {
			if !v.Valid || math.IsNaN(v.F) {
				continue
			}
			if stats.Min != nil && !stats.Min.IsNull(i) && types.Compare(stats.Min.Value(i), v) > 0 ||
				stats.Max != nil && !stats.Max.IsNull(i) && types.Compare(stats.Max.Value(i), v) < 0 {
				t.Fatalf("page %d from %v to %v does not hold %v", i, stats.Min.Value(i), stats.Max.Value(i), v)
			}
		}
	}
	bloom, err := p.Bloom(ctx, g, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range rows {
		if bloom != nil && v.Valid && !bloom.MayContain(v) {
			t.Fatalf("the filter does not know %v", v)
		}
	}
}

func TestNestedTextSurvivesWritingAndReading(t *testing.T) {
	fields := append([]parquet.Field{
		structOf("all", func() (fs []parquet.Field) {
			for _, typ := range flatTypes {
				fs = append(fs, parquet.Field{Name: typ.String(), Type: typ, Nullable: true})
			}
			return fs
		}()...),
		mapOf("by int", prim("key", types.Int32), structOf("value", prim("x", types.Date))),
		mapOf("by date", prim("key", types.Date), listOf("value", prim("element", types.Binary))),
	}, nestedFields...)
	texts := [][]string{
		{`{"boolean":true,"tinyint":-3,"bigint":9223372036854775807,"float":0.1,"double":"NaN","date":"0001-01-01","timestamp":"9999-12-31T23:59:59.999999Z",` +
			`"timestamp_ntz":"1969-12-31T23:59:59.999999","string":"\"\\\u0000é😀","binary":"AP8=","decimal(1,1)":0.3,"decimal(38,10)":-1234567890123456789012345678.0000000001,"decimal(18,18)":0.000000000000000001}`,
			`{"double":"-Infinity","float":"Infinity","int":0}`, `{}`, ``},
		{`{"-1":{"x":"2024-02-29"},"2":null}`, `{}`, ``, `{"7":{}}`},
		{`{"2024-01-01":["AA==",null],"1999-12-31":[]}`, ``, `{"2024-01-01":null}`, `{}`},
		{`{"i":1,"t":"x","in":{"d":1.5,"l":[1,null]}}`, `{"in":{}}`, `{"in":{"l":[]}}`, ``},
		{`["a",null,""]`, `[]`, ``, `[null]`}, {`[[1],[],null,[null,2]]`, ``, `[]`, `[null]`}, {`[{"i":1},{},null]`, ``, `[]`, `[{"t":"x"}]`}, {`{"b":1,"a":null}`, ``, `{}`, `{"":2}`},
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 9).Draw(t, "rows")
		b := &vector.Batch{Len: len(rows)}
		for _, column := range texts {
			v := vector.New(types.Of(types.JSON), 0)
			for _, r := range rows {
				if column[r] == "" {
					v.AppendNull()
				} else {
					v.AppendValue(types.BytesValue(v.Type, column[r]))
				}
			}
			b.Cols = append(b.Cols, v)
		}
		var buf bytes.Buffer
		w, err := parquet.NewWriter(&buf, fields, parquet.WriterOptions{RowGroupRows: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for c, column := range readAll(t, buf.Bytes(), fields) {
			for i, v := range column {
				if want := texts[c][rows[i]]; v.Valid != (want != "") || v.Valid && !sameJSON(t, v.S, want) {
					t.Fatalf("%s: read %s, wrote %s", fields[c].Name, v.S, want)
				}
			}
		}
	})
}

// sameJSON compares two texts, taking an absent member for a null one; numbers are compared by their digits.
func sameJSON(t *rapid.T, a, b string) bool {
	decode := func(s string) any {
		d := json.NewDecoder(bytes.NewReader([]byte(s)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return dropNulls(v)
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

func dropNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
			} else {
				v[k] = dropNulls(x)
			}
		}
	case []any:
		for i := range v {
			v[i] = dropNulls(v[i])
		}
	case json.Number:
		d, _, ok := types.ParseDecimal(string(v), 18)
		if ok {
			return d
		}
	}
	return v
}
