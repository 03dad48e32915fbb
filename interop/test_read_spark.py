"""Tables that Spark writes: featuresql returns exactly Spark's rows at every version."""

import pytest

from conftest import featuresql_rows, spark_rows

# name: (properties, statements); {t} is the table, `db` its database folder.
TYPES = """CREATE TABLE {t} (b BOOLEAN, i8 BYTE, i16 SHORT, i32 INT, i64 BIGINT, f FLOAT, d DOUBLE, d9 DECIMAL(9,2), d18 DECIMAL(18,6),
  d38 DECIMAL(38,10), s STRING, bin BINARY, dt DATE, ts TIMESTAMP, tn TIMESTAMP_NTZ, l ARRAY<INT>, m MAP<STRING, DOUBLE>,
  st STRUCT<a: INT, bc: STRING, deep: ARRAY<STRUCT<x: BIGINT, y: ARRAY<STRING>>>>) USING delta"""

TABLES = {
    "all_types": [
        TYPES,
        """INSERT INTO {t} VALUES
          (true, 1, 2, 3, 4, 1.5, 2.25, 12345.67, 123456789012.123456, 1234567890123456789012345678.0123456789, 'text', X'00FF10', DATE'2026-01-02',
           TIMESTAMP'2026-01-02 03:04:05.678901', TIMESTAMP_NTZ'2026-01-02 03:04:05.678901', array(1, NULL, 3), map('a', 1.5D, 'b', NULL),
           named_struct('a', 1, 'bc', 'x', 'deep', array(named_struct('x', 5L, 'y', array('p', NULL))))),
          (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (false, -128, -32768, -2147483648, -9223372036854775808, -3.4028234E38F, -1.7976931348623157E308D, -9999999.99, -999999999999.999999,
           -9999999999999999999999999999.9999999999, '', X'', DATE'0001-01-01', TIMESTAMP'0001-01-01 00:00:00', TIMESTAMP_NTZ'0001-01-01 00:00:00',
           array(), map(), named_struct('a', NULL, 'bc', NULL, 'deep', NULL)),
          (true, 127, 32767, 2147483647, 9223372036854775807, 3.4028234E38F, 1.7976931348623157E308D, 9999999.99, 999999999999.999999,
           9999999999999999999999999999.9999999999, 'ÿ😀 ''quoted'' \\\\ \\n', X'FFFFFF', DATE'9999-12-31', TIMESTAMP'9999-12-31 23:59:59.999999',
           TIMESTAMP_NTZ'9999-12-31 23:59:59.999999', array(NULL), map('ÿ', -0.5D), named_struct('a', 7, 'bc', '', 'deep', array()))""",
        "INSERT INTO {t} (i32, d, f) VALUES (1, double('NaN'), float('NaN')), (2, double('-Infinity'), float('Infinity')), (3, -0.0D, -0.0F)",
        "DELETE FROM {t} WHERE i32 = 2",
    ],
    "int96": [
        "SET spark.sql.parquet.outputTimestampType=INT96",
        "CREATE TABLE {t} (id INT, ts TIMESTAMP) USING delta",
        """INSERT INTO {t} VALUES (1, TIMESTAMP'2026-01-02 03:04:05.678901'), (2, TIMESTAMP'1582-10-15 00:00:00'), (3, TIMESTAMP'9999-12-31 23:59:59.999999'),
           (4, NULL), (5, TIMESTAMP'1900-01-01 00:00:00.000001')""",
        "SET spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS",
        "INSERT INTO {t} VALUES (6, TIMESTAMP'2026-01-02 03:04:05.678901')",
    ],
    "partitioned": [
        "CREATE TABLE {t} (id INT, p STRING, q DATE, n INT, v STRING) USING delta PARTITIONED BY (p, q, n)",
        """INSERT INTO {t} VALUES (1, 'a', DATE'2026-01-01', 1, 'x'), (2, 'a b', DATE'2026-01-02', NULL, 'y'), (3, NULL, NULL, NULL, 'z'),
           (4, 'a/b%c=d#e+f?g&h', DATE'1969-12-31', -1, 'w'), (5, 'ÿ😀"''\\\\', DATE'9999-12-31', 5, 'q'), (6, '', DATE'2026-01-01', 0, 'empty')""",
        "UPDATE {t} SET v = 'changed' WHERE p = 'a b'",
        "DELETE FROM {t} WHERE p IS NULL",
        "INSERT INTO {t} VALUES (7, '{{{{x}}}}:|*', NULL, 7, '7')",
    ],
    "partition_types": [
        "CREATE TABLE {t} (id INT, ts TIMESTAMP, tn TIMESTAMP_NTZ, b BOOLEAN, d DECIMAL(10,3), f DOUBLE, bin BINARY, l BIGINT) USING delta PARTITIONED BY (ts, tn, b, d, f, l)",
        """INSERT INTO {t} VALUES (1, TIMESTAMP'2026-01-02 03:04:05.678901', TIMESTAMP_NTZ'2026-01-02 03:04:05', true, 1.500, 0.1D, X'01', 1),
           (2, TIMESTAMP'1969-12-31 23:59:59.5', TIMESTAMP_NTZ'1900-01-01 00:00:00.000001', false, -0.001, 1e300D, X'', -5), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    ],
    "mapping_name": [
        "CREATE TABLE {t} (id INT, `a b` STRING, `c,d;{{}}()=` INT, st STRUCT<x: INT, y: STRING>) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "INSERT INTO {t} VALUES (1, 'one', 10, named_struct('x', 1, 'y', 'p')), (2, 'two', NULL, NULL)",
        "ALTER TABLE {t} RENAME COLUMN `a b` TO renamed",
        "ALTER TABLE {t} RENAME COLUMN st.x TO z",
        "INSERT INTO {t} VALUES (3, 'three', 30, named_struct('z', 3, 'y', 'q'))",
        "ALTER TABLE {t} DROP COLUMN `c,d;{{}}()=`",
        "ALTER TABLE {t} ADD COLUMN `a b` DOUBLE",
        "INSERT INTO {t} VALUES (4, 'four', NULL, 4.5)",
    ],
    "mapping_id": [
        "CREATE TABLE {t} (id INT, v STRING, p STRING) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
        "INSERT INTO {t} VALUES (1, 'one', 'p1'), (2, 'two', NULL)",
        "ALTER TABLE {t} RENAME COLUMN v TO w",
        "INSERT INTO {t} VALUES (3, 'three', 'p 3')",
    ],
    "deletion_vectors": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO {t} SELECT CAST(id AS INT), concat('v', id) FROM range(0, 5000, 1, 2)",
        "DELETE FROM {t} WHERE id % 7 = 0",
        "UPDATE {t} SET v = 'updated' WHERE id % 11 = 0",
        "MERGE INTO {t} t USING (SELECT CAST(id AS INT) AS id, 'merged' AS v FROM range(4990, 5010)) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
        "DELETE FROM {t} WHERE id BETWEEN 100 AND 4000",
        "DELETE FROM {t} WHERE id < 10",
    ],
    "v2_checkpoint_json": [
        "SET spark.databricks.delta.checkpointV2.topLevelFileFormat=json",
        "CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '3')",
        *[f"INSERT INTO {{t}} VALUES ({i}, 'v{i}')" for i in range(8)],
        "DELETE FROM {t} WHERE id = 4",
    ],
    "v2_checkpoint_parquet": [
        "SET spark.databricks.delta.checkpointV2.topLevelFileFormat=parquet",
        "CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '3', 'delta.enableDeletionVectors' = 'true')",
        *[f"INSERT INTO {{t}} VALUES ({i}, 'v{i}'), ({i + 100}, NULL)" for i in range(8)],
        "DELETE FROM {t} WHERE id = 4",
    ],
    "multipart_checkpoint": [
        "SET spark.databricks.delta.checkpoint.partSize=2",
        "CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '4', 'delta.checkpoint.writeStatsAsStruct' = 'true')",
        *[f"INSERT INTO {{t}} VALUES ({i}, 'v{i}')" for i in range(10)],
        "DELETE FROM {t} WHERE id = 4",
        "SET spark.databricks.delta.checkpoint.partSize=50000000",
    ],
    "evolution": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
        "INSERT INTO {t} VALUES (1, 'a')",
        "ALTER TABLE {t} ADD COLUMNS (extra DOUBLE, d DATE, small SHORT)",
        "INSERT INTO {t} VALUES (2, 'b', 2.5, DATE'2026-01-01', 7)",
        "ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT",
        "ALTER TABLE {t} ALTER COLUMN small TYPE INT",
        "INSERT INTO {t} VALUES (3000000000, 'c', NULL, NULL, 70000)",
        "ALTER TABLE {t} ADD COLUMN first_one STRING FIRST",
        "INSERT INTO {t} VALUES ('f', 4, 'd', 4.5, NULL, NULL)",
    ],
    "in_commit_timestamps": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')",
        "INSERT INTO {t} VALUES (1)",
        "INSERT INTO {t} VALUES (2)",
    ],
    "replaced": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b')",
        "INSERT OVERWRITE {t} VALUES (3, 'c')",
        "OPTIMIZE {t}",
        "TRUNCATE TABLE {t}",
        "INSERT INTO {t} VALUES (9, 'z')",
    ],
    "vacuum_check": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.feature.vacuumProtocolCheck' = 'supported')",
        "INSERT INTO {t} VALUES (1)",
    ],
    "legacy_format": [
        "SET spark.sql.parquet.writeLegacyFormat=true",
        "SET spark.sql.parquet.outputTimestampType=TIMESTAMP_MILLIS",
        """CREATE TABLE {t} (id INT, d4 DECIMAL(4,1), d9 DECIMAL(9,2), d10 DECIMAL(10,0), d18 DECIMAL(18,6), d19 DECIMAL(19,3), d38 DECIMAL(38,38), ts TIMESTAMP,
           l ARRAY<INT>, ll ARRAY<ARRAY<STRING>>, ls ARRAY<STRUCT<a: INT, b: STRING>>, l1 ARRAY<STRUCT<element: INT>>, m MAP<STRING, ARRAY<INT>>, mm MAP<INT, MAP<STRING, DATE>>) USING delta""",
        """INSERT INTO {t} VALUES (1, -999.9, -9999999.99, 9999999999, -999999999999.999999, 9999999999999999.999, 0.00000000000000000000000000000000000001, TIMESTAMP'2026-01-02 03:04:05.678',
           array(1, NULL), array(array('a', NULL), NULL, array()), array(named_struct('a', 1, 'b', NULL), NULL), array(named_struct('element', 5), NULL), map('k', array(1, 2), 'e', NULL),
           map(1, map('x', DATE'2026-01-01', 'n', NULL), 2, NULL)), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           (3, 0, 0, 0, 0, 0, 0, TIMESTAMP'1969-12-31 23:59:59.999', array(), array(), array(), array(), map(), map())""",
        "SET spark.sql.parquet.writeLegacyFormat=false",
        "SET spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS",
        "INSERT INTO {t} SELECT id + 10, d4, d9, d10, d18, d19, d38, ts, l, ll, ls, l1, m, mm FROM {t}",
        "DELETE FROM {t} WHERE id = 3",
    ],
    "encodings": [
        "CREATE TABLE {t} (id BIGINT, f DOUBLE, s STRING, r STRING, d DECIMAL(12,2), b BOOLEAN, dt DATE, n INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        *[stmt for codec in ("zstd", "gzip", "lz4_raw", "uncompressed") for stmt in (
            f"SET spark.sql.parquet.compression.codec={codec}",
            """INSERT INTO {t} SELECT /*+ COALESCE(1) */ id, id / 7, concat('value ', id * 7919 % 100003), concat('c', id % 5), CAST(id % 1000 / 4 AS DECIMAL(12,2)), id % 3 = 0,
               date_add(DATE'2026-01-01', CAST(id % 400 AS INT)), CASE WHEN id % 10 < 3 THEN NULL ELSE CAST(id % 100 AS INT) END FROM range(3000)""")],
        "SET spark.sql.parquet.compression.codec=snappy",
        "DELETE FROM {t} WHERE id % 97 = 5",
    ],
    "features": [
        """CREATE TABLE {t} (id BIGINT GENERATED ALWAYS AS IDENTITY, at TIMESTAMP, day DATE GENERATED ALWAYS AS (CAST(at AS DATE)), v INT NOT NULL, w STRING DEFAULT 'none') USING delta
           PARTITIONED BY (day) TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported', 'delta.enableChangeDataFeed' = 'true', 'delta.enableRowTracking' = 'true')""",
        "INSERT INTO {t} (at, v) VALUES (TIMESTAMP'2026-01-01 10:00:00', 1), (TIMESTAMP'2026-01-02 23:59:59', 2)",
        "ALTER TABLE {t} ADD CONSTRAINT positive CHECK (v > 0)",
        "UPDATE {t} SET v = v + 10 WHERE v = 2",
        "INSERT INTO {t} (at, v, w) VALUES (NULL, 3, NULL)",
        "DELETE FROM {t} WHERE v = 1",
    ],
    "clustered": [
        "CREATE TABLE {t} (id INT, g INT, v STRING) USING delta CLUSTER BY (g, id)",
        "INSERT INTO {t} SELECT CAST(id AS INT), CAST(id % 5 AS INT), concat('v', id) FROM range(500)",
        "OPTIMIZE {t}",
        "DELETE FROM {t} WHERE g = 3",
    ],
    "widened": [
        "CREATE TABLE {t} (id INT, a BYTE, b SHORT, c INT, d FLOAT, e DECIMAL(6,2), f DATE, g INT, st STRUCT<x: SHORT>, l ARRAY<INT>) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')",
        "INSERT INTO {t} VALUES (1, 127, -32768, 2147483647, 1.25, -9999.99, DATE'2026-01-01', -5, named_struct('x', 7), array(1, 2)), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        *[f"ALTER TABLE {{t}} ALTER COLUMN {c} TYPE {t}" for c, t in (("a", "INT"), ("b", "BIGINT"), ("c", "DOUBLE"), ("d", "DOUBLE"), ("e", "DECIMAL(12,4)"), ("f", "TIMESTAMP_NTZ"), ("g", "DECIMAL(12,2)"),
                                                                      ("st.x", "INT"), ("l.element", "BIGINT"))],
        "INSERT INTO {t} VALUES (3, 70000, 3000000000, 1e300, 0.1, 12345678.1234, TIMESTAMP_NTZ'2026-01-01 01:02:03', 1234567890.12, named_struct('x', 70000), array(3000000000))",
    ],
    **{f"old_calendar_{zone[-4:]}_{kind}": [
        f"SET spark.sql.session.timeZone={zone}",
        f"SET spark.sql.parquet.outputTimestampType={kind}",
        "SET spark.sql.parquet.datetimeRebaseModeInWrite=LEGACY",
        "SET spark.sql.parquet.int96RebaseModeInWrite=LEGACY",
        "CREATE TABLE {t} (id BIGINT, d DATE, ts TIMESTAMP, tn TIMESTAMP_NTZ, l ARRAY<DATE>) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.checkpoint.writeStatsAsStruct' = 'true', 'delta.checkpointInterval' = '2')",
        """INSERT INTO {t} SELECT /*+ COALESCE(1) */ id, d, ts, CAST(d AS TIMESTAMP_NTZ), array(d, NULL) FROM (SELECT id, date_add(DATE'0001-01-02', CAST(id * 641 AS INT)) d,
           timestamp_micros(-62135500000000000 + id * 55440123456789) ts FROM range(1100))""",
        """INSERT INTO {t} SELECT id + 2000, date_add(DATE'1582-09-20', CAST(id AS INT)), timestamp_micros(-2209161600000000 + id * 3600000000), NULL, NULL FROM range(96)""",
        "SET spark.sql.session.timeZone=UTC",
        "SET spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS",
        "SET spark.sql.parquet.datetimeRebaseModeInWrite=CORRECTED",
        "SET spark.sql.parquet.int96RebaseModeInWrite=CORRECTED",
        "INSERT INTO {t} VALUES (3000, DATE'0001-01-01', TIMESTAMP'1000-01-01 00:00:00', NULL, NULL)",
        "ALTER TABLE {t} ALTER COLUMN d TYPE TIMESTAMP_NTZ",
    ] for zone in ("UTC", "America/Los_Angeles", "Pacific/Apia") for kind in ("INT96", "TIMESTAMP_MICROS")},
    "odd name %20 ü": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta",
        "INSERT INTO {t} VALUES (1, 'a')",
        "INSERT INTO {t} VALUES (2, 'b')",
    ],
}


@pytest.mark.parametrize("name", list(TABLES))
def test_every_version(name, spark, server, warehouse):
    path = str(warehouse / "spark" / name)
    table = f"delta.`{path}`"
    for stmt in TABLES[name]:
        spark.sql(stmt.format(t=table))
    newest = spark.sql(f"DESCRIBE HISTORY {table}").agg({"version": "max"}).collect()[0][0]
    for v in range(newest + 1):
        want = spark_rows(spark.read.format("delta").option("versionAsOf", v).load(path))
        got = featuresql_rows(server, f"`{name}`", v, "spark")
        assert got == want, f"version {v}"
    assert featuresql_rows(server, f"`{name}`", None, "spark") == want
    assert server.rows(f"SELECT count(*) FROM `{name}`", database="spark")[0][0] == len(want)
