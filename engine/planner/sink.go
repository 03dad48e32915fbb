package planner

import (
	"context"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/vector"
)

// resultSink takes the rows of a statement's result straight to the client, past the host.
type resultSink interface {
	// Begin announces the columns; instants are shown in loc. It comes first, once.
	Begin(schema sql.Schema, loc *time.Location) error
	// WriteBatch sends the live rows of b.
	WriteBatch(b *vector.Batch) error
}

type sinkKey struct{}

// WithSink returns a context in which a query's result goes to s.
func WithSink(ctx context.Context, s interface {
	Begin(schema sql.Schema, loc *time.Location) error
	WriteBatch(b *vector.Batch) error
}) context.Context {
	return context.WithValue(ctx, sinkKey{}, resultSink(s))
}

func sinkFrom(ctx *sql.Context) resultSink {
	s, _ := ctx.Value(sinkKey{}).(resultSink)
	return s
}
