package exec_test

import (
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// modelJoin joins by trying all pairs.
func modelJoin(kind exec.JoinKind, probe, build *table, match func(p, b []types.Value) bool) [][]types.Value {
	var out [][]types.Value
	nulls := func(t *table) []types.Value {
		row := make([]types.Value, len(t.fields))
		for i, f := range t.fields {
			row[i] = types.NullOf(f.Type)
		}
		return row
	}
	join := func(a, b []types.Value) []types.Value { return append(append([]types.Value(nil), a...), b...) }
	hits := make([]bool, len(build.rows))
	for _, p := range probe.rows {
		any := false
		for i, b := range build.rows {
			if !match(p, b) {
				continue
			}
			any, hits[i] = true, true
			if kind <= exec.JoinFull {
				out = append(out, join(p, b))
			}
		}
		switch {
		case kind >= exec.JoinBuildSemi:
		case kind == exec.JoinSemi && any, kind >= exec.JoinAnti && !any:
			out = append(out, p)
		case !any && (kind == exec.JoinLeft || kind == exec.JoinFull):
			out = append(out, join(p, nulls(build)))
		}
	}
	if kind == exec.JoinRight || kind == exec.JoinFull {
		for i, b := range build.rows {
			if !hits[i] {
				out = append(out, join(nulls(probe), b))
			}
		}
	}
	if kind >= exec.JoinBuildSemi {
		for i, b := range build.rows {
			if hits[i] == (kind == exec.JoinBuildSemi) {
				out = append(out, b)
			}
		}
	}
	return out
}

var joinKinds = []exec.JoinKind{exec.JoinInner, exec.JoinLeft, exec.JoinRight, exec.JoinFull, exec.JoinSemi, exec.JoinAnti}

// hashKinds are those of hash joins.
var hashKinds = append(slices.Clone(joinKinds), exec.JoinBuildSemi, exec.JoinBuildAnti)

func TestHashJoinAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		keyTypes := rapid.SliceOfN(rapid.SampledFrom(allType), 1, 3).Draw(r, "key types")
		ts := append(append([]types.Type(nil), keyTypes...), tInt, rapid.SampledFrom(allType).Draw(r, "payload"))
		probe, build := drawTable(r, "p", 30, ts...), drawTable(r, "b", 20, ts...)
		if rapid.Bool().Draw(r, "unique") {
			build = unique(build, len(keyTypes))
		}
		var pk, bk []expr.Expr
		for i := range keyTypes {
			pk, bk = append(pk, probe.col(i)), append(bk, build.col(i))
		}
		nk := len(keyTypes)
		match := func(p, b []types.Value) bool { return equalKeys(p[:nk], b[:nk]) }
		var residual expr.Expr
		if rapid.Bool().Draw(r, "residual") {
			residual = call(t, "<", probe.col(nk), build.after(len(ts), nk))
			keys := match
			match = func(p, b []types.Value) bool {
				return keys(p, b) && p[nk].Valid && b[nk].Valid && p[nk].I < b[nk].I
			}
		}
		kind := rapid.SampledFrom(hashKinds).Draw(r, "kind")
		op, err := exec.NewHashJoin(probe.op(), build.op(), kind, pk, bk, residual)
		if err != nil {
			r.Fatalf("%v", err)
		}
		same(r, op.Describe(), collect(r, drawLeanQuery(r, dir), op), modelJoin(kind, probe, build, match))
	})
}

// unique keeps the rows of one batch a row whose keys are new.
func unique(t *table, nKeys int) *table {
	seen := map[string]bool{}
	out := &table{fields: t.fields}
	for _, row := range t.rows {
		if k := rowText(row[:nKeys]); !seen[k] {
			seen[k] = true
			out.rows = append(out.rows, row)
		}
	}
	ts := make([]types.Type, len(t.fields))
	for i, f := range t.fields {
		ts[i] = f.Type
	}
	out.batches = fixedTable(ts, out.rows...).batches
	return out
}

func TestNotInAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		typ := rapid.SampledFrom(allType).Draw(r, "type")
		probe, build := drawTable(r, "p", 20, typ), drawTable(r, "b", 4, typ)
		match := func(p, b []types.Value) bool { return !p[0].Valid || !b[0].Valid || types.Compare(p[0], b[0]) == 0 }
		want := modelJoin(exec.JoinAntiNullAware, probe, build, match)
		op, err := exec.NewHashJoin(probe.op(), build.op(), exec.JoinAntiNullAware, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, nil)
		if err != nil {
			r.Fatalf("%v", err)
		}
		same(r, op.Describe(), collect(r, drawLeanQuery(r, dir), op), want)
		loop, err := exec.NewNestedLoop(probe.op(), build.op(), exec.JoinAntiNullAware, call(t, "=", probe.col(0), build.after(1, 0)))
		if err != nil {
			r.Fatalf("%v", err)
		}
		same(r, loop.Describe(), collect(r, drawLeanQuery(r, dir), loop), want)
	})
}

func TestNestedLoopAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		typ := rapid.SampledFrom(allType).Draw(r, "payload")
		probe, build := drawTable(r, "p", 20, tInt, typ), drawTable(r, "b", 20, tInt, typ)
		match := func(p, b []types.Value) bool { return true }
		var cond expr.Expr
		if rapid.Bool().Draw(r, "cond") {
			cond = call(t, "<", probe.col(0), build.after(2, 0))
			match = func(p, b []types.Value) bool { return p[0].Valid && b[0].Valid && p[0].I < b[0].I }
		}
		kind := rapid.SampledFrom(joinKinds).Draw(r, "kind")
		op, err := exec.NewNestedLoop(probe.op(), build.op(), kind, cond)
		if err != nil {
			r.Fatalf("%v", err)
		}
		same(r, op.Describe(), collect(r, drawQuery(r), op), modelJoin(kind, probe, build, match))
	})
}

func TestAsOfJoinAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keyTypes := rapid.SliceOfN(rapid.SampledFrom(allType), 0, 2).Draw(r, "key types")
		when := rapid.SampledFrom([]types.Type{tTime, tInt, tFloat, tUint, tDec}).Draw(r, "time type")
		nk := len(keyTypes)
		ts := append(append([]types.Type(nil), keyTypes...), when, tString)
		left, right := drawTable(r, "l", 30, ts...), drawTable(r, "r", 30, ts...)
		var lk, rk []expr.Expr
		for i := range keyTypes {
			lk, rk = append(lk, left.col(i)), append(rk, right.col(i))
		}
		strict, outer := rapid.Bool().Draw(r, "strict"), rapid.Bool().Draw(r, "outer")
		// The payload breaks ties, so that which row wins does not depend on how workers share the input.
		op, err := exec.NewAsOfJoin(left.op(), right.op(), lk, rk, left.col(nk), right.col(nk), strict, outer, exec.SortKey{Expr: right.col(nk + 1)})
		if err != nil {
			r.Fatalf("%v", err)
		}
		same(r, op.Describe(), collect(r, drawQuery(r), op), modelAsOf(left, right, nk, strict, outer))
	})
}

func modelAsOf(left, right *table, nk int, strict, outer bool) [][]types.Value {
	var out [][]types.Value
	for _, l := range left.rows {
		var best []types.Value
		for _, row := range right.rows {
			if !equalKeys(l[:nk], row[:nk]) || !l[nk].Valid || !row[nk].Valid {
				continue
			}
			if c := types.Compare(row[nk], l[nk]); c > 0 || (c == 0 && strict) {
				continue
			}
			if best == nil || types.Compare(row[nk], best[nk]) > 0 ||
				(types.Compare(row[nk], best[nk]) == 0 && compareNulls(row[nk+1], best[nk+1]) >= 0) {
				best = row
			}
		}
		switch {
		case best != nil:
			out = append(out, append(append([]types.Value(nil), l...), best...))
		case outer:
			row := append([]types.Value(nil), l...)
			for _, f := range right.fields {
				row = append(row, types.NullOf(f.Type))
			}
			out = append(out, row)
		}
	}
	return out
}

func TestAsOfTiesGoToTheLaterRow(t *testing.T) {
	row := func(at int64, s string) []types.Value {
		return []types.Value{types.IntValue(tTime, at), types.StringValue(s)}
	}
	left := fixedTable([]types.Type{tTime}, []types.Value{types.IntValue(tTime, 5)})
	right := fixedTable([]types.Type{tTime, tString}, row(5, "a"), row(5, "c"), row(5, "b"))
	op, err := exec.NewAsOfJoin(left.op(), right.op(), nil, nil, left.col(0), right.col(0), false, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, testQuery(1), op)[0][2].S; got != "b" {
		t.Fatalf("got %q, want b", got)
	}
}

func TestJoinRefusesTypesThatDiffer(t *testing.T) {
	a, b := fixedTable([]types.Type{tInt, tDec, tUint}), fixedTable([]types.Type{tString, tWide, tInt})
	for i := range a.fields {
		if _, err := exec.NewHashJoin(a.op(), b.op(), exec.JoinInner, []expr.Expr{a.col(i)}, []expr.Expr{b.col(i)}, nil); err == nil {
			t.Errorf("a join of %s and %s passed", a.fields[i].Type, b.fields[i].Type)
		}
	}
	if _, err := exec.NewHashJoin(a.op(), b.op(), exec.JoinInner, nil, nil, nil); err == nil {
		t.Error("a join without keys passed")
	}
	c := fixedTable([]types.Type{tBig})
	if _, err := exec.NewHashJoin(a.op(), c.op(), exec.JoinInner, []expr.Expr{a.col(0)}, []expr.Expr{c.col(0)}, nil); err != nil {
		t.Errorf("INT = BIGINT: %v", err)
	}
}

// TestJoinManyRows reaches what few rows cannot: several chunks, direct and hashed tables, long chains.
func TestJoinManyRows(t *testing.T) {
	for _, typ := range []types.Type{tBig, tString} {
		for _, groups := range []int{25_000, 500} {
			build, probe := countingTable(30_000, groups, typ), countingTable(20_000, 40_000, typ)
			op, err := exec.NewHashJoin(probe.op(), build.op(), exec.JoinInner, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for p := range 20_000 {
				for b := p; b < 30_000 && p < groups && p%1000 != 999; b += groups {
					if b%1000 != 999 {
						want++
					}
				}
			}
			rows := collect(t, testQuery(2), op)
			if len(rows) != want {
				t.Fatalf("%s, %d keys: %d rows, want %d", typ, groups, len(rows), want)
			}
			for _, r := range rows {
				if text(r[0]) != text(r[2]) || int(r[1].I)%40_000 != int(r[3].I)%groups {
					t.Fatalf("joined %v", r)
				}
			}
		}
	}
}

// TestJoinSpills joins under a budget that is a fraction of the build side, and with all the memory it wants.
func TestJoinSpills(t *testing.T) {
	for _, typ := range []types.Type{tBig, tString} {
		for _, kind := range []exec.JoinKind{exec.JoinInner, exec.JoinLeft, exec.JoinRight, exec.JoinFull, exec.JoinSemi, exec.JoinAnti} {
			probe, build := countingTable(9_000, 12_000, typ), countingTable(30_000, 15_000, typ)
			var residual expr.Expr
			if kind == exec.JoinSemi || kind == exec.JoinAnti {
				residual = call(t, "<", probe.col(1), build.after(2, 1))
			}
			join := func() exec.Operator {
				op, err := exec.NewHashJoin(probe.op(), build.op(), kind, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, residual)
				if err != nil {
					t.Fatal(err)
				}
				return op
			}
			want := collect(t, testQuery(1), join())
			for _, limit := range []int64{1 << 20, 250_000} {
				q := testQuery(2)
				q.Memory, q.TempDir = exec.NewBudget(limit, nil), t.TempDir()
				same(t, join().Describe(), collect(t, q, join()), want)
				if entries, err := os.ReadDir(q.TempDir); err != nil || len(entries) > 0 {
					t.Fatalf("%d files left, %v", len(entries), err)
				}
			}
		}
	}
}
