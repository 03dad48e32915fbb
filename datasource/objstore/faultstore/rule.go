package faultstore

import (
	"errors"
	"strings"
	"time"
)

// Op names a method of the store; sets are made with |.
type Op uint16

// The methods of objstore.Store.
const (
	Get Op = 1 << iota
	GetRange
	Put
	PutIfAbsent
	List
	Head
	Delete

	Reads  = Get | GetRange | List | Head
	Writes = Put | PutIfAbsent | Delete
	All    = Reads | Writes
)

var opNames = []string{"GET", "GETRANGE", "PUT", "PUTIFABSENT", "LIST", "HEAD", "DELETE"}

// String lists the methods in the set, with "|" between them.
func (o Op) String() string {
	var names []string
	for i, n := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "|")
}

// Kind says what goes wrong with a call.
type Kind uint8

const (
	// Slow only delays the call, by the rule's Latency.
	Slow Kind = iota
	// Fail does nothing and reports an error.
	Fail
	// LostAck carries the call out and reports an error all the same.
	LostAck
	// Partial carries the call out in part and reports an error: half of the data is stored or read, or half of the list is yielded. The
	// half that a Put or PutIfAbsent stores stays visible, as on a store without atomic writes.
	Partial
	// CrashBefore ends the store before the call: it and all later ones fail with ErrCrashed.
	CrashBefore
	// CrashAfter carries the call out and then ends the store; the caller sees ErrCrashed.
	CrashAfter
)

var kindNames = []string{"slow", "fail", "lost-ack", "partial", "crash-before", "crash-after"}

// String returns the kind's name.
func (k Kind) String() string { return kindNames[k] }

// Kinds lists every kind that makes a call fail.
var Kinds = []Kind{Fail, LostAck, Partial, CrashBefore, CrashAfter}

// The errors of injected faults.
var (
	ErrInjected = errors.New("injected fault")
	ErrCrashed  = errors.New("injected crash")
)

// Rule chooses calls and says what happens to them. The zero rule matches no call.
type Rule struct {
	Ops  Op                    // which methods
	Key  func(key string) bool // which keys (of List: prefixes); nil is all
	Nth  int                   // only the n-th call that Ops and Key match, from 1; 0 is every one
	Prob float64               // with this probability, in (0, 1); 0 is always
	Kind Kind
	Err  error // reported instead of ErrInjected; nothing for crashes
	// Latency passes before the call is carried out, whatever the kind.
	Latency time.Duration
}

// Suffix matches keys that end with s.
func Suffix(s string) func(string) bool {
	return func(key string) bool { return strings.HasSuffix(key, s) }
}
