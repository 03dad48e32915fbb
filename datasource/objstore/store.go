package objstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Errors that every driver returns, wrapped with the key.
var (
	ErrLinkedFolder  = errors.New("the folder is a symbolic link")
	ErrNotFound      = errors.New("object not found")
	ErrAlreadyExists = errors.New("object already exists")
	ErrReadOnly      = errors.New("object store is read-only")
	ErrTooLarge      = errors.New("object is larger than allowed here")
	ErrInvalidKey    = errors.New("invalid object key")
	ErrReplaced      = errors.New("the folder was replaced")
	// ErrNoExclusivePut says that a file system cannot do PutIfAbsent.
	ErrNoExclusivePut = errors.New("the file system has neither hard links nor a rename that does not replace, so commits could overwrite one another; put the warehouse on a local disk or another mount")
	// ErrNotStored marks an error of a put after which the data is not stored and will not be.
	ErrNotStored = errors.New("object was not stored")
)

// Object describes one stored object. Key is relative to the store's root, with "/" between its parts, unescaped.
type Object struct {
	Key       string
	SizeBytes int64
	ModTime   time.Time
}

// Same reports whether two descriptions of one key are of the same object, as far as they tell.
func (o Object) Same(other Object) bool {
	return o.SizeBytes == other.SizeBytes && o.ModTime.Equal(other.ModTime)
}

// Store is a flat, strongly consistent key space: a folder, a bucket or a prefix of one.
//
// Every method may be called at once from any goroutine. Objects are immutable but for Put, which replaces
// one as a whole: a reader sees the old or the new bytes, never a mixture. A method that returned nil has made its effect durable.
// A key that CheckKey refuses is ErrInvalidKey.
type Store interface {
	// URL names the root, for errors and EXPLAIN ("file:///data/wh", "s3://bucket/prefix"); its path is percent-encoded.
	URL() string
	// Get returns the whole object. maxBytes bounds what is read: a larger object is ErrTooLarge. ErrNotFound.
	Get(ctx context.Context, key string, maxBytes int64) ([]byte, error)
	// GetRange fills p from the bytes at off; a short object is io.ErrUnexpectedEOF. ErrNotFound.
	GetRange(ctx context.Context, key string, off int64, p []byte) error
	// Put stores the bytes of r under key, replacing what was there.
	Put(ctx context.Context, key string, r io.Reader) (Object, error)
	// PutIfAbsent stores data under key unless something is there: ErrAlreadyExists. Of any number of
	// concurrent calls with one key at most one succeeds. An error that is neither
	// ErrAlreadyExists nor ErrNotStored leaves it open whether data was stored, or still will be.
	PutIfAbsent(ctx context.Context, key string, data []byte) error
	// List yields the objects whose keys begin with prefix and come after startAfter (exclusive), ordered by
	// the bytes of their keys, at any depth. The first error ends it.
	List(ctx context.Context, prefix, startAfter string) iter.Seq2[Object, error]
	// Head describes one object. ErrNotFound.
	Head(ctx context.Context, key string) (Object, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
}
