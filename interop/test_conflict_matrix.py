"""Delta's own conflict checker decides the schedules of txn/testdata/matrix.td: the same verdict and the same kind of conflict, but for what is
listed here. Spark without extensions knows the isolation level Serializable alone.

FEATURESQL_MATRIX=all compares every pair of operations; by default one in six."""

import json
import os
import pathlib
import re
import shutil
import zlib

import pytest

MATRIX = pathlib.Path(__file__).parent.parent / "txn" / "testdata" / "matrix.td"

# Where featuresql decides otherwise, and why: (mine, other) to (featuresql's verdict, Delta's).
OPERATIONS = ("append", "read-append", "delete", "update", "merge", "compaction", "metadata", "set-transaction")
DIFFERENT = {
    # A new protocol ends every transaction that it overtakes. Delta's goes on if it can write the new one.
    **{(mine, "protocol"): ("ProtocolChanged", "commits") for mine in OPERATIONS},
    # Rows that a compaction moved are what they were, so who only read them may commit, and who changes them meets the removed file
    # rather than the rows.
    ("read-append", "compaction"): ("commits", "ConcurrentAppend"),
    **{(mine, "compaction"): ("ConcurrentDeleteDelete", "ConcurrentAppend") for mine in ("delete", "update", "merge")},
    ("compaction", "compaction"): ("ConcurrentDeleteDelete", "ConcurrentDeleteRead"),
}


def parse():
    """The steps of each operation, and the verdicts under Serializable by (mine, other)."""
    text = MATRIX.read_text()
    operations = {m[1]: [line.split() for line in m[2].strip().splitlines()] for m in re.finditer(r"^operation (\S+)\n(.*?)^----", text, re.M | re.S)}
    serializable = text[text.index("matrix delta.isolationLevel=Serializable"):]
    verdicts = {(m[1], m[2]): m[3] for m in re.finditer(r"^(\S+) +after (\S+): +(\S+)$", serializable, re.M)}
    assert len(operations) >= 9 and len(verdicts) == len(operations) ** 2
    return operations, verdicts


class Delta:
    """Delta's OptimisticTransaction, through Spark's gateway."""

    def __init__(self, spark, path):
        self.spark, self.jvm = spark, spark._jvm
        self.log = self.jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)
        loader = self.log.getClass().getClassLoader()
        self.actions, self.manual = (loader.loadClass("org.apache.spark.sql.delta." + name).getField("MODULE$").get(None)
                                     for name in ("actions.Action$", "DeltaOperations$ManualUpdate$"))

    def seq(self, items):
        out = self.jvm.java.util.ArrayList()
        for i in items:
            out.add(i)
        return self.jvm.PythonUtils.toSeq(out)

    def action(self, kind, **fields):
        return self.actions.fromJson(json.dumps({kind: fields}))

    def add(self, name, part, ids, change=True):
        low, high = map(int, ids.split(".."))
        stats = {"numRecords": high - low + 1, "minValues": {"id": low}, "maxValues": {"id": high}, "nullCount": {"id": 0}}
        return self.action("add", path=name, partitionValues={"part": part}, size=10, modificationTime=1, dataChange=change, stats=json.dumps(stats))

    def begin(self, steps, me):
        """A transaction that read what the steps say, and the actions that it is to commit."""
        txn, actions = self.log.startTransaction(), []
        files = {f.path(): f for f in txn.snapshot().allFiles().collectAsList()}
        for verb, *args in steps:
            args = [a.replace("NEW", me) for a in args]
            change = args[-1:] != ["move"]
            if verb == "read":
                txn.filterFiles(self.seq([self.spark._jsparkSession.sessionState().sqlParser().parseExpression(f"{args[0]} {args[1]} '{args[2]}'")]), False)
            elif verb == "read-file":
                txn.trackFilesRead(self.seq([files[args[3]]]))
            elif verb == "add":
                actions.append(self.add(args[0], args[1], args[2], change))
            elif verb == "remove":
                actions.append(self.action("remove", path=args[0], deletionTimestamp=1, dataChange=change, extendedFileMetadata=True, partitionValues={"part": args[0][0]}, size=10))
            elif verb == "metadata":
                m = json.loads(txn.metadata().json())["metaData"]
                m["configuration"][args[0]] = args[1]
                txn.updateMetadata(self.action("metaData", **m), False)
            elif verb == "protocol":
                actions.append(self.action("protocol", minReaderVersion=1, minWriterVersion=4))
            elif verb == "read-app":
                txn.txnVersion(args[0])
            elif verb == "app":
                actions.append(self.action("txn", appId=args[0], version=7, lastUpdated=1))
            else:
                raise ValueError(verb)
        return txn, actions

    def commit(self, txn, actions):
        txn.commit(self.seq(actions), self.manual)


@pytest.fixture(scope="module")
def base(spark, tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "base"
    spark.sql(f"CREATE TABLE delta.`{path}` (id BIGINT, part STRING) USING delta PARTITIONED BY (part) TBLPROPERTIES ('delta.isolationLevel' = 'Serializable')")
    d = Delta(spark, str(path))
    d.commit(d.log.startTransaction(), [d.add("a0", "a", "0..9"), d.add("a1", "a", "10..19"), d.add("b0", "b", "0..9")])
    return path


def verdict(spark, path, mine, other):
    """What Delta says to mine when other, begun on the same version, has won."""
    d = Delta(spark, str(path))
    loser, winner = d.begin(mine, "mine"), d.begin(other, "other")
    d.commit(*winner)
    try:
        d.commit(*loser)
        return "commits"
    except Exception as e:  # noqa: BLE001 - PySpark wraps some of Delta's exceptions and not others
        kind = re.search(r"\b(Concurrent\w+|MetadataChanged|ProtocolChanged)Exception", str(e))
        assert kind, f"{type(e)}: {e}"
        return kind[1]


def test_conflict_matrix(spark, base, tmp_path):
    operations, verdicts = parse()
    wrong, compared = [], 0
    for (mine, other), ours in verdicts.items():
        if os.environ.get("FEATURESQL_MATRIX") != "all" and zlib.crc32(f"{mine} {other}".encode()) % 6:
            continue
        path = tmp_path / f"{mine}-{other}"
        shutil.copytree(base, path)
        delta = verdict(spark, path, operations[mine], operations[other])
        compared += 1
        if (ours, delta) != DIFFERENT.get((mine, other), (ours, ours)):
            wrong.append(f"{mine} after {other}: featuresql {ours}, Delta {delta}")
    print(f"{compared} pairs compared")
    assert compared >= 10
    assert not wrong, "\n".join(wrong)
