package replay

import (
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// heads are the statistics of a part that are of whole files.
type heads struct {
	records []int64 // numRecords; -1: unknown
	loose   []bool  // tightBounds is false
}

// parseHeads reads numRecords and tightBounds of every file. What writers put first and last is found without
// looking at the rest.
func (p *part) parseHeads() *heads {
	h := &heads{records: make([]int64, p.n), loose: make([]bool, p.n)}
	p.stats.each(p.n, func(i int, s string) {
		h.records[i], h.loose[i] = headOf(s)
	})
	return h
}

func headOf(s string) (records int64, loose bool) {
	if rest, ok := strings.CutPrefix(s, `{"numRecords":`); ok {
		n := 0
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if v, ok := jsonscan.ParseInt(rest[:n]); ok && n < len(rest) && (rest[n] == ',' || rest[n] == '}') {
			switch {
			case strings.HasSuffix(rest, `,"tightBounds":true}`):
				return v, false
			case strings.HasSuffix(rest, `,"tightBounds":false}`):
				return v, true
			case !strings.Contains(rest, `"tightBounds"`):
				return v, false
			}
		}
	}
	return scanHead(s)
}

// scanHead is headOf for statistics of any form; malformed ones are unknown.
func scanHead(s string) (records int64, loose bool) {
	records = -1
	if s == "" {
		return records, false
	}
	sc := jsonscan.New(s)
	if !sc.BeginObject() {
		return -1, true
	}
	for first := true; ; first = false {
		key, ok := sc.NextKey(first)
		if !ok {
			break
		}
		switch c := sc.Peek(); {
		case key == "numRecords" && (c == '-' || c-'0' <= 9):
			n, ok := parseInteger(sc.Number(), 0, 1<<62, down)
			if records = n; !ok {
				records = -1
			}
		case key == "tightBounds" && (c == 't' || c == 'f'):
			loose = !sc.Bool()
		default:
			sc.Skip()
		}
	}
	if sc.Err() != nil {
		return -1, true
	}
	return records, loose
}

// fileColumn is what the statistics of one file say about one column: JSON text, empty where they say nothing.
type fileColumn struct {
	min, max, nulls string
}

// scanColumn looks a column up in the statistics of a file. Malformed statistics say nothing.
func scanColumn(s, physical string) (c fileColumn) {
	if s == "" {
		return c
	}
	sc := jsonscan.New(s)
	if !sc.BeginObject() {
		return c
	}
	for first := true; ; first = false {
		key, ok := sc.NextKey(first)
		if !ok {
			break
		}
		var to *string
		switch key {
		case "minValues":
			to = &c.min
		case "maxValues":
			to = &c.max
		case "nullCount":
			to = &c.nulls
		}
		if to == nil || sc.Peek() != '{' {
			sc.Skip()
			continue
		}
		*to = memberOf(&sc, physical)
	}
	if sc.Err() != nil {
		return fileColumn{}
	}
	return c
}

// memberOf reads an object and returns the text of one member.
func memberOf(sc *jsonscan.Scanner, name string) (text string) {
	sc.BeginObject()
	for first := true; ; first = false {
		key, ok := sc.NextKey(first)
		if !ok {
			return text
		}
		if key == name {
			text = sc.Raw()
			continue
		}
		skipValue(sc)
	}
}

// skipValue is Skip with a short way for what most statistics are.
func skipValue(sc *jsonscan.Scanner) {
	switch c := sc.Peek(); {
	case c == '"':
		sc.RawString()
	case c == '-' || c-'0' <= 9:
		sc.Number()
	default:
		sc.Skip()
	}
}
