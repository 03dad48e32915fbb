package checkpoint_test

import (
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// FuzzRead reads any bytes as a checkpoint, Parquet or JSON: an error that IsBroken knows, or a state that can be replayed or is refused.
func FuzzRead(f *testing.F) {
	store := newStore(f)
	s := newSnapshot(f, store, legacy, action.Add{Path: "a", Size: 1, Stats: `{"numRecords":1}`, PartitionValues: map[string]*string{"p": nil}})
	if err := checkpoint.WriteWith(f.Context(), s, options()); err != nil {
		f.Fatal(err)
	}
	data, err := store.Get(f.Context(), log.CheckpointKey(7), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, false)
	f.Add(data[:len(data)/2], false)
	f.Add([]byte("PAR1PAR1"), false)
	f.Add([]byte(`{"checkpointMetadata":{"version":7}}`+"\n"+`{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`+"\n"+`{"add":{"path":"a","size":1}}`), true)
	f.Add([]byte(`{"sidecar":{"path":"../x","sizeInBytes":1,"modificationTime":1}}`), true)
	root := action.NewRoot(store.URL())
	f.Fuzz(func(t *testing.T, data []byte, json bool) {
		c := &log.Checkpoint{Version: 7, JSON: json, Files: []objstore.Object{{Key: "_delta_log/x", SizeBytes: int64(len(data))}}}
		base, err := checkpoint.Read(t.Context(), memory{store, data}, c)
		if err != nil {
			if !checkpoint.IsBroken(err) {
				t.Errorf("not told as broken: %v", err)
			}
			return
		}
		state, err := replay.New(root, base, nil)
		if err != nil {
			return
		}
		for i := range state.Files.Len() {
			state.Files.Add(i)
			for c := range state.Files.Layout().Columns {
				state.Files.Column(c)
			}
		}
	})
}
