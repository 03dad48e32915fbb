"""Random statements that change rows, MERGE with every clause above all, do to a table of featuresql what Spark does to a twin of it:
after each of them the rows are the same, or both engines refused it.

FEATURESQL_MERGES=N runs N statements a table (by default 6), FEATURESQL_MERGE_SEED begins with another seed."""

import os
import random

import pymysql
import pytest

from conftest import featuresql_rows, spark_rows

STATEMENTS = int(os.environ.get("FEATURESQL_MERGES", "6"))
SEED = int(os.environ.get("FEATURESQL_MERGE_SEED", "1"))
COLUMNS = [("k", "BIGINT"), ("g", "INT"), ("a", "INT"), ("b", "DECIMAL(10,2)"), ("s", "STRING"), ("d", "DATE")]
NAMES = [n for n, _ in COLUMNS]
PROPERTIES = ["", "'delta.enableDeletionVectors'='true'", "'delta.enableChangeDataFeed'='true'",
              "'delta.columnMapping.mode'='name', 'delta.enableDeletionVectors'='true'"]


class SparkFailed(Exception):
    """Spark's plan of a MERGE with a condition that is always NULL may lose rows of which it has to make something, and says so. And where
    there is a clause for rows that do not match, it refuses several source rows of one key even if no clause takes them."""


class Twins:
    """A table of featuresql, its twin in Spark, and a source that both have."""

    def __init__(self, rng, server, spark, folder, name):
        self.rng, self.server, self.spark, self.name = rng, server, spark, name
        partitioned = " PARTITIONED BY (g)" if rng.random() < 0.5 else ""
        properties = rng.choice(PROPERTIES)
        suffix = f"{partitioned}" + (f" TBLPROPERTIES ({properties})" if properties else "")
        mine = ", ".join(f"{n} {t.replace('STRING', 'VARCHAR(100)')}" for n, t in COLUMNS)
        theirs = ", ".join(f"{n} {t}" for n, t in COLUMNS)
        self.twin = f"delta.`{folder}/{name}`"
        server.rows(f"CREATE TABLE {name} ({mine}){suffix}")
        server.rows(f"CREATE TABLE {name}_s ({mine})")
        spark.sql(f"CREATE TABLE {self.twin} ({theirs}) USING delta{suffix}")
        self.shape = f"{suffix or ' plain'}"
        for _ in range(2):
            values = self.values(rng.randint(3, 12), distinct=True)
            self.both(f"INSERT INTO {{t}} VALUES {values}")

    def value(self, name):
        r = self.rng
        if r.random() < 0.12:
            return "NULL"
        return {"k": lambda: str(r.randint(0, 20)), "g": lambda: str(r.randint(0, 3)), "a": lambda: str(r.randint(-5, 5)),
                "b": lambda: f"{r.randint(-500, 500) / 100:.2f}", "s": lambda: "'" + r.choice(["", "x", "xy", "yz", "long text", "ü"]) + "'",
                "d": lambda: f"DATE '2026-0{r.randint(1, 3)}-0{r.randint(1, 9)}'"}[name]()

    def values(self, n, distinct=False):
        keys = self.rng.sample(range(21), n) if distinct else [None] * n
        rows = [[str(key) if c == "k" and key is not None else self.value(c) for c in NAMES] for key in keys]
        return ", ".join("(" + ", ".join(row) + ")" for row in rows)

    def condition(self, sides, deep=2):
        r = self.rng
        side = r.choice(sides)
        if deep and r.random() < 0.35:
            a, b = self.condition(sides, deep - 1), self.condition(sides, deep - 1)
            return r.choice([f"({a} AND {b})", f"({a} OR {b})", f"NOT ({a})"])
        c = r.choice(NAMES)
        other = r.choice(sides)
        return r.choice([
            lambda: f"{side}.{c} {r.choice(['=', '<>', '<', '<=', '>', '>=', '<=>'])} {self.value(c)}",
            lambda: f"{side}.{c} {r.choice(['=', '<>', '<', '>='])} {other}.{c}",
            lambda: f"{side}.{c} IS {r.choice(['', 'NOT '])}NULL",
            lambda: f"{side}.a + {other}.k {r.choice(['<', '>'])} {r.randint(0, 20)}",
            lambda: f"{side}.k - NULL > 0",
            lambda: f"{side}.a IN ({self.value('a')}, {self.value('a')})",
            lambda: f"{side}.k BETWEEN {self.value('k')} AND {self.value('k')}",
            lambda: f"{side}.s LIKE '{r.choice(['x%', '%y', '_', '%'])}'",
        ])()

    def expression(self, name, sides):
        r = self.rng
        side = r.choice(sides)
        general = [lambda: self.value(name), lambda: f"{side}.{name}", lambda: f"{side}.{name}",
                   lambda: f"CASE WHEN {self.condition(sides, 1)} THEN {side}.{name} ELSE {self.value(name)} END",
                   lambda: f"COALESCE({side}.{name}, {self.value(name)})"]
        own = {"k": lambda: f"{side}.k + {r.randint(0, 2)}", "a": lambda: f"{side}.a * 2 - {r.choice(sides)}.g", "b": lambda: f"{side}.b + 0.25",
               "s": lambda: f"CONCAT({side}.s, '{r.choice(['', '!'])}')", "g": lambda: f"{side}.g"}
        if name in own:
            general.append(own[name])
        return r.choice(general)()

    def assignments(self, sides):
        return ", ".join(f"{c} = {self.expression(c, sides)}" for c in sorted(self.rng.sample(NAMES, self.rng.randint(1, 3))))

    def clauses(self):
        r, out = self.rng, []
        kinds = sorted(r.choices(["matched", "new", "gone"], [4, 3, 2], k=r.randint(1, 5)), key=["matched", "new", "gone"].index)
        for i, kind in enumerate(kinds):
            sides = {"matched": ["t", "s"], "new": ["s"], "gone": ["t"]}[kind]
            last = i + 1 == len(kinds) or kinds[i + 1] != kind
            test = "" if last and r.random() < 0.6 else f" AND {self.condition(sides)}"
            if not last and not test:
                test = f" AND {self.condition(sides)}"
            if kind == "new":
                some = ["k"] + sorted(r.sample(NAMES[1:], r.randint(1, 5)))
                act = r.choice(["INSERT *", f"INSERT ({', '.join(some)}) VALUES ({', '.join(self.expression(c, sides) for c in some)})"])
                by = r.choice(["", " BY TARGET"])
                out.append(f"WHEN NOT MATCHED{by}{test} THEN {act}")
            else:
                acts = ["DELETE", f"UPDATE SET {self.assignments(sides)}"] + (["UPDATE SET *"] if kind == "matched" else [])
                head = "WHEN MATCHED" if kind == "matched" else "WHEN NOT MATCHED BY SOURCE"
                out.append(f"{head}{test} THEN {r.choice(acts)}")
        return " ".join(out)

    def merge(self):
        r = self.rng
        rows = self.values(r.randint(1, 10), distinct=r.random() < 0.8)
        self.server.rows(f"TRUNCATE TABLE {self.name}_s")
        self.server.rows(f"INSERT INTO {self.name}_s VALUES {rows}")
        types = ", ".join(f"CAST({n} AS {t}) AS {n}" for n, t in COLUMNS)
        self.spark.sql(f"CREATE OR REPLACE TEMP VIEW {self.name}_s AS SELECT {types} FROM VALUES {rows} AS v({', '.join(NAMES)})")
        on = r.choice(["t.k = s.k", "t.k = s.k", "s.k = t.k AND t.g = s.g", "t.k <=> s.k", f"t.k = s.k AND {self.condition(['t', 's'], 1)}"])
        where = r.choice(["", f" WHERE {self.condition(['q'], 1)}"])
        return f"MERGE INTO {{t}} t USING (SELECT * FROM {self.name}_s q{where}) s ON {on} {self.clauses()}"

    def statement(self):
        r = self.rng
        kind = r.choices(["merge", "update", "delete", "insert"], [7, 2, 1, 1])[0]
        if kind == "merge":
            return self.merge()
        if kind == "insert":
            return f"INSERT INTO {{t}} VALUES {self.values(r.randint(1, 5))}"
        if kind == "delete":
            return f"DELETE FROM {{t}} t WHERE {self.condition(['t'])}"
        c = r.choice(NAMES)  # one: a later assignment of MySQL's UPDATE reads what an earlier one has set
        return f"UPDATE {{t}} t SET {c} = {self.expression(c, ['t'])} WHERE {self.condition(['t'])}"

    def both(self, text):
        """Runs the statement in both engines: the rows are the same afterwards, or both refused."""
        refused = []
        try:
            self.server.rows(text.replace("{t}", self.name))
        except pymysql.MySQLError as e:
            refused.append(f"featuresql: {e}")
        try:
            self.spark.sql(text.replace("{t}", self.twin))
        except Exception as e:  # noqa: BLE001 - Py4J wraps Delta's exceptions
            if "did not match any merge clause" in str(e) or "MULTIPLE_SOURCE_ROW" in str(e) and "NOT MATCHED" in text and "WHEN MATCHED THEN" not in text and not refused:
                raise SparkFailed from e
            refused.append(f"Spark: {str(e)[:300]}")
        assert len(refused) != 1, f"{self.shape}: {text}: only one refused: {refused}"
        mine, theirs = featuresql_rows(self.server, self.name), spark_rows(self.spark.table(self.twin))
        assert mine == theirs, f"{self.shape}: {text}"
        return not refused


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_random_statements(server, spark, tmp_path, seed):
    rng = random.Random(seed)
    twins = Twins(rng, server, spark, tmp_path, f"merge_spark_{seed}")
    done = 0
    for _ in range(STATEMENTS):
        try:
            done += twins.both(twins.statement())
        except SparkFailed:
            return
    assert done > STATEMENTS // 3, "most statements are to be such as the engines carry out"
