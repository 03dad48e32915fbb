package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// live is the files of a version: by canonical path.
type live map[string]logicalFile

// logicalFile is a data file with a deletion vector, as the log knows it.
type logicalFile struct {
	vector string // unique id of the deletion vector
	bytes  int64
}

func liveOf(files *replay.FileList) live {
	l := make(live, files.Len())
	for i := range files.Len() {
		l[files.Path(i)] = logicalFile{files.DeletionVector(i).UniqueID(), files.Size(i)}
	}
	return l
}

// history follows the commits from the oldest readable version on, and compares checkpoints and checksums with them.
func (c *check) history(ctx context.Context, t *delta.Table, l *log.Listing) error {
	oldest, newest, err := t.VersionRange(ctx)
	if err != nil {
		return c.wrong(ctx, "_delta_log", err, false)
	}
	snap, err := t.SnapshotAt(ctx, oldest)
	if err != nil {
		return c.wrong(ctx, "_delta_log", err, false)
	}
	files := liveOf(snap.Files())
	at := map[action.Version][]*log.Checkpoint{}
	for i := range l.Checkpoints {
		at[l.Checkpoints[i].Version] = append(at[l.Checkpoints[i].Version], &l.Checkpoints[i])
	}
	for v := oldest; v <= newest; v++ {
		if v > oldest {
			commit, err := log.Read(ctx, c.store, v)
			if err != nil { // reported already; what follows cannot be told
				return ctx.Err()
			}
			c.apply(commit, files, snap.Files().CanonicalPath)
		}
		for _, k := range at[v] {
			if err := c.checkpoint(ctx, k, files); err != nil {
				return err
			}
		}
		if err := c.checksum(ctx, v, files); err != nil {
			return err
		}
	}
	return nil
}

// apply makes files those of the next version.
func (c *check) apply(commit *replay.Commit, files live, canonical func(string) string) {
	for i := range commit.Actions {
		if r := commit.Actions[i].Remove; r != nil {
			path := canonical(r.Path)
			if f, ok := files[path]; !ok || f.vector != r.DeletionVector.UniqueID() {
				c.bad(commit.Path, "removes a file that is not in the table: %s", r.Path)
			} else {
				delete(files, path)
			}
		}
	}
	for i := range commit.Actions {
		if a := commit.Actions[i].Add; a != nil {
			path, vector := canonical(a.Path), a.DeletionVector.UniqueID()
			if f, ok := files[path]; ok && f.vector != vector {
				c.bad(commit.Path, "adds a file that is in the table with another deletion vector: %s", a.Path)
			}
			files[path] = logicalFile{vector, a.Size}
		}
	}
}

// checkpoint compares a checkpoint with the files that the commits make of its version.
func (c *check) checkpoint(ctx context.Context, k *log.Checkpoint, files live) error {
	c.report.Checkpoints++
	path := k.Files[0].Key
	base, err := checkpoint.Read(ctx, c.store, k)
	if err != nil {
		return c.wrong(ctx, path, err, true)
	}
	state, err := replay.New(action.NewRoot(c.store.URL()), base, nil)
	if err != nil {
		return c.wrong(ctx, path, err, true)
	}
	there := liveOf(state.Files)
	if maps.Equal(there, files) {
		return nil
	}
	for p, f := range files {
		if got, ok := there[p]; !ok {
			c.bad(path, "lacks file %s, which the commits add", p)
		} else if got != f {
			c.bad(path, "has another size or deletion vector of file %s than the commits", p)
		}
	}
	for p := range there {
		if _, ok := files[p]; !ok {
			c.bad(path, "has file %s, which is not in the table by the commits", p)
		}
	}
	return nil
}

// maxChecksumBytes bounds a version checksum file, which may list every file of the table.
const maxChecksumBytes = 256 << 20

// versionChecksum is the part of a version checksum file that is compared (PROTOCOL.md, Version Checksum File Schema).
type versionChecksum struct {
	TableSizeBytes *int64 `json:"tableSizeBytes"`
	NumFiles       *int64 `json:"numFiles"`
	NumMetadata    *int64 `json:"numMetadata"`
	NumProtocol    *int64 `json:"numProtocol"`
}

// checksum compares the version checksum file of a version, if there is one, with its files.
func (c *check) checksum(ctx context.Context, v action.Version, files live) error {
	key := fmt.Sprintf("%s%020d.crc", log.Prefix, v)
	doc, err := c.store.Get(ctx, key, maxChecksumBytes)
	if errors.Is(err, objstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return c.wrong(ctx, key, err, true)
	}
	c.report.Checksums++
	var sum versionChecksum
	if err := json.Unmarshal(doc, &sum); err != nil {
		return c.wrong(ctx, key, fmt.Errorf("it is no version checksum: %w", err), true)
	}
	var bytes int64
	for _, f := range files {
		bytes += f.bytes
	}
	for _, x := range []struct {
		name string
		says *int64
		is   int64
	}{{"numFiles", sum.NumFiles, int64(len(files))}, {"tableSizeBytes", sum.TableSizeBytes, bytes}, {"numMetadata", sum.NumMetadata, 1}, {"numProtocol", sum.NumProtocol, 1}} {
		switch {
		case x.says == nil:
			c.tolerated(key, "it does not say %s", x.name)
		case *x.says != x.is:
			c.bad(key, "%s is %d, by the log it is %d", x.name, *x.says, x.is)
		}
	}
	return nil
}
