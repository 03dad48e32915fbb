package parser_test

import (
	"errors"
	"testing"

	"github.com/featuresql/featuresql/engine/parser"
)

// What MySQL refuses, with its numbers.
func TestWindowErrors(t *testing.T) {
	for sql, code := range map[string]int{
		"SELECT sum(x) OVER w FROM t":                                                                             3579,
		"SELECT sum(x) OVER (v) FROM t WINDOW w AS ()":                                                            3579,
		"SELECT sum(x) OVER w FROM t WINDOW w AS (v), v AS (u), u AS (w)":                                         3580,
		"SELECT 1 FROM t WINDOW w AS (w)":                                                                         3580,
		"SELECT sum(x) OVER (w PARTITION BY y) FROM t WINDOW w AS ()":                                             3581,
		"SELECT 1 FROM t WINDOW w AS (ROWS 1 PRECEDING), v AS (w)":                                                3582,
		"SELECT sum(x) OVER (w ORDER BY y) FROM t WINDOW w AS (ORDER BY x)":                                       3583,
		"SELECT sum(x) OVER w FROM t WINDOW w AS (), W AS ()":                                                     3591,
		"SELECT sum(x) OVER (PARTITION BY 1) FROM t":                                                              3592,
		"SELECT x FROM t WHERE sum(x) OVER () > 1":                                                                3593,
		"SELECT x FROM t GROUP BY rank() OVER ()":                                                                 3593,
		"SELECT x FROM t WHERE x IN (SELECT y FROM u HAVING rank() OVER () = 1)":                                  3593,
		"SELECT sum(x) OVER (ROWS INTERVAL 1 DAY PRECEDING) FROM t":                                               3596,
		"SELECT sum(x) OVER (ORDER BY x, y RANGE 1 PRECEDING) FROM t":                                             3587,
		"SELECT (SELECT sum(x) OVER w FROM t) FROM t WINDOW w AS (ORDER BY x)":                                    3579,
		"CREATE VIEW v AS SELECT sum(x) OVER (w ORDER BY y) FROM t WINDOW w AS (PARTITION BY x ROWS 1 PRECEDING)": 3582,
	} {
		_, err := parser.New(nil).ParseSimple(sql)
		var w *parser.WindowError
		if !errors.As(err, &w) || w.Code != code {
			t.Errorf("%s: %v, want %d", sql, err, code)
		}
	}
	for _, sql := range []string{
		"SELECT sum(x) OVER w, rank() OVER (v ORDER BY x) FROM t WINDOW w AS (v ROWS 1 PRECEDING), v AS (PARTITION BY y)",
		"SELECT `over` AS ignore_nulls FROM t",
		"SELECT x FROM (SELECT sum(x) OVER (ORDER BY x ROWS 1.0 PRECEDING) AS x FROM t) t",
	} {
		if _, err := parser.New(nil).ParseSimple(sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
