package logictest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

var tpchTables = []string{
	"region (r_regionkey INT, r_name VARCHAR(25), r_comment VARCHAR(152))",
	"nation (n_nationkey INT, n_name VARCHAR(25), n_regionkey INT, n_comment VARCHAR(152))",
	"supplier (s_suppkey BIGINT, s_name VARCHAR(25), s_address VARCHAR(40), s_nationkey INT, s_phone VARCHAR(15), s_acctbal DECIMAL(15,2), s_comment VARCHAR(101))",
	"customer (c_custkey BIGINT, c_name VARCHAR(25), c_address VARCHAR(40), c_nationkey INT, c_phone VARCHAR(15), c_acctbal DECIMAL(15,2), c_mktsegment VARCHAR(10), c_comment VARCHAR(117))",
	"part (p_partkey BIGINT, p_name VARCHAR(55), p_mfgr VARCHAR(25), p_brand VARCHAR(10), p_type VARCHAR(25), p_size INT, p_container VARCHAR(10), p_retailprice DECIMAL(15,2), p_comment VARCHAR(23))",
	"partsupp (ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty BIGINT, ps_supplycost DECIMAL(15,2), ps_comment VARCHAR(199))",
	"orders (o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus VARCHAR(1), o_totalprice DECIMAL(15,2), o_orderdate DATE, o_orderpriority VARCHAR(15), o_clerk VARCHAR(15), o_shippriority INT, o_comment VARCHAR(79))",
	"lineitem (l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber BIGINT, l_quantity DECIMAL(15,2), l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), " +
		"l_returnflag VARCHAR(1), l_linestatus VARCHAR(1), l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct VARCHAR(25), l_shipmode VARCHAR(10), l_comment VARCHAR(44))",
}

// BenchmarkPlanTPCH is what a client waits for the plan of each query, parsing, binding and the way there and back included.
func BenchmarkPlanTPCH(b *testing.B) {
	_, db := serveEngine(b, engine.Options{})
	db.SetMaxOpenConns(1)
	for _, t := range tpchTables {
		if _, err := db.ExecContext(b.Context(), "CREATE TABLE "+t); err != nil {
			b.Fatal(err)
		}
	}
	files, err := filepath.Glob("../../bench/queries/q*.sql")
	if err != nil || len(files) != 22 {
		b.Fatalf("%d queries, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.TrimSuffix(filepath.Base(f), ".sql"), func(b *testing.B) {
			for b.Loop() {
				rows, err := db.QueryContext(b.Context(), "EXPLAIN "+string(text))
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
				}
				if err := rows.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
