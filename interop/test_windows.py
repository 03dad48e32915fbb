"""Random calls over windows on featuresql and on DuckDB over the same rows give the same values.

FEATURESQL_SEED repeats a run, FEATURESQL_QUERIES sets the number of queries.
"""

import os
import random

import duckdb

ROW = "t.a, t.b, t.d, t.e, t.s"  # rows that are alike in all of these cannot be told apart


class Windows:
    """A random table t with many NULLs and ties, and random calls over its windows."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def rows(self):
        def number():
            return "NULL" if self.rnd.random() < 0.15 else str(self.rnd.randint(-3, 6))

        for _ in range(40):
            date = self.rnd.choice(["NULL", f"'2024-01-{self.rnd.randint(1, 24):02}'"])
            yield f"({number()}, {number()}, {date}, {number()}, {self.rnd.choice(['NULL', repr('x'), repr('y'), repr('xy')])})"

    def frame(self, distance):
        """A frame whose start is not behind its end, for which DuckDB 1.5 counts fewer than no rows."""
        bounds = (["UNBOUNDED PRECEDING"] + [distance(n) + " PRECEDING" for n in (5, 2, 1, 0)] + ["CURRENT ROW"]
                  + [distance(n) + " FOLLOWING" for n in (0, 1, 3, 9)] + ["UNBOUNDED FOLLOWING"])
        start, end = sorted((self.rnd.randint(0, len(bounds) - 2), self.rnd.randint(1, len(bounds) - 1)))
        return f"BETWEEN {bounds[min(start, len(bounds) - 2)]} AND {bounds[max(end, 1)]}"

    def call(self):
        pick, r = self.rnd.choice, self.rnd.random()
        part = pick(["", "PARTITION BY t.s ", "PARTITION BY t.a, t.s ", "PARTITION BY t.a % 2 "])
        total = pick(["count(*)", "count(t.a)", "sum(t.a)", "sum(t.b + 1)", "min(t.a)", "max(t.s)", "min(t.d)", "sum(t.e)", "avg(t.e)", "max(t.e)"])
        if r < 0.2:
            call = pick(["rank()", "dense_rank()", "percent_rank()", "cume_dist()", total])
            return f"{call} OVER ({part}ORDER BY {pick(['t.a', 't.b DESC', 't.s, t.a', 't.d', 't.e DESC'])})"
        if r < 0.35:
            call = pick(["row_number()", "ntile(4)", "lag(t.a, 2)", "lead(t.s)", "lag(t.b, 1, t.a)", "lead(t.e, 3)", "first_value(t.a)", "last_value(t.s)", "nth_value(t.b, 3)"])
            return f"{call} OVER ({part}ORDER BY {ROW})"
        if r < 0.6:
            return f"{pick([total, 'first_value(t.b)', 'last_value(t.a)', 'nth_value(t.s, 2)'])} OVER ({part}ORDER BY {ROW} ROWS {self.frame(str)})"
        if r < 0.75:
            return f"{total} OVER ({part}ORDER BY t.{pick(['a', 'b', 'e'])} {pick(['', 'DESC'])} RANGE {self.frame(str)})"
        if r < 0.9:
            return f"{total} OVER ({part}ORDER BY t.d {pick(['', 'DESC'])} RANGE {self.frame(lambda n: f'INTERVAL {n} DAY')})"
        return f"{total} OVER ({part})"

    def query(self):
        calls = ", ".join(self.call() for _ in range(self.rnd.randint(1, 3)))
        return f"SELECT {ROW}, {calls} FROM t {self.rnd.choice(['', 'WHERE t.a > 0', 'WHERE t.s IS NOT NULL'])}"


def comparable(rows):
    def plain(v):
        if v is None or isinstance(v, str):
            return v
        return str(v) if hasattr(v, "isoformat") else round(float(v), 6) + 0.0

    return sorted(([plain(v) for v in r] for r in rows), key=str)


def test_random_windows(server):
    seed = int(os.environ.get("FEATURESQL_SEED", "7"))
    w, peer = Windows(seed), duckdb.connect()
    peer.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")  # MySQL's
    server.rows("DROP DATABASE IF EXISTS windows")
    server.rows("CREATE DATABASE windows")
    c = server.connect("windows")
    with c.cursor() as cur:
        for stmt in ("CREATE TABLE t (a INT, b INT, d DATE, e DOUBLE, s VARCHAR(5))", "INSERT INTO t VALUES " + ", ".join(w.rows())):
            cur.execute(stmt)
            peer.execute(stmt)
        for _ in range(int(os.environ.get("FEATURESQL_QUERIES", "300"))):
            q = w.query()
            cur.execute(q)
            assert comparable(cur.fetchall()) == comparable(peer.execute(q).fetchall()), f"seed {seed}: {q}"
    c.close()
