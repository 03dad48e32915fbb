"""Tables of many feature sets, changed by Spark and featuresql in turns: rows, protocol and schema metadata stay what they should be."""

import glob
import json

import deltalake
import pytest

from conftest import featuresql_rows, spark_rows


@pytest.fixture(scope="module")
def db(server):
    server.rows("CREATE DATABASE IF NOT EXISTS protocol")
    return lambda sql: server.rows(sql, database="protocol")


def log(path):
    """Protocol, metadata and domains as the log's commits leave them."""
    protocol = metadata = None
    domains = {}
    for name in sorted(glob.glob(f"{path}/_delta_log/*.json")):
        for line in open(name):
            action = json.loads(line)
            protocol = action.get("protocol", protocol)
            metadata = action.get("metaData", metadata)
            if d := action.get("domainMetadata"):
                domains[d["domain"]] = d
    return protocol, metadata, domains


LEGACY = {2: ["appendOnly", "invariants"], 3: ["checkConstraints"], 4: ["changeDataFeed", "generatedColumns"], 5: ["columnMapping"], 6: ["identityColumns"]}


def features(protocol):
    """All features a protocol lists or stands for."""
    out = set(protocol.get("readerFeatures", [])) | set(protocol.get("writerFeatures", []))
    if protocol["minWriterVersion"] < 7:
        for v in range(2, protocol["minWriterVersion"] + 1):
            out |= set(LEGACY[v])
    return out


def metadata_of(schema, of=""):
    """Metadata of each field by the path of names, without what is bound to change."""
    out = {}
    if isinstance(schema, dict):
        for f in schema.get("fields", []):
            out[of + f["name"]] = f["metadata"]
            out |= metadata_of(f["type"], of + f["name"] + ".")
        for part in ("elementType", "keyType", "valueType"):
            out |= metadata_of(schema.get(part), of + part + ".")
    return out


COLUMNS = "id INT, s STRING COMMENT 'it''s', n STRUCT<x: BIGINT COMMENT 'deep', y: ARRAY<STRUCT<z: INT>>>, at TIMESTAMP"

SETS = {
    "plain": ("", ""),
    "legacy": ("", "'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5'"),
    "feed": ("", "'delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true'"),
    "mapped": ("PARTITIONED BY (s)", "'delta.columnMapping.mode' = 'name', 'delta.enableTypeWidening' = 'true', 'delta.enableChangeDataFeed' = 'true'"),
    "mapped_id": ("", "'delta.columnMapping.mode' = 'id', 'delta.enableDeletionVectors' = 'true'"),
    "tracked": ("", "'delta.enableRowTracking' = 'true', 'delta.enableDeletionVectors' = 'true'"),
    "tracked_files": ("PARTITIONED BY (s)", "'delta.enableRowTracking' = 'true', 'delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = 'false'"),
    "clustered": ("CLUSTER BY (id, n.x)", "'delta.columnMapping.mode' = 'name', 'delta.dataSkippingStatsColumns' = 'id,n.x'"),
    "clock": ("", "'delta.enableInCommitTimestamps' = 'true', 'delta.checkpointPolicy' = 'v2'"),
    "struct_stats": ("", "'delta.checkpoint.writeStatsAsStruct' = 'true', 'delta.checkpoint.writeStatsAsJson' = 'false'"),
    "everything": ("CLUSTER BY (s)", "'delta.columnMapping.mode' = 'name', 'delta.enableRowTracking' = 'true', 'delta.enableChangeDataFeed' = 'true', "
                   "'delta.enableDeletionVectors' = 'true', 'delta.enableInCommitTimestamps' = 'true', 'delta.checkpointPolicy' = 'v2', 'delta.enableTypeWidening' = 'true'"),
}


@pytest.mark.parametrize("name", SETS)
def test_in_turns(name, db, server, spark, warehouse):
    layout, properties = SETS[name]
    path = f"{warehouse}/protocol/{name}"
    t = f"delta.`{path}`"
    properties = ", ".join(filter(None, [properties, "'delta.checkpointInterval' = '3'", "'made.by' = 'spark'"]))
    spark.sql(f"CREATE TABLE {t} ({COLUMNS}) USING delta {layout} TBLPROPERTIES ({properties})")
    spark.sql(f"ALTER TABLE {t} ADD CONSTRAINT positive CHECK (id > 0)")
    spark.sql(f"INSERT INTO {t} SELECT id + 1, concat('s', id % 3), named_struct('x', id, 'y', array(named_struct('z', int(id)))), timestamp'2026-01-01 00:00:00' FROM range(20)")
    before = log(path)
    db(f"ALTER TABLE {name} ADD COLUMN extra STRING COMMENT 'new' AFTER id")
    db(f"ALTER TABLE {name} ALTER COLUMN extra SET DEFAULT 'd'")
    db(f"INSERT INTO {name} (id, s, n) VALUES (100, 's0', '{{\"x\": 7, \"y\": []}}'), (101, 's1', NULL)")
    db(f"UPDATE {name} SET extra = 'changed' WHERE id % 5 = 0")
    db(f"DELETE FROM {name} WHERE id = 7 OR id = 101")
    db(f"MERGE INTO {name} t USING (SELECT 8 AS id UNION ALL SELECT 102) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET s = 's9' WHEN NOT MATCHED THEN INSERT (id, s) VALUES (s.id, 's9')")
    after = log(path)
    assert features(before[0]) <= features(after[0]), (before[0], after[0])
    assert after[0]["minReaderVersion"] >= before[0]["minReaderVersion"] and after[0]["minWriterVersion"] >= before[0]["minWriterVersion"]
    kept, now = (metadata_of(json.loads(m["schemaString"])) for m in (before[1], after[1]))
    assert {k: now[k] for k in kept} == kept and set(now) == set(kept) | {"extra"}
    assert before[1]["id"] == after[1]["id"] and before[1]["partitionColumns"] == after[1]["partitionColumns"]
    for k, v in before[1]["configuration"].items():
        if k != "delta.columnMapping.maxColumnId":
            assert after[1]["configuration"][k] == v, k
    assert before[2].get("delta.clustering") == after[2].get("delta.clustering")
    assert spark_rows(spark.table(t)) == featuresql_rows(server, name, database="protocol")
    spark.sql(f"INSERT INTO {t} (id, s) VALUES (200, 's1')")
    spark.sql(f"UPDATE {t} SET extra = 'spark' WHERE id = 100")
    spark.sql(f"DELETE FROM {t} WHERE id = 1")
    spark.sql(f"OPTIMIZE {t}")
    assert glob.glob(f"{path}/_delta_log/*checkpoint*")
    db(f"DELETE FROM {name} WHERE id = 2")
    rows = featuresql_rows(server, name, database="protocol")
    assert len(rows) == 20 and spark_rows(spark.table(t)) == rows
    assert spark.sql(f"SELECT count(DISTINCT id), sum(id) FROM {t}").first()[0] == 20
    if "feed" in name or name in ("mapped", "everything"):
        feed(db, spark, path, name)
    if "RowTracking" in properties:
        ids = [r[0] for r in spark.sql(f"SELECT _metadata.row_id FROM {t}").collect()]
        assert None not in ids and len(set(ids)) == 20


def feed(db, spark, path, name):
    """Applying all changes that Spark reads gives the rows of the table."""
    changes = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0).load(path)
    live = {}
    order = {"update_preimage": 0, "delete": 0, "insert": 1, "update_postimage": 1}
    for r in sorted(changes.select("id", "extra", "s", "_change_type", "_commit_version").collect(), key=lambda r: (r[4], order[r[3]])):
        row = tuple(r[:3])
        if order[r[3]] == 0:
            assert live.pop(row[0]) == row, r
        else:
            assert row[0] not in live, r
            live[row[0]] = row
    assert live == {r[0]: r for r in db(f"SELECT id, extra, s FROM {name}")}


def test_featuresql_makes(db, spark, warehouse):
    """Tables made by featuresql with the features that it writes."""
    db("""CREATE TABLE made (id INT, v STRING, p STRING) PARTITIONED BY (p) TBLPROPERTIES ('delta.enableRowTracking' = 'true', 'delta.enableChangeDataFeed' = 'true',
          'delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = 'true')""")
    db("INSERT INTO made VALUES (1, 'a', 'x'), (2, 'b', 'x y'), (3, 'c', NULL), (4, 'd', 'x')")
    t = f"delta.`{warehouse}/protocol/made`"
    ids = dict(map(tuple, spark.sql(f"SELECT id, _metadata.row_id FROM {t}").collect()))
    db("UPDATE made SET v = 'B' WHERE id = 2")
    db("DELETE FROM made WHERE id = 1")
    spark.sql(f"UPDATE {t} SET v = 'C' WHERE id = 3")
    later = dict(map(tuple, spark.sql(f"SELECT id, _metadata.row_id FROM {t}").collect()))
    assert later[3] == ids[3] and later[4] == ids[4] and len(set(later.values())) == 3
    got = sorted(tuple(r) for r in spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 2).load(f"{warehouse}/protocol/made")
                 .select("_commit_version", "id", "v", "p", "_change_type").collect())
    assert got == [(2, 2, "B", "x y", "update_postimage"), (2, 2, "b", "x y", "update_preimage"), (3, 1, "a", "x", "delete"),
                   (4, 3, "C", None, "update_postimage"), (4, 3, "c", None, "update_preimage")]
    db("CREATE TABLE like_made LIKE made")
    db("INSERT INTO like_made SELECT * FROM made")
    db("CREATE OR REPLACE TABLE made (w INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableRowTracking' = 'true')")
    db("INSERT INTO made VALUES (9)")
    spark.sql(f"INSERT INTO {t} VALUES (10)")
    assert sorted(r[0] for r in spark.table(t).collect()) == [9, 10]
    assert sorted(tuple(r) for r in spark.table(f"delta.`{warehouse}/protocol/like_made`").collect()) == [(2, "B", "x y"), (3, "C", None), (4, "d", "x")]


def test_delta_rs_feed(db, warehouse):
    """delta-rs reads the change data feed that featuresql writes."""
    db("CREATE TABLE rs (id INT, v STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    db("INSERT INTO rs VALUES (1, 'a'), (2, 'b')")
    db("UPDATE rs SET v = 'A' WHERE id = 1")
    db("DELETE FROM rs WHERE id = 2")
    table = deltalake.DeltaTable(f"{warehouse}/protocol/rs").load_cdf(starting_version=1)
    columns = table.read_all() if hasattr(table, "read_all") else table
    rows = [tuple(str(c) for c in r) for r in zip(*(columns[n].to_pylist() if hasattr(columns[n], "to_pylist") else list(columns[n]) for n in ("_commit_version", "id", "v", "_change_type")))]
    assert sorted(rows) == [("1", "1", "a", "insert"), ("1", "2", "b", "insert"), ("2", "1", "A", "update_postimage"), ("2", "1", "a", "update_preimage"), ("3", "2", "b", "delete")]
