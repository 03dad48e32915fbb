package planner

import (
	"context"
	"strings"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
)

// logAnswer is a row that the log of a table answered.
type logAnswer struct {
	*exec.ValuesOp
	label string
}

// Describe implements exec.Operator.
func (l logAnswer) Describe() string { return "From the log of " + l.label }

// tableScan is a scan that EXPLAIN shows with its table's name and version.
type tableScan struct {
	*exec.ScanOp
	label string
}

// Describe implements exec.Operator.
func (t *tableScan) Describe() string {
	return "Scan " + t.label + strings.TrimPrefix(t.ScanOp.Describe(), "Scan")
}

// maxRows fails with err when its input has more than n rows.
type maxRows struct {
	exec.Operator
	n   int
	err error
}

func newMaxRows(in exec.Operator, n int, err error) exec.Operator {
	return &maxRows{Operator: exec.NewLimit(in, int64(n)+1, 0), n: n, err: err}
}

// Describe implements exec.Operator.
func (m *maxRows) Describe() string { return "At most one row" }

// Children implements exec.Operator.
func (m *maxRows) Children() []exec.Operator { return m.Operator.Children() }

// Open implements exec.Operator: a count of rows needs one stream.
func (m *maxRows) Open(ctx context.Context, q *exec.Query) ([]exec.Stream, error) {
	one := *q
	one.Workers = 1
	streams, err := m.Operator.Open(ctx, &one)
	if err != nil {
		return nil, err
	}
	streams[0] = &maxRowsStream{Stream: streams[0], op: m}
	return streams, nil
}

type maxRowsStream struct {
	exec.Stream
	op   *maxRows
	seen int
}

// Next implements exec.Stream.
func (s *maxRowsStream) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := s.Stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	if s.seen += b.Rows(); s.seen > s.op.n {
		return nil, s.op.err
	}
	return b, nil
}

// countRows runs op and counts what it puts out.
func countRows(ctx context.Context, q *exec.Query, op exec.Operator) (int64, error) {
	var n int64
	err := exec.Run(ctx, q, op, func(b *vector.Batch) error {
		n += int64(b.Rows())
		return nil
	})
	return n, err
}
