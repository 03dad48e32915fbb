package checkpoint_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
)

// foreignRow is a row of a checkpoint as another writer may lay it out: fewer columns, in another order.
type foreignRow struct {
	MetaData *struct {
		SchemaString  string            `parquet:"schemaString"`
		Partitions    []string          `parquet:"partitionColumns,list,optional"`
		Configuration map[string]string `parquet:"configuration,optional"`
		ID            string            `parquet:"id"`
	} `parquet:"metaData,optional"`
	Add *struct {
		Size            int64             `parquet:"size"`
		Path            string            `parquet:"path"`
		PartitionValues map[string]string `parquet:"partitionValues,optional"`
		Future          *int64            `parquet:"future,optional"`
	} `parquet:"add,optional"`
	Protocol *struct {
		MinWriter int32 `parquet:"minWriterVersion"`
		MinReader int32 `parquet:"minReaderVersion"`
	} `parquet:"protocol,optional"`
	Future *struct {
		X int64 `parquet:"x"`
	} `parquet:"futureAction,optional"`
}

func foreignAdd(path, p string) (r foreignRow) {
	r.Add = &struct {
		Size            int64             `parquet:"size"`
		Path            string            `parquet:"path"`
		PartitionValues map[string]string `parquet:"partitionValues,optional"`
		Future          *int64            `parquet:"future,optional"`
	}{Size: 1, Path: path, PartitionValues: map[string]string{"p": p}}
	return r
}

func foreignOthers() []foreignRow {
	rows := make([]foreignRow, 3)
	rows[0].Protocol = &struct {
		MinWriter int32 `parquet:"minWriterVersion"`
		MinReader int32 `parquet:"minReaderVersion"`
	}{2, 1}
	rows[1].MetaData = &struct {
		SchemaString  string            `parquet:"schemaString"`
		Partitions    []string          `parquet:"partitionColumns,list,optional"`
		Configuration map[string]string `parquet:"configuration,optional"`
		ID            string            `parquet:"id"`
	}{SchemaString: schemaString, Partitions: []string{"p"}, ID: "m"}
	rows[2].Future = &struct {
		X int64 `parquet:"x"`
	}{3}
	return rows
}

func putRows(t *testing.T, store objstore.Store, key string, rows []foreignRow) int64 {
	t.Helper()
	var buf bytes.Buffer
	if err := parquet.WriteRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	n := int64(buf.Len())
	if _, err := store.Put(t.Context(), key, &buf); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantFiles reads the checkpoint of a log and compares its files.
func wantFiles(t *testing.T, store objstore.Store, want string) {
	t.Helper()
	base, removes := readBack(t, t.Context(), store)
	s := newSnapshot(t, store, base.Protocol)
	list, err := base.Files.Files(s.Files().Layout(), action.NewRoot(store.URL()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range list.Len() {
		p, _ := list.PartitionText(i, 1)
		got = append(got, list.Path(i)+"="+p)
	}
	if strings.Join(got, " ") != want || len(removes) != 0 || base.Metadata.ID != "m" || base.Metadata.PartitionColumns[0] != "p" {
		t.Errorf("%v, %d tombstones, %+v", got, len(removes), base.Metadata)
	}
}

func TestMultiPart(t *testing.T) {
	store := newStore(t)
	part := func(o int) string { return fmt.Sprintf("_delta_log/%020d.checkpoint.%010d.%010d.parquet", 7, o, 3) }
	putRows(t, store, part(1), []foreignRow{foreignAdd("a%20b", "1"), foreignAdd("c", "")})
	putRows(t, store, part(2), foreignOthers())
	putRows(t, store, part(3), []foreignRow{foreignAdd("d", "x y")})
	wantFiles(t, store, "a b=1 c= d=x y")
	l, err := log.List(t.Context(), store, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), part(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Read(t.Context(), store, &l.Checkpoints[0]); !checkpoint.IsBroken(err) {
		t.Errorf("a part vanished: %v", err)
	}
}

func TestJSONWithSidecars(t *testing.T) {
	store := newStore(t)
	var lines []string
	for i, path := range []string{"one.parquet", store.URL() + "/_delta_log/_sidecars/two%20x.parquet"} {
		n := putRows(t, store, checkpoint.SidecarKey(path), []foreignRow{foreignAdd(fmt.Sprint("f", i), "p"), foreignAdd(fmt.Sprint("g", i), "q")})
		lines = append(lines, fmt.Sprintf(`{"sidecar":{"path":%q,"sizeInBytes":%d,"modificationTime":1}}`, path, n))
	}
	lines = append(lines, `{"checkpointMetadata":{"version":7,"tags":{"a":"b"}}}`, `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`,
		fmt.Sprintf(`{"metaData":{"id":"m","schemaString":%q,"partitionColumns":["p"]}}`, schemaString), `{"future":1}`)
	key := log.V2CheckpointKey(7, "80a083e8-7026-4e79-81be-64bd76c43a11", "json")
	if _, err := store.Put(t.Context(), key, strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, store, "f0=p g0=q f1=p g1=q")
}
