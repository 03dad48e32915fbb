package write

import (
	"crypto/rand"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/featuresql/featuresql/datasource/parquet"
)

// Defaults of sizes in bytes.
const (
	DefaultTargetFileBytes = 128 << 20
	DefaultMemoryBytes     = 512 << 20
	DefaultMaxOpenFiles    = 1024
)

// Options tune a Writer. The zero value is the default.
type Options struct {
	MemoryBytes  int64            // of open files together; 0: 512 MiB
	MaxOpenFiles int              // 0: 1,024
	RowGroupRows int              // 0: Parquet's default
	Rand         io.Reader        // for the names of files; nil: crypto/rand
	Workers      int              // goroutines that encode columns at once; 0: one a CPU, at most 4
	Now          func() time.Time // for files whose store reports no time; nil: time.Now
}

func (o Options) withDefaults() Options {
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = DefaultMemoryBytes
	}
	if o.MaxOpenFiles <= 0 {
		o.MaxOpenFiles = DefaultMaxOpenFiles
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Table properties that the writer obeys.
const (
	propTargetFileSize = "delta.targetFileSize"
	propCodec          = "delta.parquet.compression.codec"
	propRandomPrefixes = "delta.randomizeFilePrefixes"
	propPrefixLength   = "delta.randomPrefixLength"
)

// targetFileBytes is the size at which files end. The property is a number of bytes, or one with a unit such as "100mb".
func (t *TableSpec) targetFileBytes() int64 {
	if t.TargetFileBytes > 0 {
		return t.TargetFileBytes
	}
	if n, ok := ParseBytes(t.Metadata.Configuration[propTargetFileSize]); ok {
		return n
	}
	return DefaultTargetFileBytes
}

// maxTargetFileBytes keeps a property from asking for files without end.
const maxTargetFileBytes = 64 << 30

// ParseBytes reads a size: a number of bytes, or one with a unit such as "100mb". ok is false for any other text.
func ParseBytes(s string) (n int64, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	shift := 0
	switch strings.TrimSpace(s[digits:]) {
	case "", "b":
	case "k", "kb", "kib":
		shift = 10
	case "m", "mb", "mib":
		shift = 20
	case "g", "gb", "gib":
		shift = 30
	default:
		return 0, false
	}
	if n > maxTargetFileBytes>>shift {
		return maxTargetFileBytes, true
	}
	return n << shift, true
}

// codec is the compression that the table asks for; what this writer does not offer becomes Snappy.
func (t *TableSpec) codec() parquet.Codec {
	switch strings.ToLower(t.Metadata.Configuration[propCodec]) {
	case "zstd":
		return parquet.Zstd
	case "uncompressed", "none":
		return parquet.Uncompressed
	}
	return parquet.Snappy
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID(r io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return "", fmt.Errorf("draw the name of a data file: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

const prefixLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomPrefix returns the name of a folder of n random letters and digits.
func randomPrefix(r io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("draw the folder of a data file: %w", err)
	}
	for i := range b {
		b[i] = prefixLetters[int(b[i])%len(prefixLetters)]
	}
	return string(b), nil
}
