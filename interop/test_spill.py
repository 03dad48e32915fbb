"""Random queries over more rows than a query's memory holds give the rows that DuckDB gives.

FEATURESQL_SEED repeats a run, FEATURESQL_QUERIES sets the number of queries. Each runs under a random budget, on one stream or on three; a query
that says that it cannot fit (1038) gives no wrong rows, but most must be answered.
"""

import decimal
import os
import random

import deltalake
import duckdb
import pymysql
import pytest

import conftest


class Queries:
    """Tables t and u of tens of thousands of rows: id is unique, k has many values, g few and one of them often, s is a text of up to 200
    characters, j a number with many NULLs, and at differs between the rows of one k. Queries over them put out few rows."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.rows = {"t": self.rnd.choice([20_000, 60_000, 120_000]), "u": self.rnd.choice([5_000, 40_000, 90_000])}
        self.keys = self.rnd.choice([3_000, 20_000, 80_000])

    def select(self, table):
        salt, n = self.rnd.randint(1, 1 << 30), self.rows[table]
        h = lambda k: f"hash(i * 16 + {k} + {salt})"
        return f"""SELECT i::BIGINT AS id, CASE WHEN {h(0)} % 50 = 0 THEN NULL ELSE ({h(1)} % {self.keys})::BIGINT END AS k,
                   CASE {h(2)} % 4 WHEN 0 THEN NULL WHEN 1 THEN 7 ELSE ({h(3)} % 40)::INTEGER END AS g,
                   CASE {h(4)} % 20 WHEN 0 THEN NULL WHEN 1 THEN repeat(chr((97 + {h(5)} % 26)::INTEGER), ({h(6)} % 200)::INTEGER) ELSE 's' || ({h(7)} % {self.keys}) END AS s,
                   DATE '2026-01-01' + ({h(8)} % 500)::INTEGER AS d, TIMESTAMP '2026-01-01' + INTERVAL ({h(9)} % 100000) SECOND + INTERVAL (i) MICROSECOND AS at,
                   CASE WHEN {h(10)} % 3 = 0 THEN NULL ELSE ({h(11)} % 2000)::INTEGER - 1000 END AS j, (({h(12)} % 1000000)::BIGINT / 100)::DECIMAL(12, 2) AS m
                   FROM range({n}) r(i)"""

    def where(self, q):
        return self.rnd.choice(["1 = 1", "1 = 1", "1 = 1", f"{q}.j > {self.rnd.randint(-1000, 1000)}", f"{q}.g <> 7", f"{q}.s < 's5'", f"{q}.j IS NULL", f"{q}.m BETWEEN 1000 AND 9000",
                                f"{q}.d >= DATE '2026-{self.rnd.randint(1, 12):02}-01'"])

    def on(self, a, b):
        """A condition that few pairs of rows fulfil."""
        return self.rnd.choice([f"{a}.k = {b}.k", f"{a}.id = {b}.k", f"{a}.s = {b}.s AND {a}.g = {b}.g", f"{a}.k = {b}.k AND {a}.j < {b}.j", f"{a}.k = {b}.k AND {a}.d >= {b}.d",
                                f"{a}.k = {b}.k AND {a}.s <> {b}.s AND {self.where(a)}", f"{a}.id = {b}.id AND {self.where(b)}", f"{a}.d = {b}.d AND {a}.j = {b}.j", f"{a}.k = {b}.id + {b}.g"])

    def total(self, q):
        pick = self.rnd.choice
        return pick([f"sum({q}.m)", f"count(DISTINCT {q}.g)", f"count(DISTINCT {q}.s)", f"min({q}.s)", f"max({q}.s)", f"sum(DISTINCT {q}.j)", f"count({q}.j)", f"max({q}.at)", f"min({q}.d)", "count(*)",
                     f"sum({q}.j * {q}.g)"])

    def join(self):
        pick, (a, b) = self.rnd.choice, self.rnd.sample("tu", 2)
        kind = pick(["JOIN", "LEFT JOIN", "RIGHT JOIN"])
        return f"SELECT count(*), sum({a}.id), sum({b}.id), {self.total('t')}, {self.total('u')}, count(t.s), count(u.s) FROM {a} {kind} {b} ON {self.on(a, b)} WHERE {pick(['1 = 1', self.where('t'), self.where('u'), 'u.id IS NULL'])}"

    def joins(self):
        a, b = self.rnd.sample("tu", 2)
        kind = lambda: self.rnd.choice(["JOIN", "LEFT JOIN"])
        return f"SELECT count(*), sum({a}.id), sum({b}.id), sum(v.id), max(v.s) FROM {a} {kind()} {b} ON {self.on(a, b)} {kind()} u AS v ON {self.rnd.choice([a, b])}.id = v.id AND {self.where('v')} WHERE {self.where(a)}"

    def semi(self):
        no = self.rnd.choice(["", "NOT "])
        c = self.rnd.choice(["k", "s", "j", "d"])
        return self.rnd.choice([
            f"SELECT count(*), sum(t.id) FROM t WHERE t.{c} {no}IN (SELECT u.{c} FROM u WHERE u.{c} IS NOT NULL AND {self.where('u')})",
            f"SELECT count(*), sum(t.id) FROM t WHERE t.{c} {no}IN (SELECT u.{c} FROM u WHERE {self.where('u')})",
            f"SELECT count(*), sum(t.id), max(t.s) FROM t WHERE {no}EXISTS (SELECT 1 FROM u WHERE {self.on('t', 'u')}) AND {self.where('t')}",
            f"SELECT sum(x.n), count(x.n), sum(x.id) FROM (SELECT t.id, (SELECT {self.rnd.choice(['count(*)', 'sum(u.m)', 'max(u.id)'])} FROM u WHERE u.k = t.k AND {self.where('u')}) AS n FROM t WHERE {self.where('t')}) x",
        ])

    def group(self):
        key = self.rnd.choice(["t.k", "t.s", "t.k, t.g", "t.g, t.s", "t.d, t.g", "t.id % 30000", "t.g"])
        totals = [self.total("t") for _ in range(self.rnd.randint(1, 4))]
        columns = ", ".join(f"{e} AS c{i}" for i, e in enumerate(totals))
        outer = ", ".join(f"count(x.c{i}), min(x.c{i}), max(x.c{i})" for i in range(len(totals)))
        inner = f"SELECT {columns} FROM t WHERE {self.where('t')} GROUP BY {key} {self.rnd.choice(['', '', f'HAVING count(*) > {self.rnd.randint(1, 3)}'])}"
        return f"SELECT count(*), {outer} FROM ({inner}) x"

    def rollup(self):
        return f"SELECT count(*), sum(x.n), sum(x.h), min(x.c), max(x.c) FROM (SELECT GROUPING(t.s) + 2 * GROUPING(t.g) AS h, count(*) AS n, {self.total('t')} AS c FROM t WHERE {self.where('t')} GROUP BY ROLLUP (t.g, t.s)) x"

    def concat(self):
        return "SELECT count(*), min(md5(x.c)), max(md5(x.c)), sum(char_length(x.c)) FROM (SELECT " \
            f"GROUP_CONCAT({self.rnd.choice(['t.id', 't.j', 't.s'])} ORDER BY {self.rnd.choice(['t.id', 't.at, t.id', 't.s, t.id DESC', 't.j DESC, t.id'])} SEPARATOR ',') AS c FROM t WHERE {self.where('t')} AND t.id IS NOT NULL GROUP BY {self.rnd.choice(['t.k', 't.g', 't.d'])}) x"

    def order(self):
        keys = ", ".join(f"t.{c} {self.rnd.choice(['', 'DESC'])}" for c in self.rnd.sample(["s", "d", "j", "g", "k", "m"], 3))
        return f"SELECT t.id, t.s, t.m FROM t WHERE {self.where('t')} ORDER BY {keys}, t.id LIMIT {self.rnd.choice([10, 1000])} OFFSET {self.rnd.choice([0, 500, 15000, 50000])}"

    def distinct(self):
        columns = self.rnd.choice(["k, s", "s", "g, j, d", "k, j", "d, s, g"])
        first = columns.split(", ")[0]
        return f"SELECT count(*), count(x.{first}), min(x.{first}), max(x.{first}) FROM (SELECT DISTINCT {columns} FROM {self.rnd.choice('tu')} q WHERE {self.where('q')}) x"

    def union(self):
        columns = self.rnd.choice(["k, g", "s", "g, j", "k", "d, j"])
        first = columns.split(", ")[0]
        do = self.rnd.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        return f"SELECT count(*), count(x.{first}), min(x.{first}), max(x.{first}) FROM (SELECT {columns} FROM t WHERE {self.where('t')} {do} SELECT {columns} FROM u WHERE {self.where('u')}) x"

    def window(self):
        pick = self.rnd.choice
        calls = []
        for i in range(self.rnd.randint(1, 3)):
            part = pick(["", "PARTITION BY t.k ", "PARTITION BY t.g ", "PARTITION BY t.s ", "PARTITION BY t.d, t.g "])
            order = pick(["t.id", "t.at, t.id", "t.s, t.id DESC", "t.j DESC, t.id"])
            call, frame = pick(["row_number()", "lag(t.j, 2)", "lead(t.id)", "sum(t.m)", "count(t.j)", "max(t.s)", "first_value(t.id)", "last_value(t.j)", "ntile(7)", "min(t.j)"]), ""
            if "(t." in call and not call.startswith("l") or call.startswith("last"):
                frame = pick(["", "ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "ROWS BETWEEN 2 FOLLOWING AND 5 FOLLOWING",
                              "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"])
            if self.rnd.random() < 0.2:
                call, order, frame = pick(["rank()", "dense_rank()", "sum(t.m)", "count(*)"]), pick(["t.d", "t.j", "t.s"]), ""
            calls.append(f"{call} OVER ({part}ORDER BY {order} {frame}) AS c{i}")
        outer = ", ".join(f"count(x.c{i}), min(x.c{i}), max(x.c{i})" for i in range(len(calls)))
        sums = ", ".join(f"sum(x.id % 1000 * x.c{i})" for i, c in enumerate(calls) if "t.s)" not in c.split(" OVER")[0])
        return f"SELECT count(*), {outer}{', ' + sums if sums else ''} FROM (SELECT t.id, {', '.join(calls)} FROM t WHERE {self.where('t')}) x"

    def asof(self):
        a, b = self.rnd.sample("tu", 2)
        kind, key, cmp = self.rnd.choice(["ASOF JOIN", "ASOF LEFT JOIN"]), self.rnd.choice(["k", "g", "s"]), self.rnd.choice([">", ">="])
        left = self.rnd.choice([a, f"(SELECT * FROM {a} q WHERE {self.where('q')})"])
        return f"SELECT count(*), sum({a}.id), sum({b}.id), sum({a}.id % 1000 * {b}.id), max({b}.s), sum({b}.m) FROM {left} {a} {kind} {b} ON {a}.{key} = {b}.{key} AND {a}.at {cmp} {b}.at"

    def loop(self):
        kind = self.rnd.choice(["JOIN", "LEFT JOIN"])
        return f"SELECT count(*), sum(t.id), sum(u.id) FROM (SELECT * FROM t WHERE t.id % 997 = 3) t {kind} u ON {self.rnd.choice(['t.m < u.m AND u.g = 3', 't.d > u.d AND t.j = u.j + 1', 't.k + u.k = 500'])}"

    def twice(self):
        return f"WITH c AS (SELECT t.k AS k, count(*) AS n, max(t.s) AS s FROM t WHERE {self.where('t')} GROUP BY t.k) SELECT count(*), sum(x.n), sum(y.n), max(x.s) FROM c x {self.rnd.choice(['JOIN', 'LEFT JOIN'])} c y ON x.k = y.k + 1 WHERE x.n > (SELECT min(c.n) FROM c)"

    def query(self):
        return self.rnd.choice([self.join, self.join, self.joins, self.semi, self.group, self.group, self.rollup, self.concat, self.order, self.distinct, self.union, self.window, self.window, self.asof,
                                self.loop, self.twice])()


def duck(q):
    q = q.replace("GROUP_CONCAT", "string_agg").replace(" SEPARATOR ','", "").replace("char_length", "length")
    if "string_agg(" in q:
        head, rest = q.split("string_agg(", 1)
        arg, rest = rest.split(" ORDER BY ", 1)
        q = f"{head}string_agg({arg}::VARCHAR, ',' ORDER BY {rest}"
    return q


def comparable(rows, ordered):
    plain = lambda v: v if v is None else str(decimal.Decimal(v).normalize()) if isinstance(v, (int, decimal.Decimal)) else str(v)
    out = [[plain(v) for v in r] for r in rows]
    return out if ordered else sorted(out, key=str)


@pytest.mark.parametrize("streams", [1, 3])
def test_random_budgets(tmp_path, streams):
    seed = int(os.environ.get("FEATURESQL_SEED", random.randrange(1 << 32)))
    print("FEATURESQL_SEED =", seed)
    g, peer = Queries(seed + streams), duckdb.connect()
    peer.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'; SET TimeZone = 'UTC'")  # MySQL's
    warehouse = tmp_path / "warehouse"
    for table in "tu":
        peer.execute(f"CREATE TABLE {table} AS {g.select(table)}")
        deltalake.write_deltalake(str(warehouse / "spill" / table), peer.execute(f"SELECT * FROM {table}").to_arrow_table())
    server = conftest.Server(warehouse, 0, "--workers", str(streams))
    answered, full = 0, []
    try:
        c = server.connect("spill")
        with c.cursor() as cur:
            cur.execute("SET group_concat_max_len = 100000000, time_zone = '+00:00'")
            for _ in range(int(os.environ.get("FEATURESQL_QUERIES", "60"))):
                q = g.query()
                want = comparable(peer.execute(duck(q)).fetchall(), " LIMIT " in q)
                budget = g.rnd.choice([1, 2, 3, 4, 8, 1000]) << 20
                cur.execute(f"SET featuresql_query_memory = {budget}")
                try:
                    cur.execute(q)
                except pymysql.err.OperationalError as e:
                    assert e.args[0] == 1038 and budget < 1 << 29, f"seed {seed}, {budget >> 20} MiB: {q}: {e}"
                    full.append((budget >> 20, q, e.args[1]))
                    continue
                assert comparable(cur.fetchall(), " LIMIT " in q) == want, f"seed {seed}, {budget >> 20} MiB: {q}"
                answered += 1
        c.close()
    finally:
        server.stop()
    for f in full:
        print(*f)
    assert answered > 2 * len(full)
