package exec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/klauspost/compress/s2"
)

// A spill file is blocks, one behind the other, for this process alone. Each is compressed (S2) behind a head of 16
// bytes: the sum (CRC-32C) of the rest of the head and of the compressed bytes, their number, and the number of bytes
// they stand for.
const blockHead = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SpillError says that rows could not be written to, or not be read back from, a temporary file.
type SpillError struct {
	File    string
	DirFull bool // there is no room in the file's folder
	Err     error
}

func (e *SpillError) Error() string {
	if e.DirFull {
		return fmt.Sprintf("no space is left in %s for data that does not fit in memory: free some, or set --spill-dir to another folder", filepath.Dir(e.File))
	}
	return fmt.Sprintf("temporary file %s: %v", e.File, e.Err)
}

// Unwrap returns the cause.
func (e *SpillError) Unwrap() error { return e.Err }

var errSpill = errors.New("a block is damaged")

// SpillPattern is what the names of spill files match, in Query.TempDir.
const SpillPattern = "featuresql-spill-*"

// spillFile is a temporary file of blocks, for one writer; what is written can be read by any number of readers.
type spillFile struct {
	query *Query
	file  *os.File
	size  int64
	buf   []byte
}

// newSpillFile creates a file without a name left in the file system, where that is possible.
func (q *Query) newSpillFile() (*spillFile, error) {
	dir := q.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, SpillPattern)
	if err != nil {
		return nil, spillError(filepath.Join(dir, "featuresql-spill"), err)
	}
	os.Remove(f.Name()) // open files outlive their names; where not, close removes it
	return &spillFile{query: q, file: f}, nil
}

// RemoveSpilled removes what a process that was killed may have left in the folder of spill files.
func RemoveSpilled(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, SpillPattern))
	if err != nil {
		return // the pattern is good, the folder's name is none of a pattern's
	}
	for _, name := range left {
		os.Remove(name)
	}
}

func spillError(file string, err error) error {
	return &SpillError{File: file, DirFull: errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT), Err: err}
}

// append writes a block and returns where it starts.
func (f *spillFile) append(raw []byte) (at int64, err error) {
	most := s2.MaxEncodedLen(len(raw))
	if most < 0 {
		return 0, spillError(f.file.Name(), fmt.Errorf("a block of %d bytes is more than is supported", len(raw)))
	}
	f.buf = resize(f.buf, blockHead+most)
	packed := s2.Encode(f.buf[blockHead:], raw)
	b := f.buf[:blockHead+len(packed)]
	binary.LittleEndian.PutUint32(b[4:], uint32(len(packed)))
	binary.LittleEndian.PutUint64(b[8:], uint64(len(raw)))
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	if _, err := f.file.WriteAt(b, f.size); err != nil {
		return 0, spillError(f.file.Name(), err)
	}
	at = f.size
	f.size += int64(len(b))
	f.query.Memory.spilled(int64(len(b)))
	return at, nil
}

func (f *spillFile) close() {
	if f != nil && f.file != nil {
		f.file.Close()
		os.Remove(f.file.Name())
		f.file = nil
	}
}

// spillReader reads blocks one after the other, for one goroutine.
type spillReader struct {
	file    *spillFile
	at, end int64
	packed  []byte
	raw     []byte
}

func (f *spillFile) reader(from, to int64) *spillReader {
	return &spillReader{file: f, at: from, end: to}
}

// next returns the next block, valid until the next call, or io.EOF.
func (r *spillReader) next() ([]byte, error) {
	if r.at == r.end {
		return nil, io.EOF
	}
	if err := r.read(); err != nil {
		if errors.Is(err, io.EOF) {
			err = errSpill
		}
		return nil, spillError(r.file.file.Name(), err)
	}
	return r.raw, nil
}

func (r *spillReader) read() error {
	var head [blockHead]byte
	if _, err := r.file.file.ReadAt(head[:], r.at); err != nil {
		return err
	}
	n, size := int64(binary.LittleEndian.Uint32(head[4:])), binary.LittleEndian.Uint64(head[8:])
	if n > r.end-r.at-blockHead {
		return errSpill
	}
	r.packed = resize(r.packed, int(n))
	if _, err := r.file.file.ReadAt(r.packed, r.at+blockHead); err != nil {
		return err
	}
	sum := crc32.Update(crc32.Checksum(head[4:], castagnoli), castagnoli, r.packed)
	if sum != binary.LittleEndian.Uint32(head[:]) {
		return errSpill
	}
	r.raw = resize(r.raw, int(size))
	raw, err := s2.Decode(r.raw, r.packed)
	if err != nil || uint64(len(raw)) != size {
		return errSpill
	}
	r.raw = raw
	r.at += blockHead + n
	return nil
}
