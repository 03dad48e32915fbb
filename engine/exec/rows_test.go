package exec_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// counting yields the numbers below end, and then fails with err, or panics if that is nil.
type counting struct {
	n, end int64
	err    error
	closed *int
}

func (c *counting) Next(ctx context.Context) ([]types.Value, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.n == c.end {
		if c.err == nil {
			panic("as the test wants")
		}
		return nil, c.err
	}
	c.n++
	return []types.Value{types.IntValue(types.Of(types.Int64), c.n-1), types.StringValue(fmt.Sprint("row ", c.n-1))}, nil
}

func (c *counting) Close() error { *c.closed++; return nil }

// TestRowsAhead: rows that are made ahead come in order, up to the error behind them, and nothing goes on after the end.
func TestRowsAhead(t *testing.T) {
	fields := []exec.Field{{Name: "n", Type: types.Of(types.Int64)}, {Name: "s", Type: types.Of(types.String)}}
	bad, enough := errors.New("bad row"), errors.New("enough")
	for _, c := range []struct {
		end, stop, want int64
		err             error
	}{{0, 100, 0, io.EOF}, {1, 100, 1, io.EOF}, {3, 100, 3, io.EOF}, {100, 1000, 100, io.EOF}, {100, 1000, 99, bad}, {50, 1000, 48, nil}, {1000, 10, 10, io.EOF}} {
		closed, seen := 0, int64(0)
		op := exec.NewRowsAhead("of a test", fields, func(context.Context) (exec.RowIter, error) {
			return &counting{end: c.end, err: c.err, closed: &closed}, nil
		})
		err := exec.Run(t.Context(), &exec.Query{Workers: 2, BatchRows: 3}, op, func(b *vector.Batch) error {
			for i := range b.Len {
				if b.Cols[0].Int(i) != seen || b.Cols[1].Value(i).S != fmt.Sprint("row ", seen) {
					t.Fatalf("row %d is %d, %s", seen, b.Cols[0].Int(i), b.Cols[1].Value(i).S)
				}
				if seen++; seen == c.stop {
					return enough
				}
			}
			return nil
		})
		var panicked *exec.PanicError
		ok := err == nil && c.err == io.EOF || errors.Is(err, bad) && c.err == bad || errors.Is(err, enough) && seen == c.stop || errors.As(err, &panicked) && c.err == nil //nolint:errorlint // what the case says
		if !ok || seen != c.want || closed != 1 {
			t.Errorf("%+v: %d rows, closed %d times, %v", c, seen, closed, err)
		}
	}
}
