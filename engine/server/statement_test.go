package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	host "github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/server"
	"github.com/featuresql/featuresql/engine/server/wire"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func TestRowsOfTheHost(t *testing.T) {
	h := start(t, nil)
	c := h.conn("multiStatements=true")
	ctx := context.Background()
	rows, err := c.QueryContext(ctx, "SELECT 1, 'x', NULL, 1.50, CAST('2024-02-29' AS DATE)")
	if got := fmt.Sprint(texts(t, rows, err)); got != "[[1 x NULL 1.50 2024-02-29]]" {
		t.Error(got)
	}
	rows, err = c.QueryContext(ctx, "SELECT ? + 1, ?", 41, "päram")
	if got := fmt.Sprint(texts(t, rows, err)); got != "[[42 päram]]" {
		t.Error(got)
	}
	rows, err = c.QueryContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000) SELECT i, repeat('y', 300) FROM n")
	got := texts(t, rows, err)
	if len(got) != 1000 || got[999][0] != "1000" || got[999][1] != strings.Repeat("y", 300) || got[0][0] != "1" {
		t.Errorf("%d rows", len(got))
	}
	// Several statements, a semicolon in a string, an error in the second.
	rows, err = c.QueryContext(ctx, "SELECT ';'; SELECT 2 /* ; */; ")
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for {
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			sets = append(sets, s)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil || strings.Join(sets, " ") != "; 2" {
		t.Error(sets, err)
	}
}

func TestLongValuesOfTheHost(t *testing.T) {
	h := start(t, nil)
	c := h.conn("maxAllowedPacket=0")
	for _, n := range []int{250, 251, 300, 65535, 65536, 1 << 20, 1<<24 - 5, 1<<24 - 4, 1 << 24, 17 << 20} {
		long := strings.Repeat("z", n)
		var s string
		if err := c.QueryRowContext(context.Background(), "SELECT ?", long).Scan(&s); err != nil || s != long {
			t.Errorf("binary, %d bytes: got %d, %v", n, len(s), err)
		}
	}
}

// TestErrors runs statements that fail and checks code and SQLSTATE; the connection must stay usable.
func TestErrors(t *testing.T) {
	h := start(t, nil)
	c := h.conn("")
	ctx := context.Background()
	if _, err := c.ExecContext(ctx, "CREATE VIEW v AS SELECT 1 AS a"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		sql   string
		code  uint16
		state string
	}{
		{"SELEC 1", 1064, "42000"},
		{"SELECT 'a", 1064, "42000"},
		{"MERGE INTO t USING s", 1064, "42000"},
		{"SELECT " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500), 1064, "42000"},
		{"SELECT * FROM missing", 1146, "42S02"},
		{"SELECT b FROM v", 1054, "42S22"},
		{"SELECT a FROM v AS x JOIN v AS y", 1052, "23000"},
		{"SELECT nosuch(1)", 1305, "42000"},
		{"USE nosuch", 1049, "42000"},
		{"SELECT (SELECT 1 UNION SELECT 2)", 1242, "21000"},
		{"SELECT 1 UNION SELECT 1, 2", 1222, "21000"},
		{"INSERT INTO t VALUES (1), (2, 3)", 1136, "21S01"},
		{"DESCRIBE DETAIL fail", 1235, "42000"},
		{"SELECT @@nosuch", 1193, "HY000"},
		{"SELECT * FROM v AS OF NULL", 1525, "HY000"},
		{"SELECT * FROM v AS OF VERSION 'x'", 1525, "HY000"},
		{"INSERT INTO t PARTITION (p) VALUES (1)", 1235, "42000"},
	} {
		for _, how := range []string{"text", "prepared"} {
			var err error
			if how == "text" {
				var rows *sql.Rows
				if rows, err = c.QueryContext(ctx, tc.sql); err == nil {
					for rows.Next() {
					}
					err = rows.Err()
					rows.Close()
				}
			} else if st, perr := c.PrepareContext(ctx, tc.sql); perr != nil {
				err = perr
			} else {
				var rows *sql.Rows
				if rows, err = st.QueryContext(ctx); err == nil {
					for rows.Next() {
					}
					err = rows.Err()
					rows.Close()
				}
				st.Close()
			}
			if code, state := mysqlError(err); code != tc.code || state != tc.state {
				t.Errorf("%s, %.60s: %d %s, want %d %s (%v)", how, tc.sql, code, state, tc.code, tc.state, err)
			}
			var one int
			if err := c.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil || one != 1 {
				t.Fatalf("after %.60s the connection is broken: %v", tc.sql, err)
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failures) == 0 {
		t.Error("OnFailure was not called")
	}
}

// TestPreparedStatements prepares statements outside of the host's grammar, with parameters moved by the rewriting.
func TestPreparedStatements(t *testing.T) {
	h := start(t, nil)
	c := h.conn("")
	ctx := context.Background()
	for _, q := range []string{"CREATE VIEW s AS SELECT 1 AS id, 2 AS v", "CREATE VIEW t AS SELECT 1 AS id, 2 AS v"} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		sql  string
		args []any
	}{
		{"MERGE INTO t USING s ON t.id = s.id AND s.v = ? WHEN MATCHED AND s.v > ? THEN UPDATE SET v = ? WHEN NOT MATCHED THEN INSERT (id, v) VALUES (?, ':v1')", []any{1, 2, "three", 4.5}},
		{"INSERT INTO t VALUES (?, ?), (?, DEFAULT)", []any{1, nil, 3}},
		{"UPDATE t SET v = ? WHERE id = ? -- a comment?", []any{1, 2}},
		{"DELETE FROM t AS x WHERE x.id = ? /* ? */", []any{1}},
		{"INSERT INTO t VALUES ('?', \"it's ?\", ?)", []any{1}},
	} {
		res, err := c.ExecContext(ctx, tc.sql, tc.args...)
		if err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		if n, _ := res.RowsAffected(); n != 1 {
			t.Errorf("%s: %d children", tc.sql, n)
		}
		st, err := c.PrepareContext(ctx, tc.sql)
		if err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		for range 2 {
			if _, err := st.ExecContext(ctx, tc.args...); err != nil {
				t.Errorf("%s, prepared: %v", tc.sql, err)
			}
		}
		if _, err := st.ExecContext(ctx, append(tc.args, 1)...); err == nil {
			t.Errorf("%s took a parameter too many", tc.sql)
		}
		st.Close()
	}
	if _, ok := h.bound[0].(*parser.Merge); !ok {
		t.Errorf("bound %T", h.bound[0])
	}
}

func bigint(name string) *host.Column {
	return &host.Column{Name: name, Type: hosttypes.Int64, Nullable: true}
}

// everyType makes DESCRIBE DETAIL `all` write two rows of every type.
func everyType(h *harness) {
	h.schemas["all"] = host.Schema{
		{Name: "b", Type: hosttypes.Boolean}, {Name: "i8", Type: hosttypes.Int8}, {Name: "i16", Type: hosttypes.Int16}, {Name: "i32", Type: hosttypes.Int32},
		bigint("i64"), {Name: "u64", Type: hosttypes.Uint64}, {Name: "f32", Type: hosttypes.Float32}, {Name: "f64", Type: hosttypes.Float64},
		{Name: "d", Type: hosttypes.MustCreateDecimalType(20, 4)}, {Name: "date", Type: hosttypes.Date},
		{Name: "ts", Type: hosttypes.MustCreateDatetimeType(sqltypes.Timestamp, 6)}, {Name: "dt", Type: hosttypes.MustCreateDatetimeType(sqltypes.Datetime, 6)},
		{Name: "time", Type: hosttypes.Time}, {Name: "s", Type: hosttypes.LongText}, {Name: "bin", Type: hosttypes.LongBlob}, {Name: "j", Type: hosttypes.JSON},
		{Name: "n", Type: hosttypes.LongText, Nullable: true}, {Name: "dict", Type: hosttypes.LongText}, {Name: "k", Type: bigint("").Type},
	}
	h.run["all"] = func(_ *host.Context, s *wire.Sink) error {
		us := time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC).UnixMicro()
		vals := []types.Value{types.BoolValue(true), types.IntValue(types.Of(types.Int8), -128), types.IntValue(types.Of(types.Int16), -32768),
			types.IntValue(types.Of(types.Int32), -1<<31), types.IntValue(types.Of(types.Int64), -1<<63), types.IntValue(types.Of(types.Uint64), -1),
			types.FloatValue(types.Of(types.Float32), float64(float32(0.1))), types.FloatValue(types.Of(types.Float64), 1e15),
			types.DecimalValue(types.DecimalOf(20, 4), types.Int128From(-12345)), types.IntValue(types.Of(types.Date), 19782),
			types.IntValue(types.Of(types.Timestamp), us), types.IntValue(types.Of(types.TimestampNTZ), us), types.IntValue(types.Of(types.Time), -100*3600*1e6-1500000),
			types.StringValue("dö\x00"), types.BytesValue(types.Of(types.Binary), "\xff\x00"), types.BytesValue(types.Of(types.JSON), `{"a":1}`),
			types.NullOf(types.Of(types.String))}
		b := &vector.Batch{Len: 3, Sel: []uint16{0, 2}}
		for _, v := range vals {
			col := vector.New(v.Type, 0)
			for range 3 {
				col.AppendValue(v)
			}
			b.Cols = append(b.Cols, col)
		}
		dict := vector.New(types.Of(types.String), 0)
		dict.AppendValue(types.StringValue("zero"))
		dict.AppendValue(types.StringValue("one"))
		b.Cols = append(b.Cols, &vector.Vector{Type: dict.Type, Phys: dict.Phys, Len: 3, Codes: []int32{1, 0, 0}, Dict: dict},
			vector.NewConst(types.IntValue(types.Of(types.Int64), 7), 3))
		return s.WriteBatch(b)
	}
}

// TestSinkTypes writes values of every type past the host, in both protocols.
func TestSinkTypes(t *testing.T) {
	h := start(t, nil)
	everyType(h)
	want := []string{"1", "-128", "-32768", "-2147483648", "-9223372036854775808", "18446744073709551615", "0.1", "1e15", "-1.2345", "2024-02-29",
		"2024-03-01 00:59:58.123456", "2024-02-29 23:59:58.123456", "-100:00:01.500000", "dö\x00", "\xff\x00", `{"a":1}`, "NULL", "one", "7"}
	c := h.conn("")
	for _, how := range []string{"text", "binary"} {
		var rows *sql.Rows
		var err error
		if how == "text" {
			rows, err = c.QueryContext(context.Background(), "DESCRIBE DETAIL `all`")
		} else {
			st, perr := c.PrepareContext(context.Background(), "DESCRIBE DETAIL `all`")
			if perr != nil {
				t.Fatal(perr)
			}
			defer st.Close()
			rows, err = st.Query()
		}
		var decimals []string
		if err == nil {
			cts, _ := rows.ColumnTypes()
			for _, ct := range cts {
				p, s, ok := ct.DecimalSize()
				decimals = append(decimals, fmt.Sprint(ct.DatabaseTypeName(), p, s, ok))
			}
		}
		got := texts(t, rows, err)
		if len(got) != 2 {
			t.Fatalf("%s: %d rows", how, len(got))
		}
		for i, w := range want {
			g := got[0][i]
			if i == 7 && g == "1e+15" { // the driver's own text of a double
				g = "1e15"
			}
			if g != w {
				t.Errorf("%s, column %d: %q, want %q", how, i, g, w)
			}
		}
		if got[1][17] != "zero" {
			t.Errorf("%s: dictionary gave %q", how, got[1][17])
		}
		if decimals[7] != "DOUBLE9223372036854775807 9223372036854775807 true" {
			t.Errorf("%s: a DOUBLE is described as %s", how, decimals[7])
		}
	}
}

// textBatch numbers n rows of one text.
func textBatch(from, n int, text string) *vector.Batch {
	ids, s := vector.New(types.Of(types.Int64), n), vector.New(types.Of(types.String), 0)
	for i := range n {
		ids.I64[i] = int64(from + i)
		s.AppendValue(types.StringValue(text))
	}
	return &vector.Batch{Len: n, Cols: []*vector.Vector{ids, s}}
}

// sizes are lengths of texts around every limit of the protocol.
var sizes = []int{0, 250, 251, 300, 65535, 65536, 1<<24 - 16, 1<<24 - 15, 1<<24 - 14, 1<<24 - 13, 1<<24 - 6, 1 << 24, 17 << 20, 33 << 20}

// streams makes DESCRIBE DETAIL of many, long, broken and panics write results.
func streams(h *harness) {
	schema := host.Schema{bigint("id"), {Name: "s", Type: hosttypes.LongText}}
	h.schemas["many"], h.schemas["long"], h.schemas["broken"], h.schemas["panics"] = schema, schema, schema, schema
	h.run["many"] = func(_ *host.Context, s *wire.Sink) error {
		for i := range 20 {
			if err := s.WriteBatch(textBatch(i*5000, 5000, "text")); err != nil {
				return err
			}
		}
		return nil
	}
	h.run["long"] = func(_ *host.Context, s *wire.Sink) error {
		for i, n := range sizes {
			if err := s.WriteBatch(textBatch(i, 1, strings.Repeat("x", n))); err != nil {
				return err
			}
		}
		return nil
	}
	h.run["broken"] = func(_ *host.Context, s *wire.Sink) error {
		if err := s.WriteBatch(textBatch(0, 3, "a")); err != nil {
			return err
		}
		return fmt.Errorf("table broken: %w", &parser.UnsupportedError{What: "the rest"})
	}
	h.run["panics"] = func(_ *host.Context, s *wire.Sink) error {
		_ = s.WriteBatch(textBatch(0, 3, "a"))
		panic("here")
	}
}

// TestSinkStream sends many batches, long values, and an error after the first rows.
func TestSinkStream(t *testing.T) {
	h := start(t, nil)
	streams(h)
	for _, prepared := range []bool{false, true} {
		c := h.conn("maxAllowedPacket=0")
		query := func(name string) (*sql.Rows, error) {
			if !prepared {
				return c.QueryContext(context.Background(), "DESCRIBE DETAIL "+name)
			}
			st, err := c.PrepareContext(context.Background(), "DESCRIBE DETAIL "+name)
			if err != nil {
				return nil, err
			}
			return st.Query()
		}
		for range 2 { // the second time shows that the sequence numbers are right after the first
			rows, err := query("many")
			got := texts(t, rows, err)
			if len(got) != 100000 || got[99999][0] != "99999" {
				t.Fatalf("prepared %t: %d rows", prepared, len(got))
			}
			for name, code := range map[string]uint16{"broken": 1235, "panics": 1105} {
				rows, err = query(name)
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for rows.Next() {
					n++
				}
				got, _ := mysqlError(rows.Err())
				if rows.Close(); got != code {
					t.Errorf("prepared %t, %s: %d rows, then %v", prepared, name, n, rows.Err())
				}
			}
		}
		rows, err := query("long")
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; rows.Next(); i++ {
			var id int
			var s string
			if err := rows.Scan(&id, &s); err != nil || id != i || len(s) != sizes[i] {
				t.Errorf("prepared %t, %d bytes: row %d of %d bytes, %v", prepared, sizes[i], id, len(s), err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	}
}

// TestInterrupts ends statements by KILL, by max_execution_time and by closing the connection.
func TestInterrupts(t *testing.T) {
	h := start(t, nil)
	h.schemas["wait"] = host.Schema{bigint("id")}
	ended := make(chan error, 10)
	h.run["wait"] = func(ctx *host.Context, _ *wire.Sink) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
	ctx := context.Background()
	c, other := h.conn(""), h.conn("")
	var id int
	if err := c.QueryRowContext(ctx, "SELECT connection_id()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _, _ = other.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", id)) })
	rows, err := c.QueryContext(ctx, "DESCRIBE DETAIL wait")
	if err == nil {
		rows.Next()
		err = rows.Err()
		rows.Close()
	}
	if code, state := mysqlError(err); code != 1317 || state != "70100" {
		t.Errorf("killed: %v", err)
	}
	<-ended
	var slept int
	if _, err := c.ExecContext(ctx, "SET max_execution_time = 50"); err != nil {
		t.Fatal(err)
	}
	err = c.QueryRowContext(ctx, "SELECT sleep(20)").Scan(&slept)
	if code, _ := mysqlError(err); code != 3024 {
		t.Errorf("after max_execution_time: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, _ = other.QueryContext(short, "DESCRIBE DETAIL wait") // the driver closes the connection
	select {
	case err := <-ended:
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended by %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the statement of a client that has gone still runs")
	}
}

func TestShutdown(t *testing.T) {
	h := start(t, func(c *server.Config) { c.DisableTLS = true })
	h.schemas["slow"] = host.Schema{bigint("id")}
	began := make(chan struct{})
	h.run["slow"] = func(*host.Context, *wire.Sink) error {
		close(began)
		time.Sleep(100 * time.Millisecond)
		return nil
	}
	c := h.conn("")
	done := make(chan error, 1)
	go func() {
		rows, err := c.QueryContext(context.Background(), "DESCRIBE DETAIL slow")
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			rows.Close()
		}
		done <- err
	}()
	<-began
	if err := h.s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the running statement was cut off: %v", err)
	}
	if h.s.Connections() != 0 {
		time.Sleep(50 * time.Millisecond)
		if n := h.s.Connections(); n != 0 {
			t.Errorf("%d connections left", n)
		}
	}
}
