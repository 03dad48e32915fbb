package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"

	"github.com/featuresql/featuresql/engine/vector"
)

// Transport is the connection below a Sink.
type Transport interface {
	// WritePackets sends whole packets. It fills in their sequence numbers, in place.
	WritePackets(p []byte) error
}

// Options are what a server gives a Sink.
type Options struct {
	Transport Transport
	// Context is that of the statement.
	Context *sql.Context
	// Binary selects the binary protocol (COM_STMT_EXECUTE).
	Binary bool
	// Begin sends the column definitions and everything before them.
	Begin func(fields []*querypb.Field) error
}

// Sink takes the result of one statement as batches. One goroutine uses it.
type Sink struct {
	opts  Options
	taken bool
	err   error // of the transport; once set, nothing more is written
	cols  []column
	buf   []byte
	rows  int64
}

// flushBytes is when the rows collected so far are sent.
const flushBytes = 128 << 10

// maxPacket is the greatest payload of one packet; a longer one is cut, and what is left follows, even if empty.
const maxPacket = 1<<24 - 1

// NewSink returns a sink for one statement.
func NewSink(o Options) *Sink { return &Sink{opts: o} }

type sinkKey struct{}

// With returns a context that carries s for Take. A server may hand the Sink to the plan in another way.
func With(ctx context.Context, s *Sink) context.Context {
	return context.WithValue(ctx, sinkKey{}, s)
}

// Take returns the sink of the running statement to the root node of its plan, once. It is nil where rows must be
// returned the usual way: outside a server, for a cursor, or for a client that wants another character set than
// UTF-8.
func Take(ctx *sql.Context) *Sink {
	s, _ := ctx.Value(sinkKey{}).(*Sink)
	if s == nil || s.taken {
		return nil
	}
	s.taken = true
	return s
}

// UTF8Results reports whether the session's client takes text as UTF-8. For others there must be no Sink.
func UTF8Results(ctx *sql.Context) bool {
	switch ctx.GetCharacterSetResults() {
	case sql.CharacterSet_Unspecified, sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_binary:
		return true
	}
	return false
}

// Begin sends the definitions of the result's columns; instants are shown in loc (nil: UTC). Batches then have these
// columns, in this order. A column whose type in the schema is not that of its vectors is converted in the binary
// protocol.
func (s *Sink) Begin(schema sql.Schema, loc *time.Location) error {
	if s.cols != nil {
		return fmt.Errorf("result begun twice")
	}
	if loc == nil {
		loc = time.UTC
	}
	fields := FieldsOf(s.opts.Context, schema)
	s.cols = make([]column, len(fields))
	for i, f := range fields {
		s.cols[i] = newColumn(f, s.opts.Binary, loc)
	}
	return s.opts.Begin(fields)
}

// Started reports whether the column definitions have been sent.
func (s *Sink) Started() bool { return s.cols != nil }

// Rows returns the number of rows written.
func (s *Sink) Rows() int64 { return s.rows }

// WriteBatch sends the live rows of b. The batch is not kept. After an error of the connection every further call
// returns it again.
func (s *Sink) WriteBatch(b *vector.Batch) error {
	if s.err != nil {
		return s.err
	}
	if len(b.Cols) != len(s.cols) {
		return fmt.Errorf("result of %d columns got a batch of %d", len(s.cols), len(b.Cols))
	}
	n := b.Rows()
	for i := range s.cols {
		s.cols[i].bind(b.Cols[i], n)
	}
	for k := range n {
		start := len(s.buf)
		s.buf = append(s.buf, 0, 0, 0, 0)
		var err error
		if s.opts.Binary {
			s.buf, err = s.binaryRow(s.buf, b.Row(k))
		} else {
			s.buf = s.textRow(s.buf, b.Row(k))
		}
		if err != nil {
			s.buf = s.buf[:start]
			return err
		}
		s.closePacket(start)
		if len(s.buf) >= flushBytes {
			if err := s.Flush(); err != nil {
				return err
			}
		}
	}
	s.rows += int64(n)
	return nil
}

// Flush sends what WriteBatch has collected; call it after the last batch.
func (s *Sink) Flush() error {
	if s.err != nil || len(s.buf) == 0 {
		return s.err
	}
	s.err = s.opts.Transport.WritePackets(s.buf)
	if s.buf = s.buf[:0]; cap(s.buf) > 4<<20 {
		s.buf = nil
	}
	return s.err
}

// closePacket writes the header of the packet that begins at start, cutting it where it is too long.
func (s *Sink) closePacket(start int) {
	n := len(s.buf) - start - 4
	if n < maxPacket {
		putHeader(s.buf[start:], n)
		return
	}
	payload := append([]byte(nil), s.buf[start+4:]...)
	s.buf = s.buf[:start]
	for {
		n := min(len(payload), maxPacket)
		at := len(s.buf)
		s.buf = append(append(s.buf, 0, 0, 0, 0), payload[:n]...)
		putHeader(s.buf[at:], n)
		if payload = payload[n:]; n < maxPacket {
			return
		}
	}
}

func putHeader(p []byte, n int) { p[0], p[1], p[2], p[3] = byte(n), byte(n>>8), byte(n>>16), 0 }
