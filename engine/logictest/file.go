package logictest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// record is one statement of a file and what is expected of it.
type record struct {
	line     int
	sql      string
	query    bool
	rowsort  bool
	want     []string // rows
	affects  int64    // -1: any
	code     int      // of an expected error; 0: none
	state    string   // its SQLSTATE; empty: any
	contains string
	fallback bool // a construct runs row by row
}

// parse reads a file.
func parse(path string) ([]record, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(src), "\n")
	var out []record
	for i := 0; i < len(lines); i++ {
		head := strings.Fields(lines[i])
		if len(head) == 0 || strings.HasPrefix(head[0], "#") {
			continue
		}
		r := record{line: i + 1, affects: -1}
		if err := r.parseHead(head); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		var text []string
		for i++; i < len(lines) && lines[i] != "" && lines[i] != "----"; i++ {
			text = append(text, lines[i])
		}
		r.sql = strings.TrimSuffix(strings.Join(text, "\n"), ";")
		if r.query {
			for i++; i < len(lines) && lines[i] != ""; i++ {
				r.want = append(r.want, lines[i])
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (r *record) parseHead(head []string) error {
	if n := len(head) - 1; head[n] == "fallback" {
		r.fallback, head = true, head[:n]
	}
	switch {
	case head[0] == "query":
		r.query = true
		r.rowsort = len(head) > 1 && head[1] == "rowsort"
		return nil
	case head[0] == "statement" && len(head) == 2 && head[1] == "ok":
		return nil
	case head[0] == "statement" && len(head) == 3 && head[1] == "affects":
		n, err := strconv.ParseInt(head[2], 10, 64)
		r.affects = n
		return err
	case head[0] == "statement" && len(head) >= 3 && head[1] == "error":
		code, state, _ := strings.Cut(head[2], "/")
		n, err := strconv.Atoi(code)
		r.code, r.state, r.contains = n, state, strings.Join(head[3:], " ")
		return err
	}
	return fmt.Errorf("not a record: %s", strings.Join(head, " "))
}
