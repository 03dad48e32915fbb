"""B2, B3, B4, B7 and B8: the feature store's own workloads."""

import shutil
import statistics
import subprocess
import sys
import time

import deltalake
import plot
from harness import DATA, ROOT, WAREHOUSE, MariaDB, Server, alone, asks, duck, interleaved, once, same

COLUMNS = "entity_id, id, at, country, f0, f1, f2, f3, f4, f5"


def size(args):
    return 2_000_000 if args.quick else 20_000_000


def make(rows):
    """A feature table of 12 columns, clustered by entity, ten rows an entity, as delta-rs writes it."""

    def write(path):
        c = duck()
        cols = ", ".join(f"hash(i * {k + 3}) % 1000000 / 1000.0 AS f{k}" for k in range(8))
        for lo in range(0, rows, 5_000_000):
            hi = min(rows, lo + 5_000_000)
            t = c.execute(f"""SELECT (i // 10)::BIGINT AS entity_id, i::BIGINT AS id, TIMESTAMP '2026-01-01' + INTERVAL (i % 86400) SECOND AS at, 'c' || (i % 97) AS country, {cols}
                              FROM range({lo}, {hi}) t(i)""").to_arrow_table()
            deltalake.write_deltalake(str(path), t, mode="append")

    return once(WAREHOUSE / "features" / f"f{rows}", write)


def b2(server, args, report):
    """Rows of one entity by a prepared statement, from a table that delta-rs wrote."""
    rows = size(args)
    path = make(rows)
    client, d = server.client("features"), duck()
    client.ask(f"prepare SELECT * FROM f{rows} WHERE entity_id = ?")
    d.execute(f"CREATE VIEW f AS SELECT * FROM delta_scan('{path}')")
    n = 40
    client.ask(f"lookup {10 * n} 1 {rows // 10}")  # warm, as the peer is
    mine, theirs = [], []
    for round_ in range(3):
        out = client.ask(f"lookup {n} {round_ + 2} {rows // 10}")
        if out["rows"] != 10 * n:
            sys.exit(f"look-ups found {out['rows']} rows, not {10 * n}")
        mine.append(out["p50"])
        took = []
        for i in range(12):
            start = time.perf_counter()
            got = d.execute("SELECT * FROM f WHERE entity_id = ?", [(i * 7919 * (round_ + 1)) % (rows // 10)]).fetchall()
            took.append(time.perf_counter() - start)
            assert len(got) == 10
        theirs.append(statistics.median(took))
    report.add(f"look-up in {rows // 10**6} M rows that delta-rs wrote, p50", "DuckDB", statistics.median(mine), statistics.median(theirs), bar=0.1)
    b2_own(server, args, report)


def b2_own(server, args, report):
    """Rows by a declared key, from a table that featuresql wrote, beside InnoDB's primary key."""
    rows = 200_000 if args.quick else 2_000_000
    make(2_000_000)

    def write(path):
        client = server.client("")
        client.ask("query CREATE DATABASE IF NOT EXISTS keyed")
        client.ask(f"query CREATE OR REPLACE TABLE keyed.{path.name} (id BIGINT PRIMARY KEY, entity_id BIGINT, at TIMESTAMP, country VARCHAR(10), f0 DOUBLE, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE)")
        client.ask(f"query INSERT INTO keyed.{path.name} SELECT id, entity_id, at, country, f0, f1, f2, f3 FROM features.f2000000 WHERE id < {rows}")

    once(WAREHOUSE / "keyed" / f"k{rows}", write)
    with MariaDB() as maria:
        if maria.run(f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'bench' AND table_name = 'k{rows}'").strip() == "0":
            file = DATA / "k.tsv"
            duck().execute(f"COPY (SELECT id, entity_id, \"at\", country, f0, f1, f2, f3 FROM delta_scan('{WAREHOUSE}/features/f2000000') WHERE id < {rows}) TO '{file}' (DELIMITER '\t', HEADER false)")
            maria.run(f"CREATE TABLE kk (id BIGINT PRIMARY KEY, entity_id BIGINT, at TIMESTAMP, country VARCHAR(10), f0 DOUBLE, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE) ENGINE=InnoDB; LOAD DATA LOCAL INFILE '{file}' INTO TABLE kk; RENAME TABLE kk TO k{rows}")
            file.unlink()
        mine, theirs = server.client("keyed"), maria.client()
        for c in (mine, theirs):
            c.ask(f"prepare SELECT * FROM k{rows} WHERE id = ?")
            c.ask(f"rate 4 3 {rows}")
        seconds, p50, rate = (0.5 if args.quick else 2), ([], []), ([], [])
        for _ in range(3 if args.quick else 5):
            for i, c in enumerate((mine, theirs)):
                p50[i].append(c.ask(f"rate 1 {seconds} {rows}")["p50"])
                rate[i].append(c.ask(f"rate 16 {seconds} {rows}")["rate"])
        report.add(f"look-up by declared key in {rows / 10**6:g} M rows, p50", "MariaDB", *map(statistics.median, p50), bar=2)
        report.add("the same on 16 connections", "MariaDB", *map(statistics.median, rate), unit="rows/s", bar=0.5)


def b3(server, args, report):
    """Labels meet the newest rows before their time of three feature tables."""
    labels, rows = (100_000, 1_000_000) if args.quick else (1_000_000, 10_000_000)

    def write(path):
        c = duck()
        for name, n, cols in [("labels", labels, "hash(i) % 2 AS label")] + [(f"g{k}", rows, f"hash(i * {k + 5}) % 1000000 / 1000.0 AS v{k}, 's' || (hash(i + {k}) % 1000) AS s{k}") for k in range(3)]:
            for lo in range(0, n, 5_000_000):
                t = c.execute(f"""SELECT (hash(i + {n}) % {rows // 100})::BIGINT AS entity_id, TIMESTAMP '2026-01-01' + INTERVAL (hash(i * 3 + 1) % 8640000) SECOND + INTERVAL (i) MICROSECOND AS at, {cols}
                                  FROM range({lo}, {min(n, lo + 5_000_000)}) t(i)""").to_arrow_table()
                deltalake.write_deltalake(str(path / name), t, mode="append")

    base = once(WAREHOUSE / f"asof{rows // 10**6}", write)
    joins = " ".join(f"ASOF LEFT JOIN g{k} ON l.entity_id = g{k}.entity_id AND l.at >= g{k}.at" for k in range(3))
    q = f"SELECT count(*), sum(v0), sum(v1), sum(v2), count(s0), count(s1), count(s2), min(s0), max(s1) FROM labels l {joins}"
    client = server.client(base.name)
    views = "".join(f"d.execute(\"CREATE VIEW {t} AS SELECT * FROM delta_scan('{base / t}')\"); " for t in ("labels", "g0", "g1", "g2"))
    server.reset_peak()
    idle = server.memory("VmRSS")
    mine, theirs, peaks = [], [], []
    for _ in range(2 if args.quick else 3):
        out = client.ask("query " + q)
        mine.append(out["seconds"])
        peer = alone(f"import harness, time\nd = harness.duck()\n{views}\nd.execute({q!r}).fetchall()\nstart = time.perf_counter()\nrows = d.execute({q!r}).fetchall()\nout = {{'seconds': time.perf_counter() - start, 'rows': [[str(x) for x in r] for r in rows]}}")
        theirs.append(peer["seconds"])
        peaks.append(peer["peak_bytes"])
        if not same(out["rows"], peer["rows"]):
            sys.exit(f"B3: different answers {out['rows']} {peer['rows']}")
    peak = server.peak_bytes()
    report.add(f"{labels / 10**6:g} M labels, three groups of {rows / 10**6:g} M rows", "DuckDB", statistics.median(mine), statistics.median(theirs), "s", 0.7, f"before it {idle / 2**30:.2f} GiB were resident")
    report.add("greatest resident memory", "DuckDB", peak / 2**30, max(peaks) / 2**30, "GiB", 0.5)
    with Server("--memory-limit", "64MiB" if args.quick else "512MiB") as small:
        limited = small.client(base.name)
        a, b = interleaved(1 if args.quick else 2, asks(limited, q), asks(client, q))
        report.add("within 512 MiB", "without a limit", a, b, "s", 3, f"resident {small.peak_bytes() / 2**20:,.0f} MiB at most")


def b4(server, args, report):
    """MERGE of rows of which half are new, by keys in order or at random, with deletion vectors and without, into tables that delta-rs wrote."""
    rows = size(args)
    changed = rows // 100
    path = make(rows)
    base = WAREHOUSE / "merge"
    cols = ", ".join(f"{k}.5::DOUBLE AS f{k}" for k in range(8))
    d = duck()
    for keys, ids in (("clustered", f"SELECT i AS id FROM range({rows - changed // 2}, {rows + changed // 2}) t(i)"),
                      ("random", f"SELECT (i * {rows // (changed // 2)} + hash(i) % {rows // (changed // 2)})::BIGINT AS id FROM range({changed // 2}) t(i) UNION ALL SELECT {rows} + i FROM range({changed // 2}) t(i)")):
        shutil.rmtree(base, ignore_errors=True)
        source = d.execute(f"SELECT (id // 10)::BIGINT AS entity_id, id::BIGINT AS id, TIMESTAMP '2026-02-01' AS at, 'new' AS country, {cols} FROM ({ids}) ORDER BY hash(id)").to_arrow_table()
        deltalake.write_deltalake(str(base / "source"), source)
        for name in ("theirs", "plain", "vectors"):
            shutil.copytree(path, base / name, copy_function=shutil.copy)
            if name == "theirs":
                peer = alone(f"""
import deltalake, time
s = deltalake.DeltaTable({str(base / 'source')!r}).to_pyarrow_table()
start = time.perf_counter()
deltalake.DeltaTable({str(base / 'theirs')!r}).merge(s, "t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()
out = {{"seconds": time.perf_counter() - start}}
""")
                want = d.execute(check(base / name)).fetchall()
            else:
                client = server.client("merge")
                if name == "vectors":
                    client.ask("query ALTER TABLE vectors SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
                server.reset_peak()
                out = client.ask(f"query MERGE INTO {name} AS t USING source AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
                peak = server.peak_bytes()
                got = d.execute(check(base / name)).fetchall()
                if not same(got, want):
                    sys.exit(f"MERGE: different tables {got} {want}")
                bar = 0.15 if name == "vectors" else 0.3 if keys == "clustered" else 0.8
                report.add(f"MERGE {changed // 1000} k into {rows // 10**6} M, {keys} keys, {'deletion vectors' if name == 'vectors' else 'files rewritten'}", "delta-rs", out["seconds"], peer["seconds"], "s", bar,
                           f"peak {peak / 2**30:.2f} GiB (wanted 1), theirs {peer['peak_bytes'] / 2**30:.2f} GiB")
            shutil.rmtree(base / name, ignore_errors=True)
    shutil.rmtree(base, ignore_errors=True)


def check(path):
    return f"SELECT count(*), sum(id), sum(f0), sum(f7), count(DISTINCT id), count(*) FILTER (country = 'new') FROM delta_scan('{path}')"


def b7(server, args, report):
    """Rows to a client that only counts them, beside MariaDB's sending the same rows, and DuckDB's handing them over in memory."""
    rows = 1_000_000 if args.quick else 10_000_000
    path = make(size(args))
    client, d = server.client("features"), duck()

    def ours():
        out = client.ask(f"drain SELECT {COLUMNS} FROM f{size(args)} WHERE id < {rows}")
        if out["rows"] != rows:
            sys.exit(f"B7: {out['rows']} rows, not {rows}")
        return out["seconds"], []

    def theirs():
        start = time.perf_counter()
        d.execute(f"SELECT {COLUMNS.replace('at', chr(34) + 'at' + chr(34))} FROM delta_scan('{path}') WHERE id < {rows}").fetchnumpy()
        return time.perf_counter() - start, []

    mine, peer = interleaved(3, ours, theirs)
    report.add(f"{rows // 10**6} M rows × 10 columns, text", "DuckDB to NumPy", mine, peer, "s")
    report.value("rows per second", f"{rows / mine / 1e6:.2f} M", rows / mine >= 3e6, "≥ 3 M")
    with MariaDB() as maria:
        few = 1_000_000
        if maria.run("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'bench' AND table_name = 'f'").strip() == "0":
            file = DATA / "f.tsv"
            d.execute(f"COPY (SELECT {COLUMNS.replace('at', chr(34) + 'at' + chr(34))} FROM delta_scan('{path}') WHERE id < {few}) TO '{file}' (DELIMITER '\t', HEADER false)")
            maria.run(f"CREATE TABLE ff (entity_id BIGINT, id BIGINT, at TIMESTAMP(6), country VARCHAR(10), f0 DOUBLE, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE, f4 DOUBLE, f5 DOUBLE) ENGINE=InnoDB; LOAD DATA LOCAL INFILE '{file}' INTO TABLE ff; RENAME TABLE ff TO f")
            file.unlink()
        other = maria.client()
        a = [], []
        for _ in range(3):
            for took, c, name in zip(a, (client, other), (f"f{size(args)}", "f")):
                out = c.ask(f"drain SELECT {COLUMNS} FROM {name} WHERE id < {few}")
                assert out["rows"] == few
                took.append(few / out["seconds"])
        report.add("1 M rows of them, text", "MariaDB", *map(statistics.median, a), unit="rows/s", bar=5)


def b8(server, args, report):
    """INSERT … SELECT and LOAD DATA LOCAL beside delta-rs's writing the same rows from memory."""
    rows = 1_000_000 if args.quick else 10_000_000
    path = make(size(args))
    base = WAREHOUSE / "writes"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    d = duck()
    client = server.client("writes")
    columns = "entity_id BIGINT, id BIGINT PRIMARY KEY, at TIMESTAMP, country VARCHAR(10), " + ", ".join(f"f{k} DOUBLE" for k in range(8))
    peer = alone(f"""
import deltalake, time, harness
d = harness.duck()
t = d.execute("SELECT * FROM delta_scan('{path}') WHERE id < {rows}").to_arrow_table()
start = time.perf_counter()
deltalake.write_deltalake({str(base / 'theirs')!r}, t)
out = {{"seconds": time.perf_counter() - start}}
""")
    client.ask(f"query CREATE TABLE ours ({columns})")
    server.reset_peak()
    out = client.ask(f"query INSERT INTO ours SELECT * FROM features.f{size(args)} WHERE id < {rows}")
    report.add(f"INSERT … SELECT of {rows // 10**6} M rows × 12, page index and bloom filters included", "delta-rs from memory", out["seconds"], peer["seconds"], "s", 1, f"peak {server.peak_bytes() / 2**30:.2f} GiB, theirs {peer['peak_bytes'] / 2**30:.2f} GiB")
    file = DATA / "load.tsv"
    some = rows // 5
    d.execute(f"COPY (SELECT * FROM delta_scan('{path}') WHERE id < {some}) TO '{file}' (DELIMITER '\t', HEADER false)")
    client.ask(f"query CREATE TABLE loaded ({columns})")
    start = time.perf_counter()
    got = subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-uroot", "--local-infile=1", "writes", "-e", f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE loaded"], capture_output=True, text=True)
    took = time.perf_counter() - start
    file.unlink()
    if got.returncode:
        sys.exit(got.stderr)
    for name, n in (("ours", rows), ("loaded", some)):
        a, b = d.execute(check(base / name)).fetchall(), d.execute(check(path) + f" WHERE id < {n}").fetchall()
        if not same(a, b):
            sys.exit(f"B8: different rows in {name}: {a} {b}")
    report.add(f"LOAD DATA LOCAL of {some / 10**6:g} M of them as text", "delta-rs from memory, a fifth of its time", took, peer["seconds"] * some / rows, "s", 1)
    shutil.rmtree(base, ignore_errors=True)
