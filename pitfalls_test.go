package featuresql_test

import (
	"os"
	"strings"
	"testing"
)

// pitfalls maps mistakes that other engines made to the tests that hold them off here, as "file of the test function".
var pitfalls = []struct{ mistake, file, test string }{
	{"a partition filter that fails or meets NULL drops files", "datasource/delta/scan/source_test.go", "TestFailingPartitionFilter"},
	{"the literal of a predicate is cast to the column's type, and files are dropped", "skipping/property_test.go", "TestSkippedUnitsHoldNoMatchingRow"},
	{"bounds that other writers cut short or widened are taken as they are", "datasource/delta/replay/bounds_test.go", "TestBoundsHoldProperty"},
	{"a partition's timestamp is read in one format only", "datasource/delta/replay/bounds_test.go", "TestPartitionValues"},
	{"NaN, infinity and negative zero are bounds", "datasource/delta/replay/bounds_test.go", "TestBounds"},
	{"rows are lost or doubled under deletion vectors", "engine/dml/dml_test.go", "TestStatementsAgainstModel"},
	{"a damaged or missing deletion vector is read over", "engine/logictest/corrupt_test.go", "TestCorrupt"},
	{"a path is decoded twice, or its spellings are different files", "datasource/delta/action/action_test.go", "TestCanonicalPath"},
	{"a file is in a checkpoint twice, in two spellings", "datasource/delta/replay/replay_test.go", "TestDuplicateInCheckpoint"},
	{"columns whose names differ by case are mixed up", "datasource/parquet/project_test.go", "TestAmbiguousCase"},
	{"time travel goes by the file's time, not by the commit's", "datasource/delta/table_test.go", "TestInCommitTimestamps"},
	{"time travel is ignored without a word", "engine/logictest/timetravel_test.go", "TestTimeTravelEverywhere"},
	{"a broken checkpoint makes a table unreadable", "datasource/delta/table_test.go", "TestBrokenCheckpoints"},
	{"an unknown feature is ignored", "txn/commit_test.go", "TestUnsupportedFeature"},
	{"pre-images are missing from the change feed", "engine/logictest/protocol_test.go", "TestChangeDataFeed"},
	{"of two writers one is lost", "txn/matrix_test.go", "TestConflictMatrix"},
	{"a commit whose acknowledgement is lost is made twice", "txn/fault_test.go", "TestLostAcknowledgement"},
	{"row tracking is lost", "engine/logictest/protocol_test.go", "TestRowTracking"},
	{"a writer's own upgrade loses features", "engine/logictest/protocol_test.go", "TestUpgradesKeepFeatures"},
	{"the hint to the last checkpoint goes back", "datasource/delta/checkpoint/checkpoint_test.go", "TestHintNeverGoesBack"},
	{"null counts of other writers make COUNT wrong", "datasource/delta/replay/bounds_test.go", "TestNullCounts"},
	{"a point-in-time join doubles rows of equal times", "engine/exec/join_test.go", "TestAsOfTiesGoToTheLaterRow"},
	{"a point-in-time join needs memory for everything", "engine/exec/spill_test.go", "TestAsOfJoinWithoutMemoryAgainstModel"},
	{"tools give up at a question before the first query", "engine/logictest/tools_test.go", "TestTools"},
	{"INT96 beyond the nanoseconds of 64 bits wraps around", "datasource/parquet/decode_internal_test.go", "TestInt96Extremes"},
	{"old layouts of lists and maps are not understood", "datasource/parquet/nested_test.go", "TestNestedLayouts"},
	{"a missing data file means fewer rows", "datasource/delta/scan/source_test.go", "TestMissingFileIsNamed"},
	{"a log with gaps is read", "datasource/delta/table_test.go", "TestBrokenLogs"},
	{"a compaction that was not reconciled brings rows back", "datasource/delta/log/log_test.go", "TestCompaction"},
	{"a page with a wrong checksum is read", "datasource/parquet/corrupt_test.go", "TestChecksumsFindDamagedPages"},
}

// TestPitfalls wants every test of the table to be there.
func TestPitfalls(t *testing.T) {
	for _, p := range pitfalls {
		src, err := os.ReadFile(p.file)
		if err != nil {
			t.Errorf("%s: %v", p.mistake, err)
			continue
		}
		if !strings.Contains(string(src), "\nfunc "+p.test+"(t *testing.T)") {
			t.Errorf("%s: no %s in %s", p.mistake, p.test, p.file)
		}
	}
}
