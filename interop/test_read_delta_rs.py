"""Tables that delta-rs writes: featuresql returns exactly their rows at every version."""

import datetime
import decimal
import json
import random

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import featuresql_rows, nested, normal, plain


def rows_at(path, version):
    out = []
    for r in deltalake.DeltaTable(path, version=version).to_pyarrow_table().to_pylist():
        out.append([nested(plain(v)) if isinstance(v, (dict, list)) else plain(v) for v in r.values()])
    return normal(out)


def test_two_hundred_versions(server, warehouse):
    path = str(warehouse / "rs" / "versions")
    for i in range(200):
        deltalake.write_deltalake(path, pa.table({"id": pa.array([i, i + 1000], pa.int64()), "v": [f"v{i}", None]}), mode="append")
        if i % 40 == 39:
            deltalake.DeltaTable(path).delete(f"id = {i - 5}")
        if i % 70 == 69:
            deltalake.DeltaTable(path).create_checkpoint()
    newest = deltalake.DeltaTable(path).version()
    for v in [*range(0, newest, 17), newest - 1, newest]:
        assert featuresql_rows(server, "versions", v, "rs") == rows_at(path, v), f"version {v}"
    counts = server.rows("SELECT count(*), sum(id), min(id), max(id) FROM versions", database="rs")[0]
    ids = [r[0] for r in rows_at(path, newest)]
    assert tuple(int(x) for x in counts) == (len(ids), sum(ids), min(ids), max(ids))


def test_types_and_partitions(server, warehouse):
    path = str(warehouse / "rs" / "types")
    table = pa.table({
        "i8": pa.array([1, None, -128], pa.int8()), "i16": pa.array([1, None, -32768], pa.int16()), "i32": pa.array([1, None, -(2**31)], pa.int32()),
        "i64": pa.array([1, None, -(2**63)], pa.int64()), "f32": pa.array([1.5, None, -0.0], pa.float32()), "f64": pa.array([0.1, None, 1e308], pa.float64()),
        "b": pa.array([True, None, False]), "s": pa.array(["ÿ😀", None, ""]), "bin": pa.array([b"\x00\xff", None, b""]),
        "d": pa.array([datetime.date(2026, 1, 2), None, datetime.date(1, 1, 1)]),
        "ts": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), None, datetime.datetime(1900, 1, 1)], pa.timestamp("us", "UTC")),
        "tn": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), None, datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)], pa.timestamp("us")),
        "dec": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-99999999.99")], pa.decimal128(10, 2)),
        "dec38": pa.array([decimal.Decimal("1"), None, decimal.Decimal("9" * 38)], pa.decimal128(38, 0)),
        "l": pa.array([[1, None], None, []], pa.list_(pa.int32())),
        "st": pa.array([{"x": 1, "y": "p"}, None, {"x": None, "y": None}], pa.struct([("x", pa.int64()), ("y", pa.string())])),
        "p": pa.array(["a b/c%d", None, "ü"]), "q": pa.array([1, 2, None], pa.int64()),
    })
    deltalake.write_deltalake(path, table, partition_by=["p", "q"])
    deltalake.write_deltalake(path, table.slice(0, 1), mode="append")
    for v in (0, 1):
        assert featuresql_rows(server, "types", v, "rs") == rows_at(path, v), f"version {v}"


def test_merge_and_overwrite(server, warehouse):
    path = str(warehouse / "rs" / "merged")
    deltalake.write_deltalake(path, pa.table({"id": pa.array(range(1000), pa.int64()), "v": [str(i) for i in range(1000)]}))
    source = pa.table({"id": pa.array(range(990, 1010), pa.int64()), "v": ["m"] * 20})
    (deltalake.DeltaTable(path).merge(source, "t.id = s.id", source_alias="s", target_alias="t")
     .when_matched_update_all().when_not_matched_insert_all().execute())
    deltalake.DeltaTable(path).update(updates={"v": "'u'"}, predicate="id < 5")
    deltalake.DeltaTable(path).optimize.compact()
    deltalake.write_deltalake(path, source, mode="overwrite")
    for v in range(deltalake.DeltaTable(path).version() + 1):
        assert featuresql_rows(server, "merged", v, "rs") == rows_at(path, v), f"version {v}"


@pytest.mark.parametrize("codec", ["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "LZ4_RAW", "ZSTD"])
def test_codecs(codec, server, warehouse):
    path = str(warehouse / "rs" / f"codec_{codec.lower()}")
    n = 30000
    table = pa.table({"id": pa.array(range(n), pa.int64()), "k": [f"key{i % 50}" for i in range(n)], "x": [i * 0.5 if i % 3 else None for i in range(n)]})
    deltalake.write_deltalake(path, table, writer_properties=deltalake.WriterProperties(compression=codec))
    assert featuresql_rows(server, f"codec_{codec.lower()}", None, "rs") == rows_at(path, None)


@pytest.mark.parametrize("page_version", ["1.0", "2.0"])
@pytest.mark.parametrize("page_bytes", [64, 1000, 1 << 20])
def test_pages_of_arrow(page_version, page_bytes, server, warehouse):
    """Arrow's own writer: encodings and pages that neither Spark nor delta-rs makes, pages without rows among them."""
    rng = random.Random(3)

    def some(f):
        return None if rng.random() < 0.1 else f()

    def pair():
        return {"a": some(lambda: rng.randrange(-3, 3)), "b": some(lambda: rng.choice(["", "p", "qr"]))}

    n = 300
    table = pa.table({
        "id": pa.array(range(n), pa.int64()), "k": pa.array([some(lambda: rng.randrange(-3, 3)) for _ in range(n)], pa.int32()),
        "s": pa.array([some(lambda: "x" * rng.randrange(30)) for _ in range(n)]),
        "l": pa.array([some(lambda: [some(pair) for _ in range(rng.choice([0, 1, 3, 50]))]) for _ in range(n)], pa.list_(pa.struct([("a", pa.int32()), ("b", pa.string())])))})
    name = f"pages_{page_bytes}_{page_version[0]}"
    path = warehouse / "rs" / name
    deltalake.write_deltalake(str(path), table.slice(0, 0))
    adds = []
    for i, encoding in enumerate([None, {"id": "DELTA_BINARY_PACKED", "k": "BYTE_STREAM_SPLIT", "s": "DELTA_BYTE_ARRAY"}, {"id": "BYTE_STREAM_SPLIT", "k": "DELTA_BINARY_PACKED", "s": "DELTA_LENGTH_BYTE_ARRAY"}]):
        pq.write_table(table, path / f"f{i}.parquet", data_page_version=page_version, data_page_size=page_bytes, write_batch_size=100, write_page_index=True, write_page_checksum=True,
                       use_dictionary=encoding is None, column_encoding=encoding)
        adds.append({"add": {"path": f"f{i}.parquet", "partitionValues": {}, "size": (path / f"f{i}.parquet").stat().st_size, "modificationTime": 1, "dataChange": True}})
    (path / "_delta_log" / f"{1:020}.json").write_text("\n".join(json.dumps(a) for a in adds))
    rows = [[nested(plain(v)) for v in r.values()] for r in table.to_pylist()]
    assert featuresql_rows(server, name, 1, "rs") == normal(rows * 3)
    for where, keep in (("id BETWEEN 290 AND 299", lambda r: r[0] >= 290), ("k = 1", lambda r: r[1] == 1), ("s > 'xxxxxxxxxxxxxxxxxxxxxxxxxxx'", lambda r: r[2] is not None and len(r[2]) > 27)):
        got = server.rows(f"SELECT id, l FROM {name} WHERE {where}", database="rs")
        assert normal([i, v and json.loads(v)] for i, v in got) == normal([r[0], r[3]] for r in rows * 3 if keep(r)), where
