"""Random statements on tables with a declared key do on featuresql what they do on MariaDB: the same rows afterwards, the same number of
affected rows, or the same error.

FEATURESQL_KEYED=N runs N statements a table (by default 60), FEATURESQL_KEYED_SEED begins with another seed."""

import os
import random

import pymysql
import pytest

from test_mariadb import MODE, mariadb  # noqa: F401 - a fixture

STATEMENTS = int(os.environ.get("FEATURESQL_KEYED", "60"))
SEED = int(os.environ.get("FEATURESQL_KEYED_SEED", "1"))
NUMBERS = 200_000  # more rows than a statement holds at once
COLUMNS = ["k", "h", "a", "b", "s", "d"]
TYPES = "k BIGINT NOT NULL, h VARCHAR(10) NOT NULL, a INT, b DECIMAL(12,2), s VARCHAR(200), d DATE"


class Twins:
    """The same table in both engines."""

    def __init__(self, rng, mine, theirs, name):
        self.rng, self.name, self.engines = rng, name, (mine, theirs)
        self.key = rng.choice(["k", "k", "k, h", "h, k"])
        self.run(f"CREATE TABLE {name} ({TYPES}, PRIMARY KEY ({self.key}))")

    def value(self, c):
        r = self.rng
        if c not in "kh" and r.random() < 0.1:
            return "NULL"
        return {"k": lambda: str(r.randint(1, 30)), "h": lambda: "'" + r.choice(["x", "y", ""]) + "'", "a": lambda: str(r.randint(-9, 9)),
                "b": lambda: f"{r.randint(-500, 500) / 100:.2f}", "s": lambda: "'" + r.choice(["", "p", "q", "pq"]) + "'",
                "d": lambda: f"'2026-0{r.randint(1, 3)}-1{r.randint(0, 9)}'"}[c]()

    def rows(self, n):
        return ", ".join("(" + ", ".join(self.value(c) for c in COLUMNS) + ")" for _ in range(n))

    def condition(self):
        r = self.rng
        c = r.choice(COLUMNS)
        return r.choice([f"{c} {r.choice(['=', '<>', '<', '>=', '<=>'])} {self.value(c)}", f"{c} IS {r.choice(['', 'NOT '])}NULL", f"k BETWEEN {r.randint(1, 15)} AND {r.randint(10, 30)}",
                         f"k - NULL > 0 OR a > {self.value('a')}", f"k IN (SELECT n FROM numbers WHERE n < {r.randint(1, 30)})", f"k % {r.randint(2, 4)} = 0"])

    def source(self):
        """A query of many rows in a given order, with repeated keys or without."""
        r = self.rng
        n = r.choice([5, 50, 2000, 70_000, NUMBERS])
        key = r.choice(["n", f"{NUMBERS} - n", f"n * 7919 % {r.choice([11, 1009, 100_003])}", f"n DIV {r.choice([2, 100])}", "n + 15"])
        return f"SELECT {key}, {r.choice(['''CASE n % 2 WHEN 0 THEN 'x' ELSE 'y' END''', repr('x')])}, n % 17, n % 1000 / 4, CASE WHEN n % 5 = 0 THEN NULL ELSE CAST(n % 3 AS CHAR) END, '2026-01-01' FROM numbers WHERE n <= {n} ORDER BY n"

    def assignments(self):
        """Of an upsert."""
        r = self.rng
        options = ["a = a + VALUES(a)", "a = VALUES(a)", "b = b + 1.25", "b = COALESCE(VALUES(b), b)", "s = VALUES(s)", "s = CONCAT(LEFT(COALESCE(s, ''), 20), '+')", "d = VALUES(d)", "a = 5",
                   "s = CASE WHEN VALUES(a) > a THEN VALUES(s) ELSE s END"]
        picked = {o.split(" ")[0]: o for o in r.sample(options, r.randint(1, 3))}
        return ", ".join(picked.values())

    def updates(self):
        r = self.rng
        options = ["a = a + 1", "a = NULL", "b = b * 2", "s = 'upd'", "s = CONCAT(h, LEFT(COALESCE(s, ''), 50))", "d = '2026-05-05'"]
        return ", ".join({o.split(" ")[0]: o for o in r.sample(options, r.randint(1, 2))}.values())

    def statement(self):
        r, t = self.rng, self.name
        many = r.random() < 0.2
        rows = self.source() if many else "VALUES " + self.rows(r.choice([1, 1, 2, 5, 40]))
        kind = r.choices(["insert", "ignore", "replace", "upsert", "update", "move", "delete", "truncate"], [4, 3, 3, 5, 3, 1, 3, 0.3])[0]
        return {"insert": lambda: f"INSERT INTO {t} {rows}", "ignore": lambda: f"INSERT IGNORE INTO {t} {rows}", "replace": lambda: f"REPLACE INTO {t} {rows}",
                "upsert": lambda: f"INSERT INTO {t} {rows} ON DUPLICATE KEY UPDATE {self.assignments()}", "update": lambda: f"UPDATE {t} SET {self.updates()} WHERE {self.condition()}",
                "move": lambda: f"UPDATE {t} SET k = k + 500000, a = a - 1 WHERE k < 500000 AND ({self.condition()})",
                "delete": lambda: f"DELETE FROM {t} WHERE {self.condition()}", "truncate": lambda: f"DELETE FROM {t}"}[kind]()

    def run(self, text):
        """Runs the statement in both engines: what each says of it, an error's number or the count of affected rows, is the same."""
        said = []
        for c in self.engines:
            with c.cursor() as cur:
                try:
                    said.append(cur.execute(text))
                except pymysql.MySQLError as e:
                    said.append(f"error {e.args[0]}")
        assert said[0] == said[1], f"key ({self.key}): {text}: {said[0]} on featuresql, {said[1]} on MariaDB"
        return said[0]

    def same(self, text):
        sums = []
        for c in self.engines:
            with c.cursor() as cur:
                row = "CONCAT_WS('|', k, h, COALESCE(a, '~'), COALESCE(b, '~'), COALESCE(s, '~'), COALESCE(d, '~'))"
                cur.execute(f"SELECT COUNT(*), SUM(CRC32({row})), SUM(CRC32(CONCAT('2', {row}))) FROM {self.name}")
                sums.append(cur.fetchall())
        if sums[0] == sums[1]:
            return
        got = []
        for c in self.engines:
            with c.cursor() as cur:
                cur.execute(f"SELECT k, h, a, b, s, d FROM {self.name} ORDER BY k, h")
                got.append(cur.fetchall())
        wrong = [pair for pair in zip(*got) if pair[0] != pair[1]][:3]
        raise AssertionError(f"key ({self.key}): {text}: {len(got[0])} rows on featuresql, {len(got[1])} on MariaDB, first different: {wrong}")


@pytest.fixture(scope="module")
def engines(server, mariadb):  # noqa: F811
    mine, theirs = server.connect(conv={}), mariadb.connect()
    for c in (mine, theirs):
        with c.cursor() as cur:
            cur.execute(f"SET sql_mode = '{MODE}'" if c is theirs else "SET SESSION cte_max_recursion_depth = 1000000")
            cur.execute("CREATE TABLE digits (i INT)")
            cur.execute("INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
            cur.execute("CREATE TABLE numbers (n BIGINT PRIMARY KEY)")
            cur.execute("INSERT INTO numbers SELECT 1 + a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i + 100000 * f.i "
                        "FROM digits a, digits b, digits c, digits d, digits e, digits f WHERE f.i < 2")
    yield mine, theirs
    for c in (mine, theirs):
        with c.cursor() as cur:
            cur.execute("DROP TABLE numbers")
            cur.execute("DROP TABLE digits")
        c.close()


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_random_statements(engines, seed):
    twins = Twins(random.Random(seed), *engines, f"keyed_{seed}")
    for _ in range(STATEMENTS):
        text = twins.statement()
        twins.run(text)
        twins.same(text)
