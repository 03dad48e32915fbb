package log

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Limits of files of the log, in bytes.
const (
	// MaxCommitBytes bounds a commit, a log compaction file and a JSON checkpoint.
	MaxCommitBytes  = 1 << 30
	maxLastCheckpnt = 64 << 20
)

// Read reads the actions of a commit. Errors: *action.CorruptionError, what the store returns.
func Read(ctx context.Context, store objstore.Store, v action.Version) (*replay.Commit, error) {
	actions, err := ReadActions(ctx, store, CommitKey(v))
	if err != nil {
		return nil, err
	}
	return &replay.Commit{Version: v, Path: CommitKey(v), Actions: actions}, nil
}

// ReadActions reads a file of JSON actions: a commit, a compaction or a checkpoint. One without any is corrupt.
func ReadActions(ctx context.Context, store objstore.Store, key string) ([]action.Action, error) {
	data, err := store.Get(ctx, key, MaxCommitBytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	var out []action.Action
	err = action.ParseLines(key, string(data), func(_ int, a *action.Action) error {
		out = append(out, *a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &action.CorruptionError{Path: key, Reason: "it holds no action"}
	}
	return out, nil
}

// ReadCompaction reads a log compaction file. One that was not reconciled, so that the order of its actions
// would matter, is corrupt: which of them is the newest cannot be known.
func ReadCompaction(ctx context.Context, store objstore.Store, root action.Root, c Compaction) (*replay.Commit, error) {
	actions, err := ReadActions(ctx, store, c.Object.Key)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range actions {
		id := ""
		switch a := &actions[i]; {
		case a.Add != nil:
			id = root.CanonicalPath(a.Add.Path) + "\x00" + a.Add.DeletionVector.UniqueID()
		case a.Remove != nil:
			id = root.CanonicalPath(a.Remove.Path) + "\x00" + a.Remove.DeletionVector.UniqueID()
		case a.Protocol != nil:
			id = "\x00protocol"
		case a.Metadata != nil:
			id = "\x00metaData"
		default:
			continue
		}
		if seen[id] {
			path, _, _ := strings.Cut(id, "\x00")
			return nil, &action.CorruptionError{Path: c.Object.Key, Reason: fmt.Sprintf("it is not reconciled: two actions of %q", path)}
		}
		seen[id] = true
	}
	return &replay.Commit{Version: c.To, Path: c.Object.Key, Actions: actions}, nil
}

// LastCheckpoint is the hint to a recent checkpoint (PROTOCOL.md, Last Checkpoint File Schema).
type LastCheckpoint struct {
	Version       action.Version
	Size          int64 // actions
	Parts         int64 // 0: one file
	SizeInBytes   int64
	NumOfAddFiles int64
}

// ReadLastCheckpoint reads the hint; nil if there is none. Error: *action.CorruptionError, what the store returns.
func ReadLastCheckpoint(ctx context.Context, store objstore.Store) (*LastCheckpoint, error) {
	data, err := store.Get(ctx, LastCheckpointKey, maxLastCheckpnt)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, nil
	case errors.Is(err, objstore.ErrTooLarge):
		return nil, &action.CorruptionError{Path: LastCheckpointKey, Reason: "too large", Err: err}
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", LastCheckpointKey, err)
	}
	text := strings.TrimSpace(string(data))
	hint, checksum, err := parseLastCheckpoint(text)
	if err != nil {
		return nil, &action.CorruptionError{Path: LastCheckpointKey, Reason: "not a checkpoint's description", Err: err}
	}
	if checksum != "" {
		if want, ok := Checksum(text); ok && !strings.EqualFold(want, checksum) {
			return nil, &action.CorruptionError{Path: LastCheckpointKey, Reason: fmt.Sprintf("its checksum is %s, it says %s", want, checksum)}
		}
	}
	return hint, nil
}

func parseLastCheckpoint(text string) (*LastCheckpoint, string, error) {
	h := &LastCheckpoint{Version: -1}
	checksum := ""
	s := jsonscan.New(text)
	s.BeginObject()
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			break
		}
		if s.Null() {
			continue
		}
		switch key {
		case "version":
			h.Version = action.Version(s.Int())
		case "size":
			h.Size = s.Int()
		case "parts":
			h.Parts = s.Int()
		case "sizeInBytes":
			h.SizeInBytes = s.Int()
		case "numOfAddFiles":
			h.NumOfAddFiles = s.Int()
		case "checksum":
			checksum = s.String()
		default:
			s.Skip()
		}
	}
	s.End()
	if s.Err() == nil && h.Version < 0 {
		s.Fail("no version")
	}
	return h, checksum, s.Err()
}
