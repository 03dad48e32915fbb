package delta_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// TestGolden reads the logs of tables that other engines wrote (testdata/make_deltars.py). "versions" lists the
// versions that can be read with their numbers of files and rows, "bounds" the extremes of the columns of a version.
func TestGolden(t *testing.T) {
	datadriven.RunTest(t, "testdata/golden.td", func(t *testing.T, d *datadriven.TestData) string {
		var name string
		d.ScanArgs(t, "table", &name)
		store, err := objstore.NewLocal("testdata/" + name)
		if err != nil {
			return err.Error()
		}
		defer store.Close()
		table, err := delta.Open(t.Context(), store, delta.Options{OnWarning: func(err error) { t.Error(err) }})
		if err != nil {
			return err.Error()
		}
		oldest, newest, err := table.VersionRange(t.Context())
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		for v := oldest; v <= newest; v++ {
			s, err := table.SnapshotAt(t.Context(), v)
			if err != nil {
				return err.Error()
			}
			if d.Cmd == "versions" {
				rows, known := s.Files().TotalRecords()
				fmt.Fprintf(&b, "%d: %d files, %d bytes, %d rows %v\n", v, s.Files().Len(), s.Files().TotalBytes(), rows, known)
			} else if v == newest {
				bounds(&b, s)
			}
		}
		return b.String()
	})
}

// bounds prints the statistics of every file, ordered.
func bounds(b *strings.Builder, s *delta.Snapshot) {
	list := s.Files()
	for c, f := range s.Schema().Fields {
		stats := list.Column(c)
		var lines []string
		for i := range list.Len() {
			line := "unbounded"
			if stats.Min != nil {
				line = fmt.Sprintf("%s..%s", stats.Min.Value(i), stats.Max.Value(i))
			}
			lines = append(lines, fmt.Sprintf("%s (%d NULL of %d)", line, stats.NullCount[i], stats.RowCount[i]))
		}
		sort.Strings(lines)
		fmt.Fprintf(b, "%s: %s\n", f.Name, strings.Join(lines, ", "))
	}
}
