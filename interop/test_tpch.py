"""The 22 queries of TPC-H give DuckDB's rows, from batches alone."""

import decimal
import glob
import os
import pathlib

import deltalake
import duckdb
import pytest

QUERIES = sorted((pathlib.Path(__file__).resolve().parent.parent / "bench" / "queries").glob("q*.sql"))
TABLES = ("lineitem", "orders", "customer", "part", "partsupp", "supplier", "nation", "region")


@pytest.fixture(scope="module")
def tpch(server):
    """Tables of scale factor 0.1 written by delta-rs, and DuckDB over the same files."""
    import duckdb_extension_delta
    import duckdb_extension_tpch
    d = duckdb.connect(config={"threads": 2})
    for mod in (duckdb_extension_delta, duckdb_extension_tpch):
        d.execute("LOAD '%s'" % glob.glob(os.path.join(os.path.dirname(mod.__file__), "**", "*.duckdb_extension"), recursive=True)[0])
    base = server.warehouse / "tpch"
    d.execute("CALL dbgen(sf=0.1)")
    for t in TABLES:
        deltalake.write_deltalake(str(base / t), d.execute(f"SELECT * FROM {t}").to_arrow_table())
        d.execute(f"DROP TABLE {t}")
    for t in TABLES:
        d.execute(f"CREATE VIEW {t} AS SELECT * FROM delta_scan('{base / t}')")
    c = server.connect("tpch")
    yield c, d
    c.close()


def value(v):
    """Exact but for floats: DuckDB averages and divides in DOUBLE, featuresql, as MySQL, in DECIMAL."""
    if isinstance(v, (int, float, decimal.Decimal)):
        return float(v)
    return v


def close(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 5e-5 + 1e-9 * abs(b)
    return a == b


@pytest.mark.parametrize("path", QUERIES, ids=lambda p: p.stem)
def test_query(tpch, path):
    c, d = tpch
    query = path.read_text()
    want = d.execute(query).fetchall()
    with c.cursor() as cur:
        cur.execute(query)
        got = cur.fetchall()
        assert len(got) == len(want)
        for g, w in zip(got, want):  # every query orders its rows
            assert all(close(value(x), value(y)) for x, y in zip(g, w)), f"{g} is not {w}"
        cur.execute("EXPLAIN " + query)
        plan = "\n".join(r[0] for r in cur.fetchall())
    assert "row fallback" not in plan, plan
