package simulate_test

import (
	"flag"
	"testing"
	"testing/synctest"

	"github.com/featuresql/featuresql/engine/simulate"
)

var (
	schedules = flag.Int("schedules", 600, "how many schedules to run")
	first     = flag.Uint64("first", 1, "the seed of the first schedule")
)

// regressions are the seeds of schedules that once went wrong.
//
//	345: a transaction that was dropped from a shared commit gave it its id
//	39, 214: shared commits hold one key twice without the checks of Group.admit
var regressions = []uint64{345, 39, 214}

// run executes one schedule in a bubble of its own, where time is simulated.
func run(t *testing.T, seed uint64) simulate.Stats {
	t.Helper()
	return runConfig(t, simulate.Config{Seed: seed, Settle: synctest.Wait})
}

func runConfig(t *testing.T, cfg simulate.Config) (stats simulate.Stats) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if stats, err = simulate.Run(cfg); err != nil {
			t.Error(err)
		}
	})
	return stats
}

// droppedRegressions are those with a dropped table.
//
//	25: a commit that was taken back was another's of the same version
//	294: a group passed over commits that it had made to the table before, and left a gap
var droppedRegressions = []uint64{25, 294}

func TestRegressions(t *testing.T) {
	for _, seed := range droppedRegressions {
		runConfig(t, simulate.Config{Seed: seed, Settle: synctest.Wait, Drops: true})
	}
	for _, seed := range regressions {
		run(t, seed)
	}
}

// TestSchedules runs schedules from -first on; `make torture` runs ten thousand.
func TestSchedules(t *testing.T) {
	var all simulate.Stats
	for i := range *schedules {
		all.Add(run(t, *first+uint64(i)))
		if t.Failed() {
			break
		}
	}
	t.Logf("%d schedules: %+v", *schedules, all)
	if *schedules >= 600 && (all.Shared == 0 || all.Conflicts == 0 || all.Duplicates == 0 || all.Unknown == 0 || all.Crashes == 0 || all.Failed == 0 || all.Commits == 0) {
		t.Errorf("the schedules do not reach everything: %+v", all)
	}
}

// TestDroppedTables runs schedules in which the table is dropped and made anew: no commit gets into another table than it began on, and
// of those that did not none is lost.
func TestDroppedTables(t *testing.T) {
	var all simulate.Stats
	for i := range *schedules / 3 {
		all.Add(runConfig(t, simulate.Config{Seed: *first + uint64(i), Settle: synctest.Wait, Drops: true}))
		if t.Failed() {
			break
		}
	}
	t.Logf("%d schedules: %+v", *schedules/3, all)
	if *schedules >= 600 && (all.Drops == 0 || all.Commits == 0 || all.Conflicts == 0) {
		t.Errorf("the schedules do not reach everything: %+v", all)
	}
}

// TestDeterminism: the same seed is the same schedule.
func TestDeterminism(t *testing.T) {
	for seed := range uint64(20) {
		if a, b := run(t, seed), run(t, seed); a != b {
			t.Errorf("seed %d: %+v, then %+v", seed, a, b)
		}
	}
}
