package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// streamBytes is how much of a file is kept before its upload begins. Most files of a table with many partitions stay
// below it: they are uploaded at once when they are complete, and hold no connection or descriptor before.
const streamBytes = 4 << 20

// maxUploads is how many complete files are uploaded at once.
const maxUploads = 8

var errAborted = errors.New("the data file was abandoned")

// uploads runs the uploads of a writer and remembers the keys it may have created.
type uploads struct {
	ctx    context.Context
	cancel context.CancelFunc
	store  objstore.Store
	slots  chan struct{}
	wg     sync.WaitGroup

	mu   sync.Mutex
	keys []string
	err  error // the first
}

func newUploads(ctx context.Context, store objstore.Store) *uploads {
	ctx, cancel := context.WithCancel(ctx)
	return &uploads{ctx: ctx, cancel: cancel, store: store, slots: make(chan struct{}, maxUploads)}
}

func (u *uploads) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
}

func (u *uploads) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

func (u *uploads) remember(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keys = append(u.keys, key)
}

// put stores r under key and hands the object to done.
func (u *uploads) put(key string, r io.Reader, done func(objstore.Object)) error {
	o, err := u.stored(key, r)
	if err != nil {
		err = fmt.Errorf("store data file %s: %w", key, err)
		u.fail(err)
		return err
	}
	done(o)
	return nil
}

// stored puts an object. It runs on a goroutine of its own, where a panic would end the process.
func (u *uploads) stored(key string, r io.Reader) (o objstore.Object, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	return u.store.Put(u.ctx, key, r)
}

// removeAll stops uploads and deletes every object that may have been created.
func (u *uploads) removeAll(ctx context.Context) error {
	u.cancel()
	u.wg.Wait()
	ctx = context.WithoutCancel(ctx)
	var first error
	for _, key := range u.keys {
		if err := u.store.Delete(ctx, key); err != nil && first == nil {
			first = fmt.Errorf("delete abandoned data file %s: %w", key, err)
		}
	}
	u.keys = nil
	return first
}

// output is the bytes of one file on their way to the store.
type output struct {
	up   *uploads
	key  string
	done func(objstore.Object)
	buf  []byte
	pipe *io.PipeWriter // nil until the upload has begun
}

func (u *uploads) open(key string, done func(objstore.Object)) *output {
	return &output{up: u, key: key, done: done}
}

func (o *output) Write(p []byte) (int, error) {
	if err := o.up.failure(); err != nil {
		return 0, err
	}
	if o.pipe == nil {
		o.buf = append(o.buf, p...)
		if len(o.buf) < streamBytes {
			return len(p), nil
		}
		return len(p), o.stream()
	}
	return o.pipe.Write(p)
}

// stream begins the upload with what is in the buffer.
func (o *output) stream() error {
	r, w := io.Pipe()
	o.pipe = w
	o.up.remember(o.key)
	o.up.wg.Go(func() {
		r.CloseWithError(o.up.put(o.key, r, o.done)) // a writer still at it gets the error
	})
	buf := o.buf
	o.buf = nil
	_, err := w.Write(buf)
	return err
}

// finish ends the file. Its upload goes on; uploads.wg waits for it.
func (o *output) finish() error {
	if o.pipe != nil {
		return o.pipe.Close()
	}
	o.up.remember(o.key)
	select {
	case o.up.slots <- struct{}{}:
	case <-o.up.ctx.Done():
		return o.up.ctx.Err()
	}
	buf := o.buf
	o.buf = nil
	o.up.wg.Go(func() {
		defer func() { <-o.up.slots }()
		// The error is kept by put.
		_ = o.up.put(o.key, bytes.NewReader(buf), o.done)
	})
	return o.up.failure()
}

// abandon gives the file up; an upload under way fails.
func (o *output) abandon() {
	if o.pipe != nil {
		o.pipe.CloseWithError(errAborted)
	}
	o.buf = nil
}

// sizeBytes is the memory of the output.
func (o *output) sizeBytes() int64 { return int64(cap(o.buf)) }
