package planner

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/parser"
)

func column(name string, t sql.Type) *sql.Column {
	return &sql.Column{Name: name, Type: t, Nullable: true}
}

// historySchema has the columns of Spark's DESCRIBE HISTORY.
var historySchema = sql.Schema{
	column("version", hosttypes.Int64), column("timestamp", hostTimestamp), column("userId", hosttypes.LongText),
	column("userName", hosttypes.LongText), column("operation", hosttypes.LongText), column("operationParameters", hosttypes.LongText),
	column("readVersion", hosttypes.Int64), column("isolationLevel", hosttypes.LongText), column("isBlindAppend", hosttypes.Boolean),
	column("operationMetrics", hosttypes.LongText), column("userMetadata", hosttypes.LongText), column("engineInfo", hosttypes.LongText),
}

// detailSchema has the columns of Spark's DESCRIBE DETAIL.
var detailSchema = sql.Schema{
	column("format", hosttypes.LongText), column("id", hosttypes.LongText), column("name", hosttypes.LongText),
	column("description", hosttypes.LongText), column("location", hosttypes.LongText), column("createdAt", hostTimestamp),
	column("lastModified", hostTimestamp), column("partitionColumns", hosttypes.LongText), column("numFiles", hosttypes.Int64),
	column("sizeInBytes", hosttypes.Int64), column("properties", hosttypes.LongText), column("minReaderVersion", hosttypes.Int32),
	column("minWriterVersion", hosttypes.Int32), column("tableFeatures", hosttypes.LongText), column("version", hosttypes.Int64),
}

var explainSchema = sql.Schema{column("plan", hosttypes.LongText)}

func (s *statement) describeHistory(ctx *sql.Context, stmt *parser.DescribeHistory) ([]sql.Row, error) {
	tbl, err := s.rt.existing(ctx, stmt.Table)
	if err != nil {
		return nil, err
	}
	env, err := s.rt.env(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := tbl.Snapshot().Table().History(ctx, int(stmt.Limit))
	if err != nil {
		return nil, overDropped(ctx, tbl, err)
	}
	var rows []sql.Row
	for _, e := range entries {
		info := e.Info
		if info == nil {
			info = &action.CommitInfo{}
		}
		rows = append(rows, sql.NewRow(int64(e.Version), wallClock(e.Timestamp, env.Location), text(info.UserID), text(info.UserName),
			text(info.Operation), jsonText(info.OperationParameters), optional(info.ReadVersion), text(info.IsolationLevel),
			optional(info.IsBlindAppend), jsonText(info.OperationMetrics), text(info.UserMetadata), text(info.EngineInfo)))
	}
	return rows, nil
}

func (s *statement) describeDetail(ctx *sql.Context, stmt *parser.DescribeDetail) ([]sql.Row, error) {
	tbl, err := s.rt.existing(ctx, stmt.Table)
	if err != nil {
		return nil, err
	}
	env, err := s.rt.env(ctx)
	if err != nil {
		return nil, err
	}
	snap := tbl.Snapshot()
	meta, proto := snap.Metadata(), snap.Protocol()
	size, err := tbl.DataLength(ctx)
	if err != nil {
		return nil, err
	}
	var created any
	if meta.CreatedTime != nil {
		created = wallClock(time.UnixMilli(*meta.CreatedTime), env.Location)
	}
	return []sql.Row{sql.NewRow("delta", meta.ID, tbl.Database()+"."+tbl.Name(), optional(meta.Description), snap.Table().URL(), created,
		wallClock(snap.Timestamp(), env.Location), jsonText(meta.PartitionColumns), int64(snap.Files().Len()), int64(size),
		jsonText(meta.Configuration), int32(proto.MinReader), int32(proto.MinWriter), jsonText(features(proto.ReaderFeatures, proto.WriterFeatures)),
		int64(snap.Version()))}, nil
}

func features(lists ...[]string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, l := range lists {
		for _, f := range l {
			if !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	sort.Strings(out)
	return out
}

func wallClock(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func optional[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

// jsonText renders a list or map of strings; it cannot fail.
func jsonText(v any) any {
	b, err := json.Marshal(v)
	if err != nil || string(b) == "null" {
		return nil
	}
	return string(b)
}

// explainNode is EXPLAIN of a query or of another statement.
type explainNode struct {
	statement
	inner sql.Node
}

func (e *explainNode) WithChildren(kids ...sql.Node) (sql.Node, error) {
	out := *e
	out.kids = kids
	if e.inner != nil {
		inner, err := e.inner.WithChildren(kids...)
		if err != nil {
			return nil, err
		}
		out.inner = inner
	}
	return &out, nil
}

func (e *explainNode) IsReadOnly() bool { return true }

// RowIter implements sql.ExecSourceRel.
func (e *explainNode) RowIter(*sql.Context, sql.Row) (sql.RowIter, error) {
	return &lazyRows{run: e.lines}, nil
}

func (e *explainNode) lines(ctx *sql.Context) ([]sql.Row, error) {
	var b strings.Builder
	if e.inner != nil {
		b.WriteString(e.inner.(*statement).String() + "\n")
	}
	for _, k := range e.kids {
		out, err := e.rt.explainHost(ctx, k, e.stmt.(*parser.Explain).Analyze)
		if err != nil {
			return nil, err
		}
		b.WriteString(out)
	}
	var rows []sql.Row
	for line := range strings.SplitSeq(strings.TrimRight(b.String(), "\n"), "\n") {
		rows = append(rows, sql.NewRow(line))
	}
	return rows, nil
}

// explainHost renders the plan of a host query; with analyze it is executed and its counters are shown.
func (rt *Runtime) explainHost(ctx *sql.Context, n sql.Node, analyze bool) (string, error) {
	if v, ok := n.(*plan.Values); ok {
		return "Values rows: " + strconv.Itoa(len(v.ExpressionTuples)) + "\n", nil
	}
	c, err := rt.newConverter(ctx)
	if err != nil {
		return "", err
	}
	r, err := c.convert(n, nil)
	if err != nil {
		return "", err
	}
	op, err := (&lowering{ctx: ctx, c: c, rt: rt, dry: !analyze}).lower(optimize(r))
	if err != nil {
		return "", err
	}
	if !analyze {
		return rt.render(ctx, c, op, false, 0, nil)
	}
	q := rt.query(ctx, c.env)
	rows, err := countRows(ctx, q, op)
	if err != nil {
		return "", err
	}
	return rt.render(ctx, c, op, true, rows, q.Memory)
}
