"""Definitions: what featuresql declares, Spark reads and enforces; and the other way round."""

import pymysql
import pytest


@pytest.fixture(scope="module")
def db(server):
    server.rows("CREATE DATABASE IF NOT EXISTS ddl")
    return lambda sql: server.rows(sql, database="ddl")


def refused(spark, sql, *texts):
    with pytest.raises(Exception) as e:
        spark.sql(sql)
    message = str(e.value)
    assert any(t.lower() in message.lower() for t in texts), message




def test_spark_enforces_declared_types(db, spark, warehouse):
    db("""CREATE TABLE types (id INT NOT NULL, v VARCHAR(3), c CHAR(3), u TINYINT UNSIGNED, big BIGINT UNSIGNED, e ENUM('x', 'y''z', 'q\\\\'), m MEDIUMINT, b VARBINARY(2))""")
    db("INSERT INTO types VALUES (1, 'abc', 'x', 255, 18446744073709551615, 'y''z', -8388608, 'ab')")
    t = f"delta.`{warehouse}/ddl/types`"
    spark.sql(f"INSERT INTO {t} VALUES (2, 'éüñ', 'z', 0, 0, 'q\\\\', 8388607, x'00FF')")
    refused(spark, f"INSERT INTO {t} (id, v) VALUES (3, 'abcd')", "EXCEED", "length limitation")
    refused(spark, f"INSERT INTO {t} (id, c) VALUES (3, 'abcd')", "EXCEED", "length limitation")
    for column, value in [("u", "256"), ("u", "-1"), ("big", "-1"), ("e", "'X'"), ("m", "8388608"), ("b", "x'000102'")]:
        refused(spark, f"INSERT INTO {t} (id, {column}) VALUES (3, {value})", "CHECK constraint")
    assert db("SELECT id, v, trim(c), u, big, e, m, b FROM types ORDER BY id") == (
        (1, "abc", "x", 255, 18446744073709551615, "y'z", -8388608, b"ab"), (2, "éüñ", "z", 0, 0, "q\\", 8388607, b"\x00\xff"))
    assert [r[0] for r in spark.sql(f"SELECT id FROM {t} WHERE c = 'x' OR v = 'éüñ' ORDER BY id").collect()] == [1, 2]


def test_spark_honours_defaults(db, spark, warehouse):
    db("""CREATE TABLE defaults (id INT, n INT DEFAULT 7, s STRING DEFAULT 'it''s \\\\', d DECIMAL(5,2) DEFAULT -1.5, b BOOLEAN DEFAULT true, day DATE DEFAULT '2026-01-02',
          at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, x BINARY DEFAULT x'00FF')""")
    t = f"delta.`{warehouse}/ddl/defaults`"
    spark.sql(f"INSERT INTO {t} (id) VALUES (1)")
    spark.sql(f"INSERT INTO {t} (id, n) VALUES (2, DEFAULT)")
    db("INSERT INTO defaults (id) VALUES (3)")
    rows = db("SELECT n, s, d, b, day, x, abs(timestampdiff(MINUTE, at, utc_timestamp())) < 10 FROM defaults")
    assert len(rows) == 3 and len(set(rows)) == 1 and rows[0][1] == "it's \\", rows
    db("ALTER TABLE defaults ALTER COLUMN n SET DEFAULT 70, ALTER COLUMN s DROP DEFAULT, ADD COLUMN w INT DEFAULT 5")
    spark.sql(f"INSERT INTO {t} (id) VALUES (4)")
    assert db("SELECT id, n, s, w FROM defaults WHERE id > 2 ORDER BY id") == ((3, 7, "it's \\", None), (4, 70, None, 5))
    spark.sql(f"ALTER TABLE {t} ALTER COLUMN w SET DEFAULT 50")
    db("INSERT INTO defaults (id) VALUES (5)")
    assert db("SELECT n, w FROM defaults WHERE id = 5") == ((70, 50),)


def test_spark_reads_altered_columns(db, spark, warehouse):
    db("CREATE TABLE altered (id INT, a STRING, n STRUCT<x: INT, y: ARRAY<STRUCT<z: INT>>>, p STRING) PARTITIONED BY (p)")
    db("""INSERT INTO altered VALUES (1, 'one', '{"x": 1, "y": [{"z": 2}]}', 'p1')""")
    db("ALTER TABLE altered SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableTypeWidening' = 'true')")
    db("ALTER TABLE altered RENAME COLUMN a TO `a b`, RENAME COLUMN p TO q, ADD COLUMN gone INT")
    db("ALTER TABLE altered DROP COLUMN gone, ADD COLUMN gone STRING FIRST, MODIFY id BIGINT NOT NULL COMMENT 'wide'")
    db("""INSERT INTO altered VALUES ('again', 9999999999, 'two', '{"x": 3, "y": []}', 'p2')""")
    t = f"delta.`{warehouse}/ddl/altered`"
    got = [tuple(r) for r in spark.sql(f"SELECT gone, id, `a b`, n.x, get(n.y, 0).z, q FROM {t} ORDER BY id").collect()]
    assert got == [(None, 1, "one", 1, 2, "p1"), ("again", 9999999999, "two", 3, None, "p2")]
    spark.sql(f"INSERT INTO {t} VALUES ('spark', 5, 'five', named_struct('x', 5, 'y', array()), 'p1')")
    spark.sql(f"ALTER TABLE {t} RENAME COLUMN q TO r")
    assert db("SELECT gone, id, `a b`, r FROM altered ORDER BY id") == ((None, 1, "one", "p1"), ("spark", 5, "five", "p1"), ("again", 9999999999, "two", "p2"))


def test_featuresql_enforces_what_spark_declared(db, spark, warehouse):
    t = f"delta.`{warehouse}/ddl/from_spark`"
    spark.sql(f"CREATE TABLE {t} (id INT NOT NULL, v VARCHAR(3), c CHAR(3), n INT DEFAULT 1 + 1, s STRING DEFAULT 'x') USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')")
    spark.sql(f"INSERT INTO {t} (id, v, c) VALUES (1, 'abc', 'ab')")
    db("INSERT INTO from_spark (id, v, c) VALUES (2, 'de ', 'cd')")
    assert db("SELECT id, v, trim(c), n, s FROM from_spark ORDER BY id") == ((1, "abc", "ab", 2, "x"), (2, "de ", "cd", 2, "x"))
    for sql in ("INSERT INTO from_spark (id, v) VALUES (3, 'abcd')", "UPDATE from_spark SET c = 'abcd'"):
        with pytest.raises(pymysql.err.DataError) as e:
            db(sql)
        assert e.value.args[0] == 1406
    shown = db("SHOW CREATE TABLE from_spark")[0][1]
    assert "`v` varchar(3)" in shown and "`c` char(3)" in shown and "`s` longtext DEFAULT 'x'" in shown
