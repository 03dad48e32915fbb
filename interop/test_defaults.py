"""Column defaults: every way in which featuresql and Spark insert rows without a value, on tables of either, and what delta-rs reads of them."""

import deltalake
import pymysql
import pytest

COLUMNS = "id INT, n INT DEFAULT 7, s STRING DEFAULT 'it''s', at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, w BIGINT"


@pytest.fixture(scope="module")
def db(server):
    server.rows("CREATE DATABASE IF NOT EXISTS defaulted")
    return lambda sql: server.rows(sql, database="defaulted")


@pytest.fixture(params=["featuresql", "spark"])
def table(request, db, spark, warehouse):
    """A table that one of the two made: its name here, there, and its folder."""
    name, folder = f"by_{request.param}", f"{warehouse}/defaulted/by_{request.param}"
    if request.param == "spark":
        spark.sql(f"CREATE TABLE delta.`{folder}` ({COLUMNS.replace(chr(39) * 2, chr(92) + chr(39))}) USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')")
    else:
        db(f"CREATE TABLE {name} ({COLUMNS})")
    yield name, f"delta.`{folder}`", folder
    db(f"DROP TABLE {name}")


def test_inserts(db, spark, table):
    here, there, folder = table
    db(f"INSERT INTO {here} (id) VALUES (1)")
    db(f"INSERT INTO {here} VALUES (2, DEFAULT, DEFAULT, DEFAULT, DEFAULT)")
    db(f"INSERT INTO {here} (w, id) SELECT NULL, 3")
    db(f"MERGE INTO {here} t USING (SELECT 4 AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)")
    db(f"INSERT INTO {here} (id, n, s) VALUES (5, 0, '')")
    db(f"UPDATE {here} SET n = DEFAULT, s = DEFAULT WHERE id = 5")
    spark.sql(f"INSERT INTO {there} (id) VALUES (11)")
    spark.sql(f"INSERT INTO {there} VALUES (12, DEFAULT, DEFAULT, DEFAULT, DEFAULT)")
    spark.sql(f"MERGE INTO {there} t USING (SELECT 14 AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)")
    spark.sql(f"UPDATE {there} SET w = DEFAULT, n = DEFAULT WHERE id = 12")
    ids = [1, 2, 3, 4, 5, 11, 12, 14]
    assert db(f"SELECT id, n, s, at IS NULL, w FROM {here} ORDER BY id") == tuple((i, 7, "it's", 0, None) for i in ids)
    assert [tuple(r) for r in spark.sql(f"SELECT id, n, s, at IS NULL, w FROM {there} ORDER BY id").collect()] == [(i, 7, "it's", False, None) for i in ids]
    rows = deltalake.DeltaTable(folder).to_pyarrow_table().sort_by("id").to_pylist()
    assert [(r["id"], r["n"], r["s"], r["at"] is None, r["w"]) for r in rows] == [(i, 7, "it's", False, None) for i in ids]


def test_changed_defaults(db, spark, table):
    here, there, _ = table
    db(f"INSERT INTO {here} (id) VALUES (1)")
    db(f"ALTER TABLE {here} ALTER COLUMN n SET DEFAULT 70, ALTER COLUMN s DROP DEFAULT, ADD COLUMN x INT DEFAULT 5")
    spark.sql(f"INSERT INTO {there} (id) VALUES (2)")
    spark.sql(f"ALTER TABLE {there} ALTER COLUMN x SET DEFAULT 50")
    spark.sql(f"ALTER TABLE {there} ALTER COLUMN n DROP DEFAULT")
    db(f"INSERT INTO {here} (id) VALUES (3)")
    assert db(f"SELECT id, n, s, x FROM {here} ORDER BY id") == ((1, 7, "it's", None), (2, 70, None, 5), (3, None, None, 50))
    shown = db(f"SHOW CREATE TABLE {here}")[0][1]
    assert "`x` int DEFAULT 50" in shown and "`n` int,\n" in shown and "`at` timestamp(6) DEFAULT CURRENT_TIMESTAMP" in shown, shown
    defaults = dict(db(f"SELECT column_name, column_default FROM information_schema.columns WHERE table_schema = 'defaulted' AND table_name = '{here}'"))
    assert defaults["x"] == "50" and defaults["n"] is None and defaults["at"].startswith("CURRENT_TIMESTAMP"), defaults


def test_refused_defaults(db, table):
    here, _, _ = table
    for definition, code in (("DEFAULT 'x'", 1067), ("DEFAULT 99999999999", 1067), ("DEFAULT (id + 1)", 1235)):
        with pytest.raises(pymysql.err.Error) as e:
            db(f"ALTER TABLE {here} ADD COLUMN bad INT {definition}")
        assert e.value.args[0] == code, e.value
