package objstore_test

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine"
)

// disk is what a power cut would leave of a folder: files with what they held when they were last flushed, folders with the names that they
// had then. Whatever was not flushed is lost, which is the worst that a file system may do.
type disk struct {
	mu      sync.Mutex
	root    uint64
	files   map[uint64][]byte            // by inode
	folders map[uint64]map[string]uint64 // inodes by name
	held    []*os.File                   // open, so that no inode is used twice
}

func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{root: inode(info), files: map[uint64][]byte{}, folders: map[uint64]map[string]uint64{inode(info): {}}}
	t.Cleanup(func() {
		for _, f := range d.held {
			_ = f.Close()
		}
	})
	return d
}

func inode(info os.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

// flushed notes what a flush makes durable.
func (d *disk) flushed(f *os.File) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	again, err := os.Open(f.Name())
	if err != nil {
		return err
	}
	d.held = append(d.held, again)
	info, err := again.Stat()
	if err != nil {
		return err
	}
	if !info.IsDir() {
		d.files[inode(info)], err = io.ReadAll(again)
		return err
	}
	entries, err := os.ReadDir(f.Name())
	names := map[string]uint64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		names[e.Name()] = inode(info)
		if _, known := d.folders[inode(info)]; !known && e.IsDir() {
			d.folders[inode(info)] = map[string]uint64{}
		}
	}
	d.folders[inode(info)] = names
	return err
}

// clone is the disk at this moment.
func (d *disk) clone() *disk {
	return &disk{root: d.root, files: maps.Clone(d.files), folders: maps.Clone(d.folders)}
}

// mount writes what is durable to a folder.
func (d *disk) mount(t *testing.T, dir string, folder uint64) {
	t.Helper()
	for name, ino := range d.folders[folder] {
		path := filepath.Join(dir, name)
		if _, ok := d.folders[ino]; ok {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			d.mount(t, path, ino)
		} else if err := os.WriteFile(path, d.files[ino], 0o600); err != nil { // empty if it was never flushed
			t.Fatal(err)
		}
	}
}

// contents describes everything in a warehouse.
func contents(t *testing.T, dir string) (string, error) {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Options{Warehouse: dir, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := e.Session("default")
	var out strings.Builder
	show := func(query string) ([]string, error) {
		res, err := s.Query(t.Context(), query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		var rows []string
		for _, r := range res.Rows {
			rows = append(rows, fmt.Sprint(r))
		}
		slices.Sort(rows)
		fmt.Fprintf(&out, "%s: %v\n", query, rows)
		return rows, nil
	}
	if _, err := show("SELECT schema_name FROM information_schema.schemata"); err != nil {
		return "", err
	}
	res, err := s.Query(t.Context(), "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY 1, 2")
	if err != nil {
		return "", err
	}
	for _, r := range res.Rows {
		if _, err := show("SELECT * FROM `" + r[0].S + "`.`" + r[1].S + "`"); err != nil {
			return "", err
		}
	}
	_, err = s.Query(t.Context(), "SHOW GRANTS FOR somebody")
	fmt.Fprintf(&out, "the user somebody: %v\n", err)
	return out.String(), nil
}

// powerCuts are statements of every kind that changes a warehouse.
var powerCuts = []string{
	"CREATE TABLE t (id INT, s STRING) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '3')",
	"INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
	"INSERT INTO t SELECT id + 10, s FROM t",
	"UPDATE t SET s = concat(s, '!') WHERE id IN (1, 12)",
	"DELETE FROM t WHERE id = 2",
	"MERGE INTO t USING (SELECT 3 AS id UNION ALL SELECT 4) s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, s) VALUES (s.id, 'merged')",
	"CREATE DATABASE d",
	"CREATE TABLE d.parts (id INT, p STRING) PARTITIONED BY (p)",
	"INSERT INTO d.parts VALUES (1, 'a'), (2, 'b'), (3, 'c d')",
	"UPDATE d.parts SET p = 'e' WHERE id = 2",
	"CREATE TABLE d.copied AS SELECT * FROM t",
	"CREATE TABLE keyed (id INT PRIMARY KEY, n INT)",
	"INSERT INTO keyed VALUES (1, 1), (2, 2)",
	"INSERT INTO keyed VALUES (1, 5), (3, 3) ON DUPLICATE KEY UPDATE n = n + 1",
	"REPLACE INTO keyed VALUES (2, 20)",
	"ALTER TABLE t ADD COLUMN more INT",
	"INSERT INTO t VALUES (5, 'five', 5)",
	"CREATE VIEW v AS SELECT id FROM t",
	"CREATE USER somebody",
	"RENAME TABLE keyed TO renamed",
	"RENAME TABLE renamed TO d.renamed",
	"INSERT INTO d.renamed VALUES (9, 9)",
	"TRUNCATE TABLE d.copied",
	"DROP TABLE d.copied",
	"CREATE TABLE d.copied (x INT)",
	"INSERT INTO d.copied VALUES (7)",
	"DROP VIEW v",
	"DROP DATABASE d",
	"INSERT INTO t VALUES (6, 'six', 6)",
}

// inSteps are statements that a power cut may leave half-way, each table of which is whole: DROP DATABASE goes table by table; renaming
// to another folder flushes two, of which a file system makes one step, but not the model here.
var inSteps = map[string]bool{"DROP DATABASE d": true, "RENAME TABLE renamed TO d.renamed": true}

// TestPowerCut cuts the power after every flush of every statement: the statement is there as a whole or not at all, and after its
// acknowledgement it is.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	d := newDisk(t, dir)
	var cuts []*disk
	objstore.WatchFlushes(t, func(f *os.File) error {
		if !strings.HasPrefix(f.Name(), dir) {
			return nil
		}
		err := d.flushed(f)
		d.mu.Lock()
		defer d.mu.Unlock()
		cuts = append(cuts, d.clone())
		return err
	})
	e, err := engine.Open(t.Context(), engine.Options{Warehouse: dir, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := e.Session("default")
	before, err := contents(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	flushes := 0
	for _, q := range powerCuts {
		cuts = nil
		if _, err := s.Query(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		cut := append(slices.Clone(cuts), d.clone())
		flushes += len(cuts)
		after, err := contents(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if after == before && !strings.HasPrefix(q, "CREATE TABLE") {
			t.Errorf("%s: nothing changed in\n%s", q, after)
		}
		for i, c := range cut {
			image := t.TempDir()
			c.mount(t, image, c.root)
			switch got, err := contents(t, image); {
			case err != nil:
				t.Errorf("%s: the power is cut after flush %d of %d: %v", q, i+1, len(cut)-1, err)
			case i == len(cut)-1 && got != after:
				t.Errorf("%s: the power is cut after the acknowledgement: %s\nwant %s", q, got, after)
			case got != before && got != after && !inSteps[q]:
				t.Errorf("%s: the power is cut after flush %d of %d: %s\nbefore: %s\nafter: %s", q, i+1, len(cut)-1, got, before, after)
			}
		}
		before = after
	}
	if flushes < 3*len(powerCuts) {
		t.Errorf("%d flushes", flushes)
	}
}
