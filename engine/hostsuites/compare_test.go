package hostsuites

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

// cell is a value as a client received it.
type cell struct {
	null bool
	text string
}

func (c cell) String() string {
	if c.null {
		return "NULL"
	}
	return c.text
}

// sameRows compares as the host's tests do: in order under ORDER BY, as bags otherwise; numbers by value, decimals by
// their digits, JSON by its contents.
func sameRows(query string, want []sql.Row, got [][]cell) bool {
	if len(want) == 1 && len(want[0]) == 0 && len(got) == 0 {
		return true // SET and SELECT INTO have no rows on the wire
	}
	if len(want) != len(got) {
		return false
	}
	if strings.Contains(strings.ToUpper(query), "ORDER BY ") {
		for i := range want {
			if !sameRow(want[i], got[i]) {
				return false
			}
		}
		return true
	}
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g []cell) bool { return sameRow(w, g) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

func sameRow(want sql.Row, got []cell) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !sameValue(want[i], got[i]) {
			return false
		}
	}
	return true
}

func sameValue(want any, got cell) bool {
	if want == nil || got.null {
		return want == nil && got.null
	}
	switch v := want.(type) {
	case bool:
		return got.text == map[bool]string{true: "1", false: "0"}[v]
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return sameNumber(fmt.Sprint(v), got.text)
	case float32:
		return sameFloat(float64(v), got.text, 1e-6)
	case float64:
		return sameFloat(v, got.text, 1e-14)
	case decimal.Decimal:
		return v.StringFixed(-v.Exponent()) == got.text
	case time.Time:
		return sameTime(v, got.text)
	case types.Timespan:
		return v.String() == got.text || strings.TrimSuffix(got.text, ".000000") == v.String()
	case []byte:
		return string(v) == got.text
	case string:
		return v == got.text || sameTimeText(v, got.text)
	case sql.JSONWrapper:
		doc, err := v.ToInterface()
		return err == nil && sameJSON(doc, got.text)
	}
	return fmt.Sprint(want) == got.text
}

func sameNumber(want, got string) bool {
	w, err := decimal.NewFromString(want)
	if err != nil {
		return false
	}
	g, err := decimal.NewFromString(got)
	return err == nil && w.Equal(g)
}

func sameFloat(want float64, got string, tolerance float64) bool {
	g, err := strconv.ParseFloat(got, 64)
	return err == nil && (g == want || math.Abs(g-want) <= tolerance*math.Abs(want))
}

func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func sameTime(want time.Time, got string) bool {
	g, ok := parseTime(got)
	return ok && g.Equal(want)
}

// sameTimeText allows zeros at the end of a second's fraction, of which featuresql shows none or six.
func sameTimeText(want, got string) bool {
	w, ok := parseTime(want)
	return ok && len(want) > len("2006-01-02") && len(got) > len("2006-01-02") && sameTime(w, got)
}

func sameJSON(want any, got string) bool {
	data, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var w, g any
	if json.Unmarshal(data, &w) != nil || json.Unmarshal([]byte(got), &g) != nil {
		return false
	}
	return reflect.DeepEqual(w, g)
}

// show writes rows for people.
func show(rows [][]cell) string {
	var b strings.Builder
	for i, r := range rows {
		if i == 12 {
			fmt.Fprintf(&b, "\n… %d rows", len(rows))
			break
		}
		fmt.Fprintf(&b, "\n%v", r)
	}
	return b.String()
}

func showWant(rows []sql.Row) string {
	var b strings.Builder
	for i, r := range rows {
		if i == 12 {
			fmt.Fprintf(&b, "\n… %d rows", len(rows))
			break
		}
		var cells []string
		for _, v := range r {
			switch v := v.(type) {
			case []byte:
				cells = append(cells, fmt.Sprintf("bytes %q", v))
			case sql.JSONWrapper:
				doc, _ := v.ToInterface()
				text, _ := json.Marshal(doc)
				cells = append(cells, "json "+string(text))
			case decimal.Decimal:
				cells = append(cells, v.StringFixed(-v.Exponent()))
			default:
				cells = append(cells, fmt.Sprint(v))
			}
		}
		fmt.Fprintf(&b, "\n%v", cells)
	}
	return b.String()
}
