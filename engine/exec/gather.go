package exec

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/featuresql/featuresql/engine/vector"
)

// openGathered opens op and merges its streams into one.
func openGathered(ctx context.Context, q *Query, op Operator) (Stream, error) {
	streams, err := op.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(streams) == 1 {
		return streams[0], nil
	}
	return &gatherStream{inputs: streams}, nil
}

// gatherStream runs each input on a goroutine of its own. An input goes on only when its last batch has been
// consumed, so batches need no copy, and each worker is at most one batch ahead.
type gatherStream struct {
	inputs []Stream
	cancel context.CancelFunc
	items  chan gathered
	wg     sync.WaitGroup
	ack    chan struct{} // of the input whose batch was handed out last
	live   int
	err    error
}

type gathered struct {
	batch *vector.Batch
	err   error // io.EOF when the input ended
	ack   chan struct{}
}

func (g *gatherStream) start(ctx context.Context) {
	ctx, g.cancel = context.WithCancel(ctx)
	g.items = make(chan gathered, len(g.inputs))
	g.live = len(g.inputs)
	for _, in := range g.inputs {
		g.wg.Go(func() {
			g.pump(ctx, in)
		})
	}
}

func (g *gatherStream) pump(ctx context.Context, in Stream) {
	ack := make(chan struct{}, 1)
	err := protect(func() error {
		return drain(ctx, in, func(b *vector.Batch) error {
			select {
			case g.items <- gathered{batch: b, ack: ack}:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case <-ack:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	if err == nil {
		err = io.EOF
	}
	select {
	case g.items <- gathered{err: err}:
	case <-ctx.Done():
	}
}

func (g *gatherStream) Next(ctx context.Context) (*vector.Batch, error) {
	if g.items == nil {
		g.start(ctx)
	}
	if g.ack != nil {
		g.ack <- struct{}{}
		g.ack = nil
	}
	for g.err == nil && g.live > 0 {
		select {
		case it := <-g.items:
			switch {
			case it.err == nil:
				g.ack = it.ack
				return it.batch, nil
			case errors.Is(it.err, io.EOF):
				g.live--
			default:
				g.fail(it.err)
			}
		case <-ctx.Done():
			g.fail(context.Cause(ctx))
		}
	}
	if g.err != nil {
		return nil, g.err
	}
	return nil, io.EOF
}

func (g *gatherStream) fail(err error) {
	g.err = err
	_ = g.Close()
}

func (g *gatherStream) Close() error {
	if g.items == nil {
		g.items = make(chan gathered)
		return closeAll(g.inputs)
	}
	if g.cancel != nil {
		g.cancel()
		g.wg.Wait()
	}
	if g.err == nil && g.live > 0 {
		g.live = 0
	}
	return nil
}
