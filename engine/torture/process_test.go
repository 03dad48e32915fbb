//go:build linux

package torture_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	kills  = flag.Int("kills", 12, "how many servers to kill")
	first  = flag.Uint64("first", 1, "the first seed")
	python = flag.String("python", "", "a Python with deltalake, to read every version with delta-rs as well")
)

// binary is the program under test.
var binary string

// TestMain builds the program, or takes that of FEATURESQL_BIN.
func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "featuresql-torture-")
	if err != nil {
		panic(err)
	}
	if binary = os.Getenv("FEATURESQL_BIN"); binary == "" {
		binary = filepath.Join(dir, "featuresql")
		if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/featuresql").CombinedOutput(); err != nil {
			panic(string(out))
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	addr string
	log  *tail
	dead chan struct{} // closed once it has ended
}

// tail keeps what a server wrote to standard error, and finds its address there.
type tail struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

// String returns what was written so far.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// begin starts a server on a warehouse without waiting until it is ready. wrap is a command line to run it through.
func begin(t *testing.T, warehouse string, wrap []string, flags ...string) (*process, chan string) {
	t.Helper()
	args := append(append([]string{}, wrap...), binary, "serve", "--warehouse", warehouse, "--listen", "127.0.0.1:0")
	args = append(args, flags...)
	p := &process{cmd: exec.Command(args[0], args[1:]...), log: &tail{}, dead: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			p.log.add(in.Text())
			if _, rest, ok := strings.Cut(in.Text(), "ready, listening on "); ok {
				addr, _, _ := strings.Cut(rest, ",")
				ready <- addr
			}
		}
		_ = p.cmd.Wait() // how it ended is not of interest
		close(p.dead)
	}()
	t.Cleanup(p.kill)
	return p, ready
}

// start starts a server and waits until it is ready.
func start(t *testing.T, warehouse string, wrap []string, flags ...string) *process {
	t.Helper()
	p, ready := begin(t, warehouse, wrap, flags...)
	select {
	case p.addr = <-ready:
	case <-p.dead:
		t.Fatalf("the server did not start:\n%s", p.log)
	case <-time.After(time.Minute):
		t.Fatalf("the server is not ready:\n%s", p.log)
	}
	return p
}

// kill ends the server at once, as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.dead
}

// alive says whether the server runs.
func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// open opens a client of a server; its pool is closed at the end of the test.
func (p *process) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/default", p.addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// connect opens one connection; its errors are those of a server that was killed meanwhile.
func (p *process) connect(ctx context.Context) (*sql.Conn, func(), error) {
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/default", p.addr))
	if err != nil {
		return nil, nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return c, func() { _, _ = c.Close(), db.Close() }, nil
}
