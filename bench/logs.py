"""B5 and B6: many small commits, and a log of a million files."""

import json
import shutil
import statistics
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

from harness import WAREHOUSE, MariaDB, Server, alone, once


def b5(server, args, report):
    """Single rows over 1, 8 and 32 connections, each durable when it is acknowledged."""
    base = WAREHOUSE / "inserts"
    shutil.rmtree(base, ignore_errors=True)
    server.client("").ask("query CREATE DATABASE inserts")
    seconds, rounds = (1, 1) if args.quick else (4, 3)
    with MariaDB() as maria:
        maria.run("DROP TABLE IF EXISTS t; CREATE TABLE t (id BIGINT PRIMARY KEY, n INT) ENGINE=InnoDB")
        theirs = maria.client()
        for kind, key in (("", ""), (", declared key", " PRIMARY KEY")):
            for conns, bar in ((1, 0.1), (8, 0.2), (32, 0.3)):
                rates = [], []
                for _ in range(rounds):
                    mine = server.client("inserts")
                    mine.ask(f"query CREATE OR REPLACE TABLE t (id BIGINT{key}, n INT)")
                    for got, client in zip(rates, (mine, theirs)):
                        out = client.ask(f"insert {conns} {seconds}")
                        if out["acknowledged"] != out["stored"]:
                            sys.exit(f"B5: {out}")
                        got.append(out["rate"])
                report.add(f"{conns} connection{'s' if conns > 1 else ''}{kind}", "MariaDB", *map(statistics.median, rates), unit="rows/s", bar=bar)
                if conns == 1 and not key:
                    alone_rate = statistics.median(rates[0])
    peer = alone(f"""
import deltalake, pyarrow as pa, time
path, n = {str(base / 'theirs')!r}, 60
deltalake.write_deltalake(path, pa.table({{"id": [0], "n": [1]}}))
start = time.perf_counter()
for i in range(n):
    deltalake.write_deltalake(path, pa.table({{"id": [i], "n": [1]}}), mode="append")
out = {{"rate": n / (time.perf_counter() - start)}}
""")
    report.add("1 connection", "delta-rs appends, not flushed", alone_rate, peer["rate"], "rows/s", bar=20)
    shutil.rmtree(base, ignore_errors=True)


SCHEMA = json.dumps({"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in (("id", "long"), ("day", "date"), ("v", "double"))]})


def stats(i):
    return json.dumps({"numRecords": 1000, "minValues": {"id": i * 1000, "v": 0.5}, "maxValues": {"id": i * 1000 + 999, "v": 99.5}, "nullCount": {"id": 0, "v": 0}})


def b6(server, args, report):
    """A checkpoint of a million files, partitioned by day, with 2,000 commits after it."""
    files, commits = (50_000, 200) if args.quick else (1_000_000, 2_000)

    def path_of(i):
        return f"day=2026-01-{i % 28 + 1:02d}/part-{i:08d}-6f1c.snappy.parquet"

    def write(path):
        log = path / "_delta_log"
        log.mkdir(parents=True)
        table = pa.table({"id": pa.array(range(1000), pa.int64()), "v": pa.array([float(i % 100) for i in range(1000)])})
        (path / path_of(0)).parent.mkdir()
        pq.write_table(table, path / path_of(0))
        size = (path / path_of(0)).stat().st_size
        now = 1_770_000_000_000
        add = lambda i: {"path": path_of(i), "partitionValues": {"day": f"2026-01-{i % 28 + 1:02d}"}, "size": size, "modificationTime": now, "dataChange": True, "stats": stats(i)}
        metadata = {"id": "b6b6b6b6-0000-4000-8000-000000000000", "format": {"provider": "parquet", "options": {}}, "schemaString": SCHEMA, "partitionColumns": ["day"], "configuration": {}, "createdTime": now}
        protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
        for v in range(10):  # before the checkpoint
            (log / f"{v:020d}.json").write_text("\n".join(json.dumps(x) for x in ([{"protocol": protocol}, {"metaData": metadata}] if v == 0 else []) + [{"commitInfo": {"timestamp": now + v, "operation": "WRITE"}}]))
        string_map = pa.map_(pa.string(), pa.string())
        schema = pa.schema([
            ("protocol", pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32())])),
            ("metaData", pa.struct([("id", pa.string()), ("format", pa.struct([("provider", pa.string()), ("options", string_map)])), ("schemaString", pa.string()),
                                    ("partitionColumns", pa.list_(pa.string())), ("configuration", string_map), ("createdTime", pa.int64())])),
            ("add", pa.struct([("path", pa.string()), ("partitionValues", string_map), ("size", pa.int64()), ("modificationTime", pa.int64()), ("dataChange", pa.bool_()), ("stats", pa.string())])),
        ])
        with pq.ParquetWriter(log / f"{9:020d}.checkpoint.parquet", schema) as w:
            w.write_table(pa.Table.from_pylist([{"protocol": protocol, "metaData": None, "add": None}, {"protocol": None, "metaData": {**metadata, "format": {"provider": "parquet", "options": []}, "configuration": []}, "add": None}], schema))
            for lo in range(0, files, 100_000):
                ids = range(lo, min(files, lo + 100_000))
                n = len(ids)
                days = pa.MapArray.from_arrays(pa.array(range(n + 1), pa.int32()), pa.array(["day"] * n), pa.array([f"2026-01-{i % 28 + 1:02d}" for i in ids]))
                adds = pa.StructArray.from_arrays([pa.array(map(path_of, ids)), days, pa.array([size] * n, pa.int64()), pa.array([now] * n, pa.int64()), pa.array([True] * n), pa.array(map(stats, ids))], fields=list(schema.field("add").type))
                w.write_table(pa.Table.from_arrays([pa.nulls(n, schema.field(0).type), pa.nulls(n, schema.field(1).type), adds], schema=schema))
        (log / "_last_checkpoint").write_text(json.dumps({"version": 9, "size": files + 2}))
        for v in range(10, 10 + commits):
            (log / f"{v:020d}.json").write_text("\n".join(map(json.dumps, ({"commitInfo": {"timestamp": now + v, "operation": "WRITE"}}, {"add": add(files + v)}))) + "\n")

    path = once(WAREHOUSE / "biglog" / f"t{files}", write)
    for left in (path / "_delta_log").glob("*.json"):
        if int(left.stem) >= 10 + commits:
            left.unlink()
    q = f"SELECT count(*), min(v), max(v) FROM t{files} WHERE day = '2026-01-01' AND id BETWEEN 10 AND 20"
    mine, theirs = [], []
    for _ in range(1 if args.quick else 3):
        with Server() as s:
            client, other = s.client("biglog"), s.client("biglog")
            idle = s.memory("VmRSS")
            out = client.ask("query " + q)
            mine.append(out["seconds"])
            peer = alone(f"""
import deltalake, time
start = time.perf_counter()
rows = deltalake.QueryBuilder().register("t", deltalake.DeltaTable({str(path)!r})).execute({q.replace(f"t{files}", "t")!r}).read_all()
out = {{"seconds": time.perf_counter() - start, "rows": rows.column(0)[0].as_py()}}
""")
            theirs.append(peer["seconds"])
            if int(out["rows"][0][0]) != 11 or peer["rows"] != 11:
                sys.exit(f"B6: {out['rows']}, {peer['rows']}")
            warm = statistics.median(client.ask("query " + q)["seconds"] for _ in range(9))
            settle(s)
            held = s.memory("VmRSS") - idle
            refresh = []
            for k in range(5):
                v = 10 + commits + k
                (path / "_delta_log" / f"{v:020d}.json").write_text(json.dumps({"commitInfo": {"timestamp": 1_770_000_100_000 + v, "operation": "WRITE"}}) + "\n" + json.dumps(
                    {"add": {"path": path_of(files + v), "partitionValues": {"day": "2026-01-01"}, "size": 1000, "modificationTime": 1, "dataChange": True, "stats": stats(files + v)}}) + "\n")
                refresh.append(other.ask("query " + q)["seconds"] - warm)
            for k in range(5):
                (path / "_delta_log" / f"{10 + commits + k:020d}.json").unlink()
    report.add(f"cold: open {files:,} files and {commits:,} commits, one row group", "delta-rs", statistics.median(mine), statistics.median(theirs), "s", 0.3)
    report.value("the same query once open", f"{warm * 1000:.1f} ms", warm <= 0.02, "≤ 20 ms")
    report.value("after one foreign commit, on top of that", f"{statistics.median(refresh) * 1000:.1f} ms", statistics.median(refresh) <= 0.005, "≤ 5 ms")
    report.value("resident memory a file", f"{held / files:,.0f} bytes", held / files <= 300, "≤ 300 bytes")


def settle(server):
    """Lets the collector give back what opening took: twice its own interval at most."""
    last = server.memory("VmRSS")
    for _ in range(20):
        time.sleep(1)
        now = server.memory("VmRSS")
        if now > last * 0.99:
            return
        last = now
