//go:build linux

package torture_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// mounted is a server whose warehouse is a small file system of its own.
type mounted struct {
	*process
	dir string // as the server sees it
}

// namespaces are ways to a mount namespace: as root, and as a user who may be root in a namespace.
var namespaces = [][]string{{"unshare", "-m"}, {"unshare", "-Urm"}}

// startMounted starts a server on a file system of some bytes; nil where the machine does not let tests mount one. What happens to
// the store of TestShortages in engine/logictest is then all that is tested.
func startMounted(t *testing.T, size string, flags ...string) *mounted {
	t.Helper()
	for _, ns := range namespaces {
		if exec.Command(ns[0], append(ns[1:], "mount", "-t", "tmpfs", "tmpfs", "/mnt")...).Run() != nil {
			continue
		}
		m := &mounted{dir: t.TempDir()}
		wrap := append(append([]string{}, ns...), "sh", "-c", `mount -t tmpfs -o size=`+size+` tmpfs "$0" && exec "$@"`, m.dir)
		m.process = start(t, m.dir, wrap, append(flags, "--temp-dir", t.TempDir())...)
		return m
	}
	t.Log("this machine does not let tests mount a file system")
	return nil
}

// path is where the test sees a file of the server's.
func (m *mounted) path(elem ...string) string {
	return filepath.Join(append([]string{fmt.Sprintf("/proc/%d/root", m.cmd.Process.Pid), m.dir}, elem...)...)
}

// remount changes an option of the file system.
func (m *mounted) remount(t *testing.T, option string) {
	t.Helper()
	out, err := exec.Command("nsenter", "-t", fmt.Sprint(m.cmd.Process.Pid), "-U", "--preserve-credentials", "-m", "mount", "-o", "remount,"+option, m.dir).CombinedOutput()
	if err != nil {
		out, err = exec.Command("nsenter", "-t", fmt.Sprint(m.cmd.Process.Pid), "-m", "mount", "-o", "remount,"+option, m.dir).CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// number is the MySQL code of an error; 0 of none, -1 of one that is not the server's.
func number(err error) int {
	var my *mysql.MySQLError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &my):
		return int(my.Number)
	}
	return -1
}

// mustExec executes statements that must work.
func mustExec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%.200s: %v", q, err)
		}
	}
}

// one returns the one number of a query.
func one(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

var dataFile = regexp.MustCompile(`"path":"([^"]+)"`)

// checkFolder looks for files in the folder of a table that no commit names, and for commits without their files.
func checkFolder(t *testing.T, dir string) {
	t.Helper()
	if left := temporary(t, dir); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	commits, err := filepath.Glob(filepath.Join(dir, "_delta_log", "*.json"))
	if err != nil || len(commits) == 0 {
		t.Fatalf("commits of %s: %v, %v", dir, commits, err)
	}
	named := map[string]bool{}
	for _, c := range commits {
		text, err := os.ReadFile(c)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(text), "\n") {
			t.Errorf("%s ends within a line", c)
		}
		for _, m := range dataFile.FindAllSubmatch(text, -1) {
			named[string(m[1])] = true
			if _, err := os.Stat(filepath.Join(dir, string(m[1]))); err != nil {
				t.Errorf("%s names %v", c, err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !named[filepath.Base(f)] {
			t.Errorf("no commit names %s", f)
		}
	}
}
