package dv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// maxSizeBytes bounds one deletion vector: a bit for each of 2^31 rows.
const maxSizeBytes = 1 << 28

// uuidChars is the length of a UUID in Z85.
const uuidChars = 20

// fileVersion is the first byte of a file of deletion vectors.
const fileVersion = 1

// Locate finds the store that holds a file, and its key there. path is as in an action: percent-encoded, absolute
// or relative to the table.
type Locate func(path string) (objstore.Store, string, error)

// Load reads a deletion vector of a table whose root is store's. A deletion vector in a file outside the table is an error;
// see LoadWith. Errors: *action.CorruptionError, what the store returns.
func Load(ctx context.Context, store objstore.Store, d *action.DeletionVectorDescriptor) (*Bitmap, error) {
	return LoadWith(ctx, store, d, nil)
}

// LoadWith is Load for tables that may keep deletion vectors elsewhere, in files that locate finds.
func LoadWith(ctx context.Context, store objstore.Store, d *action.DeletionVectorDescriptor, locate Locate) (*Bitmap, error) {
	path, data, err := raw(ctx, store, d, locate)
	if err != nil {
		return nil, err
	}
	b, err := Decode(data)
	if err != nil {
		return nil, &action.CorruptionError{Path: path, Reason: "deletion vector " + d.UniqueID(), Err: err}
	}
	if b.Count() != d.Cardinality {
		return nil, &action.CorruptionError{Path: path, Reason: fmt.Sprintf("deletion vector %s has %d rows, the log says %d", d.UniqueID(), b.Count(), d.Cardinality)}
	}
	return b, nil
}

// raw returns the serialized bitmap, and the name of where it came from.
func raw(ctx context.Context, store objstore.Store, d *action.DeletionVectorDescriptor, locate Locate) (path string, data []byte, err error) {
	corrupt := func(path, reason string, err error) (string, []byte, error) {
		return path, nil, &action.CorruptionError{Path: path, Reason: reason, Err: err}
	}
	if d.SizeInBytes < 0 || d.SizeInBytes > maxSizeBytes {
		return corrupt(d.UniqueID(), fmt.Sprintf("a deletion vector of %d bytes", d.SizeInBytes), nil)
	}
	switch d.StorageType {
	case "i":
		data, err := DecodeZ85(d.PathOrInlineDV)
		if err != nil || len(data) < int(d.SizeInBytes) || len(data) > int(d.SizeInBytes)+3 {
			return corrupt("inline deletion vector", fmt.Sprintf("%d characters for %d bytes", len(d.PathOrInlineDV), d.SizeInBytes), err)
		}
		return "inline deletion vector", data[:d.SizeInBytes], nil
	case "u":
		key, err := FileKey(d.PathOrInlineDV)
		if err != nil {
			return corrupt(d.PathOrInlineDV, "the name of a deletion vector file", err)
		}
		data, err := readFile(ctx, store, key, d)
		return key, data, err
	case "p":
		if locate != nil {
			s, key, err := locate(d.PathOrInlineDV)
			if err != nil {
				return d.PathOrInlineDV, nil, fmt.Errorf("deletion vector %s: %w", d.PathOrInlineDV, err)
			}
			data, err := readFile(ctx, s, key, d)
			return key, data, err
		}
		key := action.NewRoot(store.URL()).CanonicalPath(d.PathOrInlineDV)
		if action.IsAbsolute(key) {
			return key, nil, fmt.Errorf("deletion vector %s is outside the table", d.PathOrInlineDV)
		}
		data, err := readFile(ctx, store, key, d)
		return key, data, err
	}
	return corrupt(d.UniqueID(), fmt.Sprintf("deletion vector of storage type %q", d.StorageType), nil)
}

// FileKey returns the key of the deletion vector file that a descriptor of storage type "u" names.
func FileKey(pathOrInlineDV string) (string, error) {
	n := len(pathOrInlineDV) - uuidChars
	if n < 0 {
		return "", errZ85
	}
	id, err := DecodeZ85(pathOrInlineDV[n:])
	if err != nil {
		return "", err
	}
	name := "deletion_vector_" + uuid.UUID(id).String() + ".bin"
	if n == 0 {
		return name, nil
	}
	return pathOrInlineDV[:n] + "/" + name, nil
}

// readFile reads one deletion vector from a file: its size, its bytes and their checksum.
func readFile(ctx context.Context, store objstore.Store, key string, d *action.DeletionVectorDescriptor) ([]byte, error) {
	var offset int64
	if d.Offset != nil {
		offset = int64(*d.Offset)
	}
	size := int64(d.SizeInBytes)
	buf := make([]byte, 4+size+4)
	if err := store.GetRange(ctx, key, offset, buf); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &action.CorruptionError{Path: key, Reason: fmt.Sprintf("it ends before byte %d", offset+int64(len(buf))), Err: err}
		}
		return nil, fmt.Errorf("read deletion vector %s: %w", key, err)
	}
	if got := int64(binary.BigEndian.Uint32(buf)); got != size {
		return nil, &action.CorruptionError{Path: key, Reason: fmt.Sprintf("the deletion vector at byte %d has %d bytes, the log says %d", offset, got, size)}
	}
	data := buf[4 : 4+size]
	if want, got := binary.BigEndian.Uint32(buf[4+size:]), crc32.ChecksumIEEE(data); want != got {
		return nil, &action.CorruptionError{Path: key, Reason: fmt.Sprintf("the deletion vector at byte %d has the checksum %08x instead of %08x", offset, got, want)}
	}
	return data, nil
}
