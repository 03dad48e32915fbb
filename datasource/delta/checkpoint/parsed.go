package checkpoint

import (
	"math"
	"strconv"
	"time"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
	"github.com/featuresql/featuresql/engine/types"
)

// parsed rebuilds statistics from add.stats_parsed, for checkpoints that were written without add.stats.
type parsed struct {
	root *parsedNode // nil: not needed or not there
	buf  []byte
}

// parsedNode is a field of stats_parsed: a column, or a struct of fields.
type parsedNode struct {
	name     string
	column   flat
	children []*parsedNode
}

// openParsed opens the parsed statistics of a row group if some of its adds have no other.
func openParsed(s *columnSet, path, stats flat) *parsed {
	p := &parsed{}
	if s.err != nil || stats.column != nil && stats.values.Len >= path.values.Len {
		return p
	}
	root := &parsedNode{}
	for i, l := range s.f.leaves {
		if len(l.Path) < 3 || l.Path[0] != "add" || l.Path[1] != "stats_parsed" || l.MaxRep != 0 || l.Type.Kind == types.Invalid || l.Type.Kind == types.Binary {
			continue
		}
		if c := s.read(i); c != nil {
			root.child(l.Path[2:]).column = flat{c}
		}
	}
	if s.err == nil && root.children != nil {
		p.root = root
	}
	return p
}

// child returns the descendant at a path.
func (n *parsedNode) child(path []string) *parsedNode {
	if len(path) == 0 {
		return n
	}
	for _, c := range n.children {
		if c.name == path[0] {
			return c.child(path[1:])
		}
	}
	c := &parsedNode{name: path[0]}
	n.children = append(n.children, c)
	return c.child(path[1:])
}

// skip passes over a row.
func (p *parsed) skip() {
	if p.root != nil {
		p.buf, _ = p.root.append(p.buf[:0])
	}
}

// row returns the statistics of the next row: stats, if it is not empty. The result is valid until the next call.
func (p *parsed) row(stats string) string {
	if p.root == nil {
		return stats
	}
	var some bool
	p.buf, some = p.root.append(p.buf[:0])
	if stats != "" || !some {
		return stats
	}
	return string(p.buf)
}

// append appends the node's value in the next row as JSON, and reports whether there is one.
func (n *parsedNode) append(dst []byte) ([]byte, bool) {
	if n.column.column != nil {
		return appendValue(dst, n.column)
	}
	start := len(dst)
	dst = append(dst, '{')
	some := false
	for _, c := range n.children {
		undo := len(dst)
		if some {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, c.name), ':')
		var ok bool
		if dst, ok = c.append(dst); !ok {
			dst = dst[:undo]
			continue
		}
		some = true
	}
	if !some {
		return dst[:start], false
	}
	return append(dst, '}'), true
}

func appendValue(dst []byte, c flat) ([]byte, bool) {
	i, ok := c.next()
	if !ok {
		return dst, false
	}
	v := c.values
	switch k := v.Type.Kind; {
	case k == types.Bool:
		return strconv.AppendBool(dst, v.Int(i) != 0), true
	case v.Type.IsInteger():
		return strconv.AppendInt(dst, v.Int(i), 10), true
	case v.Type.IsFloat():
		return appendFloat(dst, v.Float(i), k == types.Float32), true
	case k == types.Decimal:
		return v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale)), true
	case k == types.Date:
		return time.Unix(v.Int(i)*86400, 0).UTC().AppendFormat(dst, `"2006-01-02"`), true
	case k == types.Timestamp, k == types.TimestampNTZ:
		format := "2006-01-02T15:04:05.000000"
		if v.Int(i)%1000 == 0 {
			format = "2006-01-02T15:04:05.000"
		}
		if k == types.Timestamp {
			format += "Z"
		}
		return time.UnixMicro(v.Int(i)).UTC().AppendFormat(dst, `"`+format+`"`), true
	case k == types.String:
		return jsonscan.AppendString(dst, c.column.text(i)), true
	}
	return dst, false
}

func appendFloat(dst []byte, f float64, single bool) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	case single:
		return strconv.AppendFloat(dst, f, 'g', -1, 32)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}
