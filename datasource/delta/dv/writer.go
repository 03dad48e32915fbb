package dv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Writer writes deletion vectors into one file at the root of a table. It belongs to one goroutine.
type Writer struct {
	// NewUUID names the file; tests replace it.
	NewUUID func() (uuid.UUID, error)

	store objstore.Store
	buf   []byte
	descs []*action.DeletionVectorDescriptor
	err   error
}

// NewWriter returns a writer for the table whose root is store's. Nothing is written before Close.
func NewWriter(store objstore.Store) *Writer {
	return &Writer{NewUUID: uuid.NewRandom, store: store, buf: []byte{fileVersion}}
}

// Add appends a deletion vector of the given rows.
func (w *Writer) Add(rows *roaring64.Bitmap) {
	if w.err != nil {
		return
	}
	data, err := FromRoaring(rows).Encode()
	if err == nil && (len(data) > maxSizeBytes || len(w.buf) > math.MaxInt32) {
		err = fmt.Errorf("a deletion vector of %d bytes at byte %d is too large", len(data), len(w.buf))
	}
	if err != nil {
		w.err = err
		return
	}
	offset := int32(len(w.buf))
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(len(data)))
	w.buf = append(w.buf, data...)
	w.buf = binary.BigEndian.AppendUint32(w.buf, crc32.ChecksumIEEE(data))
	w.descs = append(w.descs, &action.DeletionVectorDescriptor{
		StorageType: "u", Offset: &offset, SizeInBytes: int32(len(data)), Cardinality: int64(rows.GetCardinality()),
	})
}

// Close writes the file, if there is anything in it, and returns the descriptors in the order of Add.
func (w *Writer) Close(ctx context.Context) ([]*action.DeletionVectorDescriptor, error) {
	if w.err != nil || len(w.descs) == 0 {
		return nil, w.err
	}
	id, err := w.NewUUID()
	if err != nil {
		return nil, fmt.Errorf("name deletion vector file: %w", err)
	}
	name := EncodeZ85(id[:])
	key, err := FileKey(name)
	if err != nil {
		return nil, err
	}
	if _, err := w.store.Put(ctx, key, bytes.NewReader(w.buf)); err != nil {
		return nil, fmt.Errorf("write deletion vectors: %w", err)
	}
	for _, d := range w.descs {
		d.PathOrInlineDV = name
	}
	return w.descs, nil
}
