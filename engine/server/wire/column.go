package wire

import (
	"time"

	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// layout is how the protocol carries the values of a column.
type layout uint8

const (
	layoutText layout = iota // a length and the value's text
	layoutInt8
	layoutInt16
	layoutInt32
	layoutInt64
	layoutFloat32
	layoutFloat64
	layoutDate
	layoutDatetime
	layoutTime
)

var binaryLayouts = map[querypb.Type]layout{
	sqltypes.Int8: layoutInt8, sqltypes.Uint8: layoutInt8,
	sqltypes.Int16: layoutInt16, sqltypes.Uint16: layoutInt16, sqltypes.Year: layoutInt16,
	sqltypes.Int24: layoutInt32, sqltypes.Uint24: layoutInt32, sqltypes.Int32: layoutInt32, sqltypes.Uint32: layoutInt32,
	sqltypes.Int64: layoutInt64, sqltypes.Uint64: layoutInt64,
	sqltypes.Float32: layoutFloat32, sqltypes.Float64: layoutFloat64,
	sqltypes.Date: layoutDate, sqltypes.Datetime: layoutDatetime, sqltypes.Timestamp: layoutDatetime, sqltypes.Time: layoutTime,
}

// column encodes one column of a result.
type column struct {
	name     string
	layout   layout
	decimals int // of seconds
	zone     zone
	day      int64  // of dayText
	dayText  []byte // the date printed last, with a blank

	// Bound to the current batch: row i is src[codes[i]], or src[i] without codes.
	src   *vector.Vector
	codes []int32
	valid vector.Bitmap

	// cells are the encoded values of the dictionary of cellsOf, one after the other.
	cells   []byte
	cellOff []int32
	cellsOf *vector.Vector
}

func newColumn(f *querypb.Field, binary bool, loc *time.Location) column {
	c := column{name: f.Name, decimals: 6, zone: zone{loc: loc}}
	switch f.Type {
	case sqltypes.Datetime, sqltypes.Timestamp, sqltypes.Time:
		c.decimals = min(int(f.Decimals), 6)
	}
	if binary {
		c.layout = binaryLayouts[f.Type]
	}
	return c
}

// bind points c at the column v of a batch with n live rows. The values of a dictionary that is not larger than
// that, or that the last batch used already, are encoded once.
func (c *column) bind(v *vector.Vector, n int) {
	c.src, c.codes, c.valid = v, nil, v.Valid
	if v.Codes == nil {
		return
	}
	c.src, c.codes = v.Dict, v.Codes
	if c.cellsOf == v.Dict {
		return
	}
	c.cellsOf = nil
	if v.Dict.Len > n || v.Dict.SizeBytes() > 1<<20 {
		return
	}
	c.cells, c.cellOff = c.cells[:0], append(c.cellOff[:0], 0)
	for i := range v.Dict.Len {
		var err error
		if c.cells, err = c.value(c.cells, i); err != nil {
			return
		}
		c.cellOff = append(c.cellOff, int32(len(c.cells)))
	}
	c.cellsOf = v.Dict
}

// isNull reports whether row i of the batch is NULL.
func (c *column) isNull(i int) bool {
	return c.valid != nil && !c.valid.Get(i) || c.src.Type.Kind == types.Null
}

// append appends row i of the batch, which is not NULL.
func (c *column) append(dst []byte, i int) ([]byte, error) {
	if c.codes != nil {
		i = int(c.codes[i])
		if c.cellsOf == c.src {
			return append(dst, c.cells[c.cellOff[i]:c.cellOff[i+1]]...), nil
		}
	}
	return c.value(dst, i)
}

// value appends value i of c.src.
func (c *column) value(dst []byte, i int) ([]byte, error) {
	if c.layout == layoutText {
		return c.text(dst, i), nil
	}
	return c.binary(dst, i)
}

// zone finds the offset of instants from UTC, remembering for how long it holds.
type zone struct {
	loc        *time.Location
	from, to   int64 // microseconds, half open
	offsetUsec int64
}

// local returns the clock in the zone at the instant us, as microseconds of a clock without a zone.
func (z *zone) local(us int64) int64 {
	if z.loc == nil || z.loc == time.UTC {
		return us
	}
	if us < z.from || us >= z.to {
		t := time.UnixMicro(us).In(z.loc)
		_, off := t.Zone()
		z.offsetUsec = int64(off) * 1e6
		start, end := t.ZoneBounds()
		z.from, z.to = us, us+1
		if !start.IsZero() {
			z.from = start.UnixMicro()
		}
		if !end.IsZero() {
			z.to = end.UnixMicro()
		}
	}
	return us + z.offsetUsec
}
