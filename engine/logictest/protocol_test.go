package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/vector"
)

// foreign is a server with a table t that another engine made, of which only the log's version 0 is given.
type foreign struct {
	*testing.T
	dir string
	db  *sql.DB
}

func newForeign(t *testing.T, protocol, metadata string, others ...string) *foreign {
	t.Helper()
	warehouse := t.TempDir()
	f := &foreign{T: t, dir: filepath.Join(warehouse, "t")}
	must(t, os.MkdirAll(filepath.Join(f.dir, "_delta_log"), 0o755))
	lines := append([]string{`{"protocol":` + protocol + `}`, `{"metaData":` + metadata + `}`}, others...)
	must(t, os.WriteFile(commit(f.dir, "0"), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	f.db = serve(t, engine.Options{Warehouse: warehouse})
	return f
}

// metadata is a metaData action of a schema's fields.
func metadata(fields, partitions, configuration string) string {
	return fmt.Sprintf(`{"id":"the-id","format":{"provider":"parquet","options":{}},"schemaString":%q,"partitionColumns":[%s],"configuration":{%s},"createdTime":1}`,
		`{"type":"struct","fields":[`+fields+`]}`, partitions, configuration)
}

func (f *foreign) exec(query string) {
	f.Helper()
	if _, err := f.db.ExecContext(context.Background(), query); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

func (f *foreign) refused(query string, code uint16, says string) {
	f.Helper()
	_, err := f.db.ExecContext(context.Background(), query)
	check(f.T, err, code, []string{says})
}

// actions are those of a commit of a table beside t, or t.
func (f *foreign) actions(table string, version int) []action.Action {
	f.Helper()
	b, err := os.ReadFile(commit(filepath.Join(filepath.Dir(f.dir), table), fmt.Sprint(version)))
	must(f.T, err)
	var all []action.Action
	must(f.T, action.ParseLines("", string(b), func(_ int, a *action.Action) error {
		all = append(all, *a)
		return nil
	}))
	return all
}

// change returns protocol (nil: unchanged), metadata and domains of a commit.
func (f *foreign) change(table string, version int) (p *action.Protocol, m *action.Metadata, domains map[string]action.DomainMetadata) {
	f.Helper()
	domains = map[string]action.DomainMetadata{}
	for _, a := range f.actions(table, version) {
		switch {
		case a.Protocol != nil:
			p = a.Protocol
		case a.Metadata != nil:
			m = a.Metadata
		case a.DomainMetadata != nil:
			domains[a.DomainMetadata.Domain] = *a.DomainMetadata
		}
	}
	return p, m, domains
}

const plainProtocol = `{"minReaderVersion":1,"minWriterVersion":2}`

// TestAlterKeepsForeignMetadata changes tables whose fields say more than featuresql knows: what a change does not
// name stays to the letter.
func TestAlterKeepsForeignMetadata(t *testing.T) {
	const a = `{"name":"a","type":"long","nullable":true,"metadata":{"z":9007199254740993,"f":1.50,"o":{"b":[1, 2]}},"future":{"n":9007199254740993}}`
	const s = `{"name":"s","type":{"type":"struct","fields":[{"name":"x","type":"string","nullable":false,"metadata":{"n":18446744073709551615}}]},"nullable":true,"metadata":{}}`
	f := newForeign(t, plainProtocol, metadata(a+","+s, "", `"other.engine":"x"`))
	f.exec("ALTER TABLE t ADD COLUMN c INT COMMENT 'new'")
	_, m, _ := f.change("t", 1)
	if want := `{"type":"struct","fields":[` + a + "," + s + `,{"name":"c","type":"integer","nullable":true,"metadata":{"comment":"new"}}]}`; m.SchemaString != want {
		t.Errorf("schema %s\nwant   %s", m.SchemaString, want)
	}
	if m.ID != "the-id" || m.Configuration["other.engine"] != "x" {
		t.Errorf("%+v", m)
	}
	f.exec("ALTER TABLE t ALTER COLUMN a COMMENT 'big'")
	_, m, _ = f.change("t", 2)
	if want := `"z":9007199254740993,"f":1.50,"o":{"b":[1, 2]},"comment":"big"},"future":{"n":9007199254740993}}`; !strings.Contains(m.SchemaString, want) {
		t.Errorf("schema %s", m.SchemaString)
	}
}

// TestColumnMappingOfRows switches column mapping on where there are rows: names in files stay what they are, however deep.
func TestColumnMappingOfRows(t *testing.T) {
	f := newForeign(t, `{"minReaderVersion":2,"minWriterVersion":5}`, metadata(
		`{"name":"a","type":"long","nullable":true,"metadata":{"z":1}},`+
			`{"name":"s","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"string","nullable":true,"metadata":{"y":2}}]},"containsNull":true},"nullable":true,"metadata":{}}`, "", ""))
	f.exec(`INSERT INTO t VALUES (1, '[{"x":"one"}]')`)
	f.refused("ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'id')", 1231, "columnMapping.mode")
	f.exec("ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
	p, m, _ := f.change("t", 2)
	if p != nil {
		t.Errorf("protocol %+v", p)
	}
	for _, want := range []string{`"metadata":{"z":1,"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"a"}`,
		`"metadata":{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"s"}`,
		`"metadata":{"y":2,"delta.columnMapping.id":3,"delta.columnMapping.physicalName":"x"}`} {
		if !strings.Contains(m.SchemaString, want) {
			t.Errorf("no %s in %s", want, m.SchemaString)
		}
	}
	if m.Configuration["delta.columnMapping.maxColumnId"] != "3" {
		t.Errorf("%v", m.Configuration)
	}
	for _, q := range []string{"SET TBLPROPERTIES ('delta.columnMapping.mode' = 'none')", "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
		"UNSET TBLPROPERTIES ('delta.columnMapping.mode')", "UNSET TBLPROPERTIES ('delta.columnMapping.maxColumnId')", "UNSET TBLPROPERTIES IF EXISTS ('DELTA.columnmapping.maxcolumnid')"} {
		f.refused("ALTER TABLE t "+q, 1231, "delta.columnMapping.m")
	}
	f.exec("ALTER TABLE t RENAME COLUMN a TO b")
	f.exec(`INSERT INTO t VALUES (2, '[{"x":"two"}]')`)
	want(t, rowsOf(t, f.db, "SELECT b, s FROM t ORDER BY b"), `1 [{"x":"one"}]`, `2 [{"x":"two"}]`)
}

// TestUpgradesKeepFeatures lists protocols, changes, and the protocol that they lead to; empty: unchanged.
func TestUpgradesKeepFeatures(t *testing.T) {
	for _, c := range []struct{ protocol, change, want string }{
		{plainProtocol, "SET TBLPROPERTIES ('a' = 'b')", ""},
		{plainProtocol, "SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "3 7 [deletionVectors] [appendOnly deletionVectors invariants]"},
		{`{"minReaderVersion":2,"minWriterVersion":5}`, "ADD CONSTRAINT c CHECK (a > 0)", ""},
		{`{"minReaderVersion":2,"minWriterVersion":5}`, "ALTER COLUMN a SET DEFAULT 1", "3 7 [columnMapping] [allowColumnDefaults appendOnly changeDataFeed checkConstraints columnMapping generatedColumns invariants]"},
		{`{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["typeWidening-preview","vacuumProtocolCheck"],"writerFeatures":["identityColumns","typeWidening-preview","vacuumProtocolCheck"]}`,
			"ADD CONSTRAINT c CHECK (a > 0)", "3 7 [typeWidening-preview vacuumProtocolCheck] [checkConstraints identityColumns typeWidening-preview vacuumProtocolCheck]"},
		{`{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["clustering"]}`, "SET TBLPROPERTIES ('delta.feature.ROWTRACKING' = 'supported')",
			"1 7 [] [clustering domainMetadata rowTracking]"},
		{plainProtocol, "SET TBLPROPERTIES ('delta.feature.clustering' = 'supported')", "1 7 [] [appendOnly clustering domainMetadata invariants]"},
	} {
		f := newForeign(t, c.protocol, metadata(`{"name":"a","type":"long","nullable":true,"metadata":{}}`, "", ""))
		f.exec("ALTER TABLE t " + c.change)
		p, m, _ := f.change("t", 1)
		got := ""
		if p != nil {
			got = fmt.Sprintf("%d %d %v %v", p.MinReader, p.MinWriter, p.ReaderFeatures, p.WriterFeatures)
		}
		if got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.protocol, c.change, got, c.want)
		}
		for k := range m.Configuration {
			if strings.HasPrefix(k, "delta.feature.") {
				t.Errorf("%s: %s", c.change, k)
			}
		}
	}
}

const mapped = `{"name":"a","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":4,"delta.columnMapping.physicalName":"col-a"}},` +
	`{"name":"b","type":{"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":9,"delta.columnMapping.physicalName":"col-x"}}]},"nullable":true,` +
	`"metadata":{"delta.columnMapping.id":5,"delta.columnMapping.physicalName":"col-b","delta.typeChanges":[]}}`

// aClusteredTable has column mapping, in-commit timestamps since version 7, and metadata domains.
func aClusteredTable(t *testing.T) *foreign {
	return newForeign(t, `{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["columnMapping"],"writerFeatures":["clustering","columnMapping","domainMetadata","inCommitTimestamp","rowTracking","typeWidening-preview"]}`,
		metadata(mapped, "", `"delta.columnMapping.mode":"name","delta.columnMapping.maxColumnId":"20","delta.enableInCommitTimestamps":"true",`+
			`"delta.inCommitTimestampEnablementVersion":"7","delta.inCommitTimestampEnablementTimestamp":"5","delta.rowTracking.materializedRowIdColumnName":"ids","delta.appendOnly":"false"`),
		`{"domainMetadata":{"domain":"delta.clustering","configuration":"{\"clusteringColumns\":[[\"col-b\",\"col-x\"]],\"domainName\":\"delta.clustering\"}","removed":false}}`,
		`{"domainMetadata":{"domain":"mine","configuration":"{}","removed":false}}`,
		`{"domainMetadata":{"domain":"delta.rowTracking","configuration":"{\"rowIdHighWaterMark\":41}","removed":false}}`)
}

func TestLikeTakesNothingBoundToTheOtherTable(t *testing.T) {
	f := aClusteredTable(t)
	f.exec("CREATE TABLE u LIKE t")
	_, m, domains := f.change("u", 0)
	if m.ID == "the-id" || strings.Contains(m.SchemaString, `col-a"`) || strings.Contains(m.SchemaString, "typeChanges") || len(domains) != 0 {
		t.Errorf("%+v, %v", m, domains)
	}
	want := map[string]string{"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3", "delta.enableInCommitTimestamps": "true", "delta.appendOnly": "false"}
	if !reflect.DeepEqual(m.Configuration, want) {
		t.Errorf("%v", m.Configuration)
	}
	f.exec(`INSERT INTO u VALUES (1, '{"x":2}')`)
	if rows := rowsOf(t, f.db, "SELECT * FROM u"); !slices.Equal(rows, []string{`1 {"x":2}`}) {
		t.Errorf("%v", rows)
	}
}

func TestReplaceGoesOnWhereTheTableWas(t *testing.T) {
	f := aClusteredTable(t)
	f.refused("CREATE OR REPLACE TABLE t (a INT, p INT) PARTITIONED BY (p)", 1235, "clustered")
	f.exec("CREATE OR REPLACE TABLE t (c INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableInCommitTimestamps' = 'true')")
	p, m, domains := f.change("t", 1)
	if p != nil || m.ID != "the-id" || !strings.Contains(m.SchemaString, `"delta.columnMapping.id":21`) {
		t.Errorf("%+v, %+v", p, m)
	}
	for k, v := range map[string]string{"delta.columnMapping.maxColumnId": "21", "delta.inCommitTimestampEnablementVersion": "7", "delta.rowTracking.materializedRowIdColumnName": "ids"} {
		if m.Configuration[k] != v {
			t.Errorf("%s: %s", k, m.Configuration[k])
		}
	}
	if d := domains["delta.clustering"]; d.Removed || !strings.Contains(d.Configuration, `"clusteringColumns":[]`) || !domains["mine"].Removed || len(domains) != 2 {
		t.Errorf("%+v", domains)
	}
	f.exec("INSERT INTO t VALUES (1)")
	if _, _, domains = f.change("t", 2); domains["delta.rowTracking"].Configuration != `{"rowIdHighWaterMark":42}` {
		t.Errorf("%+v", domains)
	}
}

// TestForeignChecks writes tables under conditions that Spark may have declared: what is not read alike is refused, by name.
func TestForeignChecks(t *testing.T) {
	for condition, says := range map[string]string{"a > 0": "", "a || b = 'x'": "rule: CHECK condition (a || b = 'x')", "length(b) > 0": "CHAR_LENGTH", "a = to_number(b)": "to_number",
		"nosuch > 1": "check constraint rule (nosuch > 1)", "a > 0 AND": "check constraint rule (a > 0 AND)"} {
		f := newForeign(t, `{"minReaderVersion":1,"minWriterVersion":3}`, metadata(`{"name":"a","type":"long","nullable":true,"metadata":{}},{"name":"b","type":"string","nullable":true,"metadata":{}}`,
			"", `"delta.constraints.rule":"`+condition+`"`))
		if says == "" {
			f.exec("INSERT INTO t VALUES (1, 'b')")
			f.refused("INSERT INTO t VALUES (NULL, 'b')", 3819, "rule")
			continue
		}
		f.refused("INSERT INTO t VALUES (1, 'b')", 1235, says)
		f.exec("ALTER TABLE t DROP CONSTRAINT rule")
		f.exec("INSERT INTO t VALUES (1, 'b')")
	}
}

// TestInvariants: a row for which a column's invariant is false or NULL is refused (PROTOCOL.md, Column Invariants).
func TestInvariants(t *testing.T) {
	f := newForeign(t, plainProtocol, metadata(`{"name":"a","type":"long","nullable":true,"metadata":{"delta.invariants":"{\"expression\":{\"expression\":\"a > 3\"}}"}}`, "", ""))
	f.exec("INSERT INTO t VALUES (4)")
	f.refused("INSERT INTO t VALUES (3)", 3819, "a > 3")
	f.refused("INSERT INTO t VALUES (NULL)", 3819, "a > 3")
	f.refused("UPDATE t SET a = NULL", 3819, "a > 3")
}

// TestChecksInEveryMode declares and enforces conditions with double quotes, whatever they stand for in the session.
func TestChecksInEveryMode(t *testing.T) {
	f := newForeign(t, plainProtocol, metadata(`{"name":"a","type":"string","nullable":true,"metadata":{}}`, "", ""))
	conn, err := f.db.Conn(t.Context())
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	for _, c := range []struct {
		query string
		code  uint16
	}{
		{"SET sql_mode = 'ANSI_QUOTES'", 0}, {`ALTER TABLE t ADD CONSTRAINT c CHECK ("a" <> 'x')`, 0}, {"INSERT INTO t VALUES ('x')", 3819}, {"INSERT INTO t VALUES ('a')", 0},
		{"SET sql_mode = ''", 0}, {"INSERT INTO t VALUES ('x')", 3819}, {`ALTER TABLE t ADD CONSTRAINT d CHECK (a <> "y")`, 0}, {"INSERT INTO t VALUES ('y')", 3819},
		{"SET sql_mode = 'ANSI_QUOTES'", 0}, {"INSERT INTO t VALUES ('y')", 3819}, {"INSERT INTO t VALUES ('z')", 0},
	} {
		_, err := conn.ExecContext(t.Context(), c.query)
		check(t, err, c.code, nil)
	}
	_, m, _ := f.change("t", 3)
	if c, d := m.Configuration["delta.constraints.c"], m.Configuration["delta.constraints.d"]; c != "(`a` <> 'x') IS NOT FALSE" || d != "(a <> 'y') IS NOT FALSE" {
		t.Errorf("%s, %s", c, d)
	}
}

// TestChangeDataFeed compares the files of the change data feed with what the statements did.
func TestChangeDataFeed(t *testing.T) {
	for _, properties := range []string{"", ", 'delta.enableDeletionVectors' = 'true'", ", 'delta.columnMapping.mode' = 'name'"} {
		f := newForeign(t, plainProtocol, metadata(`{"name":"a","type":"long","nullable":true,"metadata":{}}`, "", ""))
		f.exec("CREATE TABLE u (id INT NOT NULL, p STRING, v STRING, PRIMARY KEY (id)) PARTITIONED BY (p) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true'" + properties + ")")
		if p, _, _ := f.change("u", 0); !slices.Contains(p.WriterFeatures, "changeDataFeed") {
			t.Errorf("%+v", p)
		}
		for i, c := range []struct{ query, want string }{
			{"INSERT INTO u VALUES (1, 'x', 'one'), (2, 'x', 'two'), (3, NULL, 'three'), (4, 'y z', 'four')", ""},
			{"UPDATE u SET v = upper(v) WHERE id < 3", "update_postimage 1 x ONE|update_postimage 2 x TWO|update_preimage 1 x one|update_preimage 2 x two"},
			{"DELETE FROM u WHERE id = 1", "delete 1 x ONE"},
			{"MERGE INTO u USING (SELECT 2 AS id UNION ALL SELECT 3 UNION ALL SELECT 5) s ON u.id = s.id WHEN MATCHED AND u.id = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'III' " +
				"WHEN NOT MATCHED THEN INSERT (id, p, v) VALUES (s.id, 'x', 'five')",
				"delete 2 x TWO|insert 5 x five|update_postimage 3 NULL III|update_preimage 3 NULL three"},
			{"REPLACE INTO u VALUES (5, 'q', 'V'), (6, 'q', 'VI')", "insert 6 q VI|update_postimage 5 q V|update_preimage 5 x five"},
			{"INSERT INTO u VALUES (7, 'q', 'VII')", ""},
			{"BEGIN; INSERT INTO u VALUES (8, 'q', 'new'); UPDATE u SET v = 'VII!' WHERE id = 7; COMMIT", "insert 8 q new|update_postimage 7 q VII!|update_preimage 7 q VII"},
			{"BEGIN; DELETE FROM u; INSERT INTO u VALUES (9, 'r', 'last'); COMMIT", "delete 3 NULL III|delete 4 y z four|delete 5 q V|delete 6 q VI|delete 7 q VII!|delete 8 q new|insert 9 r last"},
			{"DELETE FROM u", ""},
		} {
			conn, err := f.db.Conn(t.Context())
			must(t, err)
			for q := range strings.SplitSeq(c.query, "; ") {
				if _, err := conn.ExecContext(t.Context(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			must(t, conn.Close())
			if got := f.changeData("u", i+1); got != c.want {
				t.Errorf("%s\n%s, want\n%s", c.query, got, c.want)
			}
		}
		f.refused("ALTER TABLE u ADD COLUMN _Change_Type INT", 1231, "_Change_Type")
		f.exec("INSERT INTO u VALUES (1, 'x', 'one'), (2, 'x', 'two')")
		before := tree(t, filepath.Dir(f.dir))
		f.refused("UPDATE u SET id = 1", 1062, "")
		conn, err := f.db.Conn(t.Context())
		must(t, err)
		for _, q := range []string{"BEGIN", "UPDATE u SET v = 'never'", "ROLLBACK"} {
			_, err := conn.ExecContext(t.Context(), q)
			must(t, err)
		}
		must(t, conn.Close())
		if after := tree(t, filepath.Dir(f.dir)); !slices.Equal(before, after) {
			t.Errorf("files before: %v\nafter: %v", before, after)
		}
	}
}

// changeData returns the rows of a version's change data files, sorted.
func (f *foreign) changeData(table string, version int) string {
	f.Helper()
	dir := filepath.Join(filepath.Dir(f.dir), table)
	var rows []string
	for _, a := range f.actions(table, version) {
		if a.CDC == nil {
			continue
		}
		if !strings.HasPrefix(a.CDC.Path, "_change_data/") || a.CDC.DataChange {
			f.Errorf("%+v", a.CDC)
		}
		partition := "NULL"
		for _, v := range a.CDC.PartitionValues {
			if v != nil {
				partition = *v
			}
		}
		rows = append(rows, parquetRows(f.T, filepath.Join(dir, action.Unescape(a.CDC.Path)), partition)...)
	}
	slices.Sort(rows)
	return strings.Join(rows, "|")
}

// parquetRows returns the rows of a change data file of the columns id, v and _change_type.
func parquetRows(t *testing.T, path, partition string) (rows []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	file, err := parquet.Open(t.Context(), memory(b), int64(len(b)), parquet.OpenOptions{Path: path})
	must(t, err)
	columns := map[string]*vector.Vector{}
	for i, l := range file.Leaves() {
		c, err := file.ReadLeaf(t.Context(), 0, i)
		must(t, err)
		columns[[]string{"id", "v", "kind"}[i]] = c.Values
		if i == 2 && l.Path[0] != "_change_type" {
			t.Errorf("%v", l.Path)
		}
	}
	for i := range columns["id"].Len {
		rows = append(rows, fmt.Sprintf("%s %d %s %s", columns["kind"].Bytes(i), columns["id"].Int(i), partition, columns["v"].Bytes(i)))
	}
	return rows
}

type memory []byte

// ReadRange implements parquet.RangeReader.
func (m memory) ReadRange(_ context.Context, off int64, p []byte) error {
	copy(p, m[off:])
	return nil
}

// TestRowTracking switches row tracking on where there are rows, and changes them.
func TestRowTracking(t *testing.T) {
	f := newForeign(t, plainProtocol, metadata(`{"name":"a","type":"long","nullable":true,"metadata":{}}`, "", ""))
	f.exec("INSERT INTO t VALUES (1), (2), (3)")
	f.exec("ALTER TABLE t SET TBLPROPERTIES ('delta.enableRowTracking' = 'true', 'delta.enableDeletionVectors' = 'true')")
	p, m, _ := f.change("t", 2)
	if want := []string{"appendOnly", "deletionVectors", "domainMetadata", "invariants", "rowTracking"}; !slices.Equal(p.WriterFeatures, want) {
		t.Errorf("%v", p.WriterFeatures)
	}
	if m.Configuration["delta.rowTracking.materializedRowIdColumnName"] == "" || m.Configuration["delta.rowTracking.materializedRowCommitVersionColumnName"] == "" {
		t.Errorf("%v", m.Configuration)
	}
	f.exec("ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')")
	f.exec("INSERT INTO t VALUES (4), (5)")
	f.exec("DELETE FROM t WHERE a = 1")
	f.exec("UPDATE t SET a = 6 WHERE a = 5")
	f.exec("CREATE OR REPLACE TABLE t (a BIGINT) AS SELECT * FROM t")
	f.exec("DELETE FROM t")
	for version, want := range map[int]string{
		2: "add 0+3 of version 2; mark 2; preserved true", 3: "preserved true", 4: "add 3+2 of version 4; mark 4; preserved true", 5: "remove 0; add 0+3 of version 2; preserved true",
		6: "remove 3; add 3+2 of version 4; add 5+1 of version 6; mark 5; preserved false", 7: "remove 0; remove 3; remove 5; add 6+4 of version 7; mark 9; ", 8: "remove 6; ",
	} {
		if got := f.rowIDs(version); got != want {
			t.Errorf("version %d: %s, want %s", version, got, want)
		}
	}
	f.exec("CREATE TABLE u (a INT) TBLPROPERTIES ('delta.enableRowTracking' = 'true')")
	f.exec("CREATE TABLE v LIKE u")
	_, u, _ := f.change("u", 0)
	_, v, _ := f.change("v", 0)
	if name := "delta.rowTracking.materializedRowIdColumnName"; u.Configuration[name] == "" || v.Configuration[name] == "" || v.Configuration[name] == u.Configuration[name] {
		t.Errorf("%v %v", u, v)
	}
}

// rowIDs tells what a commit says of row ids, sorted.
func (f *foreign) rowIDs(version int) string {
	f.Helper()
	var removes, adds []string
	var rest strings.Builder
	for _, a := range f.actions("t", version) {
		switch {
		case a.Add != nil:
			n, _, _ := strings.Cut(strings.TrimPrefix(a.Add.Stats, `{"numRecords":`), ",")
			if _, after, ok := strings.Cut(a.Add.Stats, `"numRecords":`); ok {
				n = after[:strings.IndexAny(after, ",}")]
			}
			adds = append(adds, fmt.Sprintf("add %d+%s of version %d; ", *a.Add.BaseRowID, n, *a.Add.DefaultRowCommitVersion))
		case a.Remove != nil:
			removes = append(removes, fmt.Sprintf("remove %d; ", *a.Remove.BaseRowID))
		case a.DomainMetadata != nil:
			rest.WriteString("mark " + strings.Trim(strings.TrimPrefix(a.DomainMetadata.Configuration, `{"rowIdHighWaterMark":`), "}") + "; ")
		}
	}
	for _, a := range f.actions("t", version) {
		if a.CommitInfo != nil && a.CommitInfo.Extra["tags"] != nil {
			rest.WriteString("preserved " + strings.Trim(strings.TrimPrefix(string(a.CommitInfo.Extra["tags"]), `{"delta.rowTracking.preserved":`), `"}`))
		}
	}
	slices.Sort(removes)
	slices.Sort(adds)
	return strings.Join(removes, "") + strings.Join(adds, "") + rest.String()
}

// TestClusteringColumnsHaveStatistics holds also where the properties say that no column has any.
func TestClusteringColumnsHaveStatistics(t *testing.T) {
	f := aClusteredTable(t)
	f.exec("ALTER TABLE t SET TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0')")
	f.exec(`INSERT INTO t VALUES (1, '{"x":2}')`)
	for _, a := range f.actions("t", 2) {
		if want := `{"numRecords":1,"minValues":{"col-b":{"col-x":2}},"maxValues":{"col-b":{"col-x":2}},"nullCount":{"col-b":{"col-x":0}},"tightBounds":true}`; a.Add != nil && a.Add.Stats != want {
			t.Errorf("%s, want %s", a.Add.Stats, want)
		}
	}
}

func TestClusteringColumnsStay(t *testing.T) {
	f := aClusteredTable(t)
	f.refused("ALTER TABLE t DROP COLUMN b", 3959, "CLUSTER BY")
	f.exec("ALTER TABLE t RENAME COLUMN b TO c")
	f.exec("ALTER TABLE t DROP COLUMN a")
	if _, m, domains := f.change("t", 2); len(domains) != 0 || !strings.Contains(m.SchemaString, `"col-b"`) {
		t.Errorf("%+v %v", m, domains)
	}
}
