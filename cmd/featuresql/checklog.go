package main

import (
	"context"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
)

// logicalFile is a data file with a deletion vector, as the log knows it.
type logicalFile struct{ path, vector string }

// checkLog follows the commits from the oldest readable version on. It reports each remove of a file that is not there, and each add of one that
// is there with another deletion vector, and returns how many there are.
func checkLog(ctx context.Context, t *delta.Table, report func(v delta.Version, what string)) (bad int, err error) {
	oldest, newest, err := t.VersionRange(ctx)
	if err != nil {
		return 0, err
	}
	snap, err := t.SnapshotAt(ctx, oldest)
	if err != nil {
		return 0, err
	}
	files := snap.Files()
	live := make(map[string]string, files.Len()) // path to deletion vector
	for i := range files.Len() {
		live[files.Path(i)] = files.DeletionVector(i).UniqueID()
	}
	for v := oldest + 1; v <= newest; v++ {
		removes, adds, err := commitFiles(ctx, t, v, files.CanonicalPath)
		if err != nil {
			return bad, err
		}
		for _, f := range removes {
			if vector, ok := live[f.path]; !ok || vector != f.vector {
				bad++
				report(v, "removes a file that is not in the table: "+f.path)
				continue
			}
			delete(live, f.path)
		}
		for _, f := range adds {
			if vector, ok := live[f.path]; ok && vector != f.vector {
				bad++
				report(v, "adds a file that is in the table with another deletion vector: "+f.path)
			}
			live[f.path] = f.vector
		}
	}
	return bad, nil
}

func commitFiles(ctx context.Context, t *delta.Table, v delta.Version, canonical func(string) string) (removes, adds []logicalFile, err error) {
	key := log.CommitKey(v)
	data, err := t.Store().Get(ctx, key, log.MaxCommitBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("table %s: %w", t.URL(), err)
	}
	err = action.ParseLines(key, string(data), func(_ int, a *action.Action) error {
		if r := a.Remove; r != nil {
			removes = append(removes, logicalFile{canonical(r.Path), r.DeletionVector.UniqueID()})
		}
		if a.Add != nil {
			adds = append(adds, logicalFile{canonical(a.Add.Path), a.Add.DeletionVector.UniqueID()})
		}
		return nil
	})
	return removes, adds, err
}
