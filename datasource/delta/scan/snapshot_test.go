package scan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
)

// logged is a snapshot of a table that has no log.
type logged struct {
	store objstore.Store
	files *replay.FileList
	gone  bool // dropped since
}

func (l *logged) Version() action.Version { return 7 }
func (l *logged) Files() *replay.FileList { return l.files }
func (l *logged) Table() *logged          { return l }
func (l *logged) Store() objstore.Store   { return l.store }
func (l *logged) URL() string             { return l.store.URL() }

func (l *logged) StillThere(context.Context) (bool, error) { return !l.gone, nil }

// newLogged lists the files of a fixed model as a log would, with a deletion vector on the second file.
func newLogged(t *testing.T, m *model, extra ...action.Add) *logged {
	t.Helper()
	var schema strings.Builder
	schema.WriteString(`{"type":"struct","fields":[`)
	for i, c := range []string{"id long", "n integer", "f double", "s string", "short decimal(9,2)", "long decimal(30,2)", "p long"} {
		var name, typ string
		_, _ = fmt.Sscan(c, &name, &typ)
		schema.WriteString(fmt.Sprintf(`%s{"name":%q,"type":%q,"nullable":true,"metadata":{"delta.columnMapping.id":%d,"delta.columnMapping.physicalName":%q}}`,
			map[bool]string{true: ",", false: ""}[i > 0], name, typ, i+1, "col-"+name))
	}
	layout, err := replay.NewLayout(&action.Protocol{MinReader: 2, MinWriter: 5}, &action.Metadata{
		SchemaString: schema.String() + "]}", PartitionColumns: []string{"p"}, Configuration: map[string]string{"delta.columnMapping.mode": "name"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := dv.NewWriter(m.store)
	w.Add(dv.NewBitmap(0, 5, 99).Roaring())
	vectors, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &replay.Builder{}
	for i, f := range m.files {
		part := fmt.Sprint(i)
		a := action.Add{Path: f.path, Size: f.size, PartitionValues: map[string]*string{"col-p": &part},
			Stats: fmt.Sprintf(`{"numRecords":100,"minValues":{"col-id":%d},"maxValues":{"col-id":%d},"nullCount":{"col-id":0}}`, i*100, i*100+99)}
		if i == 1 {
			a.DeletionVector = vectors[0]
			f.deleted = map[int]bool{0: true, 5: true, 99: true}
		}
		b.Append(&a)
	}
	for _, a := range extra {
		b.Append(&a)
	}
	files, err := b.Files(layout, action.NewRoot(m.store.URL()))
	if err != nil {
		t.Fatal(err)
	}
	return &logged{store: m.store, files: files}
}

// TestFileOfDroppedTable: a data file that is missing as the table was dropped is no damage.
func TestFileOfDroppedTable(t *testing.T) {
	m := fixedModel(t, 2, 100, parquet.WriterOptions{})
	snap := newLogged(t, m)
	if err := m.store.Delete(t.Context(), m.files[1].path); err != nil {
		t.Fatal(err)
	}
	for _, snap.gone = range []bool{false, true} {
		_, _, err := collect(t.Context(), scan.NewSource(snap, scan.Options{}), exec.ScanSpec{Columns: []int{0}}, 1, vector.MaxRows)
		var missing *scan.MissingFileError
		var replaced *scan.ReplacedError
		if errors.As(err, &missing) == snap.gone || errors.As(err, &replaced) != snap.gone {
			t.Errorf("dropped %t: %v", snap.gone, err)
		}
	}
}

func TestSourceOfSnapshot(t *testing.T) {
	m := fixedModel(t, 3, 100, parquet.WriterOptions{RowGroupRows: 30})
	snap := newLogged(t, m)
	src := scan.NewSource(snap, scan.Options{})
	if n, ok := src.RowCount(); n != 297 || !ok || src.SnapshotVersion() != 7 || src.Files().Len() != 3 {
		t.Errorf("%d rows, %v, version %d, %d files", n, ok, src.SnapshotVersion(), src.Files().Len())
	}
	if lo, hi, ok := src.WithFiles([]int{0, 2}).MinMax(0); lo.String() != "0" || hi.String() != "299" || !ok {
		t.Errorf("MinMax is %v, %v, %v", lo, hi, ok)
	}
	for _, spec := range []exec.ScanSpec{
		{Columns: []int{6, 0, 3}, RowIDs: true},
		{Columns: []int{0}, Filter: mustNew("and", intFilter(m, ">", 0, 95), intFilter(m, "<=", 0, 106)), Env: env},
		{Columns: []int{5, 4, 2, 1}, Filter: mustNew("or", intFilter(m, "=", 6, 2), intFilter(m, "=", 0, 105)), Env: env},
	} {
		want, err := m.expected(spec)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := collect(t.Context(), src, spec, 2, vector.MaxRows)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("filter %v: %d rows of %d, %v", spec.Filter, len(got), len(want), err)
		}
	}
}

func TestFilesOutsideTheTable(t *testing.T) {
	m, other := fixedModel(t, 1, 100, parquet.WriterOptions{}), fixedModel(t, 1, 100, parquet.WriterOptions{})
	one := "1"
	snap := newLogged(t, m, action.Add{Path: other.store.URL() + "/p=0/a.parquet", Size: other.files[0].size, PartitionValues: map[string]*string{"col-p": &one}})
	spec := exec.ScanSpec{Columns: []int{0}}
	_, _, err := collect(t.Context(), scan.NewSource(snap, scan.Options{}), spec, 1, vector.MaxRows)
	var outside *scan.OutsideError
	if !errors.As(err, &outside) {
		t.Errorf("without Locate: %v", err)
	}
	asked := ""
	opts := scan.Options{Locate: func(url string) (objstore.Store, string, error) {
		asked = url
		return other.store, "p=0/a.parquet", nil
	}}
	got, _, err := collect(t.Context(), scan.NewSource(snap, opts), spec, 1, vector.MaxRows)
	if err != nil || len(got) != 200 || asked != snap.Files().Path(1) {
		t.Errorf("with Locate: %d rows, asked for %s, %v", len(got), asked, err)
	}
}
