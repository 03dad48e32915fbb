package exec

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Budget counts the bytes that buffering operators hold. A nil Budget, or one of limit 0, never refuses.
// Safe for use by any number of goroutines.
type Budget struct {
	limit  int64
	parent *Budget
	used   atomic.Int64
	peak   atomic.Int64
	files  atomic.Int64 // bytes written to spill files
}

// NewBudget returns a budget of limitBytes (0: unlimited). What is reserved from it is reserved from parent
// too, if there is one: a server's budget is the parent of its queries'.
func NewBudget(limitBytes int64, parent *Budget) *Budget {
	return &Budget{limit: limitBytes, parent: parent}
}

// MemoryError says that an operator wanted to hold more than the query's budget allows.
type MemoryError struct {
	Operator    string
	WantedBytes int64 // bytes asked for on top of UsedBytes
	UsedBytes   int64
	LimitBytes  int64
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s needs %d bytes more than the memory limit of %d bytes allows (%d in use)",
		e.Operator, e.WantedBytes, e.LimitBytes, e.UsedBytes)
}

// isFull reports whether err says that a budget is used up.
func isFull(err error) bool {
	if err == nil {
		return false
	}
	var full *MemoryError
	return errors.As(err, &full)
}

// Reserve counts n more bytes for the named operator, or returns a *MemoryError and counts nothing.
func (b *Budget) Reserve(operator string, n int64) error {
	if b == nil || n == 0 {
		return nil
	}
	used := b.used.Add(n)
	if b.limit > 0 && used > b.limit && n > 0 {
		b.used.Add(-n)
		return &MemoryError{Operator: operator, WantedBytes: n, UsedBytes: used - n, LimitBytes: b.limit}
	}
	if err := b.parent.Reserve(operator, n); err != nil {
		b.used.Add(-n)
		return err
	}
	for {
		p := b.peak.Load()
		if used <= p || b.peak.CompareAndSwap(p, used) {
			return nil
		}
	}
}

// Release gives back n bytes.
func (b *Budget) Release(n int64) {
	if b == nil || n == 0 {
		return
	}
	b.used.Add(-n)
	b.parent.Release(n)
}

// spilled counts n bytes that were written to a spill file.
func (b *Budget) spilled(n int64) {
	for ; b != nil; b = b.parent {
		b.files.Add(n)
	}
}

// SpilledBytes returns how many bytes operators have written to temporary files because the budget was used up.
func (b *Budget) SpilledBytes() int64 {
	if b == nil {
		return 0
	}
	return b.files.Load()
}

// tightest returns the least limit of b and the budgets that it is part of, 0 for none.
func (b *Budget) tightest() int64 {
	least := int64(0)
	for ; b != nil; b = b.parent {
		if b.limit > 0 && (least == 0 || b.limit < least) {
			least = b.limit
		}
	}
	return least
}

// room returns how much can be reserved yet; limited is false if there is no end to it.
func (b *Budget) room() (bytes int64, limited bool) {
	for ; b != nil; b = b.parent {
		if left := b.limit - b.used.Load(); b.limit > 0 && (!limited || left < bytes) {
			bytes, limited = left, true
		}
	}
	return bytes, limited
}

// UsedBytes returns what is reserved now.
func (b *Budget) UsedBytes() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// PeakBytes returns the most that was ever reserved at once.
func (b *Budget) PeakBytes() int64 {
	if b == nil {
		return 0
	}
	return b.peak.Load()
}

// LimitBytes returns the limit, 0 for none.
func (b *Budget) LimitBytes() int64 {
	if b == nil {
		return 0
	}
	return b.limit
}

// limited reports whether b, or a budget that it is part of, has a limit.
func (b *Budget) limited() bool { return b != nil && (b.limit > 0 || b.parent.limited()) }

// account is the share of a budget that one structure of one operator holds. Not safe for concurrent use.
type account struct {
	budget   *Budget
	operator string
	held     int64
}

func (q *Query) account(operator string) *account {
	return &account{budget: q.Memory, operator: operator}
}

// set makes the account hold n bytes; on error it holds what it held before.
func (a *account) set(n int64) error {
	if n == a.held {
		return nil
	}
	if n < a.held {
		a.budget.Release(a.held - n)
	} else if err := a.budget.Reserve(a.operator, n-a.held); err != nil {
		return err
	}
	a.held = n
	return nil
}

func (a *account) grow(n int64) error { return a.set(a.held + n) }

func (a *account) free() {
	if a != nil {
		a.budget.Release(a.held)
		a.held = 0
	}
}
