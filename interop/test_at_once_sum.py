"""Four engines move money between the rows of one table and read it meanwhile: the sum is right in every snapshot that any of them reads.

FEATURESQL_AT_ONCE_SECONDS says how long: 20 by default, 600 for the long mode."""

import glob
import os
import random
import subprocess
import sys
import threading
import time

import deltalake
import duckdb
import duckdb_extension_delta
import pyarrow as pa
import pymysql

from conftest import Server

SECONDS = float(os.environ.get("FEATURESQL_AT_ONCE_SECONDS", "20"))
ROWS, EACH = 8, 1000

# delta-rs in a process of its own: transfers, and now and then a compaction.
RS = """
import sys, deltalake, random, time
path, seconds = sys.argv[1], float(sys.argv[2])
rng, end, done = random.Random(3), time.time() + seconds, 0
while time.time() < end:
    a, b = rng.sample(range(8), 2)
    try:
        t = deltalake.DeltaTable(path)
        if rng.random() < 0.05:
            t.optimize.compact()
        else:
            t.update(updates={"n": f"CASE WHEN k = {a} THEN n - 1 ELSE n + 1 END"}, predicate=f"k IN ({a}, {b})")
        done += 1
    except Exception as e:
        text = str(e).lower()
        if "contiguous" in text:  # its listing missed a commit that was made meanwhile
            continue
        if "conflict" not in text and "concurrent" not in text and "commit" not in text and "transaction" not in text:
            raise
        time.sleep(rng.random() * 0.05)
print(done)
"""


class Crowd:
    """Threads that run until the time is over; what fails, and how often each kind was done."""

    def __init__(self):
        self.end = time.time() + SECONDS
        self.threads, self.errors, self.done = [], [], {}

    def run(self, name, step):
        def loop():
            rng = random.Random(name)
            try:
                while time.time() < self.end and not self.errors:
                    step(rng)
                    self.done[name] = self.done.get(name, 0) + 1
            except Exception as e:  # noqa: BLE001 - reported by the test
                self.errors.append((name, type(e).__name__, str(e)[:3000]))  # Py4J's repr does not say what happened
        self.threads.append(threading.Thread(target=loop))
        self.threads[-1].start()

    def join(self):
        for t in self.threads:
            t.join()
        assert not self.errors, self.errors


def transfer(c, rng):
    """One statement, or several in a transaction: the sum changes within, never outside."""
    a, b = rng.sample(range(ROWS), 2)
    with c.cursor() as cur:
        try:
            kind = rng.randrange(3)
            if kind == 0:
                cur.execute(f"UPDATE money SET n = CASE WHEN k = {a} THEN n - 1 ELSE n + 1 END WHERE k IN ({a}, {b})")
            elif kind == 1:
                cur.execute(f"MERGE INTO money t USING (SELECT {a} AS k, -1 AS d UNION ALL SELECT {b}, 1) s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = t.n + s.d")
            else:
                cur.execute("BEGIN")
                cur.execute(f"UPDATE money SET n = n - 5 WHERE k = {a}")
                cur.execute(f"UPDATE money SET n = n + 5 WHERE k = {b}")
                cur.execute("COMMIT")
        except pymysql.err.MySQLError as e:
            if e.args[0] != 1213:
                raise
            cur.execute("ROLLBACK")


def right(where, count, total):
    assert (int(count), int(total)) == (ROWS, ROWS * EACH), f"{where}: {count} rows, sum {total}"


def read(c, rng):
    with c.cursor() as cur:
        cur.execute("SELECT COUNT(*), SUM(n) FROM money")
        right("featuresql", *cur.fetchone())
        cur.execute(rng.choice(("SELECT COUNT(*), SUM(n) FROM money AS OF VERSION 1", "SELECT COUNT(*), SUM(n) FROM money WHERE n > -1000000")))
        right("featuresql", *cur.fetchone())


def by_delta_rs(path):
    def step(rng):
        try:
            t = deltalake.DeltaTable(path)
            if rng.random() < 0.5:
                t = deltalake.DeltaTable(path, version=rng.randrange(1, t.version() + 1))
        except deltalake.exceptions.DeltaError as e:
            if "contiguous" in str(e):  # its listing missed a commit that was made meanwhile
                return
            raise
        q = deltalake.QueryBuilder().register("t", t)
        r = pa.table(q.execute("SELECT COUNT(*) AS c, SUM(n) AS s FROM t").read_all()).to_pylist()[0]
        right(f"delta-rs, version {t.version()}", r["c"], r["s"])
    return step


def by_duckdb(path):
    db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    db.execute("LOAD '%s'" % glob.glob(os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "**", "*.duckdb_extension"), recursive=True)[0])

    def step(rng):
        try:
            row = db.execute(f"SELECT COUNT(*), SUM(n) FROM delta_scan('{path}')").fetchone()
        except duckdb.Error as e:
            if "contiguous" in str(e):  # as above
                return
            raise
        right("DuckDB", *row)
    return step


def by_spark(spark, path):
    def step(rng):
        a, b = rng.sample(range(ROWS), 2)
        try:
            spark.sql(f"UPDATE delta.`{path}` SET n = CASE WHEN k = {a} THEN n - 1 ELSE n + 1 END WHERE k IN ({a}, {b})")
        except Exception as e:  # noqa: BLE001 - Py4J wraps Delta's exceptions
            if "Concurrent" not in str(e) and "DELTA_CONCURRENT" not in str(e):
                raise
        right("Spark", *spark.sql(f"SELECT COUNT(*), SUM(n) FROM delta.`{path}`").collect()[0])
    return step


def test_the_sum_in_every_snapshot(warehouse, server, spark):
    other = Server(warehouse)
    try:
        server.rows("CREATE DATABASE transfers")
        server.rows("CREATE TABLE money (k BIGINT, n BIGINT)", database="transfers")
        server.rows("INSERT INTO money VALUES " + ", ".join(f"({k}, {EACH})" for k in range(ROWS)), database="transfers")
        path = str(warehouse / "transfers" / "money")
        crowd = Crowd()
        rs = subprocess.Popen([sys.executable, "-c", RS, path, str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name, s in (("one", server), ("two", other)):
            for i in range(2):
                crowd.run(f"featuresql {name} writes {i}", lambda rng, c=s.connect("transfers"): transfer(c, rng))
            crowd.run(f"featuresql {name} reads", lambda rng, c=s.connect("transfers"): read(c, rng))
        crowd.run("delta-rs reads", by_delta_rs(path))
        crowd.run("DuckDB reads", by_duckdb(path))
        crowd.run("Spark writes and reads", by_spark(spark, path))
        crowd.join()
        out, err = rs.communicate(timeout=120)
        assert rs.returncode == 0, err
        crowd.done["delta-rs writes"] = int(out)
        newest = server.rows("DESCRIBE HISTORY money", database="transfers")[0][0]
        for v in range(1, newest + 1):
            right(f"featuresql, version {v}", *server.rows(f"SELECT COUNT(*), SUM(n) FROM money AS OF VERSION {v}", database="transfers")[0])
        print(f"{newest} versions, {crowd.done}")
        assert all(crowd.done.get(t, 0) for t in ("featuresql one writes 0", "featuresql two writes 0", "delta-rs reads", "DuckDB reads", "Spark writes and reads", "delta-rs writes"))
    finally:
        other.stop()
