"""Tables that featuresql writes: Spark, delta-rs and DuckDB read exactly its rows at every version, and Spark goes on writing."""

import glob
import os

import deltalake
import duckdb
import pytest

from conftest import featuresql_rows, key, normal, plain, spark_rows

PLAIN = [
    "CREATE TABLE {t} (id BIGINT NOT NULL, p STRING, n INT, d DECIMAL(20,4), x DOUBLE, at DATETIME(6), day DATE, b BOOLEAN, bin BINARY) {options}",
    """INSERT INTO {t} VALUES (1, 'a', 1, 1.5, 0.1, '2026-01-02 03:04:05.678901', '2026-01-02', true, x'00FF'), (2, 'b c', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       (3, 'd/e%f=g', -5, -9999999999999999.9999, -1e300, '1969-12-31 23:59:59.000001', '1900-01-01', false, x'')""",
    "INSERT INTO {t} (id, p) VALUES (4, NULL), (5, '😀ÿ')",
    "UPDATE {t} SET n = id * 2, x = x + 1 WHERE id >= 2",
    "DELETE FROM {t} WHERE id = 3",
    """MERGE INTO {t} AS t USING (SELECT 1 AS id, 'merged' AS p UNION ALL SELECT 10, 'new' UNION ALL SELECT 11, 'newer') AS s ON t.id = s.id
       WHEN MATCHED THEN UPDATE SET p = s.p, n = t.n + 100
       WHEN NOT MATCHED AND s.id > 10 THEN INSERT (id, p, n) VALUES (s.id, upper(s.p), 0)
       WHEN NOT MATCHED THEN INSERT (id, p) VALUES (s.id, s.p)""",
    "ALTER TABLE {t} ADD COLUMN later STRING",
    "INSERT INTO {t} (id, later) VALUES (20, 'x')",
    "INSERT INTO {t} (id, p, n) SELECT id + 1000, p, n FROM {t}",
    "TRUNCATE TABLE {t}",
    "INSERT INTO {t} (id, p) VALUES (99, 'after')",
]

VARIANTS = {
    "plain": "",
    "partitioned": "PARTITIONED BY (p, day)",
    "vectors": "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
    "mapped": "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
    "mapped_partitioned_vectors": "PARTITIONED BY (p) TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '3')",
    "checkpointed": "TBLPROPERTIES ('delta.checkpointInterval' = '2')",
    "v2_checkpoints": "TBLPROPERTIES ('delta.checkpointInterval' = '2', 'delta.checkpointPolicy' = 'v2')",
    "in_commit_timestamps": "TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')",
}


def duckdb_connection():
    c = duckdb.connect()
    import duckdb_extension_delta
    path = glob.glob(os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "**", "*.duckdb_extension"), recursive=True)[0]
    c.execute(f"LOAD '{path}'")
    c.execute("SET TimeZone = 'UTC'")
    return c


def delta_rs_rows(path, version):
    """Rows by delta-rs, or None for a table that it cannot read."""
    try:
        table = deltalake.DeltaTable(path, version=version).to_pyarrow_table()
    except Exception as e:  # noqa: BLE001 - it has no error of its own for this
        if "feature" in str(e).lower() or "unsupported" in str(e).lower() or "not supported" in str(e).lower():
            return None
        raise
    return normal([list(r.values()) for r in table.to_pylist()])


@pytest.mark.parametrize("name", list(VARIANTS))
def test_peers_read_every_version(name, server, warehouse, spark):
    server.rows("CREATE DATABASE IF NOT EXISTS written")
    path = str(warehouse / "written" / name)
    for stmt in PLAIN:
        server.rows(stmt.format(t=name, options=VARIANTS[name]), database="written")
    newest = max(r[0] for r in server.rows(f"DESCRIBE HISTORY {name}", database="written"))
    assert newest == len(PLAIN) - 1
    read_by_delta_rs = 0
    for v in range(newest + 1):
        got = featuresql_rows(server, name, v, "written")
        assert got == spark_rows(spark.read.format("delta").option("versionAsOf", v).load(path)), f"Spark, version {v}"
        theirs = delta_rs_rows(path, v)
        if theirs is not None:
            read_by_delta_rs += 1
            assert got == theirs, f"delta-rs, version {v}"
    if name in ("plain", "partitioned", "checkpointed"):
        assert read_by_delta_rs == newest + 1
    if name not in ("v2_checkpoints", "mapped_partitioned_vectors"):  # DuckDB 1.5.5 returns NULL for partition columns under column mapping
        rows = duckdb_connection().execute(f"SELECT * FROM delta_scan('{path}')").fetchall()
        assert normal(rows) == featuresql_rows(server, name, None, "written"), "DuckDB"
    spark.sql(f"INSERT INTO delta.`{path}` (id, p) VALUES (500, 'spark')")
    spark.sql(f"UPDATE delta.`{path}` SET n = 7 WHERE id = 99")
    server.rows(f"UPDATE {name} SET n = n + 1 WHERE id = 99", database="written")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 500")
    want = spark_rows(spark.read.format("delta").load(path))
    assert featuresql_rows(server, name, None, "written") == want
    assert [r[2] for r in want if r[0] == 99] == [8]


def test_delta_rs_goes_on_writing(server, warehouse):
    import pyarrow as pa
    server.rows("CREATE DATABASE IF NOT EXISTS written")
    path = str(warehouse / "written" / "shared_rs")
    server.rows("CREATE TABLE shared_rs (id BIGINT, v STRING)", database="written")
    for i in range(12):
        server.rows(f"INSERT INTO shared_rs VALUES ({i}, 'featuresql')", database="written")
        deltalake.write_deltalake(path, pa.table({"id": pa.array([100 + i], pa.int64()), "v": ["delta-rs"]}), mode="append")
    deltalake.DeltaTable(path).delete("id = 3")
    deltalake.DeltaTable(path).create_checkpoint()
    server.rows("DELETE FROM shared_rs WHERE id = 4", database="written")
    want = sorted([[i, "featuresql"] for i in range(12) if i not in (3, 4)] + [[100 + i, "delta-rs"] for i in range(12)], key=key)
    assert featuresql_rows(server, "shared_rs", None, "written") == want
    assert delta_rs_rows(path, None) == want


def test_types_come_back_equal(server, warehouse, spark):
    """What was written is what is read, value by value, over the wire and by Spark."""
    server.rows("CREATE DATABASE IF NOT EXISTS written")
    server.rows("CREATE TABLE types (a TINYINT, b SMALLINT, c INT, d BIGINT, e FLOAT, f DOUBLE, g DECIMAL(38,10), h STRING, i DATE, j DATETIME(6), k TIMESTAMP(6))", database="written")
    server.rows("""INSERT INTO types VALUES (-128, -32768, -2147483648, -9223372036854775808, 1.5, 1e-300, -1234567890123456789012345678.0123456789, 'it''s', '0001-01-01',
                   '9999-12-31 23:59:59.999999', '2026-01-02 03:04:05.000001')""", database="written")
    got = featuresql_rows(server, "types", None, "written")
    assert got == spark_rows(spark.read.format("delta").load(str(warehouse / "written" / "types")))
    assert got[0][:4] == [-128, -32768, -2147483648, -9223372036854775808]
    assert got[0][6] == "-1234567890123456789012345678.0123456789"
    assert [plain(x) for x in got[0][9:]] == ["9999-12-31 23:59:59.999999", "2026-01-02 03:04:05.000001"]
