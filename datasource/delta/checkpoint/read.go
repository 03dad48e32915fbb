package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
)

// IsBroken reports whether an error of Read means that the checkpoint itself is missing, damaged or of an unknown
// form, so that another one, or the log, is to be read instead.
func IsBroken(err error) bool {
	var corrupt *action.CorruptionError
	var file *parquet.CorruptError
	var unsupported *parquet.UnsupportedError
	var unsupportedType *parquet.UnsupportedTypeError
	return errors.As(err, &corrupt) || errors.As(err, &file) || errors.As(err, &unsupported) || errors.As(err, &unsupportedType) ||
		errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrTooLarge) || errors.Is(err, io.ErrUnexpectedEOF)
}

// content is what one file of a checkpoint holds.
type content struct {
	base     replay.Base
	removes  []action.Remove
	sidecars []action.Sidecar
	meta     *action.CheckpointMetadata
}

func newContent(path string) *content {
	return &content{base: replay.Base{
		Path: path, Txns: map[string]action.Txn{}, Domains: map[string]action.DomainMetadata{}, Files: &replay.Builder{},
	}}
}

// want says which file actions are read.
type want struct{ adds, removes bool }

// Read reads a checkpoint: everything but its tombstones. Errors: IsBroken tells those of the checkpoint.
func Read(ctx context.Context, store objstore.Store, c *log.Checkpoint) (*replay.Base, error) {
	all, err := read(ctx, store, c, want{adds: true})
	if err != nil {
		return nil, err
	}
	return &all.base, nil
}

// ReadRemoves reads the tombstones of a checkpoint.
func ReadRemoves(ctx context.Context, store objstore.Store, c *log.Checkpoint) ([]action.Remove, error) {
	all, err := read(ctx, store, c, want{removes: true})
	if err != nil {
		return nil, err
	}
	return all.removes, nil
}

func read(ctx context.Context, store objstore.Store, c *log.Checkpoint, w want) (*content, error) {
	all := newContent(c.Files[0].Key)
	if c.JSON {
		if err := all.readJSON(ctx, store, c.Files[0].Key, w); err != nil {
			return nil, err
		}
	} else if err := all.readFiles(ctx, store, c.Files, true, w); err != nil {
		return nil, err
	}
	if m := all.meta; m != nil && m.Version != c.Version {
		return nil, &action.CorruptionError{Path: all.base.Path, Reason: fmt.Sprintf("its checkpointMetadata is of version %d", m.Version)}
	}
	sidecars := make([]objstore.Object, len(all.sidecars))
	for i, s := range all.sidecars {
		sidecars[i] = objstore.Object{Key: SidecarKey(s.Path), SizeBytes: s.SizeInBytes}
	}
	if err := all.readFiles(ctx, store, sidecars, false, w); err != nil {
		return nil, err
	}
	if all.base.Protocol == nil || all.base.Metadata == nil {
		return nil, &action.CorruptionError{Path: all.base.Path, Reason: "a checkpoint without protocol or metaData action"}
	}
	return all, nil
}

// SidecarKey returns the key of a sidecar file: whatever path the action has, its file is in the folder of
// sidecars (PROTOCOL.md, Sidecar File Information).
func SidecarKey(sidecarPath string) string {
	return log.SidecarPrefix + path.Base(action.Root{}.CanonicalPath(sidecarPath))
}

// readFiles reads Parquet files at once and takes their contents in, in order.
func (all *content) readFiles(ctx context.Context, store objstore.Store, files []objstore.Object, others bool, w want) error {
	contents, errs := make([]*content, len(files)), make([]error, len(files))
	atOnce(len(files), func(i int) { contents[i], errs[i] = readFile(ctx, store, files[i], others, w) })
	for i, c := range contents {
		if errs[i] != nil {
			return fmt.Errorf("checkpoint file %s: %w", files[i].Key, errs[i])
		}
		if err := all.merge(c); err != nil {
			return err
		}
	}
	return nil
}

func (all *content) merge(c *content) error {
	all.base.Files.Concat(c.base.Files)
	all.removes = append(all.removes, c.removes...)
	for _, t := range c.base.Txns {
		all.base.Txns[t.AppID] = t
	}
	for _, d := range c.base.Domains {
		all.base.Domains[d.Domain] = d
	}
	all.sidecars = append(all.sidecars, c.sidecars...)
	if c.meta != nil {
		all.meta = c.meta
	}
	if c.base.Protocol != nil {
		if all.base.Protocol != nil {
			return &action.CorruptionError{Path: all.base.Path, Reason: "two protocol actions"}
		}
		all.base.Protocol = c.base.Protocol
	}
	if c.base.Metadata != nil {
		if all.base.Metadata != nil {
			return &action.CorruptionError{Path: all.base.Path, Reason: "two metaData actions"}
		}
		all.base.Metadata = c.base.Metadata
	}
	return nil
}

// readJSON reads a V2 checkpoint of JSON lines.
func (all *content) readJSON(ctx context.Context, store objstore.Store, key string, w want) error {
	actions, err := log.ReadActions(ctx, store, key)
	if err != nil {
		return err
	}
	for i := range actions {
		switch a := &actions[i]; {
		case a.Add != nil && w.adds:
			all.base.Files.Append(a.Add)
		case a.Remove != nil && w.removes:
			all.removes = append(all.removes, *a.Remove)
		default:
			if err := all.take(a); err != nil {
				return err
			}
		}
	}
	if all.meta == nil {
		return &action.CorruptionError{Path: key, Reason: "a V2 checkpoint without checkpointMetadata"}
	}
	return nil
}

// take takes in an action that is not of a file.
func (all *content) take(a *action.Action) error {
	one := content{base: replay.Base{Protocol: a.Protocol, Metadata: a.Metadata, Files: &replay.Builder{}}, meta: a.CheckpointMetadata}
	switch {
	case a.Txn != nil:
		one.base.Txns = map[string]action.Txn{a.Txn.AppID: *a.Txn}
	case a.DomainMetadata != nil && !a.DomainMetadata.Removed:
		one.base.Domains = map[string]action.DomainMetadata{a.DomainMetadata.Domain: *a.DomainMetadata}
	case a.Sidecar != nil:
		one.sidecars = []action.Sidecar{*a.Sidecar}
	}
	return all.merge(&one)
}

// readFile reads one Parquet file.
func readFile(ctx context.Context, store objstore.Store, o objstore.Object, others bool, w want) (*content, error) {
	size := o.SizeBytes
	if size <= 0 {
		head, err := store.Head(ctx, o.Key)
		if err != nil {
			return nil, err
		}
		size = head.SizeBytes
	}
	f, err := openFile(ctx, store, o.Key, size)
	if err != nil {
		return nil, err
	}
	c := newContent(o.Key)
	groups, errs := make([]*content, f.NumRowGroups()), make([]error, f.NumRowGroups())
	atOnce(len(groups), func(rg int) { groups[rg], errs[rg] = readGroup(ctx, f, rg, others, w) })
	for rg, g := range groups {
		if errs[rg] != nil {
			return nil, errs[rg]
		}
		if err := c.merge(g); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// readGroup reads one row group.
func readGroup(ctx context.Context, f *file, rg int, others bool, w want) (*content, error) {
	c := newContent(f.key)
	s := &columnSet{ctx: ctx, f: f, rg: rg}
	if w.adds {
		s.prefetch("add")
		readAdds(s, c.base.Files)
	}
	if w.removes {
		s.prefetch("remove")
		c.removes = readRemoves(s, c.removes)
	}
	if others {
		readOthers(s, c)
	}
	return c, s.err
}

// atOnce runs f for 0 to n-1 on all processors.
func atOnce(n int, f func(int)) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	var panicked atomic.Pointer[any] // a panic ends the process unless it is the caller's
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					panicked.Store(&r)
				}
				<-slots
			}()
			f(i)
		})
	}
	wg.Wait()
	if r := panicked.Load(); r != nil {
		panic(*r)
	}
}
