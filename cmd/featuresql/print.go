package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/types"
)

// plain renders a value as it is sent to clients, binary ones as 0x and hexadecimal digits.
func plain(v types.Value, loc *time.Location) string {
	switch v.Type.Kind {
	case types.Binary:
		return "0x" + strings.ToUpper(hex.EncodeToString([]byte(v.S)))
	case types.Timestamp:
		return time.UnixMicro(v.I).In(loc).Format("2006-01-02 15:04:05.999999")
	}
	return string(types.AppendText(nil, v))
}

func printTable(w io.Writer, res *engine.Result, took time.Duration) {
	if len(res.Columns) == 0 {
		fmt.Fprintf(w, "OK, %d rows affected (%.3f s)\n", res.Affected, took.Seconds())
	} else {
		printRows(w, res)
		fmt.Fprintf(w, "%d rows (%.3f s)\n", len(res.Rows), took.Seconds())
	}
	for _, warning := range res.Warnings {
		fmt.Fprintln(w, "warning:", warning)
	}
}

func printRows(w io.Writer, res *engine.Result) {
	t := table.NewWriter()
	header := make(table.Row, len(res.Columns))
	for i, c := range res.Columns {
		header[i] = c
	}
	t.AppendHeader(header)
	t.Style().Format.Header = 0
	for _, r := range res.Rows {
		row := make(table.Row, len(r))
		for i, v := range r {
			if row[i] = "NULL"; v.Valid {
				row[i] = plain(v, res.Location)
			}
		}
		t.AppendRow(row)
	}
	fmt.Fprintln(w, t.Render())
}

// printCSV writes RFC 4180; NULL is an empty field and the empty string a quoted one.
func printCSV(w io.Writer, res *engine.Result) error {
	if len(res.Columns) == 0 {
		return nil
	}
	row := make([]string, len(res.Columns))
	for i, name := range res.Columns {
		row[i] = csvField(name)
	}
	if _, err := io.WriteString(w, strings.Join(row, ",")+"\n"); err != nil {
		return err
	}
	for _, r := range res.Rows {
		for i, v := range r {
			if row[i] = ""; v.Valid {
				row[i] = csvField(plain(v, res.Location))
			}
		}
		if _, err := io.WriteString(w, strings.Join(row, ",")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func csvField(s string) string {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && strings.TrimSpace(s) == s {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func printJSON(w io.Writer, res *engine.Result) error {
	for _, r := range res.Rows {
		var b strings.Builder
		b.WriteByte('{')
		for i, v := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(res.Columns[i])
			if err != nil {
				return err
			}
			value, err := jsonValue(v, res.Location)
			if err != nil {
				return err
			}
			b.Write(name)
			b.WriteByte(':')
			b.Write(value)
		}
		b.WriteString("}\n")
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// jsonValue keeps numbers as numbers with all their digits and nested values as they are.
func jsonValue(v types.Value, loc *time.Location) ([]byte, error) {
	switch {
	case !v.Valid:
		return []byte("null"), nil
	case v.Type.Kind == types.Bool:
		return strconv.AppendBool(nil, v.I != 0), nil
	case v.Type.Kind == types.JSON && json.Valid([]byte(v.S)):
		return []byte(v.S), nil
	case v.Type.IsNumeric():
		if s := v.String(); json.Valid([]byte(s)) {
			return []byte(s), nil
		}
	}
	return json.Marshal(plain(v, loc))
}
