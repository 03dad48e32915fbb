package parquet

import (
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

type annotKind uint8

const (
	annotNone annotKind = iota
	annotString
	annotEnum
	annotJSON
	annotBSON
	annotUUID
	annotDecimal
	annotDate
	annotTime
	annotTimestamp
	annotInt
	annotFloat16
	annotNull
	annotList
	annotMap
	annotMapKeyValue
	annotOther // interval, variant, geometry, geography, what is to come: raw bytes without an order
)

// annotation is the logical type of a node, from the logical type or the older converted type.
type annotation struct {
	kind      annotKind
	bits      uint8 // annotInt
	unsigned  bool  // annotInt
	unit      uint8 // annotTime, annotTimestamp: 3 millis, 6 micros, 9 nanos
	utc       bool
	precision int32
	scale     int32
}

// parseLogicalType reads the union LogicalType.
func parseLogicalType(r *thriftReader) annotation {
	var a annotation
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		if t != thriftStruct {
			r.skip(t)
			continue
		}
		switch id {
		case 5, 7, 8, 10:
			a = parseLogicalParams(r, id)
			continue
		}
		a.kind = annotOther
		if k, known := plainLogicalTypes[id]; known {
			a.kind = k
		}
		r.skip(t)
	}
	return a
}

// plainLogicalTypes are the members of LogicalType without parameters.
var plainLogicalTypes = map[int16]annotKind{1: annotString, 2: annotMap, 3: annotList, 4: annotEnum, 6: annotDate,
	11: annotNull, 12: annotJSON, 13: annotBSON, 14: annotUUID, 15: annotFloat16}

func parseLogicalParams(r *thriftReader, member int16) annotation {
	a := annotation{kind: map[int16]annotKind{5: annotDecimal, 7: annotTime, 8: annotTimestamp, 10: annotInt}[member]}
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case a.kind == annotDecimal && id == 1 && t == thriftI32:
			a.scale = r.int32()
		case a.kind == annotDecimal && id == 2 && t == thriftI32:
			a.precision = r.int32()
		case a.kind == annotInt && id == 1 && t == thriftI8:
			a.bits = r.byte()
		case a.kind == annotInt && id == 2:
			a.unsigned = t == thriftFalse
			r.skip(t)
		case id == 1 && t <= thriftFalse:
			a.utc = t == thriftTrue
		case id == 2 && t == thriftStruct:
			for u, ut, more := r.field(0); more; u, ut, more = r.field(u) {
				if u >= 1 && u <= 3 {
					a.unit = uint8(3 * u)
				}
				r.skip(ut)
			}
		default:
			r.skip(t)
		}
	}
	return a
}

// annotationOf merges the logical type of an element with its converted type; the logical type wins.
func annotationOf(e *schemaElement) annotation {
	if e.logical.kind != annotNone {
		return e.logical
	}
	c := e.converted
	switch c {
	case deprecated.UTF8:
		return annotation{kind: annotString}
	case deprecated.Map:
		return annotation{kind: annotMap}
	case deprecated.MapKeyValue:
		return annotation{kind: annotMapKeyValue}
	case deprecated.List:
		return annotation{kind: annotList}
	case deprecated.Enum:
		return annotation{kind: annotEnum}
	case deprecated.Decimal:
		return annotation{kind: annotDecimal, precision: e.prec, scale: e.scale}
	case deprecated.Date:
		return annotation{kind: annotDate}
	case deprecated.TimeMillis:
		return annotation{kind: annotTime, unit: 3, utc: true}
	case deprecated.TimeMicros:
		return annotation{kind: annotTime, unit: 6, utc: true}
	case deprecated.TimestampMillis:
		return annotation{kind: annotTimestamp, unit: 3, utc: true}
	case deprecated.TimestampMicros:
		return annotation{kind: annotTimestamp, unit: 6, utc: true}
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return annotation{kind: annotInt, bits: 8 << (c - deprecated.Uint8), unsigned: true}
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return annotation{kind: annotInt, bits: 8 << (c - deprecated.Int8)}
	case deprecated.Json:
		return annotation{kind: annotJSON}
	case deprecated.Bson:
		return annotation{kind: annotBSON}
	case deprecated.Interval:
		return annotation{kind: annotOther}
	}
	return annotation{}
}

var annotNames = [...]string{"", "string", "enum", "json", "bson", "uuid", "decimal", "date", "time", "timestamp", "int",
	"float16", "null", "list", "map", "map_key_value", "other"}

func (a annotation) String() string {
	switch a.kind {
	case annotDecimal:
		return fmt.Sprintf("decimal(%d,%d)", a.precision, a.scale)
	case annotTime, annotTimestamp:
		return fmt.Sprintf("%s(1e-%d s)", annotNames[a.kind], a.unit)
	case annotInt:
		if a.unsigned {
			return fmt.Sprintf("uint%d", a.bits)
		}
		return fmt.Sprintf("int%d", a.bits)
	}
	return annotNames[a.kind]
}

// check reports whether the annotation may stand on the physical type; one that may not is ignored.
func (a annotation) check(t format.Type, typeLen int) bool {
	bytesType := t == format.ByteArray
	switch a.kind {
	case annotString, annotEnum, annotJSON, annotBSON:
		return bytesType
	case annotUUID:
		return t == format.FixedLenByteArray && typeLen == 16
	case annotFloat16:
		return t == format.FixedLenByteArray && typeLen == 2
	case annotDecimal:
		return a.precision >= 1 && a.scale >= 0 && a.scale <= a.precision &&
			(t == format.Int32 || t == format.Int64 || t == format.FixedLenByteArray || bytesType)
	case annotDate:
		return t == format.Int32
	case annotTime:
		return (t == format.Int32 && a.unit == 3) || (t == format.Int64 && (a.unit == 6 || a.unit == 9))
	case annotTimestamp:
		return t == format.Int64 && a.unit != 0
	case annotInt:
		return (t == format.Int32 && (a.bits == 8 || a.bits == 16 || a.bits == 32)) || (t == format.Int64 && a.bits == 64)
	}
	return true
}
