//go:build linux

package torture_test

import (
	"bufio"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var rounds = flag.Int("rounds", 3, "how many rounds of operations to check for linearizability")

const (
	linearClients = 3  // of each server
	linearOps     = 20 // of each client in a round
	linearKeys    = 3  // of a round
)

// verb is what an operation does with the row, or rows, of its key.
type verb int

const (
	get       verb = iota // SELECT v of a register
	set                   // UPDATE … SET v = new
	swap                  // UPDATE … SET v = new WHERE v = old, which succeeds or not
	increment             // UPDATE … SET v = v + 1
	list                  // SELECT v of a list
	push                  // INSERT of a row
	upsert                // MERGE that adds a row, or says that it is there
	empty                 // DELETE of all rows
)

// input is an operation on a key; registers and lists are different tables.
type input struct {
	verb     verb
	key      int
	old, new int64
}

// output is what the client saw: the values, in order, and how many rows it changed.
type output struct {
	values  string
	changed int64
}

func (in input) text() string {
	switch in.verb {
	case get:
		return fmt.Sprintf("SELECT v FROM register WHERE k = %d", in.key)
	case set:
		return fmt.Sprintf("UPDATE register SET v = %d WHERE k = %d", in.new, in.key)
	case swap:
		return fmt.Sprintf("UPDATE register SET v = %d WHERE k = %d AND v = %d", in.new, in.key, in.old)
	case increment:
		return fmt.Sprintf("UPDATE register SET v = v + 1 WHERE k = %d", in.key)
	case list:
		return fmt.Sprintf("SELECT v FROM list WHERE k = %d ORDER BY v", in.key)
	case push:
		return fmt.Sprintf("INSERT INTO list VALUES (%d, %d)", in.key, in.new)
	case upsert:
		return fmt.Sprintf("MERGE INTO list t USING (SELECT %d AS k, %d AS v) s ON t.k = s.k AND t.v = s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)", in.key, in.new)
	}
	return fmt.Sprintf("DELETE FROM list WHERE k = %d", in.key)
}

// linear is what the operations on one key do one after the other: the state is the register, or the list as text.
var linear = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		of := map[[2]int][]porcupine.Operation{}
		for _, op := range history {
			in := op.Input.(input)
			table := 0
			if in.verb >= list {
				table = 1
			}
			at := [2]int{table, in.key}
			of[at] = append(of[at], op)
		}
		var out [][]porcupine.Operation
		for _, ops := range of {
			out = append(out, ops)
		}
		return out
	},
	Init: func() any { return state{} },
	Step: func(st, i, o any) (bool, any) {
		s, in, out := st.(state), i.(input), o.(output)
		switch in.verb {
		case get:
			return out.values == fmt.Sprint(s.register), s
		case set:
			return true, state{register: in.new}
		case swap:
			if s.register != in.old {
				return out.changed == 0, s
			}
			return out.changed == 1, state{register: in.new}
		case increment:
			return true, state{register: s.register + 1}
		case list:
			return out.values == s.list, s
		case push:
			return true, s.with(in.new)
		case upsert:
			if slices.Contains(strings.Fields(s.list), fmt.Sprint(in.new)) {
				return out.changed == 0, s
			}
			return out.changed == 1, s.with(in.new)
		}
		return out.changed == int64(len(strings.Fields(s.list))), state{}
	},
	DescribeOperation: func(i, o any) string { return fmt.Sprintf("%s: %+v", i.(input).text(), o) },
}

type state struct {
	register int64
	list     string
}

func (s state) with(v int64) state {
	values := strings.Fields(s.list)
	at, _ := slices.BinarySearchFunc(values, v, func(a string, b int64) int {
		var n int64
		_, _ = fmt.Sscan(a, &n)
		return int(n - b)
	})
	return state{list: strings.Join(slices.Insert(values, at, fmt.Sprint(v)), " ")}
}

// client executes operations; false says that one was refused and did nothing.
type client interface {
	do(ctx context.Context, in input) (out output, done bool, err error)
	next(rng *rand.Rand, round int, fresh int64) input
}

// sqlClient is a connection to a server.
type sqlClient struct{ *sql.Conn }

func (c sqlClient) next(rng *rand.Rand, round int, fresh int64) input {
	in := input{verb: verb(rng.IntN(int(empty) + 1)), key: round*linearKeys + rng.IntN(linearKeys), old: rng.Int64N(3), new: fresh}
	switch in.verb {
	case swap:
		in.new = rng.Int64N(3) // so that another one can succeed
		if in.new == in.old {
			in.new += 10
		}
	case upsert:
		in.new = rng.Int64N(5)
	case empty:
		if rng.IntN(2) == 0 {
			in.verb = list
		}
	}
	return in
}

func (c sqlClient) do(ctx context.Context, in input) (out output, done bool, err error) {
	if in.verb != get && in.verb != list {
		res, err := c.ExecContext(ctx, in.text())
		if err != nil {
			return out, false, ignoreConflict(err)
		}
		out.changed, err = res.RowsAffected()
		return out, true, err
	}
	rows, err := c.QueryContext(ctx, in.text())
	if err != nil {
		return out, false, err
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return out, false, err
		}
		values = append(values, v)
	}
	return output{values: strings.Join(values, " ")}, true, rows.Err()
}

func ignoreConflict(err error) error {
	if number(err) == 1213 {
		return nil
	}
	return err
}

// deltaRSClient is a process of delta-rs that appends to and reads the table list.
type deltaRSClient struct {
	in  io.Writer
	out *bufio.Reader
}

const deltaRSLoop = `
import sys, deltalake, pyarrow as pa
path = sys.argv[1]
for line in sys.stdin:
    verb, k, v = line.split()
    if verb == "push":
        try:
            deltalake.write_deltalake(path, pa.table({"k": pa.array([int(k)], pa.int32()), "v": pa.array([int(v)], pa.int64())}), mode="append")
            print("done", flush=True)
        except deltalake.exceptions.CommitFailedError:
            print("conflict", flush=True)
    else:
        q = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path))
        rows = pa.table(q.execute("SELECT v FROM t WHERE k = " + k + " ORDER BY v").read_all()).column("v").to_pylist()
        print("done", *rows, flush=True)
`

func startDeltaRS(t *testing.T, path string) *deltaRSClient {
	t.Helper()
	cmd := exec.Command(*python, "-c", deltaRSLoop, path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("delta-rs: %v\n%s", err, errs.String())
		}
	})
	return &deltaRSClient{in, bufio.NewReader(out)}
}

func (c *deltaRSClient) next(rng *rand.Rand, round int, fresh int64) input {
	return input{verb: []verb{push, push, list}[rng.IntN(3)], key: round*linearKeys + rng.IntN(linearKeys), new: fresh}
}

func (c *deltaRSClient) do(_ context.Context, in input) (out output, done bool, err error) {
	name := "push"
	if in.verb == list {
		name = "list"
	}
	if _, err := fmt.Fprintln(c.in, name, in.key, in.new); err != nil {
		return out, false, err
	}
	line, err := c.out.ReadString('\n')
	if line == "conflict\n" {
		return out, false, nil
	}
	values, ok := strings.CutPrefix(strings.TrimSpace(line), "done")
	if err == nil && !ok {
		err = fmt.Errorf("delta-rs says %q", line)
	}
	return output{values: strings.TrimSpace(values)}, err == nil, err
}

// TestLinearizable runs registers, counters and lists, one a key, through two servers, and lists through delta-rs besides, on Serializable
// tables: the answers must be those of some order of the operations that agrees with the time at which they ran.
func TestLinearizable(t *testing.T) {
	seed := *first
	dir := t.TempDir()
	servers := []*process{start(t, dir, nil), start(t, dir, nil)}
	db := servers[0].open(t)
	const properties = " TBLPROPERTIES ('delta.isolationLevel' = 'Serializable', 'delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '20')"
	mustExec(t, db, "CREATE TABLE register (k INT, v BIGINT)"+properties, "CREATE TABLE list (k INT, v BIGINT)"+properties)
	var clients []client
	for i := range 2 * linearClients {
		c, done, err := servers[i%2].connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		clients = append(clients, sqlClient{c})
	}
	if *python != "" {
		clients = append(clients, startDeltaRS(t, filepath.Join(dir, "list")))
	}
	for round := range *rounds {
		for k := range linearKeys {
			mustExec(t, db, fmt.Sprintf("INSERT INTO register VALUES (%d, 0)", round*linearKeys+k))
		}
		history := play(t, clients, seed, round)
		result, info := porcupine.CheckOperationsVerbose(linear, history, 2*time.Minute)
		if result != porcupine.Ok {
			path := filepath.Join(t.ArtifactDir(), "history.html")
			t.Fatalf("seed %d, round %d: the check of %d operations says %s: %s (%v)", seed, round, len(history), result, path, porcupine.VisualizePath(linear, info, path))
		}
		t.Logf("round %d: %d operations are linearizable", round, len(history))
	}
}

// play lets the clients do a round of operations at once, and returns those that were carried out.
func play(t *testing.T, clients []client, seed uint64, round int) (history []porcupine.Operation) {
	t.Helper()
	began := time.Now()
	var mu sync.Mutex
	var running sync.WaitGroup
	for id, c := range clients {
		running.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(round)<<8|uint64(id)))
			for i := range linearOps {
				in := c.next(rng, round, int64(100+id*1000+i))
				op := porcupine.Operation{ClientId: id, Input: in, Call: time.Since(began).Nanoseconds()}
				out, done, err := c.do(t.Context(), in)
				op.Output, op.Return = out, time.Since(began).Nanoseconds()
				if err != nil {
					t.Errorf("seed %d, round %d, client %d: %s: %v", seed, round, id, in.text(), err)
					return
				}
				if !done {
					continue
				}
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return history
}

// TestLinearModel: the checker refuses a stale read, a lost increment and a row that comes back.
func TestLinearModel(t *testing.T) {
	op := func(client int, call, back int64, in input, out output) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: back}
	}
	for name, history := range map[string][]porcupine.Operation{
		"stale read":     {op(0, 0, 1, input{verb: set, new: 7}, output{}), op(1, 2, 3, input{verb: get}, output{values: "0"})},
		"lost increment": {op(0, 0, 5, input{verb: increment}, output{}), op(1, 0, 5, input{verb: increment}, output{}), op(1, 6, 7, input{verb: get}, output{values: "1"})},
		"doubled row":    {op(0, 0, 1, input{verb: push, new: 3}, output{}), op(1, 2, 3, input{verb: list}, output{values: "3 3"})},
		"row comes back": {op(0, 0, 1, input{verb: push, new: 3}, output{}), op(1, 2, 3, input{verb: empty}, output{changed: 1}), op(1, 4, math.MaxInt64, input{verb: list}, output{values: "3"})},
	} {
		if porcupine.CheckOperations(linear, history) {
			t.Errorf("%s: the checker finds nothing", name)
		}
	}
}
