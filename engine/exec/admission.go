package exec

import (
	"context"
	"fmt"
	"time"
)

// BusyError says that a query did not begin, because others held the server's memory all the time that it waited.
type BusyError struct {
	Waited     time.Duration
	UsedBytes  int64
	LimitBytes int64
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("other queries hold %d of the %d bytes of the server's memory limit; waited %s for them: run the statement again later, or raise --memory-limit",
		e.UsedBytes, e.LimitBytes, e.Waited.Round(time.Millisecond))
}

// admissionStep is how often a waiting query looks again.
const admissionStep = 10 * time.Millisecond

// admit waits until a quarter of the limit of the budget's parent, the server's, is free: less is what those that run
// spill for, and one more would not help. It waits as long as most, and then returns a *BusyError.
func (b *Budget) admit(ctx context.Context, most time.Duration) error {
	if b == nil || b.parent == nil || b.parent.limit == 0 || most <= 0 {
		return nil
	}
	server := b.parent
	from := time.Now()
	for {
		used := server.used.Load()
		if used <= server.limit/4*3 {
			return nil
		}
		waited := time.Since(from)
		if waited >= most {
			return &BusyError{Waited: waited, UsedBytes: used, LimitBytes: server.limit}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(admissionStep, most-waited)):
		}
	}
}
