package logictest

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/datasource/delta/verify"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine"
)

// corruption spoils a table of twelve rows in versions 0 to 9: two files, of which one has a deletion vector, and a checkpoint at version 6.
type corruption struct {
	name    string
	spoil   func(t *testing.T, dir string)
	code    uint16   // of SELECT; 0: the right rows
	says    []string // parts of its message, or of the warning in the log
	finding string   // of featuresql check; "warn" before it: worked around
}

// logFile is a file of the log.
func logFile(dir, name string) string { return filepath.Join(dir, "_delta_log", name) }

// numbered is a commit's file.
func numbered(dir string, v int) string { return logFile(dir, fmt.Sprintf("%020d.json", v)) }

// edit changes the text of a file.
func edit(t *testing.T, path, from, to string) {
	t.Helper()
	doc, err := os.ReadFile(path)
	must(t, err)
	if !strings.Contains(string(doc), from) {
		t.Fatalf("%s does not have %s:\n%s", path, from, doc)
	}
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(doc), from, to)), 0o644))
}

// put overwrites bytes of a file; a negative offset counts from its end.
func put(t *testing.T, path string, at int64, bytes string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	if at < 0 {
		at += size(t, path)
	}
	_, err = f.WriteAt([]byte(bytes), at)
	must(t, errors.Join(err, f.Close()))
}

// only returns the one file with a pattern.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// added returns the data file that a version adds.
func added(t *testing.T, dir string, v int) string {
	t.Helper()
	doc, err := os.ReadFile(numbered(dir, v))
	must(t, err)
	for line := range strings.Lines(string(doc)) {
		var a struct {
			Add *struct{ Path string } `json:"add"`
		}
		if json.Unmarshal([]byte(line), &a) == nil && a.Add != nil {
			return filepath.Join(dir, a.Add.Path)
		}
	}
	t.Fatalf("version %d adds nothing", v)
	return ""
}

// inStats changes the statistics in version 9, which are a text in a text.
func inStats(from, to string) func(t *testing.T, dir string) {
	quote := func(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }
	return func(t *testing.T, dir string) { edit(t, numbered(dir, 9), quote(from), quote(to)) }
}

func inFile(version int, at int64, bytes string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := added(t, dir, version)
		put(t, path, at, bytes)
	}
}

// inFooter overwrites the beginning of the footer, whose length is told 8 bytes before the end.
func inFooter(version int, bytes string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := added(t, dir, version)
		doc, err := os.ReadFile(path)
		must(t, err)
		put(t, path, -8-int64(binary.LittleEndian.Uint32(doc[len(doc)-8:])), bytes)
	}
}

func inLog(name, from, to string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) { edit(t, logFile(dir, name), from, to) }
}

const (
	commitLast   = "00000000000000000009.json"
	commitVector = "00000000000000000008.json"
)

var corruptions = []corruption{
	// Commits.
	{"commit_cut_short", func(t *testing.T, dir string) { must(t, os.Truncate(numbered(dir, 9), size(t, numbered(dir, 9))-20)) }, 1105, []string{commitLast}, commitLast},
	{"commit_empty", func(t *testing.T, dir string) { must(t, os.Truncate(numbered(dir, 9), 0)) }, 1105, []string{commitLast, "holds no action"}, commitLast + ": it holds no action"},
	{"commit_of_zeros", func(t *testing.T, dir string) { must(t, os.WriteFile(numbered(dir, 9), make([]byte, 4096), 0o644)) }, 1105, []string{commitLast}, commitLast},
	{"commit_no_json", func(t *testing.T, dir string) { must(t, os.WriteFile(numbered(dir, 9), []byte("hello\n"), 0o644)) }, 1105, []string{commitLast}, commitLast},
	{"commit_wrong_type", inLog(commitLast, `"size":`, `"size":"x","was":`), 1105, []string{commitLast, "expected a number"}, commitLast},
	{"commit_no_path", inLog(commitLast, `"path":`, `"was":`), 1105, []string{commitLast, "path"}, commitLast},
	{"commit_missing", func(t *testing.T, dir string) { must(t, os.Remove(numbered(dir, 8))) }, 1105, []string{commitVector, "missing"}, commitVector + ": the commit is missing"},
	{"old_commit_cut_short", func(t *testing.T, dir string) { must(t, os.Truncate(numbered(dir, 2), 5)) }, 0, nil, "00000000000000000002.json"},
	{"remove_of_nothing", func(t *testing.T, dir string) {
		must(t, os.WriteFile(numbered(dir, 10), []byte(`{"commitInfo":{}}`+"\n"+`{"remove":{"path":"gone.parquet","dataChange":true,"deletionTimestamp":1}}`), 0o644))
	}, 0, nil, "removes a file that is not in the table: gone.parquet"},
	{"schema_no_json", func(t *testing.T, dir string) {
		must(t, os.WriteFile(numbered(dir, 10), []byte(`{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{","partitionColumns":[],"configuration":{}}}`), 0o644))
	}, 1105, []string{"00000000000000000010.json", "schema"}, "schema"},

	// Checkpoints and the hint to them.
	{"checkpoint_cut_short", func(t *testing.T, dir string) {
		c := only(t, dir, "_delta_log/*.checkpoint.parquet")
		must(t, os.Truncate(c, size(t, c)/2))
	}, 0, []string{"broken checkpoint", "checkpoint.parquet"}, "warn checkpoint.parquet"},
	{"checkpoint_empty", func(t *testing.T, dir string) {
		must(t, os.Truncate(only(t, dir, "_delta_log/*.checkpoint.parquet"), 0))
	}, 0, []string{"broken checkpoint"}, "warn checkpoint.parquet"},
	{"checkpoint_other_bytes", func(t *testing.T, dir string) {
		put(t, only(t, dir, "_delta_log/*.checkpoint.parquet"), 100, strings.Repeat("\xff", 100))
	}, 0, []string{"broken checkpoint"}, "warn checkpoint.parquet"},
	{"checkpoint_missing", func(t *testing.T, dir string) { must(t, os.Remove(only(t, dir, "_delta_log/*.checkpoint.parquet"))) }, 0,
		[]string{"_last_checkpoint", "no checkpoint of version 6"}, "warn _last_checkpoint"},
	{"hint_empty", func(t *testing.T, dir string) { must(t, os.Truncate(logFile(dir, "_last_checkpoint"), 0)) }, 0, []string{"_last_checkpoint"}, "warn _last_checkpoint"},
	{"hint_no_json", func(t *testing.T, dir string) {
		must(t, os.WriteFile(logFile(dir, "_last_checkpoint"), []byte("6"), 0o644))
	}, 0, []string{"_last_checkpoint"}, "warn _last_checkpoint"},
	{"hint_checksum", func(t *testing.T, dir string) {
		must(t, os.WriteFile(logFile(dir, "_last_checkpoint"), []byte(`{"version":6,"size":4,"checksum":"00000000000000000000000000000000"}`), 0o644))
	}, 0, []string{"_last_checkpoint", "checksum"}, "warn its checksum is"},
	{"hint_beyond", func(t *testing.T, dir string) {
		must(t, os.WriteFile(logFile(dir, "_last_checkpoint"), []byte(`{"version":70,"size":4}`), 0o644))
	}, 0, []string{"no checkpoint of version 70"}, "warn no checkpoint of version 70"},

	// Version checksums.
	{"crc_other_files", func(t *testing.T, dir string) {
		must(t, os.WriteFile(logFile(dir, "00000000000000000009.crc"), []byte(`{"tableSizeBytes":1,"numFiles":7,"numMetadata":1,"numProtocol":1}`), 0o644))
	}, 0, nil, "00000000000000000009.crc: numFiles is 7, by the log it is 2"},
	{"crc_no_json", func(t *testing.T, dir string) {
		must(t, os.WriteFile(logFile(dir, "00000000000000000009.crc"), []byte(`{"tableSizeBytes":`), 0o644))
	}, 0, nil, "warn 00000000000000000009.crc: it is no version checksum"},

	// Deletion vectors.
	{"vector_missing", func(t *testing.T, dir string) { must(t, os.Remove(only(t, dir, "deletion_vector_*"))) }, 1105, []string{"deletion vector", "missing"}, "missing"},
	{"vector_cut_short", func(t *testing.T, dir string) { must(t, os.Truncate(only(t, dir, "deletion_vector_*"), 10)) }, 1105, []string{"deletion_vector"}, "deletion_vector"},
	{"vector_other_bytes", func(t *testing.T, dir string) { put(t, only(t, dir, "deletion_vector_*"), 12, "\xff\xff\xff\xff") }, 1105, []string{"deletion_vector"}, "deletion vector"},
	{"vector_checksum", func(t *testing.T, dir string) { put(t, only(t, dir, "deletion_vector_*"), -2, "\x00\x01") }, 1105, []string{"deletion_vector", "checksum"}, "checksum"},
	{"vector_cardinality", inLog(commitVector, `"cardinality":1`, `"cardinality":2`), 1105, []string{"deletion vector"}, "deletion vector"},

	// Data files.
	{"data_missing", func(t *testing.T, dir string) { p := added(t, dir, 9); must(t, os.Remove(p)) }, 1105, []string{".parquet", "missing"}, "the file is missing"},
	{"data_cut_short", func(t *testing.T, dir string) { p := added(t, dir, 9); must(t, os.Truncate(p, size(t, p)-1)) }, 1105, []string{".parquet"}, "bytes, the log says"},
	{"data_empty", func(t *testing.T, dir string) { p := added(t, dir, 9); must(t, os.Truncate(p, 0)) }, 1105, []string{".parquet"}, "it has 0 bytes"},
	{"data_page", inFile(9, 30, "\xff\xfe\xfd\xfc\xfb"), 1105, []string{".parquet"}, ".parquet"},
	{"data_footer", inFooter(9, strings.Repeat("\xff", 20)), 1105, []string{".parquet"}, ".parquet"},
	{"data_footer_length", inFile(9, -8, "\xff\xff\xff\x7f"), 1105, []string{".parquet"}, ".parquet"},
	{"data_magic", inFile(9, -4, "PAR2"), 1105, []string{".parquet"}, ".parquet"},

	// Statistics and partition values.
	{"stats_rows", inStats(`"numRecords":6`, `"numRecords":5`), 1105, []string{"6 rows, the log says 5"}, "the log says 5"},
	{"stats_bounds", inStats(`"id":12`, `"id":9`), 0, nil, "column id has the value 10; by the statistics its values lie from 7 to 9"},
	{"stats_nulls", inStats(`"v":1`, `"v":0`), 0, nil, "column v has 1 NULL value, the log says 0"},
	{"partition_value", func(t *testing.T, dir string) {
		edit(t, numbered(dir, 9), `"partitionValues":{"p":"2"}`, `"partitionValues":{"p":"two"}`)
	}, 1105,
		[]string{"two"}, "two"},
}

// TestCorrupt reads every form of damage: an error that names file and reason, or the right rows and a warning. featuresql
// check finds each.
func TestCorrupt(t *testing.T) {
	warehouse := t.TempDir()
	maker := serve(t, engine.Options{Warehouse: warehouse})
	makeSound(t, maker, "sound")
	sound := filepath.Join(warehouse, "sound")
	if findings := verified(t, sound); len(findings) > 0 {
		t.Fatal(findings)
	}
	for _, c := range corruptions {
		dir := filepath.Join(warehouse, c.name)
		must(t, os.CopyFS(dir, os.DirFS(sound)))
		c.spoil(t, dir)
	}
	log := &lines{}
	db := serve(t, engine.Options{Warehouse: warehouse, Log: slog.New(slog.NewTextHandler(log, nil))})
	for _, c := range corruptions {
		t.Run(c.name, func(t *testing.T) {
			log.take()
			c.read(t, db, log)
			c.verify(t, filepath.Join(warehouse, c.name))
		})
	}
}

func makeSound(t *testing.T, db *sql.DB, name string) {
	t.Helper()
	exec(t, db, "CREATE TABLE "+name+" (id INT, v STRING, p INT) PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '6')")
	for i := range 5 {
		exec(t, db, fmt.Sprintf("INSERT INTO %s VALUES (%d, 'old', 1)", name, 100+i))
	}
	exec(t, db, "TRUNCATE TABLE "+name)
	exec(t, db, "INSERT INTO "+name+" VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 1), (4, 'd', 1), (5, 'e', 1), (6, 'f', 1), (13, 'g', 1)")
	exec(t, db, "DELETE FROM "+name+" WHERE id = 13")
	exec(t, db, "INSERT INTO "+name+" VALUES (7, 'g', 2), (8, 'h', 2), (9, 'i', 2), (10, 'j', 2), (11, 'k', 2), (12, NULL, 2)")
}

// read reads the table, and looks for the warning.
func (c *corruption) read(t *testing.T, db *sql.DB, log *lines) {
	t.Helper()
	var n, sum int
	var v string
	err := db.QueryRowContext(t.Context(), "SELECT count(id), sum(id), max(v) FROM "+c.name+" WHERE p < 3").Scan(&n, &sum, &v)
	check(t, err, c.code, c.says)
	var my *mysql.MySQLError
	if errors.As(err, &my) && !strings.Contains(my.Message, c.name) {
		t.Errorf("the message does not name the table: %s", my.Message)
	}
	if c.code != 0 {
		return
	}
	if n != 12 || sum != 78 || v != "k" {
		t.Errorf("%d rows, sum %d, max %s", n, sum, v)
	}
	warned := log.take()
	for _, s := range c.says {
		if !strings.Contains(warned, s) {
			t.Errorf("the log does not warn of %s: %s", s, warned)
		}
	}
}

// verify wants the finding, and for damage that is worked around no other.
func (c *corruption) verify(t *testing.T, dir string) {
	t.Helper()
	want, tolerated := strings.CutPrefix(c.finding, "warn ")
	findings := verified(t, dir)
	if !slices.ContainsFunc(findings, func(f verify.Finding) bool { return strings.Contains(f.String(), want) && f.Tolerated == tolerated }) {
		t.Errorf("check finds %v, want %q", findings, c.finding)
	}
	if tolerated && slices.ContainsFunc(findings, func(f verify.Finding) bool { return !f.Tolerated }) {
		t.Errorf("check finds more than %q: %v", want, findings)
	}
}

func verified(t *testing.T, dir string) (out []verify.Finding) {
	t.Helper()
	store, err := objstore.NewLocal(dir)
	must(t, err)
	_, err = verify.Table(t.Context(), store, func(f verify.Finding) { out = append(out, f) })
	must(t, err)
	return out
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}
