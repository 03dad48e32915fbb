package planner

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// loadedFile is the file of one LOAD DATA statement. It can be read again when the write is tried again.
type loadedFile struct {
	path  string
	file  *os.File // the server's
	sent  *sentFile
	lines atomic.Int64 // that became rows, or were passed over as duplicates
}

func (l *loadedFile) close() {
	if l.sent != nil {
		l.sent.close()
		return
	}
	_ = l.file.Close()
}

// reader reads the file from its beginning, until ctx ends.
func (l *loadedFile) reader(ctx context.Context) io.Reader {
	if l.sent != nil {
		return &sentReader{ctx: ctx, f: l.sent}
	}
	return io.NewSectionReader(l.file, 0, 1<<62)
}

// sentHead is how much of a client's file is held in memory; what is behind goes to a temporary file.
const sentHead = 16 << 20

// sentFile is a file that a client sends. It is read while it comes.
type sentFile struct {
	in   io.ReadCloser
	dir  string
	done chan struct{} // closed when the client has sent everything, and nobody reads from it any more

	mu   sync.Mutex
	more sync.Cond // there is more of it, or err
	head []byte
	tail *os.File // what is behind head, if anything
	size int64    // of both
	err  error    // io.EOF at the end
}

// receive begins to take what in has. The file must be closed, which closes in.
func receive(in io.ReadCloser, dir string) *sentFile {
	f := &sentFile{in: in, dir: dir, done: make(chan struct{})}
	f.more.L = &f.mu
	go func() {
		defer close(f.done)
		err := f.take()
		f.mu.Lock()
		f.err = err
		f.more.Broadcast()
		f.mu.Unlock()
		_ = in.Close() // waits for what the client has still to send, and passes it over
	}()
	return f
}

func (f *sentFile) take() error {
	buf := make([]byte, 256<<10)
	for {
		n, err := f.in.Read(buf)
		if n > 0 {
			if err := f.add(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func (f *sentFile) add(b []byte) error {
	var err error
	head, tail := f.head, f.tail // only this goroutine changes them
	if tail == nil && len(head)+len(b) <= sentHead {
		head = append(head, b...)
	} else if tail == nil {
		tail, err = os.CreateTemp(f.dir, "featuresql-load-*")
	}
	if err == nil && tail != nil {
		_, err = tail.Write(b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.tail = head, tail
	if err != nil {
		return err
	}
	f.size += int64(len(b))
	f.more.Broadcast()
	return nil
}

// close ends the receipt: the client hears nothing before it has sent its file.
func (f *sentFile) close() {
	_ = f.in.Close()
	<-f.done
	if f.tail != nil {
		_ = f.tail.Close()
		_ = os.Remove(f.tail.Name())
	}
}

// wait waits until there is more behind off, and returns what there is.
func (f *sentFile) wait(ctx context.Context, off int64) (head []byte, tail *os.File, size int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off >= f.size && f.err == nil {
		defer context.AfterFunc(ctx, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.more.Broadcast()
		})()
	}
	for off >= f.size && f.err == nil && ctx.Err() == nil {
		f.more.Wait()
	}
	switch {
	case off < f.size:
		return f.head, f.tail, f.size, nil
	case f.err != nil:
		return nil, nil, 0, f.err
	}
	return nil, nil, 0, context.Cause(ctx)
}

// sentReader reads a sentFile from its beginning.
type sentReader struct {
	ctx context.Context //nolint:containedctx // io.Reader's methods have none
	f   *sentFile
	off int64
}

func (r *sentReader) Read(p []byte) (int, error) {
	head, tail, size, err := r.f.wait(r.ctx, r.off)
	if err != nil {
		return 0, err
	}
	p = p[:min(int64(len(p)), size-r.off)]
	n := 0
	if r.off < int64(len(head)) {
		n = copy(p, head[r.off:])
	} else if n, err = tail.ReadAt(p, r.off-int64(len(head))); errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	r.off += int64(n)
	return n, err
}
