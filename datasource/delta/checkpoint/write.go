package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
)

// Snapshot is the version of a table that a checkpoint is written of; *delta.Snapshot is one.
type Snapshot interface {
	Store() objstore.Store
	Version() action.Version
	// CommitObject is the version's commit as it was listed, if it has one: the checkpoint goes into the log that it is in, and no other.
	CommitObject() objstore.Object
	Protocol() *action.Protocol
	Metadata() *action.Metadata
	Files() *replay.FileList
	Txns() map[string]action.Txn
	DomainMetadata() map[string]action.DomainMetadata
	// Tombstones returns the removes that no newer action hides, expired ones included.
	Tombstones(ctx context.Context) ([]action.Remove, error)
}

// Options tune Write. The zero value is ready to use.
type Options struct {
	Now     func() time.Time          // default time.Now; decides which tombstones have expired
	NewUUID func() (uuid.UUID, error) // names the files of V2 checkpoints
}

func (o Options) ensureDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewUUID == nil {
		o.NewUUID = uuid.NewRandom
	}
	return o
}

// propertyPolicy chooses between classic and V2 checkpoints where the table supports both.
const propertyPolicy = "delta.checkpointPolicy"

// Write writes a checkpoint of a version into the log that the version was read from (objstore.PutBeside), then _last_checkpoint: a classic one in one Parquet file, or where the
// table has the feature v2Checkpoint, and its policy is not "classic", a UUID-named one with the file actions in a sidecar.
func Write(ctx context.Context, s Snapshot) error { return WriteWith(ctx, s, Options{}) }

// WriteWith is Write with options.
func WriteWith(ctx context.Context, s Snapshot, opts Options) error {
	opts = opts.ensureDefaults()
	tombstones, err := s.Tombstones(ctx)
	if err != nil {
		return fmt.Errorf("checkpoint of version %d: %w", s.Version(), err)
	}
	w := &writer{s: s, opts: opts, removes: unexpired(tombstones, s.Metadata(), opts.Now())}
	if feature.Supported(s.Protocol(), feature.V2Checkpoint) && !strings.EqualFold(s.Metadata().Configuration[propertyPolicy], "classic") {
		err = w.v2(ctx)
	} else {
		err = w.classic(ctx)
	}
	if err != nil {
		return fmt.Errorf("checkpoint of version %d: %w", s.Version(), err)
	}
	if err := w.hint(ctx); err != nil {
		return fmt.Errorf("checkpoint of version %d: %w", s.Version(), err)
	}
	return nil
}

// writer writes one checkpoint.
type writer struct {
	s       Snapshot
	opts    Options
	removes []action.Remove
	actions int64
	bytes   int64
}

// batchRows is how many rows are made at once.
const batchRows = 1024

func (w *writer) classic(ctx context.Context) error {
	return put(ctx, w, log.CheckpointKey(w.s.Version()), func(out func([]row) error) error {
		if err := out(w.others()); err != nil {
			return err
		}
		return w.files(out)
	}, row.classic)
}

func (w *writer) v2(ctx context.Context) error {
	id, err := w.opts.NewUUID()
	if err != nil {
		return fmt.Errorf("name checkpoint: %w", err)
	}
	rows := append(w.others(), row{CheckpointMetadata: &checkpointMetadataRow{Version: int64(w.s.Version())}})
	if w.s.Files().Len()+len(w.removes) > 0 {
		sidecar := id.String() + ".parquet"
		if err := put(ctx, w, log.SidecarPrefix+sidecar, w.files, row.sidecar); err != nil {
			return err
		}
		size := w.bytes
		rows = append(rows, row{Sidecar: &sidecarRow{Path: sidecar, SizeInBytes: size, ModificationTime: w.opts.Now().UnixMilli()}})
	}
	key := log.V2CheckpointKey(w.s.Version(), id.String(), "parquet")
	return put(ctx, w, key, func(out func([]row) error) error { return out(rows) }, func(r row) row { return r })
}

// put streams rows into an object, in the columns of T.
func put[T any](ctx context.Context, w *writer, key string, fill func(out func([]row) error) error, shape func(row) T) error {
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("internal error: %v\n%s", r, debug.Stack())
			}
			done <- err
			_ = pipe.CloseWithError(err) // a nil error is the end of the file
		}()
		var n int64
		n, err = encode(pipe, fill, shape)
		w.actions += n
	}()
	o, err := objstore.PutBeside(ctx, w.s.Store(), key, r, w.s.CommitObject())
	_ = r.CloseWithError(errors.New("the store stopped reading")) // lets the goroutine end
	if werr := <-done; werr != nil && err == nil {
		err = werr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	w.bytes += o.SizeBytes
	return nil
}

func encode[T any](to io.Writer, fill func(out func([]row) error) error, shape func(row) T) (rows int64, err error) {
	out, err := parquet.NewRowsWriter[T](to, nil)
	if err != nil {
		return 0, err
	}
	var shaped []T
	err = fill(func(batch []row) error {
		shaped = shaped[:0]
		for _, r := range batch {
			shaped = append(shaped, shape(r))
		}
		return out.Write(shaped)
	})
	if err != nil {
		return 0, err
	}
	return out.Close()
}

// files writes the adds and the tombstones.
func (w *writer) files(out func([]row) error) error {
	batch := make([]row, 0, batchRows)
	flush := func(least int) error {
		if len(batch) < least {
			return nil
		}
		err := out(batch)
		batch = batch[:0]
		return err
	}
	list := w.s.Files()
	for i := range list.Len() {
		a := list.Add(i)
		batch = append(batch, row{Add: addRowOf(&a)})
		if err := flush(batchRows); err != nil {
			return err
		}
	}
	for i := range w.removes {
		batch = append(batch, row{Remove: removeRowOf(&w.removes[i])})
		if err := flush(batchRows); err != nil {
			return err
		}
	}
	return flush(1)
}

// others returns the actions that are not of files.
func (w *writer) others() []row {
	rows := []row{{Protocol: protocolRowOf(w.s.Protocol())}, {MetaData: metadataRowOf(w.s.Metadata())}}
	txns := w.s.Txns()
	for _, id := range slices.Sorted(maps.Keys(txns)) {
		t := txns[id]
		if w.expired(t) {
			continue
		}
		rows = append(rows, row{Txn: &txnRow{AppID: t.AppID, Version: t.Version, LastUpdated: t.LastUpdated}})
	}
	domains := w.s.DomainMetadata()
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		rows = append(rows, row{DomainMetadata: &domainRow{Domain: d.Domain, Configuration: d.Configuration, Removed: d.Removed}})
	}
	return rows
}

// expired reports whether an application's version need not be remembered any longer.
func (w *writer) expired(t action.Txn) bool {
	retention, ok := ParseInterval(w.s.Metadata().Configuration["delta.setTransactionRetentionDuration"])
	return ok && t.LastUpdated != nil && *t.LastUpdated < w.opts.Now().Add(-retention).UnixMilli()
}

// hint writes _last_checkpoint unless it names a newer version.
func (w *writer) hint(ctx context.Context) error {
	old, err := log.ReadLastCheckpoint(ctx, w.s.Store())
	if err == nil && old != nil && old.Version > w.s.Version() {
		return nil
	}
	text := fmt.Sprintf(`{"version":%d,"size":%d,"sizeInBytes":%d,"numOfAddFiles":%d}`, w.s.Version(), w.actions, w.bytes, w.s.Files().Len())
	if _, err := objstore.PutBeside(ctx, w.s.Store(), log.LastCheckpointKey, bytes.NewReader([]byte(text)), w.s.CommitObject()); err != nil {
		return fmt.Errorf("write %s: %w", log.LastCheckpointKey, err)
	}
	return nil
}

// Retention of tombstones.
const (
	propertyRetention = "delta.deletedFileRetentionDuration"
	defaultRetention  = 7 * 24 * time.Hour
)

// unexpired returns the tombstones that must be kept (PROTOCOL.md, Add File and Remove File).
func unexpired(all []action.Remove, m *action.Metadata, now time.Time) []action.Remove {
	retention, ok := ParseInterval(m.Configuration[propertyRetention])
	if !ok {
		retention = defaultRetention
	}
	oldest := now.Add(-retention).UnixMilli()
	return slices.DeleteFunc(all, func(r action.Remove) bool { return r.DeletionTimestamp == nil || *r.DeletionTimestamp < oldest })
}

var intervalUnits = map[string]time.Duration{
	"microsecond": time.Microsecond, "millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute,
	"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// ParseInterval reads the value of a property like "interval 30 days" or "1 week 2 hours"; ok is false for any other text.
func ParseInterval(text string) (d time.Duration, ok bool) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) > 0 && words[0] == "interval" {
		words = words[1:]
	}
	if len(words) == 0 || len(words)%2 != 0 {
		return 0, false
	}
	for i := 0; i < len(words); i += 2 {
		n, err := strconv.ParseInt(words[i], 10, 32)
		unit := intervalUnits[strings.TrimSuffix(words[i+1], "s")]
		if err != nil || unit == 0 || n < 0 || n > int64(1<<62/unit) {
			return 0, false
		}
		if d += time.Duration(n) * unit; d < 0 {
			return 0, false
		}
	}
	return d, true
}
