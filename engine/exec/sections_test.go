package exec_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// counting has the numbers below end, in sections of 0 to 6, and then fails with err, or panics if that is nil.
type counting struct {
	n, sections, end int64
	err              error
	closed           int
}

func (c *counting) Next(_ context.Context, used exec.Section) (exec.Section, error) {
	if c.n == c.end && errors.Is(c.err, io.EOF) {
		return nil, c.err
	}
	s, _ := used.(*countingSection)
	if s == nil {
		s = &countingSection{of: c}
	}
	n := c.sections % 7
	c.sections++
	s.at, s.end = c.n, min(c.n+n, c.end)
	c.n = s.end
	return s, nil
}

func (c *counting) Close() error { c.closed++; return nil }

type countingSection struct {
	of      *counting
	at, end int64
}

func (s *countingSection) Before() int64 { return s.at }

func (s *countingSection) Fill(ctx context.Context, cols []*vector.Vector, limit, _ int) (n int, err error) {
	if s.at%5 == 0 {
		time.Sleep(50 * time.Microsecond) // others pass it
	}
	for ; n < limit && s.at < s.end; n++ {
		cols[0].AppendValue(types.IntValue(types.Of(types.Int64), s.at))
		cols[1].AppendBytes(fmt.Append(nil, "row ", s.at))
		s.at++
	}
	if n == 0 && s.at == s.of.end && !errors.Is(s.of.err, io.EOF) {
		if s.of.err == nil {
			panic("as the test wants")
		}
		return 0, s.of.err
	}
	return n, ctx.Err()
}

// TestSections: rows of sections that are decoded side by side come in order, up to the error behind them, and nothing goes on after
// the end. Without order they are the same rows.
func TestSections(t *testing.T) {
	fields := []exec.Field{{Name: "n", Type: types.Of(types.Int64)}, {Name: "s", Type: types.Of(types.String)}}
	bad, enough := errors.New("bad row"), errors.New("enough")
	for _, ordered := range []bool{true, false} {
		for _, c := range []struct {
			end, stop int64
			err       error
		}{{0, 1000, io.EOF}, {1, 1000, io.EOF}, {3, 1000, io.EOF}, {500, 1000, io.EOF}, {100, 1000, bad}, {50, 1000, nil}, {1000, 10, io.EOF}} {
			src := &counting{end: c.end, err: c.err}
			var op exec.Operator = exec.NewSections("of a test", fields, false, func(context.Context) (exec.Sections, error) { return src, nil })
			op = exec.NewFilter(exec.NewProject(op, []expr.Expr{column(op, 1), column(op, 0)}, nil), &expr.Literal{Val: types.BoolValue(true)})
			if ordered {
				op = exec.NewInOrder(op)
			}
			rows, sum := int64(0), int64(0)
			err := exec.Run(t.Context(), &exec.Query{Workers: 3, BatchRows: 3}, op, func(b *vector.Batch) error {
				for i := range b.Len {
					n := b.Cols[1].Int(i)
					if b.Cols[0].Value(i).S != fmt.Sprint("row ", n) || b.First+int64(i) != n || ordered && n != rows {
						t.Fatalf("row %d is %d, %s, of a batch from %d", rows, n, b.Cols[0].Value(i).S, b.First)
					}
					sum += n
					if rows++; rows == c.stop {
						return enough
					}
				}
				return nil
			})
			var panicked *exec.PanicError
			switch {
			case errors.Is(err, enough):
			case err == nil && (!errors.Is(c.err, io.EOF) || sum != c.end*(c.end-1)/2),
				err != nil && (errors.Is(c.err, io.EOF) || rows > c.end || !errors.Is(err, bad) && !errors.As(err, &panicked)):
				t.Errorf("%+v, in order: %v: %d rows, sum %d, %v", c, ordered, rows, sum, err)
			}
			if src.closed != 1 {
				t.Errorf("%+v, in order: %v: closed %d times", c, ordered, src.closed)
			}
		}
	}
}
