package hostsuites

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
)

// rule is a refusal of featuresql's that is documented: an error whose text matches.
type rule struct {
	reason string
	match  *regexp.Regexp
}

// substitution says how a statement is written without what Delta tables have not.
type substitution struct {
	reason  string
	match   *regexp.Regexp
	instead string
}

// difference is a statement whose rows or error differ from the suite's, with the reason why that is right.
type difference struct {
	suite, query string
	reason       string
}

// known holds what may differ, and counts what did.
type known struct {
	mu        sync.Mutex
	rules     []rule
	listed    map[string]string // suite, tab, query → reason
	met       map[string]bool   // entries that differed
	counts    map[string]int    // by reason
	suites    map[string]int
	total     int
	passed    int
	unreached int
}

func newKnown() *known {
	k := &known{rules: rules, listed: map[string]string{}, met: map[string]bool{}, counts: map[string]int{}, suites: map[string]int{}}
	for _, d := range differences {
		k.listed[key(d.suite, d.query)] = d.reason
	}
	return k
}

func key(suite, query string) string { return suite + "\t" + strings.Join(strings.Fields(query), " ") }

// refusal is the reason of the rule that an error falls under, empty if none.
func (k *known) refusal(query string, err error) string {
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("%d: %s\n%s", code(err), err, query)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.rules {
		if r.match.MatchString(text) {
			k.met[r.reason] = true
			return r.reason
		}
	}
	return ""
}

// adapt takes out of a statement of the suites' set-up what Delta tables have not; nothing may be left.
func (k *known) adapt(stmt string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range absent {
		if s.match.MatchString(stmt) {
			k.met[s.reason] = true
			stmt = s.match.ReplaceAllString(stmt, s.instead)
		}
	}
	return stmt
}

func (k *known) leaveOut(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unreached += n
}

// settle counts an outcome, and fails the test for one that nothing explains.
func (k *known) settle(t *testing.T, suite, name, query string, o outcome) {
	t.Helper()
	id := key(suite, query)
	reason := k.refusal(query, o.err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.total++
	if o.detail == "" {
		k.passed++
		return
	}
	if r, ok := k.listed[id]; ok {
		k.met[id], reason = true, r
	}
	if reason != "" {
		k.counts[reason]++
		return
	}
	t.Errorf("%s\n%s\n%s\n", name, query, o.detail)
}

// report fails for rules and differences that no query met, and logs the counts.
func (k *known) report(t *testing.T) {
	for _, r := range k.rules {
		if !k.met[r.reason] {
			t.Errorf("the rule «%s» is not met by any statement: take it out", r.reason)
		}
	}
	for _, s := range absent {
		if !k.met[s.reason] {
			t.Errorf("the substitution «%s» is not met by any set-up: take it out", s.reason)
		}
	}
	for id, reason := range k.listed {
		if !k.met[id] && reason != luck {
			t.Errorf("no longer differs, or is not in the suite (%s): take it out of differences\n%s", reason, id)
		}
	}
	reasons := make([]string, 0, len(k.counts))
	for r := range k.counts {
		reasons = append(reasons, r)
	}
	sort.Strings(reasons)
	slices.SortStableFunc(reasons, func(a, b string) int { return k.counts[b] - k.counts[a] })
	for _, r := range reasons {
		t.Logf("%6d %s", k.counts[r], r)
	}
	t.Logf("%d statements: %d as the suites want, %d differ as explained above; %d not reached", k.total, k.passed, k.total-k.passed, k.unreached)
}
