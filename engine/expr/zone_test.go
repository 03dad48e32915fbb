package expr_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TestZones compares conversions with package time, around changes of the clock above all.
func TestZones(t *testing.T) {
	var locations []*time.Location
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		locations = append(locations, loc)
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(locations).Draw(t, "zone")
		var instants []int64
		start := time.Date(rapid.IntRange(1890, 2060).Draw(t, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
		for range 5 {
			near, _ := start.AddDate(0, rapid.IntRange(0, 11).Draw(t, "month"), 0).In(loc).ZoneBounds()
			if near.IsZero() {
				near = start
			}
			instants = append(instants, near.UnixMicro()+rapid.Int64Range(-7200, 7200).Draw(t, "s")*types.MicrosPerSecond)
		}
		v := vector.New(tTS, len(instants))
		copy(v.I64, instants)
		env := &expr.Env{Location: loc}
		local, err := compile2(expr.Cast(column(0, tTS), tNTZ), env).Eval(&vector.Batch{Len: v.Len, Cols: []*vector.Vector{v}})
		if err != nil {
			t.Fatal(err)
		}
		back, err := compile2(expr.Cast(column(0, tNTZ), tTS), env).Eval(&vector.Batch{Len: v.Len, Cols: []*vector.Vector{local}})
		if err != nil {
			t.Fatal(err)
		}
		for i, us := range instants {
			at := time.UnixMicro(us).In(loc)
			if want := at.Format("2006-01-02 15:04:05"); string(types.AppendDatetime(nil, local.I64[i])) != want {
				t.Fatalf("%s in %s: %s", at, loc, types.AppendDatetime(nil, local.I64[i]))
			}
			if got := back.I64[i]; expr.InstantToLocal(loc, got) != local.I64[i] || got > us || expr.LocalToInstant(loc, local.I64[i]) != got {
				t.Fatalf("%s goes to %s and back to %s", at, types.AppendDatetime(nil, local.I64[i]), time.UnixMicro(got).In(loc))
			}
		}
	})
}

func compile2(e expr.Expr, env *expr.Env) *expr.Evaluator {
	ev, err := expr.Compile(e, env)
	if err != nil {
		panic(err)
	}
	return ev
}
