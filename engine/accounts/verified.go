package accounts

import (
	"crypto/sha256"
	"sync"
)

// maxVerified bounds what is remembered of accounts that logged in.
const maxVerified = 10_000

// Verified remembers caching_sha2_passwords that were proved in full, so that the short form of later log-ins can be
// checked. What it remembers is bound to the hash that was proved: a changed password is asked for again. Safe for
// concurrent use.
type Verified struct {
	mu sync.Mutex
	m  map[[32]byte][]byte // by the account's hash
}

// NewVerified returns an empty memory.
func NewVerified() *Verified { return &Verified{m: map[[32]byte][]byte{}} }

// Remember notes that password is the account's.
func (v *Verified) Remember(a *Account, password string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.m) >= maxVerified {
		clear(v.m)
	}
	v.m[sha256.Sum256([]byte(a.Hash))] = fastHash(password)
}

// Matches reports whether an answer to a salt proves the account's password; false also where it is not remembered.
func (v *Verified) Matches(a *Account, answer, salt []byte) bool {
	v.mu.Lock()
	fast := v.m[sha256.Sum256([]byte(a.Hash))]
	v.mu.Unlock()
	return a.Hash != "" && fast != nil && matchesFast(answer, salt, fast)
}
