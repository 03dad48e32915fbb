package parquet

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// schemaElement is one node of the schema, as it stands in the footer.
type schemaElement struct {
	typ         format.Type
	hasType     bool
	typeLen     int32
	repetition  format.FieldRepetitionType
	name        string
	numChildren int32
	converted   deprecated.ConvertedType // -1: none
	scale, prec int32
	fieldID     int32
	logical     annotation // from the logical type; kind annotNone if absent
}

// chunkMeta is what the reader needs to know of a column chunk.
type chunkMeta struct {
	typ                       format.Type
	codec                     format.CompressionCodec
	numValues                 int64
	plainSize, compressedSize int64 // before and after compression
	dataOffset, dictOffset    int64
	bloomOffset               int64
	bloomLength               int32
	columnIndexLength         int32
	columnIndexOffset         int64
	offsetIndexOffset         int64
	offsetIndexLength         int32
	external, encrypted, meta bool
	stats                     *chunkStats
}

// start is where the chunk's first page begins.
func (c *chunkMeta) start() int64 {
	if c.dictOffset > 0 && c.dictOffset < c.dataOffset {
		return c.dictOffset
	}
	return c.dataOffset
}

// chunkStats are the statistics of a chunk; bounds alias the footer, nil is absent.
type chunkStats struct {
	min, max           []byte
	minValue, maxValue []byte
	nullCount          int64 // -1: unknown
}

type rowGroupMeta struct {
	numRows  int64
	firstRow int64 // position in the file
	columns  []chunkMeta
}

// fileMeta is a decoded footer.
type fileMeta struct {
	schema    []schemaElement
	numRows   int64
	rowGroups []rowGroupMeta
	keyValue  map[string]string
	createdBy string
	orders    []bool // per leaf: the order of values is that of the type
	encrypted bool
}

// parseFooter decodes the file's metadata. It allocates in proportion to b only: every row group and every
// chunk must have its required fields, each of which takes bytes.
func parseFooter(b []byte) (*fileMeta, error) {
	m := &fileMeta{numRows: -1}
	r := &thriftReader{b: b}
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 2 && t == thriftList:
			m.schema = parseSchema(r)
		case id == 3 && t == thriftI64:
			m.numRows = r.varint()
		case id == 4 && t == thriftList:
			if err := m.parseRowGroups(r); err != nil {
				return nil, err
			}
		case id == 5 && t == thriftList:
			m.keyValue = parseKeyValues(r)
		case id == 6 && t == thriftBinary:
			m.createdBy = string(r.bytes())
		case id == 7 && t == thriftList:
			m.orders = parseOrders(r)
		case id == 8 && t == thriftStruct:
			m.encrypted = true
			r.skip(t)
		default:
			r.skip(t)
		}
	}
	switch {
	case r.bad:
		return nil, corruptf("the footer is malformed")
	case len(m.schema) == 0:
		return nil, corruptf("the footer has no schema")
	case m.numRows < 0:
		return nil, corruptf("the footer has no number of rows")
	}
	return m, nil
}

func parseSchema(r *thriftReader) []schemaElement {
	n, elem := r.list()
	if elem != thriftStruct {
		r.fail()
		return nil
	}
	var out []schemaElement
	for ; n > 0 && !r.bad; n-- {
		e, named := parseSchemaElement(r)
		if !named { // the name is required, and keeps an element from being a single byte
			r.fail()
		}
		out = append(out, e)
	}
	return out
}

func parseSchemaElement(r *thriftReader) (e schemaElement, named bool) {
	e.converted = -1
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			e.typ, e.hasType = format.Type(r.int32()), true
		case id == 2 && t == thriftI32:
			e.typeLen = r.int32()
		case id == 3 && t == thriftI32:
			e.repetition = format.FieldRepetitionType(r.int32())
		case id == 4 && t == thriftBinary:
			e.name, named = string(r.bytes()), true
		case id == 5 && t == thriftI32:
			e.numChildren = r.int32()
		case id == 6 && t == thriftI32:
			e.converted = deprecated.ConvertedType(r.int32())
		case id == 7 && t == thriftI32:
			e.scale = r.int32()
		case id == 8 && t == thriftI32:
			e.prec = r.int32()
		case id == 9 && t == thriftI32:
			e.fieldID = r.int32()
		case id == 10 && t == thriftStruct:
			e.logical = parseLogicalType(r)
		default:
			r.skip(t)
		}
	}
	return e, named
}

func (m *fileMeta) parseRowGroups(r *thriftReader) error {
	n, elem := r.list()
	if n > 0 && elem != thriftStruct {
		r.fail()
	}
	var first int64
	for ; n > 0 && !r.bad; n-- {
		g := rowGroupMeta{numRows: -1, firstRow: first}
		for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
			switch {
			case id == 1 && t == thriftList:
				g.columns = parseChunks(r)
			case id == 3 && t == thriftI64:
				g.numRows = r.varint()
			default:
				r.skip(t)
			}
		}
		if r.bad {
			break
		}
		if g.numRows < 0 || g.numRows > maxRowGroupRows {
			return corruptf("row group %d has %d rows", len(m.rowGroups), g.numRows)
		}
		first += g.numRows
		m.rowGroups = append(m.rowGroups, g)
	}
	return nil
}

func parseChunks(r *thriftReader) []chunkMeta {
	n, elem := r.list()
	if n > 0 && elem != thriftStruct {
		r.fail()
	}
	var out []chunkMeta
	for ; n > 0 && !r.bad; n-- {
		var c chunkMeta
		for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
			switch {
			case id == 1 && t == thriftBinary:
				c.external = len(r.bytes()) > 0
			case id == 3 && t == thriftStruct:
				c.parseMeta(r)
			case id == 4 && t == thriftI64:
				c.offsetIndexOffset = r.varint()
			case id == 5 && t == thriftI32:
				c.offsetIndexLength = r.int32()
			case id == 6 && t == thriftI64:
				c.columnIndexOffset = r.varint()
			case id == 7 && t == thriftI32:
				c.columnIndexLength = r.int32()
			case (id == 8 && t == thriftStruct) || id == 9:
				c.encrypted = true
				r.skip(t)
			default:
				r.skip(t)
			}
		}
		if !c.meta && !c.encrypted {
			r.fail()
		}
		out = append(out, c)
	}
	return out
}

// parseMeta reads ColumnMetaData. Its required fields must be there.
func (c *chunkMeta) parseMeta(r *thriftReader) {
	seen := 0
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			c.typ = format.Type(r.int32())
			seen |= 1
		case id == 4 && t == thriftI32:
			c.codec = format.CompressionCodec(r.int32())
			seen |= 2
		case id == 5 && t == thriftI64:
			c.numValues = r.varint()
			seen |= 4
		case id == 6 && t == thriftI64:
			c.plainSize = r.varint()
		case id == 7 && t == thriftI64:
			c.compressedSize = r.varint()
			seen |= 8
		case id == 9 && t == thriftI64:
			c.dataOffset = r.varint()
			seen |= 16
		case id == 11 && t == thriftI64:
			c.dictOffset = r.varint()
		case id == 12 && t == thriftStruct:
			c.stats = parseStatistics(r)
		case id == 14 && t == thriftI64:
			c.bloomOffset = r.varint()
		case id == 15 && t == thriftI32:
			c.bloomLength = r.int32()
		default:
			r.skip(t)
		}
	}
	c.meta = seen == 31
}

func parseStatistics(r *thriftReader) *chunkStats {
	s := &chunkStats{nullCount: -1}
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftBinary:
			s.max = r.bytes()
		case id == 2 && t == thriftBinary:
			s.min = r.bytes()
		case id == 3 && t == thriftI64:
			s.nullCount = r.varint()
		case id == 5 && t == thriftBinary:
			s.maxValue = r.bytes()
		case id == 6 && t == thriftBinary:
			s.minValue = r.bytes()
		default:
			r.skip(t)
		}
	}
	return s
}

func parseKeyValues(r *thriftReader) map[string]string {
	n, elem := r.list()
	if n > 0 && elem != thriftStruct {
		r.fail()
	}
	kv := map[string]string{}
	for ; n > 0 && !r.bad; n-- {
		var k, v string
		for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
			switch {
			case id == 1 && t == thriftBinary:
				k = string(r.bytes())
			case id == 2 && t == thriftBinary:
				v = string(r.bytes())
			default:
				r.skip(t)
			}
		}
		kv[k] = v
	}
	return kv
}

func parseOrders(r *thriftReader) []bool {
	n, elem := r.list()
	if n > 0 && elem != thriftStruct {
		r.fail()
	}
	var out []bool
	for ; n > 0 && !r.bad; n-- {
		known := false
		for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
			known = known || id == 1
			r.skip(t)
		}
		out = append(out, known)
	}
	return out
}
