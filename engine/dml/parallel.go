package dml

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
)

// worker consumes the batches of one stream.
type worker func(ctx context.Context, b *vector.Batch) error

// each opens op and runs one worker per stream; the first error stops all of them. What start makes outlives
// the context that its worker is given.
func each(ctx context.Context, q *exec.Query, op exec.Operator, start func() (worker, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q, end := q.Begin()
	defer end()
	streams, err := op.Open(ctx, q)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(streams))
	workers := make([]worker, len(streams))
	for i := range streams {
		if workers[i], err = start(); err != nil {
			closeAll(streams)
			return err
		}
	}
	for i, s := range streams {
		wg.Go(func() {
			if errs[i] = drain(ctx, s, workers[i]); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	closeAll(streams)
	return firstCause(errs)
}

func closeAll(streams []exec.Stream) {
	for _, s := range streams {
		_ = s.Close() // reading is over; nothing can be lost
	}
}

// firstCause prefers the error that made the others stop.
func firstCause(errs []error) error {
	var stopped error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			stopped = err
		}
	}
	return stopped
}

func drain(ctx context.Context, s exec.Stream, w worker) error {
	return guard(func() error {
		for {
			b, err := s.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := w(ctx, b); err != nil {
				return err
			}
		}
	})
}

// guard makes a panic of f an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &exec.PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return f()
}

// errStopped ends reading for workers that have failed; what they say counts.
var errStopped = errors.New("writing has failed")
