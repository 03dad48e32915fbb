"""Runs workloads on featuresql and its peers in turn (A B A B …), checks that they agree, and prints medians and ratios.

featuresql is measured from the client's side of a MySQL connection with the result fetched; DuckDB and delta-rs in their
Python API, warm, with two threads. A ratio is featuresql / peer: below 1 is faster.
"""

import argparse
import glob
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

import deltalake
import duckdb
import pyarrow as pa

DATA = pathlib.Path(os.environ["BENCH_DATA"])
ROOT = pathlib.Path(__file__).resolve().parent.parent

TPCH = {p.stem.upper().replace("Q0", "Q"): p.read_text() for p in sorted((ROOT / "bench" / "queries").glob("q*.sql"))}
TABLES = ("lineitem", "orders", "customer", "part", "partsupp", "supplier", "nation", "region")


class Server:
    """featuresql serving the benchmark's warehouse."""

    def __init__(self, warehouse):
        self.log = open(warehouse.parent / "server.log", "w+")
        self.process = subprocess.Popen([os.environ["FEATURESQL_BIN"], "serve", "--warehouse", str(warehouse), "--listen", "127.0.0.1:0", "--workers", "2"], stderr=self.log)
        while True:
            self.log.seek(0)
            m = re.search(r"listening on [^ ]*:(\d+)", self.log.read())
            if m:
                break
            if self.process.poll() is not None:
                sys.exit("featuresql did not start, see " + self.log.name)
            time.sleep(0.05)
        self.port = int(m.group(1))

    def client(self, database):
        return Client(self.port, database)

    def peak_bytes(self):
        """Greatest resident memory since the last reset."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        return 0

    def reset_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Client:
    def __init__(self, port, database):
        self.p = subprocess.Popen([os.environ["BENCH_CLIENT"], f"127.0.0.1:{port}", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(" ".join(line.split()) + "\n")
        self.p.stdin.flush()
        out = json.loads(self.p.stdout.readline())
        if "error" in out:
            raise RuntimeError(out["error"])
        return out


def duck():
    c = duckdb.connect(config={"threads": 2})
    for name in ("delta", "tpch"):
        mod = __import__("duckdb_extension_" + name)
        c.execute("LOAD '%s'" % glob.glob(os.path.join(os.path.dirname(mod.__file__), "**", "*.duckdb_extension"), recursive=True)[0])
    return c


def make_tpch(sf):
    base = DATA / "warehouse" / f"tpch{sf}".replace(".", "_")
    if not (base / "done").exists():
        shutil.rmtree(base, ignore_errors=True)
        c = duck()
        c.execute(f"CALL dbgen(sf={sf})")
        for t in TABLES:
            deltalake.write_deltalake(str(base / t), c.execute(f"SELECT * FROM {t}").to_arrow_table())
        (base / "done").touch()
    return base


def make_features(rows):
    """A feature table clustered by entity, ten rows an entity."""
    base = DATA / "warehouse" / "features"
    path = base / f"f{rows}"
    if not (base / f"done{rows}").exists():
        shutil.rmtree(path, ignore_errors=True)
        c = duck()
        cols = ", ".join(f"hash(i * {k + 3}) % 1000000 / 1000.0 AS f{k}" for k in range(8))
        for lo in range(0, rows, 5_000_000):
            hi = min(rows, lo + 5_000_000)
            t = c.execute(f"""SELECT (i // 10)::BIGINT AS entity_id, i::BIGINT AS id, TIMESTAMP '2026-01-01' + INTERVAL (i % 86400) SECOND AS at, 'c' || (i % 97) AS country, {cols}
                              FROM range({lo}, {hi}) t(i)""").to_arrow_table()
            deltalake.write_deltalake(str(path), t, mode="append")
        (base / f"done{rows}").touch()
    return path


def number(x):
    try:
        return round(float(x), 4)
    except (TypeError, ValueError):
        return None if x is None else str(x)[:10]


def same(a, b):
    """Rows are equal but for the scale in which numbers are printed."""
    return len(a) == len(b) and all(len(x) == len(y) and all(p == q or (isinstance(p, float) and isinstance(q, float) and abs(p - q) <= 5e-5 + 1e-9 * max(abs(p), abs(q)))
                                                            for p, q in zip(map(number, x), map(number, y))) for x, y in zip(a, b))


def interleaved(ours, theirs, rounds):
    """Calls both in turn; each returns (seconds, result). The results must agree."""
    a, b = [], []
    ours(), theirs()
    for _ in range(rounds):
        s, x = ours()
        a.append(s)
        s, y = theirs()
        b.append(s)
        if not same(x, y):
            sys.exit(f"different answers:\n{x[:3]}\n{y[:3]}")
    return statistics.median(a), statistics.median(b)


class Report:
    def __init__(self):
        self.rows = []

    def add(self, name, peer, ours, theirs, unit="ms", note=""):
        scale = 1000 if unit == "ms" else 1
        self.rows.append((name, peer, f"{ours * scale:.2f} {unit}", f"{theirs * scale:.2f} {unit}", f"{ours / theirs:.2f}", note))
        print(f"{name:28} {peer:10} featuresql {ours * scale:10.2f} {unit}   peer {theirs * scale:10.2f} {unit}   ratio {ours / theirs:.2f}  {note}", flush=True)

    def geomean(self, name, peer, ratios):
        self.rows.append((f"{name} geometric mean", peer, "", "", f"{statistics.geometric_mean(ratios):.2f}", f"worst {max(ratios):.2f}"))

    def write(self, path, args):
        cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
        lines = ["# Benchmarks", "", f"One run of `make bench{'-quick' if args.quick else ''}` on {os.cpu_count()} cores ({cpu}), interleaved, medians; DuckDB {duckdb.__version__}, delta-rs {deltalake.__version__}.",
                 "A ratio is featuresql / peer: below 1 is faster. Absolute times are of one machine on one day.", "", "| workload | peer | featuresql | peer's | ratio | |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(r) + " |" for r in self.rows]
        pathlib.Path(path).write_text("\n".join(lines) + "\n")


def b1(server, args, report):
    sf = 0.1 if args.quick else 1
    base = make_tpch(sf)
    client, d = server.client(base.name), duck()
    d.execute("SET threads = 2")
    for t in TABLES:
        d.execute(f"CREATE VIEW {t} AS SELECT * FROM delta_scan('{base / t}')")
    ratios = []
    for name, q in TPCH.items():
        if args.queries and name not in args.queries.upper().split(","):
            continue

        def ours():
            out = client.ask("query " + q)
            return out["seconds"], out["rows"]

        def duckdb_run():
            start = time.perf_counter()
            rows = d.execute(q).fetchall()
            return time.perf_counter() - start, rows

        a, b = interleaved(ours, duckdb_run, args.rounds or (3 if args.quick else 7))
        ratios.append(a / b)
        report.add(f"B1 {name} SF {sf}", "DuckDB", a, b)
    print(f"B1 geometric mean of {len(ratios)} ratios: {statistics.geometric_mean(ratios):.2f}", flush=True)
    report.geomean("B1", "DuckDB", ratios)


def b2(server, args, report):
    rows = 2_000_000 if args.quick else 20_000_000
    path = make_features(rows)
    client, d = server.client("features"), duck()
    client.ask(f"prepare SELECT * FROM f{rows} WHERE entity_id = ?")
    d.execute(f"CREATE VIEW f AS SELECT * FROM delta_scan('{path}')")
    n = 40
    client.ask(f"lookup {10 * n} 1 {rows // 10}")  # warm, as the peer is
    mine, theirs = [], []
    for round_ in range(3):
        out = client.ask(f"lookup {n} {round_ + 2} {rows // 10}")
        if out["rows"] != 10 * n:
            sys.exit(f"lookups found {out['rows']} rows, not {10 * n}")
        mine.append(out["p50"])
        took = []
        for i in range(12):
            start = time.perf_counter()
            got = d.execute("SELECT * FROM f WHERE entity_id = ?", [(i * 7919 * (round_ + 1)) % (rows // 10)]).fetchall()
            took.append(time.perf_counter() - start)
            assert len(got) == 10
        theirs.append(statistics.median(took))
    report.add(f"B2 look-up in {rows // 10**6} M, p50", "DuckDB", statistics.median(mine), statistics.median(theirs))


def b4(server, args, report):
    rows, changed = (2_000_000, 20_000) if args.quick else (20_000_000, 200_000)
    path = make_features(rows)
    base = DATA / "warehouse" / "merge"
    shutil.rmtree(base, ignore_errors=True)
    d = duck()
    cols = ", ".join(f"{k}.5::DOUBLE AS f{k}" for k in range(8))
    source = d.execute(f"""SELECT (i // 10)::BIGINT AS entity_id, i::BIGINT AS id, TIMESTAMP '2026-02-01' AS at, 'new' AS country, {cols}
                           FROM range({rows - changed // 2}, {rows + changed // 2}) t(i)""").to_arrow_table()
    deltalake.write_deltalake(str(base / "source"), source)
    for name in ("ours", "theirs"):
        shutil.copytree(path, base / name)
    client = server.client("merge")
    server.reset_peak()
    out = client.ask("query MERGE INTO ours AS t USING source AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
    peak = server.peak_bytes()
    code = f"""
import deltalake, time, resource
s = deltalake.DeltaTable({str(base / 'source')!r}).to_pyarrow_table()
start = time.perf_counter()
deltalake.DeltaTable({str(base / 'theirs')!r}).merge(s, "t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if got.returncode:
        sys.exit(got.stderr)
    seconds, rss = map(float, got.stdout.split())
    check = "SELECT count(*), sum(id), sum(f0), count(DISTINCT id) FROM delta_scan('{}')"
    a, b = (d.execute(check.format(base / n)).fetchall() for n in ("ours", "theirs"))
    if not same(a, b):
        sys.exit(f"MERGE: different tables {a} {b}")
    report.add(f"B4 MERGE {changed // 1000} k into {rows // 10**6} M", "delta-rs", out["seconds"], seconds, "s", f"peak {peak / 2**30:.2f} GiB, theirs {rss / 2**20:.2f} GiB")
    shutil.rmtree(base, ignore_errors=True)


def b7(server, args, report):
    rows = 1_000_000 if args.quick else 10_000_000
    features = 2_000_000 if args.quick else 20_000_000
    path = make_features(features)
    client, d = server.client("features"), duck()
    cols = "entity_id, id, at, country, f0, f1, f2, f3, f4, f5"

    def ours():
        out = client.ask(f"drain SELECT {cols} FROM f{features} WHERE id < {rows}")
        if out["rows"] != rows:
            sys.exit(f"B7: {out['rows']} rows, not {rows}")
        return out["seconds"], []

    def theirs():
        start = time.perf_counter()
        d.execute(f"SELECT {cols.replace('at', chr(34) + 'at' + chr(34))} FROM delta_scan('{path}') WHERE id < {rows}").fetchnumpy()
        return time.perf_counter() - start, []

    mine, peer = interleaved(ours, theirs, 3)
    report.add(f"B7 {rows // 10**6} M rows to the client", "DuckDB", mine, peer, "s", f"{rows / mine / 1e6:.2f} M rows/s, text; DuckDB to NumPy")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, help="runs of each query of B1")
    p.add_argument("--queries", help="those of B1 to run: Q1,Q21")
    p.add_argument("workloads", nargs="*", default=[])
    args = p.parse_args()
    (DATA / "warehouse").mkdir(parents=True, exist_ok=True)
    all_ = {"b1": b1, "b2": b2, "b4": b4, "b7": b7}
    report = Report()
    server = Server(DATA / "warehouse")
    watchdog = threading.Timer(3600, server.stop)
    watchdog.daemon = True
    watchdog.start()
    try:
        for name in args.workloads or all_:
            all_[name](server, args, report)
    finally:
        server.stop()
    if not args.workloads:
        report.write(ROOT / "docs" / "benchmarks.md", args)


if __name__ == "__main__":
    main()
