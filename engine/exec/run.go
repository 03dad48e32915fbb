package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/featuresql/featuresql/engine/vector"
)

// PanicError is a panic of a worker, turned into an error of its query.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("internal error: %v", e.Value) }

// PanicStack returns where it happened.
func (e *PanicError) PanicStack() []byte { return e.Stack }

// protect runs f and returns its panic, if any, as a *PanicError.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return f()
}

// parallel runs f(ctx, 0) … f(ctx, n-1) at once and waits for all. The first error cancels the context of the
// others and is returned.
func parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return protect(func() error { return f(ctx, 0) })
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := protect(func() error { return f(ctx, i) }); err != nil {
				cancel(err) // the first cause stays
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// drain passes every batch of s to f and closes s.
func drain(ctx context.Context, s Stream, f func(*vector.Batch) error) error {
	defer s.Close()
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

func closeAll(streams []Stream) error {
	var first error
	for _, s := range streams {
		if s == nil {
			continue
		}
		if err := s.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Run opens op and passes all its batches to sink, on one goroutine and in order where op sorts. A batch is
// valid until sink returns. It begins when the server has memory left, see Query.Wait. The first error, of an operator or of sink, stops everything and is returned;
// so does the end of ctx, within a batch.
func Run(ctx context.Context, q *Query, op Operator, sink func(*vector.Batch) error) error {
	if err := q.Memory.admit(ctx, q.Wait); err != nil {
		return err
	}
	q, end := q.Begin()
	defer end()
	return protect(func() error {
		s, err := openGathered(ctx, q, op)
		if err != nil {
			return err
		}
		return drain(ctx, s, sink)
	})
}
