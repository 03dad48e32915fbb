"""Two featuresql processes, delta-rs and Spark write one table at once: the sum is right, no row twice, no commit lost."""

import subprocess
import sys
import threading

import deltalake
import pymysql

from conftest import Server, delta_retry

TOTAL = 400
RS = """
import sys, deltalake, pyarrow as pa, time, random
path, n = sys.argv[1], int(sys.argv[2])
done = 0
while done < n:
    try:
        if done % 2:
            t = deltalake.DeltaTable(path)
            s = pa.table({"k": pa.array([done % 4], pa.int64()), "one": pa.array([1], pa.int64())})
            t.merge(s, "t.k = s.k", source_alias="s", target_alias="t").when_matched_update(updates={"n": "t.n + s.one"}).execute()
        else:
            deltalake.DeltaTable(path).update(updates={"n": "n + 1"}, predicate=f"k = {done % 4}")
        done += 1
    except Exception as e:
        text = str(e).lower()
        if "conflict" not in text and "concurrent" not in text and "commit" not in text and "transaction" not in text:
            raise
        time.sleep(random.random() * 0.05)
print(done)
"""


def featuresql_writer(server, n, errors):
    try:
        c = server.connect("together")
        for i in range(n):
            while True:
                try:
                    with c.cursor() as cur:
                        if i % 3 == 0:
                            cur.execute("MERGE INTO counters t USING (SELECT %s AS k) s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = t.n + 1", (i % 4,))
                        else:
                            cur.execute("UPDATE counters SET n = n + 1 WHERE k = %s", (i % 4,))
                    break
                except pymysql.err.MySQLError as e:
                    if e.args[0] != 1213:
                        raise
        c.close()
    except Exception as e:  # noqa: BLE001 - reported by the test
        errors.append(e)


def test_four_hundred_increments(warehouse, server, spark):
    other = Server(warehouse)
    try:
        server.rows("CREATE DATABASE together")
        server.rows("CREATE TABLE counters (k BIGINT, n BIGINT)", database="together")
        server.rows("INSERT INTO counters VALUES (0, 0), (1, 0), (2, 0), (3, 0)", database="together")
        path = str(warehouse / "together" / "counters")
        errors, done = [], {}
        shares = {"featuresql": 130, "other": 130, "delta-rs": 80, "spark": 60}
        assert sum(shares.values()) == TOTAL
        rs = subprocess.Popen([sys.executable, "-c", RS, path, str(shares["delta-rs"])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def by_spark():
            try:
                for i in range(shares["spark"]):
                    delta_retry(lambda: spark.sql(f"UPDATE delta.`{path}` SET n = n + 1 WHERE k = {i % 4}"))
                done["spark"] = True
            except Exception as e:  # noqa: BLE001
                errors.append(e)

        threads = [threading.Thread(target=featuresql_writer, args=(s, shares[name], errors)) for name, s in (("featuresql", server), ("other", other))]
        threads.append(threading.Thread(target=by_spark))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        out, err = rs.communicate(timeout=600)
        assert rs.returncode == 0, err
        assert not errors, errors
        rows = server.rows("SELECT k, n FROM counters ORDER BY k", database="together")
        assert [r[0] for r in rows] == [0, 1, 2, 3]
        assert sum(r[1] for r in rows) == TOTAL
        assert sorted(r["n"] for r in deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()) == sorted(r[1] for r in rows)
        history = server.rows("DESCRIBE HISTORY counters", database="together")
        assert [h[0] for h in history] == list(range(len(history) - 1, -1, -1))
        assert len(history) == TOTAL + 2
    finally:
        other.stop()
