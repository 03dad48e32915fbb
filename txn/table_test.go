package txn_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/txn"
)

const schemaString = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},` +
	`{"name":"part","type":"string","nullable":true,"metadata":{}}]}`

var columns = map[string]*expr.Column{
	"id":   {Index: 0, Name: "id", Typ: types.Of(types.Int64), Null: true},
	"part": {Index: 1, Name: "part", Typ: types.Of(types.String), Null: true},
}

func metadata(properties ...string) *action.Metadata {
	m := &action.Metadata{
		ID: "6d2b0ddb-7f3b-4b1c-8f5a-2f0f4f3a1c00", Format: action.Format{Provider: "parquet"}, SchemaString: schemaString,
		PartitionColumns: []string{"part"}, Configuration: map[string]string{},
	}
	for i := 0; i+1 < len(properties); i += 2 {
		m.Configuration[properties[i]] = properties[i+1]
	}
	return m
}

// protocol has every writer feature that the tests use.
func protocol(features ...string) *action.Protocol {
	p := &action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{"deletionVectors"}}
	p.WriterFeatures = append([]string{"deletionVectors", "appendOnly", "domainMetadata"}, features...)
	return p
}

// file is an addition of a file of ten rows unless the statistics say otherwise; part "" is NULL.
func file(name, part string, lo, hi int64) action.Add {
	a := action.Add{
		Path: name, PartitionValues: map[string]*string{"part": &part}, Size: 100, ModificationTime: 1, DataChange: true,
		Stats: fmt.Sprintf(`{"numRecords":10,"minValues":{"id":%d},"maxValues":{"id":%d},"nullCount":{"id":0}}`, lo, hi),
	}
	if part == "" {
		a.PartitionValues["part"] = nil
	}
	return a
}

func inline(dv string) *action.DeletionVectorDescriptor {
	return &action.DeletionVectorDescriptor{StorageType: "i", PathOrInlineDV: dv, SizeInBytes: 1, Cardinality: 1}
}

func localStore(t *testing.T) objstore.Store {
	t.Helper()
	s, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// clock is a Clock that moves only when it sleeps.
type clock struct {
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// options are deterministic: ids count up, the clock stands still.
func options(name string) txn.Options {
	n := 0
	return txn.Options{
		Clock: &clock{now: epoch}, Rand: func() float64 { return 0.5 }, EngineInfo: "featuresql/test",
		NewID: func() string { n++; return name + strconv.Itoa(n) },
	}
}

func create(t *testing.T, s objstore.Store, m *action.Metadata, p *action.Protocol, adds ...action.Add) *delta.Table {
	t.Helper()
	c := txn.Creation{Metadata: m, Protocol: p}
	for i := range adds {
		c.Actions = append(c.Actions, action.Action{Add: &adds[i]})
	}
	if err := txn.CreateTable(context.Background(), s, c, options("create")); err != nil {
		t.Fatal(err)
	}
	return open(t, s)
}

func open(t *testing.T, s objstore.Store) *delta.Table {
	t.Helper()
	table, err := delta.Open(context.Background(), s, delta.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func snapshot(t *testing.T, table *delta.Table) *delta.Snapshot {
	t.Helper()
	s, err := table.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func begin(t *testing.T, table *delta.Table, opts txn.Options) *txn.Transaction {
	t.Helper()
	return txn.Begin(table, snapshot(t, table), opts)
}

// files lists a snapshot's files, with their deletion vectors.
func files(s *delta.Snapshot) string {
	var out []string
	for i := range s.Files().Len() {
		a := s.Files().Add(i)
		name := a.Path
		if a.DeletionVector != nil {
			name += "/" + a.DeletionVector.PathOrInlineDV
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// find returns a file of the transaction's view.
func find(t *testing.T, tx *txn.Transaction, name string) action.Add {
	t.Helper()
	s, err := tx.Effective()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Files().Len() {
		if s.Files().Path(i) == name {
			return s.Files().Add(i)
		}
	}
	t.Fatalf("no file %s in %s", name, files(s))
	return action.Add{}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// commitActions returns the actions of a commit.
func commitActions(t *testing.T, s objstore.Store, v delta.Version) []action.Action {
	t.Helper()
	key := fmt.Sprintf("_delta_log/%020d.json", v)
	data, err := s.Get(context.Background(), key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var out []action.Action
	must(t, action.ParseLines(key, string(data), func(_ int, a *action.Action) error {
		out = append(out, *a)
		return nil
	}))
	return out
}

func compare(t *testing.T, column, op, value string) expr.Expr {
	t.Helper()
	c := columns[column]
	val := types.StringValue(value)
	if c.Typ.Kind == types.Int64 {
		n, err := strconv.ParseInt(value, 10, 64)
		must(t, err)
		val = types.IntValue(c.Typ, n)
	}
	e, err := expr.New(op, c, &expr.Literal{Val: val})
	must(t, err)
	return e
}
