"""B1, B9, B10 and growth: TPC-H's 22 queries."""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import deltalake

import plot
from harness import DATA, ROOT, WAREHOUSE, Server, alone, asks, duck, executes, interleaved, once

QUERIES = {p.stem.upper().replace("Q0", "Q"): p.read_text() for p in sorted((ROOT / "bench" / "queries").glob("q*.sql"))}
TABLES = ("lineitem", "orders", "customer", "part", "partsupp", "supplier", "nation", "region")


def named(sf):
    return f"tpch{sf:g}".replace(".", "_")


def make(sf):
    """The tables as delta-rs writes them."""

    def write(path):
        c = duck()
        c.execute(f"CALL dbgen(sf={sf})")
        for t in TABLES:
            deltalake.write_deltalake(str(path / t), c.execute(f"SELECT * FROM {t}").to_arrow_table())

    return once(WAREHOUSE / named(sf), write)


def make_own(server, sf):
    """The same tables as featuresql writes them."""
    make(sf)

    def write(path):
        client = server.client("")
        client.ask(f"query CREATE DATABASE IF NOT EXISTS {path.name}")
        for t in TABLES:
            client.ask(f"query CREATE OR REPLACE TABLE {path.name}.{t} AS SELECT * FROM {named(sf)}.{t}")

    return once(WAREHOUSE / (named(sf) + "_own"), write)


def chosen(args):
    names = args.queries.upper().split(",") if args.queries else QUERIES
    return {n: QUERIES[n] for n in names}


def duck_views(base, threads=2):
    d = duck(threads)
    for t in TABLES:
        d.execute(f"CREATE VIEW {t} AS SELECT * FROM delta_scan('{base / t}')")
    return d


def b1(server, args, report):
    """TPC-H on tables that delta-rs wrote, and on those that featuresql wrote, beside DuckDB on the former; some beside Spark."""
    sf = args.sf or (0.1 if args.quick else 1)
    base = make(sf)
    own = make_own(server, sf)
    client, mine, d = server.client(base.name), server.client(own.name), duck_views(base)
    rounds = args.rounds or (3 if args.quick else 5)
    ratios, own_ratios, medians = [], [], {}
    for name, q in chosen(args).items():
        wait = server.profiled(f"b1-{name}", 5) if server.profile else None
        a, o, b = interleaved(rounds, asks(client, q), asks(mine, q), executes(d, q))
        if wait:
            wait()
        ratios.append(a / b)
        own_ratios.append(o / b)
        medians[name] = a
        report.add(f"{name} SF {sf:g}", "DuckDB", a, b, bar=1.3, note=f"own tables {o * 1000:.1f} ms, {o / b:.2f}")
    report.geomean("delta-rs's tables", "DuckDB", ratios, 0.8)
    report.geomean("featuresql's tables", "DuckDB on delta-rs's", own_ratios, 0.6)
    if args.spark:
        spark(base, medians, report)


def spark(base, medians, report):
    """Spark runs each query three times; the first warms it."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT / 'interop')!r})
import time, statistics, json
from sparksession import session
s = session()
for t in {TABLES!r}:
    s.read.format("delta").load(f"{base}/{{t}}").createOrReplaceTempView(t)
out = {{}}
for name, q in json.load(open({str(DATA / 'queries.json')!r})).items():
    took = []
    for _ in range(3):
        start = time.perf_counter(); s.sql(q).collect(); took.append(time.perf_counter() - start)
    out[name] = min(took[1:])
s.stop()
"""
    (DATA / "queries.json").write_text(json.dumps({n: QUERIES[n].strip().rstrip(";") for n in medians}))
    out = alone(code)
    report.geomean("delta-rs's tables", "Spark", [medians[n] / out[n] for n in medians], 0.1)


def b9(server, args, report):
    """TPC-H within 512 MiB beside the same server without a limit, each query twice."""
    sf = args.sf or (0.1 if args.quick else 1)
    base = make(sf)
    limit = "64MiB" if args.quick else "512MiB"
    free = server.client(base.name)
    ratios = []
    with Server("--memory-limit", limit) as small:
        client = small.client(base.name)
        for name, q in chosen(args).items():
            a, b = interleaved(2, asks(client, q), asks(free, q))
            ratios.append(a / b)
            report.add(f"{name} SF {sf:g}, --memory-limit {limit}", "without a limit", a, b, bar=3)
        report.value("greatest resident memory of the limited server", f"{small.peak_bytes() / 2**20:,.0f} MiB")
    report.geomean("TPC-H within the limit", "without a limit", ratios, 3)


def b10(server, args, report):
    """Q1 and Q6 at the first of 1,000 versions, and by a timestamp, beside the newest version, whose rows are the same."""
    sf = 0.1 if args.quick else 1
    versions = 100 if args.quick else 1000
    make(sf)

    def write(path):
        path.mkdir()
        shutil.copytree(WAREHOUSE / named(sf) / "lineitem", path / "lineitem")
        client = server.client(path.name)
        for i in range(versions):
            client.ask(f"query ALTER TABLE lineitem SET TBLPROPERTIES ('round' = '{i}')")
            if i == 0:
                time.sleep(1.1)
                (path / "at").write_text(str(client.ask("query SELECT NOW()")["rows"][0][0]))
                time.sleep(1.1)

    path = once(WAREHOUSE / f"versions{versions}", write)
    client = server.client(path.name)
    at = (path / "at").read_text()[:19]
    for name in ("Q1", "Q6"):
        q = QUERIES[name]
        old = [q.replace("FROM lineitem", f"FROM lineitem {p}").replace("from lineitem", f"from lineitem {p}") for p in (f"VERSION AS OF 1", f"TIMESTAMP AS OF '{at}'")]
        if old[0] == q:
            old = [q.replace("lineitem", f"lineitem {p}", 1) for p in ("VERSION AS OF 1", f"TIMESTAMP AS OF '{at}'")]
        a, t, b = interleaved(9, asks(client, old[0]), asks(client, old[1]), asks(client, q))
        report.add(f"{name} at version 1 of {versions}", "newest version", a, b, bar=1.1)
        report.add(f"{name} at a timestamp", "newest version", t, b, bar=1.1)
    points = []
    for v in sorted({1, versions // 4, versions // 2, versions - 1}):
        points.append((v, statistics.median(asks(client, QUERIES["Q6"].replace("lineitem", f"lineitem VERSION AS OF {v}", 1))()[0] for _ in range(5)) * 1000))
    plot.lines(ROOT / "docs" / "plots" / "b10.svg", "Q6 at a version", "version", "ms", {"featuresql": points}, args.quick)


def growth(server, args, report):
    """One thread beside two, and a tenth of the data beside all of it."""
    sf = args.sf or (0.1 if args.quick else 1)
    small, base = make(sf / 10), make(sf)
    queries = {n: q for n, q in chosen(args).items() if args.queries or n in ("Q1", "Q3", "Q5", "Q6", "Q9", "Q13", "Q18")}
    by_size, by_threads = {}, {}
    with Server("--workers", "1") as single:
        one, two, tenth = single.client(base.name), server.client(base.name), server.client(small.name)
        d1, d2 = duck_views(base, 1), duck_views(base, 2)
        for name, q in queries.items():
            a, b, x, y = interleaved(5, asks(one, q), asks(two, q), executes(d1, q), executes(d2, q))
            report.add(f"{name} SF {sf:g}, one thread", "two threads", a, b, note=f"wanted ≥ 1.7: {'met' if a / b >= 1.7 else 'missed'}; DuckDB's own ratio {x / y:.2f}")
            by_threads[name] = [(1, a * 1000), (2, b * 1000)]
            s = statistics.median(asks(tenth, q)()[0] for _ in range(7))
            report.add(f"{name} SF {sf:g}", f"SF {sf / 10:g}", b, s, bar=10.5)
            by_size[name] = [(sf / 10, s * 1000), (sf, b * 1000)]
    plot.lines(ROOT / "docs" / "plots" / "growth.svg", "TPC-H by scale factor, two threads", "scale factor", "ms", by_size, args.quick)
    plot.lines(ROOT / "docs" / "plots" / "threads.svg", f"TPC-H SF {sf:g} by threads", "threads", "ms", by_threads, args.quick)
