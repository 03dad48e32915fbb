package exec_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
)

// A query begins once others have left a quarter of the server's memory, or not at all.
func TestQueriesWaitForMemory(t *testing.T) {
	server := exec.NewBudget(1000, nil)
	other := exec.NewBudget(0, server)
	if err := other.Reserve("sort", 751); err != nil {
		t.Fatal(err)
	}
	run := func(ctx context.Context, wait time.Duration) error {
		q := testQuery(1)
		q.Memory, q.Wait = exec.NewBudget(0, server), wait
		return exec.Run(ctx, q, countingTable(10, 10, tBig).op(), func(*vector.Batch) error { return nil })
	}
	var busy *exec.BusyError
	if err := run(t.Context(), 30*time.Millisecond); !errors.As(err, &busy) || busy.UsedBytes != 751 || busy.LimitBytes != 1000 || busy.Waited < 30*time.Millisecond {
		t.Errorf("no memory: %v", err)
	}
	if err := run(t.Context(), 0); err != nil {
		t.Errorf("a query that does not wait: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { other.Release(751) })
	if err := run(t.Context(), time.Minute); err != nil {
		t.Errorf("memory was given back: %v", err)
	}
}
